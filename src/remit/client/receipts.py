"""Offline verification of a receipt with the desk's public log key alone.

A receipt is believed only because it hashes into a log that the desk has signed; see docs/client.md.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from remit.client.errors import ProtocolError, ReceiptInvalid
from remit.client.json_fields import decode
from remit.client.values import Json
from remit.proof.checkpoint import Vkey, verify_vkey
from remit.proof.errors import ProofError
from remit.proof.receipt import VerifiedEntry, VerifiedReceipt, verify_receipt

__all__ = ["VerifiedEntry", "VerifiedReceipt", "verify"]


def verify(receipt: "Json | bytes", vkey: str | Sequence[str], *, ask: str | None = None) -> VerifiedReceipt:
    """Verify a receipt, given as it came with a reply, or as the bytes or text of a file.

    `vkey` is the log's verifier key (`name+hash+base64`), or several. Get it once, from a source you trust, not along
    with the receipt. With `ask`, the receipt must also be about that ask. ⚔ A true receipt of another ask proves
    nothing about this one.

    Raises:
        ReceiptInvalid: when any part is malformed or changed, or the log's key did not sign the log it leads to.

    Source: docs/model/model.md#sections; RFC 9162 §2.1.3.2; C2SP signed-note and tlog-checkpoint.
    """
    if not isinstance(vkey, Sequence):
        raise ReceiptInvalid("vkey is the log's verifier key, a text such as name+hash+base64, or a list of them")
    try:
        keys = [_key(one) for one in ([vkey] if isinstance(vkey, str) else vkey)]
        verified = verify_receipt(_read(receipt), keys, _verify_ed25519)
    except ProofError as error:
        raise ReceiptInvalid(error.reason) from None
    if ask is not None and all(entry.envelope.get("ask") != ask for entry in verified.entries):
        raise ReceiptInvalid("it is not about this ask")
    return verified


def _key(text: str) -> Vkey:
    if not isinstance(text, str):
        raise ReceiptInvalid(f"a verifier key is a text name+hash+base64, not a value of type {type(text).__name__}")
    return verify_vkey(text.strip())


def _read(receipt: "Json | bytes") -> Json:
    try:
        if isinstance(receipt, str):
            return decode(receipt.encode())
        return decode(receipt) if isinstance(receipt, bytes) else receipt
    except ProtocolError as error:
        raise ReceiptInvalid(str(error)) from None
    except UnicodeEncodeError:
        raise ReceiptInvalid("not Unicode text") from None


def _verify_ed25519(public: bytes, message: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise ProofError("the checkpoint's signature is bad") from None
