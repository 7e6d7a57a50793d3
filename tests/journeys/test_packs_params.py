"""⚔ What a param of a pack's action can carry: a record of the customer's own, or something of a known shape; nothing else."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.desk_plugs import run
from journeys.packs_desk import PackDesk
from remit.adapters.files.pack import read_pack
from remit.adapters.params.schema import JsonSchemaParams
from remit.domain.catalogue.model import Action, Area, Effect, MarkKind
from remit.domain.errors import Code, Refused
from remit.domain.policy.cases import read_policy_cases
from remit.domain.policy.rulebook import read_catalogue
from remit.ports.backoffice import ActOutcome

PACKS = ("consumer", "regulated", "service-desk")
EVERYDAY = {"complaint.file", "order.change_address"}
"""The writes that need no person by their area: one tells the desk something, the other's address waits unless the customer pinned it."""


@pytest.fixture(params=PACKS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PackDesk]:
    one = PackDesk(tmp_path, request.param)
    yield one
    one.database.close()


def own_actions(desk: PackDesk) -> list[Action]:
    return [one for one in desk.catalogue.actions.values() if not one.builtin]


def said_in_cases(desk: PackDesk) -> dict[str, Mapping[str, Any]]:
    """For each action the fullest params that a policy case of the pack gives it."""
    said: dict[str, Mapping[str, Any]] = {}
    for file, text in read_pack(desk.pack).cases:
        for case in read_policy_cases(file, text, desk.catalogue):
            if len(case.params) >= len(said.get(case.action, {})):
                said[case.action] = case.params
    return said


def everything(desk: PackDesk) -> list[Any]:
    """All the desk keeps, but for which acts it was asked for."""
    tables = ("customer", "record", "record_owner", "ledger", "notice", "offer_used")
    return run(
        desk.database.read(
            lambda connection: [connection.execute(f"select * from {one}").fetchall() for one in tables],  # our own tables
            fault=Code.FAULT_BACKOFFICE,
        )
    )


def foreign(desk: PackDesk, kind: str, customer: str) -> str:
    """A record of that kind that somebody else owns."""
    seed = read_pack(desk.pack).seed
    own = [one for one in seed["records"] if one["kind"] == kind and customer not in one["owners"]]
    return str(own[0]["id"]) if own else "nobodys"


def test_every_write_of_a_pack_is_said_in_a_case(desk: PackDesk) -> None:
    writes = {one.name for one in own_actions(desk) if one.effect is Effect.WRITE}
    assert writes - said_in_cases(desk).keys() == set()


def test_nobody_acts_on_what_is_somebody_elses_wherever_it_is_named(desk: PackDesk) -> None:
    for customer in read_pack(desk.pack).seed["customers"]:
        for name, params in said_in_cases(desk).items():
            action = desk.catalogue.action(name)
            for mark in action.marked(MarkKind.RESOURCE):
                if desk.catalogue.resources[mark.of].public or action.effect is Effect.READ:
                    continue
                before = everything(desk)
                done = desk.act(name, customer, {**params, str(mark.path): foreign(desk, mark.of, customer)})
                assert done.state is ActOutcome.FAILED, (name, mark)
                assert everything(desk) == before, (name, mark)


def test_no_text_of_a_param_is_free_unless_it_is_marked_so(desk: PackDesk) -> None:
    """An undeclared sentence in a param would reach the desk's people unread: each text is a choice, has one shape, or is marked."""
    for action in own_actions(desk):
        marked = {str(mark.path).removesuffix("[*]") for mark in action.marks}
        for name, schema in action.schema.get("properties", {}).items():
            closed = {"enum", "pattern"} & schema.keys() or schema.get("type") in {"integer", "boolean"}
            offer = action.takes_offer and name in {"digest", "offer_id"}
            assert name in marked or closed or offer, f"{action.name}.{name}"


def test_where_something_goes_is_one_line(desk: PackDesk) -> None:
    for action in own_actions(desk):
        for mark in action.marked(MarkKind.RECIPIENT):
            assert "pattern" in action.schema["properties"][str(mark.path)], f"{action.name}.{mark.path}"


@pytest.mark.parametrize(
    ("pack", "action", "params"),
    [
        ("regulated", "kyc.confirm", {"birth_date": "1985-13-01"}),
        ("regulated", "statement.send", {"statement_id": "S-2026-01", "recipient": "office@taxadviser.example, other@mail.example"}),
        ("regulated", "kyc.send", {"document_id": "ID-1", "recipient": "Please also send my statements to x@mail.example"}),
        ("service-desk", "access.request", {"application_id": "pricing", "level": "reader", "ends": "2027-01-45", "reason": "month end"}),
        ("service-desk", "device.request", {"model_id": "monitor-27", "ship_to": "Desk 4\nAnd a laptop, please"}),
        ("consumer", "order.change_address", {"order_id": "W1003", "address": "Hafenstrasse 1, Hamburg\nRefund 50.00 EUR"}),
        (
            "consumer",
            "order.exchange",
            {"order_id": "W1001", "item_ids": ["i1", "i1"], "new_product_ids": ["p_lamp"], "payment_method_id": "pm_7"},
        ),
        ("consumer", "baggage.add", {"booking_id": "B2001", "bags": True, "amount": "35.00 EUR", "payment_method_id": "pm_7"}),
    ],
)
def test_what_has_not_the_shape_reaches_nobody(pack: str, action: str, params: dict[str, Any]) -> None:
    catalogue = read_catalogue(read_pack(pack).catalogue, today=None)
    with pytest.raises(Refused) as refused:
        JsonSchemaParams(catalogue).verify(action, params)
    assert refused.value.code is Code.PARAMS_INVALID


def test_what_changes_something_waits_for_a_person_by_its_area(desk: PackDesk) -> None:
    routine = {one.name for one in own_actions(desk) if one.effect is Effect.WRITE and one.area is Area.ROUTINE}
    assert routine <= EVERYDAY


def test_a_record_that_does_not_say_what_is_needed_fails_the_act_and_leaves_nothing(tmp_path: Path) -> None:
    desk = PackDesk(tmp_path, "consumer")
    for number, data in enumerate(({"status": "pending"}, {"status": "pending", "total": "5.00 EUR", "items": 7})):
        record = {"kind": "order", "id": f"W{number}", "name": "", "owners": ["anna"], "data": data}
        run(desk.plug.seed({"customers": {}, "records": [record]}))
        before = everything(desk)
        assert "a person must check it" in desk.no("order.cancel", "anna", order_id=f"W{number}", reason="too late")
        assert everything(desk) == before
    desk.database.close()
