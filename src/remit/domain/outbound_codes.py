"""Codes that let somebody in, and ways to reach somebody, in the words desks say them with: "your code is 123456", "use 8841 to log in".

Looked for in a text that was folded for reading (`plain.view`). ⚔ Each pattern is bounded: a text is read in a time that grows with its length.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

from remit.domain.secrets import find_secrets

_NEAR: Final = 60
"""So many letters before or behind the word that says what it is a code may stand."""
_ENDS: Final = re.compile(r"[!?\n]|\.(?=\s|$)")
_SAYS: Final = re.compile(
    r"(?<!\w)(?:(?P<of>[^\W\d_]{2,20})[ -])?(?P<word>(?:one[ -]?time[ -]?)?(?:pass)?code|otp|pin|tan|passwo?rt|password|passphrase|"
    r"(?:einmal|bestätigungs|sicherheits|anmelde|zugangs|prüf)(?:code|passwort|kennwort|nummer)|kennwort)(?!\w)",
    re.IGNORECASE,
)
_HARMLESS: Final = frozenset(
    [
        "area",
        "article",
        "bar",
        "booking",
        "colour",
        "color",
        "country",
        "coupon",
        "dial",
        "discount",
        "error",
        "fault",
        "gift",
        "item",
        "order",
        "post",
        "postal",
        "product",
        "promo",
        "promotion",
        "qr",
        "reason",
        "reservation",
        "return",
        "sort",
        "source",
        "status",
        "swift",
        "tax",
        "tracking",
        "voucher",
        "zip",
        "artikel",
        "fehler",
        "gutschein",
        "rabatt",
        "versand",
    ]
)
"""What a code may be of that lets nobody in."""
_USE: Final = r"(?<!\w)(?:use|enter|type|with|using|try|give|quote|mit|nutzen|verwenden|geben|nutze|verwende)(?!\w)"
_IN: Final = r"(?<!\w)(?:log(?:ging)?[ -]?in|sign(?:ing)?[ -]?in|verify|unlock|authenticate|reset(?:ting)?|anmelden|einloggen|freischalten|entsperren)(?!\w)"
_LETS_IN: Final = re.compile(rf"{_USE}[^.!?\n]{{0,{_NEAR}}}?{_IN}|{_IN}[^.!?\n]{{0,{_NEAR}}}?{_USE}", re.IGNORECASE)
_CODE: Final = re.compile(
    r"(?<![\w.,$€£#/-])(?:[A-Z]{1,2}-)?(?:\d(?:[ -]?\d){3,8}|(?=[A-Z]{0,9}\d)(?=\d{0,9}[A-Z])[A-Z0-9]{5,10}|[A-Z0-9]{3,5}-[A-Z0-9]{3,5})(?![\w/-]|[.,:]\d|\s?(?:EUR|USD|GBP|CHF|€|\$|£|%))",
)
_IS: Final = re.compile(r"(?:is|are|was|:|=|lautet|ist|war)\s{0,2}[\"'(]?$", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_RECORD: Final = re.compile(
    r"(?<!\w)(?:order|invoice|case|ticket|customer|reference|ref|number|no|nr|bestellung|rechnung|kunde|vorgang|nummer)\.?\s{0,2}(?:number|no|nr|nummer)?\.?\s{0,2}[:#]?\s{0,2}$",
    re.IGNORECASE,
)
_PHONES: Final = (
    re.compile(r"(?<![\w+#/.-])(?:\+|00)\d(?:[ ()./-]{0,2}\d){6,13}(?![\w/-])"),
    re.compile(r"(?<![\w#/.-])0\d{1,4}[ /-]{1,3}\d(?:[ -]?\d){4,9}(?![\w-]|[.,]\d)"),
    re.compile(r"(?<![\w-])\(?\d{3}\)?[ -]\d{3}-\d{4}(?![\w-])"),
)
_SHORTEST_PHONE: Final = 7


def find_codes(text: str) -> Iterator[tuple[int, int]]:
    """Where a code stands that lets somebody in, by what is said of it in the same sentence.

    Source: docs/model/model.md#outbound.
    """
    for one in _SAYS.finditer(text):
        if (one["of"] or "").lower() not in _HARMLESS:
            yield from _beside(text, *one.span("word"))
    for one in _LETS_IN.finditer(text):
        yield from _beside(text, *one.span())


def _beside(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    low, high = max(0, start - _NEAR), end + _NEAR
    for stop in _ENDS.finditer(text, low, start):
        low = stop.end()
    last = _ENDS.search(text, end, high)
    window = text[low : high if last is None else last.start()]
    for one in _CODE.finditer(window):
        before = window[: one.start()]
        if _RECORD.search(before[-30:]):
            continue
        if _YEAR.fullmatch(one[0]) and not _IS.search(before[-12:]):
            continue
        yield low + one.start(), low + one.end()


def find_contacts(text: str) -> Iterator[tuple[int, int, str]]:
    """Where an e-mail address (`email`) or a phone number (`phone`) stands."""
    for one in find_secrets(text, contacts=True):
        if one.kind == "email":
            yield one.start, one.end, "email"
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            yield match.start(), match.end(), "phone"


def same_contact(said: str, known: Collection[str]) -> bool:
    """Whether somebody's address or number is among those that are known, however it is spelled."""
    return any(_alike(said, one) for one in known)


def _alike(said: str, known: str) -> bool:
    if "@" in said or "@" in known:
        # A known one that begins with the sign stands for every address there.
        there = known.startswith("@") and "." in known and said.lower().endswith(known.lower())
        return there or said.strip().lower() == known.strip().lower()
    one, other = _digits(said), _digits(known)
    return min(len(one), len(other)) >= _SHORTEST_PHONE and (one.endswith(other) or other.endswith(one))


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit()).lstrip("0")
