"""Verdict over a mandate's summary: the agent's own words to the customer who is about to sign."""

import re
from typing import Final

from remit.domain.text.normalize import fold_text
from remit.domain.words.clauses import Clause, split_clauses
from remit.domain.words.lexicon import Lexicon
from remit.domain.words.readable import disguise_reason, hidden_markup_reason
from remit.domain.words.requests import desk_instructions
from remit.domain.words.verdict import WordsRelation, WordsVerdict, whole_verdict

_CONSENT: Final = ("accept", "approve", "confirm")
"""Verbs of the vocabulary that only the person signing may act on."""
_SPEAKS: Final = (
    r"(?:^|[\n.!?;\[(>*])\W{0,8}(?:\w{1,12}\s){0,2}?NAME(?:\W{1,3}\w{1,20}){0,4}\W{0,2}(?::|\s[-\u2013\u2014]\s|\]|\n)"
)
"""A name that stands before a colon, a dash or a line: whoever speaks from here on."""


def check_summary(summary: str, lexicon: Lexicon, *, desk: str) -> WordsVerdict:
    """Verify that a summary hides nothing, orders nothing, urges nobody to consent, and does not speak as the desk.

    It may be in the customer's own language. It grants nothing and is shown as the agent's words in any case.

    Source: docs/model/model.md#summary.
    """
    seen, vocabulary = fold_text(summary), lexicon.vocabulary
    why = disguise_reason(summary, seen.text, expected=(), vocabulary=vocabulary) or hidden_markup_reason(summary)
    if why:
        return whole_verdict(summary, WordsRelation.UNREADABLE, why)
    for order in desk_instructions(seen.text, vocabulary):
        return whole_verdict(summary, WordsRelation.WIDER, order.reason)
    if speaks_as(seen.text, desk):
        return whole_verdict(summary, WordsRelation.WIDER, "it speaks as the desk")
    for number, clause in enumerate(split_clauses(seen.text, vocabulary)):
        alone = number > 0 and len(clause.text.split()) == 1  # "if no better offer comes, accept": said to the agent
        if clause.imperative and not alone and _is_consent(clause, lexicon):
            return whole_verdict(summary, WordsRelation.WIDER, "it urges to consent")
    return WordsVerdict(said=WordsRelation.MATCH)


def _is_consent(clause: Clause, lexicon: Lexicon) -> bool:
    """Return whether a clause orders consent and nothing that a purpose of the desk is about ("confirm the refund")."""
    says = any(lexicon.vocabulary.says_verb(verb).search(clause.text) for verb in _CONSENT)
    about = clause.stems & lexicon.rare.keys() or any(clause.stems & one.nouns for one in lexicon.actions.values())
    return says and not about


def speaks_as(folded: str, desk: str) -> bool:
    """Return whether a text has a speaker of the desk's name: "Acme Store security: …"."""
    name = r"\s+".join(map(re.escape, fold_text(desk).text.split()))
    return re.search(_SPEAKS.replace("NAME", name), folded, re.IGNORECASE) is not None
