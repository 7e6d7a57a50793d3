"""Reading a directory: entries by their ids, their facts, and what of them is told.

⚔ A directory compares ids loosely: `ALICE`, `alice ` and alice in full-width letters all find alice. An entry is the one asked
for only if its id has that one value, byte for byte; and a DN is only ever one that the directory itself answered.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from remit.adapters.backoffice.directory import messages
from remit.adapters.backoffice.directory.connection import Directory, LdapConnection
from remit.adapters.backoffice.directory.messages import Entry, Scope
from remit.adapters.backoffice.directory.rules import (
    Attribute,
    DirectoryFile,
    Entries,
    Kind,
    Shown,
    Values,
    told_attributes,
)
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.domain.catalogue.model import Action, Catalogue, MarkKind
from remit.domain.param_paths import values_at
from remit.domain.policy.decision import RecordFacts
from remit.domain.values import Json, JsonObject, is_list
from remit.ports.backoffice import ActOutcome, ActResult, RecordSummary
from remit.ports.world import World

_LONGEST_ID: Final = 256
_LONGEST_NAME: Final = 200
_LONGEST_VALUE: Final = 1000
_MOST: Final = 50
_MOST_OWNERS: Final = 8
_NOT_FOUND: Final = ActResult(state=ActOutcome.FAILED, values={}, reason="There is no such record of this customer.")
_FILETIME_START: Final = datetime(1601, 1, 1, tzinfo=UTC)


class DirectoryRecords:
    """The reads of a directory."""

    def __init__(self, directory: Directory, world: World, file: DirectoryFile, catalogue: Catalogue) -> None:
        """Read with the account that only reads."""
        self._directory = directory
        self._world = world
        self._file = file
        self._catalogue = catalogue

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Return ownership facts; takes at least the rules' time, so that unknown ids look like foreign ones."""

        async def job(connection: LdapConnection) -> list[RecordFacts | None]:
            return [await self._fact_of(connection, kind, asked, customer) for kind, asked in records]

        padding = asyncio.sleep(self._file.pad_ms / 1000)
        found, _ = await asyncio.gather(self._directory.read(job), padding)
        return found

    async def read(self, action: Action, params: JsonObject, *, customer: str) -> ActResult:
        """Answer a read: from the records that its params name, else from the customer's own entry."""
        named = list(_named(action, params))

        async def job(connection: LdapConnection) -> ActResult:
            values: dict[str, Json] = {}
            for kind, asked in named:
                entry = await self.find(connection, kind, asked, _read_for(self._file.kind.get(kind)))
                fact = None if entry is None else await self.fact(connection, kind, asked, entry, customer)
                if entry is None or fact is None or fact.relation == "none":
                    return _NOT_FOUND
                told = _among(self._file.kind[kind].values, action.returns)
                values |= await self._told(connection, entry, told, customer)
            wanted = _among(self._file.customer.values, action.returns)
            if wanted:
                entry = await self.customer_entry(connection, customer, told_attributes(wanted))
                values |= {} if entry is None else await self._told(connection, entry, wanted, customer)
            return ActResult(state=ActOutcome.DONE, values=values)

        return await self._directory.read(job)

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """Return the customer's own records of one kind."""

        async def job(connection: LdapConnection) -> list[RecordSummary]:
            held = self._file.kind.get(kind)
            if held is None:
                return []
            entries = await self._own(connection, customer, held, set())
            return [RecordSummary(kind=kind, id=entry.only(held.id), name=_name(held, entry)) for entry in entries]

        return await self._directory.read(job)

    async def attributes(
        self, customer: str, names: Sequence[str], beside: Mapping[str, Collection[str]]
    ) -> Mapping[str, Json]:
        """Return the customer's values of the named attributes, those of records over all their own ones."""

        async def job(connection: LdapConnection) -> Mapping[str, Json]:
            found: dict[str, Json] = {}
            wanted = _among(self._file.customer.values, names)
            entry = await self.customer_entry(connection, customer, told_attributes(wanted)) if wanted else None
            if entry is not None:
                found |= await self._told(connection, entry, wanted, customer)
            for kind, held in self._file.kind.items():
                several: dict[str, list[Json]] = {}
                wanted = _among(held.values, names)
                own = await self._own(connection, customer, held, told_attributes(wanted)) if wanted else ()
                for record in own:
                    if record.only(held.id) not in beside.get(kind, ()):
                        for name, value in (await self._told(connection, record, wanted, customer)).items():
                            several.setdefault(name, []).append(value)
                found |= several
            return found

        return await self._directory.read(job)

    async def find(
        self, connection: LdapConnection, kind: str, asked: str, attributes: Iterable[str] = ()
    ) -> Entry | None:
        """Return the entry of a record with the attributes that its facts need, and these."""
        held = self._file.kind.get(kind)
        if held is None:
            return None
        return await _find(connection, held, asked, {*_facts_read(held, self._file), *attributes})

    async def customer_entry(
        self, connection: LdapConnection, customer: str, attributes: Iterable[str] = ()
    ) -> Entry | None:
        """Return the customer's own entry."""
        return await _find(connection, self._file.customer, customer, set(attributes))

    async def fact(self, connection: LdapConnection, kind: str, asked: str, entry: Entry, customer: str) -> RecordFacts:
        """Return the facts of an entry that was found by `find`.

        Raises:
            Fault: `fault.backoffice` when its version cannot be read.
        """
        held = self._file.kind[kind]
        owners = frozenset(await self._owners(connection, held, entry))
        version = entry.only(self._file.version_attribute)
        if not version:
            # ⚔ Without a version, an act would hold for whatever became of the record.
            raise ExchangeFault(Problem.FORM, f"{self._file.version_attribute} of {entry.dn} cannot be read")
        public = self._catalogue.resources[kind].public
        return RecordFacts(
            id=asked,
            owners=owners,
            relation="public" if public else "owner" if customer in owners else "none",
            as_of=self._world.now(),
            version=version,
            name=_name(held, entry),
        )

    async def _fact_of(self, connection: LdapConnection, kind: str, asked: str, customer: str) -> RecordFacts | None:
        entry = await self.find(connection, kind, asked)
        return None if entry is None else await self.fact(connection, kind, asked, entry, customer)

    async def _owners(self, connection: LdapConnection, held: Kind, entry: Entry) -> Sequence[str]:
        if held.owner is not None:
            return entry.texts(held.owner)
        place, found = self._file.customer, list[str]()
        for name in entry.texts(held.owner_entry)[:_MOST_OWNERS] if held.owner_entry else ():
            where = messages.equal("objectClass", place.class_)
            for owner in await connection.search(name, Scope.ENTRY, where, [place.id], most=1):
                # ⚔ An entry elsewhere may have a customer's id without being the customer's own.
                own = await self.customer_entry(connection, owner.only(place.id))
                if own is not None and own.dn == owner.dn:
                    found.append(owner.only(place.id))
        return found

    async def _own(
        self, connection: LdapConnection, customer: str, held: Kind, attributes: set[str]
    ) -> Sequence[Entry]:
        """Return the entries of the customer's own records."""
        if (held.owner or held.owner_entry) is None:
            return ()
        entry = await self.customer_entry(connection, customer)
        if entry is None:
            return ()
        owner = messages.equal(held.owner, customer) if held.owner else messages.equal(str(held.owner_entry), entry.dn)
        where = messages.every(messages.equal("objectClass", held.class_), owner)
        read = sorted({*_facts_read(held, self._file), *attributes})
        found = await connection.search(held.base, Scope.SUBTREE, where, read, most=_MOST)
        # ⚔ The filter compares loosely; what is the customer's own is said by the exact owner.
        return [one for one in found if one.only(held.id) and customer in await self._owners(connection, held, one)]

    async def _told(self, connection: LdapConnection, entry: Entry, values: Values, customer: str) -> dict[str, Json]:
        """Return the values of an entry that leave, and no others."""
        found: dict[str, Json] = {}
        for name, shown in values.items():
            if isinstance(shown, Shown) and shown.holds:
                value: Json = await self._holds(connection, entry, shown, customer)
            else:
                value = _shown(entry, shown)
            if value is not None:
                found[name] = value
        return found

    async def _holds(self, connection: LdapConnection, entry: Entry, shown: Shown, customer: str) -> str | None:
        own = await self.customer_entry(connection, customer)
        if own is None:
            return None
        where = messages.equal(shown.attribute, own.dn)
        there = await connection.search(entry.dn, Scope.ENTRY, where, most=1)
        return shown.present if there else shown.absent


async def _find(connection: LdapConnection, place: Entries, asked: str, attributes: set[str]) -> Entry | None:
    """Find the one entry whose id has exactly this value."""
    if not 0 < len(asked) <= _LONGEST_ID or not asked.isprintable():
        return None
    where = messages.every(messages.equal("objectClass", place.class_), messages.equal(place.id, asked))
    found = await connection.search(place.base, Scope.SUBTREE, where, sorted({place.id, *attributes}), most=2)
    return found[0] if len(found) == 1 and found[0].only(place.id) == asked else None


def _facts_read(held: Kind, file: DirectoryFile) -> set[str]:
    return {held.id, file.version_attribute, *(one for one in (held.name, held.owner, held.owner_entry) if one)}


def _read_for(held: Kind | None) -> set[str]:
    return set() if held is None else told_attributes(held.values)


def _among(values: Values, names: Collection[str]) -> Values:
    return {name: shown for name, shown in values.items() if name in names}


def _named(action: Action, params: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield the records named by an action's params."""
    for mark in action.marked(MarkKind.RESOURCE):
        for value in values_at(params, mark.path):
            for one in value if is_list(value) else (value,):
                if isinstance(one, str):
                    yield mark.of, one


def _name(held: Kind, entry: Entry) -> str:
    names = entry.texts(held.name) if held.name else ()
    return (names[0] if names else entry.only(held.id))[:_LONGEST_NAME]


def _shown(entry: Entry, shown: Attribute | Shown) -> str | None:
    if isinstance(shown, str):
        shown = Shown(attribute=shown)
    texts = entry.texts(shown.attribute)
    if not texts:
        return shown.absent
    if texts[0] in shown.texts:
        return shown.texts[texts[0]]
    if shown.present is not None:
        return shown.present
    return _day(texts[0]) if shown.as_ == "day" else texts[0][:_LONGEST_VALUE]


def _day(text: str) -> str | None:
    """Return the day of a generalized time, or of a time of Active Directory; None for anything else."""
    try:
        if text.endswith("Z"):
            return datetime.strptime(text[:8], "%Y%m%d").replace(tzinfo=UTC).date().isoformat()
        return (_FILETIME_START + timedelta(microseconds=int(text) // 10)).date().isoformat()
    except (ValueError, OverflowError):
        return None
