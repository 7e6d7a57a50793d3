"""Escalation rules: which officers must also answer, how long that may wait, and what happens when nobody does.

Reading them, finding the first that fits an ask, and what it asks for. A rule only ever adds people to a decision (`escalation` has the
floors); who is handed what while it waits is in `waiting`.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from remit.domain.catalogue.model import Action, Area, Escalation, EscalationStep, MarkKind
from remit.domain.catalogue.tables import Table, catalogue_error, closed_table, flag, table, text, texts
from remit.domain.errors import Refused
from remit.domain.ids import expand_pattern, is_glob, is_word
from remit.domain.param_paths import Absent, values_at
from remit.domain.policy.confirmers import HOUR_MS, MINUTE_MS, OFFICER
from remit.domain.records import Tier
from remit.domain.values import Json, JsonObject, Money, verify_money

_REQUIRED: Final = ("name", "reason", "roles", "due", "then")
_MATCHING: Final = ("areas", "actions", "at_least", "tiers", "risk")
_DUE: Final = re.compile(r"([1-9][0-9]{0,3})(m|h)", re.ASCII)
_UNITS: Final = {"m": MINUTE_MS, "h": HOUR_MS}
_MAX_MS: Final = 24 * HOUR_MS
_MAX_STEPS: Final = 4
_MAX_RISK: Final = 100
_REFUSE: Final = "refuse"


def read_escalations(value: object, actions: Mapping[str, Action], roles: Collection[str]) -> tuple[Escalation, ...]:
    """Read the rules, in the order of the files. ⚔ One that could never match stops the start: somebody counts on it.

    Raises:
        Refused: `catalogue.invalid`.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise catalogue_error("escalation", "must be a list", "write each as [[escalation]]")
    found: list[Escalation] = []
    for place, one in enumerate(value):
        key = f"escalation[{place}]"
        rule = _read(one, actions, roles, key)
        for earlier in found:
            if earlier.name == rule.name:
                raise catalogue_error(f"{key}.name", f"{rule.name!r} stands twice", "give each rule a name of its own")
            if _covers(earlier, rule):
                raise catalogue_error(
                    key,
                    f"can never match: {earlier.name!r} before it fits whatever it fits",
                    "put it before that one, or remove it",
                )
        found.append(rule)
    return tuple(found)


def _read(value: object, actions: Mapping[str, Action], roles: Collection[str], key: str) -> Escalation:
    found = closed_table(value, key, required=_REQUIRED, optional=(*_MATCHING, "instead"))
    name = text(found["name"], f"{key}.name")
    if not is_word(name):
        raise catalogue_error(f"{key}.name", "is not one word", "use lower-case letters, digits, - and _")
    first = EscalationStep(roles=_roles(found["roles"], roles, f"{key}.roles"), due_ms=_due(found["due"], f"{key}.due"))
    steps = (first, *_then(found["then"], roles, f"{key}.then", {*first.roles}))
    if sum(step.due_ms for step in steps) > _MAX_MS:
        raise catalogue_error(
            f"{key}.due", "waits for more than a day in all", "a task lives for a day at most: shorten it"
        )
    at_least = None if "at_least" not in found else _amount(found["at_least"], f"{key}.at_least")
    return Escalation(
        name=name,
        reason=text(found["reason"], f"{key}.reason"),
        actions=_actions(found, actions, key, priced=at_least is not None),
        tiers=_tiers(found, f"{key}.tiers"),
        at_least=at_least,
        risk=_risk(found.get("risk", 0), f"{key}.risk"),
        instead=flag(found.get("instead", False), f"{key}.instead"),
        steps=steps,
    )


def _actions(found: Table, actions: Mapping[str, Action], key: str, *, priced: bool) -> frozenset[str]:
    """The actions a rule is for: those it names and those of its areas, where both are given what is in both."""
    inside = {name for name, action in actions.items() if not action.builtin}
    if "areas" in found:
        areas = texts(found["areas"], f"{key}.areas")
        for one in areas:
            if one not in set(Area):
                raise catalogue_error(f"{key}.areas", f"{one!r} is no area", f"write some of {', '.join(sorted(Area))}")
        inside = {name for name in inside if actions[name].area in areas}
    if "actions" in found:
        named: set[str] = set()
        for pattern in texts(found["actions"], f"{key}.actions"):
            fits = (
                expand_pattern(pattern, actions)
                if is_glob(pattern)
                else tuple(name for name in actions if name == pattern)
            )
            if not fits:
                raise catalogue_error(
                    f"{key}.actions", f"no action {pattern!r} is declared", "correct the name or add the action"
                )
            if all(actions[name].builtin for name in fits):
                raise catalogue_error(
                    f"{key}.actions", "the case.* actions wait for nobody", "name actions of the desk"
                )
            named.update(fits)
        inside &= named
    if priced:
        inside = {name for name in inside if actions[name].marked(MarkKind.MONEY)}
    if not inside:
        raise catalogue_error(
            key,
            "can never match: no action is in all of what it says",
            "correct areas, actions or at_least, or remove the rule",
        )
    return frozenset(inside)


def _roles(value: object, known: Collection[str], key: str) -> tuple[str, ...]:
    found = texts(value, key)
    if not found:
        raise catalogue_error(key, "names nobody", "name at least one role")
    for one in found:
        if one not in known:
            raise catalogue_error(
                key, f"no role {one!r} is declared", "name a declared [role.…], without officer: before it"
            )
    return found


def _then(value: object, known: Collection[str], key: str, had: set[str]) -> tuple[EscalationStep, ...]:
    """What follows when nobody answered in time: nothing more ("refuse"), or another role with a time of its own."""
    if value == _REFUSE:
        return ()
    if isinstance(value, str):
        raise catalogue_error(key, f"{value!r} is not one of them", 'write "refuse", or { role = "…", due = "…" }')
    found = closed_table(table(value, key), key, required=("role", "due"), optional=("then",))
    roles = _roles([found["role"]], known, f"{key}.role")
    if roles[0] in had:
        raise catalogue_error(f"{key}.role", f"{roles[0]!r} was asked before", "hand it on to another role, or refuse")
    if len(had) >= _MAX_STEPS:
        raise catalogue_error(key, f"is handed on more than {_MAX_STEPS - 1} times", "refuse sooner")
    step = EscalationStep(roles=roles, due_ms=_due(found["due"], f"{key}.due"))
    return (step, *_then(found.get("then", _REFUSE), known, f"{key}.then", {*had, *roles}))


def _due(value: object, key: str) -> int:
    match = _DUE.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) * _UNITS[match[2]] > _MAX_MS:
        raise catalogue_error(key, "is no time to wait", 'write minutes or hours up to a day, such as "30m" or "2h"')
    return int(match[1]) * _UNITS[match[2]]


def _tiers(found: Table, key: str) -> frozenset[str]:
    named = texts(found["tiers"], key) if "tiers" in found else tuple(Tier)
    for one in named:
        if one not in set(Tier):
            raise catalogue_error(key, f"{one!r} is no tier", f"write some of {', '.join(sorted(Tier))}")
    if not named:
        raise catalogue_error(key, "names no tier, so the rule can never match", "name some, or leave it out for all")
    return frozenset(map(str, named))


def _amount(value: object, key: str) -> Money:
    try:
        return verify_money(value if isinstance(value, str) else "", where=key)
    except Refused:
        raise catalogue_error(
            key, "is no amount", 'write the amount from which it holds, such as "200.00 EUR"'
        ) from None


def _risk(value: object, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_RISK:
        raise catalogue_error(
            key, "is no risk", f"write a whole number from 0 to {_MAX_RISK}; it holds at that risk and above"
        )
    return value


def _covers(earlier: Escalation, later: Escalation) -> bool:
    """Whether whatever the later rule fits, the earlier one fits too, so that the later is never come to."""
    wide = earlier.at_least
    priced = wide is None or (
        later.at_least is not None and later.at_least.currency == wide.currency and wide.amount <= later.at_least.amount
    )
    return priced and earlier.actions >= later.actions and earlier.tiers >= later.tiers and earlier.risk <= later.risk


def matching_rule(
    rules: Iterable[Escalation], action: Action, params: JsonObject, *, tier: str, risk: int
) -> Escalation | None:
    """The first rule that fits an ask, in the order they are written; None where none does."""
    for rule in rules:
        if (
            action.name in rule.actions
            and tier in rule.tiers
            and risk >= rule.risk
            and _reaches(rule.at_least, action, params)
        ):
            return rule
    return None


def _reaches(at_least: Money | None, action: Action, params: JsonObject) -> bool:
    """Whether the amounts of an ask come to that much.

    ⚔ All amounts count together: one that is cut into two params is still one. ⚔ What is in another currency, or cannot be read,
    cannot be compared, so it is taken to be that much.
    """
    if at_least is None:
        return True
    total = Decimal(0)
    for value in _amounts(action, params):
        try:
            money = verify_money(value)
        except Refused:
            return True
        if money.currency != at_least.currency:
            return True
        total += money.amount
    return total >= at_least.amount


def _amounts(action: Action, params: JsonObject) -> list[Json]:
    found: list[Json] = []
    for mark in action.marked(MarkKind.MONEY):
        for value in values_at(params, mark.path):
            if not isinstance(value, Absent) and value is not None:
                found.extend(value if isinstance(value, list | tuple) else (value,))
    return found


def amounts_of(action: Action | None, params: JsonObject) -> list[str]:
    """The amounts of an ask as they are written, in the order of the schema."""
    return [] if action is None else [one for one in _amounts(action, params) if isinstance(one, str)]


def role_confirmers(roles: Iterable[str]) -> frozenset[str]:
    """Roles as those who confirm are named: `officer:<role>`."""
    return frozenset(f"{OFFICER}{role}" for role in roles)


def outstanding_confirmers(rule: Escalation | None, confirmed: frozenset[str]) -> frozenset[str]:
    """Whom a rule asks for besides those who have confirmed: nobody once everybody of one of its steps has.

    A later step is as good as the first: it was handed on to them because nobody answered, or by a colleague.
    """
    if rule is None or any(role_confirmers(step.roles) <= confirmed for step in rule.steps):
        return frozenset()
    return role_confirmers(rule.steps[0].roles)


def candidate_sets(rule: Escalation, who: frozenset[str], floor: frozenset[str]) -> tuple[frozenset[str], ...]:
    """The sets of people to ask the policies about, for a rule and for those who would have been asked without it.

    Everybody and the rule's officers; before that, where the rule says `instead`, its officers in place of the others that only a policy
    asked for. ⚔ Nobody of the floor is ever replaced, nor is the customer.
    """
    more = role_confirmers(rule.steps[0].roles)
    everybody = who | more
    if not rule.instead:
        return (everybody,)
    return tuple(
        dict.fromkeys((frozenset(one for one in who if one in floor or not one.startswith(OFFICER)) | more, everybody))
    )
