"""Recording of entries: drafts in, sealed and encrypted rows out, and receipts from their places."""

from collections.abc import Mapping, Sequence

from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.domain.transcript.entry import SALTS_SIZE, EntryDraft, Kind, OpenedEntry, Section, seal_entry, unseal_entry
from remit.domain.transcript.pseudonyms import keyed_digest_of, pseudonym_of
from remit.domain.transcript.receipt import EntryWithProof, Fresh, Holder, build_receipt, fresh_receipt
from remit.domain.values import Json, JsonObject, instant_text
from remit.engine.context import DeskContext
from remit.ports.store import Committed, EntryRow, ForgedRow, StoredEntry
from remit.ports.vault import ContentErased
from remit.proof.canonical import b64url


@struct(frozen=True)
class PreparedEntries:
    """Entries ready for a commit: stored rows, and material for receipts."""

    rows: tuple[EntryRow, ...]
    fresh: tuple[Fresh, ...]

    def __add__(self, later: "PreparedEntries") -> "PreparedEntries":
        """Return these entries and later ones."""
        return PreparedEntries(self.rows + later.rows, self.fresh + later.fresh)


async def seal_entries(desk: DeskContext, *drafts: EntryDraft) -> PreparedEntries:
    """Seal drafts with fresh salts and encrypt their content under the subject's key.

    Raises:
        Fault: `fault.store` when the content key cannot be had: no record, no action.
    """
    rows: list[EntryRow] = []
    fresh: list[Fresh] = []
    drawn = desk.world.random(SALTS_SIZE * len(drafts))
    for place, draft in enumerate(drafts):
        salts = drawn[place * SALTS_SIZE : (place + 1) * SALTS_SIZE]
        sealed = seal_entry(draft, salts)
        content = await desk.vault.seal(draft.subject, sealed.content)
        rows.append(
            EntryRow(
                kind=draft.kind,
                at=draft.at,
                leaf=sealed.leaf,
                envelope=sealed.envelope_record,
                content=content,
                subject=draft.subject,
                refs=draft.refs,
            )
        )
        fresh.append((draft, salts, sealed.hashes))
    return PreparedEntries(tuple(rows), tuple(fresh))


def receipt_for_commit(desk: DeskContext, written: PreparedEntries, committed: Committed, holder: Holder) -> JsonObject:
    """Build the receipt of just-written entries, opened for one holder."""
    proved = [(place.index, fresh, place.proof) for place, fresh in zip(committed.places, written.fresh, strict=True)]
    return fresh_receipt(holder=holder, entries=proved, checkpoint=committed.checkpoint, origin=desk.terms.log_origin)


async def receipt_for_entries(
    desk: DeskContext, indexes: Sequence[int], holder: Holder, *, about: str | None = None
) -> JsonObject:
    """Build a receipt of earlier entries, proved afresh against one checkpoint; `about` as in `open_entry`.

    Raises:
        Missing: no such entry.
        Fault: as `open_entry`.
    """
    committed = await desk.store.prove(tuple(indexes))
    proved: list[EntryWithProof] = []
    for place in committed.places:
        kept = (await desk.store.entries(low=place.index, limit=1))[0]
        opened = await open_entry(desk, kept.row, about=about)
        proved.append(EntryWithProof(index=place.index, opened=opened, proof=place.proof))
    return build_receipt(holder=holder, entries=proved, checkpoint=committed.checkpoint, origin=desk.terms.log_origin)


async def open_entry(desk: DeskContext, row: EntryRow, *, about: str | None = None) -> OpenedEntry:
    """Open a stored entry; after erasure only the envelope opens. With `about`, only one about this customer.

    ⚔ Who may open an entry hangs on columns beside it: its subject, and the ids it is found by. The logged envelope
    has the last word.

    Raises:
        Fault: `fault.store` when subject and envelope name different customers, or it was led to from another one.

    Source: docs/model/model.md#rows.
    """
    try:
        content: bytes | None = await desk.vault.unseal(row.subject, row.content)
    except ContentErased:
        content = None
    opened = unseal_entry(row.envelope, content)
    named = (opened.sections[Section.ENVELOPE].body or {}).get("customer")
    if row.subject and named not in {None, pseudonym(desk, row.subject)}:
        raise ForgedRow(f"a {row.kind} entry", "stands under another customer than it names")
    if about is not None and row.subject != about and (row.subject or named != pseudonym(desk, about)):
        raise ForgedRow(f"a {row.kind} entry", "is found under another customer than its own")
    return opened


def pseudonym(desk: DeskContext, what: str) -> str:
    """Return a stable pseudonym of a personal id for envelopes, which are never erased."""
    return pseudonym_of(desk.signer.keyed, what)


def account_facts(desk: DeskContext, person: PersonRecord, *, roles: bool = False) -> dict[str, Json]:
    """Return how an envelope names a person and the account; with `roles`, those that an officer has from then on.

    Rows are compared with what is said here (`domain/transcript/logged_states.py`).
    """
    named: dict[str, Json] = {"person": pseudonym(desk, person.key), "account": pseudonym(desk, person.id)}
    return {**named, "roles": list(person.roles)} if roles and person.kind != "customer" else named


def keyed_digest(desk: DeskContext, what: str) -> str:
    """Return a digest only this desk can compute: its content cannot be guessed, even after erasure."""
    return keyed_digest_of(desk.signer.keyed, what)


def draft_entry(
    context: DeskContext,
    kind: Kind,
    *,
    envelope: Mapping[str, Json],
    agent: Mapping[str, Json] | None = None,
    customer: Mapping[str, Json] | None = None,
    desk: Mapping[str, Json] | None = None,
    subject: str = "",
    refs: tuple[str, ...] = (),
) -> EntryDraft:
    """Draft an entry of this moment; the envelope gets the rule digest every decision depends on."""
    return EntryDraft(
        kind=kind,
        at=context.world.now(),
        envelope={"rules": context.rules_digest, **envelope},
        agent=agent,
        customer=customer,
        desk=desk,
        subject=subject,
        refs=refs,
    )


async def prepare_entry(
    context: DeskContext,
    kind: Kind,
    *,
    envelope: Mapping[str, Json],
    agent: Mapping[str, Json] | None = None,
    customer: Mapping[str, Json] | None = None,
    desk: Mapping[str, Json] | None = None,
    subject: str = "",
    refs: tuple[str, ...] = (),
) -> PreparedEntries:
    """Draft and seal one entry of this moment.

    Raises:
        Fault: `fault.store`, as `seal_entries`.
    """
    draft = draft_entry(
        context, kind, envelope=envelope, agent=agent, customer=customer, desk=desk, subject=subject, refs=refs
    )
    return await seal_entries(context, draft)


async def entry_row(context: DeskContext, entry: StoredEntry) -> Mapping[str, Json]:
    """Return one entry for the desk; erased content is None."""
    opened = await open_entry(context, entry.row)
    desk = opened.sections.get(Section.DESK)
    return {
        "entry": entry.index,
        "kind": opened.kind.value,
        "at": instant_text(opened.at),
        "envelope": opened.sections[Section.ENVELOPE].body,
        "content": None if desk is None else desk.body,
        "erased": desk is None,
    }


def code_hash(desk: DeskContext, code: str) -> str:
    """Return the stored keyed hash of a code."""
    return b64url(desk.signer.keyed("code", code.encode()))
