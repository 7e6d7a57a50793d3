"""Bodies of the backoffice contract, and their conversion to and from the port's values.

Source: docs/backoffice.md.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeVar, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.decision import RecordFacts
from remit.domain.values import JsonObject, decode_json
from remit.ports.backoffice import Act, ActOutcome, ActResult, RecordSummary
from remit.proof.canonical import canonical

T = TypeVar("T", bound=msgspec.Struct)

VERSION: Final = "1"
MAX_BYTES: Final = 256 * 1024
"""⚔ Longest body in either direction: an answer is decoded on the event loop."""
_MAX_LISTED: Final = 1_000
Text = Annotated[str, Meta(max_length=4_096)]
Id = Annotated[str, Meta(max_length=65_536)]
Values = dict[str, object]


class RecordRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record by kind and id."""

    kind: Id
    id: Id


class RecordsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `facts` and `contents`: the records in order, and the customer for whom they are read."""

    customer: Id
    records: Annotated[list[RecordRef], Meta(max_length=_MAX_LISTED)]


class FactBody(msgspec.Struct, frozen=True):
    """Facts of one record: its canonical id, owners, version and short name."""

    id: Id
    owners: Annotated[list[Id], Meta(max_length=_MAX_LISTED)]
    version: Id
    name: Text = ""


class FactsAnswer(msgspec.Struct, frozen=True):
    """Answer of `facts`, in the order of the request; null for a record that does not exist."""

    records: list[FactBody | None]


class ContentsAnswer(msgspec.Struct, frozen=True):
    """Answer of `contents`, in the order of the request: the short name of each part, by its id."""

    contents: list[dict[Id, Text]]


class ReadRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `read`: an action that changes nothing."""

    customer: Id
    action: Id
    params: Values


class AttributesRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `attributes`; `beside` names records by kind to leave out."""

    customer: Id
    names: list[Id]
    beside: dict[Id, list[Id]] = {}


class AttributesAnswer(msgspec.Struct, frozen=True):
    """Answer of `attributes`: existing values by name."""

    attributes: Values


class OwnRecordsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `records`: the kind to list."""

    customer: Id
    kind: Id


class SummaryBody(msgspec.Struct, frozen=True):
    """One record for choosing."""

    id: Id
    name: Text


class OwnRecordsAnswer(msgspec.Struct, frozen=True):
    """Answer of `records`."""

    records: Annotated[list[SummaryBody], Meta(max_length=_MAX_LISTED)]


class VersionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version of a record on which the decision was made."""

    kind: Id
    id: Id
    version: Id


class ActBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `acts` and `acts/{key}/fence`."""

    key: Id
    action: Id
    params: Values
    customer: Id
    case: Id
    versions: list[VersionBody]
    confirmed_by: list[Id]
    decision: Id


class ResultAnswer(msgspec.Struct, frozen=True):
    """Answer of `read`, `acts`, `acts/{key}` and `acts/{key}/fence`."""

    state: Literal["done", "failed", "fenced", "unseen"]
    values: Values = {}
    reason: Text = ""


class AboutAnswer(msgspec.Struct, frozen=True):
    """Answer of `about`: the contract's version, and what the backoffice knows and can do."""

    contract: Id
    kinds: list[Id]
    actions: list[Id]
    name: Text | UnsetType = UNSET


def encode_body(value: object) -> bytes:
    """Encode a body as canonical JSON; unset members are left out."""
    return canonical(msgspec.to_builtins(value, builtin_types=(Decimal,)))


def decode_body(raw: bytes, kind: type[T]) -> T:
    """Decode a body strictly.

    Raises:
        Refused: `request.malformed`, `request.too_large`.
    """
    try:
        return msgspec.convert(decode_json(raw, max_bytes=MAX_BYTES, max_members=10_000), kind)
    except msgspec.ValidationError as problem:
        raise Refused(Code.REQUEST_MALFORMED, str(problem), public=f"The body cannot be used: {problem}") from None


def records_request(records: Sequence[tuple[str, str]], customer: str) -> RecordsRequest:
    """Build the body of `facts` and `contents`."""
    return RecordsRequest(customer=customer, records=[RecordRef(kind=kind, id=found) for kind, found in records])


def attributes_request(
    customer: str, names: Sequence[str], beside: Mapping[str, Collection[str]] | None
) -> AttributesRequest:
    """Build the body of `attributes`."""
    left_out = {kind: sorted(ids) for kind, ids in (beside or {}).items()}
    return AttributesRequest(customer=customer, names=list(names), beside=left_out)


def fact_body(fact: RecordFacts) -> FactBody:
    """Build the answer about one record."""
    return FactBody(id=fact.id, owners=sorted(fact.owners), version=fact.version, name=fact.name)


def act_body(act: Act) -> ActBody:
    """Build the body of an act."""
    return ActBody(
        key=act.key,
        action=act.action,
        params=dict(act.params),
        customer=act.customer,
        case=act.case,
        versions=[VersionBody(kind=kind, id=found, version=held) for (kind, found), held in act.versions.items()],
        confirmed_by=list(act.confirmed_by),
        decision=act.decision,
    )


def act_of(body: ActBody) -> Act:
    """Read an act from its body."""
    return Act(
        key=body.key,
        action=body.action,
        params=json_object(body.params),
        customer=body.customer,
        case=body.case,
        versions={(version.kind, version.id): version.version for version in body.versions},
        confirmed_by=tuple(body.confirmed_by),
        decision=body.decision,
    )


_STATES: Final[Mapping[ActOutcome, Literal["done", "failed", "fenced", "unseen"]]] = {
    ActOutcome.DONE: "done",
    ActOutcome.FAILED: "failed",
    ActOutcome.FENCED: "fenced",
    ActOutcome.UNSEEN: "unseen",
}


def result_answer(result: ActResult) -> ResultAnswer:
    """Build the answer of an act or a read.

    Raises:
        Fault: `fault.backoffice` for an act that is unclear, which the contract knows as a fault.
    """
    state = _STATES.get(result.state)
    if state is None:
        raise Fault(Code.FAULT_BACKOFFICE, "what became of this act cannot be found out")
    return ResultAnswer(state=state, values=dict(result.values), reason=result.reason)


def result_of(answer: ResultAnswer) -> ActResult:
    """Read a result from its answer."""
    return ActResult(state=ActOutcome(answer.state), values=json_object(answer.values), reason=answer.reason)


def summaries_of(answer: OwnRecordsAnswer, kind: str) -> Sequence[RecordSummary]:
    """Read the records for choosing from their answer."""
    return tuple(RecordSummary(kind=kind, id=found.id, name=found.name) for found in answer.records)


def json_object(decoded: Values) -> JsonObject:
    """Return decoded members as JSON values, which they are: the decoder makes no others."""
    return cast("JsonObject", decoded)
