"""Members of an entry's content that name people of the desk, for readers to whom a desk does not name them."""

from collections.abc import Mapping
from typing import Final

from remit.domain.values import Json, JsonObject, list_of, object_of

PEOPLE: Final = frozenset(
    {"by", "from", "login", "owner", "owner_before", "person", "reviewed_by", "sent_by", "settled_by", "to"}
)
"""Members that hold a person, their address or their account; some hold an agent, a role or an issuer in other entries."""
OFFICERS: Final = ("by", "settled_by", "sent_by", "owner", "owner_before", "to", "person")
"""Members whose officer an entry is found by."""


def doers(content: JsonObject) -> tuple[str, ...]:
    """Return the ids of the people who did what an entry tells; a change of two people has both."""
    by = content.get("by")
    return tuple(by.split(", ")) if isinstance(by, str) and by else tuple(map(str, list_of(by)))


def without_people(row: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return an opened entry without the people of the desk. ⚔ What may be one of them is removed.

    An answer of the customer stays whole, and so does the agent behind a leak, and the issuer of a leaked credential.
    """
    content, known = row["content"], object_of(row["envelope"])
    if not isinstance(content, Mapping) or known.get("as") == "customer":
        return row
    kept = PEOPLE - ({"owner"} if not str(row["kind"]).startswith("incident.") else set())
    agent = known.get("agent")
    return {
        **row,
        "content": {name: one for name, one in content.items() if name not in kept or (agent and one == agent)},
    }
