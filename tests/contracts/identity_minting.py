"""Keys, tokens and a loopback key server for the identity tests.

Tokens are made by hand, so that every defect can be made; joserfc judges the sound ones in `test_identity_oracle`.
"""

import asyncio
import base64
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from remit.domain.errors import Code, Refused
from remit.domain.values import Instant
from remit.proof.canonical import b64url

ISSUER = "https://support.acme.example"
NOW = Instant(1_790_000_000_000)
NOW_S = NOW // 1000
HASHES = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def private_key(alg: str, name: str = "") -> Any:
    """One private key for each algorithm family and name."""
    return _made({"Ed25519": "EdDSA"}.get(alg, alg) if alg in {*CURVES, "EdDSA", "Ed25519"} else "RSA", name)


@cache
def _made(family: str, name: str) -> Any:
    del name
    if family in CURVES:
        return ec.generate_private_key(CURVES[family])
    return ed25519.Ed25519PrivateKey.generate() if family == "EdDSA" else rsa.generate_private_key(65537, 2048)


def jwk(alg: str, name: str = "", /, **members: Any) -> dict[str, Any]:
    """The public JWK."""
    public = private_key(alg, name).public_key()
    match public:
        case ec.EllipticCurvePublicKey():
            size = (public.curve.key_size + 7) // 8
            numbers = public.public_numbers()
            x, y = (b64url(each.to_bytes(size, "big")) for each in (numbers.x, numbers.y))
            crv = {256: "P-256", 384: "P-384", 521: "P-521"}[public.curve.key_size]
            made = {"kty": "EC", "crv": crv, "x": x, "y": y}
        case ed25519.Ed25519PublicKey():
            made = {"kty": "OKP", "crv": "Ed25519", "x": b64url(public.public_bytes_raw())}
        case _:
            numbers = public.public_numbers()
            made = {"kty": "RSA", "n": b64url(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    return {**made, **members}


def raw_sign(alg: str, signing_input: bytes, name: str = "") -> bytes:
    """The JWS signature."""
    key = private_key(alg, name)
    match key:
        case ec.EllipticCurvePrivateKey():
            size = (key.curve.key_size + 7) // 8
            r, s = decode_dss_signature(key.sign(signing_input, ec.ECDSA(HASHES[alg[2:]])))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        case ed25519.Ed25519PrivateKey():
            return key.sign(signing_input)
        case _:
            digest = HASHES[alg[2:]]
            pad = padding.PSS(padding.MGF1(digest), digest.digest_size) if alg.startswith("PS") else padding.PKCS1v15()
            return cast("bytes", key.sign(signing_input, pad, digest))


def segment(value: object) -> str:
    """One encoded segment."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def mint(header: Mapping[str, Any], claims: object, *, alg: str | None = None, name: str = "") -> str:
    """A compact JWS, signed with the algorithm of the header or, to make a defect, with another."""
    signing_input = f"{segment(header)}.{segment(claims)}"
    return f"{signing_input}.{b64url(raw_sign(alg or header['alg'], signing_input.encode(), name))}"


def without(members: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The members but for some."""
    return {key: value for key, value in members.items() if key not in names}


def proof_header(alg: str = "ES256", name: str = "") -> dict[str, Any]:
    """A sound DPoP header."""
    return {"typ": "dpop+jwt", "alg": alg, "jwk": jwk(alg, name)}


def proof_claims(**members: Any) -> dict[str, Any]:
    """Sound DPoP claims for POST /oauth/token."""
    return {"jti": "j-1", "htm": "POST", "htu": f"{ISSUER}/oauth/token", "iat": NOW_S, **members}


def assertion_claims(**members: Any) -> dict[str, Any]:
    """Sound private_key_jwt claims."""
    return {"iss": "shop", "sub": "shop", "aud": ISSUER, "jti": "a-1", "iat": NOW_S, "exp": NOW_S + 60, **members}


def svid_claims(**members: Any) -> dict[str, Any]:
    """Sound JWT-SVID claims."""
    return {"sub": "spiffe://helper.example/agent/shop", "aud": [ISSUER], "iat": NOW_S, "exp": NOW_S + 300, **members}


@dataclass
class KeyServer:
    """A tiny HTTP server on loopback that answers every GET with what it was told."""

    body: bytes = b""
    status: str = "200 OK"
    headers: str = ""
    silent: bool = False
    gate: asyncio.Event | None = None
    tls: ssl.SSLContext | None = None
    hits: int = 0
    arrivals: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    requests: list[bytes] = field(default_factory=list)
    url: str = ""
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=self.tls)
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/keys"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def publish(self, value: object) -> None:
        """Answer with this JSON from now on."""
        self.body = json.dumps(value).encode()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        self.hits += 1
        self.arrivals.release()
        if self.gate is not None:
            await self.gate.wait()
        if not self.silent:
            head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n{self.headers}\r\n"
            writer.write(head.encode() + self.body)
        writer.close()


def refusal(act: Callable[[], object]) -> Code | None:
    """The code an act is refused with, or None where it is not; everything else still breaks the test."""
    try:
        act()
    except Refused as no:
        return no.code
    return None


def write_json(path: Path, value: object) -> Path:
    """Write a JSON file."""
    path.write_text(json.dumps(value))
    return path


def tls_pair(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS settings with a certificate for one host, and a client's that trust just that certificate."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(tz=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    pem = folder / f"{host}.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))
