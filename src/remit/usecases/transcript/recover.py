"""Recovery of a desk whose store is older than its published log: nothing from before may act any more.

Run by `remit recover` alone, on a store opened to recover, with nothing else running.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from remit.domain.errors import Code, Refused
from remit.domain.records import (
    ActRecord,
    AskRecord,
    AskState,
    Ceremony,
    ConfirmationRecord,
    ConfirmationState,
    EndReason,
    Invitation,
    MandateRecord,
    OutboxState,
    Proposal,
    PushedRequest,
    Record,
    SessionRecord,
)
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import Kind
from remit.domain.transcript.verification import tile_reader, verify_checkpoint, verify_vkey
from remit.domain.values import Json
from remit.engine.ask.counters import released_reservations
from remit.engine.context import DeskContext
from remit.engine.mandates.revoke import revoke_mandate
from remit.engine.tasks import end_all
from remit.engine.transcript.record import prepare_entry
from remit.ports.store import Commit, Drop, PublishedCheckpoint, Put, Reserve, Versioned
from remit.proof import merkle
from remit.proof.canonical import b64url
from remit.proof.checkpoint import Checkpoint, VerifyEd25519, b64
from remit.proof.tiles import HEIGHT, WIDTH, Tile
from remit.usecases.transcript.replay_erasures import replay_erasures

R = TypeVar("R", bound=Record)
_PAGE = 1000
_EVIDENCE = 4000


@struct(frozen=True, kw_only=True)
class RecoveryResult:
    """The result of a recovery: entries from `kept` up to `published` are lost; a fork means a diverged log."""

    kept: int
    published: int | None
    forked: bool
    mandates: int
    tasks: int
    confirmations: int
    acts_unknown: int
    key: str


@struct(frozen=True, kw_only=True)
class _LogGap:
    """The difference between stored and published log; `published` is None when lost or unverifiable."""

    kept: int
    text: str
    published: Checkpoint | None
    forked: bool


async def recover_desk(
    desk: DeskContext,
    outside: PublishedCheckpoint,
    *,
    by: str,
    rotate: Callable[[], str],
    verify_ed25519: VerifyEd25519,
) -> RecoveryResult:
    """Make an old store safe to serve from, and continue the published log from here.

    Acts that may have been sent become `unknown` and are reconciled with the desk; tasks end, mandates are revoked,
    waiting confirmations are voided, and every one-time code, sign-in and proposal is dropped, since it may have been
    used already. `rotate` makes a new token key, ends all old ones, and returns the new key's id.

    Repeating an interrupted recovery is safe: until its end the store does not open to serve. Suspensions and removals
    in the lost entries (agents, passkeys, roles) are unknown here and must be reviewed by a person.

    Raises:
        Refused: `request.conflict` when the store is not older than what was published: there is nothing to recover.
        Fault: `fault.store`; run it again.

    Source: docs/model/model.md#high-water.
    """
    gap = await _log_gap(desk, outside.published(), verify_ed25519)
    key = rotate()
    acts = await _mark_acts_unknown(desk)
    waited = [one.record.id for one in await _all(desk, ConfirmationRecord, "due.confirmation")]
    tasks = await end_all(desk, "task.live", "", EndReason.RECOVERED)
    mandates = await _all(desk, MandateRecord, "mandate.live")
    for mandate in mandates:
        await revoke_mandate(desk, mandate.record.id, customer=None, by=by)
    await _void_confirmations(desk)
    for kind in (Ceremony, Invitation, PushedRequest, SessionRecord, Proposal):
        await _drop_all(desk, kind)
    await replay_erasures(desk)
    recovered = RecoveryResult(
        kept=gap.kept,
        published=None if gap.published is None else gap.published.size,
        forked=gap.forked,
        mandates=len(mandates),
        tasks=len(tasks),
        confirmations=len(waited),
        acts_unknown=acts,
        key=key,
    )
    await _record(desk, gap, recovered, waited, by)
    # A crash before this leaves the old checkpoint in force; repaired by running the recovery again, as the next start
    # refuses.
    await outside.accept()
    await desk.notify.incident(
        kind="recovered",
        details={
            "kept": str(gap.kept),
            "published": str(recovered.published),
            "by": by,
            "look_at": "suspensions, passkeys and roles",
        },
    )
    return recovered


async def _log_gap(desk: DeskContext, text: str, verify_ed25519: VerifyEd25519) -> _LogGap:
    """Compare the store's log with the published one."""
    vkey = verify_vkey(desk.signer.log_key())
    note = await desk.store.checkpoint()
    kept = verify_checkpoint(note, [vkey], verify_ed25519).size if note else 0
    try:
        published = verify_checkpoint(text, [vkey], verify_ed25519)
    except Refused:
        return _LogGap(kept=kept, text=text, published=None, forked=False)
    if published.size > kept:
        return _LogGap(kept=kept, text=text, published=published, forked=False)
    if await _root(desk, published.size) == published.root:
        raise Refused(
            Code.REQUEST_CONFLICT,
            f"the store has all {published.size} published entries: it is not older",
            public="There is nothing to recover: start the server.",
            cure="There is nothing to recover: start the server.",
        )
    return _LogGap(kept=kept, text=text, published=published, forked=True)


async def _root(desk: DeskContext, size: int) -> bytes:
    """Return the root over the store's first `size` entries, from the few tiles it takes."""
    found: dict[Tile, bytes] = {}
    for level in range(size.bit_length()):
        if size >> level & 1:
            tile_level, height = divmod(level, HEIGHT)
            index = (((size >> level) - 1) << height) // WIDTH
            tile = Tile(
                level=tile_level, index=index, width=min(WIDTH, (size >> (HEIGHT * tile_level)) - index * WIDTH)
            )
            found[tile] = await desk.store.tile(tile.level, tile.index, tile.width)
    return merkle.root(size, tile_reader(found.__getitem__, size))


async def _mark_acts_unknown(desk: DeskContext) -> int:
    """Mark possibly sent backoffice acts as unknown: only the desk knows their outcome."""
    doubted = 0
    queued = await _all(desk, ActRecord, "act.queued")
    sent = [kept for kept in await _all(desk, ActRecord, "act.sent") if kept.record.state is OutboxState.SENT]
    for act in (*queued, *sent):
        known = act.record.door == "backoffice" or act.record.state is OutboxState.SENT
        doubtful = replace(act.record, state=OutboxState.UNKNOWN) if known else act.record.over(OutboxState.VOID)
        puts = [Put(doubtful, act.rev, act.record)]
        reserves: tuple[Reserve, ...] = ()
        if act.record.ask:
            ask = await desk.store.get(AskRecord, act.record.ask)
            held = ask.record.reserved if known else ()
            state = AskState.UNKNOWN if known else AskState.VOID
            puts.append(
                Put(
                    replace(ask.record, state=state, reserved=held, reason=EndReason.RECOVERED.value),
                    ask.rev,
                    ask.record,
                )
            )
            reserves = () if known else released_reservations(ask.record)
        await desk.store.commit(Commit(puts=tuple(puts), reserves=reserves))
        doubted += known
    return doubted


async def _void_confirmations(desk: DeskContext) -> None:
    """Void the confirmations waiting on tasks that had ended already."""
    for kept in await _all(desk, ConfirmationRecord, "due.confirmation"):
        void = replace(kept.record, state=ConfirmationState.VOID, nonce="")
        await desk.store.commit(Commit(puts=(Put(void, kept.rev, kept.record),)))


async def _drop_all(desk: DeskContext, kind: type[R]) -> None:
    for kept in await _all(desk, kind, f"due.{kind.KIND}"):
        await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))


async def _all(desk: DeskContext, kind: type[R], index: str) -> Sequence[Versioned[R]]:
    """Return everything under an index, regardless of its number."""
    limit = _PAGE
    while True:
        found = await desk.store.find(kind, index, "", limit=limit)
        if len(found) < limit:
            return found
        limit *= 4


async def _record(desk: DeskContext, gap: _LogGap, recovered: RecoveryResult, waited: Sequence[str], by: str) -> None:
    """Record the recovery, with the published checkpoint as evidence of the loss."""
    published: Json = None
    if gap.published is not None:
        published = {"size": gap.published.size, "root": b64(gap.published.root)}
    written = await prepare_entry(
        desk,
        Kind.LOG_RECOVERED,
        envelope={
            "kept": gap.kept,
            "published": published,
            "lost": {"from": gap.kept, "to": gap.published.size}
            if gap.published is not None and not gap.forked
            else None,
            "forked": gap.forked,
            "evidence": b64url(hashlib.sha256(gap.text.encode("utf-8", errors="replace")).digest()),
            "mandates": recovered.mandates,
            "tasks": recovered.tasks,
            "confirmations": recovered.confirmations,
            "acts_unknown": recovered.acts_unknown,
            "key": recovered.key,
        },
        desk={"by": by, "checkpoint": gap.text[:_EVIDENCE], "asks_that_waited": list(waited)},
        refs=("recoveries",),
    )
    await desk.store.commit(Commit(entries=written.rows))
