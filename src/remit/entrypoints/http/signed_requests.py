"""A request as the parts that its HTTP Message Signature covers (RFC 9421)."""

from typing import Final

from remit.domain.identity.message_signatures import SignedMessage, verify_content_digest
from remit.entrypoints.http.wire import Scope

_DIGEST: Final = "remit.content_digest"


def is_signed(scope: Scope) -> bool:
    """Return whether a request carries a signature."""
    return any(name in {b"signature-input", b"signature"} for name, _ in scope["headers"])


def signed_message(scope: Scope, issuer: str) -> SignedMessage:
    """Return the parts of a request; the body of a signed one is compared with its digest once it is read.

    ⚔ The address is the desk's own: a signature for another host does not verify here, whatever `Host` says.
    """
    raw: bytes = scope.get("raw_path", scope["path"].encode()).partition(b"?")[0]
    query: bytes = scope.get("query_string", b"")
    target = (raw + b"?" + query if query else raw).decode("latin-1")
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    message = SignedMessage(method=scope["method"], url=issuer + target, headers=headers)
    if message.signed:
        scope[_DIGEST] = message.field("content-digest")
    return message


def verify_signed_body(scope: Scope, body: bytes) -> None:
    """Verify the body of a signed request; any body will do for an unsigned one.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_key`.
    """
    if _DIGEST in scope:
        verify_content_digest(scope[_DIGEST], body)
