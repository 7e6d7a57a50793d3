"""Security's pages in a real browser: an incident comes in by itself, is taken, acted on and closed; a stop shows its effect first."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.crew import Crew, loaded, said
from browser.desk_server import serving
from browser.visits import CHROMIUM
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxTask

HELPER = "spiffe://helper.example/shop"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-desk"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    with serving(tmp_path, CATALOGUE, FACTS) as issuer, Sandbox(CATALOGUE, base_url=issuer) as sandbox:
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


def leak(task: SandboxTask) -> None:
    """The agent writes its own token into a message, and its task ends by that."""
    assert task.ask("order.read", {"order_id": "W1001"}, words=f"My token is {task.token}").codes == ("task.ended",)


def test_an_incident_comes_in_by_itself_and_is_taken_noted_and_closed(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    sam = desk.officer("sam", ["security"], name="Sam Hale")
    page = crew.open(sam, "/security")
    expect(page.get_by_text("All clear.")).to_be_visible()
    leak(task)
    expect(page.get_by_text("1 incident has no owner")).to_be_visible()
    expect(page.get_by_role("link", name="An agent's access token leaked")).to_be_visible()
    page.get_by_role("button", name="Assign to me").click()
    said(page, "It's yours now.")
    loaded(page, "1 incident in progress")
    page.get_by_role("link", name="An agent's access token leaked").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("An agent's access token leaked")
    timeline = page.get_by_role("listitem").filter(has_text="Sam Hale is working on it.")
    expect(timeline).to_be_visible()
    page.get_by_label("Add a note").fill("Called the operator.")
    page.get_by_role("button", name="Add note").click()
    said(page, "Note added.")
    loaded(page, "Called the operator.")
    page.get_by_role("button", name="Close incident").click()
    expect(page.get_by_label("Reason", exact=True).last).to_be_focused()
    page.locator("form[data-form=close]").get_by_label("Reason").fill("They rotated it.")
    page.get_by_role("button", name="Close incident").click()
    said(page, "Closed.")
    loaded(page, "Sam Hale closed the incident: Resolved.")
    expect(page.get_by_role("button", name="Close incident")).to_have_count(0)
    page.get_by_role("link", name="Incidents").first.click()
    expect(page.get_by_text("All clear.")).to_be_visible()


def test_a_stop_from_an_incident_shows_its_effect_before_it_is_made(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    agent = task.agent
    other = agent.open(desk.customer("anna").grant(agent, MANDATE))
    leak(task)
    page = crew.open(desk.officer("sam", ["security"], name="Sam Hale"), "/security")
    page.get_by_role("link", name="An agent's access token leaked").click()
    page.get_by_label("Stop “Helper shop assistant”").click()
    preview = page.locator("#stop-agent-1 [data-foreseen]")
    expect(preview).to_contain_text("Would end at once: 1 running task")
    page.locator("#stop-agent-1").get_by_label("Reason").fill("Its tokens are for sale.")
    page.locator("#stop-agent-1").get_by_role("button", name="Stop now").click()
    said(page, re.compile(r"Stopped everywhere in \d+ ms\."))
    loaded(page, "Sam Hale stopped the agent")
    assert other.ask("case.comment", {"text": "Hello?"}).codes == ("agent.suspended",)
    page.get_by_role("link", name="Helper shop assistant").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("stopped")


def test_filters_stand_in_the_address_and_pages_link_each_other(crew: Crew, desk: Sandbox, task: SandboxTask) -> None:
    leak(task)
    page = crew.open(desk.officer("sam", ["security"], name="Sam Hale"), "/security?severity=low")
    expect(page.get_by_text("No incident matches this filter.")).to_be_visible()
    page.get_by_label("Severity").select_option("high")
    page.get_by_label("Owner").select_option("-")
    page.locator("form[role=search]").get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(r"severity=high.*owner=-"))
    page.get_by_role("link", name="Helper shop assistant").first.click()
    expect(page).to_have_url(re.compile("/security/agents/spiffe"))
    expect(page.locator("aside code").first).to_have_text("spiffe://helper.example/shop")
    page.get_by_role("link", name="helper.example").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("helper.example")
    page.get_by_role("link", name="Administration").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Administration")
