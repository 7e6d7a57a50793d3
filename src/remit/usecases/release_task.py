"""Letting a held task go on, after people have looked at what it did."""

from dataclasses import replace

from remit.domain.errors import Code, Refused
from remit.domain.records import TaskRecord, TaskState
from remit.domain.speech import marked
from remit.domain.trajectory import SubjectKind, WasLookedAt, subjects_of
from remit.domain.transcript import Kind
from remit.ports.store import Commit, Kept, Missing, Put, Step
from remit.usecases.keep import keep
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, pseudonym, write


async def verify_held(parts: Parts, task_id: str) -> Kept[TaskRecord]:
    """A task that is held, and could go on.

    Raises:
        Refused: `request.not_found`.
    """
    try:
        kept = await parts.store.get(TaskRecord, task_id)
    except Missing:
        kept = None
    if kept is None or kept.record.state is not TaskState.HELD or parts.world.now() >= kept.record.ends_at:
        raise Refused(Code.REQUEST_NOT_FOUND, "not held", public=marked("No task of that name is held."))
    return kept


async def release_task(parts: Parts, task_id: str, *, by: str) -> None:
    """Let a held task go on. Two people must have agreed before this is called.

    The risk of the task, its grant and its targets starts from nothing; what the task did is taken off the trails of agent and
    operator, where what others did stays.

    Raises:
        Refused: `request.not_found` when it is held no more, `task.busy`.

    Source: docs/model/model.md#trajectory, #two-people.
    """
    kept = await verify_held(parts, task_id)
    task, now = kept.record, parts.world.now()
    trails = (await parts.store.snapshot(task=task.id, idempotency="")).trails
    levels = next((trail.levels for trail in trails if trail.kind is SubjectKind.TASK), {})
    concerned = (
        *subjects_of(task),
        *((SubjectKind.TARGET, target) for target in task.targets),
    )
    written = await write(
        parts,
        draft(
            parts,
            Kind.TASK_RESUMED,
            envelope={"task": task.id, "agent": task.client_id, "customer": pseudonym(parts, task.customer)},
            desk={"by": by},
            subject=task.customer,
            refs=(task.id, task.client_id, task.customer),
        ),
    )
    await keep(
        parts,
        Commit(
            puts=(Put(replace(task, state=TaskState.OPEN), kept.rev, task),),
            touches=((task.id, now),),
            steps=tuple(Step(kind, subject, WasLookedAt(levels=levels), now) for kind, subject in concerned),
            entries=written.rows,
        ),
    )
