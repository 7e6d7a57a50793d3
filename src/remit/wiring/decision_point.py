"""The decision point of a desk: its policies and entities, and its callers."""

import json
import re
from decimal import Decimal
from typing import Final, NoReturn

from remit.adapters.files.catalogue import read_text
from remit.adapters.http.token_file import NoTokenError, read_token_file
from remit.adapters.policy.decision_rules import CedarDecisionRules
from remit.domain.errors import Code, Refused
from remit.domain.values import Json, JsonObject
from remit.engine.decision_point.callers import Caller, DecisionPoint
from remit.settings.decision_point import CallerSettings, DecisionPointSettings
from remit.settings.decode import InvalidSetting

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def load_decision_point(settings: DecisionPointSettings | None) -> DecisionPoint | None:
    """Read and validate the decision point's policies, entities and callers; None where it is off.

    Raises:
        Refused: `policy.invalid`, `settings.invalid`.
    """
    if settings is None:
        return None
    rules = None
    if settings.policies:
        rules = CedarDecisionRules(
            tuple((file.name, read_text(file)) for file in settings.policies),
            _entities(settings),
            "" if settings.schema is None else read_text(settings.schema),
        )
    return DecisionPoint(callers=tuple(map(_caller, settings.callers)), rules=rules)


def decision_digest(settings: DecisionPointSettings | None, point: DecisionPoint | None) -> JsonObject:
    """Return the decision point's part of the rules. ⚔ Its policies are rules like any other: two people adopt them."""
    if settings is None or point is None:
        return {}
    callers: Json = [dict(one) for one in settings.digest_input]  # type: ignore[arg-type]  # JSON by construction
    return {"decision_point": {"callers": callers, "rules": "" if point.rules is None else point.rules.digest}}


def _entities(settings: DecisionPointSettings) -> list[Json]:
    """Read the entities: exact numbers, no name twice in an object."""
    file = settings.entities_file
    try:
        raw = json.dumps(settings.entities) if file is None else read_text(file)
        found = json.loads(raw, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_members)
    except (TypeError, ValueError, RecursionError) as wrong:
        name = "decision_point.entities" if file is None else file.name
        raise Refused(Code.POLICY_INVALID, f"{name} is no JSON that can be read: {wrong}") from None
    if not isinstance(found, list):
        raise InvalidSetting("decision_point.entities", "must be a list of entities")
    return found


def _no_number(text: str) -> NoReturn:
    message = f"{text} is no number"
    raise ValueError(message)


def _members(pairs: list[tuple[str, Json]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        message = "a name appears twice in an object"
        raise ValueError(message)
    return members


def _caller(settings: CallerSettings) -> Caller:
    try:
        text = read_token_file(settings.sha256_file)
    except (OSError, UnicodeError, NoTokenError):
        text = ""
    if _SHA256.fullmatch(text) is None:
        problem = f"names {settings.sha256_file}, which must hold the SHA-256 of the secret of {settings.name} in 64 hex digits"
        raise InvalidSetting("decision_point.callers.sha256_file", problem)
    return Caller(
        name=settings.name,
        sha256=bytes.fromhex(text),
        acts=settings.acts,
        actions=settings.actions,
        obligations=settings.obligations,
    )
