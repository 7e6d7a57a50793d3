"""The facts-driven backoffice of the sandbox: records are given as data, writes change nothing.

In memory and fast; idempotent, fenced and versioned like any other; tests may make it fail.
"""

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from remit.domain.catalogue.model import Action, Catalogue, MarkKind
from remit.domain.errors import Code, Fault, Refused
from remit.domain.param_paths import ParamPath, values_at
from remit.domain.policy.decision import RecordFacts, relation_of
from remit.domain.secrets.outbound import attribute_values
from remit.domain.values import Json, JsonObject
from remit.ports.backoffice import Act, ActOutcome, ActResult, RecordSummary
from remit.ports.world import World

Perform: TypeAlias = Callable[[str, Mapping[str, Json], str], Mapping[str, Json] | None]
"""`perform(action, params, customer)`: a write's flat result; raising means that the desk refuses."""

_CUSTOMER: Final = "customer"
_PARTS: Final = frozenset({"attributes", "owners", "records"})
_CURE: Final = "Correct the facts the sandbox is given; kinds and attributes are those of its catalogue."
_MAX_TOLD_LENGTH: Final = 80
_NOT_FOUND: Final = ActResult(state=ActOutcome.FAILED, values={}, reason="There is no such record of this customer.")
_UNSEEN: Final = ActResult(state=ActOutcome.UNSEEN, values={})
_FENCED: Final = ActResult(state=ActOutcome.FENCED, values={}, reason="Fenced before it was done.")


@dataclass(slots=True)
class _FactRecord:
    """One record given by the facts."""

    owners: frozenset[str]
    name: str
    values: Mapping[str, Json]
    version: int = 1
    contents: Mapping[str, str] = field(default_factory=dict)


class SandboxBackoffice:
    """A desk made of facts: `{"owners": …, "attributes": …, "records": …}`, each by kind and id.

    Records may hold attributes too, by their declared names; `attributes` takes precedence. A customer's own attributes
    are under kind `customer`, and a customer owns the record of that kind under its own id.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        world: World,
        facts: Mapping[str, Any],
        *,
        perform: Perform | None = None,
        versions_move: bool = False,
    ) -> None:
        """Read the facts. With `versions_move` a completed write gives the records it names a new version.

        Raises:
            Refused: `settings.invalid` when the facts have another shape, or name something undeclared.
        """
        self._catalogue = catalogue
        self._world = world
        self._perform = perform
        self._versions_move = versions_move
        self._known = _read_facts(facts, catalogue)
        self._named_at = {name: _places(action) for name, action in catalogue.actions.items()}
        self._acts: dict[str, ActResult] = {}
        self._fail: list[Literal["before", "after"]] = []
        self._down = False
        self.performed: list[Act] = []

    def fail_next(self, when: Literal["before", "after"]) -> None:
        """Make the next act fail, before or after it stored."""
        self._fail.append(when)

    def set_unavailable(self, down: bool) -> None:  # noqa: FBT001  # a switch
        """Become unreachable, or reachable again."""
        self._down = down

    def touch(self, kind: str, record_id: str) -> None:
        """Give a record a new version, as if it had been changed."""
        self._known[kind, record_id].version += 1

    def put(
        self,
        kind: str,
        record_id: str,
        *,
        owners: Sequence[str],
        name: str = "",
        values: Mapping[str, Json] | None = None,
        contents: Mapping[str, str] | None = None,
    ) -> None:
        """Add or replace a record while the sandbox runs."""
        before = self._known.get((kind, record_id))
        version = 1 if before is None else before.version + 1
        self._known[kind, record_id] = _FactRecord(
            frozenset(owners), name or record_id, values or {}, version, contents or {}
        )

    def replace_facts(self, facts: Mapping[str, Any]) -> None:
        """Replace the facts; past acts stay performed.

        Raises:
            Refused: `settings.invalid` when the facts have another shape, or name something undeclared.
        """
        self._known = _read_facts(facts, self._catalogue)

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Return ownership facts."""
        self._verify_up()
        as_of = self._world.now()
        return [self._fact(kind, record_id, customer, as_of) for kind, record_id in records]

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:
        """Return the parts of the customer's own records."""
        self._verify_up()
        found = (self._known.get(place) for place in records)
        return [record.contents if record is not None and customer in record.owners else {} for record in found]

    async def read(self, action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
        """Answer from the records the params name, else from the customer."""
        self._verify_up()
        found = self._catalogue.action(action)
        named = list(self._named(action, params)) or [(_CUSTOMER, customer)]
        values: dict[str, list[Json]] = {}
        for kind, record_id in named:
            known = self._find(kind, record_id, customer)
            if known is None or not (self._is_public(kind) or customer in known.owners):
                return _NOT_FOUND
            for name in found.returns:
                if name in known.values:
                    values.setdefault(name, []).append(known.values[name])
        flat = {name: several[0] if len(several) == 1 else several for name, several in values.items()}
        return ActResult(state=ActOutcome.DONE, values=flat)

    async def perform(self, act: Act) -> ActResult:
        """Do the act once: check versions, then run the given rule, else log it and answer nothing.

        Raises:
            Fault: `fault.backoffice` when told to fail or be down.
        """
        self._verify_up()
        failing = self._fail.pop(0) if self._fail else None
        if failing == "before":
            raise Fault(Code.FAULT_BACKOFFICE, "told to fail before storing")
        before = self._acts.get(act.key)
        if before is None:
            before = self._acts[act.key] = self._do(act)
        if failing == "after":
            raise Fault(Code.FAULT_BACKOFFICE, "told to fail after storing")
        return before

    async def outcome(self, act: Act) -> ActResult:
        """Return the state of the act's key."""
        self._verify_up()
        return self._acts.get(act.key, _UNSEEN)

    async def fence(self, act: Act) -> ActResult:
        """Prevent the act's key from ever executing."""
        self._verify_up()
        return self._acts.setdefault(act.key, _FENCED)

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        """Return the customer's values; an attribute of records gives all values over the customer's own records."""
        self._verify_up()
        found: dict[str, Json] = {}
        own = self._find(_CUSTOMER, customer, customer)
        held = {} if own is None else own.values
        for name in names:
            if name in held:
                found[name] = held[name]
                continue
            own_values = [
                (*place, known.values[name])
                for place, known in self._known.items()
                if customer in known.owners and name in known.values
            ]
            values = attribute_values(own_values, beside or {})
            if values:
                found[name] = values
        return found

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """Return the customer's own records of one kind."""
        self._verify_up()
        own = sorted(place for place, known in self._known.items() if place[0] == kind and customer in known.owners)
        return tuple(RecordSummary(kind=kind, id=place[1], name=self._known[place].name) for place in own)

    def _do(self, act: Act) -> ActResult:
        for (kind, record_id), version in act.versions.items():
            known = self._find(kind, record_id, act.customer)
            if known is None or str(known.version) != version:
                reason = f"The {kind} changed since this was decided."
                return ActResult(state=ActOutcome.FAILED, values={}, reason=reason)
        self.performed.append(act)
        values: Mapping[str, Json] = {}
        if self._perform is not None:
            try:
                values = self._perform(act.action, act.params, act.customer) or {}
            except Exception as problem:  # noqa: BLE001  # the rule is the sandbox user's; it refuses by raising
                return ActResult(state=ActOutcome.FAILED, values={}, reason=str(problem) or type(problem).__name__)
        if self._versions_move:
            for place in self._named(act.action, act.params):
                if place in self._known:
                    self._known[place].version += 1
        return ActResult(state=ActOutcome.DONE, values=values)

    def _fact(self, kind: str, record_id: str, customer: str, as_of: int) -> RecordFacts | None:
        known = self._find(kind, record_id, customer)
        record = known or _FactRecord(frozenset(), record_id, {})
        owners = record.owners
        relation = relation_of(customer, owners, public=self._is_public(kind))
        version = str(record.version)
        fact = RecordFacts(
            id=record_id, owners=owners, relation=relation, as_of=as_of, version=version, name=record.name
        )
        return None if known is None else fact

    def _find(self, kind: str, record_id: str, customer: str) -> _FactRecord | None:
        known = self._known.get((kind, record_id))
        if known is None and kind == _CUSTOMER and record_id == customer:
            return _FactRecord(frozenset({customer}), customer, {})
        return known

    def _is_public(self, kind: str) -> bool:
        resource = self._catalogue.resources.get(kind)
        return resource is not None and resource.public

    def _named(self, action: str, params: JsonObject) -> Iterator[tuple[str, str]]:
        for kind, path in self._named_at.get(action, ()):
            found = (params.get(path),) if isinstance(path, str) else values_at(params, path)
            for value in found:
                if isinstance(value, str):
                    yield kind, value
                elif isinstance(value, Sequence):
                    yield from ((kind, item) for item in value if isinstance(item, str))

    def _verify_up(self) -> None:
        if self._down:
            raise Fault(Code.FAULT_BACKOFFICE, "told to be down")


def _places(action: Action) -> tuple[tuple[str, str | ParamPath], ...]:
    """Return the paths at which an action names records: a plain name where that suffices, which is almost always."""
    marks = action.marked(MarkKind.RESOURCE)
    return tuple(
        (mark.of, mark.path if mark.path.has_wildcard or len(mark.path.steps) > 1 else str(mark.path)) for mark in marks
    )


def _read_facts(facts: Mapping[str, Any], catalogue: Catalogue) -> dict[tuple[str, str], _FactRecord]:
    """Combine the three parts of the facts: declared attributes in `records`, overridden by `attributes`.

    Raises:
        Refused: `settings.invalid`.
    """
    for part in facts:
        if part not in _PARTS:
            raise _invalid(f"there is no part {_shown(part)}; the parts are owners, attributes, records")
    kinds = {_CUSTOMER, *catalogue.resources}
    owners, attributes, records = (
        _by_place(facts.get(part, {}), part, kinds) for part in ("owners", "attributes", "records")
    )
    known: dict[tuple[str, str], _FactRecord] = {}
    for place in [*owners, *(place for place in (*attributes, *records) if place not in owners)]:
        kind, record_id = place
        owner_ids = owners.get(place, [record_id] if kind == _CUSTOMER else [])
        stated, about = attributes.get(place, {}), records.get(place, {})
        if not isinstance(stated, Mapping) or not isinstance(about, Mapping):
            raise _invalid(f"what is told of {kind} {record_id!r} must be an object")
        _verify_declared(stated, place, catalogue.attributes)
        values = {name: value for name, value in about.items() if name in catalogue.attributes}
        known[place] = _FactRecord(
            _owners(owner_ids, place),
            _name(about, record_id),
            {**values, **stated} if values else stated,
            contents=_contents(about, place),
        )
    return known


def _by_place(part: object, name: str, kinds: Collection[str]) -> dict[tuple[str, str], Any]:
    """Return one part of the facts by kind and id. Refuse undeclared kinds, which no action would ever find."""
    if not isinstance(part, Mapping) or not all(isinstance(by_id, Mapping) for by_id in part.values()):
        raise _invalid(f"{name} must be objects by kind, then by id")
    for kind, by_id in part.items():
        if kind not in kinds:
            raise _invalid(f"{name}: the catalogue has no kind {_shown(kind)}; {_nearest(kind, kinds)}")
        for record_id in by_id:
            if not isinstance(record_id, str):
                raise _invalid(f"{name}: the id of a record is a text, and {kind} {_shown(record_id)} has none")
    return {(kind, record_id): value for kind, by_id in part.items() for record_id, value in by_id.items()}


def _verify_declared(stated: Mapping[str, Json], place: tuple[str, str], declared: Collection[str]) -> None:
    for name in stated:
        if name not in declared:
            where = f"attributes of {place[0]} {_shown(place[1])}"
            raise _invalid(f"{where}: the catalogue has no attribute {_shown(name)}; {_nearest(name, declared)}")


def _nearest(name: object, known: Iterable[str]) -> str:
    """Suggest similar names, else list all."""
    near = difflib.get_close_matches(str(name), sorted(known), n=3)
    return f"near are {', '.join(near)}" if near else f"known are {', '.join(sorted(known))}"


def _shown(given: object) -> str:
    return repr(given)[:_MAX_TOLD_LENGTH]


def _owners(owner_ids: object, place: tuple[str, str]) -> frozenset[str]:
    found = [owner_ids] if isinstance(owner_ids, str) else owner_ids
    if not isinstance(found, Sequence) or not all(isinstance(owner, str) for owner in found):
        raise _invalid(f"owners of {place[0]} {place[1]!r} must be a customer or a list of customers")
    return frozenset(found)


def _name(about: Mapping[str, Json], record_id: str) -> str:
    for member in ("name", "title"):
        value = about.get(member)
        if isinstance(value, str) and value:
            return value
    return record_id


def _contents(about: Mapping[str, Json], place: tuple[str, str]) -> Mapping[str, str]:
    """Return the parts of a record by id: `"contents": {"i1": "Kettle"}`."""
    found = about.get("contents", {})
    if not isinstance(found, Mapping):
        raise _invalid(f"contents of {place[0]} {place[1]!r} must be names by id")
    return {part: name for part, name in found.items() if isinstance(name, str)}


def _invalid(problem: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"facts: {problem}", public=f"facts: {problem}", cure=_CURE)
