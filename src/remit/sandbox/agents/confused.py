"""A well-meaning but confused agent: the money before the return, and then another order's number."""

from remit.sandbox.agents.harness import Stage, play


async def part(stage: Stage) -> None:
    """Right actions, wrong order, in both senses of the word."""
    async with stage.agent() as agent:
        mandate = await stage.granted(
            agent,
            objective="return-item",
            target={"order": ["W1002"]},
            summary="send back the desk lamp",
            powers=[
                {"power": "represent"},
                {"power": "request", "actions": ["order.return", "payment.refund"], "uses": 1},
            ],
        )
        async with mandate.task() as task:
            refund = {"order_id": "W1002", "payment_method_id": "pm_9", "amount": "80.00 EUR"}
            await stage.ask(task, "refund_first", "refund before anything is sent back", "payment.refund", refund)
            await stage.ask(
                task,
                "other_order",
                "send back items of order W1001",
                "order.return",
                {"order_id": "W1001", "item_ids": ["i2"]},
            )


if __name__ == "__main__":
    play(part)
