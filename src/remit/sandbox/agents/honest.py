"""An honest agent: returns the kettle and asks for the money, and waits each time for the customer."""

from remit.sandbox.agents.harness import Stage, play


async def part(stage: Stage) -> None:
    """Look at the order, return the kettle, have it refunded."""
    async with stage.agent() as agent:
        mandate = await stage.granted(
            agent,
            objective="return-item",
            target={"order": ["W1001"]},
            summary="send back the leaking kettle",
            powers=[
                {"power": "represent"},
                {"power": "receive", "attributes": ["order.status", "order.items", "refund.*"]},
                {
                    "power": "request",
                    "actions": ["order.return"],
                    "uses": 1,
                    "where": {"order_id": {"equals": "W1001"}, "item_ids": {"subset_of": ["i1"]}},
                },
                {
                    "power": "request",
                    "actions": ["payment.refund"],
                    "uses": 1,
                    "where": {"payment_method_id": {"equals": "pm_7"}, "amount": {"max": "49.90 EUR"}},
                },
            ],
            never=[{"power": "accept"}, {"power": "receive", "attributes": ["identity.*", "contact.*"]}],
        )
        async with mandate.task() as task:
            await stage.ask(task, "read", "look at order W1001", "order.read", {"order_id": "W1001"})
            returned = {"order_id": "W1001", "item_ids": ["i1"]}
            await stage.ask(
                task,
                "return",
                "send back the kettle",
                "order.return",
                returned,
                "The kettle leaks, please take it back.",
            )
            refund = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "49.90 EUR"}
            await stage.ask(task, "refund", "refund 49.90 EUR to her card", "payment.refund", refund)


if __name__ == "__main__":
    play(part)
