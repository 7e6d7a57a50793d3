"""What the doctor finds of a desk at work: each finding is one line, with a cure where there is something to do."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cli.running import Run, Serve, change, found, refused
from remit.cli import doctor
from remit.cli import doctor as doctor_running
from remit.domain.records import ActRecord, OutboxState
from remit.ports.store import Commit, Put
from remit.settings import load_settings
from remit.wiring import build_desk, rules_of

asked_over_tls = doctor_running.certificate_expiry  # before anything is put in its place


def states(findings: list[dict[str, str]]) -> list[str]:
    return [one["state"] for one in findings]


def waits(desk: Path, *acts: tuple[OutboxState, float]) -> None:
    """Acts in the outbox, since so many seconds."""
    settings = load_settings(desk / "remit.toml")

    async def put() -> None:
        built = build_desk(settings, rules_of(settings))
        for number, (state, ago_s) in enumerate(acts):
            at: Any = round((time.time() - ago_s) * 1000)
            act = ActRecord(
                id=f"act_{number}",
                ask="ask_x",
                task="task_x",
                case="case_x",
                door="backoffice",
                payload="{}",
                state=state,
                queued_at=at,
                sent_at=at,
            )
            await built.context.store.commit(Commit(puts=(Put(act, 0),)))
        await built.stop()

    asyncio.run(put())


def test_an_empty_outbox_and_one_under_way_are_in_order(remit: Run, desk: Path) -> None:
    assert states(found(remit, desk, "outbox")) == ["ok"]
    waits(desk, (OutboxState.QUEUED, 5), (OutboxState.SENT, 5))
    assert [(one["state"], one["says"]) for one in found(remit, desk, "outbox")] == [("ok", "2 acts are under way, none for long")]


def test_acts_that_wait_long_are_told_with_how_long(remit: Run, desk: Path) -> None:
    waits(desk, (OutboxState.QUEUED, 200), (OutboxState.QUEUED, 100), (OutboxState.UNKNOWN, 300))
    queued, sent = found(remit, desk, "outbox")
    assert (queued["state"], sent["state"]) == ("look", "look")
    assert queued["says"].startswith("2 acts are queued, the oldest for 2")
    assert sent["says"].startswith("the outcome of 1 acts is not known, of the oldest for 3")


def test_an_act_whose_outcome_stays_unknown_is_wrong(remit: Run, desk: Path) -> None:
    waits(desk, (OutboxState.UNKNOWN, 4000))
    assert states(found(remit, desk, "outbox")) == ["wrong"]


def test_a_desk_that_is_not_served_says_so(remit: Run, desk: Path) -> None:
    (one,) = found(remit, desk, "process")
    assert (one["state"], one["says"]) == ("ok", "the desk is not served: nothing expires, and nothing is sent")


def at(desk: Path, serve: Serve, *more: str) -> Any:
    """Serve at the port that the settings name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    change(desk, "http://localhost:8080", f"http://localhost:{port}")
    change(desk, "port = 8080", f"port = {port}")
    return serve(desk, "--port", str(port), *more)


def test_a_desk_that_is_served_is_asked_how_it_does(remit: Run, serve: Serve, desk: Path) -> None:
    serving = at(desk, serve, "--drain", "600")
    assert states(found(remit, desk, "process")) == ["ok"]
    assert states(found(remit, desk, "jobs")) == ["ok"]
    serving.process.send_signal(signal.SIGTERM)
    while httpx.get(f"{serving.url}/readyz").status_code == 200:
        pass
    (one,) = found(remit, desk, "process")
    assert one["state"] == "wrong"
    assert one["says"] == "is not ready: fault.stopping: This server process is shutting down."
    serving.process.kill()


def test_a_desk_that_is_served_elsewhere_is_told_as_that(remit: Run, serve: Serve, desk: Path) -> None:
    serve(desk)  # at another port than the settings say
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    change(desk, "port = 8080", f"port = {port}")
    (one,) = found(remit, desk, "process")
    assert one["state"] == "look"
    assert "--port" in one["cure"]


def test_rounds_that_went_well_long_ago_are_wrong() -> None:
    now = time.time()
    told = list(doctor_running._rounds({"due": now - 300, "look": now - 5, "acts": now - 300}))
    assert [(one.name, one.state, one.says.partition(" last")[0]) for one in told] == [("jobs", "wrong", "the round of due")]
    assert [one.state for one in doctor_running._rounds({})] == ["ok"]


def test_an_old_token_key_is_worth_a_look(remit: Run, desk: Path) -> None:
    assert states(found(remit, desk, "keys")) == ["ok"]
    long_ago = time.time() - 400 * 86_400
    os.utime(desk / "data" / "keys" / "token.pem", (long_ago, long_ago))
    (one,) = found(remit, desk, "keys")
    assert (one["state"], "rotate-keys" in one["cure"]) == ("look", True)


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (20, "look"), (3, "wrong"), (-1, "wrong")])
def test_a_certificate_is_told_with_its_end(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch, days: int, state: str) -> None:
    assert found(remit, desk, "certificate") == []
    change(desk, "http://localhost:8080", "https://support.example")
    assert states(found(remit, desk, "certificate")) == ["look"]  # nobody answers there
    monkeypatch.setattr(doctor_running, "certificate_expiry", lambda *_: datetime.now(tz=UTC) + timedelta(days=days, hours=1))
    assert states(found(remit, desk, "certificate")) == [state]


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, datetime]]:
    """A server on this machine that shows a certificate for localhost; the port and when it ends."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    ends = datetime.now(tz=UTC).replace(microsecond=0) + timedelta(days=40)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ends - timedelta(days=50))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            plain, _ = listener.accept()
            with contextlib.suppress(OSError), serving.wrap_socket(plain, server_side=True) as one:  # it goes without a word
                one.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1], ends
        thread.join()


def test_a_certificate_is_read_as_a_client_reads_it(shown: tuple[int, datetime]) -> None:
    assert asked_over_tls("localhost", shown[0]) == shown[1]


def test_a_clock_behind_the_log_is_told_with_how_far(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = found(remit, desk, "clock")
    assert (one["state"], "the newest entry of the log is" in one["says"]) == ("ok", True)
    real = time.time
    monkeypatch.setattr(doctor.time, "time", lambda: real() - 100_000)
    (one,) = found(remit, desk, "clock")
    assert one["state"] == "wrong"
    assert one["says"].startswith("stands 99")


def test_every_disk_that_something_is_written_on_is_looked_at(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk / "elsewhere").mkdir()
    shutil.move(desk / "data" / "desk.sqlite", desk / "elsewhere" / "desk.sqlite")
    change(desk, "data/desk.sqlite", "elsewhere/desk.sqlite")
    looked = [one["says"] for one in found(remit, desk, "disk")]
    for folder in ("data", "elsewhere", "high-water"):
        assert any(f"{folder} has " in says for says in looked), looked
    usage = shutil.disk_usage(desk)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage._replace(free=1024))
    assert states(found(remit, desk, "disk"))[:3] == ["wrong"] * 3


def test_traces_are_told_with_where_they_go_and_a_missing_extra_is_wrong(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(remit, desk, "traces") == []
    file = desk / "remit.toml"
    file.write_text(
        file.read_text() + '\n[telemetry]\notlp_endpoint = "http://localhost:4318"\nsample_percent = 5\ntrust_traceparent = true\n'
    )
    goes, trusted = found(remit, desk, "traces")
    assert (goes["state"], goes["says"]) == ("ok", "traces of 5 requests in 100 go to http://localhost:4318/v1/traces")
    assert trusted["state"] == "look"
    monkeypatch.delitem(sys.modules, "remit.adapters.tracing.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert states(found(remit, desk, "traces")) == ["wrong"]
    refused(remit("check", "--config", desk), "settings.invalid", "needs the extra `otel`")
