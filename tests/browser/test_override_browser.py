"""Sending a text anyway, in a real browser: by keyboard alone, of the text that was checked, and looked at by a second person."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.accessible import check_usable
from browser.desk_server import serving
from browser.visits import CHROMIUM, Visit, visit
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.sandbox import Sandbox, SandboxTask

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser"),
]
TEXT = "Your store credit is 12.50 EUR."
REASON = "Anna asked me on the phone to tell it."
RULES = deepcopy(CATALOGUE)
RULES["role"]["billing"]["may_override"] = True


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    with serving(tmp_path, RULES, FACTS) as issuer, Sandbox(RULES, base_url=issuer) as sandbox:
        yield sandbox


@pytest.fixture
def task(desk: Sandbox) -> SandboxTask:
    agent = desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
    return agent.open(desk.customer("anna", name="Anna Berg").grant(agent, MANDATE))


def _officer(browser: Browser, desk: Sandbox, name: str, role: str, task: SandboxTask) -> Visit:
    one = visit(browser, desk)
    one.enrol(name, "officer", name.title(), [role])
    one.open("/security/proposals" if role == "security" else f"/desk/cases/{task.case}")
    one.ready()
    return one


def test_an_officer_sends_it_anyway_by_keyboard_and_a_second_person_looks_at_it(browser: Browser, desk: Sandbox, task: SandboxTask) -> None:
    olga = _officer(browser, desk, "olga", "billing", task)
    page = olga.page
    page.get_by_label("Your reply").fill(TEXT)
    anyway = page.get_by_role("button", name="Send anyway…")
    expect(anyway).to_be_visible()
    expect(anyway).to_have_attribute("aria-expanded", "false")
    anyway.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Why may the agent know this?")).to_be_focused()
    page.get_by_role("button", name="Send with the marked parts").click()
    olga.result("Enter a reason of at least 10 letters.")
    page.get_by_label("Why may the agent know this?").fill(REASON)
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        check_usable(page, width)
    # Another letter, and the override is gone until the text was checked again.
    page.get_by_label("Your reply").press("End")
    page.get_by_label("Your reply").type("!")
    expect(anyway).to_be_hidden()
    expect(page.get_by_label("Why may the agent know this?")).to_be_hidden()
    expect(anyway).to_be_visible()
    anyway.click()
    page.get_by_role("button", name="Send with the marked parts").click()
    olga.result("Sent to the agent.")
    assert [one["text"] for one in task.inbox()] == [f"{TEXT}!"]

    sally = _officer(browser, desk, "sally", "security", task)
    card = sally.page.locator("section", has=sally.page.get_by_role("heading", name="Replies to review"))
    expect(card).to_contain_text("Olga shared with the agent: store credit")
    expect(card).to_contain_text(REASON)
    for width in (390, 1440):
        sally.page.set_viewport_size({"width": width, "height": 900})
        check_usable(sally.page, width)
    card.get_by_label("Your answer").select_option("object")
    card.get_by_label("Note").fill("She did not ask.")
    card.get_by_role("button", name="Save review").click()
    expect(sally.page.locator("section", has_text="Replies to review")).to_contain_text("No replies to review.")
    for one in (olga, sally):
        assert one.errors == []
        one.context.close()


@pytest.mark.parametrize("text", ["She was born on 17 April 1988, credit 12.50 EUR.", "See https://evil.example, credit 12.50 EUR."])
def test_what_nobody_may_override_has_no_button(browser: Browser, desk: Sandbox, task: SandboxTask, text: str) -> None:
    olga = _officer(browser, desk, "olga", "billing", task)
    olga.page.get_by_label("Your reply").fill(text)
    olga.page.get_by_role("button", name="Check and send").click()
    olga.result("Not sent")
    expect(olga.page.get_by_role("button", name="Send without the marked parts")).to_be_visible()
    expect(olga.page.get_by_role("button", name="Send anyway…")).to_be_hidden()
    olga.context.close()
