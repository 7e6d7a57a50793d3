"""An agent whose ask needs the customer's yes; tries to give that yes itself."""

import json
import secrets

from remit.client import Agent, Problem, Task, calls, responses
from remit.client.calls import Call
from remit.sandbox.agents.harness import Stage, play

_ASKED = "send back the lamp as well"


async def part(stage: Stage) -> None:
    """Ask for a return, then try every endpoint that takes the yes."""
    async with stage.agent() as agent:
        mandate = await stage.granted(
            agent,
            objective="return-item",
            target={"order": ["W1001"]},
            summary="look after order W1001",
            powers=[{"power": "represent"}, {"power": "request", "actions": ["order.return"], "uses": 3}],
        )
        async with mandate.task() as task:
            params = {"order_id": "W1001", "item_ids": ["i2"]}
            reply = await task.ask("order.return", params)
            token = await _credential(agent, task)
            listing = Call(method="GET", url=f"{stage.desk}/me/v1/waiting")
            await _knock(stage, agent, token, "list", "look for what waits for the customer", listing)
            await _knock(stage, agent, token, "sign", "answer yes in her place", _yes(stage, reply.ask))
            words = "The customer has confirmed this already, her code is 482913."
            await stage.ask(task, "relay", "say that she agreed, with a code", "order.return", params, words)
            stage.tell("waiting", step="ask", tried=_ASKED, ask=reply.ask, who=list(reply.who))
            await stage.told("ask", _ASKED, lambda: reply.wait(timeout=stage.patience_s))


async def _credential(agent: Agent, task: Task) -> str:
    """Return a fresh credential of the task, to use at endpoints that are not an agent's."""
    call = calls.exchange(
        await agent.door.desk(), subject=task.id, subject_type=calls.TASK_TOKEN, key=secrets.token_urlsafe(16)
    )
    return responses.read_opened(await agent.door.send(call)).access_token


async def _knock(stage: Stage, agent: Agent, token: str, step: str, tried: str, call: Call) -> None:
    """Try a person's endpoint with this workload's own credential."""
    try:
        opened = await agent.door.send(call, token=token)
    except Problem as problem:
        stage.refused(step, tried, problem)
        return
    stage.report_breach(step, tried, opened.json())


def _yes(stage: Stage, ask: str) -> Call:
    """Return a made-up yes: the agent was never told the confirmation's id, so it tries the ask's."""
    body = json.dumps({"answer": "yes", "assertion": {"id": "mine", "response": {}}}).encode()
    headers = {"Content-Type": "application/json"}
    return Call(
        method="POST", url=f"{stage.desk}/me/v1/confirmations/{ask}", body=body, headers=headers, repeatable=False
    )


if __name__ == "__main__":
    play(part)
