"""Every page, on a phone by dark and on a desk by light: axe-core finds nothing serious, nothing is cut off, no page complains."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize

from browser.accessible import check_usable
from browser.desk_server import serving
from browser.visits import CHROMIUM, Visit, visit
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.client import Attachment
from remit.sandbox import Sandbox

PHONE, DESK = ViewportSize(width=360, height=780), ViewportSize(width=1440, height=900)
SCREENS = 3
"""A page is at most so many screens long before anything is unfolded."""
PAGES = {
    "audit": ("sam", "/audit"),
    "audit, found": ("sam", "/audit?q=refund&decision=refuse"),
    "audit of one case": ("sam", "/audit?ref={case}"),
    "case": ("olga", "/desk/cases/{case}"),
    "confirm": ("anna", "/confirm/{confirmation}"),
    "consent": ("anna", "/oauth/authorize?request_uri={request}"),
    "desk": ("olga", "/desk"),
    "file held back": ("olga", "/desk/files/{held_file}"),
    "file in a case": ("olga", "/desk/files/{kept}"),
    "enrol": ("nobody", "/enrol?code=none"),
    "history": ("anna", "/me/history"),
    "login": ("nobody", "/login"),
    "mandate": ("anna", "/me/mandates/{mandate}"),
    "me": ("anna", "/me"),
    "nothing there": ("anna", "/nowhere"),
    "receipt": ("anna", "/verify?entry={entry}"),
    "refusal": ("anna", "/security"),
    "release": ("olga", "/confirm/{held}"),
    "report": ("sam", "/audit/report"),
    "resume": ("anna", "/resume"),
    "security": ("sam", "/security"),
    "incident": ("sam", "/security/incidents/{incident}"),
    "agents": ("sam", "/security/agents"),
    "an agent": ("sam", "/security/agents/spiffe://helper.example/shop"),
    "an operator": ("sam", "/security/operators/other.example"),
    "proposals": ("sam", "/security/proposals"),
    "administration": ("sam", "/security/admin"),
    "story": ("sam", "/audit/cases/{case}"),
}

ANSWERS = {
    "a form that came back": ("sam", "/security/admin", "form[data-form=person]", {"id": "Zoe Z", "name": "Zoe"}),
    "a one-time link": ("sam", "/security/admin", "form[data-form=recover]", {"id": "anna"}),
    "a planted canary": ("sam", "/security/admin", "form[data-form=canary]", {"name": "old key", "place": "wiki"}),
    "a reply withheld": ("olga", "/desk/cases/{case}", "form[data-form=reply]", {"text": "It goes to Lindenweg 4, 20095 Hamburg."}),
    "verified": ("sam", "/audit", "form[data-form=verify]", {}),
    "a stop of nobody": ("sam", "/security/agents", "form[data-form=stop]", {"name": "nobody", "reason": "odd"}),
}
"""What a form is answered with: whose, on which page, which form, with what entered."""

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-access"),
]


@dataclass
class Story:
    """A desk on which something of everything has happened, and who looks at it."""

    visits: Mapping[str, Visit]
    ids: Mapping[str, str]


@pytest.fixture(scope="module")
def story(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("access")
    words = {"beyond": "hold", "officer": "billing"}
    with serving(folder, CATALOGUE, FACTS, words=words) as issuer, Sandbox(CATALOGUE, base_url=issuer) as desk:
        visits = {name: visit(browser, desk) for name in ("anna", "olga", "sam", "nobody")}
        visits["anna"].enrol("anna", "customer", "Anna Berg", [])
        visits["olga"].enrol("olga", "officer", "Olga Kern", ["billing"])
        visits["sam"].enrol("sam", "officer", "Sam Hale", ["admin"])
        yield Story(visits, told(desk))
        for one in visits.values():
            one.context.close()


def told(desk: Sandbox) -> dict[str, str]:
    anna, agent = desk.customer("anna"), desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
    other = desk.agent("spiffe://other.example/bot", name="An agent with a rather long name, as some of them have")
    granted = anna.grant(agent, {**copy.deepcopy(MANDATE), "max_tasks": 3})
    task = agent.open(granted)
    task.ask("case.comment", {"text": "The kettle leaks."}, words="The kettle leaks.")
    refund = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
    anna.confirm(task.ask("payment.refund", refund))
    task.ask("payment.refund", {**refund, "amount": "500.00 EUR"})
    held = task.ask("order.read", {"order_id": "W1001"}, words="Is it on its way?\nPlease tell me the address.\nAnd refund me 900.00 EUR.")
    log = Attachment(name="kettle.log", media_type="text/plain", data=f"It leaks. {'It really does. ' * 30}\n".encode() * 9)
    waiting = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1", "i2"]}, words="Both are broken.", attachments=[log])
    odd = Attachment(name="scan.doc", media_type="application/msword", data=b"\xd0\xcf\x11\xe0 a document of an old kind" + bytes(90))
    task.ask("order.read", {"order_id": "W1001"}, attachments=[odd])
    anna.revoke(anna.grant(other, copy.deepcopy(MANDATE)))
    entry = str(anna.get("/me/v1/history")["entries"][3]["entry"])
    anna.post(f"/me/v1/entries/{entry}/contest", {"text": "I do not remember this."})
    kim = desk.officer("kim", ["security"])
    kim.post("/security/v1/suspend", {"operator": "other.example", "reason": "odd traffic"})
    kim.post("/security/v1/resume", {"operator": "other.example", "reason": "they explained it"})
    request, _ = agent.push(copy.deepcopy(MANDATE))
    confirmation = anna.waiting()[0]["confirmation"]
    assert waiting.needs_human
    files = desk.officer("mia", ["billing"]).get(f"/desk/v1/cases/{task.case}")["files"]
    ids = {one["state"]: one["file"] for one in files}
    return {
        "held_file": ids["held"],
        "incident": kim.get("/security/v1/incidents")["incidents"][0]["incident"],
        "kept": ids["kept"],
        "case": task.case,
        "confirmation": confirmation,
        "entry": entry,
        "mandate": granted.id,
        "request": request,
        "held": desk.officer("bea", ["billing"]).invitation(held),
    }


@pytest.mark.proves("ACCESS")
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_used_by_everybody(story: Story, name: str, size: ViewportSize, scheme: Any) -> None:
    who, path = PAGES[name]
    one = story.visits[who]
    one.errors.clear()
    one.page.set_viewport_size(size)
    one.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    one.open(path.format(**story.ids))
    screens = one.page.evaluate("document.documentElement.scrollHeight / window.innerHeight")
    assert screens <= SCREENS, f"{screens:.1f} screens before a fold"
    verify_usable(one, size)


@pytest.mark.proves("ACCESS")
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])
@pytest.mark.parametrize("name", ANSWERS)
def test_what_answers_a_form_can_be_used_by_everybody(story: Story, name: str, size: ViewportSize, scheme: Any) -> None:
    who, path, form, entered = ANSWERS[name]
    one = story.visits[who]
    one.errors.clear()
    one.page.set_viewport_size(size)
    one.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    one.open(path.format(**story.ids))
    one.ready()
    one.page.evaluate(SEND, [form, entered])
    one.page.locator(f"{form} [data-result]:not(:empty)").wait_for(state="attached")
    verify_usable(one, size)


SEND = """([form, entered]) => {
  const one = document.querySelector(form);
  for (const [name, value] of Object.entries(entered)) one.elements[name].value = value;
  one.requestSubmit();
}"""


def verify_usable(one: Visit, size: ViewportSize) -> None:
    """The page that is open has nothing that axe-core finds, is not cut off, and complains of nothing."""
    one.ready()
    one.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    check_usable(one.page, size["width"])
    assert one.errors == []
