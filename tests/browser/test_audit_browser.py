"""An auditor's browser: searching, opening a row, keeping a view, taking the rows home; and `/verify` with what the client hands out."""

import copy
import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.desk_server import serving
from browser.visits import CHROMIUM, Visit, visit
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.client.receipts import verify
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxTask

REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-audit"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with serving(tmp_path_factory.mktemp("audit"), CATALOGUE, FACTS) as issuer, Sandbox(CATALOGUE, base_url=issuer) as made:
        yield made


@pytest.fixture(scope="module")
def task(desk: Sandbox) -> SandboxTask:
    anna, agent = desk.customer("anna", name="Anna Berg"), desk.agent("spiffe://helper.example/shop", name="Helper")
    opened = agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
    anna.confirm(opened.ask("payment.refund", REFUND))
    opened.ask("payment.refund", {**REFUND, "amount": "400.00 EUR"})
    return opened


@pytest.fixture(scope="module")
def ada(browser: Browser, desk: Sandbox, task: SandboxTask) -> Iterator[Visit]:
    assert task.case
    one = visit(browser, desk, size={"width": 1440, "height": 900})
    one.enrol("ada", "officer", "Ada Lang", ["audit"])
    yield one
    assert one.errors == []
    one.context.close()


def searched(one: Visit, text: str) -> Page:
    one.open("/audit")
    one.ready()
    one.page.get_by_role("searchbox", name="Search").fill(text)
    one.page.keyboard.press("Enter")
    one.page.wait_for_url("**/audit?q=*")
    one.ready()
    return one.page


def test_an_ask_is_found_opened_and_its_receipt_checked(ada: Visit) -> None:
    page = searched(ada, "refund €40 Anna")
    (row,) = page.locator(".row").all()
    expect(row.locator(".what").first).to_have_text(
        "Helper · Refund €40.00 for order “Kettle and desk lamp” to “Card ending 4242” · approved by Anna Berg"
    )
    expect(row.locator(".state")).to_have_text("Done")
    row.locator("summary").first.click()
    expect(row.locator(".entries > li")).to_have_count(4)
    row.locator(".entries summary").first.click()
    row.get_by_text("Signed part and receipt").first.click()
    row.get_by_role("link", name="Check it in this browser").first.click()
    ada.result("Valid: entry")


def test_what_is_shown_is_taken_home(ada: Visit, tmp_path: Path) -> None:
    page = searched(ada, "refund")
    shown = page.locator(".row").count()
    with page.expect_download() as told:
        page.get_by_role("button", name="CSV").click()
    ada.result("Exported. The export is in the audit log.")
    told.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == shown >= 2
    assert {one["agent_name"] for one in table} == {"Helper"}


def test_a_view_is_kept_opened_and_deleted(ada: Visit) -> None:
    page = searched(ada, "decision:refuse")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name of the view").fill("Blocked")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Blocked", exact=True)).to_have_attribute("aria-current", "true")
    ada.open("/audit")
    page.get_by_role("link", name="Blocked", exact=True).click()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("decision:refuse")
    ada.ready()
    page.get_by_role("button", name="Delete the saved view “Blocked”").click()
    ada.result("View deleted.")
    ada.open("/audit")
    expect(page.get_by_role("link", name="Blocked", exact=True)).to_have_count(0)


@pytest.mark.proves("RECEIPT-BROWSER")
def test_verify_takes_what_the_client_hands_out_as_a_file_or_pasted(ada: Visit, desk: Sandbox, task: SandboxTask, tmp_path: Path) -> None:
    reply = task.ask("order.read", {"order_id": "W1001"})
    key = desk.room.raw("GET", "/log/key").text.strip()
    places = [one.index for one in verify(reply.receipt, key).entries]
    entry = desk.room.raw("GET", f"/log/receipts/{places[0]}", cookie=desk.customer("anna").cookie)
    whole = {"ask": str(reply.ask), "state": "done", "receipt": reply.receipt}
    page = ada.page
    for written in (
        json.dumps(reply.receipt),
        json.dumps(reply.receipt, indent=2, ensure_ascii=False),
        json.dumps(whole),
        entry.text,
        entry.text.strip(),
    ):
        ada.open("/verify")
        ada.ready()
        page.get_by_label("Or paste it here").fill(written)
        page.get_by_role("button", name="Check receipt").click()
        ada.result("Valid: ")
        expect(page.locator("[data-proved] p").first).to_contain_text("Recorded")
    for name, written in (("reply.json", json.dumps(reply.receipt)), ("entry.tlog-proof", entry.text)):
        (tmp_path / name).write_text(written, encoding="utf-8")
        ada.open("/verify")
        ada.ready()
        page.get_by_label("Receipt", exact=False).first.set_input_files(tmp_path / name)
        page.get_by_role("button", name="Check receipt").click()
        ada.result("Valid: ")
    for wrong in (json.dumps(reply.receipt).replace("order.read", "order.lead"), "{}", "nothing"):
        ada.open("/verify")
        ada.ready()
        page.get_by_label("Or paste it here").fill(wrong)
        page.get_by_role("button", name="Check receipt").click()
        ada.result("Verification failed.")
        expect(page.locator("[data-proved]")).to_be_empty()
