"""One person's real browser at a desk, with a virtual passkey. For the browser tests and the tour."""

import copy
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from desks.shop import MANDATE
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxAgent

CHROMIUM = shutil.which("chromium")
# The same engine without windows takes half the processor time; only the whole browser keeps pages to go back to.
HEADLESS = shutil.which("chromium-headless-shell") or CHROMIUM
CALLBACK = "http://127.0.0.1/callback*"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser, without a screen."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=HEADLESS, headless=True, args=ARGS)
        yield started
        started.close()


@contextmanager
def keeping_pages(beside: Browser) -> Iterator[Browser]:
    """Another such browser beside one, that keeps pages for whoever goes back to them, as people's browsers do."""
    without = ["--disable-back-forward-cache"]
    started = beside.browser_type.launch(executable_path=CHROMIUM, headless=True, args=ARGS, ignore_default_args=without)
    yield started
    started.close()


@dataclass(eq=False)
class Visit:
    """One person's browser at the desk. `errors` is everything its console complained of."""

    desk: Sandbox
    context: BrowserContext
    page: Page
    authenticator: str
    cdp: Any
    errors: list[str]

    def open(self, path: str) -> None:
        self.page.goto(self.desk.room.issuer + path)

    def ready(self) -> None:
        """Until the page's program listens: a pointer waits for it, the keyboard does not."""
        expect(self.page.locator("html")).to_have_attribute("data-ready", "")

    def enrol(self, person: str, kind: str, name: str, roles: list[str], *, email: str = "") -> None:
        body = {"id": person, "kind": kind, "name": name, "email": email, "roles": roles, "how": "vouched"}
        self.open(f"/enrol?code={self.desk.room.control('POST', '/sandbox/v1/people', body)['code']}")
        self.page.get_by_label("Device name").fill("My laptop")
        self.page.get_by_role("button", name="Create passkey").click()
        expect(self.page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()

    def result(self, text: str) -> None:
        expect(self.page.locator("[data-result]:not(:empty)").first).to_contain_text(text)


def visit(browser: Browser, desk: Sandbox, *, size: ViewportSize | None = None) -> Visit:
    context = browser.new_context(locale="en-US", viewport=size)
    context.set_default_timeout(10_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" and "status of 4" not in message.text else None
    )
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return Visit(desk, context, page, made["authenticatorId"], cdp, errors)


def consent(anna: Visit, agent: SandboxAgent, *, strike: int | None = None, at_most: str = "") -> dict[str, Any]:
    """Consent in the browser; returns what the agent is then told."""
    request_uri, state = agent.push(copy.deepcopy(MANDATE))
    came_back: list[str] = []
    anna.page.route(CALLBACK, lambda route: (came_back.append(route.request.url), route.fulfill(status=200, body="back at the agent")))
    anna.open(f"/oauth/authorize?request_uri={request_uri}&client_id={agent.client_id}")
    allow = anna.page.get_by_role("button", name="Allow with passkey")
    if strike is not None:
        anna.page.locator(f'[data-power="{strike}"] [data-edit="strike"]').uncheck()
        anna.result("This is what you would allow now.")
    if at_most:
        card = anna.page.locator('[data-power="4"]')
        card.get_by_text("Allow less").click()
        card.get_by_label("Amount, at most").fill(at_most)
        expect(card.locator("[data-details]")).to_contain_text(f"amount: at most {at_most}")
    expect(allow).to_be_enabled()
    allow.click()
    anna.page.wait_for_url(CALLBACK)
    return dict(agent.redeem(came_back[0], state))
