"""Attacks on people's pages with a real browser: framed and opened by others, signatures used elsewhere, other sites' requests, sessions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, expect

from attacks.pages.bodies import BODIES
from browser.desk_server import serving
from browser.hostile import Said, post, sign, standing
from browser.scene import REFUND, RETURN, Scene, begun
from browser.visits import CHROMIUM, Visit, keeping_pages, visit
from desks.shop import CATALOGUE, FACTS

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
    pytest.mark.xdist_group("browser-attacks"),
]
OTHERS = ["foreign", "sibling"]
"""Where a hostile page stands: on another site, and on the desk's own site beside it."""


@pytest.fixture
def scene(browser: Browser, tmp_path: Path) -> Iterator[Scene]:
    with (
        serving(tmp_path, CATALOGUE, FACTS, {"decline_pause_s": 1}) as issuer,
        begun(browser, issuer, CATALOGUE) as one,
    ):
        yield one


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
    [
        "window.opened = window.open('{url}', 'desk', 'width=500,height=500')",
        "document.body.innerHTML = '<a target=desk rel=opener href={url}>x</a>'",
    ],
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
        expect(popup.get_by_role("button", name="Approve with passkey")).to_be_visible()
        assert popup.evaluate("window.opener") is None
        assert popup.evaluate("window.name") == "", "nor can it be found again by its name"
        if "opened" in opens:
            assert page.evaluate("[opened.closed, opened.length]") == [True, 0]
            page.evaluate("opened.location = location.href; opened.postMessage({answer: 'yes'}, '*')")
        with page.expect_popup() as another:
            page.evaluate("window.other = window.open('/', 'desk')")
        assert page.evaluate("other.closed") is False, "of a window of its own it would have had a hold"
        assert (another.value is popup, popup.url) == (False, url)
        popup.close()


@pytest.mark.proves("P16", "ONE-PRESS")
def test_a_press_that_was_begun_in_another_window_agrees_to_nothing(scene: Scene) -> None:
    sam = scene.desk.officer("sam", ["security"])
    scene.desk.suspend(agent=scene.agent)
    proposal = sam.post("/security/v1/resume", {"agent": scene.agent.client_id})["proposal"]["proposal"]
    kim = visit(scene.browser, scene.desk)
    kim.enrol("kim", "officer", "Kim Osei", ["security"])
    kim.page.goto(f"{scene.site.foreign}/")
    with kim.page.expect_popup() as opened:
        kim.page.evaluate(f"window.open('{scene.desk.room.issuer}/security/proposals', 'desk', 'width=600,height=600')")
    page = opened.value
    expect(page.locator("html")).to_have_attribute("data-ready", "")
    agree = page.get_by_role("button", name="Approve")
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    page.evaluate("dispatchEvent(new Event('blur'))")
    press(page, agree)
    # It comes to the front, as a window does from under another that closes itself at the first of two presses.
    assert agree.evaluate(TO_THE_FRONT) == 500
    press(page, agree)
    assert [one["proposal"] for one in sam.get("/security/v1/proposals")["proposals"]] == [proposal]
    agree.evaluate("(one) => one.getAnimations()[0].finish()")
    press(page, agree)
    expect(page.get_by_text("No open proposals.")).to_be_visible()
    assert len(sent) == 1, "of all these presses the last one alone was sent"
    kim.context.close()


TO_THE_FRONT = """(one) => {
  dispatchEvent(new Event('blur'));
  one.getAnimations();
  dispatchEvent(new Event('focus'));
  const [wait] = one.getAnimations();
  wait.pause();
  return wait.effect.getTiming().duration;
}"""


def press(page: Page, button: Locator) -> None:
    """A press where the button stands, whatever the page makes of it."""
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    assert place
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)


@pytest.mark.proves("P16", "CONFIRM-SIGNED")
def test_a_press_on_yes_alone_is_no_yes(scene: Scene) -> None:
    confirmation = scene.waiting()
    anna = scene.anna
    anna.cdp.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": anna.authenticator, "enabled": False})
    anna.page.goto(f"{scene.site.sibling}/")
    with scene.unchanged():
        anna.page.evaluate(f"location.assign('{scene.desk.room.issuer}/confirm/{confirmation}')")
        yes = anna.page.get_by_role("button", name="Approve with passkey")
        expect(yes).to_be_visible()
        anna.ready()
        press(anna.page, yes)
        press(anna.page, yes)
        expect(yes).to_be_disabled()
    anna.page.goto(f"{scene.site.sibling}/")


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
        expect(eve.page.get_by_role("button", name="Approve with passkey")).to_have_count(0)
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
        anna.page.get_by_role("button", name="Approve with passkey").click()
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
    login = post(stranger.page, "/login/v1/sign-in", {})
    refused(
        post(stranger.page, "/login/v1/sign-in", {"ceremony": login.body["ceremony"], "assertion": body["assertion"]}),
        "person.not_signed_in",
        "credential.wrong_key",
    )
    stranger.context.close()


@pytest.mark.proves("P6", "CONFIRM-SIGNED")
def test_a_signature_counts_for_the_act_that_was_shown_and_for_no_other(scene: Scene) -> None:
    anna, first, second = scene.anna, scene.waiting(), scene.waiting("order.return", RETURN)
    twins = [f"/me/v1/confirmations/{one}" for one in (first, second)]
    held: list[dict[str, Any]] = []
    anna.page.route(f"**{twins[0]}", lambda route: (held.append(route.request.post_data_json), route.abort()))
    anna.open(f"/confirm/{first}")
    anna.page.get_by_role("button", name="Approve with passkey").click()
    anna.result("We can't reach the server. Check your connection, then reload the page to see whether it was done.")
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
    login = scene.desk.room.call("POST", "/login/v1/sign-in", {})
    anna.page.goto(f"{scene.site.foreign}/")
    with pytest.raises(Exception, match=r"SecurityError|relying party|secure"):
        sign(anna.page, options)
    anna.page.goto(f"{scene.site.sibling}/")
    for_act, for_login = sign(anna.page, options), sign(anna.page, login["options"])
    anna.open("/me")
    with scene.unchanged():
        refused(post(anna.page, twin, {"answer": "yes", "assertion": for_act}), "credential.wrong_key")
        stolen = {"ceremony": login["ceremony"], "assertion": for_login}
        sent = scene.desk.room.raw("POST", "/login/v1/sign-in", stolen, check=False)
        assert (sent.status_code, "set-cookie" in sent.headers) == (401, False)
    assert post(anna.page, twin, {"answer": "yes", "assertion": sign(anna.page, options)}).body["state"] == "done"


# other sites' requests

ENCTYPES = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data")
SUBMIT = """([url, enctype, fields]) => {
  const form = Object.assign(document.createElement('form'), {method: 'post', action: url, enctype});
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement('input'), {type: 'hidden', name, value}));
  }
  document.body.append(form);
  form.submit();
}"""
SEND_ALL = """async (doors) => {
  const said = [];
  for (const [url, body] of doors) {
    const text = JSON.stringify(body);
    const tries = [
      {mode: 'no-cors', headers: {'content-type': 'text/plain'}, body: text},
      {mode: 'no-cors', headers: {'content-type': 'text/plain;application/json'}, body: text},
      {mode: 'no-cors', headers: {'content-type': 'application/x-www-form-urlencoded'}, body: text},
      {mode: 'no-cors', body: new Blob([text])},
      {mode: 'no-cors', body: new Blob([text], {type: 'application/json'})},
      {mode: 'no-cors'},
      {mode: 'cors', headers: {'content-type': 'application/json'}, body: text},
    ];
    for (const one of tries) {
      said.push(await fetch(url, {method: 'POST', credentials: 'include', ...one}).then((answer) => answer.type, () => 'blocked'));
    }
    navigator.sendBeacon(url, new Blob([text], {type: 'text/plain'}));
  }
  return said;
}"""


def doors_of(scene: Scene, confirmation: str) -> dict[str, str]:
    """Doors of a customer's pages that would do harm, with what they take."""
    entries = scene.desk.room.call("GET", "/me/v1/history", cookie=scene.cookie)["entries"]
    entry = entries[0]["entry"]
    return {
        f"/me/v1/entries/{entry}/contest": '{"text": "Not me."}',
        f"/me/v1/confirmations/{confirmation}": '{"answer": "no"}',
        f"/me/v1/requests/{scene.pushed()}": '{"answer": "decline"}',
        f"/me/v1/entries/{entry}/disown": "{}",
        f"/me/v1/mandates/{scene.mandate}/revoke": "{}",
        "/login/v1/sign-out": "",
    }


@pytest.mark.proves("P16", "CSRF")
@pytest.mark.parametrize("where", [*OTHERS, "subdomain"])
def test_no_form_of_another_sites_page_opens_a_door_of_ours(scene: Scene, where: str) -> None:
    page, issuer = scene.anna.page, scene.desk.room.issuer
    doors = doors_of(scene, scene.waiting())
    hostile = getattr(scene.site, where)
    with scene.unchanged():
        for path, body in doors.items():
            for enctype in ENCTYPES if "confirmations" in path else ENCTYPES[:2]:
                page.goto(f"{hostile}/")
                with page.expect_navigation(url=issuer + path), page.expect_response(issuer + path) as answered:
                    # A form in plain text can write JSON: the "=" between name and value is part of a text in it.
                    page.evaluate(SUBMIT, [issuer + path, enctype, {f'{body[:-1]}, "x": "': '"}'} if body else {}])
                sent = answered.value.request.all_headers()
                assert ("cookie" in sent) == (where == "sibling"), "another port is the same site: the session goes with it"
                assert sent["origin"] == hostile
                assert answered.value.status == 403, (path, enctype)
    scene.anna.open("/me")
    revoke = f"/me/v1/mandates/{scene.mandate}/revoke"
    assert post(page, revoke, {}).status == 200, "from a page of ours it would have counted"


@pytest.mark.proves("P16", "CSRF")
@pytest.mark.parametrize("where", [*OTHERS, "subdomain"])
def test_no_other_sites_program_sends_anything_that_counts(scene: Scene, where: str) -> None:
    page, issuer, confirmation = scene.anna.page, scene.desk.room.issuer, scene.waiting()
    entry = scene.desk.room.call("GET", "/me/v1/history", cookie=scene.cookie)["entries"][0]["entry"]
    ids = {"confirmations": confirmation, "mandates": scene.mandate, "requests": scene.pushed(), "entries": str(entry)}
    doors = [(issuer + filled(path, ids), body) for path, body in BODIES.items() if not path.startswith("/sandbox")]
    page.goto(f"{getattr(scene.site, where)}/")
    statuses, sessions = wire(scene.anna)
    with scene.unchanged():
        said = page.evaluate(SEND_ALL, doors)
        page.wait_for_load_state("networkidle")
    assert set(said) == {"blocked"}, "not even an opaque answer is read: it says that it is ours alone"
    assert len(statuses) >= len(doors) * 7
    assert set(statuses) <= {403, 405, 415}, "what was asked for first without a session (OPTIONS) is no door"
    assert (True in sessions) == (where == "sibling"), "another port is the same site: the session went with it"
    expect(page).to_have_url(f"{getattr(scene.site, where)}/")


def wire(one: Visit) -> tuple[list[int], list[bool]]:
    """What the desk's answers were on the wire, also those a page may not see; and whether the session went with what was asked."""
    ours: set[str] = set()
    statuses: list[int] = []
    sessions: list[bool] = []

    def asked(event: dict[str, Any]) -> None:
        if event["headers"].get("Host", event["headers"].get("host")) == one.desk.room.issuer.removeprefix("http://"):
            ours.add(event["requestId"])
            sessions.append(any(name.lower() == "cookie" for name in event["headers"]))

    one.cdp.send("Network.enable")
    one.cdp.on("Network.requestWillBeSentExtraInfo", asked)
    one.cdp.on(
        "Network.responseReceivedExtraInfo",
        lambda event: statuses.append(event["statusCode"]) if event["requestId"] in ours else None,
    )
    return statuses, sessions


def filled(path: str, ids: dict[str, str]) -> str:
    """An address with the id of something real in it, where there is one."""
    kind = path.partition("/{id}")[0].rpartition("/")[2]
    return path.replace("{id}", ids.get(kind, "none")).replace("{name}", "revoke")


# sessions


@pytest.mark.proves("LOGIN-FIXATION", "SESSION-COOKIE")
def test_a_session_that_a_page_beside_ours_planted_is_not_the_one_somebody_signs_in_with(scene: Scene) -> None:
    eve = visit(scene.browser, scene.desk)
    eve.enrol("eve", "customer", "Eve", [])
    planted = {"made up": "rs_" + "A" * 43, "eve's own": eve.context.cookies(scene.desk.room.issuer)[0]["value"]}
    anna = scene.anna
    anna.page.get_by_role("button", name="Sign out", exact=True).click()
    anna.page.wait_for_url("**/login")
    for what, value in planted.items():
        anna.context.clear_cookies()
        scene.site.headers = [
            ("Set-Cookie", f"remit_session={value}; Path=/; Max-Age=3600"),
            ("Set-Cookie", f"remit_session={value}; Path=/; Domain=localhost; Max-Age=3600"),
        ]
        for origin in (scene.site.subdomain, scene.site.sibling):
            anna.page.goto(f"{origin}/")
        assert anna.context.cookies(scene.desk.room.issuer)[0]["value"] == value, "a port is no border for cookies"
        anna.open("/verify")
        login = post(anna.page, "/login/v1/sign-in", {}).body
        signed = {"ceremony": login["ceremony"], "assertion": sign(anna.page, login["options"])}
        assert post(anna.page, "/login/v1/sign-in", signed).status == 200
        anna.open("/me")
        expect(anna.page.get_by_role("heading", name="Hello Anna Berg")).to_be_visible()
        (cookie,) = anna.context.cookies(scene.desk.room.issuer)
        assert cookie["value"] != value
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        assert scene.desk.room.raw("GET", "/me/v1", cookie=f"remit_session={value}", check=False).status_code == 401, what
    assert anna.page.evaluate("document.cookie") == ""
    scene.site.headers = []
    anna.page.goto(f"{scene.site.sibling}/")
    assert anna.page.evaluate("document.cookie") == ""
    eve.context.close()


@pytest.mark.proves("LOGIN-FIXATION")
def test_a_session_planted_beside_the_real_one_makes_nobody_somebody_else(scene: Scene) -> None:
    eve = visit(scene.browser, scene.desk)
    eve.enrol("eve", "customer", "Eve", [])
    hers = eve.context.cookies(scene.desk.room.issuer)[0]["value"]
    scene.site.headers = [("Set-Cookie", f"remit_session={hers}; Path=/me; Max-Age=3600")]
    confirmation, before = scene.waiting(), standing(scene.desk, scene.cookie)
    scene.anna.page.goto(f"{scene.site.sibling}/")
    scene.anna.open("/verify")
    assert post(scene.anna.page, f"/me/v1/confirmations/{confirmation}", {"answer": "no"}).code == "person.not_signed_in"
    for path in ("/me", "/me/history"):
        scene.anna.page.goto(f"{scene.site.sibling}/")
        scene.anna.open(path)  # the stray is taken away, and she is herself: not sent to sign in and back for ever
        expect(scene.anna.page.locator(".me")).to_have_text("Anna Berg")
    assert standing(scene.desk, scene.cookie) == before
    eve.context.close()


@pytest.mark.proves("LEFT-BEHIND")
def test_what_was_seen_is_not_there_any_more_by_going_back_after_signing_out(scene: Scene) -> None:
    confirmation, request = scene.waiting(), scene.pushed()
    paths = ("/me", "/me/history", f"/confirm/{confirmation}", f"/oauth/authorize?request_uri=urn:ietf:params:oauth:request_uri:{request}")
    with keeping_pages(scene.browser) as browser:
        anna = visit(browser, scene.desk)
        anna.page.goto(f"{scene.site.foreign}/")
        anna.page.evaluate("window.kept = true")
        anna.page.goto(f"{scene.site.sibling}/")
        anna.page.go_back(wait_until="commit")
        assert anna.page.evaluate("window.kept") is True, "this browser keeps pages that may be kept"
        anna.context.add_cookies(scene.anna.context.cookies())  # type: ignore[arg-type]  # what it gave is what it takes
        pages = {path: anna.context.new_page() for path in paths}
        seen: dict[str, str] = {}
        for path, page in pages.items():
            page.goto(scene.desk.room.issuer + path)
            expect(page.locator("html")).to_have_attribute("data-ready", "")
            seen[path] = page.locator("h1").inner_text()
        anna.open("/verify")
        anna.page.get_by_role("button", name="Sign out", exact=True).click()
        anna.page.wait_for_url("**/login")
        for path, page in pages.items():
            page.goto(f"{scene.site.foreign}/")
            page.go_back(wait_until="commit")
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
            assert seen[path] not in page.content(), path
        anna.context.close()


@pytest.mark.proves("CONFIRM-ONCE")
def test_a_link_that_was_answered_shows_nothing_to_answer(scene: Scene) -> None:
    confirmation = scene.waiting()
    scene.anna.open(f"/confirm/{confirmation}")
    other = scene.anna.context.new_page()
    other.route("**/me/v1/live*", lambda route: route.abort())  # it hears no news, and still shows what was asked
    other.goto(f"{scene.desk.room.issuer}/confirm/{confirmation}")
    scene.anna.page.get_by_role("button", name="Decline", exact=True).click()
    scene.anna.result("You declined. Nothing was done")
    with scene.unchanged():
        other.get_by_role("button", name="Decline and end the agent's task").click()
        expect(other.locator("[data-result]:not(:empty)")).to_be_visible()
        for page in (other, scene.anna.page):
            page.goto(f"{scene.desk.room.issuer}/confirm/{confirmation}")
            expect(page.get_by_role("heading", name="You declined this")).to_be_visible()
            expect(page.get_by_role("button", name="Approve with passkey")).to_have_count(0)
            expect(page.locator("main :is([data-answer], [data-passkey], form)")).to_have_count(0)
    assert scene.answers() == ["no"]
