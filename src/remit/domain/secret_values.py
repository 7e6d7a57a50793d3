"""What holds of a value that stands behind its word: a password is no ordinary word, a token has a digit, a seed is no sentence."""

import base64
import binascii
import re
from typing import Final

from remit.domain.secret_random import is_mixed, randomness

_PLACEHOLDER: Final = re.compile(
    r"[x*.•_-]{3,}|<[^>]*>?|\$?\{[^}]*\}?|\[[^\]]*\]?|%[a-z_]{1,30}%?|\(?(?:redacted|hidden|removed|none|null|undefined|your|example|changeme)\b.*",
    re.IGNORECASE,
)
_SAID_OF_PASSWORDS: Final = (
    "wrong incorrect expired invalid reset required changed correct missing forgotten lost correctly working blocked locked rejected accepted empty "
    "optional password passwort username your this that not never always still also only string true false falsch abgelaufen ungültig gesperrt "
    "erforderlich vergessen richtig nicht text hidden secret none null strong weak short long too"
)
_ORDINARY: Final = frozenset(_SAID_OF_PASSWORDS.split())
_COMMON_WORDS: Final = (
    "the and for are was but not has had have been from with which were will would could should did does our his her him its the any all can could may "
    "into onto out off over under than then who whom whose why how please thanks thank because since after before again too very just more most some "
    "your yours mine ours their theirs them these those there here about also und der die das ist ein eine mit auf für nicht ich sie wir ihr den dem "
    "les des est une pour avec que los las una por con del"
)
_COMMON: Final = frozenset(_COMMON_WORDS.split())
_SHORTEST: Final = 4
_WORDS_LONGEST: Final = 16
_SEEDS: Final = frozenset({12, 15, 18, 21, 24})


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for one: a mask, `<your key>`, `${KEY}`."""
    return _PLACEHOLDER.fullmatch(value) is not None


def is_password(value: str) -> bool:
    """Whether it is no ordinary word: it has a digit, a sign or a large letter inside."""
    inner = value.strip("(){}[]<>.!?,;:")
    if len(inner) < _SHORTEST or inner.startswith(("http:", "https:")):
        return False
    if not inner.isalpha():
        return not _is_plain_words(inner)
    return any(one.isupper() for one in inner[1:]) and any(one.islower() for one in inner)


def _is_plain_words(value: str) -> bool:
    """Words with a dash or apostrophe between them: "case-sensitive"."""
    parts = re.split(r"[-'/,]", value)
    return (
        len(parts) > 1 and all(part.isalpha() and part.islower() for part in parts if part) and "-" in value and len(value) < _WORDS_LONGEST
    )


def is_word_told(value: str) -> bool:
    """Whether a quoted word behind the word password is one: not what is said of passwords."""
    return value.lower().strip(" .!?") not in _ORDINARY and len(value.split()) <= 6  # noqa: PLR2004  # a pass phrase, not a sentence


def is_token(value: str) -> bool:
    """Whether a value behind the word token or key is one: letters and digits, of some length."""
    if len(value) < 6 or not value.isascii() or value.startswith(("http:", "https:")):  # noqa: PLR2004  # shorter ones are words
        return False
    if value.isdigit():
        return len(value) >= 15  # noqa: PLR2004  # shorter ones count or date something
    return is_mixed(value) and (any(map(str.isdigit, value)) or randomness(value) >= 16)  # noqa: PLR2004  # a name of a key has as many letters


def is_session(value: str) -> bool:
    """Whether a value of a session has a digit."""
    return any(map(str.isdigit, value))


def is_pairs(value: str) -> bool:
    """Whether a cookie's value names something: a value of six letters or more that is no word."""
    return any(map(str.isdigit, value)) or len(value) > 24  # noqa: PLR2004  # a word in a cookie is shorter


def is_code(value: str) -> bool:
    """Whether a code has a digit in it."""
    return any(map(str.isdigit, value))


def is_login(value: str) -> bool:
    """Whether it is a name and a password in base64, or a word that may be a password."""
    try:
        return b":" in base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value.lower() not in _ORDINARY and not value.isupper()


def is_seed(value: str) -> bool:
    """Whether words are a wallet's seed: twelve to twenty-four of three to eight letters, hardly one of them an article or the like.

    Source: BIP-39.
    """
    words = re.findall(r"[a-z]+", value.lower())
    return len(words) in _SEEDS and sum(word in _COMMON for word in words) <= len(words) // 12 and len(set(words)) > len(words) // 2


def is_seed_word(word: str) -> bool:
    """Whether a word may be one of a wallet's seed though nothing says so: no article or the like.

    Source: BIP-39.
    """
    return 3 <= len(word) <= 8 and word not in _COMMON  # noqa: PLR2004  # as BIP-39 has them
