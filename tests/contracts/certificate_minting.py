"""X.509 authorities, SVIDs and bundles for the identity tests, with every defect that can be made."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from contracts.identity_minting import jwk

OURS = "spiffe://helper.example/shop"


def usage(*named: str) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
    )
    return x509.KeyUsage(**{one: one in named for one in every}, encipher_only=False, decipher_only=False)


@dataclass(frozen=True)
class Certified:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def field(self) -> str:
        """As `Client-Cert` carries it (RFC 9440)."""
        return f":{b64encode(self.der).decode()}:"


def certified(
    subject: str,
    by: Certified | None,
    *,
    uris: tuple[str, ...] = (),
    ca: bool = False,
    named: tuple[str, ...] | None = ("digital_signature",),
    at: datetime | None = None,
    dns: str = "",
    extended: Any = ExtendedKeyUsageOID.CLIENT_AUTH,
    odd: bool = False,
) -> Certified:
    """One certificate, by another or by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), at or datetime.now(tz=UTC)
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject)])
    signer = by.key if by else key
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by.certificate.subject if by else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    names: list[Any] = [*(x509.UniformResourceIdentifier(one) for one in uris), *([x509.DNSName(dns)] if dns else [])]
    if names:
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if named is not None:
        built = built.add_extension(usage(*named), critical=True)
    if not ca and extended is not None:
        built = built.add_extension(x509.ExtendedKeyUsage([extended]), critical=False)
    if odd:
        built = built.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"), critical=True)
    return Certified(built.sign(signer, SHA256()), key)


def authority(trust_domain: str = "helper.example", by: Certified | None = None, **changed: Any) -> Certified:
    """The signing certificate of a trust domain."""
    given: dict[str, Any] = {"uris": (f"spiffe://{trust_domain}",), "ca": True, "named": ("key_cert_sign", "crl_sign"), **changed}
    return certified(f"authority of {trust_domain}", by, **given)


def svid(by: Certified, spiffe_id: str = OURS, **changed: Any) -> Certified:
    """The X.509-SVID of a workload."""
    return certified("workload", by, **{"uris": (spiffe_id,), **changed})


def bundle(*authorities: Certified, jwt: bool = False) -> dict[str, Any]:
    """The SPIFFE bundle of a trust domain."""
    keys: list[dict[str, Any]] = [{"kty": "EC", "use": "x509-svid", "x5c": [b64encode(one.der).decode()]} for one in authorities]
    return {"keys": [*keys, *([jwk("ES256", "td", kid="td", use="jwt-svid")] if jwt else [])]}
