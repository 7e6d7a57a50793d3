"""The OpenAPI description of people's endpoints: their JSON, their pages, and a sandbox's controls."""

from functools import cache
from typing import Any, Final

from remit.domain.structs import replace, struct
from remit.entrypoints import sandbox_api, switcher_api
from remit.entrypoints.http.wire import EmptyBody
from remit.entrypoints.openapi.shapes import (
    BYTES,
    EVENTS,
    FORM,
    HTML,
    JSON,
    OBJECT,
    Shape,
    Struct,
    form,
    inlined,
    oauth_errors,
    operation,
    pages,
    problems,
    query_parameter,
    request_body,
    response,
)
from remit.entrypoints.people import access as access_api
from remit.entrypoints.people import api as people_api
from remit.entrypoints.people import visits as visits_api
from remit.entrypoints.staff import audit as audit_api
from remit.entrypoints.staff import audit_search
from remit.entrypoints.staff import desk as desk_api
from remit.entrypoints.staff import incidents as incidents_api
from remit.entrypoints.staff import security as security_api
from remit.entrypoints.staff import views as views_api
from remit.usecases.visitors.request import KNOWN_PARAMETERS

_NO: Final = (400, 401, 403, 404, 409, 422, 429, 500, 503)
_NO_BODY: Final = (413, 415)


@struct(frozen=True)
class _Operation:
    """One method at one address: purpose, body and success. A `takes` of None reads no body."""

    path: str
    summary: str
    takes: Struct | Shape | None = None
    done: tuple[int, ...] = (200,)
    query: tuple[str, ...] = ()
    signed_in: bool = True
    media_type: str = JSON
    method: str = "post"
    answers: Shape | None = None
    """Its answers, where they differ from the usual JSON for people."""


def _get(path: str, summary: str, *query: str) -> _Operation:
    return _Operation(path, summary, query=query, method="get")


def _page(path: str, summary: str, *query: str) -> _Operation:
    answers = {
        "200": response(summary, None, HTML),
        "303": {"description": "To another page, often to sign in"},
        **pages(*_NO),
    }
    return _Operation(path, summary, query=query, method="get", signed_in=False, answers=answers)


def _form(path: str, summary: str, takes: Shape, answers: Shape, *, signed_in: bool = False) -> _Operation:
    return _Operation(path, summary, takes, signed_in=signed_in, media_type=FORM, answers=answers)


_MANDATE: Final[Shape] = {"type": "object", "description": "A remit_mandate that narrows the one there is"}
_LIVE: Final = ("/me/v1/live", "/desk/v1/live", "/security/v1/live")
_VISIT: Final = tuple(sorted(KNOWN_PARAMETERS))
_EXPORT: Final[Shape] = {
    "200": {
        "description": "The rows, as they are found",
        "content": {"text/csv": {"schema": {"type": "string"}}, "application/jsonl": {"schema": {"type": "string"}}},
    },
    **problems(*_NO, *_NO_BODY),
}
_OURS: Final = (
    _Operation("/login/v1/enrol", "Begin or finish enrolling a passkey", people_api.EnrolIn, signed_in=False),
    _Operation("/login/v1/sign-in", "Begin or finish signing in", people_api.AssertedIn, signed_in=False),
    _Operation("/login/v1/sign-out", "Sign out", signed_in=False),
    _Operation("/login/v1/sign-out-everywhere", "Sign out in every browser and tool"),
    _get("/me/v1", "Who is signed in"),
    _get("/desk/v1", "Who is signed in"),
    _get("/me/v1/requests/{id}", "What an agent asks to be allowed"),
    _Operation("/me/v1/requests/{id}", "Cut it, grant it or decline it", people_api.ConsentIn),
    _get("/me/v1/visits", "Which assistant asks, and the purposes to pick from", *_VISIT),
    _Operation("/me/v1/visits", "Pick a purpose and its records", visits_api.VisitIn, query=_VISIT),
    _get("/me/v1/mandates", "The customer's mandates"),
    _Operation("/me/v1/mandates/{id}/revoke", "Revoke a mandate"),
    _Operation("/me/v1/mandates/{id}/narrow", "Remove powers or tighten limits", _MANDATE),
    *(
        _Operation(path, "News since a page was made, as one event", query=("since",), method="get", media_type=EVENTS)
        for path in _LIVE
    ),
    _get("/me/v1/waiting", "Requests waiting for this customer's approval"),
    _get("/desk/v1/waiting", "Requests waiting for this officer's approval"),
    _get("/me/v1/history", "Everything done for this customer", "low", "before"),
    _get("/me/v1/passkeys", "The passkeys of the person who is signed in"),
    _Operation("/me/v1/passkeys/{id}/remove", "Begin or finish removing a passkey", people_api.AssertedIn),
    _get("/me/v1/resume", "What a recovery paused"),
    _Operation("/me/v1/resume", "Begin or finish resuming it", people_api.AssertedIn),
    _get("/desk/v1/resume", "What a recovery paused"),
    _Operation("/desk/v1/resume", "Begin or finish resuming it", people_api.AssertedIn),
    _get("/me/v1/confirmations/{id}", "The request to approve, and the challenge"),
    _Operation("/me/v1/confirmations/{id}", "Answer it", people_api.AnswerIn),
    _get("/desk/v1/confirmations/{id}", "The request to approve, and the challenge"),
    _Operation("/desk/v1/confirmations/{id}", "Answer it", people_api.AnswerIn),
    _Operation("/me/v1/confirmations/{id}/less", "The challenge for less", people_api.LessIn),
    _Operation("/desk/v1/confirmations/{id}/less", "The challenge for less", people_api.LessIn),
    _get("/me/v1/confirmations/{id}/decision", "The decision and its outcome"),
    _get("/desk/v1/confirmations/{id}/decision", "The decision and its outcome"),
    _Operation("/me/v1/confirmations/{id}/undo", "Withdraw one's own approval before anything is sent"),
    _Operation("/desk/v1/confirmations/{id}/undo", "Withdraw one's own approval before anything is sent"),
    _Operation("/desk/v1/confirmations/{id}/take", "Assign it to me for some minutes"),
    _Operation("/desk/v1/confirmations/{id}/hand", "Hand it over to a role or a colleague", desk_api.HandIn),
    _get("/desk/v1/confirmations/{id}/about", "Facts, reasons, case and agent beside a decision"),
    _Operation("/desk/v1/decline", "Decline several, each with its own checks and result", desk_api.DeclineIn),
    _get("/desk/v1/mentions", "Notes that mention this officer"),
    _Operation("/desk/v1/mentions/{id}", "Mark a mention as seen"),
    _get("/me/v1/contests", "What the customer disputes"),
    _Operation("/me/v1/entries/{id}/contest", "Dispute an entry", access_api.ContestIn, (201,)),
    _Operation(
        "/me/v1/entries/{id}/disown",
        "Say that this was not you: all of that agent ends for you",
        access_api.DisownIn,
        (201,),
    ),
    _get("/desk/v1/cases", "Cases with agents"),
    _get("/desk/v1/cases/{id}", "One case, as its officer sees it"),
    _get("/desk/v1/cases/{id}/macros", "Prepared replies, filled in for this case"),
    _Operation("/desk/v1/cases/{id}/check", "What would be withheld of a text", desk_api.TextIn),
    _Operation("/desk/v1/cases/{id}/reply", "Write to the agent", desk_api.ReplyIn, (201,)),
    _Operation("/desk/v1/cases/{id}/offers", "Offer typed terms", desk_api.OfferIn, (201,)),
    _Operation("/desk/v1/cases/{id}/notes", "Note something internally", desk_api.TextIn, (201,)),
    _Operation("/desk/v1/cases/{id}/close", "Close the case"),
    _get("/desk/v1/files", "Files on hold for review"),
    _get("/desk/v1/files/{id}", "One file that an agent sent"),
    _Operation("/desk/v1/files/{id}", "Approve a file that is on hold, or discard it", desk_api.DecideIn),
    _Operation("/desk/v1/files/{id}/content", "The file itself, to be saved", method="get", media_type=BYTES),
    _get("/security/v1/agents", "The agents there are"),
    _Operation("/security/v1/agents", "Register an agent, or change its tier", security_api.AgentIn, (200, 201, 202)),
    _get("/security/v1/suspend", "What stopping one of them would end", "agent", "operator", "customer", "objective"),
    _Operation("/security/v1/suspend", "Stop one of them at once", security_api.SuspensionIn),
    _Operation(
        "/security/v1/resume",
        "Resume one of them: proposed to a second person, or done at once for a held task that needs none",
        security_api.ResumeIn,
        (200, 202),
    ),
    _get("/security/v1/suspensions", "What is suspended"),
    _get("/security/v1/canaries", "The canaries that are planted, without their values"),
    _Operation(
        "/security/v1/canaries", "Plant a canary: its value is shown only this once", security_api.CanaryIn, (201,)
    ),
    _Operation("/security/v1/canaries/{id}/remove", "Remove a canary"),
    _get("/security/v1/changes", "Changes to how requests are decided"),
    _get("/security/v1/overrides", "Replies sent with marked details, for a second person to review"),
    _Operation("/security/v1/overrides/{id}", "Agree with one, or object", security_api.ReviewIn),
    _get("/security/v1/decisions", "What agents asked just now"),
    _get("/security/v1/events", "Security events"),
    _get(
        "/security/v1/incidents",
        "Incidents, those not closed by default",
        *("state", "severity", "kind", "agent", "operator", "owner"),
    ),
    _get("/security/v1/incidents/{id}", "One incident with its time line", "low"),
    _Operation("/security/v1/incidents/{id}/notes", "Add a note to an incident", incidents_api.NoteIn, (201,)),
    _Operation("/security/v1/incidents/{id}/assign", "Give an incident an owner", incidents_api.AssignIn),
    _Operation("/security/v1/incidents/{id}/close", "Close an incident with a reason", incidents_api.CloseIn),
    _get("/security/v1/agents/{id}", "One agent with its history"),
    _get("/security/v1/operators/{id}", "One operator with its agents"),
    _get("/security/v1/proposals", "Changes that need a second person"),
    _Operation("/security/v1/proposals/{id}", "Approve it, or decline it", security_api.SettleProposalIn),
    _get("/security/v1/people", "The people of the support team"),
    _Operation("/security/v1/people", "Add a person", security_api.PersonIn, (201,)),
    _Operation("/security/v1/people/{id}/roles", "Propose roles", security_api.RolesIn, (202,)),
    _Operation("/security/v1/people/{id}/recover", "A link for a customer who lost every passkey", None, (201,)),
    _Operation(
        "/security/v1/people/{id}/verified",
        "Propose that a person was verified in person",
        security_api.VerifiedIn,
        (202,),
    ),
    _Operation("/security/v1/people/{id}/contact", "Change a person's e-mail address", security_api.ContactIn),
    _Operation("/security/v1/erasures", "Propose to erase a customer's content", security_api.ErasureIn, (202,)),
    _get("/staff/v1/views", "The officer's saved views of lists", "page"),
    _Operation("/staff/v1/views", "Save the filters of a list under a name", views_api.ViewIn),
    _Operation("/staff/v1/views/remove", "Remove a saved view", views_api.RemoveViewIn),
    _get("/audit/v1/entries", "Entries of the transcript", "low", "ref", "newest"),
    _get(
        "/audit/v1/rows",
        "Found rows, newest first, an ask folded into one",
        *audit_search.PARAMETERS,
        "before",
        "limit",
    ),
    _Operation("/audit/v1/export", "Export found rows as CSV or JSON lines", audit_search.ExportIn, answers=_EXPORT),
    _get("/audit/v1/entries/{id}", "One entry"),
    _get("/audit/v1/cases/{id}", "A case as a story, from an entry on", "low"),
    _Operation("/audit/v1/verify", "Verify the whole log now"),
    _get("/audit/v1/checkpoint", "The newest checkpoint and the key to check it with"),
    _get("/audit/v1/report", "What the log shows about controls", "since", "until", "framework"),
    _get("/audit/v1/contests", "What customers dispute"),
    _Operation("/audit/v1/contests/{id}", "Settle a dispute", audit_api.SettleContestIn),
)
_PAGES: Final = (
    _page("/", "The start"),
    _page("/login", "The page to sign in", "next"),
    _page("/login/oidc", "On to the company's OpenID provider", "next", "as", "vouch"),
    _page("/login/oidc/callback", "Back from there", "code", "state", "iss", "error"),
    _page("/enrol", "The page to enrol a passkey", "code", "next"),
    _page(
        "/oauth/authorize", "The consent page of a request, pushed (RFC 9126) or a visitor's", "request_uri", *_VISIT
    ),
    _page("/resume", "The page to resume what a recovery paused"),
    _page("/verify", "The page that checks a receipt in the browser", "entry"),
    _page("/me", "The customer's page"),
    _page("/me/history", "Everything done for the customer", "before"),
    _page("/me/mandates/{id}", "One mandate"),
    _page("/confirm/{id}", "A request to approve"),
    _page("/desk", "The officer's page"),
    _page("/desk/cases/{id}", "One case"),
    _page("/desk/files/{id}", "One file that an agent sent"),
    _page(
        "/security",
        "Incidents, and what happens just now",
        *("state", "severity", "kind", "agent", "operator", "owner"),
    ),
    _page("/security/incidents/{id}", "One incident", "low"),
    _page("/security/agents", "The agents, and what is stopped", "q", "low"),
    _page("/security/agents/{id}", "One agent"),
    _page("/security/operators/{id}", "One operator"),
    _page("/security/proposals", "What needs a second person"),
    _page("/security/admin", "Registration, people, canaries and changes"),
    _page("/audit", "The auditors' page", *audit_search.PARAMETERS, "before", "low", "ref"),
    _page("/audit/cases/{id}", "A case as a story", "low"),
    _page("/audit/report", "The report", "since", "until", "framework"),
)
_REFUSED: Final = pages(*_NO, *_NO_BODY)
_BACK: Final[Shape] = {"303": {"description": "Back to the page it was sent from"}, **_REFUSED}
_COUNT: Final[Shape] = {"type": "object", "properties": {"ended": {"type": "integer"}}, "required": ["ended"]}
_LOGOUT: Final[Shape] = {
    "200": response("Their sessions are over", _COUNT),
    **oauth_errors(400, 404, 413, 429, 500, 503),
}
_OVER: Final = response("Their sessions, if there were any, are over", None, HTML)
_NONE: Final = response("There is none", None, HTML)
_FILE: Final[Shape] = {
    "200": response("The file", None, "*/*"),
    "304": {"description": "As it was"},
    "404": _NONE,
    **problems(500),
}
_OTHERS: Final = (
    _form("/language", "Choose the language of the pages", form(("language",)), _BACK),
    replace(
        _form(
            "/oauth/authorize",
            "Pick a purpose, and the records it is about",
            form(("objective",)),
            {"200": response("The page again", None, HTML), **_BACK, "422": response("Nothing was picked", None, HTML)},
            signed_in=True,
        ),
        query=_VISIT,
    ),
    _form(
        "/oidc/back-channel-logout",
        "The company's provider reports a sign-out",
        form(("logout_token",)),
        _LOGOUT,
    ),
    replace(
        _page("/oidc/front-channel-logout", "The same, by a frame of the provider's page", "iss", "sid"),
        answers={"200": _OVER, **oauth_errors(400, 404, 429, 500, 503)},
    ),
    _Operation(
        "/helpdesk/v1/events",
        "The company's own helpdesk says that something happened to a ticket",
        OBJECT,
        (202,),
        signed_in=False,
    ),
    replace(_page("/static/{name}", "What the pages are drawn with"), answers=_FILE),
    replace(_page("/brand/logo", "The company's logo"), answers=_FILE),
    replace(_page("/brand/accent.css", "The company's colour"), answers=_FILE),
)
_SANDBOX: Final = (
    _Operation("/sandbox/v1/people", "Add a person, with a trusted invitation", sandbox_api.SandboxPersonIn, (201,)),
    _Operation("/sandbox/v1/agents", "Register an agent", sandbox_api.SandboxAgentIn, (201,)),
    _Operation("/sandbox/v1/suspend", "Suspend something", sandbox_api.SandboxSuspendIn),
    _Operation("/sandbox/v1/facts", "Replace the facts", OBJECT, method="put"),
    _get("/sandbox/v1/transcript", "A page of the log, opened", "low"),
    _Operation("/sandbox/v1/sweep", "One round of the jobs", OBJECT),
)
_SWITCHER: Final = (
    _Operation(switcher_api.SWITCH, "Become another person of the demo, from a page of ours", switcher_api.SwitchIn),
)


@cache
def people_paths() -> dict[str, dict[str, Any]]:
    """Build the paths of people's JSON and of their pages."""
    return _paths(*_OURS, *_PAGES, *_OTHERS)


@cache
def sandbox_paths() -> dict[str, dict[str, Any]]:
    """Build the paths of a sandbox's controls, which exist on loopback alone."""
    return _unsigned(*_SANDBOX)


@cache
def switcher_paths() -> dict[str, dict[str, Any]]:
    """Build the path of the role switcher, which exists where a sandbox's settings name it."""
    return _unsigned(*_SWITCHER)


def _unsigned(*operations: _Operation) -> dict[str, dict[str, Any]]:
    return {
        path: {method: {**said, "security": []} for method, said in methods.items()}
        for path, methods in _paths(*operations).items()
    }


def _paths(*doors: _Operation) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for door in doors:
        more: dict[str, Any] = {"security": [{"session": []}]} if door.signed_in else {}
        if door.method != "get":
            takes = EmptyBody if door.takes is None else door.takes
            schema = inlined(takes) if isinstance(takes, type) else takes
            more["requestBody"] = request_body(door.media_type, schema, required=door.takes is not None)
        answers = _json_answers(door) if door.answers is None else door.answers
        parameters = [query_parameter(name) for name in door.query]
        paths.setdefault(door.path, {})[door.method] = operation(
            door.path, door.summary, answers, parameters=parameters, **more
        )
    return paths


def _json_answers(door: _Operation) -> Shape:
    done = response("Done", OBJECT if door.media_type == JSON else None, door.media_type)
    return {
        **{str(status): done for status in door.done},
        **problems(*_NO, *(() if door.method == "get" else _NO_BODY)),
    }
