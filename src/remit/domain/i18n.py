"""Translation of our own texts, keyed by their English wording (as in gettext), and markers that find them in a source.

Reading the translations is for the adapter.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from remit.domain.structs import struct

ENGLISH_NAME: Final = "en"
OUR_YES_AND_NO: Final = frozenset({"yes", "no", "ja", "nein"})
"""Booleans as every shipped language writes them: a foreign text that reads the same is quoted."""


def one_or_more(count: int) -> int:
    """Return the English plural form of a number: 0 for one, 1 for all others."""
    return 0 if count == 1 else 1


@struct(frozen=True, kw_only=True)
class Translator:
    """Our own texts in one language; a text without a translation stays English.

    `texts` maps an English text to its forms, the singular first; `form` picks the form for a number.
    """

    language: str
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: Callable[[int], int] = one_or_more

    def __call__(self, text: str, /, **values: object) -> str:
        """Fill the `{values}` into a text. ⚔ Only our own texts are templates, never a value."""
        said = self.texts.get(text, (text,))[0]
        return said.format_map(values) if values else said

    def each(self, texts: Mapping[str, str], /) -> dict[str, str]:
        """Translate a table of our own texts."""
        return {name: self(text) for name, text in texts.items()}

    def plural(self, one: str, many: str, count: int, /, **values: object) -> str:
        """Fill `{count}` and other `{values}` into the form that fits the count."""
        return self.form_for(one, many, count).format_map({"count": count, **values})

    def form_for(self, one: str, many: str, count: int, /) -> str:
        """Return the form that fits the count, not yet filled in."""
        forms = self.texts.get(one, (one, many))
        return forms[min(self.form(count), len(forms) - 1)]

    def again(self, text: str) -> str:
        """Translate a text that was written in English; "" where no translation exists."""
        if not self.texts:
            return str(text)
        english = text.text if isinstance(text, TranslatableText) else text
        form = self.texts.get(english, ("",))[0]
        return form.format_map(text.values) if form and isinstance(text, TranslatableText) and text.values else form


ENGLISH: Final = Translator(language=ENGLISH_NAME)


class TranslatableText(str):
    """An English text that carries its template and values, so that it can be translated later."""

    __slots__ = ("text", "values")

    text: str
    values: Mapping[str, object]


def said(text: str, /, **values: object) -> TranslatableText:
    """Fill one of our own texts and keep its template."""
    made = TranslatableText(text.format_map(values) if values else text)
    made.text, made.values = text, values
    return made


def marked(text: str) -> str:
    """Mark a text for translation; it is translated where it is shown."""
    return text
