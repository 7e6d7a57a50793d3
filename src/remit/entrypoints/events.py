"""The doors of shared signals: a receiver's stream and its events, and the events that transmitters push.

Source: SSF 1.0 §7, §8; RFC 8935; RFC 8936.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from remit.domain.errors import Code, Fault, Refused
from remit.domain.events.parties import MANAGE, READ, Receiver, Transmitter
from remit.domain.events.records import Delivery, StreamStatus
from remit.domain.events.security_event import MAX_TOKEN, SetRefused
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject
from remit.engine.context import DeskContext
from remit.engine.events.parties import signals_of, signer_of
from remit.entrypoints.http.bodies import UNPROVED, mark_proved, read_body, read_object
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse, encode_json, json_response, problem_response
from remit.entrypoints.http.request_log import log_fault
from remit.entrypoints.http.wire import (
    Receive,
    Scope,
    convert,
    header_values,
    malformed_request,
    one_header,
    query_parameters,
    verify_json_type,
)
from remit.usecases.events.receive import receive_event
from remit.usecases.events.receiver_tokens import prove_receiver
from remit.usecases.events.serve_poll import MAX_EVENTS, PollRequest, serve_poll
from remit.usecases.events.streams import (
    POLL_PATH,
    StreamRequest,
    add_subject,
    change_status,
    change_stream,
    create_stream,
    delete_stream,
    list_streams,
    own_stream,
    read_stream,
    remove_subject,
    stream_status,
    verify_stream,
)

CONFIGURATION: Final = "/.well-known/ssf-configuration"
JWKS: Final = "/ssf/v1/jwks.json"
STREAM: Final = "/ssf/v1/stream"
STATUS: Final = "/ssf/v1/status"
ADD: Final = "/ssf/v1/subjects/add"
REMOVE: Final = "/ssf/v1/subjects/remove"
VERIFY: Final = "/ssf/v1/verify"
POLL: Final = f"{POLL_PATH}/{{id}}"
PUSHED: Final = "/ssf/v1/events"
_BEARER: Final = "bearer "
_MAX_BEARER: Final = 4096
_LONG_POLL_S: Final = 20.0
_SET: Final = "application/secevent+jwt"
_LANGUAGE: Final = ((b"content-language", b"en"), (b"cache-control", b"no-store"))

Uri = Annotated[str, Meta(min_length=1, max_length=256)]
Stream = Annotated[str, Meta(min_length=1, max_length=100)]
Line = Annotated[str, Meta(max_length=400, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
AuthorizationHeader = Annotated[str, Meta(max_length=2048, pattern=r"\A[\x21-\x7e]( ?[\x21-\x7e])*\Z")]


class DeliveryIn(msgspec.Struct, frozen=True):
    """The delivery that a receiver wants."""

    method: Delivery
    endpoint_url: Annotated[str, Meta(max_length=2048)] | None = None
    authorization_header: AuthorizationHeader | None = None


class StreamIn(msgspec.Struct, frozen=True):
    """The receiver's part of a stream's configuration."""

    stream_id: Stream | UnsetType = UNSET
    events_requested: Annotated[list[Uri], Meta(max_length=100)] | UnsetType = UNSET
    delivery: DeliveryIn | UnsetType = UNSET
    description: Line | UnsetType = UNSET


class StatusIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stream's status as a receiver wants it."""

    stream_id: Stream
    status: StreamStatus
    reason: Line = ""


class SubjectIn(msgspec.Struct, frozen=True):
    """A subject to add to a stream or to remove from it."""

    stream_id: Stream
    subject: dict[str, Any]
    verified: bool | UnsetType = UNSET


class VerifyIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request for a verification event."""

    stream_id: Stream
    state: Annotated[str, Meta(min_length=1, max_length=1024)] | UnsetType = UNSET


class SetError(msgspec.Struct, frozen=True):
    """A receiver's reason for refusing an event (RFC 8936 §2.6)."""

    err: Annotated[str, Meta(max_length=100)]
    description: Annotated[str, Meta(max_length=1000)] | UnsetType = UNSET


class PollIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request for events."""

    most: Annotated[int, Meta(ge=0, le=2**31)] = msgspec.field(default=MAX_EVENTS, name="maxEvents")
    at_once: bool = msgspec.field(default=False, name="returnImmediately")
    ack: Annotated[list[Uri], Meta(max_length=MAX_EVENTS)] = msgspec.field(default_factory=list)
    refused: Annotated[dict[str, SetError], Meta(max_length=MAX_EVENTS)] = msgspec.field(
        default_factory=dict, name="setErrs"
    )


_Work = Callable[[Receiver, Scope, Receive, Mapping[str, str]], Awaitable[HttpResponse]]


@struct(frozen=True)
class SignalsApi:
    """Handlers of one desk."""

    context: DeskContext
    limits: Limits

    async def configuration(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /.well-known/ssf-configuration.

        Raises:
            Refused: `request.not_found` where nothing is sent.
        """
        return json_response(200, transmitter_metadata(self.context))

    async def jwks(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /ssf/v1/jwks.json: the keys that sign events, and nothing else.

        Raises:
            Refused: `request.not_found` where nothing is sent.
        """
        return json_response(200, signer_of(self.context.signals).jwks())

    async def stream(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET, POST, PATCH, PUT, DELETE /ssf/v1/stream."""
        works: Mapping[str, tuple[_Work, str]] = {
            "POST": (self._create, MANAGE),
            "PATCH": (self._change, MANAGE),
            "PUT": (self._change, MANAGE),
            "DELETE": (self._delete, MANAGE),
        }
        work, needed = works.get(scope["method"], (self._read, READ))
        return await self._as_receiver(work, needed, scope, receive, found)

    async def status(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET, POST /ssf/v1/status."""
        if scope["method"] == "POST":
            return await self._as_receiver(self._set_status, MANAGE, scope, receive, found)
        return await self._as_receiver(self._read_status, READ, scope, receive, found)

    async def add(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /ssf/v1/subjects/add."""
        return await self._as_receiver(self._add, MANAGE, scope, receive, found)

    async def remove(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /ssf/v1/subjects/remove."""
        return await self._as_receiver(self._remove, MANAGE, scope, receive, found)

    async def verify(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /ssf/v1/verify."""
        return await self._as_receiver(self._verify, READ, scope, receive, found)

    async def poll(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /ssf/v1/poll/{id}."""
        return await self._as_receiver(self._poll, READ, scope, receive, found)

    async def pushed(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /ssf/v1/events: a transmitter pushes one event.

        Source: RFC 8935 §2.
        """
        try:
            self.limits.verify_peer(scope)
            transmitter = self._transmitter(scope)
            self.limits.verify_client(f"events {transmitter.name}")
            mark_proved(scope)
            raw = await read_body(scope, receive, most=UNPROVED.size)  # a token, and no more of a proved one
            await receive_event(self.context, transmitter, _token(scope, raw))
        except SetRefused as refused:
            self.limits.count_unproved(scope)
            body = {"err": refused.err, "description": refused.description}
            return HttpResponse(400, encode_json(body), headers=_LANGUAGE)
        except (Refused, Fault) as error:
            log_fault(error, scope["path"])
            return problem_response(error, issuer=self.context.terms.issuer)
        return HttpResponse(202, b"", headers=_LANGUAGE)

    def _transmitter(self, scope: Scope) -> Transmitter:
        """Return the transmitter that a push proves to be of.

        ⚔ By its token, before the body is read: an event's own claims choose no keys and no rules.
        """
        signals = signals_of(self.context.signals)
        found = signals.tokens.transmitter(_bearer(scope))
        if found is None:
            refused = SetRefused("authentication_failed", "the token is of no transmitter", Code.CREDENTIAL_WRONG_KEY)
            self.context.noise.note(refused, self.context.world)
            raise refused
        return found

    def _receiver(self, scope: Scope) -> Receiver:
        found = prove_receiver(self.context, _bearer(scope))
        if found is None:
            self.limits.count_unproved(scope)
            code = Code.CREDENTIAL_WRONG_KEY if _bearer(scope) else Code.CREDENTIAL_MISSING
            raise Refused(code, "no receiver's token", public_cure="Send `Authorization: Bearer <token>`.")
        return found

    async def _as_receiver(
        self, work: _Work, needed: str, scope: Scope, receive: Receive, found: Mapping[str, str]
    ) -> HttpResponse:
        """Run one request of a receiver, proved by its token."""
        try:
            signer_of(self.context.signals)
            self.limits.verify_peer(scope)
            receiver = self._receiver(scope)
            self.limits.verify_client(f"events {receiver.name}")
            mark_proved(scope)
            if needed == MANAGE and not receiver.may_manage:
                return _insufficient(receiver, self.context.terms.issuer)
            return await work(receiver, scope, receive, found)
        except (Refused, Fault) as error:
            log_fault(error, scope["path"])
            return _challenged(error, self.context.terms.issuer)

    async def _create(
        self, receiver: Receiver, scope: Scope, receive: Receive, _found: Mapping[str, str]
    ) -> HttpResponse:
        _, request = await _stream_request(scope, receive)
        return json_response(201, await create_stream(self.context, receiver, request))

    async def _read(
        self, receiver: Receiver, scope: Scope, _receive: Receive, _found: Mapping[str, str]
    ) -> HttpResponse:
        name = query_parameters(scope).get("stream_id")
        if name is None:
            return json_response(200, await list_streams(self.context, receiver))
        return json_response(200, await read_stream(self.context, receiver, name))

    async def _change(
        self, receiver: Receiver, scope: Scope, receive: Receive, _found: Mapping[str, str]
    ) -> HttpResponse:
        name, request = await _stream_request(scope, receive)
        if not name:
            raise malformed_request("stream_id is missing")
        changed = await change_stream(self.context, receiver, name, request, whole=scope["method"] == "PUT")
        return json_response(200, changed)

    async def _delete(
        self, receiver: Receiver, scope: Scope, _receive: Receive, _found: Mapping[str, str]
    ) -> HttpResponse:
        await delete_stream(self.context, receiver, _named(scope))
        return HttpResponse(204, b"", headers=_LANGUAGE)

    async def _read_status(
        self, receiver: Receiver, scope: Scope, _receive: Receive, _found: Mapping[str, str]
    ) -> HttpResponse:
        kept = await own_stream(self.context, receiver, _named(scope))
        return json_response(200, stream_status(kept.record))

    async def _set_status(
        self, receiver: Receiver, scope: Scope, receive: Receive, _found: Mapping[str, str]
    ) -> HttpResponse:
        body = convert(await _json(scope, receive), StatusIn)
        changed = await change_status(self.context, receiver, body.stream_id, status=body.status, reason=body.reason)
        return json_response(200, changed)

    async def _add(self, receiver: Receiver, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        name, subject = await _subject(scope, receive)
        await add_subject(self.context, receiver, name, subject)
        return HttpResponse(200, b"", headers=_LANGUAGE)

    async def _remove(
        self, receiver: Receiver, scope: Scope, receive: Receive, _found: Mapping[str, str]
    ) -> HttpResponse:
        name, subject = await _subject(scope, receive)
        await remove_subject(self.context, receiver, name, subject)
        return HttpResponse(204, b"", headers=_LANGUAGE)

    async def _verify(
        self, receiver: Receiver, scope: Scope, receive: Receive, _found: Mapping[str, str]
    ) -> HttpResponse:
        body = convert(await _json(scope, receive), VerifyIn)
        state = "" if body.state is UNSET else body.state
        await verify_stream(self.context, receiver, body.stream_id, state=state)
        return HttpResponse(204, b"", headers=_LANGUAGE)

    async def _poll(self, receiver: Receiver, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        body = convert(await _json(scope, receive), PollIn)
        asked = PollRequest(
            most=min(body.most, MAX_EVENTS),
            taken=tuple(body.ack),
            refused={jti: error.err for jti, error in body.refused.items()},
            wait_s=0.0 if body.at_once else _LONG_POLL_S,
        )
        answer = await serve_poll(self.context, receiver, found["id"], asked)
        return json_response(200, {"sets": answer.sets, "moreAvailable": answer.more})


def transmitter_metadata(desk: DeskContext) -> JsonObject:
    """Build the transmitter's metadata: only features that work.

    Raises:
        Refused: `request.not_found` where nothing is sent.

    Source: SSF 1.0 §7.1.
    """
    signer_of(desk.signals)
    issuer = desk.terms.issuer
    schemes = ["urn:ietf:rfc:6749", "urn:ietf:rfc:6750"] if signals_of(desk.signals).clients else ["urn:ietf:rfc:6750"]
    return {
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": f"{issuer}{JWKS}",
        "delivery_methods_supported": [Delivery.PUSH.value, Delivery.POLL.value],
        "configuration_endpoint": f"{issuer}{STREAM}",
        "status_endpoint": f"{issuer}{STATUS}",
        "add_subject_endpoint": f"{issuer}{ADD}",
        "remove_subject_endpoint": f"{issuer}{REMOVE}",
        "verification_endpoint": f"{issuer}{VERIFY}",
        "critical_subject_members": ["user", "application", "session", "tenant"],
        "authorization_schemes": [{"spec_urn": urn} for urn in schemes],
        "default_subjects": "ALL",
    }


async def _stream_request(scope: Scope, receive: Receive) -> tuple[str, StreamRequest]:
    sent = await _json(scope, receive)
    body = convert(sent, StreamIn)
    delivery = None if body.delivery is UNSET else body.delivery
    request = StreamRequest(
        events=None if body.events_requested is UNSET else tuple(dict.fromkeys(body.events_requested)),
        delivery=None if delivery is None else delivery.method,
        endpoint="" if delivery is None else delivery.endpoint_url or "",
        header="" if delivery is None else delivery.authorization_header or "",
        description=None if body.description is UNSET else body.description,
        sent=sent,
    )
    return "" if body.stream_id is UNSET else body.stream_id, request


async def _subject(scope: Scope, receive: Receive) -> tuple[str, JsonObject]:
    sent = await _json(scope, receive)
    body = convert(sent, SubjectIn)
    subject: Json = sent["subject"]
    if not isinstance(subject, Mapping):
        raise malformed_request("subject must be an object")
    return body.stream_id, subject


async def _json(scope: Scope, receive: Receive) -> JsonObject:
    try:
        verify_json_type(scope)
    except Refused:
        raise malformed_request("send application/json") from None
    return await read_object(scope, receive)


def _named(scope: Scope) -> str:
    name = query_parameters(scope).get("stream_id", "")
    if not name:
        raise malformed_request("the parameter stream_id is missing")
    return name


def _bearer(scope: Scope) -> str:
    """Return the bearer token of a request, "" for none. ⚔ Never from the address: those are logged everywhere."""
    values = header_values(scope, b"authorization")
    if len(values) != 1 or not values[0].lower().startswith(_BEARER) or len(values[0]) > _MAX_BEARER:
        return ""
    return values[0][len(_BEARER) :].strip()


def _token(scope: Scope, raw: bytes) -> str:
    """Return the pushed token.

    Source: RFC 8935 §2.1.
    """
    declared = one_header(scope, b"content-type").partition(";")[0].strip().lower()
    if declared != _SET:
        raise SetRefused("invalid_request", f"the body is not {_SET}")
    if len(raw) > MAX_TOKEN or not raw.isascii():
        raise SetRefused("invalid_request", f"the token is longer than {MAX_TOKEN} characters, or not ASCII")
    return raw.decode("ascii").strip()


def _challenged(error: Refused | Fault, issuer: str) -> HttpResponse:
    """Build a refusal that names the bearer scheme in a 401, which these doors take (RFC 6750 §3)."""
    wrong = b"" if error.code is Code.CREDENTIAL_MISSING else b', error="invalid_token"'
    return problem_response(error, issuer=issuer, challenge=b'Bearer realm="ssf"' + wrong)


def _insufficient(receiver: Receiver, issuer: str) -> HttpResponse:
    """Answer a good token that may not change a stream (RFC 6750 §3.1)."""
    detail = "the settings fix this stream" if receiver.push_url else "the token may only read"
    refused = Refused(Code.PERSON_NOT_ALLOWED, detail, public=f"This is not allowed: {detail}.")
    answer = problem_response(refused, issuer=issuer)
    challenge = f'Bearer realm="ssf", error="insufficient_scope", scope="{MANAGE}"'
    return replace(answer, headers=(*answer.headers, (b"www-authenticate", challenge.encode())))
