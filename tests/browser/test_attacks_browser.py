"""Attacks on people's pages with a real browser: framed and opened by others, signatures used elsewhere, other sites' requests, sessions."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from attacks.test_r_peoples_doors import BODIES
from browser.desk_server import serving
from browser.hostile import HostileSite, Said, cookie_of, hostile_site, post, sign, standing
from browser.shop import CATALOGUE, FACTS, MANDATE
from browser.visits import CHROMIUM, Visit, visit
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxAgent, SandboxTask

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-attacks"),
]
REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
RETURN = {"order_id": "W1001", "item_ids": ["i1", "i2"]}
OTHERS = ["foreign", "sibling"]
"""Where a hostile page stands: on another site, and on the desk's own site beside it."""


@dataclass
class Scene:
    """A desk, Anna in her browser, an agent that has a task of hers, and a hostile site."""

    browser: Browser
    desk: Sandbox
    anna: Visit
    agent: SandboxAgent
    task: SandboxTask
    mandate: str
    site: HostileSite

    @property
    def cookie(self) -> str:
        """Anna's session."""
        return cookie_of(self.anna)

    def waiting(self, action: str = "payment.refund", params: dict[str, Any] = REFUND) -> str:
        """The id of what waits for Anna now."""
        asked = self.task.ask(action, params)
        rows = self.desk.room.call("GET", "/me/v1/waiting", cookie=self.cookie)["waiting"]
        return next(str(row["confirmation"]) for row in rows if row["ask"] == asked.ask)

    def shown(self, confirmation: str) -> dict[str, Any]:
        """What Anna is shown of it."""
        found: dict[str, Any] = self.desk.room.call("GET", f"/me/v1/confirmations/{confirmation}", cookie=self.cookie)
        return found

    def pushed(self) -> str:
        """The id of a fresh request of the agent's."""
        return self.agent.push(copy.deepcopy(MANDATE))[0].rpartition(":")[2]

    def answers(self) -> list[str]:
        """What the record says was answered."""
        return [one["envelope"]["answer"] for one in self.desk.transcript() if one["kind"] == "confirmation.answered"]

    def performed(self) -> int:
        """How many acts were done."""
        return sum(one["kind"] == "act.performed" for one in self.desk.transcript())

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """What happens inside changes nothing of Anna's, and nothing on the record."""
        before = standing(self.desk, self.cookie)
        yield
        assert standing(self.desk, self.cookie) == before


@pytest.fixture
def scene(browser: Browser, tmp_path: Path) -> Iterator[Scene]:
    with (
        serving(tmp_path, CATALOGUE, FACTS, {"decline_pause_s": 1}) as issuer,
        Sandbox(CATALOGUE, base_url=issuer) as desk,
        hostile_site() as site,
    ):
        anna = visit(browser, desk)
        anna.enrol("anna", "customer", "Anna Berg", [])
        agent = desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
        mandate = granted(anna, agent)
        yield Scene(browser, desk, anna, agent, agent.open(mandate), mandate, site)
        anna.context.close()


def granted(anna: Visit, agent: SandboxAgent) -> str:
    """A mandate that Anna has granted, without a look at the page."""
    request_uri, state = agent.push({**copy.deepcopy(MANDATE), "max_tasks": 3})
    path = f"/me/v1/requests/{request_uri.rpartition(':')[2]}"
    shown = anna.desk.room.call("GET", path, cookie=cookie_of(anna))
    signed = post(anna.page, path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": sign(anna.page, shown["options"])})
    return str(agent.redeem(signed.body["redirect"], state)["mandate"])


# framed, and opened by others

FRAMES = {
    "iframe": '<iframe src="{url}" width="600" height="400"></iframe>',
    "sandboxed": '<iframe sandbox src="{url}"></iframe>',
    "sandboxed, with everything allowed": '<iframe sandbox="allow-scripts allow-forms allow-same-origin allow-popups allow-modals"'
    ' allow="publickey-credentials-get *" src="{url}"></iframe>',
    "framed twice": "<iframe srcdoc=\"<iframe src='{url}'></iframe>\"></iframe>",
    "object": '<object data="{url}" type="text/html" width="600" height="400"></object>',
    "embed": '<embed src="{url}" type="text/html" width="600" height="400">',
    "frameset": '<frameset cols="*"><frame src="{url}"></frameset>',
}


@pytest.mark.proves("P16", "UNFRAMED")
@pytest.mark.parametrize("where", OTHERS)
def test_no_page_of_ours_shows_inside_another(scene: Scene, where: str) -> None:
    page = scene.anna.page
    confirmation, request = scene.waiting(), scene.pushed()
    answered: list[Response] = []
    page.on("response", lambda one: answered.append(one) if one.url.startswith(scene.desk.room.issuer) else None)
    paths = (f"/confirm/{confirmation}", f"/oauth/authorize?request_uri=urn:ietf:params:oauth:request_uri:{request}", "/desk", "/login")
    with scene.unchanged():
        for name, markup in FRAMES.items():
            scene.site.pages["/frames"] = "".join(markup.format(url=scene.desk.room.issuer + path) for path in paths)
            answered.clear()
            page.goto(f"{getattr(scene.site, where)}/frames", wait_until="load")
            page.wait_for_load_state("networkidle")
            assert answered, f"{name}: the desk was not even asked"
            assert in_frames(page, scene.desk.room.issuer) == [], name
    scene.site.pages["/frames"] = FRAMES["iframe"].format(url=f"{scene.site.sibling}/")
    page.goto(f"{getattr(scene.site, where)}/frames")
    assert in_frames(page, scene.site.sibling) == ["You have won"], "what may be framed would have been seen"


def in_frames(page: Page, site: str) -> list[str]:
    """The text of what is shown inside a page and is of a site."""
    inside = [one for one in page.frames if one.parent_frame is not None]
    return [one.locator("body").inner_text() for one in inside if one.url.startswith(site)]


@pytest.mark.proves("P16", "UNFRAMED")
def test_no_page_of_ours_shows_inside_our_own(scene: Scene) -> None:
    page, issuer = scene.anna.page, scene.desk.room.issuer
    scene.anna.open("/me")
    with page.expect_response(f"{issuer}/me/history"):
        page.evaluate("document.body.append(Object.assign(document.createElement('iframe'), {src: '/me/history'}))")
    page.wait_for_load_state("networkidle")
    assert in_frames(page, issuer) == []


@pytest.mark.proves("P16", "UNFRAMED")
@pytest.mark.parametrize("where", OTHERS)
@pytest.mark.parametrize(
    "opens",
    ["window.opened = window.open('{url}', 'desk', 'width=500,height=500')", "document.body.innerHTML = '<a target=desk rel=opener href={url}>x</a>'"],
    ids=["window.open", "a link with its opener"],
)
def test_who_opens_our_page_in_a_window_has_no_hold_of_it(scene: Scene, where: str, opens: str) -> None:
    page, url = scene.anna.page, f"{scene.desk.room.issuer}/confirm/{scene.waiting()}"
    page.goto(f"{getattr(scene.site, where)}/")
    with scene.unchanged():
        with page.expect_popup() as opened:
            page.evaluate(opens.format(url=url))
            if "rel=opener" in opens:
                page.locator("a").click()
        popup = opened.value
        expect(popup.get_by_role("button", name="Yes, with my passkey")).to_be_visible()
        assert popup.evaluate("window.opener") is None
        assert popup.evaluate("window.name") == "", "nor can it be found again by its name"
        if "window.open" in opens:
            assert page.evaluate("[opened.closed, opened.length]") == [True, 0]
            page.evaluate("opened.location = location.href; opened.postMessage({answer: 'yes'}, '*')")
        page.evaluate("window.open('/', 'desk')")
        page.wait_for_timeout(200)
        assert popup.url == url
        popup.close()


# in the agent's own browser


@pytest.mark.proves("P1", "CONFIRM-WHO")
def test_an_agent_in_a_browser_of_its_own_neither_sees_nor_answers_what_waits(scene: Scene) -> None:
    confirmation = scene.waiting()
    twin = f"/me/v1/confirmations/{confirmation}"
    shown = scene.shown(confirmation)
    agents = visit(scene.browser, scene.desk)
    with scene.unchanged():
        agents.open(f"/confirm/{confirmation}")
        expect(agents.page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert "Refund" not in agents.page.content()
        proof = scene.agent.door  # what it proves itself with is no person's
        assert proof is not None
        for headers in ({}, {"authorization": f"DPoP {scene.task.token}"}, {"authorization": f"Bearer {scene.task.token}"}):
            for answer in ({"answer": "yes"}, {"answer": "no"}):
                assert post(agents.page, twin, answer, headers).status == 401
    eve = visit(scene.browser, scene.desk)
    eve.enrol("eve", "customer", "Eve", [])
    with scene.unchanged():
        eve.open(f"/confirm/{confirmation}")
        expect(eve.page.get_by_role("button", name="Yes, with my passkey")).to_have_count(0)
        assert "Refund" not in eve.page.content()
        hers = {**shown["options"], "allowCredentials": []}
        assert post(eve.page, twin, {"answer": "yes", "assertion": sign(eve.page, hers)}).code == "confirmation.wrong_person"
        assert post(eve.page, twin, {"answer": "no"}).code == "confirmation.wrong_person"
    for one in (agents, eve):
        one.context.close()


@pytest.mark.proves("P1", "P15", "HUMAN-CREDENTIAL")
@pytest.mark.parametrize("how", ["its token and a proof", "a proof alone"])
def test_an_agents_credential_beside_the_customers_session_ends_that_session_on_the_record(scene: Scene, how: str) -> None:
    confirmation = scene.waiting()
    scene.anna.open("/me")
    headers = {"dpop": "eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.x"}
    if how == "its token and a proof":
        headers["authorization"] = f"DPoP {scene.task.token}"
    said = post(scene.anna.page, f"/me/v1/confirmations/{confirmation}", {"answer": "no"}, headers)
    assert said.code == "agent.human_credential"
    assert scene.answers() == []
    misused = [one for one in scene.desk.transcript() if one["kind"] == "credential.misused"]
    assert [one["desk"]["person"] for one in misused] == ["anna"]
    scene.anna.open("/me")
    expect(scene.anna.page.get_by_role("heading", name="Sign in")).to_be_visible()


# signatures


def refused(said: Said, *codes: str) -> None:
    """The answer was not taken."""
    assert said.code in codes, said


@pytest.mark.proves("P7", "CONFIRM-ONCE")
def test_a_signature_that_was_used_is_worth_nothing_again(scene: Scene) -> None:
    anna, first = scene.anna, scene.waiting()
    twin = f"/me/v1/confirmations/{first}"
    anna.open(f"/confirm/{first}")
    with anna.page.expect_request(f"**{twin}") as sent:
        anna.page.get_by_role("button", name="Yes, with my passkey").click()
    anna.result("Done.")
    body = sent.value.post_data_json
    assert body["answer"] == "yes"
    second = scene.waiting("order.return", RETURN)
    stranger = visit(scene.browser, scene.desk)
    stranger.open("/login")
    with scene.unchanged():
        refused(post(anna.page, twin, body), "confirmation.replayed")
        refused(post(anna.page, f"/me/v1/confirmations/{second}", body), "credential.wrong_key")
        refused(post(anna.page, f"/desk/v1/confirmations/{second}", body), "credential.wrong_key")
        refused(post(stranger.page, twin, body), "person.not_signed_in")
    assert (scene.answers(), scene.performed()) == (["yes"], 1)
    begun = post(stranger.page, "/login/v1/sign-in", {})
    refused(post(stranger.page, "/login/v1/sign-in", {"ceremony": begun.body["ceremony"], "assertion": body["assertion"]}), "person.not_signed_in", "credential.wrong_key")
    stranger.context.close()


@pytest.mark.proves("P6", "CONFIRM-SIGNED")
def test_a_signature_counts_for_the_act_that_was_shown_and_for_no_other(scene: Scene) -> None:
    anna, first, second = scene.anna, scene.waiting(), scene.waiting("order.return", RETURN)
    twins = [f"/me/v1/confirmations/{one}" for one in (first, second)]
    held: list[dict[str, Any]] = []
    anna.page.route(f"**{twins[0]}", lambda route: (held.append(route.request.post_data_json), route.abort()))
    anna.open(f"/confirm/{first}")
    anna.page.get_by_role("button", name="Yes, with my passkey").click()
    anna.result("The desk cannot be reached.")
    anna.page.unroute(f"**{twins[0]}")
    other = {"answer": "yes", "assertion": sign(anna.page, scene.shown(second)["options"])}
    with scene.unchanged():
        refused(post(anna.page, twins[1], held[0]), "credential.wrong_key")
        refused(post(anna.page, twins[0], other), "credential.wrong_key")
    assert post(anna.page, twins[0], held[0]).body["state"] == "done", "for its own act it would have counted all the time"
    assert (scene.answers(), scene.performed()) == (["yes"], 1)


@pytest.mark.proves("P6", "CONFIRM-SIGNED", "CONFIRM-LESS")
def test_a_signature_counts_for_the_rendering_that_was_shown_and_for_no_other(scene: Scene) -> None:
    anna, confirmation = scene.anna, scene.waiting()
    twin = f"/me/v1/confirmations/{confirmation}"
    anna.open("/me")
    whole = sign(anna.page, scene.shown(confirmation)["options"])
    lesser = post(anna.page, f"{twin}/less", {"params": {**REFUND, "amount": "20.00 EUR"}})
    assert lesser.status == 200
    less = sign(anna.page, lesser.body["options"])
    with scene.unchanged():
        refused(post(anna.page, twin, {"answer": "less", "assertion": whole}), "credential.wrong_key")
        refused(post(anna.page, twin, {"answer": "yes", "assertion": less}), "credential.wrong_key")
    again = post(anna.page, f"{twin}/less", {"params": {**REFUND, "amount": "10.00 EUR"}})
    with scene.unchanged():
        refused(post(anna.page, twin, {"answer": "less", "assertion": less}), "credential.wrong_key")
    assert post(anna.page, twin, {"answer": "less", "assertion": sign(anna.page, again.body["options"])}).body["state"] == "done"
    acted = [one for one in scene.desk.transcript() if one["kind"] == "act.performed"]
    assert len(acted) == 1
    assert scene.answers() == ["less"]


@pytest.mark.proves("P6", "CONFIRM-SIGNED")
def test_a_signature_grants_the_request_that_was_shown_and_no_other(scene: Scene) -> None:
    anna, requests = scene.anna, [scene.pushed(), scene.pushed()]
    anna.open("/me")
    shown = [scene.desk.room.call("GET", f"/me/v1/requests/{one}", cookie=scene.cookie) for one in requests]
    signed = [sign(anna.page, one["options"]) for one in shown]
    paths = [f"/me/v1/requests/{one}" for one in requests]
    with scene.unchanged():
        for ceremony, assertion in ((0, 0), (0, 1), (1, 0)):
            body = {"answer": "grant", "ceremony": shown[ceremony]["ceremony"], "assertion": signed[assertion]}
            assert post(anna.page, paths[1], body).status in {400, 401, 403, 404, 409}
    assert "redirect" in post(anna.page, paths[0], {"answer": "grant", "ceremony": shown[0]["ceremony"], "assertion": signed[0]}).body


@pytest.mark.proves("P16", "CONFIRM-UNFRAMED")
def test_a_passkey_that_was_used_on_a_page_beside_ours_signs_nothing_here(scene: Scene) -> None:
    anna, confirmation = scene.anna, scene.waiting()
    twin, options = f"/me/v1/confirmations/{confirmation}", scene.shown(confirmation)["options"]
    begun = scene.desk.room.call("POST", "/login/v1/sign-in", {})
    anna.page.goto(f"{scene.site.foreign}/")
    with pytest.raises(Exception, match="SecurityError|relying party|secure"):
        sign(anna.page, options)
    anna.page.goto(f"{scene.site.sibling}/")
    for_act, for_login = sign(anna.page, options), sign(anna.page, begun["options"])
    anna.open("/me")
    with scene.unchanged():
        refused(post(anna.page, twin, {"answer": "yes", "assertion": for_act}), "credential.wrong_key")
        stolen = {"ceremony": begun["ceremony"], "assertion": for_login}
        sent = scene.desk.room.raw("POST", "/login/v1/sign-in", stolen, check=False)
        assert (sent.status_code, "set-cookie" in sent.headers) == (401, False)
    assert post(anna.page, twin, {"answer": "yes", "assertion": sign(anna.page, options)}).body["state"] == "done"
