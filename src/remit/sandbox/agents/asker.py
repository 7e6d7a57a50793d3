"""An agent for trying the desk: asks once for up to 20.00 EUR back, and waits for the customer's answer.

Without `--mandate` it only requests one, for later.
"""

from remit.sandbox.agents.harness import Stage, play


async def part(stage: Stage) -> None:
    """Request a mandate, or use one."""
    async with stage.agent() as agent:
        if not stage.mandate:
            mandate = await stage.granted(
                agent,
                objective="complain",
                target={"order": ["W1005"]},
                summary="the parcel took three weeks, something back for it",
                powers=[
                    {"power": "represent"},
                    {"power": "receive", "attributes": ["complaint.*", "refund.*"]},
                    {"power": "request", "actions": ["complaint.file"], "uses": 20},
                    {
                        "power": "request",
                        "actions": ["payment.refund"],
                        "uses": 20,
                        "where": {"payment_method_id": {"equals": "pm_7"}, "amount": {"max": "20.00 EUR"}},
                        "total": {"amount": "40.00 EUR"},
                    },
                ],
                max_tasks=20,
            )
            stage.tell("granted", mandate=mandate.id)
            return
        async with agent.mandate(stage.mandate).task() as task:
            complaint = {"kind": "late", "order_id": "W1005", "text": "I waited three weeks for this."}
            await stage.ask(task, "complain", "file a complaint about order W1005", "complaint.file", complaint)
            amount = stage.amount or "20.00 EUR"
            refund = {"order_id": "W1005", "payment_method_id": "pm_7", "amount": amount}
            await stage.ask(task, "refund", f"refund {amount} for order W1005", "payment.refund", refund)


if __name__ == "__main__":
    play(part)
