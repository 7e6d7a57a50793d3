"""The sync face: the same behaviour, blocking, inside and outside a running event loop."""

import asyncio
from typing import Any

import pytest

from client.fake_desk import CLIENT_KEY, DESK, PROOF_KEY, FakeClock, FakeDesk
from remit.client import PrivateKeyJwt, Refused
from remit.client.sync import Agent, LoopThread

POWERS = [{"power": "represent"}]


def make(desk: FakeDesk, clock: FakeClock, **changed: Any) -> Agent:
    identity = PrivateKeyJwt("https://helper.example/agent", CLIENT_KEY)
    agent = Agent(desk=DESK, identity=identity, key=PROOF_KEY, transport=desk.transport(), clock=clock.clock(), **changed)
    desk.known_mandate(agent.key_thumbprint)
    return agent


def engage(desk: FakeDesk, clock: FakeClock) -> None:
    with make(desk, clock) as agent, agent.mandate("mandate_1").task() as task:
        assert (task.id, task.case) == ("task_1", "case_1")
        assert task.ask("order.read", {}, "Where is it?").result == {"order.status": "sent"}
        with pytest.raises(Refused) as caught:
            task.ask("policy.never", {})
        assert caught.value.code == "policy.forbidden"
        reply = task.ask("payment.refund", {})
        assert reply.needs_human
        desk.asks[reply.ask] |= {"decision": "permit", "outcome": "done"}
        assert reply.wait(timeout=60).outcome == "done"
        assert task.status().state == "open"
        assert task.inbox() == ()
        assert agent.catalogue() == {"actions": {}}
    assert desk.completed == ["task_1"]


def test_it_works_outside_an_event_loop(desk: FakeDesk, clock: FakeClock) -> None:
    engage(desk, clock)


def test_it_works_inside_a_running_event_loop(desk: FakeDesk, clock: FakeClock) -> None:
    async def main() -> None:
        engage(desk, clock)

    asyncio.run(main())


def test_an_exception_in_the_block_revokes(desk: FakeDesk, clock: FakeClock) -> None:
    with pytest.raises(KeyError), make(desk, clock) as agent, agent.mandate("mandate_1").task():
        raise KeyError("mine")
    assert desk.revoked == ["task_1"]


def test_revoke_and_complete_end_the_task_once(desk: FakeDesk, clock: FakeClock) -> None:
    with make(desk, clock) as agent:
        with agent.mandate("mandate_1").task() as task:
            task.revoke()
        other = agent.mandate("mandate_1").task()
        other.open()
        other.complete()
    assert (desk.revoked, desk.completed) == (["task_1"], ["task_2"])


def test_a_callback_may_block_and_use_the_client_itself(desk: FakeDesk, clock: FakeClock) -> None:
    with make(desk, clock) as agent:
        finished: list[str] = []

        def customer(url: str) -> None:
            finished.append(agent.finish(desk.consent(url)).id)

        mandate = agent.request_mandate(objective="o", powers=POWERS, redirect_uri="https://helper.example/back", on_url=customer)
        assert finished == [mandate.id]
        request = agent.begin(objective="o", powers=POWERS, redirect_uri="https://helper.example/back")
        assert agent.finish(desk.consent(request.url)).authorization_details[0]["type"] == "remit_mandate"
        assert agent.request_mandate_backchannel(login_hint="ann", objective="o", powers=POWERS).id == "mandate_4"


def test_agents_can_share_a_loop_and_leave_it_running(desk: FakeDesk, clock: FakeClock) -> None:
    thread = LoopThread()
    with make(desk, clock, on=thread) as one, make(desk, clock, on=thread) as other:
        assert one.catalogue() == other.catalogue()
    assert thread.loop.is_running()
    thread.close()
    thread.close()
    assert thread.loop.is_closed()


def test_calling_from_its_own_loop_is_an_error_and_not_a_deadlock(desk: FakeDesk, clock: FakeClock) -> None:
    thread = LoopThread()

    async def inside(agent: Agent) -> None:
        agent.catalogue()

    with make(desk, clock, on=thread) as agent, pytest.raises(RuntimeError, match="own event loop"):
        thread.run(inside(agent))
    thread.close()


def test_agents_mandates_and_tasks_say_who_they_are_and_tell_no_token(desk: FakeDesk, clock: FakeClock) -> None:
    with make(desk, clock) as agent, agent.mandate("mandate_1").task() as task:
        assert (DESK in repr(agent), "mandate_1" in repr(agent.mandate("mandate_1")), "task_1" in repr(task)) == (True, True, True)
        assert "at_1" not in repr(task)
