"""Every code Remit can refuse or fail with, its title and its cure: a closed list and public contract (docs/codes.md).

Status codes live in `entrypoints/http/replies.py`.
"""

from enum import StrEnum

from remit.domain.structs import struct


class Code(StrEnum):
    """The closed, alphabetised list of public codes."""

    ACTION_UNKNOWN = "action.unknown"
    AGENT_HUMAN_CREDENTIAL = "agent.human_credential"
    AGENT_SUSPENDED = "agent.suspended"
    AGENT_UNKNOWN = "agent.unknown"
    AGENT_UNTRUSTED = "agent.untrusted"
    CATALOGUE_INVALID = "catalogue.invalid"
    CONFIRMATION_DECLINED = "confirmation.declined"
    CONFIRMATION_EXPIRED = "confirmation.expired"
    CONFIRMATION_MISMATCH = "confirmation.mismatch"
    CONFIRMATION_REPLAYED = "confirmation.replayed"
    CONFIRMATION_REQUIRED = "confirmation.required"
    CONFIRMATION_TAKEN = "confirmation.taken"
    CONFIRMATION_TOO_MANY = "confirmation.too_many"
    CONFIRMATION_WRONG_PERSON = "confirmation.wrong_person"
    CREDENTIAL_EXPIRED = "credential.expired"
    CREDENTIAL_MALFORMED = "credential.malformed"
    CREDENTIAL_MISSING = "credential.missing"
    CREDENTIAL_NONCE = "credential.nonce"
    CREDENTIAL_REPLAYED = "credential.replayed"
    CREDENTIAL_REVOKED = "credential.revoked"
    CREDENTIAL_WRONG_AUDIENCE = "credential.wrong_audience"
    CREDENTIAL_WRONG_KEY = "credential.wrong_key"
    DESK_REFUSED = "desk.refused"
    DESK_UNAVAILABLE = "desk.unavailable"
    FAULT_BACKOFFICE = "fault.backoffice"
    FAULT_CASE = "fault.case"
    FAULT_IDENTITY = "fault.identity"
    FAULT_INTERNAL = "fault.internal"
    FAULT_JOBS = "fault.jobs"
    FAULT_POLICY = "fault.policy"
    FAULT_STOPPING = "fault.stopping"
    FAULT_STORE = "fault.store"
    GRANT_INVALID = "grant.invalid"
    LOG_DAMAGED = "log.damaged"
    LOG_OLDER = "log.older"
    LOGIN_DECLINED = "login.declined"
    LOGIN_INVALID = "login.invalid"
    LOGIN_UNKNOWN = "login.unknown"
    LOGIN_WEAK = "login.weak"
    MANDATE_EXPIRED = "mandate.expired"
    MANDATE_FORBIDDEN = "mandate.forbidden"
    MANDATE_INACTIVE = "mandate.inactive"
    MANDATE_INVALID = "mandate.invalid"
    MANDATE_LIMIT_EXCEEDED = "mandate.limit_exceeded"
    MANDATE_OFF_TARGET = "mandate.off_target"
    MANDATE_POWER_MISSING = "mandate.power_missing"
    MANDATE_STALE = "mandate.stale"
    MANDATE_TOTAL_SPENT = "mandate.total_spent"
    MANDATE_UNKNOWN = "mandate.unknown"
    MANDATE_USES_SPENT = "mandate.uses_spent"
    OBJECTIVE_ACTION_OUTSIDE = "objective.action_outside"
    OBJECTIVE_REACHED = "objective.reached"
    OBJECTIVE_STEP_ORDER = "objective.step_order"
    OBJECTIVE_UNKNOWN = "objective.unknown"
    OFFER_EXPIRED = "offer.expired"
    OFFER_UNKNOWN = "offer.unknown"
    PARAMS_INVALID = "params.invalid"
    PARAMS_NOT_OWNED = "params.not_owned"
    PERSON_NOT_ALLOWED = "person.not_allowed"
    PERSON_NOT_SIGNED_IN = "person.not_signed_in"
    POLICY_ERROR = "policy.error"
    POLICY_FORBIDDEN = "policy.forbidden"
    POLICY_INVALID = "policy.invalid"
    POLICY_NO_RULE = "policy.no_rule"
    RECEIPT_INVALID = "receipt.invalid"
    REPLY_WITHHELD = "reply.withheld"
    REQUEST_CONFLICT = "request.conflict"
    REQUEST_MALFORMED = "request.malformed"
    REQUEST_METHOD = "request.method"
    REQUEST_NOT_FOUND = "request.not_found"
    REQUEST_RATE_LIMITED = "request.rate_limited"
    REQUEST_TOO_LARGE = "request.too_large"
    REQUEST_UNSUPPORTED_TYPE = "request.unsupported_type"
    SETTINGS_INVALID = "settings.invalid"
    TASK_BUSY = "task.busy"
    TASK_ENDED = "task.ended"
    TASK_HELD = "task.held"
    WORDS_ATTACHMENT = "words.attachment"
    WORDS_CONTRADICTS = "words.contradicts"
    WORDS_SECRET = "words.secret"  # noqa: S105  # a code, not a secret
    WORDS_UNREADABLE = "words.unreadable"
    WORDS_WIDER = "words.wider"


@struct(frozen=True, kw_only=True)
class CodeText:
    """A code's text for people: a short title, and its cure."""

    title: str
    cure: str


MEANINGS: dict[Code, CodeText] = {
    Code.ACTION_UNKNOWN: CodeText(
        title="Action not in the catalogue", cure="Read GET /v1/catalogue and ask for an action it lists."
    ),
    Code.AGENT_HUMAN_CREDENTIAL: CodeText(
        title="An agent presented a person's credential",
        cure="Use the agent's own identity (private_key_jwt or a JWT-SVID) and a mandate; never a person's login.",
    ),
    Code.AGENT_SUSPENDED: CodeText(
        title="Agent suspended",
        cure="Write to the company's security contact; the agent can request nothing until two people resume it.",
    ),
    Code.AGENT_UNKNOWN: CodeText(
        title="Unknown agent",
        cure="Ask the company to register the agent (`remit agent add`), then try again.",
    ),
    Code.AGENT_UNTRUSTED: CodeText(
        title="The agent's trust tier is too low for this", cure="Ask the company to raise the agent's trust tier."
    ),
    Code.CATALOGUE_INVALID: CodeText(
        title="The catalogue is not valid", cure="Correct the file and key named in the detail, then run `remit check`."
    ),
    Code.CONFIRMATION_DECLINED: CodeText(
        title="A person declined this", cure="Do not ask for the same action again; talk to the customer."
    ),
    Code.CONFIRMATION_EXPIRED: CodeText(
        title="No one answered in time", cure="Ask again when the person has time to answer."
    ),
    Code.CONFIRMATION_MISMATCH: CodeText(
        title="The approval no longer matches the action",
        cure="Ask again; the person then sees the action as it is now.",
    ),
    Code.CONFIRMATION_REPLAYED: CodeText(
        title="This request was already answered", cure="Open the request again; each answer counts once."
    ),
    Code.CONFIRMATION_REQUIRED: CodeText(
        title="A person must approve this first",
        cure="Wait: the person has been asked. Poll the ask; do not relay codes or links.",
    ),
    Code.CONFIRMATION_TAKEN: CodeText(
        title="Someone else is working on this",
        cure="Leave it to them, ask them to hand it over, or wait until it is free again.",
    ),
    Code.CONFIRMATION_TOO_MANY: CodeText(
        title="This person cannot be asked again yet",
        cure="Let the person answer their open requests; after a decline, ask again once the time in `retry_after_s` is over.",
    ),
    Code.CONFIRMATION_WRONG_PERSON: CodeText(
        title="This person is not allowed to approve this",
        cure="Only the people named in `who` can approve this, each with a passkey that is trusted for it.",
    ),
    Code.CREDENTIAL_EXPIRED: CodeText(
        title="The credential has expired",
        cure="Sign a fresh proof or assertion, and check the clock; "
        "exchange the task again when the access token is what expired.",
    ),
    Code.CREDENTIAL_MALFORMED: CodeText(
        title="The credential cannot be read", cure="Send one well-formed credential of the kind the endpoint asks for."
    ),
    Code.CREDENTIAL_MISSING: CodeText(
        title="A credential is missing", cure="Send `Authorization: DPoP <access token>` and a `DPoP` proof."
    ),
    Code.CREDENTIAL_NONCE: CodeText(
        title="The proof must carry the server's nonce",
        cure="Repeat the request with the nonce of the DPoP-Nonce header in the proof.",
    ),
    Code.CREDENTIAL_REPLAYED: CodeText(
        title="This proof or assertion was already used", cure="Sign a fresh one for every request."
    ),
    Code.CREDENTIAL_REVOKED: CodeText(
        title="This credential is no longer valid", cure="Its task has ended. Open a new task under an active mandate."
    ),
    Code.CREDENTIAL_WRONG_AUDIENCE: CodeText(
        title="The credential is meant for another recipient",
        cure="Name the server's issuer as the only audience, "
        "and in a proof the method, address and token of this request.",
    ),
    Code.CREDENTIAL_WRONG_KEY: CodeText(
        title="The proof is not signed with the credential's key",
        cure="Sign with the key named at the grant; a mandate cannot be moved to another key.",
    ),
    Code.DESK_REFUSED: CodeText(
        title="The request could not be carried out", cure="Read the detail; change the request or ask the customer."
    ),
    Code.DESK_UNAVAILABLE: CodeText(
        title="The support systems cannot be reached", cure="Nothing was lost. Poll the ask, or try again later."
    ),
    Code.FAULT_BACKOFFICE: CodeText(
        title="The company's records cannot be read", cure="Nothing was permitted. Try again after the time given."
    ),
    Code.FAULT_CASE: CodeText(
        title="The case cannot be read", cure="Nothing was permitted. Try again after the time given."
    ),
    Code.FAULT_IDENTITY: CodeText(
        title="The identity source cannot be reached", cure="Nothing was permitted. Try again after the time given."
    ),
    Code.FAULT_INTERNAL: CodeText(
        title="Internal error", cure="Nothing was permitted. Try again later; tell the company if it happens again."
    ),
    Code.FAULT_JOBS: CodeText(
        title="Background jobs are not running properly",
        cure="Send requests to another server process; its operator finds the cause in the log.",
    ),
    Code.FAULT_POLICY: CodeText(
        title="The policies cannot be evaluated", cure="Nothing was permitted. Try again after the time given."
    ),
    Code.FAULT_STOPPING: CodeText(
        title="This server is shutting down",
        cure="Send requests to another server process, or try again after the time given.",
    ),
    Code.FAULT_STORE: CodeText(
        title="The data store is not available",
        cure="Nothing can be recorded, so nothing was permitted. Try again after the time given.",
    ),
    Code.GRANT_INVALID: CodeText(
        title="You cannot use this grant",
        cure="Use the agent, key and mandate the customer granted, exactly as granted.",
    ),
    Code.LOG_DAMAGED: CodeText(
        title="The audit log failed verification",
        cure="Keep the files as evidence, restore a good copy and run `remit recover`.",
    ),
    Code.LOG_OLDER: CodeText(
        title="The data store is older than the published audit log",
        cure="Run `remit recover`: it revokes open mandates and raises the key epoch before serving again.",
    ),
    Code.LOGIN_DECLINED: CodeText(
        title="The company's login rejected the sign-in",
        cure="Sign in there again, or ask the company for help with your account.",
    ),
    Code.LOGIN_INVALID: CodeText(
        title="The response from the company's login is not valid",
        cure="Start again from the sign-in page; a response works once, in the browser that started the sign-in.",
    ),
    Code.LOGIN_UNKNOWN: CodeText(
        title="No account here matches this login",
        cure="Ask support to add you, or the administrator of the company's login to give you the right group.",
    ),
    Code.LOGIN_WEAK: CodeText(
        title="A stronger or newer sign-in is needed",
        cure="Sign in again with the stronger method that the company's login offers.",
    ),
    Code.MANDATE_EXPIRED: CodeText(title="The mandate has expired", cure="Ask the customer for a new mandate."),
    Code.MANDATE_FORBIDDEN: CodeText(
        title="The customer ruled this out",
        cure="Only the customer can change this, by granting a new mandate.",
    ),
    Code.MANDATE_INACTIVE: CodeText(title="The mandate is not active", cure="Ask the customer for a new mandate."),
    Code.MANDATE_INVALID: CodeText(
        title="The mandate is not valid",
        cure="Correct the member named in the detail; GET /v1/catalogue lists what can be granted.",
    ),
    Code.MANDATE_LIMIT_EXCEEDED: CodeText(
        title="A value is outside the mandate's limits",
        cure="Stay within the granted limits, or ask the customer for a wider mandate.",
    ),
    Code.MANDATE_OFF_TARGET: CodeText(
        title="The mandate does not cover this record",
        cure="Act on the mandate's target only, or ask the customer for another mandate.",
    ),
    Code.MANDATE_POWER_MISSING: CodeText(
        title="The mandate does not include this", cure="Ask the customer for a mandate with that power."
    ),
    Code.MANDATE_STALE: CodeText(
        title="The customer signed the mandate too long ago for this",
        cure="Ask the customer to sign the mandate again.",
    ),
    Code.MANDATE_TOTAL_SPENT: CodeText(
        title="The mandate's total is used up",
        cure="Ask for no more than what is left, or ask the customer for a new mandate.",
    ),
    Code.MANDATE_UNKNOWN: CodeText(title="No such mandate", cure="Ask the customer for a mandate."),
    Code.MANDATE_USES_SPENT: CodeText(title="No uses are left", cure="Ask the customer for a new mandate."),
    Code.OBJECTIVE_ACTION_OUTSIDE: CodeText(
        title="This action is not part of the approved objective",
        cure="Ask only for actions of the objective, or ask the customer for a mandate with another one.",
    ),
    Code.OBJECTIVE_REACHED: CodeText(
        title="The objective is reached", cure="The task is done; open a new one if the mandate allows it."
    ),
    Code.OBJECTIVE_STEP_ORDER: CodeText(
        title="Another step must be done first", cure="Do the earlier steps of the objective, then ask again."
    ),
    Code.OBJECTIVE_UNKNOWN: CodeText(
        title="Objective not in the catalogue", cure="Read GET /v1/catalogue and choose an objective it lists."
    ),
    Code.OFFER_EXPIRED: CodeText(title="The offer has expired", cure="Ask support for a new offer."),
    Code.OFFER_UNKNOWN: CodeText(
        title="No such offer in this case", cure="Accept an offer from the task's inbox, with its digest."
    ),
    Code.PARAMS_INVALID: CodeText(
        title="The parameters do not fit the action",
        cure="Correct the parameter named in the detail; GET /v1/catalogue has the schema.",
    ),
    Code.PARAMS_NOT_OWNED: CodeText(
        title="That record is not the customer's",
        cure="Name records that belong to the customer, exactly as the company writes them.",
    ),
    Code.PERSON_NOT_ALLOWED: CodeText(title="You are not allowed to do that", cure="Ask someone whose role allows it."),
    Code.PERSON_NOT_SIGNED_IN: CodeText(title="Please sign in", cure="Sign in with your passkey, then try again."),
    Code.POLICY_ERROR: CodeText(
        title="A company policy could not be evaluated",
        cure="Nothing was permitted. The support team has been notified.",
    ),
    Code.POLICY_FORBIDDEN: CodeText(
        title="Company policy forbids this", cure="No mandate changes this; the support team can say more."
    ),
    Code.POLICY_INVALID: CodeText(
        title="The policies are not valid", cure="Correct the policy named in the detail, then run `remit check`."
    ),
    Code.POLICY_NO_RULE: CodeText(
        title="No company policy allows this",
        cure="No mandate changes this; anything that no policy allows is blocked.",
    ),
    Code.RECEIPT_INVALID: CodeText(
        title="The receipt failed verification",
        cure="Ask the company for the receipt again, and check the key you verify with.",
    ),
    Code.REPLY_WITHHELD: CodeText(
        title="The text contains details that cannot be shared with this agent",
        cure="Remove the marked parts, or send the text without them; nothing was sent.",
    ),
    Code.REQUEST_CONFLICT: CodeText(
        title="This request conflicts with an earlier one", cure="Use a new Idempotency-Key for another request."
    ),
    Code.REQUEST_MALFORMED: CodeText(
        title="The request cannot be read", cure="Send what the detail says is missing or wrong."
    ),
    Code.REQUEST_METHOD: CodeText(
        title="This address does not accept that method", cure="Use the method named in the Allow header."
    ),
    Code.REQUEST_NOT_FOUND: CodeText(title="Not found", cure="Check the address; GET /openapi.json lists all of them."),
    Code.REQUEST_RATE_LIMITED: CodeText(title="Too many requests", cure="Wait as long as Retry-After says."),
    Code.REQUEST_TOO_LARGE: CodeText(
        title="The request is too large", cure="Stay within 1 MiB and the limits in the detail."
    ),
    Code.REQUEST_UNSUPPORTED_TYPE: CodeText(
        title="This content type is not accepted",
        cure="Send application/json; OAuth endpoints take application/x-www-form-urlencoded.",
    ),
    Code.SETTINGS_INVALID: CodeText(
        title="A setting is missing or wrong",
        cure="Set what the detail names in remit.toml or the environment, then run `remit check`.",
    ),
    Code.TASK_BUSY: CodeText(
        title="The task is busy with another request", cure="Wait for the earlier answer, then ask again."
    ),
    Code.TASK_ENDED: CodeText(title="The task has ended", cure="Open a new task under an active mandate."),
    Code.TASK_HELD: CodeText(title="The task is on hold for review", cure="Wait; the security team has been notified."),
    Code.WORDS_ATTACHMENT: CodeText(
        title="An attachment cannot be accepted",
        cure="Send text, JSON, HAR, CSV, mail, PDF or pictures, or a ZIP of these, without secrets.",
    ),
    Code.WORDS_CONTRADICTS: CodeText(
        title="The message contradicts the request",
        cure="Make the message agree with the action and its parameters, or leave it out.",
    ),
    Code.WORDS_SECRET: CodeText(
        title="The message contains a secret",
        cure="Leave out passwords, codes, keys and card numbers; support never needs them.",
    ),
    Code.WORDS_UNREADABLE: CodeText(
        title="The message cannot be read", cure="Write plain text in a language that the company has configured."
    ),
    Code.WORDS_WIDER: CodeText(
        title="The message asks for more than the request",
        cure="Ask for one thing at a time, each in a request of its own.",
    ),
}


class Refused(Exception):  # noqa: N818  # a decision, not an error; the name is the house word
    """A decision not to act, recorded and shown with its cure.

    `detail` is for the desk and the log, `public` for the agent (none: the title alone). Where the code's own cure
    would not be true, `cure` replaces it on the command line and `public_cure` in the reply.
    """

    def __init__(
        self,
        code: Code,
        detail: str = "",
        *,
        public: str | None = None,
        retry_after_s: int | None = None,
        cure: str = "",
        public_cure: str = "",
    ) -> None:
        """Carry one code, a detail for the desk and an optional public sentence."""
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.public = public
        self.retry_after_s = retry_after_s
        self.cure = cure
        self.public_cure = public_cure

    def __str__(self) -> str:
        """Return one line for the desk."""
        return f"{self.code}: {self.detail or MEANINGS[self.code].title}"


class Fault(Exception):  # noqa: N818  # see Refused
    """A failure, which never permits; the reply names the failed part and when to retry. `cure` is as in `Refused`."""

    def __init__(self, code: Code, detail: str = "", *, retry_after_s: int = 5, cure: str = "") -> None:
        """Carry one `fault.*` or `desk.unavailable` code."""
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.cure = cure

    def __str__(self) -> str:
        """Return one line for the desk."""
        return f"{self.code}: {self.detail or MEANINGS[self.code].title}"
