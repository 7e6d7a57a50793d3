"""News that comes between reading and waiting: it must not be slept over, at no door that waits."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, Arena
from remit.domain.records import AskRecord, DeskMessage
from remit.ports.store import Commit
from remit.sandbox import SandboxPerson, SandboxTask

PATIENCE_S = 10.0
"""Long for an answer, short for a wait of 30 seconds."""
News = Callable[[], Awaitable[httpx.Response]]


def by(arena: Arena, person: SandboxPerson, path: str, body: dict[str, Any]) -> News:
    """A request of a person, made now and sent when it is called, on the desk's own loop."""
    headers = {"cookie": person.cookie, "content-type": "application/json"}
    content = json.dumps(body).encode()
    return lambda: arena.room._http.post(path, content=content, headers=headers)


class After:
    """A store in which something is committed right after a certain read (or commit) of a poll, before it goes on."""

    def __init__(self, store: Any, kind: type, number: int, news: News) -> None:
        self._store = store
        self._kind = kind
        self._left = number
        self._news = news

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name not in {"get", "find", "commit"}:
            return real

        async def read(kind: Any, *args: Any, **more: Any) -> Any:
            found = await real(kind, *args, **more)
            if kind is self._kind or type(kind) is self._kind:
                self._left -= 1
                if self._left == 0:
                    (await self._news()).raise_for_status()
            return found

        return read


def polled(arena: Arena, poll: News, kind: type, number: int, news: News) -> dict[str, Any]:
    """What a poll answers, with news right after its read of that number; none of it may take as long as it may wait."""
    store = arena.context.store
    object.__setattr__(arena.context, "store", After(store, kind, number, news))
    try:
        answer = arena.run(asyncio.wait_for(poll(), PATIENCE_S))
    finally:
        object.__setattr__(arena.context, "store", store)
    body: dict[str, Any] = answer.json()
    return body


def polling(arena: Arena, task: SandboxTask, path: str) -> News:
    """A poll of an agent, proved now."""
    headers = {"authorization": f"DPoP {task.token}", "dpop": arena.proof(task.agent, "GET", path.partition("?")[0], token=task.token)}
    return lambda: arena.room._http.get(path, headers=headers)


def without_token(arena: Arena, task: SandboxTask, path: str) -> News:
    """The same poll by the workload itself, as after the end of its task."""
    fields = task.agent.identity.credentials(issuer=ISSUER, now_s=arena.clock.now() / 1000)
    assertion = fields["client_assertion"]
    proof = arena.proof(task.agent, "GET", path.partition("?")[0], token=assertion)
    headers = {"client-assertion-type": fields["client_assertion_type"], "client-assertion": assertion, "dpop": proof}
    return lambda: arena.room._http.get(path, headers=headers)


@pytest.mark.proves("LONG-POLLS")
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("polls", [polling, without_token])
def test_an_answer_right_after_the_poll_has_read_is_told_at_once(
    arena: Arena, polls: Callable[[Arena, SandboxTask, str], News], number: int
) -> None:
    task, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    no = by(arena, arena.anna, path, {"answer": "no", "assertion": arena.anna.passkey.get(arena.anna.get(path)["options"])})
    body = polled(arena, polls(arena, task, f"/v1/asks/{reply.ask}?wait=30"), AskRecord, number, no)
    assert (body["decision"], body["codes"]) == ("refuse", ["confirmation.declined"]), body


@pytest.mark.proves("LONG-POLLS")
def test_a_message_right_after_the_inbox_was_read_is_told_at_once(arena: Arena) -> None:
    task = arena.task()
    cara = arena.desk.officer("cara", ["care"])
    reply = by(arena, cara, f"/desk/v1/cases/{task.case}/reply", {"text": "We have your parcel."})
    body = polled(arena, polling(arena, task, f"/v1/tasks/{task.id}/inbox?wait=30"), DeskMessage, 1, reply)
    assert [one["text"] for one in body["messages"]] == ["We have your parcel."]


@pytest.mark.proves("LONG-POLLS")
@pytest.mark.parametrize("kind", [Commit, DeskMessage])
def test_the_end_of_a_task_right_before_or_after_its_inbox_was_read_is_told_at_once(arena: Arena, kind: type) -> None:
    found, task = arena.granted()
    revoke = by(arena, arena.anna, f"/me/v1/mandates/{found.id}/revoke", {})
    body = polled(arena, polling(arena, task, f"/v1/tasks/{task.id}/inbox?wait=30"), kind, 1, revoke)
    assert body["code"] == "task.ended"
