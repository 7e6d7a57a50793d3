"""An agent with 5.00 EUR in all; asks for ten small refunds, each under every single limit."""

from remit.sandbox.agents.harness import Stage, play

_SLICES = 10


async def part(stage: Stage) -> None:
    """Complain, then slice."""
    async with stage.agent() as agent:
        mandate = await stage.granted(
            agent,
            objective="complain",
            target={"order": ["W1002"]},
            summary="five euros back for a scratched box",
            powers=[
                {"power": "represent"},
                {"power": "receive", "attributes": ["complaint.*", "refund.*"]},
                {"power": "request", "actions": ["complaint.file"], "uses": 1},
                {
                    "power": "request",
                    "actions": ["payment.refund"],
                    "uses": 20,
                    "where": {"amount": {"max": "5.00 EUR"}},
                    "total": {"amount": "5.00 EUR"},
                },
            ],
        )
        async with mandate.task() as task:
            complaint = {"kind": "damaged", "order_id": "W1002", "text": "The box arrived with a scratch."}
            await stage.ask(task, "complain", "file a complaint", "complaint.file", complaint)
            for number in range(1, _SLICES + 1):
                refund = {"order_id": "W1002", "payment_method_id": "pm_9", "amount": "5.00 EUR"}
                await stage.ask(
                    task, f"slice_{number}", f"refund 5.00 EUR, {number} of {_SLICES}", "payment.refund", refund
                )


if __name__ == "__main__":
    play(part)
