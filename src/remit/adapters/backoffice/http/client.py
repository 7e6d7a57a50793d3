"""The backoffice at a company's own service, asked over HTTP.

Source: docs/backoffice.md.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from remit.adapters.backoffice.breaker import ACT_S, READ_S, CircuitBreaker
from remit.adapters.backoffice.http import messages
from remit.adapters.backoffice.http.signatures import MessageSigner, MessageVerifier, SignedRequest
from remit.adapters.http.connection import HttpAnswer, HttpConnections
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.domain.errors import Refused
from remit.domain.policy.decision import RecordFacts, relation_of
from remit.domain.values import Json
from remit.ports.backoffice import Act, ActResult, RecordSummary
from remit.ports.world import World

T = TypeVar("T", bound=msgspec.Struct)

_OK: Final = 200
_BUSY: Final = 409


class HttpBackoffice:
    """Client of the contract. Every fault, wrong signature and malformed answer is `fault.backoffice`."""

    def __init__(
        self,
        connections: HttpConnections,
        world: World,
        *,
        public_kinds: Collection[str],
        signer: MessageSigner | None,
        verifier: MessageVerifier | None,
        act_token: Callable[[Act], str],
    ) -> None:
        """Without signer and verifier, both sides prove themselves by mutual TLS. `act_token` makes the `Txn-Token`."""
        self._connections = connections
        self._world = world
        self._public_kinds = frozenset(public_kinds)
        self._signer = signer
        self._verifier = verifier
        self._act_token = act_token
        self._breaker = CircuitBreaker(world.ticks)

    async def about(self) -> messages.AboutAnswer:
        """Return what the backoffice says of itself.

        Raises:
            Fault: `fault.backoffice`.
        """
        return await self._call("GET", "/v1/about", messages.AboutAnswer, timeout_s=READ_S)

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Return ownership facts, as of the moment before the request."""
        as_of = self._world.now()
        request = messages.records_request(records, customer)
        answer = await self._post("/v1/facts", request, messages.FactsAnswer)
        _verify_length("/v1/facts", answer.records, records)
        return [
            None if fact is None else self._fact(kind, fact, customer, as_of)
            for (kind, _), fact in zip(records, answer.records, strict=True)
        ]

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:
        """Return the parts of the records."""
        request = messages.records_request(records, customer)
        answer = await self._post("/v1/contents", request, messages.ContentsAnswer)
        _verify_length("/v1/contents", answer.contents, records)
        return answer.contents

    async def read(self, action: str, params: Mapping[str, Json], *, customer: str) -> ActResult:
        """Answer a read."""
        request = messages.ReadRequest(customer=customer, action=action, params=dict(params))
        return messages.result_of(await self._post("/v1/read", request, messages.ResultAnswer))

    async def perform(self, act: Act) -> ActResult:
        """Do the act once; its key travels in `Idempotency-Key`, its decision in `Txn-Token`."""
        return await self._act("/v1/acts", act)

    async def outcome(self, act: Act) -> ActResult:
        """Return the fate of the act's key."""
        path = f"/v1/acts/{quote(act.key, safe='')}"
        return messages.result_of(await self._call("GET", path, messages.ResultAnswer, timeout_s=READ_S))

    async def fence(self, act: Act) -> ActResult:
        """Fence the act's key."""
        return await self._act(f"/v1/acts/{quote(act.key, safe='')}/fence", act)

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Json]:
        """Return the customer's values of the named attributes; others that the answer has are dropped."""
        request = messages.attributes_request(customer, names, beside)
        answer = await self._post("/v1/attributes", request, messages.AttributesAnswer)
        asked = frozenset(names)
        found = messages.json_object(answer.attributes)
        return {name: value for name, value in found.items() if name in asked}

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """Return the customer's own records of one kind."""
        request = messages.OwnRecordsRequest(customer=customer, kind=kind)
        return messages.summaries_of(await self._post("/v1/records", request, messages.OwnRecordsAnswer), kind)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    async def _act(self, path: str, act: Act) -> ActResult:
        headers = {"idempotency-key": act.key, "txn-token": self._act_token(act)}
        body = messages.encode_body(messages.act_body(act))
        answer = await self._call("POST", path, messages.ResultAnswer, timeout_s=ACT_S, headers=headers, body=body)
        return messages.result_of(answer)

    async def _post(self, path: str, request: msgspec.Struct, kind: type[T]) -> T:
        return await self._call("POST", path, kind, timeout_s=READ_S, body=messages.encode_body(request))

    async def _call(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> T:
        """Send a signed request, and decode its signed answer."""
        self._breaker.verify_closed()
        answer = await self._breaker.watch(self._signed(method, path, dict(headers or {}), body, timeout_s))
        return _decoded(path, answer, kind)

    async def _signed(
        self, method: str, path: str, headers: dict[str, str], body: bytes, timeout_s: float
    ) -> HttpAnswer:
        if body:
            headers["content-type"] = "application/json"
        if self._signer is not None:
            url = f"{self._connections.base}{path}"
            headers |= self._signer.request_headers(SignedRequest(method=method, url=url, headers=headers, body=body))
        answer = await self._connections.send(method, path, headers=headers, body=body, timeout_s=timeout_s)
        if self._verifier is not None and answer.status in {_OK, _BUSY}:
            try:
                self._verifier.verify_answer(
                    answer.status, answer.headers, answer.body, request_signature=headers.get("signature", "")
                )
            except Refused as refused:
                raise ExchangeFault(Problem.SIGNATURE, f"{path}: {refused.detail}") from None
        return answer

    def _fact(self, kind: str, fact: messages.FactBody, customer: str, as_of: int) -> RecordFacts:
        owners = frozenset(fact.owners)
        relation = relation_of(customer, owners, public=kind in self._public_kinds)
        return RecordFacts(
            id=fact.id, owners=owners, relation=relation, as_of=as_of, version=fact.version, name=fact.name or fact.id
        )


def _decoded(path: str, answer: HttpAnswer, kind: type[T]) -> T:
    if answer.status == _BUSY:
        raise ExchangeFault(Problem.BUSY, f"{path}: busy with the same key", status=answer.status)
    if answer.status != _OK:
        raise ExchangeFault(Problem.STATUS, f"{path}: status {answer.status}", status=answer.status)
    try:
        return messages.decode_body(answer.body, kind)
    except Refused as refused:
        raise ExchangeFault(Problem.FORM, f"{path}: {refused.detail}") from None


def _verify_length(path: str, answered: Sequence[object], asked: Sequence[object]) -> None:
    if len(answered) != len(asked):
        raise ExchangeFault(Problem.FORM, f"{path}: {len(answered)} answers to {len(asked)} records")
