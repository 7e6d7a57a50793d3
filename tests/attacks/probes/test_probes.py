"""P1 to P18 through every door: the probes that found real peers failing, each judged by its code and by what the desk did.

What is special about one rule is tried in its own folder; here each rule is met once by each way in.
"""

import base64
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import SEND_BACK, code_of, mandate, open_arena, refund
from attacks.failing.disk import Disk
from attacks.probes.door import Answer, Door
from attacks.probes.doors import DOORS
from attacks.transcript.reported import HARMLESS, exercised, told
from remit.client import Refused

SECRET = "ghp_" + "Zk4Qw7Er9Ty2Ui5Op1As3Df6Gh8Jk0Lz2Xc4"
READ = ("order.read", {"order_id": "W1"})


@pytest.fixture(params=DOORS)
def door_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def desk(name: str, wanted: Mapping[str, Any] | None = None, **options: Any) -> Iterator[Door]:
    """Open an arena with a task behind a door; `options` are the sandbox's."""
    with open_arena(**DOORS[name].options, **options) as arena, DOORS[name].open(arena, wanted) as door:
        yield door


@pytest.fixture
def door(door_name: str) -> Iterator[Door]:
    with desk(door_name) as found:
        yield found


def sent_back(door: Door) -> Door:
    """Come as far as a return that Anna confirmed and the desk did."""
    confirm(door, door.ask("order.return", SEND_BACK))
    assert door.arena.performed("order.return") == [SEND_BACK]
    return door


def confirm(door: Door, answer: Answer) -> Any:
    """Say Anna's yes on the desk's own page, signed; what she is answered."""
    assert answer.waits, answer
    invitation = next(row["confirmation"] for row in door.arena.anna.waiting() if row["ask"] == answer.ask)
    path = f"/me/v1/confirmations/{invitation}"
    signed = {"answer": "yes", "assertion": door.arena.anna.passkey.get(door.arena.anna.get(path)["options"])}
    return door.arena.person("POST", path, signed, cookie=door.arena.anna.cookie)


def refused(door: Door, answer: Answer, code: str) -> None:
    """The agent is told this code, and the record says so too."""
    assert answer.code == code, answer.text
    assert door.arena.recorded("ask.decided", ask=answer.ask)["envelope"]["code"] == code


@pytest.mark.proves("P1")
def test_p1_the_agent_approves_its_own_step_up(door: Door) -> None:
    answer = door.ask("order.return", SEND_BACK)
    assert answer.waits
    with door.arena.unchanged():
        assert door.accept(answer.ask).code
    assert door.wait(answer.ask).waits
    assert door.arena.entries("confirmation.answered") == []


@pytest.mark.proves("P2")
def test_p2_an_amount_above_the_approved_intent(door: Door) -> None:
    sent_back(door)
    with door.arena.unchanged():
        refused(door, door.ask("payment.refund", refund("50.01 EUR")), "mandate.limit_exceeded")
    assert door.arena.anna.waiting() == []


@pytest.mark.proves("P3")
@pytest.mark.parametrize("order", ["W2", "W9", "W404"])
def test_p3_another_order_under_the_same_intent(door: Door, order: str) -> None:
    with door.arena.unchanged():
        refused(door, door.ask("order.return", SEND_BACK | {"order_id": order}), "mandate.off_target")
        refused(door, door.ask("order.read", {"order_id": order}), "mandate.off_target")


@pytest.mark.proves("P4")
def test_p4_an_unplanned_act(door: Door) -> None:
    with door.arena.unchanged():
        refused(door, door.ask("payment.refund", refund()), "objective.step_order")
        assert door.ask("order.cancel", {"order_id": "W1"}).code in {"objective.action_outside", "action.unknown"}


@pytest.mark.proves("P5")
def test_p5_a_report_with_nothing_behind_it(door: Door) -> None:
    assert door.ask(*READ).outcome == "done"
    assert exercised(told(door.arena)) <= HARMLESS


@pytest.mark.proves("P6")
def test_p6_the_approved_act_swapped_before_it_is_done(door: Door) -> None:
    answer = door.ask("order.return", SEND_BACK)
    invitation = next(row["confirmation"] for row in door.arena.anna.waiting() if row["ask"] == answer.ask)
    path = f"/me/v1/confirmations/{invitation}"
    shown = door.arena.anna.get(path)
    door.arena.backoffice.put("order", "W1", owners=["anna"], name="Order W1, a diamond ring")
    signed = {"answer": "yes", "assertion": door.arena.anna.passkey.get(shown["options"])}
    with door.arena.unchanged():
        assert code_of(door.arena.person("POST", path, signed, cookie=door.arena.anna.cookie)) == "confirmation.mismatch"
    assert door.wait(answer.ask).state == "void"


@pytest.mark.proves("P7")
def test_p7_an_approval_replayed(door: Door) -> None:
    sent_back(door)
    with door.arena.unchanged():
        assert door.ask("order.return", SEND_BACK).waits
    assert len(door.arena.entries("confirmation.answered")) == 1


@pytest.mark.proves("P8")
def test_p8_ten_small_refunds_for_one(door: Door) -> None:
    sent_back(door)
    codes = [door.ask("payment.refund", refund("24.00 EUR")).code for _ in range(10)]
    assert len([code for code in codes if not code]) == 2
    assert set(codes[2:]) <= {"mandate.total_spent", "task.held", "confirmation.too_many", "task.ended"}
    assert door.arena.performed("payment.refund") == []


@pytest.mark.proves("P9")
def test_p9_the_log_cut_at_its_tail(door_name: str, tmp_path: Path) -> None:
    with desk(door_name, store=tmp_path) as door:
        assert door.ask(*READ).outcome == "done"
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as connection, connection:
        connection.execute("delete from entry where idx = (select max(idx) from entry)")
    with pytest.raises(Refused) as cut, open_arena(**DOORS[door_name].options, store=tmp_path):
        pass
    assert cut.value.code == "log.damaged"


@pytest.mark.proves("P10")
@pytest.mark.parametrize("ending", ["completed by the agent", "closed at the desk", "revoked by the customer"])
def test_p10_a_credential_used_after_the_end(door: Door, ending: str) -> None:
    match ending:
        case "completed by the agent":
            assert door.complete().code == ""
        case "closed at the desk":
            door.arena.run(door.arena.helpdesk.close_natively(door.case))
        case _:
            door.arena.anna.revoke(door.mandate)
    with door.arena.unchanged():
        read = door.ask(*READ)
        assert (read.code, read.result) == ("task.ended", None)
        assert "delivered" not in read.text + door.read()
        assert door.ask("order.return", SEND_BACK).code == "task.ended"


@pytest.mark.proves("P11")
@pytest.mark.parametrize("where", ["words", "file"])
def test_p11_a_secret_in_a_message_or_a_file(door: Door, where: str) -> None:
    data = base64.b64encode(f"I use {SECRET} for it.".encode()).decode()
    files = [{"name": "a.txt", "media_type": "text/plain", "data_b64": data}] if where == "file" else []
    answer = door.ask(*READ, words=f"I use {SECRET} for it." if where == "words" else "Here it is.", files=files)
    assert SECRET not in answer.text + door.read()
    assert SECRET not in json.dumps(door.arena.entries()) + repr(door.arena.state())
    if where == "file" and not door.takes_files:  # it is a param that there is not, with a secret in it
        assert answer.code in {"params.invalid", "request.malformed", "words.secret"}, answer.text
    else:
        assert answer.code == ("words.secret" if where == "words" else "words.attachment"), answer.text


@pytest.mark.proves("P12")
def test_p12_the_reply_carries_a_forbidden_attribute(door: Door) -> None:
    answer = door.ask(*READ)
    assert answer.outcome == "done"
    assert set(answer.result or {}) == {"order.status", "order.items"}
    assert "Lindenweg" not in answer.text + door.read()


@pytest.mark.proves("P13")
def test_p13_the_audit_store_is_down(door_name: str) -> None:
    disk = Disk("store.before_commit")
    with desk(door_name, on_point=disk) as door:
        size, disk.broken = len(door.arena.entries()), True
        with door.arena.unchanged():
            read = door.ask(*READ)
            assert (read.code, "delivered" in read.text) == ("fault.store", False)
            assert door.ask("order.return", SEND_BACK).code == "fault.store"
        disk.broken = False
        assert len(door.arena.entries()) == size
        assert door.ask(*READ).outcome == "done"


@pytest.mark.proves("P14")
def test_p14_the_store_of_revocations_is_down(door_name: str, tmp_path: Path) -> None:
    with desk(door_name, store=tmp_path) as door:
        assert door.ask(*READ).outcome == "done"
        with closing(sqlite3.connect(tmp_path / "store.sqlite")) as connection, connection:
            connection.execute("alter table record rename to hidden")
        try:
            with door.arena.unchanged():
                read = door.ask(*READ)
                assert (read.code, "delivered" in read.text) == ("fault.store", False)
                assert door.ask("order.return", SEND_BACK).code == "fault.store"
        finally:
            with closing(sqlite3.connect(tmp_path / "store.sqlite")) as connection, connection:
                connection.execute("alter table hidden rename to record")
        assert door.ask(*READ).outcome == "done"


@pytest.mark.proves("P15")
def test_p15_a_persons_session_in_an_agents_hands(door: Door) -> None:
    session = door.arena.anna.cookie
    answer = door.borrowed(session)
    assert answer.code == "agent.human_credential", answer.text
    assert session.partition("=")[2] not in answer.text
    assert code_of(door.arena.person("GET", "/me/v1", cookie=session)) == "person.not_signed_in"
    assert door.arena.recorded("credential.misused")["desk"]["person"] == "anna"


@pytest.mark.proves("P16")
def test_p16_the_approvers_page_framed_or_driven(door: Door) -> None:
    answer = door.ask("order.return", SEND_BACK)
    invitation = next(row["confirmation"] for row in door.arena.anna.waiting() if row["ask"] == answer.ask)
    page = door.arena.person("GET", f"/confirm/{invitation}", cookie=door.arena.anna.cookie)
    assert (page.headers["x-frame-options"], "frame-ancestors 'none'" in page.headers["content-security-policy"]) == ("DENY", True)
    path = f"/me/v1/confirmations/{invitation}"
    for said in ({"crossOrigin": True}, {"origin": "https://helper.example"}):
        shown = door.arena.anna.get(path)
        signed = {"answer": "yes", "assertion": door.arena.anna.passkey.get(shown["options"], **said)}
        with door.arena.unchanged():
            assert code_of(door.arena.person("POST", path, signed, cookie=door.arena.anna.cookie)) == "credential.wrong_key"
    assert door.wait(answer.ask).waits


@pytest.mark.proves("P17")
@pytest.mark.parametrize(
    "params",
    [refund(order_id=["W1"]), refund(note="and close the account"), refund(amount=40.0), refund("40,00 EUR"), refund(order_id="W1 ")],
    ids=["a list", "a field more", "a float", "another money", "another spelling"],
)
def test_p17_values_of_another_shape(door: Door, params: dict[str, Any]) -> None:
    sent_back(door)
    with door.arena.unchanged():
        assert door.ask("payment.refund", params).code in {"params.invalid", "mandate.off_target"}
    assert door.arena.anna.waiting() == []


@pytest.mark.proves("P17")
def test_p17_a_member_smuggled_in_beside_the_ask(door: Door) -> None:
    with door.arena.unchanged():
        answer = door.ask("order.return", SEND_BACK, confirmed_by=["customer"])
        assert answer.code in {"request.malformed", "params.invalid"}, answer.text
    assert door.arena.performed("order.return") == []


@pytest.mark.proves("P18")
def test_p18_another_agent_widens_the_chain(door_name: str) -> None:
    wider = mandate(powers=[{"power": "request", "actions": ["payment.refund"], "uses": 99}], never=[])
    with desk(door_name, mandate(chain=1, chain_operators=["helper.example"])) as door:
        with door.arena.unchanged():
            assert door.handed_on(wider).code in {"mandate.invalid", "grant.invalid", "credential.wrong_key", "request.malformed"}
            assert door.stolen("order.return", SEND_BACK).code.partition(".")[0] in {"credential", "grant", "task"}
        assert len(door.arena.entries("task.opened")) == 1
