"""Searching the transcript: the query, and the words an entry is found by.

A search is a conjunction of terms; each term is a set of tokens of which a row has at least one. A token is a word with
a letter for where it stands: `w:` anywhere, `a:` agent, `p:` operator, `u:` customer, `o:` officer, `c:` code, `k:` kind,
`d:` decision and what followed, `m:` amount.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.structs import struct
from remit.domain.transcript.people_named import OFFICERS, PEOPLE, doers
from remit.domain.values import Instant, Json, JsonObject, object_of

MAX_QUERY: Final = 200
MAX_TERMS: Final = 16
MAX_TOKENS: Final = 400
"""Tokens of one entry: the words of a long message beyond them are not found."""
_MAX_WORD: Final = 80
_SHORTEST: Final = 3
_LONGEST: Final = 12
_DAY_MS: Final = 86_400_000

_FIELDS: Final[Mapping[str, str]] = {
    "agent": "a",
    "operator": "p",
    "betreiber": "p",
    "customer": "u",
    "kunde": "u",
    "kundin": "u",
    "officer": "o",
    "person": "o",
    "code": "c",
    "kind": "k",
    "art": "k",
    "decision": "d",
    "entscheidung": "d",
}
_SINCE: Final = frozenset({"from", "von", "since", "seit"})
_UNTIL: Final = frozenset({"to", "bis", "until"})
FILTERS: Final[Mapping[str, str]] = {
    "kind": "k", "decision": "d", "agent": "a", "officer": "o", "operator": "p", "code": "c", "customer": "u",
}  # fmt: skip
"""Fields of the form, by the letter of their tokens."""
DECISIONS: Final = (
    "permit", "needs_human", "refuse", "approved", "declined", "expired", "withdrawn", "done", "failed", "unknown",
)  # fmt: skip
"""What can have become of an ask, as it is looked for: its decision, its answers, its outcome."""
_ALIASES: Final[Mapping[str, str]] = {
    "allowed": "permit", "erlaubt": "permit", "waiting": "needs_human", "wartet": "needs_human", "blocked": "refuse",
    "refused": "refuse", "blockiert": "refuse", "abgelehnt": "declined", "erledigt": "done",
    "fehlgeschlagen": "failed",
}  # fmt: skip
_ANSWERS: Final[Mapping[str, str]] = {
    "yes": "approved",
    "less": "approved",
    "release": "approved",
    "strip": "approved",
    "no": "declined",
    "no_and_end": "declined",
    "silence": "expired",
    "withdrawn": "withdrawn",
}
_ENVELOPE: Final = frozenset(
    [
        "action",
        "agent",
        "answer",
        "area",
        "ask",
        "case",
        "code",
        "confirmation",
        "contest",
        "decision",
        "entry",
        "format",
        "kind",
        "mandate",
        "name",
        "objective",
        "operator",
        "outcome",
        "reason",
        "task",
        "what",
    ]
)
"""Members of an envelope that are looked for; digests and pseudonyms are not."""
_APART: Final = frozenset(
    [
        "assertion",
        "by",
        "evidence",
        "mandate",
        "person",
        "policies",
        "rendering",
        "salt",
        "settled_by",
        "signed",
        "to",
        "versions",
        "wire",
    ]
)
"""Members of a content that are not looked for as words: signatures, and people, who are found by their names."""
_PIECE: Final = re.compile(r"[^\W_]+")
_EDGE: Final = re.compile(r"^\W+|\W+$")
_MONEY: Final = re.compile(r"((?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,3})?) ([A-Z]{3})", re.ASCII)
_SYMBOLS: Final[Mapping[str, str]] = {"€": "eur", "$": "usd", "£": "gbp", "¥": "jpy"}
_FIGURE: Final = r"[0-9](?:[0-9.,]*[0-9])?"
_UNIT: Final = r"[€$£¥](?!\s?[0-9])|\b[A-Za-z]{3}\b"
_PRICE: Final = re.compile(
    rf"(?:([€$£¥])\s?({_FIGURE}))|(?:(?<![\w.,])({_FIGURE})\s?({_UNIT}))|(?:\b(EUR|USD|GBP|CHF)\s({_FIGURE}))"
)
_NUMBER: Final = re.compile(_FIGURE)
_CURRENCIES: Final = frozenset(
    ["eur", "usd", "gbp", "jpy", "chf", "sek", "nok", "dkk", "pln", "czk", "huf", "cad", "aud"]
)
_CHUNK: Final = re.compile(r'([^\W\d_]+):"([^"]*)"|"([^"]*)"|(\S+)')
_DATES: Final = (
    (re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII), (1, 2, 3)),
    (re.compile(r"(\d{4})-(\d{2})", re.ASCII), (1, 2, 0)),
    (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII), (3, 2, 1)),
)
_DAYS: Final[Mapping[str, int]] = {"today": 0, "heute": 0, "yesterday": -1, "gestern": -1}


@struct(frozen=True, kw_only=True)
class SearchQuery:
    """A query: terms that must all hold, and bounds of time (`until` excluded; 0: none) and amount."""

    terms: tuple[frozenset[str], ...] = ()
    since: int = 0
    until: int = 0
    least: Decimal | None = None
    most: Decimal | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything is found."""
        return self == _EVERYTHING

    def matches(self, found: "Found") -> bool:
        """Return whether a row is looked for."""
        return (
            all(found.tokens & one for one in self.terms)
            and self.fits(found.first_at, found.last_at)
            and self.costs(found.amounts)
        )

    def fits(self, first_at: int, last_at: int) -> bool:
        """Return whether something of a row is within the time."""
        return last_at >= self.since and (not self.until or first_at < self.until)

    def costs(self, amounts: Iterable[Decimal]) -> bool:
        """Return whether one of a row's amounts is within the bounds."""
        if self.least is None and self.most is None:
            return True
        least, most = self.least, self.most
        return any((least is None or one >= least) and (most is None or one <= most) for one in amounts)


_EVERYTHING: Final = SearchQuery()


@struct(frozen=True, kw_only=True)
class Found:
    """The index of a row: the tokens, amounts and times of its entries."""

    tokens: AbstractSet[str]
    amounts: tuple[Decimal, ...]
    first_at: int
    last_at: int


@struct(frozen=True, kw_only=True)
class EntryNames:
    """Names beside an entry's ids: its agent, its customer's id and name, its officers' ids and names, its action."""

    agent: str = ""
    customer: tuple[str, ...] = ()
    officers: tuple[str, ...] = ()
    title: str = ""


def parse_query(text: str, filters: Mapping[str, str], *, now: Instant) -> SearchQuery:
    """Parse a line of search and the fields of a form beside it.

    The line has plain words, quoted words, amounts (`€20.00`, `20,00 €`), days (`2026-11-30`, `30.11.2026`, `today`) and
    `field:word` for agent, operator, customer, officer, code, kind, decision, from and to. Days are UTC.

    Raises:
        Refused: `request.malformed` for a text that is too long, and a day or amount that is none.
    """
    if len(text) > MAX_QUERY or any(len(one) > MAX_QUERY for one in filters.values()):
        raise Refused(Code.REQUEST_MALFORMED, "too long a search", public=marked("This search is too long."))
    terms: list[frozenset[str]] = []
    spans: list[tuple[int, int]] = []
    for name, value in _chunks(text, terms):
        if name in _SINCE or name in _UNTIL:
            first, after = _day(value, now)
            spans.append((first, 0) if name in _SINCE else (0, after))
        elif name in _FIELDS:
            terms += _field_terms(_FIELDS[name], value)
        else:
            days = _readable_day(value, now) if not name else None
            if days is not None:
                spans.append(days)
            else:
                terms += [term for one in (f"{name}:{value}" if name else value).split() for term in _word_terms(one)]
    for name, letter in FILTERS.items():
        terms += _field_terms(letter, filters.get(name, ""))
    if filters.get("from"):
        spans.append((_day(filters["from"], now)[0], 0))
    if filters.get("to"):
        spans.append((0, _day(filters["to"], now)[1]))
    if len(terms) > MAX_TERMS:
        raise Refused(Code.REQUEST_MALFORMED, "too many words", public=marked("This search is too long."))
    return SearchQuery(
        terms=tuple(dict.fromkeys(terms)),
        since=max((since for since, _ in spans), default=0),
        until=min((until for _, until in spans if until), default=0),
        least=_bound(filters.get("min", "")),
        most=_bound(filters.get("max", "")),
    )


def _chunks(text: str, terms: list[frozenset[str]]) -> Iterator[tuple[str, str]]:
    """Take the amounts with a currency out of a text, then return its fields and words one by one."""

    def price(found: "re.Match[str]") -> str:
        figure = found[2] or found[3] or found[6]
        unit = (found[1] or found[4] or found[5]).lower()
        unit = _SYMBOLS.get(unit, unit)
        if unit not in _CURRENCIES:
            return found[0]
        terms.append(frozenset(f"m:{one} {unit}" for one in _readings(figure)))
        return " "

    for found in _CHUNK.finditer(_PRICE.sub(price, text)):
        if found[1]:
            yield found[1].lower(), found[2]
        elif found[3] is not None:
            yield from (("", one) for one in found[3].split())
        else:
            name, colon, value = found[4].partition(":")
            known = colon and name.lower() in {*_FIELDS, *_SINCE, *_UNTIL} and value
            yield (name.lower(), value) if known else ("", found[4])


def _field_terms(letter: str, value: str) -> list[frozenset[str]]:
    words = [one for chunk in value.split() if (one := _whole(chunk))]
    if letter == "d":
        return [frozenset({f"d:{_ALIASES.get(one, one)}"}) for one in words]
    if letter in {"c", "k"}:
        return [frozenset({f"{letter}:{one.rstrip('*').rstrip('.')}"}) for one in words]
    return [frozenset({f"{letter}:{one}"}) for one in words]


def _word_terms(chunk: str) -> list[frozenset[str]]:
    whole = _whole(chunk)
    if not whole:
        return []
    if _NUMBER.fullmatch(whole):
        return [frozenset({f"w:{whole}", *(f"m:{one}" for one in _readings(whole))})]
    return [frozenset({f"w:{whole}"})]


def _readings(figure: str) -> set[str]:
    """Return the numbers that a figure can mean: 1.500 is fifteen hundred, or one and a half."""
    marks = [one for one in figure if one in ".,"]
    if not marks:
        return {_plain(figure)}
    whole = figure.replace(".", "").replace(",", "")
    head, _, tail = figure.rpartition(marks[-1])
    fraction = f"{head.replace('.', '').replace(',', '')}.{tail}"
    if len(set(marks)) > 1:
        return {_plain(fraction)}
    if len(marks) > 1:
        return {_plain(whole)}
    return {_plain(whole), _plain(fraction)} if len(tail) == len("000") else {_plain(fraction)}


def _plain(number: str) -> str:
    return f"{Decimal(number).normalize():f}"


def _bound(text: str) -> Decimal | None:
    figure = text.strip().strip("€$£¥ ")
    if not figure:
        return None
    if not figure.isascii() or not _NUMBER.fullmatch(figure):
        raise Refused(Code.REQUEST_MALFORMED, "min and max are amounts", public=marked("Enter an amount as a number."))
    return min(Decimal(one) for one in _readings(figure))


def _day(text: str, now: Instant) -> tuple[int, int]:
    found = _readable_day(text.strip(), now)
    if found is None:
        raise Refused(Code.REQUEST_MALFORMED, f"{text!r} is no day", public=marked("Enter a day such as 2026-11-30."))
    return found


def _readable_day(text: str, now: Instant) -> tuple[int, int] | None:
    """Return the first moment of a day or month and the one after it; None for another text."""
    if text.lower() in _DAYS:
        first = now - now % _DAY_MS + _DAYS[text.lower()] * _DAY_MS
        return first, first + _DAY_MS
    for shape, (year, month, day) in _DATES:
        if (found := shape.fullmatch(text)) is not None:
            try:
                begins = datetime(int(found[year]), int(found[month]), int(found[day]) if day else 1, tzinfo=UTC)
                ends = begins + timedelta(days=1) if day else (begins + timedelta(days=31)).replace(day=1)
            except (ValueError, OverflowError):
                return None
            return round(begins.timestamp() * 1000), round(ends.timestamp() * 1000)
    return None


def fold(text: str) -> str:
    """Return a text as it is compared: small letters without accents, compatible forms alike."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text[: MAX_TOKENS * _MAX_WORD])
    return unicodedata.normalize("NFKC", "".join(one for one in plain if not unicodedata.combining(one)).casefold())


def _whole(chunk: str) -> str:
    return _EDGE.sub("", fold(chunk))[:_MAX_WORD]


def _words(text: str) -> Iterator[str]:
    """Return the words of a text, each whole and in its pieces: `pm_7` is found by itself, and by `pm`."""
    for chunk in fold(text).split():
        whole = _EDGE.sub("", chunk)
        if not whole or len(whole) > _MAX_WORD:
            continue
        yield whole
        if not whole.isalnum():
            yield from _PIECE.findall(whole)


def _named(letter: str, text: str) -> Iterator[str]:
    for word in _words(text):
        for end in range(_SHORTEST, min(len(word), _LONGEST)) if letter != "w" else ():
            yield f"w:{word[:end]}"
            yield f"{letter}:{word[:end]}"
        yield f"w:{word}"
        yield f"{letter}:{word}"


def named_tokens(letter: str, text: str) -> frozenset[str]:
    """Return the tokens of one name, found by its first letters, too."""
    return frozenset(_named(letter, text))


Named = Callable[[str, str], AbstractSet[str]]
"""Gives the tokens of a name, as `named_tokens` does; names repeat, so that they may be remembered."""


def entry_tokens(
    row: Mapping[str, Json], names: EntryNames, named: Named = named_tokens
) -> tuple[set[str], tuple[Decimal, ...]]:
    """Return the tokens and amounts of an opened entry. ⚔ An erased one has those of its envelope alone."""
    envelope, content = object_of(row["envelope"]), object_of(row["content"])
    kind = str(row["kind"])
    tokens = {f"k:{kind}", f"k:{kind.partition('.')[0]}", f"w:{kind}"}
    for name in _ENVELOPE & envelope.keys():
        value = envelope[name]
        if isinstance(value, str):
            tokens.update(f"w:{one}" for one in _words(value))
    tokens.update(_codes(envelope))
    tokens.update(_became(kind, envelope))
    tokens.update(named("a", str(envelope.get("agent", ""))), named("a", names.agent))
    tokens.update(named("p", str(envelope.get("operator", ""))))
    amounts: list[Decimal] = []
    if row["erased"] is not True:
        for letter, texts in (("u", names.customer), ("o", names.officers), ("w", (names.title,))):
            tokens.update(*(named(letter, text) for text in texts))
        words = {name: one for name, one in content.items() if name not in PEOPLE}
        for text in _texts(words):
            for word in _words(text):  # ⚔ one text alone can have thousands
                if len(tokens) >= MAX_TOKENS:
                    break
                tokens.add(f"w:{word}")
            if len(tokens) >= MAX_TOKENS:
                break
            money = _MONEY.fullmatch(text)
            if money is not None:
                figure = _plain(money[1])
                tokens.update((f"m:{figure}", f"m:{figure} {money[2].lower()}"))
                amounts.append(Decimal(money[1]))
    return tokens, tuple(dict.fromkeys(amounts))


def officers_of(content: JsonObject) -> tuple[str, ...]:
    """Return the ids of the people whom an entry's content names as its authors."""
    found: list[str] = []
    for name in OFFICERS:
        value = doers(content) if name == "by" else content.get(name)
        values = value if isinstance(value, list | tuple) else [value]
        found += [one for one in values if isinstance(one, str) and one]
    return tuple(dict.fromkeys(found))


def _codes(envelope: JsonObject) -> Iterator[str]:
    code = envelope.get("code")
    if isinstance(code, str) and code:
        yield f"c:{code}"
        yield f"c:{code.partition('.')[0]}"


def _became(kind: str, envelope: JsonObject) -> Iterator[str]:
    for name in ("decision", "outcome"):
        value = envelope.get(name)
        if isinstance(value, str) and value:
            yield f"d:{value}"
    if kind in {"confirmation.answered", "words.answered", "confirmation.expired"}:
        yield f"d:{_ANSWERS.get(str(envelope.get('answer', 'silence')), 'declined')}"


def _texts(value: Json) -> Iterator[str]:
    """Return every text in a content, members apart that are no words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if name not in _APART:
                yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        yield f"{value}"
