"""What a message asks for, held against what the ask declares: other acts, other attributes, orders to the desk.

The vocabulary is in `words_topics`, statements of fact are in `words_claims`.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.catalogue import Action, Catalogue, Effect, Objective
from remit.domain.catalogue_actions import builtin_attributes
from remit.domain.words_likeness import GENERIC, Lexicon, likeness, stems, verb_and_nouns
from remit.domain.words_reading import Clause
from remit.domain.words_topics import COMMANDS, TELL, TOPICS, VERBS, WISH

_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_TOKEN: Final = re.compile(r"[a-z]{3,}")
_IMPERATIVE: Final = re.compile(
    rf"^(?:(?:and|also|then|so|ok|okay|now|hi|hello|thanks?|please|pls|kindly|just|first|finally|next|ps|p\.s\.?|by the way|btw|oh|one more thing|before that|after that|go ahead and)\b[\s,:]*)*(?:{'|'.join(VERBS.values())}|tell|give|show|list|provide|make|do|ensure|let|put|take|use|share|upload|grant|escalate)\b",
    re.IGNORECASE,
)
_SOUNDS_ONE: Final = (0.25, 2.5)
_SOUNDS_ADDED: Final = (0.12, 1.0)
"""How much a clause must sound like another purpose, and how many times as much as like its own: stricter once a message adds a wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A stretch of the folded text that asks for something the ask does not declare, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an ask may say: the topics of the act, the topics its purpose lets it speak of, and its vocabulary.

    `spoken` topics may be explained, not commanded: "the customer wants the money back" fits a return, "refund it"
    is an ask of its own.
    """

    topics: frozenset[str]
    spoken: frozenset[str]
    vocabulary: frozenset[str]
    action: Action
    purpose: str
    text: str


def scope_of(action: Action, objective: Objective, said: Collection[str], catalogue: Catalogue) -> Scope:
    """Work out what may be said with one ask. A case's own actions may say what the purpose is about, commands and all."""
    own = " . ".join((_plain_title(action), action.name.replace(".", " ").replace("_", " ").replace("-", " ")))
    returned = " . ".join(catalogue.attributes[name].title for name in action.returns if name in catalogue.attributes)
    purpose = " . ".join((objective.title, objective.name.replace("-", " ").replace("_", " "), *objective.examples))
    topics = topics_of(own)
    spoken = topics_of(purpose)
    if action.builtin:
        topics |= spoken
    vocabulary = stems(" ".join((own, returned, purpose, *said)))
    return Scope(
        topics=topics, spoken=topics | spoken, vocabulary=vocabulary, action=action, purpose=objective.name, text=f"{own} . {purpose}"
    )


def _plain_title(action: Action) -> str:
    return _PLACEHOLDER.sub(" ", action.title)


def topics_of(text: str) -> frozenset[str]:
    """The topics a text touches."""
    return frozenset(name for name, pattern in TOPICS.items() if pattern.search(text))


def commands(folded: str) -> Iterator[Wish]:
    """Orders aimed at the desk's people or machines. ⚔ Never part of any ask, whatever its purpose."""
    for name, pattern in COMMANDS:
        for match in pattern.finditer(folded):
            yield Wish(start=match.start(), end=match.end(), reason=name)


def wishes(clauses: Sequence[Clause], scope: Scope, catalogue: Catalogue, lexicon: Lexicon) -> Iterator[Wish]:
    """Everything asked for beyond the ask, clause by clause. Where a clause adds a wish, the others are read as strictly."""
    several = any(clause.added for clause in clauses)
    sounds = _SOUNDS_ADDED if several else _SOUNDS_ONE
    for clause in clauses:
        reason = (
            _beyond(clause, scope, several=several)
            or _other_action(clause, scope, lexicon)
            or _other_attribute(clause, scope, catalogue)
            or _other_purpose(clause, scope, lexicon, sounds)
        )
        if reason:
            yield Wish(start=clause.start, end=clause.start + len(clause.text), reason=reason)


def _imperative(clause: Clause) -> bool:
    return _IMPERATIVE.match(clause.text) is not None


def _wanted(clause: Clause) -> bool:
    return _imperative(clause) or WISH.search(clause.text) is not None


def _beyond(clause: Clause, scope: Scope, *, several: bool) -> str:
    if not several and not _wanted(clause):
        return ""
    topics = topics_of(clause.text)
    allowed = scope.topics if _imperative(clause) and scope.action.effect is Effect.WRITE else scope.spoken
    if topics - allowed:
        return f"asks for something else: {min(topics - allowed)}"
    if several and not topics and not stems(clause.text) & scope.vocabulary and stems(clause.text) and _wanted(clause):
        return "adds another wish"
    return ""


def _other_action(clause: Clause, scope: Scope, lexicon: Lexicon) -> str:
    """Another act of the catalogue by its verb and noun. ⚔ Also with the ask's own verb, on another noun."""
    if not _wanted(clause):
        return ""
    words = stems(clause.text)
    own_verb, own_nouns = verb_and_nouns(scope.action.name, scope.action.title)
    for act in lexicon.acts:
        if act.name == scope.action.name or not act.asked.search(clause.text):
            continue
        nouns = act.nouns - own_nouns - scope.vocabulary if act.verb == own_verb or act.asked.search(scope.text) else act.nouns
        if words & nouns:
            return f"asks for another action: {act.name}"
    return ""


def _other_purpose(clause: Clause, scope: Scope, lexicon: Lexicon, sounds: tuple[float, float]) -> str:
    """A clause that sounds clearly like another purpose of the desk and hardly like this one."""
    scores = likeness(clause.text, lexicon)
    own = scores.get(scope.purpose, 0.0)
    other = max((score for name, score in scores.items() if name != scope.purpose), default=0.0)
    least, times = sounds
    if other >= least and other > own * times:
        return "sounds like another purpose"
    return ""


def _other_attribute(clause: Clause, scope: Scope, catalogue: Catalogue) -> str:
    if not TELL.search(clause.text):
        return ""
    words = frozenset(_TOKEN.findall(clause.text.lower()))
    own = builtin_attributes()
    for attribute in catalogue.attributes.values():
        if own.get(attribute.name) == attribute:
            continue  # every agent may be told of its own case: asking a person about it asks for nothing more
        title = frozenset(_TOKEN.findall(attribute.title.lower())) - GENERIC
        told = attribute.name in scope.action.returns
        if title and not told and title <= words and not stems(attribute.title) <= scope.vocabulary:
            return f"asks to be told: {attribute.name}"
    return ""
