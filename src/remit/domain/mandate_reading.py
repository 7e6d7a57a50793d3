"""Reading a mandate from the wire, and writing it in its canonical form.

One power is read in `mandate_powers`, its tests in `mandate_limits`; matching asks is for `mandate_covering`.
"""

from collections.abc import Mapping
from typing import Final

from remit.domain.catalogue import Catalogue, Objective
from remit.domain.errors import Refused
from remit.domain.ids import is_word
from remit.domain.mandate import Mandate, Power, Purpose
from remit.domain.mandate_members import array, count, invalid, line, lines, members
from remit.domain.mandate_powers import read_negative, read_power
from remit.domain.secrets import find_secrets, redact
from remit.domain.values import Instant, Json, JsonObject, instant_text, verify_instant

TYPE: Final = "remit_mandate"
DEFAULT_LIFE_MS: Final = 7 * 24 * 3600 * 1000
LONGEST_CHAIN: Final = 5
"""What a mandate may say; a token names five actors at most, whatever it says (docs/decisions/0018-five-actors.md)."""
_MOST_POWERS: Final = 64
_MOST_TASKS: Final = 1000
_LONGEST_SUMMARY: Final = 500
_REQUIRED: Final = ("type", "objective", "powers")
_OPTIONAL: Final = ("never", "expires_at", "max_tasks", "chain", "chain_operators")


def read_mandate(wire: Json, catalogue: Catalogue, *, now: Instant) -> Mandate:
    """Read a `remit_mandate` object: closed, bounded, every name known, every test fitting its parameter.

    Raises:
        Refused: `mandate.invalid` naming the member, or `objective.unknown`.

    Source: docs/model/model.md#mandate; RFC 9396 §2.
    """
    found = members(wire, "mandate", required=_REQUIRED, optional=_OPTIONAL)
    if found["type"] != TYPE:
        raise invalid("type", f"must be {TYPE}")
    purpose, objective = _purpose(found["objective"], catalogue)
    chain = count(found.get("chain", 0), "chain", least=0, most=LONGEST_CHAIN)
    operators = lines(found["chain_operators"], "chain_operators") if "chain_operators" in found else ()
    if operators and not chain:
        raise invalid("chain_operators", "names operators, but chain is 0")
    return Mandate(
        objective=purpose,
        powers=tuple(
            read_power(one, f"powers[{place}]", catalogue, objective)
            for place, one in enumerate(array(found["powers"], "powers", most=_MOST_POWERS))
        ),
        never=tuple(
            read_negative(one, f"never[{place}]", catalogue)
            for place, one in enumerate(array(found.get("never", []), "never", least=0, most=_MOST_POWERS))
        ),
        expires_at=_expiry(found["expires_at"], now) if "expires_at" in found else Instant(now + DEFAULT_LIFE_MS),
        max_tasks=count(found.get("max_tasks", 1), "max_tasks", least=1, most=_MOST_TASKS),
        chain=chain,
        chain_operators=operators,
    )


def _purpose(value: Json, catalogue: Catalogue) -> tuple[Purpose, Objective]:
    found = members(value, "objective", required=("type",), optional=("target", "summary"))
    name = line(found["type"], "objective.type")
    objective = catalogue.objective(name if is_word(name) else "")
    summary = found.get("summary", "")
    if not isinstance(summary, str) or len(summary) > _LONGEST_SUMMARY:
        raise invalid("objective.summary", f"must be a text of at most {_LONGEST_SUMMARY} characters")
    # ⚔ It is shown to people, and signed: what is kept for good must hold no secret. It is no authority, so that taking one out
    # changes nothing that is granted.
    summary = redact(summary, find_secrets(summary))[:_LONGEST_SUMMARY]
    return Purpose(type=name, target=_target(found, objective), summary=summary), objective


def _target(found: JsonObject, objective: Objective) -> Mapping[str, tuple[str, ...]]:
    """The records the mandate is about: required exactly when the objective names a kind."""
    if objective.target is None:
        if "target" in found:
            raise invalid("objective.target", f"{objective.name} has no target")
        return {}
    if "target" not in found:
        raise invalid("objective.target", f"{objective.name} needs the {objective.target} it is about")
    target = members(found["target"], "objective.target", required=(objective.target,))
    return {objective.target: lines(target[objective.target], f"objective.target.{objective.target}")}


def _expiry(value: Json, now: Instant) -> Instant:
    try:
        expires_at = verify_instant(value, where="expires_at")
    except Refused as refused:
        raise invalid("expires_at", "must be an RFC 3339 time") from refused
    if expires_at <= now:
        raise invalid("expires_at", "is not in the future")
    return expires_at


def wire_mandate(mandate: Mandate) -> JsonObject:
    """Write the mandate as a `remit_mandate` object, defaults and expanded globs spelled out.

    Reading it again against the same catalogue gives an equal mandate.
    """
    purpose: dict[str, Json] = {"type": mandate.objective.type, "summary": mandate.objective.summary}
    if mandate.objective.target:
        purpose["target"] = {kind: list(ids) for kind, ids in mandate.objective.target.items()}
    wire: dict[str, Json] = {
        "type": TYPE,
        "objective": purpose,
        "powers": [_wire_power(power) for power in mandate.powers],
        "never": [_wire_power(power) for power in mandate.never],
        "expires_at": instant_text(mandate.expires_at),
        "max_tasks": mandate.max_tasks,
        "chain": mandate.chain,
    }
    if mandate.chain_operators:
        wire["chain_operators"] = list(mandate.chain_operators)
    return wire


def _wire_power(power: Power) -> JsonObject:
    wire: dict[str, Json] = {"power": power.power.value}
    if power.actions is not None:
        wire["actions"] = list(power.actions)
    if power.attributes is not None:
        wire["attributes"] = list(power.attributes)
    if power.where:
        where: dict[str, dict[str, Json]] = {}
        for test in power.where:
            where.setdefault(str(test.path), {})[test.op.value] = test.value
        wire["where"] = where
    if power.uses is not None:
        wire["uses"] = power.uses
    if power.totals:
        wire["total"] = {str(total.path): total.limit for total in power.totals}
    if power.preapproved:
        wire["preapproved"] = True
    return wire
