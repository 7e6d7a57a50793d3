"""Finding what could let somebody in at this desk in a text, in whatever disguise: whose it is, is for the desk to say.

The disguises are those of `secret_disguises`. Each finding is only a candidate: nothing follows from its look alone.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from remit.domain.secrets.obfuscation import deobfuscated_readings
from remit.domain.text.normalize import fold_text
from remit.domain.values import Json

MIN_LENGTH: Final = 32
"""⚔ No credential of the desk's own has fewer letters: in a shorter text there is none, however it is written."""
_LIMIT: Final = 64
"""So many candidates of one text are looked up, and so many again of those that have no look of their own; who brings more brings noise."""
_PLAIN: Final = frozenset({"code", "invitation"})
"""Letters by chance, as every log is full of: ⚔ they must not use up the room of what is known by its look."""
_LONG: Final = 65_536
_SHORT: Final = 15
_BREAK: Final = re.compile(r"(?<=\S)[ \t]?\r?\n(?=\S)")
_SPACED: Final = re.compile(r"(?<!\S)(?:\S[ \t]){31,4000}\S(?!\S)")
_ESCAPED: Final = re.compile(r"(?:%[0-9A-Fa-f]{2}[^\s%]{0,8}){32,4000}")
_MAX_ASSERTIONS: Final = 4
_JWT: Final = "eyJ"
_RUN: Final = re.compile(r"[A-Za-z0-9_.-]{100,}")
_SIGNATURE: Final = 86
"""Letters of an ES256 signature."""
_HIDING: Final = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
_OPAQUE: Final = re.compile(r"[A-Za-z0-9_-]{32,}")
_SESSION: Final = re.compile(r"rs_[A-Za-z0-9_-]{43}")
_REQUEST: Final = re.compile(r"req_[a-z2-7]{26}")
_CODE: Final = 43
"""Letters of an authorization code: 32 random bytes."""
_INVITATION: Final = 32
"""Letters of a one-time code that lets somebody enrol or recover: 24 random bytes."""


class OwnCredentialKind(StrEnum):
    """Which credential of the desk's own a text may hold."""

    ASSERTION = "assertion"
    CODE = "code"
    INVITATION = "invitation"
    REQUEST = "request"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105  # a name, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCredential:
    """What may be a credential of the desk's own. ⚔ The value is for looking it up and is kept nowhere."""

    kind: OwnCredentialKind
    value: str = field(repr=False)


def deobfuscate(text: str, *, whole: bool = False) -> tuple[str, ...]:
    """A text in every reading in which a credential could show itself: as it stands, from its end, and out of each disguise.

    A text too short for a credential of ours is read as it stands, unless the `whole` is wanted for something shorter.

    ⚔ A disguise inside another one is looked through once more, where there is enough in it to hide a credential.

    Source: docs/model/model.md#leaks; docs/model/peers.md#p11.
    """
    if len(text) < MIN_LENGTH and not whole:
        return (text,)
    if len(text) > _LONG:
        return _long(text)
    found: dict[str, None] = {}
    plain: frozenset[str] = frozenset()
    for number, reading in enumerate(deobfuscated_readings(text)):
        found[reading.text] = None
        if not number:
            plain = frozenset(_HIDING.findall(reading.text))
            if plain:
                found[reading.text[::-1]] = None
        elif came := [run for run in dict.fromkeys(_HIDING.findall(reading.text)) if run not in plain]:
            found.update((inner.text, None) for inner in deobfuscated_readings("  ".join(came)))
    return tuple(found)


def _long(text: str) -> tuple[str, ...]:
    """The readings of a long text: as it stands, with its lines joined, from its end; and what hides in it, piece by piece.

    Where each letter came from is not kept: that takes longer than all of this.
    """
    plain = fold_text(text).text
    found = dict.fromkeys((plain, _BREAK.sub("", plain), plain[::-1]))
    for whole in tuple(found)[:2]:
        pieces = [inside for run in dict.fromkeys(_HIDING.findall(whole)) if (inside := _decoded(run))]
        pieces += [piece[0].replace(" ", "").replace("\t", "") for piece in _SPACED.finditer(whole)]
        pieces += [unquote(piece[0]) for piece in _ESCAPED.finditer(whole)]
        for piece in pieces:
            found.update(dict.fromkeys(deobfuscate(piece[:_LONG])))
    return tuple(found)


def _decoded(run: str) -> str:
    """What a run of letters is in base64 or hexadecimal, "" where that is no text."""
    plain = run.rstrip("=").replace("-", "+").replace("_", "/")
    for decode in (bytes.fromhex, lambda one: b64decode(one + "=" * (-len(one) % 4), validate=True)):
        try:
            inside = decode(plain).decode("ascii")
        except ValueError:
            continue
        if len(inside) > _SHORT and inside.isprintable():
            return inside
    return ""


def find_own_credentials(seen: Sequence[str]) -> tuple[OwnCredential, ...]:
    """What may be credentials of the desk's own in the readings of a text, each once, so many at most.

    Takes as long as the readings are; what is no candidate is not looked up anywhere.
    """
    found: dict[OwnCredential, None] = {}
    assertions = told = plain = 0
    for one in seen:
        for trace in _in_reading(one):
            if trace in found:
                continue
            if trace.kind is OwnCredentialKind.ASSERTION:
                # ⚔ Whose keys it is held against may have to be fetched: nobody has the desk ask many for one text.
                assertions += 1
                if assertions > _MAX_ASSERTIONS:
                    continue
            if trace.kind in _PLAIN:
                plain += 1
                if plain > _LIMIT:
                    continue
            elif told == _LIMIT:
                continue
            else:
                told += 1
            found[trace] = None
    return tuple(found)


def _in_reading(text: str) -> Iterator[OwnCredential]:
    if _JWT in text:
        yield from _signed(text)
    for one in _SESSION.finditer(text):
        yield OwnCredential(kind=OwnCredentialKind.SESSION, value=one[0])
    for one in _REQUEST.finditer(text):
        yield OwnCredential(kind=OwnCredentialKind.REQUEST, value=one[0])
    for one in _OPAQUE.finditer(text):
        # Random letters have capitals and small ones; digests in hexadecimal do not.
        if len(one[0]) == _CODE and _mixed(one[0]):
            yield OwnCredential(kind=OwnCredentialKind.CODE, value=one[0])
        elif len(one[0]) == _INVITATION and _mixed(one[0]):
            yield OwnCredential(kind=OwnCredentialKind.INVITATION, value=one[0])


def _mixed(run: str) -> bool:
    return run != run.lower() and run != run.upper()


def _signed(text: str) -> Iterator[OwnCredential]:
    for run in _RUN.finditer(text):
        pieces = run[0].split(".")
        for first, second, third in zip(pieces, pieces[1:], pieces[2:], strict=False):
            at = first.find(_JWT)
            if at >= 0 and len(third) >= _SIGNATURE:
                yield OwnCredential(kind=OwnCredentialKind.TOKEN, value=f"{first[at:]}.{second}.{third[:_SIGNATURE]}")
                # What an agent proves itself with is signed with a key of its own, of whatever kind.
                yield OwnCredential(kind=OwnCredentialKind.ASSERTION, value=f"{first[at:]}.{second}.{third}")


def flatten_text(value: Json) -> str:
    """Every text in a value, one on each line, and every member's name behind them: what was cut in pieces stands together.

    ⚔ However deep it nests: what is looked through here may not have been measured yet.
    """
    texts: list[str] = []
    names: dict[str, None] = {}
    left: list[Json] = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            texts.append(one)
        elif isinstance(one, Mapping):
            names.update(dict.fromkeys(one))
            left.extend(reversed(list(one.values())))
        elif isinstance(one, list | tuple):
            left.extend(reversed(one))
    return "\n".join([*texts, *names])
