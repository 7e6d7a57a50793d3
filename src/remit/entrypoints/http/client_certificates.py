"""The client certificate of a request, from the desk's own TLS front (`[mtls]`)."""

import ipaddress
from typing import Final

from remit.domain.identity.certificates import Network, PresentedCertificate, parse_certificate
from remit.domain.structs import struct
from remit.entrypoints.http.wire import Scope, header_values

FRONT: Final = "remit.tls_front"
_LEAF: Final = b"client-cert"
_CHAIN: Final = b"client-cert-chain"


@struct(frozen=True)
class TlsFront:
    """The proxies that end TLS for this desk; without any, no certificate is presented to it."""

    proxies: tuple[Network, ...] = ()

    def is_peer(self, scope: Scope) -> bool:
        """Return whether a request came over a connection of one of the proxies."""
        if not self.proxies:
            return False
        try:
            address = ipaddress.ip_address(str((scope.get("client") or ("",))[0]))
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.proxies)


def presented_certificate(scope: Scope) -> PresentedCertificate | None:
    """Return the certificate of the caller's TLS connection; None where it presented none.

    ⚔ The headers count only on a connection from a configured proxy, which removes those that callers send: on
    any other one, a caller could write another party's certificate, which is public, into them.

    Raises:
        Refused: `credential.malformed`.

    Source: RFC 9440 §2.4, §4; RFC 8705 §6.5.
    """
    front: TlsFront | None = scope.get(FRONT)
    if front is None or not front.is_peer(scope):
        return None
    return parse_certificate(header_values(scope, _LEAF), header_values(scope, _CHAIN))
