"""The whole story in real browsers: two ways in, on a phone and at a desk. Nothing complains, nothing is cut off, nothing leaks out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from browser.story import (
    STORY,
    TERMS,
    answer_case,
    answer_three,
    audit,
    consent,
    decide_together,
    look_back,
    sign_out_everywhere,
    stop_and_resume,
    story,
    take_back,
)
from browser.story_logins import Login, company_login, passkey_login
from browser.visits import CHROMIUM
from desks.shop import FACTS
from provider.real import MISSING, THERE

PHONE, DESK = ViewportSize(width=360, height=780), ViewportSize(width=1440, height=900)
WAYS = {"passkey": passkey_login, "company": company_login}

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)")]


def ways() -> list[object]:
    """Each way in and each size of a window, each pair of them a group of its own.

    Once somebody is in, the pages are the same whichever way they came, and test_access.py looks at each of them, the desk's own way in
    too, in both sizes: so each way and each size is told once, the company's way in where a page is cut off first. Without the provider
    the one way that is left is told in both.
    """
    there = pytest.mark.skipif(not THERE, reason=MISSING)
    return [
        pytest.param("passkey", DESK, marks=pytest.mark.xdist_group("browser-story-passkey")),
        pytest.param("company", PHONE, marks=[pytest.mark.xdist_group("browser-story-company"), there]),
        *([] if THERE else [pytest.param("passkey", PHONE, marks=pytest.mark.xdist_group("browser-story-passkey"))]),
    ]


@pytest.fixture
def login(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Login]:
    with WAYS[request.param](tmp_path, STORY, FACTS, TERMS) as way:
        yield way


@pytest.mark.proves("PAGES-QUIET", "ACCESS")
@pytest.mark.parametrize(("login", "size"), ways(), indirect=["login"], ids=lambda one: one if isinstance(one, str) else one["width"])
def test_the_whole_story_of_a_case(browser: Browser, login: Login, size: ViewportSize, tmp_path: Path) -> None:
    with story(browser, login, size, tmp_path) as told:
        anna = told.join("anna")
        task = consent(told, anna)
        answer_three(told, anna, task)
        look_back(told, anna)
        olga, bea = told.join("olga"), told.join("bea")
        decide_together(told, anna, olga, bea, task)
        answer_case(told, anna, olga, task)
        sam, kim = told.join("sam"), told.join("kim")
        second = stop_and_resume(told, anna, sam, kim, task)
        take_back(told, anna, second)
        audit(told, told.join("ada"), task)
        sign_out_everywhere(told, "anna", "/me")
        sign_out_everywhere(told, "sam", "/security")
        told.check_quiet()


WRONGS = {
    "style-src-attr": "document.querySelector('h1').setAttribute('style', 'color: red')",
    "script-src-attr": "document.querySelector('h1').outerHTML = '<h1 onclick=\"1\">x</h1>'; document.querySelector('h1').onclick",
    "img-src": "document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:1/x.png'}))",
    "connect-src": "fetch('http://127.0.0.1:1/').catch(() => 0)",
}


@pytest.mark.proves("PAGES-QUIET")
@pytest.mark.xdist_group("browser-story-passkey")
def test_what_the_story_looks_for_would_be_found(browser: Browser, tmp_path: Path) -> None:
    with passkey_login(tmp_path, STORY, FACTS, TERMS) as login, story(browser, login, PHONE, tmp_path) as told:
        anna = told.join("anna")
        told.open(anna, "/me")
        told.check_quiet_of("anna", led_away=0)
        watched, root = told.watched["anna"], anna.page.locator("html")
        for directive, script in WRONGS.items():
            watched.violations.clear()
            anna.errors.clear()
            anna.page.evaluate(script)
            expect(root).to_have_attribute("data-violated", directive)
            assert [one["directive"] for one in watched.violations] == [directive]
            assert anna.errors, directive
            with pytest.raises(AssertionError):
                told.check_quiet_of("anna", led_away=0)
        for script, found in (
            ("document.querySelector('h1').style.width = '900px'", "cut off"),
            ("document.querySelector('main').append(document.createElement('select'))", "select-name"),
        ):
            told.open(anna, "/me")
            told.look(anna, "untouched")
            anna.page.evaluate(script)
            with pytest.raises(AssertionError, match=found):
                told.look(anna, "touched")
        anna.errors.clear()
        watched.violations.clear()
        anna.page.route("http://127.0.0.1:1/", lambda route: route.fulfill(status=200, body="elsewhere"))
        anna.page.evaluate("location.assign('http://127.0.0.1:1/')")
        anna.page.wait_for_url("http://127.0.0.1:1/")
        with pytest.raises(AssertionError):
            told.check_quiet_of("anna", led_away=0)
