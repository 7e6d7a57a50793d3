"Team in a real browser: an officer's day, a file, a stop, an audit, a canary. And who has taken what, as news."

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from browser.crew import Crew, loaded, said
from browser.desk_server import serving
from browser.visits import CHROMIUM, visit
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.client import Attachment
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxTask

REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
RULE: dict[str, Any] = {"name": "refunds", "reason": "money", "actions": ["payment.refund"], "roles": ["billing"], "due": "2h"}
SHOP: dict[str, Any] = {
    **CATALOGUE,
    "role": {**CATALOGUE["role"], "care": {"title": "Customer care officer"}},
    "escalation": [{**RULE, "then": {"role": "care", "due": "1h"}}],
}
TOKEN = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
HELPER = "spiffe://helper.example/shop"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-desk"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    with serving(tmp_path, SHOP, FACTS) as issuer, Sandbox(SHOP, base_url=issuer) as sandbox:
        yield sandbox


@pytest.fixture
def task(desk: Sandbox) -> SandboxTask:
    agent = desk.agent(HELPER, name="Helper shop assistant")
    return agent.open(desk.customer("anna", name="Anna Berg").grant(agent, MANDATE))


@pytest.fixture
def crew(browser: Browser, desk: Sandbox) -> Iterator[Crew]:
    one = Crew(browser, desk)
    yield one
    assert [each.errors for each in one.visits] == [[]] * len(one.visits)
    for each in one.visits:
        each.context.close()


@pytest.mark.proves("FORM-KEPT")
def test_an_officers_queue(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    olga, bea = desk.officer("olga", ["billing"], name="Olga Frey"), desk.officer("bea", ["billing"], name="Bea Lund")
    reply = task.ask("payment.refund", REFUND)
    page = crew.open(olga, "/desk")
    page.get_by_role("button", name="Assign to me").click()
    expect(page.locator("[data-result]:not(:empty)").first).to_contain_text("Assigned to you for 10 minutes.")
    expect(page.locator("tr[data-row]")).to_contain_text("until")
    page.locator("a[data-open]").click()
    expect(page.get_by_text("This is assigned to you until")).to_be_visible()
    page.get_by_text("Hand over").first.click()
    page.get_by_label("To", exact=True).select_option(label="Bea Lund")
    page.get_by_label("Note").fill(f"You know her.\nHer code is {TOKEN}.")
    page.get_by_role("button", name="Hand over").click()
    said(page, "This looks like a secret.")
    expect(page.get_by_label("Note")).to_have_value(f"You know her.\nHer code is {TOKEN}.")
    expect(page.get_by_label("To", exact=True)).to_have_value("bea")
    page.get_by_label("Note").fill("You know her.")
    page.get_by_role("button", name="Hand over").press("Enter")
    page.wait_for_url("**/desk")
    expect(page.locator("tr[data-row]")).to_contain_text("Bea Lund")
    expect(page.get_by_role("button", name="Assign to me")).to_have_count(0)

    page.locator("a[data-open]").click()
    expect(page.get_by_text("Bea Lund is working on this until")).to_be_visible()
    expect(page.get_by_role("button", name="Decline", exact=True)).to_have_count(0)

    other = crew.open(bea, "/desk")
    other.locator("a[data-open]").click()
    expect(other.get_by_text("You know her.")).to_be_visible()
    other.get_by_role("button", name="Decline", exact=True).click()
    said(other, "You declined. Nothing was done")
    assert reply.again().codes == ("confirmation.declined",)
    page.get_by_role("button", name="Sign out everywhere").click()
    page.wait_for_url("**/login")


def test_a_case_is_noted_on_and_closed(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    page = crew.open(desk.officer("olga", ["billing"], name="Olga Frey"), f"/desk/cases/{task.case}")
    page.get_by_label("Your reply").fill("Call me: c@helper.example.")
    expect(page.locator("[data-why]")).to_have_text("contact details: email")
    page.get_by_label("Your reply").fill("")
    page.get_by_label("Visible to colleagues only").fill("She was friendly.")
    page.get_by_role("button", name="Add note").click()
    said(page, "Note added.")
    loaded(page, "She was friendly.")
    page.get_by_role("button", name="Close the case").click()
    said(page, "The case is closed. The agent can't act in it anymore.")
    loaded(page, "The case is closed.")


@pytest.mark.proves("FORM-KEPT")
def test_what_was_written_is_kept_where_the_session_is_over(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    olga = desk.officer("olga", ["billing"])
    page = crew.open(olga, f"/desk/cases/{task.case}")
    page.get_by_label("Visible to colleagues only").fill("She was friendly.")
    olga.post("/login/v1/sign-out-everywhere", {})
    page.get_by_role("button", name="Add note").click()
    said(page, "Your text is still here. Sign in on another tab, then send it from here.")
    expect(page.get_by_role("link", name="Sign in")).to_have_attribute("target", "_blank")
    expect(page.get_by_label("Visible to colleagues only")).to_have_value("She was friendly.")
    page.get_by_label("Visible to colleagues only").fill("")
    page.get_by_role("button", name="Close the case").click()
    page.wait_for_url(f"**/login?next=%2Fdesk%2Fcases%2F{task.case}")


def test_a_refusal_of_what_has_no_place_of_its_own_stands_at_the_top(crew: Crew, desk: Sandbox) -> None:
    page = crew.open(desk.officer("olga", ["billing"]), "/desk")
    conflict = {"code": "request.conflict", "title": "Conflict", "detail": "Not now."}
    page.route("**/login/v1/sign-out", lambda route: route.fulfill(status=409, json=conflict))
    page.get_by_role("button", name="Sign out", exact=True).click()
    said(page, "This isn't possible right now.")
    expect(page.locator("main > [data-result]").get_by_role("paragraph")).to_have_text(
        ["This isn't possible right now.", "Not now.", "Nothing was changed."]
    )
    page.route("**/login/v1/sign-out", lambda route: route.fulfill(status=400, body="a proxy's own page"))
    page.get_by_role("button", name="Sign out", exact=True).click()
    said(page, "That didn't work.")


def test_a_file_that_is_held_back_is_looked_at_saved_and_let_pass(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    odd = Attachment(name="scan.doc", media_type="application/msword", data=b"\xd0\xcf\x11\xe0 a document of an old kind" + bytes(90))
    assert task.ask("order.read", {"order_id": "W1001"}, attachments=[odd]).codes == ("words.attachment",)
    page = crew.open(desk.officer("olga", ["billing"], name="Olga Frey"), "/desk")
    page.get_by_role("link", name="scan.doc").click()
    expect(page.get_by_text("This file type isn't supported.")).to_be_visible()
    expect(page.get_by_text("a document of an old kind")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download file").click()
    assert saved.value.suggested_filename.endswith(".unread")
    assert Path(saved.value.path()).read_bytes() == odd.data
    page.get_by_role("button", name="Release to the case").click()
    said(page, "The file is now in the case.")
    loaded(page, "released by a team member")
    expect(page.get_by_role("button", name="Discard")).to_have_count(0)
    reply = task.ask("order.read", {"order_id": "W1001"}, attachments=[odd])
    assert [one["state"] for one in reply.body["attachments"]] == ["released"]
    another = Attachment(name="other.doc", media_type="application/msword", data=odd.data + b"2")
    task.ask("order.read", {"order_id": "W1001"}, attachments=[another])
    page.goto(f"{desk.room.issuer}/desk")
    page.get_by_role("link", name="other.doc").click()
    page.get_by_role("button", name="Discard").click()
    said(page, "Discarded. The file's content is deleted.")
    loaded(page, "The file has been deleted.")


def test_two_people_lift_a_stop_and_add_a_third_with_roles(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    sam, sue = desk.officer("sam", ["security"], name="Sam Hale"), desk.officer("sue", ["admin"], name="Sue Lind")
    page = crew.open(sam, "/security/agents")
    page.get_by_text("Stop an operator, customer or purpose").click()
    page.get_by_label("Which one").fill("nobody")
    page.get_by_label("Reason", exact=True).first.fill("It behaves oddly.")
    page.get_by_role("button", name="Stop now").first.click()
    said(page, "No agent has this client ID.")
    expect(page.get_by_label("Which one")).to_have_value("nobody")
    page.get_by_label("Which one").fill(HELPER)
    page.get_by_label("Reason", exact=True).first.press("Enter")
    said(page, re.compile(r"Stopped everywhere in \d+ ms\."))
    assert task.ask("order.read", {"order_id": "W1001"}).codes == ("agent.suspended",)
    page.reload()
    page.get_by_role("button", name="Propose to resume").click()
    said(page, "Proposed. A second person must approve.")
    expect(page.get_by_role("link", name=re.compile("Second person 1"))).to_be_visible()
    page = crew.open(sam, "/security/proposals")
    expect(page.get_by_text("Resume agent “Helper shop assistant”")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)

    second = crew.open(sue, "/security/proposals")
    second.get_by_role("button", name="Approve").click()
    said(second, "Approved and done.")
    loaded(second, "No open proposals.")

    page = crew.open(sam, "/security/admin")
    page.get_by_text("Add a person").click()
    person = page.locator("form[data-form=person]")
    person.get_by_label("Id", exact=True).fill(" cleo ")
    person.get_by_label("Name", exact=True).fill("Cleo Marsh")
    page.get_by_role("button", name="Add and create one-time link").click()
    said(page, "Added. Give this person the link. It works once, within one day:")
    expect(page.locator("[data-result] p").last).to_contain_text(f"{desk.room.issuer}/enrol?code=")
    expect(person.get_by_label("Id", exact=True)).to_have_value("")
    assert "code" not in page.url
    page.reload()
    page.get_by_text("Change roles (needs a second person)").click()
    roles = page.locator("form[data-form=roles]")
    roles.get_by_label("Person").select_option("cleo")
    roles.get_by_label("audit").check()
    roles.get_by_role("button", name="Propose").click()
    said(page, "Proposed. A second person must approve.")
    page.get_by_role("link", name=re.compile("Second person 1")).click()
    loaded(page, "Roles of Cleo Marsh: add audit")
    page.get_by_role("button", name="Cancel proposal").click()
    said(page, "Proposal cancelled.")


def test_a_contest_is_settled(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    assert task.case
    anna = desk.customer("anna")
    entry = anna.get("/me/v1/history")["entries"][0]["entry"]
    anna.post(f"/me/v1/entries/{entry}/contest", {"text": "I never said so."})
    page = crew.open(desk.officer("ada", ["audit"]), "/audit")
    page.get_by_text("Resolve", exact=True).click()
    page.get_by_label("Your answer to the customer").fill("You did, with your passkey.")
    page.get_by_role("button", name="Resolve dispute").click()
    said(page, "Dispute resolved. Your answer is in the audit log.")
    expect(page.get_by_role("heading", name="Disputed by customers")).to_have_count(0)
    assert [one["open"] for one in anna.get("/me/v1/contests")["contests"]] == [False]


def test_a_customer_contests_and_says_that_it_was_not_them(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    page = crew.open(desk.customer("anna"), "/me")
    first = page.locator("#done + .entries > li").first
    first.locator("summary").first.click()
    first.get_by_label("Is something wrong here? Tell us what.").fill("I never saw this.")
    first.get_by_role("button", name="Dispute this entry").click()
    said(page, "Thank you. We've logged your dispute, and the support team will review it.")
    expect(first.get_by_role("button", name="Dispute this entry")).to_be_disabled()
    first.get_by_text("This wasn't me", exact=True).click()
    first.get_by_role("button", name="This wasn't me: end this agent's access").click()
    expect(first.locator(".disown [data-result]")).to_contain_text("One running task was ended at once.")
    assert task.ask("order.read", {"order_id": "W1001"}).codes == ("task.ended",)


def test_that_a_colleague_has_taken_it_comes_to_the_open_page(browser: Browser, desk: Sandbox, task: SandboxTask) -> None:
    bea = desk.officer("bea", ["billing"], name="Bea Lund")
    task.ask("payment.refund", REFUND)
    confirmation = bea.waiting()[0]["confirmation"]
    olga = visit(browser, desk)
    olga.enrol("olga", "officer", "Olga Frey", ["billing"])
    olga.open(f"/confirm/{confirmation}")
    olga.ready()
    olga.page.evaluate("window.opened = true")
    expect(olga.page.get_by_role("button", name="Approve with passkey")).to_be_visible()
    bea.post(f"/desk/v1/confirmations/{confirmation}/take", {})
    expect(olga.page.get_by_text("Bea Lund is working on this until")).to_be_visible(timeout=15_000)
    expect(olga.page.get_by_role("button", name="Approve with passkey")).to_have_count(0)
    bea.post(f"/desk/v1/confirmations/{confirmation}/hand", {"person": "olga", "note": "Yours."})
    expect(olga.page.get_by_text("This is assigned to you until")).to_be_visible(timeout=15_000)
    assert olga.page.evaluate("window.opened") is True, "the page was not loaded again"
    olga.page.get_by_role("button", name="Approve with passkey").click()
    olga.result("Thank you. Someone else must also approve")
    assert olga.errors == []
    olga.context.close()


def test_a_canary_is_planted_seen_and_taken_away(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    sam = desk.officer("sam", ["security"])
    page = crew.open(sam, "/security/admin")
    page.get_by_text("Plant a canary").click()
    form = page.locator("form[data-form=canary]")
    form.get_by_label("Looks like").select_option("token")
    form.get_by_label("Name").fill("old payment key")
    form.get_by_label("Place").fill("wiki, page Payments")
    page.get_by_role("button", name="Plant canary").click()
    said(page, "Put this value in the place you named: wiki, page Payments. It's shown only once.")
    value = page.locator("[data-result] p").last.inner_text()
    assert value.startswith("sk_live_")
    page.reload()
    expect(page.get_by_text("old payment key")).to_be_visible()
    assert value not in page.content()
    task.ask("order.read", {"order_id": "W1001", "note": value})
    desk.sweep()
    page = crew.open(sam, "/security")
    happened = page.locator("section[aria-labelledby=happened]")
    happened.get_by_text("A canary (decoy value) was detected.").click()
    expect(happened).to_contain_text("wiki, page Payments")
    assert value not in page.content()
    page = crew.open(sam, "/security/admin")
    page.get_by_role("button", name="Remove “old payment key”").click()
    said(page, "Canary removed. Remit no longer detects it.")
    loaded(page, "No canaries.")


def test_without_javascript_a_page_says_so_once_with_the_cure_and_sends_nothing(browser: Browser, desk: Sandbox, task: SandboxTask) -> None:
    context = browser.new_context(java_script_enabled=False)
    name, _, value = desk.officer("olga", ["billing", "security", "admin"]).cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": desk.room.issuer}])
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}") if request.is_navigation_request() else None)
    for path in ("/desk", f"/desk/cases/{task.case}", "/security", "/audit"):
        page.goto(desk.room.issuer + path)
        expect(page.locator("noscript p")).to_have_count(1)
        expect(page.locator("noscript p")).to_contain_text("that needs JavaScript. Allow JavaScript for this address and reload the page.")
        assert [
            one.inner_text()
            for one in page.get_by_role("button").all()
            if one.inner_text() not in {"English", "Deutsch", "Filter", "Search"}
        ] == []
        for field in page.locator("form[method=dialog] input").all():
            if field.is_visible():
                field.fill("a secret of somebody's")
                field.press("Enter")
    assert len(asked) == 4, "nothing that was entered went anywhere, in an address least of all"
    context.close()
