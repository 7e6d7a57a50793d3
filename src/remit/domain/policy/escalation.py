"""Escalation rules: the officers they add to a decision, their deadlines, and the next step after each.

Reading rules and finding the first that matches an ask. A rule only ever adds confirmers; `floors` has the floors, and
`confirm/confirmation` advances waiting invitations.
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
from remit.domain.text.nearest import did_you_mean
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
    """Read the rules, in the order of the files. ⚔ A rule that can never match stops the start: the desk relies on it.

    Raises:
        Refused: `catalogue.invalid`.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise catalogue_error("escalation", "must be a list", "write each as [[escalation]]")
    found: list[Escalation] = []
    for place, given in enumerate(value):
        key = f"escalation[{place}]"
        rule = _read(given, actions, roles, key)
        for earlier in found:
            if earlier.name == rule.name:
                raise catalogue_error(f"{key}.name", f"{rule.name!r} appears twice", "give each rule a name of its own")
            if _covers(earlier, rule):
                raise catalogue_error(
                    key,
                    f"can never match: {earlier.name!r} before it matches everything it matches",
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
            f"{key}.due", "takes more than a day in all", "a task lives for a day at most: shorten it"
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
    """Return the actions of a rule: those it names, those of its areas, or the intersection where both are given."""
    inside = {name for name, action in actions.items() if not action.builtin}
    if "areas" in found:
        areas = texts(found["areas"], f"{key}.areas")
        for area in areas:
            if area not in set(Area):
                raise catalogue_error(
                    f"{key}.areas", f"{area!r} is no area", f"write some of {', '.join(sorted(Area))}"
                )
        inside = {name for name in inside if actions[name].area in areas}
    if "actions" in found:
        named: set[str] = set()
        for pattern in texts(found["actions"], f"{key}.actions"):
            fits = declared_actions(pattern, actions)
            if not fits:
                raise catalogue_error(
                    f"{key}.actions",
                    f"no action {pattern!r} is declared{did_you_mean(pattern, actions)}",
                    "correct the name or add the action",
                )
            if all(actions[name].builtin for name in fits):
                raise catalogue_error(
                    f"{key}.actions", "the case.* actions need no approval", "name actions of the desk"
                )
            named.update(fits)
        inside &= named
    if priced:
        inside = {name for name in inside if actions[name].marked(MarkKind.MONEY)}
    if not inside:
        problem, cure = (
            "can never match: no action is in all of what it says",
            "correct areas, actions or at_least, or remove the rule",
        )
        raise catalogue_error(key, problem, cure)
    return frozenset(inside)


def declared_actions(pattern: str, actions: Collection[str]) -> tuple[str, ...]:
    """Return the declared actions that a glob matches, or the one of exactly this name."""
    return expand_pattern(pattern, actions) if is_glob(pattern) else tuple(name for name in actions if name == pattern)


def _roles(value: object, known: Collection[str], key: str) -> tuple[str, ...]:
    found = texts(value, key)
    if not found:
        raise catalogue_error(key, "names no one", "name at least one role")
    for role in found:
        if role not in known:
            cure = "name a declared [role.…], without officer: before it"
            raise catalogue_error(key, f"no role {role!r} is declared{did_you_mean(role, known)}", cure)
    return found


def _then(value: object, known: Collection[str], key: str, had: set[str]) -> tuple[EscalationStep, ...]:
    """Read the step after an unanswered deadline: none ("refuse"), or another role with its own time."""
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
    for tier in named:
        if tier not in set(Tier):
            raise catalogue_error(key, f"{tier!r} is no tier", f"write some of {', '.join(sorted(Tier))}")
    if not named:
        raise catalogue_error(key, "names no tier, so the rule can never match", "name some, or leave it out for all")
    # A visitor stands below an unproved agent: a rule for those is one for visitors, too.
    return frozenset(map(str, named)) | ({Tier.VISITOR.value} if Tier.UNPROVED in named else frozenset())


def _amount(value: object, key: str) -> Money:
    try:
        return verify_money(value if isinstance(value, str) else "", where=key)
    except Refused:
        cure = 'write the amount from which it applies, such as "200.00 EUR"'
        raise catalogue_error(key, "is no amount", cure) from None


def _risk(value: object, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_RISK:
        cure = f"write a whole number from 0 to {_MAX_RISK}; it applies at that risk and above"
        raise catalogue_error(key, "is no risk", cure)
    return value


def _covers(earlier: Escalation, later: Escalation) -> bool:
    """Return whether the earlier rule matches everything the later one does, which makes the later unreachable."""
    wide = earlier.at_least
    priced = wide is None or (
        later.at_least is not None and later.at_least.currency == wide.currency and wide.amount <= later.at_least.amount
    )
    return priced and earlier.actions >= later.actions and earlier.tiers >= later.tiers and earlier.risk <= later.risk


def matching_rule(
    rules: Iterable[Escalation], action: Action, params: JsonObject, *, tier: str, risk: int
) -> Escalation | None:
    """Return the first rule, in written order, that matches an ask; None where none does."""
    for rule in rules:
        applies = action.name in rule.actions and tier in rule.tiers and risk >= rule.risk
        if applies and _reaches(rule.at_least, action, params):
            return rule
    return None


def _reaches(at_least: Money | None, action: Action, params: JsonObject) -> bool:
    """Return whether the amounts of an ask reach the threshold.

    ⚔ All amounts count together: one split over two params is still one. ⚔ An amount in another currency, or an
    unreadable one, cannot be compared and counts as reaching it.
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
    """Return the amounts of an ask as written, in the order of the schema."""
    return [] if action is None else [amount for amount in _amounts(action, params) if isinstance(amount, str)]


def role_confirmers(roles: Iterable[str]) -> frozenset[str]:
    """Return roles as confirmer words: `officer:<role>`."""
    return frozenset(f"{OFFICER}{role}" for role in roles)


def outstanding_confirmers(rule: Escalation | None, confirmed: frozenset[str]) -> frozenset[str]:
    """Return the confirmers a rule still asks for; none once any one of its steps is complete.

    A later step is as good as the first: the ask reached it by a passed deadline or by reassignment.
    """
    if rule is None or any(role_confirmers(step.roles) <= confirmed for step in rule.steps):
        return frozenset()
    return role_confirmers(rule.steps[0].roles)


def candidate_sets(rule: Escalation, who: frozenset[str], floor: frozenset[str]) -> tuple[frozenset[str], ...]:
    """Return the sets of confirmers to ask the policies about, given those needed without the rule.

    That is all of them with the rule's officers; before that, under `instead`, the rule's officers in place of officers
    that only a policy asked for. ⚔ Neither the floor nor the customer is ever replaced.
    """
    more = role_confirmers(rule.steps[0].roles)
    everybody = who | more
    if not rule.instead:
        return (everybody,)
    kept = frozenset(word for word in who if word in floor or not word.startswith(OFFICER))
    return tuple(dict.fromkeys((kept | more, everybody)))
