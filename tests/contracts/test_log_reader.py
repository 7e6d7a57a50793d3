"""What every reader of a published log promises, in a folder and below an address."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from remit.adapters.log_reader.published import FolderLog, HttpLog
from remit.adapters.signer.file import verify_ed25519
from remit.domain.errors import Code, Fault, Refused
from remit.ports.log_reader import LogReader
from remit.proof import merkle, tiles
from remit.proof.checkpoint import Checkpoint, checkpoint_text, make_vkey, signed_note
from remit.proof.tiles import Bundle, Tile
from remit.usecases.transcript.verify import LogReport, verify_log

ORIGIN = "desk.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
VKEY = make_vkey(ORIGIN, KEY.public_key().public_bytes_raw())
SIZE = 600
ENTRIES = [number.to_bytes(32, "big") for number in range(SIZE)]


def publish(directory: Path, size: int) -> None:
    nodes = merkle.new_hashes(0, merkle.leaf_hashes(ENTRIES[:size]), lambda *_: b"")
    files = {tile.path: b"".join(nodes[node] for node in tiles.nodes(tile)) for tile in tiles.tiles(size)}
    for bundle in tiles.bundles(size):
        files[bundle.path] = tiles.encode_bundle(ENTRIES[bundle.index * 256 : bundle.index * 256 + bundle.width])
    body = checkpoint_text(Checkpoint(origin=ORIGIN, size=size, root=merkle.root(size, lambda level, index: nodes[level, index])))
    files["checkpoint"] = signed_note(body, VKEY, KEY.sign(body.encode())).encode()
    for path, raw in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(raw)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; `/redirect/…` and `/broken/…` misbehave."""

    def do_GET(self) -> None:
        if self.path.startswith("/redirect/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/redirect"))
            self.end_headers()
        elif self.path.startswith("/broken/"):
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def published(tmp_path: Path) -> Path:
    publish(tmp_path, SIZE)
    return tmp_path


@pytest.fixture
def address(published: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: Quiet(*given, directory=str(published)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["folder", "http"])
def log(request: pytest.FixtureRequest, published: Path) -> Iterator[LogReader]:
    if request.param == "folder":
        yield FolderLog(published)
    else:
        with httpx.Client(trust_env=False) as client:
            yield HttpLog(f"{request.getfixturevalue('address')}/", client)


def verify(log: LogReader) -> LogReport:
    return verify_log(
        log,
        records=None,
        vkey=str(VKEY),
        high_water=None,
        earlier=(),
        verify_ed25519=verify_ed25519,
        ticks=lambda: 0.0,
        progress=lambda *_: None,
    )


def refused(call: Any, *arguments: Any) -> Code:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.code


def test_a_published_log_verifies_from_where_it_lies(log: LogReader) -> None:
    assert verify(log).entries == SIZE


@pytest.mark.parametrize("path", ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"])
def test_a_published_tile_that_is_not_made_of_the_entries_shows(log: LogReader, published: Path, path: str) -> None:
    raw = bytearray((published / path).read_bytes())
    raw[40] ^= 1
    (published / path).write_bytes(raw)
    assert refused(verify, log) is Code.LOG_DAMAGED


def test_a_partial_tile_cleared_away_is_cut_out_of_the_full_one(log: LogReader, published: Path) -> None:
    tile, bundle = Tile(level=0, index=0, width=77), Bundle(index=0, width=77)
    assert log.tile(tile) == (published / "tile/0/000").read_bytes()[: 77 * 32]
    assert log.bundle(bundle) == tiles.encode_bundle(ENTRIES[:77])


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001"])
def test_what_is_missing_is_damage(log: LogReader, published: Path, path: str) -> None:
    (published / path).unlink()
    assert refused(verify, log) is Code.LOG_DAMAGED


@pytest.mark.parametrize(("path", "size"), [("checkpoint", 300_000), ("tile/0/001", 8_193), ("tile/entries/001", 20_000_000)])
def test_what_is_longer_than_it_can_be_is_not_read_to_its_end(log: LogReader, published: Path, path: str, size: int) -> None:
    (published / path).write_bytes(b"x" * size)
    assert refused(verify, log) is Code.LOG_DAMAGED


def test_a_checkpoint_that_is_not_utf_8_is_damage(log: LogReader, published: Path) -> None:
    (published / "checkpoint").write_bytes(b"\xff")
    assert refused(log.checkpoint) is Code.LOG_DAMAGED


def test_a_full_bundle_that_is_none_is_damage(log: LogReader, published: Path) -> None:
    (published / "tile/entries/000").write_bytes(b"nonsense")
    assert refused(log.bundle, Bundle(index=0, width=3)) is Code.LOG_DAMAGED


@pytest.mark.parametrize("below", ["redirect", "broken"])
def test_a_redirect_or_a_server_fault_is_no_answer_and_no_verdict(address: str, below: str) -> None:
    with httpx.Client(trust_env=False) as client, pytest.raises(Fault) as caught:
        HttpLog(f"{address}/{below}", client).checkpoint()
    assert caught.value.code is Code.FAULT_STORE


@pytest.mark.parametrize("prefix", ["http://127.0.0.1:9/log", "nonsense", "http://[", "ftp://x"])
def test_an_address_that_cannot_be_reached_is_a_fault(prefix: str) -> None:
    with httpx.Client(trust_env=False) as client, pytest.raises(Fault) as caught:
        HttpLog(prefix, client).checkpoint()
    assert caught.value.code is Code.FAULT_STORE


def test_a_folder_that_cannot_be_read_is_a_fault(published: Path) -> None:
    (published / "checkpoint").unlink()
    (published / "checkpoint").mkdir()
    with pytest.raises(Fault) as caught:
        FolderLog(published).checkpoint()
    assert caught.value.code is Code.FAULT_STORE
