"""How people say things to a desk in one language: verbs with their synonyms, high-impact topics, orders to the reader, cues.

Which words these are is data (`vocabulary/en.toml`, read by `adapters/files`). How clauses are judged with them is in `words_asks`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Final

from remit.domain.any_case import AnyCase
from remit.domain.errors import Code, Refused
from remit.domain.plain import small_letters

CHANGE: Final = "change"
UPGRADE: Final = "upgrade"
WHOLE: Final = "order-change"
PASSWORD: Final = "password"  # noqa: S105  # a topic
FORGET: Final = "an order to forget the rules"
NEW_ROLE: Final = "a new role for the reader"
KEEP_OUT: Final = "an order to keep people out"
FOR_THE_WORD: Final = "a question for a password"
_VERBS: Final = (CHANGE,)
_TOPICS: Final = (UPGRADE, WHOLE, PASSWORD)
_ORDERS: Final = (FORGET, NEW_ROLE, KEEP_OUT, FOR_THE_WORD)
"""The rules know these by name; every vocabulary has them."""
_PIECE: Final = re.compile(r"\{([a-z_]+)\}")
_TOKEN: Final = re.compile(r"[a-z]{3,}")
STEM: Final = 5
"""Letters of a word that its stem has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How one thing is said: regular expressions, and letters of which one stands in whatever these find.

    `stands_for` are the topics that this may mean as well.
    """

    says: tuple[str, ...]
    needs: tuple[str, ...]
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """By which words a sentence is known to want, to tell, to lead in or to take back something: regular expressions, by what they are for."""

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
    """A vocabulary as it is written. In a regular expression, `{name}` stands for a verb's ways, for those of all `verbs`, or for a piece."""

    filler: tuple[str, ...]
    disguised: tuple[str, ...]
    about: Mapping[str, tuple[str, ...]]
    verbs: Mapping[str, tuple[str, ...]]
    pieces: Mapping[str, str]
    topics: Mapping[str, Ways]
    orders: Mapping[str, Ways]
    cues: Cues


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """What is looked for by the cues of a vocabulary. How each is used is said where it is."""

    added: AnyCase
    called: AnyCase
    condition: AnyCase
    condition_word: AnyCase
    contrast: AnyCase
    cut: AnyCase
    denial_word: AnyCase
    happened: AnyCase
    imperative: AnyCase
    """A clause tells somebody to do something. ⚔ Also in quotes, in brackets or behind dots: whoever reads it reads over these."""
    name_order: AnyCase
    """Somebody is told to do something with something. A name may have a verb in it: "return label", "refund_2"."""
    negation: AnyCase
    of_whole: AnyCase
    order: AnyCase
    others: AnyCase
    same_as: AnyCase
    taken: AnyCase
    tell: AnyCase
    """A clause wants to be told something."""
    then: AnyCase
    there: AnyCase
    to_value: AnyCase
    wish: AnyCase
    """A clause wants something."""


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
"""How cues stand in what is looked for; `{name}` is a cue, or all verbs."""
_JOINED: Final = r"\b(?:{joins})\b|[&+/,]"
_NOT_TO: Final = r"\b(?:{not_to})\s(?!(?:{not_to_but})\b)(?:{verbs})\b(?:\s(?!(?:{not_to_ends}|{verbs})\b)[\w'-]+){0,5}"
_DENIAL: Final = (
    r"(?:{denials})\s(?:{denied})?(?:{verb})\b(?!(?:\s[\w'.-]+){0,5}?\s(?:{denial_limits})\b)"
    r"(?:\s[\w'.-]+){0,5}?\s*(?:$|[.!?;\n]|,(?!\s*(?:{denial_goes_on})\b))"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """How people say things in one language. Its patterns are made once; two vocabularies are never the same."""

    language: str
    common: Mapping[str, frozenset[str]] = field(repr=False)
    """Common words of every language that is known, by which a sentence in another one is told apart."""
    filler: frozenset[str] = field(repr=False)
    disguised: frozenset[str] = field(repr=False)
    """The verbs, and other words that nobody writes with digits in them for a good reason."""
    about: Mapping[str, frozenset[str]]
    """The topics that an act is always about which is called this."""
    verbs: Mapping[str, str] = field(repr=False)
    """A verb and how people say it."""
    topics: Mapping[str, AnyCase] = field(repr=False)
    """What a clause is about, when it is about one of the things that hurt."""
    orders: Mapping[str, AnyCase] = field(repr=False)
    """Sentences aimed at the desk's people or machines rather than at the act."""
    needed: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Each topic and order has one of these pieces wherever it is found, in whatever letters: where none is there, nobody needs to look for it."""
    stands_for: Mapping[str, frozenset[str]]
    """What a topic may mean as well: to cancel "it" is to cancel an order."""
    then_words: tuple[str, ...]
    """Letters of which one stands wherever what leads from a condition to a wish is found."""
    patterns: Patterns = field(repr=False)
    joined: re.Pattern[str] = field(repr=False)
    """What joins one thing on to another."""
    not_to: re.Pattern[str] = field(repr=False)
    """What is said not to be wanted, up to where it ends or somebody is told to do something. ⚔ "Do not forget to cancel it" is an order."""
    denials: Mapping[str, str] = field(repr=False)
    """How it is said, for each verb, not to do it, and nothing of how or when it should not be done."""

    def stems(self, text: str) -> frozenset[str]:
        """The content words of a text, cut to their beginnings."""
        return frozenset(word[:STEM] for word in tokens(text) if word not in self.filler)

    def says_verb(self, verb: str) -> AnyCase:
        """What says a verb, in whatever way people do."""
        return _says(self.verbs.get(verb) or re.escape(verb))

    def topics_of(self, text: str, likely: Iterable[str] | None = None) -> frozenset[str]:
        """The topics a text touches. `likely` are those that may stand in what it is a part of, where somebody looked."""
        return frozenset(name for name in self._likely(text, self.topics if likely is None else likely) if self.topics[name].search(text))

    def likely_topics(self, text: str) -> tuple[str, ...]:
        """The topics that parts of a text may touch."""
        return tuple(self._likely(text, self.topics))

    def orders_in(self, text: str, spoken: Collection[str] = ()) -> Iterator[tuple[str, re.Match[str]]]:
        """Every sentence aimed at the desk's people or machines, and what it is. With an ask about a password, "the password" is none."""
        told: dict[tuple[int, int], bool] = {}
        for name in self._likely(text, self.orders):
            for found in self.orders[name].finditer(text):
                if not (name == FOR_THE_WORD and PASSWORD in spoken and self._is_told_of(text, found, told)):
                    yield name, found

    def _is_told_of(self, text: str, found: re.Match[str], told: dict[tuple[int, int], bool]) -> bool:
        """Whether a sentence only tells of a password that something happened to it, or asks for another one. ⚔ Nobody is to tell, choose or lift it.

        `told` remembers each sentence: it is read once, however often it names a password.
        """
        start = max(text.rfind(mark, 0, found.start()) for mark in ".!?\n") + 1
        end = min((place for mark in ".!?\n" if (place := text.find(mark, found.end())) >= 0), default=len(text))
        if (start, end) not in told:
            happened, taken = self.patterns.happened.search(text[start:end]), self.patterns.taken.search(text[start:end])
            told[start, end] = happened is not None and taken is None
        return told[start, end]

    def _likely(self, text: str, names: Iterable[str]) -> Iterator[str]:
        """The names of those that may be found in a text."""
        small = small_letters(text)
        for name in names:
            if small is None or any(map(small.__contains__, self.needed[name])):
                yield name


def tokens(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _TOKEN.findall(text.lower())


def vocabulary_of(language: str, lists: WordLists, common: Mapping[str, Collection[str]]) -> Vocabulary:
    """Make a vocabulary of its lists. It takes as long as all of its patterns take to compile.

    Raises:
        Refused: `settings.invalid` for a piece, verb, topic or order there is not, and for what is no regular expression; the detail names the key.
    """
    _verify_names(lists)
    put = _Put(lists)
    shapes = _Put(lists, cues=True)
    return Vocabulary(
        language=language,
        common={name: frozenset(words) for name, words in common.items()},
        filler=frozenset(lists.filler),
        disguised=frozenset({*lists.verbs, *lists.disguised}),
        about={name: frozenset(topics) for name, topics in lists.about.items()},
        verbs={name: put.pieces[name] for name in lists.verbs},
        topics={name: put.compiled(f"topics.{name}", (rf"\b(?:{'|'.join(one.says)})",)) for name, one in lists.topics.items()},
        orders={name: put.compiled(f"orders.{name}", one.says) for name, one in lists.orders.items()},
        needed={name: one.needs for name, one in (*lists.topics.items(), *lists.orders.items())},
        stands_for={name: frozenset(one.stands_for) for name, one in lists.topics.items() if one.stands_for},
        then_words=lists.cues.then_words,
        patterns=Patterns(**{name: shapes.compiled(f"cues, {name}", (shape,)) for name, shape in _SHAPES.items()}),
        joined=re.compile(shapes.ways("cues.joins", (_JOINED,)), re.IGNORECASE),
        not_to=re.compile(shapes.ways("cues.not_to", (_NOT_TO,)), re.IGNORECASE),
        denials={name: shapes.ways("cues.denials", (_DENIAL.replace("{verb}", f"{{{name}}}"),)) for name in lists.verbs},
    )


def _verify_names(lists: WordLists) -> None:
    """Check that what the rules know by name is there, and that topics which are named are some."""
    for kind, there, wanted in (("verbs", lists.verbs, _VERBS), ("topics", lists.topics, _TOPICS), ("orders", lists.orders, _ORDERS)):
        for name in wanted:
            if name not in there:
                raise _wrong(f"{kind}.{name}", "is missing; the rules know it by this name")
    named = [(f"about.{name}", topics) for name, topics in lists.about.items()]
    named += [(f"topics.{name}.stands_for", one.stands_for) for name, one in lists.topics.items()]
    for key, topics in named:
        if unknown := set(topics) - lists.topics.keys():
            raise _wrong(key, f"there is no topic {min(unknown)}")


class _Put:
    """Regular expressions with their pieces put in; with `cues`, these are pieces as well."""

    def __init__(self, lists: WordLists, *, cues: bool = False) -> None:
        self.pieces: dict[str, str] = {}
        for name, ways in lists.verbs.items():
            self.pieces[name] = self.ways(f"verbs.{name}", ways)
        self.pieces["verbs"] = "|".join(self.pieces.values())
        for name, piece in lists.pieces.items():
            self.pieces[name] = self.ways(f"pieces.{name}", (piece,))
        if cues:
            self.pieces |= {one.name: self.ways(f"cues.{one.name}", getattr(lists.cues, one.name)) for one in fields(Cues)}

    def ways(self, key: str, ways: Iterable[str]) -> str:
        """All ways as one."""

        def piece(found: re.Match[str]) -> str:
            if found[1] not in self.pieces:
                raise _wrong(key, f"there is no piece {found[0]}")
            return self.pieces[found[1]]

        return _PIECE.sub(piece, "|".join(ways))

    def compiled(self, key: str, ways: Iterable[str]) -> AnyCase:
        """A pattern for texts in whatever letters."""
        try:
            return AnyCase(self.ways(key, ways))
        except re.error as error:
            raise _wrong(key, f"is no regular expression: {error}") from None


@lru_cache(256)
def _says(ways: str) -> AnyCase:
    return AnyCase(rf"\b(?:{ways})\b")


def _wrong(key: str, problem: str) -> Refused:
    return Refused(
        Code.SETTINGS_INVALID, f"{key}: {problem}", cure="Correct that place. A file as it was installed is whole: install Remit again."
    )
