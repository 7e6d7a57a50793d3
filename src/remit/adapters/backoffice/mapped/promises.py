"""What each promise means: how an act is sent, how it is found again, and whether it can be sent twice.

Source: docs/mapping.md#promises.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from remit.adapters.backoffice.breaker import ACT_S
from remit.adapters.backoffice.mapped.journal import JournalEntry
from remit.adapters.backoffice.mapped.mapping import (
    KEY,
    ActionMap,
    ApiMapping,
    ConditionalPromise,
    Lookup,
    PreparePromise,
)
from remit.adapters.backoffice.mapped.pointers import find
from remit.adapters.backoffice.mapped.records import MappedRecords
from remit.adapters.backoffice.mapped.requests import (
    Request,
    act_request,
    decoded,
    fill,
    filled_query,
    mapped_values,
    succeeded,
    text_of,
)
from remit.adapters.backoffice.mapped.wire import Wire
from remit.adapters.http.connection import HttpAnswer
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.domain.values import Json, is_list
from remit.ports.backoffice import Act, ActOutcome, ActResult

QUIET_MS: Final = round(ACT_S * 1000) + 5_000
"""How long after sending an act may still arrive."""
_GOOD: Final = range(200, 300)
_ABSENT: Final = frozenset({404, 410})
_REFUSED: Final = "The system refused it."
_CHANGED: Final = "It has changed meanwhile."
_UNSEEN: Final = ActResult(state=ActOutcome.UNSEEN, values={})
_UNCLEAR: Final = ActResult(state=ActOutcome.UNCLEAR, values={})
_DONE: Final = ActResult(state=ActOutcome.DONE, values={})


class Promises:
    """The acts of a mapped system."""

    def __init__(self, wire: Wire, mapping: ApiMapping, records: MappedRecords, *, currency: str) -> None:
        """Act over `wire`; `currency` is the desk's own."""
        self._wire = wire
        self._operations = mapping.operations
        self._records = records
        self._currency = currency

    def proves_absence(self, action: ActionMap) -> bool:
        """Return whether looking an act up can show that it was not done."""
        if action.key is not None:
            return action.key.lookup is not None
        return action.promise != "none"

    async def send(
        self,
        action: ActionMap,
        act: Act,
        entry: JournalEntry,
        *,
        keep_draft: Callable[[str], Awaitable[None]],
        again: bool,
    ) -> ActResult:
        """Send an act and return its outcome.

        Raises:
            Fault: `fault.backoffice`; its fate is unknown.
            UnusableValue: for a param that cannot be sent; nothing was.
        """
        if action.prepare_commit is not None:
            return await self._prepare_and_commit(action, action.prepare_commit, act, entry, keep_draft)
        answer = await self._wire.act(self._request(action, act))
        if action.conditional is not None and answer.status in action.conditional.stale:
            if again:
                return await self._changed_to(action.conditional, act)
            return ActResult(state=ActOutcome.FAILED, values={}, reason=_CHANGED)
        return _outcome(action, answer)

    async def look_up(self, action: ActionMap, act: Act, entry: JournalEntry, *, now: int) -> ActResult:
        """Return whether a sent act was done: done, unseen (it may be sent again), or unclear.

        Raises:
            Fault: `fault.backoffice`.
        """
        if action.key is not None:
            if now - entry.sent_at > action.key.life_s * 1000:
                return _UNCLEAR
            return _UNSEEN if action.key.lookup is None else await self._find(action, action.key.lookup, act)
        marked = action.marker or action.chosen_id
        if marked is not None:
            return await self._find(action, marked.lookup, act)
        if action.conditional is not None:
            return await self._compare(action.conditional, act)
        if action.prepare_commit is not None:
            return await self._state(action.prepare_commit, entry)
        return _UNCLEAR  # ⚔ Nothing shows whether it was done: it is never sent again, and a person has to look.

    async def undo(self, action: ActionMap, act: Act, entry: JournalEntry) -> None:
        """Delete the draft of an act that was never committed.

        Raises:
            Fault: `fault.backoffice`; it is not known to be deleted.
        """
        prepared = action.prepare_commit
        if prepared is None or not entry.draft:
            return
        answer = await self._wire.act(self._draft_request(prepared, prepared.undo, entry.draft))
        if answer.status not in _GOOD and answer.status not in _ABSENT:
            raise ExchangeFault(Problem.STATUS, f"{act.action}: a draft was not deleted", status=answer.status)

    def _request(self, action: ActionMap, act: Act) -> Request:
        extra: list[tuple[str, Json]] = []
        headers: dict[str, str] = {}
        if action.key is not None:
            headers[action.key.header] = act.key
        marked = action.marker or action.chosen_id
        if marked is not None:
            extra.append((marked.to, act.key))
        held = action.conditional
        if held is not None:
            version = self._decided_version(held, act)
            if held.header is not None:
                headers[held.header] = version
            if held.to is not None:
                extra.append((held.to, version))
        operation = self._operations[action.operation]
        return act_request(operation, action, act, currency=self._currency, extra=extra, headers=headers)

    def _decided_version(self, held: ConditionalPromise, act: Act) -> str:
        version = act.versions.get((held.kind, text_of(find(act.params, held.param))))
        if not version or not version.isascii() or not version.isprintable():
            # ⚔ Without the version it was decided on, the system would compare with nothing.
            raise ExchangeFault(Problem.FORM, f"{act.action}: no usable version of its {held.kind}")
        return version

    async def _find(self, action: ActionMap, lookup: Lookup, act: Act) -> ActResult:
        """Look for the act's key where it was to leave it."""
        values = {name: act.key if at == KEY else find(act.params, at) for name, at in lookup.path.items()}
        path = fill(self._operations[lookup.operation], values, filled_query(lookup.query, act))
        answer = await self._wire.read(path)
        if answer.status in _ABSENT:
            return _UNSEEN
        body = decoded(answer)
        if answer.status not in _GOOD or body is None:
            raise ExchangeFault(Problem.STATUS, f"{path}: status {answer.status}", status=answer.status)
        if not lookup.at:
            return ActResult(state=ActOutcome.DONE, values=mapped_values(body, action.values))
        found = find(body, lookup.items)
        if found is None:
            raise ExchangeFault(Problem.FORM, f"{path}: nothing at {lookup.items}")
        several = found if is_list(found) else [found]
        return _DONE if any(find(one, lookup.at) == act.key for one in several) else _UNSEEN

    async def _compare(self, held: ConditionalPromise, act: Act) -> ActResult:
        """Compare the record with the version decided on: unmoved means that nothing was done."""
        record_id = text_of(find(act.params, held.param))
        fact = (await self._records.facts([(held.kind, record_id)], customer=act.customer))[0]
        if fact is not None and fact.version == self._decided_version(held, act):
            return _UNSEEN
        return await self._changed_to(held, act)

    async def _changed_to(self, held: ConditionalPromise, act: Act) -> ActResult:
        """Return done where the record has the very value that the act was to write, else unclear."""
        if held.at is None or held.same_as is None:
            return _UNCLEAR
        wanted = find(act.params, held.same_as)
        found = await self._records.found_at(held.kind, text_of(find(act.params, held.param)), held.at)
        return _DONE if wanted is not None and found == wanted else _UNCLEAR

    async def _prepare_and_commit(
        self,
        action: ActionMap,
        prepared: PreparePromise,
        act: Act,
        entry: JournalEntry,
        keep_draft: Callable[[str], Awaitable[None]],
    ) -> ActResult:
        draft = entry.draft
        if not draft:
            answer = await self._wire.act(self._request(action, act))
            if answer.status in action.refusals:
                return ActResult(state=ActOutcome.FAILED, values={}, reason=_REFUSED)
            draft = text_of(find(decoded(answer), prepared.id)) if answer.status in _GOOD else ""
            if not draft:
                raise ExchangeFault(Problem.STATUS, f"{act.action}: no draft was made", status=answer.status)
            await keep_draft(draft)
        answer = await self._wire.act(self._draft_request(prepared, prepared.commit, draft))
        return _outcome(action, answer)

    def _draft_request(self, prepared: PreparePromise, name: str, draft: str) -> Request:
        operation = self._operations[name]
        body = b"{}" if operation.method in {"post", "put", "patch"} else b""
        headers = {"content-type": "application/json"} if body else {}
        path = fill(operation, {prepared.placeholder: draft})
        return Request(method=operation.method.upper(), path=path, headers=headers, body=body)

    async def _state(self, prepared: PreparePromise, entry: JournalEntry) -> ActResult:
        """Return whether a draft was committed; without a draft nothing was."""
        if not entry.draft:
            return _UNSEEN
        path = fill(self._operations[prepared.state], {prepared.placeholder: entry.draft})
        answer = await self._wire.read(path)
        if answer.status in _ABSENT:
            return _UNCLEAR
        done = succeeded(decoded(answer), prepared.done) if answer.status in _GOOD else None
        if done is None:
            raise ExchangeFault(Problem.STATUS, f"{path}: status {answer.status}", status=answer.status)
        return _DONE if done else _UNSEEN


def _outcome(action: ActionMap, answer: HttpAnswer) -> ActResult:
    """Read the answer to an act. ⚔ Only a mapped refusal means that nothing was done; anything else is unknown.

    Raises:
        Fault: `fault.backoffice`.
    """
    if answer.status in action.refusals:
        return ActResult(state=ActOutcome.FAILED, values={}, reason=_REFUSED)
    body = decoded(answer)
    done = succeeded(body, action.success) if answer.status in _GOOD else None
    if done is None:
        raise ExchangeFault(Problem.STATUS, f"{action.operation}: status {answer.status}", status=answer.status)
    if not done:
        return ActResult(state=ActOutcome.FAILED, values={}, reason=_REFUSED)
    return ActResult(state=ActOutcome.DONE, values=mapped_values(body, action.values))
