"""Verdict over a text among the params that is no free text: an address, a name, or a sentence in its place."""

import re
from collections.abc import Collection, Sequence
from typing import Final
from unicodedata import name

from remit.domain.catalogue.model import Action, Effect, Objective
from remit.domain.text.normalize import FoldedText, fold_text
from remit.domain.values import Json, JsonObject
from remit.domain.words.claims import find_identifiers, identifier_patterns, repeatable_values
from remit.domain.words.clauses import split_clauses
from remit.domain.words.lexicon import Lexicon
from remit.domain.words.readable import disguise_reason, hidden_markup_reason, unreadable_reason
from remit.domain.words.requests import OTHER_PURPOSE, ask_scope, desk_instructions, undeclared_requests
from remit.domain.words.verdict import EarlierMessage, WordsRelation, WordsVerdict, judge_words, whole_verdict

_SENTENCE_SIGNS: Final = frozenset('?!;:<>{}[]"|=\\')
"""Signs that an address or a name does without."""
_MAX_PLAIN: Final = 160
_PARTICLE: Final = 3
"""Letters of the small words inside names: "de la", "van", "am", "Apt"."""
_RUN: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_JOINTS: Final = re.compile(r"[_.\-+/]+")
_MATCH: Final = WordsVerdict(said=WordsRelation.MATCH)


def is_plain_value(text: str) -> bool:
    """Return whether a text is built like a name or an address, and not like a sentence.

    Its words begin with a capital letter or have a digit; in between stand fewer small ones, of a few letters each.

    Source: docs/model/model.md#declared-texts.
    """
    if len(text) > _MAX_PLAIN or not _SENTENCE_SIGNS.isdisjoint(text):
        return False
    runs = _RUN.findall(text)
    small = [run for run in runs if not run[0].isupper() and not any(map(str.isdigit, run))]
    return len(small) * 2 < len(runs) and all(len(run) <= _PARTICLE for run in small)


def judge_param_text(
    text: str,
    *,
    action: Action,
    params: JsonObject,
    objective: Objective,
    lexicon: Lexicon,
    known_ids: Collection[str] = (),
    earlier: Sequence[EarlierMessage] = (),
    signed: bool = False,
) -> WordsVerdict:
    """Compare a text among the params with its ask: it must be readable and be a value, neither a wish nor an order.

    A text built like an address or a name is of no language; any other is read like a message. A number or an address
    in it is its own. In a read a wish is a question ("cancel an order"): nothing is done with it. `signed`: the customer
    signed a mandate with it, so that it is read for disguises only.

    Source: docs/model/model.md#declared-texts.
    """
    seen, vocabulary = fold_text(text), lexicon.vocabulary
    plain = is_plain_value(text)
    why = disguise_reason(
        text, seen.text, expected=_own_alphabet(text) if plain else (), vocabulary=vocabulary
    ) or hidden_markup_reason(text)
    if why:
        return whole_verdict(text, WordsRelation.UNREADABLE, why)
    if signed:
        return _MATCH
    spoken = _JOINTS.sub(" ", seen.text)
    for order in (order for said in (seen.text, spoken) for order in desk_instructions(said, vocabulary)):
        return whole_verdict(text, WordsRelation.WIDER, order.reason)
    others = without_text(params, text)
    if action.effect is Effect.READ:
        why = "" if plain else unreadable_reason(text, seen.text, expected=(), vocabulary=vocabulary)
        return whole_verdict(text, WordsRelation.UNREADABLE, why) if why else _MATCH
    if not plain:
        own = _own_numbers(seen.text, [*known_ids, *repeatable_values(others, action)], lexicon)
        verdict = judge_words(
            text,
            action=action,
            params=others,
            objective=objective,
            lexicon=lexicon,
            known_ids=[*known_ids, *own],
            earlier=earlier,
        )
        return _MATCH if _only_sounds(verdict, seen, lexicon) else verdict
    return _judge_plain(text, seen, action, others, objective, lexicon)


def _own_numbers(folded: str, known: Collection[str], lexicon: Lexicon) -> list[str]:
    """Return the numbers and addresses that a value may be made of: a phone, a mailbox, a suite; ⚔ no desk's record."""
    shapes = identifier_patterns(known)
    found = [claim.value for claim in find_identifiers(folded, (), lexicon.vocabulary)]
    return [one for one in found if not any(shape.search(one) for shape in shapes)]


def _only_sounds(verdict: WordsVerdict, seen: FoldedText, lexicon: Lexicon) -> bool:
    """Return whether a value was marked for how it sounds alone: a street may be called like a purpose of the desk."""
    return (
        not verdict.passes
        and all(span.why == OTHER_PURPOSE for span in verdict.spans)
        and not any(clause.requests_anything for clause in split_clauses(seen.text, lexicon.vocabulary))
    )


def _own_alphabet(text: str) -> list[str]:
    """Return the words of a name or an address that are written in one alphabet, whichever. ⚔ A mixed word is none."""
    runs = [] if text.isascii() else _RUN.findall(text)
    return [run for run in runs if len({name(letter, "?").split(" ")[0] for letter in run if letter.isalpha()}) == 1]


def without_text(params: JsonObject, text: str) -> JsonObject:
    """Return the params without a text, wherever it stands: ⚔ no text may allow itself."""

    def left(value: Json) -> Json:
        if value == text and isinstance(value, str):
            return None
        if isinstance(value, dict):
            return {key: left(member) for key, member in value.items()}
        return [left(item) for item in value] if isinstance(value, list | tuple) else value

    return {key: left(value) for key, value in params.items()}


def _judge_plain(
    text: str, seen: FoldedText, action: Action, params: JsonObject, objective: Objective, lexicon: Lexicon
) -> WordsVerdict:
    """Judge a text built like a name or an address: a wish in capital letters is one all the same."""
    scope = ask_scope(action, objective, repeatable_values(params, action), lexicon, params=params)
    asking = [clause for clause in split_clauses(seen.text, lexicon.vocabulary) if clause.requests_anything]
    found = (one for one in undeclared_requests(asking, scope, lexicon) if one.reason != OTHER_PURPOSE)
    for request in found:
        return whole_verdict(text, WordsRelation.WIDER, request.reason)
    return _MATCH
