"""Checks of signatures, forms and limits, over raw HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from remit.adapters.backoffice.breaker import READ_S
from remit.adapters.backoffice.conformance.promises import BrokenPromiseError, NotTriedError
from remit.adapters.backoffice.conformance.trial import unknown_act
from remit.adapters.backoffice.http import messages
from remit.adapters.backoffice.http.signatures import MessageSigner, MessageVerifier, SignedRequest
from remit.adapters.http.connection import HttpAnswer, HttpConnections
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.domain.errors import Refused
from remit.domain.identity.message_signatures import content_digest
from remit.domain.structs import struct
from remit.ports.backoffice import Act
from remit.ports.world import World

_OK: Final = 200
_UNAUTHORIZED: Final = frozenset({401, 403})
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_FACTS: Final = "/v1/facts"
_OLD_S: Final = 600
_SHOWN: Final = 120
NO_SIGNATURES: Final = "both sides prove themselves by mutual TLS here"
NO_ANSWER_KEY: Final = "name the public key of the answers with --answer-key FILE"


@dataclass(slots=True)
class Limits:
    """Largest and slowest answers of a run, and the paths that broke a limit or a form."""

    bytes: int = 0
    read_s: float = 0.0
    act_s: float = 0.0
    broken: dict[Problem, str] = field(default_factory=dict)
    late_reads: list[str] = field(default_factory=list)
    late_act: str = ""


class MeasuredConnections(HttpConnections):
    """Connections that keep the size and time of every answer."""

    limits: Limits
    ticks: Callable[[], float]

    def measure(self, limits: Limits, ticks: Callable[[], float]) -> None:
        """Say where to keep them."""
        self.limits, self.ticks = limits, ticks

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float, once: bool = False
    ) -> HttpAnswer:
        """Send, and measure."""
        began = self.ticks()
        acting = timeout_s > READ_S
        try:
            answer = await super().send(method, path, headers=headers, body=body, timeout_s=timeout_s, once=once)
        except ExchangeFault as fault:
            if fault.problem is not Problem.TIME:
                self.limits.broken.setdefault(fault.problem, fault.detail)
            elif acting:
                self.limits.late_act = fault.detail
            else:
                self.limits.late_reads.append(fault.detail)
            raise
        took_s = self.ticks() - began
        self.limits.bytes = max(self.limits.bytes, len(answer.body))
        if acting:
            self.limits.act_s = max(self.limits.act_s, took_s)
        else:
            self.limits.read_s = max(self.limits.read_s, took_s)
        return answer


@struct(frozen=True, kw_only=True)
class Wire:
    """The raw connection: `key` signs requests, None with mutual TLS; `verifier` knows the keys of answers."""

    connections: HttpConnections
    world: World
    key: Ed25519PrivateKey | None
    verifier: MessageVerifier | None
    act_token: Callable[[Act], str]

    def signer(self, key: Ed25519PrivateKey | None = None, *, shift_s: int = 0) -> MessageSigner:
        """Return a signer with the known key or another, its clock shifted.

        Raises:
            NotTriedError: there are no signatures.
        """
        own = key or self.key
        if own is None:
            raise NotTriedError(NO_SIGNATURES)
        return MessageSigner(own, now_s=lambda: self.now_s() + shift_s, random=self.world.random)

    def now_s(self) -> int:
        """Return the time in seconds since 1970."""
        return self.world.now() // 1000

    def harmless(self) -> SignedRequest:
        """Return a request for the facts of a record that does not exist."""
        nothing = messages.records_request([("remit-check", "remit-check")], "remit-check")
        headers = {"content-type": "application/json"}
        url = f"{self.connections.base}{_FACTS}"
        return SignedRequest(method="POST", url=url, headers=headers, body=messages.encode_body(nothing))

    async def send(
        self, request: SignedRequest, signed: Mapping[str, str], *, path: str = "", body: bytes | None = None
    ) -> HttpAnswer:
        """Send a request with these signing headers, to its own path and with its own body unless named.

        Raises:
            Fault: `fault.backoffice`.
        """
        headers = {**request.headers, **signed}
        sent = request.body if body is None else body
        where = path or request.url.removeprefix(self.connections.base)
        return await self.connections.send(request.method, where, headers=headers, body=sent, timeout_s=READ_S)


async def _ask_about(wire: Wire) -> HttpAnswer:
    url = f"{wire.connections.base}/v1/about"
    request = SignedRequest(method="GET", url=url, headers={}, body=b"")
    signed = {} if wire.key is None else wire.signer().request_headers(request)
    return await wire.send(request, signed)


async def signed_is_accepted(wire: Wire) -> str:
    """Check that the known key is known there as well."""
    answer = await _ask_about(wire)
    if answer.status in _UNAUTHORIZED:
        raise BrokenPromiseError(f"/v1/about: status {answer.status}: {_shown(answer)}")
    return ""


async def about_is_answered(wire: Wire) -> str:
    """Check the description."""
    answer = await _ask_about(wire)
    if answer.status != _OK:
        raise BrokenPromiseError(f"/v1/about: status {answer.status}: {_shown(answer)}")
    try:
        about = messages.decode_body(answer.body, messages.AboutAnswer)
    except Refused as refused:
        raise BrokenPromiseError(f"/v1/about: {refused.detail}") from None
    if about.contract != messages.VERSION:
        raise BrokenPromiseError(f"the contract is {about.contract!r}, not {messages.VERSION!r}")
    if not about.kinds:
        raise BrokenPromiseError("no kinds are named")
    return f"{len(about.kinds)} kinds, {len(about.actions)} actions"


async def unsigned_is_refused(wire: Wire) -> str:
    """Check a request without any signature, and one without its value."""
    request = wire.harmless()
    signed = wire.signer().request_headers(request)
    _verify_refused("an unsigned request", await wire.send(request, {}))
    half = {name: value for name, value in signed.items() if name != "signature"}
    _verify_refused("a request without Signature", await wire.send(request, half))
    return ""


async def wrong_key_is_refused(wire: Wire) -> str:
    """Check another key under its own name, and under the name of the known one."""
    request, other = wire.harmless(), Ed25519PrivateKey.from_private_bytes(wire.world.random(32))
    signed, own = wire.signer(other).request_headers(request), wire.signer().request_headers(request)
    _verify_refused("a request signed by an unknown key", await wire.send(request, signed))
    forged = {**own, "signature": signed["signature"]}
    _verify_refused("a request with the signature of another key", await wire.send(request, forged))
    return ""


async def altered_is_refused(wire: Wire) -> str:
    """Check another body under the digest, with its digest, and another path."""
    request = wire.harmless()
    body = request.body.replace(b"remit-check", b"remit-chuck", 1)
    altered = await wire.send(request, wire.signer().request_headers(request), body=body)
    _verify_refused("a body that is not that of its digest", altered)
    digested = {**wire.signer().request_headers(request), "content-digest": content_digest(body)}
    _verify_refused("a body with a digest of its own", await wire.send(request, digested, body=body))
    moved = await wire.send(request, wire.signer().request_headers(request), path="/v1/contents")
    _verify_refused("a request for /v1/facts that was sent to /v1/contents", moved)
    return ""


async def uncovered_is_refused(wire: Wire) -> str:
    """Check a fence of a new key, whose headers were put in, exchanged or taken out after it was signed."""
    act = unknown_act(wire.world)
    body = messages.encode_body(messages.act_body(act))
    url = f"{wire.connections.base}/v1/acts/{act.key}/fence"
    named = {"idempotency-key": act.key, "txn-token": wire.act_token(act)}
    bare = SignedRequest(method="POST", url=url, headers={"content-type": "application/json"}, body=body)
    whole = SignedRequest(method="POST", url=url, headers={**bare.headers, **named}, body=body)
    added = await wire.send(whole, wire.signer().request_headers(bare))
    _verify_refused("an act whose headers were put in later", added)
    exchanged = {**wire.signer().request_headers(whole), "txn-token": "another"}
    _verify_refused("an act with another token", await wire.send(whole, exchanged))
    _verify_refused("an act without its headers", await wire.send(bare, wire.signer().request_headers(bare)))
    return ""


async def replayed_is_refused(wire: Wire) -> str:
    """Check the same bytes twice."""
    request = wire.harmless()
    signed = wire.signer().request_headers(request)
    first = await wire.send(request, signed)
    if first.status != _OK:
        raise BrokenPromiseError(f"a rightly signed request was answered {first.status}: {_shown(first)}")
    _verify_refused("the same request again", await wire.send(request, signed))
    return ""


async def old_is_refused(wire: Wire) -> str:
    """Check a signature of ten minutes ago, and one of the future."""
    request = wire.harmless()
    for about, shift_s in (("a request signed ten minutes ago", -_OLD_S), ("a request of the future", _OLD_S)):
        signed = wire.signer(shift_s=shift_s).request_headers(request)
        _verify_refused(about, await wire.send(request, signed))
    return ""


async def answers_are_signed(wire: Wire) -> str:
    """Check two answers by the key of answers, each with its own request and not with the other."""
    if wire.key is None:
        raise NotTriedError(NO_SIGNATURES)
    if wire.verifier is None:
        raise NotTriedError(NO_ANSWER_KEY)
    request = wire.harmless()
    for _ in range(2):
        signed = wire.signer().request_headers(request)
        answer = await wire.send(request, signed)
        if answer.status != _OK:
            raise BrokenPromiseError(f"a rightly signed request was answered {answer.status}: {_shown(answer)}")
        try:
            wire.verifier.verify_answer(
                answer.status, answer.headers, answer.body, request_signature=signed["signature"]
            )
        except Refused as refused:
            raise BrokenPromiseError(f"/v1/facts: {refused.detail}") from None
    return ""


def _verify_refused(about: str, answer: HttpAnswer) -> None:
    if not _CLIENT_ERROR <= answer.status < _SERVER_ERROR:
        raise BrokenPromiseError(f"{about} was answered {answer.status}")


def _shown(answer: HttpAnswer) -> str:
    return answer.body[:_SHOWN].decode("utf-8", errors="replace")
