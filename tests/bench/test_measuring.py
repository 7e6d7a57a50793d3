"""The pieces of the benchmarks: what is sent, what is counted, and what is said of a peer that is not there. Nothing is timed here."""

import base64
import json
import os
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from ask import MIXED, Asks, requests
from before import COMMIT, older_tree
from calls import verdict
from first_stack_engines import ByCerbos, Wish
from load import Seen, Stuck, post, send
from peer_servers import RULES, cerbos_policy
from processes import LeftOut, Unstarted, cpu_s, pss_mb, start, tree
from remit.client.keys import new_key
from signing import Signer
from stages import EXCHANGE, PATH

ROOT = Path(__file__).parents[2]


class Answers(socketserver.StreamRequestHandler):
    """Answers each request on a kept connection with the body it was sent, in two pieces."""

    def handle(self) -> None:
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = self.rfile.readline()
                if not line:
                    return
                head += line
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = self.rfile.read(length)
            if body == b"close":
                return
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body[:2])
            self.wfile.flush()
            self.wfile.write(body[2:])


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@pytest.fixture
def port() -> Iterator[int]:
    with Server(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_every_request_is_sent_once_and_every_answer_is_whole(port: int) -> None:
    ready = [post("/x", port, f"body {number}".encode(), kind="text/plain") for number in range(50)]
    found = send(port, ready, 4, keep=True)
    assert sorted(found.bodies) == sorted(f"body {number}".encode() for number in range(50))
    assert len(found.latencies) == 50
    assert found.rate > 0


def test_a_server_that_closes_is_said_and_not_waited_for(port: int) -> None:
    with pytest.raises(Stuck, match="closed"):
        send(port, [post("/x", port, b"close", kind="text/plain")], 1)


def test_lots_of_one_round_are_counted_together() -> None:
    whole = Seen()
    whole.add(Seen(seconds=1.0, latencies=[0.001] * 99), 0.5)
    whole.add(Seen(seconds=1.0, latencies=[0.5]), 0.5)
    assert (whole.rate, whole.cpu_us, whole.percentile_ms(0.5), whole.percentile_ms(0.99)) == (50.0, 10_000.0, 1.0, 500.0)


def test_assertions_and_proofs_verify_and_are_never_the_same_twice() -> None:
    pem = new_key()
    signer, key = Signer(pem), ECKey.import_key(pem)
    first, second = (signer.assertion("agent", "http://localhost:1", 1_000) for _ in range(2))
    assert first["client_assertion"] != second["client_assertion"]
    token = jwt.decode(first["client_assertion"], key, algorithms=["ES256"])
    assert (token.claims["iss"], token.claims["sub"], token.claims["aud"]) == ("agent", "agent", "http://localhost:1")
    proof = jwt.decode(signer.proof("http://localhost:1/token", None, 7, 1_000), key, algorithms=["ES256"])
    assert (proof.header["typ"], proof.claims["htu"], "ath" in proof.claims) == ("dpop+jwt", "http://localhost:1/token", False)
    assert "ath" in jwt.decode(signer.proof("http://localhost:1/x", "token", 7, 1_000), key, algorithms=["ES256"]).claims


def test_a_request_says_how_long_its_body_is() -> None:
    head, _, body = post("/token", 81, b"a=b&c=d", "dpop: x").partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"POST /token HTTP/1.1"
    assert b"content-length: 7" in head.splitlines()
    assert b"dpop: x" in head.splitlines()
    assert parse_qs(body.decode()) == {"a": ["b"], "c": ["d"]}


def test_cerbos_gets_so_many_rules_and_allows_only_what_is_owned() -> None:
    rules = json.loads(cerbos_policy())["resourcePolicy"]["rules"]
    assert len(rules) == RULES
    assert {one["effect"] for one in rules[2:]} == {"EFFECT_DENY"}
    assert all("owned" in one["condition"]["match"]["expr"] for one in rules[:2])


def test_a_peer_that_is_not_there_is_said_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(Unstarted, match="run `make bench`"):
        start("nobody", [str(tmp_path / "missing")], tmp_path)


def test_a_peer_that_ends_at_its_start_is_said_with_its_last_words(tmp_path: Path) -> None:
    server = start("nobody", [sys.executable, "-c", "raise SystemExit('no port left')"], tmp_path)
    with pytest.raises(Unstarted, match=r"nobody did not start \(no port left\); do this"):
        server.wait_until(lambda: False, "do this")


def test_a_tree_is_counted_whole() -> None:
    own = os.getpid()
    assert own in tree(own)
    assert cpu_s(own) > 0
    assert pss_mb(own) > 1


def test_peers_are_pinned_and_no_file_of_theirs_names_a_registry() -> None:
    package = json.loads((ROOT / "bench" / "peers" / "package.json").read_text(encoding="utf-8"))
    assert all(version[0].isdigit() for version in package["dependencies"].values())
    pinned = (ROOT / "requirements-peers.txt").read_text(encoding="utf-8")
    assert "authgent-server==0.3.4" in pinned
    assert "://" not in pinned
    assert not list((ROOT / "bench").rglob("package-lock.json"))


def test_every_script_can_be_imported() -> None:
    for name in ("compare", "asking", "before", "nodes", "sides", "big_log", "slow_syncs", "machine", "ask", "exchange_stages", "goals"):
        assert __import__(name).__doc__


def test_a_signature_is_two_numbers_of_full_length() -> None:
    signature = Signer(new_key()).proof("http://localhost:1/x", None, 1, 1).rpartition(".")[2]
    assert len(base64.urlsafe_b64decode(signature + "==")) == 64


def test_every_stage_that_is_counted_is_a_function_of_the_product() -> None:
    assert [f"{owner.__name__}.{name}" for owner, name, _ in (*PATH, *EXCHANGE) if not callable(getattr(owner, name, None))] == []


def tasks(count: int) -> list[dict[str, Any]]:
    signer = Signer(new_key())
    return [
        {"task": f"task_{number}", "token": "t", "signer": signer, "orders": [f"W{number}x0", f"W{number}x1"]} for number in range(count)
    ]


@pytest.mark.parametrize("count", [3, 4])
def test_mixed_asks_are_half_reads_in_every_task(count: int) -> None:
    kinds: dict[str, list[str]] = {}
    for request in requests(tasks(count), 81, count * 10, 0, kind=MIXED):
        head, _, body = request.partition(b"\r\n\r\n")
        kinds.setdefault(head.split()[1].decode(), []).append(json.loads(body)["action"])
    assert len(kinds) == count
    assert all((one.count("order.read"), one.count("order.change_address")) == (5, 5) for one in kinds.values())


def test_credentials_are_renewed_before_they_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    class Opened:
        token = "fresh"

        def renew(self) -> None:
            renewed.append(self.token)

    renewed: list[str] = []
    made = [one | {"opened": Opened()} for one in tasks(2)]
    asks, lasting = Asks(made, 81, renewing=True), Asks(tasks(2), 81)
    asks.write(1, "reads")
    now = time.monotonic()
    monkeypatch.setattr("ask.time.monotonic", lambda: now + 200.0)
    lasting.write(1, "reads")
    assert renewed == []
    assert b"authorization: DPoP fresh" in asks.write(1, "reads")[0]
    asks.write(1, "reads")
    assert renewed == ["fresh"] * 2


def test_an_older_tree_that_history_lacks_is_said_with_a_cure() -> None:
    with pytest.raises(LeftOut, match=r"the history of this checkout does not have the commit 0000000: .*full clone"):
        older_tree("0" * 40)
    assert len(COMMIT) == 40


@pytest.mark.parametrize(("said", "permitted"), [(b'{"decision":true}', True), (b'{"decision":false}', False), (b'{"decision":1}', False)])
def test_the_first_stack_does_what_its_engine_says(said: bytes, permitted: bool) -> None:
    seen: list[Any] = []

    class Says(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += self.rfile.readline()
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            seen.append((head.split()[1], json.loads(self.rfile.read(length))))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(said) + said)

    with socketserver.TCPServer(("127.0.0.1", 0), Says) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        wish = Wish(action="order.read", params={"order_id": "W1x1"})
        assert ByCerbos(server.server_address[1])(wish, "c1", owned=True) is permitted
    ((path, question),) = seen
    assert (path, question["action"]["name"], question["resource"]["id"]) == (b"/access/v1/evaluation", "order.read", "W1x1")
    assert question["resource"]["properties"]["owned"] is True


@pytest.mark.parametrize(
    ("kind", "calls", "end"), [("reads", 600.0, "600: goal reached"), ("writes", 851.0, "850: missed"), ("words", 1.0, "(no goal)")]
)
def test_calls_are_judged_by_kind(kind: str, calls: float, end: str) -> None:
    assert verdict(kind, calls).endswith(end)
