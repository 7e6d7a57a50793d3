"""Connections that ask for nothing, or take nothing: they are bounded, give way, and leave the desk its descriptors."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
import uvloop

from entrypoints.serving import GET, LONG, SLOW_S, Serving, connected, everything, pooled, serving_timed, told
from remit.adapters.world.system import SystemWorld
from remit.domain.errors import Code, Refused
from remit.entrypoints.http.connections import RESERVED, ConnectionPool, fit_descriptors
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.server_protocol import MAX_REQUEST_S, MAX_UNREAD, bounded_protocol

MOST, MOST_OF_PEER = 6, 3
AT_ONCE = 256 * 1024
"""Bytes that a loop reads in one turn."""
NUMBERS = dict.fromkeys(
    (
        *("client_per_s", "client_burst", "caller_per_s", "caller_burst", "peer_per_s", "peer_burst", "unproved_per_s", "unproved_burst"),
        *(
            "peer_bytes_per_s",
            "peer_bytes_burst",
            "unproved_bytes_per_s",
            "unproved_bytes_burst",
            "peer_in_flight_bytes",
            "in_flight_bytes",
        ),
    ),
    2**30,
)


@pytest.fixture
def noted() -> list[int]:
    return []


@pytest.fixture
def port(noted: list[int]) -> Iterator[int]:
    """A server of six connections, three for each address."""
    pool = ConnectionPool(most=MOST, most_of_peer=MOST_OF_PEER, peer_of=str, note=lambda: noted.append(1))
    with Serving(bounded_protocol(pool), uvloop.new_event_loop) as at:
        yield at


def opened(stack: ExitStack, port: int, address: str, sent: bytes = b"") -> socket.socket:
    """A connection from an address, with so much sent."""
    found = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(address, 0)))
    found.sendall(sent)
    return found


def served(connection: socket.socket) -> bool:
    """Whether a connection is served when it asks."""
    connection.sendall(GET + b"\r\n")
    return b"200 OK" in connection.recv(65536)


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("begun", [b"", b"GET / HT", GET])
def test_connections_that_ask_for_nothing_give_way_the_oldest_first(port: int, noted: list[int], begun: bytes) -> None:
    with ExitStack() as stack:
        idle = [opened(stack, port, "127.0.0.2", begun) for _ in range(MOST_OF_PEER)]
        for new in range(2):
            assert served(opened(stack, port, "127.0.0.2"))
            said = everything(idle[new])
            if begun:
                status, problem = told(said)
                assert (status, problem["code"]) == (b"HTTP/1.1 503 Service Unavailable", "request.rate_limited")
                assert b"\r\nretry-after: 1\r\n" in said
                assert problem["cure"]
            else:
                assert said == b""
        assert begun or served(idle[2])
    assert len(noted) == 2


@pytest.mark.proves("LIMITS")
def test_one_address_takes_no_others_connections(port: int) -> None:
    with ExitStack() as stack:
        older = opened(stack, port, "127.0.0.1")
        assert served(older)
        for _ in range(3 * MOST):
            assert served(opened(stack, port, "127.0.0.2"))
        assert served(older)


@pytest.mark.proves("LIMITS")
def test_connections_of_many_addresses_are_bounded_together(port: int) -> None:
    with ExitStack() as stack:
        idle = [opened(stack, port, f"127.0.1.{number}") for number in range(1, MOST + 1)]
        assert served(opened(stack, port, "127.0.0.1"))
        assert everything(idle[0]) == b""
        assert served(idle[1])


@pytest.mark.proves("LIMITS")
def test_a_new_connection_ends_no_answer() -> None:
    alone = ConnectionPool(most=1, most_of_peer=1, peer_of=str, note=lambda: None)
    with serving_timed(bounded_protocol(alone)) as timed, connected(timed.port) as busy:
        asked = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"
        busy.sendall(asked)
        timed.later(0, taken=len(asked))
        with connected(timed.port) as second:
            said = everything(second)
        status, problem = told(said)
        assert (status, problem["code"]) == (b"HTTP/1.1 503 Service Unavailable", "request.rate_limited")
        assert b"\r\nretry-after: 5\r\n" in said
        timed.later(SLOW_S, taken=len(asked))
        assert b"200 OK" in busy.recv(65536)


class Made:
    """A connection of a pool."""

    def __init__(self) -> None:
        self.ended = False

    def give_way(self) -> None:
        """End."""
        self.ended = True


@pytest.mark.proves("LIMITS")
def test_a_connection_that_is_being_answered_never_gives_way() -> None:
    pool = ConnectionPool(most=2, most_of_peer=2, peer_of=str, note=lambda: None)
    first, second, third = Made(), Made(), Made()
    for one in (first, second):
        pool.enter(one, "192.0.2.1")
        pool.works(one)
    with pytest.raises(Refused) as refused:
        pool.enter(third, "192.0.2.1")
    assert (refused.value.code, refused.value.retry_after_s) == (Code.REQUEST_RATE_LIMITED, 5)
    pool.waits(second)
    pool.enter(third, "192.0.2.1")
    assert (first.ended, second.ended, third.ended) == (False, True, False)


@pytest.mark.proves("LIMITS")
def test_what_is_remembered_of_ended_connections_is_nothing() -> None:
    pool = ConnectionPool(most=2, most_of_peer=2, peer_of=str, note=lambda: None)
    for number in range(50):
        made = Made()
        pool.enter(made, f"192.0.2.{number}")
        pool.works(made)
        pool.leave(made)
        pool.leave(made)
        pool.waits(made)
    assert (pool._all.count, pool._peers, pool._known, pool._all.waiting) == (0, {}, {}, {})


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize(
    ("outside", "header", "address", "counted"),
    [(True, "", "127.0.0.1", ""), (True, "x-real-ip", "192.0.2.1", ""), (True, "", "192.0.2.1", "192.0.2.1"), (False, "", "::1", "::/64")],
)
def test_connections_of_the_desks_own_proxy_are_not_those_of_one_address(outside: bool, header: str, address: str, counted: str) -> None:
    limits = Limits(NUMBERS, peer_header=header, outside=outside, world=SystemWorld())
    assert limits.connection_peer(address) == counted


@pytest.mark.proves("LIMITS")
def test_a_body_that_was_answered_before_it_came_is_not_taken_for_ever(port: int) -> None:
    def sent(size: int) -> int:
        with connected(port) as connection:
            connection.sendall(b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n")
            assert b"200 OK" in connection.recv(65536)
            done = 0
            try:
                while done < size:
                    connection.sendall(b"x" * 65536)
                    done += 65536
            except ConnectionError:
                return done
            return done

    assert sent(MAX_UNREAD // 2) >= MAX_UNREAD // 2
    assert sent(100 * MAX_UNREAD) < 50 * MAX_UNREAD


@pytest.mark.proves("LIMITS")
def test_a_body_that_was_answered_before_it_came_is_taken_slowly() -> None:
    with serving_timed(pooled()) as timed, connected(timed.port) as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)
        connection.setblocking(False)
        sent = connection.send(b"x" * 900_000)
        assert sent > AT_ONCE
        for _ in range(20):
            timed.later(0, taken=1)
        assert timed.taken() <= AT_ONCE + 100
        timed.later(1, taken=1)
        timed.later(1, taken=1)
        assert timed.taken() > AT_ONCE


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("proxy", [False, True])
def test_a_connection_that_was_told_to_wait_is_read_later(proxy: bool) -> None:
    pool = ConnectionPool(most=9, most_of_peer=9, peer_of=lambda address: "" if proxy else address, note=lambda: None)
    asked = b"GET /limited HTTP/1.1\r\nhost: x\r\n\r\n"
    with serving_timed(bounded_protocol(pool)) as timed, connected(timed.port) as connection:
        connection.sendall(asked)
        assert b" 429 " in connection.recv(65536)
        connection.sendall(asked)
        for _ in range(10):
            timed.later(0, taken=len(asked))
        assert timed.taken() == len(asked) * (2 if proxy else 1)
        timed.later(1.1, taken=len(asked))
        assert b" 429 " in connection.recv(65536)
        if not proxy:
            timed.later(1.1, taken=2 * len(asked))
            connection.sendall(asked * 50)
            assert everything(connection).count(b" 429 ") == 1


@pytest.mark.proves("LIMITS")
def test_a_caller_that_takes_no_answer_keeps_no_connection() -> None:
    with serving_timed(pooled()) as timed, connected(timed.port) as connection:
        asked = b"GET /long HTTP/1.1\r\nhost: x\r\n\r\n"
        connection.sendall(asked)
        assert connection.recv(10)
        timed.later(MAX_REQUEST_S + 1, taken=len(asked))
        connection.settimeout(5)
        taken = 0
        with suppress(ConnectionResetError):
            while part := connection.recv(1024 * 1024):
                taken += len(part)
    assert taken < LONG


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize(
    ("soft", "hard", "most", "fits"),
    [
        (500, 1000, 4000, (1000, 1000 - 100 - RESERVED)),
        (500, 1000, 300, (300 + 100 + RESERVED, 300)),
        (900, 1000, 300, (900, 300)),
        (-1, -1, 4000, (-1, 4000)),
        (500, -1, 4000, (4000 + 100 + RESERVED, 4000)),
    ],
)
def test_descriptors_are_left_for_the_desks_own_work(soft: int, hard: int, most: int, fits: tuple[int, int]) -> None:
    assert fit_descriptors(most, backlog=100, soft=soft, hard=hard) == fits
