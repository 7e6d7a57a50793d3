"""One sentence for each power of a mandate, such as "Request one refund of up to €80.00".

A sentence never promises more limits than the power has: a missing limit is said ("any amount", "any number of times").
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from remit.domain.catalogue.model import Action, Attribute, Catalogue, MarkKind, PowerKind
from remit.domain.confirm.render_values import action_label, param_title, plain_value, quoted_text
from remit.domain.i18n import Translator, marked
from remit.domain.ids import matches
from remit.domain.mandate.model import ConditionOp, Power
from remit.domain.param_paths import ParamPath
from remit.domain.text.normalize import make_visible
from remit.domain.values import Json

_Named = TypeVar("_Named", Action, Attribute)
MOST_NAMED: Final = 4
"""The most attributes that a line names, besides sensitive ones; its details name them all."""
_ONE: Final = {PowerKind.ACCEPT: marked("Accept {what}, binding for you"), PowerKind.REQUEST: marked("Request {what}")}
_SOME: Final = {
    PowerKind.ACCEPT: marked("Accept up to {what}, binding for you"),
    PowerKind.REQUEST: marked("Request up to {what}"),
}
_ANY: Final = {
    PowerKind.ACCEPT: marked("Accept {what}, binding for you, any number of times"),
    PowerKind.REQUEST: marked("Request {what}, any number of times"),
}
_BINDING: Final = marked("{title}, binding for you")
_BOUNDS: Final = frozenset({ConditionOp.EQUALS, ConditionOp.MAX, ConditionOp.MAX_SUM, ConditionOp.ONE_OF})
"""The tests that keep an amount from being any."""
_AMOUNTS: Final = {
    (ConditionOp.EQUALS, False): marked("{what} of exactly {amount}"),
    (ConditionOp.EQUALS, True): marked("{what} of exactly {amount} each"),
    (ConditionOp.MAX, False): marked("{what} of up to {amount}"),
    (ConditionOp.MAX, True): marked("{what} of up to {amount} each"),
}
_TITLED: Final = {
    (ConditionOp.EQUALS, False): marked("{what}, exactly {amount}"),
    (ConditionOp.EQUALS, True): marked("{what}, exactly {amount} each time"),
    (ConditionOp.MAX, False): marked("{what}, up to {amount}"),
    (ConditionOp.MAX, True): marked("{what}, up to {amount} each time"),
}


def power_line(power: Power, catalogue: Catalogue) -> str:
    """Return a power as one sentence, with its amounts and how often; the complete limits stand beside it."""
    say = catalogue.say
    match power.power:
        case PowerKind.REPRESENT:
            return say("Open a case and write in it for you")
        case PowerKind.DISCLOSE | PowerKind.RECEIVE:
            return _capital(_often("; ".join(_told(power, catalogue)), power.uses, say))
        case PowerKind.ACCEPT | PowerKind.REQUEST:
            lines = [_act(pattern, power, catalogue) for pattern in power.actions or ()]
            return "; ".join(lines) + "".join(_totals(power, catalogue))


def _told(power: Power, catalogue: Catalogue) -> Iterator[str]:
    say = catalogue.say
    if power.attributes:
        what = _listed(power.attributes, catalogue)
        sees = power.power is PowerKind.RECEIVE
        yield say("See {what}", what=what) if sees else say("Share with support: {what}", what=what)
    yield from (action_text(pattern, catalogue) for pattern in power.actions or ())


def _listed(patterns: Sequence[str], catalogue: Catalogue) -> str:
    """List attributes by name. ⚔ Sensitive ones, and open patterns, are never left out."""
    say = catalogue.say
    known = [catalogue.attributes.get(one) for one in patterns]
    plain = [place for place, one in enumerate(known) if one is not None and not one.sensitive]
    room = MOST_NAMED if len(patterns) <= MOST_NAMED else MOST_NAMED - 1 - (len(patterns) - len(plain))
    kept = set(plain[: max(room, 0)]) if len(patterns) > MOST_NAMED else set(plain)
    named = [
        attribute_text(one, catalogue) for place, one in enumerate(patterns) if place in kept or place not in plain
    ]
    left = len(patterns) - len(named)
    if left:
        named.append(say.plural("{count} more detail", "{count} more details", left))
    *first, last = named
    return say("{first} and {last}", first=", ".join(first), last=last) if first else last


def _act(pattern: str, power: Power, catalogue: Catalogue) -> str:
    """Return one action of a power, counted by its noun, or by its title where the catalogue has none."""
    say, action = catalogue.say, catalogue.actions.get(pattern)
    if action is None or not action.counted:
        title = action_text(pattern, catalogue)
        text = say(_BINDING, title=title) if power.power is PowerKind.ACCEPT else title
        text = _with_amounts(text, action, power, say, titled=True)
        return (
            _often(text, power.uses, say) if power.uses is not None else say("{what}, any number of times", what=text)
        )
    one, many = (make_visible(text) for text in action.counted)
    if power.uses == 1:
        what, template = one, _ONE
    elif power.uses is None:
        what, template = many.replace("{count}", "").strip(), _ANY
    else:
        what, template = many.replace("{count}", str(power.uses)), _SOME
    return _capital(say(template[power.power], what=_with_amounts(what, action, power, say, titled=False)))


def _often(text: str, uses: int | None, say: Translator) -> str:
    if uses is None:
        return text
    if uses == 1:
        return say("{what}, once", what=text)
    return say.plural("{what}, up to {count} time", "{what}, up to {count} times", uses, what=text)


def _with_amounts(what: str, action: Action | None, power: Power, say: Translator, *, titled: bool) -> str:
    """Add the limits of an action's money; ⚔ money without a limit is said to have none."""
    paths = [mark.path for mark in action.marked(MarkKind.MONEY)] if action is not None else []
    for path in paths:
        tests = [one for one in power.where if one.path == path]
        found = next((one for one in tests if one.op in {ConditionOp.EQUALS, ConditionOp.MAX}), None)
        if (
            found is not None
            and power.uses != 1
            and any((one.path, one.limit) == (path, found.value) for one in power.totals)
        ):
            continue  # the total alone says it
        if len(paths) > 1 or path.has_wildcard:
            free = not any(one.op in _BOUNDS for one in tests) and not any(one.path == path for one in power.totals)
            what = _beside(what, action, path, None if found is None else (found.op, found.value), say, free=free)
        elif found is not None:
            templates = _TITLED if titled else _AMOUNTS
            what = say(templates[found.op, power.uses != 1], what=what, amount=plain_value(found.value, say))
        elif not any(one.op in _BOUNDS for one in tests) and not any(one.path == path for one in power.totals):
            what = say("{what}, any amount", what=what) if titled else say("{what} of any amount", what=what)
    return what


def _beside(
    what: str,
    action: Action | None,
    path: ParamPath,
    limit: tuple[ConditionOp, Json] | None,
    say: Translator,
    *,
    free: bool,
) -> str:
    """Add the limit of one of several amounts, by its name. ⚔ A `free` one is said to have none."""
    name = _amount_name(action, path)
    if limit is None:
        return say("{what}, {param}: any amount", what=what, param=name) if free else what
    amount = plain_value(limit[1], say)
    if limit[0] is ConditionOp.EQUALS:
        return say("{what}, {param}: exactly {amount}", what=what, param=name, amount=amount)
    return say("{what}, {param}: up to {amount}", what=what, param=name, amount=amount)


def _amount_name(action: Action | None, path: ParamPath) -> str:
    return (param_title(action.schema, path) if action is not None else None) or make_visible(str(path))


def _totals(power: Power, catalogue: Catalogue) -> Iterator[str]:
    """Yield the running limits that say more than the limit of a single act.

    ⚔ Where an action has several amounts, a total names its own: it limits none of the others.
    """
    say = catalogue.say
    actions = [catalogue.actions[name] for name in power.actions or () if name in catalogue.actions]
    several = any(len(one.marked(MarkKind.MONEY)) > 1 for one in actions)
    for total in power.totals:
        single = next((one for one in power.where if one.path == total.path and one.op is ConditionOp.MAX), None)
        if power.uses == 1 and single is not None and single.value == total.limit:
            continue
        amount = plain_value(total.limit, say)
        if several:
            name = next((_amount_name(one, total.path) for one in actions), make_visible(str(total.path)))
            yield say(", {param}: up to {amount} in total", param=name, amount=amount)
        else:
            yield say(", up to {amount} in total", amount=amount)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def action_text(pattern: str, catalogue: Catalogue) -> str:
    """Return the title of an action, or of everything under a pattern."""
    return _titles_under(pattern, catalogue.actions, _with_warning, catalogue.say)


def _with_warning(action: Action, say: Translator) -> str:
    label = action_label(action)
    return say("{action} (without sensitive data)", action=label) if action.power is PowerKind.RECEIVE else label


def attribute_text(pattern: str, catalogue: Catalogue) -> str:
    """Return the title of an attribute, or of everything under a pattern."""
    return _titles_under(pattern, catalogue.attributes, attribute_label, catalogue.say)


def attribute_label(attribute: Attribute, say: Translator) -> str:
    """Return an attribute's title, marked when it is sensitive."""
    title = make_visible(attribute.title)
    return say("{attribute} (sensitive)", attribute=title) if attribute.sensitive else title


def _titles_under(
    pattern: str, named: Mapping[str, _Named], title: Callable[[_Named, Translator], str], say: Translator
) -> str:
    found = named.get(pattern)
    if found is not None:
        return title(found, say)
    under = [title(one, say) for name, one in sorted(named.items()) if matches(pattern, name)]
    return say(
        "everything under {pattern} ({titles})",
        pattern=quoted_text(pattern, say),
        titles="; ".join(under) if under else say("nothing yet"),
    )
