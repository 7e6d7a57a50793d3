"""Several desks on one machine: each gets a port of its own, and every link leads to where its desk really listens."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from cli.running import Run, Serve, change, refused
from remit.cli import ports


@pytest.fixture
def busy() -> Iterator[socket.socket]:
    """A port that another program listens on."""
    other = socket.create_server(("127.0.0.1", 0))
    yield other
    other.close()


def port_of(link: str) -> int | None:
    return urlsplit(link).port


def test_desks_beside_each_other_get_ports_of_their_own(remit: Run, tmp_path: Path) -> None:
    made = [remit("init", "--json", "--empty", tmp_path / name).json for name in ("one", "two", "three")]
    assert len({one["port"] for one in made}) == 3
    for one in made:
        assert one["issuer"] == f"http://localhost:{one['port']}"
        assert port_of(one["enrol"]) == one["port"]


def test_a_port_that_another_program_uses_is_left_out(busy: socket.socket) -> None:
    taken = busy.getsockname()[1]
    assert not ports.is_free(taken)
    assert ports.next_free(taken - 1) != taken


def test_a_port_that_was_asked_for_is_taken_as_it_is(remit: Run, tmp_path: Path, busy: socket.socket) -> None:
    taken = busy.getsockname()[1]
    assert remit("init", "--json", "--empty", "--port", taken, tmp_path / "one").json["port"] == taken


def test_a_link_leads_to_the_port_the_desk_was_served_on(remit: Run, serve: Serve, desk: Path) -> None:
    def link(*more: object) -> str:
        return str(remit("person", "invite", "anna", "--json", "--config", desk, *more).json["enrol"])

    assert port_of(link()) == 8080
    other = ports.next_free(20_000)
    serving = serve(desk, command=("serve", "--port", str(other)))
    assert serving.url == f"http://localhost:{other}"
    assert serving.stop() == 0
    assert port_of(link()) == other
    told = remit("person", "invite", "anna", "--config", desk)
    assert f"`remit serve --port {other}`" in told.out
    assert port_of(link("--port", 9999)) == 9999
    again = serve(desk, command=("serve", "--port", str(other)))
    assert httpx.get(f"{again.url}/healthz").status_code == 200
    again.stop()
    assert serve(desk).stop() == 0  # on any free port, for this one start
    assert port_of(link()) == 8080


def test_a_link_of_a_desk_that_others_can_reach_names_its_own_address_alone(remit: Run, desk: Path) -> None:
    (desk / "data" / "address.json").write_text('{"port": 9999}')
    change(desk, "http://localhost:8080", "https://support.example")
    told = remit("person", "invite", "anna", "--json", "--config", desk)
    assert told.json["enrol"].startswith("https://support.example/enrol?code=")


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"port": "x"}', '{"port": 0}', '{"port": 70000}', '{"port": null}'])
def test_a_kept_port_that_cannot_be_read_counts_as_none(remit: Run, desk: Path, kept: str) -> None:
    (desk / "data" / "address.json").write_text(kept)
    assert port_of(remit("person", "invite", "anna", "--json", "--config", desk).json["enrol"]) == 8080


def test_a_busy_port_is_told_with_one_that_is_free(remit: Run, desk: Path, busy: socket.socket) -> None:
    taken = busy.getsockname()[1]
    ran = remit("serve", "--config", desk, "--port", taken)
    refused(ran, "settings.invalid", "another program listens there")
    offered = int(ran.err.rpartition("--port ")[2].partition("`")[0])
    assert ports.is_free(offered)


def test_two_desks_are_served_side_by_side(remit: Run, serve: Serve, tmp_path: Path) -> None:
    for name in ("one", "two"):
        remit("init", "--empty", tmp_path / name)
    with contextlib.ExitStack() as ending:
        urls = []
        for name in ("one", "two"):
            serving = serve(tmp_path / name, command=("serve",))
            ending.callback(serving.stop)
            urls.append(serving.url)
            assert httpx.get(f"{serving.url}/healthz").status_code == 200
        assert len(set(urls)) == 2


def test_two_demos_are_played_side_by_side(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path("src").absolute())}
    command = [sys.executable, "-m", "remit", "demo", "--smoke", "--json", "--dir"]
    both = [
        subprocess.Popen([*command, tmp_path / name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for name in ("one", "two")
    ]
    told = [process.communicate(timeout=900) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert len({one[0].partition('"url":"')[2].partition('"')[0] for one in told}) == 2
