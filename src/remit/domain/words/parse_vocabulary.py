"""Vocabularies compiled from their lists: synonyms are regular expressions with shared pieces."""

import re
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from dataclasses import field, fields
from functools import reduce
from typing import Final, Self

from remit.domain.errors import Code, Refused
from remit.domain.structs import replace, struct
from remit.domain.text.normalize import CaselessPattern, PatternIndex
from remit.domain.words.languages import LanguageWords, WordList, spelled
from remit.domain.words.vocabulary import (
    CHANGE,
    FOR_THE_WORD,
    FORGET,
    KEEP_OUT,
    NEW_ROLE,
    PASSWORD,
    STEM,
    UPGRADE,
    WHOLE,
    ClauseCues,
    Patterns,
    Vocabulary,
)

_VERBS: Final = (CHANGE,)
_TOPICS: Final = (UPGRADE, WHOLE, PASSWORD)
_ORDERS: Final = (FORGET, NEW_ROLE, KEEP_OUT, FOR_THE_WORD)
"""Names the rules rely on; every vocabulary has them."""
_PIECE: Final = re.compile(r"\{([a-z_]+)\}")


@struct(frozen=True, kw_only=True)
class Ways:
    """Synonyms of one thing: regular expressions, letters one of which every match contains, implied topics.

    `by_telling`: to tell of it is to ask for something.
    """

    says: tuple[str, ...]
    needs: tuple[str, ...]
    stands_for: tuple[str, ...] = ()
    by_telling: bool = False


@struct(frozen=True, kw_only=True)
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
    denied_behind: tuple[str, ...]
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


@struct(frozen=True, kw_only=True)
class ClauseLists:
    """Words of context by kind, and cues of clauses. A language without them has no context: all is unrecognised."""

    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    commands_led: tuple[str, ...] = ()
    leads_on: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    negated: tuple[str, ...] = ()
    not_report: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    report: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    towards: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    finite: tuple[str, ...] = ()
    weighty: tuple[str, ...] = ()


_CLAUSE_WAYS: Final = tuple(one.name for one in fields(ClauseLists) if one.name not in {"claims", "context", "people"})
"""The lists of clauses that hold expressions."""


@struct(frozen=True, kw_only=True)
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
    clauses: ClauseLists = ClauseLists()
    words: tuple[str, ...] = ()
    """Words that the list of the language's known words lacks."""
    endings: tuple[str, ...] = ()
    joints: tuple[str, ...] = ()
    spellings: Mapping[str, str] = field(default_factory=dict)
    """How the language makes further words of its known ones (`LanguageWords`)."""


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
    r"|\b(?:{verb})(?:\s[\w'.-]+){0,6}?\s(?:{denied_behind})\s*(?:$|[.!?;\n])"
    r"|\b(?=(?:{verb})\b)(?:[\w'.-]+\s){1,6}?(?:{denied_behind})\s[\w'-]+\s*(?:$|[.!?;\n])"
)


def vocabulary_of(
    lists: Mapping[str, WordLists], words: Mapping[str, Collection[str]], neutral: Collection[str]
) -> Vocabulary:
    """Compile a vocabulary of the lists and known words of its languages; takes as long as compiling all its patterns.

    ⚔ In several languages, one text may request in any of them: each topic, order and cue has the ways of all.

    Raises:
        Refused: `settings.invalid` for an unknown piece, verb, topic or order, or an invalid regular expression; the
            detail names the key.
    """
    both = reduce(_merged, map(_expanded, lists.values()))
    put = _Pieces(both)
    shapes = put.with_cues(both.cues)
    topics = {
        name: put.compiled(f"topics.{name}", (rf"\b(?:{'|'.join(topic.says)})",)) for name, topic in both.topics.items()
    }
    orders = {name: put.compiled(f"orders.{name}", one.says) for name, one in both.orders.items()}
    clauses = _clause_cues(both.clauses, put)
    patterns = Patterns(**{name: CaselessPattern(shapes.ways("cues", (shape,))) for name, shape in _SHAPES.items()})
    not_to = CaselessPattern(shapes.ways("cues.not_to", (_NOT_TO,)))
    denials = {
        name: CaselessPattern(shapes.ways("cues.denials", (_DENIAL.replace("{verb}", f"{{{name}}}"),)), rare=True)
        for name in both.verbs
    }
    return Vocabulary(
        words={name: _known_words(one, words[name]) for name, one in lists.items()},
        neutral=frozenset(neutral),
        filler=frozenset(both.filler),
        disguised=frozenset({*both.verbs, *both.disguised}),
        about={name: frozenset(topics) for name, topics in both.about.items()},
        verbs={name: put.pieces[name] for name in both.verbs},
        topics=topics,
        orders=orders,
        clauses=clauses,
        needed={name: one.needs for name, one in (*both.topics.items(), *both.orders.items())},
        stands_for={name: frozenset(one.stands_for) for name, one in both.topics.items() if one.stands_for},
        by_telling=frozenset(name for name, one in both.topics.items() if one.by_telling),
        then_words=both.cues.then_words,
        patterns=patterns,
        joined=re.compile(shapes.ways("cues.joins", (_JOINED,)), re.IGNORECASE),
        not_to=not_to,
        denials=denials,
        index=PatternIndex((*topics.values(), *orders.values(), *clauses.frequent, *patterns.frequent, not_to)),
    )


def _known_words(lists: WordLists, words: Collection[str]) -> LanguageWords:
    return LanguageWords(
        known=WordList({*words, *lists.words}),
        endings=lists.endings,
        joints=lists.joints,
        spellings=dict(lists.spellings),
    )


def _expanded(lists: WordLists) -> WordLists:
    """Return the lists of one language with all their pieces inserted."""
    _verify_names(lists)
    put = _Pieces(lists)

    def whole(kind: str, ways: Mapping[str, Ways]) -> dict[str, Ways]:
        return {
            name: replace(one, says=tuple(put.ways(f"{kind}.{name}", (way,)) for way in one.says))
            for name, one in ways.items()
        }

    cues = {
        cue.name: tuple(put.ways(f"cues.{cue.name}", (way,)) for way in getattr(lists.cues, cue.name))
        for cue in fields(Cues)
    }
    return replace(
        lists,
        pieces={},
        topics=whole("topics", lists.topics),
        orders=whole("orders", lists.orders),
        cues=Cues(**cues),
        clauses=_expanded_clauses(lists, put),
    )


def _expanded_clauses(language: WordLists, put: "_Pieces") -> ClauseLists:
    lists = language.clauses

    def whole(key: str, ways: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(put.ways(f"clauses.{key}", (way,)) for way in ways)

    cues = {name: whole(name, getattr(lists, name)) for name in _CLAUSE_WAYS}
    claims = {name: whole(f"claims.{name}", ways) for name, ways in lists.claims.items()}
    context = {kind: (*spelled(words, language.spellings),) for kind, words in lists.context.items()}
    people = (*spelled(lists.people, language.spellings),)
    return ClauseLists(context=context, people=people, claims=claims, **cues)


def _merged(first: WordLists, other: WordLists) -> WordLists:
    """Return the expanded lists of two languages as one."""

    def ways(mine: Mapping[str, Ways], theirs: Mapping[str, Ways]) -> dict[str, Ways]:
        none = Ways(says=(), needs=())
        return {
            name: Ways(
                says=(one := mine.get(name, none)).says + (two := theirs.get(name, none)).says,
                needs=one.needs + two.needs,
                stands_for=one.stands_for + two.stands_for,
                by_telling=one.by_telling or two.by_telling,
            )
            for name in {**mine, **theirs}
        }

    def lists(mine: Mapping[str, tuple[str, ...]], theirs: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {name: mine.get(name, ()) + theirs.get(name, ()) for name in {**mine, **theirs}}

    cues = {cue.name: getattr(first.cues, cue.name) + getattr(other.cues, cue.name) for cue in fields(Cues)}
    return WordLists(
        filler=first.filler + other.filler,
        disguised=first.disguised + other.disguised,
        about=lists(first.about, other.about),
        verbs=lists(first.verbs, other.verbs),
        pieces={},
        topics=ways(first.topics, other.topics),
        orders=ways(first.orders, other.orders),
        cues=Cues(**cues),
        clauses=ClauseLists(
            context=lists(first.clauses.context, other.clauses.context),
            people=first.clauses.people + other.clauses.people,
            claims=lists(first.clauses.claims, other.clauses.claims),
            **{name: getattr(first.clauses, name) + getattr(other.clauses, name) for name in _CLAUSE_WAYS},
        ),
    )


def _clause_cues(lists: ClauseLists, put: "_Pieces") -> ClauseCues:
    """Compile the cues of clauses; an empty list never matches."""

    def words(key: str, ways: tuple[str, ...]) -> CaselessPattern:
        return put.compiled(f"clauses.{key}", (rf"\b(?:{'|'.join(ways)})",) if ways else ("(?!)",))

    def last_words(key: str, ways: tuple[str, ...]) -> CaselessPattern:
        return put.compiled(f"clauses.{key}", (rf"\b(?:{'|'.join(ways)})$",) if ways else ("(?!)",))

    return ClauseCues(
        context=_plain(word for kind in lists.context.values() for word in kind),
        people=_plain(lists.people),
        claims={name: words(f"claims.{name}", ways) for name, ways in lists.claims.items()},
        accounts=words("accounts", lists.accounts),
        answers=words("answers", lists.answers),
        asks=words("asks", lists.asks),
        commands=words("commands", lists.commands),
        commands_led=last_words("commands_led", lists.commands_led),
        leads_on=last_words("leads_on", lists.leads_on),
        more=words("more", lists.more),
        negated=words("negated", lists.negated),
        not_report=words("not_report", lists.not_report),
        questions=put.compiled("clauses.questions", lists.questions or ("(?!)",)),
        report=words("report", lists.report),
        requests=words("requests", lists.requests),
        splits=put.compiled("clauses.splits", lists.splits or ("(?!)",)),
        towards=words("towards", lists.towards),
        begins=put.compiled("clauses.begins", (rf"^\W*(?:{'|'.join(lists.begins)})\b",) if lists.begins else ("(?!)",)),
        finite=put.compiled("clauses.finite", (rf"\b(?:{'|'.join(lists.finite)})\b",) if lists.finite else ("(?!)",)),
        weighty=words("weighty", lists.weighty),
    )


def _plain(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word[:STEM].removesuffix("s") for word in words)


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
    cure = "Correct that place. The file as installed is correct: install Remit again."
    return Refused(Code.SETTINGS_INVALID, f"{key}: {problem}", cure=cure)
