"""Markup by which a text shows something else than it says: to whom it is shown drawn, or to whom it is read as written.

A message is held against its ask as it is written. ⚔ What would read otherwise once it is drawn cannot be read; plain bold, lists and
links to an address that is written out are read as they stand.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

_MARKS: Final = frozenset("<&[\\*_~`:")
"""Without one of these there is nothing of it in a text."""
_COMMENT: Final = re.compile(r"<!--|-->|<!\[CDATA\[|<\?\w|<!\w", re.IGNORECASE)
_ACTIVE: Final = re.compile(
    r"</?\s?(?:script|style|iframe|object|embed|form|input|textarea|select|button|svg|math|template|noscript|meta|link|base|img|image|video|audio|canvas|title|head)\b",
    re.IGNORECASE,
)
_TAG_WITH: Final = re.compile(r"<\s?[a-z][a-z0-9-]{0,20}\s[^<>]{0,400}?(?:=|\bhidden\b|\binert\b)", re.IGNORECASE)
"""A tag that says how it is to be drawn, or holds a text of its own."""
_INLINE: Final = r"</?(?:a|b|bdi|bdo|big|code|del|em|font|i|ins|kbd|mark|q|s|small|span|strike|strong|tt|u|var|wbr)\s?/?>"
_PAIR: Final = r"\*{1,3}|__|~~|`"
_IN_WORD: Final = re.compile(
    rf"[^\W\d_](?:(?:{_INLINE}){{1,8}}|<!--|-->)[^\W\d_]|[^\W\d_](?P<a>{_PAIR})[^\W\d_]{{1,40}}(?P=a)|(?<!\w)(?P<b>{_PAIR})[^\W\d_]{{1,40}}(?P=b)[^\W\d_]",
    re.IGNORECASE,
)
"""Marks that vanish when the text is drawn, in the middle of a word. One alone is no mark: "don`t", "2*3"."""
_AS_NUMBER: Final = re.compile(r"&#(?:x[0-9a-f]{2,6}|\d{2,7});|\\u[0-9a-f]{4}|\\u\{[0-9a-f]{1,6}\}|\\x[0-9a-f]{2}|&(?:shy|zwnj|zwj|ZeroWidthSpace|lrm|rlm);", re.IGNORECASE)  # fmt: skip
_PLAIN_NUMBER: Final = re.compile(r"&#(?:0?3[489]|x2[26]|160|x27);", re.IGNORECASE)
"""A quotation mark, an ampersand, an apostrophe or a blank: how programs write these."""
_IMAGE: Final = re.compile(r"!\[")
_REFERENCE: Final = re.compile(r"^[ \t>]*\[[^\]\n]{1,200}\]:[ \t]?\S", re.MULTILINE)
"""A line that no reader sees once it is drawn: where another link leads, or a comment."""
_LINK: Final = re.compile(r"\[(?P<text>[^\]\[\n]{1,300})\]\((?P<target>[^()\s]{1,500})")
_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)\S+|\b[a-z0-9-]{2,40}\.(?:com|org|net|example|de|eu|io|shop|co|uk|info|invalid)\b\S*", re.IGNORECASE
)
_HOLDS: Final = re.compile(r"\b(?:data:\s?[a-z]{2,20}/[a-z0-9.+-]{1,40}\s?[;,]|javascript:|vbscript:|blob:|file://)", re.IGNORECASE)


def tricks(words: str) -> str:
    """Say why a text would show something else than it says, empty where it would not."""
    return "" if _MARKS.isdisjoint(words) else next((why for why, found in _TRICKS.items() if found(words)), "")


def _hides(words: str) -> bool:
    return "<" in words and any(one.search(words) for one in (_COMMENT, _ACTIVE, _TAG_WITH))


def _links(words: str) -> bool:
    return "[" in words and (any(one.search(words) for one in (_IMAGE, _REFERENCE)) or any(map(_misleads, _LINK.finditer(words))))


def _numbered(words: str) -> bool:
    return any(not _PLAIN_NUMBER.fullmatch(found[0]) for found in _AS_NUMBER.finditer(words))


_TRICKS: Final[Mapping[str, Callable[[str], object]]] = {
    "an address that holds content of its own": _HOLDS.search,
    "markup that hides or changes what is shown": _hides,
    "letters written as numbers": _numbered,
    "marks in the middle of a word": _IN_WORD.search,
    "a link or image that shows something else than it is": _links,
}


def _misleads(link: re.Match[str]) -> bool:
    """Whether a link reads like one address and leads to another."""
    shown = _ADDRESS.search(link["text"])
    return shown is not None and _host(shown[0]) != _host(link["target"])


def _host(address: str) -> str:
    try:
        found = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
    return found.removeprefix("www.")
