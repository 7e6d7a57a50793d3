"""Taking secrets out of the pieces of a file, each read under its label, and telling what was taken.

What the pieces are is for the module of each format. Findings never carry a value that can be guessed.
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
)

_MAX_LABEL_LENGTH: Final = 60
"""⚔ A label is read again with each value under it: its end says what they are."""
_MAX_WHERE_LENGTH: Final = 200
_MAX_TOLD: Final = 200
"""⚔ Of so many the desk is told each; the rest are counted."""
_PIECE: Final = 12
"""Letters of a value that may be a piece of another; a number that is cut up is cut into short ones."""
_FEWEST_DIGITS: Final = 4
_ALWAYS: Final = re.compile(
    r"authori[sz]ation|cookie|token|secret|passw|passcode|passphrase|pwd|api[-_ ]?key|access[-_ ]?key|session|csrf|xsrf|signature|credential"
    r"|(?:^|[-_.\[])(?:auth|key|sid|sig|otp|pin|cvv|cvc|code|jwt|saml\w*)(?:$|[-_.\]])",
    re.IGNORECASE,
)
_HEADERS: Final = frozenset(
    {
        "authorization",
        "cookie",
        "set-cookie",
        "set-cookie2",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "apikey",
        "x-auth-token",
        "dpop",
    }
)


class FileScrubber:
    """One file being cleaned: what was taken out of it so far, and every piece that was read before.

    A recorded session says the same header a thousand times: each label with its value is read once.
    """

    writes = True
    """Whether what is cleaned will be written: else nothing is put together."""

    def __init__(self, where: str) -> None:
        """`where` tells which file it is."""
        self._where = where
        self.documents: dict[str, Any] = {}
        """What stands as text in a value and is a document, as it was read; None for what is none."""
        self.seen: list[str] = []
        self.taken: list[RemovedSecret] = []
        self.counts: Counter[str] = Counter()
        self._read: dict[tuple[str, str], tuple[str, tuple[SecretFinding, ...]]] = {}

    def note_decoded(self, text: str) -> str:
        """Note what was unpacked or decoded, before anything is taken out of it. Returns it.

        ⚔ A credential of the desk's own in it is known to nobody who looks at the bytes that came: it must end what it opens all the same.

        Source: docs/model/model.md#leaks.
        """
        self.seen.append(text)
        return text

    def prescan(self, clean: Callable[["FileScrubber"], object]) -> None:
        """Read everything beforehand that a cleaning will read under a name, in one pass: ten thousand small values cost what one text does.

        `clean` is the cleaning; it is gone through once more to see what it reads. What it reads otherwise then is read by itself.
        """
        first = _ScrubPrescan(self._where)
        first.seen = self.seen  # ⚔ what was decoded is known also where the file is held back at once
        first.documents = self.documents
        clean(first)
        pairs = tuple(first.pairs)
        for (label, text), findings in zip(pairs, find_in_values(pairs), strict=True):
            self._read[label, text] = (redact(text, findings) if findings else text, findings)

    def plain(self, text: str, at: str = "") -> str:
        """A text without its secrets."""
        if not text:
            return text
        findings = find_secrets(text)
        self._note(at, text, findings)
        return redact(text, findings) if findings else text

    def labelled(self, label: str, text: str, at: str = "") -> str:
        """A value without its secrets, read under the name it stands under."""
        if not text:
            return text
        known = self._read.get((label, text))
        if known is None:
            findings = find_in_values(((label, text),))[0] if label else find_secrets(text)
            known = self._read[label, text] = (redact(text, findings) if findings else text, findings)
        self._note(at or label, text, known[1])
        return known[0]

    def scrub_adjacent(self, values: Sequence[str], at: str) -> list[str]:
        """Values that a reader sees as one: ⚔ a number that is cut over them is found, and each piece of it taken out."""
        out = list(values)
        start = 0
        while start < len(out):
            end = start
            while end < len(out) and len(out[end]) <= _PIECE:
                end += 1
            if end - start > 1 and sum(letter.isdigit() for one in out[start:end] for letter in one) >= _FEWEST_DIGITS:
                out[start:end] = self._joined(out[start:end], at)
            start = max(end, start + 1)
        return out

    def _joined(self, values: list[str], at: str) -> list[str]:
        joined = " ".join(values)
        findings = find_secrets(joined)
        out: list[str] = []
        start = 0
        for value in values:
            end = start + len(value)
            cut = [one for one in findings if one.start < end and one.end > start]
            out.append(
                f"[{cut[0].kind} removed]"
                if value and any(one.start < start or one.end > end for one in cut)
                else value
            )
            start = end + 1
        if out != values:
            self._note(at, joined, findings)
        return out

    def drop(self, kind: str, at: str) -> str:
        """Take something out whatever it looks like, and say so in its place."""
        self.counts[kind] += 1
        if len(self.taken) < _MAX_TOLD:
            self.taken.append(RemovedSecret(where=self._place(at), kind=kind))
        return f"[{kind} removed]"

    def drop_unreadable(self, kind: str) -> str:
        """Leave something out that is no secret but cannot be read, and say so in its place."""
        self.counts[kind] += 1
        return f"[{kind} removed]"

    def _note(self, at: str, text: str, findings: Collection[SecretFinding]) -> None:
        if not findings:
            return
        self.counts.update(one.kind for one in findings)
        if len(self.taken) < _MAX_TOLD:
            self.taken += removed_secrets(self._place(at), text, findings)

    def _place(self, at: str) -> str:
        """Where something stood, as the record says it. ⚔ The name of a member, of a cookie or of a column may itself be a secret."""
        if len(at) > _MAX_WHERE_LENGTH:
            return f"{self._where} under a long name"
        place = f"{self._where} {at}".strip()
        return redact(place, find_secrets(place))[:_MAX_WHERE_LENGTH]


class _ScrubPrescan(FileScrubber):
    """Takes nothing out, and remembers what would be read under a name."""

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
    """Whether what stands under a name in a request is taken out whatever it looks like.

    ⚔ A session's number, an API key of the desk's own making or a code for one exchange have no shape to know them by.

    Source: docs/model/model.md#inbound.
    """
    return _ALWAYS.search(name[-_MAX_LABEL_LENGTH:]) is not None


def is_secret_header(name: str) -> bool:
    """Whether a member of any document is the header that carries somebody's access."""
    return name.lower() in _HEADERS
