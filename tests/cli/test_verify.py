"""Receipts and logs verified by somebody who has nothing of the desk but its public key: no server, no settings, no store."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.running import Run, Serve, change, refused
from desks.building import ORDER, action
from remit.sandbox import Sandbox

CATALOGUE: dict[str, Any] = {
    "desk": {"name": "Acme", "currency": "EUR"},
    "resource": {"order": {"title": "order"}},
    "attribute": {"order.status": {"title": "status"}, "order.weight": {"title": "weight in kg"}},
    "action": {
        "order.read": action(
            "Look at order {order_id}", "receive", "routine", {"order_id": ORDER}, effect="read", returns=["order.status", "order.weight"]
        )
    },
    "objective": {"look": {"title": "Look at an order", "target": "order", "actions": ["order.read"], "done_when": []}},
}
FACTS = {"owners": {"order": {"W1": "yu"}}, "attributes": {"order": {"W1": {"order.status": "sent", "order.weight": 0.5}}}, "records": {}}
MANDATE = {
    "type": "remit_mandate",
    "objective": {"type": "look", "target": {"order": ["W1"]}, "summary": "look"},
    "powers": [{"power": "represent"}, {"power": "receive", "attributes": ["order.status", "order.weight"]}],
}


@pytest.fixture(scope="module")
def receipt() -> tuple[dict[str, Any], str]:
    """A receipt as an agent got it, and the log's key."""
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer = desk.customer("yu")
        agent = desk.agent("spiffe://helper.example/shop")
        reply = agent.open(customer.grant(agent, MANDATE)).ask("order.read", {"order_id": "W1"})
        assert desk.desk is not None
        return reply.body["receipt"], desk.desk.context.signer.log_key()


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, as far from any desk as it can be."""
    empty = tmp_path / "nowhere"
    empty.mkdir()
    monkeypatch.chdir(empty)
    return empty


@pytest.mark.parametrize("fraction", ["0.50000000000000000001", "0.5000000000000001"])
def test_a_fraction_is_shown_as_it_is_and_no_other_one_verifies(
    remit: Run, nowhere: Path, receipt: tuple[dict[str, Any], str], fraction: str
) -> None:
    text = json.dumps(receipt[0])
    (nowhere / "r.json").write_text(text)
    assert remit("verify", "--json", "--key", receipt[1], "r.json").json["ok"] is True
    assert text.count('"order.weight": 0.5') == 1
    (nowhere / "changed.json").write_text(text.replace('"order.weight": 0.5', f'"order.weight": {fraction}'))
    ran = remit("verify", "--json", "--key", receipt[1], "changed.json")
    assert (ran.code, ran.json["receipts"][0]["verified"]) == (1, False)


def test_a_receipt_verifies_in_an_empty_folder_with_the_key_as_text_or_file(
    remit: Run, nowhere: Path, receipt: tuple[dict[str, Any], str]
) -> None:
    body, key = receipt
    (nowhere / "r.json").write_text(json.dumps(body))
    (nowhere / "key").write_text(key + "\n")
    by_text = remit("verify", "--json", "--key", key, "r.json")
    assert by_text.code == 0
    assert [one["kind"] for one in by_text.json["receipts"][0]["entries"]] == ["ask.decided", "reply.sent"]
    assert remit("verify", "--key", "key", "r.json").code == 0
    assert sorted(one.name for one in nowhere.iterdir()) == ["key", "r.json"]


def test_a_changed_receipt_does_not_verify_and_the_others_are_still_told(
    remit: Run, nowhere: Path, receipt: tuple[dict[str, Any], str]
) -> None:
    body, key = receipt
    (nowhere / "good.json").write_text(json.dumps(body))
    changed = json.loads(json.dumps(body))
    changed["entries"][0]["sections"]["envelope"]["body"]["decision"] = "refuse"
    (nowhere / "bad.json").write_text(json.dumps(changed))
    (nowhere / "torn.json").write_text(json.dumps(body)[:-9])
    ran = remit("verify", "--json", "--key", key, "bad.json", "torn.json", "good.json")
    assert ran.code == 1
    assert [one["verified"] for one in ran.json["receipts"]] == [False, False, True]


def test_a_receipt_of_another_log_does_not_verify(remit: Run, nowhere: Path, receipt: tuple[dict[str, Any], str], made: Path) -> None:
    (nowhere / "r.json").write_text(json.dumps(receipt[0]))
    assert remit("verify", "--key", made / "data" / "keys" / "log.vkey", "r.json").code == 1


def test_what_is_missing_is_said(remit: Run, nowhere: Path, receipt: tuple[dict[str, Any], str]) -> None:
    refused(remit("verify", "--key", receipt[1], "none.json"), "settings.invalid", "there is no none.json")
    (nowhere / "r.json").write_text("{}")
    refused(remit("verify", "--key", "no-key", "r.json"), "settings.invalid", "there is no no-key")
    refused(remit("verify", "--key", "a+b+c", "r.json"), "settings.invalid", "a+b+c is no log key")
    refused(remit("verify-log", "--log", "nowhere"), "settings.invalid", "--key is missing")
    refused(remit("verify-log", "--log", "nowhere", "--key", receipt[1]), "settings.invalid", "there is no folder nowhere")
    Path("empty").mkdir()
    refused(remit("verify-log", "--log", "empty", "--key", receipt[1]), "log.damaged", "the log has no checkpoint", exit_code=4)
    refused(remit("verify", "r.json"), "settings.invalid", "--key is missing, and there is no remit.toml")


def test_the_desks_own_people_verify_its_receipts_without_looking_up_its_key(remit: Run, nowhere: Path, desk: Path, tmp_path: Path) -> None:
    with Sandbox(CATALOGUE, facts=FACTS, store=tmp_path / "kept") as kept:
        agent = kept.agent("spiffe://helper.example/shop")
        reply = agent.open(kept.customer("yu").grant(agent, MANDATE)).ask("order.read", {"order_id": "W1"})
    (nowhere / "r.json").write_text(json.dumps(reply.body["receipt"]))
    assert remit("verify", "--config", desk, "r.json").code == 1  # another desk's
    shutil.rmtree(desk / "data" / "keys")
    shutil.copytree(tmp_path / "kept" / "keys", desk / "data" / "keys")
    change(desk, "acme.remit.invalid", (desk / "data" / "keys" / "log.vkey").read_text().partition("+")[0])
    assert remit("verify", "--json", "--config", desk, "r.json").json["ok"] is True


def test_an_exported_log_verifies_without_the_desk_and_goes_on_where_it_was(remit: Run, desk: Path, nowhere: Path) -> None:
    first = remit("export", "--json", "--config", desk, nowhere / "log").json
    key = first["key"]
    before = (nowhere / "log" / "checkpoint").read_text()
    (nowhere / "seen").write_text(before)
    assert remit("person", "invite", "anna", "--config", desk).code == 0
    second = remit("export", "--json", "--config", desk, nowhere / "log").json
    assert second["entries"] == first["entries"] + 1
    shutil.rmtree(desk)
    whole = remit("verify-log", "--json", "--log", "log", "--key", key, "--earlier", "seen")
    assert whole.code == 0
    assert whole.json["continues"] == [first["entries"]]
    assert whole.json["root"] == (nowhere / "log" / "checkpoint").read_text().split("\n")[2]  # as the checkpoint itself writes it
    (nowhere / "newer").write_text((nowhere / "log" / "checkpoint").read_text())
    (nowhere / "log" / "checkpoint").write_text(before)
    refused(remit("verify-log", "--log", "log", "--key", key, "--high-water", "newer"), "log.older", "", exit_code=4)


def test_an_auditors_copy_is_not_replaced_by_less_than_it_has(remit: Run, desk: Path, nowhere: Path, tmp_path: Path) -> None:
    """⚔ An older store was put back: what the copy shows is all that is left of the entries in between."""
    backup = Path(shutil.copy(desk / "data" / "store.sqlite", tmp_path / "backup"))
    for who in ("anna", "bram", "anna"):
        assert remit("person", "invite", who, "--config", desk).code == 0
    assert remit("export", "--config", desk, nowhere / "log").code == 0
    copied = {one: one.read_bytes() for one in (nowhere / "log").rglob("*") if one.is_file()}
    shutil.copy(backup, desk / "data" / "store.sqlite")
    for place in ("log", "new"):
        refused(remit("export", "--config", desk, nowhere / place), "log.older", "when that checkpoint was signed", exit_code=4)
    assert not (nowhere / "new").exists()
    assert remit("recover", "--config", desk).code == 0
    again = remit("export", "--config", desk, nowhere / "log")
    refused(again, "log.older", "the existing copy is of more entries", exit_code=4)
    assert again.err.strip().endswith("name another folder.")
    assert {one: one.read_bytes() for one in (nowhere / "log").rglob("*") if one.is_file()} == copied
    new = remit("export", "--json", "--config", desk, nowhere / "new").json
    assert remit("verify-log", "--log", "new", "--key", new["key"]).code == 0
    (nowhere / "new" / "checkpoint").write_bytes(b"\xff")
    refused(remit("export", "--config", desk, nowhere / "new"), "settings.invalid", "is no copy of this log")


def test_a_served_log_verifies_over_http_while_it_is_served(remit: Run, serve: Serve, desk: Path, nowhere: Path) -> None:
    serving = serve(desk)
    key = httpx.get(f"{serving.url}/log/key").text.strip()
    assert remit("verify-log", "--log", f"{serving.url}/log", "--key", key).code == 0
    beside = remit("verify-log", "--log", serving.url, "--key", key)
    refused(beside, "log.damaged", "the log has no checkpoint", exit_code=4)
    assert f"A desk's log is at {serving.url}/log." in beside.err
    assert remit("verify-log", "--config", desk).code == 0
    assert remit("verify-log", "--store", desk / "data" / "store.sqlite", "--key", key).code == 0
    assert remit("export", "--config", desk, nowhere / "log").code == 0
    assert remit("doctor", "--config", desk).code == 0
    assert serving.stop() == 0
    refused(remit("verify-log", "--log", f"{serving.url}/log", "--key", key), "fault.store", "checkpoint", exit_code=3)
