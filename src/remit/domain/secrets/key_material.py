"""Secrets of unmistakable form: private keys, addresses with a password or a token, seeds of codes.

Each form is searched only where its own sign occurs.
"""

import re
from collections.abc import Iterator
from typing import Final

from remit.domain.secrets.entropy import randomness
from remit.domain.secrets.forms_by_place import find_forms_by_place
from remit.domain.secrets.kinds import CREDENTIAL, GUESSABLE, PERSONAL, Found, any_of, lowercase
from remit.domain.secrets.labelled import find_labelled_values, is_placeholder, is_seed_word
from remit.domain.secrets.national_ids import is_us_ssn
from remit.domain.secrets.numbers import find_numbers
from remit.domain.secrets.tokens import find_issuer_tokens, find_tokens, token_runs

_PEM: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,8000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[\s\S]{0,8000})"
    r"|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----[\s\S]{0,8000}"
)
_PPK: Final = re.compile(
    r"PuTTY-User-Key-File-\d[\s\S]{0,8000}?Private-MAC: ?[0-9a-fA-F]{1,200}|PuTTY-User-Key-File-\d[\s\S]{0,8000}"
)
_DER: Final = re.compile(
    r"(?:MII[A-Z][A-Za-z0-9+/]{1,4}(?:IBA|gIBA|DAN)|MC4CAQAwBQYDK2V|MIGHAgEA|MHcCAQEE|MIGkAgEB|b3BlbnNzaC1rZXktdjE)[A-Za-z0-9+/=\s]{20,8000}"
)
_DER_SIGNS: Final = ("MII", "MC4CAQAwBQYDK2V", "MIGHAgEA", "MHcCAQEE", "MIGkAgEB", "b3BlbnNzaC1rZXktdjE")
_JWK: Final = re.compile(
    r"\\{0,3}\"(?:d|p|q|dp|dq|qi|k)\\{0,3}\"\s{0,3}:\s{0,3}\\{0,3}\"(?P<v>[A-Za-z0-9_-]{16,1400})\\{0,3}\""
)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}\Z")
_USERINFO: Final = re.compile(r"://[^\s/:@\"'<>]{0,80}:(?P<v>[^\s/@\"'<>]{3,200})@")
_LOOSE_USERINFO: Final = re.compile(
    r"://[^\s/:@\"'<>]{0,80}:(?!\d{1,5}/)(?P<v>[^\s\"'<>]{3,120})@(?=[A-Za-z0-9.-]{2,200}(?::\d|/|\s|$|[\"']))"
)
_SEED: Final = re.compile(r"otpauth://[^\s]{1,400}?[?&]secret=(?P<v>[A-Z2-7=]{8,200})", re.IGNORECASE)
_PARAM: Final = re.compile(
    r"[?&#](?:[a-z]{0,20}[_-]?token|code|[a-z]{0,10}[_-]?key|sig|[a-z-]{0,20}signature|[a-z]{0,12}[_-]?secret|t|otp|ticket|auth\w{0,10}|password|passwd|pwd|ott|sas|jwt|assertion|credential|x-amz-[a-z-]{5,20}|nonce|magic)=(?P<v>[A-Za-z0-9._~%+/=-]{12,2000})",
    re.IGNORECASE,
)
_PATH: Final = re.compile(r"://[^\s?#\"'<>]{16,2000}")
_SEGMENT: Final = re.compile(r"(?<=/)[A-Za-z0-9_.~-]{20,400}(?![^/])")
_LINKED: Final = re.compile(
    r"/(?:reset|magic|login|log-in|signin|sign-in|verify|confirm|activate|activation|invite|invitation|unlock|recover|recovery|auth|token|password|sso|join|share|unsubscribe|hooks?|webhooks?|services)(?:[-_/][a-z_-]{1,20}){0,2}/(?P<v>[A-Za-z0-9_.~-]{10,400})",
    re.IGNORECASE,
)
_SMALL_WORDS: Final = re.compile(r"[^a-z \n][a-z \n]{47,}")
"""Small letters with the sign before them: a pattern that begins with a rare sign is found fast."""
_SMALL_WORD: Final = re.compile(r"[a-z]+")
_SEED_LEAST, _SEED_MOST = 12, 26
_MAX_WORD_LENGTH: Final = 22
_HOOK: Final = re.compile(
    r"https?://(?:hooks\.|discord(?:app)?\.com/api/webhooks/|[a-z0-9.-]{1,60}\.webhook\.office\.com/)[A-Za-z0-9./_@-]{0,40}(?P<v>/[A-Za-z0-9_/-]{16,200})",
    re.IGNORECASE,
)


def find_by_form(text: str) -> Iterator[Found]:
    """Yield every secret of unmistakable form."""
    yield from _keys(text)
    if "://" in text:
        yield from _addresses(text)
    for sign in "?&#":
        if sign in text:
            for match in _PARAM.finditer(text):
                if not is_placeholder(match["v"]) and _is_param(match["v"]):
                    yield "link_token", *_trimmed(match), CREDENTIAL
            break


def _is_param(value: str) -> bool:
    """Return whether a link's token parameter is one: with a digit, apparently random, or longer than a word."""
    random = any(map(str.isdigit, value)) or randomness(value) >= 12  # noqa: PLR2004  # a word is no token
    return random or (value.isalpha() and len(value) >= _MAX_WORD_LENGTH)


def _keys(text: str) -> Iterator[Found]:
    for sign, pattern in (("PRIVATE KEY", _PEM), ("PuTTY-User-Key-File", _PPK)):
        for match in pattern.finditer(text) if sign in text else ():
            yield "private_key", match.start(), match.end(), CREDENTIAL
    for sign in _DER_SIGNS:
        at = text.find(sign)
        while at >= 0:
            found = _DER.match(text, at)
            if found is not None and randomness(found[0]) >= 20:  # noqa: PLR2004  # the beginning of a key's bytes
                yield "private_key", at, at + len(found[0].rstrip()), CREDENTIAL
            at = text.find(sign, at + len(sign) if found is None else found.end())
    if "kty" in text:
        for match in _JWK.finditer(text):
            yield "private_key", match.start("v"), match.end("v"), CREDENTIAL


def _addresses(text: str) -> Iterator[Found]:
    at, read = text.find("://"), 0
    while at >= 0:
        if _SCHEME.search(text, max(0, at - 21), at):
            match = _USERINFO.match(text, at) or _LOOSE_USERINFO.match(text, at)
            if match is not None and not is_placeholder(match["v"]):
                yield "url_password", *_trimmed(match), CREDENTIAL
            path = _PATH.match(text, at) if at >= read and text[at - 1] in "sSpP" else None
            if path is not None:
                read = path.end()
                begin = max(0, at - len("https" if text[at - 1] in "sS" else "http"))
                yield from _links(text[begin : path.end()], begin, at - begin)
        at = text.find("://", at + 3)
    if "otpauth" in text.lower():
        for match in _SEED.finditer(text):
            yield "otp_seed", *_trimmed(match), CREDENTIAL


def _links(address: str, start: int, host: int) -> Iterator[Found]:
    path = address.find("/", host + 3)
    if path < 0 or len(address) - path < 11:  # noqa: PLR2004  # the shortest token behind a slash
        return
    for match in _SEGMENT.finditer(address, path):
        value = match[0].rstrip(".")
        mixed = any(map(str.isupper, value)) and any(map(str.islower, value)) and any(map(str.isdigit, value))
        if mixed and len(value) >= 24 and randomness(value) >= 16:  # noqa: PLR2004  # a token, where a shorter one may name a page
            yield "link_token", start + match.start(), start + match.start() + len(value), CREDENTIAL
    for match in _LINKED.finditer(address, path):
        if _is_drawn(match["v"]):
            yield "link_token", start + match.start("v"), start + match.end("v"), CREDENTIAL
    hook = _HOOK.match(address)
    if hook is not None and _is_drawn(hook["v"]):  # the address itself is the permission to post
        yield "link_token", start, start + hook.end("v"), CREDENTIAL


def _is_drawn(value: str) -> bool:
    return randomness(value) >= 10 and any(map(str.isdigit, value))  # noqa: PLR2004  # a name of a page is no token


def find_seeds(text: str) -> Iterator[Found]:
    """Yield unlabelled wallet seeds: as many words in a row as a seed has, none of them an article or the like.

    Source: BIP-39.
    """
    for stretch in _SMALL_WORDS.finditer(f".{text}"):
        rows = list(_rows(stretch[0][1:].split()))
        spots = [word.span() for word in _SMALL_WORD.finditer(text, stretch.start(), stretch.end() - 1)] if rows else []
        for begin, end in rows:
            yield "seed_phrase", spots[begin][0], spots[end - 1][1], CREDENTIAL


def _rows(words: list[str]) -> Iterator[tuple[int, int]]:
    """Yield rows of possible seed words as long as a seed; scanning from the twelfth word back skips most sentences."""
    begin = 0
    while begin + _SEED_LEAST <= len(words):
        end = begin + _SEED_LEAST
        no = next((at for at in range(end - 1, begin - 1, -1) if not is_seed_word(words[at])), None)
        if no is not None:
            begin = no + 1
            continue
        while end < len(words) and is_seed_word(words[end]):
            end += 1
        if end - begin <= _SEED_MOST:
            yield begin, end
        begin = end + 1


def _trimmed(match: re.Match[str]) -> tuple[int, int]:
    return match.start("v"), match.start("v") + len(match["v"].rstrip(".,;"))


_SSN: Final = re.compile(r"\d(?<![\w-]\d)\d{2}-\d{2}-\d{4}(?![\w-])")
_DIGITS: Final = re.compile(r"\d")
_YOURS: Final = re.compile(
    r"(?P<v>\d(?<![\d#.,$€£]\d)(?:\d{2}[ -]?\d{3}|\d{3,7}))\s(?:is|as|ist|lautet)\s(?:your|my|the|ihr|dein|der|mein)e?r?\s(?:[\w-]+\s){0,2}(?:\w{0,16}code|otp|pin|m?tan|passcode)\b",
    re.IGNORECASE,
)
_DIGITS_TOLD: Final = re.compile(
    r"(?:\b\d|four|five|six|seven|eight|vier|fünf|sechs)[ -]?(?:digits?|stellige[rn]?|ziffern)(?: code| pin| number)?(?:\s(?!is\b|are\b|ist\b)[\w-]{1,20}){0,7}(?:\s(?:is|are|was|ist|lautet)|:)\s{0,2}(?P<v>\d(?:[ -]?\d){3,8})(?![\d])",
    re.IGNORECASE,
)
_BACK: Final = re.compile(
    r"(?:three|\b3|four|\b4|drei)[ -]?(?:digits?|numbers|ziffern)(?:\s(?!is\b|are\b|sind\b)[\w-]{1,20}){0,7}\s(?:back|rückseite)(?:\s(?!is\b|are\b|sind\b)[\w-]{1,20}){0,5}(?:\s(?:is|are|sind)|:)\s{0,2}(?P<v>\d(?:[ -]?\d){2,3})(?![\d])",
    re.IGNORECASE,
)
_LAST: Final = re.compile(r"\b(?:last|final|ending|letzten?) $", re.IGNORECASE)
_LAST_LENGTH: Final = 10
_ENDING: Final = 4
_WHOLE: Final = ("pin", "code", "otp", "tan", "password", "passwort", "social", "ssn", "security")
"""Numbers of which the last digits are as secret as the whole."""
_counted: Final = any_of(("digit", "stellig", "ziffern", "numbers"))
_code: Final = any_of(("code", "otp", "pin", "tan"))


def find_in_plain_text(text: str) -> Iterator[Found]:
    """Yield everything found in one plain text; findings may overlap."""
    yield from find_by_form(text)
    yield from find_tokens(text)
    yield from find_labelled_values(text)
    yield from find_seeds(text)
    yield from find_forms_by_place(text)
    if not _DIGITS.search(text):
        return
    yield from find_numbers(text)
    low = lowercase(text)
    for match in _YOURS.finditer(text) if _code(low) else ():
        yield "one_time_code", match.start("v"), match.end("v"), GUESSABLE
    if _counted(low):
        for kind, pattern in (("one_time_code", _DIGITS_TOLD), ("card_code", _BACK)):
            for match in pattern.finditer(text):
                if not _is_ending(text, match):
                    yield kind, match.start("v"), match.end("v"), GUESSABLE


def _is_ending(text: str, match: re.Match[str]) -> bool:
    """Return whether digits are the last ones of a longer number, which is no code: "the last four digits of my card"."""
    low = match[0].lower()
    last = _LAST.search(text, max(0, match.start() - _LAST_LENGTH), match.start()) is not None
    return last and sum(map(str.isdigit, match["v"])) <= _ENDING and not any(word in low for word in _WHOLE)


def find_in_reversed_text(text: str, *, known: bool = True) -> Iterator[Found]:
    """Yield only unmistakable forms, for text read backwards; `known` where it may have tokens of known issuers."""
    if "://" in text or "PRIVATE KEY" in text:
        yield from find_by_form(text)
    for start, _, run in token_runs(text) if known else ():
        yield from find_issuer_tokens(run, start)
    for match in _SSN.finditer(text):
        if is_us_ssn(match[0]):
            yield "national_id", match.start(), match.end(), PERSONAL
