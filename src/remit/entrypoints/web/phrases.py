"""Phrases of the pages, by code and state: refusals, canaries, trust, proofs, risks."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from remit.domain.errors import MEANINGS, Code, Fault, Refused
from remit.domain.i18n import Translator, marked
from remit.domain.values import Json

BAITS: Final[Mapping[str, str]] = {
    "attribute": marked("something known of somebody"),
    "email": marked("an e-mail address"),
    "record": marked("the number of a record"),
    "token": marked("a credential"),
}
"""Shapes of canaries."""

BAITED: Final[Mapping[str, str]] = {
    "canary.planted": marked("A canary was planted."),
    "canary.removed": marked("A canary was taken away."),
    "canary.seen": marked("A value that the desk had planted as bait was seen."),
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
        marked("This agent has been stopped"),
        marked("The desk does not let it act at the moment. Nothing was granted."),
    ),
    Code.CONFIRMATION_EXPIRED: (
        marked("Too late to answer"),
        marked("Nobody answered in time, so nothing was done. The agent can ask again."),
    ),
    Code.CONFIRMATION_MISMATCH: (
        marked("Something changed meanwhile"),
        marked("What you were shown is no longer what would happen. Nothing was done."),
    ),
    Code.CONFIRMATION_REPLAYED: (
        marked("This was answered already"),
        marked("Nothing more is needed from you. Your page shows what came of it."),
    ),
    Code.CONFIRMATION_TAKEN: (
        marked("A colleague has taken this"),
        marked("Leave it to them, or ask them to hand it over. After a few minutes it is free again."),
    ),
    Code.CONFIRMATION_WRONG_PERSON: (
        marked("This is not yours to answer"),
        marked("It waits for somebody else, or for another passkey."),
    ),
    Code.CREDENTIAL_EXPIRED: (marked("This link no longer works"), marked("The desk can give you a new one.")),
    Code.CREDENTIAL_MALFORMED: (
        marked("That passkey could not be used"),
        marked("Please try again, or use another passkey."),
    ),
    Code.CREDENTIAL_MISSING: (marked("Your passkey is needed"), marked("Confirm with your passkey, please.")),
    Code.CREDENTIAL_WRONG_KEY: (
        marked("That passkey could not be checked"),
        marked("Please try again. Nothing was done."),
    ),
    Code.FAULT_BACKOFFICE: (
        marked("The desk's records cannot be reached"),
        marked("Nothing was done and nothing is lost. Try again in a moment."),
    ),
    Code.FAULT_CASE: (
        marked("The case cannot be read right now"),
        marked("Nothing was done and nothing is lost. Try again in a moment."),
    ),
    Code.FAULT_INTERNAL: (
        marked("Something broke on our side"),
        marked("Nothing was done. Try again, and tell the desk if it stays."),
    ),
    Code.FAULT_STORE: (
        marked("Nothing can be recorded right now"),
        marked("What cannot be recorded is not done. Try again in a moment."),
    ),
    Code.LOGIN_DECLINED: (
        marked("You were not signed in"),
        marked("The company's login did not let you in, or you stopped there. Nothing was done."),
    ),
    Code.LOGIN_INVALID: (
        marked("That sign-in cannot be used"),
        marked("It was used already, took too long, or began in another browser. Start again from the sign-in page."),
    ),
    Code.LOGIN_UNKNOWN: (
        marked("Nobody here belongs to that login"),
        marked("It works, but this desk does not know whose it is. Ask the desk to add you."),
    ),
    Code.LOGIN_WEAK: (
        marked("Sign in once more, please"),
        marked("Use the stronger way to sign in that the company offers, and try again."),
    ),
    Code.MANDATE_INACTIVE: (
        marked("This is over"),
        marked("It was taken back, has run out, or is stopped at the moment."),
    ),
    Code.MANDATE_INVALID: (
        marked("That does not fit"),
        marked("You can only take away from what was asked, never add to it."),
    ),
    Code.MANDATE_UNKNOWN: (marked("There is no such permission"), marked("It may have been somebody else's.")),
    Code.PARAMS_INVALID: (marked("That does not fit"), marked("Check what you entered.")),
    Code.PARAMS_NOT_OWNED: (
        marked("That is not one of your records"),
        marked("The agent named something that is not yours."),
    ),
    Code.PERSON_NOT_ALLOWED: (marked("This page is not for you"), marked("Somebody with another role can open it.")),
    Code.PERSON_NOT_SIGNED_IN: (
        marked("Please sign in"),
        marked("You are not signed in, or were signed out after a while."),
    ),
    Code.REPLY_WITHHELD: (marked("Not sent"), marked("The text says something this agent may not be told.")),
    Code.REQUEST_CONFLICT: (marked("That is not possible now"), marked("Nothing was changed.")),
    Code.REQUEST_MALFORMED: (marked("That cannot be read"), marked("Check what you entered.")),
    Code.REQUEST_NOT_FOUND: (marked("There is nothing here"), marked("It may be over, or the link is not complete.")),
    Code.TASK_BUSY: (marked("Somebody was faster"), marked("It changed at the same moment. Please try again.")),
    Code.TASK_ENDED: (marked("The agent's task has ended"), marked("Nothing reaches it any more.")),
    Code.WORDS_SECRET: (
        marked("That looks like a secret"),
        marked("Take out the password, code or number, then try again."),
    ),
}
"""Title and next step of common refusals. For all others the closed list's own title stands."""

_DOWN: Final = (
    marked("The company's login does not answer"),
    marked("Nobody was signed in, and nothing is lost. Try again in a moment; if it stays, tell the desk."),
)
_NOBODY: Final = (
    marked("Nothing was done"),
    marked("Choose a customer's id from the list; the ids of the desk's own people stand above."),
)

IN_FORMS: Final[Mapping[tuple[str, Code], tuple[str, str]]] = {
    ("confirm", Code.PARAMS_INVALID): (
        marked("That is not less than was asked"),
        marked("Lower an amount or leave something out; everything else stays as it is."),
    ),
    ("contact", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("erase", Code.PERSON_NOT_ALLOWED): (marked("This is not yours to do"), ""),
    ("erase", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("person", Code.REQUEST_MALFORMED): (marked("Nobody was added"), ""),
    ("recover", Code.PERSON_NOT_ALLOWED): (marked("No link was made"), ""),
    ("recover", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("register", Code.FAULT_IDENTITY): (
        marked("The agent's keys cannot be read"),
        marked("Nothing was registered. Check the address of its keys, and that it answers, then try again."),
    ),
    ("roles", Code.REQUEST_CONFLICT): (
        marked("No change"),
        marked("Tick what is to be added, or untick what is to be taken away."),
    ),
    ("settle", Code.PERSON_NOT_ALLOWED): (marked("You cannot agree to this"), ""),
    ("settle", Code.REQUEST_NOT_FOUND): (
        marked("This waits no more"),
        marked("It was answered meanwhile, or its day is over. Load the page again."),
    ),
    ("stop", Code.AGENT_UNKNOWN): (
        marked("No agent here has that client id"),
        marked("Nothing was stopped. Choose it from the list."),
    ),
    ("stop", Code.OBJECTIVE_UNKNOWN): (
        marked("There is no such purpose here"),
        marked("Nothing was stopped. Choose it from the list."),
    ),
    ("verified", Code.PERSON_NOT_ALLOWED): (marked("This is not yours to do"), ""),
    ("verified", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("offer", Code.PERSON_NOT_ALLOWED): (marked("You cannot offer this"), ""),
    ("offer", Code.PARAMS_INVALID): (
        marked("These terms cannot be offered"),
        marked("Check what you entered. Nothing was offered."),
    ),
}
"""The same, for a refusal with another meaning in one form of a page (`data-form`)."""

IN_PAGES: Final[Mapping[tuple[str, Code], tuple[str, str]]] = {
    ("/login/oidc", Code.FAULT_IDENTITY): _DOWN,
    ("/login/oidc/callback", Code.FAULT_IDENTITY): _DOWN,
    ("/oauth/authorize", Code.REQUEST_MALFORMED): (
        marked("The agent's link is not complete"),
        marked("You did nothing wrong, and nothing was allowed. Start again in your agent."),
    ),
    ("/oauth/authorize", Code.REQUEST_NOT_FOUND): (
        marked("The agent's link no longer works"),
        marked(
            "It was used, is too old, or is another agent's. Nothing was allowed by it now. Start again in your agent."
        ),
    ),
}
"""The same, at one address, for visitors sent there by another party, whom the refusal's detail then concerns."""

NO_ROLE: Final = (
    marked("You have no role yet"),
    "",
    marked(
        "Your passkey works, but without a role no page here is for you. Ask whoever added you: they propose one, and another person agrees."
    ),
)
"""Title, detail and next step for an officer without any role."""

METHODS: Final[Mapping[str, str]] = {
    "federated_jwt": marked("By an identity that its operator's own systems give it, for a few minutes at a time."),
    "http_message_signature": marked("By a key of its own that the desk knows."),
    "private_key_jwt": marked("By a key of its own that the desk knows."),
    "spiffe_jwt": marked("By an identity that its operator's own systems give it, for a few minutes at a time."),
    "spiffe_x509": marked("By an identity that its operator's own systems give it, for a few minutes at a time."),
    "web_bot_auth": marked(
        "By a key that it publishes at its own web address, as anybody can. The desk does not know it."
    ),
}
"""Methods of authentication of an agent."""
TIERS: Final[Mapping[str, str]] = {
    "known": marked("{desk} knows who runs it."),
    "trusted": marked("{desk} knows who runs it and trusts them."),
    "unproved": marked("{desk} has not checked who runs it. Take special care."),
    "visitor": marked("No. It has proved nothing, so every change it asks for needs your passkey."),
}

TRUST: Final[Mapping[str, str]] = {
    "known": marked("known"),
    "trusted": marked("trusted"),
    "unproved": marked("unproved"),
    "visitor": marked("visitor"),
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
    "agent": marked("Resume the agent {name}"),
    "customer": marked("Resume the customer {name}"),
    "objective": marked("Resume the purpose {name}"),
    "operator": marked("Resume the operator {name}"),
    "task": marked("Resume the task {name}"),
}
"""Questions to a second person, by the thing to resume."""
OFFERS: Final[Mapping[str, str]] = {"expired": marked("expired"), "open": marked("open"), "used": marked("accepted")}
"""States of offers."""

ANSWERS: Final[Mapping[str, str]] = {
    "less": marked("agreed to less"),
    "no": marked("said no"),
    "no_and_end": marked("said no and ended the task"),
    "release": marked("passed on what it wrote"),
    "strip": marked("let it ask without what it wrote"),
    "yes": marked("agreed"),
}
WORDS_STATES: Final[Mapping[str, str]] = {
    "held": marked("What it wrote says more than it asks. An officer has to look at it first."),
    "released": marked("What it wrote says more than it asks. An officer passed it on; that allowed nothing."),
    "stripped": marked("It asked this without what it wrote, which said more than it asked."),
}
"""States of the words of an ask."""

WHYS: Final[Mapping[str, str]] = {
    "attribute": marked("the customer's own"),
    "code": marked("a code that lets somebody in"),
    "contact": marked("somebody's address or number"),
    "hidden": marked("something in an encoding"),
    "link": marked("a link"),
    "other": marked("another customer's"),
    "secret": marked("a secret, code or personal number"),
}
"""Reasons for withholding a part of an officer's text."""

STATES: Final[Mapping[str, str]] = {
    "acting": marked("under way"),
    "countered": marked("answered with less"),
    "declined": marked("declined"),
    "done": marked("done"),
    "expired": marked("not answered in time"),
    "failed": marked("could not be done"),
    "permitted": marked("agreed, about to be done"),
    "refused": marked("refused"),
    "unknown": marked("outcome not known yet"),
    "void": marked("dropped"),
    "waiting": marked("waiting for a person"),
}


def page_refusal(error: Refused | Fault, say: Translator, path: str = "") -> tuple[str, str, str]:
    """Return a refusal for a person at a page's address: title, detail ("" without), and next step."""
    if (path, error.code) in IN_PAGES:
        title, cure = IN_PAGES[path, error.code]
        return say(title), "", say(cure)
    title, cure = SENTENCES.get(error.code, (MEANINGS[error.code].title, ""))
    return say(title), say.again(error.public or "") if isinstance(error, Refused) else "", say(cure)
