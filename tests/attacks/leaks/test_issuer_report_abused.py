"""Telling the owners of others' credentials that one was seen: signed, once, and never what it is.

Source: docs/model/model.md#leaks.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import Arena, gathered, open_arena
from notice_servers import Receiver, nobody, webhook_server
from remit.adapters.notify.webhook import signature
from remit.domain.secrets.find import find_secrets
from remit.usecases.send_issuer_reports import LEASE_MS, send_issuer_reports

READ = {"order_id": "W1"}
SECRET = bytes(range(32))
GITHUB = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
KIND = find_secrets(GITHUB)[0].kind
OURS = "acme_live_" + "Zk4Qw7Er9Ty2Ui5Op1As3Df6"


@contextmanager
def _arena(folder: Path, url: str, **more: Any) -> Iterator[Arena]:
    file = folder / "secret"
    file.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n", encoding="utf-8")
    file.chmod(0o600)
    own = {"name": "payments", "prefix": "acme_live_", "length": [16, 64], "url": url, "secret_file": str(file), **more}
    known = {"name": "code-host", "kinds": [KIND], "url": url, "secret_file": str(file)}
    with open_arena(settings={"leak": [own, known]}) as arena:
        assert arena.desk.desk is not None
        arena.run(arena.desk.desk.jobs.stop())  # the rounds are the tests' own
        yield arena


def _send(arena: Arena) -> list[str]:
    told: list[str] = []
    arena.run(send_issuer_reports(arena.context, told.append))
    return told


def _came(receiver: Receiver) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while not receiver.posts.empty():
        headers, raw = receiver.posts.get_nowait()
        made = signature(SECRET, letter_id=headers["webhook-id"], timestamp_s=int(headers["webhook-timestamp"]), body=raw)
        assert headers["webhook-signature"] == made
        found.append(json.loads(raw))
    return found


@pytest.mark.proves("LEAK-OWNER")
@pytest.mark.parametrize(("value", "owner", "kind"), [(OURS, "payments", "payments"), (GITHUB, "code-host", KIND)])
@pytest.mark.parametrize("how", ["plain", "base64", "spaced"])
def test_an_owner_is_told_of_kind_and_place_and_not_of_the_value(tmp_path: Path, value: str, owner: str, kind: str, how: str) -> None:
    said = {"plain": value, "base64": base64.b64encode(value.encode()).decode(), "spaced": " ".join(value)}[how]
    with webhook_server() as receiver, _arena(tmp_path, receiver.url) as arena:
        task = arena.task()
        arena.ask(task, "order.read", READ, words=f"It says:  {said}  there.")
        _send(arena)
        (report,) = _came(receiver)
        data = report["data"]
        assert report["type"] == "remit.leak"
        assert (data["owner"], data["kind"], data["place"], data["task"]) == (owner, kind, "ask", task.id)
        assert (data["agent"], data["operator"], data["desk"]) == (task.agent.client_id, task.agent.operator, "http://localhost")
        assert set(data) == {"id", "desk", "owner", "kind", "fingerprint", "place", "agent", "operator", "task"}
        entry = arena.recorded("leak.found")
        assert (entry["envelope"]["what"], entry["desk"]["owner"], entry["desk"]["report"]) == ("credential", owner, data["id"])
        assert [dict(details)["owner"] for of, details in arena.notify.incidents if of == "leak"] == [owner]
        assert any("We are informing its owner" in one.text for one in arena.notify.told if one.person == "anna")
        for text in (json.dumps(report), str(arena.entries()), str(arena.notify.incidents), str(arena.state())):
            assert value not in text
            assert hashlib.sha256(value.encode()).hexdigest() not in text


@pytest.mark.proves("LEAK-OWNER")
def test_the_digest_of_a_value_goes_only_to_an_owner_who_asks_for_it_and_not_on_the_record(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, receiver.url, sha256=True) as arena:
        task = arena.task()
        arena.ask(task, "order.read", READ, words=f"It says {OURS} and {GITHUB}.")
        _send(arena)
        told = {one["data"]["owner"]: one["data"] for one in _came(receiver)}
        assert told["payments"]["sha256"] == hashlib.sha256(OURS.encode()).hexdigest()
        assert "sha256" not in told["code-host"]
        assert told["payments"]["sha256"] not in str(arena.entries())


@pytest.mark.proves("LEAK-OWNER", "NO-GUESSABLE-FINGERPRINT")
@pytest.mark.parametrize("said", ["acme_live_1234", "my pin is 4711", "the password is hunter2hunter2hunter2", "xacme_live_" + "A1" * 12])
def test_nobody_is_told_of_what_can_be_guessed_or_only_looks_alike(tmp_path: Path, said: str) -> None:
    with webhook_server() as receiver, _arena(tmp_path, receiver.url) as arena:
        arena.ask(arena.task(), "order.read", READ, words=said)
        _send(arena)
        assert _came(receiver) == []


@pytest.mark.proves("LEAK-OWNER")
def test_one_value_in_one_task_is_told_once_and_many_flood_nobody(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, receiver.url) as arena:
        task = arena.task()
        for _ in range(3):
            arena.ask(task, "order.read", READ, words=f"It says {OURS}.")
        _send(arena)
        assert len(_came(receiver)) == 1
        for number in range(20):
            many = " ".join(f"acme_live_{number:04}{place:04}AbCdEfGhIjKl" for place in range(12))
            arena.ask(task, "order.read", READ, words=many)
        for _ in range(5):
            _send(arena)
        assert len(_came(receiver)) == 63, "64 for one task, whatever it writes"


@pytest.mark.proves("LEAK-OWNER")
def test_an_owner_who_is_away_is_told_later_under_the_same_id_and_holds_up_no_ask(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, receiver.url) as arena:
        receiver.statuses.extend([503, 503])
        task = arena.task()
        assert arena.ask(task, "order.read", READ, words=f"It says {OURS}.").status_code < 500
        assert _send(arena) == ["put_off"]
        assert _send(arena) == []
        arena.clock.ahead_ms += 6_000
        assert _send(arena) == ["put_off"]
        arena.clock.ahead_ms += 31_000
        assert _send(arena) == ["sent"]
        (report,) = _came(receiver)
        assert report["data"]["id"] == arena.recorded("leak.found")["desk"]["report"]
        assert _send(arena) == []


@pytest.mark.proves("LEAK-OWNER")
def test_of_several_nodes_one_tells_an_owner(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, receiver.url) as arena:
        arena.ask(arena.task(), "order.read", READ, words=f"It says {OURS}.")
        gathered(arena, [lambda: send_issuer_reports(arena.context, lambda _: None) for _ in range(4)])
        assert len(_came(receiver)) == 1


@pytest.mark.proves("LEAK-OWNER")
def test_what_nobody_takes_for_three_days_is_given_up_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with _arena(tmp_path, f"http://localhost:{nobody()}/x") as arena:
        arena.ask(arena.task(), "order.read", READ, words=f"It says {OURS}.")
        assert _send(arena) == ["put_off"]
        arena.clock.ahead_ms += 3 * 24 * 3600 * 1000 + LEASE_MS
        assert _send(arena) == ["failed"]
        assert "could not be reported to payments" in caplog.text
        assert OURS not in caplog.text


@pytest.mark.proves("LEAK-OWNER")
def test_a_redirect_leads_a_report_nowhere(tmp_path: Path) -> None:
    with webhook_server() as receiver, webhook_server() as elsewhere, _arena(tmp_path, receiver.url) as arena:
        receiver.statuses.append(307)
        receiver.location = elsewhere.url
        arena.ask(arena.task(), "order.read", READ, words=f"It says {OURS}.")
        assert _send(arena) == ["put_off"]
        assert elsewhere.asked == []


@pytest.mark.proves("LEAK-OWNER")
def test_what_looks_like_one_owners_keeps_no_other_from_being_told(tmp_path: Path) -> None:
    """\u2694 Else whoever knows how one owner's begin hides another's behind eight made-up ones."""
    with webhook_server() as receiver, _arena(tmp_path, receiver.url) as arena:
        made_up = " ".join(f"acme_live_{at:02d}Zk4Qw7Er9Ty2Ui5Op1As" for at in range(20))
        arena.ask(arena.task(), "order.read", READ, words=f"{made_up} and {GITHUB}")
        _send(arena)
        told = [one["data"]["owner"] for one in _came(receiver)]
        assert sorted(set(told)) == ["code-host", "payments"]
        assert len(told) == 8
