"""A bank: customers' birth dates and telephone numbers, which an agent may compare or be told."""

from typing import Any

from desks.building import action

CATALOGUE: dict[str, Any] = {
    "desk": {"name": "Bank", "currency": "EUR"},
    "attribute": {
        "identity.birth_date": {"title": "date of birth", "sensitive": True},
        "identity.matches": {"title": "whether it matches"},
    },
    "action": {
        "identity.check": action(
            "Check the date of birth",
            "receive",
            "routine",
            {"birth_date": {"type": "string", "x-attribute": "identity.birth_date"}},
            effect="read",
            returns=["identity.matches"],
        )
    },
    "objective": {"identify": {"title": "Be recognised", "actions": ["identity.check"]}},
}


MANDATE: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "identify"},
    "powers": [{"power": "receive", "actions": ["identity.check"]}, {"power": "disclose", "attributes": ["identity.birth_date"]}],
}


FACTS: dict[str, Any] = {"owners": {}, "attributes": {"customer": {"yu": {"identity.matches": "no"}}}, "records": {}}
