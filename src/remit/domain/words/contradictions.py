"""Facts of a message that contradict its ask: identifiers, amounts and persons that are not its own."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Final

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.structs import struct
from remit.domain.text.normalize import CaselessPattern, PatternIndex
from remit.domain.values import JsonObject, verify_money
from remit.domain.words.claims import (
    Claim,
    find_amounts,
    find_identifiers,
    find_multiples,
    identifier_patterns,
    leaf_values,
    marked_values,
    names_money,
    plain_id,
    third_party_mentions,
)
from remit.domain.words.clauses import Clause
from remit.domain.words.vocabulary import Vocabulary

REACH: Final = 160
"""Characters read on either side of the seam between two messages."""
_NEAR: Final = 120
_CLOSERS: Final = " \t'\"}]"
_LETTERS: Final = re.compile(r"[a-z]{0,20}")
_ID_LIKE: Final = frozenset({MarkKind.RECIPIENT, MarkKind.RESOURCE})
_NEVER_SAME: Final = _ID_LIKE | {MarkKind.FREE_TEXT, MarkKind.MONEY}
_SAME_LEAST: Final = 3
"""Shorter values occur inside too many words."""
_MAX_SAME: Final = 200
_GOES_ON: Final = (
    r"(?:[-_][A-Za-z]\w{0,20}|(?:,? (?:and|or|und|oder|plus|&) |/)\d{1,4}(?=\s*(?:[.,;!?](?!\d)|$)))(?![\w-])"
)
_BARE: Final = re.compile(
    r"(?<![\w.,/:#-])(?:(?P<d>(?:3[2-9]|[4-9]\d|\d{3,6})[.,]\d{2}|\d{1,2}[.,](?:1[3-9]|[2-9]\d)|\d{1,2},\d{2})(?![\w%/:-])(?![.,]\d)"
    r"|(?<=[Tt]he )(?P<i>\d{2,5})(?= (?:from|of|for|at|as well|too|on top)\b))(?!\s?(?:[A-Z]{3}\b|[€$£]|euro|uhr|am\b|pm\b|inch|cm\b|kg\b))",
)
"""Sum without a currency: with two decimals, no day, hour or measure; or "the 75 from …"."""
_UNTIL: Final = re.compile(
    r"\b(?:until|till|through|bis|ends?|ending|endet)\s(?:the |on |zum |am )?(?P<day>\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{4})(?!\d)",
    re.IGNORECASE,
)
_DAY: Final = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})|(?P<d2>\d{1,2})[./](?P<m2>\d{1,2})[./](?P<y2>\d{4})"
)


def find_contradictions(
    folded: str,
    cut: Sequence[Clause],
    action: Action,
    params: JsonObject,
    said: Collection[str],
    known_ids: Collection[str],
    vocabulary: Vocabulary,
    kinds: Collection[str] = (),
) -> Iterator[Claim]:
    """Yield each fact that is not the ask's own: `said` are the ask's values, `known_ids` may be mentioned as well.

    `kinds` are the words of the desk's kinds of records.
    """
    mine = {plain_id(value) for value in said}
    starts = [clause.start for clause in cut]

    def around(claim: Claim) -> Clause:
        return cut[max(0, bisect_right(starts, claim.start) - 1)]

    known = {plain_id(value) for value in known_ids}
    named: dict[int, bool] = {}

    def names_mine(clause: Clause) -> bool:
        if clause.start not in named:
            named[clause.start] = _names_any(clause, mine)
        return named[clause.start]

    ask_ids = _AskIdentifiers.of(params, action, vocabulary) if "(" in folded else None
    for claim in _other_ids(folded, action, params, mine, known_ids, vocabulary, kinds):
        known_one = plain_id(claim.value) in known
        if not (ask_ids and ask_ids.tells(folded, claim)) and (
            not known_one or (_requests(around(claim)) and not names_mine(around(claim)))
        ):
            yield claim
    for claim, has_money in _other_amounts(folded, action, params):
        if has_money or _requests(around(claim)):
            yield claim
    for claim, has_money in _bare_amounts(folded, action, params):
        if has_money and vocabulary.clauses.report.search(around(claim).text) is None:
            yield claim
    yield from _other_ends(folded, said)
    yield from third_party_mentions(folded, vocabulary)


@struct(frozen=True, kw_only=True)
class _AskIdentifiers:
    """Values another record may share in words: the ask's own, and the shapes of its records' identifiers.

    ⚔ Identifiers, recipients and amounts are excluded: "cancel W123 (same as W999)" names another record, "to pm_7
    (same as pm_9)" another payee. Each claim is compared with a bounded number of values.
    """

    values: tuple[str, ...]
    shapes: tuple[re.Pattern[str], ...]
    same_as: CaselessPattern

    @classmethod
    def of(cls, params: JsonObject, action: Action, vocabulary: Vocabulary) -> "_AskIdentifiers":
        """Collect those of one ask."""
        never = {mark.path for mark in action.marks if mark.kind in _NEVER_SAME}
        texts = (
            str(value).casefold()
            for path, value in leaf_values(params)
            if path not in never and isinstance(value, str | int | Decimal)
        )
        ids = {value.casefold() for _, value in marked_values(params, action, *_ID_LIKE)}
        values = (value for value in texts if len(value) >= _SAME_LEAST and value not in ids)
        records = {value for _, value in marked_values(params, action, MarkKind.RESOURCE)}
        shapes = identifier_patterns(records)
        return cls(values=tuple(islice(values, _MAX_SAME)), shapes=shapes, same_as=vocabulary.patterns.same_as)

    def tells(self, folded: str, claim: Claim) -> bool:
        """Return whether brackets only state that another record shares the ask's value: "10001 (same as W124)".

        ⚔ The value stands in the text and is the ask's own: nothing is looked up.
        """
        if not folded.startswith(")", claim.end) or not any(shape.fullmatch(claim.value) for shape in self.shapes):
            return False
        led = self.same_as.search(folded[max(0, claim.start - _NEAR) : claim.start])
        if led is None:
            return False
        value = led["value"].rstrip(_CLOSERS).casefold()
        return any(value.endswith(own) and not value[: -len(own)][-1:].isalnum() for own in self.values)


def _requests(clause: Clause) -> bool:
    return clause.requests_anything or bool(clause.topics)


def _names_any(clause: Clause, ids: Collection[str]) -> bool:
    plain = plain_id(clause.text)
    return any(known and known in plain for known in ids)


def _other_ids(
    folded: str,
    action: Action,
    params: JsonObject,
    mine: Collection[str],
    known_ids: Collection[str],
    vocabulary: Vocabulary,
    kinds: Collection[str],
) -> Iterator[Claim]:
    ours = {value for _, value in marked_values(params, action, *_ID_LIKE)} | set(known_ids)
    digits = _digits_of(mine)
    for claim in find_identifiers(folded, identifier_patterns(ours), vocabulary, kinds):
        name = plain_id(claim.value)
        if name not in mine and not _is_part(name, digits) and not _is_date(claim.value):
            yield claim
    for value in islice((one for one in ours if len(one) > 1 and one in folded), _MAX_SAME):
        # ⚔ "jdoe, jdoe-adm" and "W1003 and 4" name a second record by the first.
        for found in re.finditer(rf"(?<![\w-]){re.escape(value)}{_GOES_ON}", folded):
            if plain_id(found[0]) not in mine:
                yield Claim.at("identifier", folded, *found.span())


def _digits_of(ids: Collection[str]) -> dict[str, int]:
    """Map the final digits of identifiers (after up to twenty letters), without leading zeros, to their full length."""
    lengths: dict[str, int] = {}
    for known in ids:
        digits = known[_LETTERS.match(known).end() :]  # type: ignore[union-attr]  # every text matches
        if digits.isdigit():
            plain = digits.lstrip("0")
            lengths[plain] = max(lengths.get(plain, 0), len(digits))
    return lengths


def _is_part(name: str, digits: Mapping[str, int]) -> bool:
    """Return whether digits alone name one of the ask's identifiers: "order 123" for `W123`."""
    return name.isdigit() and len(name) <= digits.get(name.lstrip("0"), 0)


def _bare_amounts(folded: str, action: Action, params: JsonObject) -> Iterator[tuple[Claim, bool]]:
    """Yield sums without a currency that are not the ask's, and whether the ask has any."""
    ours, has_money = _own_sums(action, params)
    for found in _BARE.finditer(folded) if has_money else ():
        number = Decimal((found["d"] or found["i"]).replace(",", "."))
        if number not in ours:
            yield Claim.at("amount", folded, *found.span("d" if found["d"] else "i")), True


def _other_ends(folded: str, said: Collection[str]) -> Iterator[Claim]:
    """Yield each day up to which something is wanted that is not one of the ask's days."""
    ours = {date_of(value) for value in said} - {None}
    for found in _UNTIL.finditer(folded) if ours else ():
        day = date_of(found["day"])
        if day is not None and day not in ours:
            yield Claim.at("day", folded, *found.span("day"))


def date_of(text: str) -> tuple[int, int, int] | None:
    """Return year, month and day of a date in digits, the year first or last."""
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    year, month, day = (found["y"], found["m"], found["d"]) if found["y"] else (found["y2"], found["m2"], found["d2"])
    return int(year), int(month), int(day)


def _is_date(text: str) -> bool:
    return re.fullmatch(r"(?:19|20)\d\d(?:[-/.]\d{1,2}){0,2}", text) is not None


def _own_sums(action: Action, params: JsonObject) -> tuple[Mapping[Decimal, set[str]], bool]:
    """Return the numbers of an ask with their currencies, and whether any is a sum."""
    money = {mark.path for mark in action.marked(MarkKind.MONEY)}
    ours: dict[Decimal, set[str]] = {}
    for path, value in leaf_values(params):
        if path in money:
            amount = verify_money(value, where=str(path))
            ours.setdefault(amount.amount, set()).add(amount.currency)
        elif isinstance(value, int | Decimal) and not isinstance(value, bool):
            ours.setdefault(Decimal(value), set()).add("")
    return ours, any(any(currencies) for currencies in ours.values())


def _other_amounts(folded: str, action: Action, params: JsonObject) -> Iterator[tuple[Claim, bool]]:
    """Yield amounts that are not the ask's, and whether the ask has any; without one, they may be mentioned only."""
    ours, has_money = _own_sums(action, params)
    for claim, number, currency in find_amounts(folded):
        currencies = ours.get(number, set())
        if not currencies or (currency and currencies.isdisjoint({"", currency})):
            yield claim, has_money
    for start, end in find_multiples(folded) if has_money else ():
        yield Claim.at("amount", folded, start, end), True


def split_amounts(
    tail: str, folded: str, action: Action, params: JsonObject, vocabulary: Vocabulary
) -> Iterator[Claim]:
    """⚔ Yield foreign amounts split over the previous message and this one ("refund 900." and "00 EUR to me.").

    An own amount at the start of the message, or at the end of the one before, is complete.
    """
    head = folded[:REACH]
    if not tail or not (names_money(tail + head) or names_money(f"{tail} {head}")):
        return
    if 0 in _own_amounts(head, action, params):
        return
    ended = {start for start, end in _own_amounts(tail, action, params).items() if not tail[end:].strip(" .,;:!")}
    seen: set[int] = set()
    for seam in (" ", ""):
        joined, start = f"{tail}{seam}{head}", len(tail) + len(seam)
        for claim, has_money in _other_amounts(joined, action, params):
            crosses = claim.start < len(tail) and claim.end > start and claim.start not in ended | seen
            if crosses and (
                has_money or vocabulary.patterns.wish.search(joined) is not None or vocabulary.topics_of(joined)
            ):
                seen.add(claim.start)
                end = min(len(folded), claim.end - start)
                yield Claim(what="amount, with the message before", value=claim.value, start=0, end=end)


def _own_amounts(text: str, action: Action, params: JsonObject) -> dict[int, int]:
    """Return where the ask's own amounts stand in a text, start to end."""
    foreign = {claim.start for claim, _ in _other_amounts(text, action, params)}
    return {claim.start: claim.end for claim, *_ in find_amounts(text) if claim.start not in foreign}


def find_denials(folded: str, verb: str, vocabulary: Vocabulary) -> Iterator[Claim]:
    """Yield each stretch that says not to do the ask's act at all (a "how" or "when" does not count)."""
    if verb not in vocabulary.denials or not vocabulary.patterns.denial_word.search(folded):
        return
    denial = vocabulary.denials[verb]
    for found in denial.finditer(vocabulary.indexed(folded).under(_index(denial))):
        yield Claim.at("wish", folded, *found.span())


@lru_cache(64)
def _index(pattern: CaselessPattern) -> PatternIndex:
    return PatternIndex((pattern,))
