"""HTTP Message Signatures as a proof of identity: reading, the signature base, and the covered parts we insist on.

Keys and signatures are for the identity plugs, the replay set is for the store.

Source: RFC 9421; RFC 9530 (Content-Digest).
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from remit.domain.errors import Code, Refused
from remit.domain.identity.structured_fields import (
    InnerList,
    Item,
    NotStructured,
    Parameters,
    bare_text,
    parse_dictionary,
)
from remit.domain.structs import struct
from remit.domain.values import Instant

WEB_BOT_AUTH_TAG: Final = "web-bot-auth"
DIRECTORY_TAG: Final = "http-message-signatures-directory"
MAX_LIFE_S: Final = 300
MAX_BOT_LIFE_S: Final = 86_400
"""Web Bot Auth lets a signature live for a day."""
SKEW_S: Final = 60
SIGNATURE_ALGORITHMS: Final[Mapping[str, str]] = {
    "ecdsa-p256-sha256": "ES256",
    "ecdsa-p384-sha384": "ES384",
    "ed25519": "Ed25519",
    "rsa-pss-sha512": "PS512",
}
"""The algorithms of signatures, with the JOSE algorithm that a key knows. ⚔ No shared secrets, no PKCS #1 v1.5."""

_MAX_FIELD: Final = 8192
_MAX_TEXT: Final = 512
_PARAMETERS: Final = frozenset({"alg", "created", "expires", "keyid", "nonce", "tag"})
_DIGESTS: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_SAFE: Final = "*-._"
_MAX_PARAMETERS: Final = 200
_PORTS: Final = {"http": 80, "https": 443}


@struct(frozen=True, kw_only=True)
class SignedMessage:
    """The parts of a message that a signature can cover.

    `url` is the desk's own address of it, never one built from the Host header; header names are in small letters.
    For an answer, `status` is set and `url` is that of its request.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    status: int | None = None

    def field(self, name: str) -> str | None:
        """Return a header's lines joined (RFC 9421 §2.1), None without the header."""
        values = [value.strip(" \t") for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    @property
    def signed(self) -> bool:
        """Whether it carries a signature."""
        return any(name in {"signature-input", "signature"} for name, _ in self.headers)


@struct(frozen=True, kw_only=True)
class UnverifiedSignature:
    """One signature as sent; nothing in it is proved."""

    label: str
    covered: InnerList
    signature: bytes

    @property
    def names(self) -> frozenset[str]:
        """The covered components, in canonical form."""
        return frozenset(str(one) for one in self.covered.items)

    def text(self, name: str) -> str:
        """Return a parameter that must be a text.

        Raises:
            Refused: `credential.malformed`.
        """
        value = self.covered.parameters.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
            raise malformed_signature(f"the parameter {name} must be a text of 1 to {_MAX_TEXT} characters")
        return value

    def seconds(self, name: str) -> int:
        """Return a parameter that must be a time in seconds.

        Raises:
            Refused: `credential.malformed`.
        """
        value = self.covered.parameters.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise malformed_signature(f"the parameter {name} must be a number of seconds since 1970")
        return value

    @property
    def tag(self) -> str:
        """The `tag`; "" without one."""
        return self.text("tag") if "tag" in self.covered.parameters else ""

    @property
    def algorithm(self) -> str | None:
        """The `alg`; None where the key alone says it."""
        return self.text("alg") if "alg" in self.covered.parameters else None


def read_signatures(message: SignedMessage) -> tuple[UnverifiedSignature, ...]:
    """Read the signatures of a message.

    Raises:
        Refused: `credential.malformed`, also for a signature without its input and for parameters that we do not know.

    Source: RFC 9421 §4.1, §4.2, §2.3.
    """
    inputs, values = _dictionary(message, "signature-input"), _dictionary(message, "signature")
    if not inputs or inputs.keys() != values.keys():
        raise malformed_signature("Signature-Input and Signature must name the same signatures")
    found: list[UnverifiedSignature] = []
    for label, covered in inputs.items():
        value = values[label]
        if not isinstance(covered, InnerList) or not isinstance(value, Item) or not isinstance(value.value, bytes):
            raise malformed_signature("Signature-Input takes lists of components, Signature takes bytes")
        if not _PARAMETERS.issuperset(covered.parameters):
            raise malformed_signature(f"the parameters are {', '.join(sorted(_PARAMETERS))}")
        found.append(UnverifiedSignature(label=label, covered=covered, signature=value.value))
    return tuple(found)


def the_signature(message: SignedMessage) -> UnverifiedSignature:
    """Return the one signature of a request. ⚔ With two, the sender would choose which one counts.

    Raises:
        Refused: `credential.malformed`.
    """
    found = read_signatures(message)
    if len(found) != 1:
        raise malformed_signature("a request carries one signature")
    return found[0]


def signature_base(message: SignedMessage, signature: UnverifiedSignature) -> bytes:
    """Rebuild the bytes that were signed, from the message alone.

    Raises:
        Refused: `credential.malformed` for a component that is unknown, absent or named twice.

    Source: RFC 9421 §2.5.
    """
    lines: dict[str, str] = {}
    for component in signature.covered.items:
        name = str(component)
        if name in lines:
            raise malformed_signature(f"{name} is covered twice")
        lines[name] = f"{name}: {_component(message, component)}"
    return "\n".join([*lines.values(), f'"@signature-params": {signature.covered}']).encode("latin-1")


def verify_coverage(message: SignedMessage, signature: UnverifiedSignature) -> None:
    """Verify that the signature covers everything of a request that we act on.

    ⚔ A part that is not covered can be exchanged: another method or address, another body, another token beside the
    proof.

    Raises:
        Refused: `credential.malformed`.

    Source: RFC 9421 §1.4, §3.2 (an application's own requirements); docs/decisions/0054-message-signatures.md.
    """
    names, address = signature.names, urlsplit(message.url)
    missing = {'"@method"'} - names
    if '"@target-uri"' not in names:
        missing |= {'"@authority"', '"@path"', *(['"@query"'] if address.query else ())} - names
    for name in ("authorization", "content-digest"):
        if message.field(name) is not None:
            missing |= {f'"{name}"'} - names
    if missing:
        raise malformed_signature(f"it must cover {', '.join(sorted(missing))} too")


def verify_times(signature: UnverifiedSignature, now: Instant, *, most_s: int | None) -> Instant:
    """Verify that a signature counts now and does not live long; return its end.

    Raises:
        Refused: `credential.malformed` without `created` or `expires`, `credential.expired`.

    Source: RFC 9421 §3.2.1, §7.2.2; Web Bot Auth §4.2.
    """
    created, expires, now_s = signature.seconds("created"), signature.seconds("expires"), now // 1000
    if most_s is not None and expires - created > most_s:
        raise malformed_signature(f"it lives longer than {most_s} seconds")
    if not created - SKEW_S <= now_s < expires:
        raise Refused(
            Code.CREDENTIAL_EXPIRED,
            "signature outside its time",
            public="The signature has expired or was made in the future; sign again and check the clock.",
        )
    return Instant(expires * 1000)


def verify_algorithm(named: str | None, known: frozenset[str]) -> str:
    """Return the JOSE algorithm to verify with: that of the key. ⚔ A named one must be the same.

    Raises:
        Refused: `credential.wrong_key`.

    Source: RFC 9421 §3.2 (6), §7.3.6.
    """
    fitting = {name: jose for name, jose in SIGNATURE_ALGORITHMS.items() if jose in known}
    if len(fitting) != 1 or named not in {None, *fitting}:
        raise Refused(
            Code.CREDENTIAL_WRONG_KEY,
            f"alg {named!r} is not the key's own",
            public=f"The algorithm must be the key's own, one of {', '.join(sorted(SIGNATURE_ALGORITHMS))}.",
        )
    return next(iter(fitting.values()))


def content_digest(body: bytes) -> str:
    """Return the `Content-Digest` of a body."""
    return f"sha-256={bare_text(hashlib.sha256(body).digest())}"


def verify_content_digest(unverified: str | None, body: bytes) -> None:
    """Verify that a body is the one that its `Content-Digest` names; an empty body needs none.

    ⚔ Each digest that we know must be right, and one must be there.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_key` for another body.

    Source: RFC 9530 §2, §3.
    """
    if unverified is None:
        if body:
            raise malformed_signature("a signed request with a body needs a Content-Digest of it")
        return
    try:
        found = parse_dictionary(unverified)
    except NotStructured as wrong:
        raise malformed_signature(f"Content-Digest: {wrong}") from None
    known = {name: member for name, member in found.items() if name in _DIGESTS}
    if not known:
        raise malformed_signature("Content-Digest must have sha-256 or sha-512")
    for name, member in known.items():
        value = member.value if isinstance(member, Item) else None
        if not isinstance(value, bytes) or not hmac.compare_digest(value, _DIGESTS[name](body).digest()):
            raise Refused(
                Code.CREDENTIAL_WRONG_KEY,
                "another body than the signed one",
                public="The Content-Digest does not match the body.",
            )


def malformed_signature(reason: str) -> Refused:
    """Build the refusal of a signature that cannot be accepted."""
    return Refused(
        Code.CREDENTIAL_MALFORMED,
        f"message signature: {reason}",
        public=f"The signature of the request cannot be accepted: {reason}.",
    )


def authority(url: str) -> str:
    """Return `@authority`: host in small letters, and the port unless it is the scheme's own (RFC 9421 §2.2.3)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in {None, _PORTS.get(parts.scheme)} else f"{host}:{parts.port}"


def _dictionary(message: SignedMessage, name: str) -> Mapping[str, Item | InnerList]:
    value = message.field(name) or ""
    if len(value) > _MAX_FIELD:
        raise malformed_signature(f"{name} is longer than {_MAX_FIELD} characters")
    try:
        return parse_dictionary(value)
    except NotStructured as wrong:
        raise malformed_signature(f"{name}: {wrong}") from None


def _component(message: SignedMessage, component: Item) -> str:
    """Return the value of one covered component."""
    name = component.value
    if not isinstance(name, str) or type(name) is not str or name != name.lower():
        raise malformed_signature("a component is a text in small letters")
    if message.status is not None:
        return _answer_component(message, name, component.parameters)
    if name == "@query-param":
        return _query_parameter(message, component.parameters)
    if name.startswith("@"):
        if component.parameters:
            raise malformed_signature(f"parameters of {name} are not supported")
        return _derived(message, name)
    return _field(message, name, component.parameters)


def _answer_component(message: SignedMessage, name: str, parameters: Parameters) -> str:
    """Return a component of an answer, or with `req` one of its request (RFC 9421 §2.4)."""
    if parameters == {"req": True} and name.startswith("@"):
        return _derived(message, name)
    if name == "@status" and not parameters:
        return str(message.status)
    if name.startswith("@") or "req" in parameters:
        raise malformed_signature(f"{name} is not supported in an answer")
    return _field(message, name, parameters)


def _derived(message: SignedMessage, name: str) -> str:
    """Return a derived component (RFC 9421 §2.2)."""
    parts = urlsplit(message.url)
    path, query = parts.path or "/", f"?{parts.query}"
    values = {
        "@method": message.method,
        "@target-uri": message.url,
        "@authority": authority(message.url),
        "@scheme": parts.scheme,
        "@path": path,
        "@query": query,
        "@request-target": path + (query if parts.query else ""),
    }
    if name not in values:
        raise malformed_signature(f"{name} is not supported")
    return values[name]


def _query_parameter(message: SignedMessage, parameters: Parameters) -> str:
    """Return the value of a parameter that stands once in the query, encoded anew (RFC 9421 §2.2.8)."""
    pairs = parse_qsl(urlsplit(message.url).query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    values = [value for name, value in pairs if quote(name, safe=_SAFE) == parameters.get("name")]
    if parameters.keys() != {"name"} or len(values) != 1:
        raise malformed_signature("@query-param must name a parameter that appears once")
    return quote(values[0], safe=_SAFE)


def _field(message: SignedMessage, name: str, parameters: Parameters) -> str:
    """Return a header's value, or with `key` one member of its dictionary (RFC 9421 §2.1.2)."""
    value = message.field(name)
    if value is None or parameters.keys() - {"key"}:
        raise malformed_signature(f"{name} is covered and absent, or covered in a form that is not supported")
    if not parameters:
        return value
    member = _dictionary(message, name).get(str(parameters["key"]))
    if member is None:
        raise malformed_signature(f"{name} has no such member")
    return str(member)
