"""Secrets and personal numbers in incoming data: detection, and redaction before anything is stored.

Findings are offsets; they never carry the value.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final, TypeAlias

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.param_paths import ParamPath
from remit.domain.secrets.contacts import find_contact_details
from remit.domain.secrets.decoders import BETWEEN
from remit.domain.secrets.key_material import find_in_plain_text, find_in_reversed_text
from remit.domain.secrets.kinds import Found, SecretClass
from remit.domain.secrets.labelled import find_labelled_values, is_label
from remit.domain.secrets.obfuscation import (
    DecodedText,
    has_reversed_label,
    obfuscated_readings,
    plain_reading,
    reversed_reading,
)
from remit.domain.secrets.repeats import MAX_KNOWN, KnownSecret, find_repeats, known_secrets
from remit.domain.secrets.tokens import is_numbered, may_be_backwards
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject

_REMOVED: Final = re.compile(r"\[[a-z_]+ removed\]", re.ASCII)
_GUESSED_KINDS: Final = frozenset({"password", "url_password"})
_MIN_FINGERPRINTED_LENGTH: Final = 16  # shorter values are passwords or codes by another name, and can be guessed
_MAX_LABEL_LENGTH: Final = 200
"""⚔ A label is re-read with each value under it and may be as long as a message: only its end counts."""
_MAX_WHERE_LENGTH: Final = 200
_NUMBERS_EXPECTED: Final = frozenset({MarkKind.ATTRIBUTE, MarkKind.MONEY, MarkKind.RECIPIENT, MarkKind.RESOURCE})


@struct(frozen=True, kw_only=True, order=True)
class SecretFinding:
    """Secret by its place: `start` and `end` are character offsets into the text."""

    start: int
    end: int
    kind: str
    group: SecretClass

    @property
    def fingerprint(self) -> bool:
        """Whether a keyed fingerprint may be kept. ⚔ Never of guessable values: PIN, CVV, code, card, id, password."""
        return (
            self.group is SecretClass.CREDENTIAL
            and self.kind not in _GUESSED_KINDS
            and self.end - self.start >= _MIN_FINGERPRINTED_LENGTH
        )


@struct(frozen=True, kw_only=True)
class RemovedSecret:
    """Redacted secret: its place and kind; `credential` is its text where a keyed fingerprint may be kept."""

    where: str
    kind: str
    credential: str = field(default="", repr=False)


def removed_secrets(where: str, text: str, findings: Collection[SecretFinding]) -> tuple[RemovedSecret, ...]:
    """Return the findings of a text as they may be disclosed: guessable values by their kind alone."""
    return tuple(
        RemovedSecret(
            where=where, kind=found.kind, credential=text[found.start : found.end] if found.fingerprint else ""
        )
        for found in findings
    )


def find_secrets(
    text: str, *, contacts: bool = False, known: Collection[KnownSecret] = ()
) -> tuple[SecretFinding, ...]:
    """Find secrets and personal numbers in a text, in order, not overlapping; each wherever it stands again.

    Reads through full-width and invisible characters, spacing, line breaks, hex, base64, percent encoding and reversal.
    `contacts` adds e-mail addresses and phone numbers; `known` are secrets of other texts, to be found here too.

    Source: docs/model/model.md#inbound, docs/model/peers.md#p11.
    """
    if not text:
        return ()
    plain = plain_reading(text)
    found = _merged(list(_all(plain, contacts=contacts)))
    known = (*secret_values(text, found), *known)
    return found if not known else _merged([*found, *_repeated(plain, known)])


def secret_values(text: str, findings: Iterable[SecretFinding]) -> tuple[KnownSecret, ...]:
    """Return the values of a text's findings, each once, for finding them again. ⚔ Nothing may store them."""
    values: dict[KnownSecret, None] = {}
    for found in findings:
        if len(values) >= MAX_KNOWN:
            break
        values |= dict.fromkeys(known_secrets(text[found.start : found.end], found.kind, found.group))
    return tuple(values)


def _repeated(plain: DecodedText, known: Collection[KnownSecret]) -> Iterator[SecretFinding]:
    for kind, start, end, group in find_repeats(plain, known):
        yield SecretFinding(start=start, end=end, kind=kind, group=group)


def find_labelled(label: str, text: str, *, known: Collection[KnownSecret] = ()) -> tuple[SecretFinding, ...]:
    """Find secrets in a text under a label: a member of JSON, a header, a column, a parameter.

    Offsets are those of the text. Short harmless values, which fill files, cost little.

    Source: docs/model/model.md#inbound.
    """
    named = is_label(label[-_MAX_LABEL_LENGTH:].replace("_", " "))
    harmless = len(text) < _MIN_ALONE_LENGTH and not any(map(str.isdigit, text))
    if harmless and not named and not known:
        return ()
    before = _before(label)
    findings = find_secrets(text, known=known) if known or named or is_numbered(before, len(before)) else ()
    return _merged([*findings, *_within(len(before), len(text), find_secrets(before + text))])


def find_in_values(
    values: Sequence[tuple[str, str]], *, known: Collection[KnownSecret] = ()
) -> tuple[tuple[SecretFinding, ...], ...]:
    """Find secrets in many labelled texts at once, with offsets of each text.

    All are read in one pass, equal ones once: a browser's recording repeats its headers ten thousand times. `known` are
    found again in each; what one of these reveals is not.

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
    plain = plain_reading("".join(pieces))
    for finding in _merged([*_all(plain, contacts=False), *_repeated(plain, known)]):
        # A finding that begins in one text and ends in another, as an unended private key, counts in all it touches.
        first, last = (max(0, bisect_right(starts, at) - 1) for at in (finding.start, finding.end - 1))
        for start in starts[first : last + 1]:
            found.setdefault(start, []).append(finding)
    return tuple(
        _within(start, len(pair[1]), found[start]) if (start := places[pair]) in found else () for pair in values
    )


def _before(label: str) -> str:
    return f"{label[-_MAX_LABEL_LENGTH:].replace('_', ' ')}: "


def _within(start: int, size: int, findings: Iterable[SecretFinding]) -> tuple[SecretFinding, ...]:
    """Return findings of the whole as those of the text at `start`; an overhang is cut off."""
    return tuple(
        replace(found, start=max(0, found.start - start), end=min(found.end - start, size))
        for found in findings
        if found.end > start and found.start - start < size
    )


_MIN_ALONE_LENGTH: Final = 11
"""Digits of a national number: a shorter text is a secret only under its label or with a digit."""


def _all(plain: DecodedText, *, contacts: bool) -> Iterator[SecretFinding]:
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
    """Join overlapping findings; the stricter of two classes wins."""
    out: list[SecretFinding] = []
    for finding in sorted(findings):
        if not out or finding.start >= out[-1].end:
            out.append(finding)
            continue
        last = out.pop()
        strict = min(last, finding, key=lambda found: _STRICTEST.index(found.group))
        out.append(replace(strict, start=last.start, end=max(last.end, finding.end)))
    return tuple(out)


def redact(text: str, findings: Collection[SecretFinding]) -> str:
    """Return the text with each finding replaced by its kind in brackets."""
    return replace_spans(text, ((found.start, found.end, f"[{found.kind} removed]") for found in sorted(findings)))


def replace_spans(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    """Return the text with each span, in order of their starts, replaced by its mark; nested ones vanish."""
    out: list[str] = []
    at = 0
    for start, end, mark in spans:
        if end > at:
            out += [text[at : max(at, start)], mark]
            at = end
    return "".join([*out, text[at:]])


def mentions_redaction(text: str) -> bool:
    """Return whether a text carries a mark of `redact`."""
    return _REMOVED.search(text) is not None


_Seen: TypeAlias = tuple[str, str, tuple[SecretFinding, ...]]
"""Place, text, and its findings."""


@struct(frozen=True, kw_only=True)
class RedactedParams:
    """Params without their secrets, the findings by place (for the desk), and their disclosable form."""

    params: JsonObject
    findings: tuple[tuple[str, SecretFinding], ...]
    taken: tuple[RemovedSecret, ...] = ()
    values: tuple[KnownSecret, ...] = field(default=(), repr=False)


@struct(frozen=True)
class _ParamsReader:
    """Annotations of an action's params, secrets known from other texts, and the findings so far."""

    marks: Mapping[ParamPath, MarkKind]
    known: Collection[KnownSecret]
    texts: Collection[str] | None
    found: list[_Seen]

    def reads(self, text: str) -> bool:
        """Whether a text is searched."""
        return self.texts is None or text in self.texts


def redact_params(
    params: JsonObject,
    action: Action | None,
    *,
    known: Collection[KnownSecret] = (),
    texts: Collection[str] | None = None,
) -> RedactedParams:
    """Redact every text and number in the params, keys included, before they are stored, logged or shown in an error.

    A member's name is the label of its value. Where the action expects a number with check digits (a record, a
    recipient, an attribute, money), only credentials and codes are secrets; an unknown action expects nothing.
    `known` are secrets of the ask's other texts; what one param reveals is not searched for in the others. With `texts`
    only these are read; the schema says what every other is.

    Source: docs/model/model.md#redact.
    """
    found: list[_Seen] = []
    marks = {mark.path: mark.kind for mark in action.marks} if action else {}
    cleaned = _object(params, ParamPath(()), _ParamsReader(marks, known, texts, found))
    taken = tuple(secret for where, text, findings in found for secret in removed_secrets(where, text, findings))
    placed = tuple((where, finding) for where, _, findings in found for finding in findings)
    values = dict.fromkeys(value for _, text, findings in found for value in secret_values(text, findings))
    return RedactedParams(params=cleaned, findings=placed, taken=taken, values=tuple(values))


def _object(members: JsonObject, path: ParamPath, reader: _ParamsReader) -> JsonObject:
    out: dict[str, Json] = {}
    for key, value in members.items():
        findings = find_secrets(key, known=reader.known)
        name = redact(key, findings)
        if findings:
            reader.found.append((str(path.child(name))[:_MAX_WHERE_LENGTH], key, findings))
        out[name] = _value(value, path.child(name), reader)
    return out


def _value(value: Json, path: ParamPath, reader: _ParamsReader) -> Json:
    if isinstance(value, Mapping):
        return _object(value, path, reader)
    if isinstance(value, list | tuple):
        return [_value(item, path.child(None), reader) for item in value]
    if value is None or isinstance(value, bool) or (isinstance(value, str) and not reader.reads(value)):
        return value
    written = f"{value}"
    findings = _in_text(written, path, reader)
    if not findings:
        return value
    reader.found.append((str(path)[:_MAX_WHERE_LENGTH], written, findings))
    return redact(written, findings) if isinstance(value, str) else f"[{findings[0].kind} removed]"


def _in_text(text: str, path: ParamPath, reader: _ParamsReader) -> tuple[SecretFinding, ...]:
    if reader.marks.get(path) in _NUMBERS_EXPECTED:
        kept = {SecretClass.CREDENTIAL, SecretClass.GUESSABLE}
        return tuple(found for found in find_secrets(text, known=reader.known) if found.group in kept)
    label = next((step for step in reversed(path.steps) if step is not None), "")
    return find_labelled(label, text, known=reader.known)
