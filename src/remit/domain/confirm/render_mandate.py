"""A mandate in plain words, power by power, as the customer reads and cuts it before signing.

The rendering of one ask is in `rendering`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Action, Attribute, Catalogue, MarkKind, PowerKind
from remit.domain.confirm.render_ask import Line, Rendering
from remit.domain.confirm.render_values import Names, day_and_time, label, part_kind, quoted, shown, unlike, word_for
from remit.domain.i18n import Speech, marked
from remit.domain.mandate.model import Mandate, Op, Power, Test
from remit.domain.param_paths import Path
from remit.domain.text.normalize import visible
from remit.domain.values import Json

_SAYS: Final = {
    PowerKind.ACCEPT: marked("The agent may bind you: accept: {what}"),
    PowerKind.DISCLOSE: marked("The agent may tell the desk: {what}"),
    PowerKind.RECEIVE: marked("The agent may be told: {what}"),
    PowerKind.REPRESENT: marked("The agent may open a case and speak for you in it."),
    PowerKind.REQUEST: marked("The agent may ask for: {what}"),
}
_SAYS_ALL: Final = {
    PowerKind.ACCEPT: marked("The agent may bind you: accept"),
    PowerKind.DISCLOSE: marked("The agent may tell the desk"),
    PowerKind.RECEIVE: marked("The agent may be told"),
    PowerKind.REPRESENT: _SAYS[PowerKind.REPRESENT],
    PowerKind.REQUEST: marked("The agent may ask for"),
}
_NEVER: Final = {
    PowerKind.ACCEPT: marked("Never: accept anything that binds you: {what}"),
    PowerKind.DISCLOSE: marked("Never: tell the desk: {what}"),
    PowerKind.RECEIVE: marked("Never: be told: {what}"),
    PowerKind.REPRESENT: marked("Never: speak for you"),
    PowerKind.REQUEST: marked("Never: ask for: {what}"),
}
_NEVER_ALL: Final = {
    PowerKind.ACCEPT: marked("Never: accept anything that binds you"),
    PowerKind.DISCLOSE: marked("Never: tell the desk"),
    PowerKind.RECEIVE: marked("Never: be told"),
    PowerKind.REPRESENT: _NEVER[PowerKind.REPRESENT],
    PowerKind.REQUEST: marked("Never: ask for"),
}
_TESTS: Final = {
    Op.AFTER: marked("only after {value}"),
    Op.BEFORE: marked("only before {value}"),
    Op.EQUALS: marked("only {value}"),
    Op.MAX: marked("at most {value}"),
    Op.MAX_SUM: marked("at most {value} together"),
    Op.MIN: marked("at least {value}"),
    Op.ONE_OF: marked("one of {value}"),
    Op.SUBSET_OF: marked("only from {value}"),
}


def render_mandate(
    mandate: Mandate, catalogue: Catalogue, names: Names, *, agent: str = "", operator: str = ""
) -> Rendering:
    """Say what signing this mandate grants: one line for each power, each limit in its details.

    Powers come in the mandate's order with their place, so that each can be struck or lowered. The agent's summary
    stands last, marked as its own.

    Source: docs/model/model.md#grant, #summary, #pre-approval.
    """
    say, names = catalogue.say, with_parts(names, mandate.objective.target)
    lines = [Line(kind="desk", text=visible(catalogue.desk))]
    if agent or operator:
        who = say("{agent}, run by {operator}, wants to act for you.", agent=quoted(agent), operator=quoted(operator))
        lines.append(Line(kind="who", text=who))
    lines.extend(_purpose(mandate, catalogue, names))
    for place, power in enumerate(mandate.powers):
        lines.extend(_granted(power, place, catalogue, names))
    lines.extend(_denied(power, place, catalogue, names) for place, power in enumerate(mandate.never))
    lines.append(Line(kind="never", text=say("What is not granted here is refused.")))
    lines.extend(_life(mandate, say))
    if mandate.objective.summary:
        said = tuple(visible(line) for line in mandate.objective.summary.split("\n"))
        lines.append(
            Line(
                kind="summary",
                text=say("The agent writes (its own words; they grant nothing):"),
                details=said,
                theirs=True,
            )
        )
    return Rendering(lines=tuple(lines))


def _purpose(mandate: Mandate, catalogue: Catalogue, names: Names) -> Iterator[Line]:
    yield Line(kind="objective", text=visible(catalogue.objective(mandate.objective.type).title))
    for kind, ids in sorted(mandate.objective.target.items()):
        resource = catalogue.resources.get(kind)
        for id_ in ids:
            what = visible(resource.title if resource else kind)
            yield Line(
                kind="target",
                text=catalogue.say("Only for {kind} {record}", kind=what, record=_record(kind, id_, names)),
            )


def _record(kind: str, id_: str, names: Names) -> str:
    name = names.get((kind, id_), "")
    return f"{quoted(id_)} ({quoted(name)})" if name else quoted(id_)


def _granted(power: Power, place: int, catalogue: Catalogue, names: Names) -> Iterator[Line]:
    what = _what(power, catalogue)
    text = catalogue.say(_SAYS[power.power], what=what) if what else catalogue.say(_SAYS_ALL[power.power])
    yield Line(kind="power", text=text, details=tuple(_limits(power, catalogue, names)), place=place)
    if power.preapproved:
        said = catalogue.say("You agree now: when this comes, exactly as above, nobody asks you again.")
        yield Line(kind="preapproved", text=said, place=place)


def _denied(power: Power, place: int, catalogue: Catalogue, names: Names) -> Line:
    what = _what(power, catalogue)
    text = catalogue.say(_NEVER[power.power], what=what) if what else catalogue.say(_NEVER_ALL[power.power])
    return Line(kind="never", text=text, details=tuple(_limits(power, catalogue, names)), place=place)


def _what(power: Power, catalogue: Catalogue) -> str:
    named = [_action(pattern, catalogue) for pattern in power.actions or ()]
    named += [_attribute(pattern, catalogue) for pattern in power.attributes or ()]
    return "; ".join(named)


def _action(pattern: str, catalogue: Catalogue) -> str:
    found = catalogue.actions.get(pattern)
    if found is not None:
        return _with_warning(found, catalogue.say)
    return _under_it(
        pattern,
        [_with_warning(one, catalogue.say) for name, one in sorted(catalogue.actions.items()) if _under(name, pattern)],
        catalogue.say,
    )


def _with_warning(action: Action, say: Speech) -> str:
    return (
        label(action)
        if action.power is not PowerKind.RECEIVE
        else say("{action} (what is not sensitive)", action=label(action))
    )


def _attribute(pattern: str, catalogue: Catalogue) -> str:
    found = catalogue.attributes.get(pattern)
    if found is not None:
        return told_as(found, catalogue.say)
    return _under_it(
        pattern,
        [told_as(one, catalogue.say) for name, one in sorted(catalogue.attributes.items()) if _under(name, pattern)],
        catalogue.say,
    )


def told_as(attribute: Attribute, say: Speech) -> str:
    """What an attribute is called, and whether it is sensitive."""
    title = visible(attribute.title)
    return say("{attribute} (sensitive)", attribute=title) if attribute.sensitive else title


def _under_it(pattern: str, titles: Sequence[str], say: Speech) -> str:
    return say(
        "everything under {pattern} ({titles})",
        pattern=quoted(pattern),
        titles="; ".join(titles) if titles else say("nothing yet"),
    )


def _under(name: str, pattern: str) -> bool:
    return pattern.endswith(".*") and name.startswith(pattern[:-1])


def _limits(power: Power, catalogue: Catalogue, names: Names) -> Iterator[str]:
    say = catalogue.say
    for test in power.where:
        yield f"{_word(test.path, power, catalogue)}: {say(_TESTS[test.op], value=_value(test, power, catalogue, names))}"
        if any(test.path in _recipients(name, catalogue) for name in power.actions or ()):
            yield from unlike(test.value, say)  # what is pinned here is not asked again
    if power.uses is not None:
        yield (
            say("Once") if power.uses == 1 else say.plural("At most {count} time", "At most {count} times", power.uses)
        )
    for total in power.totals:
        yield f"{_word(total.path, power, catalogue)}: {say('at most {amount} over all', amount=shown(total.limit, say))}"
    for name in power.actions or ():
        action = catalogue.actions.get(name)
        if action is not None and action.effect.value == "write" and not action.reversible:
            yield say("“{action}” cannot be undone", action=label(action))


def _recipients(name: str, catalogue: Catalogue) -> frozenset[Path]:
    action = catalogue.actions.get(name)
    return frozenset() if action is None else frozenset(mark.path for mark in action.marked(MarkKind.RECIPIENT))


def _word(path: Path, power: Power, catalogue: Catalogue) -> str:
    """What a parameter is called to people, where all the power's actions call it the same."""
    if path.many:
        return visible(str(path))
    words = {
        word_for(catalogue.actions[name].schema, path) for name in power.actions or () if name in catalogue.actions
    }
    word = words.pop() if len(words) == 1 else None
    return visible(str(path)) if word is None else word


def _value(test: Test, power: Power, catalogue: Catalogue, names: Names) -> str:
    return tested(test.value, str(test.path), power.actions or (), catalogue, names)


def tested(value: Json, path: str, actions: Sequence[str], catalogue: Catalogue, names: Names) -> str:
    """A value of a limit, with the names of the records it speaks of."""
    return _named(value, sorted(set(_kinds(path, actions, catalogue))), names, catalogue.say)


def _kinds(path: str, actions: Sequence[str], catalogue: Catalogue) -> Iterator[str]:
    """As what a test's values are named: a record of a kind, or a part of the one record of that kind that the mandate is about."""
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


def records_tested(mandate: Mandate, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """The records (kind, id) that the limits of a mandate's powers may name."""
    for power in (*mandate.powers, *mandate.never):
        for test in power.where:
            values = test.value if isinstance(test.value, list | tuple) else (test.value,)
            for kind in _kinds(str(test.path), power.actions or (), catalogue):
                if kind in catalogue.resources:
                    yield from ((kind, one) for one in values if isinstance(one, str))


def with_parts(names: Names, target: Mapping[str, Sequence[str]]) -> Names:
    """The names, and those of the parts of the one record of a kind that a mandate is about: only there is it sure whose part is meant."""
    one_of = {part_kind(kind, ids[0]): part_kind(kind, "") for kind, ids in target.items() if len(ids) == 1}
    return {**names, **{(one_of[kind], part): name for (kind, part), name in names.items() if kind in one_of}}


def _named(value: Json, kinds: list[str], names: Names, say: Speech) -> str:
    if isinstance(value, str):
        name = next((names[kind, value] for kind in kinds if (kind, value) in names), "")
        return f"{shown(value, say)} ({quoted(name)})" if name else shown(value, say)
    if isinstance(value, list | tuple):
        return ", ".join(_named(one, kinds, names, say) for one in value) or say("(empty)")
    return shown(value, say)


def _life(mandate: Mandate, say: Speech) -> Iterator[Line]:
    yield Line(
        kind="expires",
        text=say("It ends on {when}, or when you revoke it.", when=day_and_time(mandate.expires_at, say)),
    )
    yield Line(kind="tasks", text=say.plural("For one task.", "For at most {count} tasks.", mandate.max_tasks))
    if mandate.chain:
        passed = say.plural(
            "The agent may pass part of this on to one further agent.",
            "The agent may pass part of this on to a chain of at most {count} further agents.",
            mandate.chain,
        )
        yield Line(kind="chain", text=passed)
