"""Whatever bytes arrive at a door: they are read exactly, or refused by code. Nothing is guessed and nothing breaks."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, MutableMapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desks.kettle import CATALOGUE, FACTS, MANDATE, SHOP
from remit.client.keys import ProofKey
from remit.domain.errors import Code, Refused
from remit.domain.values import MAX_BYTES
from remit.entrypoints.http.bodies import INTAKE, UNPROVED, read_body
from remit.entrypoints.http.replies import STATUS
from remit.entrypoints.http.wire import (
    HEADERS,
    AskBody,
    convert,
    decode_form,
    decode_object,
    form_pairs,
    idempotency_key,
    one_header,
    query_parameters,
    read_headers,
    verify_json_type,
    whole_number,
)
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxTask

FORM = b"application/x-www-form-urlencoded"
WIRE = {Code.REQUEST_MALFORMED, Code.REQUEST_TOO_LARGE, Code.REQUEST_UNSUPPORTED_TYPE}
CODES = {code.value for code in Code}


def scope(*headers: tuple[bytes, bytes], query_string: bytes = b"") -> MutableMapping[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": list(headers),
        HEADERS: read_headers(headers),
        "query_string": query_string,
    }


def typed(value: bytes) -> MutableMapping[str, Any]:
    return scope((b"content-type", value))


def code_of(work: Callable[[], object]) -> Code | None:
    """The code of a refusal, None when it was accepted; anything else that is raised fails the test."""
    try:
        work()
    except Refused as refused:
        return refused.code
    return None


# Values that are sound, and are read back as they are.

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**52), 2**52) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.booleans())
def test_a_sound_object_is_read_exactly_however_it_is_spelled(value: dict[str, Any], ascii_only: bool) -> None:
    assert decode_object(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.dictionaries(NAMES, NAMES, max_size=8))
def test_a_sound_form_is_read_exactly(form: dict[str, str]) -> None:
    assert decode_form(typed(FORM), urlencode(form).encode()) == form
    assert query_parameters(scope(query_string=urlencode(form, quote_via=quote_plus).encode())) == form


# Bytes that nobody has agreed on.

PIECES = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"\\u", b"d800", b"0", b"1e999", b"-", b"NaN", b"null", b"true", b"\xff", b"\xef\xbb\xbf", b"a", b" ", b"\x00"]
)  # fmt: skip
BYTES = st.binary(max_size=300) | st.lists(PIECES, max_size=40).map(b"".join)


@given(BYTES)
def test_any_bytes_are_an_object_or_refused_by_code(raw: bytes) -> None:
    assert code_of(lambda: decode_object(raw)) in WIRE | {None}
    assert code_of(lambda: convert(decode_object(raw), AskBody)) in WIRE | {None}


@given(st.binary(max_size=300) | st.text("%0123456789abcdefABCDEF&=+é\x00", max_size=80).map(lambda text: text.encode()))
def test_any_bytes_are_a_form_or_refused_by_code(raw: bytes) -> None:
    assert code_of(lambda: decode_form(typed(FORM), raw)) in {Code.REQUEST_MALFORMED, None}
    assert code_of(lambda: query_parameters(scope(query_string=raw))) in {Code.REQUEST_MALFORMED, None}


@given(st.binary(max_size=400), st.sampled_from([b"content-type", b"content-encoding", b"content-length", b"idempotency-key"]))
def test_any_header_is_read_or_refused_by_code(value: bytes, name: bytes) -> None:
    given_scope = scope((name, value))
    assert code_of(lambda: verify_json_type(given_scope)) in WIRE | {None}
    assert code_of(lambda: decode_form(given_scope, b"a=b")) in WIRE | {None}
    assert code_of(lambda: idempotency_key(given_scope)) in {Code.REQUEST_MALFORMED, None}
    assert code_of(lambda: body_of(given_scope, b"{}")) in WIRE | {None}


@given(st.text(max_size=20) | st.integers(-5, 200).map(str))
def test_a_number_in_a_query_is_plain_digits_within_its_bounds(text: str) -> None:
    code = code_of(lambda: whole_number(text, where="wait", most=30))
    assert code in {None, Code.REQUEST_MALFORMED}
    assert (code is None) is (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= 30)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"\\u0062":2}}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":9007199254740993}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":1}{"b":2}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":1} //',
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b"[" * 100_000,
        b'{"a":"\\u0000"}',
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(raw: bytes) -> None:
    assert code_of(lambda: decode_object(raw)) is Code.REQUEST_MALFORMED


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"action": "a.b"},
        {"action": 5, "params": {}},
        {"action": "a.b", "params": []},
        {"action": "a.b", "params": None},
        {"action": "a.b", "params": {}, "words": 5},
        {"action": "a.b", "params": {}, "extra": 1},
        {"action": "a.b", "params": {}, "Action": "a.b"},
        {"action": "a.b", "params": {}, "attachments": {}},
        {"action": "a.b", "params": {}, "attachments": [{"name": "n", "media_type": "text/plain"}]},
        {"action": "a.b", "params": {}, "attachments": [{"name": "n", "media_type": "text/plain", "data_b64": "", "url": "x"}]},
    ],
)
def test_an_ask_of_another_shape_is_refused_and_nothing_is_coerced(members: dict[str, Any]) -> None:
    assert code_of(lambda: convert(decode_object(json.dumps(members).encode()), AskBody)) is Code.REQUEST_MALFORMED


def test_numbers_stay_exact() -> None:
    body = convert(decode_object(b'{"action":"a.b","params":{"x":0.1000000000000001,"y":"5","z":5}}'), AskBody)
    assert body.params == {"x": Decimal("0.1000000000000001"), "y": "5", "z": 5}
    with pytest.raises(Refused) as refused:  # canonical JSON would write 0.1, and that would be signed
        convert(decode_object(b'{"action":"a.b","params":{"x":0.10000000000000000001}}'), AskBody)
    assert refused.value.code is Code.REQUEST_MALFORMED


@pytest.mark.parametrize(
    "kind",
    [
        b"",
        b"text/plain",
        b"application/jsonp",
        b"application/json; charset=utf-16",
        b"application/json; boundary=x",
        b"application/json, text/plain",
        b"multipart/form-data; boundary=x",
        FORM,
    ],
)
def test_json_under_another_name_is_not_read(kind: bytes) -> None:
    assert code_of(lambda: verify_json_type(typed(kind))) is Code.REQUEST_UNSUPPORTED_TYPE


@pytest.mark.parametrize("kind", [b"application/json", b"application/json; charset=utf-8", b"Application/JSON;charset=UTF-8"])
def test_json_under_its_name_is_read_and_never_unpacked(kind: bytes) -> None:
    assert code_of(lambda: verify_json_type(typed(kind))) is None
    packed = scope((b"content-type", kind), (b"content-encoding", b"gzip"))
    assert code_of(lambda: verify_json_type(packed)) is Code.REQUEST_UNSUPPORTED_TYPE


@pytest.mark.parametrize("raw", [b"a=1&a=2", b"a=1&%61=2", b"a=1&a=1", b"=x&=y"])
def test_a_parameter_that_stands_twice_is_refused_however_it_is_spelled(raw: bytes) -> None:
    assert code_of(lambda: decode_form(typed(FORM), raw)) is Code.REQUEST_MALFORMED
    assert code_of(lambda: query_parameters(scope(query_string=raw))) is Code.REQUEST_MALFORMED


@pytest.mark.parametrize("raw", [b"a=%ff", b"a=%00", b"%00=a", b"a=\xc3\xa9", b"&".join(b"a%d=1" % n for n in range(300))])
def test_parameters_that_are_no_plain_text_are_refused(raw: bytes) -> None:
    assert code_of(lambda: form_pairs(raw)) is Code.REQUEST_MALFORMED


def test_a_header_that_must_stand_once_may_not_stand_twice() -> None:
    for name in (b"content-type", b"content-encoding", b"content-length"):
        twice = scope((name, b"application/json"), (name, b"application/json"))
        assert code_of(lambda name=name, twice=twice: one_header(twice, name)) is Code.REQUEST_MALFORMED  # type: ignore[misc]  # bound now
    key = (b"idempotency-key", b"k")
    assert code_of(lambda: idempotency_key(scope(key, key))) is Code.REQUEST_MALFORMED


@pytest.mark.parametrize("value", [b"", b" ", b"a b", b"k\n", b"\xc3\xa9", b"k" * 256, b"\x7f"])
def test_an_idempotency_key_is_short_and_visible(value: bytes) -> None:
    assert code_of(lambda: idempotency_key(scope((b"idempotency-key", value)))) is Code.REQUEST_MALFORMED


class Counted:
    """What counts the bytes of bodies, and lets all of them through."""

    def hold_body(self, scope: MutableMapping[str, Any], size: int) -> None:
        """Let them through."""


def body_of(given_scope: MutableMapping[str, Any], *chunks: bytes) -> bytes:
    """Read a body that arrives in these chunks; the client goes away after the last one if a further one is awaited."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if messages:
        messages[-1]["more_body"] = False
    left: Iterator[dict[str, Any]] = iter([*messages, {"type": "http.disconnect"}])

    async def receive() -> MutableMapping[str, Any]:
        return next(left)

    return asyncio.run(read_body({**given_scope, INTAKE: Counted()}, receive))


@pytest.mark.parametrize("length", [b"16385", b"-1", b"+5", b"1e3", b"0x10", b"1 2", b"9" * 5000, b"\xb2"])
def test_a_declared_length_that_is_too_large_or_no_number_is_refused_before_anything_is_read(length: bytes) -> None:
    assert code_of(lambda: body_of(scope((b"content-length", length)))) is Code.REQUEST_TOO_LARGE


def test_a_body_is_read_up_to_its_bound_in_any_number_of_pieces() -> None:
    part = b"x" * (UNPROVED.size // 16)
    assert body_of(scope(), *[part] * 16) == part * 16
    assert body_of(scope(), b"") == b""
    assert code_of(lambda: body_of(scope(), *[part] * 16, b"x")) is Code.REQUEST_TOO_LARGE
    assert code_of(lambda: body_of(scope((b"content-length", b"1")), b"x" + part * 16)) is Code.REQUEST_TOO_LARGE


def test_a_client_that_goes_away_has_not_asked() -> None:
    assert code_of(lambda: body_of(scope())) is Code.REQUEST_MALFORMED


# The same through the whole application, with a credential that is right.


class Desk:
    """A desk with an open task, and requests at it written byte by byte."""

    def __init__(self, desk: Sandbox) -> None:
        self._room = desk.room
        agent = desk.agent(SHOP)
        self.task: SandboxTask = agent.open(desk.customer("yusuf").grant(agent, MANDATE))
        self._key = ProofKey(agent.key)
        assert desk.desk is not None
        self._app = desk.desk.app
        self._n = 0

    def ask(self, raw: bytes, *more: tuple[bytes, bytes], kind: bytes = b"application/json") -> tuple[int, Any]:
        """One ask with a right credential; `more` headers come on top."""
        path = f"/v1/tasks/{self.task.id}/asks"
        self._n += 1
        proof = self._key.proof("POST", f"{self._room.issuer}{path}", now_s=time.time(), token=self.task.token)
        right = {
            b"authorization": f"DPoP {self.task.token}".encode(),
            b"dpop": proof.encode(),
            b"idempotency-key": f"key-{self._n}".encode(),
            b"content-type": kind,
        }
        return self.send("POST", path, [*right.items(), *more], raw)

    def send(
        self, method: str, path: str, headers: list[tuple[bytes, bytes]], raw: bytes = b"", query_string: bytes = b""
    ) -> tuple[int, Any]:
        """One request; returns the status and the JSON of the answer (None when it is a page)."""
        sent: list[MutableMapping[str, Any]] = []
        request = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode("utf-8", "surrogatepass"), "query_string": query_string,
            "headers": headers, "scheme": "http", "root_path": "", "client": ("127.0.0.1", 1), "server": ("localhost", 80),
        }  # fmt: skip

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async def run() -> None:
            await self._app(request, receive, send)

        self._room.thread.run(run())
        body = b"".join(one.get("body", b"") for one in sent[1:])
        kind = dict(sent[0]["headers"])[b"content-type"]
        return sent[0]["status"], json.loads(body) if b"json" in kind and body else None


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with Sandbox(CATALOGUE, facts=FACTS) as made:
        yield Desk(made)


def said(answer: tuple[int, Any]) -> str:
    """The code of an answer, checked to be one of the list with its own status; "" for a success."""
    status, body = answer
    if status < 400:
        return ""
    assert body is not None
    code: str = body["code"]
    assert code in CODES
    assert code != Code.FAULT_INTERNAL.value
    assert "error" in body or status == STATUS[Code(code)]
    return code


FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@FEW
@given(raw=BYTES)
def test_any_body_at_the_agents_door_is_answered_by_code(desk: Desk, raw: bytes) -> None:
    assert said(desk.ask(raw)) in {code.value for code in WIRE}


@FEW
@given(params=st.dictionaries(NAMES | st.sampled_from(["order_id", "stars", "tags"]), VALUES, max_size=4), words=st.none() | NAMES)
def test_any_params_are_answered_by_code(desk: Desk, params: dict[str, Any], words: str | None) -> None:
    answer = desk.ask(json.dumps({"action": "order.note", "params": params, "words": words}).encode())
    assert said(answer).partition(".")[0] in {"", "params", "mandate", "words", "request", "task"}


@FEW
@given(
    raw=st.binary(max_size=200) | st.dictionaries(NAMES, NAMES, max_size=5).map(lambda form: urlencode(form).encode()),
    kind=st.sampled_from([FORM, b"application/json"]),
)
@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/introspect", "/oauth/revoke"])
def test_any_form_at_the_oauth_doors_is_answered_by_code(desk: Desk, path: str, raw: bytes, kind: bytes) -> None:
    assert said(desk.send("POST", path, [(b"content-type", kind)], raw))


HEADER_NAMES = st.sampled_from(
    [b"authorization", b"dpop", b"cookie", b"content-length", b"content-encoding", b"idempotency-key", b"host", b"origin"]
)


@FEW
@given(
    name=HEADER_NAMES, value=st.binary(max_size=80) | st.sampled_from([b"DPoP x", b"Bearer x", b"Basic eDp5", b"remit_session=x", b"gzip"])
)
def test_any_header_at_the_agents_door_is_answered_by_code(desk: Desk, name: bytes, value: bytes) -> None:
    said(desk.ask(b'{"action":"order.read","params":{"order_id":"W1"}}', (name, value)))


PATHS = st.sampled_from(
    ["/v1/tasks/x", "/v1/asks/x", "/me/v1", "/desk/v1/waiting", "/security/v1/agents", "/audit/v1/entries", "/log/tile/0/x", "/log/receipts/1", "/v1/catalogue", "/login/v1/sign-in", "/sandbox/v1/facts", "/confirm/x", "/nowhere"]
)  # fmt: skip


@FEW
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", ""]),
    path=PATHS | PATHS.flatmap(lambda path: st.text(max_size=10).map(lambda more: f"{path}/{more}")),
    raw=BYTES,
    query_string=st.binary(max_size=40),
)
def test_any_request_at_any_door_is_answered_and_breaks_nothing(
    desk: Desk, method: str, path: str, raw: bytes, query_string: bytes
) -> None:
    status, body = desk.send(method, path, [(b"content-type", b"application/json")], raw, query_string)
    assert 200 <= status < 600
    assert status != 500
    if body is not None and status >= 400:
        said((status, body))


def test_a_body_of_more_than_a_mebibyte_is_too_large_and_one_below_is_read(desk: Desk) -> None:
    large = json.dumps({"action": "order.note", "params": {"order_id": "W1"}, "words": "x" * MAX_BYTES}).encode()
    assert said(desk.ask(large)) == "request.too_large"
    assert said(desk.ask(large[:20] + b"," * 1000)) == "request.malformed"


def test_a_right_ask_is_still_right_after_all_of_that(desk: Desk) -> None:
    status, body = desk.ask(b'{"action":"order.read","params":{"order_id":"W1"}}')
    assert (status, body["decision"], body["outcome"]) == (200, "permit", "done")


@pytest.mark.proves("LIMITS")
def test_a_made_up_member_as_long_as_a_message_is_not_repeated() -> None:
    for name, said in (("made_up", "made_up"), ("x" * 60_000, "a member that is not known here")):
        with pytest.raises(Refused) as refused:
            convert(decode_object(json.dumps({"action": "a", "params": {}, name: 1}).encode()), AskBody)
        assert said in str(refused.value)
        assert len(str(refused.value)) < 200
