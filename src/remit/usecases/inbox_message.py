"""The next message in the inbox of a task's agent."""

from collections.abc import Sequence

from remit.domain.outbound import Held, kinds_of
from remit.domain.records import Message
from remit.usecases.parts import Parts
from remit.usecases.standing import Standing


async def next_message(parts: Parts, standing: Standing, *, kind: str, text: str, offer: str = "", held: Sequence[Held] = ()) -> Message:
    """The message after the last one, as it was held against this standing. Whoever keeps another one meanwhile makes its record a conflict."""
    task = standing.task.record.id
    last = await parts.store.find(Message, "message.task", task, limit=1, newest=True)
    n = last[0].record.n + 1 if last else 1
    return Message(
        id=f"{task} {n}",
        task=task,
        n=n,
        at=parts.world.now(),
        kind=kind,
        text=text,
        offer=offer,
        withheld=len(held),
        kinds=kinds_of(held),
        epochs=standing.epochs,
    )
