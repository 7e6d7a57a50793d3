"""The desk's own people in a real browser without JavaScript: an officer's day, a stop, an audit. And who has taken what, as news."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.desk_server import serving
from browser.shop import CATALOGUE, FACTS, MANDATE
from browser.visits import CHROMIUM, visit
from remit.client import Attachment
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxPerson
from remit.sandbox.workloads import SandboxTask

REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
ADDRESS = "Lindenweg 4, 20095 Hamburg"
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
    pytest.mark.xdist_group("browser-plain"),
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
def plain(browser: Browser, desk: Sandbox) -> Iterator["Plain"]:
    one = Plain(browser, desk)
    yield one
    for context in one.contexts:
        context.close()


class Plain:
    """Browsers without JavaScript, in which somebody is signed in."""

    def __init__(self, browser: Browser, desk: Sandbox) -> None:
        self.browser, self.desk = browser, desk
        self.contexts: list[BrowserContext] = []

    def open(self, person: SandboxPerson, path: str) -> Page:
        """A page of somebody's."""
        context = self.browser.new_context(java_script_enabled=False)
        context.set_default_timeout(10_000)
        name, _, value = person.cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": self.desk.room.issuer}])
        self.contexts.append(context)
        page = context.new_page()
        page.goto(self.desk.room.issuer + path)
        return page


def test_an_officers_queue_without_javascript(plain: Plain, desk: Sandbox, task: SandboxTask) -> None:
    olga, bea = desk.officer("olga", ["billing"], name="Olga Frey"), desk.officer("bea", ["billing"], name="Bea Lund")
    reply = task.ask("payment.refund", REFUND)
    page = plain.open(olga, "/desk")
    expect(page.locator("noscript p.notice")).to_contain_text("you can do everything on these pages but agree to what an agent asks")
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_role("status").first).to_have_text("Yours for ten minutes. Your colleagues see that you have it.")
    expect(page.get_by_text("You have this until")).to_be_visible()
    page.get_by_text("Hand it over").first.click()
    page.get_by_label("To").select_option(label="Bea Lund")
    page.get_by_label("Note").fill(f"You know her.\nHer code is {TOKEN}.")
    page.get_by_role("button", name="Hand it over").click()
    expect(page.get_by_role("alert")).to_contain_text("That looks like a secret.")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Note")).to_have_value(f"You know her.\nHer code is {TOKEN}.")
    expect(page.get_by_label("To")).to_have_value("person bea")
    page.get_by_label("Note").fill("You know her.")
    page.get_by_role("button", name="Hand it over").click()
    expect(page.get_by_text("Handed over.")).to_be_visible()
    expect(page.get_by_text("Bea Lund has this until")).to_be_visible()
    expect(page.get_by_role("button", name="Take it")).to_have_count(0)

    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_text("Bea Lund has this until")).to_be_visible()
    expect(page.get_by_role("button", name="No", exact=True)).to_have_count(0)

    other = plain.open(bea, "/desk")
    other.get_by_role("link", name="Look and decide").click()
    expect(other.get_by_role("button", name="Yes, with my passkey")).to_be_hidden()
    expect(other.locator("form noscript p")).to_contain_text("A yes, also to less, is signed with your passkey, and that needs JavaScript.")
    other.get_by_role("button", name="No", exact=True).click()
    expect(other.get_by_text("You said no. Nothing was done")).to_be_visible()
    assert reply.again().codes == ("confirmation.declined",)
    page.get_by_role("button", name="End all sign-ins").click()
    page.wait_for_url("**/login")


def test_a_case_is_worked_on_without_javascript(plain: Plain, desk: Sandbox, task: SandboxTask) -> None:
    page = plain.open(desk.officer("olga", ["billing"], name="Olga Frey"), f"/desk/cases/{task.case}")
    page.get_by_label("Your answer").fill(f"It goes to {ADDRESS}, I think.")
    expect(page.get_by_role("button", name="Check and send")).to_be_hidden()
    page.get_by_role("button", name="See what would be withheld").click()
    expect(page.locator("mark")).to_have_text(ADDRESS)
    expect(page.get_by_role("button", name="Send it", exact=True)).to_have_count(0)
    assert task.inbox() == []
    page.get_by_role("button", name="Send without the marked parts").click()
    expect(page.get_by_text("Sent to the agent. What it may not be told was left out.")).to_be_visible()
    assert [one["text"] for one in task.inbox()] == ["It goes to [withheld], I think."]
    page.get_by_label("Your answer").fill("It is on its way.")
    page.get_by_role("button", name="See what would be withheld").click()
    page.get_by_role("button", name="Send it", exact=True).click()
    expect(page.get_by_text("Sent to the agent.")).to_be_visible()
    assert task.inbox()[-1]["text"] == "It is on its way."

    page.get_by_label("Amount").fill("forty")
    page.get_by_label("Kind").select_option(label="Goodwill")
    page.get_by_role("button", name="Offer this").click()
    expect(page.get_by_role("alert")).to_contain_text("“forty” is not a number.")
    expect(page.get_by_label("Kind")).to_have_value("goodwill")
    page.get_by_label("Amount").fill("15")
    page.get_by_role("button", name="Offer this").click()
    expect(page.get_by_text("Offered. The agent finds it in its inbox.")).to_be_visible()
    assert task.inbox()[-1]["offer"]["terms"] == {"amount": "15.00 EUR", "kind": "goodwill"}

    page.get_by_label("For your colleagues alone").fill("She was friendly.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.get_by_text("Noted.")).to_be_visible()
    expect(page.get_by_text("She was friendly.")).to_be_visible()

    page.get_by_role("button", name="Close the case").click()
    expect(page.get_by_text("The case is closed. Nothing of the agent runs in it any more.")).to_be_visible()


def test_a_file_that_is_held_back_is_looked_at_saved_and_let_pass_without_javascript(
    plain: Plain, desk: Sandbox, task: SandboxTask
) -> None:
    odd = Attachment(name="scan.doc", media_type="application/msword", data=b"\xd0\xcf\x11\xe0 a document of an old kind" + bytes(90))
    assert task.ask("order.read", {"order_id": "W1001"}, attachments=[odd]).codes == ("words.attachment",)
    page = plain.open(desk.officer("olga", ["billing"], name="Olga Frey"), "/desk")
    page.get_by_role("link", name="scan.doc").click()
    expect(page.get_by_text("Files of its kind are not read here.")).to_be_visible()
    expect(page.get_by_text("a document of an old kind")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the file").click()
    assert saved.value.suggested_filename.endswith(".unread")
    assert Path(saved.value.path()).read_bytes() == odd.data
    page.get_by_role("button", name="Let it into the case").click()
    expect(page.get_by_text("The file is in the case now.")).to_be_visible()
    expect(page.get_by_role("button", name="Discard it")).to_have_count(0)
    page.get_by_role("link", name="Back to the case").click()
    expect(page.get_by_text("let pass by an officer")).to_be_visible()
    reply = task.ask("order.read", {"order_id": "W1001"}, attachments=[odd])
    assert [one["state"] for one in reply.body["attachments"]] == ["released"]


def test_a_stop_without_javascript_is_foreseen_and_reported_and_two_people_lift_it(plain: Plain, desk: Sandbox, task: SandboxTask) -> None:
    sam, sue = desk.officer("sam", ["security"], name="Sam Hale"), desk.officer("sue", ["admin"], name="Sue Lind")
    page = plain.open(sam, "/security")
    page.get_by_label("Which one").fill("nobody")
    page.get_by_role("button", name="See what it would end").click()
    expect(page.get_by_role("alert")).to_contain_text("No agent here has that client id.")
    expect(page.get_by_label("Which one")).to_have_value("nobody")
    page.get_by_label("Which one").fill(HELPER)
    page.get_by_role("button", name="See what it would end").click()
    expect(page.get_by_text("Nothing has been stopped.")).to_be_visible()
    expect(page.locator("div", has=page.get_by_text("Running tasks that end at once", exact=True)).last).to_contain_text("1")
    assert task.ask("order.read", {"order_id": "W1001"}).codes != ("agent.suspended",)
    page.get_by_label("Why").fill("It behaves oddly.")
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^Stopped everywhere after \d+ ms\.$"))
    expect(page.locator("div", has=page.get_by_text("Running tasks that ended", exact=True)).last).to_contain_text("1")
    assert task.ask("order.read", {"order_id": "W1001"}).codes == ("agent.suspended",)
    page.get_by_role("link", name="Back to Security").click()
    page.get_by_role("button", name="Propose to resume").click()
    expect(page.get_by_text("Proposed. Another person must agree.").first).to_be_visible()
    expect(page.get_by_role("button", name="Agree")).to_have_count(0)

    second = plain.open(sue, "/security")
    second.get_by_role("button", name="Agree").click()
    expect(second.get_by_text("Agreed, and done.")).to_be_visible()
    expect(second.get_by_text("Nothing is stopped.")).to_be_visible()

    page.get_by_text("Add somebody").click()
    page.get_by_label("Id", exact=True).fill("cleo")
    page.get_by_label("Name", exact=True).fill("Cleo Marsh")
    page.get_by_role("button", name="Add, and make a one-time link").click()
    link = page.locator("pre").inner_text()
    assert link.startswith(f"{desk.room.issuer}/enrol?code=")
    assert "code" not in page.url
    page.get_by_role("link", name="Back to Security").click()
    page.get_by_role("listitem").filter(has_text="cleo").get_by_role("link", name="Propose roles").click()
    page.get_by_label("audit").check()
    page.get_by_role("button", name="Propose").locator("visible=true").last.click()
    expect(page.get_by_role("heading", name="Roles of cleo: adds audit")).to_be_visible()


def test_an_audit_without_javascript(plain: Plain, desk: Sandbox, task: SandboxTask) -> None:
    assert task.case
    anna = desk.customer("anna")
    entry = anna.get("/me/v1/history")["entries"][0]["entry"]
    anna.post(f"/me/v1/entries/{entry}/contest", {"text": "I never said so."})
    page = plain.open(desk.officer("ada", ["audit"]), "/audit")
    page.get_by_role("button", name="Verify everything now").click()
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^All \d+ entries are as they were recorded\.$"))
    page.get_by_role("link", name="Back to the record").click()
    page.get_by_label("Your answer to the customer").fill("You did, with your passkey.")
    page.get_by_role("button", name="Settle").click()
    expect(page.get_by_text("Settled, and on the record.")).to_be_visible()
    expect(page.get_by_role("heading", name="Contested by customers")).to_have_count(0)
    assert [one["open"] for one in anna.get("/me/v1/contests")["contests"]] == [False]


def test_that_a_colleague_has_taken_it_comes_to_the_open_page(browser: Browser, desk: Sandbox, task: SandboxTask) -> None:
    bea = desk.officer("bea", ["billing"], name="Bea Lund")
    task.ask("payment.refund", REFUND)
    confirmation = bea.waiting()[0]["confirmation"]
    olga = visit(browser, desk)
    olga.enrol("olga", "officer", "Olga Frey", ["billing"])
    olga.open(f"/confirm/{confirmation}")
    olga.ready()
    olga.page.evaluate("window.opened = true")
    expect(olga.page.get_by_role("button", name="Yes, with my passkey")).to_be_visible()
    bea.post(f"/desk/v1/confirmations/{confirmation}/take", {})
    expect(olga.page.get_by_text("Bea Lund has this until")).to_be_visible(timeout=15_000)
    expect(olga.page.get_by_role("button", name="Yes, with my passkey")).to_have_count(0)
    bea.post(f"/desk/v1/confirmations/{confirmation}/hand", {"person": "olga", "note": "Yours."})
    expect(olga.page.get_by_text("You have this until")).to_be_visible(timeout=15_000)
    assert olga.page.evaluate("window.opened") is True, "the page was not loaded again"
    olga.page.get_by_role("button", name="Yes, with my passkey").click()
    olga.result("Thank you. Somebody else must still agree")
    assert olga.errors == []
    olga.context.close()


def test_a_canary_is_planted_seen_and_taken_away_without_javascript(plain: Plain, desk: Sandbox, task: SandboxTask) -> None:
    sam = desk.officer("sam", ["security"])
    page = plain.open(sam, "/security")
    page.get_by_text("Plant a canary").click()
    page.get_by_label("Looks like").select_option("token")
    page.get_by_label("What you call it").fill("old payment key")
    page.get_by_label("Where it stands").fill("wiki, page Payments")
    page.get_by_role("button", name="Plant it").click()
    value = page.locator("pre").inner_text()
    assert value.startswith("sk_live_")
    page.get_by_role("link", name="Back to Security").click()
    expect(page.get_by_text("old payment key")).to_be_visible()
    assert value not in page.content()
    task.ask("order.read", {"order_id": "W1001", "note": value})
    desk.sweep()
    page.reload()
    happened = page.locator("section[aria-labelledby=happened]")
    happened.get_by_text("A value that the desk had planted as bait was seen.").click()
    expect(happened).to_contain_text("wiki, page Payments")
    assert value not in page.content()
    page.get_by_role("button", name="Take “old payment key” away").click()
    expect(page.get_by_text("Taken away. It is looked for no more.").first).to_be_visible()
    expect(page.get_by_text("None is planted.")).to_be_visible()
