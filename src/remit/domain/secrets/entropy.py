"""Randomness of a value: random tokens against words, names, numbers, dates and paths.

No vendor's format is known here: randomness shows in the changes between letters, digits and pairs of letters.
"""

import re
from typing import Final

_PART: Final = re.compile(r"[A-Za-z0-9]+")
_CHANGE: Final = re.compile(r"(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")
_CASE: Final = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Z][A-Z])[a-z]")
_LETTERS: Final = re.compile(r"[a-z]+")
_DIGIT: Final = re.compile(r"[0-9]")
_LETTER: Final = re.compile(r"[A-Za-z]")
_HINT: Final = re.compile(r"[A-Za-z][0-9]|[0-9][A-Za-z]|[A-Za-z]{12}")
"""Every random value contains one of these."""
_REPEATS: Final = re.compile(r"(.)\1{5,}")
_HEX: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{8,}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ULID: Final = re.compile(
    r"(?:(?!(?:access|api|apikey|auth|bearer|code|cookie|creds?|csrf|hmac|jwt|keys?|live|login|magic|nonce|oauth|otp|pass"
    r"|passwd|password|pat|pin|pk|priv|private|pw|pwd|refresh|reset|rk|rt|sec|secrets?|seed|sess|session|sid|sig|signin|sk"
    r"|test|tok|tokens?|whsec)_)[a-z]{2,12}_)?"
    r"01[0-9A-HJKMNP-TV-Z]{24}"
)
"""A ULID of the years 2004 to 2039, with the kind of its record before it, as in `pay_01ARZ3NDEKTSV4RRFFQ69G5FAV`."""
_CHECKSUMS: Final = frozenset({40, 48, 56, 64, 96, 128})
_MAX_ID_LENGTH: Final = 32
_ORDINARY: Final = re.compile(
    r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}T[0-9:.]{4,18}(?:Z|[+-][0-9]{2}:?[0-9]{2})?"  # a time
    r"|v?[0-9]{1,5}(?:\.[0-9]{1,8}){1,4}(?:[.-]?(?:alpha|beta|rc|dev|post|build|snapshot)\.?[0-9]{0,8})?(?:\+[0-9A-Za-z.]{1,20})?"  # a version
    r"|[0-9./:,+-]+",  # numbers and signs
    re.IGNORECASE,
)
_COMMON_PAIRS: Final = (
    "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic "
    "ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un "
    "lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev "
    "ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu "
    "rn sc gi da yo cr cl du ga qu ue ff ba ey ls va um pp ua up lu go ht ru ug ds lt pi rc rr eg au ck ew mu br bi pt "
    "ak pu ui rg ib tl ny ki rk ys ob mm fu sk pa ze ft gl nk nu ms dd eu tz zu ok kt ks sw ub sl dr og ud vo my ip gn "
    "ph hu"
)
_PAIRS: Final = frozenset(_COMMON_PAIRS.split())
"""Pairs of letters that English and related words are made of; of random pairs, under four in ten are among them."""
_WORDLY: Final = 0.62
_MIXED: Final = 0.52
_CHANGES_ENOUGH: Final = 3
_MIN_MIXED_LENGTH: Final = 6
_MIN_LETTERS_LENGTH: Final = 12
_MIN_HALF_LENGTH: Final = 12
_MIN_THIRD_LENGTH: Final = 8
_STRANGE: Final = 0.42
_LONG: Final = 16
_PIECES: Final = 3


def is_mask(value: str) -> bool:
    """Return whether a value is a mask, such as `sk_live_xxxxxxxxxxxx`."""
    return _REPEATS.search(value) is not None and len(set(value)) < 12  # noqa: PLR2004  # a mask has few different letters


def is_public_identifier(value: str) -> bool:
    """Return whether a value is a checksum, a UUID, a ULID or the like: random, but public by design.

    ⚔ Not behind a prefix that names a credential.
    """
    if _HEX.fullmatch(value):
        return len(value) <= _MAX_ID_LENGTH or len(value.removeprefix("0x")) in _CHECKSUMS
    return is_record_id(value)


def is_record_id(value: str) -> bool:
    """Return whether a value is a whole UUID or ULID, which begins and ends no longer value."""
    return _UUID.fullmatch(value) is not None or _ULID.fullmatch(value) is not None


def is_ordinary(value: str) -> bool:
    """Return whether a value is a time, a version, or numbers and signs."""
    return _ORDINARY.fullmatch(value) is not None


def is_mixed(value: str) -> bool:
    """Return whether a value mixes enough letters and digits to be no word, as behind the label token or key."""
    if is_mask(value):
        return False
    if _DIGIT.search(value) and _LETTER.search(value):
        return len(set(value)) >= 5  # noqa: PLR2004  # "aa11" is no key
    return randomness(value) >= _MIN_LETTERS_LENGTH


def randomness(value: str) -> int:
    """Count the letters and digits of a value in parts that are no word and no number.

    Such a part mixes letters and digits repeatedly, or has letters in an order that no word has.
    """
    if _HINT.search(value) is None:
        return 0
    parts = _PART.findall(value)
    size = sum(len(part) for part in parts if _is_random_part(part))
    return size if size >= _MIN_LETTERS_LENGTH or len(parts) < _PIECES else max(size, _in_pieces(parts))


def is_cased(value: str) -> bool:
    """Return whether small and large letters alternate more often than in any name."""
    return len(_CASE.findall(value)) * 6 > len(value) >= _LONG


def is_unlikely_word(word: str) -> bool:
    """Return whether a word's letters follow each other as in hardly any: it may be the rest of a random value."""
    return len(word) >= _MIN_THIRD_LENGTH and _likeness_to_words(word) < _STRANGE


def may_be_random(value: str) -> bool:
    """Return whether a value may have a random part at all."""
    return _HINT.search(value) is not None


def is_short_random(value: str) -> bool:
    """Return whether a value of about twelve characters mixes letters and digits more than a serial number does."""
    return value.isalnum() and not value.isupper() and len(_CHANGE.findall(value)) > _CHANGES_ENOUGH


def _in_pieces(parts: list[str]) -> int:
    """Count the letters in mixed parts where most of many parts are mixed: the dashes are random too."""
    mixed = [(part, len(_CHANGE.findall(part))) for part in parts]
    size, random = sum(map(len, parts)), sum(len(part) for part, changes in mixed if changes)
    enough = sum(changes for _, changes in mixed) > _CHANGES_ENOUGH and random * 2 > size >= _MIN_LETTERS_LENGTH
    return random if enough and _likeness_to_words("".join(parts)) < _MIXED else 0


def _is_random_part(part: str) -> bool:
    size = len(part)
    if size < _MIN_MIXED_LENGTH or part.isdigit():
        return False
    if part.isalpha():
        return size >= _MIN_LETTERS_LENGTH and _likeness_to_words(part) < _WORDLY - (0.1 if size < 20 else 0)  # noqa: PLR2004  # a short one may be an odd word
    changes = len(_CHANGE.findall(part))
    if changes >= _CHANGES_ENOUGH:
        return True
    turns = changes + len(_CASE.findall(part))
    if size < _MIN_HALF_LENGTH:
        return size >= _MIN_THIRD_LENGTH and turns >= _CHANGES_ENOUGH and _likeness_to_words(part) < _STRANGE
    return (turns >= 2 and _likeness_to_words(part) < _MIXED) or (size >= _LONG and _likeness_to_words(part) < _STRANGE)  # noqa: PLR2004  # one change is a word with a number


def _likeness_to_words(part: str) -> float:
    """Return the share of a part's letter pairs that words are made of."""
    pairs = [run[at : at + 2] for run in _LETTERS.findall(part.lower()) for at in range(len(run) - 1)]
    return sum(pair in _PAIRS for pair in pairs) / len(pairs) if pairs else 0.0
