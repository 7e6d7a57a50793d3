"""P14: what tells about revocations is down: nothing is permitted meanwhile, and nothing is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from attacks.arena import SEND_BACK, code_of, open_arena


def _without_records(folder: Path, *, back: bool) -> None:
    old, new = ("hidden", "record") if back else ("record", "hidden")
    with closing(sqlite3.connect(folder / "store.sqlite")) as connection, connection:
        connection.execute(f"alter table {old} rename to {new}")


@pytest.mark.proves("P14", "FAIL-CLOSED")
def test_when_standing_cannot_be_read_nothing_is_permitted(tmp_path: Path) -> None:
    with open_arena(store=tmp_path) as arena:
        task = arena.task()
        assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
        _without_records(tmp_path, back=False)
        try:
            with arena.unchanged():
                for path, body in ((f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": {"order_id": "W1"}}),):
                    response = arena.send(task, path, body)
                    assert (code_of(response), response.status_code) == ("fault.store", 503)
                    assert "delivered" not in response.text
                assert code_of(arena.ask(task, "order.return", SEND_BACK)) == "fault.store"
                assert arena.send(task, f"/v1/tasks/{task.id}", method="GET").status_code == 503
                assert arena.exchange(task.agent, task.id, kind="urn:remit:token-type:task").is_error
                assert arena.form("/oauth/introspect", {"token": task.token}, agent=task.agent).is_error
        finally:
            _without_records(tmp_path, back=True)
        assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
        assert task.ask("order.return", SEND_BACK).needs_human


@pytest.mark.proves("P14", "FAIL-CLOSED")
def test_a_backoffice_that_is_down_permits_nothing_and_loses_nothing(tmp_path: Path) -> None:
    with open_arena(store=tmp_path) as arena:
        task, reply, _ = arena.waiting()
        arena.backoffice.set_unavailable(True)
        response = arena.ask(task, "order.return", SEND_BACK)
        assert (code_of(response), response.status_code) == ("fault.backoffice", 503)
        assert arena.performed() == []
        arena.backoffice.set_unavailable(False)
        assert arena.anna.confirm(reply).outcome == "done"
        assert arena.performed() == [SEND_BACK]
