"""Bundles from the SPIFFE Workload API, for a desk that is itself attached to SPIRE or the like (extra `spiffe`)."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from spiffe import TrustDomain, WorkloadApiClient
from spiffe.errors import PySpiffeError

from remit.adapters.identity.certificates import verify_signing
from remit.adapters.identity.key_sets import REFRESH_MS, KeySet
from remit.adapters.identity.keys import PublicKey, verify_jwk
from remit.domain.errors import Code, Fault
from remit.domain.values import Json
from remit.proof.canonical import b64url

_TIMEOUT_S: Final = 4.0
_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


class SpiffeWorkloadBundles:
    """The bundles that the Workload API at a socket gives this process: its own trust domain's, and federated ones."""

    def __init__(self, socket: str) -> None:
        """Remember the address, such as `unix:///run/spire/agent.sock`; nothing is connected yet."""
        self._socket = socket

    def key_set(self, trust_domain: str) -> KeySet:
        """Return JWT keys and X.509 authorities of one trust domain. Blocks: call it on a thread.

        ⚔ Only the bundle under that very name: the API gives those of several trust domains at once.

        Raises:
            Fault: `fault.identity`.
        """
        try:
            name = TrustDomain(trust_domain)
            with WorkloadApiClient(self._socket, default_timeout=_TIMEOUT_S) as client:
                jwt = client.fetch_jwt_bundles().get_bundle_for_trust_domain(name)
                x509 = client.fetch_x509_bundles().get_bundle_for_trust_domain(name)
        except PySpiffeError as failed:
            raise Fault(Code.FAULT_IDENTITY, f"Workload API at {self._socket}: {failed}") from None
        authorities = () if x509 is None else tuple(verify_signing(one) for one in x509.x509_authorities)
        keys = () if jwt is None else tuple(_key(kid, key) for kid, key in jwt.jwt_authorities.items())
        if not keys and not authorities:
            raise Fault(Code.FAULT_IDENTITY, f"Workload API at {self._socket}: no bundle of {trust_domain}")
        return KeySet(keys=keys, refresh_ms=REFRESH_MS, authorities=authorities)


def _key(kid: str, key: object) -> PublicKey:
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            numbers, size = key.public_numbers(), (key.curve.key_size + 7) // 8
            x, y = (b64url(each.to_bytes(size, "big")) for each in (numbers.x, numbers.y))
            jwk: dict[str, Json] = {"kty": "EC", "crv": _CURVES[key.curve.name], "x": x, "y": y}
        case rsa.RSAPublicKey():
            public = key.public_numbers()
            n, e = (b64url(each.to_bytes((each.bit_length() + 7) // 8, "big")) for each in (public.n, public.e))
            jwk = {"kty": "RSA", "n": n, "e": e}
        case _:
            raise Fault(Code.FAULT_IDENTITY, f"Workload API: the key {kid!r} is of another kind")
    return verify_jwk({**jwk, "kid": kid})
