"""A bank: customers' birth dates and telephone numbers, which an agent may compare or be told."""

from typing import Any

CATALOGUE: dict[str, Any] = {
    "desk": {"name": "Bank", "currency": "EUR"},
    "attribute": {
        "identity.birth_date": {"title": "date of birth", "sensitive": True},
        "identity.matches": {"title": "whether it matches"},
    },
    "action": {
        "identity.check": {
            "title": "Check the date of birth",
            "power": "receive",
            "area": "routine",
            "effect": "read",
            "returns": ["identity.matches"],
            "params": {"properties": {"birth_date": {"type": "string", "x-attribute": "identity.birth_date"}}, "required": ["birth_date"]},
        }
    },
    "objective": {"identify": {"title": "Be recognised", "actions": ["identity.check"]}},
}


MANDATE: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "identify"},
    "powers": [{"power": "receive", "actions": ["identity.check"]}, {"power": "disclose", "attributes": ["identity.birth_date"]}],
}


FACTS: dict[str, Any] = {"owners": {}, "attributes": {"customer": {"yu": {"identity.matches": "no"}}}, "records": {}}
