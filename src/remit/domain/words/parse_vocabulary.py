"""Vocabularies compiled from their lists: synonyms are regular expressions with shared pieces."""

import re
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, fields
from typing import Final, Self

from remit.domain.errors import Code, Refused
from remit.domain.text.normalize import CaselessPattern
from remit.domain.words.vocabulary import (
    CHANGE,
    FOR_THE_WORD,
    FORGET,
    KEEP_OUT,
    NEW_ROLE,
    PASSWORD,
    UPGRADE,
    WHOLE,
    Patterns,
    Vocabulary,
)

_VERBS: Final = (CHANGE,)
_TOPICS: Final = (UPGRADE, WHOLE, PASSWORD)
_ORDERS: Final = (FORGET, NEW_ROLE, KEEP_OUT, FOR_THE_WORD)
"""Names the rules rely on; every vocabulary has them."""
_PIECE: Final = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Synonyms of one thing: regular expressions, letters one of which every match contains, and implied topics."""

    says: tuple[str, ...]
    needs: tuple[str, ...]
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """Cues for wanting, telling, leading in or taking back: regular expressions, by purpose."""

    added: tuple[str, ...]
    added_leads: tuple[str, ...]
    condition_leads: tuple[str, ...]
    condition_words: tuple[str, ...]
    conditions: tuple[str, ...]
    contrasts: tuple[str, ...]
    cuts: tuple[str, ...]
    cuts_behind_comma: tuple[str, ...]
    denial_goes_on: tuple[str, ...]
    denial_limits: tuple[str, ...]
    denial_words: tuple[str, ...]
    denials: tuple[str, ...]
    denied: tuple[str, ...]
    happened: tuple[str, ...]
    imperative_leads: tuple[str, ...]
    imperative_verbs: tuple[str, ...]
    joins: tuple[str, ...]
    name_leads: tuple[str, ...]
    name_objects: tuple[str, ...]
    name_verbs: tuple[str, ...]
    negations: tuple[str, ...]
    no_value: tuple[str, ...]
    not_to: tuple[str, ...]
    not_to_but: tuple[str, ...]
    not_to_ends: tuple[str, ...]
    order_leads: tuple[str, ...]
    order_verbs: tuple[str, ...]
    others: tuple[str, ...]
    records: tuple[str, ...]
    same_as: tuple[str, ...]
    taken: tuple[str, ...]
    tell: tuple[str, ...]
    then: tuple[str, ...]
    then_words: tuple[str, ...]
    there: tuple[str, ...]
    there_the: tuple[str, ...]
    wholes: tuple[str, ...]
    wholes_led: tuple[str, ...]
    wholes_the: tuple[str, ...]
    wish: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordLists:
    """Lists of a vocabulary. In an expression, `{name}` stands for a verb's synonyms, all `verbs`, or a piece."""

    filler: tuple[str, ...]
    disguised: tuple[str, ...]
    about: Mapping[str, tuple[str, ...]]
    verbs: Mapping[str, tuple[str, ...]]
    pieces: Mapping[str, str]
    topics: Mapping[str, Ways]
    orders: Mapping[str, Ways]
    cues: Cues


_SHAPES: Final[Mapping[str, str]] = {
    "added": r"(?:{added_leads})?(?:{added})\b",
    "called": r"\b(?:{records})\s?(?:number|no\.?|nr\.?|id|ids|#|:|is)?\s?[:#]?\s?(?P<v>#?[A-Za-z_]{0,14}[-_]?\d[\w-]{3,30})",
    "condition": r"(?:(?<=[.!?;\n])|^)\s*(?:{condition_leads}){0,4}(?:{conditions})\b[^.!?;:,\n]{0,200}(?P<end>,)",
    "condition_word": r"\b(?:{condition_words})\b",
    "contrast": r"(?P<end>[, ])\s?(?:{contrasts})\b",
    "cut": r"[.!?;](?=\s|$)|\n+|[,:]?\s(?=(?:{cuts})\b)|,\s(?=(?:{cuts_behind_comma})\b)",
    "denial_word": r"{denial_words}",
    "happened": r"\b(?:{happened})\b",
    "imperative": r"^[\W_]*(?:(?:{imperative_leads})\b[\s,:]*)*(?:{verbs}|{imperative_verbs})\b",
    "name_order": r"\s*(?:(?:{name_leads})\s+)*(?:{verbs}|{name_verbs})\s+(?:{name_objects})\b",
    "negation": r"{negations}",
    "of_whole": r"\s(?:{wholes_led})\s(?:{wholes_the})?(?:{wholes})(?:\s#?(?P<id>[\w-]*\d[\w-]*))?(?![\w-])",
    "order": r"\s*(?:(?:{order_leads})\s){0,4}(?:{verbs}|{order_verbs})\b",
    "others": r"{others}",
    "same_as": r"(?P<value>[^()\n]{1,100})\((?:{same_as}) $",
    "taken": r"\b(?:{taken})\b",
    "tell": r"\b(?:{tell})\b",
    "then": r"(?<!and)(?<!but)(?P<end>[, ])(?:{then})\b,?",
    "there": r"\b(?:{there})\s(?:(?:{there_the})\s){0,3}$",
    "to_value": r"(?:\s(?!(?:{no_value})\b)[\w'-]+){0,5}?\sto\s(?:a |an |the )?",
    "wish": r"\b(?:{wish})\b|\?",
}
"""Pattern templates; `{name}` is a cue, or all verbs."""
_JOINED: Final = r"\b(?:{joins})\b|[&+/,]"
_NOT_TO: Final = r"\b(?:{not_to})\s(?!(?:{not_to_but})\b)(?:{verbs})\b(?:\s(?!(?:{not_to_ends}|{verbs})\b)[\w'-]+){0,5}"
_DENIAL: Final = (
    r"(?:{denials})\s(?:{denied})?(?:{verb})\b(?!(?:\s[\w'.-]+){0,5}?\s(?:{denial_limits})\b)"
    r"(?:\s[\w'.-]+){0,5}?\s*(?:$|[.!?;\n]|,(?!\s*(?:{denial_goes_on})\b))"
)


def vocabulary_of(language: str, lists: WordLists, common: Mapping[str, Collection[str]]) -> Vocabulary:
    """Compile a vocabulary from its lists; takes as long as compiling all its patterns.

    Raises:
        Refused: `settings.invalid` for an unknown piece, verb, topic or order, or an invalid regular expression; the
            detail names the key.
    """
    _verify_names(lists)
    put = _Pieces(lists)
    shapes = put.with_cues(lists.cues)
    return Vocabulary(
        language=language,
        common={name: frozenset(words) for name, words in common.items()},
        filler=frozenset(lists.filler),
        disguised=frozenset({*lists.verbs, *lists.disguised}),
        about={name: frozenset(topics) for name, topics in lists.about.items()},
        verbs={name: put.pieces[name] for name in lists.verbs},
        topics={
            name: put.compiled(f"topics.{name}", (rf"\b(?:{'|'.join(topic.says)})",))
            for name, topic in lists.topics.items()
        },
        orders={name: put.compiled(f"orders.{name}", one.says) for name, one in lists.orders.items()},
        needed={name: one.needs for name, one in (*lists.topics.items(), *lists.orders.items())},
        stands_for={name: frozenset(one.stands_for) for name, one in lists.topics.items() if one.stands_for},
        then_words=lists.cues.then_words,
        patterns=Patterns(**{name: CaselessPattern(shapes.ways("cues", (shape,))) for name, shape in _SHAPES.items()}),
        joined=re.compile(shapes.ways("cues.joins", (_JOINED,)), re.IGNORECASE),
        not_to=re.compile(shapes.ways("cues.not_to", (_NOT_TO,)), re.IGNORECASE),
        denials={
            name: shapes.ways("cues.denials", (_DENIAL.replace("{verb}", f"{{{name}}}"),)) for name in lists.verbs
        },
    )


def _verify_names(lists: WordLists) -> None:
    """Verify that the names the rules rely on exist, and that named topics are known."""
    for kind, there, wanted in (
        ("verbs", lists.verbs, _VERBS),
        ("topics", lists.topics, _TOPICS),
        ("orders", lists.orders, _ORDERS),
    ):
        for name in wanted:
            if name not in there:
                raise _wrong(f"{kind}.{name}", "is missing; the rules know it by this name")
    named = [(f"about.{name}", topics) for name, topics in lists.about.items()]
    named += [(f"topics.{name}.stands_for", ways.stands_for) for name, ways in lists.topics.items()]
    for key, topics in named:
        if unknown := set(topics) - lists.topics.keys():
            raise _wrong(key, f"there is no topic {min(unknown)}")


class _Pieces:
    """Regular expressions with their pieces inserted."""

    def __init__(self, lists: WordLists) -> None:
        self.pieces: dict[str, str] = {}
        for name, ways in lists.verbs.items():
            self.pieces[name] = self.compiled(f"verbs.{name}", ways).pattern
        self.pieces["verbs"] = "|".join(self.pieces.values())
        for name, piece in lists.pieces.items():
            self.pieces[name] = self.ways(f"pieces.{name}", (piece,))

    def with_cues(self, cues: Cues) -> Self:
        """Return a copy that knows the cues as well."""
        both = copy(self)
        both.pieces = self.pieces | {
            cue.name: self.compiled(f"cues.{cue.name}", getattr(cues, cue.name)).pattern for cue in fields(Cues)
        }
        return both

    def ways(self, key: str, ways: Iterable[str]) -> str:
        """Return all synonyms as one expression."""

        def piece(found: re.Match[str]) -> str:
            if found[1] not in self.pieces:
                raise _wrong(key, f"there is no piece {found[0]}")
            return self.pieces[found[1]]

        return _PIECE.sub(piece, "|".join(ways))

    def compiled(self, key: str, ways: Iterable[str]) -> CaselessPattern:
        """Compile a case-insensitive pattern."""
        pattern = self.ways(key, ways)
        try:
            return CaselessPattern(pattern)
        except re.error as error:
            raise _wrong(key, f"is no regular expression: {error}") from None


def _wrong(key: str, problem: str) -> Refused:
    cure = "Correct that place. A file as it was installed is whole: install Remit again."
    return Refused(Code.SETTINGS_INVALID, f"{key}: {problem}", cure=cure)
