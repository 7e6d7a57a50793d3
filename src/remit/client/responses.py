"""The desk's answers, read into values or raised as refusals. Pure functions; nothing is received here.

Source: docs/model/wire.md#agents-way; RFC 9457 (problem details); RFC 6749 §5.2 (OAuth errors).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from remit.client.calls import ACCESS_TOKEN, MANDATE_TOKEN
from remit.client.errors import ProtocolError, Refused, Unavailable
from remit.client.json_fields import decode, integer, object_of, objects, optional_text, text, texts
from remit.client.values import Json

_DOWN: Final = frozenset({"server_error", "temporarily_unavailable"})
_CHALLENGE: Final = re.compile(r'([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_SERVER_ERROR: Final = 500
_ACCEPTED: Final = 202
_NO_STATES: Final = {
    "declined": "confirmation.declined",
    "expired": "confirmation.expired",
    "void": "task.ended",
    "refused": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One HTTP answer: header names in lower case, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the desk did it."""
        return 200 <= self.status < 300  # noqa: PLR2004  # HTTP's own bound

    def json(self) -> Json:
        """Return the decoded body.

        Raises:
            ProtocolError: when it is not JSON, or does not say so.
        """
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise ProtocolError("the answer is not JSON")
        return decode(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """An accepted mandate request that waits for the customer."""

    request_uri: str
    expires_in_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backchannel:
    """An accepted backchannel request; ask again every `interval_s`."""

    auth_req_id: str
    expires_in_s: int
    interval_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A mandate as the customer granted it, which may be less than was requested."""

    mandate: str
    authorization_details: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A task's credential."""

    access_token: str
    expires_in_s: int
    task: str
    case: str

    def __repr__(self) -> str:
        """Omit the token: a repr ends up in logs."""
        return f"Opened(task={self.task!r}, case={self.case!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The desk's answer to an ask. `pending` is true while a person or the outcome is awaited.

    `countered_by` is the counter-offer that replaced this ask. `detail` gives the reason of a failed act. `words` is
    `held`, `released` or `stripped` where the message says more than the ask; `notice` is the desk's note on that.
    """

    ask: str
    decision: str
    outcome: str | None
    result: Mapping[str, Json]
    withheld: int
    who: tuple[str, ...]
    expires_at: str | None
    poll: str | None
    receipt: Json
    pending: bool
    countered_by: str | None
    detail: str | None
    words: str | None = None
    notice: str | None = None
    attachments: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """The state of a task. `budgets` are the remaining amounts, power by power, as the desk writes them."""

    task: str
    case: str | None
    state: str
    reason: str | None
    objective: Json
    budgets: tuple[Mapping[str, Json], ...]
    waiting: tuple[str, ...]
    ends_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in a task's inbox, already reduced to the mandate's attributes."""

    n: int
    at: str
    kind: str
    text: str | None
    offer: Mapping[str, Json] | None
    withheld: int
    withheld_kinds: tuple[str, ...] = ()


def read_pushed(answered: Answered) -> Pushed:
    """Read the answer to a pushed request."""
    body = object_of(answered.json())
    return Pushed(request_uri=text(body, "request_uri"), expires_in_s=integer(body, "expires_in"))


def read_backchannel(answered: Answered) -> Backchannel:
    """Read the answer to a backchannel request; the interval is 5 s where none is given (CIBA §7.3)."""
    body = object_of(answered.json())
    interval_s = 5 if body.get("interval") is None else integer(body, "interval")
    auth_req_id = text(body, "auth_req_id")
    return Backchannel(auth_req_id=auth_req_id, expires_in_s=integer(body, "expires_in"), interval_s=interval_s)


def read_granted(answered: Answered) -> Granted:
    """Read the mandate out of the token answer. Its token opens no task and is not kept.

    Raises:
        ProtocolError: when it is not bound to our key, or grants something else than mandates.
    """
    body = object_of(answered.json())
    _bound(body)
    return _granted(body)


def read_branch(answered: Answered) -> Granted:
    """Read the sub-mandate issued to another agent. It comes without a token: that agent gets its own.

    Raises:
        ProtocolError: when it is anything else.
    """
    body = object_of(answered.json())
    if body.get("issued_token_type") != MANDATE_TOKEN:
        raise ProtocolError("no part of a mandate was handed on")
    return _granted(body)


def read_opened(answered: Answered) -> Opened:
    """Read a task's credential.

    Raises:
        ProtocolError: when it is not a DPoP-bound access token. ⚔ A stolen bearer token would work for its thief.
    """
    body = object_of(answered.json())
    _bound(body)
    if body.get("issued_token_type") != ACCESS_TOKEN:
        raise ProtocolError("`issued_token_type` is not an access token")
    return Opened(
        access_token=text(body, "access_token"),
        expires_in_s=integer(body, "expires_in"),
        task=text(body, "task"),
        case=text(body, "case"),
    )


def read_answer(answered: Answered) -> Answer:
    """Read the answer to an ask.

    Raises:
        Refused: when the ask was refused after all (a person said no, or the invitation expired).
        ProtocolError: when it is neither a decision nor a refusal.
    """
    body = object_of(answered.json())
    decision = text(body, "decision")
    state = optional_text(body, "state")
    if decision == "refuse" or state in _NO_STATES or (decision == "needs_human" and body.get("code")):
        # A final no must never look like something still to wait for.
        raise _refused(body, answered, otherwise=_NO_STATES.get(state or "", ""))
    if decision not in {"permit", "needs_human"}:
        raise ProtocolError(f"unknown decision {decision!r}")
    outcome = optional_text(body, "outcome")
    pending = decision == "needs_human" or body.get("desk_pending") is True or outcome == "unknown"
    if not pending and outcome is None and answered.status != _ACCEPTED:
        raise ProtocolError("a permit without an outcome")
    return Answer(
        ask=text(body, "ask"),
        decision=decision,
        outcome=outcome,
        result={} if body.get("result") is None else object_of(body["result"]),
        withheld=0 if body.get("withheld") is None else integer(body, "withheld"),
        who=texts(body, "who"),
        expires_at=optional_text(body, "expires_at"),
        poll=optional_text(body, "poll"),
        receipt=body.get("receipt"),
        pending=pending or outcome is None,
        countered_by=optional_text(body, "countered_by"),
        detail=optional_text(body, "reason") or optional_text(body, "detail"),
        words=optional_text(body, "words"),
        notice=optional_text(body, "notice"),
        attachments=objects(body, "attachments") if body.get("attachments") else (),
    )


def read_status(answered: Answered) -> TaskStatus:
    """Read the state of a task."""
    body = object_of(answered.json())
    return TaskStatus(
        task=text(body, "task"),
        case=optional_text(body, "case"),
        state=text(body, "state"),
        reason=optional_text(body, "reason"),
        objective=body.get("objective"),
        budgets=objects(body, "budgets"),
        waiting=texts(body, "waiting"),
        ends_at=optional_text(body, "ends_at"),
    )


def read_inbox(answered: Answered) -> tuple[Message, ...]:
    """Read the messages of a task."""
    return tuple(
        Message(
            n=integer(message, "n"),
            at=text(message, "at"),
            kind=text(message, "kind"),
            text=optional_text(message, "text") if message.get("text") != "" else "",
            offer=None if message.get("offer") is None else object_of(message["offer"]),
            withheld=0 if message.get("withheld") is None else integer(message, "withheld"),
            withheld_kinds=texts(message, "withheld_kinds") if "withheld_kinds" in message else (),
        )
        for message in objects(object_of(answered.json()), "messages")
    )


def raise_problem(answered: Answered) -> NoReturn:
    """Raise the error of an unsuccessful answer.

    Raises:
        Refused: the desk said no, in problem details, OAuth's error JSON or `WWW-Authenticate`.
        Unavailable: something is down there, or in between.
        ProtocolError: it is a redirect, or not an answer of this desk at all.
    """
    body = _problem_body(answered)
    code = body.get("code")
    if isinstance(code, str) and code:
        raise (
            _down(body, answered, code)
            if code.startswith("fault.") or code == "desk.unavailable"
            else _refused(body, answered)
        )
    error = body.get("error") or challenge_of(answered).get("error")
    if isinstance(error, str) and error:
        raise _down(body, answered, "desk.unavailable") if error in _DOWN else _refused(body, answered)
    if answered.status >= _SERVER_ERROR:
        raise _down(body, answered, "desk.unavailable")
    raise ProtocolError(f"HTTP {answered.status} without a reason the desk would give; is this the desk's address?")


def code_of(answered: Answered) -> str | None:
    """Return the desk's code, or OAuth's error word as `oauth.<error>`, of an unsuccessful answer."""
    body = _problem_body(answered)
    code = body.get("code")
    if isinstance(code, str) and code:
        return code
    error = body.get("error") or challenge_of(answered).get("error")
    return f"oauth.{error}" if isinstance(error, str) and error else None


def wants_nonce(answered: Answered) -> bool:
    """Return whether the desk asks for its nonce in the proof (RFC 9449 §8 and §9)."""
    if answered.status not in {400, 401} or not answered.headers.get("dpop-nonce"):
        return False
    words = {_problem_body(answered).get("error"), challenge_of(answered).get("error")}
    return "use_dpop_nonce" in words or code_of(answered) == "credential.nonce"


def retry_after_s(answered: Answered) -> int | None:
    """Return the wait the desk asks for: `Retry-After` in seconds, or `retry_after_s` of the problem."""
    header = answered.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdigit():
        return int(header[:9])
    seconds = _problem_body(answered).get("retry_after_s")
    return seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and seconds >= 0 else None


def challenge_of(answered: Answered) -> dict[str, str]:
    """Return the parameters of `WWW-Authenticate`, unquoted; the first challenge wins."""
    found: dict[str, str] = {}
    for name, quoted, plain in _CHALLENGE.findall(answered.headers.get("www-authenticate", "")):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted else plain)
    return found


def _granted(body: Mapping[str, Json]) -> Granted:
    details = objects(body, "authorization_details")
    if not details or any(detail.get("type") != "remit_mandate" for detail in details):
        raise ProtocolError("the grant is not a remit_mandate")
    return Granted(mandate=text(body, "mandate"), authorization_details=details)


def _bound(body: Mapping[str, Json]) -> None:
    if text(body, "token_type").lower() != "dpop":
        raise ProtocolError("the token is not bound to our key")


def _problem_body(answered: Answered) -> Mapping[str, Json]:
    try:
        return object_of(answered.json())
    except ProtocolError:
        return {}


def _first_text(body: Mapping[str, Json], *names: str) -> str:
    for name in names:
        value = body.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _refused(body: Mapping[str, Json], answered: Answered, *, otherwise: str = "") -> Refused:
    codes = body.get("codes")
    first = codes[0] if isinstance(codes, list) and codes else None
    challenge = challenge_of(answered)
    error = _first_text(body, "error") or challenge.get("error", "")
    code = (
        _first_text(body, "code")
        or (first if isinstance(first, str) else "")
        or (f"oauth.{error}" if error else otherwise)
    )
    if not code:
        raise ProtocolError("a refusal without a code")
    return Refused(
        code,
        title=_first_text(body, "title", "error") or error,
        detail=_first_text(body, "detail", "error_description") or challenge.get("error_description", ""),
        cure=_first_text(body, "cure"),
        status=answered.status,
        retry_after_s=retry_after_s(answered),
        challenge=challenge | ({"error": error} if error else {}),
        body=body,
    )


def _down(body: Mapping[str, Json], answered: Answered, code: str) -> Unavailable:
    return Unavailable(
        code,
        title=_first_text(body, "title", "error") or "The desk cannot be reached",
        detail=_first_text(body, "detail", "error_description"),
        cure=_first_text(body, "cure") or "Try again later; repeat an ask with the same idempotency key.",
        status=answered.status,
        retry_after_s=retry_after_s(answered),
        body=body,
    )
