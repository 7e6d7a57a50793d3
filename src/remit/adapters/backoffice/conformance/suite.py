"""The suite: every promise with its check, in order, within a minute."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Final, TypeAlias

from remit.adapters.backoffice.conformance import acts, promises, records, wire
from remit.adapters.backoffice.conformance.promises import (
    BrokenPromiseError,
    NotTriedError,
    Promise,
    State,
    Verdict,
)
from remit.adapters.backoffice.conformance.trial import NO_PROBE, Trial
from remit.adapters.backoffice.conformance.wire import Limits, Wire
from remit.adapters.backoffice.http.messages import MAX_BYTES
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.domain.errors import Fault

OnStep: TypeAlias = Callable[[int, int, str], None]
"""Called before each check: its number, how many there are, and its id."""

BUDGET_S: Final = 50.0
_LATE_READS: Final = 3
_OVER: Final = "the time of a run is over"
WIRE: Final[Sequence[tuple[Promise, Callable[[Wire], Coroutine[None, None, str]]]]] = (
    (promises.REQUEST_ACCEPTED, wire.signed_is_accepted),
    (promises.ABOUT, wire.about_is_answered),
    (promises.ANSWER_SIGNED, wire.answers_are_signed),
    (promises.REQUEST_UNSIGNED, wire.unsigned_is_refused),
    (promises.REQUEST_WRONG_KEY, wire.wrong_key_is_refused),
    (promises.REQUEST_ALTERED, wire.altered_is_refused),
    (promises.REQUEST_COVERED, wire.uncovered_is_refused),
    (promises.REQUEST_REPLAYED, wire.replayed_is_refused),
    (promises.REQUEST_OLD, wire.old_is_refused),
)
RECORDS: Final[Sequence[tuple[Promise, Callable[[Trial], Coroutine[None, None, str]]]]] = (
    (promises.FACTS_ORDER, records.facts_in_order),
    (promises.FACTS_OWNER, records.facts_of_owners),
    (promises.FACTS_ID, records.facts_are_canonical),
    (promises.FACTS_ALIAS, records.aliases_are_no_ids),
    (promises.CONTENTS_OWN, records.contents_of_own),
    (promises.RECORDS_OWN, records.records_of_own),
    (promises.ATTRIBUTES_OWN, records.attributes_of_own),
    (promises.READ_OWN, records.read_of_own),
    (promises.READ_ALIKE, records.reads_alike),
    (promises.TIMING_ALIKE, records.times_alike),
)
ACTS: Final[Sequence[tuple[Promise, Callable[[Trial], Coroutine[None, None, str]]]]] = (
    (promises.KEY_KEPT, acts.keys_outlive_a_restart),
    (promises.KEY_ONCE, acts.key_acts_once),
    (promises.KEY_PARALLEL, acts.key_acts_once_in_parallel),
    (promises.KEY_BODY, acts.key_with_another_body),
    (promises.VERSION_MOVES, acts.version_moves),
    (promises.VERSION_STALE, acts.stale_version_fails),
    (promises.FENCE_LATE, acts.fence_stops_a_late_act),
    (promises.FENCE_AFTER_ACT, acts.fence_behind_an_act),
    (promises.FENCE_RACE, acts.act_and_fence_race),
    (promises.OUTCOME_KNOWN, acts.outcomes_are_known),
)
_TOTAL: Final = len(WIRE) + len(RECORDS) + len(ACTS) + 4


class Suite:
    """One run against one backoffice."""

    def __init__(self, trial: Trial, raw: Wire, limits: Limits, *, on_step: OnStep) -> None:
        """`limits` are those that the connections of `raw` and of the trial keep."""
        self._trial = trial
        self._raw = raw
        self._limits = limits
        self._on_step = on_step
        self._verdicts: list[Verdict] = []
        self._end_s = trial.world.ticks() + BUDGET_S

    async def run(self) -> Sequence[Verdict]:
        """Run every check.

        Raises:
            Fault: `fault.backoffice` when the backoffice cannot be reached at all.
        """
        for promise, check in WIRE:
            await self._try(promise, check(self._raw))
        # A backoffice that signs nothing still hears of its other promises.
        self._trial.answers_verified = self._state_of(promises.ANSWER_SIGNED) is State.KEPT
        for promise, probe_check in (*RECORDS, *ACTS):
            await self._try(promise, probe_check(self._trial), acting=(promise, probe_check) in ACTS)
        self._tell_limits()
        return self._verdicts

    async def _try(self, promise: Promise, check: Coroutine[None, None, str], *, acting: bool = False) -> None:
        self._on_step(len(self._verdicts) + 1, _TOTAL, promise.id)
        left_s = self._end_s - self._trial.world.ticks()
        try:
            self._verify_open(left_s, acting=acting)
            async with asyncio.timeout(left_s):
                self._add(promise, State.KEPT, await check)
        except BrokenPromiseError as broken:
            self._add(promise, State.BROKEN, str(broken))
        except NotTriedError as missing:
            self._add(promise, State.UNTRIED, str(missing))
        except TimeoutError:
            self._add(promise, State.UNTRIED, _OVER)
        except Fault as fault:
            self._add_fault(promise, fault)
        finally:
            check.close()

    def _verify_open(self, left_s: float, *, acting: bool) -> None:
        """Verify that another check makes sense.

        Raises:
            NotTriedError: it does not.
        """
        shut = self._shut()
        if shut is not None:
            raise NotTriedError(f"see {shut.id}")
        if left_s <= 0:
            raise NotTriedError(_OVER)
        if len(self._limits.late_reads) >= _LATE_READS:
            raise NotTriedError(f"reads are too slow to go on: see {promises.READ_TIME.id}")
        if acting and self._limits.late_act:
            raise NotTriedError(f"acts are too slow to go on: see {promises.ACT_TIME.id}")

    def _shut(self) -> Promise | None:
        """Return the promise without which nothing else can be tried, where it is broken."""
        broken = {one.promise.id for one in self._verdicts if one.state is State.BROKEN}
        return next((one for one in _DOORS if one.id in broken), None)

    def _add(self, promise: Promise, state: State, detail: str) -> None:
        self._verdicts.append(Verdict(promise=promise, state=state, detail=detail))

    def _state_of(self, promise: Promise) -> State:
        return next(one.state for one in self._verdicts if one.promise is promise)

    def _add_fault(self, promise: Promise, fault: Fault) -> None:
        """Add a fault where it belongs: to a limit or form of all answers, or to the promise that was tried."""
        problem = fault.problem if isinstance(fault, ExchangeFault) else None
        if promise is _DOORS[0] and problem is Problem.CONNECTION:
            raise fault
        elsewhere = None if problem is None or promise in _DOORS else _ELSEWHERE.get(problem)
        if elsewhere is None or problem is None:
            self._add(promise, State.BROKEN, fault.detail)
            return
        if problem is not Problem.TIME:
            self._limits.broken.setdefault(problem, fault.detail)
        self._add(promise, State.UNTRIED, f"{fault.detail}: see {elsewhere}")

    def _tell_limits(self) -> None:
        """Judge all answers of the run together."""
        limits = self._limits
        size = limits.broken.get(Problem.SIZE, "")
        if not size and limits.bytes > MAX_BYTES:
            size = f"an answer of {limits.bytes} bytes"
        late_read = limits.late_reads[0] if limits.late_reads else ""
        self._tell(promises.ANSWER_FORM, limits.broken.get(Problem.FORM, ""), "")
        self._tell(promises.ANSWER_SIZE, size, f"at most {limits.bytes} bytes")
        self._tell(promises.READ_TIME, late_read, f"at most {1000 * limits.read_s:.0f} ms")
        if limits.act_s:
            self._tell(promises.ACT_TIME, limits.late_act, f"at most {1000 * limits.act_s:.0f} ms")
        else:
            self._add(
                promises.ACT_TIME, State.BROKEN if limits.late_act else State.UNTRIED, limits.late_act or NO_PROBE
            )

    def _tell(self, promise: Promise, broken: str, seen: str) -> None:
        self._on_step(len(self._verdicts) + 1, _TOTAL, promise.id)
        shut = self._shut()
        state = State.BROKEN if broken else State.KEPT if shut is None else State.UNTRIED
        self._add(promise, state, broken or (seen if shut is None else f"see {shut.id}"))


_DOORS: Final = (promises.REQUEST_ACCEPTED, promises.ABOUT)
_ELSEWHERE: Final = {
    Problem.FORM: promises.ANSWER_FORM.id,
    Problem.SIZE: promises.ANSWER_SIZE.id,
    Problem.TIME: "time.read and time.act",
    Problem.SIGNATURE: promises.ANSWER_SIGNED.id,
}
