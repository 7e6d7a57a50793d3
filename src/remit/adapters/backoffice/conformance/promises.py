"""Promises of the backoffice contract: one sentence and one cure each, and the state in which a check finds them.

Source: docs/backoffice.md#promises.
"""

from enum import StrEnum

from remit.domain.structs import struct


class State(StrEnum):
    """How a check found a promise."""

    KEPT = "kept"
    BROKEN = "broken"
    UNTRIED = "untried"


@struct(frozen=True)
class Promise:
    """One promise: its id, its sentence, and the cure where it is not kept."""

    id: str
    text: str
    cure: str


@struct(frozen=True, kw_only=True)
class Verdict:
    """How one promise was found, with what was seen or why it was not tried."""

    promise: Promise
    state: State
    detail: str = ""


class BrokenPromiseError(Exception):
    """A promise is not kept; the text says what was seen."""


class NotTriedError(Exception):
    """A promise cannot be tried; the text says why."""


REQUEST_ACCEPTED = Promise(
    "request.accepted",
    "A request that Remit signed is accepted.",
    "Verify with the key of `remit desk key` (here: of --key), over the address exactly as backoffice.url has it, which "
    "behind a proxy is not that of the Host header; and keep the clock right (NTP).",
)
ABOUT = Promise(
    "about",
    "GET /v1/about answers, and names the contract, the kinds and the actions.",
    'Answer {"contract": "1", "kinds": [...], "actions": [...]} there, with every kind and write of your catalogue.',
)
REQUEST_UNSIGNED = Promise(
    "request.unsigned",
    "A request without a signature is refused.",
    "Refuse with 401 every request whose Signature-Input and Signature are missing, before its body is read.",
)
REQUEST_WRONG_KEY = Promise(
    "request.wrong_key",
    "A request signed by another key is refused.",
    "Verify with the key of `remit desk key` alone, and compare keyid with its thumbprint; answer 401.",
)
REQUEST_ALTERED = Promise(
    "request.altered",
    "A request whose body, path or digest was altered after it was signed is refused.",
    "Build the signature base from the request that arrived: compare Content-Digest with the SHA-256 of the body, and "
    "sign @method and @target-uri as they came.",
)
REQUEST_COVERED = Promise(
    "request.covered",
    "An act whose key and token the signature does not cover is refused.",
    "Require that the signature covers idempotency-key and txn-token wherever the request has them.",
)
REQUEST_REPLAYED = Promise(
    "request.replayed",
    "A request that was accepted once is refused when it comes again.",
    "Keep each nonce until its request expires (60 s), and refuse a second request with it; answer 401.",
)
REQUEST_OLD = Promise(
    "request.old",
    "A request signed too long ago, or in the future, is refused.",
    "Accept only created - 5 s <= now < expires <= created + 60 s; keep the clock right (NTP).",
)
ANSWER_SIGNED = Promise(
    "answer.signed",
    "Every answer is signed by the backoffice's own key, and bound to its request.",
    "Sign @status, content-digest and the request's signature with the key whose public half Remit knows "
    "(backoffice.answer_keys).",
)
ANSWER_FORM = Promise(
    "answer.form",
    "Every answer is JSON of the form in docs/backoffice.openapi.json.",
    "Compare the answer with the schema of its path; answer errors by their status, not by 200.",
)
ANSWER_SIZE = Promise(
    "answer.size",
    "No answer is longer than 256 KiB.",
    "Answer only what was asked for; list at most 1,000 records.",
)
READ_TIME = Promise(
    "time.read",
    "Facts, reads and outcomes answer within 2 s.",
    "Look up by index, without calls to slower systems; Remit permits nothing on facts that are late.",
)
ACT_TIME = Promise(
    "time.act",
    "Acts and fences answer within 10 s.",
    "Write the key and answer, or do the slow part later under the same key; Remit asks for the outcome then.",
)
FACTS_ORDER = Promise(
    "facts.order",
    "Facts come in the order of the request, with null for a record that does not exist.",
    "Answer one member for each record asked for, in order, null where there is none.",
)
FACTS_OWNER = Promise(
    "facts.owner",
    "Facts name the owners of a record, whoever asks for them.",
    "List the ids of all customers who own it, and do not filter by the customer of the request.",
)
FACTS_ID = Promise(
    "facts.id",
    "Facts carry the canonical id and a version.",
    "Answer the id as it is stored, not as it was asked for, and a version that is not empty.",
)
FACTS_ALIAS = Promise(
    "facts.alias",
    "Another spelling of an id is not found, or answers the canonical id.",
    "Compare ids byte for byte (case, blanks, Unicode forms, leading zeros, collation of the database), or answer the "
    "stored id.",
)
READ_OWN = Promise(
    "read.own",
    "A read answers about the customer's own record, and changes nothing.",
    "Answer done with the values of the action; leave records and their versions as they are.",
)
READ_ALIKE = Promise(
    "read.alike",
    "A read of another customer's record and of an unknown one answer alike.",
    "Answer failed with the same reason and no values for both.",
)
TIMING_ALIKE = Promise(
    "timing.alike",
    "Another customer's record and an unknown one take about the same time.",
    "Do the same look-ups for an id that is not found, or answer both after a fixed time.",
)
CONTENTS_OWN = Promise(
    "contents.own",
    "Contents are empty for a record that is not the customer's own.",
    "Return {} for records of other customers, and for ids that do not exist.",
)
RECORDS_OWN = Promise(
    "records.own",
    "Records list the customer's own records, and no others.",
    "Select by owner and kind; answer the canonical ids.",
)
ATTRIBUTES_OWN = Promise(
    "attributes.own",
    "Attributes answer the customer's values of the names asked for, and nothing of an unknown customer.",
    "Answer each name that the customer has, as data of that customer alone; leave the others out.",
)
KEY_ONCE = Promise(
    "key.once",
    "A key acts once: the same key again gets the same answer and changes nothing.",
    "Keep the key with its answer in the transaction of the act, under a unique index, and answer from there.",
)
KEY_PARALLEL = Promise(
    "key.parallel",
    "A key that comes eight times at once acts once.",
    "Take the key by a unique index or a lock before the act, in the same transaction; a look-up beforehand is not "
    "enough. 409 with Retry-After is allowed while it is being done.",
)
KEY_BODY = Promise(
    "key.body",
    "A key that was used does nothing for another body.",
    "Find the key first: give its first answer, or refuse with 422 where the body differs.",
)
VERSION_MOVES = Promise(
    "version.moves",
    "An act gives its record another version.",
    "Make the version of all that the act changes: a counter, or a digest of the record with its payments and parts.",
)
VERSION_STALE = Promise(
    "version.stale",
    "An act on a version that no longer holds fails, and changes nothing.",
    "Compare every version of the act with the record's in the transaction of the act; answer failed where one differs.",
)
FENCE_LATE = Promise(
    "fence.late",
    "A fenced key never acts, however late the act comes.",
    "Write the key as fenced where acts are kept, and let an act find it before it does anything; answer fenced.",
)
FENCE_AFTER_ACT = Promise(
    "fence.after_act",
    "A fence behind an act answers the outcome of the act.",
    "Insert the fence only where the key is not there yet; else answer what is kept.",
)
FENCE_RACE = Promise(
    "fence.race",
    "An act and a fence of one key at once end in one outcome, which both tell.",
    "Decide between them by one unique key in one transaction; begin nothing that ends after the fence has answered.",
)
OUTCOME_KNOWN = Promise(
    "outcome.known",
    "The outcome of a key is known: unseen, done or fenced, as the act and the fence answered.",
    "Answer outcomes from the kept keys; a key that is not there is unseen.",
)
KEY_KEPT = Promise(
    "key.kept",
    "Keys and fences outlive a restart.",
    "Keep keys in the database of the acts, for as long as the records themselves; not in memory, and without expiry.",
)
