"""Reading the catalogue and its further languages: each title, short title, name of a param and reason once more.

A language is complete or refused: no person reads, or signs, a page in two languages.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import Final, TypeVar

from remit.domain.catalogue.actions import builtin_actions, builtin_attributes, counted_noun, read_action, short_title
from remit.domain.catalogue.macros import read_macros, translated_macros
from remit.domain.catalogue.model import (
    CUSTOMER,
    VALUE_TITLES,
    Action,
    Area,
    Attribute,
    Catalogue,
    Escalation,
    MarkKind,
    Objective,
    Resource,
    Role,
    Waiver,
)
from remit.domain.catalogue.officer_facts import verify_shown
from remit.domain.catalogue.schema import DeclaredNames
from remit.domain.catalogue.tables import Table, catalogue_error, closed_table, flag, table, text, texts, toml_key
from remit.domain.errors import Refused
from remit.domain.i18n import ENGLISH_NAME, Translator
from remit.domain.ids import is_dotted, is_word
from remit.domain.policy.escalation import declared_actions, read_escalations
from remit.domain.policy.visitors import read_preset, verify_presets
from remit.domain.policy.waivers import read_waiver
from remit.domain.records import Tier
from remit.domain.structs import replace
from remit.domain.text.confusables import look_alike
from remit.domain.text.nearest import did_you_mean
from remit.domain.values import Json, JsonObject, Money, verify_money
from remit.proof.canonical import digest

_PARTS: Final = ("action", "attribute", "escalation", "macro", "objective", "resource", "role", "value")
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_Plain = TypeVar("_Plain", Attribute, Objective, Resource, Role)
_Titled = TypeVar("_Titled", Action, Attribute, Escalation, Objective, Resource, Role)


def read_languages(
    value: object, catalogue: Catalogue, speeches: Mapping[str, Translator] | None
) -> Mapping[str, Catalogue]:
    """Read the catalogue in each further language of `[language.…]`.

    `speeches` are the languages of our own texts; None for a catalogue without readers (texts stay English).

    Raises:
        Refused: `catalogue.invalid` for an unsupported language, missing or extra translations, and a title that does
            not show the same params.
    """
    found: dict[str, Catalogue] = {}
    for name, given in table(value, "language").items():
        if name == ENGLISH_NAME or (speeches is not None and name not in speeches):
            others = ", ".join(sorted(speeches or ()))
            raise catalogue_error(
                f"language.{name}",
                "is not one of the further languages Remit speaks",
                f"write one of {others}, or remove it",
            )
        speech = Translator(language=name) if speeches is None else speeches[name]
        found[name] = _in(speech, closed_table(given, f"language.{name}", optional=_PARTS), catalogue)
    return found


def _in(speech: Translator, given: Table, catalogue: Catalogue) -> Catalogue:
    key = f"language.{speech.language}"
    rules = {rule.name: rule for rule in catalogue.escalations}
    reasons = _translated(given, key, "escalation", rules, _reason)
    actions, attributes = (
        {name: action for name, action in catalogue.actions.items() if not action.builtin},
        {name: attribute for name, attribute in catalogue.attributes.items() if not name.startswith("case.")},
    )
    built_in_actions, built_in_attributes = (
        {name: replace(action, title=speech(action.title)) for name, action in builtin_actions().items()},
        {name: replace(attribute, title=speech(attribute.title)) for name, attribute in builtin_attributes().items()},
    )

    def read(action: Action, where: str, value: object) -> Action:
        return _action(action, where, value, speech.language)

    return replace(
        catalogue,
        say=speech,
        actions=built_in_actions | _translated(given, key, "action", actions, read),
        attributes=built_in_attributes
        | _with_value_titles(given, key, _translated(given, key, "attribute", attributes, _title)),
        escalations=tuple(reasons[rule.name] for rule in catalogue.escalations),
        macros=translated_macros(catalogue.macros, given.get("macro", {}), f"{key}.macro"),
        objectives=_translated(given, key, "objective", catalogue.objectives, _title),
        resources=_translated(given, key, "resource", catalogue.resources, _title),
        roles=_translated(given, key, "role", catalogue.roles, _title),
    )


def _translated(
    given: Table, key: str, part: str, known: Mapping[str, _Titled], read: Callable[[_Titled, str, object], _Titled]
) -> dict[str, _Titled]:
    """Translate everything of one kind, in the order of the catalogue."""
    values = table(given.get(part, {}), f"{key}.{part}")
    for name in values:
        if name not in known:
            problem, cure = f"no such {part} is declared", "correct the name or remove it"
            raise catalogue_error(toml_key(f"{key}.{part}", name), problem, cure)
    missing = next((name for name in known if name not in values), None)
    if missing is not None:
        cure = f"translate it, or remove {key}: a language is whole, or it is not there"
        raise catalogue_error(toml_key(f"{key}.{part}", missing), "is missing", cure)
    return {name: read(item, toml_key(f"{key}.{part}", name), values[name]) for name, item in known.items()}


def _with_value_titles(given: Table, key: str, attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    """Add the titles read in place of an attribute's values, as far as the language has it."""
    where = f"{key}.value"
    found = dict(attributes)
    for name, value in table(given.get("value", {}), where).items():
        at = toml_key(where, name)
        if name not in attributes:
            raise catalogue_error(at, "no such attribute is declared", "correct the name or remove it")
        titles = value_titles(value, at, attributes[name].values, open_values=not attributes[name].values)
        found[name] = replace(attributes[name], value_titles=titles)
    return found


def value_titles(value: object, key: str, known: Collection[str], *, open_values: bool = False) -> Mapping[str, str]:
    """Read the titles of values. ⚔ Complete, and none that looks like another one: a signer tells them apart."""
    titles = {name: text(title, toml_key(key, name)) for name, title in table(value, key).items()}
    wrong = [] if open_values else [*(one for one in titles if one not in known), *(set(known) - set(titles))]
    if wrong:
        raise catalogue_error(toml_key(key, wrong[0]), "is no title of each value and of no other", "write them all")
    for one, other in combinations(titles.values(), 2):
        if look_alike(one, other):
            raise catalogue_error(key, f"two values have titles that look alike: {one!r}", "write different ones")
    return titles


def _title(item: _Plain, key: str, value: object) -> _Plain:
    return replace(item, title=text(value, key))


def _reason(rule: Escalation, key: str, value: object) -> Escalation:
    return replace(rule, reason=text(value, key), meant=rule.reason)


def _action(action: Action, key: str, value: object, language: str) -> Action:
    """Translate an action. ⚔ Its title shows the same params: all signers see the same money, records, recipients."""
    params = dict(_titled_params(action.schema))
    required = ("title", *(("short",) if action.short else ()), *(("params",) if params else ()))
    optional = ("counted", "values") if action.counted else ("values",)
    found = closed_table(value, key, required=required, optional=optional)
    title = text(found["title"], f"{key}.title")
    shown, wanted = (Counter(_PLACEHOLDER.findall(each)) for each in (title, action.title))
    if shown != wanted or set("{}") & set(_PLACEHOLDER.sub("", title)):
        raise catalogue_error(
            f"{key}.title",
            "does not show the same params",
            f"use exactly {', '.join(sorted(wanted)) or 'no placeholders'}",
        )
    short = short_title(found["short"], f"{key}.short") if action.short else ""
    counted = counted_noun(found["counted"], f"{key}.counted") if "counted" in found else ()
    names = closed_table(found.get("params", {}), f"{key}.params", required=tuple(params))
    titles = {name: text(names[name], f"{key}.params.{name}") for name in params}
    values = _values(action, f"{key}.values", found.get("values", {}))
    relied_on: JsonObject = {
        "digest": action.digest,
        "language": language,
        "title": title,
        "short": short,
        "params": dict(titles),
        **({"values": {name: dict(words) for name, words in values.items()}} if values else {}),
        **({"counted": list(counted)} if counted else {}),
    }
    schema = _with_titles(action.schema, titles, values)
    return replace(action, title=title, short=short, counted=counted, schema=schema, digest=digest(relied_on))


def _values(action: Action, key: str, value: object) -> Mapping[str, Mapping[str, str]]:
    """Read the titles of the values of an action's enumerated params, by param."""
    listed = dict(_enumerated(action.schema))
    found: dict[str, Mapping[str, str]] = {}
    for name, titles in table(value, key).items():
        if name not in listed:
            raise catalogue_error(
                toml_key(key, name), "is no param with listed values", "correct the name or remove it"
            )
        found[name] = value_titles(titles, toml_key(key, name), listed[name])
    return found


def _enumerated(schema: JsonObject) -> Iterator[tuple[str, Collection[str]]]:
    members = schema.get("properties")
    for name, member in members.items() if isinstance(members, Mapping) else ():
        values = member.get("enum") if isinstance(member, Mapping) else None
        if isinstance(values, list | tuple):
            yield name, [one for one in values if isinstance(one, str)]


def _titled_params(schema: JsonObject) -> Iterator[tuple[str, str]]:
    members = schema.get("properties")
    for name, member in members.items() if isinstance(members, Mapping) else ():
        if isinstance(member, Mapping) and isinstance(title := member.get("title"), str):
            yield name, title


def _with_titles(schema: JsonObject, titles: Mapping[str, str], values: Mapping[str, Mapping[str, str]]) -> JsonObject:
    members = schema.get("properties")
    if not isinstance(members, Mapping):
        return schema
    titled: dict[str, Json] = {
        name: {
            **member,
            **({"title": titles[name]} if name in titles else {}),
            **({VALUE_TITLES: dict(values[name])} if name in values else {}),
        }
        if isinstance(member, Mapping)
        else member
        for name, member in members.items()
    }
    return {**schema, "properties": titled}


def languages_digest_input(spoken: Mapping[str, Catalogue]) -> JsonObject:
    """Return the languages' part of the whole digest: rules with another German meaning are other rules."""

    def titles(items: Mapping[str, Attribute | Objective | Resource | Role]) -> JsonObject:
        return {name: item.title for name, item in items.items()}

    def values(catalogue: Catalogue) -> JsonObject:
        named = {name: one.value_titles for name, one in catalogue.attributes.items() if one.value_titles}
        return {"values": {name: dict(words) for name, words in named.items()}} if named else {}

    return {
        language: {
            "actions": {name: action.digest for name, action in catalogue.actions.items() if not action.builtin},
            "attributes": titles(catalogue.attributes),
            "escalations": [rule.reason for rule in catalogue.escalations],
            "objectives": titles(catalogue.objectives),
            "resources": titles(catalogue.resources),
            "roles": titles(catalogue.roles),
            **values(catalogue),
        }
        for language, catalogue in spoken.items()
    }


DEFAULT_FLOORS: Final[Mapping[Area, frozenset[str]]] = {
    Area.COMMITMENT: frozenset({CUSTOMER}),
    Area.DISCLOSURE: frozenset({CUSTOMER}),
    Area.IDENTITY: frozenset({CUSTOMER}),
    Area.PAYMENT: frozenset({CUSTOMER}),
    Area.ROUTINE: frozenset(),
    Area.SECURITY: frozenset({CUSTOMER}),
}
"""The confirmers required whatever policy says. The disclosure floor is for writes; `floors` has the rule for reads."""

_TOP: Final = (
    "action",
    "attribute",
    "escalation",
    "floor",
    "language",
    "macro",
    "objective",
    "resource",
    "role",
    "waiver",
)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_MAX_EXAMPLES: Final = 200
_OBJECTIVE: Final = ("target", "after", "done_when", "examples", "shown_to_officers", "visitors")


def read_catalogue(
    data: Mapping[str, object], *, today: date | None, speeches: Mapping[str, Translator] | None = None
) -> Catalogue:
    """Read the desk's description of itself, and its further languages (`speeches` as for `read_languages`).

    `data` has the shape of the merged TOML files. With a `today`, ended waivers are refused (for a check before going
    live); without, they are kept and lower nothing.

    Raises:
        Refused: `catalogue.invalid`, the detail naming the key and the cure.

    Source: docs/model/model.md#catalogue.
    """
    top = closed_table(data, "catalogue", required=("desk",), optional=_TOP)
    desk = closed_table(top["desk"], "desk", required=("name", "currency"))
    currency = text(desk["currency"], "desk.currency")
    if _CURRENCY.fullmatch(currency) is None:
        raise catalogue_error("desk.currency", "is no currency", 'write three capital letters, such as "EUR"')
    resources = {name: _resource(name, value) for name, value in _entries(top, "resource")}
    attributes = {
        **builtin_attributes(),
        **{name: _attribute(name, value) for name, value in _entries(top, "attribute", dotted=True)},
    }
    names = DeclaredNames(
        resources=frozenset(resources),
        attributes=frozenset(attributes),
        public=frozenset(kind for kind, one in resources.items() if one.public),
    )
    actions = _actions(top, names, attributes)
    roles = {name: _role(name, value, actions) for name, value in _entries(top, "role")}
    objectives = {name: _objective(name, value, actions, resources) for name, value in _entries(top, "objective")}
    draft = Catalogue(
        desk=text(desk["name"], "desk.name"),
        currency=currency,
        roles=roles,
        floors=_floors(table(top.get("floor", {}), "floor"), roles),
        resources=resources,
        attributes=attributes,
        actions=actions,
        objectives=objectives,
        waivers=_waivers(top.get("waiver", ()), actions, today),
        digest="",
        escalations=read_escalations(top.get("escalation", ()), actions, roles),
        macros=read_macros(top.get("macro", ())),
    )
    verify_presets(draft)
    verify_shown(draft)
    spoken = read_languages(top.get("language", {}), draft, speeches)
    whole = _catalogue_digest(draft, spoken)
    languages = (draft.say.language, *spoken)
    further = {name: replace(other, digest=whole, languages=languages) for name, other in spoken.items()}
    return replace(draft, digest=whole, spoken=further, languages=languages)


def _entries(top: Table, kind: str, *, dotted: bool = False) -> Iterator[tuple[str, object]]:
    """Yield the named entries of one kind, in the order of the files."""
    for name, value in table(top.get(kind, {}), kind).items():
        if not (is_dotted(name) if dotted else is_word(name)):
            shape = "area.name" if dotted else "one word"
            raise catalogue_error(
                toml_key(kind, name), f"is not named like {shape}", "use lower-case letters, digits, - and _"
            )
        yield name, value


def _role(name: str, value: object, actions: Mapping[str, Action]) -> Role:
    key = toml_key("role", name)
    found = closed_table(value, key, required=("title",), optional=("may_override", "offers"))
    offers: dict[str, Money | None] | None = None
    if "offers" in found:
        given = table(found["offers"], f"{key}.offers")
        offers = {
            action: _offered(actions.get(action), limit, toml_key(f"{key}.offers", action))
            for action, limit in given.items()
        }
    return Role(
        name=name,
        title=text(found["title"], f"{key}.title"),
        offers=offers,
        may_override=flag(found.get("may_override", False), f"{key}.may_override"),
    )


def _offered(action: Action | None, limit: object, key: str) -> Money | None:
    """Read a role's largest offer: an amount, or `true` for any."""
    if action is None or not action.takes_offer:
        raise catalogue_error(
            key,
            "is no action that accepts an offer",
            'name one with power = "accept" and the params offer_id and digest',
        )
    if limit is True:
        return None
    if not action.marked(MarkKind.MONEY):
        raise catalogue_error(key, "its terms have no amounts", "write true")
    try:
        return verify_money(limit if isinstance(limit, str) else "", where=key)
    except Refused:
        raise catalogue_error(
            key, "is no amount", 'write the most it may be, such as "50.00 EUR", or true for any'
        ) from None


def _resource(kind: str, value: object) -> Resource:
    key = toml_key("resource", kind)
    found = closed_table(value, key, required=("title",), optional=("public",))
    return Resource(
        kind=kind, title=text(found["title"], f"{key}.title"), public=flag(found.get("public", False), f"{key}.public")
    )


def _attribute(name: str, value: object) -> Attribute:
    key = toml_key("attribute", name)
    if name.startswith("case."):
        raise catalogue_error(key, "the case.* attributes are built in", "name the attribute after another area")
    found = closed_table(value, key, required=("title",), optional=("link", "sensitive", "values"))
    return Attribute(
        name=name,
        title=text(found["title"], f"{key}.title"),
        sensitive=flag(found.get("sensitive", False), f"{key}.sensitive"),
        values=frozenset(texts(found["values"], f"{key}.values")) if "values" in found else frozenset(),
        link=flag(found.get("link", False), f"{key}.link"),
    )


def _actions(top: Table, names: DeclaredNames, attributes: Mapping[str, Attribute]) -> Mapping[str, Action]:
    found: dict[str, Action] = dict(builtin_actions())
    for name, value in _entries(top, "action", dotted=True):
        if name.startswith("case."):
            raise catalogue_error(
                toml_key("action", name), "the case.* actions are built in", "name the action after another area"
            )
        found[name] = read_action(name, value, names=names, attributes=attributes)
    return found


def _floors(given: Table, roles: Mapping[str, Role]) -> Mapping[Area, frozenset[str]]:
    """Return the floor of each area: the default, or the desk's higher one."""
    floors = dict(DEFAULT_FLOORS)
    for name, value in given.items():
        key = f"floor.{name}"
        if name not in set(Area):
            raise catalogue_error(key, "is no area", f"write one of {', '.join(sorted(Area))}")
        who = frozenset(texts(value, key))
        for word in who:
            if word != CUSTOMER and word.removeprefix("officer:") not in roles:
                raise catalogue_error(
                    key, f"no one is called {word!r}", 'write "customer" or "officer:<role>" of a declared [role.…]'
                )
            if word != CUSTOMER and not word.startswith("officer:"):
                raise catalogue_error(key, f"no one is called {word!r}", f'write "officer:{word}"')
        if not who >= DEFAULT_FLOORS[Area(name)]:
            raise catalogue_error(
                key, "is lower than the floor of that area", 'keep "customer" in it; only a [[waiver]] lowers a floor'
            )
        floors[Area(name)] = who
    return floors


def _objective(name: str, value: object, actions: Mapping[str, Action], resources: Mapping[str, Resource]) -> Objective:
    key = toml_key("objective", name)
    found = closed_table(value, key, required=("title", "actions"), optional=_OBJECTIVE)
    inside = _objective_actions(texts(found["actions"], f"{key}.actions"), actions, f"{key}.actions")
    target = found.get("target")
    if target is not None and text(target, f"{key}.target") not in resources:
        raise catalogue_error(
            f"{key}.target", f"no resource {target!r} is declared", "add it as [resource.…] or correct the name"
        )
    after = {
        step: _of_objective(texts(before, f"{key}.after.{step}"), inside, f"{key}.after.{step}")
        for step, before in table(found.get("after", {}), f"{key}.after").items()
    }
    _of_objective(tuple(after), inside, f"{key}.after")
    _verify_order(after, f"{key}.after")
    examples = found.get("examples", ())
    if isinstance(examples, Sequence) and len(examples) > _MAX_EXAMPLES:
        raise catalogue_error(f"{key}.examples", f"more than {_MAX_EXAMPLES}", "keep the telling ones")
    return Objective(
        name=name,
        title=text(found["title"], f"{key}.title"),
        target=target if isinstance(target, str) else None,
        actions=inside,
        after=after,
        done_when=_of_objective(texts(found.get("done_when", ()), f"{key}.done_when"), inside, f"{key}.done_when"),
        examples=texts(examples, f"{key}.examples"),
        visitors=read_preset(found["visitors"], f"{key}.visitors") if "visitors" in found else None,
        shown_to_officers=texts(found["shown_to_officers"], f"{key}.shown_to_officers")
        if "shown_to_officers" in found
        else None,
    )


def _objective_actions(patterns: Sequence[str], actions: Mapping[str, Action], key: str) -> frozenset[str]:
    inside = {name for name, action in actions.items() if action.builtin}
    for pattern in patterns:
        named = declared_actions(pattern, actions)
        if not named:
            raise catalogue_error(
                key,
                f"no action {pattern!r} is declared{did_you_mean(pattern, actions)}",
                "correct the name or add the action",
            )
        inside.update(named)
    return frozenset(inside)


def _of_objective(names: tuple[str, ...], inside: frozenset[str], key: str) -> tuple[str, ...]:
    for name in names:
        if name not in inside:
            raise catalogue_error(
                key,
                f"{name!r} is no action of this objective{did_you_mean(name, inside)}",
                "name one of its actions exactly",
            )
    return names


def _verify_order(after: Mapping[str, tuple[str, ...]], key: str) -> None:
    """Refuse circular orders. ⚔ Steps that wait for each other can never be done; such an order hides a mistake.

    Raises:
        Refused: `catalogue.invalid` naming a circle.
    """
    waiting = dict(after)
    while waiting:
        ready = [name for name, before in waiting.items() if all(step not in waiting for step in before)]
        if not ready:
            raise catalogue_error(key, f"{', '.join(sorted(waiting))} depend on each other", "break the circle")
        for name in ready:
            del waiting[name]


def _waivers(value: object, actions: Mapping[str, Action], today: date | None) -> tuple[Waiver, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise catalogue_error("waiver", "must be a list", "write each as [[waiver]]")
    return tuple(read_waiver(given, actions, key=f"waiver[{place}]", today=today) for place, given in enumerate(value))


def _told(role: Role) -> list[Json]:
    offers = None if role.offers is None else {name: str(limit or "any") for name, limit in role.offers.items()}
    overrides: list[Json] = ["may_override"] if role.may_override else []
    return [role.name, role.title, *([] if offers is None else [offers]), *overrides]


def _digested(action: Action) -> list[Json]:
    if not action.offer_required and not action.offer_required_for:
        return [action.digest, action.reversible]
    required_for: dict[str, Json] = {
        name: {value: list(terms) for value, terms in by_value.items()}
        for name, by_value in action.offer_required_for.items()
    }
    return [action.digest, action.reversible, list(action.offer_required), required_for]


def _escalated(rule: Escalation) -> list[Json]:
    steps: list[Json] = [[list(step.roles), step.due_ms] for step in rule.steps]
    # A rule for unproved agents is one for visitors: accepted rules keep their digest.
    tiers = rule.tiers - {Tier.VISITOR} if Tier.UNPROVED in rule.tiers else rule.tiers
    fits: list[Json] = [sorted(rule.actions), sorted(tiers), str(rule.at_least or ""), rule.risk]
    return [rule.name, rule.reason, fits, rule.instead, steps]


def _catalogue_digest(catalogue: Catalogue, spoken: Mapping[str, Catalogue]) -> str:
    """Return one digest over the whole catalogue. Later features count once used, so accepted rules keep their digest.

    Source: docs/model/model.md#rule-digest.
    """
    escalations = [_escalated(rule) for rule in catalogue.escalations]
    return digest(
        {
            **({"escalations": escalations} if escalations else {}),
            **({"languages": languages_digest_input(spoken)} if spoken else {}),
            "desk": catalogue.desk,
            "currency": catalogue.currency,
            "roles": [_told(role) for role in catalogue.roles.values()],
            "floors": {area: sorted(who) for area, who in catalogue.floors.items()},
            "resources": {kind: [resource.title, resource.public] for kind, resource in catalogue.resources.items()},
            "attributes": {
                name: [item.title, item.sensitive, *sorted(item.values), *(["link"] if item.link else [])]
                for name, item in catalogue.attributes.items()
            },
            "actions": {name: _digested(action) for name, action in catalogue.actions.items()},
            "objectives": {
                name: {
                    "title": objective.title,
                    "target": objective.target,
                    "actions": sorted(objective.actions),
                    "after": {step: sorted(before) for step, before in objective.after.items()},
                    "done_when": sorted(objective.done_when),
                    "examples": list(objective.examples),
                    **({} if objective.visitors is None else {"visitors": objective.visitors}),
                }
                for name, objective in catalogue.objectives.items()
            },
            "waivers": [[w.action, w.limit, w.reason, w.owner, w.ends.isoformat()] for w in catalogue.waivers],
        }
    )
