"""Phrases of the pages, by code and state: refusals, canaries, trust, proofs, risks."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.i18n import Translator, marked
from remit.domain.values import Json

BAITS: Final[Mapping[str, str]] = {
    "attribute": marked("a personal detail"),
    "email": marked("an e-mail address"),
    "record": marked("a record number"),
    "token": marked("a credential"),
}
"""Shapes of canaries."""

BAITED: Final[Mapping[str, str]] = {
    "canary.planted": marked("A canary (decoy value) was planted."),
    "canary.removed": marked("A canary (decoy value) was removed."),
    "canary.seen": marked("A canary (decoy value) was detected."),
}
"""Entries about canaries."""


def split_marked(text: Mapping[str, Json]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the pieces of a text by `marked_texts`. ⚔ No piece is omitted, whatever the marks say."""
    said, found = text["text"], text["found"]
    whole = said if isinstance(said, str) else ""
    rows = [one for one in found if isinstance(one, Mapping)] if isinstance(found, Sequence) else []
    marks = [(_place(one, "start", whole), _place(one, "end", whole), str(one.get("why", ""))) for one in rows]
    edges = sorted({0, len(whole), *(place for start, end, _ in marks for place in (start, end))})
    return [
        (whole[start:end], tuple(dict.fromkeys(why for first, last, why in marks if first <= start and end <= last)))
        for start, end in pairwise(edges)
    ]


def _place(mark: Mapping[str, Json], name: str, text: str) -> int:
    place = mark.get(name)
    return min(max(place, 0), len(text)) if isinstance(place, int) else 0


SENTENCES: Final[Mapping[Code, tuple[str, str]]] = {
    Code.AGENT_SUSPENDED: (
        marked("This agent is stopped"),
        marked("The agent can't act until support resumes it. Nothing was allowed."),
    ),
    Code.CONFIRMATION_EXPIRED: (
        marked("Too late to answer"),
        marked("The request expired, so nothing was done. The agent can ask again."),
    ),
    Code.CONFIRMATION_MISMATCH: (
        marked("The request has changed"),
        marked("What you saw is no longer what would happen. Nothing was done."),
    ),
    Code.CONFIRMATION_REPLAYED: (
        marked("This was already answered"),
        marked("You don't need to do anything else. You can see the outcome on your page."),
    ),
    Code.CONFIRMATION_TAKEN: (
        marked("A colleague is working on this"),
        marked("Leave it to them, or ask them to hand it over. It becomes available again after a few minutes."),
    ),
    Code.CONFIRMATION_WRONG_PERSON: (
        marked("You can't answer this"),
        marked("It needs another person or another passkey."),
    ),
    Code.CREDENTIAL_EXPIRED: (marked("This link no longer works"), marked("Ask support for a new link.")),
    Code.CREDENTIAL_MALFORMED: (
        marked("This passkey couldn't be used"),
        marked("Try again, or use another passkey."),
    ),
    Code.CREDENTIAL_MISSING: (marked("Your passkey is needed"), marked("Confirm with your passkey to continue.")),
    Code.CREDENTIAL_WRONG_KEY: (
        marked("This passkey couldn't be verified"),
        marked("Nothing was done. Please try again."),
    ),
    Code.FAULT_BACKOFFICE: (
        marked("We can't reach our systems right now"),
        marked("Nothing was done, and nothing was lost. Try again in a moment."),
    ),
    Code.FAULT_CASE: (
        marked("We can't open the case right now"),
        marked("Nothing was done, and nothing was lost. Try again in a moment."),
    ),
    Code.FAULT_INTERNAL: (
        marked("Something went wrong on our side"),
        marked("Nothing was done. Try again. If it keeps happening, contact support."),
    ),
    Code.FAULT_STORE: (
        marked("We can't record anything right now"),
        marked("Nothing is done unless it can be recorded. Try again in a moment."),
    ),
    Code.LOGIN_DECLINED: (
        marked("You weren't signed in"),
        marked("The company's login didn't let you in, or you cancelled there. Nothing was done."),
    ),
    Code.LOGIN_INVALID: (
        marked("This sign-in can't be used"),
        marked(
            "It was already used, took too long, or was started in another browser. Start again from the sign-in page."
        ),
    ),
    Code.LOGIN_UNKNOWN: (
        marked("No account for this login"),
        marked("Your login works, but no account here belongs to it. Ask support to add you."),
    ),
    Code.LOGIN_WEAK: (
        marked("Please sign in again"),
        marked("Use the stronger sign-in method that the company offers, then try again."),
    ),
    Code.MANDATE_INACTIVE: (
        marked("This permission isn't active"),
        marked("It was revoked, has expired, or is currently stopped."),
    ),
    Code.MANDATE_INVALID: (
        marked("Your input isn't valid"),
        marked("You can only allow less than requested, never more."),
    ),
    Code.MANDATE_UNKNOWN: (marked("Permission not found"), marked("It may belong to someone else.")),
    Code.PARAMS_INVALID: (marked("Your input isn't valid"), marked("Check what you entered.")),
    Code.PARAMS_NOT_OWNED: (
        marked("This record isn't yours"),
        marked("The agent named a record that doesn't belong to you."),
    ),
    Code.PERSON_NOT_ALLOWED: (
        marked("You don't have access to this page"),
        marked("Someone with another role can open it."),
    ),
    Code.PERSON_NOT_SIGNED_IN: (
        marked("Please sign in"),
        marked("You aren't signed in, or your session has expired."),
    ),
    Code.REPLY_WITHHELD: (
        marked("Not sent"),
        marked("The text contains something that can't be shared with this agent."),
    ),
    Code.REQUEST_CONFLICT: (marked("This isn't possible right now"), marked("Nothing was changed.")),
    Code.REQUEST_MALFORMED: (marked("We couldn't read your input"), marked("Check what you entered.")),
    Code.REQUEST_NOT_FOUND: (marked("Not found"), marked("It may have ended, or the link is incomplete.")),
    Code.TASK_BUSY: (
        marked("This just changed"),
        marked("It changed at the same time as you sent this. Please try again."),
    ),
    Code.TASK_ENDED: (marked("The agent's task has ended"), marked("Nothing you send reaches it anymore.")),
    Code.WORDS_SECRET: (
        marked("This looks like a secret"),
        marked("Remove the password, code or number, then try again."),
    ),
}
"""Title and next step of common refusals. For all others the closed list's own title stands."""

_DOWN: Final = (
    marked("The company's login isn't responding"),
    marked(
        "You weren't signed in, and nothing was lost. Try again in a moment. If it keeps happening, contact support."
    ),
)
_NOBODY: Final = (
    marked("Nothing was done"),
    marked("Choose a customer from the list. Team members are listed above."),
)

IN_FORMS: Final[Mapping[tuple[str, Code], tuple[str, str]]] = {
    ("confirm", Code.PARAMS_INVALID): (
        marked("This isn't less than requested"),
        marked("Lower an amount or remove something. Everything else stays the same."),
    ),
    ("contact", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("decide", Code.PARAMS_INVALID): (
        marked("This isn't less than requested"),
        marked("Lower an amount or remove something. Everything else stays the same."),
    ),
    ("erase", Code.PERSON_NOT_ALLOWED): (marked("You aren't allowed to do this"), ""),
    ("erase", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("person", Code.REQUEST_MALFORMED): (marked("No one was added"), ""),
    ("recover", Code.PERSON_NOT_ALLOWED): (marked("No link was created"), ""),
    ("recover", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("register", Code.FAULT_IDENTITY): (
        marked("The agent's keys can't be read"),
        marked("Nothing was registered. Check that the address of the keys is correct and reachable, then try again."),
    ),
    ("roles", Code.REQUEST_CONFLICT): (
        marked("No change"),
        marked("Select the roles to add, or clear the roles to remove."),
    ),
    ("settle", Code.PERSON_NOT_ALLOWED): (marked("You can't approve this"), ""),
    ("settle", Code.REQUEST_NOT_FOUND): (
        marked("No longer waiting for approval"),
        marked("It was answered or has expired. Reload the page."),
    ),
    ("stop", Code.AGENT_UNKNOWN): (
        marked("No agent has this client ID"),
        marked("Nothing was stopped. Choose one from the list."),
    ),
    ("stop", Code.OBJECTIVE_UNKNOWN): (
        marked("This purpose doesn't exist"),
        marked("Nothing was stopped. Choose one from the list."),
    ),
    ("verified", Code.PERSON_NOT_ALLOWED): (marked("You aren't allowed to do this"), ""),
    ("verified", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("offer", Code.PERSON_NOT_ALLOWED): (marked("You can't offer this"), ""),
    ("offer", Code.PARAMS_INVALID): (
        marked("These terms can't be offered"),
        marked("Check what you entered. Nothing was offered."),
    ),
}
"""The same, for a refusal with another meaning in one form of a page (`data-form`)."""

IN_PAGES: Final[Mapping[tuple[str, Code], tuple[str, str]]] = {
    ("/login/oidc", Code.FAULT_IDENTITY): _DOWN,
    ("/login/oidc/callback", Code.FAULT_IDENTITY): _DOWN,
    ("/oauth/authorize", Code.REQUEST_MALFORMED): (
        marked("The agent's link is incomplete"),
        marked("You did nothing wrong, and nothing was allowed. Start again in your agent."),
    ),
    ("/oauth/authorize", Code.REQUEST_NOT_FOUND): (
        marked("The agent's link no longer works"),
        marked(
            "It was already used, has expired, or belongs to another agent. Opening it now allowed nothing. "
            "Start again in your agent."
        ),
    ),
}
"""The same, at one address, for visitors sent there by another party, whom the refusal's detail then concerns."""

NO_ROLE: Final = (
    marked("You have no role yet"),
    "",
    marked(
        "Your passkey works, but you need a role to open pages here. Ask the person who added you to "
        "propose one. A second person then approves it."
    ),
)
"""Title, detail and next step for an officer without any role."""

METHODS: Final[Mapping[str, str]] = {
    "federated_jwt": marked("Identity verified (operator's workload identity)"),
    "http_message_signature": marked("Identity verified (registered key)"),
    "private_key_jwt": marked("Identity verified (registered key)"),
    "spiffe_jwt": marked("Identity verified (operator's workload identity)"),
    "spiffe_x509": marked("Identity verified (operator's workload identity)"),
    "web_bot_auth": marked(
        "Identity verified (self-published key). Anyone can publish such a key, and we don't know this one."
    ),
}
"""Methods of authentication of an agent."""
TIERS: Final[Mapping[str, str]] = {
    "known": marked("{desk} knows the operator."),
    "trusted": marked("{desk} knows and trusts the operator."),
    "unproved": marked("{desk} hasn't checked who runs this agent. Take special care."),
    "visitor": marked("No, it isn't verified. Every change it requests needs your passkey."),
}

TRUST: Final[Mapping[str, str]] = {
    "known": marked("known"),
    "trusted": marked("trusted"),
    "unproved": marked("not verified"),
    "visitor": marked("visitor (not verified)"),
}
"""Trust tiers, in a word."""
STOPPABLE: Final[Mapping[str, str]] = {
    "agent": marked("agent"),
    "customer": marked("customer"),
    "objective": marked("purpose"),
    "operator": marked("operator"),
    "task": marked("task"),
}
"""Things that can be stopped and resumed."""
RESUMES: Final[Mapping[str, str]] = {
    "agent": marked("Resume agent {name}"),
    "customer": marked("Resume everything agents do for {name}"),
    "objective": marked("Resume purpose {name}"),
    "operator": marked("Resume operator {name}"),
    "task": marked("Resume the task of {name}"),
}
"""Questions to a second person, by the thing to resume."""
OFFERS: Final[Mapping[str, str]] = {"expired": marked("expired"), "open": marked("open"), "used": marked("accepted")}
"""States of offers."""

ANSWERS: Final[Mapping[str, str]] = {
    "less": marked("allowed less than requested"),
    "no": marked("declined the request"),
    "no_and_end": marked("declined the request and ended the task"),
    "release": marked("passed on the agent's message"),
    "strip": marked("continued without the message"),
    "yes": marked("approved the request"),
}
WORDS_STATES: Final[Mapping[str, str]] = {
    "held": marked("The message asks for more than the request. It is on hold for review."),
    "released": marked(
        "The message asks for more than the request. A colleague passed it on. This alone doesn't allow anything."
    ),
    "stripped": marked("The message was removed because it asks for more than the request."),
}
"""States of the words of an ask."""

WHYS: Final[Mapping[str, str]] = {
    "attribute": marked("the customer's data"),
    "code": marked("an access code"),
    "confirms": marked("confirms or denies what the agent stated"),
    "contact": marked("contact details"),
    "hidden": marked("encoded text"),
    "link": marked("a link"),
    "other": marked("another customer's data"),
    "secret": marked("a secret, code or personal number"),
}
"""Reasons for withholding a part of an officer's text."""

STATES: Final[Mapping[str, str]] = {
    "acting": marked("in progress"),
    "countered": marked("less allowed"),
    "declined": marked("declined"),
    "done": marked("done"),
    "expired": marked("not answered in time"),
    "failed": marked("failed"),
    "permitted": marked("allowed, not done yet"),
    "refused": marked("blocked"),
    "unknown": marked("outcome not confirmed yet"),
    "void": marked("cancelled"),
    "waiting": marked("waiting for approval"),
}


def page_refusal(error: Refused | Fault, say: Translator, path: str = "") -> tuple[str, str, str]:
    """Return a refusal for a person at a page's address: title, detail ("" without), and next step."""
    if (path, error.code) in IN_PAGES:
        title, cure = IN_PAGES[path, error.code]
        return say(title), "", say(cure)
    title, cure = SENTENCES.get(error.code, (MEANINGS[error.code].title, ""))
    return say(title), say.again(error.public or "") if isinstance(error, Refused) else "", say(cure)
