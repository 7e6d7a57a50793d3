"""Comparison of records with what the log last said about each.

The log is signed and published; rows are not. A row that was put back, taken out or written by somebody with the key of
the MACs is named by the entry it contradicts. Source: docs/model/model.md#rows.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from remit.domain.records import (
    AgentRecord,
    AskRecord,
    ConfirmationRecord,
    ConfirmationState,
    MandateRecord,
    PasskeyRecord,
    PersonRecord,
    Record,
    RulesRecord,
    Suspension,
    TaskRecord,
)
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.pseudonyms import (
    Keyed,
    limits_digest,
    passkey_digest,
    pseudonym_of,
    registration_digest,
)
from remit.domain.values import Json, JsonObject

Key: TypeAlias = tuple[str, str]
"""Kind of a record, and its id as the log names it."""
Facts: TypeAlias = Mapping[str, Json]

_ASK_STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "permit": ("permitted", "acting", "void", "unknown"),
    "permitted": ("permitted", "acting", "void", "unknown"),
    "needs_human": ("waiting", "void"),
    "waiting": ("waiting", "void"),
    "refuse": ("refused",),
}
"""States of an ask after the last one that was logged; any other logged state is the last."""


class Difference(NamedTuple):
    """A record that is not as the log says; `entry` is the last entry about it, -1 where there is none."""

    kind: str
    id: str
    entry: int
    text: str


class _Logged(NamedTuple):
    value: Json
    entry: int


@dataclass(slots=True)
class LoggedStates:
    """What the entries taken so far say about each record; the newest entry of each fact holds.

    `whole` says that they are all entries of the log: only then is a record that none of them names unknown to it.
    """

    keyed: Keyed
    whole: bool = True
    _known: dict[Key, dict[str, _Logged]] = field(default_factory=dict)
    _passkeys: dict[str, list[str]] = field(default_factory=dict)
    """Logged passkeys of each account, by its pseudonym."""
    _since: int = -1
    """Time of the first entry that says which passkey it is about; -1 where none does."""
    _older: bool = False
    """Whether an older Remit enrolled passkeys, whose entries do not say which."""

    def take(self, index: int, envelope: JsonObject) -> None:
        """Take the envelope of the next entry."""
        told = _SAYS.get(str(envelope.get("kind")))
        with contextlib.suppress(KeyError):  # an entry of an older Remit says less
            for key, facts in told(envelope) if told is not None else ():
                self._set(index, key, facts)
        if "account" in envelope:
            self._person(index, envelope)
        elif envelope.get("kind") in {Kind.PERSON_ENROLLED, Kind.PERSON_RECOVERED}:
            self._older = True

    def named(self) -> Iterable[Key]:
        """Return what the entries name: kinds of records with their ids, pseudonyms or digests."""
        return self._known.keys()

    def compare(self, records: Iterable[Record]) -> Iterator[Difference]:
        """Yield each record that differs, then each that is missing; `records` are all of the kinds in `COMPARED`."""
        seen: set[Key] = set()
        for record in records:
            key, facts = record_facts(self.keyed, record)
            seen.add(key)
            yield from self.differences(record, key, facts)
        for kind, record_id in self._known.keys() - seen:
            said = self._known[kind, record_id]
            if said.get("revoked", _NOTHING).value is not True:  # a passkey of a sandbox may be gone for good
                entry = max(one.entry for one in said.values())
                yield Difference(kind, record_id, entry, f"is missing; entry {entry} is about it")

    def differences(self, record: Record, key: Key, facts: Facts) -> Iterator[Difference]:
        """Yield where one record differs."""
        said = self._known.get(key)
        if said is None:
            if self._must_be_known(record):
                yield Difference(record.KIND, record.id, -1, "is in no entry of the log")
            return
        for name, logged in said.items():
            if name in facts and not _agrees(name, facts[name], logged.value):
                shown = f" ({facts[name]}, not {logged.value})" if name in _SHOWN else ""
                text = f"{name} is not what entry {logged.entry} says{shown}"
                yield Difference(record.KIND, record.id, logged.entry, text)

    def widened(self, records: Iterable[Record]) -> Iterator[Difference]:
        """Yield each of some records that allows more than the log says: what stops a start."""
        for record in records:
            key, facts = record_facts(self.keyed, record)
            decisive = {name: value for name, value in facts.items() if name in _DECISIVE}
            yield from self.differences(record, key, decisive)

    def _must_be_known(self, record: Record) -> bool:
        if not self.whole:
            return False
        if record.KIND in _LOGGED_FROM_THE_START:
            return True
        return isinstance(record, PasskeyRecord) and (not self._older or 0 <= self._since <= record.created_at)

    def _set(self, index: int, key: Key, facts: Facts) -> None:
        known = self._known.setdefault(key, {})
        known.update({name: _Logged(value, index) for name, value in facts.items()})

    def _person(self, index: int, envelope: JsonObject) -> None:
        """Take an entry about an account: its roles, pause and passkeys."""
        account = str(envelope["account"])
        facts = {name: envelope[name] for name in ("roles", "paused") if name in envelope}
        if isinstance(roles := facts.get("roles"), list):
            facts["roles"] = sorted(str(role) for role in roles)
        self._set(index, (PersonRecord.KIND, account), facts)
        key = envelope.get("key")
        if not isinstance(key, str):
            return
        at = envelope.get("at")
        self._since = at if self._since < 0 and isinstance(at, int) else self._since
        own = self._passkeys.setdefault(account, [])
        if envelope.get("passkey") == "removed":
            self._set(index, (PasskeyRecord.KIND, key), {"revoked": True})
            return
        if envelope.get("kind") == Kind.PERSON_RECOVERED:
            for old in own:
                self._set(index, (PasskeyRecord.KIND, old), {"revoked": True})
        own.append(key)
        self._set(index, (PasskeyRecord.KIND, key), {"revoked": False})


_NOTHING: Final = _Logged(None, -1)
_SHOWN: Final = frozenset({"state", "reason", "version", "roles", "paused", "revoked", "tier", "suspended", "active"})
"""Facts that are shown; all others are only said to differ."""
_DECISIVE: Final = frozenset(
    {"state", "hash", "limits", "agent", "customer", "operator", "registration", "tier", "suspended", "active"}
    | {"roles", "paused", "revoked"}
)
"""Facts that what is allowed hangs on directly."""
_LOGGED_FROM_THE_START: Final = frozenset({"mandate", "task", "ask", "agent", "rules"})


def _agrees(name: str, stored: Json, logged: Json) -> bool:
    if name == "asked":
        return stored in _ASK_STATES.get(str(logged), (logged,))
    if name == "waits":
        return stored is not True or logged in {"waiting", "needs_human"}
    return stored == logged


def record_facts(keyed: Keyed, record: Record) -> tuple[Key, Facts]:
    """Return the id under which the log names a record, and what it may say about it."""
    name, facts = record.id, dict[str, Json]()
    match record:
        case MandateRecord():
            facts = _mandate_facts(keyed, record)
        case TaskRecord():
            facts = {
                "state": record.state.value,
                "reason": record.reason,
                "mandate": record.mandate,
                "case": record.case,
                "agent": record.client_id,
                "customer": pseudonym_of(keyed, record.customer),
                "objective": record.objective,
            }
        case AskRecord():
            facts = {
                "asked": record.state.value,
                "task": record.task,
                "mandate": record.mandate,
                "agent": record.client_id,
                "customer": pseudonym_of(keyed, record.customer),
                "digest": record.digest,
            }
        case ConfirmationRecord():
            facts = {"waits": record.state is ConfirmationState.WAITING, "digest": record.digest}
        case AgentRecord():
            facts = {
                "operator": record.operator,
                "actor": record.actor,
                "tier": record.tier.value,
                "suspended": bool(record.suspended),
                "registration": registration_digest(keyed, record),
            }
        case Suspension():
            kind, _, suspended = record.id.partition(":")
            name = f"{kind}:{pseudonym_of(keyed, suspended) if kind == 'customer' else suspended}"
            facts = {"active": record.active}
        case RulesRecord():
            facts = {"rules": record.digest}
        case PersonRecord():
            name = pseudonym_of(keyed, record.id)
            facts = {"roles": sorted(record.roles), "paused": record.paused}
        case PasskeyRecord():
            name = passkey_digest(keyed, record)
            facts = {"revoked": record.revoked}
        case _:
            pass
    return (record.KIND, name), facts


def _mandate_facts(keyed: Keyed, record: MandateRecord) -> dict[str, Json]:
    facts: dict[str, Json] = {
        "state": record.state,
        "hash": record.hash,
        "agent": record.client_id,
        "customer": pseudonym_of(keyed, record.customer),
        "objective": record.objective,
        "parent": record.parent,
        "version": record.version,
    }
    if record.wire != _ERASED:
        facts["limits"] = limits_digest(keyed, record)
    return facts


COMPARED: Final = ("mandate", "task", "ask", "confirmation", "agent", "suspension", "rules", "person", "passkey")
"""Kinds of records that are compared."""
_ERASED: Final = "{}"

Said: TypeAlias = Iterable[tuple[Key, Facts]]


def _granted(envelope: JsonObject) -> Said:
    facts = {name: envelope.get(name, "") for name in ("hash", "agent", "customer", "objective", "parent")}
    limits = {"limits": envelope["limits"]} if "limits" in envelope else {}
    yield (MandateRecord.KIND, str(envelope["mandate"])), {**facts, **limits, "version": 1, "state": "active"}


def _narrowed(envelope: JsonObject) -> Said:
    facts = {name: envelope[name] for name in ("version", "limits") if name in envelope}
    yield (MandateRecord.KIND, str(envelope["mandate"])), facts


def _over(state: str) -> "Callable[[JsonObject], Said]":
    def said(envelope: JsonObject) -> Said:
        yield (MandateRecord.KIND, str(envelope["mandate"])), {"state": state}

    return said


def _opened(envelope: JsonObject) -> Said:
    facts = {name: envelope[name] for name in ("mandate", "case", "agent", "customer", "objective")}
    yield (TaskRecord.KIND, str(envelope["task"])), {**facts, "state": "open", "reason": ""}


def _now(state: str) -> "Callable[[JsonObject], Said]":
    def said(envelope: JsonObject) -> Said:
        yield (TaskRecord.KIND, str(envelope["task"])), {"state": state, "reason": envelope.get("reason", "")}

    return said


def _decided(envelope: JsonObject) -> Said:
    facts = {name: envelope[name] for name in ("task", "mandate", "agent", "customer", "digest")}
    yield (AskRecord.KIND, str(envelope["ask"])), {**facts, "asked": envelope["decision"]}


def _answered(envelope: JsonObject) -> Said:
    yield (AskRecord.KIND, str(envelope["ask"])), {"asked": envelope["state"]}
    facts = {"waits": envelope["state"], "digest": envelope["digest"]}
    yield (ConfirmationRecord.KIND, str(envelope["confirmation"])), facts


def _performed(envelope: JsonObject) -> Said:
    if "ask" in envelope:
        yield (AskRecord.KIND, str(envelope["ask"])), {"asked": envelope["outcome"]}


def _registered(envelope: JsonObject) -> Said:
    known = {name: envelope[name] for name in ("operator", "actor", "tier", "registration") if name in envelope}
    yield (AgentRecord.KIND, str(envelope["agent"])), known


def _trusted(envelope: JsonObject) -> Said:
    yield (AgentRecord.KIND, str(envelope["agent"])), {"tier": envelope["to"]}


def _suspended(*, active: bool) -> "Callable[[JsonObject], Said]":
    def said(envelope: JsonObject) -> Said:
        what, name = str(envelope["what"]), str(envelope["name"])
        if what == "agent":
            yield (AgentRecord.KIND, name), {"suspended": active}
        else:
            yield (Suspension.KIND, f"{what}:{name}"), {"active": active}

    return said


def _ruled(envelope: JsonObject) -> Said:
    yield (RulesRecord.KIND, "rules"), {"rules": envelope["digest"]}


_SAYS: Final[Mapping[str, Callable[[JsonObject], Said]]] = {
    Kind.MANDATE_GRANTED: _granted,
    Kind.MANDATE_NARROWED: _narrowed,
    Kind.MANDATE_REVOKED: _over("revoked"),
    Kind.MANDATE_EXPIRED: _over("expired"),
    Kind.TASK_OPENED: _opened,
    Kind.TASK_ENDED: _now("ended"),
    Kind.TASK_HELD: _now("held"),
    Kind.TASK_RESUMED: _now("open"),
    Kind.ASK_DECIDED: _decided,
    Kind.CONFIRMATION_ANSWERED: _answered,
    Kind.WORDS_ANSWERED: _answered,
    Kind.ACT_PERFORMED: _performed,
    Kind.ACT_RECONCILED: _performed,
    Kind.REPLY_SENT: _performed,
    Kind.AGENT_REGISTERED: _registered,
    Kind.AGENT_TRUSTED: _trusted,
    Kind.AGENT_SUSPENDED: _suspended(active=True),
    Kind.AGENT_RESUMED: _suspended(active=False),
    Kind.POLICY_CHANGED: _ruled,
}
