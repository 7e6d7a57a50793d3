"""The values an agent stated itself or may know, and how attributes are named: for the check of an officer's text."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Action, Catalogue, MarkKind
from remit.domain.mandate.model import ConditionOp, Mandate, Power
from remit.domain.records import AskRecord, AskState
from remit.domain.secrets.attribute_labels import LabelRules, label_words
from remit.domain.secrets.fact_words import FactWords
from remit.domain.secrets.outbound import texts_in
from remit.domain.secrets.stated_values import StatedValues, amounts_of, is_amount, statements_of
from remit.domain.text.tokens import plain_word
from remit.domain.values import Json, parse_stored_object

EXACT: Final = frozenset({ConditionOp.EQUALS, ConditionOp.ONE_OF, ConditionOp.SUBSET_OF})
MOST_ASKS: Final = 1000
"""Asks of a task, the newest, that are read."""
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_ANY_AMOUNT: Final = frozenset({"amount", "sum", "betrag", "summe", "money", "geld"})
"""Words that name any amount, and so no attribute."""
_EXPLAINED: Final = (MarkKind.MONEY, MarkKind.PART, MarkKind.RESOURCE)


def label_rules(catalogue: Catalogue, names: Iterable[str], words: FactWords, target: Collection[str]) -> LabelRules:
    """Return how attributes are named, in all of the desk's languages, and which of them are sensitive.

    `target` are the kinds of the records that the case is about.
    """
    known = {name: catalogue.attributes[name] for name in names}
    return LabelRules(
        labels={name: _labels(catalogue, name, words) for name in known},
        listed={name: one.values.union(*_titles(catalogue, name).values()) for name, one in known.items()},
        sensitive=frozenset(name for name, one in known.items() if one.sensitive),
        apart=frozenset(
            name for name in known if name.partition(".")[0] in catalogue.resources.keys() - frozenset(target)
        ),
        words=words,
    )


def with_titles(catalogue: Catalogue, name: str, value: Sequence[Json]) -> list[Json]:
    """Return the parts of an attribute's value, and what people read in place of them. ⚔ A title tells its value.

    Source: docs/model/model.md#outbound.
    """
    titles = _titles(catalogue, name)
    return [*value, *(title for part in value if isinstance(part, str) for title in titles.get(part, ()))]


def _titles(catalogue: Catalogue, name: str) -> Mapping[str, Sequence[str]]:
    """Return what people read in place of an attribute's values, in all of the desk's languages."""
    found: dict[str, list[str]] = {}
    for spoken in (catalogue, *catalogue.spoken.values()):
        for value, title in spoken.attributes[name].value_titles.items() if name in spoken.attributes else ():
            found.setdefault(value, []).append(title)
    return found


def _labels(catalogue: Catalogue, name: str, words: FactWords) -> frozenset[str]:
    spoken = (catalogue, *catalogue.spoken.values())
    titles = [one.attributes[name].title for one in spoken if name in one.attributes]
    return label_words(name, titles, words, _things(spoken, name))


def _things(spoken: Sequence[Catalogue], name: str) -> frozenset[str]:
    """Return the words of an attribute's record, and of the listed values of the record's other attributes."""
    record = name.rpartition(".")[0]
    said = [record]
    for one in spoken:
        said += [one.resources[record].title] if record in one.resources else []
        for other, attribute in one.attributes.items():
            if other != name and other.rpartition(".")[0] == record:
                said += (*attribute.values, *attribute.value_titles, *attribute.value_titles.values())
    return frozenset(plain_word(word) for text in said for word in _LETTERS.findall(text))


def stated_values(
    catalogue: Catalogue,
    words: FactWords,
    *,
    asks: Sequence[AskRecord],
    root: Mandate,
    named: Collection[str],
    uncovered: Mapping[str, Json],
    covered: Mapping[str, Json],
    elsewhere: Mapping[str, Json],
) -> StatedValues:
    """Return the values that the agent stated or may know.

    `named` are texts of asks that were not refused and of the mandate, but no guesses; `uncovered` are actual values that the mandate does not cover, `covered` those that it does, `elsewhere` those of
    them that other records have. ⚔ Statements are those of refused asks and of guesses too: no officer confirms one.
    """
    other = frozenset(texts_in(elsewhere))
    known = {name: [one for one in texts_in(value) if one not in other] for name, value in covered.items()}
    statements, overflowed = statements_of(_statements(catalogue, asks, root))
    return StatedValues(
        asked=amounts_of(_amounts_asked(catalogue, asks, root)),
        known=amounts_of(text for texts in known.values() for text in texts),
        statements=statements,
        overflowed=overflowed or len(asks) >= MOST_ASKS,
        repeated=statements_of(sorted(named))[0],
        money=_money_labels(catalogue, words, asks, uncovered, known),
    )


def _amounts_asked(catalogue: Catalogue, asks: Sequence[AskRecord], root: Mandate) -> Iterable[str]:
    """Yield the amounts of the agent's own asks that were not refused, and those its mandate names exactly.

    ⚔ What the desk refused is still a guess.
    """
    for ask in asks:
        action = catalogue.actions.get(ask.action)
        if action is not None and ask.state is not AskState.REFUSED:
            params = parse_stored_object(ask.params)
            names = {mark.path.steps[0] for mark in action.marked(MarkKind.MONEY)} - _disclosing(action)
            yield from texts_in({name: value for name, value in params.items() if name in names})
    for power in root.powers:
        guessed = _paths(catalogue, power, (MarkKind.ATTRIBUTE,))
        for condition in power.where:
            if condition.op in EXACT and str(condition.path) not in guessed:
                yield from texts_in(condition.value)


def _paths(catalogue: Catalogue, power: Power, kinds: Sequence[MarkKind]) -> set[str]:
    """Return the paths of a power's params that are marked as one of some kinds."""
    actions = [catalogue.actions[name] for name in power.actions or () if name in catalogue.actions]
    return {str(mark.path) for action in actions for kind in kinds for mark in action.marked(kind)}


def _disclosing(action: Action) -> set[str | None]:
    return {mark.path.steps[0] for mark in action.marked(MarkKind.ATTRIBUTE)}


def _statements(catalogue: Catalogue, asks: Sequence[AskRecord], root: Mandate) -> Iterable[str]:
    """Yield the texts that the agent chose, the mandate's and then the newest ask's first: no records, choices or amounts."""
    for power in root.powers:
        explained = _paths(catalogue, power, _EXPLAINED)
        for condition in power.where:
            if condition.op in EXACT and str(condition.path) not in explained:
                yield from texts_in(condition.value)
    for ask in asks:
        action = catalogue.actions.get(ask.action)
        if action is not None:
            explained = {str(mark.path.steps[0]) for kind in _EXPLAINED for mark in action.marked(kind)}
            params = parse_stored_object(ask.params)
            yield from texts_in({n: v for n, v in params.items() if n not in explained and n not in action.closed})


def _money_labels(
    catalogue: Catalogue,
    words: FactWords,
    asks: Sequence[AskRecord],
    uncovered: Mapping[str, Json],
    known: Mapping[str, Sequence[str]],
) -> Mapping[str, frozenset[str]]:
    """Return the words that name each uncovered amount, without those that name an amount which may be told.

    An attribute that an ask of the agent sets is named like its param: with the new daily limit its value is the ask's.
    """
    told, changed = set(_ANY_AMOUNT), set[str]()
    for ask in asks:
        action = catalogue.actions.get(ask.action)
        for mark in () if action is None else action.marked(MarkKind.MONEY):
            own = label_words(str(mark.path.steps[-1] or mark.path.steps[0]), (), words)
            told |= own
            if action is not None and ask.state is not AskState.REFUSED:
                changed |= {name for name in action.returns if own & _labels(catalogue, name, words)}
    for name, texts in known.items():
        if any(map(is_amount, texts)):
            told |= _labels(catalogue, name, words)
    found = {
        name: _labels(catalogue, name, words) - told
        for name, value in uncovered.items()
        if name not in changed and any(map(is_amount, texts_in(value)))
    }
    return {name: labels for name, labels in found.items() if labels}
