"""What a message asks for, held against what the ask declares: other acts, other attributes, orders to the desk.

The vocabulary is in `words_vocabulary`, statements of fact are in `words_claims`.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from remit.domain.catalogue.model import Action, Effect, Objective
from remit.domain.values import JsonObject
from remit.domain.words.claims import desk_phrases, plain_id
from remit.domain.words.clauses import Clause
from remit.domain.words.lexicon import ActionWords, Lexicon, action_words, objective_words, purpose_similarity
from remit.domain.words.vocabulary import CHANGE, UPGRADE, WHOLE, Vocabulary, tokens

_WHOLE_VALUE: Final = 3
_FAR: Final = 200
"""⚔ So many letters on either side of what is found are read for it: all of them, for each, would take as long as the square of a message."""
_MAX_VALUES: Final = 200
"""⚔ Each clause is held against each of so many values; what is behind them is not taken out of a clause, which reads it more strictly."""
OTHER_PURPOSE: Final = "sounds like another purpose"
_SOUNDS_ONE: Final = (0.35, 4.0)
_SOUNDS_ORDERED: Final = (0.25, 2.5)
_SOUNDS_ADDED: Final = (0.12, 1.0)
"""How much a clause must sound like another purpose, and how many times as much as like its own: stricter once a message adds a wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeclaredRequest:
    """A stretch of the folded text that asks for something the ask does not declare, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskScope:
    """What an ask may say: the topics of the act, the topics its purpose lets it speak of, and the words of both by their stems.

    `spoken` topics may be explained, not commanded: "the customer wants the money back" fits a return, "refund it"
    is an ask of its own. So may the topics of values that are the desk's own words: "pay by my gift card" with an ask that names one.
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
    """Topics that nothing but the ask's own values opens: only what these name may be spoken of, and as what is there."""
    names: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    """The acts that the messages before were sent with, where this is read on from them."""


def ask_scope(
    action: Action, objective: Objective, said: Collection[str], lexicon: Lexicon, *, params: JsonObject
) -> AskScope:
    """Work out what may be said with one ask. A case's own actions may say what the purpose is about, commands and all."""
    vocabulary = lexicon.vocabulary
    act = lexicon.actions.get(action.name) or action_words(action, {}, vocabulary)
    purpose = lexicon.objectives.get(objective.name) or objective_words(objective, vocabulary)
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
        vocabulary=vocabulary,
    )


def merged_scope(scope: AskScope, acts: Collection[str], lexicon: Lexicon, *, told: frozenset[str]) -> AskScope:
    """What may be said with one ask where it is read on from messages of others: what those asked for is theirs to say, and `told` topics were told."""
    before = [lexicon.actions[name] for name in acts if name in lexicon.actions]
    theirs = told.union(*(one.topics for one in before))
    return replace(
        scope,
        topics=scope.topics | theirs,
        spoken=scope.spoken | theirs,
        stems=scope.stems.union(*(one.stems for one in before)),
        asked=frozenset(acts),
    )


def states_action(clause: Clause, scope: AskScope) -> bool:
    """Whether a clause says what the ask does: a sentence of its own, whatever was said before."""
    verb = scope.act.does
    return bool(clause.topics & scope.spoken) or (
        verb in scope.vocabulary.verbs and scope.vocabulary.says_verb(verb).search(clause.text) is not None
    )


def desk_instructions(folded: str, vocabulary: Vocabulary, spoken: Collection[str] = ()) -> Iterator[UndeclaredRequest]:
    """Orders aimed at the desk's people or machines. ⚔ Never part of any ask, whatever its purpose.

    `spoken` are the topics that the ask may speak of.
    """
    for name, match in vocabulary.orders_in(folded, spoken):
        yield UndeclaredRequest(start=match.start(), end=match.end(), reason=name)


def undeclared_requests(
    clauses: Sequence[Clause], scope: AskScope, lexicon: Lexicon, *, across: int | None = None
) -> Iterator[UndeclaredRequest]:
    """Everything asked for beyond the ask, clause by clause. Where a clause adds a wish, the others are read as strictly.

    With `across`, only what the clauses that begin before this place and end behind it ask for. Where the lexicon has a model, what a
    clause sounds like is left to it, unless one adds a wish.
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
    if beyond:
        return f"asks for something else: {min(beyond)}"
    if several and not topics and clause.stems and not clause.stems & scope.stems and clause.requests_anything:
        return "adds another wish"
    return ""


def _names_own(name: str, text: str, scope: AskScope) -> bool:
    """Whether only the ask's own value is spoken of, as what is there: "on my gift card" with one. ⚔ Neither another thing of its kind, nor one to be given."""
    there = scope.vocabulary.patterns.there
    return all(
        scope.vocabulary.stems(found[0]) <= scope.names
        and there.search(text[max(0, found.start() - _FAR) : found.start()])
        for found in scope.vocabulary.topics[name].finditer(text)
    )


def _only_part_of(name: str, text: str, scope: AskScope, allowed: Collection[str]) -> bool:
    """Whether a thing is named only as what another is a part of: "change the address of the order", and no more than that.

    ⚔ The one verb is used up by the part, so that nothing behind it would be seen to be asked for: there may be the whole, in
    one word with its identifier, and the part's new value. Nothing may be joined on.
    """
    if name == UPGRADE:
        return all(
            _sets_own_value(text[found.end() : found.end() + _FAR], scope)
            for found in scope.vocabulary.topics[name].finditer(text)
        )
    if name != WHOLE:
        return False
    ends: dict[int, set[int]] = {}
    for one in allowed:
        for part in scope.vocabulary.topics[one].finditer(text):
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
    """Whether something is changed to the ask's own value, where changing is what the ask does: "upgrade me to business" with `cabin: business`."""
    if scope.act.does != CHANGE or scope.action.effect is not Effect.WRITE:
        return False
    led = scope.vocabulary.patterns.to_value.match(rest)
    told = rest[led.end() :].casefold() if led else ""
    return any(
        len(value) >= _WHOLE_VALUE and re.match(rf"{re.escape(value.casefold())}(?!\w)", told) for value in scope.values
    )


def _ends_with_whole(rest: str, scope: AskScope) -> bool:
    """Whether nothing follows but the whole that something is a part of, and the ask's own value."""
    whole = scope.vocabulary.patterns.of_whole.match(rest)
    if whole is None:
        return False
    named, rest = whole["id"] or "", rest[whole.end() :]
    if named and plain_id(named) not in {plain_id(value) for value in scope.values}:
        return False
    if rest.casefold().startswith(" to "):
        told = rest[4:].casefold()
        rest = next(
            (rest[4 + len(value) :] for value in scope.values if value and told.startswith(value.casefold())), rest
        )
    return not rest.strip(" .!?;")


def _other_action(clause: Clause, scope: AskScope, lexicon: Lexicon) -> str:
    """Another act of the catalogue by its verb and noun. ⚔ Also with the ask's own verb, on another noun."""
    if not clause.requests_anything:
        return ""
    words = clause.stems
    own = scope.act.nouns | scope.stems
    for act in lexicon.acts:
        if (
            act.name == scope.action.name
            or act.name in scope.asked
            or words.isdisjoint(act.nouns)
            or not act.asked.search(clause.text)
        ):
            continue
        alike = act.verb == scope.act.verb or act.asked.search(scope.text)
        # ⚔ "Change the payment" with flights that are paid by a card: what one act goes by is what another changes.
        ours = own | scope.act.params if act.verb == scope.act.verb != CHANGE else own
        if words & (act.nouns - ours if alike else act.nouns):
            return f"asks for another action: {act.name}"
    return ""


def _other_purpose(clause: Clause, scope: AskScope, lexicon: Lexicon, *, several: bool) -> str:
    """A clause that sounds clearly like another purpose of the desk and hardly like this one."""
    if _says_only_the_act(clause, scope, several=several) or (
        lexicon.off_topic is not None and not several and not clause.imperative
    ):
        return ""
    scores = purpose_similarity(clause.stems, lexicon)
    own = scores.get(scope.purpose, 0.0)
    other = max((score for name, score in scores.items() if name != scope.purpose), default=0.0)
    least, times = _SOUNDS_ADDED if several else _SOUNDS_ORDERED if clause.imperative else _SOUNDS_ONE
    if other >= least and other > own * times:
        return OTHER_PURPOSE
    return ""


def _says_only_the_act(clause: Clause, scope: AskScope, *, several: bool) -> bool:
    """Whether a clause asks for a write, or with no other wish beside it for nothing, with no word but the act's and its purpose's own, besides the ask's own values."""
    ordered = scope.action.effect is Effect.WRITE and clause.imperative
    if not (ordered or not (clause.requests_anything or several)) or scope.vocabulary.patterns.tell.search(clause.text):
        return False
    text = clause.text.casefold()
    for value in scope.values:
        if len(value) >= _WHOLE_VALUE:
            text = text.replace(value.casefold(), " ")
    return scope.vocabulary.stems(text) <= scope.words


def _other_attribute(clause: Clause, scope: AskScope, lexicon: Lexicon) -> str:
    if not scope.vocabulary.patterns.tell.search(clause.text):
        return ""
    words = frozenset(tokens(clause.text))
    for told in lexicon.told:
        if told.title <= words and told.name not in scope.action.returns and not told.stems <= scope.stems:
            return f"asks to be told: {told.name}"
    return ""
