"""Verification of a mandate's row against what its customer signed, once for each state of the row.

A MAC says that this desk wrote the row. ⚔ The customer's own signature says what was granted, also to those who do not
trust the desk's keys. Source: docs/model/model.md#grant, #rows.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final

from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.narrow import verify_narrows
from remit.domain.mandate.parse import read_mandate
from remit.domain.records import MandateRecord, PasskeyRecord
from remit.domain.values import Json, decode_json
from remit.engine.cache import BoundedCache
from remit.engine.context import DeskContext
from remit.ports.store import ForgedRow, RecordMissing
from remit.proof.canonical import b64url, canonical, unb64url

_PREFIX: Final = "sha-256:"
_MOST: Final = 1024
_UNSIGNED: Final = "is not what its customer signed"


def verify_signed_form(catalogue: Catalogue, record: MandateRecord, mandate: Mandate) -> None:
    """Verify that a mandate is inside its signed form, and belongs to the parties that the form names.

    Raises:
        ForgedRow: it is wider, or somebody else's.
    """
    if f"{_PREFIX}{b64url(sha256(record.signed.encode()).digest())}" != record.hash:
        raise ForgedRow(f"mandate {record.id}", _UNSIGNED)
    signed = decode_json(record.signed.encode())
    if not isinstance(signed, Mapping) or not _is_of_parties(record, signed):
        raise ForgedRow(f"mandate {record.id}", _UNSIGNED)
    if (record.expires_at, record.max_tasks) != (mandate.expires_at, mandate.max_tasks):
        raise ForgedRow(f"mandate {record.id}", _UNSIGNED)
    if canonical(signed["mandate"]).decode() == record.wire:
        return
    try:
        verify_narrows(mandate, read_mandate(signed["mandate"], catalogue, now=record.granted_at))
    except Refused:
        raise ForgedRow(f"mandate {record.id}", _UNSIGNED) from None


def _is_of_parties(record: MandateRecord, signed: Mapping[str, Json]) -> bool:
    return (
        signed.get("sub") == record.customer
        and signed.get("client_id") == record.client_id
        and signed.get("act") == {"sub": record.actor}
        and signed.get("operator") == record.operator
        and signed.get("jkt") == record.jkt
        and "mandate" in signed
        and ("parent" in signed) == bool(record.parent)
    )


_reported: Final[BoundedCache[str, bool]] = BoundedCache(_MOST)


@asynccontextmanager
async def reporting_forged(desk: DeskContext) -> AsyncIterator[None]:
    """Tell security of a mandate that is not what was signed, once, and pass the fault on."""
    try:
        yield
    except ForgedRow as forged:
        if not _reported.get(forged.detail):
            _reported.put(forged.detail, True)
            await desk.notify.incident(kind="row_forged", details={"row": forged.detail})
        raise


_consented: Final[BoundedCache[tuple[str, str, str], bool]] = BoundedCache(_MOST)


def clear_verified_consents() -> None:
    """Clear the remembered signatures: erased content must not stay in memory."""
    _consented.clear()


async def verify_consent(desk: DeskContext, record: MandateRecord) -> None:
    """Verify the customer's signature under a root mandate; a sub-mandate rests on its parent's.

    Raises:
        ForgedRow: no passkey of the customer signed it.
        Refused: `mandate.inactive` for one that was granted to another desk, or at a former address.
    """
    key = (record.hash, record.customer, record.evidence)
    if record.parent or _consented.get(key):
        return
    assertion = decode_json(record.evidence.encode() or b"{}")
    signed = decode_json(record.signed.encode())
    if isinstance(signed, Mapping) and signed.get("iss") != desk.terms.issuer:
        public = "The server's address has changed since; ask the customer for consent again."
        raise Refused(Code.MANDATE_INACTIVE, "the mandate was granted to another desk", public=public)
    if not isinstance(assertion, Mapping):
        raise ForgedRow(f"mandate {record.id}", _UNSIGNED)
    try:
        passkey = (await desk.store.get(PasskeyRecord, str(assertion.get("id", "")))).record
        if passkey.person != record.customer:
            raise ForgedRow(f"mandate {record.id}", _UNSIGNED)
        challenge = unb64url(record.hash.removeprefix(_PREFIX))
        desk.passkeys.verify_assertion(assertion, challenge=challenge, public_key=passkey.public_key, sign_count=0)
    except (RecordMissing, Refused):
        raise ForgedRow(f"mandate {record.id}", _UNSIGNED) from None
    _consented.put(key, True)
