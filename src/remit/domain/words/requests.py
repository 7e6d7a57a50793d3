"""Requests in a message beyond its ask: other acts, other attributes, orders to the desk."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from remit.domain.catalogue.model import Action, Effect, Objective
from remit.domain.structs import replace, struct
from remit.domain.values import JsonObject
from remit.domain.words.claims import desk_phrases, names_money, plain_id
from remit.domain.words.clauses import Clause
from remit.domain.words.lexicon import ActionWords, Lexicon, action_words, objective_words, purpose_similarity
from remit.domain.words.vocabulary import CHANGE, UPGRADE, WHOLE, Vocabulary, tokens

_WHOLE_VALUE: Final = 3
_DIGITS: Final = re.compile(r"\d")
_FAR: Final = 200
"""⚔ Characters read on either side of a match: reading all for each would take quadratic time."""
_MAX_VALUES: Final = 200
"""⚔ Values each clause is compared with; further ones are not taken out of a clause, which reads it more strictly."""
SOMETHING_ELSE: Final = "asks for something else"
OTHER_PURPOSE: Final = "sounds like another purpose"
_SOUNDS_ONE: Final = (0.35, 4.0)
_SOUNDS_ORDERED: Final = (0.25, 2.5)
_SOUNDS_ADDED: Final = (0.12, 1.3)
"""Least similarity to another purpose, and times as similar as to its own: stricter once a message adds a wish."""


@struct(frozen=True, kw_only=True)
class UndeclaredRequest:
    """Stretch of the folded text that requests something the ask does not declare, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskScope:
    """Limits of an ask's words: topics of the act, topics of its purpose, and the stems of both.

    `spoken` topics may be explained, not commanded: "the customer wants the money back" fits a return, "refund it" is
    an ask of its own. So may topics of values in the desk's own words: "pay by my gift card" with an ask naming one.
    """

    topics: frozenset[str]
    spoken: frozenset[str]
    stems: frozenset[str]
    action: Action
    purpose: str
    text: str
    act: ActionWords
    words: frozenset[str]
    values: tuple[str, ...]
    vocabulary: Vocabulary
    named: frozenset[str] = frozenset()
    """Topics opened only by the ask's own values: only these values may be mentioned, as present things."""
    names: frozenset[str] = frozenset()
    lists: bool = False
    """Whether the ask names some of several things, so that "as well" names more."""
    asked: frozenset[str] = frozenset()
    """Acts of the preceding messages, where this one is read together with them."""
    compared: dict[frozenset[str], Mapping[str, float]] = field(default_factory=dict, compare=False, repr=False)
    """Similarities to the purposes, by stems: a clause is often a stretch as well."""

    def similarity(self, stems: frozenset[str], lexicon: Lexicon) -> Mapping[str, float]:
        """Return how similar a clause of these stems is to each purpose that shares a word with it."""
        if stems not in self.compared:
            self.compared[stems] = purpose_similarity(stems, lexicon)
        return self.compared[stems]


def ask_scope(
    action: Action, objective: Objective, said: Collection[str], lexicon: Lexicon, *, params: JsonObject
) -> AskScope:
    """Return the scope of one ask. A case's built-in actions may also command within the purpose's topics."""
    vocabulary = lexicon.vocabulary
    act = lexicon.actions.get(action.name) or action_words(action, {}, vocabulary)
    purpose = lexicon.objectives.get(objective.name) or objective_words((objective,), vocabulary)
    words = act.stems | purpose.stems
    own = " . ".join(islice(desk_phrases(params, action), _MAX_VALUES))
    spoken, named = act.topics | purpose.topics, vocabulary.topics_of(own)
    return AskScope(
        topics=act.topics | purpose.topics if action.builtin else act.topics,
        spoken=spoken | named,
        stems=words | vocabulary.stems(" ".join(said)),
        action=action,
        purpose=objective.name,
        text=f"{act.text} . {purpose.text}",
        act=act,
        words=words,
        values=tuple(islice(said, _MAX_VALUES)),
        named=named - spoken,
        names=vocabulary.stems(own),
        lists=any(isinstance(value, list | tuple) and value for value in params.values()),
        vocabulary=vocabulary,
    )


def merged_scope(scope: AskScope, acts: Collection[str], lexicon: Lexicon, *, told: frozenset[str]) -> AskScope:
    """Return the scope extended by the acts of preceding messages and their `told` topics."""
    before = [lexicon.actions[name] for name in acts if name in lexicon.actions]
    theirs = told.union(*(act.topics for act in before))
    return replace(
        scope,
        topics=scope.topics | theirs,
        spoken=scope.spoken | theirs,
        stems=scope.stems.union(*(act.stems for act in before)),
        asked=frozenset(acts),
    )


def states_action(clause: Clause, scope: AskScope) -> bool:
    """Return whether a clause states the ask's act: a complete sentence, whatever preceded it."""
    verb = scope.act.does
    return bool(clause.topics & scope.spoken) or (
        verb in scope.vocabulary.verbs and scope.vocabulary.says_verb(verb).search(clause.text) is not None
    )


def desk_instructions(folded: str, vocabulary: Vocabulary, spoken: Collection[str] = ()) -> Iterator[UndeclaredRequest]:
    """Yield orders aimed at the desk's people or machines. ⚔ Never part of any ask, whatever its purpose."""
    for name, match in vocabulary.orders_in(folded, spoken):
        yield UndeclaredRequest(start=match.start(), end=match.end(), reason=name)


def undeclared_requests(
    clauses: Sequence[Clause], scope: AskScope, lexicon: Lexicon, *, across: int | None = None
) -> Iterator[UndeclaredRequest]:
    """Yield each request beyond the ask, by clause; once one adds a wish, the others are read as strictly.

    `across` limits this to clauses that span that place. With a model in the lexicon, similarity is left to it unless a
    clause adds a wish.
    """
    several = any(clause.added for clause in clauses)
    for clause in clauses:
        if across is not None and not clause.start < across < clause.end:
            continue
        reason = (
            _beyond(clause, scope, several=several)
            or _other_action(clause, scope, lexicon)
            or _other_attribute(clause, scope, lexicon)
            or _other_purpose(clause, scope, lexicon, several=several)
        )
        if reason:
            yield UndeclaredRequest(start=clause.start, end=clause.end, reason=reason)


def _beyond(clause: Clause, scope: AskScope, *, several: bool) -> str:
    if not several and not clause.requests_anything:
        return ""
    topics = clause.topics
    allowed = scope.topics if clause.imperative and scope.action.effect is Effect.WRITE else scope.spoken
    allowed -= {name for name in topics & allowed & scope.named if not _names_own(name, clause.text, scope)}
    beyond = [name for name in topics - allowed if not _only_part_of(name, clause.text, scope, topics & allowed)]
    beyond = [name for name in beyond if allowed.isdisjoint(scope.vocabulary.stands_for.get(name, ()))]
    beyond = [name for name in beyond if scope.vocabulary.topics[name].search(_masked(clause.text, scope))]
    if beyond:
        return f"{SOMETHING_ELSE}: {min(beyond)}"
    if several and not topics and clause.stems and not clause.stems & scope.stems and clause.requests_anything:
        return "adds another wish"
    return ""


def _masked(text: str, scope: AskScope) -> str:
    """Return a text with the digits of the ask's own values, but for sums, as letters: no street's number is a sum."""
    for value in scope.values:
        if _DIGITS.search(value) and not names_money(value) and value.casefold() in text.casefold():
            text = re.sub(re.escape(value), lambda found: _DIGITS.sub("x", found[0]), text, flags=re.IGNORECASE)
    return text


def _names_own(name: str, text: str, scope: AskScope) -> bool:
    """Return whether only the ask's own value is mentioned, as present. ⚔ No other of its kind, none to be given."""
    there = scope.vocabulary.patterns.there
    return all(
        scope.vocabulary.stems(found[0]) <= scope.names
        and there.search(text[max(0, found.start() - _FAR) : found.start()])
        for found in scope.vocabulary.topics[name].finditer(text)
    )


def _only_part_of(name: str, text: str, scope: AskScope, allowed: Collection[str]) -> bool:
    """Return whether a thing is named only as the whole of a part: "change the address of the order".

    ⚔ The one verb is used up by the part, so a request behind it would go unseen: only the whole, in one word with its
    identifier, and the part's new value may follow, with nothing joined on.
    """
    if name == UPGRADE:
        return all(
            _sets_own_value(text[found.end() : found.end() + _FAR], scope)
            for found in scope.vocabulary.topics[name].finditer(text)
        )
    if name != WHOLE:
        return False
    ends: dict[int, set[int]] = {}
    for topic in allowed:
        for part in scope.vocabulary.topics[topic].finditer(text):
            ends.setdefault(part.start(), set()).add(part.end())
    return all(
        any(
            end < found.end()
            and not scope.vocabulary.joined.search(text, found.start(), end)
            and _ends_with_whole(text[end:], scope)
            for end in ends.get(found.start(), ())
        )
        for found in scope.vocabulary.topics[name].finditer(text)
    )


def _sets_own_value(rest: str, scope: AskScope) -> bool:
    """Return whether a changing ask changes to its own value: "upgrade me to business" with `cabin: business`."""
    if scope.act.does != CHANGE or scope.action.effect is not Effect.WRITE:
        return False
    led = scope.vocabulary.patterns.to_value.match(rest)
    text = rest[led.end() :].casefold() if led else ""
    values = (value.casefold() for value in scope.values if len(value) >= _WHOLE_VALUE)
    return any(re.match(rf"{re.escape(value)}(?!\w)", text) for value in values)


def _ends_with_whole(rest: str, scope: AskScope) -> bool:
    """Return whether nothing follows but the whole of a part and the ask's own value."""
    whole = scope.vocabulary.patterns.of_whole.match(rest)
    if whole is None:
        return False
    named, rest = whole["id"] or "", rest[whole.end() :]
    if named and plain_id(named) not in {plain_id(value) for value in scope.values}:
        return False
    if rest.casefold().startswith(" to "):
        value, small = rest[4:], rest[4:].casefold()
        rest = next((value[len(own) :] for own in scope.values if own and small.startswith(own.casefold())), rest)
    return not rest.strip(" .!?;")


def _other_action(clause: Clause, scope: AskScope, lexicon: Lexicon) -> str:
    """Name another act of the catalogue by its verb and noun. ⚔ Also with the ask's own verb, on another noun."""
    if not clause.requests_anything:
        return ""
    words = clause.stems
    own = scope.act.nouns | scope.stems
    for act in lexicon.acts:
        if act.name == scope.action.name or act.name in scope.asked:
            continue
        if words.isdisjoint(act.nouns) or not act.asked.search(clause.text):
            continue
        alike = act.verb == scope.act.verb or act.asked.search(scope.text)
        # ⚔ "Change the payment" with flights paid by a card: the means of one act is the object of another.
        ours = own | scope.act.params if act.verb == scope.act.verb != CHANGE else own
        if words & (act.nouns - ours if alike else act.nouns):
            return f"asks for another action: {act.name}"
    return ""


def _other_purpose(clause: Clause, scope: AskScope, lexicon: Lexicon, *, several: bool) -> str:
    """Name a clause that clearly sounds like another purpose and hardly like this one."""
    if _says_only_the_act(clause, scope, several=several) or (
        lexicon.off_topic is not None and not several and not clause.imperative
    ):
        return ""
    scores = scope.similarity(clause.stems, lexicon)
    own = scores.get(scope.purpose, 0.0)
    other = max((score for name, score in scores.items() if name != scope.purpose), default=0.0)
    least, times = _SOUNDS_ADDED if several else _SOUNDS_ORDERED if clause.imperative else _SOUNDS_ONE
    return OTHER_PURPOSE if other >= least and other > own * times else ""


def _says_only_the_act(clause: Clause, scope: AskScope, *, several: bool) -> bool:
    """Return whether a clause orders a write, or requests nothing, in words of the act, its purpose and values only."""
    ordered = scope.action.effect is Effect.WRITE and clause.imperative
    if not (ordered or not (clause.requests_anything or several)) or scope.vocabulary.patterns.tell.search(clause.text):
        return False
    text = folded = clause.text.casefold()
    for value in scope.values:
        if len(value) >= _WHOLE_VALUE:
            text = text.replace(value.casefold(), " ")
    same = text is folded and clause.text.isascii()
    return (clause.stems if same else scope.vocabulary.stems(text)) <= scope.words


def _other_attribute(clause: Clause, scope: AskScope, lexicon: Lexicon) -> str:
    if not scope.vocabulary.patterns.tell.search(clause.text):
        return ""
    words = frozenset(tokens(clause.text))
    for asked in lexicon.told:
        if asked.title <= words and asked.name not in scope.action.returns and not asked.stems <= scope.stems:
            return f"asks to be told: {asked.name}"
    return ""
