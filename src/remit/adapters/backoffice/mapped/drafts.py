"""Acts in two requests or more: a harmless draft, the steps that complete it, and the commit.

Source: docs/mapping.md#drafts.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from remit.adapters.backoffice.mapped.lookups import ABSENT, Lookups
from remit.adapters.backoffice.mapped.mapping import ActionMap, BodyPart, PreparePromise
from remit.adapters.backoffice.mapped.pointers import find
from remit.adapters.backoffice.mapped.requests import (
    GOOD,
    REFUSED,
    Request,
    decoded,
    draft_request,
    fill,
    filled_query,
    outcome_of,
    succeeded,
    text_of,
)
from remit.adapters.backoffice.mapped.wire import Wire
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.adapters.openapi.document import Operation
from remit.ports.backoffice import Act, ActOutcome, ActResult


class Drafts:
    """The drafts of a mapped system."""

    def __init__(self, wire: Wire, operations: Mapping[str, Operation], lookups: Lookups, *, currency: str) -> None:
        """Act over `wire`; `currency` is the desk's own."""
        self._wire = wire
        self._operations = operations
        self._lookups = lookups
        self._currency = currency

    async def find(self, prepared: PreparePromise, act: Act) -> str:
        """Return the id of a draft whose answer was lost, "" where none is found.

        Raises:
            Fault: `fault.backoffice`; it is not known.
        """
        if prepared.marker is None:
            return ""
        return text_of(find(await self._lookups.find(prepared.marker.lookup, act), prepared.marker.id))

    async def send(
        self,
        action: ActionMap,
        prepared: PreparePromise,
        act: Act,
        begin: Request,
        *,
        draft: str,
        keep_draft: Callable[[str], Awaitable[None]],
    ) -> ActResult:
        """Make a draft and complete it, unless there is a whole `draft`, and commit it.

        Raises:
            Fault: `fault.backoffice`; its fate is unknown.
            UnusableValue: for a param that cannot be sent; nothing was.
        """
        if not draft:
            for step in prepared.steps:
                self._request(prepared, step.operation, "x", act, step.body)  # params that cannot be sent make no draft
            answer = await self._wire.act(begin)
            if answer.status in action.refusals:
                return _failed()
            draft = text_of(find(decoded(answer), prepared.id)) if answer.status in GOOD else ""
            if not draft:
                raise ExchangeFault(Problem.STATUS, f"{act.action}: no draft was made", status=answer.status)
            for step in prepared.steps:
                await keep_draft(draft)
                answer = await self._wire.act(self._request(prepared, step.operation, draft, act, step.body))
                if answer.status in action.refusals:
                    return await self._refused(prepared, act, draft)
                if answer.status not in GOOD:
                    message = f"{step.operation}: status {answer.status}"
                    raise ExchangeFault(Problem.STATUS, message, status=answer.status)
        await keep_draft(draft)
        answer = await self._wire.act(self._request(prepared, prepared.commit, draft, act))
        if answer.status in action.refusals:
            return await self._refused(prepared, act, draft)
        return outcome_of(action, answer)

    async def state(self, prepared: PreparePromise, draft: str) -> ActOutcome:
        """Return whether a draft was committed: done, unclear where it is gone, else unseen, as without a draft.

        Raises:
            Fault: `fault.backoffice`.
        """
        if not draft:
            return ActOutcome.UNSEEN
        query = filled_query(prepared.query, {"id": draft})
        path = fill(self._operations[prepared.state], {prepared.placeholder: draft}, query)
        answer = await self._wire.read(path)
        if answer.status in ABSENT:
            return ActOutcome.UNCLEAR
        done = succeeded(decoded(answer), prepared.done) if answer.status in GOOD else None
        if done is None:
            raise ExchangeFault(Problem.STATUS, f"{path}: status {answer.status}", status=answer.status)
        return ActOutcome.DONE if done else ActOutcome.UNSEEN

    async def undo(self, prepared: PreparePromise, act: Act, draft: str) -> None:
        """Delete a draft that was never committed.

        Raises:
            Fault: `fault.backoffice`; it is not known to be deleted.
        """
        answer = await self._wire.act(self._request(prepared, prepared.undo, draft, act))
        if answer.status not in GOOD and answer.status not in ABSENT:
            raise ExchangeFault(Problem.STATUS, f"{act.action}: a draft was not deleted", status=answer.status)

    async def _refused(self, prepared: PreparePromise, act: Act, draft: str) -> ActResult:
        """Leave no draft of a refused act behind. ⚔ A commit that an earlier one made needless is refused, too."""
        state = await self.state(prepared, draft)
        if state is not ActOutcome.UNSEEN:
            return ActResult(state=state, values={})
        await self.undo(prepared, act, draft)
        return _failed()

    def _request(
        self, prepared: PreparePromise, name: str, draft: str, act: Act, body: Sequence[BodyPart] = ()
    ) -> Request:
        return draft_request(
            self._operations[name], prepared.placeholder, draft, act, currency=self._currency, body=body
        )


def _failed() -> ActResult:
    return ActResult(state=ActOutcome.FAILED, values={}, reason=REFUSED)
