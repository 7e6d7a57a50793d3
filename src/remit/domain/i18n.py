"""In which language people are spoken to: our own texts by their English wording, and how to find them in a source.

The English text of a sentence is its name in every other language (as in gettext). Reading the translations is for the adapter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

ENGLISH_NAME: Final = "en"
OUR_YES_AND_NO: Final = frozenset({"yes", "no", "ja", "nein"})
"""What a truth value looks like in the languages there are: a text that says the same stands in quotes."""


def one_or_more(count: int) -> int:
    """Which form a number takes in English: 0 for one, 1 for all others."""
    return 0 if count == 1 else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Our own texts in one language.

    `texts` maps an English text to its forms, the singular first; `form` says which form a number takes. What is not there is said in English.
    """

    language: str
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: Callable[[int], int] = one_or_more

    def __call__(self, text: str, /, **values: object) -> str:
        """A text with its `{values}` filled in. ⚔ Only our own texts are templates: nothing in a value is ever one."""
        said = self.texts.get(text, (text,))[0]
        return said.format_map(values) if values else said

    def plural(self, one: str, many: str, count: int, /, **values: object) -> str:
        """A text that speaks of a number: `{count}`, and other `{values}`."""
        return self.form_for(one, many, count).format_map({"count": count, **values})

    def form_for(self, one: str, many: str, count: int, /) -> str:
        """The text that speaks of a number, not yet filled in."""
        forms = self.texts.get(one, (one, many))
        return forms[min(self.form(count), len(forms) - 1)]

    def again(self, text: str) -> str:
        """What was said in English, in this language; "" where it cannot be said."""
        if not self.texts:
            return str(text)
        said = text.text if isinstance(text, TranslatableText) else text
        found = self.texts.get(said, ("",))[0]
        return found.format_map(text.values) if found and isinstance(text, TranslatableText) and text.values else found


ENGLISH: Final = Translator(language=ENGLISH_NAME)


class TranslatableText(str):
    """An English text that knows of what it was made, so that it can be said again in another language."""

    __slots__ = ("text", "values")

    text: str
    values: Mapping[str, object]


def said(text: str, /, **values: object) -> TranslatableText:
    """One of our own texts, filled in."""
    made = TranslatableText(text.format_map(values) if values else text)
    made.text, made.values = text, values
    return made


def marked(text: str) -> str:
    """A text that is said later, marked so that it is found for translation."""
    return text
