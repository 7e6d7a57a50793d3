"""Types of security events, and the effect of each received one: data, no decision.

Source: CAEP 1.0 §3; RISC 1.0 §2; SSF 1.0 §8.1.4, §8.1.5.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from remit.domain.values import JsonObject

CAEP: Final = "https://schemas.openid.net/secevent/caep/event-type/"
RISC: Final = "https://schemas.openid.net/secevent/risc/event-type/"
SSF: Final = "https://schemas.openid.net/secevent/ssf/event-type/"


class EventType(StrEnum):
    """The types of events that this desk sends, or acts on."""

    ACCOUNT_CREDENTIAL_CHANGE_REQUIRED = f"{RISC}account-credential-change-required"
    ACCOUNT_DISABLED = f"{RISC}account-disabled"
    ACCOUNT_PURGED = f"{RISC}account-purged"
    ASSURANCE_LEVEL_CHANGE = f"{CAEP}assurance-level-change"
    CREDENTIAL_CHANGE = f"{CAEP}credential-change"
    CREDENTIAL_COMPROMISE = f"{RISC}credential-compromise"
    DEVICE_COMPLIANCE_CHANGE = f"{CAEP}device-compliance-change"
    RISK_LEVEL_CHANGE = f"{CAEP}risk-level-change"
    SESSION_REVOKED = f"{CAEP}session-revoked"
    STREAM_UPDATED = f"{SSF}stream-updated"
    TOKEN_CLAIMS_CHANGE = f"{CAEP}token-claims-change"
    VERIFICATION = f"{SSF}verification"


TRANSMITTED: Final = (EventType.CREDENTIAL_CHANGE, EventType.RISK_LEVEL_CHANGE, EventType.SESSION_REVOKED)
"""The types that this desk sends about its own tasks, mandates and agents."""


RECEIVED: Final = tuple(kind.value for kind in EventType if not kind.startswith(SSF))
"""The types on which this desk may act."""


class EventEffect(StrEnum):
    """The effect of an event, from the least to the greatest."""

    NONE = "none"
    SESSIONS = "sessions"
    """A person's sign-ins end."""
    TASKS = "tasks"
    """Sign-ins and tasks end; mandates stay."""
    GRANTS = "grants"
    """Sign-ins, tasks and mandates end."""
    SUSPEND = "suspend"
    """An agent or operator is suspended."""


_GONE: Final = frozenset({"delete", "revoke", "update"})
_WORST: Final = "HIGH"

_PERSON: Final[Mapping[EventType, EventEffect]] = {
    EventType.ACCOUNT_CREDENTIAL_CHANGE_REQUIRED: EventEffect.GRANTS,
    EventType.ACCOUNT_DISABLED: EventEffect.GRANTS,
    EventType.ACCOUNT_PURGED: EventEffect.GRANTS,
    EventType.CREDENTIAL_COMPROMISE: EventEffect.GRANTS,
    EventType.TOKEN_CLAIMS_CHANGE: EventEffect.SESSIONS,
}
"""Effects on a person that depend on no member of the event."""
_AGENT: Final[Mapping[EventType, EventEffect]] = {
    EventType.ACCOUNT_DISABLED: EventEffect.SUSPEND,
    EventType.ACCOUNT_PURGED: EventEffect.SUSPEND,
    EventType.CREDENTIAL_COMPROMISE: EventEffect.SUSPEND,
    EventType.SESSION_REVOKED: EventEffect.TASKS,
}
"""Effects on an agent or operator that depend on no member of the event."""


def effect_on_person(kind: EventType, event: JsonObject, *, revoked_session: EventEffect) -> EventEffect:
    """Return the effect of an event on a person; `revoked_session` is the one of a revoked session, by the settings.

    Source: CAEP 1.0 §3.1 to §3.8.
    """
    match kind:
        case EventType.SESSION_REVOKED:
            return revoked_session
        case EventType.CREDENTIAL_CHANGE if _member(event, "change_type") in _GONE:
            return EventEffect.GRANTS
        case EventType.RISK_LEVEL_CHANGE if _member(event, "current_level") == _WORST:
            return EventEffect.GRANTS
        case EventType.ASSURANCE_LEVEL_CHANGE if _member(event, "change_direction") == "decrease":
            return EventEffect.SESSIONS
        case EventType.DEVICE_COMPLIANCE_CHANGE if _member(event, "current_status") == "not-compliant":
            return EventEffect.SESSIONS
        case _:
            return _PERSON.get(kind, EventEffect.NONE)


def effect_on_agent(kind: EventType, event: JsonObject) -> EventEffect:
    """Return the effect of an event on an agent or its whole operator.

    A credential that was replaced (`update`) is ordinary rotation; one that was revoked or deleted is not.
    """
    match kind:
        case EventType.CREDENTIAL_CHANGE if _member(event, "change_type") in {"delete", "revoke"}:
            return EventEffect.SUSPEND
        case EventType.RISK_LEVEL_CHANGE if _member(event, "current_level") == _WORST:
            return EventEffect.SUSPEND
        case _:
            return _AGENT.get(kind, EventEffect.NONE)


def known_type(name: str) -> EventType | None:
    """Return the type of a name, None for one that means nothing here."""
    try:
        return EventType(name)
    except ValueError:
        return None


def short_name(name: str) -> str:
    """Return the last part of a type's name."""
    return name.rpartition("/")[2]


def _member(event: JsonObject, name: str) -> str:
    """Return a text of an event. ⚔ Anything else is none: it must not break what waits behind it."""
    value = event.get(name)
    return value if isinstance(value, str) else ""
