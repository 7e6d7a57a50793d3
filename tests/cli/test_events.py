"""`remit events`: a desk's stream at a transmitter, from the command line; and what `remit check` says of wrong settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.running import Run
from conformance.ssf_peer import Peer, peer_served, secret_file


@pytest.fixture
def peer() -> Iterator[Peer]:
    with peer_served() as one:
        yield one


def listening(desk: Path, peer: Peer, more: str = "") -> None:
    """The desk has a transmitter."""
    pushes, _ = secret_file(desk / "own", "pushes")
    manage, _ = secret_file(desk / "own", "manage", peer.manage_token)
    text = f"""
[[events.transmitters]]
name = "helper"
issuer = "{peer.url}"
operator = "helper.example"
push_token_files = ["{pushes}"]
manage_token_file = "{manage}"
{more}
"""
    with (desk / "remit.toml").open("a") as file:
        file.write(text)


def test_a_stream_is_made_shown_and_deleted(remit: Run, desk: Path, peer: Peer) -> None:
    listening(desk, peer)
    peer.answers.append(0)
    made = remit("events", "pause", "helper", "--config", desk)
    assert made.code != 0
    assert "request.not_found" in made.err
    peer._verify = lambda _: None  # type: ignore[method-assign]  # no desk is served that would take it
    created = remit("events", "create", "helper", "--config", desk, "--json").json["stream"]
    assert created["delivery"]["endpoint_url"].endswith("/ssf/v1/events")
    shown = remit("events", "show", "helper", "--config", desk)
    assert shown.code == 0
    assert "status: enabled" in shown.out
    assert remit("events", "delete", "helper", "--config", desk).code == 0
    assert peer.stream == {}


def test_an_unknown_transmitter_is_named(remit: Run, desk: Path, peer: Peer) -> None:
    listening(desk, peer)
    refused = remit("events", "show", "login", "--config", desk)
    assert refused.code != 0
    assert "the settings name no transmitter login" in refused.err


def test_a_token_that_everybody_can_read_stops_the_start(remit: Run, desk: Path, peer: Peer) -> None:
    listening(desk, peer)
    (desk / "own" / "pushes").chmod(0o644)
    refused = remit("check", "--config", desk)
    assert refused.code != 0
    assert "events.transmitters.push_token_files" in refused.err
