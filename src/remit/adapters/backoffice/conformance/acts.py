"""Checks of acts, keys, versions and fences, over the port."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

from remit.adapters.backoffice.conformance.promises import BrokenPromiseError, NotTriedError
from remit.adapters.backoffice.conformance.trial import NOT_FRESH, Remembered, Snapshot, Trial, settled, unknown_act
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.ports.backoffice import Act, ActOutcome, ActResult

_AT_ONCE: Final = 8
_STORMS: Final = 2
_SETTLE_S: Final = 0.3
_RACES: Final = (-0.001, 0.0, 0.001, 0.005, 0.02)
"""Seconds by which the fence is sent later than the act."""
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


async def key_acts_once(trial: Trial) -> str:
    """Check that the same key again changes nothing. Learn how much one act changes."""
    record_id = trial.next_record()
    before = await trial.look(record_id)
    act = trial.act(record_id, version=before.version)
    first = await trial.done(act)
    after = await trial.look(record_id)
    trial.growth = trial.grew(before, after)
    again = await settled(trial.backoffice().perform, act)
    _verify_same("the same key again", first, again)
    await _verify_unchanged(trial, record_id, after, "after the same key came again")
    return ""


async def key_acts_once_in_parallel(trial: Trial) -> str:
    """Check eight at once, twice."""
    counted = True
    for _ in range(_STORMS):
        counted &= await _storm(trial)
    if counted:
        return f"counted by {trial.writes().effect or 'the version'}"
    return "answers alike; name an attribute of numbers in write.effect to count the acts"


async def _storm(trial: Trial) -> bool:
    """Perform one act eight times at once, on connections that are open; return whether its effect could be counted."""
    record_id, backoffice = trial.next_record(), trial.backoffice()
    before, act = await trial.look(record_id), trial.act(record_id)
    await _together(*(backoffice.outcome(act) for _ in range(_AT_ONCE)))
    answers = await _together(*(settled(backoffice.perform, act) for _ in range(_AT_ONCE)))
    if answers[0].state is ActOutcome.FAILED:
        raise NotTriedError(f"the probe's write failed: {answers[0].reason or 'no reason given'}; {NOT_FRESH}")
    for answer in answers[1:]:
        _verify_same(f"one of {_AT_ONCE} at once", answers[0], answer)
    trial.acts.append(Remembered(act, answers[0].state))
    grown = trial.grew(before, await trial.look(record_id))
    if grown is None or not trial.growth:
        return False
    if grown != trial.growth:
        raise BrokenPromiseError(f"{_AT_ONCE} at once changed {record_id} by {grown}, one act by {trial.growth}")
    return True


async def key_with_another_body(trial: Trial) -> str:
    """Check that a used key does nothing for another record."""
    record_id, other_id = trial.next_record(), trial.next_record()
    act = trial.act(record_id)
    await trial.done(act)
    before = await trial.look(other_id)
    other = trial.act(other_id, version=before.version, key=act.key)
    try:
        await settled(trial.backoffice().perform, other)
    except ExchangeFault as fault:
        if fault.problem is not Problem.STATUS or not _CLIENT_ERROR <= fault.status < _SERVER_ERROR:
            raise BrokenPromiseError(f"the key with another body: {fault.detail}") from None
    await _verify_unchanged(trial, other_id, before, f"by a key that was used for {record_id}")
    return ""


async def version_moves(trial: Trial) -> str:
    """Check that an act changes the version; keep the old one for the next check."""
    record_id = trial.next_record()
    before = await trial.look(record_id)
    await trial.done(trial.act(record_id, version=before.version))
    after = await trial.look(record_id)
    if after.version == before.version:
        raise BrokenPromiseError(f"{record_id} has version {before.version} before and after an act")
    trial.stale = (record_id, before.version)
    return ""


async def stale_version_fails(trial: Trial) -> str:
    """Check an act on the version of before, or on one that never was."""
    record_id, version = trial.stale or (trial.next_record(), "remit-check-never")
    before = await trial.look(record_id)
    result = await settled(trial.backoffice().perform, trial.act(record_id, version=version))
    if result.state is not ActOutcome.FAILED:
        raise BrokenPromiseError(f"{result.state} on version {version} of {record_id}, which has {before.version}")
    await _verify_unchanged(trial, record_id, before, f"by an act on its version {version}")
    return ""


async def fence_stops_a_late_act(trial: Trial) -> str:
    """Check that an act behind its fence does not act, at once or a little later."""
    record_id = trial.next_record()
    before = await trial.look(record_id)
    act = trial.act(record_id, version=before.version)
    backoffice = trial.backoffice()
    fenced = await settled(backoffice.fence, act)
    if fenced.state is not ActOutcome.FENCED:
        raise BrokenPromiseError(f"the fence of a new key was answered {fenced.state}")
    trial.acts.append(Remembered(act, fenced.state))
    late = await settled(backoffice.perform, act)
    await asyncio.sleep(_SETTLE_S)
    await _verify_unchanged(trial, record_id, before, "by a fenced key")
    if late.state is not ActOutcome.FENCED:
        raise BrokenPromiseError(f"the late act was answered {late.state}")
    again = await settled(backoffice.fence, act)
    if again.state is not ActOutcome.FENCED:
        raise BrokenPromiseError(f"a second fence was answered {again.state}")
    return ""


async def fence_behind_an_act(trial: Trial) -> str:
    """Check that a fence does not hide an act."""
    act = trial.act(trial.next_record())
    first = await trial.done(act)
    fenced = await settled(trial.backoffice().fence, act)
    _verify_same("the fence behind the act", first, fenced)
    return ""


async def act_and_fence_race(trial: Trial) -> str:
    """Check several races, with the fence a little later each time."""
    stories = []
    for delay_s in _RACES:
        record_id = trial.next_record()
        before = await trial.look(record_id)
        act = trial.act(record_id)
        acted, fenced = await _race(trial, act, delay_s)
        await asyncio.sleep(_SETTLE_S)
        known = await trial.backoffice().outcome(act)
        if len({acted.state, fenced.state, known.state}) > 1:
            raise BrokenPromiseError(
                f"the act was answered {acted.state}, the fence {fenced.state}, the outcome {known.state}"
            )
        moved = await trial.look(record_id) != before
        if moved is not (acted.state is ActOutcome.DONE):
            raise BrokenPromiseError(f"both were answered {acted.state}, and {record_id} {_moved(moved)}")
        trial.acts.append(Remembered(act, acted.state))
        stories.append(acted.state.value)
    return f"{len(stories)} races: {', '.join(stories)}"


async def _race(trial: Trial, act: Act, delay_s: float) -> tuple[ActResult, ActResult]:
    backoffice = trial.backoffice()

    async def later(call: Callable[[Act], Awaitable[ActResult]], after_s: float) -> ActResult:
        await asyncio.sleep(after_s)
        return await settled(call, act)

    acted, fenced = await _together(
        later(backoffice.perform, max(0.0, -delay_s)), later(backoffice.fence, max(0.0, delay_s))
    )
    return acted, fenced


async def _together(*calls: Coroutine[None, None, ActResult]) -> list[ActResult]:
    """Run all to their end, then raise the first fault."""
    ended = await asyncio.gather(*calls, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]


def _moved(moved: bool) -> str:  # noqa: FBT001  # a word for it
    return "changed" if moved else "did not change"


async def outcomes_are_known(trial: Trial) -> str:
    """Check the outcome of a new key, and of every act and fence of this run."""
    backoffice = trial.backoffice()
    unseen = await backoffice.outcome(unknown_act(trial.world))
    if unseen.state is not ActOutcome.UNSEEN:
        raise BrokenPromiseError(f"a key that was never used was answered {unseen.state}")
    for one in trial.acts:
        known = await backoffice.outcome(one.act)
        if known.state is not one.state:
            raise BrokenPromiseError(f"a key that was answered {one.state} is now {known.state}")
    return f"{len(trial.acts)} keys and one unseen"


async def keys_outlive_a_restart(trial: Trial) -> str:
    """Check the keys of a run before the restart."""
    if not trial.earlier:
        raise NotTriedError("run once with --remember FILE, restart the backoffice, and run again with the same FILE")
    backoffice = trial.backoffice()
    for one in trial.earlier:
        known = await backoffice.outcome(one.act)
        if known.state is not one.state:
            raise BrokenPromiseError(f"a key that was answered {one.state} before is now {known.state}")
    for one in trial.earlier:
        again = await settled(backoffice.perform, one.act)
        if again.state is not one.state:
            raise BrokenPromiseError(f"a key that was answered {one.state} before is answered {again.state} to its act")
    return f"{len(trial.earlier)} keys of an earlier run"


def _verify_same(about: str, first: ActResult, again: ActResult) -> None:
    if again.state is not first.state or again.values != first.values:
        raise BrokenPromiseError(
            f"{about} was answered {again.state} {dict(again.values)}, not {first.state} {dict(first.values)}"
        )


async def _verify_unchanged(trial: Trial, record_id: str, before: Snapshot, cause: str) -> None:
    after = await trial.look(record_id)
    if after != before:
        raise BrokenPromiseError(f"{record_id} changed {cause}")
