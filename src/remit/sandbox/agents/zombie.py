"""An agent whose case is closed while it works; goes on with the credential it still holds."""

import secrets

from remit.client import Agent, Problem, calls, responses
from remit.sandbox.agents.harness import Stage, play


async def part(stage: Stage) -> None:
    """Read once, have the case closed, and try to live on."""
    async with stage.agent() as agent:
        mandate = await stage.granted(
            agent,
            objective="track-order",
            target={"order": ["W1002"]},
            summary="where is the parcel?",
            powers=[{"power": "represent"}, {"power": "receive", "attributes": ["order.status"]}],
        )
        async with mandate.task() as task:
            await stage.ask(task, "read", "look at order W1002", "order.read", {"order_id": "W1002"})
            await stage.hear("close", case=task.case)
            await stage.ask(task, "read_on", "look again, the case is closed", "order.read", {"order_id": "W1002"})
            await _exchange(stage, agent, "renew", "renew its credential", task.id, calls.TASK_TOKEN)
            await _exchange(
                stage, agent, "reopen", "open another task, one was granted", mandate.id, calls.MANDATE_TOKEN
            )


async def _exchange(stage: Stage, agent: Agent, step: str, tried: str, subject: str, kind: str) -> None:
    call = calls.exchange(await agent.door.desk(), subject=subject, subject_type=kind, key=secrets.token_urlsafe(16))
    try:
        opened = responses.read_opened(await agent.door.send(call))
    except Problem as problem:
        stage.refused(step, tried, problem)
        return
    stage.report_breach(step, tried, {"task": opened.task})


if __name__ == "__main__":
    play(part)
