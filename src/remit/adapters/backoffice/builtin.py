"""The built-in backoffice: facts, reads and acts on the desk's own database.

`effects/` implements the actions; this file handles ownership, versions, keys and fences.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from remit.adapters.backoffice import books
from remit.adapters.backoffice.effects import EFFECTS, Effect
from remit.adapters.backoffice.effects.reads import READS
from remit.adapters.builtin_desk.jobs import UNDO, DeskConnection, DeskJobs
from remit.domain.catalogue.model import Action, Catalogue, MarkKind
from remit.domain.catalogue.model import Effect as Kind
from remit.domain.errors import Code, Fault, Refused
from remit.domain.param_paths import values_at
from remit.domain.policy.decision import RecordFacts, relation_of
from remit.domain.secrets.outbound import attribute_values
from remit.domain.values import Instant, Json, JsonObject, verify_money
from remit.ports.backoffice import Act, ActOutcome, ActResult, RecordSummary
from remit.ports.world import World

T = TypeVar("T")

BEFORE_ACT: Final = "desk.before_act"
AFTER_ACT: Final = "desk.after_act"
_INSERT_ACT: Final = """insert or ignore into act
(key, state, result, reason, action, customer, desk_case, decision, confirmed_by, at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_INCOMPLETE: Final = "The record does not have what is needed for this; a person must check it."
_NOT_FOUND: Final = ActResult(state=ActOutcome.FAILED, values={}, reason="There is no such record of this customer.")


def verify_effects(catalogue: Catalogue, effects: Mapping[str, Effect] = EFFECTS) -> None:
    """Verify that the built-in desk can do every write of a catalogue.

    Raises:
        Refused: `catalogue.invalid`.
    """
    for action in catalogue.actions.values():
        if action.effect is Kind.WRITE and not action.builtin and action.name not in effects:
            raise Refused(
                Code.CATALOGUE_INVALID,
                f"the built-in backoffice cannot do {action.name!r}: take the action out; to try it, serve a sandbox, "
                "which does it on facts",
            )


class BuiltinBackoffice:
    """The desk in a database. An act's effect and key share one transaction; a fence is a key written first."""

    def __init__(
        self,
        database: DeskJobs,
        world: World,
        catalogue: Catalogue,
        *,
        effects: Mapping[str, Effect] = EFFECTS,
        on_point: Callable[[str], None] | None = None,
    ) -> None:
        """Create missing tables. `on_point` is called at each named crash point, for fault tests.

        Raises:
            Refused: `catalogue.invalid` when the catalogue has a write the built-in desk cannot do;
                `settings.invalid` when the file holds another version of the tables.
        """
        verify_effects(catalogue, effects)
        self._database = database
        self._world = world
        self._catalogue = catalogue
        self._effects = effects
        self._on_point = on_point
        database.prepare("backoffice", books.VERSION, books.TABLES)

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Return ownership facts; the same look-ups and work for every id, known, foreign or not."""
        as_of = self._world.now()
        return await self._read(
            lambda connection: [self._fact(connection, kind, record_id, customer, as_of) for kind, record_id in records]
        )

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:
        """Return the parts of the customer's own records: whatever in their data has an id and a title."""

        def job(connection: DeskConnection) -> Sequence[Mapping[str, str]]:
            found = (books.find_record(connection, kind, record_id) for kind, record_id in records)
            return [
                dict(_parts(record.data)) if record is not None and customer in record.owners else {}
                for record in found
            ]

        return await self._read(job)

    async def read(self, action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
        """Answer a read: from the choices there are, else the named records, else the customer's attributes."""
        found = self._catalogue.action(action)
        look = READS.get(action)
        if look is None:
            return await self._read(lambda connection: self._answer(connection, found, params, customer))
        now = self._world.now()
        return await self._read(
            lambda connection: _look(look, books.Books(connection, customer=customer, act="", case="", now=now), params)
        )

    async def perform(self, act: Act) -> ActResult:
        """Do the act once; its key and its effect become durable together.

        Raises:
            Fault: `fault.backoffice`; the act's fate is then unknown to the caller, and known by `outcome`.
        """
        effect = self._effects.get(act.action)
        if effect is None:
            raise Fault(Code.FAULT_BACKOFFICE, f"no effect for {act.action}")
        now = self._world.now()

        def job(connection: DeskConnection) -> ActResult:
            book = books.Books(
                connection, customer=act.customer, act=act.key, case=act.case, now=now, confirmed_by=act.confirmed_by
            )
            done = _try(connection, effect, book, act)
            if _write_act(connection, act.key, done, now=now, act=act):
                return done
            # The key exists already, which is rare and therefore checked last: its first answer counts.
            connection.execute(UNDO)
            return _result(connection, act.key)

        self._point(BEFORE_ACT)  # a crash here leaves no trace: `outcome` returns unseen
        done = await self._database.write(job, fault=Code.FAULT_BACKOFFICE)
        self._point(AFTER_ACT)  # a crash here leaves a durable act whose answer was lost: `outcome` returns it
        return done

    async def outcome(self, act: Act) -> ActResult:
        """Return the durable state of the act's key."""
        return await self._read(lambda connection: _result(connection, act.key))

    async def fence(self, act: Act) -> ActResult:
        """Prevent the act's key from ever executing; durable on return."""
        key, now = act.key, self._world.now()

        def job(connection: DeskConnection) -> ActResult:
            fenced = ActResult(state=ActOutcome.FENCED, values={}, reason="Fenced before it was done.")
            return fenced if _write_act(connection, key, fenced, now=now, act=None) else _result(connection, key)

        return await self._database.write(job, fault=Code.FAULT_BACKOFFICE)

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        """Return the customer's values; an attribute of records gives all values over the customer's own records."""
        return await self._read(lambda connection: dict(_actual(connection, customer, names, beside or {})))

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """Return the customer's own records of one kind."""

        def job(connection: DeskConnection) -> Sequence[RecordSummary]:
            return tuple(
                RecordSummary(kind=kind, id=record.id, name=record.name)
                for record in books.owned_records(connection, customer, kind)
            )

        return await self._read(job)

    async def seed(self, seed: Mapping[str, Any]) -> None:
        """Write the first customers, records and payments of a pack; existing ones are left alone."""
        now = self._world.now()
        await self._database.write(lambda connection: _seed(connection, seed, now), fault=Code.FAULT_BACKOFFICE)

    async def notices(self, customer: str) -> Sequence[tuple[str, str]]:
        """Return the letters about a customer: (recipient, text), oldest first."""
        select = "select recipient, text from notice where customer = ? order by n"
        return await self._read(lambda connection: tuple(connection.execute(select, (customer,))))

    async def movements(self, kind: str, record_id: str) -> Sequence[tuple[str, str, str]]:
        """Return the movements of money for a record: (entry, payment method, signed amount), oldest first."""

        def job(connection: DeskConnection) -> Sequence[tuple[str, str, str]]:
            rows = connection.execute(
                "select entry, method, minor, currency from ledger where kind = ? and id = ? order by n",
                (kind, record_id),
            )
            return tuple(
                (entry, method, books.from_minor_units(minor, currency)) for entry, method, minor, currency in rows
            )

        return await self._read(job)

    def _read(self, job: Callable[[DeskConnection], T]) -> Awaitable[T]:
        return self._database.read(job, fault=Code.FAULT_BACKOFFICE)

    def _point(self, name: str) -> None:
        if self._on_point is not None:
            self._on_point(name)

    def _fact(
        self, connection: DeskConnection, kind: str, record_id: str, customer: str, as_of: int
    ) -> RecordFacts | None:
        name, version, owners = books.describe_record(connection, kind, record_id)
        public = kind in self._catalogue.resources and self._catalogue.resources[kind].public
        relation = relation_of(customer, owners, public=public)
        fact = RecordFacts(id=record_id, owners=owners, relation=relation, as_of=as_of, version=str(version), name=name)
        return fact if version else None

    def _answer(self, connection: DeskConnection, action: Action, params: JsonObject, customer: str) -> ActResult:
        named: dict[str, list[books.DeskRecord]] = {}
        for kind, record_id in _named(action, params):
            record = books.find_record(connection, kind, record_id)
            public = kind in self._catalogue.resources and self._catalogue.resources[kind].public
            if record is None or (not public and customer not in record.owners):
                return _NOT_FOUND
            named.setdefault(kind, []).append(record)
        held = books.customer_attributes(connection, customer)
        values: dict[str, Json] = {}
        for name in action.returns:
            kind, _, member = name.partition(".")
            if kind in named:
                held_values = [record.data[member] for record in named[kind] if member in record.data]
                if held_values:
                    values[name] = held_values[0] if len(named[kind]) == 1 else held_values
            elif name in held:
                values[name] = held[name]
        return ActResult(state=ActOutcome.DONE, values=values)


def _named(action: Action, params: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield the records named by an action's params, in the order of the schema."""
    for mark in action.marked(MarkKind.RESOURCE):
        for value in values_at(params, mark.path):
            if isinstance(value, str):
                yield mark.of, value
            elif isinstance(value, Sequence):
                yield from ((mark.of, item) for item in value if isinstance(item, str))


def _parts(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (id, title) of the parts that lists in a record's data hold."""
    for parts in data.values():
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, Mapping) and isinstance(part.get("id"), str) and isinstance(part.get("title"), str):
                yield part["id"], part["title"]


def _try(connection: DeskConnection, effect: Effect, book: books.Books, act: Act) -> ActResult:
    """Run the effect if the versions still hold; a refusal of the desk leaves nothing behind."""
    for (kind, record_id), version in sorted(act.versions.items()):
        if not book.has_version(kind, record_id, version):
            return _failed(f"The {kind.replace('_', ' ')} changed since this was decided.")
    done = _look(effect, book, act.params)
    if done.state is ActOutcome.FAILED:
        connection.execute(UNDO)
    return done


def _look(look: Effect, book: books.Books, params: JsonObject) -> ActResult:
    """Run an effect or a look-up, and turn refusals into a failed result."""
    try:
        return ActResult(state=ActOutcome.DONE, values=look(book, params))
    except books.ActFailed as failed:
        return _failed(str(failed))
    except (LookupError, TypeError):
        # A record of an unknown shape keeps it: retried for ever, the act would never be settled.
        return _failed(_INCOMPLETE)


def _failed(reason: str) -> ActResult:
    return ActResult(state=ActOutcome.FAILED, values={}, reason=reason)


def _result(connection: DeskConnection, key: str) -> ActResult:
    row = connection.execute("select state, result, reason from act where key = ?", (key,)).fetchone()
    if row is None:
        return ActResult(state=ActOutcome.UNSEEN, values={})
    return ActResult(state=ActOutcome(row[0]), values=books.decode_data(row[1]), reason=row[2])


def _write_act(connection: DeskConnection, key: str, result: ActResult, *, now: int, act: Act | None) -> bool:
    """Write the result of a key unless it exists; return whether it is new."""
    origin = (
        ("", "", "", "", "")
        if act is None
        else (act.action, act.customer, act.case, act.decision, " ".join(sorted(act.confirmed_by)))
    )
    result_row = (result.state.value, books.encode_data(result.values), result.reason)
    return bool(connection.execute(_INSERT_ACT, (key, *result_row, *origin, now)).rowcount)


def _actual(
    connection: DeskConnection, customer: str, names: Sequence[str], beside: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, Json]]:
    held = books.customer_attributes(connection, customer)
    for name in names:
        kind, _, member = name.partition(".")
        if name in held:
            yield name, held[name]
            continue
        own = books.owned_records(connection, customer, kind)
        values = attribute_values(
            [(kind, record.id, record.data[member]) for record in own if member in record.data], beside
        )
        if values:
            yield name, values


def _seed(connection: DeskConnection, seed: Mapping[str, Any], now: int) -> None:
    for customer, about in seed["customers"].items():
        books.insert_customer(connection, customer, about["name"], about["attributes"])
    for given in seed["records"]:
        owners, data = frozenset(given["owners"]), _dated(given["data"], now)
        record = books.DeskRecord(given["kind"], given["id"], given["name"], owners, data, 1)
        if books.insert_record(connection, record):
            for paid in given.get("paid", ()):
                money = verify_money(paid["amount"])
                minor, currency = books.to_minor_units(money), money.currency
                book = books.Books(connection, customer=given["owners"][0], act="seed", case="", now=Instant(now))
                book.record_movement("payment", record, method=paid["method"], minor=minor, currency=currency)


def _dated(value: Any, now: int) -> Any:  # noqa: ANN401  # seed data is JSON of any shape
    """Replace `{"days": n}` in seed data by the day n days from now, so that a demo never goes stale."""
    if isinstance(value, Mapping):
        if value.keys() == {"days"}:
            return (datetime.fromtimestamp(now / 1000, tz=UTC).date() + timedelta(days=value["days"])).isoformat()
        return {name: _dated(item, now) for name, item in value.items()}
    return [_dated(item, now) for item in value] if isinstance(value, list | tuple) else value
