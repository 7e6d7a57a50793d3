"""The OpenAPI description of shared signals: of the sides that a desk has."""

from collections.abc import Mapping
from typing import Any, Final

from remit.engine.events.parties import SharedSignals
from remit.entrypoints import events as doors
from remit.entrypoints import events_oauth as oauth
from remit.entrypoints.openapi.shapes import (
    FORM,
    JSON,
    OBJECT,
    TEXT,
    Shape,
    form,
    inlined,
    oauth_errors,
    operation,
    problems,
    query_parameter,
    request_body,
    response,
)

SECURITY: Final[Mapping[str, Shape]] = {
    "signals": {
        "type": "http",
        "scheme": "Bearer",
        "description": "The token of a receiver or a transmitter of shared signals (RFC 6750).",
    }
}
_PROVED: Final = (401, 403, 404, 429, 500, 503)
_SENT: Final = (400, 413)
_ASKED: Final = response("As asked")
_STREAM: Final = query_parameter("stream_id")


def signal_paths(signals: SharedSignals | None) -> dict[str, dict[str, Any]]:
    """Build the paths of shared signals."""
    if signals is None:
        return {}
    return {
        **(_pushed() if signals.takes_pushes else {}),
        **(_transmitter() if signals.signer is not None else {}),
        **(_tokens() if signals.clients else {}),
    }


def _pushed() -> dict[str, dict[str, Any]]:
    err = response("No event of this transmitter (RFC 8935 §2.4)", OBJECT)
    answers = {"202": _empty("Taken"), "400": err, **problems(413, 429, 500, 503)}
    return {
        doors.PUSHED: {
            "post": operation(
                doors.PUSHED,
                "Push one security event token (RFC 8935)",
                answers,
                security=[{"signals": []}],
                requestBody=request_body("application/secevent+jwt", TEXT),
            )
        }
    }


def _transmitter() -> dict[str, dict[str, Any]]:
    stream = request_body(JSON, inlined(doors.StreamIn))
    public = {
        doors.CONFIGURATION: {"get": _read(doors.CONFIGURATION, "The transmitter's metadata (SSF 1.0 §7)")},
        doors.JWKS: {"get": _read(doors.JWKS, "The keys that security events are signed with")},
    }
    return {
        **public,
        doors.STREAM: {
            "get": _door(doors.STREAM, "The receiver's stream, or all of them", {"200": _ASKED}, _STREAM),
            "post": _door(doors.STREAM, "Create a stream", {"201": _ASKED, **problems(409, *_SENT)}, body=stream),
            "patch": _door(doors.STREAM, "Change a part of a stream", {"200": _ASKED, **problems(*_SENT)}, body=stream),
            "put": _door(doors.STREAM, "Replace a stream", {"200": _ASKED, **problems(*_SENT)}, body=stream),
            "delete": _door(doors.STREAM, "Delete a stream", {"204": _empty("Deleted"), **problems(400)}, _STREAM),
        },
        doors.STATUS: {
            "get": _door(doors.STATUS, "A stream's status", {"200": _ASKED, **problems(400)}, _STREAM),
            "post": _door(
                doors.STATUS,
                "Enable, pause or disable a stream",
                {"200": _ASKED, **problems(*_SENT)},
                body=request_body(JSON, inlined(doors.StatusIn)),
            ),
        },
        doors.ADD: {"post": _subject(doors.ADD, "Send events of a subject again", "200")},
        doors.REMOVE: {"post": _subject(doors.REMOVE, "Send no events of a subject", "204")},
        doors.VERIFY: {
            "post": _door(
                doors.VERIFY,
                "Send a verification event",
                {"204": _empty("On its way"), **problems(*_SENT)},
                body=request_body(JSON, inlined(doors.VerifyIn)),
            )
        },
        doors.POLL: {
            "post": _door(
                doors.POLL,
                "Acknowledge events and fetch the next ones (RFC 8936)",
                {"200": _ASKED, **problems(*_SENT)},
                body=request_body(JSON, inlined(doors.PollIn)),
            )
        },
    }


def _tokens() -> dict[str, dict[str, Any]]:
    """Build the paths of OAuth tokens for receivers."""
    proved = ("grant_type", "client_assertion_type", "client_assertion")
    issued = {"200": response("Issued", OBJECT), **oauth_errors(400, 401, 403, 413, 429, 500, 503)}
    body = request_body(FORM, form(proved, ("client_id", "scope")))
    return {
        oauth.SERVER: {"get": _read(oauth.SERVER, "RFC 8414 metadata of the server of receivers' tokens")},
        oauth.RESOURCE: {"get": _read(oauth.RESOURCE, "RFC 9728 metadata of the doors of streams")},
        oauth.TOKEN: {
            "post": operation(oauth.TOKEN, "A token for a receiver (RFC 6749 §4.4)", issued, requestBody=body)
        },
    }


def _read(path: str, summary: str) -> dict[str, Any]:
    return operation(path, summary, {"200": _ASKED, **problems(500)})


def _subject(path: str, summary: str, status: str) -> dict[str, Any]:
    answers = {status: _empty("Noted"), **problems(*_SENT)}
    return _door(path, summary, answers, body=request_body(JSON, inlined(doors.SubjectIn)))


def _door(path: str, summary: str, answers: Shape, *parameters: Shape, body: Shape | None = None) -> dict[str, Any]:
    sent: dict[str, Any] = {} if body is None else {"requestBody": body}
    security: list[Shape] = [{"signals": []}]
    return operation(
        path, summary, {**answers, **problems(400, *_PROVED)}, parameters=parameters, security=security, **sent
    )


def _empty(description: str) -> Shape:
    return {"description": description}
