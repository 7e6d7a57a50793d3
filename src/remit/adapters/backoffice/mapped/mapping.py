"""`mapping.toml`: which operations of a system read its records and do its acts, and what each act promises.

Source: docs/mapping.md.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from remit.adapters.backoffice.mapped.pointers import PointerError, steps_of, verify_writable
from remit.adapters.backoffice.rules_file import invalid_rule, read_rules_file
from remit.adapters.openapi.document import Operation, read_document
from remit.domain.catalogue.model import Action, Catalogue, Effect, MarkKind
from remit.domain.structs import struct

_MAX_BYTES: Final = 4 * 1024 * 1024
_CURE: Final = "docs/mapping.md explains every key."
KEY: Final = "{key}"
CUSTOMER: Final = "{customer}"
HOLE: Final = re.compile(r"\{(key|customer|id|/[^{}:]*)(:integer)?\}")
"""Placeholder in a query: the act's key, the customer, the record's id, or a param by its pointer."""
ENCODED: Final = "base64:"
"""Beginning of a query's value that is JSON in URL-safe Base64."""
Pointer = Annotated[str, Meta(max_length=400, description="a JSON pointer, such as /order/id")]
Query = dict[str, str | list[str]]
Status = Annotated[int, Meta(ge=400, le=499, description="a status from 400 to 499")]
Header = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9-]{1,64}\Z", description="the name of a header")]
Promise = Literal["key", "marker", "chosen-id", "prepare-commit", "conditional", "state", "none"]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the mapping: no unknown keys."""


class Auth(Part, frozen=True):
    """`[auth]`: the header that carries the token. With Basic, the token is the name, with an empty password."""

    header: Header = "authorization"
    scheme: Literal["", "Basic", "Bearer", "Token"] = "Bearer"


class KindRead(Part, frozen=True):
    """`[kind.X.read]`: how one record is read, and where its facts are in the answer.

    A text that is not of the `form` is no id, and nothing is asked.
    Its id goes to `placeholder` in the path, or to `{id}` in `query`.
    With `owner_kind`, `owner` is the id of a record of that kind, whose owner counts.
    """

    operation: str
    id: Pointer
    form: str | None = None
    placeholder: str = ""
    query: Query = {}
    owner: Pointer | None = None
    owner_kind: str | None = None
    version: list[Pointer] = []
    etag: bool = False
    name: Pointer | None = None
    values: dict[str, Pointer] = {}


class KindList(Part, frozen=True):
    """`[kind.X.list]`: how a customer's own records are listed; `{customer}` stands for the customer in `query`."""

    operation: str
    id: Pointer
    query: Query = {}
    items: Pointer = ""
    name: Pointer | None = None


class KindParts(Part, frozen=True):
    """`[kind.X.parts]`, or several: where parts of a record are in the answer of `read`."""

    items: Pointer
    id: Pointer
    name: Pointer


class Kind(Part, frozen=True):
    """`[kind.X]`."""

    read: KindRead | None = None
    list: KindList | None = None
    parts: KindParts | tuple[KindParts, ...] = ()


class Customer(Part, frozen=True):
    """`[customer]`: how the customer, at `placeholder` or as `{customer}` in `query`, is read, and the attributes.

    With `id`, an answer is one only if it has the customer's id there, byte for byte.
    """

    operation: str
    values: dict[str, Pointer]
    id: Pointer | None = None
    placeholder: str = ""
    query: Query = {}


class BodyPart(Part, frozen=True):
    """One value of a body: from a param, or fixed; in a fixed text `{key}`, `{customer}` and params stand for them.

    `as` an `integer`, a text of digits becomes a number. Money is written `as` a number (`major`), whole smaller units (`minor`), or a text.
    Without a place for the `currency`, only the desk's own is sent.
    """

    to: Pointer
    from_: Pointer | None = msgspec.field(name="from", default=None)
    value: str | int | float | bool | None = None
    as_: Literal["", "major", "minor", "text", "integer"] = msgspec.field(name="as", default="")
    currency: Pointer | None = None


class Success(Part, frozen=True):
    """The test of an answer's body besides its status: the value there is one of these."""

    at: Pointer
    is_: list[str | int | bool] = msgspec.field(name="is")


class Requirement(Success, frozen=True):
    """Condition of a record for an act to be sent: the value at `at` is one of these."""

    kind: str
    param: Pointer


class Lookup(Part, frozen=True):
    """An operation that finds an act again: a status of 404 means that it is not there.

    `{key}` in `path` or `query` stands for the act's key. Of the list at `items`, one with the key `at` is the act.
    `account` is the one that asks: a system that knows keys by token shows them to no other than the one that acts.
    """

    operation: str
    account: Literal["read", "act"] = "read"
    path: dict[str, Pointer] = {}
    query: Query = {}
    items: Pointer = ""
    at: Pointer = ""


class KeyPromise(Part, frozen=True):
    """The system does each key once: `header` carries it, for `life_s` seconds, by `scope`: of one token, or of an account.

    `lookup` finds it again; without a place `at` it replays the answer, also a refusal.
    """

    header: Header
    life_s: Annotated[int, Meta(ge=60)] = 24 * 3600
    scope: Literal["token", "account"] = "token"
    lookup: Lookup | None = None


class MarkerPromise(Part, frozen=True):
    """`to` carries the key in the body, and `lookup` lists the records where it is then found.

    `{key}` in `to` and in `lookup.at` stands for the key, where each act has a place of its own.
    """

    to: Pointer
    lookup: Lookup


class ConditionalPromise(Part, frozen=True):
    """The system refuses a stale version: in `header`, or at `to` in the body. `resolved` shows that it was done."""

    kind: str
    param: Pointer
    header: Header | None = None
    to: Pointer | None = None
    stale: tuple[Status, ...] = (409, 412)
    at: Pointer | None = None
    same_as: Pointer | None = None


class DraftStep(Part, frozen=True):
    """A request that completes a draft before it is committed."""

    operation: str
    body: list[BodyPart] = []


class DraftMarker(MarkerPromise, frozen=True):
    """A draft carries the key, so that one whose answer was lost is found; `id` is its id in what `lookup` lists."""

    id: Pointer


class StatePromise(Part, frozen=True):
    """The act does nothing but bring a record into a state: there, the value `at` is one of `is`."""

    kind: str
    param: Pointer
    at: Pointer
    is_: Annotated[list[str | int | bool], Meta(min_length=1)] = msgspec.field(name="is")


class PreparePromise(Part, frozen=True):
    """The action's operation makes a harmless draft, `steps` complete it, `commit` does it, and `undo` deletes it."""

    id: Pointer
    placeholder: str
    commit: str
    undo: str
    state: str
    done: Success
    query: Query = {}
    steps: list[DraftStep] = []
    marker: DraftMarker | None = None


class Sum(Part, frozen=True):
    """The amounts `at` of the entries at `items`; with `where`, only of those whose value there is one of `is`."""

    items: Pointer
    at: Pointer = ""
    where: Pointer | None = None
    is_: list[str | int | bool] = msgspec.field(name="is", default=[])


class Limit(Part, frozen=True):
    """The most that the `amount` of an act may be: what a record sums up to when it is sent.

    Money there is a number or a text of the desk's own currency, in its larger unit.
    """

    amount: Pointer
    kind: str
    param: Pointer
    plus: Annotated[list[Sum], Meta(min_length=1)]
    minus: list[Sum] = []


class ActionMap(Part, frozen=True):
    """`[action."area.verb"]`. It is sent only where each of `only_if` holds."""

    operation: str
    path: dict[str, Pointer] = {}
    query: Query = {}
    body: list[BodyPart] = []
    values: dict[str, Pointer] = {}
    success: Success | None = None
    only_if: list[Requirement] = []
    refusals: list[Status] = []
    limit: Limit | None = None
    promise: Promise = "none"
    key: KeyPromise | None = None
    marker: MarkerPromise | None = None
    chosen_id: MarkerPromise | None = msgspec.field(name="chosen-id", default=None)
    conditional: ConditionalPromise | None = None
    state: StatePromise | None = None
    prepare_commit: PreparePromise | None = msgspec.field(name="prepare-commit", default=None)


class MappingFile(Part, frozen=True):
    """`mapping.toml`. `headers` go with each request, fixed; `pad_ms` is the least time that reading facts takes, whatever is found."""

    version: Literal[1]
    auth: Auth = Auth()
    headers: dict[Header, str] = {}
    pad_ms: Annotated[int, Meta(ge=0, le=1000)] = 100
    kind: dict[str, Kind] = {}
    customer: Customer | None = None
    action: dict[str, ActionMap] = {}


@struct(frozen=True, kw_only=True)
class ApiMapping:
    """A valid mapping with the operations of its document, and one digest over both files."""

    file: MappingFile
    operations: Mapping[str, Operation]
    digest: str


def read_mapping(file: Path, document: Path, catalogue: Catalogue) -> ApiMapping:
    """Read a mapping and the document it speaks of, and verify them against the catalogue.

    Raises:
        Refused: `settings.invalid`, naming the file, the key and the cure.
    """
    operations = {one.name: one for one in read_document(document).operations()}
    found, raw = read_rules_file(file, MappingFile, max_bytes=_MAX_BYTES, cure=_CURE)
    for key, problem in _problems(found, operations, catalogue):
        raise invalid_rule(file, key, problem, cure=_CURE)
    seen = hashlib.sha256(raw).hexdigest() + hashlib.sha256(document.read_bytes()).hexdigest()
    return ApiMapping(file=found, operations=operations, digest=f"sha256:{hashlib.sha256(seen.encode()).hexdigest()}")


def _problems(
    found: MappingFile, operations: Mapping[str, Operation], catalogue: Catalogue
) -> Iterator[tuple[str, str]]:
    """Yield each wrong key with its problem."""
    for name, value in found.headers.items():
        if name.lower() in _OURS | {found.auth.header} or not (value.isascii() and value.isprintable()):
            yield f"headers.{name}", "is a header of Remit's own, or has a value that no header can have"
    for name, kind in found.kind.items():
        if name not in catalogue.resources:
            yield f"kind.{name}", "is no resource of the catalogue"
        yield from _kind_problems(f"kind.{name}", kind, operations)
        yield from _owner_problems(f"kind.{name}.read.owner_kind", kind.read, found.kind)
    if found.customer is not None:
        yield from _reading("customer", found.customer.operation, operations)
        about = found.customer
        yield from _asked_for("customer", operations, about.operation, about.placeholder, about.query, "customer")
    for name, known in catalogue.actions.items():
        if not known.builtin and name not in found.action:
            yield f'action."{name}"', "is missing: an action of the catalogue that nothing here does"
    yield from _value_problems(found, catalogue)
    kinds = {name: kind for name, kind in found.kind.items() if kind.read is not None}
    for name, action in found.action.items():
        yield from _action_problems(f'action."{name}"', name, action, operations, catalogue, kinds)
    yield from _pointer_problems("mapping", msgspec.to_builtins(found))


def _kind_problems(key: str, kind: Kind, operations: Mapping[str, Operation]) -> Iterator[tuple[str, str]]:
    if kind.read is not None:
        if kind.read.form is not None and not _is_regular(kind.read.form):
            yield f"{key}.read.form", "is no regular expression"
        yield from _reading(f"{key}.read", kind.read.operation, operations)
        read = kind.read
        yield from _asked_for(f"{key}.read", operations, read.operation, read.placeholder, read.query, "id")
    if kind.list is not None:
        yield from _reading(f"{key}.list", kind.list.operation, operations)
        if not _has_hole(kind.list.query, "customer"):
            # ⚔ Without it, everybody's records would be offered to each customer.
            yield f"{key}.list.query", "does not say whose records: one value has to be {customer}"


def _is_regular(text: str) -> bool:
    """Return whether a text is a regular expression."""
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _asked_for(
    key: str, operations: Mapping[str, Operation], operation: str, placeholder: str, query: Query, hole: str
) -> Iterator[tuple[str, str]]:
    """Yield problems of an operation that is asked for one record or customer, in its path or in its query."""
    yield from _filled(key, operations.get(operation), {placeholder} - {""})
    if not placeholder and not _has_hole(query, hole):
        # ⚔ Without it, everybody would be shown the same record.
        yield key, f"does not say which one: it needs a placeholder, or {{{hole}}} in a value of its query"


def _has_hole(query: Query, name: str) -> bool:
    texts = (text for value in query.values() for text in (value if isinstance(value, list) else [value]))
    return any(hole[1] == name for text in texts for hole in HOLE.finditer(text))


def _owner_problems(key: str, read: KindRead | None, kinds: Mapping[str, Kind]) -> Iterator[tuple[str, str]]:
    if read is None or read.owner_kind is None:
        return
    other = kinds[read.owner_kind].read if read.owner_kind in kinds else None
    if read.owner is None or other is None or other.owner is None or other.owner_kind is not None:
        yield key, "needs an owner here, and there one that is no record of a further kind"


def _value_problems(found: MappingFile, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for key, values in _told_values(found):
        for name in values:
            if name not in catalogue.attributes:
                yield f'{key}.values."{name}"', "is no attribute of the catalogue"


def _told_values(found: MappingFile) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the tables of values that leave, by their keys."""
    if found.customer is not None:
        yield "customer", found.customer.values
    for name, kind in found.kind.items():
        if kind.read is not None:
            yield f"kind.{name}.read", kind.read.values
    for name, action in found.action.items():
        yield f'action."{name}"', action.values


def _action_problems(
    key: str,
    name: str,
    action: ActionMap,
    operations: Mapping[str, Operation],
    catalogue: Catalogue,
    kinds: Mapping[str, Kind],
) -> Iterator[tuple[str, str]]:
    known = catalogue.actions.get(name)
    if known is None or known.builtin:
        yield key, "is no action of the catalogue that a backoffice does"
        return
    yield from _filled(key, operations.get(action.operation), set(action.path))
    if known.effect is Effect.READ:
        yield from _reading(key, action.operation, operations)
        if action.promise != "none" or action.body:
            yield key, "only reads: it has neither a promise nor a body"
        return
    if action.operation.startswith("GET "):
        yield key, "writes, but its operation is a GET"
    unread = {one.kind for one in action.only_if} - kinds.keys()
    if unread:
        yield f"{key}.only_if", f"looks at a kind that nothing here reads: {', '.join(sorted(unread))}"
    records = {str(mark.path): mark.of for mark in known.marked(MarkKind.RESOURCE)}
    for mark in known.marked(MarkKind.PART):
        whole = records[mark.of]
        if whole not in kinds or not kinds[whole].parts:
            yield key, f"names parts of a kind whose parts are not mapped: add [kind.{whole}.parts]"
    tables = {
        "key": action.key,
        "marker": action.marker,
        "chosen-id": action.chosen_id,
        "conditional": action.conditional,
        "state": action.state,
        "prepare-commit": action.prepare_commit,
    }
    for promise, table in tables.items():
        if (table is not None) != (promise == action.promise):
            yield f"{key}.{promise}", f'and promise = "{promise}" belong together'
    yield from _promise_problems(key, action, operations, kinds)
    yield from _limit_problems(key, action.limit, kinds)
    yield from _record_problems(key, action, known)


def _record_problems(key: str, action: ActionMap, known: Action) -> Iterator[tuple[str, str]]:
    """Yield each look at a record that no param names as one: nothing verifies its owner, nothing holds it."""
    named = {(mark.of, "/" + "/".join(map(str, mark.path.steps))) for mark in known.marked(MarkKind.RESOURCE)}
    looks: dict[str, Requirement | Limit | ConditionalPromise | StatePromise | None] = {
        **{f"only_if.{number}": one for number, one in enumerate(action.only_if)},
        "limit": action.limit,
        "conditional": action.conditional,
        "state": action.state,
    }
    for name, look in looks.items():
        if look is not None and (look.kind, look.param) not in named:
            # ⚔ An agent would choose a record whose sums or state let its act through.
            yield f"{key}.{name}.param", f"is no param that the catalogue marks as a {look.kind}"


def _limit_problems(key: str, limit: Limit | None, kinds: Mapping[str, Kind]) -> Iterator[tuple[str, str]]:
    if limit is None:
        return
    if limit.kind not in kinds:
        yield f"{key}.limit.kind", "has no read"
    for one in (*limit.plus, *limit.minus):
        if (one.where is None) != (not one.is_):
            yield f"{key}.limit", "has a sum of which only one of where and is is given"


def _promise_problems(
    key: str, action: ActionMap, operations: Mapping[str, Operation], kinds: Mapping[str, Kind]
) -> Iterator[tuple[str, str]]:
    prepared = action.prepare_commit
    marked = action.marker or action.chosen_id or (prepared.marker if prepared else None)
    lookup = marked.lookup if marked else action.key.lookup if action.key else None
    if lookup is not None:
        yield from _reading(f"{key}.{action.promise}.lookup", lookup.operation, operations)
        yield from _filled(f"{key}.{action.promise}.lookup", operations.get(lookup.operation), set(lookup.path))
        if not (lookup.at or KEY in lookup.path.values() or _has_hole(lookup.query, "key")):
            # ⚔ Any answer would show that the act was done.
            yield f"{key}.{action.promise}.lookup", f"asks for no key: it needs at, or {KEY} in its path or query"
    if action.conditional is not None and (action.conditional.header is None) == (action.conditional.to is None):
        yield f"{key}.conditional", "needs either a header or a place in the body for the version"
    if action.state is not None and action.state.kind not in kinds:
        yield f"{key}.state.kind", "has no read"
    if prepared is not None:
        parts = [("commit", prepared.commit), ("undo", prepared.undo), ("state", prepared.state)]
        parts += [(f"steps.{number}", step.operation) for number, step in enumerate(prepared.steps)]
        for part, operation in parts:
            yield from _filled(f"{key}.prepare-commit.{part}", operations.get(operation), {prepared.placeholder})
        yield from _reading(f"{key}.prepare-commit.state", prepared.state, operations)


def _reading(key: str, operation: str, operations: Mapping[str, Operation]) -> Iterator[tuple[str, str]]:
    if operation not in operations:
        yield f"{key}.operation", f"{operation!r} is not in the document"
    elif not operation.startswith("GET "):
        yield f"{key}.operation", "must be a GET: it only reads"


def _filled(key: str, operation: Operation | None, given: set[str]) -> Iterator[tuple[str, str]]:
    if operation is None:
        yield f"{key}.operation", "is not in the document"
    elif set(operation.placeholders()) != given:
        wanted = ", ".join(sorted(operation.placeholders())) or "none"
        yield key, f"has to fill exactly the placeholders of its operation: {wanted}"


_OURS: Final = frozenset({"content-length", "content-type", "host", "transfer-encoding", "connection"})
_READ_POINTERS: Final = frozenset({"amount", "at", "from", "id", "items", "name", "owner", "param", "same_as", "where"})
_WRITE_POINTERS: Final = frozenset({"currency", "to"})
_NAMED_POINTERS: Final = frozenset({"path", "values"})


def _pointer_problems(key: str, node: object, *, named: bool = False) -> Iterator[tuple[str, str]]:
    """Yield each malformed pointer."""
    for name, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        at = f"{key}.{name}"
        if isinstance(value, str):
            if value.startswith(ENCODED) and not _is_json(value.removeprefix(ENCODED)):
                yield at, f"is no JSON behind {ENCODED}"
            try:
                if (named and value != KEY) or name in _READ_POINTERS:
                    steps_of(value)
                elif name in _WRITE_POINTERS:
                    verify_writable(value)
            except PointerError as wrong:
                yield at, str(wrong)
        else:
            yield from _pointer_problems(at, value, named=name in _NAMED_POINTERS)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True
