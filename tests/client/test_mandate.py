"""Getting a mandate: discovery, the pushed request, the way through the browser, the code, the backchannel."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from client.fake_desk import DESK, FakeClock, FakeDesk, Seen, oauth_error
from remit.client import Agent, Mandate, ProtocolError, Refused, StillWaiting, Unavailable

MakeAgent = Callable[..., Agent]
POWERS = [{"power": "represent"}, {"power": "request", "actions": ["payment.refund"], "uses": 1}]
OWN = "https://helper.example/back"


async def visit(url: str, *, method: str = "GET") -> str:
    """The customer's browser at the loopback listener: the status line and the page."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
    writer.write(f"{method} {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer


def granted(agent: Agent, on_url: Callable[[str], Any], **changed: Any) -> Mandate:
    async def main() -> Mandate:
        async with agent:
            return await agent.request_mandate(objective="return-item", powers=POWERS, on_url=on_url, **changed)

    return asyncio.run(main())


def test_a_mandate_comes_back_through_the_loopback_listener(desk: FakeDesk, make_agent: MakeAgent) -> None:
    pages: list[str] = []

    async def customer(url: str) -> None:
        assert url.startswith(f"{DESK}/oauth/authorize?")
        assert set(dict(parse_qsl(urlsplit(url).query))) == {"client_id", "request_uri"}
        pages.append(await visit(desk.consent(url)))

    mandate = granted(make_agent(), customer, target={"order": ["W123"]}, never=[{"power": "accept"}], summary="send it back")
    assert mandate.id == "mandate_2"
    assert mandate.authorization_details[0]["type"] == "remit_mandate"
    assert pages[0].startswith("HTTP/1.1 200 ")
    assert "Referrer-Policy: no-referrer" in pages[0]
    pushed = desk.requests("/oauth/par")[0].form
    assert json.loads(pushed["authorization_details"]) == [
        {
            "type": "remit_mandate",
            "objective": {"type": "return-item", "target": {"order": ["W123"]}, "summary": "send it back"},
            "powers": POWERS,
            "never": [{"power": "accept"}],
        }
    ]
    assert pushed["response_type"] == "code"
    assert pushed["redirect_uri"].startswith("http://127.0.0.1:")


def test_limits_are_sent_where_given(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def main() -> None:
        async with make_agent() as agent:
            ends = datetime(2026, 12, 1, tzinfo=UTC)
            await agent.begin(objective="o", powers=POWERS, redirect_uri=OWN, expires_at=ends, max_tasks=2, chain=0)
            with pytest.raises(ValueError, match="time zone"):
                await agent.begin(objective="o", powers=POWERS, redirect_uri=OWN, expires_at=ends.replace(tzinfo=None))

    asyncio.run(main())
    (sent,) = json.loads(desk.requests("/oauth/par")[0].form["authorization_details"])
    assert (sent["expires_at"], sent["max_tasks"], sent["chain"]) == ("2026-12-01T00:00:00Z", 2, 0)
    assert "never" not in sent


def test_a_redirect_with_a_wrong_state_is_turned_away_and_the_wait_goes_on(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def customer(url: str) -> None:
        good = desk.consent(url)
        for wrong in (str(httpx.URL(good).copy_set_param("state", "forged")), str(httpx.URL(good).copy_remove_param("state"))):
            assert (await visit(wrong)).startswith("HTTP/1.1 400 ")
        assert (await visit(f"{good}&state=forged")).startswith("HTTP/1.1 400 ")
        assert desk.requests("/oauth/token") == []
        assert (await visit(good)).startswith("HTTP/1.1 200 ")

    assert granted(make_agent(), customer).id == "mandate_2"


@pytest.mark.parametrize("iss", ["https://evil.example", ""])
def test_a_redirect_of_another_issuer_ends_the_request_and_its_code_is_not_sent(desk: FakeDesk, make_agent: MakeAgent, iss: str) -> None:
    async def customer(url: str) -> None:
        assert (await visit(desk.consent(url, iss=iss))).startswith("HTTP/1.1 400 ")

    with pytest.raises(ProtocolError):
        granted(make_agent(), customer)
    assert desk.requests("/oauth/token") == []


def test_the_listener_answers_nothing_else_and_closes_when_done(desk: FakeDesk, make_agent: MakeAgent) -> None:
    places: list[str] = []

    async def customer(url: str) -> None:
        good = desk.consent(url)
        places.append(good)
        assert (await visit(good.replace("/callback", "/favicon.ico"))).startswith("HTTP/1.1 404 ")
        assert (await visit(good, method="POST")).startswith("HTTP/1.1 405 ")
        assert (await visit(good)).startswith("HTTP/1.1 200 ")
        assert (await visit(good)).startswith("HTTP/1.1 400 ")

    async def main() -> None:
        async with make_agent() as agent:
            await agent.request_mandate(objective="o", powers=POWERS, on_url=customer)
            with pytest.raises(ConnectionRefusedError):
                await visit(places[0])

    asyncio.run(main())
    assert len(desk.requests("/oauth/token")) == 1


def test_a_no_of_the_customer_is_a_refusal(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def customer(url: str) -> None:
        assert (await visit(desk.consent(url, code="", error="access_denied"))).startswith("HTTP/1.1 200 ")

    with pytest.raises(Refused) as caught:
        granted(make_agent(), customer)
    assert (caught.value.code, caught.value.oauth_error) == ("oauth.access_denied", "access_denied")


def test_a_redirect_without_a_code_is_a_broken_protocol(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def customer(url: str) -> None:
        await visit(desk.consent(url, code=""))

    with pytest.raises(ProtocolError):
        granted(make_agent(), customer)


def test_a_customer_who_does_not_answer_is_waited_for_no_longer_than_said(desk: FakeDesk, make_agent: MakeAgent) -> None:
    with pytest.raises(StillWaiting):
        granted(make_agent(), lambda _: None, timeout=0.0)
    assert desk.requests("/oauth/token") == []


def test_without_a_callback_the_address_goes_to_standard_error(make_agent: MakeAgent, capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with make_agent() as agent:
            with pytest.raises(StillWaiting):
                await agent.request_mandate(objective="o", powers=POWERS, redirect_uri=OWN, timeout=0.0)

    asyncio.run(main())
    assert f"{DESK}/oauth/authorize?" in capsys.readouterr().err


def test_your_own_server_finishes_a_request_that_waits(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def main() -> None:
        async with make_agent() as agent:
            finished: list[Mandate] = []

            async def customer(url: str) -> None:
                finished.append(await agent.finish(desk.consent(url)))

            waited = await agent.request_mandate(objective="o", powers=POWERS, redirect_uri=OWN, on_url=customer)
            assert [waited] == finished

    asyncio.run(main())
    assert len(desk.requests("/oauth/token")) == 1


def test_begin_and_finish_go_without_waiting_and_a_state_serves_once(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def main() -> None:
        async with make_agent() as agent:
            request = await agent.begin(objective="o", powers=POWERS, redirect_uri=OWN)
            assert request.expires_in_s == 600
            assert request.url not in repr(request)
            back = desk.consent(request.url)
            assert (await agent.finish(back)).id == "mandate_2"
            with pytest.raises(ProtocolError):
                await agent.finish(back)

    asyncio.run(main())


def test_finish_refuses_what_another_agent_began(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def main() -> None:
        async with make_agent() as one, make_agent() as other:
            request = await one.begin(objective="o", powers=POWERS, redirect_uri=OWN)
            with pytest.raises(ProtocolError):
                await other.finish(desk.consent(request.url))

    asyncio.run(main())
    assert desk.requests("/oauth/token") == []


ODDLY_LOST = AttributeError("'NoneType' object has no attribute 'getpeername'")
"""What anyio says when a server dies while somebody connects."""


@pytest.mark.parametrize("how", [httpx.ReadError("reset"), ODDLY_LOST], ids=["reset", "oddly"])
def test_a_code_is_not_sent_twice_when_its_answer_is_lost(desk: FakeDesk, make_agent: MakeAgent, how: Exception) -> None:
    def lost(_: Seen) -> Response:
        raise how

    async def main() -> None:
        async with make_agent() as agent:
            request = await agent.begin(objective="o", powers=POWERS, redirect_uri=OWN)
            desk.trouble("/oauth/token", lost, after=True)
            with pytest.raises(Unavailable):
                await agent.finish(desk.consent(request.url))

    asyncio.run(main())
    assert len(desk.requests("/oauth/token")) == 1


def test_a_code_that_never_left_is_sent_again(desk: FakeDesk, make_agent: MakeAgent) -> None:
    def closed(_: Seen) -> Response:
        raise httpx.ConnectError("refused")

    async def main() -> None:
        async with make_agent() as agent:
            request = await agent.begin(objective="o", powers=POWERS, redirect_uri=OWN)
            desk.trouble("/oauth/token", closed)
            await agent.finish(desk.consent(request.url))

    asyncio.run(main())


@pytest.mark.parametrize(
    "changed",
    [{"token_type": "Bearer"}, {"authorization_details": []}, {"authorization_details": [{"type": "other"}]}, {"mandate": ""}],
)
def test_a_grant_that_is_not_a_bound_mandate_is_not_taken(desk: FakeDesk, make_agent: MakeAgent, changed: dict[str, Any]) -> None:
    good = {"access_token": "t", "token_type": "DPoP", "mandate": "m", "authorization_details": [{"type": "remit_mandate"}]}
    desk.trouble("/oauth/token", lambda _: JSONResponse(good | changed))

    async def main() -> None:
        async with make_agent() as agent:
            request = await agent.begin(objective="o", powers=POWERS, redirect_uri=OWN)
            with pytest.raises(ProtocolError):
                await agent.finish(desk.consent(request.url))

    asyncio.run(main())


def test_the_backchannel_is_polled_at_the_pace_the_desk_sets(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    desk.ciba.extend(
        [oauth_error(400, "authorization_pending"), oauth_error(400, "slow_down"), oauth_error(400, "authorization_pending", "x.y")]
    )

    async def main() -> Mandate:
        async with make_agent() as agent:
            return await agent.request_mandate_backchannel(login_hint="ann", objective="o", powers=POWERS, binding_message="K7")

    assert asyncio.run(main()).id == "mandate_2"
    assert clock.pauses == [3, 3, 8, 8]
    sent = desk.requests("/oauth/bc-authorize")[0].form
    assert (sent["login_hint"], sent["binding_message"], sent["scope"]) == ("ann", "K7", "openid")


def test_a_no_on_the_backchannel_is_raised(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.ciba.append(oauth_error(400, "access_denied"))

    async def main() -> None:
        async with make_agent() as agent:
            await agent.request_mandate_backchannel(login_hint="ann", objective="o", powers=POWERS)

    with pytest.raises(Refused) as caught:
        asyncio.run(main())
    assert caught.value.code == "oauth.access_denied"


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"issuer": f"{DESK}/"},
        {"token_endpoint": "https://evil.example/oauth/token"},
        {"token_endpoint": "http://desk.example/oauth/token"},
        {"token_endpoint": "https://desk.example@evil.example/oauth/token"},
        {"pushed_authorization_request_endpoint": "https://desk.example.evil.example/par"},
        {"authorization_endpoint": f"{DESK}/oauth/authorize?next=x"},
        {"revocation_endpoint": "https://evil.example/revoke"},
        {"token_endpoint": None},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_metadata_that_is_not_the_desks_own_stops_everything(desk: FakeDesk, make_agent: MakeAgent, changed: dict[str, Any]) -> None:
    desk.metadata |= changed
    sent = _begin_fails(desk, make_agent)
    assert sent == ["/.well-known/oauth-authorization-server"]


@pytest.mark.parametrize("changed", [{"resource": "https://evil.example"}, {"authorization_servers": ["https://evil.example"]}])
def test_an_api_of_another_authorization_server_stops_everything(desk: FakeDesk, make_agent: MakeAgent, changed: dict[str, Any]) -> None:
    desk.resource |= changed
    assert _begin_fails(desk, make_agent)[-1] == "/.well-known/oauth-protected-resource"


def _begin_fails(desk: FakeDesk, make_agent: MakeAgent) -> list[str]:
    async def main() -> None:
        async with make_agent() as agent:
            await agent.begin(objective="o", powers=POWERS, redirect_uri=OWN)

    with pytest.raises(ProtocolError):
        asyncio.run(main())
    return [seen.path for seen in desk.seen]


def test_the_desk_is_asked_about_itself_once_however_many_start(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def main() -> None:
        async with make_agent() as agent:
            await asyncio.gather(*(agent.begin(objective="o", powers=POWERS, redirect_uri=OWN) for _ in range(5)))

    asyncio.run(main())
    assert len(desk.requests("oauth-authorization-server")) == 1
    assert len(desk.requests("/oauth/par")) == 5


@pytest.mark.parametrize(
    "url",
    [
        "http://desk.example",
        "ftp://desk.example",
        "https://u:p@desk.example",
        f"{DESK}?x=1",
        f"{DESK}#x",
        "desk.example",
        "http://127.0.0.1.evil.example",
    ],
)
def test_a_desk_address_that_could_leak_tokens_is_not_accepted(make_agent: MakeAgent, url: str) -> None:
    with pytest.raises(ValueError, match="desk is an"):
        make_agent(desk=url)


@pytest.mark.parametrize("url", [f"{DESK}/", "http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_https_or_loopback_is_accepted(make_agent: MakeAgent, url: str) -> None:
    assert make_agent(desk=url).desk == url.removesuffix("/")


def test_an_agent_makes_a_key_when_none_is_given_and_tells_its_thumbprint(make_agent: MakeAgent) -> None:
    assert len({make_agent(key=None).key_thumbprint for _ in range(2)}) == 2
    assert make_agent().key_thumbprint == make_agent().key_thumbprint


def test_the_catalogue_is_read_without_credentials(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def main() -> None:
        async with make_agent() as agent:
            assert await agent.catalogue() == {"actions": {}}

    asyncio.run(main())
    assert not {"authorization", "dpop"} & set(desk.seen[0].headers)
