"""The officer's queue in a real browser: by the keyboard alone, kept by news, several declined, usable by everybody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.accessible import check_usable
from browser.desk_server import serving
from browser.visits import CHROMIUM, Visit, visit
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer
from remit.sandbox.workloads import SandboxReply, SandboxTask

RULE: dict[str, Any] = {"name": "refunds", "reason": "money", "actions": ["payment.refund"], "roles": ["billing"], "due": "2h"}
SHOP: dict[str, Any] = {
    **CATALOGUE,
    "escalation": [{**RULE, "then": "refuse"}],
    "macro": [
        {"name": "refunded", "title": "Refund done", "text": "Hello {agent}, the refund for {customer} is done."},
        {"name": "patience", "title": "Ask for patience", "text": "Please wait a little."},
    ],
}

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-queue"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    with serving(tmp_path, SHOP, FACTS, {"waiting_per_pair": 20}) as issuer, Sandbox(SHOP, base_url=issuer) as sandbox:
        yield sandbox


@pytest.fixture
def anna(desk: Sandbox) -> SandboxCustomer:
    return desk.customer("anna", name="Anna Berg")


@pytest.fixture
def task(desk: Sandbox, anna: SandboxCustomer) -> SandboxTask:
    agent = desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
    return agent.open(anna.grant(agent, MANDATE))


@pytest.fixture
def olga(browser: Browser, desk: Sandbox) -> Iterator[Visit]:
    one = visit(browser, desk, size={"width": 1440, "height": 900})
    one.enrol("olga", "officer", "Olga Frey", ["billing"])
    yield one
    assert one.errors == []
    one.context.close()


def refund(task: SandboxTask, amount: str, words: str | None = None) -> SandboxReply:
    params = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": f"{amount} EUR"}
    return task.ask("payment.refund", params, words=words) if words else task.ask("payment.refund", params)


class Keys:
    """The keyboard of somebody, whose key presses are counted; typed text is not."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def test_from_the_queue_to_a_decided_and_replied_case_takes_six_keys_at_most(olga: Visit, task: SandboxTask, anna: SandboxCustomer) -> None:
    asked = refund(task, "40.00", words="The kettle leaks.")
    anna.confirm(asked)
    olga.open("/desk")
    olga.ready()
    keys = Keys(olga.page)
    keys.press("j", "y")
    olga.page.wait_for_url("**/confirm/*")
    expect(olga.page.get_by_role("button", name="Approve with passkey")).to_be_focused()
    olga.ready()
    olga.page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'y', repeat: true, bubbles: true }))")
    olga.page.wait_for_timeout(500)
    assert asked.again().needs_human  # neither the queue's key nor one held down asks for a passkey: the page is read first
    keys.press("y")
    olga.result("Done.")
    assert asked.again().outcome == "done"
    keys.press("r")
    expect(olga.page.get_by_label("Your reply")).to_be_focused()
    olga.page.keyboard.type("/refu")
    expect(olga.page.locator("[data-macro-hint]")).to_contain_text("/refunded (Refund done)")
    keys.press("Enter")
    expect(olga.page.get_by_label("Your reply")).to_have_value("Hello Helper shop assistant, the refund for Anna Berg is done.")
    keys.press("Control+Enter")
    expect(olga.page.locator("[data-result]:not(:empty)").last).to_contain_text("Sent to the agent.")
    assert task.inbox()[-1]["text"] == "Hello Helper shop assistant, the refund for Anna Berg is done."
    assert keys.pressed <= 6


def test_keys_move_select_and_take_and_none_works_while_somebody_types(olga: Visit, task: SandboxTask) -> None:
    for amount in ("10.00", "20.00", "30.00"):
        refund(task, amount)
    olga.open("/desk")
    olga.ready()
    page = olga.page
    page.keyboard.press("y")  # nothing is chosen, so nothing is answered
    page.keyboard.press("x")
    expect(page.locator("[data-pick]:checked")).to_have_count(0)
    page.keyboard.press("j")
    assert "€10.00" in focused(page)
    page.keyboard.press("j")
    assert "€20.00" in focused(page)
    page.keyboard.press("k")
    assert "€10.00" in focused(page)
    page.keyboard.press("x")
    expect(page.locator("[data-pick]:checked")).to_have_count(1)
    expect(page.locator("[data-bulk-count]")).to_have_text("1 selected")
    page.keyboard.press("a")
    olga.result("Assigned to you for 10 minutes.")
    expect(page.locator("tr[data-row]").first).to_contain_text("you")
    page.get_by_label("Customer", exact=True).focus()
    page.keyboard.type("jnay?")
    expect(page.get_by_label("Customer", exact=True)).to_have_value("jnay?")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_news_keep_the_place_and_the_selection_of_somebody_who_works(olga: Visit, task: SandboxTask) -> None:
    refund(task, "10.00")
    refund(task, "20.00")
    olga.open("/desk")
    olga.ready()
    page = olga.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    refund(task, "30.00")
    expect(page.locator("tr[data-row]")).to_have_count(3, timeout=15_000)
    assert "€20.00" in focused(page)
    expect(page.locator("[data-pick]:checked")).to_have_count(1)
    expect(page.locator("tr[data-row]").nth(1).locator("[data-pick]")).to_be_checked()


def test_several_are_declined_at_once_after_a_question_each_with_its_own_result(olga: Visit, task: SandboxTask, desk: Sandbox) -> None:
    asked = [refund(task, amount) for amount in ("10.00", "20.00", "30.00")]
    olga.open("/desk")
    olga.ready()
    page = olga.page
    for box in page.locator("[data-pick]").all()[:2]:
        box.check()
    page.get_by_role("button", name="Decline selected…").click()
    dialog = page.get_by_role("dialog", name="Decline these 2 requests?")
    expect(dialog).to_contain_text("€10.00")
    dialog.get_by_role("button", name="Cancel").click()
    assert [one.again().state for one in asked] == ["waiting"] * 3
    page.get_by_role("button", name="Decline selected…").click()
    bea = desk.officer("bea", ["billing"], name="Bea Lund")
    taken = page.locator("[data-pick]:checked").nth(1).get_attribute("value")
    bea.post(f"/desk/v1/confirmations/{taken}/take", {})
    dialog.get_by_role("button", name="Decline", exact=True).click()
    olga.result("1 request declined. Nothing was done for it.")
    olga.result("Not declined: Refund €20.00")
    olga.result("(A colleague is working on this)")
    assert [one.again().state for one in asked] == ["declined", "waiting", "waiting"]
    expect(page.locator("tr[data-row]")).to_have_count(2)


def test_filters_stand_in_the_address_and_a_view_is_kept(olga: Visit, task: SandboxTask) -> None:
    refund(task, "10.00")
    refund(task, "60.00")
    olga.open("/desk")
    olga.ready()
    page = olga.page
    page.get_by_label("Amount from").fill("50")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.wait_for_url("**/desk?*min=50*")
    olga.ready()
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.get_by_text("Save this view").click()
    page.get_by_label("Name of the view").fill("Large")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Large")).to_be_visible()
    olga.open("/desk")
    page.get_by_role("link", name="Large").click()
    expect(page.locator("tr[data-row]")).to_have_count(1)


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)])
def test_the_officers_pages_are_usable_by_everybody(olga: Visit, task: SandboxTask, width: int, dark: bool) -> None:
    refund(task, "40.00", words="The kettle leaks.")
    refund(task, "10.00")
    page = olga.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if dark else "light")
    olga.open("/desk")
    olga.ready()
    address = page.locator("a[data-open]").first.get_attribute("href")
    for path in ("/desk", str(address), f"/desk/cases/{task.case}"):
        olga.open(path)
        olga.ready()
        check_usable(page, width, path)
        height = page.evaluate("document.documentElement.scrollHeight")
        assert width < 1000 or height <= 3 * 900, f"{path} is {height} px high"


def test_a_view_saved_on_a_later_page_keeps_the_filters_alone(olga: Visit, task: SandboxTask) -> None:
    refund(task, "60.00")
    page = olga.page
    olga.open("/desk?role=billing&page=2")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name of the view").fill("Billing")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Billing", exact=True)).to_have_attribute("href", "/desk?role=billing")
