"""Redaction of a file's pieces, each read under its label, and the report of removed secrets.

Each format's module yields the pieces. Findings never carry a guessable value.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from remit.domain.secrets.find import (
    RemovedSecret,
    SecretFinding,
    find_in_values,
    find_secrets,
    redact,
    removed_secrets,
    secret_values,
)
from remit.domain.secrets.repeats import MAX_KNOWN, KnownSecret

_MAX_LABEL_LENGTH: Final = 60
"""⚔ A label is re-read with each value under it: only its end counts."""
_MAX_WHERE_LENGTH: Final = 200
_MAX_TOLD: Final = 200
"""⚔ Secrets reported one by one; the rest are counted."""
_PIECE: Final = 12
"""Longest value that may be a fragment of another; a split number is split into short ones."""
_FEWEST_DIGITS: Final = 4
_ALWAYS: Final = re.compile(
    r"authori[sz]ation|cookie|token|secret|passw|passcode|passphrase|pwd|api[-_ ]?key|access[-_ ]?key|session|csrf|xsrf|signature|credential"
    r"|(?:^|[-_.\[])(?:auth|key|sid|sig|otp|pin|cvv|cvc|code|jwt|saml\w*)(?:$|[-_.\]])",
    re.IGNORECASE,
)
_HEADER_NAMES: Final = (
    "authorization cookie set-cookie set-cookie2 proxy-authorization x-api-key api-key apikey x-auth-token dpop"
)
_HEADERS: Final = frozenset(_HEADER_NAMES.split())


class FileScrubber:
    """File under redaction: secrets removed so far, and every piece read before.

    A recorded session repeats a header a thousand times: each label with its value is read once.
    """

    writes = True
    """Whether the cleaned file will be written; otherwise it is not put together."""

    def __init__(self, where: str, known: Sequence[KnownSecret] = ()) -> None:
        """Take the file's place in the ask, and secrets of the ask's other texts."""
        self._where = where
        self.known = known
        self.values: dict[KnownSecret, None] = {}
        self.documents: dict[str, Any] = {}
        """Values that are documents in text form, parsed; None for other text."""
        self.seen: list[str] = []
        self.taken: list[RemovedSecret] = []
        self.counts: Counter[str] = Counter()
        self._read: dict[tuple[str, str], tuple[str, tuple[SecretFinding, ...]]] = {}

    def note_decoded(self, text: str) -> str:
        """Record decoded text before redaction, and return it.

        ⚔ A credential of this desk in it is invisible in the original bytes, and must still be revoked.

        Source: docs/model/model.md#leaks.
        """
        self.seen.append(text)
        return text

    def prescan(self, clean: Callable[["FileScrubber"], object]) -> None:
        """Read all labelled values of a cleaning in one pass: ten thousand small values cost as much as one text.

        `clean` runs an extra time to collect them; values it reads otherwise later are read one by one.
        """
        first = _ScrubPrescan(self._where)
        first.seen = self.seen  # ⚔ decoded text must be known even if the file is held back at once
        first.documents = self.documents
        clean(first)
        pairs = tuple(first.pairs)
        for (label, text), findings in zip(pairs, find_in_values(pairs, known=self.known), strict=True):
            self._read[label, text] = (redact(text, findings) if findings else text, findings)

    def plain(self, text: str, at: str = "") -> str:
        """Return a text without its secrets."""
        if not text:
            return text
        findings = find_secrets(text, known=self.known)
        self._note(at, text, findings)
        return redact(text, findings) if findings else text

    def labelled(self, label: str, text: str, at: str = "") -> str:
        """Return a value without its secrets, read under its label."""
        if not text:
            return text
        known = self._read.get((label, text))
        if known is None:
            known_here = self.known
            findings = (
                find_in_values(((label, text),), known=known_here)[0] if label else find_secrets(text, known=known_here)
            )
            known = self._read[label, text] = (redact(text, findings) if findings else text, findings)
        self._note(at or label, text, known[1])
        return known[0]

    def scrub_adjacent(self, values: Sequence[str], at: str) -> list[str]:
        """Redact values that read as one: ⚔ a number split over them is found, and each piece removed."""
        out = list(values)
        start = 0
        while start < len(out):
            end = start
            while end < len(out) and len(out[end]) <= _PIECE:
                end += 1
            digits = sum(letter.isdigit() for value in out[start:end] for letter in value)
            if end - start > 1 and digits >= _FEWEST_DIGITS:
                out[start:end] = self._joined(out[start:end], at)
            start = max(end, start + 1)
        return out

    def _joined(self, values: list[str], at: str) -> list[str]:
        joined = " ".join(values)
        findings = find_secrets(joined, known=self.known)
        out: list[str] = []
        start = 0
        for value in values:
            end = start + len(value)
            cut = [found for found in findings if found.start < end and found.end > start]
            split = value and any(found.start < start or found.end > end for found in cut)
            out.append(f"[{cut[0].kind} removed]" if split else value)
            start = end + 1
        if out != values:
            self._note(at, joined, findings)
        return out

    def drop(self, kind: str, at: str) -> str:
        """Remove a piece whatever its content, and return the mark in its place."""
        self.counts[kind] += 1
        if len(self.taken) < _MAX_TOLD:
            self.taken.append(RemovedSecret(where=self._place(at), kind=kind))
        return f"[{kind} removed]"

    def drop_unreadable(self, kind: str) -> str:
        """Drop a piece that is no secret but unreadable, and return the mark in its place."""
        self.counts[kind] += 1
        return f"[{kind} removed]"

    def _note(self, at: str, text: str, findings: Collection[SecretFinding]) -> None:
        if not findings:
            return
        self.counts.update(found.kind for found in findings)
        if len(self.taken) < _MAX_TOLD:
            self.taken += removed_secrets(self._place(at), text, findings)
        if len(self.values) < MAX_KNOWN:
            self.values |= dict.fromkeys(secret_values(text, findings))

    def _place(self, at: str) -> str:
        """Return a place as recorded. ⚔ The name of a member, a cookie or a column may itself be a secret."""
        if len(at) > _MAX_WHERE_LENGTH:
            return f"{self._where} under a long name"
        place = f"{self._where} {at}".strip()
        return redact(place, find_secrets(place))[:_MAX_WHERE_LENGTH]


class _ScrubPrescan(FileScrubber):
    """Collects the labelled values of a cleaning; removes nothing."""

    writes = False

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.pairs: dict[tuple[str, str], None] = {}

    def plain(self, text: str, at: str = "") -> str:
        del at
        return text

    def labelled(self, label: str, text: str, at: str = "") -> str:
        del at
        if label and text:
            self.pairs[label, text] = None
        return text

    def scrub_adjacent(self, values: Sequence[str], at: str) -> list[str]:
        del at
        return list(values)


def always_secret(name: str) -> bool:
    """Return whether values under a name in a request are removed whatever they look like.

    ⚔ A session id, an API key of the desk's own making or a one-time code has no recognisable shape.

    Source: docs/model/model.md#inbound.
    """
    return _ALWAYS.search(name[-_MAX_LABEL_LENGTH:]) is not None


def is_secret_header(name: str) -> bool:
    """Return whether a member of any document is a header that carries credentials."""
    return name.lower() in _HEADERS
