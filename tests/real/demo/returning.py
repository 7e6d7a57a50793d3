"""Anna's own agent: sends a lamp back, reads the officer's answer, and asks for the money."""

import os

from real.demo.looking import item_of, look
from remit.sandbox.agents.harness import Stage, play

WAIT_S = 20
LAMP = "Floor lamp"


async def part(stage: Stage) -> None:
    """Look at the order, return the lamp, wait for the officer, have it refunded."""
    order = os.environ["DEMO_ORDER"]
    async with stage.agent() as agent:
        mandate = await stage.granted(
            agent,
            objective="return-item",
            target={"order": [order]},
            summary="send back the flickering floor lamp",
            powers=[
                {"power": "represent"},
                {
                    "power": "receive",
                    "attributes": ["order.items", "order.item_ids", "order.payment_ids", "order.returns", "order.refunds"],
                },
                {"power": "request", "actions": ["order.return"], "uses": 1, "where": {"quantity": {"max": 1}}},
                {"power": "request", "actions": ["payment.refund"], "uses": 1, "where": {"amount": {"max": "60.00 EUR"}}},
            ],
            never=[{"power": "accept"}, {"power": "receive", "attributes": ["identity.*", "contact.*"]}],
        )
        async with mandate.task() as task:
            found = await look(stage, task, order)
            wanted = {"order_id": order, "item_id": item_of(found, LAMP), "quantity": 1}
            words = "The floor lamp flickers, please take it back."
            await stage.ask(task, "return", "send one floor lamp back", "order.return", wanted, words)
            await stage.hear("answer", case=task.case)
            for _ in range(3):
                inbox = await task.inbox(wait=WAIT_S)
                if inbox:
                    break
            text = inbox[-1].text if inbox else ""
            outcome = "done" if text else "nothing came"
            stage.tell("step", step="answer", tried="read the officer's answer", decision="permit", code="", outcome=outcome, why=text)
            refund = {"order_id": order, "payment_id": found["order.payment_ids"][0], "amount": "60.00 EUR"}
            await stage.ask(task, "refund", "refund 60.00 EUR to her payment", "payment.refund", refund)


if __name__ == "__main__":
    play(part)
