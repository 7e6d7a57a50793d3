"""The whole story of a case, step by step, in the browsers of everybody it takes. What it must show is asserted on the way."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ViewportSize, expect

from browser.accessible import check_usable, check_width
from browser.story_logins import Login
from browser.visits import CALLBACK, Visit, visit
from browser.watched import Watched, origin_of, watch
from desks.shop import CATALOGUE, MANDATE
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxAgent, SandboxTask

STORY: dict[str, Any] = {
    **CATALOGUE,
    "role": {**CATALOGUE["role"], "care": {"title": "Customer care officer"}},
    "escalation": [
        {
            "name": "much-money",
            "reason": "it is much money",
            "areas": ["payment"],
            "at_least": "50.00 EUR",
            "roles": ["billing"],
            "due": "1h",
            "then": {"role": "care", "due": "30m"},
        }
    ],
}
"""The shop, where much money takes an officer besides the customer."""
TERMS = {"decline_pause_s": 1}
AGENT = "spiffe://helper.example/shop"
ADDRESS = "Lindenweg 4, 20095 Hamburg"

TOLD = (
    "The customer allowed “Helper shop assistant” to act for them: Return something and get the money back",
    "“Helper shop assistant” · Look at order “Kettle and desk lamp” · allowed",
    "The customer approved: Refund €15.00 for order “Kettle and desk lamp” to “Card ending 4242”",
    "“Helper shop assistant” · Refund €15.00 for order “Kettle and desk lamp” to “Card ending 4242” · done",
    "The customer allowed less than requested: Send back items “Kettle”, “Desk lamp” of order “Kettle and desk lamp”",
    "“Helper shop assistant” · Send back items “Kettle” of order “Kettle and desk lamp” · done",
    "The customer declined: Refund €20.00 for order “Kettle and desk lamp” to “Card ending 4242”",
    " handed the request over to a colleague.",
    "Bea Lund approved: Refund €60.00 for order “Kettle and desk lamp” to “Card ending 4242”",
    "The customer approved: Refund €60.00 for order “Kettle and desk lamp” to “Card ending 4242”",
    "“Helper shop assistant” · Refund €60.00 for order “Kettle and desk lamp” to “Card ending 4242” · done",
    " wrote to “Helper shop assistant”.",
    "Support made an offer: Amount: €5.00, Kind: Goodwill",
    "“Helper shop assistant” · task ended: support stopped the agent",
    "“Helper shop assistant” · Look at order “Kettle and desk lamp” · blocked (Agent suspended)",
    "The customer revoked the permission of “Helper shop assistant”.",
    "“Helper shop assistant” · task ended: the permission was revoked",
)
"""What the record tells of all this, in its order, among other things."""


def refund(amount: str) -> dict[str, str]:
    """What the agent asks for where it is about money."""
    return {"order_id": "W1001", "payment_method_id": "pm_7", "amount": amount}


@dataclass
class Story:
    """One desk, its people's browsers, and the agent, which has none and knocks at the real doors."""

    browser: Browser
    login: Login
    desk: Sandbox
    size: ViewportSize
    folder: Path
    visits: dict[str, Visit] = field(default_factory=dict)
    watched: dict[str, Watched] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.agent: SandboxAgent = self.desk.agent(AGENT, name="Helper shop assistant")
        self.mandate = ""
        self.receipt = self.folder / "downloaded.tlog-proof"

    # who is there

    def opened(self, name: str) -> Visit:
        """A browser of its own, watched."""
        one = visit(self.browser, self.desk, size=self.size)
        self.visits[name] = one
        self.watched[name] = watch(one.context, others=self.login.others)
        return one

    def join(self, person: str) -> Visit:
        """Somebody's browser, signed in, with a passkey that counts."""
        one = self.opened(person)
        self.login.join(one, person)
        return one

    def look(self, one: Visit, what: str) -> None:
        """A moment of the story in which the page must be good for everybody."""
        one.ready()
        check_usable(one.page, self.size["width"], what)

    def open(self, one: Visit, path: str) -> None:
        """Open a page, which is no wider than the window."""
        one.open(path)
        one.ready()
        check_width(one.page, self.size["width"], path)

    def decide(self, one: Visit, home: str = "/me") -> None:
        """From one's own page to what waits."""
        self.open(one, home)
        one.page.locator("a[data-open]").or_(one.page.get_by_role("link", name="Review")).first.click()
        expect(one.page).to_have_url(f"{self.login.issuer}/confirm/{one.page.url.rpartition('/')[2]}")
        one.ready()

    # afterwards

    def check_quiet(self) -> None:
        """What `check_quiet_of` says, of everybody. Anna was sent back to the agent once."""
        for name in self.watched:
            self.check_quiet_of(name, led_away=int(name == "anna"))

    def check_quiet_of(self, name: str, *, led_away: int) -> None:
        """No page complained, none broke the policy, and nobody was asked for anything but the desk (and the company's provider).

        `led_away` is how often somebody was sent back to the agent: the one page that is not the desk's.
        """
        watched, ours = self.watched[name], {self.login.issuer} | self.login.others
        assert self.complaints(name) == [], name
        assert watched.violations == [], name
        elsewhere = [one for one in watched.asked if origin_of(one) not in ours]
        assert [one.partition("?code=")[0] for one in elsewhere] == [CALLBACK.rstrip("*")] * led_away, name
        assert self.login.issuer in {origin_of(one) for one in watched.asked}, name

    def complaints(self, name: str) -> list[str]:
        """What the console of somebody's pages said, but for the provider's own pages."""
        # The provider's page for leaving asks for a font from elsewhere; there is no elsewhere here.
        return [error for error in self.visits[name].errors if not (self.login.others and "ERR_NAME_NOT_RESOLVED" in error)]

    def close(self) -> None:
        """All browsers are closed."""
        for one in self.visits.values():
            one.context.close()


@contextmanager
def story(browser: Browser, login: Login, size: ViewportSize, folder: Path) -> Iterator[Story]:
    """A story that has not begun."""
    with Sandbox(STORY, base_url=login.issuer) as desk:
        told = Story(browser, login, desk, size, folder)
        try:
            yield told
        finally:
            told.close()


# the customer


def consent(story: Story, anna: Visit) -> SandboxTask:
    """A request with one power struck and one lowered; the records stand there by their names."""
    request_uri, state = story.agent.push({**copy.deepcopy(MANDATE), "max_tasks": 2})
    came_back: list[str] = []
    back = {"status": 200, "content_type": "text/html", "body": "<!doctype html><link rel=icon href='data:,'>back at the agent"}
    anna.page.route(CALLBACK, lambda route: (came_back.append(route.request.url), route.fulfill(**back)))
    story.open(anna, f"/oauth/authorize?request_uri={request_uri}&client_id={story.agent.client_id}")
    expect(anna.page.get_by_role("heading", level=1)).to_have_text("“Helper shop assistant” wants to act for you at Acme Store")
    for name in ("Kettle and desk lamp", "Card ending 4242", "Gift card"):
        expect(anna.page.locator("main")).to_contain_text(name)
    anna.page.locator('[data-power="2"] [data-edit="strike"]').uncheck()
    anna.result("This is what you would allow now.")
    card = anna.page.locator('[data-power="4"]')
    card.get_by_text("Allow less").click()
    card.get_by_label("Amount (maximum)", exact=True).fill("90.00")
    expect(card.locator("[data-details]")).to_contain_text("amount: at most €90.00")
    story.look(anna, "consent, cut")
    allow = anna.page.get_by_role("button", name="Allow with passkey")
    expect(allow).to_be_enabled()
    allow.click()
    anna.page.wait_for_url(CALLBACK)
    anna.page.unroute(CALLBACK)
    granted = story.agent.redeem(came_back[0], state)
    powers = granted["authorization_details"][0]["powers"]
    assert ["order.address"] not in [power.get("attributes") for power in powers]
    assert powers[3]["where"]["amount"] == {"max": "90.00 EUR"}
    story.mandate = granted["mandate"]
    return story.agent.open(story.mandate)


def answer_three(story: Story, anna: Visit, task: SandboxTask) -> None:
    """Yes to one act, less to another, no to a third."""
    read = task.ask("order.read", {"order_id": "W1001"})
    assert (read.outcome, read.withheld) == ("done", 1), "the address was struck"
    first = task.ask("payment.refund", refund("15.00 EUR"), words="The kettle leaks.")
    story.decide(anna)
    expect(anna.page.get_by_role("heading", level=1)).to_have_text("Refund €15.00 for order “Kettle and desk lamp” to “Card ending 4242”?")
    expect(anna.page.locator("main")).to_contain_text("Card ending 4242")
    expect(anna.page.locator(".theirs")).to_contain_text("The kettle leaks.")
    anna.page.get_by_role("button", name="Approve with passkey").click()
    anna.result("Done.")
    assert first.again().outcome == "done"

    second = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1", "i2"]})
    story.decide(anna)
    anna.page.get_by_role("button", name="Allow less…").click()
    anna.page.get_by_label("Desk lamp").uncheck()
    anna.page.get_by_role("button", name="Review changes").click()
    expect(anna.page.locator("[data-lesser-lines]")).to_contain_text("Send back items “Kettle” of order “Kettle and desk lamp”")
    story.look(anna, "confirm, with less open")
    anna.page.get_by_role("button", name="Approve changed request with passkey").click()
    anna.result("Done, with your changes.")
    assert second.again().state == "countered"

    third = task.ask("payment.refund", refund("20.00 EUR"))
    story.decide(anna)
    anna.page.get_by_role("button", name="Decline", exact=True).click()
    anna.result("You declined. Nothing was done")
    story.look(anna, "confirm, answered")
    assert third.again().codes == ("confirmation.declined",)


def look_back(story: Story, anna: Visit) -> None:
    """History, and a receipt to take home."""
    story.open(anna, "/me/history")
    refunded = anna.page.locator("details", has=anna.page.locator("summary", has_text="Refund €15.00")).first
    refunded.locator("summary").first.click()
    story.look(anna, "history")
    with anna.page.expect_download() as download:
        refunded.get_by_role("link", name="Download its receipt").first.click()
    download.value.save_as(story.receipt)
    assert "c2sp.org/tlog-proof" in story.receipt.read_text()


def take_back(story: Story, anna: Visit, task: SandboxTask) -> None:
    """The mandate ends, and with it what stood on it."""
    story.open(anna, "/me")
    anna.page.get_by_role("button", name="Revoke access").click()
    anna.result("can do nothing more for you")
    assert task.ask("order.read", {"order_id": "W1001"}).codes == ("task.ended",)


# officers


def decide_together(story: Story, anna: Visit, olga: Visit, bea: Visit, task: SandboxTask) -> None:
    """An act that takes the customer and an officer: taken, handed over, agreed to by both, done after the second yes alone."""
    much = task.ask("payment.refund", refund("60.00 EUR"), words="The rest, please.")
    assert set(much.who) == {"customer", "officer:billing"}
    story.open(olga, "/desk")
    expect(olga.page.locator(".queue")).to_contain_text("it is much money")
    olga.page.get_by_role("button", name="Assign to me").click()
    olga.result("Assigned to you for 10 minutes.")
    story.decide(olga, "/desk")
    expect(olga.page.get_by_text("This is assigned to you until")).to_be_visible()
    olga.page.get_by_text("Hand over").first.click()
    story.look(olga, "decision, handing over")
    olga.page.get_by_label("To", exact=True).select_option(label="Bea Lund")
    olga.page.get_by_label("Note").fill("You know this customer.")
    olga.page.get_by_role("button", name="Hand over").click()
    olga.page.wait_for_url("**/desk")
    story.decide(bea, "/desk")
    expect(bea.page.locator(".theirs")).to_contain_text("The rest, please.")
    bea.page.get_by_role("button", name="Approve with passkey").click()
    bea.result("Someone else must also approve")
    assert much.again().needs_human
    story.open(bea, "/desk")
    expect(bea.page.get_by_text("Nothing waiting for your roles.")).to_be_visible()
    story.decide(anna)
    expect(anna.page.get_by_text("The support team must approve this too")).to_be_visible()
    anna.page.get_by_role("button", name="Approve with passkey").click()
    anna.result("Done.")
    assert much.again().outcome == "done"


def answer_case(story: Story, anna: Visit, olga: Visit, task: SandboxTask) -> None:
    """The card of the case, a reply that is held back, and an offer that the customer accepts."""
    story.open(olga, "/desk")
    olga.page.get_by_role("link", name="Anna Berg").first.click()
    expect(olga.page.get_by_text("An agent opened this case, not the customer.")).to_be_visible()
    olga.ready()
    olga.page.get_by_label("Your reply").fill(f"It was sent to {ADDRESS}, I think.")
    olga.page.get_by_role("button", name="Check and send").click()
    olga.result("Not sent. The text contains details that can't be shared with this agent.")
    expect(olga.page.locator("mark")).to_have_text(ADDRESS)
    story.look(olga, "case, reply held back")
    assert task.inbox() == []
    olga.page.get_by_role("button", name="Send without the marked parts").click()
    olga.result("Sent to the agent.")
    assert [one["text"] for one in task.inbox()] == ["It was sent to [withheld], I think."]
    story.open(olga, f"/desk/cases/{task.case}")
    olga.page.get_by_text("Make an offer").click()
    olga.page.get_by_label("Amount").fill("5")
    olga.page.get_by_label("Kind").select_option(label="Goodwill")
    olga.page.get_by_role("button", name="Send offer").click()
    olga.result("Offer made")
    offer = task.inbox()[-1]["offer"]
    accepted = task.ask("offer.accept", {"offer_id": offer["offer_id"], "digest": offer["digest"]})
    story.decide(anna)
    expect(anna.page.get_by_role("heading", level=1)).to_contain_text("a credit of €5.00")
    anna.page.get_by_role("button", name="Approve with passkey").click()
    anna.result("Done.")
    assert accepted.again().outcome == "done"


# security


def stop_and_resume(story: Story, anna: Visit, sam: Visit, kim: Visit, task: SandboxTask) -> SandboxTask:
    """Everything of the agent stops with one person, and goes on with two."""
    waiting = task.ask("payment.refund", refund("1.00 EUR"))
    assert waiting.needs_human
    story.open(sam, "/security/agents")
    sam.page.get_by_text("Stop an operator, customer or purpose").click()
    sam.page.get_by_label("Which one").fill(AGENT)
    sam.page.get_by_role("button", name="Preview impact").first.click()
    expect(sam.page.locator("[data-foreseen]").first).to_contain_text(
        "Would end at once: 1 running task, 1 pending approval, 0 actions not yet sent."
    )
    story.look(sam, "stop, foreseen")
    sam.page.get_by_label("Reason", exact=True).first.fill("It asks for odd things")
    sam.page.get_by_role("button", name="Stop now").first.click()
    sam.result("Stopped everywhere in")
    sam.result("Ended: 1 running task, 1 pending approval, 0 actions not yet sent.")
    assert task.ask("order.read", {"order_id": "W1001"}).codes == ("agent.suspended",)
    assert waiting.again().state == "void"
    story.open(anna, "/me")
    expect(anna.page.get_by_text("stopped by Acme Store")).to_be_visible()
    expect(anna.page.get_by_text("You have nothing to decide right now.")).to_be_visible()

    story.open(sam, "/security/agents")
    sam.page.get_by_role("button", name="Propose to resume").click()
    sam.result("Proposed. A second person must approve.")
    story.open(sam, "/security/proposals")
    proposed = sam.page.get_by_role("listitem").filter(has_text="Resume agent")
    expect(proposed).to_contain_text("A second person must approve.")
    expect(proposed.get_by_role("button", name="Approve")).to_have_count(0)
    twin = proposed.get_by_role("button", name="Cancel proposal").get_attribute("data-send")
    assert alone(sam, str(twin)) == [403, "person.not_allowed"]
    story.look(sam, "security, waiting for a second person")
    story.open(kim, "/security/proposals")
    kim.page.get_by_role("button", name="Approve").click()
    kim.result("Approved and done.")
    story.open(kim, "/security/agents")
    expect(kim.page.get_by_text("Currently stopped")).to_have_count(0)
    assert task.ask("order.read", {"order_id": "W1001"}).codes == ("task.ended",), "resuming revives nothing"
    return story.agent.open(story.mandate)


def alone(sam: Visit, twin: str) -> list[object]:
    """Who proposed tries to agree as well, past the page's buttons: the status and the code of the answer."""
    script = """async (twin) => {
      const answer = await fetch(twin, {
        method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({answer: 'yes'})});
      return [answer.status, (await answer.json()).code];
    }"""
    return list(sam.page.evaluate(script, twin))


# the auditor


def audit(story: Story, ada: Visit, task: SandboxTask) -> None:
    """The case as a story, everything verified, and a receipt checked: the one on the page and the one the customer took home."""
    story.open(ada, "/audit")
    ada.page.locator(".integrity > summary").click()
    ada.page.get_by_role("button", name="Verify all entries").click()
    ada.result("entries are unchanged since they were recorded")
    ada.page.get_by_role("searchbox", name="Search").fill(task.case)
    ada.page.get_by_role("button", name="Search").click()
    expect(ada.page.get_by_role("heading", name="Entries")).to_be_visible()
    told = iter(ada.page.locator(".entries summary .what").all_inner_texts())
    for said in TOLD:
        assert any(said in sentence for sentence in told), f"{said!r} is not told, or not in its place"
    ada.page.locator(".entries details summary").last.click()
    story.look(ada, "story of the case")
    ada.page.locator(".entries details[open]").get_by_role("link", name="Check it in this browser").click()
    ada.result("Valid: entry")
    ada.ready()
    ada.page.get_by_label("A different receipt").set_input_files(story.receipt)
    ada.page.get_by_role("button", name="Check receipt").click()
    ada.result("Valid: entry")
    story.look(ada, "receipt")


# the end


def sign_out_everywhere(story: Story, person: str, home: str) -> None:
    """All sign-ins of somebody end with one press, also those of other devices."""
    first, other = story.visits[person], story.opened(f"{person} elsewhere")
    story.login.again(other, first, person)
    expect(other.page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()
    story.open(first, home)
    first.page.get_by_role("button", name="Sign out everywhere").click()
    story.login.leave(first.page)
    for one in (first, other):
        one.open(home)
        expect(one.page.get_by_role("heading", name="Sign in")).to_be_visible()
