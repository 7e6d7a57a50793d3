"""The bar of a demo in a real browser: one browser is each person in turn, and a passkey is made where one is needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.accessible import check_usable
from browser.desk_server import serving_pack
from browser.visits import CHROMIUM, Visit, visit
from remit import packs
from remit.sandbox import Sandbox

PACK = Path(str(packs.__path__[0])) / "consumer" / "catalogue.toml"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with serving_pack(tmp_path_factory.mktemp("demo"), "consumer", switcher=True) as address, Sandbox(PACK, base_url=address) as one:
        one.customer("anna", name="Anna Berg")
        one.officer("olga", ["billing", "care"], name="Olga Lindner")
        yield one


@pytest.fixture
def here(browser: Browser, desk: Sandbox) -> Iterator[Visit]:
    one = visit(browser, desk, size={"width": 390, "height": 844})
    yield one
    assert one.errors == []
    one.context.close()


def become(here: Visit, name: str) -> None:
    here.page.locator(".switcher summary").click()
    here.page.get_by_role("button", name=name).click()
    expect(here.page.locator(".switcher summary strong")).to_contain_text(name)


def test_one_browser_is_each_person_in_turn(here: Visit) -> None:
    here.open("/login")
    expect(here.page.locator(".switcher summary")).to_contain_text("not signed in")
    become(here, "Anna Berg (customer)")
    expect(here.page).to_have_url(f"{here.desk.room.issuer}/me")
    expect(here.page.get_by_role("button", name="Make a passkey, to approve as this person")).to_be_visible()
    check_usable(here.page, 390, "the bar")
    become(here, "Olga Lindner (officer)")
    expect(here.page).to_have_url(f"{here.desk.room.issuer}/desk")
    here.page.locator(".switcher summary").click()
    check_usable(here.page, 390, "the open bar")
    here.page.keyboard.press("Escape")
    expect(here.page.locator(".switcher ul")).to_be_hidden()
    expect(here.page.locator(".switcher summary")).to_be_focused()


def test_a_passkey_is_made_for_the_person_one_is(here: Visit) -> None:
    here.open("/login")
    become(here, "Anna Berg")
    here.page.get_by_role("button", name="Make a passkey, to approve as this person").click()
    here.page.wait_for_url("**/enrol?code=*")
    here.page.get_by_label("Device name").fill("My laptop")
    here.page.get_by_role("button", name="Create passkey").click()
    expect(here.page).to_have_url(f"{here.desk.room.issuer}/me")
    expect(here.page.locator(".switcher summary strong")).to_contain_text("Anna Berg")
    expect(here.page.locator("[data-switcher-passkey]")).to_be_hidden()


def test_the_bar_is_worked_by_the_keyboard(here: Visit) -> None:
    here.open("/login")
    summary = here.page.locator(".switcher summary")
    expect(summary).to_be_visible()
    summary.focus()
    here.page.keyboard.press("Enter")
    here.page.keyboard.press("Tab")
    expect(here.page.get_by_role("button", name="Anna Berg (customer)")).to_be_focused()
    here.page.keyboard.press("Enter")
    expect(here.page).to_have_url(f"{here.desk.room.issuer}/me")
