"""A mandate in plain words, power by power, as the customer reads and cuts it before signing."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from remit.domain.catalogue.model import Catalogue, Effect, MarkKind, PowerKind
from remit.domain.confirm.distinct_names import names_alone
from remit.domain.confirm.power_lines import MOST_NAMED, action_text, attribute_text, power_line
from remit.domain.confirm.render_ask import RenderedLine, Rendering
from remit.domain.confirm.render_values import (
    Names,
    action_label,
    day_and_time,
    in_quotes,
    lookalike_warning,
    param_title,
    part_kind,
    plain_value,
    quoted_text,
    titled_value,
    value_titles,
)
from remit.domain.i18n import Translator, marked
from remit.domain.mandate.model import Condition, ConditionOp, Mandate, Power
from remit.domain.param_paths import ParamPath, parse_path
from remit.domain.text.confusables import look_alike
from remit.domain.text.normalize import make_visible
from remit.domain.values import Json

_NEVER: Final = {
    PowerKind.ACCEPT: marked("The agent may never make a binding commitment for you: {what}"),
    PowerKind.DISCLOSE: marked("The agent may never share with support: {what}"),
    PowerKind.RECEIVE: marked("The agent may never see: {what}"),
    PowerKind.REPRESENT: marked("The agent may never open a case or write for you"),
    PowerKind.REQUEST: marked("The agent may never request: {what}"),
}
_NEVER_ALL: Final = {
    PowerKind.ACCEPT: marked("The agent may never make any binding commitment for you"),
    PowerKind.DISCLOSE: marked("The agent may never share any information with support"),
    PowerKind.RECEIVE: marked("The agent may never see any information"),
    PowerKind.REPRESENT: _NEVER[PowerKind.REPRESENT],
    PowerKind.REQUEST: marked("The agent may never make any request"),
}
_CHOICES: Final = frozenset({ConditionOp.EQUALS, ConditionOp.ONE_OF, ConditionOp.SUBSET_OF})
_PLACES: Final = frozenset({MarkKind.PART, MarkKind.RECIPIENT, MarkKind.RESOURCE})
_TESTS: Final = {
    ConditionOp.AFTER: marked("only after {value}"),
    ConditionOp.BEFORE: marked("only before {value}"),
    ConditionOp.EQUALS: marked("only {value}"),
    ConditionOp.MAX: marked("at most {value}"),
    ConditionOp.MAX_SUM: marked("at most {value} combined"),
    ConditionOp.MIN: marked("at least {value}"),
    ConditionOp.ONE_OF: marked("one of {value}"),
    ConditionOp.SUBSET_OF: marked("only these: {value}"),
}


def render_mandate(
    mandate: Mandate, catalogue: Catalogue, names: Names, *, agent: str = "", operator: str = ""
) -> Rendering:
    """Render the powers this mandate grants: one line each, its limits in the details.

    Powers keep the mandate's order and carry their place, so that each can be struck or lowered. A power's line is a
    short sentence (`power_lines`); its records and recipients (`at`) and its warnings (`caution`) are lines of their
    own, and its details hold every limit. The agent's summary stands last, marked as its own.

    Source: docs/model/model.md#grant, #summary, #pre-approval.
    """
    say, names = catalogue.say, with_part_names(names, mandate.objective.target)
    lines = [RenderedLine(kind="desk", text=make_visible(catalogue.desk))]
    if agent or operator:
        who = say(
            "{agent}, run by {operator}, wants to act for you.",
            agent=quoted_text(agent, say),
            operator=quoted_text(operator, say),
        )
        lines.append(RenderedLine(kind="who", text=who))
    lines.extend(_purpose(mandate, catalogue, names))
    lines.append(RenderedLine(kind="may", text=say("The agent may:")))
    for place, power in enumerate(mandate.powers):
        lines.extend(_granted(power, place, mandate, catalogue, names))
    lines.extend(_denied(power, place, catalogue, names) for place, power in enumerate(mandate.never))
    lines.append(RenderedLine(kind="never", text=say("Anything not listed above is blocked.")))
    lines.extend(_life(mandate, say))
    if mandate.objective.summary:
        own_words = tuple(make_visible(line) for line in mandate.objective.summary.split("\n"))
        text = say("Message from the agent (it grants nothing):")
        lines.append(RenderedLine(kind="summary", text=text, details=own_words, theirs=True))
    return Rendering(lines=tuple(lines))


def _purpose(mandate: Mandate, catalogue: Catalogue, names: Names) -> Iterator[RenderedLine]:
    yield RenderedLine(kind="objective", text=make_visible(catalogue.objective(mandate.objective.type).title))
    for kind, ids in sorted(mandate.objective.target.items()):
        resource = catalogue.resources.get(kind)
        for id_ in ids:
            what = make_visible(resource.title if resource else kind)
            yield RenderedLine(
                kind="target",
                text=catalogue.say(
                    "Only for {kind} {record}", kind=what, record=_record(kind, id_, names, catalogue.say)
                ),
            )


def _record(kind: str, id_: str, names: Names, say: Translator) -> str:
    name = names.get((kind, id_), "")
    return f"{quoted_text(id_, say)} ({quoted_text(name, say)})" if name else quoted_text(id_, say)


def _granted(power: Power, place: int, mandate: Mandate, catalogue: Catalogue, names: Names) -> Iterator[RenderedLine]:
    limits = (*_whole(power, catalogue), *_limits(power, catalogue, names))
    yield RenderedLine(kind="power", text=power_line(power, catalogue), details=limits, place=place)
    for text in _places(power, mandate, catalogue, names):
        yield RenderedLine(kind="at", text=text, place=place)
    for text in _cautions(power, catalogue):
        yield RenderedLine(kind="caution", text=text, place=place)
    if power.preapproved:
        text = catalogue.say(
            "You approve this now. If the agent requests exactly what is described above, you won't be asked again."
        )
        yield RenderedLine(kind="preapproved", text=text, place=place)


def _whole(power: Power, catalogue: Catalogue) -> Iterator[str]:
    """Yield the complete list of the things a power covers, where its line leaves some out or does not name it."""
    if power.power is PowerKind.REPRESENT:
        return
    named = [attribute_text(pattern, catalogue) for pattern in power.attributes or ()]
    if len(named) > MOST_NAMED:
        yield "; ".join(named)
    actions = catalogue.actions
    yield from (action_text(one, catalogue) for one in power.actions or () if one in actions and actions[one].counted)


def _places(power: Power, mandate: Mandate, catalogue: Catalogue, names: Names) -> Iterator[str]:
    """Yield the records, parts and recipients that a power is limited to, besides those of the whole mandate."""
    for test in power.where:
        if test.op not in _CHOICES or not _is_place(test.path, power, mandate, catalogue):
            continue
        values = test.value if isinstance(test.value, list | tuple) else (test.value,)
        kinds = sorted(set(_kinds(str(test.path), power.actions or (), catalogue)))
        called = [_called(one, kinds, names, catalogue.say) for one in values]
        if any(
            look_alike(*pair) for pair in combinations(called, 2)
        ):  # ⚔ records of one name are told apart by their ids
            called = [_named(one, kinds, names, catalogue.say, {}) for one in values]
        yield f"{_word(test.path, power, catalogue)}: {', '.join(called) or catalogue.say('(empty)')}"


def _is_place(path: ParamPath, power: Power, mandate: Mandate, catalogue: Catalogue) -> bool:
    plain = str(path).removesuffix("[*]")
    for name in power.actions or ():
        action = catalogue.actions.get(name)
        for mark in action.marks if action is not None else ():
            if str(mark.path).removesuffix("[*]") == plain and mark.kind in _PLACES:
                return mark.kind is not MarkKind.RESOURCE or mark.of not in mandate.objective.target
    return False


def _called(value: Json, kinds: list[str], names: Names, say: Translator) -> str:
    """Name a record. ⚔ By its name alone only where that stands alone and has no deceptive letters; always in quotes."""
    alone = names_alone(names)
    place = next(((kind, value) for kind in kinds if isinstance(value, str) and (kind, value) in names), None)
    if place is None or place not in alone or lookalike_warning(names[place], say):
        return _named(value, kinds, names, say, {})
    return in_quotes(names[place], say)


def _cautions(power: Power, catalogue: Catalogue) -> Iterator[str]:
    """Yield the warnings about a power. ⚔ A page never folds them; a pinned recipient is not asked about again."""
    actions = [catalogue.actions[name] for name in power.actions or () if name in catalogue.actions]
    if any(one.effect is Effect.WRITE and not one.reversible for one in actions):
        yield catalogue.say("This cannot be undone.")
    for test in power.where:
        if any(test.path in _recipients(name, catalogue) for name in power.actions or ()):
            yield from lookalike_warning(test.value, catalogue.say)


def _denied(power: Power, place: int, catalogue: Catalogue, names: Names) -> RenderedLine:
    what = _what(power, catalogue)
    text = catalogue.say(_NEVER[power.power], what=what) if what else catalogue.say(_NEVER_ALL[power.power])
    return RenderedLine(kind="never", text=text, details=tuple(_limits(power, catalogue, names)), place=place)


def _what(power: Power, catalogue: Catalogue) -> str:
    named = [action_text(pattern, catalogue) for pattern in power.actions or ()]
    named += [attribute_text(pattern, catalogue) for pattern in power.attributes or ()]
    return "; ".join(named)


def _limits(power: Power, catalogue: Catalogue, names: Names) -> Iterator[str]:
    say = catalogue.say
    for test in power.where:
        value = say(_TESTS[test.op], value=_value(test, power, catalogue, names))
        yield f"{_word(test.path, power, catalogue)}: {value}"
    if power.uses is not None:
        yield (
            say("Once") if power.uses == 1 else say.plural("At most {count} time", "At most {count} times", power.uses)
        )
    for total in power.totals:
        total_text = say("at most {amount} in total", amount=plain_value(total.limit, say))
        yield f"{_word(total.path, power, catalogue)}: {total_text}"
    for name in power.actions or ():
        action = catalogue.actions.get(name)
        if action is not None and action.effect.value == "write" and not action.reversible:
            yield say("“{action}” cannot be undone", action=action_label(action))


def _recipients(name: str, catalogue: Catalogue) -> frozenset[ParamPath]:
    action = catalogue.actions.get(name)
    return frozenset() if action is None else frozenset(mark.path for mark in action.marked(MarkKind.RECIPIENT))


def _word(path: ParamPath, power: Power, catalogue: Catalogue) -> str:
    """Return a parameter's title, where all the power's actions give it the same one."""
    if path.has_wildcard:
        return make_visible(str(path))
    words = {
        param_title(catalogue.actions[name].schema, path) for name in power.actions or () if name in catalogue.actions
    }
    word = words.pop() if len(words) == 1 else None
    return make_visible(str(path)) if word is None else word


def _value(test: Condition, power: Power, catalogue: Catalogue, names: Names) -> str:
    return limit_text(test.value, str(test.path), power.actions or (), catalogue, names)


def limit_text(value: Json, path: str, actions: Sequence[str], catalogue: Catalogue, names: Names) -> str:
    """Return a limit's value, with the names of the records in it."""
    known = [catalogue.actions[name].schema for name in actions if name in catalogue.actions]
    titles = [value_titles(schema, parse_path(path)) for schema in known]
    same = titles[0] if titles and all(one == titles[0] for one in titles) else {}
    return _named(value, sorted(set(_kinds(path, actions, catalogue))), names, catalogue.say, same)


def _kinds(path: str, actions: Sequence[str], catalogue: Catalogue) -> Iterator[str]:
    """Yield the kinds that a test's values name: a record's, or a part of the one record the mandate is about."""
    for name in actions:
        action = catalogue.actions.get(name)
        marks = action.marks if action is not None else ()
        of = {str(mark.path): mark.of for mark in marks if mark.kind is MarkKind.RESOURCE}
        for mark in marks:
            if str(mark.path).removesuffix("[*]") == path.removesuffix("[*]"):
                if mark.kind is MarkKind.RESOURCE:
                    yield mark.of
                elif mark.kind is MarkKind.PART and mark.of in of:
                    yield part_kind(of[mark.of], "")


def limit_records(mandate: Mandate, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Yield the records (kind, id) that the limits of a mandate's powers may name."""
    for power in (*mandate.powers, *mandate.never):
        for test in power.where:
            values = test.value if isinstance(test.value, list | tuple) else (test.value,)
            for kind in _kinds(str(test.path), power.actions or (), catalogue):
                if kind in catalogue.resources:
                    yield from ((kind, one) for one in values if isinstance(one, str))


def with_part_names(names: Names, target: Mapping[str, Sequence[str]]) -> Names:
    """Add the names of the parts of a target's only record; with several records the owner of a part is uncertain."""
    one_of = {part_kind(kind, ids[0]): part_kind(kind, "") for kind, ids in target.items() if len(ids) == 1}
    return {**names, **{(one_of[kind], part): name for (kind, part), name in names.items() if kind in one_of}}


def _named(value: Json, kinds: list[str], names: Names, say: Translator, titles: Mapping[str, str]) -> str:
    if isinstance(value, str):
        if value in titles:
            return titled_value(value, titles)
        name = next((names[kind, value] for kind in kinds if (kind, value) in names), "")
        return f"{plain_value(value, say)} ({quoted_text(name, say)})" if name else plain_value(value, say)
    if isinstance(value, list | tuple):
        return ", ".join(_named(item, kinds, names, say, titles) for item in value) or say("(empty)")
    return plain_value(value, say)


def _life(mandate: Mandate, say: Translator) -> Iterator[RenderedLine]:
    yield RenderedLine(
        kind="expires",
        text=say("The permission ends on {when}, or when you revoke it.", when=day_and_time(mandate.expires_at, say)),
    )
    yield RenderedLine(kind="tasks", text=say.plural("For one task.", "For at most {count} tasks.", mandate.max_tasks))
    if mandate.chain:
        passed = say.plural(
            "The agent may pass part of this permission on to one other agent.",
            "The agent may pass part of this permission on to a chain of at most {count} other agents.",
            mandate.chain,
        )
        runners = tuple(
            say("Only to agents run by {operator}", operator=quoted_text(one, say)) for one in mandate.chain_operators
        )
        yield RenderedLine(kind="chain", text=passed, details=runners)
