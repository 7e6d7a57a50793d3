"""What people are told when something is refused: in a person's words, not an agent developer's. And a few other words."""

import re
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import MEANINGS, Code, Fault, Refused

SENTENCES: Final[Mapping[Code, tuple[str, str]]] = {
    Code.AGENT_SUSPENDED: ("This agent has been stopped", "The desk does not let it act at the moment. Nothing was granted."),
    Code.CONFIRMATION_EXPIRED: ("Too late to answer", "Nobody answered in time, so nothing was done. The agent can ask again."),
    Code.CONFIRMATION_MISMATCH: ("Something changed meanwhile", "What you were shown is no longer what would happen. Nothing was done."),
    Code.CONFIRMATION_REPLAYED: ("This was answered already", "Nothing more is needed from you. Your page shows what came of it."),
    Code.CONFIRMATION_TAKEN: (
        "A colleague has taken this",
        "Leave it to them, or ask them to hand it over. After a few minutes it is free again.",
    ),
    Code.CONFIRMATION_WRONG_PERSON: ("This is not yours to answer", "It waits for somebody else, or for another passkey."),
    Code.CREDENTIAL_EXPIRED: ("This link no longer works", "The desk can give you a new one."),
    Code.CREDENTIAL_MALFORMED: ("That passkey could not be used", "Please try again, or use another passkey."),
    Code.CREDENTIAL_MISSING: ("Your passkey is needed", "Confirm with your passkey, please."),
    Code.CREDENTIAL_WRONG_KEY: ("That passkey could not be checked", "Please try again. Nothing was done."),
    Code.FAULT_BACKOFFICE: ("The desk's records cannot be reached", "Nothing was done and nothing is lost. Try again in a moment."),
    Code.FAULT_CASE: ("The case cannot be read right now", "Nothing was done and nothing is lost. Try again in a moment."),
    Code.FAULT_INTERNAL: ("Something broke on our side", "Nothing was done. Try again, and tell the desk if it stays."),
    Code.FAULT_STORE: ("Nothing can be recorded right now", "What cannot be recorded is not done. Try again in a moment."),
    Code.LOGIN_DECLINED: ("You were not signed in", "The company's login did not let you in, or you stopped there. Nothing was done."),
    Code.LOGIN_INVALID: (
        "That sign-in cannot be used",
        "It was used already, took too long, or began in another browser. Start again from the sign-in page.",
    ),
    Code.LOGIN_UNKNOWN: (
        "Nobody here belongs to that login",
        "It works, but this desk does not know whose it is. Ask the desk to add you.",
    ),
    Code.LOGIN_WEAK: ("Sign in once more, please", "Use the stronger way to sign in that the company offers, and try again."),
    Code.MANDATE_INACTIVE: ("This is over", "It was taken back, has run out, or is stopped at the moment."),
    Code.MANDATE_INVALID: ("That does not fit", "You can only take away from what was asked, never add to it."),
    Code.MANDATE_UNKNOWN: ("There is no such permission", "It may have been somebody else's."),
    Code.PARAMS_INVALID: ("That does not fit", "Check what you entered."),
    Code.PARAMS_NOT_OWNED: ("That is not one of your records", "The agent named something that is not yours."),
    Code.PERSON_NOT_ALLOWED: ("This page is not for you", "Somebody with another role can open it."),
    Code.PERSON_NOT_SIGNED_IN: ("Please sign in", "You are not signed in, or were signed out after a while."),
    Code.REPLY_WITHHELD: ("Not sent", "The text says something this agent may not be told."),
    Code.REQUEST_CONFLICT: ("That is not possible now", "Nothing was changed."),
    Code.REQUEST_MALFORMED: ("That cannot be read", "Check what you entered."),
    Code.REQUEST_NOT_FOUND: ("There is nothing here", "It may be over, or the link is not complete."),
    Code.TASK_BUSY: ("Somebody was faster", "It changed at the same moment. Please try again."),
    Code.TASK_ENDED: ("The agent's task has ended", "Nothing reaches it any more."),
    Code.WORDS_SECRET: ("That looks like a secret", "Take out the password, code or number, then try again."),
}
"""Title and what to do, for what people meet. For everything else the closed list's own title stands."""

_DOWN: Final = (
    "The company's login does not answer",
    "Nobody was signed in, and nothing is lost. Try again in a moment; if it stays, tell the desk.",
)
_NOBODY: Final = ("Nothing was done", "Choose a customer's id from the list; the ids of the desk's own people stand above.")

IN_FORMS: Final[Mapping[tuple[str, Code], tuple[str, str]]] = {
    ("confirm", Code.PARAMS_INVALID): (
        "That is not less than was asked",
        "Lower an amount or leave something out; everything else stays as it is.",
    ),
    ("contact", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("erase", Code.PERSON_NOT_ALLOWED): ("This is not yours to do", ""),
    ("erase", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("person", Code.REQUEST_MALFORMED): ("Nobody was added", ""),
    ("recover", Code.PERSON_NOT_ALLOWED): ("No link was made", ""),
    ("recover", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("register", Code.FAULT_IDENTITY): (
        "The agent's keys cannot be read",
        "Nothing was registered. Check the address of its keys, and that it answers, then try again.",
    ),
    ("roles", Code.REQUEST_CONFLICT): ("No change", "Tick what is to be added, or untick what is to be taken away."),
    ("settle", Code.PERSON_NOT_ALLOWED): ("You cannot agree to this", ""),
    ("settle", Code.REQUEST_NOT_FOUND): ("This waits no more", "It was answered meanwhile, or its day is over. Load the page again."),
    ("stop", Code.AGENT_UNKNOWN): ("No agent here has that client id", "Nothing was stopped. Choose it from the list."),
    ("stop", Code.OBJECTIVE_UNKNOWN): ("There is no such purpose here", "Nothing was stopped. Choose it from the list."),
    ("verified", Code.PERSON_NOT_ALLOWED): ("This is not yours to do", ""),
    ("verified", Code.REQUEST_NOT_FOUND): _NOBODY,
    ("offer", Code.PERSON_NOT_ALLOWED): ("You cannot offer this", ""),
    ("offer", Code.PARAMS_INVALID): ("These terms cannot be offered", "Check what you entered. Nothing was offered."),
}
"""The same, where it means something else in one form of a page (`data-form`)."""

IN_PAGES: Final[Mapping[tuple[str, Code], tuple[str, str]]] = {
    ("/login/oidc", Code.FAULT_IDENTITY): _DOWN,
    ("/login/oidc/callback", Code.FAULT_IDENTITY): _DOWN,
    ("/oauth/authorize", Code.REQUEST_MALFORMED): (
        "The agent's link is not complete",
        "You did nothing wrong, and nothing was allowed. Start again in your agent.",
    ),
    ("/oauth/authorize", Code.REQUEST_NOT_FOUND): (
        "The agent's link no longer works",
        "It was used, is too old, or is another agent's. Nothing was allowed by it now. Start again in your agent.",
    ),
}
"""The same, at one address, for who was sent there by somebody else; what the refusal says in particular is then for that one."""

NO_NUMBER: Final = "“{text}” is not a number."
NOT_MORE_THAN_ZERO: Final = "It must be more than zero; “{text}” is not."
TOO_MANY_DIGITS: Final = "“{text}” has too many digits after the point."
NOTHING_OFFERED: Final = "Fill in what you offer."
"""What is wrong with the terms somebody entered for an offer."""

NO_ROLE: Final = (
    "You have no role yet",
    "",
    "Your passkey works, but without a role no page here is for you. Ask whoever added you: they propose one, and another person agrees.",
)
"""What an officer is told whom every page turns away: title, what it says in particular, and what to do."""

DONE: Final[Mapping[str, str]] = {
    "answer-no": "You said no. Nothing was done, and the agent may not ask for this again.",
    "answer-no-and-end": "You said no, and the agent's task has ended.",
    "close-case": "The case is closed. Nothing of the agent runs in it any more.",
    "contact": (
        "The address is changed. For three days their passkeys confirm everyday things only. The notice is written to the server's log: "
        "this desk sends no mail. Tell them yourself, at the old and the new address."
    ),
    "contest": "Thank you. It is on the record, and the desk will look at it.",
    "decline-act": "You said no. Nothing was done.",
    "decline-and-end": "You said no, and the agent's task has ended.",
    "disown": "This agent can do nothing more for you, and security people of the desk are told.",
    "hand": "Handed over.",
    "note": "Noted.",
    "offer": "Offered. The agent finds it in its inbox.",
    "proposed": "Proposed. Another person must agree.",
    "register": "The agent is registered.",
    "reply": "Sent to the agent.",
    "reply-withheld": "Sent to the agent. What it may not be told was left out.",
    "revoke": "Taken back. The agent can do nothing more under this permission.",
    "settle-contest": "Settled, and on the record.",
    "settle-no": "Dropped.",
    "settle-yes": "Agreed, and done.",
    "take": "Yours for ten minutes. Your colleagues see that you have it.",
    "tier": "Lowered at once.",
}
"""What a page says after one of its forms was sent without JavaScript."""

METHODS: Final[Mapping[str, str]] = {
    "jwt-spiffe": "By an identity that its operator's own systems give it, for a few minutes at a time.",
    "private_key_jwt": "By a key of its own that the desk knows.",
}
"""How an agent proves who it is, by its method."""
TIERS: Final[Mapping[str, str]] = {
    "known": "{desk} knows who runs it.",
    "trusted": "{desk} knows who runs it and trusts them.",
    "unproved": "{desk} has not checked who runs it. Take special care.",
}

ENDINGS: Final[Mapping[str, str]] = {
    "agent_suspended": "the desk stopped the agent",
    "case_closed": "the case was closed",
    "case_merged": "the case was merged into another",
    "case_reassigned": "the case went to somebody else",
    "completed": "the agent finished",
    "customer_declined": "the customer said no and ended it",
    "customer_suspended": "the desk stopped everything done in the customer's name",
    "desk_revoked": "the desk took the permission back",
    "end_of_life": "it had run for a whole day",
    "idle": "nothing happened for a while",
    "leak": "a secret had leaked",
    "mandate_expired": "the permission ran out",
    "objective_reached": "the goal was reached",
    "objective_suspended": "the desk stopped this kind of purpose",
    "operator_suspended": "the desk stopped everything this operator runs",
    "recovered": "the desk was restored from an older copy",
    "revoked": "the permission was taken back",
    "risk": "the agent behaved oddly",
}

PROOFS: Final[Mapping[str, str]] = {
    "private_key_jwt": "with a key of its own that the desk knows",
    "spiffe_jwt": "with its operator's workload identity (SPIFFE)",
}
"""How an agent proved itself."""

SIGNS: Final[Mapping[str, str]] = {
    "asked_again": "asked again for what a person had declined",
    "drift": "wrote something else than it asked for",
    "opened": "opened many tasks or permissions",
    "refusals": "was refused",
    "slicing": "did the same thing to the same record again and again",
    "sweep": "named records that are not the customer's",
}
"""What a risk comes from."""

ANSWERS: Final[Mapping[str, str]] = {
    "less": "agreed to less",
    "no": "said no",
    "no_and_end": "said no and ended the task",
    "yes": "agreed",
}

WHYS: Final[Mapping[str, str]] = {
    "attribute": "the customer's own",
    "link": "a link",
    "secret": "a secret, code or personal number",
}
"""Why a part of an officer's text may not leave."""

STATES: Final[Mapping[str, str]] = {
    "acting": "under way",
    "countered": "answered with less",
    "declined": "declined",
    "done": "done",
    "expired": "not answered in time",
    "failed": "could not be done",
    "permitted": "agreed, about to be done",
    "refused": "refused",
    "unknown": "outcome not known yet",
    "void": "dropped",
    "waiting": "waiting for a person",
}


_MEMBER: Final = re.compile(r"^(?:/([a-z_]+)[^ ]*|'([a-z_]+)[^']*'|([a-z]+_[a-z_]+|amount))(?= (?:must|is|has|does|lacks) )", re.ASCII)


def worded(text: str) -> str:
    """What the desk says of a member, as people read it: it names one as programs do ("/amount must …", "'item_ids' must …").

    The same as `worded` in `static/say.js`.
    """

    def title(found: re.Match[str]) -> str:
        name = next(one for one in found.groups() if one)
        words = re.sub(r"_id$", "", re.sub(r"_ids$", "s", name)).replace("_", " ")
        return words[:1].upper() + words[1:]

    return re.sub(r"does not satisfy `[^`]*`", "does not fit", _MEMBER.sub(title, text, count=1))


def in_form(error: Refused | Fault, form: str) -> tuple[str, str, str]:
    """A refusal of a form as its page tells it: title, what it says in particular ("" when nothing), and what to do."""
    title, said, cure = plainly(error)
    title, cure = IN_FORMS.get((form, error.code), (title, cure))
    return title, worded(said), cure


def plainly(error: Refused | Fault, path: str = "") -> tuple[str, str, str]:
    """A refusal for a person, at a page's address: title, what it says in particular ("" when nothing), and what to do."""
    if (path, error.code) in IN_PAGES:
        title, cure = IN_PAGES[path, error.code]
        return title, "", cure
    title, cure = SENTENCES.get(error.code, (MEANINGS[error.code].title, ""))
    return title, (error.public or "") if isinstance(error, Refused) else "", cure
