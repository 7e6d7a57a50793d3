"""The wording of texts: the retired words of `data/retired_words.toml`, and where people's and developers' texts stand."""

import argparse
import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polib

import texts
from remit.cli.main import make_parser
from remit.domain.errors import MEANINGS

DATA = Path(__file__).parent / "data" / "retired_words.toml"
PACKS = texts.SOURCE / "packs"
CODES = "domain/errors.py"
_CODE = re.compile(r"`[^`]*`|\{[^{}]*\}|<[^<>]*>|\[[a-z.\[\]]+\]|\bremit desk\b|\b[a-z_]+(?:\.[a-z_]+)+\b|\b[\w.-]+\.example\S*")
"""What is no prose: code, placeholders, tags, tables and keys of settings, commands, file names, example hosts."""
_CURES = {"cure", "public", "public_cure"}
_OF_CLIENTS = {"client", "sandbox"}
"""Programs of developers, whose own words for a desk are part of their interface."""


@dataclass(frozen=True)
class Said:
    """A text, where it stands, its readers (people, agents or operators) and its language."""

    text: str
    place: str
    readers: str = "people"
    language: str = "english"


def retired_words() -> dict[str, Any]:
    """The lists of retired words, and the names that are written with capitals."""
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


def retired_in(said: Said, words: dict[str, Any]) -> list[str]:
    """The names of the retired words that a text uses."""
    prose = _CODE.sub("…", said.text)
    return [
        one["name"]
        for one in words[said.language]
        if said.readers in one.get("readers", (said.readers,)) and re.search(one["pattern"], prose, re.IGNORECASE)
    ]


def every_text() -> Iterator[Said]:
    """Every text people or developers are told: the catalogues of texts, codes and cures, packs, and the help of commands."""
    yield from catalogue_texts()
    yield from _cures()
    yield from _packs()
    yield from _helps()


def catalogue_texts() -> Iterator[Said]:
    """The texts of pages, mails and scripts, in each language there is."""
    for entry in polib.pofile(str(texts.TEMPLATE)):
        for text in filter(None, (entry.msgid, entry.msgid_plural)):
            yield Said(text, entry.occurrences[0][0], _readers(entry))
    for entry in polib.pofile(str(texts.FOLDER / "de.po")):
        for text in filter(None, (entry.msgstr, *entry.msgstr_plural.values())):
            yield Said(text, f"de.po: {entry.msgid}", _readers(entry), "german")


def _readers(entry: polib.POEntry) -> str:
    """Titles of codes are agents' texts, too."""
    return "people" if any(place != CODES for place, _ in entry.occurrences) else "agents"


def _cures() -> Iterator[Said]:
    """The codes' own words, and every `cure`, `public` and `public_cure` that is written out where it is raised."""
    for code, meaning in MEANINGS.items():
        yield Said(meaning.title, code.value, "agents")
        yield Said(meaning.cure, code.value, "agents")
    for file in sorted(texts.SOURCE.rglob("*.py")):
        name = file.relative_to(texts.SOURCE).as_posix()
        if name.partition("/")[0] not in _OF_CLIENTS:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            yield from (Said(text, name, "operators" if member == "cure" else "agents") for member, text in _given(tree))


def _given(tree: ast.Module) -> Iterator[tuple[str, str]]:
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                named.setdefault(target.id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in _CURES:
            yield from ((node.arg, text) for text in _written(node.value, named))


def _written(value: ast.expr, named: dict[str, list[ast.expr]]) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=pieces):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in pieces)
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
            yield from (*_written(one, named), *_written(other, named))
        case ast.Name(id=name):
            yield from (text for one in named.pop(name, ()) for text in _written(one, named))


def _packs() -> Iterator[Said]:
    """The titles, short titles, nouns and reasons of the starter packs."""
    for file in sorted(PACKS.glob("*/catalogue*.toml")):
        name = file.relative_to(texts.SOURCE).as_posix()
        for path, text in _leaves(tomllib.loads(file.read_text(encoding="utf-8"))):
            if path[0] == "language":
                yield Said(text, f"{name}: {'.'.join(path)}", language="german")
            elif {"title", "short", "reason", "counted"} & set(path[-2:]):
                yield Said(text, f"{name}: {'.'.join(path)}")


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(one, (*path, key))
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, path)


def _helps() -> Iterator[Said]:
    """The help of every command and option."""
    yield from (Said(text, command, "operators") for command, text in _help_of(make_parser(["--help"])))


def _help_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    yield from ((parser.prog, text) for text in (parser.description, parser.epilog) if text)
    for action in parser._actions:  # argparse shows its options in no other way
        if action.help and action.help != argparse.SUPPRESS:
            yield f"{parser.prog} {'/'.join(action.option_strings) or action.dest}", action.help
        if isinstance(action, argparse._SubParsersAction):
            yield from ((f"{parser.prog} {one.dest}", one.help) for one in action._choices_actions if one.help)
            for one in action.choices.values():
                yield from _help_of(one)
