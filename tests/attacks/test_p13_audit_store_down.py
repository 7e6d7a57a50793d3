"""P13: the audit store is down: no record, no action."""

import pytest

from attacks.arena import SEND_BACK, Arena, code_of, open_arena
from remit.client.errors import Unavailable


class Disk:
    """Breaks the store at a point, while it is told to."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.broken = False

    def __call__(self, point: str) -> None:
        if self.broken and point == self.point:
            raise OSError("no space left")


@pytest.mark.proves("P13", "NO-RECORD-NO-ACT")
def test_without_a_record_nothing_is_permitted_told_or_done() -> None:
    disk = Disk("store.before_commit")
    with open_arena(on_point=disk) as arena:
        task, reply, invitation = arena.waiting()
        path = f"/me/v1/confirmations/{invitation}"
        shown = arena.anna.get(path)
        size = len(arena.entries())
        disk.broken = True
        with arena.unchanged():
            read = arena.ask(task, "order.read", {"order_id": "W1"})
            assert (code_of(read), read.status_code) == ("fault.store", 503)
            assert "delivered" not in read.text
            assert code_of(arena.ask(task, "order.return", SEND_BACK)) == "fault.store"
            answer = {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])}
            assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "fault.store"
        disk.broken = False
        assert len(arena.entries()) == size
        assert reply.again().needs_human
        assert arena.anna.confirm(reply).outcome == "done"
        assert arena.performed() == [SEND_BACK]


@pytest.mark.proves("P13", "NO-RECORD-NO-ACT")
def test_an_answer_lost_after_the_commit_is_found_again_and_done_once() -> None:
    disk = Disk("store.after_commit")
    with open_arena(on_point=disk) as arena:
        task = arena.task()
        path = f"/v1/tasks/{task.id}/asks"
        body = {"action": "order.return", "params": SEND_BACK}
        disk.broken = True
        assert code_of(arena.send(task, path, body, headers={"idempotency-key": "k"})) == "fault.store"
        disk.broken = False
        with arena.unchanged():
            again = arena.send(task, path, body, headers={"idempotency-key": "k"}).json()
        assert again["decision"] == "needs_human"
        assert len(arena.entries("ask.decided")) == 1


@pytest.mark.proves("P13", "NO-RECORD-NO-ACT")
def test_a_revocation_that_cannot_be_recorded_is_not_reported_as_done() -> None:
    disk = Disk("store.before_commit")
    with open_arena(on_point=disk) as arena:
        found, task = arena.granted()
        disk.broken = True
        answer = arena.person("POST", f"/me/v1/mandates/{found.id}/revoke", {}, cookie=arena.anna.cookie)
        assert (code_of(answer), answer.status_code) == ("fault.store", 503)
        disk.broken = False
        assert arena.anna.revoke(found)["tasks"] == [task.id]


@pytest.mark.proves("P13", "NO-RECORD-NO-ACT")
def test_content_that_cannot_be_sealed_is_not_recorded_and_nothing_happens_without_it(arena: Arena) -> None:
    size = len(arena.entries())
    arena.context.vault.close()  # type: ignore[attr-defined]  # the file of content keys is gone
    with arena.unchanged(), pytest.raises(Unavailable) as refused:
        arena.desk.customer("bram")
    assert refused.value.code == "fault.store"
    assert len(arena.entries()) == size
