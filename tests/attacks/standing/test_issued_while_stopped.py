"""Something that is issued while what it stands on is stopped: a branch, a task, a token. It would live on when that is resumed."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from attacks.arena import EXCHANGE, ISSUER, Arena, code_of, mandate, open_arena
from attacks.people.accounts import recovered, security
from attacks.sub_agents import hand_on, note, open_branches
from attacks.sub_agents import mandate as wanted
from remit.client import calls
from remit.domain.values import instant_text
from remit.engine.mandates.revoke import suspend
from remit.ports.store import Commit
from remit.sandbox import Sandbox, SandboxAgent


def stop(desk: Sandbox, what: str, agent: SandboxAgent, operator: str) -> None:
    """Suspend an agent, or its operator."""
    if what == "agent":
        desk.suspend(agent=agent)
    else:
        desk.suspend(operator=operator)


@pytest.mark.proves("STOPPED", "P18")
@pytest.mark.parametrize("what", ["agent", "operator"])
@pytest.mark.parametrize("unused", [False, True])
def test_no_task_opens_while_whoever_cut_the_branch_is_stopped(what: str, unused: bool) -> None:
    with open_branches() as at:
        branch = hand_on(at.top, at.below, at.granted(), wanted(note(uses=1), max_tasks=2))["mandate"]
        if unused:
            at.below.open(branch)
        stop(at.desk, what, at.top, "owner")
        before = at.kinds()
        answer = at.exchange(at.below, branch)
        assert (answer.status_code, answer.json()["error"], code_of(answer)) == (400, "invalid_grant", "agent.suspended")
        assert "access_token" not in answer.json()
        assert at.kinds() == before, "no task was opened that could go on once the agent is resumed"


@pytest.mark.proves("STOPPED", "P18")
@pytest.mark.parametrize("what", ["agent", "operator"])
def test_no_branch_is_cut_while_whoever_is_above_is_stopped(what: str) -> None:
    with open_branches() as at:
        branch = hand_on(at.top, at.below, at.granted(), wanted(note(uses=2), chain=1, chain_operators=["postman"], max_tasks=3))["mandate"]
        stop(at.desk, what, at.top, "owner")
        before = at.kinds()
        answer = at.delegate(at.below, at.last, branch, wanted(note(uses=1)))
        assert (answer.json()["error"], code_of(answer)) == ("invalid_grant", "agent.suspended")
        assert at.kinds() == before


@pytest.mark.proves("STOPPED")
def test_no_branch_is_cut_while_its_customer_is_stopped() -> None:
    with open_branches() as at:
        subject = at.granted()
        at.desk.suspend(customer="yu")
        before = at.kinds()
        answer = at.delegate(at.top, at.below, subject, wanted(note(uses=1)))
        assert (answer.json()["error"], code_of(answer)) == ("invalid_grant", "mandate.inactive")
        assert at.kinds() == before


@pytest.mark.proves("STOPPED", "RECOVERY")
def test_nothing_is_issued_while_the_customers_mandates_are_paused(arena: Arena) -> None:
    agent, child = arena.agent(), arena.desk.agent("courier", operator="courier.example")
    more = {"chain": 1, "chain_operators": ["courier.example"], "max_tasks": 3}
    granted = arena.anna.grant(agent, mandate(**more))
    agent.open(granted)  # nothing is asked in it
    form = coded(arena, agent, mandate())
    recovered(arena, security(arena))
    before = len(arena.entries("task.opened")), len(arena.entries("mandate.granted"))
    given = child.identity.credentials(issuer=ISSUER, now_s=arena.clock.now() / 1000)
    branch = {
        "requested_token_type": calls.MANDATE_TOKEN,
        "actor_token": given["client_assertion"],
        "actor_token_type": given["client_assertion_type"],
        "authorization_details": json.dumps([mandate()]),
        "dpop_jkt": child.client.key_thumbprint,
    }
    for answer in (
        arena.exchange(agent, granted.id),
        arena.exchange(agent, granted.id, **branch),
        arena.form("/oauth/token", form, agent=agent, key=agent),
    ):
        assert (answer.json()["error"], code_of(answer)) == ("invalid_grant", "mandate.inactive")
        assert "access_token" not in answer.json()
    assert (len(arena.entries("task.opened")), len(arena.entries("mandate.granted"))) == before


def coded(arena: Arena, agent: SandboxAgent, asked: dict[str, Any]) -> dict[str, str]:
    """What redeems the code of a mandate that Anna has just granted."""
    uri, state = agent.push(asked)
    path = f"/me/v1/requests/{uri.rpartition(':')[2]}"
    shown = arena.anna.get(path)
    signed = arena.anna.post(
        path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    )
    code = signed["redirect"].partition("code=")[2].partition("&")[0]
    verifier = agent._verifiers[state]
    return {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": "http://127.0.0.1/callback"}


STOPS: dict[str, tuple[Callable[[Arena], Any], str]] = {
    "revoked": (lambda arena: arena.anna.revoke(arena.anna.get("/me/v1/mandates")["mandates"][0]["mandate"]), "mandate.inactive"),
    "customer": (lambda arena: arena.desk.suspend(customer="anna"), "mandate.inactive"),
    "objective": (lambda arena: arena.desk.suspend(objective="return-item"), "mandate.inactive"),
    "run out": (lambda arena: setattr(arena.clock, "ahead_ms", 40_000), "mandate.expired"),
}


@pytest.mark.proves("STOPPED")
@pytest.mark.parametrize("how", [*STOPS])
def test_a_code_for_what_was_stopped_since_brings_no_token(arena: Arena, how: str) -> None:
    agent = arena.agent()
    form = coded(arena, agent, mandate(expires_at=instant_text(arena.clock.now() + 30_000)))  # type: ignore[arg-type]  # an instant
    do, code = STOPS[how]
    do(arena)
    for _ in range(2):
        answer = arena.form("/oauth/token", form, agent=agent, key=agent)
        assert (answer.status_code, answer.json()["error"], code_of(answer)) == (400, "invalid_grant", code)
        assert "access_token" not in answer.json()


@pytest.mark.proves("STOPPED")
@pytest.mark.parametrize("how", [*STOPS, "agent", "operator", "paused"])
def test_a_mandate_that_has_opened_a_task_opens_none_once_it_was_stopped(arena: Arena, how: str) -> None:
    agent = arena.agent()
    more = {"max_tasks": 9, "expires_at": instant_text(arena.clock.now() + 30_000)}  # type: ignore[arg-type]  # an instant
    granted = arena.anna.grant(agent, mandate(**more))
    for _ in range(2):  # the second by what is remembered of the first
        agent.open(granted).complete()
    before = len(arena.entries("task.opened"))
    if how == "paused":
        recovered(arena, security(arena))
    elif how in STOPS:
        STOPS[how][0](arena)
    else:
        stop(arena.desk, how, agent, agent.operator)
    code = "agent.suspended" if how in {"agent", "operator"} else STOPS.get(how, STOPS["customer"])[1]
    answer = arena.exchange(agent, granted.id)
    assert code_of(answer) == code
    assert "access_token" not in answer.json()
    assert len(arena.entries("task.opened")) == before == 2


@pytest.mark.proves("STOPPED")
@pytest.mark.parametrize("what", [{"customer": "anna"}, {"objective": "return-item"}])
def test_nothing_is_granted_for_what_was_stopped_since_it_was_shown(arena: Arena, what: dict[str, str]) -> None:
    uri, _ = arena.agent().push(mandate())
    path = f"/me/v1/requests/{uri.rpartition(':')[2]}"
    shown = arena.anna.get(path)
    arena.desk.suspend(**what)  # type: ignore[arg-type]  # one of its names
    body = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    answer = arena.person("POST", path, body, cookie=arena.anna.cookie)
    assert (code_of(answer), "redirect" in answer.json()) == ("mandate.inactive", False)
    assert arena.entries("mandate.granted") == []


@pytest.mark.proves("STOPPED")
def test_no_token_outlives_its_mandate(arena: Arena) -> None:
    agent = arena.agent()
    now = arena.clock.now() // 1000 * 1000
    ends = now + 30_900
    form = coded(arena, agent, mandate(expires_at=instant_text(ends)))  # type: ignore[arg-type]  # an instant
    subject = arena.anna.get("/me/v1/mandates")["mandates"][0]["mandate"]
    arena.clock.now = lambda: ends - 500  # type: ignore[method-assign]  # half a second is left, and stays so
    arena.context.world.now = arena.clock.now  # type: ignore[method-assign,assignment]
    for answer in (arena.form("/oauth/token", form, agent=agent, key=agent), arena.exchange(agent, subject)):
        assert (answer.json()["error"], code_of(answer)) == ("invalid_grant", "mandate.expired")
    arena.clock.now = lambda: ends - 3_000  # type: ignore[method-assign]  # three seconds are left
    arena.context.world.now = arena.clock.now  # type: ignore[method-assign,assignment]
    assert arena.form("/oauth/token", form, agent=agent, key=agent).json()["expires_in"] == 3
    assert len(arena.entries("task.opened")) == 0


def at_the_last_moment(arena: Arena, stopping: Callable[[], Awaitable[object]]) -> None:
    """Let something happen when everything was looked at, just before the next commit that spends a proof."""
    real, done = arena.context.store.commit, list[bool]()

    async def commit(change: Commit) -> Any:
        if change.marks and not done:
            done.append(True)
            await stopping()
        return await real(change)

    arena.context.store.commit = commit  # type: ignore[method-assign]  # two requests at once, in this order


ISSUED = ["branch", "task", "unused task", "token"]


@pytest.mark.proves("STOPPED", "EPOCHS")
@pytest.mark.parametrize("what", ISSUED)
def test_what_is_stopped_at_the_last_moment_issues_nothing(what: str) -> None:
    with open_arena() as arena:
        agent, child = arena.agent(), arena.desk.agent("courier", operator="courier.example")
        granted = arena.anna.grant(agent, mandate(chain=1, chain_operators=["courier.example"], max_tasks=3))
        if what == "unused task":
            agent.open(granted)
        form = coded(arena, agent, mandate()) if what == "token" else exchange(granted.id)
        if what == "branch":
            form |= branched(arena, child)
        before = [one["kind"] for one in arena.entries()]
        at_the_last_moment(arena, lambda: suspend(arena.context, what="customer", name="anna", reason="stolen", by="sam"))
        answer = arena.form("/oauth/token", form, agent=agent, key=agent)
        assert code_of(answer) == ("task.busy" if what == "branch" else "mandate.inactive")
        assert "access_token" not in answer.json()
        after = [one["kind"] for one in arena.entries()]
        assert [kind for kind in after[len(before) :] if kind in {"task.opened", "mandate.granted"}] == []


@pytest.mark.proves("STOPPED", "EPOCHS")
def test_no_branch_is_cut_for_an_operator_that_is_stopped_at_the_last_moment(arena: Arena) -> None:
    agent, child = arena.agent(), arena.desk.agent("courier", operator="courier.example")
    granted = arena.anna.grant(agent, mandate(chain=1, chain_operators=["courier.example"], max_tasks=3))
    before = len(arena.entries("mandate.granted"))
    at_the_last_moment(arena, lambda: suspend(arena.context, what="operator", name="courier.example", reason="stolen", by="sam"))
    answer = arena.form("/oauth/token", exchange(granted.id) | branched(arena, child), agent=agent, key=agent)
    assert code_of(answer) == "task.busy"
    assert len(arena.entries("mandate.granted")) == before


@pytest.mark.proves("STOPPED", "CASE-REREAD")
def test_a_task_that_is_stopped_while_its_case_is_read_is_not_renewed(arena: Arena) -> None:
    task = arena.task()
    task.ask("order.read", {"order_id": "W1"})
    real, done = arena.helpdesk.read, list[bool]()

    async def read(case: str) -> Any:
        if not done:
            done.append(True)
            await suspend(arena.context, what="customer", name="anna", reason="stolen", by="sam")
        return await real(case)

    arena.helpdesk.read = read  # type: ignore[method-assign,assignment]  # the helpdesk answers late
    answer = arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN)
    assert (done, code_of(answer), "access_token" in answer.json()) == ([True], "task.busy", False)
    assert code_of(arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN)) == "task.ended"


def exchange(subject: str) -> dict[str, str]:
    """The form that exchanges a mandate."""
    return {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": calls.MANDATE_TOKEN}


def branched(arena: Arena, child: SandboxAgent) -> dict[str, str]:
    """What an exchange has besides, to hand on."""
    given = child.identity.credentials(issuer=ISSUER, now_s=arena.clock.now() / 1000)
    return {
        "requested_token_type": calls.MANDATE_TOKEN,
        "actor_token": given["client_assertion"],
        "actor_token_type": given["client_assertion_type"],
        "authorization_details": json.dumps([mandate()]),
        "dpop_jkt": child.client.key_thumbprint,
    }
