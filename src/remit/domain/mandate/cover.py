"""Matching an ask with a mandate: the covering powers, their charges, the tellable attributes.

The order of the checks is part of the contract. Counters are exact in the store; `choose_charges` reads them first.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Action, Catalogue, MarkKind, ParamMark, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.ids import matches
from remit.domain.mandate.conditions import condition_holds, negative_matches, parse_quantity, total_of
from remit.domain.mandate.model import Charge, Condition, Mandate, Power, TotalCharge
from remit.domain.mandate.parse import TYPE, read_mandate
from remit.domain.mandate.parse_where import micro_of
from remit.domain.param_paths import ABSENT, values_at
from remit.domain.secrets.find import mentions_redaction
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, Json, JsonObject, is_list
from remit.proof.canonical import canonical


def verify_not_forbidden(
    mandate: Mandate, speech: PowerKind, action: Action, params: JsonObject, disclosed: Sequence[str]
) -> frozenset[str]:
    """Verify every negative, and return the attributes it keeps from being told.

    Raises:
        Refused: `mandate.forbidden`.

    Source: docs/model/model.md#never.
    """
    silent: set[str] = set()
    for place, negative in enumerate(mandate.never):
        if negative.power is PowerKind.DISCLOSE:
            if any(_among(negative.attributes, attribute) for attribute in disclosed) and _touched(negative, params):
                raise _forbidden(place, negative)
        elif negative.power is PowerKind.RECEIVE:
            silent |= _silenced(place, negative, speech, action, params)
        elif negative.power is speech and _among(negative.actions, action.name) and _touched(negative, params):
            raise _forbidden(place, negative)
    return frozenset(silent)


def _silenced(place: int, negative: Power, speech: PowerKind, action: Action, params: JsonObject) -> set[str]:
    """Return the attributes one negative *receive* silences.

    Raises:
        Refused: `mandate.forbidden` for a read that it names or silences completely.
    """
    everything = negative.actions is None and negative.attributes is None
    named = everything or (negative.actions is not None and _among(negative.actions, action.name))
    patterns = () if negative.attributes is None else negative.attributes
    kept = {name for name in action.returns if everything or _among(patterns, name)}
    if not (named or kept) or not _touched(negative, params):
        return set()
    if speech is PowerKind.RECEIVE and (named or len(kept) == len(action.returns)):
        raise _forbidden(place, negative)
    return kept


def _among(patterns: tuple[str, ...] | None, name: str) -> bool:
    """Return whether a negative covers a name; one without names covers everything."""
    return patterns is None or any(matches(pattern, name) for pattern in patterns)


def _touched(negative: Power, params: JsonObject) -> bool:
    return all(negative_matches(test, params) for test in negative.where)


def _forbidden(place: int, negative: Power) -> Refused:
    return Refused(
        Code.MANDATE_FORBIDDEN,
        f"never[{place}] ({negative.power}) forbids it",
        public=f"The customer ruled this out in the mandate (never[{place}]); no one can approve it.",
    )


_NONE: Final[frozenset[str]] = frozenset()


@struct(frozen=True, kw_only=True)
class CoveringPower:
    """A power whose tests hold for the ask, with its charge and the attributes it lets be told."""

    power: Power
    charge: Charge
    attributes: frozenset[str] = _NONE


@struct(frozen=True, kw_only=True)
class Coverage:
    """The coverage of an ask by a mandate, before counters.

    Each of `needed` is a list of alternatives of which one must have room: the acting power, then one for each
    disclosed attribute. `telling` are the *receive* powers in order; a read needs one of them, for other actions they
    only decide which attributes may be told.
    """

    needed: tuple[tuple[CoveringPower, ...], ...]
    telling: tuple[CoveringPower, ...]
    read: bool


@struct(frozen=True, kw_only=True)
class ChargedPowers:
    """The charged powers of an ask, and the attributes the reply may tell the agent."""

    powers: tuple[Power, ...]
    charges: tuple[Charge, ...]
    attributes: frozenset[str]


def match_powers(
    mandate: Mandate,
    catalogue: Catalogue,
    action: Action,
    params: JsonObject,
    *,
    kind: PowerKind | None = None,
    roots: Sequence[int] | None = None,
    speaks: bool = False,
) -> Coverage:
    """Match one ask with a mandate, as `PowerPlan` does."""
    return PowerPlan(mandate, catalogue, action, kind=kind, roots=roots).match(params, speaks=speaks)


@struct(frozen=True)
class _Candidate:
    """A power that names an action: its place in the mandate, its charge without totals, what it lets be told."""

    place: int
    power: Power
    charge: Charge
    attributes: frozenset[str] = _NONE


class PowerPlan:
    """All that matching asks of one action with one mandate needs and no ask can change.

    Source: docs/model/model.md#mandate, #rules.
    """

    __slots__ = (
        "_acting",
        "_action",
        "_catalogue",
        "_mandate",
        "_read",
        "_roots",
        "_speaking",
        "_speech",
        "_targets",
        "_tellable",
        "_telling",
    )

    def __init__(
        self,
        mandate: Mandate,
        catalogue: Catalogue,
        action: Action,
        *,
        kind: PowerKind | None = None,
        roots: Sequence[int] | None = None,
    ) -> None:
        """Find the powers that name an action.

        `kind` is the speech act, where it is not the action's own. `roots` maps the places of the powers to their
        places in the root grant, after narrowing; charges attach there.
        """
        self._mandate, self._catalogue, self._action = mandate, catalogue, action
        self._roots = roots
        self._speech = speech = action.power if kind is None else kind
        self._read = speech is PowerKind.RECEIVE
        self._tellable = frozenset(action.returns)
        self._telling = self._tells(self._tellable)
        self._acting = () if self._read else self._candidates(_acting(mandate, speech, action))
        spoken = [(place, power) for place, power in enumerate(mandate.powers) if power.power is PowerKind.REPRESENT]
        limited = speech is not PowerKind.REPRESENT and all(power.uses is not None for _, power in spoken)
        self._speaking = (self._candidates(spoken),) if limited else ()
        targets = mandate.objective.target
        self._targets = tuple(
            (mark, targets[mark.of]) for mark in action.marks if mark.kind is MarkKind.RESOURCE and mark.of in targets
        )

    def match(self, params: JsonObject, *, speaks: bool = False) -> Coverage:
        """Match one ask.

        Checked in this order: `never`, then whether powers name it (the act, and each attribute the params disclose),
        then the target, then the tests. `speaks`: the ask carries words, free text or files, for which *represent* is
        needed besides.

        Raises:
            Refused: `mandate.forbidden`, `mandate.power_missing`, `mandate.off_target`, `mandate.limit_exceeded`.
        """
        mandate, action, telling = self._mandate, self._action, self._telling
        disclosed, silent = disclosed_in(action, params) if action.discloses else (), _NONE
        if mandate.never:
            silent = verify_not_forbidden(mandate, self._speech, action, params, disclosed)
            telling = self._tells(self._tellable - silent) if silent else telling
        groups: list[tuple[_Candidate, ...]] = []
        if not self._read:
            if not self._acting:
                raise _missing(f"no power to {self._speech} {action.name}")
            groups.append(self._acting)
        elif not telling:
            _refuse_read(action, self._tellable - silent)
        groups.extend([self._candidates(_disclosing(mandate, attribute)) for attribute in disclosed])
        if speaks and self._speech is not PowerKind.REPRESENT:
            verify_may_speak(mandate)
            groups.extend(self._speaking)
        if self._targets:
            _verify_target(self._targets, params)
        needed = tuple([_passing(group, params) for group in groups])
        heard = _heard(telling, params, read=self._read)
        return Coverage(needed=needed, telling=heard, read=self._read)

    def _candidates(self, found: Sequence[tuple[int, Power]]) -> tuple[_Candidate, ...]:
        return tuple([self._candidate(place, power) for place, power in found])

    def _candidate(self, place: int, power: Power, told: frozenset[str] = _NONE) -> _Candidate:
        root = place if self._roots is None else self._roots[place]
        name = self._action.name
        charge = Charge(power=root, action=name, counter=counter_key(root, name), uses_room=power.uses, totals=())
        return _Candidate(place, power, charge, told)

    def _tells(self, tellable: frozenset[str]) -> tuple[_Candidate, ...]:
        """Return the *receive* powers that name the action or a tellable attribute."""
        if not (self._read or tellable):
            return ()
        found = _telling(self._mandate, self._catalogue, self._action, tellable)
        return tuple([self._candidate(*one) for one in found])


def disclosed_in(action: Action, params: JsonObject) -> tuple[str, ...]:
    """Return the attributes the params disclose, each once; null discloses too."""
    return tuple(
        dict.fromkeys(
            mark.of
            for mark in action.marks
            if mark.kind is MarkKind.ATTRIBUTE and any(value is not ABSENT for value in values_at(params, mark.path))
        )
    )


def _acting(mandate: Mandate, speech: PowerKind, action: Action) -> list[tuple[int, Power]]:
    found = [
        (place, power)
        for place, power in enumerate(mandate.powers)
        if power.power is speech
        and (speech is PowerKind.REPRESENT or (power.actions is not None and action.name in power.actions))
    ]
    return [] if speech is PowerKind.REPRESENT and not action.builtin else found


MAY_NOT_SPEAK: Final = "no power to represent"
"""Reason, and its opening for the desk, why words of an ask are refused or stripped."""


def may_speak(mandate: Mandate) -> bool:
    """Return whether the agent may speak for the customer: *represent* is granted and not ruled out.

    Source: docs/model/model.md#powers.
    """
    return any(power.power is PowerKind.REPRESENT for power in mandate.powers) and not any(
        negative.power is PowerKind.REPRESENT for negative in mandate.never
    )


def verify_may_speak(mandate: Mandate) -> None:
    """Verify that the agent may speak for the customer.

    Raises:
        Refused: `mandate.power_missing`.

    Source: docs/model/model.md#powers.
    """
    if not may_speak(mandate):
        raise Refused(
            Code.MANDATE_POWER_MISSING,
            MAY_NOT_SPEAK,
            public=f"The mandate has {MAY_NOT_SPEAK}: words, free text and files cannot go along.",
        )


def _disclosing(mandate: Mandate, attribute: str) -> list[tuple[int, Power]]:
    found = [
        (place, power)
        for place, power in enumerate(mandate.powers)
        if power.power is PowerKind.DISCLOSE and power.attributes is not None and attribute in power.attributes
    ]
    if not found:
        raise _missing(f"no power to disclose {attribute}")
    return found


def _telling(
    mandate: Mandate, catalogue: Catalogue, action: Action, tellable: frozenset[str]
) -> list[tuple[int, Power, frozenset[str]]]:
    """Return the *receive* powers that name the action or a tellable attribute, with the attributes each lets be told.

    ⚔ Naming an action never covers a sensitive return. *represent* covers what built-in actions tell of the own case.
    """
    found: list[tuple[int, Power, frozenset[str]]] = []
    for place, power in enumerate(mandate.powers):
        if action.builtin and power.power is PowerKind.REPRESENT:
            found.append((place, power, tellable))
        if power.power is not PowerKind.RECEIVE:
            continue
        told = tellable.intersection(power.attributes) if power.attributes else _NONE
        named = power.actions is not None and action.name in power.actions
        if named:
            told |= {name for name in tellable if not catalogue.attributes[name].sensitive}
        if named or told:
            found.append((place, power, told))
    return found


def _refuse_read(action: Action, tellable: frozenset[str]) -> None:
    what = f"none of {', '.join(sorted(tellable))}" if tellable else "nothing it tells"
    raise _missing(f"no power to receive {action.name}: it is not named, and {what} is covered")


def _missing(reason: str) -> Refused:
    return Refused(Code.MANDATE_POWER_MISSING, reason, public=f"The mandate has {reason}.")


def _verify_target(targets: Sequence[tuple[ParamMark, Sequence[str]]], params: JsonObject) -> None:
    """Verify that every record of the target's kind is one of the target's.

    Raises:
        Refused: `mandate.off_target`.

    Source: docs/model/model.md#target.
    """
    for mark, allowed in targets:
        for value in values_at(params, mark.path):
            if value is not ABSENT and value is not None and value not in allowed:
                raise Refused(
                    Code.MANDATE_OFF_TARGET,
                    f"{mark.path} is not in the target",
                    public=f"{mark.path} is not among the {mark.of}s of the mandate.",
                )


def _passing(group: Sequence[_Candidate], params: JsonObject) -> tuple[CoveringPower, ...]:
    """Return the powers whose tests hold, in order.

    Raises:
        Refused: `mandate.limit_exceeded` naming the demand of the first power.
    """
    passing: list[CoveringPower] = []
    first = ""
    for one in group:
        broken = _broken(one.power, params)
        if broken is None:
            charge = _charge(one, params) if one.power.totals else one.charge
            if charge is not None:
                passing.append(CoveringPower(power=one.power, charge=charge))
                continue
            broken = f"{', '.join(str(total.path) for total in one.power.totals)} cannot be counted"
        first = first or f"powers[{one.place}]: {broken}"
    if not passing:
        raise _exceeded(first)
    return tuple(passing)


def _heard(telling: Sequence[_Candidate], params: JsonObject, *, read: bool) -> tuple[CoveringPower, ...]:
    """Return the *receive* powers whose tests hold, in order; a read needs one.

    Raises:
        Refused: `mandate.limit_exceeded`.
    """
    heard: list[CoveringPower] = []
    first = ""
    for one in telling:
        broken = _broken(one.power, params)
        charge = None if broken is not None else _charge(one, params) if one.power.totals else one.charge
        if charge is None:
            first = first or f"powers[{one.place}]: {broken or 'its total cannot be counted'}"
            continue
        heard.append(CoveringPower(power=one.power, charge=charge, attributes=one.attributes))
    if read and not heard:
        raise _exceeded(first)
    return tuple(heard)


def _exceeded(reason: str) -> Refused:
    return Refused(Code.MANDATE_LIMIT_EXCEEDED, reason, public=f"The mandate's limits are not met: {reason}.")


def _broken(power: Power, params: JsonObject) -> str | None:
    """Return the demand of the first failing test, or None when all hold."""
    for test in power.where:
        if not condition_holds(test, params):
            return _demand(test)
    return None


def _demand(test: Condition) -> str:
    value = test.value
    shown = value if isinstance(value, str) else "one of its listed values" if is_list(value) else str(value)
    return f"{test.path} must satisfy {test.op} {shown[:80]}"


def _charge(one: _Candidate, params: JsonObject) -> Charge | None:
    """Return the charge of a power with totals, or None when one cannot be counted exactly."""
    totals: list[TotalCharge] = []
    for total in one.power.totals:
        limit = parse_quantity(total.limit)
        values: list[Json] = [None if value is ABSENT else value for value in values_at(params, total.path)]  # type: ignore[misc]  # ABSENT is the one Absent
        amount = total_of(values)
        if limit is None or amount is None or amount.unit != limit.unit:
            return None
        room, micro = micro_of(limit.number), micro_of(amount.number)
        if room is None or micro is None:
            return None
        path = str(total.path)
        key = counter_key(one.charge.power, path)
        totals.append(TotalCharge(path=path, counter=key, amount_micro=micro, limit_micro=room, currency=limit.unit))
    return replace(one.charge, totals=tuple(totals))


def counter_key(power: int, what: str) -> str:
    """Return the name of a counter on the root grant: a power with an action (uses), or with a path (a total).

    A total's path is never an action's name (`read_power` refuses it), so the two cannot meet.

    Source: docs/model/model.md#mandate-counters.
    """
    return f"{power}/{what}"


def choose_charges(found: Coverage, used: Mapping[str, int]) -> ChargedPowers:
    """Charge the first alternative with room of each group; pure.

    `used` maps counter keys to their use. Attributes that only a spent *receive* power would tell are withheld, not
    refused.

    Raises:
        Refused: `mandate.uses_spent`, `mandate.total_spent`.

    Source: docs/model/model.md#powers, #mandate-counters.
    """
    counter = _ChargeCounter(used)
    for group in found.needed:
        counter.take_first(group)
    attributes: frozenset[str] = _NONE
    taken = False
    for candidate in found.telling:
        if not candidate.attributes <= attributes and counter.full(candidate.charge) is None:
            counter.take(candidate)
            attributes |= candidate.attributes
            taken = True
    if found.read and not taken:
        counter.take_first(found.telling)
    return ChargedPowers(powers=tuple(counter.powers), charges=tuple(counter.charges), attributes=attributes)


class _ChargeCounter:
    """Takes charges one by one, so that several in one ask cannot share the same room."""

    def __init__(self, used: Mapping[str, int]) -> None:
        self._used = used
        self._taken: dict[str, int] = {}
        self.powers: list[Power] = []
        self.charges: list[Charge] = []

    def take_first(self, group: Sequence[CoveringPower]) -> None:
        codes = []
        for candidate in group:
            code = self.full(candidate.charge)
            if code is None:
                self.take(candidate)
                return
            codes.append(code)
        what = "uses" if codes[0] is Code.MANDATE_USES_SPENT else "total"
        raise Refused(codes[0], f"no {what} left", public=f"Nothing is left of the mandate's {what} for this.")

    def full(self, charge: Charge) -> Code | None:
        if charge in self.charges:
            return None
        if charge.uses_room is not None and self._at(charge.counter) + 1 > charge.uses_room:
            return Code.MANDATE_USES_SPENT
        for total in charge.totals:
            if self._at(total.counter) + total.amount_micro > total.limit_micro:
                return Code.MANDATE_TOTAL_SPENT
        return None

    def _at(self, key: str) -> int:
        return self._used.get(key, 0) + self._taken.get(key, 0)

    def take(self, candidate: CoveringPower) -> None:
        charge = candidate.charge
        self.powers.append(candidate.power)
        if charge in self.charges:
            return
        self.charges.append(charge)
        amounts = [(total.counter, total.amount_micro) for total in charge.totals]
        for key, amount in ((charge.counter, 1), *amounts):
            self._taken[key] = self._taken.get(key, 0) + amount


CURED_BY_GRANT: Final = frozenset({
    Code.MANDATE_EXPIRED, Code.MANDATE_INACTIVE, Code.MANDATE_LIMIT_EXCEEDED, Code.MANDATE_OFF_TARGET,
    Code.MANDATE_POWER_MISSING, Code.MANDATE_TOTAL_SPENT, Code.MANDATE_USES_SPENT,
})  # fmt: skip
"""Codes that a wider or fresh grant would cure: `insufficient_authorization` on the refusal ladder."""


def remedy_mandate(
    mandate: Mandate, catalogue: Catalogue, action: Action, params: JsonObject, *, now: Instant
) -> JsonObject | None:
    """Build the `remit_mandate` that would cover exactly this ask, once; None where that cannot be expressed.

    ⚔ Every param is pinned to its asked value, and the target to the named records: a hurried signature lets nothing
    else through. Existence and ownership of named records are not looked up, so the reply cannot reveal them.

    Source: docs/model/standards.md#remediation, #refusal-ladder; docs/model/model.md#mandate.
    """
    if mentions_redaction(canonical(params).decode()):
        return None  # a secret was redacted: the rest is not the ask
    try:
        disclosed = disclosed_in(action, params)
        silent = verify_not_forbidden(mandate, action.power, action, params, disclosed)
        where: Mapping[str, Json] = {name: {"equals": value} for name, value in params.items()}
        powers = [_power(catalogue, action, silent, where)]
        if disclosed:
            powers.append({"power": PowerKind.DISCLOSE.value, "attributes": list(disclosed), "where": where, "uses": 1})
        wire: JsonObject = {"type": TYPE, "objective": _objective(mandate, action, params), "powers": powers}
        choose_charges(match_powers(read_mandate(wire, catalogue, now=now), catalogue, action, params), {})
    except Refused:
        return None
    return wire


def _power(catalogue: Catalogue, action: Action, silent: frozenset[str], where: Mapping[str, Json]) -> JsonObject:
    """Return the power the action needs; for a read of sensitive returns alone, by these names."""
    power: dict[str, Json] = {"power": action.power.value, "uses": 1}
    if action.power is PowerKind.REPRESENT:
        return power
    tellable = [name for name in action.returns if name not in silent]
    sensitive = all(catalogue.attributes[name].sensitive for name in tellable)
    if action.power is PowerKind.RECEIVE and tellable and sensitive:
        power["attributes"] = tellable
    else:
        power["actions"] = [action.name]
    return {**power, "where": where} if where else power


def _objective(mandate: Mandate, action: Action, params: JsonObject) -> JsonObject:
    """Return the mandate's objective, cut to the records of its kind that the ask names, if it names any."""
    target: dict[str, Json] = {}
    for kind, ids in mandate.objective.target.items():
        marked = [mark for mark in action.marked(MarkKind.RESOURCE) if mark.of == kind]
        named = dict.fromkeys(
            value for mark in marked for value in values_at(params, mark.path) if isinstance(value, str)
        )
        target[kind] = list(named) or list(ids)
    return {"type": mandate.objective.type, **({"target": target} if target else {})}
