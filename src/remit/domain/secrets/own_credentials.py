"""Candidates for this desk's own credentials in a text, in any disguise; only a look-up tells whether one is real."""

import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from itertools import chain
from typing import Final
from urllib.parse import unquote

from remit.domain.secrets.obfuscation import deobfuscated_readings
from remit.domain.structs import struct
from remit.domain.text.normalize import fold_text
from remit.domain.values import Json

MIN_LENGTH: Final = 32
"""⚔ Shortest credential of this desk: a shorter text holds none, however written."""
_FEWEST: Final = 30
"""Letters of the shortest one."""
_LIMIT: Final = 64
"""Candidates looked up per text, and as many again without a recognisable form; more is noise."""
_PLAIN: Final = frozenset({"code", "invitation"})
"""Random letters that fill every log: ⚔ they must not use up the room of recognisable ones."""
_LONG: Final = 65_536
_SHORT: Final = 15
_BREAK: Final = re.compile(r"(?<=\S)[ \t]?\r?\n(?=\S)")
_SPACED: Final = re.compile(r"(?<!\S)(?:\S[ \t]){31,4000}\S(?!\S)")
_ESCAPED: Final = re.compile(r"(?:%[0-9A-Fa-f]{2}[^\s%]{0,8}){32,4000}")
_MAX_ASSERTIONS: Final = 4
_JWT: Final = "eyJ"
_RUN: Final = re.compile(r"[A-Za-z0-9_.-]{100,}")
_SIGNATURE: Final = 86
"""Length of an ES256 signature."""
_HIDING: Final = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
_OPAQUE: Final = re.compile(r"[A-Za-z0-9_-]{32,}")
_SESSION: Final = re.compile(r"rs_[A-Za-z0-9_-]{43}")
_REQUEST: Final = re.compile(r"req_[a-z2-7]{26}")
REFRESH_TOKEN: Final = re.compile(r"fam_[a-z2-7]{26}\.[1-9][0-9]{0,8}\.[A-Za-z0-9_-]{43}")
"""A refresh token of this desk: family, number and MAC."""
_CODE: Final = 43
"""Length of an authorization code: 32 random bytes."""
_INVITATION: Final = 32
"""Length of a one-time enrolment or recovery code: 24 random bytes."""


class OwnCredentialKind(StrEnum):
    """Kind of this desk's own credential."""

    ASSERTION = "assertion"
    CODE = "code"
    INVITATION = "invitation"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  # a name, not a secret
    REQUEST = "request"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105  # a name, not a secret


@struct(frozen=True, kw_only=True)
class OwnCredential:
    """Candidate for a credential of this desk. ⚔ The value is only for the look-up and never kept."""

    kind: OwnCredentialKind
    value: str = field(repr=False)


def is_too_short(text: str) -> bool:
    """Return whether a text has fewer letters than any credential of this desk, however they are spread.

    ⚔ That holds for ASCII alone: elsewhere one character may stand for several.
    """
    return text.isascii() and len(text) < 2 * MIN_LENGTH and len("".join(text.split())) < _FEWEST


def deobfuscate(text: str, *, whole: bool = False) -> tuple[str, ...]:
    """Return a text in every reading that could show a credential: as it stands, reversed, and out of each disguise.

    A text too short for a credential is read as it stands, unless `whole`.

    ⚔ Nested disguises are undone once more where the inner text could hold a credential.

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
    """Return a long text's readings: as it stands, lines joined, reversed, and hidden text piece by piece.

    Offsets are not kept: they would cost more than everything else.
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
    """Return the decoded base64 or hexadecimal text of a run, "" where it is no text."""
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
    """Return the candidates in the readings of a text, each once, up to a limit."""
    found: dict[OwnCredential, None] = {}
    kept: defaultdict[bool | OwnCredentialKind, int] = defaultdict(int)
    for trace in chain.from_iterable(map(_in_reading, seen)):
        plain = trace.kind in _PLAIN
        # ⚔ The keys to verify an assertion may have to be fetched: one text must not cause many fetches.
        too_many = trace.kind is OwnCredentialKind.ASSERTION and kept[trace.kind] >= _MAX_ASSERTIONS
        if trace not in found and kept[plain] < _LIMIT and not too_many:
            kept[plain] += 1
            kept[trace.kind] += 1
            found[trace] = None
    return tuple(found)


def _in_reading(text: str) -> Iterator[OwnCredential]:
    if _JWT in text:
        yield from _signed(text)
    for session in _SESSION.findall(text):
        yield OwnCredential(kind=OwnCredentialKind.SESSION, value=session)
    for refresh in REFRESH_TOKEN.findall(text):
        yield OwnCredential(kind=OwnCredentialKind.REFRESH_TOKEN, value=refresh)
    for request in _REQUEST.findall(text):
        yield OwnCredential(kind=OwnCredentialKind.REQUEST, value=request)
    for run in _OPAQUE.findall(text):
        # Random letters have capitals and small ones; digests in hexadecimal do not.
        if len(run) == _CODE and _mixed(run):
            yield OwnCredential(kind=OwnCredentialKind.CODE, value=run)
        elif len(run) == _INVITATION and _mixed(run):
            yield OwnCredential(kind=OwnCredentialKind.INVITATION, value=run)


def _mixed(run: str) -> bool:
    return run != run.lower() and run != run.upper()


def _signed(text: str) -> Iterator[OwnCredential]:
    for run in _RUN.finditer(text):
        pieces = run[0].split(".")
        for first, second, third in zip(pieces, pieces[1:], pieces[2:], strict=False):
            at = first.find(_JWT)
            if at >= 0 and len(third) >= _SIGNATURE:
                yield OwnCredential(kind=OwnCredentialKind.TOKEN, value=f"{first[at:]}.{second}.{third[:_SIGNATURE]}")
                # An agent's assertion is signed with a key of its own, of any kind.
                yield OwnCredential(kind=OwnCredentialKind.ASSERTION, value=f"{first[at:]}.{second}.{third}")


def flatten_text(value: Json) -> str:
    """Return every text in a value, one per line, followed by all member names: split credentials stand together.

    ⚔ Iterative: the value's depth may not have been checked yet.
    """
    texts: list[str] = []
    names: dict[str, None] = {}
    left: list[Json] = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            texts.append(item)
        elif isinstance(item, Mapping):
            names.update(dict.fromkeys(item))
            left.extend(reversed(list(item.values())))
        elif isinstance(item, list | tuple):
            left.extend(reversed(item))
    return "\n".join([*texts, *names])
