"""Reading a mapped system: facts, parts and lists of records, and attributes of a customer."""

import asyncio
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from remit.adapters.backoffice.mapped.mapping import ApiMapping, Customer, KindRead, Limit
from remit.adapters.backoffice.mapped.pointers import find, find_each
from remit.adapters.backoffice.mapped.requests import (
    UnusableValue,
    decoded,
    fill,
    filled_query,
    mapped_values,
    summed,
    text_of,
)
from remit.adapters.backoffice.mapped.wire import Wire
from remit.adapters.http.connection import HttpAnswer
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.domain.policy.decision import RecordFacts, relation_of
from remit.domain.values import Instant, Json, is_list
from remit.ports.backoffice import ActOutcome, ActResult, RecordSummary
from remit.ports.world import World
from remit.proof.canonical import canonical

_OK: Final = 200
_ABSENT: Final = frozenset({400, 404, 410, 422})
_AT_ONCE: Final = 8
_MOST: Final = 50
_MOST_READ: Final = 20
_LONGEST_NAME: Final = 200


class MappedRecords:
    """The reads of a mapped system."""

    def __init__(self, wire: Wire, world: World, mapping: ApiMapping, *, public_kinds: Collection[str]) -> None:
        """Ask over `wire` with the account that only reads."""
        self._wire = wire
        self._world = world
        self._mapping = mapping
        self._file = mapping.file
        self._public = frozenset(public_kinds)

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Return ownership facts; takes at least the mapping's time, so that unknown ids look like foreign ones."""
        as_of = self._world.now()
        padding = asyncio.sleep(self._file.pad_ms / 1000)
        found, _ = await asyncio.gather(self._facts(records, customer, as_of), padding)
        return [fact for _, fact in found]

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:
        """Return the parts of the customer's own records."""
        found = await self._facts(records, customer, self._world.now())
        return [
            {} if answer is None or fact is None or fact.relation == "none" else self._parts(kind, answer)
            for (kind, _), (answer, fact) in zip(records, found, strict=True)
        ]

    async def read(self, action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
        """Answer a read with its mapped values."""
        known = self._file.action.get(action)
        if known is None:
            return _failed("This is not possible here yet.")
        operation = self._mapping.operations[known.operation]
        try:
            query = filled_query(known.query, {"customer": customer}, params)
            path = fill(operation, {name: find(params, at) for name, at in known.path.items()}, query)
        except UnusableValue:
            return _failed("There is no such record.")
        answer = await self._wire.read(path)
        if answer.status in _ABSENT:
            return _failed("There is no such record.")
        return ActResult(state=ActOutcome.DONE, values=mapped_values(_body(path, answer), known.values))

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """Return the customer's own records of one kind."""
        listed = self._file.kind[kind].list if kind in self._file.kind else None
        if listed is None:
            return ()
        try:
            path = fill(
                self._mapping.operations[listed.operation], {}, filled_query(listed.query, {"customer": customer})
            )
        except UnusableValue:
            return ()
        items = find(_body(path, await self._wire.read(path)), listed.items)
        found = []
        for item in items[:_MOST] if is_list(items) else ():
            record_id = text_of(find(item, listed.id))
            name = text_of(find(item, listed.name)) if listed.name else ""
            if record_id:
                found.append(RecordSummary(kind=kind, id=record_id, name=(name or record_id)[:_LONGEST_NAME]))
        return found

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        """Return the customer's values of the named attributes, those of records over all their own ones."""
        asked = frozenset(names)
        found: dict[str, Json] = {}
        about = self._file.customer
        wanted = {} if about is None else {name: at for name, at in about.values.items() if name in asked}
        if about is not None and wanted:
            found |= mapped_values(await self._customer(about, customer), wanted)
        for kind, held in self._file.kind.items():
            values = {} if held.read is None else {name: at for name, at in held.read.values.items() if name in asked}
            if values:
                left = frozenset((beside or {}).get(kind, ()))
                for name, several in (await self._over_records(customer, kind, values, left)).items():
                    found[name] = list(several)
        return found

    async def _customer(self, about: Customer, customer: str) -> object:
        """Return the answer about a customer, None where it is about another one."""
        try:
            query = filled_query(about.query, {"customer": customer})
            path = fill(self._mapping.operations[about.operation], _placed(about.placeholder, customer), query)
        except UnusableValue:
            return None
        body = _body(path, await self._wire.read(path))
        return None if about.id is not None and text_of(find(body, about.id)) != customer else body

    async def _over_records(
        self, customer: str, kind: str, values: Mapping[str, str], left: frozenset[str]
    ) -> Mapping[str, list[Json]]:
        own = [one.id for one in await self.records(customer, kind) if one.id not in left][:_MOST_READ]
        found: dict[str, list[Json]] = {}
        for answer, fact in await self._facts([(kind, one) for one in own], customer, self._world.now()):
            if answer is None or fact is None or fact.relation == "none":
                continue
            for name, value in mapped_values(decoded(answer), values).items():
                found.setdefault(name, []).append(value)
        return found

    async def _facts(
        self, records: Sequence[tuple[str, str]], customer: str, as_of: Instant
    ) -> list[tuple[HttpAnswer | None, RecordFacts | None]]:
        """Return each record's answer and facts, without padding."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(kind: str, asked: str) -> tuple[HttpAnswer | None, RecordFacts | None]:
            async with limit:
                answer = await self._answer(kind, asked)
                fact = None if answer is None else await self._fact(kind, asked, answer, customer, as_of)
            return answer, fact

        return list(await asyncio.gather(*(one(kind, record_id) for kind, record_id in records)))

    async def _answer(self, kind: str, record_id: str) -> HttpAnswer | None:
        """⚔ A record is the one asked for only if its id is the same byte for byte: systems know records by aliases."""
        read = self._reading(kind)
        if read is None or (read.form is not None and re.fullmatch(read.form, record_id) is None):
            return None
        try:
            query = filled_query(read.query, {"id": record_id})
            path = fill(self._mapping.operations[read.operation], _placed(read.placeholder, record_id), query)
        except UnusableValue:
            return None
        answer = await self._wire.read(path)
        if answer.status in _ABSENT or text_of(find(_body(path, answer), read.id)) != record_id:
            return None
        return answer

    def _reading(self, kind: str) -> KindRead | None:
        return self._file.kind[kind].read if kind in self._file.kind else None

    async def _fact(
        self, kind: str, asked: str, answer: HttpAnswer, customer: str, as_of: Instant
    ) -> RecordFacts | None:
        read, body = self._reading(kind), decoded(answer)
        if read is None:
            return None
        owners = _texts_at(body, read.owner)
        if read.owner_kind is not None:
            owners = await self._owners_of(read.owner_kind, owners)
        name = text_of(find(body, read.name)) if read.name else ""
        return RecordFacts(
            id=asked,
            owners=owners,
            relation=relation_of(customer, owners, public=kind in self._public),
            as_of=as_of,
            version=_version(read, answer, body),
            name=(name or asked)[:_LONGEST_NAME],
        )

    async def _owners_of(self, kind: str, ids: frozenset[str]) -> frozenset[str]:
        """Return the owners of the only record of another kind to which one belongs; none where there are several."""
        read = self._reading(kind)
        if read is None or len(ids) != 1:
            return frozenset()
        (record_id,) = ids
        answer = await self._answer(kind, record_id)
        return frozenset() if answer is None else _texts_at(decoded(answer), read.owner)

    def _parts(self, kind: str, answer: HttpAnswer) -> Mapping[str, str]:
        where = self._file.kind[kind].parts
        body, named = decoded(answer), dict[str, str]()
        for one in where if isinstance(where, tuple) else (where,):
            each = find_each(body, one.items)
            items = find(body, one.items) if each is None else each
            for item in items if is_list(items) else ():
                named[text_of(find(item, one.id))] = text_of(find(item, one.name))
        return {part: (name or part)[:_LONGEST_NAME] for part, name in named.items() if part}

    async def left_of(self, limit: Limit, record_id: str) -> Decimal:
        """Return what a record sums up to now.

        Raises:
            Fault: `fault.backoffice`, also where there is no such record, or no amount where one has to be.
        """
        answer = await self._answer(limit.kind, record_id)
        if answer is None:
            raise ExchangeFault(Problem.FORM, f"no {limit.kind} to sum up")
        return summed(decoded(answer), limit)

    async def found_at(self, kind: str, record_id: str, pointer: str) -> object:
        """Return one value of a record as it is now, None where there is none."""
        answer = await self._answer(kind, record_id)
        return None if answer is None else find(decoded(answer), pointer)


def _placed(placeholder: str, value: str) -> dict[str, str]:
    return {placeholder: value} if placeholder else {}


def _texts_at(body: object, pointer: str | None) -> frozenset[str]:
    found = None if pointer is None else find(body, pointer)
    return frozenset(text_of(one) for one in (found if is_list(found) else [found])) - {""}


def _version(read: KindRead, answer: HttpAnswer, body: object) -> str:
    """Return the version: the ETag, the mapped values, or a digest of the whole answer."""
    if read.etag:
        tag = answer.headers.get("etag", "")
        if not tag:
            raise ExchangeFault(Problem.FORM, "an answer has no ETag, which the mapping relies on")
        return tag
    values = [_version_at(body, pointer) for pointer in read.version]
    if not values:
        return hashlib.sha256(answer.body).hexdigest()
    if not all(values):
        raise ExchangeFault(Problem.FORM, f"an answer lacks a version: {', '.join(read.version)}")
    return values[0] if len(values) == 1 else canonical(values).decode()


def _version_at(body: object, pointer: str) -> str:
    """Return what stands at one place of the version; the order of a list with `*` is none of it."""
    each = find_each(body, pointer)
    return _version_of(find(body, pointer)) if each is None else canonical(sorted(map(_version_of, each))).decode()


def _version_of(value: object) -> str:
    """Return a value of a version as text; of a list or table, its digest."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
    return text_of(value)


def _body(path: str, answer: HttpAnswer) -> object:
    """Return the body of a good answer.

    Raises:
        Fault: `fault.backoffice` for any other status, also of a redirect, and for a body that is no JSON.
    """
    if answer.status != _OK:
        raise ExchangeFault(Problem.STATUS, f"{path}: status {answer.status}", status=answer.status)
    body = decoded(answer)
    if body is None:
        raise ExchangeFault(Problem.FORM, f"{path}: the answer is no JSON")
    return body


def _failed(reason: str) -> ActResult:
    return ActResult(state=ActOutcome.FAILED, values={}, reason=reason)
