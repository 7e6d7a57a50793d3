"""Looking up an act by its key, where it was to leave it."""

from collections.abc import Mapping
from typing import Final

from remit.adapters.backoffice.mapped.mapping import KEY, Lookup
from remit.adapters.backoffice.mapped.pointers import find, find_each
from remit.adapters.backoffice.mapped.requests import GOOD, UnusableValue, act_query, decoded, fill
from remit.adapters.backoffice.mapped.wire import Wire
from remit.adapters.http.connection import HttpAnswer
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.adapters.openapi.document import Operation
from remit.domain.values import is_list
from remit.ports.backoffice import Act

ABSENT: Final = frozenset({404, 410})


class Lookups:
    """The look-ups of a mapped system."""

    def __init__(self, wire: Wire, operations: Mapping[str, Operation]) -> None:
        """Ask over `wire`."""
        self._wire = wire
        self._operations = operations

    async def find(self, lookup: Lookup, act: Act) -> object:
        """Return what carries the act's key: one of the list, or the whole answer; None where there is nothing.

        Raises:
            Fault: `fault.backoffice`; it is not known.
        """
        answer = await self.answer(lookup, act)
        if answer is None:
            return None
        body = decoded(answer)
        if answer.status not in GOOD or body is None:
            raise ExchangeFault(Problem.STATUS, f"{lookup.operation}: status {answer.status}", status=answer.status)
        if not lookup.at:
            return body
        each = find_each(body, lookup.items)
        found = find(body, lookup.items) if each is None else each
        if found is None:
            raise ExchangeFault(Problem.FORM, f"{lookup.operation}: nothing at {lookup.items}")
        at = lookup.at.replace(KEY, act.key)
        return next((one for one in (found if is_list(found) else [found]) if find(one, at) == act.key), None)

    async def answer(self, lookup: Lookup, act: Act) -> HttpAnswer | None:
        """Return the answer to a look-up, whatever its status; None where the act is not there.

        Raises:
            Fault: `fault.backoffice`; it is not known.
        """
        values = {name: act.key if at == KEY else find(act.params, at) for name, at in lookup.path.items()}
        try:
            path = fill(self._operations[lookup.operation], values, act_query(lookup.query, act))
        except UnusableValue:
            raise ExchangeFault(Problem.FORM, f"{lookup.operation}: a param cannot be asked for") from None
        answer = await self._wire.read(path, as_actor=lookup.account == "act")
        return None if answer.status in ABSENT else answer
