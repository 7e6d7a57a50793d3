"""A node that stands on older rules than the desk serves nothing: no ask, no exchange, no consent, no yes. It says so at /readyz."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from faults.nodes import PACK, RULES, Job, Nodes, begin, change
from remit.client.errors import Problem
from remit.domain.records import AskRecord
from remit.sandbox import SandboxReply, SandboxTask

MORE = ("99-more.cedar", '@id("more")\nforbid(principal, action, resource) when { context.risk >= 99 };\n')
LOOK_ONLY = {"look-only": PACK.catalogue["objective"]["track-order"]}
NEWER = {**PACK.catalogue, "objective": {**PACK.catalogue["objective"], **LOOK_ONLY}, "language": {}}
LARGE = {"order_id": "R0", "payment_method_id": "pm_1", "amount": "12.00 EUR"}
CUT: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "track-order", "target": {"order": ["P0"]}},
    "powers": [{"power": "represent"}, {"power": "receive", "attributes": ["order.status"]}],
}
LOOK = {**CUT, "objective": {"type": "look-only", "target": {"order": ["P0"]}}}


class Behind:
    """The first of two nodes, which was not started anew when the second brought other rules into force, and what waits there."""

    newer: SandboxTask

    def __init__(self, desk: Nodes, job: Job) -> None:
        self.desk, self.job = desk, job
        self.agent = job.correcting.agent
        assert job.complaining.ask("complaint.file", {"kind": "damaged", "text": "The cup is broken."}).outcome == "done"
        self.large = job.complaining.ask("payment.refund", LARGE)
        self.mandate = job.customer.grant(self.agent, CUT)
        self.request = self._page(self.agent.push(CUT)[0])
        self.to_sign = self._page(self.agent.push(CUT)[0])
        self.signing = self._signed(self.to_sign)
        uri, self.state = self.agent.push(CUT)
        self.redirect = job.customer.post(self._page(uri), self._signed(self._page(uri)))["redirect"]

    def _page(self, request_uri: str) -> str:
        return f"/me/v1/requests/{request_uri.rpartition(':')[2]}"

    def _signed(self, page: str) -> dict[str, Any]:
        shown = self.job.customer.get(page)
        return {"answer": "grant", "ceremony": shown["ceremony"], "assertion": self.job.customer.passkey.get(shown["options"])}


@pytest.fixture(scope="module")
def behind() -> Iterator[Behind]:
    with Nodes() as desk:
        found = Behind(desk, begin(desk))
        assert desk.ready() == (200, "")
        desk.again(1, replace(RULES, policies=(*PACK.policies, MORE), catalogue=NEWER))
        desk.turn(1)
        found.newer = found.agent.open(found.job.customer.grant(found.agent, LOOK))
        yield found


def told(work: Callable[[], Any]) -> str:
    """The code of a refusal, or what was served instead."""
    try:
        reply = work()
    except Problem as problem:
        return problem.code
    return ",".join(reply.codes) or "served" if isinstance(reply, SandboxReply) else "served"


DOORS: dict[str, Callable[[Behind], Any]] = {
    "an ask to write": lambda one: one.job.correcting.ask(*change()),
    "an ask to read": lambda one: one.job.correcting.ask("order.read", {"order_id": "P0"}),
    "an ask under a mandate that only the newer catalogue reads": lambda one: one.newer.ask("order.read", {"order_id": "P0"}),
    "a fresh credential": lambda one: one.job.correcting.renew(),
    "a mandate exchanged for a task": lambda one: one.agent.open(one.mandate),
    "a mandate pushed": lambda one: one.agent.push(CUT),
    "a mandate shown": lambda one: one.job.customer.get(one.request),
    "a mandate signed": lambda one: one.job.customer.post(one.to_sign, one.signing),
    "a code redeemed": lambda one: one.agent.redeem(one.redirect, one.state),
    "a mandate narrowed": lambda one: one.job.customer.narrow(one.mandate, {**CUT, "powers": [{"power": "represent"}]}),
    "a yes": lambda one: one.job.customer.answer(one.large, "yes"),
    "a lesser yes": lambda one: one.job.customer.offer_less(one.large, {**LARGE, "amount": "11.00 EUR"}),
}


@pytest.mark.proves("FAIL-CLOSED")
@pytest.mark.parametrize("door", list(DOORS))
def test_a_node_on_older_rules_serves_nobody_and_says_so(behind: Behind, door: str) -> None:
    """⚔ A rule that was just tightened must not be passed by at the node that was not started anew."""
    behind.desk.turn(0)
    assert told(lambda: DOORS[door](behind)) == "fault.policy"
    assert behind.desk.ready() == (503, "fault.policy")


@pytest.mark.proves("FAIL-CLOSED")
def test_the_rounds_of_a_node_on_older_rules_send_nothing_that_was_decided(behind: Behind) -> None:
    behind.desk.turn(0)
    asks = behind.desk.run(behind.desk.nodes[0].context.store.find(AskRecord, "ask.task", behind.job.correcting.id))
    behind.desk.sweep()
    assert asks == behind.desk.run(behind.desk.nodes[0].context.store.find(AskRecord, "ask.task", behind.job.correcting.id))


def test_a_no_is_heard_and_a_mandate_taken_back_at_any_node_and_the_other_goes_on(behind: Behind) -> None:
    behind.desk.turn(1)
    assert behind.desk.ready() == (200, "")
    task = behind.agent.open(behind.mandate)
    assert task.ask("order.read", {"order_id": "P0"}).result == {"order.status": "pending"}
    assert behind.job.correcting.ask(*change()).outcome == "done"
    behind.desk.turn(0)
    behind.job.customer.revoke(behind.mandate)
    invitation = behind.job.customer.invitation(behind.large)
    behind.job.customer.post(f"/me/v1/confirmations/{invitation}", {"answer": "no"})
    behind.desk.turn(1)
    assert task.ask("order.read", {"order_id": "P0"}).codes == ("task.ended",)
    assert behind.job.complaining.poll(behind.large.ask).state == "declined"
