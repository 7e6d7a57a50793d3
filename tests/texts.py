"""Every text people can be told, found in the source: `python tests/texts.py` brings `remit.pot` and each language's catalogue up to date.

A text is found where it is said: in Python by `say`, `said`, `marked` and `plural`, in templates by `_` and `plural`, in the browser's programs by
the same two and `marked`. The words of codes are found in their list. What speaks to the customer has a second wording for whoever else reads it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import polib
from babel.messages.extract import extract

from remit.domain.confirm.case_phrases import ENDINGS
from remit.domain.errors import MEANINGS
from remit.entrypoints.web.entry_details import to_customer, to_others, to_staff

SOURCE = Path(__file__).parent.parent / "src" / "remit"
FOLDER = SOURCE / "texts"
TEMPLATE = FOLDER / "remit.pot"
_KINDS = {
    "*.py": ("python", {"marked": None, "plural": (1, 2), "said": None, "say": None, "_said": None}),
    "*.html": ("jinja2.ext:babel_extract", {"_": None, "plural": (1, 2)}),
    "*.js": ("javascript", {"_": None, "marked": None, "plural": (1, 2)}),
}
_ROOMS = ("domain", "engine", "usecases", "entrypoints")
_TO_CUSTOMERS = {SOURCE / "entrypoints" / "web" / f"{one}_text.py" for one in ("act", "answer", "entry")}
Text = tuple[str, str]
"""A text, and its plural ("" where it speaks of no number)."""


def found() -> dict[Text, list[str]]:
    """Every text with the files it stands in, in the order of the files."""
    texts: dict[Text, list[str]] = {}
    for text, file in (*_said(), *_derived()):
        places = texts.setdefault(text, [])
        if file not in places:
            places.append(file)
    return texts


def _said() -> Iterator[tuple[Text, str]]:
    for pattern, (method, keywords) in _KINDS.items():
        for file in sorted(one for room in _ROOMS for one in (SOURCE / room).rglob(pattern)):
            name = file.relative_to(SOURCE).as_posix()
            with file.open("rb") as opened:
                for _, message, _, _ in extract(method, opened, keywords=keywords, options={"encoding": "utf-8"}):
                    one, many = message if isinstance(message, tuple) else (message, "")
                    yield (one, many), name
                    if file in _TO_CUSTOMERS and to_others(one) != one:
                        yield (to_others(one), ""), name


def _derived() -> Iterator[tuple[Text, str]]:
    """What is said of codes and endings, to the customer and to others."""
    for file, texts in (
        ("domain/errors.py", [one.title for one in MEANINGS.values()]),
        ("domain/confirm/case_phrases.py", list(ENDINGS.values())),
    ):
        for text in texts:
            yield (text, ""), file
            yield (to_customer(text), ""), file
            yield (to_staff(text), ""), file


def update() -> Iterator[str]:
    """Write the template, and each language with what it lacks empty and without what nobody says any more. Says what lacks a translation."""
    texts = found()
    template = polib.POFile()
    template.header = "Every text people can be told (`make texts`)."
    template.metadata = {"Content-Type": "text/plain; charset=utf-8"}
    template.extend(_entry(text, places) for text, places in texts.items())
    template.save(str(TEMPLATE))
    for file in sorted(FOLDER.glob("*.po")):
        catalogue = polib.pofile(str(file))
        known = {(one.msgid, one.msgid_plural): one for one in catalogue}
        del catalogue[:]
        for text, places in texts.items():
            made = _entry(text, places)
            if text in known:
                made.msgstr, made.msgstr_plural, made.tcomment = known[text].msgstr, known[text].msgstr_plural, known[text].tcomment
            catalogue.append(made)
        catalogue.save(str(file))
        yield from (f"{file.name}: not translated: {one.msgid}" for one in catalogue.untranslated_entries())


def _entry(text: Text, places: list[str]) -> polib.POEntry:
    one, many = text
    made = polib.POEntry(msgid=one, occurrences=[(place, "") for place in places])
    if many:
        made.msgid_plural, made.msgstr_plural = many, {0: "", 1: ""}
    return made


if __name__ == "__main__":
    lacking = list(update())
    sys.stdout.write("\n".join([*lacking, f"{len(lacking)} texts are not translated"]) + "\n")
    sys.exit(bool(lacking))
