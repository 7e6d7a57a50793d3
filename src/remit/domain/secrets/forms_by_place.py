"""Secrets recognised by the place they stand in: a file's format, a label in another language, a spelled or numbered row.

Each form is searched only where its own sign occurs.
"""

import re
from collections.abc import Iterator
from typing import Final

from remit.domain.secrets.kinds import CREDENTIAL, GUESSABLE, PERSONAL, Found, any_of, lowercase, shortest_words
from remit.domain.secrets.label_words import ARE, CODES, PASSWORDS
from remit.domain.secrets.labelled import is_password, is_placeholder, is_seed_word
from remit.domain.text.normalize import fold_text
from remit.domain.text.tokens import SPELLING_ALPHABETS


def _either(words: str) -> str:
    """Return a pattern of words as a folded text has them, longest first."""
    return "|".join(re.escape(word).replace("\\ ", r"\s") for word in sorted(_folded(words), key=len, reverse=True))


def _folded(words: str) -> set[str]:
    # A large letter may look like a plain one where the small one does not.
    forms = [form for word in words.split(" ") if word for form in (word, word.capitalize(), word.upper())]
    return {lowercase(fold_text(form).text) for form in forms}


_PASSWORD: Final = _either(PASSWORDS)
_ARE: Final = _either(ARE)
_LABELS: Final = tuple(shortest_words(_folded(PASSWORDS)))
_FOREIGN: Final = re.compile(
    rf"(?<![^\W_])(?:{_PASSWORD})[^\W\d_]{{0,5}}(?:[ \t][^\W\d_]{{1,12}}){{0,2}}?(?:[ \t]{{0,2}}(?:[:=\u3001]|(?:{_ARE})(?![a-z]))|[ \t])"
    r"[\s\"'(\u300c\u00ab]{0,3}(?P<v>(?=[!-~]{0,60}[0-9!#$%&*+=?@_])[!-~]{4,200})"
)
_FOREIGN_CODE: Final = re.compile(
    rf"(?<![^\W_])(?:{_either(CODES)})(?:[ \t](?:sms|pin|otp|2fa))?[ \t]{{0,2}}(?:[:=]|(?<![ \t])(?:{_ARE})(?![a-z])|(?<=[ \t])(?:{_ARE})(?![a-z])|(?<=[\u3000-\uffff])|(?<=[\u3000-\uffff][ \t]))"
    r"[ \t\"']{0,3}(?P<v>\d(?:[ -]?\d){3,7})(?![\w-])"
)
_CODE_SIGNS: Final = tuple(shortest_words(_folded(CODES)))
_WIFI: Final = re.compile(r"WIFI:(?:[A-Z]:[^;\n]{0,80};){0,4}?P:(?P<v>(?:\\.|[^;\n\\]){1,120})", re.IGNORECASE)
_PGPASS: Final = re.compile(
    r"(?<![^\s\"'])(?=[^\s:]{0,200}[.a-z*])(?:[\w.-]{5,200}|\*|\[[0-9a-f:]{2,40}\]):(?:\d{2,5}|\*):(?:[\w-]{1,63}|\*):(?:[\w.@-]{1,63}|\*):(?P<v>[^\s\"']{4,200})"
)
_TERRAFORM: Final = re.compile(
    r"(?:variable|output|locals)\b[^{}\n]{0,80}(?:pass|secret|token|key|pwd|cred)[^{}\n]{0,80}\{[^{}]{0,400}?\b(?:default|value)\s{0,8}=\s{0,8}\"(?P<v>[^\"\n]{4,200})\"",
    re.IGNORECASE,
)
_blocks: Final = any_of(("variable", "output", "locals"))
_MRZ: Final = re.compile(
    r"(?<![^\s:\"'])(?:[PIACV][A-Z<][A-Z<]{3}[A-Z0-9<]{25,39}|[A-Z0-9<]{9}\d[A-Z<]{3}\d{7}[MF<]\d{7}[A-Z0-9<]{2,16}|\d{7}[MF<]\d{7}[A-Z<]{3}[A-Z0-9<]{11}\d"
    r"|[A-Z]{2,30}(?:<[A-Z]{1,20}){0,4}<<[A-Z<]{4,36})(?![^\s\"'])"
)
_NUMBERED: Final = re.compile(
    r"(?<![\w.])(?:(?:word|wort|no\.?|nr\.?)?[ \t#]{0,2}\d{1,2}[.):=-]{0,2}[ \t]{0,3}[a-z]{3,8}[\s,;.|]{1,4}){11,23}(?:(?:word|wort|no\.?|nr\.?)?[ \t#]{0,2}\d{1,2}[.):=-]{0,2}[ \t]{0,3}[a-z]{3,8})(?![\w])",
    re.IGNORECASE,
)
_TWELFTH: Final = re.compile(r"12[.):=-]{0,2}[ \t]{0,3}[a-z]{3,8}(?![\w-])")
_NUMBERED_WORD: Final = re.compile(r"\d{1,2}[^a-zA-Z]{0,5}([a-z]{3,8})", re.IGNORECASE)
_GROUPS: Final = re.compile(
    r"(?<![\w-])(?:[A-Z2-7]{4}(?:[ -][A-Z2-7]{4}){3,15}|[a-z2-7]{4}(?:[ -][a-z2-7]{4}){3,15})(?![\w-])"
)
_SIGN: Final = (
    r"(?:(?:capital|upper ?case|lower ?case|small|big|large|gro(?:ß|ss)(?:es|er)?|klein(?:es|er)?)\s)?"
    r"(?:[^\W_](?:\s(?:as in|as|for|like|wie|von)\s\w{2,14})?(?!\w)|[!#$%&*?@_.-](?!\w)"
    r"|(?:zero|one|two|three|four|five|six|seven|eight|nine|null|eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|dash|hyphen|minus|dot|underscore|exclamation mark|question mark|ausrufezeichen|fragezeichen|punkt|bindestrich)(?!\w)"
    rf"|(?:{'|'.join(SPELLING_ALPHABETS)}|x-ray|cäsar)(?!\w))"
)
_SPELLED: Final = re.compile(
    rf"(?:pass(?:word|wort|phrase|code)|kennwort|losung|pwd|pin\b|code\b)(?:(?! removed\])[^\n]){{0,40}}?[\s:,]{{1,3}}(?P<v>{_SIGN}(?:[,;. \t]{{1,3}}(?:(?:and|then|und|dann)\s)?{_SIGN}){{4,60}})",
    re.IGNORECASE,
)
_OWN_LABELS: Final = ("passw", "passp", "passc", "kennw", "losung", "pwd", "pin", "code")
_CUT_VALUE: Final = re.compile(
    r"(?:pass(?:word|wort|phrase|code)|kennwort|pwd)\b[^\n<*`]{0,30}?[\s:=]{1,3}(?P<v>(?:[^\s<>]{0,60}(?:<!--[^\n]{0,80}?-->|</?[a-z][^<>\n]{0,60}>|&(?:shy|zwnj|#\d{2,6});)){1,8}[^\s<>]{0,60})",
    re.IGNORECASE,
)
_MARKUP: Final = re.compile(r"<!--.*?-->|<[^<>]*>|&(?:shy|zwnj|#\d{2,6});", re.IGNORECASE)
_PASSWORD_LENGTH: Final = 4


def find_forms_by_place(text: str) -> Iterator[Found]:
    """Yield secrets by the place they stand in."""
    low = lowercase(text)
    yield from _in_files(text, low)
    yield from _behind_foreign_labels(low)
    if "<<" in text:
        yield from (("passport", *match.span(), PERSONAL) for match in _MRZ.finditer(text))
    if any(map(str.isdigit, text[:4000])):
        for match in _NUMBERED.finditer(text) if _TWELFTH.search(low) else ():
            words = [word.lower() for word in _NUMBERED_WORD.findall(match[0])]
            if sum(map(is_seed_word, words)) >= len(words) * 2 // 3 and len(set(words)) > len(words) // 2:
                yield "seed_phrase", *match.span(), CREDENTIAL
        for match in _GROUPS.finditer(text):
            if sum(1 for group in re.split("[ -]", match[0]) if not group.isalpha() and not group.isdigit()) > 1:
                yield "otp_seed", *match.span(), CREDENTIAL
    yield from _spelled(text, low)


def _places_of(words: tuple[str, ...], low: str) -> Iterator[int]:
    """Yield where one of some words stands; a plain text is searched for plain words alone."""
    plain = low.isascii()
    for word in words:
        at = low.find(word) if not plain or word.isascii() else -1
        while at >= 0:
            yield at
            at = low.find(word, at + len(word))


def _in_files(text: str, low: str) -> Iterator[Found]:
    for seen, pattern in (("wifi:" in low, _WIFI), (":" in low, _PGPASS), (_blocks(low), _TERRAFORM)):
        if seen:
            for match in pattern.finditer(text):
                if not is_placeholder(match["v"]):
                    yield "password", *match.span("v"), CREDENTIAL


def _behind_foreign_labels(low: str) -> Iterator[Found]:
    for at in _places_of(_LABELS, low):
        match = _FOREIGN.match(low, at)
        if match is None:
            continue
        value = match["v"].rstrip(".,;)\"'")
        if is_placeholder(value) or not is_password(value):
            continue
        if any(map(str.isdigit, value)) or not set("!#$%&*+=?@_").isdisjoint(value.rstrip("!?")):
            yield "password", match.start("v"), match.start("v") + len(value), CREDENTIAL
    for at in _places_of(_CODE_SIGNS, low):
        match = _FOREIGN_CODE.match(low, at)
        if match is not None:
            yield "one_time_code", *match.span("v"), GUESSABLE


def _spelled(text: str, low: str) -> Iterator[Found]:
    """Yield passwords spelled sign by sign, and those cut by markup."""
    markup = "<" in text or "&" in text
    for at in _places_of(_OWN_LABELS, low):
        spelled = _SPELLED.match(text, at)
        if spelled is not None:
            yield "password", *spelled.span("v"), CREDENTIAL
        cut = _CUT_VALUE.match(text, at) if markup else None
        if cut is not None and len(value := _MARKUP.sub("", cut["v"])) >= _PASSWORD_LENGTH and is_password(value):
            yield "password", *cut.span("v"), CREDENTIAL
