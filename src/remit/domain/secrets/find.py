"""Secrets and personal numbers in what comes in: finding them, and taking them out before anything is kept.

Shapes are in `secret_shapes`, disguises in `secret_disguises`. Findings are offsets; they never carry the value.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, TypeAlias

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.param_paths import ParamPath
from remit.domain.secrets.contacts import find_contact_details
from remit.domain.secrets.decoders import BETWEEN
from remit.domain.secrets.formats import find_in_plain_text, find_in_reversed_text
from remit.domain.secrets.kinds import Found, SecretClass
from remit.domain.secrets.labelled import find_labelled_values, is_label
from remit.domain.secrets.obfuscation import has_reversed_label, obfuscated_readings, plain_reading, reversed_reading
from remit.domain.secrets.tokens import is_numbered, may_be_backwards
from remit.domain.values import Json, JsonObject

_REMOVED: Final = re.compile(r"\[[a-z_]+ removed\]", re.ASCII)
_GUESSED_KINDS: Final = frozenset({"password", "url_password"})
_MIN_FINGERPRINTED_LENGTH: Final = 16  # what is shorter is a password or a code by another name, and can be guessed
_MAX_LABEL_LENGTH: Final = 200
"""⚔ A label is read again with each value under it, and may be as long as a message: its end says what they are."""
_MAX_WHERE_LENGTH: Final = 200
_NUMBERS_EXPECTED: Final = frozenset({MarkKind.ATTRIBUTE, MarkKind.MONEY, MarkKind.RECIPIENT, MarkKind.RESOURCE})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SecretFinding:
    """One secret by its place: `start` and `end` are character offsets into the text that was read."""

    start: int
    end: int
    kind: str
    group: SecretClass

    @property
    def fingerprint(self) -> bool:
        """Whether a keyed fingerprint may be kept. ⚔ Never of what can be guessed: PIN, CVV, codes, cards, ids, passwords."""
        return (
            self.group is SecretClass.CREDENTIAL
            and self.kind not in _GUESSED_KINDS
            and self.end - self.start >= _MIN_FINGERPRINTED_LENGTH
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedSecret:
    """One secret that was taken out: where it stood and its kind. `credential` is its text where a keyed fingerprint of it may be kept."""

    where: str
    kind: str
    credential: str = field(default="", repr=False)


def removed_secrets(where: str, text: str, findings: Collection[SecretFinding]) -> tuple[RemovedSecret, ...]:
    """What was found in a text, as it may be told: of what can be guessed nothing but its kind."""
    return tuple(
        RemovedSecret(where=where, kind=one.kind, credential=text[one.start : one.end] if one.fingerprint else "")
        for one in findings
    )


def find_secrets(text: str, *, contacts: bool = False) -> tuple[SecretFinding, ...]:
    """Find secrets and personal numbers in a text, in order, not overlapping.

    Reads through full-width and invisible characters, spacing, line breaks, hex, base64, percent encoding and
    reversal. `contacts` adds e-mail addresses and phone numbers.

    Source: docs/model/model.md#inbound, docs/model/peers.md#p11.
    """
    return _merged(list(_all(text, contacts=contacts))) if text else ()


def find_labelled(label: str, text: str, *, contacts: bool = False) -> tuple[SecretFinding, ...]:
    """Find secrets in a text that stands under a name: a member of JSON, a header, a column, a parameter.

    The offsets are those of the text. It takes little time for what is short and holds nothing, for files are full of it.

    Source: docs/model/model.md#inbound.
    """
    named = is_label(label[-_MAX_LABEL_LENGTH:].replace("_", " "))
    if (
        len(text) < _MIN_ALONE_LENGTH
        and not named
        and not (contacts and "@" in text)
        and not any(map(str.isdigit, text))
    ):
        return ()
    before = _before(label)
    findings = find_secrets(text, contacts=contacts) if named or is_numbered(before, len(before)) or contacts else ()
    return _merged([*findings, *_behind(len(before), find_secrets(before + text))])


def find_in_values(
    values: Sequence[tuple[str, str]], *, contacts: bool = False
) -> tuple[tuple[SecretFinding, ...], ...]:
    """Find secrets in many texts at once, each under its name: for each, what was found in it, with offsets of that text.

    All are read in one pass, and those that are the same once: a browser's recording has its headers ten thousand times.

    Source: docs/model/model.md#inbound.
    """
    places: dict[tuple[str, str], int] = {}
    pieces: list[str] = []
    size = 0
    befores: dict[str, str] = {}
    for name, text in dict.fromkeys(values):
        before = befores.get(name) or befores.setdefault(name, _before(name))
        places[name, text] = size + len(before)
        pieces += [before, text, BETWEEN]
        size += len(before) + len(text) + len(BETWEEN)
    starts = list(places.values())
    found: dict[int, list[SecretFinding]] = {}
    for one in find_secrets("".join(pieces), contacts=contacts):
        # What begins in one text and ends in another, such as a private key without its end, is in all that it touches.
        first, last = (max(0, bisect_right(starts, at) - 1) for at in (one.start, one.end - 1))
        for start in starts[first : last + 1]:
            found.setdefault(start, []).append(one)
    return tuple(
        _within(start, len(pair[1]), found[start]) if (start := places[pair]) in found else () for pair in values
    )


def _before(label: str) -> str:
    return f"{label[-_MAX_LABEL_LENGTH:].replace('_', ' ')}: "


def _behind(size: int, findings: Iterable[SecretFinding]) -> Iterator[SecretFinding]:
    return (replace(one, start=max(0, one.start - size), end=one.end - size) for one in findings if one.end > size)


def _within(start: int, size: int, findings: Iterable[SecretFinding]) -> tuple[SecretFinding, ...]:
    """Findings of the whole as findings of a text that stands at `start` in it; what reaches beyond its end is cut."""
    return tuple(
        SecretFinding(start=max(0, one.start - start), end=min(one.end - start, size), kind=one.kind, group=one.group)
        for one in findings
        if one.end > start and one.start - start < size
    )


_MIN_ALONE_LENGTH: Final = 11
"""So many letters a national number has: what is shorter is a secret only under its name, or has a digit."""


def _all(text: str, *, contacts: bool) -> Iterator[SecretFinding]:
    plain = plain_reading(text)
    for found in find_in_plain_text(plain.text):
        yield _finding(found, plain.span(found[1], found[2]))
    for found in find_contact_details(plain.text) if contacts else ():
        yield _finding(found, plain.span(found[1], found[2]))
    for reading in obfuscated_readings(plain):
        for found in find_in_plain_text(reading.text):
            yield _finding(found, reading.span(found[1], found[2]))
    back = reversed_reading(plain)
    for found in find_labelled_values(back.text) if has_reversed_label(plain.text.lower()) else ():
        yield _finding(found, back.span(found[1], found[2]))
    for found in find_in_reversed_text(back.text, known=may_be_backwards(plain.text)):
        yield _finding(found, back.span(found[1], found[2]))


def _finding(found: Found, span: tuple[int, int]) -> SecretFinding:
    return SecretFinding(start=span[0], end=span[1], kind=found[0], group=found[3])


_STRICTEST: Final = (SecretClass.GUESSABLE, SecretClass.PERSONAL, SecretClass.CREDENTIAL, SecretClass.CONTACT)


def _merged(findings: list[SecretFinding]) -> tuple[SecretFinding, ...]:
    """Join what overlaps; of two classes the one of which less may be kept wins."""
    out: list[SecretFinding] = []
    for one in sorted(findings):
        if not out or one.start >= out[-1].end:
            out.append(one)
            continue
        last = out.pop()
        strict = min(last, one, key=lambda finding: _STRICTEST.index(finding.group))
        out.append(SecretFinding(start=last.start, end=max(last.end, one.end), kind=strict.kind, group=strict.group))
    return tuple(out)


def redact(text: str, findings: Collection[SecretFinding]) -> str:
    """The text with each finding replaced by its kind in brackets."""
    out: list[str] = []
    at = 0
    for finding in sorted(findings):
        if finding.end <= at:
            continue
        out += [text[at : max(at, finding.start)], f"[{finding.kind} removed]"]
        at = finding.end
    return "".join([*out, text[at:]])


def mentions_redaction(text: str) -> bool:
    """Whether a text says, as `redact` does, that something was taken out of it."""
    return _REMOVED.search(text) is not None


_Seen: TypeAlias = tuple[str, str, tuple[SecretFinding, ...]]
"""Where, the text, what was found in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedParams:
    """Params without their secrets, what was found where (`path` as text, for the desk), and what may be told of it."""

    params: JsonObject
    findings: tuple[tuple[str, SecretFinding], ...]
    taken: tuple[RemovedSecret, ...] = ()


def redact_params(params: JsonObject, action: Action | None) -> RedactedParams:
    """Take secrets out of every text and number in the params, keys included, before they are stored, logged or shown in an error.

    A member's name is read as the label of its value. Where the action expects a number that proves itself (a record,
    a recipient, an attribute, money), only credentials and codes are secrets; an unknown action expects nothing.

    Source: docs/model/model.md#redact.
    """
    marks = {mark.path: mark.kind for mark in action.marks} if action else {}
    found: list[_Seen] = []
    cleaned = _object(params, ParamPath(()), marks, found)
    told = tuple(one for where, text, findings in found for one in removed_secrets(where, text, findings))
    return RedactedParams(
        params=cleaned, findings=tuple((where, one) for where, _, findings in found for one in findings), taken=told
    )


def _object(
    members: JsonObject, path: ParamPath, marks: Mapping[ParamPath, MarkKind], found: list[_Seen]
) -> JsonObject:
    out: dict[str, Json] = {}
    for key, value in members.items():
        findings = find_secrets(key)
        name = redact(key, findings)
        if findings:
            found.append((str(path.child(name))[:_MAX_WHERE_LENGTH], key, findings))
        out[name] = _value(value, path.child(name), marks, found)
    return out


def _value(value: Json, path: ParamPath, marks: Mapping[ParamPath, MarkKind], found: list[_Seen]) -> Json:
    if isinstance(value, str):
        findings = _in_text(value, path, marks)
        if not findings:
            return value
        found.append((str(path)[:_MAX_WHERE_LENGTH], value, findings))
        return redact(value, findings)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value if _value(f"{value}", path, marks, found) == f"{value}" else f"[{found[-1][2][0].kind} removed]"
    if isinstance(value, Mapping):
        return _object(value, path, marks, found)
    if isinstance(value, list | tuple):
        return [_value(one, path.child(None), marks, found) for one in value]
    return value


def _in_text(text: str, path: ParamPath, marks: Mapping[ParamPath, MarkKind]) -> tuple[SecretFinding, ...]:
    if marks.get(path) in _NUMBERS_EXPECTED:
        return tuple(one for one in find_secrets(text) if one.group in {SecretClass.CREDENTIAL, SecretClass.GUESSABLE})
    return find_labelled(next((step for step in reversed(path.steps) if step is not None), ""), text)
