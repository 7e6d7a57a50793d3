"""What each promise means: how an act is sent, how it is found again, and whether it can be sent twice.

Source: docs/mapping.md#promises.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from remit.adapters.backoffice.act_journal import JournalEntry
from remit.adapters.backoffice.breaker import ACT_S
from remit.adapters.backoffice.mapped.drafts import Drafts
from remit.adapters.backoffice.mapped.lookups import Lookups
from remit.adapters.backoffice.mapped.mapping import (
    KEY,
    ActionMap,
    ApiMapping,
    ConditionalPromise,
    KeyPromise,
    Lookup,
    StatePromise,
)
from remit.adapters.backoffice.mapped.pointers import find
from remit.adapters.backoffice.mapped.records import MappedRecords
from remit.adapters.backoffice.mapped.requests import (
    Request,
    act_request,
    is_one_of,
    mapped_values,
    outcome_of,
    text_of,
)
from remit.adapters.backoffice.mapped.wire import Wire
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.domain.values import Json
from remit.ports.backoffice import Act, ActOutcome, ActResult

QUIET_MS: Final = round(ACT_S * 1000) + 5_000
"""How long after sending an act may still arrive."""
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
        self._lookups = Lookups(wire, mapping.operations)
        self._drafts = Drafts(wire, mapping.operations, self._lookups, currency=currency)

    def proves_absence(self, action: ActionMap) -> bool:
        """Return whether looking an act up can show that it was not done."""
        if action.key is not None:
            return action.key.lookup is not None
        return action.promise != "none"

    def mark(self, action: ActionMap, *, now: int) -> str:
        """Return the mark of an act in the journal before it is sent: since when, and by which token, its key is known."""
        return "" if action.key is None else f"{now}@{self._token(action.key)}"

    def _token(self, key: KeyPromise) -> str:
        return self._wire.acting_mark() if key.scope == "token" else ""

    def _knows(self, key: KeyPromise, entry: JournalEntry, now: int) -> bool:
        """Return whether the system still knows an act's key. ⚔ Its life begins when it is sent first, not again."""
        since, _, token = entry.draft.partition("@")
        return since.isdecimal() and now - int(since) <= key.life_s * 1000 and token == self._token(key)

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
            prepared, begin = action.prepare_commit, self._request(action, act)
            return await self._drafts.send(action, prepared, act, begin, draft=entry.draft, keep_draft=keep_draft)
        answer = await self._wire.act(self._request(action, act), mark=entry.draft.partition("@")[2])
        if action.conditional is not None and answer.status in action.conditional.stale:
            if again:
                return await self._changed_to(action.conditional, act)
            return ActResult(state=ActOutcome.FAILED, values={}, reason=_CHANGED)
        return outcome_of(action, answer)

    async def look_up(self, action: ActionMap, act: Act, entry: JournalEntry, *, now: int) -> ActResult:
        """Return whether a sent act was done: done, unseen (it may be sent again), or unclear.

        Raises:
            Fault: `fault.backoffice`.
        """
        if action.key is not None:
            return await self._key(action, action.key, act, entry, now)
        marked = action.marker or action.chosen_id
        if marked is not None:
            return await self._find(action, marked.lookup, act)
        if action.conditional is not None or action.state is not None:
            return await self._compare(action.conditional, action.state, act)
        if action.prepare_commit is not None:
            return ActResult(state=await self._drafts.state(action.prepare_commit, entry.draft), values={})
        return _UNCLEAR  # ⚔ Nothing shows whether it was done: it is never sent again, and a person has to look.

    async def _key(self, action: ActionMap, key: KeyPromise, act: Act, entry: JournalEntry, now: int) -> ActResult:
        """Return whether an act was done by its key.

        ⚔ By another token, the system would not know the key, and act again. It may also have been looked for by one.
        """
        if not self._knows(key, entry, now):
            return _UNCLEAR
        found = _UNSEEN if key.lookup is None else await self._find(action, key.lookup, act)
        return _UNCLEAR if found.state is ActOutcome.UNSEEN and not self._knows(key, entry, now) else found

    async def lost_draft(self, action: ActionMap, act: Act, entry: JournalEntry) -> str:
        """Return the draft of a sent act whose answer was lost, "" where there is none to be found.

        Raises:
            Fault: `fault.backoffice`; it is not known.
        """
        if action.prepare_commit is None or entry.draft:
            return ""
        return await self._drafts.find(action.prepare_commit, act)

    async def undo(self, action: ActionMap, act: Act, entry: JournalEntry) -> None:
        """Delete the draft of an act that was never committed.

        Raises:
            Fault: `fault.backoffice`; it is not known to be deleted.
        """
        if action.prepare_commit is not None and entry.draft:
            await self._drafts.undo(action.prepare_commit, act, entry.draft)

    async def undo_unfinished(self, action: ActionMap, act: Act, entry: JournalEntry) -> bool:
        """Delete a draft of which it is unknown how far its steps came, and return whether there was one.

        Raises:
            Fault: `fault.backoffice`; it is not known to be deleted.
        """
        if action.prepare_commit is None or not action.prepare_commit.steps or not entry.draft:
            return False
        await self.undo(action, act, entry)
        return True

    def _request(self, action: ActionMap, act: Act) -> Request:
        extra: list[tuple[str, Json]] = []
        headers: dict[str, str] = {}
        if action.key is not None:
            headers[action.key.header] = act.key
        marked = action.marker or action.chosen_id or (action.prepare_commit and action.prepare_commit.marker)
        if marked:
            extra.append((marked.to.replace(KEY, act.key), act.key))
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
        """Look for the act's key where it was to leave it, or for the answer that was given to it."""
        if action.key is not None and not lookup.at:
            answer = await self._lookups.answer(lookup, act)
            return _UNSEEN if answer is None else outcome_of(action, answer)
        found = await self._lookups.find(lookup, act)
        if found is None:
            return _UNSEEN
        return _DONE if lookup.at else ActResult(state=ActOutcome.DONE, values=mapped_values(found, action.values))

    async def _compare(self, held: ConditionalPromise | None, state: StatePromise | None, act: Act) -> ActResult:
        """Compare the record with the version decided on, or with the state that the act was to bring it into."""
        if state is not None:
            found = await self._records.found_at(state.kind, text_of(find(act.params, state.param)), state.at)
            return _UNCLEAR if found is None else _DONE if is_one_of(found, state.is_) else _UNSEEN
        if held is None:
            return _UNCLEAR
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
