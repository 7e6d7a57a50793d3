"""Translations of our own texts: gettext catalogues (`texts/de.po`), read once."""

from collections.abc import Mapping
from functools import cache
from gettext import c2py
from importlib import resources
from typing import Final

import polib

from remit.domain.i18n import Translator

_ENDING: Final = ".po"


@cache
def load_translations() -> Mapping[str, Translator]:
    """Return the translator of each language; English is built in."""
    names = (file.name for file in resources.files("remit.texts").iterdir())
    return {name.removesuffix(_ENDING): _read(name) for name in names if name.endswith(_ENDING)}


def _read(name: str) -> Translator:
    """Read one catalogue, without untranslated and fuzzy entries."""
    catalogue = polib.pofile(resources.files("remit.texts").joinpath(name).read_text(encoding="utf-8"))
    rule = catalogue.metadata["Plural-Forms"].partition("plural=")[2].strip().rstrip(";")
    texts = {
        entry.msgid: tuple(entry.msgstr_plural[place] for place in sorted(entry.msgstr_plural))
        if entry.msgid_plural
        else (entry.msgstr,)
        for entry in catalogue.translated_entries()
    }
    return Translator(language=name.removesuffix(_ENDING), texts=texts, form=c2py(rule))
