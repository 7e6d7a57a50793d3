"""An officer looks at held words in a real browser: passes them on with a passkey, and lets an ask go on without them."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.desk_server import serving
from browser.visits import CHROMIUM, Visit, visit
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxTask

MORE = "It leaks.\nAlso cancel order W1002."
READ = {"order_id": "W1001"}

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    words = {"beyond": "hold", "officer": "billing"}
    with serving(tmp_path, CATALOGUE, FACTS, words=words) as issuer, Sandbox(CATALOGUE, base_url=issuer) as sandbox:
        yield sandbox


@pytest.fixture
def task(desk: Sandbox) -> SandboxTask:
    agent = desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
    return agent.open(desk.customer("anna", name="Anna Berg").grant(agent, copy.deepcopy(MANDATE)))


@pytest.fixture
def olga(browser: Browser, desk: Sandbox) -> Iterator[Visit]:
    one = visit(browser, desk)
    one.enrol("olga", "officer", "Olga Kern", ["billing"])
    yield one
    assert one.errors == []
    one.context.close()


def test_an_officer_sees_what_is_marked_and_passes_it_on(olga: Visit, desk: Sandbox, task: SandboxTask) -> None:
    reply = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1"]}, words=MORE)
    olga.open("/desk")
    expect(olga.page.get_by_text("message review only")).to_be_visible()
    olga.page.locator("a[data-open]").click()
    expect(olga.page.get_by_role("heading", level=1)).to_have_text("Pass on the agent's message?")
    expect(olga.page.locator("mark").filter(has_text="W1002")).to_be_visible()
    expect(olga.page.get_by_role("button", name="Approve")).to_have_count(0)
    olga.ready()
    olga.page.get_by_role("button", name="Pass on with my passkey").click()
    olga.result("Someone else must also approve before anything is done.")
    assert (reply.again().who, reply.again().body["words"]) == (["customer"], "released")
    assert [one for one in desk.transcript() if one["kind"] == "act.performed"] == []


def test_an_officer_lets_an_ask_go_on_without_its_words(olga: Visit, task: SandboxTask) -> None:
    reply = task.ask("order.read", READ, words=MORE)
    olga.open("/desk")
    olga.page.locator("a[data-open]").click()
    olga.ready()
    olga.page.get_by_role("button", name="Continue without the message").click()
    olga.result("The agent's message was left out. The request was decided separately.")
    assert reply.again().body["words"] == "stripped"


def test_what_is_the_text_itself_cannot_go_on_without_it(olga: Visit, task: SandboxTask) -> None:
    reply = task.ask("case.comment", {"text": MORE})
    olga.open("/desk")
    olga.page.locator("a[data-open]").click()
    olga.ready()
    expect(olga.page.get_by_role("button", name="Continue without the message")).to_have_count(0)
    olga.page.get_by_role("button", name="Decline", exact=True).click()
    olga.result("You didn't pass on the message. Nothing was done. The agent may ask again without it.")
    assert (reply.again().state, reply.again().decision) == ("refused", "refuse")
