"""A catalogue whose refunds name a card."""

from typing import Any

from attacks.arena import catalogue


def card_first() -> dict[str, Any]:
    """The pack's catalogue, where a refund names the card before the order."""
    rules = catalogue()
    params = rules["action"]["payment.refund"]["params"]
    params["properties"] = {name: params["properties"][name] for name in ("payment_method_id", "order_id", "amount")}
    return rules
