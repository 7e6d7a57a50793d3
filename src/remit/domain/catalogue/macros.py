"""Prepared replies of officers (`[[macro]]`): name, title, and a text with a few placeholders, in each language.

A macro is only typed for the officer: its text goes through the same check as any other before it is sent.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Macro
from remit.domain.catalogue.tables import Table, catalogue_error, closed_table, table, text, toml_key
from remit.domain.ids import is_word

PLACEHOLDERS: Final = ("agent", "case", "customer")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_LONGEST: Final = 4000
_MOST: Final = 100


def read_macros(value: object) -> tuple[Macro, ...]:
    """Read the desk's macros, in the order of the files.

    Raises:
        Refused: `catalogue.invalid` naming the macro and the cure.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise catalogue_error("macro", "must be a list", "write each as [[macro]]")
    if len(value) > _MOST:
        raise catalogue_error("macro", f"are more than {_MOST}", "keep those that are used")
    found: list[Macro] = []
    for place, given in enumerate(value):
        key = f"macro[{place}]"
        macro = closed_table(given, key, required=("name", "title", "text"))
        name = macro["name"]
        if not isinstance(name, str) or not is_word(name):
            cure = "use lower-case letters, digits, - and _"
            raise catalogue_error(f"{key}.name", "is not one word", cure)
        if any(one.name == name for one in found):
            raise catalogue_error(f"{key}.name", f"{name!r} is the name of another macro", "give each its own")
        found.append(Macro(name=name, title=text(macro["title"], f"{key}.title"), text=_body(macro["text"], key)))
    return tuple(found)


def translated_macros(macros: Sequence[Macro], value: object, key: str) -> tuple[Macro, ...]:
    """Read the macros in a further language: each of them once, and no others.

    Raises:
        Refused: `catalogue.invalid`.
    """
    given: Table = table(value, key)
    names = {one.name for one in macros}
    for name in given:
        if name not in names:
            raise catalogue_error(toml_key(key, name), "no such macro is declared", "correct the name or remove it")
    return tuple(_translated(one, given, key) for one in macros)


def _translated(macro: Macro, given: Table, key: str) -> Macro:
    place = toml_key(key, macro.name)
    if macro.name not in given:
        raise catalogue_error(place, "is missing", "translate its title and text: a language is whole")
    found = closed_table(given[macro.name], place, required=("title", "text"))
    return Macro(name=macro.name, title=text(found["title"], f"{place}.title"), text=_body(found["text"], place))


def _body(value: object, key: str) -> str:
    """Read a macro's text: lines of plain text with known placeholders."""
    place = f"{key}.text"
    if not isinstance(value, str) or not value.strip():
        raise catalogue_error(place, "must be a text", 'write it in quotes, or between """ for several lines')
    if len(value) > _LONGEST:
        raise catalogue_error(place, f"is longer than {_LONGEST} characters", "shorten it")
    if any(unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} and one != "\n" for one in value):
        raise catalogue_error(place, "has invisible characters", "write plain text")
    for match in _PLACEHOLDER.finditer(value):
        if match[1] not in PLACEHOLDERS:
            cure = f"use {', '.join(f'{{{one}}}' for one in PLACEHOLDERS)}"
            raise catalogue_error(place, f"{{{match[1]}}} is no placeholder", cure)
    if set("{}") & set(_PLACEHOLDER.sub("", value)):
        raise catalogue_error(place, "has a brace without its partner", "write placeholders as {customer}")
    return value.strip()


def filled_macro(macro: Macro, values: Mapping[str, str]) -> str:
    """Return a macro's text with its placeholders filled; an absent value leaves the placeholder."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), macro.text)
