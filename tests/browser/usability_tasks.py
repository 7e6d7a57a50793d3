"""The forty tasks of docs/usability.md as data.

Each task has a start page, which also prepares what the task is about, and steps. A control is named as the source names it, in English: the
old name first, then newer ones. A task is done when the desk says so, or when the page shows the answer.
"""

import copy
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from browser.hostile import post, sign
from browser.usability_scene import COMPLAIN, Scene, arrive, told
from browser.visits import CALLBACK
from browser.walker import Walker

LONG = 120
"""Entries of a log of more than one page."""
REVIEW = ("Look and decide", "Review", "Open", "Decide")
YES = ("Yes, with my passkey", "Approve with passkey", "Yes, approve with passkey", "Approve")
NO = ("No", "Decline")
LESS = ("Yes, but less…", "Allow less…")
SHOW_LESS = ("Show me what would be done", "Review changes")
SIGN_LESS = ("Agree to this with my passkey", "Approve changed request with passkey")
ALLOW = ("Allow this with my passkey", "Allow with passkey")
REPLY = ("Your answer", "Your reply")
SEND = ("Check and send", "Send")
CAREFUL = "We are sorry for the trouble. Your request is being looked into, and we will write again tomorrow."
AMOUNT = ("Amount", "Betrag")


@dataclass(frozen=True)
class Task:
    """A task: who does it, what it is in words, its start page, and its steps."""

    id: str
    role: str
    title: str
    start: Callable[[Scene], str]
    steps: Callable[[Scene, Walker], None]


TASKS: list[Task] = []


def task(name: str, role: str, title: str, start: Callable[[Scene], str] | str) -> Callable[[Callable[[Scene, Walker], None]], None]:
    """Add the steps of a task to the list."""

    def add(steps: Callable[[Scene, Walker], None]) -> None:
        begin = (lambda _: start) if isinstance(start, str) else start
        TASKS.append(Task(name, role, title, begin, steps))

    return add


def _more(at: Scene, kind: str, **members: str) -> Callable[[], bool]:
    """Whether the record has one more entry of a kind than now."""
    before = at.count(kind, **members)
    return lambda: at.count(kind, **members) > before


customer = functools.partial(task, role="customer")
officer = functools.partial(task, role="officer")
security = functools.partial(task, role="security")
auditor = functools.partial(task, role="auditor")


# customer


def _consent(at: Scene) -> str:
    agent = at.agent()
    request, _ = agent.push(copy.deepcopy(COMPLAIN))
    at.anna.page.unroute(CALLBACK)
    at.anna.page.route(CALLBACK, lambda route: route.fulfill(status=200, body="back at the agent"))
    return f"/oauth/authorize?request_uri={request}&client_id={agent.client_id}"


def _asked(amount: str, page: str) -> Callable[[Scene], str]:
    def start(at: Scene) -> str:
        at.refund(amount, order="W1001" if page == "/me" else "")
        return page

    return start


@customer("c1", title="Approve a refund that is waiting", start=_asked("20.00", "/me"))
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "confirmation.answered", answer="yes")
    she.within(r"20[.,]00")
    she.click(*REVIEW)
    she.within("")
    she.click(*YES)
    she.until(done, "the approval")


@customer("c2", title="Decline a refund that is waiting", start=_asked("21.00", "/me"))
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "confirmation.answered", answer="no")
    she.within(r"21[.,]00")
    she.click(*REVIEW)
    she.within("")
    she.click(*NO)
    she.until(done, "the answer")


@customer("c3", title="Approve a smaller amount than requested", start=_asked("30.00", "/me"))
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "confirmation.answered", answer="less")
    she.within(r"30[.,]00")
    she.click(*REVIEW)
    she.within("")
    she.click(*LESS)
    she.fill(AMOUNT[0], "10.00" if she.language == "en" else "10,00", AMOUNT[1])
    she.click(*SHOW_LESS)
    she.click(*SIGN_LESS)
    she.until(done, "the smaller approval")


@customer("c4", title="Allow a new agent what it asks for", start=_consent)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "mandate.granted")
    she.click(*ALLOW)
    she.until(done, "the permission")


@customer("c5", title="Allow a new agent, with a lower amount", start=_consent)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "mandate.granted")
    she.fill("Amount, at most", "40.00" if she.language == "en" else "40,00", "Betrag, höchstens", "{param} (maximum)")
    she.click(*ALLOW)
    she.until(done, "the permission")


@customer("c6", title="Don't allow a new agent", start=_consent)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "mandate.declined")
    she.click("No, allow nothing", "Don't allow")
    she.until(done, "the answer")


def _refunded(at: Scene) -> str:
    done = at.count("act.performed")
    at.refund("11.00", order="W1001")
    (row,) = [one for one in told(at.anna, "/me/v1/waiting")["waiting"] if re.search(r"\b11[.,]00", str(one))]
    path = f"/me/v1/confirmations/{row['confirmation']}"
    shown = told(at.anna, path)
    arrive(at.anna, "/me")
    post(at.anna.page, path, {"answer": "yes", "assertion": sign(at.anna.page, shown["options"])})
    for _ in range(100):
        if at.count("act.performed") > done:
            return "/me"
        at.anna.page.wait_for_timeout(50)
    raise LookupError("the refund was not done")


@customer("c7", title="Find a refund in the history and verify its receipt", start=_refunded)
def _(_at: Scene, she: Walker) -> None:
    she.within(r"\b11[.,]00")
    entry = she.page.locator("summary", has_text=she.row).first
    she.press_on(entry)
    link = she.page.locator('details[open] a[href^="/verify?entry="]').first
    she.press_on(link)
    she.shows("[data-result]")


@customer("c8", title="Dispute an entry of the history", start="/me")
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "contest.raised")
    she.press_on(she.page.locator(".entries summary").first)
    she.fill("Something wrong here? Say what.", "I got back less than this says.", "Is something wrong here? Tell us what.")
    she.click("Contest this entry", "Dispute this entry")
    she.until(done, "the dispute")


def _permitted(at: Scene) -> str:
    agent = at.agent()
    at.granted(agent)
    return "/me"


@customer("c9", title="Remove one thing from what an agent may do", start=_permitted)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "mandate.narrowed")
    she.click("See and narrow: {agent}, {purpose}", "View or limit: {agent}, {purpose}")
    she.press_on(she.page.locator('[data-edit="strike"], [data-do="strike"]').last)
    she.click("Save: allow only this from now on", "Save and allow only this")
    she.until(done, "the smaller permission")


@customer("c10", title="Revoke an agent's access", start=_permitted)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "mandate.revoked")
    she.click("Take it back now: {agent}, {purpose}", "Revoke access: {agent}, {purpose}")
    she.until(done, "the revocation")


# officer


def _opened(she: Walker, amount: str) -> None:
    """Open the request about an amount from the queue: its row where it is a table, its card before."""
    she.within(amount)
    row = she.page.locator("tr[data-row]", has_text=she.row).locator("a[data-open]")
    if row.count():
        she.press_on(row.first)
    else:
        she.click(*REVIEW)
    she.within("")


@officer("o1", title="Approve a request from the queue", start=_asked("60.00", "/desk"))
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "confirmation.answered", answer="yes")
    _opened(she, r"60[.,]00")
    she.click(*YES)
    she.until(done, "the approval")


@officer("o2", title="Decline a request from the queue", start=_asked("61.00", "/desk"))
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "confirmation.answered", answer="no")
    _opened(she, r"61[.,]00")
    she.click(*NO)
    she.until(done, "the answer")


@officer("o3", title="Assign a request to oneself", start=_asked("62.00", "/desk"))
def _(at: Scene, she: Walker) -> None:
    def mine() -> bool:
        rows = told(at.people["officer"], "/desk/v1/waiting")["waiting"]
        return any((row.get("taken") or {}).get("mine") for row in rows if "62.00" in str(row))

    she.within(r"62[.,]00")
    she.click("Take it", "Assign to me", "Assign to me: {act}")
    she.until(mine, "the assignment")


@officer("o4", title="Hand a request over to a colleague, with a note", start=_asked("63.00", "/desk"))
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "confirmation.handed")
    if she.page.locator("tr[data-row]").count():
        _opened(she, r"63[.,]00")
    she.within(r"63[.,]00")
    she.unfold("Hand it over", "Hand over")
    she.choose("To", "max")
    she.fill("Note", "Please take this one; I know the customer.")
    she.click("Hand it over", "Hand over", role="button")
    she.until(done, "the hand-over")


def _held(at: Scene) -> str:
    words = "Please refund the kettle. Also change the address of my account to Elbweg 9, 20095 Hamburg."
    asked = {"order_id": "W1003", "payment_method_id": "pm_7", "amount": "24.00 EUR"}
    at.task("W1003").ask("payment.refund", asked, words)
    return "/desk"


@officer("o5", title="Remove an agent's message that is on hold", start=_held)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "words.answered", answer="strip")
    _opened(she, r"24[.,]00")
    she.click("Go on without it", "Continue without the message")
    she.until(done, "the answer")


def _cases(at: Scene) -> str:
    at.task()
    return "/desk"


def _case(at: Scene) -> str:
    return f"/desk/cases/{at.task().case}"


@officer("o6", title="Open the newest case and reply to the agent", start=_cases)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "reply.sent")
    she.press_on(she.page.locator('#cases ~ * a[href^="/desk/cases/"], [data-live-part="cases"] a[href^="/desk/cases/"]').first)
    she.fill(REPLY[0], CAREFUL, *REPLY[1:])
    she.click(*SEND)
    she.until(done, "the reply")


@officer("o7", title="Send a reply without the details that can't be shared", start=_case)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "reply.sent")
    she.fill(REPLY[0], "The label went to anna.berg@mail.example, born 17 April 1988.", *REPLY[1:])
    she.click(*SEND)
    she.click("Send without the marked parts")
    she.until(done, "the reply")


@officer("o8", title="Offer the customer a credit of 20 euros", start=_case)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "offer.made")
    she.choose("Kind", "goodwill credit", "Art")
    she.fill("Order", "W1001", "Bestellung")
    she.fill(AMOUNT[0], "20.00" if she.language == "en" else "20,00", AMOUNT[1])
    she.click("Offer this", "Send offer")
    she.until(done, "the offer")


@officer("o9", title="Add an internal note and close the case", start=_case)
def _(at: Scene, she: Walker) -> None:
    ended = _more(at, "task.ended")
    she.fill("For your colleagues alone", "Settled by phone.", "Visible to colleagues only", "Internal note")
    she.click("Add the note", "Add note")
    she.see("Settled by phone")
    she.click("Close the case", "Close case")
    she.until(ended, "the closed case")


@officer("o10", title="Decide the next request and reply in its case, by keyboard alone", start=_asked("64.00", "/desk"))
def _(at: Scene, she: Walker) -> None:
    done, replied = _more(at, "confirmation.answered", answer="yes"), _more(at, "reply.sent")
    if she.has_shortcuts():
        she.keys("j", "y")
        she.page.wait_for_url("**/confirm/*")
        she.page.locator("html[data-ready]").wait_for()
        she.keys("y")
        she.until(done, "the approval")
        she.keys("r")
        she.type(CAREFUL)
        she.keys("Control+Enter")
        she.until(replied, "the reply")
        return
    she.tab_to(*REVIEW)
    she.keys("Enter")
    she.tab_to(*YES)
    she.keys("Enter")
    she.until(done, "the approval")
    she.back()
    she.tab_to("Anna Berg", "Bram de Wit", role="link")
    she.keys("Enter")
    she.page.wait_for_load_state("load")
    she.tab_to(*REPLY, role="label")
    she.type(CAREFUL)
    she.tab_to(*SEND)
    she.keys("Enter")
    she.until(replied, "the reply")


# security


def _on(he: Walker, part: str) -> None:
    """Go to a part of security's pages, where it is a page of its own."""
    link = he.page.locator(f'nav a[href="/security/{part}"]')
    if link.count():
        he.press_on(link.first)


def _which(he: Walker, client: str) -> None:
    """Choose an agent: its row on the page of agents, the field before."""
    if he.page.locator('nav a[href="/security/agents"]').count():
        _on(he, "agents")
        he.within(client.replace(".", r"\."))
    else:
        he.fill("Which one", client)


def _met(at: Scene) -> str:
    at.task()
    return "/security"


def _newest(at: Scene) -> str:
    """The client id of the agent that came last."""
    return f"spiffe://helper{next(at.numbers) - 1}.example/shop"


@security("s1", title="See what stopping an agent would end", start=_met)
def _(at: Scene, he: Walker) -> None:
    _which(he, _newest(at))
    he.click("See what it would end", "Preview impact")
    he.shows("[data-foreseen]")


@security("s2", title="Stop an agent", start=_met)
def _(at: Scene, he: Walker) -> None:
    done = _more(at, "agent.suspended")
    _which(he, _newest(at))
    he.fill("Why", "It asks for too much.", "Reason")
    he.click("Stop it", "Stop now", "Stop agent")
    he.until(done, "the stop")


def _stopped(at: Scene) -> str:
    client = at.task().agent.client_id
    at.desk.suspend(agent=client)
    return "/security"


def _proposals(at: Scene) -> int:
    return len(told(at.people["security"], "/security/v1/proposals")["proposals"])


@security("s3", title="Propose to resume a stopped agent", start=_stopped)
def _(at: Scene, he: Walker) -> None:
    before = _proposals(at)
    _on(he, "agents")
    he.within(_newest(at).replace(".", r"\."))
    he.click("Propose to resume")
    he.until(lambda: _proposals(at) > before, "the proposal")


@security("s4", title="Raise an agent's trust (proposal)", start=_met)
def _(at: Scene, he: Walker) -> None:
    before, newest = _proposals(at), _newest(at)
    _on(he, "agents")
    he.within(newest.replace(".", r"\."))
    he.choose("Trust of {agent}", "trusted", "Trust level of {agent}")
    he.click("Set the trust of {agent}", "Set trust level of {agent}")
    he.until(lambda: _proposals(at) > before, "the proposal")


def _proposed(at: Scene) -> str:
    client = at.task().agent.client_id
    at.desk.officer("mia", ["security"]).post("/security/v1/agents", {"client_id": client, "tier": "trusted"})
    return "/security"


@security("s5", title="Approve a colleague's proposal", start=_proposed)
def _(at: Scene, he: Walker) -> None:
    done = _more(at, "agent.trusted")
    _on(he, "proposals")
    he.within(_newest(at).replace(".", r"\."))
    he.click("Agree", "Approve")
    he.until(done, "the approval")


def _leaked(at: Scene) -> str:
    task = at.task()
    task.ask("order.read", {"order_id": "W1001"}, f"My token is {task.token}.")
    return "/security"


@security("s6", title="Read the details of the newest incident", start=_leaked)
def _(_at: Scene, he: Walker) -> None:
    he.press_on(he.page.locator(".incidents a.title, main:not(:has(.incidents)) [data-live-part=happened] summary").first)
    he.shows("details[open] dl, .timeline")


@security("s7", title="Add a colleague with a one-time link", start="/security")
def _(at: Scene, he: Walker) -> None:
    number = next(at.numbers)
    _on(he, "admin")
    he.unfold("Add somebody", "Add a person")
    he.fill("Id", f"nina{number}")
    he.fill("Name", "Nina Holt")
    he.click("Add, and make a one-time link", "Add and create one-time link")
    he.see(r"/enrol\?code=")


@security("s8", title="Plant a canary", start="/security")
def _(at: Scene, he: Walker) -> None:
    done = _more(at, "canary.planted")
    number = next(at.numbers)
    _on(he, "admin")
    he.unfold("Plant a canary")
    he.fill("What you call it", f"Old backup {number}", "Name")
    he.fill("Where it stands", "the wiki of customer care", "Place")
    he.click("Plant it", "Plant canary", role="button")
    he.until(done, "the canary")


@security("s9", title="Make a recovery link for a customer", start="/security")
def _(_at: Scene, he: Walker) -> None:
    _on(he, "admin")
    he.unfold("Recover a customer who lost every passkey", "Restore access for a customer who lost all passkeys")
    he.fill("Customer", "bram")
    he.click("Make a one-time link", "Create one-time link")
    he.see(r"/enrol\?code=")


@security("s10", title="Change a customer's e-mail address", start="/security")
def _(at: Scene, he: Walker) -> None:
    done = _more(at, "person.changed")
    number = next(at.numbers)
    _on(he, "admin")
    he.unfold("Change somebody's e-mail address", "Change an e-mail address")
    he.fill("Person", "bram")
    he.fill("New address", f"bram{number}@mail.example")
    he.click("Change it", "Change address")
    he.until(done, "the change")


# auditor


@auditor("a1", title="Verify the whole log", start="/audit")
def _(_at: Scene, she: Walker) -> None:
    she.click("Verify everything now", "Verify all entries")
    she.shows("[data-result]")


FIND = ("Find", "Search")
ENTRY = "ol.rows > li > details > summary, section > ol.entries > li > details > summary"
"""The entries of the log, newest first."""


@auditor("a2", title="Find everything about a customer", start="/audit")
def _(_at: Scene, she: Walker) -> None:
    she.fill("About", "anna", "Search by id", "Search")
    she.click(*FIND)
    she.shows("ol.rows summary, .entries summary")


@auditor("a3", title="Read a case from its beginning", start="/audit")
def _(at: Scene, she: Walker) -> None:
    case = at.desk.transcript()[-1]["envelope"].get("case") or _a_case(at)
    she.fill("About", str(case), "Search by id", "Search")
    she.click(*FIND)
    if "/audit/cases/" not in she.page.url:
        she.press_on(she.page.locator(ENTRY).first)
        she.press_on(she.page.locator('details[open] a[href^="/audit/cases/"]').first)
    she.until(lambda: "/audit/cases/" in she.page.url, "the story of the case")


def _a_case(at: Scene) -> str:
    return next(str(one["envelope"]["case"]) for one in reversed(at.desk.transcript()) if one["envelope"].get("case"))


def _refused(at: Scene) -> str:
    at.task().ask("profile.read")
    return "/audit"


@auditor("a4", title="Find out why the newest request was blocked", start=_refused)
def _(_at: Scene, she: Walker) -> None:
    she.press_on(she.page.locator("li.no > details > summary").first)
    she.shows("details[open] dl, details[open] .entries")


@auditor("a5", title="Download the receipt of the newest entry", start="/audit")
def _(_at: Scene, she: Walker) -> None:
    she.press_on(she.page.locator(ENTRY).first)
    with she.page.expect_download():
        she.press_on(she.page.locator('details[open] a[href^="/log/receipts/"]').first)


@auditor("a6", title="Verify the receipt of an entry in the browser", start="/audit")
def _(_at: Scene, she: Walker) -> None:
    she.press_on(she.page.locator(ENTRY).first)
    she.press_on(she.page.locator('details[open] a[href^="/verify?entry="]').first)
    she.shows("[data-result]")


def _disputed(at: Scene) -> str:
    entries = told(at.anna, "/me/v1/history?low=0")["entries"]
    known = {one["entry"] for one in told(at.anna, "/me/v1/contests")["contests"]}
    entry = next(one["entry"] for one in entries if one["entry"] not in known)
    arrive(at.anna, "/me")
    post(at.anna.page, f"/me/v1/entries/{entry}/contest", {"text": "This is not what I agreed to."})
    return "/audit"


@auditor("a7", title="Answer a customer's dispute", start=_disputed)
def _(at: Scene, she: Walker) -> None:
    done = _more(at, "contest.settled")
    she.fill("Your answer to the customer", "You agreed to it at noon; the receipt shows it.")
    she.click("Settle", "Resolve dispute")
    she.until(done, "the answer")


@auditor("a8", title="Read the evidence for one framework", start="/audit")
def _(_at: Scene, she: Walker) -> None:
    she.click("Read the report", "Open report", "Evidence report")
    she.choose("Framework", "owasp-asi")
    she.click("Count", "Show", role="button")
    she.until(lambda: "framework=owasp-asi" in she.page.url, "the report of the framework")


def _long(at: Scene) -> str:
    while len(at.desk.transcript()) < LONG:
        at.task()
    return "/audit"


@auditor("a9", title="Go beyond the first page of the log", start=_long)
def _(_at: Scene, she: Walker) -> None:
    if she.page.locator('a.button[href*="low=0"]').count():
        she.click("From the first entry on", "Show oldest first")
        she.click("Next page")
    else:
        she.click("Show more")
    she.shows("ol.rows summary, .entries summary")


@auditor("a10", title="Download the checkpoint and the log's key", start="/audit")
def _(_at: Scene, she: Walker) -> None:
    with she.page.expect_download():
        she.click("Download the checkpoint", "Download checkpoint")
    with she.page.expect_download():
        she.click("Download the key", "Download key")
