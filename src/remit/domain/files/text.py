"""Text files: their kind, their redacted form, and the check that they give no orders to the desk."""

import csv
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from remit.domain.files.detect import FileHeld, FileKind, HoldReason, claims_one_of, decode_text, verify_media_type
from remit.domain.files.json import json_kind, scrub_json
from remit.domain.files.mail import looks_like_mail, scrub_mail
from remit.domain.files.scrub import FileScrubber
from remit.domain.secrets.kinds import first_letters_pattern
from remit.domain.secrets.own_credentials import flatten_text
from remit.domain.structs import struct
from remit.domain.text.normalize import fold_text
from remit.domain.words.vocabulary import FORGET, KEEP_OUT, NEW_ROLE, Vocabulary

_JSON: Final = frozenset({FileKind.HAR, FileKind.JSON, FileKind.NDJSON})
_TABLE_NAMES: Final = (".csv", ".tsv")
_TABLE_TYPES: Final = frozenset({"text/csv", "application/csv"})
_DELIMITERS: Final = (",", ";", "\t", "|")
_MAX_CELLS: Final = 500
"""Cells of a row: longer rows are no table for people."""
_FORMULA: Final = re.compile(r"\s*[=+\-@\t\r]")
_PLAIN_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.,:/-]*%?")
NO_PLACE: Final = (FORGET, NEW_ROLE, KEEP_OUT)
"""Orders (of a vocabulary) that no file has a reason to give."""
_FIRST_WORDS: Final = (
    "accept|act |admin mode|already |answer |approve|authori|behave |bypass|close|complete|confirm|consider|dan mode|debug mode|developer mode|disregard"
    "|do|execute|flag|forget|from now on|god mode|grant|handle|has been |ignor|issue|jailbreak mode|mark|neglect|never|new |no need to|overrid|pay|pre"
    "|process|proceed|refund|release|respond |role-play |roleplay |set|skip|speak |stop following|sudo mode|treat|without|you are "
)
ORDERS_BEGIN: Final = tuple(_FIRST_WORDS.split("|"))
"""Beginnings of the first words of these orders."""
_BEGINS: Final = re.compile(
    rf"[^a-z0-9_](?=[{''.join(sorted({word[0] for word in ORDERS_BEGIN}))}])(?={first_letters_pattern(ORDERS_BEGIN).pattern})"
)
_WRITTEN_OUT: Final = re.compile(r"\\[nrt]")
_FORGED: Final = re.compile(
    r"</?(?:system|im_start|im_end|inst)\b[^>]{0,40}>|<\|im_(?:start|end)\|>|\[/?inst\]|###\s?(?:system|instruction)",
    re.IGNORECASE,
)
"""Markers of speakers in the input of a language model."""
_HIDDEN: Final = re.compile(
    "[\u202d\u202e]|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0001-\U000e007f]|[\U000e0100-\U000e01ef]{3}|[\u200b-\u200d\u2060-\u2064\ufeff]{8}"
)
"""Text turned round, and text in characters that nobody sees; a flag's own tags are none."""
_CUT_WORD: Final = re.compile("[A-Za-z][\u200b-\u200d\u2060-\u2064\ufeff]+(?=[A-Za-z])")
_FEW_CUTS: Final = 2
"""Words cut by invisible characters that a copied page may have."""
_MAX_CELL_LENGTH: Final = 1_048_576  # a whole message: longer ones never arrive


@struct(frozen=True, kw_only=True)
class TextFile:
    """Text file by its kind, with its JSON `documents`."""

    kind: FileKind
    text: str
    documents: tuple[Any, ...] = ()


def detect_text_file(data: bytes, *, name: str, media_type: str) -> TextFile:
    """Return the kind of text a file is: by its bytes where possible; a table by its name or media type.

    Raises:
        FileHeld: `unreadable`, `claim`, `two_formats`, `too_much`.
    """
    text = decode_text(data)
    kind, documents = json_kind(text) or (_plain_kind(text, name, media_type), [])
    verify_media_type(media_type, kind)
    return TextFile(kind=kind, text=text, documents=tuple(documents))


def _plain_kind(text: str, name: str, media_type: str) -> FileKind:
    if looks_like_mail(text):
        return FileKind.MAIL
    if claims_one_of(media_type, {FileKind.MAIL}):
        return FileKind.TEXT
    table = name.lower().endswith(_TABLE_NAMES) or media_type.lower().partition(";")[0].strip() in _TABLE_TYPES
    return FileKind.CSV if table else FileKind.TEXT


def scrub_text_file(file: TextFile, scrub: FileScrubber) -> str:
    """Return a text file without its secrets, of the same kind.

    Raises:
        FileHeld: as the readers of its kind.

    Source: docs/model/model.md#inbound.
    """
    if file.kind in _JSON:
        scrub.note_decoded(flatten_text(file.documents))
        return _prescanned(scrub, lambda with_: scrub_json(list(file.documents), file.kind, with_))
    if file.kind is FileKind.MAIL:
        return scrub_mail(file.text, scrub)
    if file.kind is FileKind.CSV:
        return _prescanned(scrub, lambda with_: _clean_table(file.text, with_))
    return scrub.plain(file.text)


def _prescanned(scrub: FileScrubber, clean: Callable[[FileScrubber], str]) -> str:
    scrub.prescan(clean)
    return clean(scrub)


def verify_no_instructions(text: str, kind: FileKind, vocabulary: Vocabulary) -> None:
    """Verify that a text file hides nothing from its reader, and orders nothing of the desk's people or machines.

    ⚔ Both would read it.

    Logs honestly hold phrases that are orders in a message ("base64", "admin:", "the configuration"): only orders
    without an honest place in a file count.

    Raises:
        FileHeld: `hidden`, `orders`.

    Source: docs/model/model.md#words, #files.
    """
    if not text.isascii() and (_HIDDEN.search(text) or len(_CUT_WORD.findall(text)) > _FEW_CUTS):
        raise FileHeld(HoldReason.HIDDEN)
    plain = _WRITTEN_OUT.sub(" ", text) if kind in _JSON and "\\" in text else text  # line breaks are escaped there
    folded = plain if plain.isascii() else fold_text(plain).text  # offsets are not needed
    if _FORGED.search(folded) or _holds_order(folded, vocabulary):
        raise FileHeld(HoldReason.ORDERS)


def _holds_order(text: str, vocabulary: Vocabulary) -> bool:
    """Return whether a text holds one of the orders, each searched only where its first words occur."""
    low = text.replace("\u0130", "I").lower()  # the one letter that grows when lowered
    likely = [
        vocabulary.orders[name].search_slice(text)
        for name in NO_PLACE
        if any(map(low.__contains__, vocabulary.needed[name]))
    ]
    return bool(likely) and any(
        order(begins.start()) is not None for begins in _BEGINS.finditer(f"\n{low}") for order in likely
    )


def _clean_table(text: str, scrub: FileScrubber) -> str:
    """Return a table without secrets: column heads are the labels of their cells.

    ⚔ A cell that a spreadsheet would run as a formula is kept as text.
    """
    lines = text.splitlines(keepends=True)
    delimiter = _delimiter(lines)
    heads: list[str] = []
    out: list[str] = []
    for number, row in enumerate(_rows(lines, delimiter)):
        if len(row) > _MAX_CELLS:
            raise FileHeld(HoldReason.TOO_MUCH)
        labels = heads if number else []
        cells = [
            scrub.labelled(labels[place] if place < len(labels) else "", cell, f"row {number + 1}, cell {place + 1}")
            for place, cell in enumerate(row)
        ]
        cells = scrub.scrub_adjacent(cells, f"row {number + 1}")
        heads = heads if number else cells
        out.append(delimiter.join(_cell(cell, delimiter) for cell in cells))
    return "\n".join([*out, ""]) if out else ""


def _rows(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(_MAX_CELL_LENGTH)
    try:
        yield from csv.reader(lines, delimiter=delimiter)
    except csv.Error:
        raise FileHeld(HoldReason.UNREADABLE) from None


def _delimiter(lines: list[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    return max(_DELIMITERS, key=first.count)


def _cell(text: str, delimiter: str) -> str:
    if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text.strip()):
        text = f"'{text}"
    if delimiter in text or '"' in text or "\n" in text or "\r" in text:
        return '"' + text.replace('"', '""') + '"'
    return text
