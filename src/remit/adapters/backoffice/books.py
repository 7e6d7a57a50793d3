"""The built-in desk's books: customers, records, money and notices, inside one transaction of one act.

Effects hold each action's rules; the plug handles keys, fences and versions.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from remit.adapters.builtin_desk.jobs import DeskConnection
from remit.domain.policy.confirmers import OFFICER
from remit.domain.values import Instant, Json, Money, minor_digits
from remit.proof.canonical import canonical, digest

VERSION: Final = 1
_OWN: Final = json.JSONDecoder(parse_float=Decimal)
"""Decodes what these books wrote themselves, without the limits for foreign texts."""
TABLES: Final = """
create table customer (id text primary key, name text not null, attributes text not null) strict, without rowid;
create table record (
    kind text not null, id text not null, name text not null, data text not null, version integer not null default 1,
    primary key (kind, id)
) strict, without rowid;
create table record_owner (
    kind text not null, id text not null, customer text not null, primary key (kind, id, customer)
) strict, without rowid;
create index record_owner_customer on record_owner (customer, kind, id);
create table act (
    key text primary key, state text not null, result text not null, reason text not null, action text not null,
    customer text not null, desk_case text not null, decision text not null, confirmed_by text not null,
    at integer not null
) strict, without rowid;
create table ledger (
    n integer primary key, act text not null, customer text not null, kind text not null, id text not null,
    method text not null, entry text not null, minor integer not null, currency text not null, at integer not null
) strict;
create index ledger_record on ledger (kind, id);
create table notice (
    n integer primary key, act text not null, customer text not null, recipient text not null, text text not null,
    at integer not null
) strict;
create table offer_used (offer text primary key, act text not null) strict, without rowid
"""
_FROM: Final = """ from (select ?1 as kind, ?2 as id) q left join record r on r.kind = q.kind and r.id = q.id
left join record_owner o on o.kind = q.kind and o.id = q.id"""
# Both look-ups are done for every id, known or not, each in one statement, which costs one hand-over of the
# interpreter.
_FIND: Final = f"select r.name, r.data, r.version, o.customer{_FROM}"
_DESCRIBE: Final = f"select r.name, r.version, o.customer{_FROM}"
_PUBLIC: Final = """select id from record
where kind = ?1 and id not in (select id from record_owner where kind = ?1) order by id"""
_NET: Final = """select method, sum(minor) as net from ledger
where kind = ? and id = ? and currency = ? group by method order by method"""
_MOVE: Final = """insert into ledger (act, customer, kind, id, method, entry, minor, currency, at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)"""


class ActFailed(Exception):  # noqa: N818  # the desk's own refusal, with a reason in plain words; nothing broke
    """The desk refuses the act; its writes so far are undone."""


@dataclass(slots=True)
class DeskRecord:
    """One record of the desk. `data` is changed in place and then saved."""

    kind: str
    id: str
    name: str
    owners: frozenset[str]
    data: dict[str, Any]
    version: int


class Books:
    """Books of one act: the acting customer's records and the public ones, no others."""

    def __init__(
        self,
        connection: DeskConnection,
        *,
        customer: str,
        act: str,
        case: str,
        now: Instant,
        confirmed_by: Collection[str] = (),
    ) -> None:
        """Open the books for one act; `confirmed_by` are its confirmers, as the decision names them."""
        self._connection = connection
        self._looked_at: dict[tuple[str, str], DeskRecord] = {}
        self._made = 0
        self.customer = customer
        self.act = act
        self.case = case
        self.now = now
        self.officer_agreed = any(confirmer.startswith(OFFICER) for confirmer in confirmed_by)

    def has_version(self, kind: str, record_id: str, version: str) -> bool:
        """Whether a record still has this version; it is kept for the next fetch."""
        found = find_record(self._connection, kind, record_id)
        if found is None or str(found.version) != version:
            return False
        self._looked_at[kind, record_id] = found
        return True

    def _find(self, kind: str, record_id: str) -> DeskRecord | None:
        return self._looked_at.pop((kind, record_id), None) or find_record(self._connection, kind, record_id)

    def own_record(self, kind: str, record_id: str) -> DeskRecord:
        """Fetch a record of this customer.

        Raises:
            ActFailed: it does not exist or is another customer's, in the same words.
        """
        found = self._find(kind, record_id)
        if found is None or self.customer not in found.owners:
            raise ActFailed(f"There is no such {kind.replace('_', ' ')} of this customer.")
        return found

    def public_record(self, kind: str, record_id: str) -> DeskRecord:
        """Fetch a record without an owner, such as a product.

        Raises:
            ActFailed: it does not exist or has an owner.
        """
        found = self._find(kind, record_id)
        if found is None or found.owners:
            raise ActFailed(f"There is no such {kind.replace('_', ' ')}.")
        return found

    def public_records(self, kind: str) -> Sequence[DeskRecord]:
        """Return all records of one kind without an owner, such as the products, by id."""
        rows = self._connection.execute(_PUBLIC, (kind,)).fetchall()
        found = (find_record(self._connection, kind, record_id) for (record_id,) in rows)
        return tuple(record for record in found if record is not None)

    def own_records(self, kind: str) -> Sequence[DeskRecord]:
        """Return all records of this customer of one kind."""
        return owned_records(self._connection, self.customer, kind)

    def save(self, record: DeskRecord) -> None:
        """Write a changed record under the next version."""
        record.version += 1
        self._connection.execute(
            "update record set data = ?, version = ? where kind = ? and id = ?",
            (encode_data(record.data), record.version, record.kind, record.id),
        )

    def add(self, kind: str, name: str, data: dict[str, Any]) -> DeskRecord:
        """Make a new record of this customer; its id derives from the act's key, without randomness."""
        self._made += 1
        letters = digest([self.act, self._made]).removeprefix("sha-256:")
        record_id = f"{kind}-{''.join(letter for letter in letters if letter.isalnum())[:12].lower()}"
        record = DeskRecord(kind, record_id, name, frozenset({self.customer}), data, 1)
        insert_record(self._connection, record)
        return record

    def attribute(self, name: str) -> Json:
        """Return one attribute of the customer, None when the desk does not have it."""
        return customer_attributes(self._connection, self.customer).get(name)

    def set_attribute(self, name: str, value: Json) -> None:
        """Change one attribute of the customer.

        Raises:
            ActFailed: the desk does not know the customer.
        """
        changed = {**customer_attributes(self._connection, self.customer), name: value}
        update = "update customer set attributes = ? where id = ?"
        if not self._connection.execute(update, (encode_data(changed), self.customer)).rowcount:
            raise ActFailed("The customer is not known here.")

    def balance(self, record: DeskRecord, currency: str) -> int:
        """Return the payments for a record that were not paid back, in minor units."""
        row = self._connection.execute(
            "select coalesce(sum(minor), 0) from ledger where kind = ? and id = ? and currency = ?",
            (record.kind, record.id, currency),
        ).fetchone()
        return int(row[0])

    def paid_by_method(self, record: DeskRecord, currency: str) -> Sequence[tuple[str, int]]:
        """Return each payment method's net payments for a record; negative where more went back."""
        rows = self._connection.execute(_NET, (record.kind, record.id, currency))
        return tuple((str(method), int(net)) for method, net in rows)

    def record_movement(self, entry: str, record: DeskRecord, *, method: str, minor: int, currency: str) -> None:
        """Record one movement of money: positive to the desk, negative back to the customer."""
        self._connection.execute(
            _MOVE, (self.act, self.customer, record.kind, record.id, method, entry, minor, currency, self.now)
        )

    def notify(self, recipient: str, text: str) -> None:
        """Queue a letter of the desk to the customer's own contact, or to the recipient they chose."""
        self._connection.execute(
            "insert into notice (act, customer, recipient, text, at) values (?, ?, ?, ?, ?)",
            (self.act, self.customer, recipient, text, self.now),
        )

    def use_offer(self, offer: str) -> None:
        """Mark an offer used.

        Raises:
            ActFailed: it was used before.
        """
        if not self._connection.execute("insert or ignore into offer_used values (?, ?)", (offer, self.act)).rowcount:
            raise ActFailed("This offer was accepted before.")


def find_record(connection: DeskConnection, kind: str, record_id: str) -> DeskRecord | None:
    """Find a record by its exact id; None when there is none."""
    rows = connection.execute(_FIND, (kind, record_id)).fetchall()
    name, data, version, _ = rows[0]
    if version is None:
        return None
    return DeskRecord(kind, record_id, name, _owners(rows), decode_data(data), version)


def describe_record(connection: DeskConnection, kind: str, record_id: str) -> tuple[str, int, frozenset[str]]:
    """Return name, version and owners of a record; for a missing one, in equal time, its id, 0 and no owners."""
    rows = connection.execute(_DESCRIBE, (kind, record_id)).fetchall()
    name, version, _ = rows[0]
    return name or record_id, version or 0, _owners(rows)


def _owners(rows: Sequence[tuple[Any, ...]]) -> frozenset[str]:
    """Collect the owners: the last column of each row."""
    return frozenset([owner for *_, owner in rows if owner is not None])


def owned_records(connection: DeskConnection, customer: str, kind: str) -> Sequence[DeskRecord]:
    """Return all records of a customer of one kind, by id."""
    rows = connection.execute(
        "select id from record_owner where customer = ? and kind = ? order by id", (customer, kind)
    ).fetchall()
    found = (find_record(connection, kind, record_id) for (record_id,) in rows)
    return tuple(record for record in found if record is not None)


def insert_record(connection: DeskConnection, record: DeskRecord) -> bool:
    """Write a new record and return whether it is new; an existing one is left alone."""
    made = connection.execute(
        "insert or ignore into record (kind, id, name, data, version) values (?, ?, ?, ?, ?)",
        (record.kind, record.id, record.name, encode_data(record.data), record.version),
    ).rowcount
    if made:
        connection.executemany(
            "insert into record_owner values (?, ?, ?)",
            [(record.kind, record.id, owner) for owner in sorted(record.owners)],
        )
    return bool(made)


def insert_customer(connection: DeskConnection, customer: str, name: str, values: dict[str, Any]) -> bool:
    """Write a new customer and return whether they are new; an existing one is left alone."""
    insert = "insert or ignore into customer values (?, ?, ?)"
    return bool(connection.execute(insert, (customer, name, encode_data(values))).rowcount)


def customer_attributes(connection: DeskConnection, customer: str) -> dict[str, Any]:
    """Return all stored attributes of a customer, by name."""
    row = connection.execute("select attributes from customer where id = ?", (customer,)).fetchone()
    return {} if row is None else decode_data(row[0])


def encode_data(data: Mapping[str, Any]) -> str:
    """Encode an object as the books store it."""
    return canonical(data).decode()


def decode_data(text: str) -> dict[str, Any]:
    """Decode an object as the books store it."""
    return dict(_OWN.decode(text))


def to_minor_units(money: Money) -> int:
    """Convert an amount to the currency's smallest unit."""
    return int(money.amount.scaleb(minor_digits(money.currency)))


def from_minor_units(minor: int, currency: str) -> str:
    """Return the wire form of an amount in smallest units, `0` included."""
    return f"{Decimal(minor).scaleb(-minor_digits(currency)):f} {currency}"
