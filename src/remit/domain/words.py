"""The message must say no more than the ask: the verdict over words, texts in params, summaries and names.

Reading is in `words_reading`, facts in `words_claims`, wishes in `words_asks`. A local model may only make the verdict stricter.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from remit.domain.catalogue import Action, Catalogue, MarkKind, Objective
from remit.domain.plain import View, view
from remit.domain.values import JsonObject, verify_money
from remit.domain.words_asks import Scope, Wish, commands, scope_of, wishes
from remit.domain.words_claims import Claim, amounts, identifiers, leaves, names_money, others, plain_id, said_values, shapes_of
from remit.domain.words_clauses import Clause, clauses
from remit.domain.words_denials import denials
from remit.domain.words_heard import heard
from remit.domain.words_likeness import Lexicon, lexicon_of
from remit.domain.words_numbers import multiples
from remit.domain.words_reading import unreadable
from remit.domain.words_topics import VERBS, WISH, topics_of
from remit.domain.words_tricks import tricks

_JOINED: Final = 3
_REACH: Final = 160
_LETTERS: Final = re.compile(r"[a-z]{0,20}")
_MOST_NAMED: Final = 1000
NAME_LONGEST: Final = 120
_ID_LIKE: Final = frozenset({MarkKind.RECIPIENT, MarkKind.RESOURCE})


class Said(StrEnum):
    """What a message is, against its ask. Only `match` and `narrower` reach the case."""

    CONTRADICTS = "contradicts"
    MATCH = "match"
    NARROWER = "narrower"
    UNREADABLE = "unreadable"
    WIDER = "wider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the message as it came, what it is against the ask, and why it was marked."""

    start: int
    end: int
    why: str
    said: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsVerdict:
    """The verdict, where it hangs on, and a sentence for the desk. Spans are offsets; they never repeat the words."""

    said: Said
    spans: tuple[Span, ...] = ()
    reason: str = ""

    @property
    def passes(self) -> bool:
        """Whether the message may reach the case."""
        return self.said in {Said.MATCH, Said.NARROWER}


def check_words(
    words: str | None,
    *,
    action: Action,
    params: JsonObject,
    catalogue: Catalogue,
    objective: Objective,
    known_ids: Collection[str] = (),
    earlier: tuple[str, ...] = (),
    lexicon: Lexicon | None = None,
) -> WordsVerdict:
    """Hold a message against its ask.

    `known_ids` are identifiers this task may speak of (the mandate's targets, records of earlier asks): mentioned, but
    nothing may be asked about them here. `earlier` are the task's last messages, oldest first: ⚔ a wish split over two
    messages is read across the seam. `lexicon` is the catalogue's, built once (else it is built here). Its model, where it has one, hears what all rules let pass. No words, nothing to check.

    Source: 2-model.md §6.
    """
    if words is None or not words.strip():
        return WordsVerdict(said=Said.MATCH)
    seen = view(words)
    learnt = lexicon or lexicon_of(catalogue)
    said = said_values(params, action)
    why = unreadable(words, seen.text, expected={*said, *known_ids}, languages=learnt.languages, verbs=_PLAIN_VERBS) or tricks(words)
    if why:
        return _of_all(words, Said.UNREADABLE, why)
    tail = " ".join(view(one).text for one in earlier[-_JOINED:])[-_REACH:]
    cut = clauses(seen.text)
    scope = scope_of(action, objective, said, learnt)
    wrong = [*_contradictions(seen.text, cut, action, params, said, known_ids), *_split_amounts(tail, seen.text, action, params)]
    wrong += denials(seen.text, scope.act.verb)
    spans = [
        *(_span(seen, claim.start, claim.end, f"another {claim.what}", Said.CONTRADICTS) for claim in wrong),
        *(_span(seen, wish.start, wish.end, wish.reason, Said.WIDER) for wish in _wider(seen.text, cut, scope, learnt, tail)),
    ] or [_span(seen, wish.start, wish.end, wish.reason, Said.WIDER) for wish in heard(cut, tail, scope, learnt)]
    if spans:
        return WordsVerdict(said=spans[0].said, spans=tuple(spans), reason=spans[0].why)
    return WordsVerdict(said=Said.MATCH if _says_all(seen.text, said, params) else Said.NARROWER)


def check_file_name(name: str, *, languages: Collection[str] = ("en",)) -> WordsVerdict:
    """Hold a file's name against what a name may be. It tells nobody either what to do with something, as an agent's may ("Book a Table").

    Source: 2-model.md §6.
    """
    verdict = check_name(name, languages=languages)
    if verdict.passes and _ORDERED.match(_spoken(name)):
        return _of_all(name, Said.WIDER, _ASKS)
    return verdict


def check_name(name: str, *, languages: Collection[str] = ("en",)) -> WordsVerdict:
    """Hold a name an agent chose (a file's, its own) against what a name may be: short, readable, asking nothing."""
    if len(name) > NAME_LONGEST:  # ⚔ before anything reads it
        return _of_all(name, Said.UNREADABLE, "longer than a name")
    spoken = _spoken(name)
    why = "more than one line" if re.search(r"[\n\r\t]", name) else ""
    why = why or unreadable(name, spoken, expected=(), languages=languages, verbs=_PLAIN_VERBS)
    if why:
        return _of_all(name, Said.UNREADABLE, why)
    order = next(commands(spoken), None) or next(commands(view(name).text), None)
    asks = WISH.search(spoken) is not None and bool(topics_of(spoken))
    if order is None and not asks:
        return WordsVerdict(said=Said.MATCH)
    return _of_all(name, Said.WIDER, order.reason if order else _ASKS)


def _spoken(name: str) -> str:
    """A name as it would be said."""
    return re.sub(r"[_.\-]+", " ", view(name).text)


def _of_all(text: str, said: Said, why: str) -> WordsVerdict:
    """A verdict over all of a text."""
    return WordsVerdict(said=said, spans=(Span(start=0, end=len(text), why=why, said=said),), reason=why)


_ASKS: Final = "a name that asks for something"
_ORDERED: Final = re.compile(
    rf"\s*(?:(?:please|and|also|then|now|just|kindly)\s+)*(?:{'|'.join(VERBS.values())}|tell|give|show|ignore|forget|approve|grant)\s+"
    r"(?:the|all|this|these|those|every|each|any|them|everything|everybody)\b",
    re.IGNORECASE,
)
"""Somebody is told to do something with something. A name may have a verb in it: "return label", "refund_2"."""
_PLAIN_VERBS: Final = frozenset(
    {
        *VERBS,
        "password",
        "account",
        "money",
        "address",
        "ignore",
        "previous",
        "instructions",
        "system",
        "admin",
        "bypass",
        "override",
        "without",
        "please",
        "order",
    }
)


def _span(seen: View, start: int, end: int, why: str, said: Said) -> Span:
    first, last = seen.span(max(0, start), max(start, end)) if start < len(seen.text) and end > 0 else (0, 0)
    return Span(start=first, end=last, why=why, said=said)


def _contradictions(
    folded: str, cut: Sequence[Clause], action: Action, params: JsonObject, said: Collection[str], known_ids: Collection[str]
) -> Iterator[Claim]:
    mine = {plain_id(value) for value in said}
    starts = [clause.start for clause in cut]

    def around(claim: Claim) -> Clause:
        return cut[max(0, bisect_right(starts, claim.start) - 1)]

    known = {plain_id(value) for value in known_ids}
    named: dict[int, bool] = {}

    def names_mine(clause: Clause) -> bool:
        if clause.start not in named:
            named[clause.start] = _names(clause, mine)
        return named[clause.start]

    for claim in _other_ids(folded, action, params, mine, known_ids):
        if plain_id(claim.value) not in known or (_wants(around(claim)) and not names_mine(around(claim))):
            yield claim
    for claim, has_money in _other_amounts(folded, action, params):
        if has_money or _wants(around(claim)):
            yield claim
    yield from others(folded)


def _wants(clause: Clause) -> bool:
    """Whether something is asked for in a clause."""
    return clause.wishes or bool(clause.topics)


def _names(clause: Clause, ids: Collection[str]) -> bool:
    """Whether a clause names one of these identifiers."""
    plain = plain_id(clause.text)
    return any(one and one in plain for one in ids)


def _other_ids(folded: str, action: Action, params: JsonObject, mine: Collection[str], known_ids: Collection[str]) -> Iterator[Claim]:
    marks = {mark.path for mark in action.marks if mark.kind in _ID_LIKE}
    ours = {str(value) for path, value in leaves(params) if path in marks} | set(known_ids)
    digits = _digits_of(mine)
    for claim in identifiers(folded, shapes_of(ours)):
        name = plain_id(claim.value)
        if name not in mine and not _is_part(name, digits) and not _is_date(claim.value):
            yield claim


def _digits_of(ids: Collection[str]) -> dict[str, int]:
    """The digits that end identifiers of up to twenty letters before them, without zeros in front, and how long they are with these."""
    found: dict[str, int] = {}
    for one in ids:
        digits = one[_LETTERS.match(one).end() :]  # type: ignore[union-attr]  # every text matches
        if digits.isdigit():
            plain = digits.lstrip("0")
            found[plain] = max(found.get(plain, 0), len(digits))
    return found


def _is_part(name: str, digits: Mapping[str, int]) -> bool:
    """Digits alone may name an ask's own identifier: "order 123" for `W123`."""
    return name.isdigit() and len(name) <= digits.get(name.lstrip("0"), 0)


def _is_date(text: str) -> bool:
    return re.fullmatch(r"(?:19|20)\d\d(?:[-/.]\d{1,2}){0,2}", text) is not None


def _other_amounts(folded: str, action: Action, params: JsonObject) -> Iterator[tuple[Claim, bool]]:
    """Amounts that are not the ask's, and whether the ask has one. Where it has none, an amount may be told but not asked for."""
    money = {mark.path for mark in action.marked(MarkKind.MONEY)}
    ours: dict[Decimal, set[str]] = {}
    for path, value in leaves(params):
        if path in money:
            amount = verify_money(value, where=str(path))
            ours.setdefault(amount.amount, set()).add(amount.currency)
        elif isinstance(value, int | Decimal) and not isinstance(value, bool):
            ours.setdefault(Decimal(value), set()).add("")
    has_money = any(any(currencies) for currencies in ours.values())
    for claim, number, currency in amounts(folded):
        told = ours.get(number, set())
        if not told or (currency and told.isdisjoint({"", currency})):
            yield claim, has_money
    for start, end in multiples(folded) if has_money else ():
        yield Claim(what="amount", value=folded[start:end], start=start, end=end), True


def _split_amounts(tail: str, folded: str, action: Action, params: JsonObject) -> Iterator[Claim]:
    """⚔ Amounts that are not the ask's and stand half in the messages before ("refund 900." and "00 EUR to me.").

    Where the message begins with an amount of the ask's own, or the one before ends with one, nobody reads more into it.
    """
    head = folded[:_REACH]
    if not tail or not names_money(tail + head):
        return
    if 0 in _own_amounts(head, action, params):
        return
    ended = {start for start, end in _own_amounts(tail, action, params).items() if not tail[end:].strip(" .,;:!")}
    told: set[int] = set()
    for seam in (" ", ""):
        joined, start = f"{tail}{seam}{head}", len(tail) + len(seam)
        for claim, has_money in _other_amounts(joined, action, params):
            crosses = claim.start < len(tail) and claim.end > start and claim.start not in ended | told
            if crosses and (has_money or WISH.search(joined) is not None or topics_of(joined)):
                told.add(claim.start)
                yield Claim(what="amount, with the message before", value=claim.value, start=0, end=min(len(folded), claim.end - start))


def _own_amounts(text: str, action: Action, params: JsonObject) -> dict[int, int]:
    """Where the ask's own amounts stand in a text: their starts and ends."""
    others_ = {claim.start for claim, _ in _other_amounts(text, action, params)}
    return {claim.start: claim.end for claim, *_ in amounts(text) if claim.start not in others_}


def _wider(folded: str, cut: Sequence[Clause], scope: Scope, lexicon: Lexicon, tail: str) -> Iterator[Wish]:
    yield from commands(folded, scope.spoken)
    yield from wishes(cut, scope, lexicon)
    if not tail:
        return
    across: list[tuple[int, str]] = []
    for seam in (" ", ""):
        joined, start = f"{tail}{seam}{folded[:_REACH]}", len(tail) + len(seam)
        found = (*commands(joined, scope.spoken), *wishes(clauses(joined), scope, lexicon, across=start))
        across += [(min(len(folded), wish.end - start), wish.reason) for wish in found if wish.start < len(tail) and wish.end > start]
    if across:
        # What the earlier messages ask for by themselves was held against their own asks.
        theirs = {wish.reason for wish in (*commands(tail, scope.spoken), *wishes(clauses(tail), scope, lexicon))}
        for end, reason in across:
            if reason not in theirs:
                yield Wish(start=0, end=end, reason=f"{reason}, with the message before")


def _says_all(folded: str, said: Collection[str], params: JsonObject) -> bool:
    """Whether the words name each element of each list of the ask, or none at all."""
    spoken = plain_id(folded)
    for value in params.values():
        if isinstance(value, list | tuple) and len(value) > 1:
            named = [plain_id(str(one)) in spoken for one in value[:_MOST_NAMED]]
            if any(named) and not all(named):
                return False
    return bool(said) or bool(spoken)
