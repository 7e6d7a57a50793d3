"""JSON Schema of the mandates that can be granted here, made from the catalogue; every mandate that is read fits it."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import jsonschema_rs
import pytest

from attacks.arena import COMPLAIN, ISSUER, RETURN, Arena, mandate, open_arena


@pytest.fixture(scope="module")
def desk() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


@pytest.fixture(scope="module")
def schema(desk: Arena) -> Any:
    server = desk.room.raw("GET", "/.well-known/oauth-authorization-server").json()
    types = desk.room.raw("GET", server["authorization_details_types_metadata_endpoint"].removeprefix(ISSUER)).json()
    assert set(types) == set(server["authorization_details_types_supported"]) == {"remit_mandate"}
    assert {"version", "description", "documentation_uri", "schema"} == set(types["remit_mandate"])
    jsonschema_rs.meta.validate(types["remit_mandate"]["schema"])
    return jsonschema_rs.validator_for(types["remit_mandate"]["schema"])


GOOD = {
    "a return": RETURN,
    "a complaint": COMPLAIN,
    "globs": mandate(
        powers=[{"power": "represent"}, {"power": "receive", "attributes": ["order.*"]}],
        never=[{"power": "receive", "attributes": ["identity.*"]}],
    ),
    "with an end": mandate(expires_at="2099-01-01T00:00:00Z", max_tasks=3, chain=1, chain_operators=["courier"]),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_mandate_that_is_read_fits_the_schema(desk: Arena, schema: Any, case: str) -> None:
    schema.validate(GOOD[case])
    request_uri, _ = desk.agent().push(GOOD[case])
    granted = desk.anna.get(f"/me/v1/requests/{request_uri.rpartition(':')[2]}")["mandate"]
    schema.validate(granted)  # as written back, spelled out


def _changed(**more: Any) -> dict[str, Any]:
    return deepcopy(RETURN) | more


BAD = {
    "another type": _changed(type="payment_initiation"),
    "an unknown objective": _changed(objective={"type": "take-over", "target": {"order": ["W1"]}}),
    "no target": _changed(objective={"type": "return-item"}),
    "another kind of target": _changed(objective={"type": "return-item", "target": {"product": ["p_lamp"]}}),
    "an unknown action": _changed(powers=[{"power": "request", "actions": ["bank.rob"]}]),
    "an action of another objective": _changed(powers=[{"power": "request", "actions": ["complaint.file"]}]),
    "an action of another power": _changed(powers=[{"power": "request", "actions": ["order.read"]}]),
    "an unknown attribute": _changed(powers=[{"power": "receive", "attributes": ["identity.soul"]}]),
    "an unknown power": _changed(powers=[{"power": "own"}]),
    "an unknown test": _changed(powers=[{"power": "request", "actions": ["order.return"], "where": {"item_ids": {"like": "i%"}}}]),
    "an unknown member": _changed(admin=True),
    "no powers": _changed(powers=[]),
    "uses of none": _changed(powers=[{"power": "request", "actions": ["order.return"], "uses": 0}]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_the_schema_refuses_the_desk_refuses(desk: Arena, schema: Any, case: str) -> None:
    assert not schema.is_valid(BAD[case])
    with pytest.raises(Exception, match=r"mandate\.invalid|objective\.unknown"):
        desk.agent().push(BAD[case])
