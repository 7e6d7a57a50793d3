"""Browsers of the staff, and what a page of theirs tells."""

import re

from playwright.sync_api import Browser, Page, expect

from browser.visits import Visit, visit
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxPerson


class Crew:
    """Browsers in which somebody of the desk's is signed in."""

    def __init__(self, browser: Browser, desk: Sandbox) -> None:
        self.browser, self.desk = browser, desk
        self.visits: list[Visit] = []

    def open(self, person: SandboxPerson, path: str) -> Page:
        """A page of somebody's."""
        one = visit(self.browser, self.desk)
        name, _, value = person.cookie.partition("=")
        one.context.add_cookies([{"name": name, "value": value, "url": self.desk.room.issuer}])
        self.visits.append(one)
        one.open(path)
        one.ready()
        return one.page


def said(page: Page, text: str | re.Pattern[str]) -> None:
    """What is told stands in the place for it, which has the focus."""
    told = page.locator("[data-result]:not(:empty)").first
    expect(told).to_contain_text(text)
    expect(told).to_be_focused()


def loaded(page: Page, shown: str | re.Pattern[str]) -> None:
    """The page came again by itself, with what is new."""
    expect(page.get_by_text(shown).first).to_be_visible()
    expect(page.locator("[data-result]:not(:empty)")).to_have_count(0)
    expect(page.locator("html")).to_have_attribute("data-ready", "")
