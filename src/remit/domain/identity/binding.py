"""The binding of a grant, its task and its tokens: a key that the agent proves, or the token family of a visitor.

A key's binding is its RFC 7638 thumbprint; that of a key in a TLS certificate the certificate's (RFC 8705). A visitor has
no key: it holds the tokens of one family, which only the customer's code and the desk's own answers give out.
"""

from collections.abc import Mapping
from typing import Final, Literal

_FAMILY: Final = "family:"
_CERTIFICATE: Final = "x5t#S256:"
"""⚔ No thumbprint of a key begins so: neither kind of binding can be passed off as the other."""


def certificate_binding(thumbprint: str) -> str:
    """Return the binding of a grant to a TLS client certificate."""
    return f"{_CERTIFICATE}{thumbprint}"


def bound_certificate(binding: str) -> str:
    """Return the thumbprint of a binding's certificate; "" where it is none."""
    return binding.removeprefix(_CERTIFICATE) if binding.startswith(_CERTIFICATE) else ""


def confirmation_claim(binding: str) -> Mapping[str, str]:
    """Return the `cnf` of a token with a key: its DPoP key, or its certificate (RFC 9449 §6.1, RFC 8705 §3.1)."""
    certificate = bound_certificate(binding)
    return {"x5t#S256": certificate} if certificate else {"jkt": binding}


def token_type(binding: str) -> Literal["Bearer", "DPoP"]:
    """Return the scheme of a token: a certificate's or a family's is sent as a bearer token (RFC 8705 §3)."""
    return "Bearer" if bound_certificate(binding) or bound_family(binding) else "DPoP"


def family_binding(family_id: str) -> str:
    """Return the binding of a grant to a token family."""
    return f"{_FAMILY}{family_id}"


def bound_family(binding: str) -> str:
    """Return the token family of a binding; "" where it is a key."""
    return binding.removeprefix(_FAMILY) if binding.startswith(_FAMILY) else ""
