"""Acts done once, by what a directory itself promises: a transaction, or a marker in the changed entry.

Source: docs/directory.md#once.
"""

import re
from collections.abc import Mapping
from typing import Final, Protocol

from remit.adapters.backoffice.act_journal import JournalEntry
from remit.adapters.backoffice.directory import messages
from remit.adapters.backoffice.directory.changes import Changes, NotDoneError, Target, done, refused, verify_own
from remit.adapters.backoffice.directory.connection import Directory, LdapConnection, explain
from remit.adapters.backoffice.directory.journal import MarkerJournal
from remit.adapters.backoffice.directory.messages import (
    Add,
    Change,
    Entry,
    LdapCode,
    LdapResult,
    Modify,
    Operation,
    Scope,
)
from remit.adapters.backoffice.directory.rules import ActionRule, DirectoryFile, MarkerRule, TransactionRule
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.ports.backoffice import Act, ActOutcome, ActResult

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_STATE: Final = "remitState"
_RESULT: Final = "remitResult"
_TRIES: Final = 4
_DONE_MARK: Final = "remit:"
_FENCE_MARK: Final = "remit-fence:"
_MARKS: Final[Mapping[str, ActOutcome]] = {_DONE_MARK: ActOutcome.DONE, _FENCE_MARK: ActOutcome.FENCED}
_UNSEEN: Final = ActResult(state=ActOutcome.UNSEEN, values={})
_UNCLEAR: Final = ActResult(state=ActOutcome.UNCLEAR, values={})
_FOREIGN: Final = "The record carries a mark of another system; a person must check it."


class Once(Protocol):
    """A way by which a key acts once."""

    async def perform(self, act: Act, rule: ActionRule) -> ActResult:
        """Do the act once."""

    async def outcome(self, act: Act, rule: ActionRule) -> ActResult:
        """Return the fate of the act's key."""

    async def fence(self, act: Act, rule: ActionRule) -> ActResult:
        """Make sure that the key never acts from now on, or return its outcome."""


class TransactionOnce:
    """Each act is an entry of its own, added in one transaction with its change: journal, fence and version in one.

    Source: RFC 5805, RFC 4528.
    """

    def __init__(self, directory: Directory, rule: TransactionRule, changes: Changes) -> None:
        """Keep acts below `rule.acts`."""
        self._directory = directory
        self._rule = rule
        self._changes = changes

    async def perform(self, act: Act, rule: ActionRule) -> ActResult:
        """Add the act's entry and change the record while its version holds, together or not at all."""

        async def job(connection: LdapConnection) -> ActResult:
            earlier = await self._find(connection, act, rule)
            if earlier.state is not ActOutcome.UNSEEN:
                return earlier
            try:
                target = verify_own(await self._changes.target(connection, act, rule))
                changes = await self._changes.of(connection, act, rule, target)
            except NotDoneError as reason:
                return await self._keep(connection, act, rule, ActOutcome.FAILED, str(reason))
            version = (self._rule.version, target.fact.version.encode())
            change = Modify(dn=target.entry.dn, changes=changes, asserted=version)
            result = await connection.write_together([self._entry(act, ActOutcome.DONE), change])
            if result.code == LdapCode.SUCCESS:
                return done(rule)
            _verify_settled(act, result)
            earlier = await self._find(connection, act, rule)
            if earlier.state is not ActOutcome.UNSEEN:
                return earlier
            return await self._keep(connection, act, rule, ActOutcome.FAILED, refused(result))

        return await self._directory.act(job)

    async def outcome(self, act: Act, rule: ActionRule) -> ActResult:
        """Read the act's entry."""
        return await self._directory.act(lambda connection: self._find(connection, act, rule))

    async def fence(self, act: Act, rule: ActionRule) -> ActResult:
        """Add the act's entry as fenced: whatever comes later finds its key taken."""
        return await self._directory.act(lambda connection: self._keep(connection, act, rule, ActOutcome.FENCED, ""))

    async def _keep(
        self, connection: LdapConnection, act: Act, rule: ActionRule, state: ActOutcome, reason: str
    ) -> ActResult:
        """Add an entry for an act that was not done, or return the earlier outcome."""
        result = await connection.write(self._entry(act, state, reason))
        if result.code == LdapCode.SUCCESS:
            return ActResult(state=state, values={}, reason=reason)
        found = await self._find(connection, act, rule)
        if found.state is ActOutcome.UNSEEN:
            raise ExchangeFault(Problem.STATUS, f"{act.key} cannot be kept below {self._rule.acts}: {explain(result)}")
        return found

    def _entry(self, act: Act, state: ActOutcome, reason: str = "") -> Add:
        values: dict[str, tuple[bytes, ...]] = {
            "objectClass": (self._rule.class_.encode(),),
            "cn": (_key(act).encode(),),
            "description": (f"{act.action} {act.decision}".strip().encode(),),
            _STATE: (state.value.encode(),),
        }
        return Add(dn=self._dn(act), values=values | ({_RESULT: (reason.encode(),)} if reason else {}))

    async def _find(self, connection: LdapConnection, act: Act, rule: ActionRule) -> ActResult:
        where = messages.present("objectClass")
        found = await connection.search(self._dn(act), Scope.ENTRY, where, [_STATE, _RESULT], most=1)
        if not found:
            return _UNSEEN
        state = found[0].only(_STATE)
        if state == ActOutcome.DONE:
            return done(rule)
        if state not in {ActOutcome.FAILED, ActOutcome.FENCED}:
            raise ExchangeFault(Problem.FORM, f"{_STATE} of {found[0].dn} cannot be read")
        return ActResult(state=ActOutcome(state), values={}, reason=found[0].only(_RESULT))

    def _dn(self, act: Act) -> str:
        return f"cn={_key(act)},{self._rule.acts}"


class MarkerOnce:
    """Each act leaves its key in the entry that it changes, in one modify that holds only while the mark before is there.

    ⚔ A mark shows the last act alone. Before one is replaced, the act that left it is therefore settled in the journal.
    """

    def __init__(
        self, directory: Directory, file: DirectoryFile, rule: MarkerRule, changes: Changes, journal: MarkerJournal
    ) -> None:
        """Keep keys in the attribute of `rule`, and outcomes in `journal`."""
        self._directory = directory
        self._bases: Mapping[str, str] = {name: kind.base for name, kind in file.kind.items()}
        self._attribute = rule.attribute
        self._changes = changes
        self._journal = journal

    async def perform(self, act: Act, rule: ActionRule) -> ActResult:
        """Enter the act, then change its record in one modify with its mark."""
        _key(act)
        entry = await self._journal.begin(act.key, act.action)
        if entry.settled is not None:
            return _told(entry.settled, rule)
        if not entry.fresh:
            await self._journal.send_again(entry)
        found = await self._directory.act(lambda connection: self._perform(connection, act, rule, entry))
        return _told(found, rule)

    async def outcome(self, act: Act, rule: ActionRule) -> ActResult:
        """Return what the journal has, else look for the mark."""
        entry = await self._journal.find(act.key)
        if entry is None:
            return _UNSEEN
        if entry.settled is not None:
            return _told(entry.settled, rule)
        return _told(await self._directory.act(lambda connection: self._fate(connection, act, rule)), rule)

    async def fence(self, act: Act, rule: ActionRule) -> ActResult:
        """Fence a key: in the journal where nothing was sent, else by a mark that stops what may still arrive."""
        entry = await self._journal.fence(act.key, act.action)
        if entry.settled is not None:
            return _told(entry.settled, rule)
        found = await self._directory.act(lambda connection: self._end(connection, act, rule, ActOutcome.FENCED))
        return _told(found, rule)

    async def _perform(self, connection: LdapConnection, act: Act, rule: ActionRule, entry: JournalEntry) -> ActResult:
        for _ in range(_TRIES):
            seen = await self._changes.target(connection, act, rule, more=(self._attribute,))
            found = await self._marked(connection, act, rule, seen)
            if found is not None:
                return found
            try:
                target = verify_own(seen)
                changes = await self._changes.of(connection, act, rule, target)
            except NotDoneError as reason:
                return await self._fail(connection, act, rule, entry, str(reason))
            if not await self._settle_mark(target.entry):
                return await self._journal.settle_as(act.key, ActOutcome.FAILED, _FOREIGN)
            result = await self._mark(connection, target.entry, f"{_DONE_MARK}{act.key}", changes)
            if result.code == LdapCode.SUCCESS:
                return await self._journal.settle_as(act.key, ActOutcome.DONE)
            _verify_settled(act, result)
            if await self._mark_of(connection, target.entry) == target.entry.only(self._attribute):
                return await self._fail(connection, act, rule, entry, refused(result))
        raise ExchangeFault(Problem.BUSY, f"{act.key}: its record keeps changing")

    async def _fail(
        self, connection: LdapConnection, act: Act, rule: ActionRule, entry: JournalEntry, reason: str
    ) -> ActResult:
        """⚔ Where the act was sent before, it may still arrive: its record is marked, so that it then fails as told."""
        if not entry.fresh:
            return await self._end(connection, act, rule, ActOutcome.FAILED, reason)
        await self._journal.fail(entry, reason)
        return ActResult(state=ActOutcome.FAILED, values={}, reason=reason)

    async def _marked(
        self, connection: LdapConnection, act: Act, rule: ActionRule, target: Target | None
    ) -> ActResult | None:
        """Return the outcome that a mark shows, None where there is none of this key."""
        if target is None:
            found = await self._look_up(connection, act, rule)
            return None if found.state is ActOutcome.UNSEEN else found
        mark = target.entry.only(self._attribute)
        state = next((state for prefix, state in _MARKS.items() if mark == f"{prefix}{act.key}"), None)
        return None if state is None else await self._journal.settle_as(act.key, state)

    async def _look_up(self, connection: LdapConnection, act: Act, rule: ActionRule) -> ActResult:
        """Look for the mark wherever its record is now; the journal is read last, as a mark may be replaced meanwhile."""
        for prefix, state in _MARKS.items():
            mark = f"{prefix}{_key(act)}"
            where = messages.equal(self._attribute, mark)
            found = await connection.search(self._bases[rule.kind], Scope.SUBTREE, where, [self._attribute], most=1)
            if any(entry.only(self._attribute) == mark for entry in found):
                return await self._journal.settle_as(act.key, state)
        return await self._known(act, _UNSEEN)

    async def _known(self, act: Act, otherwise: ActResult) -> ActResult:
        entry = await self._journal.find(act.key)
        return otherwise if entry is None or entry.settled is None else entry.settled

    async def _fate(self, connection: LdapConnection, act: Act, rule: ActionRule) -> ActResult:
        """Look for a sent act, which is unseen only where its record can still show that it was not done."""
        found = await self._look_up(connection, act, rule)
        if found.state is not ActOutcome.UNSEEN:
            return found
        target = await self._changes.target(connection, act, rule, more=(self._attribute,))
        shows = target is not None and await self._settle_mark(target.entry)
        return await self._known(act, _UNSEEN if shows else _UNCLEAR)

    async def _end(
        self, connection: LdapConnection, act: Act, rule: ActionRule, state: ActOutcome, reason: str = ""
    ) -> ActResult:
        """Settle an act as not done, once its record has a mark that stops what may still arrive.

        ⚔ Where its record is gone, or carries a mark of others, nothing shows whether the act was done: it is unclear.
        """
        for _ in range(_TRIES):
            target = await self._changes.target(connection, act, rule, more=(self._attribute,))
            found = await self._marked(connection, act, rule, target)
            if found is not None:
                return found
            if target is None or not await self._settle_mark(target.entry):
                return await self._known(act, _UNCLEAR)
            result = await self._mark(connection, target.entry, f"{_FENCE_MARK}{act.key}", ())
            if result.code == LdapCode.SUCCESS:
                break
            _verify_settled(act, result)
            if await self._mark_of(connection, target.entry) == target.entry.only(self._attribute):
                raise ExchangeFault(Problem.STATUS, f"{target.entry.dn} cannot be marked: {explain(result)}")
        else:
            raise ExchangeFault(Problem.BUSY, f"{act.key}: its record keeps changing")
        return await self._journal.settle_as(act.key, state, reason)

    async def _settle_mark(self, entry: Entry) -> bool:
        """Settle the act whose mark is going to be replaced; false for a mark that this desk did not leave."""
        values, mark = entry.all(self._attribute), entry.only(self._attribute)
        if not values:
            return True
        for prefix, state in _MARKS.items():
            if mark.startswith(prefix):
                return await self._journal.settle_mark(mark.removeprefix(prefix), state)
        return False

    async def _mark(
        self, connection: LdapConnection, entry: Entry, mark: str, changes: tuple[Change, ...]
    ) -> LdapResult:
        """Replace the mark that was seen, and change the entry with it; refused when another mark is there."""
        swap = [Change(operation=Operation.ADD, attribute=self._attribute, values=(mark.encode(),))]
        seen = entry.all(self._attribute)
        if seen:
            swap.insert(0, Change(operation=Operation.DELETE, attribute=self._attribute, values=seen))
        return await connection.write(Modify(dn=entry.dn, changes=(*swap, *changes)))

    async def _mark_of(self, connection: LdapConnection, entry: Entry) -> str:
        where = messages.present("objectClass")
        found = await connection.search(entry.dn, Scope.ENTRY, where, [self._attribute], most=1)
        return found[0].only(self._attribute) if found else ""


def _key(act: Act) -> str:
    """Return the act's key. ⚔ It becomes a part of a name: keys of this desk need no escaping, and no others are used.

    Raises:
        Fault: `fault.backoffice`.
    """
    if _KEY.fullmatch(act.key) is None:
        raise ExchangeFault(Problem.FORM, "the key of an act is no name")
    return act.key


def _told(found: ActResult, rule: ActionRule) -> ActResult:
    """Return a recorded outcome with the values of the rules, which are the same each time."""
    return done(rule) if found.state is ActOutcome.DONE else found


def _verify_settled(act: Act, result: LdapResult) -> None:
    """⚔ Only a refusal that leaves no doubt means that nothing was done.

    Raises:
        Fault: `fault.backoffice`.
    """
    if not messages.is_refusal(result.code):
        raise ExchangeFault(Problem.STATUS, f"{act.key}: {explain(result)}")
