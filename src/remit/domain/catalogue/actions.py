"""Reading one action of the catalogue, its title's placeholders and its digest; the built-in `case.*` actions."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Final, TypeVar

from remit.domain.catalogue.model import OFFER_PARAMS, Action, Area, Attribute, Effect, MarkKind, PowerKind
from remit.domain.catalogue.schema import DeclaredNames, ParamsSchema, read_params
from remit.domain.catalogue.tables import catalogue_error, closed_table, flag, table, text, texts, toml_key
from remit.domain.i18n import marked
from remit.domain.param_paths import ParamPath, parse_path
from remit.domain.structs import replace
from remit.domain.text.nearest import did_you_mean
from remit.proof.canonical import digest

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_SHOWN: Final = (MarkKind.MONEY, MarkKind.RECIPIENT, MarkKind.RESOURCE)
_POWERS: Final = (PowerKind.ACCEPT, PowerKind.RECEIVE, PowerKind.REQUEST)
_OPTIONAL: Final = (
    "counted",
    "offer_required",
    "offer_required_for",
    "params",
    "returns",
    "reversible",
    "short",
    "shown_to_officers",
)
_Word = TypeVar("_Word", bound=StrEnum)


def read_action(name: str, value: object, *, names: DeclaredNames, attributes: Mapping[str, Attribute]) -> Action:
    """Read one action. A `receive` action only reads; a `request` or `accept` action may read or write.

    Raises:
        Refused: `catalogue.invalid`.

    Source: docs/model/model.md#catalogue.
    """
    key = toml_key("action", name)
    found = closed_table(value, key, required=("title", "power", "area", "effect"), optional=_OPTIONAL)
    power = _word(PowerKind, found["power"], f"{key}.power", among=_POWERS)
    effect = _word(Effect, found["effect"], f"{key}.effect")
    if power is PowerKind.RECEIVE and effect is not Effect.READ:
        raise catalogue_error(
            f"{key}.effect", "an action to receive something only reads", 'write "read", or make the power "request"'
        )
    returns = texts(found.get("returns", ()), f"{key}.returns")
    for told in returns:
        if told not in attributes:
            cure = f'add [attribute."{told}"] with a title'
            raise catalogue_error(
                f"{key}.returns", f"no attribute {told!r} is declared{did_you_mean(told, attributes)}", cure
            )
    params = read_params(found.get("params", {}), key=f"{key}.params", names=names)
    title = text(found["title"], f"{key}.title")
    _verify_title(title, params, f"{key}.title")
    action = _sealed(
        name=name,
        title=title,
        short=short_title(found["short"], f"{key}.short") if "short" in found else "",
        counted=counted_noun(found["counted"], f"{key}.counted") if "counted" in found else (),
        power=power,
        area=_word(Area, found["area"], f"{key}.area"),
        effect=effect,
        reversible=flag(found.get("reversible", True), f"{key}.reversible"),
        returns=returns,
        params=params,
        sensitive=[told for told in returns if attributes[told].sensitive],
    )
    return replace(
        action,
        offer_required=_terms(action, found["offer_required"], f"{key}.offer_required")
        if "offer_required" in found
        else (),
        offer_required_for=_required_for(action, found.get("offer_required_for", {}), f"{key}.offer_required_for"),
        shown_to_officers=texts(found["shown_to_officers"], f"{key}.shown_to_officers")
        if "shown_to_officers" in found
        else None,
    )


def _terms(action: Action, value: object, key: str) -> tuple[str, ...]:
    """Read the names of offer terms that an action relies on."""
    if not action.takes_offer:
        raise catalogue_error(
            key,
            "the action accepts no offer",
            'remove it, or make the power "accept" and declare the params offer_id and digest',
        )
    members = action.schema.get("properties")
    terms = sorted(members.keys() - OFFER_PARAMS) if isinstance(members, Mapping) else []
    found = texts(value, key)
    for name in found:
        if name not in terms:
            choice = f"write some of {', '.join(terms) or 'its params'}"
            raise catalogue_error(key, f"{name!r} is no term of the offer", choice)
    return found


def _required_for(action: Action, value: object, key: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Read the terms that a term's value requires: tables by the term, then by its value."""
    made: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for name, given in table(value, key).items():
        _terms(action, (name,), key)
        by_value = table(given, f"{key}.{name}")
        members = action.schema.get("properties")
        member = members.get(name) if isinstance(members, Mapping) else None
        choices = member.get("enum") if isinstance(member, Mapping) else None
        for option in by_value:
            if not isinstance(choices, Sequence) or option not in choices:
                raise catalogue_error(
                    f"{key}.{name}", f"{option!r} is none of its values", "write the values of its enum"
                )
        made[name] = {option: _terms(action, terms, f"{key}.{name}.{option}") for option, terms in by_value.items()}
    return made


def short_title(value: object, key: str) -> str:
    """Read a short title, which is shown where no param is known.

    Raises:
        Refused: `catalogue.invalid`, also for placeholders.
    """
    short = text(value, key)
    if "{" in short or "}" in short:
        raise catalogue_error(key, "names no known param", "write it without placeholders")
    return short


def counted_noun(value: object, key: str) -> tuple[str, str]:
    """Read an action's noun, for one and for more: `{ one = "one refund", many = "{count} refunds" }`.

    Raises:
        Refused: `catalogue.invalid`, also without the number, or with another placeholder.
    """
    found = closed_table(value, key, required=("one", "many"))
    one, many = short_title(found["one"], f"{key}.one"), text(found["many"], f"{key}.many")
    if _PLACEHOLDER.findall(many) != ["count"] or set("{}") & set(_PLACEHOLDER.sub("", many)):
        raise catalogue_error(f"{key}.many", "must show the number once", 'write such as "{count} refunds"')
    return one, many


def _word(kind: type[_Word], value: object, key: str, *, among: Sequence[_Word] = ()) -> _Word:
    known = among or tuple(kind)
    for word in known:
        if value == word.value:
            return word
    raise catalogue_error(
        key, f"{value!r} is not one of them{did_you_mean(str(value), known)}", f"write one of {', '.join(known)}"
    )


def _verify_title(title: str, params: ParamsSchema, key: str) -> None:
    """Verify a title's placeholders. ⚔ The signer must see the money, the record and the recipient in the very title.

    Source: docs/model/model.md#titles.
    """
    shown: list[ParamPath] = []
    for match in _PLACEHOLDER.finditer(title):
        try:
            path = parse_path(match[1])
        except ValueError:
            path = ParamPath(())
        if str(path) not in params.declared:
            raise catalogue_error(
                key, f"{{{match[1]}}} is no param", "use the name of a declared param between the braces"
            )
        shown.append(path)
    rest = _PLACEHOLDER.sub("", title)
    if "{" in rest or "}" in rest:
        raise catalogue_error(key, "has a brace without its partner", "write placeholders as {name}")
    for mark in params.marks:
        if mark.kind in _SHOWN and not any(mark.path.steps[: len(path.steps)] == path.steps for path in shown):
            raise catalogue_error(
                key, f"does not show {mark.path} ({mark.kind})", f"put {{{mark.path.steps[0]}}} into the title"
            )


def _sealed(  # noqa: PLR0913  # an action has these parts
    *,
    name: str,
    title: str,
    power: PowerKind,
    area: Area,
    effect: Effect,
    reversible: bool,
    returns: tuple[str, ...],
    params: ParamsSchema,
    sensitive: Sequence[str] = (),
    short: str = "",
    counted: tuple[str, str] | tuple[()] = (),
    builtin: bool = False,
) -> Action:
    """Build the action with its digest over everything a signer relies on.

    Source: docs/model/model.md#renewed-consent.
    """
    relied_on = {
        "name": name,
        "schema": params.schema,
        "effect": effect,
        "area": area,
        "title": title,
        "power": power,
        "returns": sorted(returns),
        "sensitive": sorted(sensitive),
        **({"short": short} if short else {}),
        **({"counted": list(counted)} if counted else {}),
    }
    return Action(
        name=name,
        title=title,
        power=power,
        area=area,
        effect=effect,
        reversible=reversible,
        returns=returns,
        schema=params.schema,
        marks=params.marks,
        declared=params.declared,
        builtin=builtin,
        digest=digest(relied_on),
        short=short,
        counted=counted,
    )


_SUBJECT: Final = {"type": "string", "x-free-text": True, "minLength": 1, "maxLength": 200}
_TEXT: Final = {"type": "string", "x-free-text": True, "minLength": 1, "maxLength": 16_384}
_BUILTIN: Final[Mapping[str, tuple[str, Effect, Mapping[str, object]]]] = {
    "case.close": (marked("Close the case"), Effect.WRITE, {"properties": {"reason": _TEXT}}),
    "case.comment": (
        marked("Add a message to the case"),
        Effect.WRITE,
        {"properties": {"text": _TEXT}, "required": ["text"]},
    ),
    "case.open": (
        marked("Open a case: {subject}"),
        Effect.WRITE,
        {"properties": {"subject": _SUBJECT, "text": _TEXT}, "required": ["subject", "text"]},
    ),
    "case.read": (marked("Read the case"), Effect.READ, {}),
}
_TOLD: Final = {
    "case.messages": marked("number of messages in the case"),
    "case.status": marked("status of the case"),
    "case.subject": marked("subject of the case"),
}


@cache
def builtin_attributes() -> Mapping[str, Attribute]:
    """Return the attributes `case.read` tells: those of the agent's own case, covered by *represent*."""
    return {name: Attribute(name=name, title=title, sensitive=False) for name, title in _TOLD.items()}


@cache
def builtin_actions() -> Mapping[str, Action]:
    """Return the `case.*` actions every desk has: routine, covered by *represent*, part of every objective.

    Source: docs/model/model.md#builtin-actions.
    """
    nothing = DeclaredNames(resources=frozenset(), attributes=frozenset())
    return {
        name: _sealed(
            name=name,
            title=title,
            power=PowerKind.REPRESENT,
            area=Area.ROUTINE,
            effect=effect,
            reversible=True,
            returns=tuple(_TOLD) if effect is Effect.READ else (),
            params=read_params(params, key=toml_key("action", name), names=nothing),
            builtin=True,
        )
        for name, (title, effect, params) in _BUILTIN.items()
    }
