"""Verify a receipt offline: its bytes and the log's public key are all it takes."""

from remit.domain.errors import Code, Refused
from remit.domain.receipt import verify_receipt as verify_bytes
from remit.domain.verification import verify_vkey
from remit.proof.checkpoint import VerifyEd25519, Vkey
from remit.proof.receipt import VerifiedReceipt


def verify_receipt(unverified: bytes, *, vkeys: str, verify_ed25519: VerifyEd25519) -> VerifiedReceipt:
    """Verify a receipt, as JSON or as C2SP tlog-proof.

    `vkeys` are the log's verifier keys, one a line. Neither server nor store is asked.

    Raises:
        Refused: `receipt.invalid` when it does not verify with these keys; `settings.invalid` for keys that are none.
    """
    keys = [_verify_key(line.strip()) for line in vkeys.splitlines() if line.strip()]
    if not keys:
        raise Refused(Code.SETTINGS_INVALID, "no verifier key is given; it looks like name+hash+base64")
    return verify_bytes(unverified, keys, verify_ed25519)


def _verify_key(text: str) -> Vkey:
    try:
        return verify_vkey(text)
    except Refused as refused:
        raise Refused(Code.SETTINGS_INVALID, refused.detail) from None
