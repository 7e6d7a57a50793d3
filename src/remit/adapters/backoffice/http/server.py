"""Server of the backoffice contract: any backoffice behind the signed HTTP of version 1, as an ASGI application.

Source: docs/backoffice.md.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

from remit.adapters.backoffice.http import messages
from remit.adapters.backoffice.http.signatures import MessageSigner, MessageVerifier, SignedRequest
from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.values import JsonObject
from remit.ports.backoffice import Act, Backoffice

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Handler: TypeAlias = Callable[[str, bytes, Mapping[str, str]], Awaitable[object]]

_MAX_NONCES: Final = 100_000
_STATUS: Final[Mapping[Code, int]] = {
    Code.REQUEST_NOT_FOUND: 404,
    Code.REQUEST_TOO_LARGE: 413,
    Code.FAULT_BACKOFFICE: 503,
}
"""Statuses of the codes that are neither a bad credential (401) nor a bad request (400)."""


class BackofficeServer:
    """ASGI application of a backoffice. Requests are proved by signature, or by mutual TLS in front of it."""

    def __init__(
        self,
        backoffice: Backoffice,
        *,
        base: str,
        about: messages.AboutAnswer,
        signer: MessageSigner | None,
        verifier: MessageVerifier | None,
        verify_token: Callable[[str, Act], None] | None = None,
    ) -> None:
        """`base` is the address as Remit's settings have it; `verify_token` checks the `Txn-Token` of an act.

        It raises `Refused` for a token that is not that act's.
        """
        self._backoffice = backoffice
        self._base = base.rstrip("/")
        self._prefix = urlsplit(self._base).path
        self._about = about
        self._signer = signer
        self._verifier = verifier
        self._verify_token = verify_token
        self._nonces: dict[str, int] = {}
        self._posts: Mapping[str, _Handler] = {
            "/v1/facts": self._facts,
            "/v1/contents": self._contents,
            "/v1/read": self._read,
            "/v1/attributes": self._attributes,
            "/v1/records": self._records,
            "/v1/acts": self._perform,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers: dict[str, str] = {}
        status, answer = 200, b""
        try:
            headers = _headers(scope["headers"])
            body = await _body(receive)
            path = (scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")).decode(
                "latin-1"
            )
            answer = messages.encode_body(await self._answer(scope["method"], path, headers, body))
        except Refused as refused:
            status, answer = _problem(refused.code, refused.public or refused.detail)
        except Fault as fault:
            status, answer = _problem(fault.code, MEANINGS[fault.code].title)
        signed: dict[str, str] = {}
        if self._signer is not None:
            signed = self._signer.answer_headers(status, answer, request_signature=headers.get("signature", ""))
        await _send(send, status, answer, signed)

    async def _answer(self, method: str, raw_path: str, headers: Mapping[str, str], body: bytes) -> object:
        path = raw_path.removeprefix(self._prefix)
        key, fencing = _act_path(path)
        handler = self._posts.get(path) if method == "POST" else None
        if (method, path) == ("GET", "/v1/about"):
            handler = self._describe
        elif key and method == ("POST" if fencing else "GET"):
            handler = self._fence if fencing else self._outcome
        if handler is None:
            raise Refused(Code.REQUEST_NOT_FOUND, f"{method} {path}")
        self._verify(SignedRequest(method=method, url=f"{self._base}{path}", headers=headers, body=body))
        return await handler(key, body, headers)

    def _verify(self, request: SignedRequest) -> None:
        """⚔ Verify the signature before the body is read, and accept each signed request once."""
        if self._verifier is None:
            return
        nonce, expires_s = self._verifier.verify_request(request)
        if nonce in self._nonces:
            raise Refused(Code.CREDENTIAL_REPLAYED, "a request's nonce was used before")
        now_s = self._verifier.now_s()
        if len(self._nonces) >= _MAX_NONCES:
            self._nonces = {held: until for held, until in self._nonces.items() if until > now_s}
        if len(self._nonces) >= _MAX_NONCES:
            raise Fault(Code.FAULT_BACKOFFICE, "more requests in a minute than nonces are kept")
        self._nonces[nonce] = expires_s

    async def _describe(self, _key: str, _body: bytes, _headers: Mapping[str, str]) -> object:
        return self._about

    async def _facts(self, _key: str, body: bytes, _headers: Mapping[str, str]) -> object:
        asked = messages.decode_body(body, messages.RecordsRequest)
        found = await self._backoffice.facts(_places(asked), customer=asked.customer)
        return messages.FactsAnswer(records=[None if fact is None else messages.fact_body(fact) for fact in found])

    async def _contents(self, _key: str, body: bytes, _headers: Mapping[str, str]) -> object:
        asked = messages.decode_body(body, messages.RecordsRequest)
        found = await self._backoffice.contents(_places(asked), customer=asked.customer)
        return messages.ContentsAnswer(contents=[dict(parts) for parts in found])

    async def _read(self, _key: str, body: bytes, _headers: Mapping[str, str]) -> object:
        asked = messages.decode_body(body, messages.ReadRequest)
        params = messages.json_object(asked.params)
        return messages.result_answer(await self._backoffice.read(asked.action, params, customer=asked.customer))

    async def _attributes(self, _key: str, body: bytes, _headers: Mapping[str, str]) -> object:
        asked = messages.decode_body(body, messages.AttributesRequest)
        found = await self._backoffice.attributes(asked.customer, asked.names, beside=asked.beside)
        return messages.AttributesAnswer(attributes=dict(found))

    async def _records(self, _key: str, body: bytes, _headers: Mapping[str, str]) -> object:
        asked = messages.decode_body(body, messages.OwnRecordsRequest)
        found = await self._backoffice.records(asked.customer, asked.kind)
        return messages.OwnRecordsAnswer(
            records=[messages.SummaryBody(id=record.id, name=record.name) for record in found]
        )

    async def _perform(self, _key: str, body: bytes, headers: Mapping[str, str]) -> object:
        return messages.result_answer(await self._backoffice.perform(self._proved_act(body, headers)))

    async def _fence(self, key: str, body: bytes, headers: Mapping[str, str]) -> object:
        act = self._proved_act(body, headers)
        if act.key != key:
            raise Refused(Code.REQUEST_MALFORMED, "the body's key is not the path's")
        return messages.result_answer(await self._backoffice.fence(act))

    async def _outcome(self, key: str, _body: bytes, _headers: Mapping[str, str]) -> object:
        return messages.result_answer(await self._backoffice.outcome(_keyed(key)))

    def _proved_act(self, body: bytes, headers: Mapping[str, str]) -> Act:
        """Read an act whose headers agree with it."""
        act = messages.act_of(messages.decode_body(body, messages.ActBody))
        if headers.get("idempotency-key") != act.key:
            raise Refused(Code.REQUEST_MALFORMED, "Idempotency-Key is not the act's key")
        if self._verify_token is not None:
            self._verify_token(headers.get("txn-token", ""), act)
        return act


def _keyed(key: str) -> Act:
    """Return an act known by its key alone, for an outcome."""
    return Act(key=key, action="", params={}, customer="", case="", versions={}, confirmed_by=(), decision="")


def _act_path(path: str) -> tuple[str, bool]:
    """Return the key of `/v1/acts/{key}` and whether it is to be fenced; an empty key for any other path."""
    rest = path.removeprefix("/v1/acts/")
    if rest == path:
        return "", False
    key, _, verb = rest.partition("/")
    return ("", False) if verb not in {"", "fence"} or rest.endswith("/") else (unquote(key), verb == "fence")


def _places(asked: messages.RecordsRequest) -> Sequence[tuple[str, str]]:
    return [(record.kind, record.id) for record in asked.records]


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """⚔ A doubled header is not chosen from."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        if key in headers:
            raise Refused(Code.REQUEST_MALFORMED, f"two headers {key}")
        headers[key] = value.decode("latin-1")
    return headers


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and message["type"] == "http.request"
        if len(body) > messages.MAX_BYTES:
            raise Refused(Code.REQUEST_TOO_LARGE, f"more than {messages.MAX_BYTES} bytes")
    return bytes(body)


def _problem(code: Code, detail: str) -> tuple[int, bytes]:
    """Return the status and body of an error (RFC 9457)."""
    status = 401 if code.value.startswith("credential.") else _STATUS.get(code, 400)
    problem: JsonObject = {
        "type": f"urn:remit:problem:{code}",
        "code": code.value,
        "title": MEANINGS[code].title,
        "status": status,
        "detail": detail,
    }
    return status, messages.encode_body(problem)


async def _send(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    kind = b"application/json" if status == 200 else b"application/problem+json"  # noqa: PLR2004  # OK
    raw = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    raw += [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
