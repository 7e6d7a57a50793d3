"""Our own texts in every further language: gettext catalogues (`texts/de.po`), read once."""

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
    """How people are spoken to, by language. English is in the program itself."""
    return {
        one.name.removesuffix(_ENDING): _read(one.name)
        for one in resources.files("remit.texts").iterdir()
        if one.name.endswith(_ENDING)
    }


def _read(name: str) -> Translator:
    """One catalogue. What is not translated, or only guessed by a tool (fuzzy), is left out."""
    found = polib.pofile(resources.files("remit.texts").joinpath(name).read_text(encoding="utf-8"))
    rule = found.metadata["Plural-Forms"].partition("plural=")[2].strip().rstrip(";")
    texts = {
        one.msgid: tuple(one.msgstr_plural[place] for place in sorted(one.msgstr_plural))
        if one.msgid_plural
        else (one.msgstr,)
        for one in found.translated_entries()
    }
    return Translator(language=name.removesuffix(_ENDING), texts=texts, form=c2py(rule))
