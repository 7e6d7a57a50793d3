"""A request as the parts that its HTTP Message Signature covers (RFC 9421)."""

from typing import Final

from remit.domain.identity.message_signatures import SignedMessage, verify_content_digest
from remit.entrypoints.http.wire import Scope, header_values

_DIGEST: Final = "remit.content_digest"
_BODY: Final = "remit.body"


def is_signed(scope: Scope) -> bool:
    """Return whether a request carries a signature."""
    return bool(header_values(scope, b"signature-input") or header_values(scope, b"signature"))


def signed_message(scope: Scope, issuer: str) -> SignedMessage:
    """Return the parts of a request.

    ⚔ The address is the desk's own: a signature for another host does not verify here, whatever `Host` says.
    """
    raw: bytes = scope.get("raw_path", scope["path"].encode()).partition(b"?")[0]
    query: bytes = scope.get("query_string", b"")
    target = (raw + b"?" + query if query else raw).decode("latin-1")
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    return SignedMessage(method=scope["method"], url=issuer + target, headers=headers)


def bind_body(scope: Scope, message: SignedMessage) -> None:
    """Bind the body to the signature that proves its caller: the one read before, or the one to be read.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_key` for another body.
    """
    scope[_DIGEST] = message.field("content-digest")
    if _BODY in scope:
        verify_content_digest(scope[_DIGEST], scope[_BODY])


def note_body(scope: Scope, body: bytes) -> None:
    """Take note of a body that was read; ⚔ one that a signature binds must be the signed one, whatever door reads it.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_key` for another body.
    """
    scope[_BODY] = body
    if _DIGEST in scope:
        verify_content_digest(scope[_DIGEST], body)
