"""Our own texts in every further language: gettext catalogues (`texts/de.po`), read once."""

from collections.abc import Mapping
from functools import cache
from gettext import c2py
from importlib import resources
from typing import Final

from remit.domain.speech import Speech

_ENDING: Final = ".po"


@cache
def speeches() -> Mapping[str, Speech]:
    """How people are spoken to, by language. English is in the program itself."""
    return {
        one.name.removesuffix(_ENDING): _read(one.name) for one in resources.files("remit.texts").iterdir() if one.name.endswith(_ENDING)
    }


def _read(name: str) -> Speech:
    from babel.messages.pofile import read_po  # noqa: PLC0415  # 50 ms that only a desk with further languages pays

    language = name.removesuffix(_ENDING)
    with resources.files("remit.texts").joinpath(name).open("rb") as file:
        catalog = read_po(file, locale=language)
    texts: dict[str, tuple[str, ...]] = {}
    for one in catalog:
        if not one.id or one.fuzzy:
            continue
        forms = tuple(form for form in ([one.string] if isinstance(one.string, str) else one.string) if form)
        if forms:
            texts[one.id if isinstance(one.id, str) else one.id[0]] = forms
    return Speech(language=language, texts=texts, form=c2py(catalog.plural_expr))
