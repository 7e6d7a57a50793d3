"""The records the store keeps, one frozen value per aggregate, and the index keys they are found under.

A record is replaced as a whole; its revision is the epoch that decisions compare. State changes belong to the modules
that own them (task, ask, confirmation).
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import ClassVar, Final, Protocol

from remit.domain.catalogue.model import EscalationStep
from remit.domain.structs import replace, struct
from remit.domain.text.normalize import name_endings
from remit.domain.values import Instant

NEVER: Final = Instant(0)


@struct(frozen=True)
class Link:
    """An index entry of a record: index name, key, and a number to sort and page by (often a time in ms)."""

    name: str
    key: str
    at: int


class Record(Protocol):
    """The members every stored record has."""

    KIND: ClassVar[str]

    @property
    def id(self) -> str:
        """Return the id, unique among its kind."""

    def links(self) -> tuple[Link, ...]:
        """Return the index entries for the present state."""


WEB_BOT_AUTH: Final = "web_bot_auth"


class Tier(StrEnum):
    """The trust in an agent; a found key is an identity, not trust. A visitor proves no key at all."""

    KNOWN = "known"
    TRUSTED = "trusted"
    UNPROVED = "unproved"
    VISITOR = "visitor"


KEYED_TIERS: Final = (Tier.KNOWN, Tier.TRUSTED, Tier.UNPROVED)
"""The tiers of agents that prove a key: those the desk may give, lowest last."""


class KnownBy(StrEnum):
    """The way a client became known; "" for an agent that the desk registered itself, with keys."""

    DOCUMENT = "document"
    """The client id is the address of its client id metadata document."""
    DYNAMIC = "dynamic"
    """It registered itself (RFC 7591)."""
    REGISTERED = "registered"
    """The desk registered it as a public client."""


@struct(frozen=True, kw_only=True)
class AgentRecord:
    """A registered workload. `keys` is its key source as JSON text; `id` is the client_id.

    `known_by` and `document` (the digest of its client id metadata document) are of visitors, and of
    clients whose document names keys.
    """

    KIND: ClassVar[str] = "agent"
    id: str
    actor: str
    operator: str
    name: str
    tier: Tier
    method: str
    keys: str
    redirect_uris: tuple[str, ...]
    created_at: Instant
    suspended: str = ""
    known_by: str = ""
    document: str = ""
    notification_uri: str = ""
    """The address to ping when a backchannel request is answered; "" where the agent polls."""

    @property
    def stranger(self) -> bool:
        """Whether it registered itself by Web Bot Auth, and no person has raised its tier since."""
        return self.method == WEB_BOT_AUTH and self.tier is Tier.UNPROVED

    @property
    def let_itself_in(self) -> bool:
        """Whether it is known by its own document or registration alone (RFC 7591), not registered by the desk."""
        return self.known_by in {KnownBy.DOCUMENT, KnownBy.DYNAMIC}

    def links(self) -> tuple[Link, ...]:
        """Index by operator, by actor, and globally."""
        return (
            Link("agent.operator", self.operator, self.created_at),
            Link("agent.actor", self.actor, self.created_at),
            Link("agent.all", "", self.created_at),
        )


@struct(frozen=True, kw_only=True)
class ClientRegistration:
    """A client that registered itself (RFC 7591). It becomes an agent when a customer first picks a purpose for it."""

    KIND: ClassVar[str] = "client"
    id: str
    name: str
    redirect_uris: tuple[str, ...]
    expires_at: Instant

    def links(self) -> tuple[Link, ...]:
        """Index by expiry."""
        return (Link("due.client", "", self.expires_at),)


class SuspendableKind(StrEnum):
    """The kinds of things that can be suspended besides a single agent."""

    CUSTOMER = "customer"
    OBJECTIVE = "objective"
    OPERATOR = "operator"


@struct(frozen=True, kw_only=True)
class Suspension:
    """An operator, customer or objective that is, or was, suspended. `id` is `<kind>:<name>`."""

    KIND: ClassVar[str] = "suspension"
    id: str
    active: bool
    reason: str
    by: str
    at: Instant

    def links(self) -> tuple[Link, ...]:
        """Index the active ones."""
        return (Link("suspension.active", "", self.at),) if self.active else ()


_MAX_FAMILY = 4


@struct(frozen=True, kw_only=True)
class SavedView:
    """A named filter of a list: `page` is one of saved_views.PAGES, `query` its parameters as in the address."""

    page: str
    name: str
    query: str


@struct(frozen=True, kw_only=True)
class PersonRecord:
    """A customer or an officer. `roles` is empty for a customer; `key` is the same for all accounts of one person."""

    KIND: ClassVar[str] = "person"
    id: str
    kind: str
    key: str
    name: str
    email: str
    roles: tuple[str, ...]
    created_at: Instant
    paused: bool = False
    contact_changed_at: Instant = NEVER
    contact_before: str = ""
    vouched_at: Instant = NEVER
    login: str = ""
    """The account at the company's provider (identity/oidc_login.login_id); "" for a built-in login alone."""
    language: str = ""
    """The language the person chose for notices; "" for the desk's first one."""
    views: tuple[SavedView, ...] = ()
    """An officer's saved filters, oldest first; at most saved_views.MAX_VIEWS."""

    def links(self) -> tuple[Link, ...]:
        """Index by kind, e-mail, role and login; a customer also by a name of several words, and by its endings."""
        found = [Link("person.kind", self.kind, self.created_at)]
        if self.kind == "customer" and " " in self.name.strip():
            whole, *endings = name_endings(self.name)
            found.append(Link("person.name", whole, self.created_at))
            found += [Link("person.family", one, self.created_at) for one in endings[-_MAX_FAMILY:]]
        if self.email:
            found.append(Link("person.email", self.email.lower(), self.created_at))
        found.extend(Link("person.role", role, self.created_at) for role in self.roles)
        if self.login:
            found.append(Link("person.login", self.login, self.created_at))
        return tuple(found)


@struct(frozen=True, kw_only=True)
class PasskeyRecord:
    """One passkey of a person. `id` is the base64url credential id, `how` one of policy/confirmers.Enrolment."""

    KIND: ClassVar[str] = "passkey"
    id: str
    person: str
    public_key: str
    sign_count: int
    how: str
    label: str
    created_at: Instant
    revoked: bool = False
    young_since: Instant = NEVER

    def links(self) -> tuple[Link, ...]:
        """Index by person until it is revoked."""
        return () if self.revoked else (Link("passkey.person", self.person, self.created_at),)


@struct(frozen=True, kw_only=True)
class SessionRecord:
    """A signed-in browser or tool of a person. `id` is the keyed hash of the cookie value.

    It rests on the `passkey` that made it, or on the `login` at the company's provider: then `sid` is the session
    there, `acr` and `auth_at` the strength and time of the authentication.
    """

    KIND: ClassVar[str] = "session"
    id: str
    person: str
    created_at: Instant
    expires_at: Instant
    passkey: str
    seen_at: Instant = NEVER
    login: str = ""
    sid: str = ""
    acr: str = ""
    auth_at: Instant = NEVER

    def links(self) -> tuple[Link, ...]:
        """Index by person, expiry, and the provider's login and session."""
        found = [Link("session.person", self.person, self.created_at), Link("due.session", "", self.expires_at)]
        if self.login:
            found.append(Link("session.login", self.login, self.created_at))
        if self.sid:
            found.append(Link("session.sid", self.sid, self.created_at))
        return tuple(found)


@struct(frozen=True, kw_only=True)
class Invitation:
    """A one-time link to sign in or enrol. `id` is the keyed hash of the code, `vouched` the person who vouched."""

    KIND: ClassVar[str] = "invitation"
    id: str
    person: str
    how: str
    expires_at: Instant

    def links(self) -> tuple[Link, ...]:
        """Index by expiry."""
        return (Link("due.invitation", "", self.expires_at),)


@struct(frozen=True, kw_only=True)
class Ceremony:
    """A WebAuthn challenge for enrolment, sign-in, a grant or a confirmation. Used once."""

    KIND: ClassVar[str] = "ceremony"
    id: str
    purpose: str
    subject: str
    challenge: str
    expires_at: Instant
    extra: Mapping[str, str] = field(default_factory=dict)

    def links(self) -> tuple[Link, ...]:
        """Index by expiry."""
        return (Link("due.ceremony", "", self.expires_at),)


_EXPIRED_TOLD_MS: Final = 600_000
"""Time for which an agent that polls is told that its request has expired (CIBA `expired_token`)."""


class RequestState(StrEnum):
    """The life of a pushed authorization request."""

    DECLINED = "declined"
    GRANTED = "granted"
    PUSHED = "pushed"
    USED = "used"


@struct(frozen=True, kw_only=True)
class PushedRequest:
    """A mandate request. `wire` is the remit_mandate as requested, `code` the keyed hash of the code.

    `jkt` is the binding of the grant (`identity/binding`). Of a visitor: `resource` is the audience of its tokens, and
    `document` the digest of the metadata document it came with.

    Pushed by PAR, any customer may answer it in the agent's browser. With `addressed` it came by the backchannel: only
    that customer may, on the same page, and `code` hashes the `auth_req_id` from the start. `binding` is the agent's
    message to tell it by; `ping` the address to notify, `ping_token` its sealed bearer token, `ping_at` the next try.
    """

    KIND: ClassVar[str] = "request"
    id: str
    client_id: str
    actor: str
    operator: str
    jkt: str
    wire: str
    redirect_uri: str
    state: str
    code_challenge: str
    phase: RequestState
    created_at: Instant
    expires_at: Instant
    customer: str = ""
    mandate: str = ""
    code: str = ""
    code_expires_at: Instant = NEVER
    resource: str = ""
    document: str = ""
    addressed: str = ""
    binding: str = ""
    ping: str = ""
    ping_token: str = ""
    ping_at: Instant = NEVER
    ping_tries: int = 0

    def links(self) -> tuple[Link, ...]:
        """Index by expiry, by the code once it is issued, by an addressed customer while open, and by the next ping."""
        kept_ms = _EXPIRED_TOLD_MS if self.addressed else 0
        links = [Link("due.request", "", self.expires_at + kept_ms)]
        if self.code:
            links.append(Link("request.code", self.code, self.code_expires_at))
        if self.addressed and self.phase is RequestState.PUSHED:
            links.append(Link("request.customer", self.addressed, self.created_at))
        if self.ping_at:
            links.append(Link("due.ping", "", self.ping_at))
        return tuple(links)


@struct(frozen=True, kw_only=True)
class MandateRecord:
    """A granted mandate. `wire` is the canonical remit_mandate, `signed` the hashed text, `evidence` the assertion."""

    KIND: ClassVar[str] = "mandate"
    id: str
    version: int
    state: str
    customer: str
    client_id: str
    actor: str
    operator: str
    jkt: str
    objective: str
    wire: str
    hash: str
    signed: str
    action_digests: Mapping[str, str]
    evidence: str
    granted_at: Instant
    expires_at: Instant
    max_tasks: int
    tasks: int
    root: str
    parent: str = ""
    depth: int = 0
    above: tuple[str, ...] = ()
    """For a sub-mandate: the agents above it, nearest first."""
    power_roots: tuple[int, ...] = ()
    """For a sub-mandate: the place in the root grant of each of its powers."""

    def links(self) -> tuple[Link, ...]:
        """Index by customer; while active also by agent, operator, objective, parent and expiry."""
        links = [Link("mandate.customer", self.customer, self.granted_at)]
        if self.state == "active":
            links += [
                Link("mandate.live_agent", self.client_id, self.granted_at),
                Link("mandate.live_operator", self.operator, self.granted_at),
                Link("mandate.live_customer", self.customer, self.granted_at),
                Link("mandate.live_objective", self.objective, self.granted_at),
                Link("mandate.live", "", self.granted_at),
                Link("due.mandate", "", self.expires_at),
            ]
            if self.parent:
                links.append(Link("mandate.live_parent", self.parent, self.granted_at))
        return tuple(links)


class TaskState(StrEnum):
    """A task is open or ended; held tasks are open but permit nothing."""

    ENDED = "ended"
    HELD = "held"
    OPEN = "open"


class EndReason(StrEnum):
    """The reasons a task ended for."""

    AGENT_SUSPENDED = "agent_suspended"
    CASE_CLOSED = "case_closed"
    CASE_MERGED = "case_merged"
    CASE_REASSIGNED = "case_reassigned"
    COMPLETED = "completed"
    CUSTOMER_DECLINED = "customer_declined"
    CUSTOMER_SUSPENDED = "customer_suspended"
    DESK_REVOKED = "desk_revoked"
    END_OF_LIFE = "end_of_life"
    IDLE = "idle"
    LEAK = "leak"
    MANDATE_EXPIRED = "mandate_expired"
    OBJECTIVE_REACHED = "objective_reached"
    OBJECTIVE_SUSPENDED = "objective_suspended"
    OPERATOR_SUSPENDED = "operator_suspended"
    RECOVERED = "recovered"
    REFRESH_REUSED = "refresh_reused"
    REVOKED = "revoked"
    RISK = "risk"


@struct(frozen=True, kw_only=True)
class TaskRecord:
    """One engagement under one mandate, bound to one case. `targets` are the mandate's target records, as `kind:id`."""

    KIND: ClassVar[str] = "task"
    id: str
    mandate: str
    root: str
    customer: str
    client_id: str
    actor: str
    operator: str
    jkt: str
    objective: str
    case: str
    state: TaskState
    opened_at: Instant
    ends_at: Instant
    targets: tuple[str, ...] = ()
    reason: str = ""
    ended_at: Instant = NEVER

    def links(self) -> tuple[Link, ...]:
        """Index by case, mandate and globally; while live also by its parties, objective and expiry; when held."""
        links = [
            Link("task.all", "", self.opened_at),
            Link("task.case", self.case, self.opened_at),
            Link("task.mandate", self.mandate, self.opened_at),
        ]
        if self.state is not TaskState.ENDED:
            links += [
                Link("task.live_agent", self.client_id, self.opened_at),
                Link("task.live_operator", self.operator, self.opened_at),
                Link("task.live_customer", self.customer, self.opened_at),
                Link("task.live_objective", self.objective, self.opened_at),
                Link("task.live_mandate", self.mandate, self.opened_at),
                Link("due.task", "", self.ends_at),
                Link("task.live", "", self.opened_at),
            ]
        if self.state is TaskState.HELD:
            links.append(Link("task.held", "", self.opened_at))
        return tuple(links)


@struct(frozen=True, kw_only=True)
class TokenFamily:
    """The tokens of a visitor's task. `number` counts refresh tokens; the newest alone may be used. `document` as in
    `PushedRequest`.

    `body` is the digest of the request that used the one before, `answer` its answer, sealed under the customer's
    content key, for a retry until `retry_until`. It is over when its task is.
    """

    KIND: ClassVar[str] = "family"
    id: str
    task: str
    mandate: str
    client_id: str
    customer: str
    resource: str
    document: str
    expires_at: Instant
    number: int = 1
    body: str = ""
    answer: str = ""
    retry_until: Instant = NEVER

    def links(self) -> tuple[Link, ...]:
        """Index by expiry."""
        return (Link("due.family", "", self.expires_at),)


class AskState(StrEnum):
    """The life of an ask."""

    ACTING = "acting"
    COUNTERED = "countered"
    DECLINED = "declined"
    DONE = "done"
    EXPIRED = "expired"
    FAILED = "failed"
    PERMITTED = "permitted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    VOID = "void"
    WAITING = "waiting"


OPEN_ASKS = frozenset({AskState.WAITING, AskState.PERMITTED, AskState.ACTING, AskState.UNKNOWN})


PERMITTED_ASKS = frozenset({AskState.PERMITTED, AskState.ACTING, AskState.DONE, AskState.FAILED, AskState.UNKNOWN})
"""States after a permit, whatever the outcome."""


def open_asks_key(task: str) -> str:
    """Return the key of a task's open asks in `ask.task`, adjacent to the task's own in a store."""
    return f"{task} open"


@struct(frozen=True, kw_only=True)
class Reservation:
    """The amount an ask reserves of a counter."""

    scope: str
    key: str
    amount: int


@struct(frozen=True, kw_only=True)
class AskRecord:
    """One ask. `params` is canonical JSON; `result` the whole flat result as JSON (redacted for every reply).

    `versions` are the fact versions behind the decision, as `kind/id` to version. `shown` is the hash of the
    confirmed rendering, which must still match when the act is done. `marked` are the spans where its words exceed
    it, as JSON, and `words_state` says whether those are held, released or stripped (`words/excess.py`).
    """

    KIND: ClassVar[str] = "ask"
    id: str
    task: str
    mandate: str
    customer: str
    operator: str
    client_id: str
    case: str
    action: str
    params: str
    words: str
    digest: str
    state: AskState
    at: Instant
    covered: tuple[str, ...]
    who: tuple[str, ...] = ()
    code: str = ""
    public: str = ""
    reserved: tuple[Reservation, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    confirmed_by: tuple[str, ...] = ()
    confirmation: str = ""
    shown: str = ""
    result: str = ""
    reason: str = ""
    entry: int = -1
    outcome_entry: int = -1
    countered_by: str = ""
    waiver: int = -1
    salt: str = ""
    words_state: str = ""
    marked: str = ""

    @property
    def current_words_state(self) -> str:
        """Return the state of its words; those of an ask that no longer waits are not held."""
        return "" if self.words_state == "held" and self.state is not AskState.WAITING else self.words_state

    files: tuple[str, ...] = ()
    """The ids of its files."""
    enforcer: str = ""
    """The caller of the decision point that carries the act out ("" for the desk itself)."""
    usable_until: Instant = NEVER
    """The time until which that caller may use a person's yes, or the permit it got."""
    spoken: bool = False
    """Whether its params carry text that is read like words."""

    @property
    def is_read_on(self) -> bool:
        """Return whether its texts are read together with those of later asks.

        ⚔ Refused text, and held words that were never released, did not reach the case: no later message continues
        them, and they must not spoil an honest one. Words that wait count: the officer reading one half must not be
        the only one to see the whole.
        """
        if not (self.words or self.spoken) or self.state is AskState.REFUSED:
            return False
        return self.words_state != "held" or self.state is AskState.WAITING

    def links(self) -> tuple[Link, ...]:
        """Index by task, among its open asks while undecided or unfinished, and by the end of an unused approval.

        ⚔ Those with texts to read on are found among themselves, so that no number of others hides one.
        """
        links = [Link("ask.task", self.task, self.at)]
        if self.is_read_on:
            links.append(Link("ask.spoken", self.task, self.at))
        if self.state in OPEN_ASKS:
            links.append(Link("ask.task", open_asks_key(self.task), self.at))
        if self.enforcer and self.state is AskState.PERMITTED:
            links.append(Link("due.approval", "", self.usable_until))
        return tuple(links)


@struct(frozen=True, kw_only=True)
class IdempotencyRecord:
    """The ask that answered an idempotency key; `id` is task, key thumbprint and key."""

    KIND: ClassVar[str] = "idempotency"
    id: str
    ask: str
    body: str

    def links(self) -> tuple[Link, ...]:
        """Return no entries: it is looked up by id."""
        return ()


@struct(frozen=True, kw_only=True)
class ConfirmationAnswer:
    """One person's signed answer: the assertion as JSON and the language it was shown in ("" for the first)."""

    person: str
    person_key: str
    confirms_as: str
    answer: str
    at: Instant
    evidence: str
    language: str = ""


class ConfirmationState(StrEnum):
    """The life of a confirmation."""

    ANSWERED = "answered"
    EXPIRED = "expired"
    VOID = "void"
    WAITING = "waiting"


@struct(frozen=True, kw_only=True)
class Assignment:
    """A person's temporary hold on answering as one of the confirmers (`word`)."""

    word: str
    person: str
    person_key: str
    name: str
    until: Instant


@struct(frozen=True, kw_only=True)
class ConfirmationRecord:
    """An invitation to confirm exactly one ask. All of `who` must answer; `rendering` is the page shown, as JSON.

    `rule` is the escalation rule behind it, `step` the part of `who` that the rule asks now, until `due_at`, and
    `then` the steps after that. `risk` and `signs` are the risk score and signs at the time of the ask. `words` is
    set when the question is not the act but whether the agent's words may be passed on.
    """

    KIND: ClassVar[str] = "confirmation"
    id: str
    ask: str
    task: str
    customer: str
    operator: str
    who: tuple[str, ...]
    decision: str
    digest: str
    rendering: str
    rendering_hash: str
    nonce: str
    state: ConfirmationState
    at: Instant
    expires_at: Instant
    answers: tuple[ConfirmationAnswer, ...] = ()
    rule: str = ""
    reason: str = ""
    step: tuple[str, ...] = ()
    due_at: Instant = NEVER
    then: tuple[EscalationStep, ...] = ()
    taken: tuple[Assignment, ...] = ()
    risk: int = 0
    signs: tuple[str, ...] = ()
    words: bool = False

    @property
    def due(self) -> Instant:
        """Return the time until which the current step may answer."""
        return min(self.due_at or self.expires_at, self.expires_at)

    def links(self) -> tuple[Link, ...]:
        """Index by customer; while it waits also by confirmer, (customer, operator), task and due time."""
        if self.state is not ConfirmationState.WAITING:
            return (Link("confirmation.customer", self.customer, self.at),)
        links = [
            Link("confirmation.customer", self.customer, self.at),
            Link("confirmation.pair", f"{self.customer} {self.operator}", self.at),
            Link("confirmation.task", self.task, self.at),
            Link("due.confirmation", "", self.due),
        ]
        answered = {answer.confirms_as for answer in self.answers}
        links.extend(
            Link("confirmation.waiting", self.customer if word == "customer" else word, self.at)
            for word in self.who
            if word not in answered
        )
        return tuple(links)


class OutboxState(StrEnum):
    """The life of a queued act. `unknown` waits for reconciliation, `unclear` for an officer's word."""

    DONE = "done"
    FAILED = "failed"
    QUEUED = "queued"
    SENT = "sent"
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"
    VOID = "void"


@struct(frozen=True, kw_only=True)
class ActRecord:
    """One row of the outbox: an act the desk must do exactly once. `id` is the idempotency key the desk sees.

    `door` is `backoffice` or `helpdesk`; `payload` is its request as JSON.
    """

    KIND: ClassVar[str] = "act"
    id: str
    ask: str
    task: str
    case: str
    door: str
    payload: str
    state: OutboxState
    queued_at: Instant
    sent_at: Instant = NEVER
    tries: int = 0
    epochs: str = ""
    """A digest of everything its decision rests on; if that changes, the act needs a new decision before it is sent."""

    def over(self, state: OutboxState) -> "ActRecord":
        """Return the act in a final state, without its payload."""
        return replace(self, state=state, payload="{}")

    def links(self) -> tuple[Link, ...]:
        """Index by state while unfinished, and by task until it is sent."""
        if self.state is OutboxState.QUEUED:
            return (Link("act.queued", "", self.queued_at), Link("act.task", self.task, self.queued_at))
        if self.state in {OutboxState.SENT, OutboxState.UNKNOWN}:
            return (Link("act.sent", "", self.sent_at),)
        return (Link("act.unclear", "", self.sent_at),) if self.state is OutboxState.UNCLEAR else ()


@struct(frozen=True, kw_only=True)
class OfferRecord:
    """A typed offer in a case, used once: `terms` is canonical JSON; `choice` is the first of alternatives."""

    KIND: ClassVar[str] = "offer"
    id: str
    case: str
    task: str
    action: str
    terms: str
    digest: str
    by: str
    at: Instant
    expires_at: Instant
    used: bool = False
    choice: str = ""

    def links(self) -> tuple[Link, ...]:
        """Index by case."""
        return (Link("offer.case", self.case, self.at),)


@struct(frozen=True, kw_only=True)
class DeskMessage:
    """A message in the agent's inbox: a reply, an offer or a notice. `epochs` is the standing it was checked against.

    ⚔ A reply is checked and redacted again when it is delivered on another standing.
    """

    KIND: ClassVar[str] = "message"
    id: str
    task: str
    n: int
    at: Instant
    kind: str
    text: str
    offer: str = ""
    withheld: int = 0
    kinds: tuple[str, ...] = ()
    """The kinds of the withheld data."""
    epochs: str = ""
    overridden: tuple[str, ...] = ()
    """The attributes of which an officer sent a value although it was marked."""

    def links(self) -> tuple[Link, ...]:
        """Index by task, in order."""
        return (Link("message.task", self.task, self.n),)


class ReviewState(StrEnum):
    """The state of a review."""

    AGREED = "agreed"
    OBJECTED = "objected"
    OPEN = "open"


@struct(frozen=True, kw_only=True)
class OverrideReview:
    """An officer's override that a second person looks at. Text and reason stand in its entry alone, which erasure empties."""

    KIND: ClassVar[str] = "override_review"
    id: str
    case: str
    customer: str
    by: str
    by_key: str
    at: Instant
    state: ReviewState = ReviewState.OPEN
    reviewed_by: str = ""
    reviewed_at: Instant = NEVER

    def links(self) -> tuple[Link, ...]:
        """Index globally while open."""
        return (Link("override.open", "", self.at),) if self.state is ReviewState.OPEN else ()


@struct(frozen=True, kw_only=True)
class RulesRecord:
    """The digest of the rules in force: one record, `rules`. `outline` tells if other rules only tighten it."""

    KIND: ClassVar[str] = "rules"
    id: str
    digest: str
    at: Instant
    by: str
    outline: str = ""

    def links(self) -> tuple[Link, ...]:
        """Return no entries: there is one."""
        return ()


@struct(frozen=True, kw_only=True)
class RevokedToken:
    """An access token revoked before its expiry; `id` is its jti."""

    KIND: ClassVar[str] = "revoked"
    id: str
    until: Instant

    def links(self) -> tuple[Link, ...]:
        """Index by the token's expiry."""
        return (Link("due.revoked", "", self.until),)


@struct(frozen=True, kw_only=True)
class Proposal:
    """A change that needs a second person: resuming, a trust tier, a role, an erasure. `payload` is JSON."""

    KIND: ClassVar[str] = "proposal"
    id: str
    what: str
    payload: str
    by: str
    by_key: str
    at: Instant
    expires_at: Instant

    def links(self) -> tuple[Link, ...]:
        """Index by expiry, and globally."""
        return (Link("proposal.open", "", self.at), Link("due.proposal", "", self.expires_at))


@struct(frozen=True, kw_only=True)
class Contest:
    """A customer's objection to an entry. While open, the entry's content may not be erased."""

    KIND: ClassVar[str] = "contest"
    id: str
    customer: str
    entry: int
    text: str
    at: Instant
    open: bool = True
    agent: str = ""
    """The agent the customer does not recognise ("" for an objection of another kind)."""

    def links(self) -> tuple[Link, ...]:
        """Index by customer, and globally while open."""
        links = (Link("contest.customer", self.customer, self.at),)
        return (*links, Link("contest.open", "", self.at)) if self.open else links


class NoticeStage(StrEnum):
    """The next step of a notice: spread over the holders of a role, gather others of its kind, or send."""

    GATHERING = "gathering"
    SENDING = "sending"
    SPREADING = "spreading"


@struct(frozen=True, kw_only=True)
class NoticeRecord:
    """An outgoing notice. `to` is a person's id, or `officer:<role>` until it is spread.

    `about` are the invitations it announces, in words made at sending; else the words are `subject`, `text` and
    `page`. `left` are the carriers still to take it. A sender first moves `due_at` on, which claims the notice.
    """

    KIND: ClassVar[str] = "notice"
    id: str
    stage: NoticeStage
    to: str
    at: Instant
    due_at: Instant
    until: Instant
    """The end of all retries."""
    left: tuple[str, ...]
    address: str = ""
    subject: str = ""
    text: str = ""
    page: str = ""
    about: tuple[str, ...] = ()
    tries: int = 0

    def links(self) -> tuple[Link, ...]:
        """Index by stage and due time; those past gathering also globally."""
        due = Link("due.notice", self.stage.value, self.due_at)
        return (due,) if self.stage is NoticeStage.GATHERING else (due, Link("notice.waiting", "", self.at))


class FileState(StrEnum):
    """The fate of a file that an agent attached."""

    DISCARDED = "discarded"
    HELD = "held"
    KEPT = "kept"
    RELEASED = "released"


@struct(frozen=True, kw_only=True)
class FileRecord:
    """A file of an ask: its type, the number of removals by kind, or `why` it is held.

    `whole` means that its bytes are kept (`FileContent` of the same id). An undecided file is discarded at `due_at`.
    """

    KIND: ClassVar[str] = "file"
    id: str
    ask: str
    task: str
    case: str
    customer: str
    name: str
    kind: str
    media_type: str
    size: int
    digest: str
    state: FileState
    at: Instant
    removed: Mapping[str, int] = field(default_factory=dict)
    why: str = ""
    due_at: Instant = NEVER
    by: str = ""
    decided_at: Instant = NEVER
    whole: bool = True

    def links(self) -> tuple[Link, ...]:
        """Index by case and task; held ones also by expiry and among the task's held files."""
        links = (Link("file.case", self.case, self.at), Link("file.task", self.task, self.at))
        if self.state is not FileState.HELD:
            return links
        return (*links, Link("due.file", "", self.due_at), Link("file.held_task", self.task, self.at))


@struct(frozen=True, kw_only=True)
class FileContent:
    """The bytes of a file, sealed under the customer's content key. It is never changed, only deleted."""

    KIND: ClassVar[str] = "file_content"
    id: str
    sealed: bytes = field(repr=False)

    def links(self) -> tuple[Link, ...]:
        """Return no entries: it is looked up by id."""
        return ()


@struct(frozen=True, kw_only=True)
class CanaryRecord:
    """A canary. `id` is a keyed digest of its value, `atoms` and `letters` its shape, `place` the desk's own note."""

    KIND: ClassVar[str] = "canary"
    id: str
    kind: str
    name: str
    place: str
    by: str
    at: Instant
    atoms: int
    letters: int

    def links(self) -> tuple[Link, ...]:
        """Index globally."""
        return (Link("canary.all", "", self.at),)


@struct(frozen=True, kw_only=True)
class LeakReport:
    """A pending report to the issuer of a leaked credential. It never holds the credential.

    `owner` names the settings' rule, `found` the kind of credential, `place` where it was seen; `sha256` is the plain
    digest of the value where the rule asks for it ("" otherwise). A sender first moves `due_at` on, which claims it.
    """

    KIND: ClassVar[str] = "leak"
    id: str
    owner: str
    found: str
    fingerprint: str
    sha256: str
    place: str
    agent: str
    operator: str
    task: str
    at: Instant
    due_at: Instant
    until: Instant
    """The end of all retries."""
    tries: int = 0

    def links(self) -> tuple[Link, ...]:
        """Index by due time."""
        return (Link("due.leak", "", self.due_at),)
