"""What an officer's text to an agent may not say: secrets, links, and the customer's actual values that are not covered.

Which values are covered is decided by the use case; here texts are only compared with values.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from remit.domain.secrets.find import find_secrets
from remit.domain.secrets.obfuscation import DecodedText, deobfuscated_readings, encoded_spans, reversed_reading
from remit.domain.text.normalize import FoldedText, fold_text
from remit.domain.text.spellings import spelling_patterns
from remit.domain.values import Json, deep_equal

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
    r"(?<![\w.,$€£#/-])(?:[A-Z]{1,2}-)?(?:\d(?:[ -]?\d){3,8}|(?=[A-Z]{0,9}\d)(?=\d{0,9}[A-Z])[A-Z0-9]{5,10}|[A-Z0-9]{3,5}-[A-Z0-9]{3,5})(?![\w/-]|[.,:]\d|\s?(?:EUR|USD|GBP|CHF|€|\$|£|%))"
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
_MIN_PHONE_LENGTH: Final = 7


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
    return min(len(one), len(other)) >= _MIN_PHONE_LENGTH and (one.endswith(other) or other.endswith(one))


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit()).lstrip("0")


_LINK: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+"
    r"|(?<![\w-])(?:[\w-]{1,63}\.(?:[\w-]{1,63}\.){0,11}[^\W\d_][\w-]{1,62}|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5}(?:[/?#]\S*)?|/\S*|[?#][\w%]\S*)"
    r"|\b(?:mailto|javascript|data):\S+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class WithheldSpan:
    """A stretch of the text that must not leave: character offsets, and why, with the attribute's name or the kind of secret.

    `why` is `secret`, `code` (that lets somebody in), `link`, `attribute`, `other` (another customer's), `contact` (an address or number
    that is not known to be this customer's, or the desk's own) or `hidden` (in an encoding).
    """

    start: int
    end: int
    why: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCustomersData:
    """What is other customers': what in the text itself is theirs, by the kind it is of, and the `values` that are known of them."""

    named: Mapping[str, str] = field(default_factory=dict)
    values: Sequence[Json] = ()


_NOBODY: Final = OtherCustomersData()


def find_withheld(
    text: str, values: Mapping[str, Json], *, others: OtherCustomersData = _NOBODY, contacts: Collection[str] = ()
) -> tuple[WithheldSpan, ...]:
    """Find what must not leave in a text: secrets and codes, links, the actual values given, and what is others', in order.

    Values are found in other spellings too, which are those of `spelling_patterns`; full-width and look-alike letters are read as plain ones, and
    what is spaced out, broken, turned round or encoded as what it is. `contacts` are addresses and numbers that may be told.

    ⚔ Whatever hides words in an encoding is held for that alone: nobody of the desk writes to an agent like this.

    Source: docs/model/model.md#outbound.
    """
    found = [
        WithheldSpan(start=one.start, end=one.end, why=_CODES.get(one.kind, "secret"), name=one.kind)
        for one in find_secrets(text)
    ]
    looked_for = [("attribute", name, one) for name, value in values.items() for one in spelling_patterns(value)]
    looked_for += [
        ("other", "", one)
        for value in others.values
        for part in identifying_parts(value)
        for one in spelling_patterns(part)
    ]
    looked_for += [("other", kind, _literal(what)) for what, kind in others.named.items()]
    plain = fold_text(text)
    found += [
        _held(plain, match.span(), why, name)
        for why, name, pattern in looked_for
        for match in pattern.finditer(plain.text)
    ]
    for number, reading in enumerate(deobfuscated_readings(text)):
        one = reading if number else reversed_reading(reading)
        found += [
            _at(one, match.span(), why, name)
            for why, name, pattern in looked_for
            for match in pattern.finditer(one.text)
        ]
    found += [_held(plain, span, "code", "code") for span in find_codes(plain.text)]
    found += [_held(plain, match.span(), "link", "") for match in _LINK.finditer(plain.text)]
    for hiding in encoded_spans(plain.text):
        start = plain.text.find(hiding)
        found += [_held(plain, (start, start + len(hiding)), "hidden", "")]
    found += [_held(plain, match.span(), "hidden", "") for match in _SPELLED.finditer(plain.text)]
    found += [
        _held(plain, (start, end), "contact", kind)
        for start, end, kind in find_contacts(plain.text)
        if not same_contact(plain.text[start:end], contacts)
    ]
    return _apart(found)


def _literal(what: str) -> re.Pattern[str]:
    spaced = re.escape(what).replace("\\ ", r"\s{1,4}")
    return re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE)


def _at(reading: DecodedText, span: tuple[int, int], why: str, name: str) -> WithheldSpan:
    start, end = reading.span(*span)
    return WithheldSpan(start=start, end=end, why=why, name=name)


_SPELLED: Final = re.compile(r"(?<!\S)(?:\S[ \t]{1,3}){7,4000}\S(?!\S)")
"""What is written letter by letter."""
_CODES: Final[Mapping[str, str]] = {"one_time_code": "code", "pin": "code"}
_RECORD_LIKE: Final = re.compile(
    r"(?<![\w.,:/-])[A-Za-z]{0,12}[_-]?(?=[A-Za-z_-]{0,12}\d)[A-Za-z0-9][A-Za-z0-9_-]{0,39}(?![\w]|[.,]\d)"
)
_MAX_NAMED: Final = 48
_NAME: Final = re.compile(r"[^\W\d_][\w'-]{0,40}")
_MAX_SMALL: Final = 60
_MAX_PEOPLE: Final = 300


def text_readings(text: str) -> tuple[str, ...]:
    """A text in every reading in which it could name somebody: as it is read, from its end, and out of each disguise."""
    found: dict[str, None] = {}
    for number, reading in enumerate(deobfuscated_readings(text)):
        found[reading.text] = None
        if not number:
            found[reading.text[::-1]] = None
    return tuple(found)


def record_ids_in(seen: Iterable[str]) -> tuple[str, ...]:
    """What in the readings of a text could be the number of a record, each once, so many at most."""
    return tuple(dict.fromkeys(match[0] for text in seen for match in _RECORD_LIKE.finditer(text)))[:_MAX_NAMED]


def person_names_in(seen: Iterable[str]) -> tuple[str, ...]:
    """What in the readings of a text could be the full name of somebody, in small letters, each once, so many at most.

    Of a long text only words that are written large are taken for names.
    """
    found: dict[str, None] = {}
    for text in seen:
        words = [one.removesuffix("'s") for one in _NAME.findall(text)]
        for size in (2, 3):
            for at in range(len(words) - size + 1):
                some = words[at : at + size]
                if len(words) <= _MAX_SMALL or all(one[0].isupper() for one in some):
                    found[" ".join(some).casefold()] = None
    return tuple(found)[:_MAX_PEOPLE]


def contacts_in(seen: Iterable[str]) -> tuple[str, ...]:
    """The e-mail addresses and phone numbers in the readings of a text, each once, so many at most."""
    return tuple(dict.fromkeys(text[start:end] for text in seen for start, end, _ in find_contacts(text)))[:_MAX_NAMED]


def withheld_kinds(held: Collection[WithheldSpan]) -> tuple[str, ...]:
    """What an agent is told of why something was withheld: the kinds, each once. ⚔ Never a name, a place or a number of one of them."""
    return tuple(sorted({"data" if one.why in {"attribute", "other", "contact"} else one.why for one in held}))


def attribute_values(rows: Iterable[tuple[str, str, Json]], beside: Mapping[str, Collection[str]]) -> list[Json]:
    """What records say of one attribute: each row a kind, an id and a value.

    Of the kinds in `beside`, only what other records than those say, and those do not.

    Source: docs/model/model.md#outbound, #target.
    """
    known = list(rows)
    if not beside:
        return [value for _, _, value in known]
    listed = [one for kind, record_id, value in known if record_id in beside.get(kind, ()) for one in _single(value)]
    others = [
        one for kind, record_id, value in known if record_id not in beside.get(kind, ()) for one in _single(value)
    ]
    return [one for one in others if not any(deep_equal(one, told) for told in listed)]


def _single(value: Json) -> list[Json]:
    """The single values in a value: what one record says may stand in a list or an object of another."""
    if isinstance(value, Mapping):
        return [one for each in value.values() for one in _single(each)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [one for each in value for one in _single(each)]
    return [value]


def identifying_parts(value: Json) -> list[Json]:
    """The parts of a value that tell of whom they are by themselves: numbers, and texts of several words or with a digit.

    A lone word ("pending") is said of many things, and tells nothing of a record that is not named beside it.
    """
    return [one for one in _single(value) if _speaks(one)]


def _speaks(one: Json) -> bool:
    if isinstance(one, str):
        return any(letter.isdigit() or letter.isspace() for letter in one.strip())
    return one is not None and not isinstance(one, bool)


def mask_spans(text: str, held: Sequence[WithheldSpan]) -> str:
    """The text with each stretch that must not leave replaced by a mark."""
    out: list[str] = []
    at = 0
    for one in sorted(held):
        if one.end <= at:
            continue
        out += [text[at : max(at, one.start)], "[withheld]"]
        at = one.end
    return "".join([*out, text[at:]])


def _held(seen: FoldedText, span: tuple[int, int], why: str, name: str) -> WithheldSpan:
    start, end = seen.span(*span)
    return WithheldSpan(start=start, end=end, why=why, name=name)


def _apart(found: Sequence[WithheldSpan]) -> tuple[WithheldSpan, ...]:
    """In order, not overlapping; what covers more wins."""
    out: list[WithheldSpan] = []
    for one in sorted(found, key=lambda held: (held.start, -held.end)):
        if out and one.start < out[-1].end:
            if one.end > out[-1].end:
                out[-1] = WithheldSpan(start=out[-1].start, end=one.end, why=out[-1].why, name=out[-1].name)
            continue
        out.append(one)
    return tuple(out)
