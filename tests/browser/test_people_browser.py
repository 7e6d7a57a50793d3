"""People in a real browser, with a virtual passkey: enrolling by link, consenting to less, confirming, and the officer's side."""

import copy
import re
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pytest
from jinja2 import Environment
from playwright.sync_api import Browser, Locator, Route, expect

from browser.desk_server import serving
from browser.visits import CALLBACK, CHROMIUM, Visit, consent, visit
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.sandbox import Sandbox
from remit.sandbox.passkey import SoftPasskey
from remit.sandbox.workloads import SandboxAgent, SandboxTask

REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    with serving(tmp_path, CATALOGUE, FACTS, {"decline_pause_s": 1}) as issuer, Sandbox(CATALOGUE, base_url=issuer) as sandbox:
        yield sandbox


@pytest.fixture
def anna(browser: Browser, desk: Sandbox) -> Iterator[Visit]:
    one = visit(browser, desk)
    one.enrol("anna", "customer", "Anna Berg", [])
    expect(one.page.get_by_role("heading", name="Hello Anna Berg")).to_be_visible()
    yield one
    assert one.errors == []
    one.context.close()


@pytest.fixture
def agent(desk: Sandbox) -> SandboxAgent:
    return desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")


def test_a_customer_consents_to_less_confirms_declines_lessens_and_takes_it_back(anna: Visit, agent: SandboxAgent) -> None:
    granted = consent(anna, agent, strike=2, at_most="60.00")
    powers = granted["authorization_details"][0]["powers"]
    assert ["order.address"] not in [power.get("attributes") for power in powers]
    assert powers[3]["where"]["amount"] == {"max": "60.00 EUR"}
    task = agent.open(granted["mandate"])

    first = task.ask("payment.refund", REFUND)
    anna.open("/me")
    anna.page.get_by_role("link", name="Review").click()
    expect(anna.page.get_by_role("heading", level=1)).to_contain_text("Refund €40.00 for order “Kettle and desk lamp”")
    expect(anna.page.get_by_text("This cannot be undone.").first).to_be_visible()
    anna.page.get_by_role("button", name="Approve with passkey").click()
    anna.result("Done.")
    assert first.again().outcome == "done"

    second = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1", "i2"]}, words="The kettle leaks.")
    anna.open("/me")
    anna.page.get_by_role("link", name="Review").click()
    expect(anna.page.locator(".theirs")).to_contain_text("The kettle leaks.")
    anna.page.get_by_role("button", name="Allow less…").click()
    expect(anna.page.get_by_role("button", name="Approve with passkey")).to_be_disabled()
    anna.page.get_by_role("button", name="Review changes").click()
    anna.result("This isn't less than requested.")
    anna.page.get_by_label("Desk lamp").uncheck()
    anna.page.get_by_role("button", name="Review changes").click()
    expect(anna.page.locator("[data-lesser-lines]")).to_contain_text("Send back items “Kettle” of order “Kettle and desk lamp”")
    expect(anna.page.locator("[data-result]:not(:empty)")).to_have_count(0)
    anna.page.get_by_role("button", name="Approve changed request with passkey").click()
    anna.result("Done, with your changes.")
    assert second.again().state == "countered"

    third = task.ask("payment.refund", {**REFUND, "amount": "20.00 EUR"})
    anna.open("/me")
    anna.page.get_by_role("link", name="Review").click()
    anna.page.get_by_role("button", name="Decline", exact=True).click()
    anna.result("You declined. Nothing was done")
    assert third.again().codes == ("confirmation.declined",)

    anna.open("/me")
    anna.page.get_by_role("button", name="Revoke access").click()
    anna.result("can do nothing more for you")
    assert task.ask("order.read", {"order_id": "W1001"}).codes == ("task.ended",)


def test_an_item_is_called_by_its_name_only_while_it_is_about_the_order_that_was_asked_for(anna: Visit, agent: SandboxAgent) -> None:
    request_uri, _ = agent.push(copy.deepcopy(MANDATE))
    anna.open(f"/oauth/authorize?request_uri={request_uri}")
    card = anna.page.locator('[data-power="3"]')
    card.get_by_text("Allow less").click()
    expect(card.get_by_label("i1 (Kettle)")).to_be_visible()
    anna.page.locator("#about-order summary").click()
    anna.page.get_by_label("W1003").check()
    anna.page.get_by_label("W1001").uncheck()
    expect(card.locator("[data-details]")).to_contain_text("only these: i1, i2")
    expect(card.locator(".at")).to_have_text("item_ids: i1, i2")
    expect(card.get_by_label("i1", exact=True)).to_be_visible()
    anna.page.get_by_label("W1001").check()
    anna.page.get_by_label("W1003").uncheck()
    expect(card.locator("[data-details]")).to_contain_text("only these: i1 (Kettle)")
    expect(card.get_by_label("i1 (Kettle)")).to_be_visible()


@pytest.mark.proves("RECEIPT-BROWSER")
def test_a_receipt_is_checked_in_the_browser_and_one_of_another_log_or_changed_is_not(
    anna: Visit, agent: SandboxAgent, tmp_path: Path
) -> None:
    consent(anna, agent)
    entry = anna.desk.transcript()[-1]["index"]
    receipt = anna.desk.room.raw("GET", f"/log/receipts/{entry}", cookie=cookie_of(anna)).text
    anna.open(f"/verify?entry={entry}")
    anna.result(f"Valid: entry {entry} is in the log browser.remit.invalid exactly as shown below.")
    anna.page.get_by_text("Only for the customer").click()
    expect(anna.page.locator("[data-proved] details[open] pre")).to_contain_text("Helper shop assistant")
    changed = tmp_path / "changed.tlog-proof"
    changed.write_text(receipt.replace(f"index {entry}", f"index {entry - 1}"))
    anna.page.get_by_label("A different receipt").set_input_files(changed)
    anna.page.get_by_role("button", name="Check receipt").click()
    anna.result("Verification failed.")
    expect(anna.page.locator("[data-proved]")).to_be_empty()
    anna.open("/verify?entry=999")
    anna.result("No such receipt is available to you.")


def cookie_of(one: Visit) -> str:
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in one.context.cookies())


def test_signing_out_and_in_again_leads_back_to_the_request(anna: Visit, agent: SandboxAgent) -> None:
    request_uri, _ = agent.push(copy.deepcopy(MANDATE))
    anna.page.get_by_role("button", name="Sign out", exact=True).click()
    anna.page.wait_for_url("**/login")
    anna.open(f"/oauth/authorize?request_uri={request_uri}")
    anna.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(anna.page.get_by_role("heading", level=1)).to_contain_text("wants to act for you at Acme Store")


def test_without_user_verification_nothing_is_confirmed(anna: Visit, agent: SandboxAgent) -> None:
    task = agent.open(consent(anna, agent)["mandate"])
    reply = task.ask("payment.refund", REFUND)
    anna.open("/me")
    anna.page.get_by_role("link", name="Review").click()
    anna.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": anna.authenticator, "isUserVerified": False})
    anna.page.get_by_role("button", name="Approve with passkey").click()
    anna.result("Your passkey wasn't used. Nothing was done.")
    assert reply.again().needs_human


def test_a_mandate_is_narrowed_on_its_page(anna: Visit, agent: SandboxAgent) -> None:
    task = agent.open(consent(anna, agent)["mandate"])
    anna.open("/me")
    anna.page.get_by_role("link", name="View or limit").click()
    anna.page.get_by_label("Refund … for order").uncheck()
    anna.page.get_by_role("button", name="Save and allow only this").click()
    anna.result("Saved.")
    assert task.ask("payment.refund", REFUND).codes == ("mandate.power_missing",)


def test_a_passkey_is_removed_with_another_one(anna: Visit, desk: Sandbox) -> None:
    body = {"id": "anna", "kind": "customer", "how": "vouched"}
    code = desk.room.control("POST", "/sandbox/v1/people", body)["code"]
    begun = desk.room.call("POST", "/login/v1/enrol", {"code": code})
    made = SoftPasskey(desk.room.issuer).create(begun["options"])
    desk.room.call("POST", "/login/v1/enrol", {"ceremony": begun["ceremony"], "response": made, "label": "Old phone"})
    anna.open("/me")
    anna.page.get_by_role("listitem").filter(has_text="Old phone").get_by_role("button", name="Remove").click()
    anna.result("Removed.")
    expect(anna.page.get_by_role("button", name="Remove")).to_have_count(0)
    anna.open("/me")
    keys = anna.page.get_by_role("region", name="Your passkeys").get_by_role("listitem")
    expect(keys).to_have_count(1)
    expect(keys.first).to_contain_text("My laptop")


def test_a_link_works_once(browser: Browser, desk: Sandbox) -> None:
    body = {"id": "bram", "kind": "customer", "name": "Bram", "how": "link"}
    code = desk.room.control("POST", "/sandbox/v1/people", body)["code"]
    other = visit(browser, desk)
    other.open(f"/enrol?code={code}")
    late = visit(browser, desk)
    late.open(f"/enrol?code={code}")
    for name, one, said in (("bram", other, None), ("late", late, "This link has already been used"), ("again", late, "")):
        if said == "":
            one.page.reload()
            expect(one.page.get_by_role("heading", name="This link no longer works")).to_be_visible()
            continue
        one.page.get_by_role("button", name="Create passkey").click()
        if said is None:
            expect(one.page.get_by_role("heading", name="Hello Bram")).to_be_visible()
        else:
            one.result(said)
        assert one.errors == [], name
    other.context.close()
    late.context.close()


def test_an_officer_answers_without_leaking_offers_and_verifies(anna: Visit, agent: SandboxAgent, browser: Browser, desk: Sandbox) -> None:
    task = agent.open(consent(anna, agent)["mandate"])
    olga = visit(browser, desk)
    olga.enrol("olga", "officer", "Olga Frey", ["billing", "audit"])
    olga.page.get_by_role("link", name="Anna Berg").click()
    expect(olga.page.get_by_text("An agent opened this case, not the customer.")).to_be_visible()
    olga.page.get_by_label("Your reply").fill("It goes to Lindenweg 4, 20095 Hamburg, I think.")
    olga.page.get_by_role("button", name="Check and send").click()
    expect(olga.page.locator("mark")).to_have_text("Lindenweg 4, 20095 Hamburg")
    assert task.inbox() == []
    olga.page.get_by_role("button", name="Send without the marked parts").click()
    olga.result("Sent to the agent.")
    assert [one["text"] for one in task.inbox()] == ["It goes to [withheld], I think."]
    olga.open(f"/desk/cases/{task.case}")
    olga.page.get_by_text("Make an offer").click()
    olga.page.get_by_label("Amount").fill("15")
    olga.page.get_by_label("Kind").select_option(label="Goodwill")
    olga.page.get_by_label("Items").fill("i1, i2")
    olga.page.get_by_role("button", name="Send offer").click()
    olga.result("Offer made")
    assert task.inbox()[-1]["offer"]["terms"] == {"amount": "15.00 EUR", "item_ids": ["i1", "i2"], "kind": "goodwill"}
    olga.open("/audit")
    olga.page.locator(".integrity > summary").click()
    olga.page.get_by_role("button", name="Verify all entries").click()
    olga.result("entries are unchanged since they were recorded (1 tile, ")
    assert olga.errors == []
    olga.context.close()


def test_what_cannot_be_offered_is_said_at_its_field_in_words(anna: Visit, agent: SandboxAgent, browser: Browser, desk: Sandbox) -> None:
    task = agent.open(consent(anna, agent)["mandate"])
    olga = visit(browser, desk)
    olga.enrol("olga", "officer", "Olga Frey", ["billing"])
    olga.open(f"/desk/cases/{task.case}")
    olga.ready()
    olga.page.get_by_text("Make an offer").click()
    form = olga.page.locator('[data-form="offer"]')
    amount, told = form.get_by_label("Amount"), form.locator("[data-result]")
    for written, said in (
        ("forty", "“forty” is not a number."),
        ("-1", "Enter more than zero. “-1 EUR” is too low."),
        ("0", "Enter more than zero. “0 EUR” is too low."),
        ("40.005", "“40.005 EUR” has too many decimal places."),
    ):
        amount.fill(written)
        amount.press("Enter")
        expect(told).to_have_text(said)
        expect(amount).to_be_focused()
        expect(amount).to_have_attribute("aria-invalid", "true")
    amount.fill("")
    form.get_by_role("button", name="Send offer").click()
    expect(told).to_have_text("Enter the terms of the offer.")
    form.get_by_label("Items").fill("i1, i1")
    form.get_by_role("button", name="Send offer").click()
    expect(told.get_by_role("paragraph")).to_have_text(
        ["These terms can't be offered.", "Items does not fit.", "Check what you entered. Nothing was offered."]
    )
    form.get_by_label("Items").fill("")
    amount.fill("40,00 EUR")
    form.get_by_role("button", name="Send offer").click()
    expect(told).to_contain_text("Offer made.")
    assert task.inbox()[-1]["offer"]["terms"] == {"amount": "40.00 EUR"}
    assert olga.errors == []
    olga.context.close()


def test_less_is_offered_with_the_keyboard_alone(anna: Visit, agent: SandboxAgent) -> None:
    task = agent.open(consent(anna, agent)["mandate"])
    reply = task.ask("payment.refund", REFUND)
    anna.open("/me")
    anna.page.get_by_role("link", name="Review").press("Enter")
    expect(anna.page.get_by_role("button", name="Allow less…")).to_be_visible()
    anna.ready()
    anna.page.get_by_role("button", name="Allow less…").press("Enter")
    amount = anna.page.get_by_label("Amount")
    expect(amount).to_be_focused()
    for written, said in (
        ("0", "Enter more than zero. “0 EUR” is too low."),
        ("-1", "Enter more than zero. “-1 EUR” is too low."),
        ("", "Enter a number."),
        ("50", "“50 EUR” is more than requested (40.00 EUR)."),
    ):
        amount.fill(written)
        amount.press("Enter")
        expect(anna.page.locator("[data-result]")).to_have_text(said)
        expect(amount).to_be_focused()
    amount.fill("40.00")
    amount.press("Enter")
    anna.result("This isn't less than requested.")
    amount.fill("25")
    amount.press("Enter")
    agree = anna.page.get_by_role("button", name="Approve changed request with passkey")
    expect(agree).to_be_focused()
    expect(agree).to_have_accessible_description(re.compile("Refund €25.00 for order “Kettle and desk lamp”"))
    expect(anna.page.locator("[data-announced]")).to_have_text(
        re.compile("^This would be done instead: Refund €25.00 for order “Kettle and desk lamp”")
    )
    agree.press("Enter")
    anna.result("Done, with your changes.")
    assert reply.again().state == "countered"


def test_nobody_agrees_to_nothing(anna: Visit, agent: SandboxAgent) -> None:
    agent.open(consent(anna, agent)["mandate"]).ask("order.return", {"order_id": "W1001", "item_ids": ["i1", "i2"]})
    anna.open("/me")
    anna.page.get_by_role("link", name="Review").click()
    anna.page.get_by_role("button", name="Allow less…").click()
    for name in ("i1 (Kettle)", "i2 (“Desk lamp”)"):
        anna.page.get_by_label(name).uncheck()
    anna.page.get_by_role("button", name="Review changes").click()
    expect(anna.page.locator("[data-result]")).to_have_text("Keep at least one selected, or decline.")
    expect(anna.page.get_by_label("i1 (Kettle)")).to_be_focused()


def test_what_a_report_is_asked_for_stands_in_one_line(browser: Browser, desk: Sandbox) -> None:
    ada = visit(browser, desk)
    ada.enrol("ada", "officer", "Ada Quist", ["audit"])
    ada.open("/audit/report")
    expect(ada.page.get_by_role("heading", name="Evidence in the audit log")).to_be_visible()  # it is counted first
    places = ada.page.evaluate(
        "[...document.querySelectorAll('.filters :is(input, select, button)')]"
        ".map((one) => one.getBoundingClientRect()).map((one) => [one.top, one.bottom])"
    )
    assert len(places) == 4
    assert all(abs(one[0] - places[0][0]) < 1 and abs(one[1] - places[0][1]) < 1 for one in places), places
    ada.context.close()


def test_what_went_wrong_at_security_is_said_with_its_cure(browser: Browser, desk: Sandbox) -> None:
    sam = visit(browser, desk)
    sam.enrol("sam", "officer", "Sam Hale", ["admin"])
    sam.open("/security/admin")
    sam.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    tried = {
        "person": (
            {"id": "Zoe Z", "name": "Zoe"},
            "No one was added.The id contains a space or an invisible character. Enter the id as one word.",
        ),
        "recover": ({"id": "Anna Berg"}, "Nothing was done.There is no one with the ID Anna Berg.Choose a customer from the list."),
        "verified": ({"id": "nobody", "reason": "passport"}, "Nothing was done.No one has this id.Choose"),
        "contact": ({"id": "nobody", "email": "a@b.example"}, "Nothing was done.No one has this id.Choose"),
        "erase": ({"customer": "sam", "reason": "asked"}, "Nothing was done.No customer has this id.Choose"),
        "register": (
            {"client_id": "https://a.example", "name": "Helper", "operator": "a.example", "keys.jwks_url": "https://127.0.0.1:1/jwks"},
            "Nothing was registered. Check that the address of the keys is correct and reachable, then try again.",
        ),
    }
    for name, (fields, said) in tried.items():
        form = sam.page.locator(f'form[data-form="{name}"]')
        for field, value in fields.items():
            form.locator(f'[name="{field}"]').fill(value)
        form.locator("button").click()
        expect(form.locator("[data-result]")).to_contain_text(said)
    sam.context.close()


def test_no_and_end_says_that_the_task_ended(anna: Visit, agent: SandboxAgent) -> None:
    task = agent.open(consent(anna, agent)["mandate"])
    task.ask("payment.refund", REFUND)
    anna.open("/me")
    anna.page.get_by_role("link", name="Review").click()
    anna.page.get_by_role("button", name="Decline and end the agent's task").click()
    anna.result("You declined. Nothing was done")
    anna.result("The agent's task has ended")
    assert task.ask("order.read", {"order_id": "W1001"}).codes == ("task.ended",)


CONTRAST = """(one) => {
  const light = (text) => {
    const [r, g, b] = text.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(one, '::placeholder');
  if (style.opacity !== '1') return 0;
  const [high, low] = [light(style.color), light(getComputedStyle(one).backgroundColor)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_placeholders_can_be_read_and_say_nothing_alone(anna: Visit, agent: SandboxAgent, scheme: Literal["light", "dark"]) -> None:
    request_uri, _ = agent.push(copy.deepcopy(MANDATE))
    anna.page.emulate_media(color_scheme=scheme)
    anna.open(f"/oauth/authorize?request_uri={request_uri}&client_id={agent.client_id}")
    field = anna.page.get_by_placeholder("no limit").first
    assert float(field.evaluate(CONTRAST)) >= 4.5
    assert "no limit" in str(field.evaluate("(one) => one.labels[0].textContent"))


def test_times_name_their_zone(anna: Visit, agent: SandboxAgent) -> None:
    request_uri, _ = agent.push(copy.deepcopy(MANDATE))
    path = f"/oauth/authorize?request_uri={request_uri}&client_id={agent.client_id}"
    anna.cdp.send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    anna.open(path)
    ends = anna.page.locator("[data-ends] time")
    expect(ends).to_have_attribute("title", re.compile(r"GMT\+5:30 · .*Z$"))
    asked, signed = ends.inner_text(), anna.page.locator("[data-life] .expires")
    anna.page.locator("#life summary").click()
    expect(signed).to_contain_text(" UTC, or when you revoke it.")
    anna.page.get_by_label("End it sooner").select_option("in one hour")
    anna.result("This is what you would allow now.")
    expect(ends).to_have_attribute("title", re.compile(r"GMT\+5:30 · .*Z$"))
    expect(ends).not_to_have_text(asked)
    anna.open("/me")
    expect(anna.page.locator("time").first).to_have_attribute("title", re.compile(r"GMT\+5:30 · .*Z$"))


def test_no_page_is_wider_than_a_phone(anna: Visit, agent: SandboxAgent, browser: Browser, desk: Sandbox) -> None:
    task = agent.open(consent(anna, agent)["mandate"])
    task.ask("payment.refund", REFUND)
    sam = visit(browser, desk)
    sam.enrol("sam", "officer", "Sam Hale", ["admin"])
    security = [f"/security{one}" for one in ("", "/agents", "/proposals", "/admin")]
    staff = ["/desk", f"/desk/cases/{task.case}", *security, "/audit", "/audit/report"]
    pages = {sam: staff, anna: ["/me", "/me/history", "/resume"]}
    for one, paths in pages.items():
        one.page.set_viewport_size({"width": 390, "height": 844})
        for path in paths:
            one.open(path)
            one.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            assert one.page.evaluate("document.documentElement.scrollWidth") == 390, path
    sam.context.close()


def test_a_stop_says_before_and_after_what_it_ends_and_of_nobody_that_it_is_nobody(
    browser: Browser, desk: Sandbox, anna: Visit, agent: SandboxAgent
) -> None:
    agent.open(consent(anna, agent)["mandate"])
    sam = visit(browser, desk)
    sam.enrol("sam", "officer", "Sam Hale", ["admin"])
    sam.open("/security/agents")
    sam.page.get_by_text("Stop an operator, customer or purpose").click()
    form = sam.page.locator("#stop form")
    form.get_by_label("Stop", exact=True).select_option("customer")
    which = form.get_by_label("Which one")
    expect(which).to_have_attribute("list", "names-customer")
    expect(sam.page.locator("#names-customer option")).to_have_text("Anna Berg")
    which.fill("Anna Berg")
    form.get_by_role("button", name="Preview impact").click()
    foreseen = form.locator("[data-foreseen]")
    expect(foreseen).to_have_text("No customer has this id.")
    form.get_by_label("Reason", exact=True).fill("a call")
    form.get_by_role("button", name="Stop now").click()
    sam.result("No customer has the id “Anna Berg”. Nothing running was stopped. The stop takes effect if such a customer appears.")
    which.fill("anna")
    form.get_by_role("button", name="Preview impact").click()
    expect(foreseen).to_contain_text("1 customer is affected: 1 permission can't be used until this is resumed.")
    expect(foreseen).to_contain_text("Would end at once: 1 running task, 0 pending approvals, 0 actions not yet sent.")
    form.get_by_role("button", name="Stop now").click()
    sam.result("Stopped everywhere in")
    sam.result("Ended: 1 running task, 0 pending approvals, 0 actions not yet sent.")
    expect(foreseen).to_be_empty()
    assert sam.errors == []
    sam.context.close()


def test_proposing_roles_starts_with_the_present_ones(browser: Browser, desk: Sandbox) -> None:
    desk.officer("olga", ["billing", "audit"])
    desk.officer("kim", ["security"])
    sam = visit(browser, desk)
    sam.enrol("sam", "officer", "Sam Hale", ["admin"])
    sam.open("/security/admin")
    sam.page.get_by_text("Change roles (needs a second person)").click()
    form = sam.page.locator('form[data-form="roles"]')
    expect(form.get_by_label("security")).to_be_disabled()
    form.get_by_label("Person", exact=True).select_option("olga")
    expect(form.get_by_label("billing")).to_be_checked()
    form.get_by_role("button", name="Propose").click()
    sam.result("This person already has exactly these roles.")
    form.get_by_label("security").check()
    form.get_by_label("billing").uncheck()
    expect(form.locator("[data-difference]")).to_have_text("olga: add security; remove billing")
    form.get_by_role("button", name="Propose").click()
    sam.result("Proposed.")
    sam.open("/security/proposals")
    expect(sam.page.get_by_role("heading", name="Roles of olga: add Security officer; remove Billing officer")).to_be_visible()
    assert sam.errors == []
    sam.context.close()


@pytest.mark.usefixtures("agent")
def test_trust_is_changed_by_its_button_and_not_on_the_way_through_the_choices(browser: Browser, desk: Sandbox) -> None:
    sam = visit(browser, desk)
    sam.enrol("sam", "officer", "Sam Hale", ["admin"])
    sam.open("/security/agents")
    trust = sam.page.get_by_label("Trust level of “Helper shop assistant”", exact=True)
    trust.focus()
    sam.page.keyboard.press("ArrowUp")
    expect(trust).to_have_value("unproved")
    sam.open("/security/agents")
    expect(trust).to_have_value("known")
    trust.select_option("unproved")
    sam.page.get_by_role("button", name="Set trust level of “Helper shop assistant”").click()
    sam.result("Trust level lowered. It applies at once.")
    assert sam.errors == []
    sam.context.close()


class Clock:
    """The desk's clock, which a test can move on."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


ESCALATING: dict[str, Any] = {
    **CATALOGUE,
    "role": {**CATALOGUE["role"], "care": {"title": "Customer care officer"}},
    "escalation": [
        {
            "name": "all-money",
            "reason": "money is moved through an agent",
            "areas": ["payment"],
            "roles": ["billing"],
            "due": "1h",
            "then": {"role": "care", "due": "30m"},
        }
    ],
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue_desk(tmp_path: Path, clock: Clock) -> Iterator[Sandbox]:
    with (
        serving(tmp_path, ESCALATING, FACTS, {"decline_pause_s": 1, "session_idle_s": 28_800}, now=clock.now) as issuer,
        Sandbox(ESCALATING, base_url=issuer) as sandbox,
    ):
        yield sandbox


def waiting_for(one: Visit) -> Locator:
    return one.page.locator("section.queue")


@pytest.fixture
def crew(browser: Browser, queue_desk: Sandbox) -> Iterator[dict[str, Visit]]:
    """Anna, a customer, and three officers: two of billing, one of care."""
    people = {
        "anna": ("Anna Berg", []),
        "olga": ("Olga Frey", ["billing"]),
        "bea": ("Bea Lund", ["billing"]),
        "cara": ("Cara Diaz", ["care"]),
    }
    found: dict[str, Visit] = {}
    for person, (name, roles) in people.items():
        found[person] = visit(browser, queue_desk)
        found[person].enrol(person, "officer" if roles else "customer", name, roles)
    yield found
    assert [one.errors for one in found.values()] == [[]] * 4
    for one in found.values():
        one.context.close()


@pytest.fixture
def crew_task(crew: dict[str, Visit], queue_desk: Sandbox) -> SandboxTask:
    agent = queue_desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
    return agent.open(consent(crew["anna"], agent)["mandate"])


def test_what_waits_is_taken_handed_over_and_answered_with_less(
    crew: dict[str, Visit], crew_task: SandboxTask, queue_desk: Sandbox
) -> None:
    anna, olga, bea, cara = crew.values()
    first = crew_task.ask("payment.refund", REFUND)
    olga.open("/desk")
    for said in (
        "Refund €40.00 for order “Kettle and desk lamp”",
        "Anna Berg",
        "€40.00",
        "money is moved through an agent",
    ):
        expect(waiting_for(olga)).to_contain_text(said)
    expect(olga.page.get_by_role("main")).to_contain_text("Your roles: Billing officer")
    cara.open("/desk")
    expect(waiting_for(cara)).to_contain_text("Nothing waiting for your roles.")
    olga.ready()
    olga.page.get_by_role("button", name="Assign to me").press("Enter")
    olga.result("Assigned to you for 10 minutes.")
    bea.open("/desk")
    expect(waiting_for(bea)).to_contain_text("Olga Frey until")
    expect(bea.page.get_by_role("button", name="Assign to me")).to_have_count(0)

    olga.page.locator("a[data-open]").click()
    expect(olga.page.get_by_text("then escalates to: Customer care officer")).to_be_visible()
    olga.ready()
    olga.page.get_by_text("Hand over").first.click()
    olga.page.get_by_label("To", exact=True).select_option(label="Bea Lund")
    olga.page.get_by_label("Note").fill("You know this customer.")
    olga.page.get_by_role("button", name="Hand over").click()
    olga.page.wait_for_url("**/desk")
    handed = next(one for one in queue_desk.transcript() if one["kind"] == "confirmation.handed")
    assert (handed["desk"]["by"], handed["desk"]["to"], handed["desk"]["note"]) == ("olga", "bea", "You know this customer.")

    bea.open("/desk")
    bea.page.locator("a[data-open]").click()
    expect(bea.page.get_by_text("This is assigned to you until")).to_be_visible()
    expect(bea.page.get_by_text("You know this customer.")).to_be_visible()
    bea.ready()
    bea.page.get_by_role("button", name="Allow less…").click()
    bea.page.get_by_label("Amount").fill("20")
    bea.page.get_by_role("button", name="Review changes").click()
    bea.page.get_by_role("button", name="Approve changed request with passkey").click()
    expect(bea.page.locator("[data-result]:not(:empty)")).to_be_visible()
    anna.open("/me")
    anna.page.get_by_role("link", name="Review").click()
    expect(anna.page.get_by_role("heading", level=1)).to_contain_text("Refund €20.00 for order “Kettle and desk lamp”")
    anna.page.get_by_role("button", name="Approve with passkey").click()
    anna.result("Done.")
    assert first.again().state == "countered"


def test_what_nobody_answers_in_time_goes_to_others_and_then_to_nobody(
    crew: dict[str, Visit], crew_task: SandboxTask, queue_desk: Sandbox, clock: Clock
) -> None:
    olga, cara = crew["olga"], crew["cara"]
    assert set(crew_task.ask("payment.refund", REFUND).who) == {"customer", "officer:billing"}
    clock.ahead_ms += 3_600_000
    queue_desk.sweep()
    olga.open("/desk")
    expect(waiting_for(olga)).to_contain_text("Nothing waiting for your roles.")
    cara.open("/desk")
    expect(waiting_for(cara)).to_contain_text("Refund €40.00 for order “Kettle and desk lamp”")
    clock.ahead_ms += 1_800_000
    queue_desk.sweep()
    cara.open("/desk")
    expect(waiting_for(cara)).to_contain_text("Nothing waiting for your roles.")
    cara.page.get_by_role("link", name="Anna Berg").first.click()
    expect(cara.page.locator("main")).to_contain_text("not answered in time")


def test_an_officer_sees_while_writing_what_would_be_withheld(anna: Visit, agent: SandboxAgent, browser: Browser, desk: Sandbox) -> None:
    task = agent.open(consent(anna, agent)["mandate"])
    olga = visit(browser, desk)
    olga.enrol("olga", "officer", "Olga Frey", ["billing"])
    olga.open(f"/desk/cases/{task.case}")
    olga.ready()
    send, said = olga.page.get_by_role("button", name="Check and send"), "It goes to Lindenweg 4, 20095 Hamburg, I think."
    before = send.bounding_box()
    olga.page.get_by_label("Your reply").fill(said)
    expect(olga.page.locator("mark")).to_have_text("Lindenweg 4, 20095 Hamburg")
    expect(olga.page.locator("[data-said]")).to_contain_text("The marked part can't be shared with this agent")
    expect(olga.page.locator("[data-why]")).to_have_text("the customer's data: address an order goes to")
    assert send.bounding_box() == before
    olga.page.get_by_label("Your reply").fill("It is on its way.")
    expect(olga.page.locator("[data-said]")).to_have_text("Nothing has to be removed.")
    expect(olga.page.locator("mark")).to_have_count(0)
    assert task.inbox() == []

    assert olga.errors == []
    olga.context.close()


def test_a_consent_is_declined_and_leads_back_to_the_agent(anna: Visit, agent: SandboxAgent) -> None:
    request_uri, _ = agent.push(copy.deepcopy(MANDATE))
    anna.page.route(CALLBACK, lambda route: route.fulfill(status=200, body="back at the agent"))
    anna.open(f"/oauth/authorize?request_uri={request_uri}")
    anna.page.get_by_role("button", name="Don't allow").click()
    anna.page.wait_for_url(re.compile(r"http://127\.0\.0\.1/callback\?.*error=access_denied"))


def test_what_begins_to_wait_comes_to_the_open_page_and_takes_nothing_away_from_who_writes(anna: Visit, agent: SandboxAgent) -> None:
    task = agent.open(consent(anna, agent)["mandate"])
    anna.open("/me")
    anna.ready()
    anna.page.evaluate("window.opened = true")
    expect(anna.page.get_by_text("You have nothing to decide right now.")).to_be_visible()
    anna.page.locator("#done + .entries summary").first.click()
    anna.page.get_by_label("Is something wrong here? Tell us what.").locator("visible=true").fill("I am still wri")
    entries = anna.page.locator("#done + .entries > li").count()
    task.ask("payment.refund", REFUND)
    expect(anna.page.get_by_role("link", name="Review")).to_be_visible(timeout=15_000)
    expect(anna.page.get_by_label("Is something wrong here? Tell us what.").locator("visible=true")).to_have_value("I am still wri")
    anna.page.get_by_label("Is something wrong here? Tell us what.").locator("visible=true").fill("")
    anna.page.locator("h1").click()
    task.ask("case.comment", {"text": "Hello."})
    expect(anna.page.locator("#done + .entries > li")).not_to_have_count(entries, timeout=15_000)
    expect(anna.page.get_by_label("Is something wrong here? Tell us what.").locator("visible=true")).to_be_visible()
    anna.page.get_by_role("button", name="Revoke access").click()
    anna.result("can do nothing more for you")
    assert anna.page.evaluate("window.opened") is True, "the page was not loaded again"


def test_the_officers_queue_shows_what_begins_to_wait_without_being_loaded_again(browser: Browser, desk: Sandbox) -> None:
    olga = visit(browser, desk)
    olga.enrol("olga", "officer", "Olga Kern", ["security"])
    olga.open("/desk")
    olga.ready()
    olga.page.evaluate("window.opened = true")
    expect(olga.page.get_by_text("Nothing waiting for your roles.")).to_be_visible()
    anna, agent = desk.customer("anna"), desk.agent("spiffe://helper.example/unlocker", name="Unlocker")
    powers = [{"power": "represent"}, {"power": "request", "actions": ["account.unlock"], "uses": 1}]
    task = agent.open(anna.grant(agent, {"type": "remit_mandate", "objective": {"type": "unlock"}, "powers": powers}))
    task.ask("account.unlock", {})
    expect(olga.page.locator("a[data-open]")).to_be_visible(timeout=15_000)
    assert olga.page.evaluate("window.opened") is True, "the page was not loaded again"
    olga.page.get_by_role("button", name="Assign to me").click()
    expect(olga.page.locator("tr[data-row]")).to_contain_text("until", timeout=15_000)
    assert olga.errors == []
    olga.context.close()


def test_a_page_that_counts_says_how_far_it_is_and_makes_place_for_what_was_counted(browser: Browser, desk: Sandbox) -> None:
    template = (files("remit.entrypoints.web") / "templates" / "counting.html").read_text("utf-8")
    content = Environment(autoescape=True).from_string(template.partition("{% block content %}")[2].partition("{% endblock %}")[0])
    content.globals["_"] = lambda text, **values: text.format(**values)
    told = iter((1, 3))

    def slow(route: Route) -> None:
        answer = route.fetch()
        far = next(told, None)
        counting = "" if far is None else content.render(counting={"entries": far, "size": 4})
        body = re.sub(r"(<main[^>]*>).*(</main>)", rf"\1{counting}\2", answer.text(), flags=re.DOTALL) if counting else answer.text()
        route.fulfill(response=answer, body=body)

    ada = visit(browser, desk)
    ada.enrol("ada", "officer", "Ada Quist", ["audit"])
    ada.page.route("**/audit/report", slow)
    ada.open("/audit/report")
    ada.page.evaluate("window.opened = true")
    expect(ada.page.get_by_label("1 of 4 entries")).to_have_attribute("value", "1")
    expect(ada.page.get_by_label("3 of 4 entries")).to_have_attribute("value", "3")
    assert ada.page.evaluate("window.opened") is True, "the page was not loaded again to say how far it is"
    expect(ada.page.get_by_role("heading", level=1)).not_to_have_text("Counting entries")
    expect(ada.page.locator("[data-counting]")).to_have_count(0)
    assert ada.errors == []
    ada.context.close()
