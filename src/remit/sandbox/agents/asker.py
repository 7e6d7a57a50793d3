"""An agent for trying the desk: makes one ask that the customer or an officer has to decide, and waits for the answer.

Without `--mandate` it only requests one, for later. `--aim` is `customer`, `officer`, `words` or `file`.
"""

from typing import Final

from remit.client import Agent, Attachment, Mandate, Task
from remit.sandbox.agents.harness import Stage, play

_LATE: Final = {"kind": "late", "order_id": "W1005", "text": "I waited three weeks for this."}
_DUTCH: Final = "Ik heb drie weken op dit pakket gewacht. Kunt u mij vertellen waar ik het kan ruilen?"
"""A message that the desk does not read, since it reads English and German: an officer does."""
_HEIC: Final = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(range(256)) * 8
"""The beginning of a telephone's photo: a format that the desk does not read."""
_METHOD: Final = "pm_7"


async def part(stage: Stage) -> None:
    """Request a mandate, or use one."""
    async with stage.agent() as agent:
        if not stage.mandate:
            mandate = await (_large(stage, agent) if stage.aim == "officer" else _small(stage, agent))
            stage.tell("granted", mandate=mandate.id)
            return
        async with agent.mandate(stage.mandate).task() as task:
            match stage.aim:
                case "words":
                    await _words(stage, task)
                case "file":
                    await _file(stage, task)
                case _:
                    await _refund(stage, task)


async def _small(stage: Stage, agent: Agent) -> Mandate:
    summary = "the parcel took three weeks, something back for it"
    return await _complaint(stage, agent, ["W1005"], summary, each="20.00 EUR", total="40.00 EUR")


async def _large(stage: Stage, agent: Agent) -> Mandate:
    summary = "both parcels arrived damaged, a good part of the money back"
    return await _complaint(stage, agent, ["W1001", "W1004"], summary, each="80.00 EUR", total="200.00 EUR")


async def _complaint(stage: Stage, agent: Agent, orders: list[str], summary: str, *, each: str, total: str) -> Mandate:
    """Obtain a mandate to complain about orders and to ask for refunds of at most `each`, `total` over all."""
    return await stage.granted(
        agent,
        objective="complain",
        target={"order": orders},
        summary=summary,
        powers=[
            {"power": "represent"},
            {"power": "receive", "attributes": ["complaint.*", "refund.*"]},
            {"power": "request", "actions": ["complaint.file"], "uses": 40},
            {
                "power": "request",
                "actions": ["payment.refund"],
                "uses": 20,
                "where": {"payment_method_id": {"equals": _METHOD}, "amount": {"max": each}},
                "total": {"amount": total},
            },
        ],
        max_tasks=40,
    )


async def _refund(stage: Stage, task: Task) -> None:
    order, amount = stage.order or "W1005", stage.amount or "20.00 EUR"
    complaint = _LATE if order == "W1005" else {"kind": "damaged", "order_id": order, "text": "It arrived damaged."}
    await stage.ask(task, "complain", f"file a complaint about order {order}", "complaint.file", complaint)
    refund = {"order_id": order, "payment_method_id": _METHOD, "amount": amount}
    await stage.ask(task, "refund", f"refund {amount} for order {order}", "payment.refund", refund)


async def _words(stage: Stage, task: Task) -> None:
    await stage.ask(task, "words", "file a complaint with a message in Dutch", "complaint.file", _LATE, words=_DUTCH)


async def _file(stage: Stage, task: Task) -> None:
    photo = Attachment(name="parcel.heic", media_type="image/heic", data=_HEIC)
    await stage.ask(
        task, "file", "file a complaint with the photo parcel.heic", "complaint.file", _LATE, attachments=[photo]
    )


if __name__ == "__main__":
    play(part)
