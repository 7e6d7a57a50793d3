"""Client certificates as a TLS front hands them on: syntax and thumbprint. X.509 itself is for the identity plugs."""

import base64
import binascii
import hashlib
import ipaddress
import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.proof.canonical import b64url

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
"""Addresses of the desk's own TLS front."""
MAX_CHAIN: Final = 5
MAX_CERTIFICATE: Final = 8 * 1024

_BYTES: Final = re.compile(r":(?P<base64>[A-Za-z0-9+/]{2,10924}={0,2}):", re.ASCII)


@struct(frozen=True, kw_only=True)
class PresentedCertificate:
    """The DER certificate whose private key the caller used in its TLS handshake, and the ones sent with it.

    Only the possession of the key is proved: the front verified no issuer, and nothing here says whose key it is.
    """

    leaf: bytes
    chain: tuple[bytes, ...] = ()

    @property
    def thumbprint(self) -> str:
        """The `x5t#S256` of the certificate, as a token's `cnf` carries it (RFC 8705 §3.1)."""
        return b64url(hashlib.sha256(self.leaf).digest())


def parse_certificate(values: Sequence[str], chain: Sequence[str]) -> PresentedCertificate | None:
    """Parse `Client-Cert` and `Client-Cert-Chain`, as sent; None where the caller presented no certificate.

    Raises:
        Refused: `credential.malformed`, also for two certificates of one caller and for a chain without one.

    Source: RFC 9440 §2.1 (one byte sequence), §2.2, §2.3 (a list); RFC 8941 §3.3.5.
    """
    if not values and not chain:
        return None
    if len(values) != 1:
        raise _malformed("Client-Cert must appear once")
    members = [one for line in chain for one in line.split(",")]
    if len(members) > MAX_CHAIN:
        raise _malformed(f"Client-Cert-Chain has more than {MAX_CHAIN} certificates")
    return PresentedCertificate(leaf=_bytes(values[0]), chain=tuple(_bytes(one) for one in members))


def _bytes(text: str) -> bytes:
    """Decode a byte sequence. ⚔ One certificate has one spelling: parameters and loose base64 are refused."""
    found = _BYTES.fullmatch(text.strip(" \t"))
    try:
        der = base64.b64decode(found["base64"], validate=True) if found else b""
    except binascii.Error:
        der = b""
    if not der or len(der) > MAX_CERTIFICATE:
        raise _malformed(f"a certificate must be DER of at most {MAX_CERTIFICATE} bytes, as an RFC 9440 byte sequence")
    return der


def _malformed(reason: str) -> Refused:
    return Refused(
        Code.CREDENTIAL_MALFORMED,
        f"client certificate: {reason}",
        public=f"The client certificate cannot be used: {reason}.",
    )
