"""Subjects of security events: parsed with narrow limits, and compared.

Source: RFC 9493; SSF 1.0 §3.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject
from remit.proof.canonical import canonical

MAX_SUBJECT: Final = 4096
"""The longest subject, in bytes of canonical JSON."""
_MAX_TEXT: Final = 2048
_MAX_MEMBERS: Final = 16
_COMPLEX: Final = "complex"
_ALIASES: Final = "aliases"
_SIMPLE: Final[Mapping[str, tuple[str, ...]]] = {
    "account": ("uri",),
    "did": ("url",),
    "email": ("email",),
    "iss_sub": ("iss", "sub"),
    "jwt_id": ("iss", "jti"),
    "opaque": ("id",),
    "phone_number": ("phone_number",),
    "saml_assertion_id": ("issuer", "assertion_id"),
    "uri": ("uri",),
}
"""The members that each simple format requires; other formats are taken and match nothing here."""


@struct(frozen=True)
class Subject:
    """A verified subject: its simple identifiers by their role ("" for a subject of one alone)."""

    members: tuple[tuple[str, JsonObject], ...]

    def of(self, *roles: str) -> tuple[JsonObject, ...]:
        """Return the identifiers of these roles."""
        return tuple(one for role, one in self.members if role in roles)


def verify_subject(value: Json) -> Subject:
    """Parse a subject.

    Raises:
        Refused: `request.malformed`.

    Source: RFC 9493 §3; SSF 1.0 §3.2, §3.3.
    """
    if not isinstance(value, Mapping) or len(canonical(value)) > MAX_SUBJECT:
        raise _wrong(f"must be an object of at most {MAX_SUBJECT} bytes")
    if value.get("format") != _COMPLEX:
        return Subject(tuple(("", one) for one in _identifiers(value)))
    members = {role: one for role, one in value.items() if role != "format"}
    if not members:
        raise _wrong("must have a member")
    if len(members) > _MAX_MEMBERS:
        raise _wrong(f"must have at most {_MAX_MEMBERS} members")
    return Subject(tuple((role, each) for role, one in members.items() for each in _identifiers(one)))


def subject_text(value: JsonObject) -> str:
    """Return the canonical text of a subject, by which it is stored and compared."""
    return canonical(value).decode()


def matches(pattern: JsonObject, subject: JsonObject) -> bool:
    """Return whether a subject is one that a receiver named: equal, one of its members, or equal where both speak.

    Source: SSF 1.0 §8.1.3.1 (subject matching).
    """
    if pattern == subject:
        return True
    if subject.get("format") != _COMPLEX:
        return False
    members = {role: one for role, one in subject.items() if role != "format"}
    if pattern.get("format") != _COMPLEX:
        return pattern in members.values()
    named = {role: one for role, one in pattern.items() if role != "format"}
    return all(role in members and members[role] == one for role, one in named.items())


def _identifiers(value: Json) -> Sequence[JsonObject]:
    """Return the simple identifiers of one member; `aliases` are several of the same subject."""
    if not isinstance(value, Mapping):
        raise _wrong("a member must be an object")
    if value.get("format") != _ALIASES:
        return (_simple(value),)
    several = value.get("identifiers")
    if not isinstance(several, Sequence) or isinstance(several, str) or not 0 < len(several) <= _MAX_MEMBERS:
        raise _wrong(f"aliases are 1 to {_MAX_MEMBERS} identifiers")
    return tuple(_simple(one) for one in several)


def _simple(value: Json) -> JsonObject:
    if not isinstance(value, Mapping):
        raise _wrong("an identifier must be an object")
    kind = value.get("format")
    if not isinstance(kind, str) or not kind or kind in {_ALIASES, _COMPLEX}:
        raise _wrong("an identifier must name its format")
    for name in _SIMPLE.get(kind, ()):
        text = value.get(name)
        if not isinstance(text, str) or not 0 < len(text) <= _MAX_TEXT:
            raise _wrong(f"{kind} needs {name}, a text of 1 to {_MAX_TEXT} characters")
    return value


def _wrong(reason: str) -> Refused:
    return Refused(Code.REQUEST_MALFORMED, f"subject: {reason}", public=f"The subject cannot be accepted: {reason}.")
