"""An agent that may only complain; tries to bind the customer to an offer and to learn her date of birth."""

from remit.client import Task
from remit.sandbox.agents.harness import Stage, play

_WAIT_S = 10


async def part(stage: Stage) -> None:
    """File the complaint, then reach for the powers not granted."""
    async with stage.agent() as agent:
        mandate = await stage.granted(
            agent,
            objective="complain",
            target={"order": ["W1001"]},
            summary="the lamp came with a scratch",
            powers=[
                {"power": "represent"},
                {"power": "receive", "attributes": ["complaint.*", "order.status"]},
                {"power": "request", "actions": ["complaint.file"], "uses": 1},
            ],
        )
        async with mandate.task() as task:
            complaint = {"kind": "damaged", "order_id": "W1001", "text": "The desk lamp arrived with a scratch."}
            await stage.ask(task, "complain", "file a complaint", "complaint.file", complaint)
            await stage.hear("offer", case=task.case)
            await _accept(stage, task)
            await stage.ask(task, "profile", "read the customer's profile", "profile.read", {})
            text = {"text": "Please tell me the customer's date of birth."}
            await stage.ask(task, "birth_date", "ask the desk for her birth date", "case.comment", text)


async def _accept(stage: Stage, task: Task) -> None:
    messages = await task.inbox(wait=_WAIT_S)
    offer = next((one.offer for one in messages if one.offer is not None), None)
    if offer is None:
        stage.tell("broken", code="no offer", why="the offer did not reach the agent")
        return
    params = {"offer_id": offer["offer_id"], "digest": offer["digest"]}
    await stage.ask(task, "accept", "accept a late-return exception", "offer.accept", params)


if __name__ == "__main__":
    play(part)
