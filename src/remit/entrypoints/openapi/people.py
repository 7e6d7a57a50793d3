"""The OpenAPI description of people's endpoints: their JSON, their pages, and a sandbox's controls."""

from functools import cache
from typing import Any, Final

from remit.domain.structs import replace, struct
from remit.entrypoints import sandbox_api
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
from remit.entrypoints.staff import desk as desk_api
from remit.entrypoints.staff import security as security_api
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
    _Operation("/me/v1/mandates/{id}/revoke", "Take a mandate back"),
    _Operation("/me/v1/mandates/{id}/narrow", "Take powers or room away", _MANDATE),
    *(
        _Operation(path, "News since a page was made, as one event", query=("since",), method="get", media_type=EVENTS)
        for path in _LIVE
    ),
    _get("/me/v1/waiting", "What waits for this customer's answer"),
    _get("/desk/v1/waiting", "What waits for this officer's answer"),
    _get("/me/v1/history", "Everything done in this customer's name", "low"),
    _get("/me/v1/passkeys", "The passkeys of whoever is signed in"),
    _Operation("/me/v1/passkeys/{id}/remove", "Begin or finish removing a passkey", people_api.AssertedIn),
    _get("/me/v1/resume", "What a recovery paused"),
    _Operation("/me/v1/resume", "Begin or finish resuming it", people_api.AssertedIn),
    _get("/desk/v1/resume", "What a recovery paused"),
    _Operation("/desk/v1/resume", "Begin or finish resuming it", people_api.AssertedIn),
    _get("/me/v1/confirmations/{id}", "What would be confirmed, and the challenge"),
    _Operation("/me/v1/confirmations/{id}", "Answer it", people_api.AnswerIn),
    _get("/desk/v1/confirmations/{id}", "What would be confirmed, and the challenge"),
    _Operation("/desk/v1/confirmations/{id}", "Answer it", people_api.AnswerIn),
    _Operation("/me/v1/confirmations/{id}/less", "The challenge for less", people_api.LessIn),
    _Operation("/desk/v1/confirmations/{id}/less", "The challenge for less", people_api.LessIn),
    _Operation("/desk/v1/confirmations/{id}/take", "Look after it for some minutes"),
    _Operation("/desk/v1/confirmations/{id}/hand", "Hand it over to a role or a colleague", desk_api.HandIn),
    _get("/me/v1/contests", "What the customer contests"),
    _Operation("/me/v1/entries/{id}/contest", "Contest an entry", access_api.ContestIn, (201,)),
    _Operation(
        "/me/v1/entries/{id}/disown",
        "Say that this was not you: all of that agent ends for you",
        access_api.DisownIn,
        (201,),
    ),
    _get("/desk/v1/cases", "Cases with agents"),
    _get("/desk/v1/cases/{id}", "One case, as its officer sees it"),
    _Operation("/desk/v1/cases/{id}/check", "What would be withheld of a text", desk_api.TextIn),
    _Operation("/desk/v1/cases/{id}/reply", "Write to the agent", desk_api.ReplyIn, (201,)),
    _Operation("/desk/v1/cases/{id}/offers", "Offer typed terms", desk_api.OfferIn, (201,)),
    _Operation("/desk/v1/cases/{id}/notes", "Note something internally", desk_api.TextIn, (201,)),
    _Operation("/desk/v1/cases/{id}/close", "Close the case"),
    _get("/desk/v1/files", "Files that wait for an officer"),
    _get("/desk/v1/files/{id}", "One file that an agent sent"),
    _Operation("/desk/v1/files/{id}", "Let a file pass that was held back, or discard it", desk_api.DecideIn),
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
    _Operation("/security/v1/canaries", "Plant a canary: its value is told this once", security_api.CanaryIn, (201,)),
    _Operation("/security/v1/canaries/{id}/remove", "Take a canary away"),
    _get("/security/v1/overrides", "Replies sent although a value was marked, for a second person to look at"),
    _Operation("/security/v1/overrides/{id}", "Agree with one, or object", security_api.ReviewIn),
    _get("/security/v1/changes", "What was changed about how the desk decides"),
    _get("/security/v1/decisions", "What agents asked just now"),
    _get("/security/v1/incidents", "What happened"),
    _get("/security/v1/proposals", "What waits for a second person"),
    _Operation("/security/v1/proposals/{id}", "Agree to it, or not", security_api.SettleProposalIn),
    _get("/security/v1/people", "The desk's own people"),
    _Operation("/security/v1/people", "Add somebody", security_api.PersonIn, (201,)),
    _Operation("/security/v1/people/{id}/roles", "Propose roles", security_api.RolesIn, (202,)),
    _Operation("/security/v1/people/{id}/recover", "A link for a customer who lost every passkey", None, (201,)),
    _Operation(
        "/security/v1/people/{id}/verified",
        "Propose that somebody was verified in person",
        security_api.VerifiedIn,
        (202,),
    ),
    _Operation("/security/v1/people/{id}/contact", "Change somebody's e-mail address", security_api.ContactIn),
    _Operation("/security/v1/erasures", "Propose to erase a customer's content", security_api.ErasureIn, (202,)),
    _get("/audit/v1/entries", "Entries of the transcript", "low", "ref", "newest"),
    _get("/audit/v1/entries/{id}", "One entry"),
    _get("/audit/v1/cases/{id}", "A case as a story, from an entry on", "low"),
    _Operation("/audit/v1/verify", "Verify the whole log now"),
    _get("/audit/v1/checkpoint", "The newest checkpoint and the key to check it with"),
    _get("/audit/v1/report", "What the log shows about controls", "since", "until", "framework"),
    _get("/audit/v1/contests", "What customers contest"),
    _Operation("/audit/v1/contests/{id}", "Settle a contest", audit_api.SettleContestIn),
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
    _page("/me/history", "Everything done in the customer's name", "low"),
    _page("/me/mandates/{id}", "One mandate"),
    _page("/confirm/{id}", "What waits for one's answer"),
    _page("/desk", "The officer's page"),
    _page("/desk/cases/{id}", "One case"),
    _page("/desk/files/{id}", "One file that an agent sent"),
    _page("/security", "The security people's page"),
    _page("/audit", "The auditors' page", "low", "ref", "newest"),
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
        "The company's provider says that somebody signed out",
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
)
_SANDBOX: Final = (
    _Operation("/sandbox/v1/people", "Add somebody, with a vouched invitation", sandbox_api.SandboxPersonIn, (201,)),
    _Operation("/sandbox/v1/agents", "Register an agent", sandbox_api.SandboxAgentIn, (201,)),
    _Operation("/sandbox/v1/suspend", "Suspend something", sandbox_api.SandboxSuspendIn),
    _Operation("/sandbox/v1/facts", "Replace the facts", OBJECT, method="put"),
    _get("/sandbox/v1/transcript", "A page of the log, opened", "low"),
    _Operation("/sandbox/v1/sweep", "One round of the jobs", OBJECT),
)


@cache
def people_paths() -> dict[str, dict[str, Any]]:
    """Build the paths of people's JSON and of their pages."""
    return _paths(*_OURS, *_PAGES, *_OTHERS)


@cache
def sandbox_paths() -> dict[str, dict[str, Any]]:
    """Build the paths of a sandbox's controls, which exist on loopback alone."""
    return {
        path: {method: {**said, "security": []} for method, said in methods.items()}
        for path, methods in _paths(*_SANDBOX).items()
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
