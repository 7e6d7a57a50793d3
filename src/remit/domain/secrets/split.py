"""Secrets whose parts stand in several messages of one task: the later part is found behind the earlier ones."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from remit.domain.secrets.entropy import is_record_id
from remit.domain.secrets.find import SecretFinding
from remit.domain.secrets.key_material import find_in_plain_text
from remit.domain.secrets.kinds import SecretClass, lowercase
from remit.domain.secrets.labelled import is_label
from remit.domain.text.normalize import fold_text

_PIECE: Final = re.compile(r"\d{2,8}(?:[ -]\d{2,8}){1,5}(?![\w-])|[A-Za-z0-9_+/=.!$%&@#~^*-]{2,80}")
_CUE: Final = re.compile(
    r"hal(?:f|ves)|part(?!y|ner)|first|second|third|rest\b|remain|continu|follow|last|next|teil|h[äa]e?lfte|erste|zweite|weiter|folgt"
)
_PREFIXED: Final = re.compile(r"[A-Za-z]{2,12}_|AKIA|eyJ|gh[ps]_")
_MIN_LENGTH: Final = 4
_MIN_RANDOM: Final = 8
"""Letters of a token's rest: shorter ones, and numbers, end an id by chance."""
_MOST: Final = 4
"""Pieces of a message that are joined with those of another."""
_BEFORE: Final = 48
_BEHIND: Final = 24
"""Letters before and behind a piece in which a word speaks of it."""


def find_split(earlier: Sequence[str], text: str) -> tuple[SecretFinding, ...]:
    """Find parts of secrets in a text that earlier texts of its task began.

    Two pieces are one secret if they are found joined and neither is alone. ⚔ Numbers beside which a message speaks of
    parts are read more strictly than others: those of two honest messages would often make a card's.

    Source: docs/model/model.md#inbound.
    """
    if not earlier:
        return ()
    plain = fold_text(text)
    return tuple(
        SecretFinding(start=span[0], end=span[1], kind=kind, group=group)
        for kind, start, end, group in _found(earlier, plain.text)
        for span in (plain.span(start, end),)
    )


def _found(earlier: Sequence[str], text: str) -> Iterator[tuple[str, int, int, SecretClass]]:
    later = [match for match in _PIECE.finditer(text) if any(map(str.isdigit, match[0]))][:_MOST]
    if not later:
        return
    low = lowercase(text)
    for before in earlier:
        low_before = lowercase(before)
        first = [match for match in _PIECE.finditer(before) if any(map(str.isdigit, match[0]))][-_MOST:]
        cued = [(match[0].rstrip(".,;:!?"), _is_cued(low_before, match)) for match in first]
        said = _CUE.search(low_before) is not None or _CUE.search(low) is not None
        for piece in later:
            value = piece[0].rstrip(".,;:!?")
            if value in before or (not value[0].isdigit() and len(value) < _MIN_LENGTH):
                continue
            beside = _is_cued(low, piece)
            found = next(filter(None, (_joined(one, value, said=near or beside) for one, near in cued)), None)
            if (
                found is None
                and said
                and is_label(before)
                and _CUE.search(low, max(0, piece.start() - _BEFORE), piece.start())
            ):
                found = "password", SecretClass.GUESSABLE
            if found is not None:
                yield found[0], piece.start(), piece.start() + len(value), found[1]


def _is_cued(low: str, piece: re.Match[str]) -> bool:
    """Return whether a message speaks of parts beside a piece."""
    return _CUE.search(low, max(0, piece.start() - _BEFORE), piece.end() + _BEHIND) is not None


def _joined(first: str, value: str, *, said: bool) -> tuple[str, SecretClass] | None:
    """Return kind and class of two pieces that are a secret only together."""
    head, rest = (re.sub(r"[ -]", "", part) if part[0].isdigit() else part for part in (first, value))
    prefixed = _PREFIXED.match(head) is not None and (said or (len(rest) >= _MIN_RANDOM and not rest.isdigit()))
    if head.isdigit() != rest.isdigit() and not prefixed:
        return None
    if is_record_id(first) or is_record_id(value):
        return None
    if not (said or prefixed) or any(True for part in (head, rest) for _ in find_in_plain_text(part)):
        return None
    for kind, start, end, group in find_in_plain_text(head + rest):
        if start < len(head) < end:
            return kind, group
    return None
