"""A customer's decision on a phone: all of it on the first screen, the answer at hand, and afterwards what was decided."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import remit
from browser.accessible import check_usable
from browser.desk_server import serving_pack
from browser.visits import CALLBACK, CHROMIUM, Visit, visit
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxAgent, SandboxTask

EXAMPLE = Path(remit.__file__).parent / "packs" / "consumer" / "examples" / "return-item.json"
WANTED: dict[str, Any] = json.loads(EXAMPLE.read_text())["mandate"]
PHONE = {"width": 390, "height": 844}
REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
RETURN = {"order_id": "W1001", "item_ids": ["i1"]}
NO_PASSKEYS = "delete window.PublicKeyCredential"
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-access"),
]
NOT_SECURE = "Object.defineProperty(window, 'isSecureContext', { value: false })"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    with serving_pack(tmp_path, "consumer", {"decline_pause_s": 1}) as issuer, Sandbox({}, base_url=issuer) as one:
        yield one


@pytest.fixture
def agent(desk: Sandbox) -> SandboxAgent:
    return desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")


@pytest.fixture
def anna(desk: Sandbox, browser: Browser) -> Iterator[Visit]:
    one = visit(browser, desk, size={"width": 390, "height": 844})
    one.enrol("anna", "customer", "Anna Berg", [])
    yield one
    assert one.errors == []
    one.context.close()


def asked(anna: Visit, agent: SandboxAgent) -> tuple[list[str], str]:
    """The consent page for the example; returns where the browser was sent back to, and the request's state."""
    request, state = agent.push(WANTED)
    back: list[str] = []
    anna.page.route(CALLBACK, lambda route: (back.append(route.request.url), route.fulfill(status=200, body="back at the agent")))
    anna.open(f"/oauth/authorize?request_uri={request}&client_id={agent.client_id}")
    anna.ready()
    return back, state


def task_of(anna: Visit, agent: SandboxAgent) -> SandboxTask:
    back, state = asked(anna, agent)
    anna.page.get_by_role("button", name="Allow with passkey").click()
    anna.page.wait_for_url(CALLBACK)
    return agent.open(dict(agent.redeem(back[0], state))["mandate"])


def waiting(anna: Visit) -> None:
    anna.open("/me")
    anna.ready()
    anna.page.get_by_role("link", name="Review").click()
    anna.ready()


def in_language(anna: Visit, language: str) -> None:
    if language == "de":
        anna.page.get_by_role("button", name="Deutsch").click()
        anna.page.locator("html[lang=de][data-ready]").wait_for()


def on_screen(*shown: Locator) -> None:
    """Each is wholly on the first screen, above the bar or in it, and nothing was scrolled."""
    page = shown[0].page
    assert page.evaluate("scrollY") == 0
    bar = page.locator(".bar").bounding_box()
    assert bar is not None
    assert bar["y"] + bar["height"] <= PHONE["height"]
    for one in shown:
        box = one.bounding_box()
        assert box is not None, one
        inside = one.locator("xpath=ancestor-or-self::*[contains(@class, 'bar')]").count() > 0
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= (PHONE["height"] if inside else bar["y"]), one


def usable_whole(page: Page, what: str) -> None:
    """The page is usable at its whole height, where the bar at its foot lies over nothing, whatever is scrolled."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": PHONE["width"], "height": height})
    check_usable(page, PHONE["width"], what)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_permission_is_decided_on_the_first_screen(anna: Visit, agent: SandboxAgent, language: str) -> None:
    asked(anna, agent)
    in_language(anna, language)
    page = anna.page
    powers = page.locator(".power > .check")
    assert powers.count() == len(WANTED["powers"])
    on_screen(
        page.locator("h1"),
        page.locator(".from"),
        page.locator(".gist"),
        *powers.all(),
        *page.locator(".power .at").all(),
        *page.locator(".power .caution").all(),
        page.locator('[data-answer="grant"]'),
        page.locator('[data-answer="decline"]'),
    )
    amount = "€49.90" if language == "en" else "49,90 €"
    expect(powers.nth(3)).to_contain_text(amount)
    for fold in page.locator(".fold > details").all():
        assert fold.get_attribute("open") is None
    usable_whole(page, f"consent {language}")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("which", ["return", "refund"])
def test_an_act_is_decided_on_the_first_screen(anna: Visit, agent: SandboxAgent, language: str, which: str) -> None:
    task = task_of(anna, agent)
    words = "The kettle leaks, please take it back."
    task.ask("order.return", RETURN, words=words)
    waiting(anna)
    if which == "refund":
        anna.page.get_by_role("button", name="Approve with passkey").click()
        anna.result("Done.")
        task.ask("payment.refund", REFUND, words="Please pay it back.")
        waiting(anna)
    in_language(anna, language)
    page = anna.page
    shown = [
        page.locator("h1"),
        page.locator(".from"),
        page.locator(".sum"),
        *page.locator(".key li").all(),
        *page.locator(".notice:visible").all(),
    ]
    on_screen(
        *shown,
        page.locator('[data-answer="yes"]'),
        page.locator('[data-answer="no"]'),
        page.locator('[data-answer="less"]').or_(page.locator(".bar")).first,
    )
    if which == "refund":
        expect(page.locator(".key")).to_contain_text("€40.00" if language == "en" else "40,00 €")
        expect(page.locator(".notice.no:visible")).to_have_count(1)  # ⚔ what cannot be undone is never folded
    expect(page.locator("#their-words details")).not_to_have_attribute("open", "")
    page.locator("#their-words summary").click()
    expect(page.locator("figure.theirs blockquote")).to_be_visible()
    usable_whole(page, f"{which} {language}")


def test_the_decision_is_shown_at_once_and_again_later_with_its_outcome(anna: Visit, agent: SandboxAgent) -> None:
    task = task_of(anna, agent)
    task.ask("order.return", RETURN)
    waiting(anna)
    page = anna.page
    page.get_by_role("button", name="Approve with passkey").click()
    anna.result("Done.")
    decided = page.locator('[data-live-part="decision"]')
    expect(decided.locator("h1")).to_have_text("You approved this")
    expect(page.get_by_role("button", name="Approve with passkey")).to_be_hidden()
    page.reload()
    anna.ready()
    expect(decided.locator("h1")).to_have_text("You approved this")
    expect(decided).to_contain_text("Send back items of order “Kettle and desk lamp”: “Kettle”")
    expect(decided.locator(".notice")).to_contain_text("Done.")
    check_usable(page, PHONE["width"], "decided")
    task.ask("payment.refund", REFUND)
    waiting(anna)
    address = page.url
    page.get_by_role("button", name="Decline", exact=True).click()
    anna.result("You declined")
    page.goto(address)
    anna.ready()
    expect(decided.locator("h1")).to_have_text("You declined this")
    expect(decided).to_contain_text("let the agent ask for something different")


def test_a_decision_made_elsewhere_replaces_the_question_on_an_open_page(anna: Visit, agent: SandboxAgent) -> None:
    task = task_of(anna, agent)
    task.ask("order.return", RETURN)
    waiting(anna)
    other = anna.context.new_page()
    other.goto(anna.page.url)
    other.locator("html[data-ready]").wait_for()
    other.get_by_role("button", name="Decline", exact=True).click()
    expect(other.locator("[data-result]:not(:empty)").first).to_contain_text("You declined")
    other.close()
    expect(anna.page.locator('[data-live-part="decision"] h1')).to_have_text("You declined this")
    expect(anna.page.get_by_role("button", name="Approve with passkey")).to_have_count(0)


def code(desk: Sandbox, person: str, name: str) -> str:
    body = {"id": person, "kind": "customer", "name": name, "email": "", "roles": [], "how": "vouched"}
    return str(desk.room.control("POST", "/sandbox/v1/people", body)["code"])


def test_a_link_for_another_person_asks_before_it_signs_anybody_out(anna: Visit, desk: Sandbox) -> None:
    """⚔ Nobody's session is replaced in silence."""
    page = anna.page
    anna.open(f"/enrol?code={code(desk, 'bram', 'Bram Vos')}")
    anna.ready()
    expect(page.locator("h1")).to_have_text("Create a passkey for Bram Vos")
    expect(page.locator(".notice:visible")).to_contain_text(
        "You're signed in as Anna Berg. Creating Bram Vos's passkey signs Anna Berg out here."
    )
    check_usable(page, PHONE["width"], "enrol beside a session")
    page.get_by_role("link", name="Stay signed in as Anna Berg").click()
    expect(page.locator("h1")).to_have_text("Hello Anna Berg")
    page.go_back()
    anna.ready()
    page.get_by_label("Device name").fill("Bram's phone")
    page.get_by_role("button", name="Sign Anna Berg out and create passkey").click()
    expect(page.locator("h1")).to_have_text("Hello Bram Vos")


@pytest.mark.parametrize(("script", "cure"), [(NO_PASSKEYS, "can't use passkeys"), (NOT_SECURE, "starts with https://")])
def test_a_browser_without_passkeys_is_told_what_helps(anna: Visit, desk: Sandbox, agent: SandboxAgent, script: str, cure: str) -> None:
    task = task_of(anna, agent)
    task.ask("order.return", RETURN)
    waiting(anna)
    confirm = anna.page.url
    request, _ = agent.push(WANTED)
    consent = f"{desk.room.issuer}/oauth/authorize?request_uri={request}&client_id={agent.client_id}"
    enrol = f"{desk.room.issuer}/enrol?code={code(desk, 'anna', 'Anna Berg')}"
    anna.page.add_init_script(script)
    for address in (confirm, consent, enrol):
        anna.page.goto(address)
        anna.ready()
        expect(anna.page.locator(".no-passkey:visible")).to_contain_text(cure)
        expect(anna.page.locator("[data-passkey]:visible")).to_be_disabled()
        check_usable(anna.page, PHONE["width"], address)
    anna.page.goto(confirm)  # what needs none still works
    anna.ready()
    anna.page.get_by_role("button", name="Decline", exact=True).click()
    anna.result("You declined")
    anna.page.get_by_role("button", name="Sign out", exact=True).click()
    anna.page.wait_for_url("**/login")
    anna.ready()
    expect(anna.page.locator(".no-passkey:visible")).to_contain_text(cure)
    expect(anna.page.get_by_role("button", name="Sign in with a passkey")).to_be_disabled()
    check_usable(anna.page, PHONE["width"], "login")


def test_a_struck_and_lowered_permission_reads_as_it_would_be_signed(anna: Visit, agent: SandboxAgent) -> None:
    """⚔ After a change each line is the server's own again, in the line as in the details."""
    asked(anna, agent)
    page = anna.page
    refund = page.locator('[data-power="3"]')
    expect(refund.locator("[data-text]")).to_have_text("Request up to 2 refunds, up to €49.90 in total")
    refund.get_by_text("Allow less").click()
    refund.get_by_label("How often, at most").fill("1")
    refund.get_by_label("Amount (maximum)", exact=True).fill("20.00")
    refund.get_by_label("Amount (maximum in total)").fill("20.00")
    anna.result("This is what you would allow now.")
    expect(refund.locator("[data-text]")).to_have_text("Request one refund of up to €20.00")
    page.locator('[data-power="2"] [data-edit="strike"]').uncheck()
    expect(page.locator('[data-power="2"]')).to_have_class("power struck")
    expect(refund.locator("[data-beside]")).to_contain_text("Payment method:")
    expect(refund.locator(".caution")).to_have_text("This cannot be undone.")
