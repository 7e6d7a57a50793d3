"""The port to the desk's backoffice: facts and actions."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from remit.domain.policy.decision import RecordFacts
from remit.domain.structs import struct
from remit.domain.values import Json


class ActOutcome(StrEnum):
    """The backoffice's knowledge of an act by its key.

    Unclear: it was sent, its outcome cannot be found out, and it is never sent again; a person has to look.
    """

    DONE = "done"
    FAILED = "failed"
    FENCED = "fenced"
    UNCLEAR = "unclear"
    UNSEEN = "unseen"


@struct(frozen=True, kw_only=True)
class Act:
    """One act to perform exactly once.

    `key` is the idempotency key; `versions` maps (kind, id) to the fact version the decision was made on;
    `confirmed_by` and `decision` let the backoffice keep its own trail.
    """

    key: str
    action: str
    params: Mapping[str, Json]
    customer: str
    case: str
    versions: Mapping[tuple[str, str], str]
    confirmed_by: Sequence[str]
    decision: str


@struct(frozen=True, kw_only=True)
class ActResult:
    """The result of an act. `values` are flat, by attribute name (`{"order.status": …}`); `reason` is for people."""

    state: ActOutcome
    values: Mapping[str, Json]
    reason: str = ""


@struct(frozen=True, kw_only=True)
class RecordSummary:
    """A record of the customer's own, for choosing: kind, id, a short name."""

    kind: str
    id: str
    name: str


class Backoffice(Protocol):
    """The desk's systems of record.

    Faults: `fault.backoffice` when it cannot be reached or answers garbage; then nothing is known to have happened
    (`facts`, `read`) or the act's fate is unknown (`perform`).
    """

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Return ownership and other facts of the records (kind, id), in order; None for one that does not exist.

        Fresh at every call. Takes as long for an unknown id as for a foreign one. `RecordFacts.id` is the canonical id;
        `RecordFacts.name` a short title for people.
        """

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:
        """Return the parts of the records (kind, id), in order: the short name of each part, by its id.

        Fresh at every call, and read after the facts of the same record, whose version then still shows whether it
        changed. Empty for a record that is not the customer's own, and for one without parts.
        """

    async def read(self, action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
        """Answer an action that only reads. It changes nothing, so repeating it is harmless."""

    async def perform(self, act: Act) -> ActResult:
        """Do the act once.

        The same key again gets the same answer and changes nothing. A version that no longer holds gives `failed` and
        changes nothing. A fenced key gives `fenced` and never executes.
        """

    async def outcome(self, act: Act) -> ActResult:
        """Return the fate of an act by its key: done, failed, fenced, unseen, or unclear for good.

        The act comes whole: a system without keys can only look for a mark where the act was to leave it.
        """

    async def fence(self, act: Act) -> ActResult:
        """Make sure the act's key never executes from now on; answers `fenced`, or the earlier outcome.

        Durable on return: after `fenced`, a late `perform` with this key must not act.
        """

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        """Return the customer's existing values of the named attributes; an attribute of records gives all over them.

        `beside` names records by kind to leave out: for these kinds, only the customer's other records count.
        """

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """Return the customer's own records of one kind, for the consent page."""
