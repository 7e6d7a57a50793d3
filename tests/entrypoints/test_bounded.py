"""What a connection may send before a request is one: bounded in size and time, refused with a code and a cure, over real sockets."""

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop

from entrypoints.serving import GET, SLOW_S, Serving, Timed, closed, connected, everything, pooled, serving_timed, told
from remit.entrypoints.http.server_protocol import MAX_HEAD, MAX_HEAD_S, MAX_HEADERS, MAX_REQUEST_S


@pytest.fixture
def timed() -> Iterator[Timed]:
    """A server whose clock is moved."""
    with serving_timed(pooled()) as one:
        yield one


@pytest.fixture
def port() -> Iterator[int]:
    """A server as it runs."""
    with Serving(pooled(), uvloop.new_event_loop) as at:
        yield at


def refusal(port: int, *parts: bytes) -> tuple[bytes, dict[str, Any]]:
    with connected(port) as connection:
        for part in parts:
            connection.sendall(part)
        return told(everything(connection))


def verify_too_large(port: int, *parts: bytes) -> None:
    status, problem = refusal(port, *parts)
    assert status == b"HTTP/1.1 431 Request Header Fields Too Large"
    assert (problem["code"], problem["status"]) == ("request.too_large", 431)
    assert problem["cure"]


def test_a_head_that_is_too_large_is_refused_with_a_code(port: int) -> None:
    verify_too_large(port, GET + b"a: " + b"x" * MAX_HEAD + b"\r\n\r\n")
    verify_too_large(port, b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\n\r\n")
    verify_too_large(port, GET + b"".join(b"h%d: 1\r\n" % number for number in range(MAX_HEADERS + 1)) + b"\r\n")


def test_a_head_that_does_not_end_is_refused_before_all_of_it_came(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(GET)
        assert dribbled(connection) < 4 * MAX_HEAD
    verify_too_large(port, GET + b"a: ", b"x" * (MAX_HEAD + 1))


def dribbled(connection: socket.socket) -> int:
    """Send headers, many times what is taken; how many bytes went before the other side was gone."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 20 * MAX_HEAD:
            connection.sendall(b"a: " + b"x" * 4096 + b"\r\n")
            sent += 4096
            time.sleep(0.001)
    return sent


def test_what_is_no_request_is_told_so_with_a_code(port: int) -> None:
    for raw in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HELLO\r\n\r\n", b"GET / HTTP/1.1\r\nhost x\r\n\r\n"):
        status, problem = refusal(port, raw)
        assert status == b"HTTP/1.1 400 Bad Request"
        assert (problem["code"], problem["status"]) == ("request.malformed", 400)


@pytest.mark.parametrize("wanted", [b"websocket", b"h2c", b"x"])
@pytest.mark.parametrize("length", [b"content-length: 44\r\n", b"transfer-encoding: chunked\r\n"])
def test_what_stands_in_the_body_of_an_upgrade_is_no_other_request(port: int, wanted: bytes, length: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: " + wanted + b"\r\n" + length + b"\r\n"
    with connected(port) as connection:
        connection.sendall(head)
        time.sleep(0.05)
        with contextlib.suppress(ConnectionError):
            connection.sendall(GET + b"a: 123456\r\n\r\n")
        raw = everything(connection)
    status, problem = told(raw)
    assert (status, problem["code"]) == (b"HTTP/1.1 400 Bad Request", "request.malformed")
    assert "Upgrade" in problem["detail"]
    assert raw.count(b"HTTP/1.1 ") == 1


def test_whoever_asks_for_another_protocol_is_answered_in_this_one_and_no_more(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(GET + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n\r\n")
        connection.sendall(GET + b"\r\n")
        found = connection.recv(65536)
        assert found.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in found
        found += everything(connection)
    assert found.count(b"HTTP/1.1 ") == 1


def test_what_is_within_bounds_goes_through_one_after_the_other_and_in_pieces(port: int) -> None:
    large = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n" + b"y" * 300_000
    with connected(port) as connection:
        for piece in (GET[:5], GET[5:20], GET[20:] + b"a: " + b"x" * (MAX_HEAD - 100) + b"\r\n\r\n"):
            connection.sendall(piece)
            time.sleep(0.05)
        connection.sendall(large + GET + b"\r\n" + GET + b"connection: close\r\n\r\n")
        found = everything(connection)
    assert [found.count(what) for what in (b"200 OK", b"\r\n\r\n0 bytes", b"\r\n\r\n300000 bytes")] == [4, 3, 1]


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GE", GET])
def test_a_request_that_does_not_come_is_not_waited_for(timed: Timed, begun: bytes) -> None:
    with connected(timed.port) as connection:
        connection.sendall(begun)
        timed.later(MAX_HEAD_S - 1, taken=len(begun))
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        timed.later(2, taken=len(begun))
        status, problem = told(closed(connection))
    assert status == b"HTTP/1.1 408 Request Timeout"
    assert problem["code"] == "request.malformed"


def test_a_body_that_does_not_come_closes_the_connection(timed: Timed) -> None:
    begun = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n123"
    with connected(timed.port) as connection:
        connection.sendall(begun)
        timed.later(MAX_REQUEST_S + 1, taken=len(begun))
        status, problem = told(closed(connection))
    assert (status, problem["code"]) == (b"HTTP/1.1 408 Request Timeout", "request.malformed")


def test_whoever_waits_for_us_is_not_cut_off(timed: Timed) -> None:
    asked = b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    with connected(timed.port) as connection:
        connection.sendall(asked)
        timed.later(MAX_REQUEST_S + 1, taken=len(asked))
        timed.later(SLOW_S, taken=len(asked))
        assert b"0 bytes" in everything(connection)


def test_an_answer_may_be_sent_whole(port: int) -> None:
    whole = b"GET /whole HTTP/1.1\r\nhost: x\r\n"
    with connected(port) as connection:
        connection.sendall(whole + b"\r\n" + b"POST" + whole[3:] + b"content-length: 3\r\n\r\nabc" + whole + b"connection: close\r\n\r\n")
        before, first, second, third = everything(connection).split(b"HTTP/1.1 201 Created\r\n")
    assert before == b""
    for answer, body in ((first, b"0 bytes 1 headers"), (second, b"3 bytes 2 headers"), (third, b"0 bytes 2 headers")):
        head, _, told_body = answer.partition(b"\r\n\r\n")
        names = [line.partition(b": ")[0] for line in head.split(b"\r\n")]
        assert told_body == body
        assert {b"date", b"content-length", b"x-one"} <= set(names)
        assert (b"connection: close" in head) is (answer is third)


def test_a_whole_answer_to_head_has_the_length_and_no_body(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"HEAD /whole HTTP/1.0\r\nhost: x\r\n\r\n")
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    assert b"\r\ncontent-length: 17\r\n" in head
    assert body == b""


def test_a_header_with_a_line_end_becomes_no_other_header(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /forged HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        found = everything(connection)
    assert found.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in found


def test_whoever_left_while_a_whole_answer_was_made_harms_nobody(port: int) -> None:
    for _ in range(3):
        with connected(port) as connection:
            connection.sendall(b"GET /whole HTTP/1.1\r\nhost: x\r\n\r\n")
    with connected(port) as connection:
        connection.sendall(b"GET /whole HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert everything(connection).endswith(b"0 bytes 2 headers")


CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"


def test_what_comes_behind_a_body_passes_for_no_header_and_is_bounded(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(CHUNKED + b"3\r\nabc\r\n0\r\n" + b"".join(b"h%d: 1\r\n" % number for number in range(200)) + b"\r\n")
        assert b"3 bytes 3 headers" in everything(connection)
    with connected(port) as connection:
        connection.sendall(CHUNKED + b"0\r\nlong: ")
        assert dribbled(connection) < 8 * MAX_HEAD


def test_a_body_in_the_smallest_chunks_goes_through(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(CHUNKED + b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\n")
        assert b"40000 bytes" in everything(connection)


def test_an_empty_line_after_a_request_keeps_no_connection_open(timed: Timed) -> None:
    with connected(timed.port) as connection:
        connection.sendall(GET + b"\r\n")
        assert b"200 OK" in connection.recv(65536)
        connection.sendall(b"\r\n")
        timed.later(MAX_REQUEST_S + 1, taken=len(GET) + 4)
        assert b"408 Request Timeout" in closed(connection)


def test_the_beginning_of_another_request_does_not_cut_off_an_answer(timed: Timed) -> None:
    asked = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET / HT"
    with connected(timed.port) as connection:
        connection.sendall(asked)
        timed.later(MAX_REQUEST_S + 1, taken=len(asked))
        timed.later(SLOW_S, taken=len(asked))
        found = connection.recv(65536)
        timed.later(MAX_REQUEST_S + 1, taken=len(asked))
        found += closed(connection)
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert b"408 Request Timeout" in found
