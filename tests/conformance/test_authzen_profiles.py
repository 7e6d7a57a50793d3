"""The profiles' wire examples beside the running server: access requests, obligations, and acts of agents as missions."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from conformance.authzen_checks import Row
from conformance.authzen_desk import SECRET, new_desk
from conformance.authzen_examples import ARAP, MISSION, OBLIGATIONS, arap_rows, mission_rows, obligation_rows
from conformance.authzen_vectors import needs_vectors
from conformance.harness import vector_set
from example_desk import served
from remit.proof.canonical import digest
from remit.sandbox import Sandbox

CANCEL = {"order_id": "W1", "reason": "no longer needed"}
MANDATE: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "cancel-order", "target": {"order": ["W1"]}, "summary": "cancel the order"},
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.status"]},
        {"power": "request", "actions": ["order.cancel"], "uses": 3},
    ],
}
FACTS = {"owners": {"order": {"W1": "anna"}}, "attributes": {"order": {"W1": {"order.status": "pending"}}}}
DOORS = """
@obligation("notification") @obligation_properties("{\\"to\\": \\"lead\\"}")
permit(principal is user, action == Action::"open", resource is door);
@obligation("step-up") @obligation_properties("{\\"acr_value\\": \\"high\\", \\"amr_values\\": [\\"mfa\\"]}")
forbid(principal is user, action == Action::"close", resource is door);
"""
DOOR = {"subject": {"type": "user", "id": "u"}, "resource": {"type": "door", "id": "d"}}
_numbers = itertools.count()


class Caller:
    """A gateway over HTTP that has every kind of answer shown."""

    def __init__(self, base: str, http: httpx.Client) -> None:
        self.base = base
        self.http = http

    def post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        headers = {"authorization": f"Bearer {SECRET}", "idempotency-key": f"k{next(_numbers)}"}
        return self.http.post(f"{self.base}{path}", json=body, headers=headers)

    def evaluate(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self.post("/access/v1/evaluation", body).json())

    def door(self, action: str) -> dict[str, Any]:
        context = {"supported_obligations": ["notification", "step-up"]}
        return dict(self.evaluate({**DOOR, "action": {"name": action}, "context": context})["context"]["obligations"][0])

    def shown(self) -> dict[str, Any]:
        """Go the whole way once: a denial, a request, a person's yes, a permit."""
        with Sandbox({}, base_url=self.base, facts=FACTS) as desk:
            anna, agent = desk.customer("anna", email="anna@mail.example"), desk.agent("spiffe://helper.example/shop")
            task = agent.open(anna.grant(agent, MANDATE))
            link = {"iss": self.base, "sub": agent.client_id}
            context = {
                "mission": {"id": task.id},
                "actor": {"client_id": agent.client_id, "act": [link]},
                "supported_obligations": ["urn:remit:obligation:disclose_only"],
            }
            properties = {"parameters": CANCEL, "parameter_digest": digest(CANCEL), "idempotency_key": "op-1"}
            question = {
                "subject": {"type": "customer", "id": "anna"},
                "action": {"name": "order.cancel", "properties": properties},
                "resource": {"type": "order", "id": "W1"},
                "context": context,
            }
            denial = self.evaluate(question)
            pending = self.post("/access/v1/requests", {**question, "denial": denial["context"]["access_request"]}).json()
            row = anna.waiting()[0]
            waiting = {**question, "context": {**context, "approval": {"id": row["confirmation"]}}}
            pending_grant = self.evaluate(waiting)
            page = f"/me/v1/confirmations/{row['confirmation']}"
            seen = anna.get(page)
            anna.post(page, {"answer": "yes", "assertion": anna.passkey.get(seen["options"])})
            headers = {"authorization": f"Bearer {SECRET}"}
            approved = self.http.get(pending["task"]["status_endpoint"], headers=headers).json()
            approval = {**question, "context": {**context, "approval": approved["result"]["approval"]}}
            permit = self.evaluate(approval)
            assert permit["decision"], permit
        return {
            "metadata": self.http.get(f"{self.base}/.well-known/authzen-configuration").json(),
            "denial": denial,
            "pending": pending,
            "pending_grant": pending_grant,
            "approved": approved,
            "permit": permit,
            "release": permit,
            "problem": self.post("/access/v1/requests", {**DOOR, "action": {"name": "x"}}).json(),
            "obligation": self.door("open"),
            "denied_obligation": self.door("close"),
        }


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Row]]:
    desk = new_desk(tmp_path_factory.mktemp("profiles"))
    (desk / "caller").write_text(hashlib.sha256(SECRET.encode()).hexdigest())
    (desk / "doors.cedar").write_text(DOORS)
    settings = (desk / "remit.toml").read_text().replace('pack = "consumer"', 'pack = "consumer"\nbackoffice = "facts"')
    point = '[decision_point]\npolicies = ["doors.cedar"]\n\n[[decision_point.callers]]\n'
    caller = 'name = "suite"\nsha256_file = "caller"\nactions = ["*"]\nacts = true\n'
    (desk / "remit.toml").write_text(f"{settings}\n{point}{caller}")
    with served(desk) as base, httpx.Client(timeout=30) as http:
        one = Caller(base, http)
        shown = one.shown()
        yield [*arap_rows(shown, lambda body: one.post("/access/v1/requests", body)), *obligation_rows(shown), *mission_rows(shown)]


@needs_vectors
@pytest.mark.parametrize(("name", "file"), [("authzen-arap", ARAP), ("authzen-obligations", OBLIGATIONS), ("mission-authzen", MISSION)])
def test_every_example_of_the_profiles_is_met_or_said_not_to_be_offered(
    table: list[Row], name: str, file: str, request: pytest.FixtureRequest
) -> None:
    found = {f"{place} {row.check}": row.reason for place, row in enumerate(row for row in table if row.file == file)}
    outcomes = {check: None if reason.startswith("not offered: ") else reason or True for check, reason in found.items()}
    vector_set(name).judge(request, outcomes)
