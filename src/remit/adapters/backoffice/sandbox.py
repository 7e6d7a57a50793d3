"""The facts-driven backoffice of the sandbox: whose records there are is given as data, writes change nothing.

In memory and fast; idempotent, fenced and versioned like any other; it can be told to fail.
"""

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from remit.domain.catalogue.model import Action, Catalogue, MarkKind
from remit.domain.errors import Code, Fault, Refused
from remit.domain.param_paths import ParamPath, values_at
from remit.domain.policy.decision import RecordFacts
from remit.domain.secrets.outbound import attribute_values
from remit.domain.values import Json, JsonObject
from remit.ports.backoffice import Act, ActOutcome, ActResult, RecordSummary
from remit.ports.world import World

Perform: TypeAlias = Callable[[str, Mapping[str, Json], str], Mapping[str, Json] | None]
"""`perform(action, params, customer)`: a write's flat result; raising means the desk said no."""

_CUSTOMER: Final = "customer"
_PARTS: Final = frozenset({"attributes", "owners", "records"})
_CURE: Final = "Correct the facts the sandbox is given; kinds and attributes are those of its catalogue."
_MAX_TOLD_LENGTH: Final = 80
_NOT_FOUND: Final = ActResult(state=ActOutcome.FAILED, values={}, reason="There is no such record of this customer.")
_UNSEEN: Final = ActResult(state=ActOutcome.UNSEEN, values={})
_FENCED: Final = ActResult(state=ActOutcome.FENCED, values={}, reason="Fenced before it was done.")


@dataclass(slots=True)
class _FactRecord:
    """One record as the facts tell it."""

    owners: frozenset[str]
    name: str
    values: Mapping[str, Json]
    version: int = 1
    contents: Mapping[str, str] = field(default_factory=dict)


class SandboxBackoffice:
    """A desk made of facts: `{"owners": …, "attributes": …, "records": …}`, each by kind and id.

    Attributes may stand in the records too, by their declared names; what `attributes` says of them counts. A customer's
    own attributes stand under kind `customer`, and a customer owns the record of that kind under its own id.
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
        """Read the facts. With `versions_move` a write that is done gives the records it names a new version.

        Raises:
            Refused: `settings.invalid` when the facts are not of that shape, or name what the catalogue does not declare.
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
        """Be unreachable, or reachable again."""
        self._down = down

    def touch(self, kind: str, record_id: str) -> None:
        """Give a record a new version, as if somebody had changed it."""
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
        """Use these facts from now on; what was performed stays performed.

        Raises:
            Refused: `settings.invalid` when the facts are not of that shape, or name what the catalogue does not declare.
        """
        self._known = _read_facts(facts, self._catalogue)

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Say whose the records are."""
        self._verify_up()
        as_of = self._world.now()
        return [self._fact(kind, record_id, customer, as_of) for kind, record_id in records]

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:
        """Say what the customer's own records consist of."""
        self._verify_up()
        found = (self._known.get(place) for place in records)
        return [one.contents if one is not None and customer in one.owners else {} for one in found]

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
        return ActResult(
            state=ActOutcome.DONE, values={name: told[0] if len(told) == 1 else told for name, told in values.items()}
        )

    async def perform(self, act: Act) -> ActResult:
        """Do the act once: versions, then the rule given, else log it and answer nothing.

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

    async def outcome(self, key: str) -> ActResult:
        """Say what became of a key."""
        self._verify_up()
        return self._acts.get(key, _UNSEEN)

    async def fence(self, key: str) -> ActResult:
        """Make sure the key never executes."""
        self._verify_up()
        return self._acts.setdefault(key, _FENCED)

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        """The customer's actual values; an attribute of records gives all values over the customer's own records."""
        self._verify_up()
        found: dict[str, Json] = {}
        own = self._find(_CUSTOMER, customer, customer)
        held = {} if own is None else own.values
        for name in names:
            if name in held:
                found[name] = held[name]
                continue
            own_records = [
                (place, known)
                for place, known in self._known.items()
                if customer in known.owners and name in known.values
            ]
            told = attribute_values([(*place, known.values[name]) for place, known in own_records], beside or {})
            if told:
                found[name] = told
        return found

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """The customer's own records of one kind."""
        self._verify_up()
        own = (
            (place[1], known) for place, known in self._known.items() if place[0] == kind and customer in known.owners
        )
        return tuple(
            RecordSummary(kind=kind, id=record_id, name=known.name)
            for record_id, known in sorted(own, key=lambda one: one[0])
        )

    def _do(self, act: Act) -> ActResult:
        for (kind, record_id), version in act.versions.items():
            known = self._find(kind, record_id, act.customer)
            if known is None or str(known.version) != version:
                return ActResult(
                    state=ActOutcome.FAILED, values={}, reason=f"The {kind} changed since this was decided."
                )
        self.performed.append(act)
        values: Mapping[str, Json] = {}
        if self._perform is not None:
            try:
                values = self._perform(act.action, act.params, act.customer) or {}
            except Exception as problem:  # noqa: BLE001  # the rule belongs to whoever tries the sandbox; raising is its way to say no
                return ActResult(state=ActOutcome.FAILED, values={}, reason=str(problem) or type(problem).__name__)
        if self._versions_move:
            for place in self._named(act.action, act.params):
                if place in self._known:
                    self._known[place].version += 1
        return ActResult(state=ActOutcome.DONE, values=values)

    def _fact(self, kind: str, record_id: str, customer: str, as_of: int) -> RecordFacts | None:
        known = self._find(kind, record_id, customer)
        told = known or _FactRecord(frozenset(), record_id, {})
        relation = "public" if self._is_public(kind) else "owner" if customer in told.owners else "none"
        fact = RecordFacts(
            id=record_id, owners=told.owners, relation=relation, as_of=as_of, version=str(told.version), name=told.name
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
    """Where an action names records: a plain name where that suffices, which is almost always."""
    marks = action.marked(MarkKind.RESOURCE)
    return tuple(
        (mark.of, mark.path if mark.path.has_wildcard or len(mark.path.steps) > 1 else str(mark.path)) for mark in marks
    )


def _read_facts(facts: Mapping[str, Any], catalogue: Catalogue) -> dict[tuple[str, str], _FactRecord]:
    """Lay the three parts of the facts over each other: of a record, what bears a declared attribute's name, and over it its attributes.

    Raises:
        Refused: `settings.invalid`.
    """
    for part in facts:
        if part not in _PARTS:
            raise _invalid(f"there is no part {_told(part)}; the parts are owners, attributes, records")
    kinds = {_CUSTOMER, *catalogue.resources}
    owners, attributes, records = (
        _by_place(facts.get(part, {}), part, kinds) for part in ("owners", "attributes", "records")
    )
    known: dict[tuple[str, str], _FactRecord] = {}
    for place in [*owners, *(place for place in (*attributes, *records) if place not in owners)]:
        kind, record_id = place
        whose = owners.get(place, [record_id] if kind == _CUSTOMER else [])
        told, about = attributes.get(place, {}), records.get(place, {})
        if not isinstance(told, Mapping) or not isinstance(about, Mapping):
            raise _invalid(f"what is told of {kind} {record_id!r} must be an object")
        _verify_declared(told, place, catalogue.attributes)
        values = {name: value for name, value in about.items() if name in catalogue.attributes}
        held = {**values, **told} if values else told
        known[place] = _FactRecord(
            _owners(whose, place), _name(about, record_id), held, contents=_contents(about, place)
        )
    return known


def _by_place(part: object, name: str, kinds: Collection[str]) -> dict[tuple[str, str], Any]:
    """One part of the facts by kind and id. A kind that nobody declared would be a record that no action ever finds."""
    if not isinstance(part, Mapping) or not all(isinstance(by_id, Mapping) for by_id in part.values()):
        raise _invalid(f"{name} must be objects by kind, then by id")
    for kind, by_id in part.items():
        if kind not in kinds:
            raise _invalid(f"{name}: the catalogue has no kind {_told(kind)}; {_nearest(kind, kinds)}")
        for record_id in by_id:
            if not isinstance(record_id, str):
                raise _invalid(f"{name}: the id of a record is a text, and {kind} {_told(record_id)} has none")
    return {(kind, record_id): value for kind, by_id in part.items() for record_id, value in by_id.items()}


def _verify_declared(told: Mapping[str, Json], place: tuple[str, str], declared: Collection[str]) -> None:
    for name in told:
        if name not in declared:
            where = f"attributes of {place[0]} {_told(place[1])}"
            raise _invalid(f"{where}: the catalogue has no attribute {_told(name)}; {_nearest(name, declared)}")


def _nearest(name: object, known: Iterable[str]) -> str:
    """What may have been meant, else all there is."""
    near = difflib.get_close_matches(str(name), sorted(known), n=3)
    return f"near are {', '.join(near)}" if near else f"known are {', '.join(sorted(known))}"


def _told(given: object) -> str:
    return repr(given)[:_MAX_TOLD_LENGTH]


def _owners(whose: object, place: tuple[str, str]) -> frozenset[str]:
    found = [whose] if isinstance(whose, str) else whose
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
    """What a record consists of, by id: `"contents": {"i1": "Kettle"}`."""
    found = about.get("contents", {})
    if not isinstance(found, Mapping):
        raise _invalid(f"contents of {place[0]} {place[1]!r} must be names by id")
    return {part: name for part, name in found.items() if isinstance(name, str)}


def _invalid(problem: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"facts: {problem}", public=f"facts: {problem}", cure=_CURE)
