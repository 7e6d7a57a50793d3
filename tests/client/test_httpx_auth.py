"""A task's credential in another library's httpx client: signed requests, nonces, renewals, and nothing for strangers."""

import asyncio

import httpx
import pytest

from client.fake_desk import CLIENT_KEY, DESK, PROOF_KEY, FakeClock, FakeDesk
from remit.client import Agent, Miswritten, PrivateKeyJwt, Refused
from remit.client.sync import Agent as SyncAgent

ELSEWHERE = (
    "http://desk.example/v1/tasks/task_1",
    "https://desk.example.evil.example/",
    "https://desk.example:444/",
    "https://evil.example/v1/tasks/task_1",
)


def agent_of(desk: FakeDesk, clock: FakeClock) -> Agent:
    made = Agent(
        desk=DESK,
        identity=PrivateKeyJwt("https://helper.example/agent", CLIENT_KEY),
        key=PROOF_KEY,
        transport=desk.transport(),
        clock=clock.clock(),
    )
    desk.known_mandate(made.key_thumbprint)
    return made


def test_requests_of_another_library_are_signed_as_the_task(desk: FakeDesk, clock: FakeClock) -> None:
    async def main() -> None:
        async with (
            agent_of(desk, clock) as agent,
            agent.mandate("mandate_1").task() as task,
            httpx.AsyncClient(transport=desk.transport(), auth=task.auth()) as http,
        ):
            for nonce in (None, "first", "second", "second"):
                desk.nonces["resource"] = nonce
                assert (await http.get(f"{DESK}/v1/tasks/task_1")).status_code == 200
            clock.turn(290)  # the credential has grown old: it is renewed first
            assert (await http.get(f"{DESK}/v1/tasks/task_1?x=1")).status_code == 200

    asyncio.run(main())


@pytest.mark.parametrize("url", ELSEWHERE)
def test_no_other_origin_gets_a_credential(desk: FakeDesk, clock: FakeClock, url: str) -> None:
    seen: list[httpx.Request] = []

    async def main() -> None:
        async with agent_of(desk, clock) as agent, agent.mandate("mandate_1").task() as task:
            stranger = httpx.MockTransport(lambda request: seen.append(request) or httpx.Response(200))  # type: ignore[func-returns-value]  # appended
            async with httpx.AsyncClient(transport=stranger, auth=task.auth()) as http:
                with pytest.raises(Miswritten):
                    await http.get(url)

    asyncio.run(main())
    assert seen == []


def test_a_task_that_is_over_signs_nothing(desk: FakeDesk, clock: FakeClock) -> None:
    async def main() -> None:
        async with agent_of(desk, clock) as agent:
            async with agent.mandate("mandate_1").task() as task:
                auth = task.auth()
            async with httpx.AsyncClient(transport=desk.transport(), auth=auth) as http:
                with pytest.raises(Refused) as over:
                    await http.get(f"{DESK}/v1/tasks/task_1")
            assert over.value.code == "task.ended"

    asyncio.run(main())


def test_the_blocking_client_signs_for_a_blocking_library(desk: FakeDesk, clock: FakeClock) -> None:
    identity = PrivateKeyJwt("https://helper.example/agent", CLIENT_KEY)
    desk.nonces["resource"] = "first"
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"][:5])
        headers = {"dpop-nonce": "next", "www-authenticate": 'DPoP error="use_dpop_nonce"'}
        return httpx.Response(401, headers=headers) if len(sent) == 1 else httpx.Response(200)

    with SyncAgent(desk=DESK, identity=identity, key=PROOF_KEY, transport=desk.transport(), clock=clock.clock()) as agent:
        desk.known_mandate(agent.key_thumbprint)
        with agent.mandate("mandate_1").task() as task, httpx.Client(transport=httpx.MockTransport(answer), auth=task.auth()) as http:
            assert http.get(f"{DESK}/a2a").status_code == 200
        with agent.mandate("mandate_1").task() as other, httpx.Client(auth=other._task.auth()) as wrong, pytest.raises(RuntimeError):
            wrong.get(f"{DESK}/a2a")
    assert sent == ["DPoP ", "DPoP "]
