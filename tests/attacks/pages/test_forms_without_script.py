"""The forms of the pages: each leads to a door that reads JSON alone, none is sent by the browser itself; and what the desk's own people read."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from attacks.arena import ISSUER, Arena, code_of
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.domain.records import PersonRecord
from remit.entrypoints import web
from remit.entrypoints.http.app import App
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxPerson
from remit.usecases.desk.page_events import page_version

OURS: Final = {"origin": ISSUER, "sec-fetch-site": "same-origin", "content-type": "application/json"}
REFUND: Final = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
RULE: Final = {"name": "refunds", "reason": "money", "actions": ["payment.refund"], "roles": ["billing"], "due": "2h"}
SHOP: Final[dict[str, Any]] = {
    **CATALOGUE,
    "role": {**CATALOGUE["role"], "care": {"title": "Customer care officer"}},
    "escalation": [{**RULE, "then": {"role": "care", "due": "1h"}}],
}
HELPER: Final = "spiffe://helper.example/shop"
TOKEN: Final = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
BY_THE_BROWSER: Final = {
    *(("get", one) for one in ("/audit", "/audit/report", "/desk", "/security", "/security/agents")),
    *(("post", one) for one in ("/language", "/oauth/authorize?{{ query }}")),
}
"""What a browser sends by itself: searches and filters, which language one reads, and the purpose picked for an assistant, under the client's own query."""


class Scene:
    """A desk with people, and an act that waits for an officer."""

    def __init__(self, desk: Sandbox) -> None:
        self.arena = Arena(desk)
        self.people: dict[str, SandboxPerson] = {
            "anna": desk.customer("anna", email="anna@mail.example", name="Anna Berg"),
            "olga": desk.officer("olga", ["billing"], name="Olga Frey"),
            "bea": desk.officer("bea", ["billing"]),
            "sam": desk.officer("sam", ["security"]),
        }
        agent = desk.agent(HELPER)
        self.task = agent.open(desk.customer("anna").grant(agent, MANDATE))
        self.waits = self.people["olga"].invitation(self.task.ask("payment.refund", REFUND))

    def send(self, path: str, body: Mapping[str, Any], who: str) -> httpx.Response:
        """What a page's program sends."""
        content = json.dumps(body, ensure_ascii=False).encode()
        return self.arena.room.raw("POST", path, cookie=self.people[who].cookie, headers=OURS, content=content, check=False)

    def page(self, path: str, who: str) -> str:
        """A page, as somebody sees it."""
        return self.arena.person("GET", path, cookie=self.people[who].cookie).text


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Sandbox(SHOP, facts=FACTS) as desk:
        yield Scene(desk)


def written() -> str:
    """Every template."""
    return " ".join(one.read_text("utf-8") for one in sorted((Path(str(web.__path__[0])) / "templates").iterdir()))


@pytest.mark.proves("FORMS", "P16")
def test_a_browser_sends_nothing_by_itself_but_searches_and_what_is_picked() -> None:
    tags = re.findall(r"<form ([^>]*)>", written())
    assert len(tags) > 20
    methods = {(re.findall(r'method="(\w+)"', tag)[0], (re.findall(r' action="([^"]+)"', tag) or [""])[0]) for tag in tags}
    assert methods == {("dialog", ""), *BY_THE_BROWSER}, "what somebody wrote stands in no address, and in no log of them"
    assert "formaction" not in written()


@pytest.mark.proves("FORMS")
def test_each_form_of_a_page_leads_to_a_door_and_none_says_yes_by_itself(scene: Scene) -> None:
    desk = scene.arena.desk.desk
    assert desk is not None
    assert isinstance(desk.app, App)
    doors = {path for method, path in desk.app.addresses if method == "POST"}
    leads = {re.sub(r"\{\{.*?\}\}|\{id\}", "{id}", one) for one in re.findall(r'data-send="((?:\{\{.*?\}\}|[^"])*)"', written())}
    assert len(leads) > 15
    assert leads <= doors
    assert not {one for one in leads if re.search(r"/(confirmations|requests)/\{id\}$|narrow|passkeys", one)}, "a passkey signs those"


@pytest.mark.proves("OUTBOUND")
def test_what_is_withheld_is_not_sent_unless_it_is_left_out(scene: Scene) -> None:
    secret, path = f"The code is {TOKEN}, it goes to Lindenweg 4, 20095 Hamburg.", f"/desk/v1/cases/{scene.task.case}/reply"
    assert code_of(scene.send(path, {"text": secret}, "olga")) == "reply.withheld"
    assert scene.task.inbox() == []
    assert scene.send(path, {"text": secret, "withhold": True}, "olga").status_code == 201
    assert [one["text"] for one in scene.task.inbox()] == ["The code is [withheld], it goes to [withheld]."]


@pytest.mark.proves("FORMS")
def test_as_long_a_text_as_the_page_takes_is_taken_in_any_script(scene: Scene) -> None:
    text = "\U0001f600" * 8000
    for what in ("check", "reply"):
        assert scene.send(f"/desk/v1/cases/{scene.task.case}/{what}", {"text": text}, "olga").is_success, what
    assert scene.task.inbox()[-1]["text"] == text


@pytest.mark.proves("FORMS")
def test_a_one_time_link_stands_in_its_answer_alone(scene: Scene) -> None:
    new = {"id": "cleo", "name": "Cleo Marsh", "email": "", "kind": "customer"}
    for path, body in (("/security/v1/people", new), ("/security/v1/people/anna/recover", {})):
        answer = scene.send(path, body, "sam")
        assert answer.text.count("/enrol?code=") == 1
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "same-origin")
        assert "location" not in answer.headers
        code = re.findall(r"/enrol\?code=([A-Za-z0-9_.-]+)", answer.text)[0]
        for page in ("/security", "/security/admin", "/security/agents", "/security/proposals"):
            assert code not in scene.page(page, "sam")


@pytest.mark.proves("CONFIRM-WHO")
def test_a_name_in_a_refusal_hides_nothing(scene: Scene) -> None:
    ivo = scene.arena.desk.officer("ivo", ["billing"], name="Ivo \u202eyerF")
    ivo.post(f"/desk/v1/confirmations/{scene.waits}/take", {})
    refused = scene.send(f"/desk/v1/confirmations/{scene.waits}", {"answer": "no"}, "bea")
    assert (refused.status_code, "\u202e" in refused.text, "Ivo ⟨U+202E⟩yerF is working on this." in refused.text) == (409, False, True)
    told = scene.send("/security/v1/people/no\u202ebody/roles", {"roles": [], "reason": "x"}, "sam")
    assert "\u202e" not in told.json()["detail"]


@pytest.mark.proves("CONFIRM-WHO")
def test_the_page_of_what_a_colleague_has_taken_says_so_and_takes_no_answer(scene: Scene) -> None:
    path = f"/confirm/{scene.waits}"

    def person(who: str) -> PersonRecord:
        return scene.arena.run(scene.arena.context.store.get(PersonRecord, who)).record

    assert "is working on this until" not in scene.page(path, "bea")
    assert scene.send(f"/desk/v1/confirmations/{scene.waits}/take", {}, "olga").status_code == 200
    assert "Olga Frey is working on this until <time" in scene.page(path, "bea")
    assert 'data-answer="' not in scene.page(path, "bea")
    assert "This is assigned to you until <time" in scene.page(path, "olga")
    assert 'data-answer="yes"' in scene.page(path, "olga")
    assert "is working on this until" not in scene.page(path, "anna")
    assert 'data-answer="yes"' in scene.page(path, "anna")
    refused = scene.send(f"/desk/v1/confirmations/{scene.waits}", {"answer": "no"}, "bea")
    assert (refused.status_code, code_of(refused)) == (409, "confirmation.taken")
    stands = scene.arena.run(page_version(scene.arena.context, person("bea")))
    scene.arena.clock.ahead_ms += 10 * 60_000 + 1
    assert 'data-answer="yes"' in scene.page(path, "bea")
    assert scene.arena.run(page_version(scene.arena.context, person("bea"))) != stands, "an open page hears that it is free again"


@pytest.mark.proves("FORMS")
def test_what_the_desk_wrote_down_stands_in_its_pages_as_text(scene: Scene) -> None:
    bad = '"><script>alert(1)</script>{link}'
    stopped = scene.send("/security/v1/suspend", {"operator": "bad.example", "reason": bad}, "sam")
    planted = scene.send("/security/v1/canaries", {"kind": "token", "name": bad, "place": bad}, "sam")
    assert (stopped.status_code, planted.status_code) == (200, 201)
    for page in ("/security/agents", "/security/admin"):
        shown = scene.page(page, "sam")
        assert "<script>alert" not in shown
        assert bad in html.unescape(shown), page
