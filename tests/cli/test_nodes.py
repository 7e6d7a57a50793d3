"""A desk on PostgreSQL from the command line: made, served by several processes, joined by another machine, looked at and worked on meanwhile."""

import os
import shutil
import signal
import time
import uuid
from pathlib import Path

import httpx
import pytest

from cli.running import Run, Serve, Serving, refused
from postgres_tests import postgres_url
from remit.adapters.store.migrations.postgres import NEWEST


def databases() -> tuple[str, str]:
    """Where store and content keys are: each time others, so that desks of one name do not meet."""
    name = uuid.uuid4().hex[:12]
    return postgres_url(f"store_{name}"), postgres_url(f"keys_{name}")


@pytest.fixture
def desk(remit: Run, tmp_path: Path) -> Path:
    store, keys = databases()
    made = remit("init", "--store", store, "--keys", keys, tmp_path / "acme")
    assert made.code == 0, made.err
    return tmp_path / "acme"


def nodes_of(url: str, most: int, *, tries: int = 200) -> set[str]:
    """The names of the processes behind an address, as it tells them to whoever asks again and again."""
    found: set[str] = set()
    for _ in range(tries):
        with httpx.Client() as http:  # each time another connection
            text = http.get(f"{url}/metrics").text
        found |= {line.partition('node="')[2].partition('"')[0] for line in text.splitlines() if line.startswith("remit_node_info{")}
        if len(found) >= most:
            break
    return found


def until(serving: Serving, said: str) -> None:
    """Read what a server says until it says this."""
    assert serving.process.stderr is not None
    for line in serving.process.stderr:
        if said in line:
            return
    raise AssertionError(said)


def test_several_workers_serve_one_desk_and_are_replaced_one_by_one(desk: Path, serve: Serve) -> None:
    serving = serve(desk, "--workers", "2")
    assert serving.said["workers"] == 2
    before = nodes_of(serving.url, 2)
    assert len(before) == 2
    serving.process.send_signal(signal.SIGHUP)
    until(serving, "all workers were replaced")
    after = nodes_of(serving.url, 2)
    assert len(after) == 2
    assert not before & after
    assert httpx.get(f"{serving.url}/readyz").status_code == 200
    assert serving.stop() == 0


def test_a_worker_that_is_killed_is_started_again_and_the_others_go_on(desk: Path, serve: Serve) -> None:
    serving = serve(desk, "--workers", "2")
    (first, *_) = children(serving.process.pid)
    os.kill(first, signal.SIGKILL)
    assert httpx.get(f"{serving.url}/readyz").status_code == 200
    until(serving, "ended by itself")
    deadline = time.monotonic() + 30
    while len(children(serving.process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(nodes_of(serving.url, 2, tries=2000)) == 2
    assert serving.stop() == 0


def test_workers_do_not_outlive_a_parent_that_is_killed(desk: Path, serve: Serve) -> None:
    serving = serve(desk, "--workers", "2")
    mine = children(serving.process.pid)
    assert len(mine) == 2
    serving.process.kill()
    serving.process.wait()
    deadline = time.monotonic() + 30
    while any(alive(one) for one in mine) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(one) for one in mine)


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_commands_work_beside_the_nodes_that_serve(remit: Run, desk: Path, serve: Serve) -> None:
    serving = serve(desk)
    added = remit("person", "add", "olga", "--kind", "officer", "--role", "admin", "--config", desk)
    assert added.code == 0, added.err
    assert "olga" in remit("person", "list", "--config", desk).out
    assert remit("migrate", "--json", "--config", desk).json == {"before": NEWEST, "after": NEWEST}
    verified = remit("verify-log", "--json", "--config", desk).json
    assert verified["ok"]
    assert verified["entries"] == verified["records"] > 5
    found = {one["name"]: one["state"] for one in remit("doctor", "--json", "--config", desk).json["findings"] if one["state"] != "look"}
    assert found["store"] == found["log"] == found["outbox"] == "ok"
    refused(remit("recover", "--config", desk), "settings.invalid", "being served")
    assert serving.stop() == 0


@pytest.mark.proves("HIGH-WATER")
def test_another_machine_begins_with_what_was_published_and_not_without(remit: Run, desk: Path, serve: Serve, tmp_path: Path) -> None:
    first = serve(desk)
    other = Path(shutil.copytree(desk, tmp_path / "other"))
    shutil.rmtree(other / "high-water")
    refused(remit("person", "list", "--config", other), "settings.invalid", "high_water")
    refused(remit("join", "--config", other, "--from", tmp_path / "nowhere"), "settings.invalid", "nowhere")
    joined = remit("join", "--json", "--config", other, "--from", f"{first.url}/log")
    assert joined.json["entries"] >= 5
    refused(remit("join", "--config", other, "--from", f"{first.url}/log"), "settings.invalid", "already")
    second = serve(other)
    assert httpx.get(f"{second.url}/readyz").status_code == 200
    assert first.stop() == second.stop() == 0


def test_a_node_of_another_log_does_not_join(remit: Run, desk: Path, serve: Serve, tmp_path: Path) -> None:
    store, keys = databases()
    remit("init", "--store", store, "--keys", keys, tmp_path / "foreign")
    foreign = serve(tmp_path / "foreign")
    shutil.rmtree(desk / "high-water")
    assert "log.damaged" in remit("join", "--config", desk, "--from", f"{foreign.url}/log").err


@pytest.mark.parametrize(
    "given", [("--store", "postgresql://h/d"), ("--keys", "postgresql://h/d"), ("--store", "x.sqlite", "--keys", "y.sqlite")]
)
def test_a_desk_on_a_server_is_made_with_a_database_for_its_keys(remit: Run, tmp_path: Path, given: tuple[str, ...]) -> None:
    refused(remit("init", *given, tmp_path / "acme"), "settings.invalid", "--keys")
    assert not (tmp_path / "acme").exists()


@pytest.mark.parametrize(
    "store",
    ["postgresql://u:s3cret@h/d", "postgresql://u:s3/c?r@t@h/d", "postgresql://h/d?user=u&password=s3cret", "postgres://:s3cret@h/d"],
)
@pytest.mark.parametrize("place", ["--store", "--keys"])
def test_no_password_of_a_database_is_taken_from_the_command_line_nor_written_down(
    remit: Run, tmp_path: Path, store: str, place: str
) -> None:
    other = "--keys" if place == "--store" else "--store"
    said = remit("init", place, store, other, "postgresql://h/other", tmp_path / "acme")
    refused(said, "settings.invalid", "carries a password")
    assert "PGPASSWORD" in said.err
    assert "s3" not in said.err + said.out
    assert not (tmp_path / "acme").exists()


def test_a_desk_in_a_file_has_nobody_to_join_and_one_process(remit: Run, tmp_path: Path) -> None:
    assert remit("init", tmp_path / "acme").code == 0
    refused(remit("join", "--config", tmp_path / "acme", "--from", tmp_path), "settings.invalid", "shared")
    refused(remit("serve", "--workers", "2", "--config", tmp_path / "acme"), "settings.invalid", "one process")
