"""X.509-SVIDs: rules for a leaf, and its chain to the bundle of its own trust domain."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from remit.domain.errors import Code, Refused
from remit.domain.identity.certificates import PresentedCertificate
from remit.domain.identity.spiffe import SpiffeId, verify_spiffe_id
from remit.domain.values import Instant

E = TypeVar("E", bound=x509.ExtensionType)
_CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH


def verify_x509_svid(
    presented: PresentedCertificate, authorities: Sequence[x509.Certificate], *, now: Instant
) -> tuple[SpiffeId, Instant]:
    """Return the SPIFFE ID of a leaf that chains to the authorities of one trust domain, and its end.

    ⚔ The authorities are those of the bundle and no others: a certificate of a public authority proves nothing here.

    Raises:
        Refused: `credential.malformed`, `credential.expired`, `credential.wrong_key`.

    Source: X509-SVID §2, §4, §5; RFC 5280 §6.
    """
    leaf = read_certificate(presented.leaf)
    chain = [read_certificate(one) for one in presented.chain]
    spiffe_id = verify_leaf(leaf)
    for one in chain:
        verify_signing(one)
    moment = datetime.fromtimestamp(now / 1000, tz=UTC)
    if not leaf.not_valid_before_utc <= moment < leaf.not_valid_after_utc:
        raise Refused(
            Code.CREDENTIAL_EXPIRED,
            "certificate outside its time",
            public="The client certificate has expired or is not valid yet.",
        )
    _verify_chain(leaf, chain, authorities, moment)
    return spiffe_id, Instant(int(leaf.not_valid_after_utc.timestamp() * 1000))


def read_certificate(der: bytes) -> x509.Certificate:
    """Read a certificate with all its extensions.

    Raises:
        Refused: `credential.malformed`.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.extensions, certificate.subject, certificate.issuer  # parsed lazily
    except (ValueError, TypeError, x509.DuplicateExtension):
        raise _malformed("it is no DER certificate") from None
    return certificate


def verify_leaf(leaf: x509.Certificate) -> SpiffeId:
    """Verify that a certificate is one workload's own, and return its SPIFFE ID.

    ⚔ A signing certificate never authenticates: with one, its whole trust domain could be spoken for.

    Raises:
        Refused: `credential.malformed`.

    Source: X509-SVID §2 (one URI SAN), §4.1 (cA false), §4.3 (key usage), §4.4 (extended key usage), §5.2.
    """
    basic = _extension(leaf, x509.BasicConstraints)
    if basic is not None and basic.ca:
        raise _malformed("it is a signing certificate (cA)")
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature or usage.key_cert_sign or usage.crl_sign:
        raise _malformed("its key usage must be digitalSignature, without keyCertSign and cRLSign")
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    if extended is not None and _CLIENT not in extended:
        raise _malformed("its extended key usage is not for clients")
    names = _extension(leaf, x509.SubjectAlternativeName)
    uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names is not None else []
    if len(uris) != 1:
        raise _malformed("it must have exactly one URI name, its SPIFFE ID")
    spiffe_id = verify_spiffe_id(uris[0])
    if not spiffe_id.segments:
        raise _malformed("its SPIFFE ID names a trust domain and no workload")
    return spiffe_id


def verify_signing(certificate: x509.Certificate) -> x509.Certificate:
    """Verify that a certificate may sign others.

    Raises:
        Refused: `credential.malformed`.

    Source: X509-SVID §4.1, §4.3.
    """
    basic, usage = _extension(certificate, x509.BasicConstraints), _extension(certificate, x509.KeyUsage)
    if basic is None or not basic.ca or usage is None or not usage.key_cert_sign:
        raise _malformed("a certificate above it may not sign (cA, keyCertSign)")
    return certificate


def _verify_chain(
    leaf: x509.Certificate, chain: list[x509.Certificate], authorities: Sequence[x509.Certificate], moment: datetime
) -> None:
    """Verify the signatures from the leaf up to an authority; the leaf's own extensions were looked at before."""
    if not authorities:
        raise _foreign("the bundle has no X.509 authority")
    builder = verification.PolicyBuilder().store(verification.Store(list(authorities))).time(moment)
    # By default the web's rules for leaves hold: a DNS name, which workloads have not.
    ours = builder.extension_policies(
        ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
        ee_policy=verification.ExtensionPolicy.permit_all(),
    )
    try:
        ours.build_client_verifier().verify(leaf, chain)
    except verification.VerificationError as wrong:
        raise _foreign(f"no chain to the bundle: {wrong}") from None


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _malformed(reason: str) -> Refused:
    return Refused(
        Code.CREDENTIAL_MALFORMED,
        f"client certificate: {reason}",
        public=f"The client certificate is not an X.509-SVID: {reason}.",
    )


def _foreign(detail: str) -> Refused:
    return Refused(
        Code.CREDENTIAL_WRONG_KEY,
        f"client certificate: {detail}",
        public="The client certificate does not chain to the trust bundle this client is registered with.",
        public_cure=(
            "Take a fresh X.509-SVID, let the TLS front hand on its intermediate certificates, and check the bundle "
            "this client is registered with."
        ),
    )
