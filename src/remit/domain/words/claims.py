"""Facts a message states: identifiers, amounts, persons. Any that is not the ask's own contradicts it."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, Self

from remit.domain.catalogue.model import Action, MarkKind, ParamMark
from remit.domain.param_paths import ROOT, ParamPath
from remit.domain.secrets.contacts import find_contact_details
from remit.domain.secrets.kinds import Found
from remit.domain.secrets.labelled import find_labelled_values
from remit.domain.secrets.numbers import find_numbers
from remit.domain.structs import struct
from remit.domain.text.normalize import CaselessPattern, small_letters
from remit.domain.values import Json, JsonObject
from remit.domain.words.vocabulary import Vocabulary

_NUMBER_WORDS: Final = {
    **{word: number for number, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])},
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "ninty": 90,
    "a": 1, "hundred": 100, "hundert": 100, "thousand": 1000, "tausend": 1000, "million": 1_000_000,
    "null": 0, "ein": 1, "eins": 1, "zwei": 2, "zwo": 2, "drei": 3, "vier": 4, "fünf": 5, "fuenf": 5, "sechs": 6, "sieben": 7, "acht": 8,
    "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12, "zwoelf": 12, "sech": 6, "sieb": 7,
    "zwanzig": 20, "dreißig": 30, "dreissig": 30, "vierzig": 40, "fünfzig": 50, "fuenfzig": 50, "sechzig": 60, "siebzig": 70, "achtzig": 80,
    "neunzig": 90, "and": -1, "und": -1,
}  # fmt: skip
_BIG: Final = frozenset({"hundred", "hundert", "thousand", "tausend", "million"})
_WORD: Final = "|".join(sorted((word for word in _NUMBER_WORDS if word != "a"), key=len, reverse=True))
_RUN: Final = rf"(?:a[ -])?(?:{_WORD})(?:[ -]?(?:{_WORD})){{0,11}}"
_WORD_CURRENCY: Final = r"(?:EUR|USD|GBP|CHF|euros?|dollars?|bucks|pounds?|quid|francs?|cents?|€|\$|£)"
_TOGETHER: Final = CaselessPattern(rf"(?<![\w-])(?P<w>{_RUN})[ -]?(?P<c>{_WORD_CURRENCY})(?!\w)")
_BEHIND: Final = CaselessPattern(rf"(?<![\w.])(?P<c>{_WORD_CURRENCY})\s?(?P<w>{_RUN})(?![\w-])")
_POWER: Final = CaselessPattern(
    rf"(?<![\w.])(?P<m>\d{{1,9}}(?:\.\d{{1,3}})?)e\+?(?P<e>\d{{1,2}})\s?(?P<c>{_WORD_CURRENCY})(?!\w)"
)
_MULTIPLE: Final = CaselessPattern(
    r"\b(?:refund|pay|credit|reimburse|transfer)(?:\s(?:me|us|him|her|them|back|please|it|the customer)){0,3}\s(?:double|twice|triple|thrice|(?:two|three|four|five|ten|\d{1,3}) times)"
    r"(?=\s(?:the|that|this|as|it|what|my|her|his|their|of)\b|\s*[.!?,;]|\s*$)"
)
_NUMBER_WORD: Final = re.compile(_WORD, re.IGNORECASE)


def find_more_amounts(folded: str) -> Iterator[tuple[int, int, Decimal, str]]:
    """Yield start, end, number and currency (as written) of each amount in number words or powers of ten."""
    for found in (*_TOGETHER.finditer(folded), *_BEHIND.finditer(folded)):
        if counted := _number_of(found["w"]):  # "pounds and euros" is no amount
            yield found.start(), found.end(), Decimal(counted), folded[slice(*found.span("c"))]
    for found in _POWER.finditer(folded) if _DIGIT.search(folded) else ():
        yield found.start(), found.end(), Decimal(found["m"]) * 10 ** int(found["e"]), folded[slice(*found.span("c"))]


def find_multiples(folded: str) -> Iterator[tuple[int, int]]:
    """Yield the spans where a multiple of an amount is requested: no ask ever means that."""
    for found in _MULTIPLE.finditer(folded):
        yield found.span()


def _number_of(words: str) -> int:
    """Return the value of a run of number words: English order, or German with the units first."""
    total = part = 0
    for word in (found[0].lower() for found in _NUMBER_WORD.finditer(words)):
        number = _NUMBER_WORDS[word]
        if word in {"thousand", "tausend", "million"}:
            total += max(part, 1) * number
            part = 0
        elif word in _BIG:
            part = max(part, 1) * number
        elif number > 0:
            part += number
    return total + part


_SYMBOLS: Final = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}
_CURRENCY: Final = r"(?:EUR|USD|GBP|CHF|JPY|AUD|CAD|SEK|NOK|DKK|PLN|CZK|HUF|INR|CNY|BRL|MXN|euros?|dollars?|bucks|pounds?|quid|francs?|yen|cents?|€|\$|£|¥)"
_NUMBER: Final = r"\d{1,3}(?:[ ',.]\d{3}){1,12}(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,3})?"
"""⚔ Bounded: an unbounded row of groups would be re-read from each of them, for minutes."""
_AMOUNT: Final = CaselessPattern(
    rf"(?<![\w.])(?P<c1>{_CURRENCY})\s?(?P<n1>{_NUMBER})(?P<k1>\s?(?:k|thousand|hundred|million))?(?!\w)|(?<![\w.#])(?P<n2>{_NUMBER})(?P<k2>\s?(?:k|thousand|hundred|million))?\s?-?(?P<c2>{_CURRENCY})(?!\w)"
)
_CODES: Final = (
    "aud brl bucks cad cent chf cny czk dkk dollar eur franc gbp huf inr jpy mxn nok pln pound quid sek usd yen"
)
_MONEY: Final = (*_SYMBOLS, *_CODES.split())
"""Every amount contains one of these."""
_MONEY_AT_EDGE: Final = {
    word: re.compile(rf"{re.escape(word)}(?:(?:os?|s)?(?!\w)|(?<!\w{re.escape(word)}))") for word in _MONEY
}
"""A currency begins or ends a word, where its amount is not a word itself: "recently" names none."""
_ENGLISH: Final = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    "hundred|thousand|million|a hundred|a thousand|and"
)
_SCALES: Final = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "k": 1000}
_SPOKEN: Final = CaselessPattern(
    rf"\b(?P<w>(?:(?:{_ENGLISH})[ -]){{1,12}})(?P<c>euros?|dollars?|bucks|pounds?|quid|francs?|yen|EUR|USD|GBP)\b"
)

_HASHED: Final = re.compile(r"(?<!&)#[A-Za-z]{0,4}[-_]?\d{2,20}\b")
_SNAKE: Final = re.compile(r"(?<![\w#])[A-Za-z]{2,20}(?:_[A-Za-z]{1,20}){0,3}_\d{1,20}(?!\w)")
_LONG_ID: Final = re.compile(r"([A-Za-z]{1,20})[_-]?(\d{4,20})", re.ASCII)
_DIGIT: Final = re.compile(r"\d")
"""Every identifier recognised by shape or label has a digit."""
_JOINTS: Final = re.compile(r"[_.-]+")
_LEFT_OUT: Final = re.compile(r"[\s#_-]")
_ANY_DIGIT: Final = str.maketrans("123456789", "000000000")
_LABEL: Final = re.compile(r"[A-Za-z]+")
_LABELLED: Final = 24
"""Characters before a row of digits in which its label may stand."""
_ALWAYS: Final = frozenset({"account", "customer", "user", "card"})
_ALIKE: Final = {"purchase": "order", "reservation": "booking", "payment": "transaction", "bill": "invoice"}


@struct(frozen=True, kw_only=True)
class Claim:
    """Stretch of the folded text that states a fact: its sort (`identifier`, `amount`, `person`) and plain value."""

    what: str
    value: str
    start: int
    end: int

    @classmethod
    def at(cls, what: str, folded: str, start: int, end: int) -> Self:
        """Build the claim of a stretch of a text."""
        return cls(what=what, value=folded[start:end], start=start, end=end)


def leaf_values(value: Json, path: ParamPath = ROOT) -> Iterator[tuple[ParamPath, Json]]:
    """Yield each single value in params, with its path."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from leaf_values(child, path.child(key))
    elif isinstance(value, list | tuple):
        for child in value:
            yield from leaf_values(child, path.child(None))
    else:
        yield path, value


def repeatable_values(params: JsonObject, action: Action) -> tuple[str, ...]:
    """Return the texts and numbers of an ask that a message may repeat: all but its own free text."""
    free = {mark.path for mark in action.marked(MarkKind.FREE_TEXT)}
    return tuple(
        str(value)
        for path, value in leaf_values(params)
        if path not in free and value is not None and not isinstance(value, bool)
    )


def marked_values(params: JsonObject, action: Action, *kinds: MarkKind) -> Iterator[tuple[ParamMark, str]]:
    """Yield each value of an ask marked with one of these kinds, as text, with its mark."""
    marks = {mark.path: mark for mark in action.marks if mark.kind in kinds}
    return ((marks[path], str(value)) for path, value in leaf_values(params) if path in marks)


def records_of(params: JsonObject, action: Action) -> frozenset[tuple[str, str]]:
    """Return the records an ask is about, each with its kind."""
    return frozenset((mark.of, value) for mark, value in marked_values(params, action, MarkKind.RESOURCE))


def desk_phrases(params: JsonObject, action: Action) -> tuple[str, ...]:
    """Return an ask's values in the desk's own words: record names and schema choices. ⚔ No text of an agent."""
    phrases = [value for _, value in marked_values(params, action, MarkKind.RESOURCE)]
    declared = action.schema.get("properties")
    for name, member in declared.items() if isinstance(declared, Mapping) else ():
        choices = member.get("enum") if isinstance(member, Mapping) else None
        value = params.get(name)
        if isinstance(value, str) and isinstance(choices, list | tuple) and value in choices:
            phrases.append(value)
    return tuple(_JOINTS.sub(" ", phrase) for phrase in phrases)


def plain_id(text: str) -> str:
    """Return an identifier without the signs people add or leave out: case, `#`, spaces, dashes."""
    return _LEFT_OUT.sub("", text).casefold()


def find_identifiers(
    folded: str, shapes: Collection[re.Pattern[str]], vocabulary: Vocabulary, kinds: Collection[str] = ()
) -> Iterator[Claim]:
    """Yield each stretch that names a record of the desk, an account or an address.

    `kinds` are the words of the desk's kinds of records: numbers labelled otherwise (a serial, an invoice, a request's
    id, a commit) are none of them. Without `kinds` every label counts.
    """
    spans: Iterable[tuple[int, int]] = ()
    rows: Iterable[Found] = ()
    if _DIGIT.search(folded) is not None:
        rows = (*find_labelled_values(folded), *find_numbers(folded))
        called = (match for match in vocabulary.patterns.called.finditer(folded) if _is_kind(match[0], kinds))
        spans = [match.span("v") for match in called]
        spans += [match.span() for match in _SNAKE.finditer(folded) if _has_prefix(match[0], kinds)]
        spans += [match.span() for match in _HASHED.finditer(folded) if not kinds]
        spans += [match.span() for pattern in shapes for match in pattern.finditer(folded)]
    for start, end in spans:
        yield Claim.at("identifier", folded, start, end)
    for kind, start, end, _ in (*find_contact_details(folded), *rows):
        if kind in {"email", "iban"} or (
            kind in {"phone", "card_number", "bank_account"} and _is_account(folded, start, vocabulary, kinds)
        ):
            yield Claim.at("identifier", folded, start, end)


def _is_kind(label: str, kinds: Collection[str]) -> bool:
    """Return whether a label is the name of a kind of the desk's records, or of a customer or account."""
    word = _LABEL.match(label)
    name = word[0].lower().removesuffix("s") if word else ""
    return not kinds or name in kinds or name in _ALWAYS or _ALIKE.get(name, "") in kinds


def _has_prefix(identifier: str, kinds: Collection[str]) -> bool:
    """Return whether an identifier such as `pm_7` or `card_55` begins like a kind of the desk's records."""
    first = identifier.partition("_")[0].lower()
    return not kinds or any(kind.startswith(first) for kind in kinds)


def _is_account(folded: str, start: int, vocabulary: Vocabulary, kinds: Collection[str]) -> bool:
    """Return whether a row of digits is a phone or account number: by its sign or its label, not by its digits alone."""
    before = folded[max(0, start - _LABELLED) : start + 1]
    return not kinds or "+" in before[-2:] or vocabulary.clauses.accounts.search(before) is not None


def identifier_patterns(ids: Collection[str]) -> tuple[re.Pattern[str], ...]:
    """Derive the patterns of this desk's identifiers from known ones: other digits, same or other letters.

    Identifiers without a digit or shorter than three characters are skipped: they would make plain words suspicious.
    """
    masked = {known.translate(_ANY_DIGIT) for known in ids if 3 <= len(known) <= 64}  # noqa: PLR2004  # see docstring
    patterns = {_shape(known) for known in masked if any(map(str.isdigit, known))}
    return tuple(re.compile(pattern) for pattern in sorted(patterns))


def _shape(identifier: str) -> str:
    if re.fullmatch(r"[A-Z0-9]{5,10}", identifier) and re.search(r"\d.*[A-Z]|[A-Z].*\d[A-Z]", identifier):
        return rf"(?<![\w#])(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{{{len(identifier)}}}(?!\w)"
    parts = [
        rf"\d{{{max(1, len(part) - 3)},{len(part) + 3}}}" if part.isdigit() else re.escape(part)
        for part in re.findall(r"\d+|[A-Za-z]+|[^A-Za-z\d]", identifier.lstrip("#"))
    ]
    plain = _LONG_ID.fullmatch(identifier.lstrip("#"))
    # ⚔ "W-10043" and "W 10043" name the record "W10043". Only for numbers of the same length:
    # "at 5 pm 12 days ago" names none.
    apart = "" if plain is None else rf"|{plain[1]}[ _-]\d{{{len(plain[2])}}}"
    return rf"(?i)(?<![\w])#?(?:{''.join(parts)}{apart})(?!\w)"


def find_amounts(folded: str) -> Iterator[tuple[Claim, Decimal, str]]:
    """Yield each amount of money, in digits or English words, with its currency (empty where none is stated)."""
    if not names_money(folded):
        return
    for match in _AMOUNT.finditer(folded) if _DIGIT.search(folded) else ():
        number = _decimal(match["n1"] or match["n2"], match["k1"] or match["k2"] or "")
        currency = match["c1"] or match["c2"]
        if number is not None:
            yield Claim.at("amount", folded, *match.span()), *_in_units(number, currency)
    for match in _SPOKEN.finditer(folded):
        if counted := _number_of(match["w"]):  # "pounds and euros" is no amount
            yield Claim.at("amount", folded, *match.span()), Decimal(counted), _code(match["c"])
    for start, end, number, currency in find_more_amounts(folded):
        yield Claim.at("amount", folded, start, end), *_in_units(number, currency)


def names_money(folded: str) -> bool:
    """Return whether a text may contain a currency."""
    small = small_letters(folded)
    return small is None or any(
        word in small and edge.search(small) is not None for word, edge in _MONEY_AT_EDGE.items()
    )


def _in_units(number: Decimal, currency: str) -> tuple[Decimal, str]:
    return (number / 100, "") if currency.lower().startswith("cent") else (number, _code(currency))


def _code(currency: str) -> str:
    low = currency.lower()
    if currency in _SYMBOLS:
        return _SYMBOLS[currency]
    names = {"euro": "EUR", "dollar": "USD", "buck": "USD", "pound": "GBP", "quid": "GBP", "franc": "CHF", "yen": "JPY"}
    return names.get(low.removesuffix("s"), currency.upper())


def _decimal(text: str, scale: str) -> Decimal | None:
    plain = re.sub(r"[ ']", "", text)
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", plain):
        plain = re.sub(r"[.,]", "", plain)
    else:
        head, mark, tail = re.match(r"(.*?)(?:([.,])(\d{1,3}))?$", plain).groups(default="")  # type: ignore[union-attr]  # every text matches
        plain = re.sub(r"[.,]", "", head) + (f".{tail}" if mark else "")
    try:
        return Decimal(plain) * _SCALES.get(scale.strip().lower(), 1)
    except InvalidOperation:
        return None


def third_party_mentions(folded: str, vocabulary: Vocabulary) -> Iterator[Claim]:
    """Yield each mention of a third party's affairs."""
    for match in vocabulary.patterns.others.finditer(folded):
        yield Claim.at("person", folded, *match.span())
