"""Somebody who reads the logs: no secret reaches a line, whoever writes it, at whatever level, also where something broke."""

import asyncio
import gc
import io
import json
import logging
import secrets
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, code_of
from remit.cli.logging import JsonLines, start_logs
from remit.entrypoints.agents.api import AgentApi
from remit.proof.canonical import b64url

CODE = b64url(secrets.token_bytes(24)) + "aB3"
JWT = f"eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwOi8vbG9jYWxob3N0In0.{b64url(secrets.token_bytes(64))}"
PLANTED: dict[str, tuple[str, str]] = {
    "an access token": (f"Authorization: DPoP {JWT}", JWT),
    "a session": (f"cookie: remit_session=rs_{CODE}", CODE),
    "a one-time link": (f"GET /enrol?code={CODE} HTTP/1.1", CODE),
    "an authorization code": (f"code={CODE}&code_verifier={CODE}", CODE),
    "a database's password": ("could not connect to postgresql://remit:Pl4nted-pw@db.internal:5432/remit", "Pl4nted-pw"),
    "a database's password, as a word": ("host=db user=remit password=Pl4nted-pw dbname=remit", "Pl4nted-pw"),
    "a private key": (
        "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqG\n-----END PRIVATE KEY-----",
        "MIGHAgEAMBMGByqGSM49AgEGCCqG",
    ),
    "a collector's header": ("OTEL_EXPORTER_OTLP_HEADERS=api-key=Pl4ntedPl4ntedPl4nted99", "Pl4ntedPl4ntedPl4nted99"),
    "a card": ("charge 4111 1111 1111 1111 please", "4111 1111 1111 1111"),
    "a password somebody typed": ("my password is Pl4nted-pw", "Pl4nted-pw"),
}


class Written:
    """What was written on standard error."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream
        self.own = list(logging.getLogger().handlers)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """The log of a process at its lowest level, as `remit serve` sets it up; everything is put back afterwards."""
    root, hooks = logging.getLogger(), (threading.excepthook, sys.unraisablehook)
    before = (root.handlers, root.level, {name: logging.getLogger(name).level for name in ("uvicorn", "httpx", "httpcore", "asyncio")})
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    for name in ("uvicorn", "uvicorn.error"):  # whatever server ran in this process before may have set them up for itself
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
    own = logging.getLogger("uvicorn.error").level
    logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)
    start_logs("debug", node="host-1-ab12")
    yield Written(stream)
    logging.getLogger("uvicorn.error").setLevel(own)
    logging.captureWarnings(capture=False)
    root.handlers = before[0]
    root.setLevel(before[1])
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)
    threading.excepthook, sys.unraisablehook = hooks


def _thread(said: str) -> None:
    def broken() -> None:
        raise ValueError(said)

    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()


def _fail(said: str) -> None:
    try:
        _ = {}[said]
    except KeyError as inner:
        raise RuntimeError(f"while {said}") from inner


def _chained(said: str) -> None:
    try:
        _fail(said)
    except RuntimeError:
        logging.getLogger("remit").exception("it broke: %s", said)


def _unraisable(said: str) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError(said)

    Broken()
    gc.collect()


def _task(said: str) -> None:
    async def forgotten() -> None:
        raise ValueError(said)

    async def main() -> None:
        task = asyncio.get_running_loop().create_task(forgotten())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(main())


class _Unspeakable:
    def __init__(self, said: str) -> None:
        self._said = said

    def __str__(self) -> str:
        raise RuntimeError(self._said)


def _below(name: str) -> Callable[[str], None]:
    return lambda said: logging.getLogger(name).error("failed: %s", said, exc_info=ValueError(said))


WRITERS: dict[str, Callable[[str], None]] = {
    "a message": lambda said: logging.getLogger("remit").warning(said.replace("%", "%%")),
    "a debug line": lambda said: logging.getLogger("remit.cli").debug("%s", said),
    "parts of a message": lambda said: logging.getLogger("remit").info("%s and %r", said, {"x": said}),
    "parts that do not fit": lambda said: logging.getLogger("remit").info(*("%s %s", said)),
    "a message that cannot be made": lambda said: logging.getLogger("remit").info("%s", _Unspeakable(said)),
    "a traceback with its cause": _chained,
    "a stack": lambda said: logging.getLogger("remit").info("%s", said, stack_info=True),
    "uvicorn": _below("uvicorn.error"),
    "asyncpg": _below("asyncpg.pool"),
    "opentelemetry": _below("opentelemetry.exporter.otlp"),
    "a thread that ends": _thread,
    "a forgotten task": _task,
    "cleaning up": _unraisable,
    "a warning": lambda said: warnings.warn_explicit(said, UserWarning, "file.py", 1, registry={}),
}


@pytest.mark.proves("LOGS-CLEAN")
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("kind", PLANTED)
def test_no_secret_reaches_a_line_whoever_writes_it(written: Written, writer: str, kind: str) -> None:
    said, secret = PLANTED[kind]
    logging.getLogger().handlers = written.own  # without those that pytest adds
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)  # pytest keeps warnings for itself otherwise
        WRITERS[writer](said)
        logging.captureWarnings(capture=False)
    assert secret not in written.text
    assert "".join(secret.split()) not in written.text
    assert written.lines
    assert "removed]" in written.text or writer in {"a message that cannot be made", "parts that do not fit"}
    for line in written.lines:
        assert {"at", "level", "event", "logger", "node", "message"} <= line.keys()
        assert line["node"] == "host-1-ab12"


@pytest.mark.proves("LOGS-CLEAN")
@pytest.mark.parametrize("length", [*range(0, 180, 7), *range(3_980, 4_020, 3), *range(7_940, 8_020, 7), *range(15_960, 16_020, 7), 50_000])
def test_no_half_of_a_secret_is_left_where_a_long_line_is_cut(length: int) -> None:
    many = f"{'w' * (length % (len(JWT) + 1))} {f'{JWT} ' * 200}"  # what is read shrinks to less than what is shown
    for text in (
        f"{'word ' * (length // 5)}{JWT} and so on {'word ' * 5000}",
        f"{'word ' * 5000}{JWT} {'x' * length}",
        JWT + "." * length,
        many,
    ):
        line = JsonLines().format(logging.makeLogRecord({"name": "remit", "levelname": "INFO", "msg": "%s", "args": (text,)}))
        assert not any(JWT[place : place + 12] in line for place in range(0, len(JWT) - 12, 6))
        assert len(line) < 5_000


@pytest.mark.proves("LOGS-CLEAN")
def test_a_desk_that_breaks_at_every_door_tells_none_of_the_credentials_it_was_given(
    arena: Arena, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, cookie = arena.task(), arena.anna.cookie

    async def broken(_self: object, scope: Any, *rest: Any) -> Any:
        raise RuntimeError(f"{scope} {rest}")

    monkeypatch.setattr(AgentApi, "handle", broken)
    proof = arena.proof(task.agent, "POST", f"/v1/tasks/{task.id}/asks", token=task.token)
    answer = arena.send(
        task, f"/v1/tasks/{task.id}/asks", {"action": "x", "params": {}}, headers={"dpop": proof, "cookie": f"remit_session={cookie}"}
    )
    assert code_of(answer) == "fault.internal"
    for secret in (task.token, proof, cookie, task.token.rpartition(".")[2], proof.rpartition(".")[2]):
        assert secret not in written.text
    (line,) = [one for one in written.lines if one["event"] == "request.broken"]
    assert "RuntimeError" in line["error"]
    assert line["request"] == answer.headers["x-request-id"]


@pytest.mark.proves("LOGS-CLEAN")
def test_a_whole_journey_at_the_lowest_level_leaves_no_credential_in_the_log(arena: Arena, written: Written) -> None:
    arena.run(_debugging(on=True))
    task = arena.sent_back()
    task.ask("order.return", SEND_BACK, words=f"The password is Pl4nted-pw, the code {CODE}.")
    arena.ask(task, "order.read", {"order_id": CODE})
    link = arena.form("/oauth/introspect", {"token": task.token}, agent=task.agent)
    assert link.status_code == 200
    task.complete()
    for secret in (task.token, arena.anna.cookie, task.agent.key, "Pl4nted-pw", CODE):
        assert secret not in written.text
    assert all(one["event"] != "log" or not one["logger"].startswith("remit") for one in written.lines)


async def _debugging(*, on: bool) -> None:
    asyncio.get_running_loop().set_debug(on)
