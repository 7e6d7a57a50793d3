"""An act as changes of one entry: found, compared with the decision, and built from the rules alone.

⚔ No text of an ask is written into a directory: a change is a fixed text, a new password, or a name that the directory
itself answered.
"""

import base64
import re
from typing import Final

from remit.adapters.backoffice.directory.connection import LdapConnection
from remit.adapters.backoffice.directory.messages import Change, Entry, LdapCode, LdapResult, Operation
from remit.adapters.backoffice.directory.records import DirectoryRecords
from remit.adapters.backoffice.directory.rules import ActionRule, AttributeChange, Hindrance
from remit.domain.policy.decision import RecordFacts
from remit.domain.structs import struct
from remit.ports.backoffice import Act, ActOutcome, ActResult
from remit.ports.world import World

CHANGED: Final = "It has changed meanwhile."
NOT_FOUND: Final = "There is no such record of this customer."
REFUSED: Final = "The directory refused it."
ALREADY: Final = "It is like that already."
_SO_ALREADY: Final = frozenset({LdapCode.ALREADY_EXISTS, LdapCode.NO_SUCH_ATTRIBUTE, LdapCode.VALUE_EXISTS})
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}")
_PASSWORD_BYTES: Final = 18


@struct(frozen=True, kw_only=True)
class Target:
    """The entry that an act changes, and the customer's own name where the change has it."""

    entry: Entry
    fact: RecordFacts
    customer: Entry | None


class NotDoneError(Exception):
    """An act that is not done; its text is for people."""


class Changes:
    """The acts of the rules, as changes."""

    def __init__(self, records: DirectoryRecords, world: World) -> None:
        """Find entries by `records`."""
        self._records = records
        self._world = world

    async def target(
        self, connection: LdapConnection, act: Act, rule: ActionRule, *, more: tuple[str, ...] = ()
    ) -> Target | None:
        """Find the record of an act as it is now; `more` attributes are read with it. None for one that is not there.

        Raises:
            Fault: `fault.backoffice`.
        """
        asked = act.params.get(rule.param)
        read = {one.attribute for one in rule.unless} | set(more)
        entry = await self._records.find(connection, rule.kind, asked, read) if isinstance(asked, str) else None
        if entry is None or not isinstance(asked, str):
            return None
        fact = await self._records.fact(connection, rule.kind, asked, entry, act.customer)
        own = None
        if any(one.add or one.remove for one in rule.change):
            own = await self._records.customer_entry(connection, act.customer)
        return Target(entry=entry, fact=fact, customer=own)

    async def of(self, connection: LdapConnection, act: Act, rule: ActionRule, target: Target) -> tuple[Change, ...]:
        """Build the changes of an act, if its record is still the one that was decided on.

        Raises:
            NotDoneError: it is not, or its state does not allow the act.
            Fault: `fault.backoffice`.
        """
        await self._verify_versions(connection, act, rule, target.fact)
        for hindrance in rule.unless:
            if _hinders(hindrance, target.entry):
                raise NotDoneError(hindrance.reason)
        return tuple(self._change(change, target) for change in rule.change)

    async def _verify_versions(self, connection: LdapConnection, act: Act, rule: ActionRule, fact: RecordFacts) -> None:
        if (rule.kind, fact.id) not in act.versions:
            raise NotDoneError(CHANGED)
        for (kind, record_id), version in act.versions.items():
            if (kind, record_id) == (rule.kind, fact.id):
                now = fact.version
            else:
                entry = await self._records.find(connection, kind, record_id)
                other = (
                    None
                    if entry is None
                    else await self._records.fact(connection, kind, record_id, entry, act.customer)
                )
                now = "" if other is None else other.version
            if now != version:
                raise NotDoneError(CHANGED)

    def _change(self, change: AttributeChange, target: Target) -> Change:
        if change.add or change.remove:
            if target.customer is None:
                raise NotDoneError(NOT_FOUND)
            operation = Operation.ADD if change.add else Operation.DELETE
            return Change(operation=operation, attribute=change.attribute, values=(target.customer.dn.encode(),))
        if change.password is not None:
            value = self._new_password(quoted=change.password == "utf-16")  # noqa: S105  # a form, no password
        elif change.set is not None:
            value = change.set.encode()
        else:
            return Change(operation=Operation.REPLACE, attribute=change.attribute)
        return Change(operation=Operation.REPLACE, attribute=change.attribute, values=(value,))

    def _new_password(self, *, quoted: bool) -> bytes:
        """Make a password. ⚔ It is in this one request, and never kept, told or logged."""
        made = f"Rm1-{base64.urlsafe_b64encode(self._world.random(_PASSWORD_BYTES)).decode()}"
        return f'"{made}"'.encode("utf-16-le") if quoted else made.encode()


def verify_own(target: Target | None) -> Target:
    """Verify that a record is there, and is the customer's own or public.

    ⚔ Owners are looked at again, in the same reading as the version that the change is held to.

    Raises:
        NotDoneError: otherwise.
    """
    if target is None or target.fact.relation == "none":
        raise NotDoneError(NOT_FOUND)
    return target


def done(rule: ActionRule) -> ActResult:
    """Return the result of an act that was done: what the rules tell, the same each time."""
    return ActResult(state=ActOutcome.DONE, values=dict(rule.values))


def refused(result: LdapResult) -> str:
    """Return the reason of a change that the directory refused."""
    if result.code == LdapCode.ASSERTION_FAILED:
        return CHANGED
    return ALREADY if result.code in _SO_ALREADY else REFUSED


def _hinders(hindrance: Hindrance, entry: Entry) -> bool:
    texts = entry.texts(hindrance.attribute)
    if hindrance.absent:
        return not texts
    if hindrance.bit is not None:
        # ⚔ A number that cannot be read hinders, as does none: it may say that the account is disabled.
        number = entry.only(hindrance.attribute)
        return not _is_number(number) or bool(int(number) & hindrance.bit)
    return hindrance.is_ in texts


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None
