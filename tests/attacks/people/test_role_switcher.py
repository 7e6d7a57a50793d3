"""The role switcher of a demo: its door is there where the settings name it alone, and opens to a browser on this machine only."""

from collections.abc import Iterator, Mapping, MutableMapping
from copy import deepcopy
from typing import Any

import httpx
import pytest

from attacks.arena import FACTS as OF_SHOP
from attacks.arena import ISSUER, PACK, SEND_BACK, SHOP, mandate
from desks.kettle import CATALOGUE, FACTS
from remit.domain.errors import Code, Refused
from remit.domain.structs import replace
from remit.sandbox import Sandbox
from remit.sandbox.transport import DirectTransport
from remit.usecases.people.switch_person import invite_switched, list_switchable, switch_person
from settings_made import settings_made

AT = "/sandbox/v1/switch"
OURS = {"origin": ISSUER, "sec-fetch-site": "same-origin"}
ON = {"sandbox": {"enabled": True, "switcher": True}}


def switch(desk: Sandbox, body: Mapping[str, Any], headers: Mapping[str, str] = OURS, cookie: str = "") -> httpx.Response:
    return desk.room.raw("POST", AT, dict(body), headers=dict(headers), cookie=cookie, check=False)


def code(answer: httpx.Response) -> str:
    return str(answer.json().get("code", ""))


@pytest.fixture
def desk() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE, facts=FACTS, settings=ON) as one:
        one.customer("yusuf")
        one.officer("ann", ["security"])
        yield one


@pytest.mark.proves("SWITCHER")
@pytest.mark.parametrize("settings", [{}, {"sandbox": {"enabled": True}}], ids=["no word of it", "a sandbox alone"])
def test_the_role_switcher_does_not_exist_where_the_settings_do_not_name_it(settings: dict[str, Any]) -> None:
    with Sandbox(CATALOGUE, facts=FACTS, settings=settings) as desk:
        yusuf = desk.customer("yusuf")
        for body in ({}, {"person": "yusuf"}, {"person": "yusuf", "passkey": True}):
            for headers in (OURS, {"origin": "https://evil.example"}):
                answer = switch(desk, body, headers)
                assert (answer.status_code, code(answer)) == (404, "request.not_found")
                assert "set-cookie" not in answer.headers
        assert AT not in desk.room.call("GET", "/openapi.json")["paths"]
        assert "data-switcher" not in desk.room.raw("GET", "/me", cookie=yusuf.cookie).text


@pytest.mark.proves("SWITCHER")
def test_the_step_behind_the_role_switcher_asks_the_settings_itself(desk: Sandbox) -> None:
    assert desk.desk is not None
    context = desk.desk.context
    for terms in (
        replace(context.terms, switcher=False),
        replace(context.terms, sandbox=False),
        replace(context.terms, loopback=False),
    ):
        elsewhere = replace(context, terms=terms)
        for step in (switch_person(elsewhere, "yusuf"), invite_switched(elsewhere, "yusuf"), list_switchable(elsewhere)):
            with pytest.raises(Refused) as refused:
                desk.room.thread.run(step)
            assert refused.value.code is Code.REQUEST_NOT_FOUND


@pytest.mark.proves("SWITCHER")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"{ISSUER}:1"},
        {"origin": ISSUER, "sec-fetch-site": "cross-site"},
        {"origin": ISSUER, "sec-fetch-site": "same-site"},
    ],
    ids=["no origin", "another site", "an opaque one", "another port", "cross-site", "same-site"],
)
def test_no_page_but_our_own_uses_the_role_switcher(desk: Sandbox, headers: dict[str, str]) -> None:
    for body in ({}, {"person": "ann"}, {"person": "ann", "passkey": True}):
        answer = switch(desk, body, headers)
        assert (answer.status_code, code(answer)) == (403, "person.not_allowed")
        assert "set-cookie" not in answer.headers


@pytest.mark.proves("SWITCHER")
def test_no_page_whose_name_was_made_to_lead_here_uses_the_role_switcher(desk: Sandbox) -> None:
    answer = switch(desk, {"person": "ann"}, {**OURS, "host": "rebound.example"})
    assert (answer.status_code, code(answer)) == (403, "person.not_allowed")


@pytest.mark.proves("SWITCHER")
@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "fe80::1", "", "localhost"])
def test_no_other_machine_uses_the_role_switcher(desk: Sandbox, peer: str) -> None:
    transport = desk.room.transport
    assert isinstance(transport, DirectTransport)
    served = transport._app

    async def from_there(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await served({**scope, "client": (peer, 4711) if peer else None}, receive, send)

    transport._app = from_there
    answer = switch(desk, {"person": "ann"})
    assert (answer.status_code, code(answer)) == (403, "person.not_allowed")


@pytest.mark.proves("SWITCHER")
@pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"])
def test_nothing_that_a_proxy_hands_on_uses_the_role_switcher(desk: Sandbox, name: str) -> None:
    answer = switch(desk, {"person": "ann"}, {**OURS, name: "for=192.0.2.7"})
    assert (answer.status_code, code(answer)) == (403, "person.not_allowed")


@pytest.mark.proves("SWITCHER")
def test_who_was_switched_to_confirms_nothing_without_a_passkey() -> None:
    with Sandbox(PACK / "catalogue.toml", policies=PACK / "policies", facts=deepcopy(OF_SHOP), settings=ON) as desk:
        anna, agent = desk.customer("anna"), desk.agent(SHOP)
        reply = agent.open(anna.grant(agent, mandate())).ask("order.return", SEND_BACK)
        assert reply.decision == "needs_human"
        made = switch(desk, {"person": "anna"})
        cookie = made.headers["set-cookie"].partition(";")[0]
        assert desk.room.call("GET", "/me/v1", cookie=cookie)["id"] == "anna"
        confirmation = anna.invitation(reply)
        answer = desk.room.raw("POST", f"/me/v1/confirmations/{confirmation}", {"answer": "yes"}, cookie=cookie, check=False)
        assert not answer.is_success
        assert reply.again().decision == "needs_human"


def test_one_browser_becomes_each_person_and_ends_the_session_before(desk: Sandbox) -> None:
    told = switch(desk, {}).json()
    assert {one["id"] for one in told["people"]} == {"yusuf", "ann"}
    assert (told["person"], told["passkey"]) == ("", False)
    first = switch(desk, {"person": "yusuf"})
    assert first.json()["page"] == "/me"
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert switch(desk, {}, cookie=cookie).json()["person"] == "yusuf"
    second = switch(desk, {"person": "ann"}, cookie=cookie)
    assert second.json()["page"] == "/security"
    assert desk.room.raw("GET", "/me/v1", cookie=cookie, check=False).status_code == 401
    assert switch(desk, {"person": "nobody"}).status_code == 404
    assert code(switch(desk, {"persn": "ann"})) == "request.malformed"
    shown = desk.room.raw("GET", "/security", cookie=second.headers["set-cookie"].partition(";")[0]).text
    assert "data-switcher" in shown
    page = switch(desk, {"person": "yusuf", "passkey": True}).json()["page"]
    assert page.startswith("/enrol?code=")


def test_the_setting_is_for_a_sandbox_alone(tmp_path: Any) -> None:
    assert settings_made(tmp_path, sandbox={"enabled": True, "switcher": True}).switcher
    assert not settings_made(tmp_path, sandbox={"enabled": True}).switcher
    with pytest.raises(Refused, match=r"sandbox\.switcher is for a sandbox on loopback only"):
        settings_made(tmp_path, sandbox={"switcher": True})
