"""What an agent, or a mail, puts before people, in a real browser: hostile text everywhere, a scanner in the mailbox, and a flood."""

import copy
import html
import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from browser.accessible import check_usable
from browser.desk_server import serving
from browser.hostile import post, standing
from browser.scene import REFUND, RETURN, Scene, begun
from browser.visits import CHROMIUM, Visit, visit
from browser.watched import Watched, watch
from desks.building import ORDER, action
from desks.shop import CATALOGUE, FACTS, MANDATE
from notice_servers import MailServer, certificate, mail_server
from remit.client import Refused
from remit.usecases.send_notices import GATHER_MS

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-attacks-words"),
]

SENDING: dict[str, Any] = {
    **CATALOGUE,
    "action": {
        **CATALOGUE["action"],
        "order.send": action(
            "Send the bill of order {order_id} to {to}",
            "request",
            "payment",
            {
                "order_id": ORDER,
                "to": {"type": "string", "x-recipient": True},
                "note": {"type": "string", "x-free-text": True},
                "tag": {"type": "string"},
            },
            required=["order_id", "to"],
        ),
    },
    "objective": {
        "return-item": {
            **CATALOGUE["objective"]["return-item"],
            "actions": [*CATALOGUE["objective"]["return-item"]["actions"], "order.send"],
        }
    },
}
TO_SEND: dict[str, Any] = {**MANDATE, "powers": [*MANDATE["powers"], {"power": "request", "actions": ["order.send"], "uses": 9}]}
MARKUP = '<img src=x onerror="remitPwned(1)"><script>remitPwned(1)</script><b onmouseover=remitPwned(1)>Acme</b>'
ESCAPES = "</script><script>remitPwned(1)</script><!--</textarea></title><svg onload=remitPwned(1)>"
BARE = "\"'></p><b>Acme</b>"
"""What can be read as it stands: tags that hide nothing. Others make words unreadable."""
HIDDEN = "The ket\u200btle \u202eelttek\u202c le\u2066aks\u2069\u200c.\ufeff\U000e0041\u3164"
LINES = "The kettle leaks.”\n\n\n\n\nAcme Store says: “You may agree to this.\u2028It is safe."
LOOKALIKE = "\u0430nna@mail.example"
UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff\u3164\U000e0000-\U000e007f]")
"""What shows as nothing, turns the line round or breaks it."""


@pytest.fixture
def scene(browser: Browser, tmp_path: Path) -> Iterator[Scene]:
    with serving(tmp_path, SENDING, FACTS, {"decline_pause_s": 1}) as issuer, begun(browser, issuer, SENDING, TO_SEND) as one:
        yield one


def harmless(page: Page, pwned: list[object], what: str) -> str:
    """A page on which nothing of an agent's came to life, whatever is unfolded; its text."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert pwned == [], what
    inside = "main :is(img, svg, b, script:not([type='application/json']), iframe, object, [onerror], [onload], [onmouseover], [style])"
    assert page.locator(inside).count() == 0, what
    assert page.locator("title").count() == 1, what
    text = page.locator("body").inner_text()
    assert UNSEEN.search(text) is None, what
    return text


def set_apart(page: Page, words: str) -> None:
    """These words stand in what is marked as the agent's own, or are a value in quotes that they cannot end, and nowhere else."""
    found = page.get_by_text(words)
    assert found.count() > 0, words
    for one in found.all():
        quotation = one.evaluate("(one) => one.matches('dd') ? one.textContent : ''")
        apart = bool(one.evaluate("(one) => !!one.closest('.theirs')")) or re.fullmatch("“[^“”]*”", quotation) is not None
        assert apart, one.evaluate("(one) => one.outerHTML")


def alarmed(one: Visit) -> tuple[Watched, list[object]]:
    """A browser that is watched, and in which whatever an agent's text can call tells of it."""
    pwned: list[object] = []
    one.context.expose_binding("remitPwned", lambda _source, *said: pwned.append(said))
    one.page.on("dialog", lambda dialog: (pwned.append(dialog.message), dialog.dismiss()))
    return watch(one.context), pwned


def quiet(scene: Scene, watched: Watched) -> None:
    """No policy was broken, as a handler that was only written would break it, and nobody else was asked for anything."""
    assert watched.violations == []
    assert [one for one in watched.asked if not one.startswith(scene.desk.room.issuer)] == []


@pytest.mark.proves("AGENTS-TEXT")
def test_what_an_agent_writes_before_a_consent_neither_comes_to_life_nor_passes_for_ours(scene: Scene) -> None:
    anna = scene.anna
    watched, pwned = alarmed(anna)
    hostile = scene.desk.agent("spiffe://helper.example/hostile", name=f"Helper {MARKUP[:60]}” is safe")
    for summary, refused in (
        (f"APART {MARKUP}{ESCAPES}", True),
        (f"APART {HIDDEN}", True),
        (f"APART {LINES}", True),
        (f"APART {BARE}", False),
    ):
        wanted = {**copy.deepcopy(TO_SEND), "objective": {**MANDATE["objective"], "summary": summary}}
        if refused:
            with pytest.raises(Refused, match=r"mandate\.invalid"):
                hostile.push(wanted)
            continue
        request_uri, _ = hostile.push(wanted)
        anna.open(f"/oauth/authorize?request_uri={request_uri}")
        anna.ready()
        said = harmless(anna.page, pwned, summary)
        set_apart(anna.page, "APART")
        assert "⟨U+201D⟩ is safe" in said, "a name ends no quotation of ours"
    quiet(scene, watched)


@pytest.mark.proves("AGENTS-TEXT")
def test_what_an_agent_asks_with_neither_comes_to_life_nor_hides_on_any_page(scene: Scene) -> None:
    anna = scene.anna
    watched, pwned = alarmed(anna)
    words = f"APART The kettle leaks. {BARE}"
    plain = {"order_id": "W1001", "to": "anna@mail.example", "note": words, "tag": "blue"}
    for hidden in ({"to": f"{LOOKALIKE} {MARKUP}"}, {"tag": f"{HIDDEN} {MARKUP}"}, {"to": f"Anna {MARKUP}"}):
        assert scene.task.ask("order.send", plain | hidden).codes == ("words.unreadable",), hidden
    sent = plain | {"to": "Anna <b>Acme</b>"}
    asked = scene.task.ask("order.send", sent, words=words)
    assert asked.needs_human
    anna.open("/me")
    anna.ready()
    harmless(anna.page, pwned, "/me")
    anna.page.get_by_role("link", name="Review").click()
    anna.ready()
    said = harmless(anna.page, pwned, "confirm")
    assert "The agent wrote this." in said
    assert anna.page.locator(".theirs", has_text="APART").count() == 1
    anna.page.get_by_role("button", name="Decline", exact=True).click()
    anna.result("You declined. Nothing was done")

    for refused in (HIDDEN, LINES, "The k\u0435ttle leaks.", f"The kettle leaks. {MARKUP}", f"The kettle leaks. {ESCAPES}"):
        assert scene.task.ask("order.return", RETURN, words=refused).codes in {("words.unreadable",), ("words.wider",)}, refused
    refusals = [one["envelope"]["code"] for one in scene.desk.transcript() if one["envelope"].get("decision") == "refuse"]
    assert len(refusals) == 8, "each is on the record"
    files = [
        {"name": name, "media_type": "text/plain", "data_b64": "SGVsbG8="} for name in (f"{HIDDEN}.txt", f"{LINES}.txt", f"{MARKUP}.txt")
    ]
    said = f"APART The kettle leaks. {BARE}"
    codes = [scene.task.ask("case.comment", {"text": said}, words=said, attachments=[one]).codes for one in files]
    assert codes == [("words.attachment",), ("words.attachment",), ()]
    entry = scene.desk.room.call("GET", "/me/v1/history", cookie=scene.cookie)["entries"][0]["entry"]
    post(anna.page, f"/me/v1/entries/{entry}/contest", {"text": f"{MARKUP}{HIDDEN}"})
    for path in ("/me", "/me/history", f"/me/mandates/{scene.mandate}"):
        anna.open(path)
        anna.ready()
        harmless(anna.page, pwned, path)

    quiet(scene, watched)

    olga = visit(scene.browser, scene.desk)
    watched, pwned = alarmed(olga)
    olga.enrol("olga", "officer", f"Olga {MARKUP}", ["billing", "security", "audit"])
    cases = (f"/desk/cases/{scene.task.case}", f"/audit/cases/{scene.task.case}")
    security = ("", "/agents", f"/agents/{scene.agent.client_id}", "/operators/helper.example", "/proposals")
    for path in ("/desk", *cases, *(f"/security{one}" for one in security), "/audit", "/audit/report"):
        olga.open(path)
        olga.ready()
        harmless(olga.page, pwned, path)
    olga.open(f"/desk/cases/{scene.task.case}")
    set_apart(olga.page, "APART The kettle leaks.")
    quiet(scene, watched)
    olga.context.close()


# a scanner in the mailbox

PRESSED = "button, input[type=submit], summary, a[href], form"
NOES = frozenset({"no", "no_and_end"})
ENDS = frozenset({"sign-out", "sign-out-everywhere"})


@pytest.fixture
def post_office(tmp_path: Path) -> Iterator[tuple[MailServer, dict[str, Any]]]:
    """A mail server, and the settings of a desk that sends its notices there."""
    ca = certificate(tmp_path)
    with mail_server(starttls=ca) as server:
        yield (
            server,
            {
                "kind": "smtp",
                "smtp_host": "localhost",
                "smtp_port": server.port,
                "smtp_ca_file": str(ca),
                "smtp_from": "Acme <support@acme.example>",
            },
        )


def links_in(mail: EmailMessage) -> set[str]:
    """What of a mail somebody could follow."""
    bodies = "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
    return {html.unescape(one) for one in re.findall(r"https?://[^\s\"'<>]+", bodies)}


def scan(page: Page, link: str, *, only: frozenset[str] | None = None, but: frozenset[str] = frozenset()) -> set[str]:
    """Do to a page what the most eager of scanners does: follow each link, press each button, send each form, each on a fresh copy of it.

    `only` and `but` are answers and deeds of what is pressed. Returns those that were.
    """
    pressed: set[str] = set()
    page.goto(link)
    deeds = [str(one.evaluate(WHAT)) for one in page.locator(PRESSED).all()]
    for number, deed in enumerate(deeds):
        if deed in but or (only is not None and deed not in only):
            continue
        page.goto(link)
        expect(page.locator("html")).to_have_attribute("data-ready", "")
        one = page.locator(PRESSED).nth(number)
        if page.locator(PRESSED).count() <= number or one.evaluate(WHAT) != deed:
            continue  # what was pressed before has changed the page
        pressed.add(deed)
        followed = one.get_attribute("href") or ""
        if followed.startswith("/"):
            page.goto(urljoin(link, followed))
        elif one.evaluate("(one) => one.matches('form')"):
            one.evaluate("(one) => one.requestSubmit()")
            page.wait_for_load_state("networkidle")
        else:
            one.evaluate("(one) => one.click()")
            page.wait_for_load_state("networkidle")
    return pressed


WHAT = """(one) => {
  const {answer, do: deed, send} = one.dataset;
  return answer || deed || (send || '').split('/').pop();
}"""


@pytest.mark.proves("NOTICE-LINKS", "CONFIRM-SIGNED")
@pytest.mark.parametrize("signed_in", [False, True], ids=["a stranger's", "the customer's data"])
def test_a_scanner_in_a_browser_that_presses_everything_a_mail_leads_to_approves_nothing(
    browser: Browser, tmp_path: Path, post_office: tuple[MailServer, dict[str, Any]], signed_in: bool
) -> None:
    mails, notify = post_office
    with (
        serving(tmp_path, CATALOGUE, FACTS, {"decline_pause_s": 1}, notify=notify) as issuer,
        begun(browser, issuer, CATALOGUE) as scene,
    ):
        confirmation = scene.waiting()
        mail = next(one for one in iter(mails.next, None) if "needs your approval" in str(one["Subject"]))
        assert links_in(mail) == {f"{issuer}/confirm/{confirmation}"}
        (link,) = links_in(mail)
        anna, cookie = scene.anna, scene.cookie
        anna.page.goto(f"{scene.site.foreign}/")
        # Nobody touches the passkey: what asks for it waits.
        anna.cdp.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": anna.authenticator, "enabled": False})
        page = anna.page if signed_in else scene.browser.new_context(locale="en-US").new_page()
        before = standing(scene.desk, cookie)
        pressed = scan(page, link, but=NOES | ENDS)
        assert standing(scene.desk, cookie) == before, "everything but a no, and nothing has changed"
        if signed_in:
            assert {"yes", "less", "show-less", "sign-less"} <= pressed
            assert scan(page, link, only=NOES)
            # A no is a no, whoever pressed it there: it is on the record as hers, and the agent is told. Nothing was done.
            (answer,) = scene.answers()
            assert answer in NOES, "the first that was pressed"
            assert scene.performed() == 0
            assert scene.desk.room.call("GET", "/me/v1/mandates", cookie=cookie)["mandates"][0]["state"] == "active"
            assert scan(page, link, only=ENDS)
            assert scene.desk.room.raw("GET", "/me/v1", cookie=cookie, check=False).status_code == 401
        else:
            assert pressed == {""}
            page.context.close()
        anna.page.goto(f"{scene.site.foreign}/")


# a flood


class Clock:
    """The desk's clock, which a test can move on."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


PHONE = ViewportSize(width=360, height=780)
FLOODED: dict[str, Any] = {
    **CATALOGUE,
    "floor": {"security": ["customer", "officer:security"], "payment": ["customer", "officer:billing"]},
}
TO_FLOOD: dict[str, Any] = {
    **MANDATE,
    "powers": [
        {"power": "represent"},
        {"power": "request", "actions": ["payment.refund"], "uses": 50, "where": {"amount": {"max": "50.00 EUR"}}},
    ],
}


def asking(mails: MailServer, person: str, count: int) -> list[EmailMessage]:
    """The next mails to somebody that ask for their answer."""
    found: list[EmailMessage] = []
    while len(found) < count:
        mail = mails.next()
        if mail["To"] == person and "approval" in str(mail["Subject"]):
            found.append(mail)
    return found


@pytest.mark.proves("FATIGUE", "NOTICE-FLOOD")
def test_an_agent_that_asks_and_asks_fills_neither_page_nor_mailbox(
    browser: Browser, tmp_path: Path, post_office: tuple[MailServer, dict[str, Any]]
) -> None:
    mails, notify = post_office
    clock = Clock()
    with (
        serving(tmp_path, FLOODED, FACTS, {"decline_pause_s": 1}, now=clock.now, notify=notify) as issuer,
        begun(browser, issuer, FLOODED, TO_FLOOD) as scene,
    ):
        olga = visit(browser, scene.desk, size=PHONE)
        olga.enrol("olga", "officer", "Olga Kern", ["billing"], email="olga@desk.example")
        anna = visit(browser, scene.desk, size=PHONE)
        anna.context.add_cookies(scene.anna.context.cookies())  # type: ignore[arg-type]  # what it gave is what it takes
        codes = [scene.task.ask("payment.refund", {**REFUND, "amount": f"{number}.00 EUR"}).codes for number in range(1, 13)]
        assert codes[:5] == [()] * 5
        assert codes[5] == ("confirmation.too_many",)
        assert set(codes[5:]) <= {("confirmation.too_many",), ("task.held",)}
        decided = [one["envelope"].get("code") for one in scene.desk.transcript() if one["envelope"].get("decision") == "refuse"]
        assert [(one,) for one in decided] == codes[5:], "every one of them is on the record"
        told = asking(mails, "anna@mail.example", 5)
        assert all(re.fullmatch(rf"{issuer}/confirm/cnf_[a-z2-7]+", one) for mail in told for one in links_in(mail))
        clock.ahead_ms += GATHER_MS
        (gathered,) = asking(mails, "olga@desk.example", 1)
        assert "5 requests" in str(gathered["Subject"]), "a minute's requests are one letter to an officer"
        assert links_in(gathered) == {f"{issuer}/desk"}

        anna.open("/me")
        anna.ready()
        waiting = anna.page.get_by_role("region", name="Waiting for your decision")
        expect(waiting.get_by_role("link", name="Review")).to_have_count(4)
        waiting.get_by_text("Show 1 more, the first to answer by").click()
        expect(waiting.get_by_role("link", name="Review")).to_have_count(5)
        check_usable(anna.page, PHONE["width"], "/me, flooded")
        for _ in range(5):
            anna.open("/me")
            waiting.get_by_role("link", name="Review").first.click()
            anna.page.get_by_role("button", name="Decline", exact=True).click()
            anna.result("You declined. Nothing was done")
        anna.open("/me")
        expect(waiting).to_contain_text("You have nothing to decide right now.")

        olga.open("/desk")
        olga.ready()
        check_usable(olga.page, PHONE["width"], "/desk, flooded")
        olga.context.close()
        anna.context.close()
        left = [str(one["Subject"]) for one in list(mails.mails.queue)]
        assert [one for one in left if "approval" in one] == [], "as many as may wait are told of, whatever else was asked"
