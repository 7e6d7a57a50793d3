"""The shapes of secrets and personal numbers in plain text: by form, by label, by check digits.

Reading disguised text is in `secret_disguises`; what is done with a finding is in `secrets`.
"""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, TypeAlias

from remit.domain.check_digits import is_card, is_iban, is_us_ssn
from remit.domain.ids import is_own_id
from remit.domain.secret_anchors import assigned, labelled


class SecretClass(StrEnum):
    """What a finding is, and so what may be kept of it.

    Only a `credential` may leave a keyed fingerprint: everything else can be guessed back from one.
    """

    CONTACT = "contact"
    CREDENTIAL = "credential"
    GUESSABLE = "guessable"
    PERSONAL = "personal"


Found: TypeAlias = tuple[str, int, int, SecretClass]
"""Kind, start, end, class."""

_C, _G, _P = SecretClass.CREDENTIAL, SecretClass.GUESSABLE, SecretClass.PERSONAL
_IS: Final = r"(?:\s{0,3}(?:[:=]{1,3}|=>|is|are|was|to|:=|\|\|?:?=)[\s>]{0,3}|\s)[\"'`(]{0,2}"
_SAFE_LABEL: Final = re.compile(
    r"(?:order|ticket|track\w*|sha-?\d*|commit|checksum|hash|digest|serial|request|invoice|transaction|txn|case|sku|model|reservation|booking|receipt|build|version|"
    r"item|items|reference|ref|imei|isbn|uuid|md5|product|policy|claim|shipment|parcel|ean|gtin|user|account|customer|member|agent|employee|payment|method|record|device|page|message|object)"
    r"(?:\s?(?:number|numbers|no\.?|nr\.?|id|ids|code|of the download|#))?[\s:#=]{0,3}(?:is|and|,|at)?\s?[:=#]?$",
    re.IGNORECASE,
)
_HOST: Final = re.compile(r"https?://[A-Za-z0-9.-]{1,253}:\Z")
_HOST_LONGEST: Final = 262
_PORT: Final = re.compile(r"[0-9]{1,5}(?:/[A-Za-z0-9_.~+/-]*)?")
"""A port with a path behind it, after a host, is no value of a key. ⚔ With `=` or `:` in the path there is a key of its own."""
_PLACEHOLDER: Final = re.compile(
    r"[x*.•_-]{3,}|<[^>]*>|\$?\{[^}]*\}|\[[^\]]*\]|\(?(?:redacted|hidden|none|null|your|example)\b.*", re.IGNORECASE
)

_FORMS: Final[tuple[tuple[str, SecretClass, re.Pattern[str]], ...]] = (
    (
        "private_key",
        _C,
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,8000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[\s\S]{0,8000})"
        ),
    ),
    ("jwt", _C, re.compile(r"\beyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,8000})*={0,2}")),
    ("url_password", _C, re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,80}:(?P<v>[^\s/@]{3,200})@", re.IGNORECASE)),
    ("otp_seed", _C, re.compile(r"otpauth://[^\s]{1,400}?[?&]secret=(?P<v>[A-Z2-7=]{8,200})", re.IGNORECASE)),
    (
        "link_token",
        _C,
        re.compile(
            r"https?://[^\s]{1,400}?[?&#](?:token|code|key|sig|signature|secret|t|otp|ticket|auth)=(?P<v>[A-Za-z0-9._~%+/=-]{12,2000})",
            re.IGNORECASE,
        ),
    ),
    (
        "link_token",
        _C,
        re.compile(
            r"https?://[^\s?#]{1,200}/(?P<v>(?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*[a-z])[A-Za-z0-9_-]{24,400})(?![A-Za-z0-9_-])"
        ),
    ),
    ("aws_access_key", _C, re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b")),
    ("google_api_key", _C, re.compile(r"\bAIza[0-9A-Za-z_-]{30,45}")),
    (
        "prefixed_token",
        _C,
        re.compile(
            r"(?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_|xox[a-z]-|xoxe\.xox[bp]-|xapp-|glpat-|gl[a-z]{2,8}-|GR1348941|(?:sk|rk|pk|whsec)_(?:live|test|prod)_|whsec_|sk-(?:ant-|proj-|svcacct-|or-)?"
            r"|hf_|npm_|pypi-|dp\.(?:pt|st|ct|sa|scim|audit)\.|shp(?:at|ca|pa|ss)_|SG\.|sq0[a-z]{3}-|sntry[su]_|hvs\.|hvb\.|dckr_pat_|dop_v1_|doo_v1_|dor_v1_|lin_api_|pul-|pnu_|rubygems_|ATATT3|ATCTT3"
            r"|AKCp|cmVmd|ya29\.|1//0|EAA[A-Za-z]|sha256~|live_pub_|test_pub_|access-(?:sandbox|development|production)-|shippo_(?:live|test)_|PMAK-|figd_|glsa_|glc_|tskey-|nvapi-|gsk_|r8_|pcsk_|fo1_|FlyV1 "
            r"|secret-|HRKU-|ops_ey|age-secret-key-1|EZ[AT]K|duffel_|ion_|key-|pubkey-|bedrock-api-key-|t1\.[A-Z0-9a-z_-]+\.)"
            r"(?P<v_all>[A-Za-z0-9_.~=+/-]{16,4000})",
        ),
    ),
)
_NAMES_OF_KEYS: Final = (
    r"pass(?:word|wort|wd|phrase|code)?|pwd|pw|secret(?:[ _-]?(?:access[ _-]?)?key)?|client[ _-]?secret|(?:api|access|auth\w*|bearer|session|refresh|id|reset|bot|deploy|personal access|security)[ _-]?(?:token|key)"
    r"|token|credential\w{0,2}|api[ _-]?key|access[ _-]?key(?:[ _-]?id)?|private[ _-]?key|signing[ _-]?key|encryption[ _-]?key|setup[ _-]?key|maps[ _-]?key|stripe[ _-]?key|sas|key|authorization|bearer|basic"
)
_TOLD: Final = rf"(?P<label>{_NAMES_OF_KEYS})[\"'`]?(?:\s(?:they set|i use|for (?:my|the|this) \w{{1,20}}))?{_IS}(?:Bearer\s|Basic\s|DPoP\s)?(?P<v>[^\s\"'`]{{4"
_LABEL: Final = re.compile(rf"(?<![A-Za-z]){_TOLD}}})", re.IGNORECASE)
_LABELLED: Final = re.compile(rf"(?<![A-Za-z])(?:[A-Za-z0-9.\-]{{1,40}}[_.\- ])?{_TOLD},4000}})", re.IGNORECASE)
_PASSWORD: Final = re.compile(
    r"(?<![A-Za-z])(?:pass(?:word|wort|wd|phrase|code)?|pwd|pw|pass)\b(?:\s(?:they set|i use|for \w+(?: \w+)?))?\s{0,3}(?P<sep>[:=]{1,2}|is|was|->)\s{0,3}[\"'`]?(?P<v>[^\s\"'`]{4,200})",
    re.IGNORECASE,
)
_COOKIE: Final = re.compile(
    r"(?<![A-Za-z])(?:cookie:\s*)?(?:[A-Za-z.]{0,20}sess(?:ion)?[_-]?(?:id)?|sid|[A-Za-z_]{0,20}auth|connect\.sid|jsessionid|phpsessid)\s?[=:]\s?(?P<v>[A-Za-z0-9%._~+/=-]{12,2000})",
    re.IGNORECASE,
)
_LOOSE: Final = re.compile(r"(?<![\w/.#-])(?P<v>[A-Za-z0-9][A-Za-z0-9_+/=.~-]{23,4000})(?![\w])")
_CODE_LABEL: Final = r"(?:one[ -]?time|verification|security|login|sms|2fa|mfa|otp|authenticator|confirmation|access|auth)\s(?:pass)?(?:code|password|pin)|otp|2fa|tan|(?:the|my|this|your|a|her|his|their|our|(?:customer|client|user)'?s) code"
_CODES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "card_code",
        re.compile(
            rf"\b(?:cvv2?|cvc2?|cvn|csc|card verification(?: value| code)?|security code)(?:\s?\([A-Za-z0-9]{{2,5}}\))?(?: number| code)?{_IS}(?P<v>\d(?:[ -]?\d){{2,3}})(?![\d])",
            re.IGNORECASE,
        ),
    ),
    ("pin", re.compile(rf"\bpin(?: code| number)?{_IS}(?P<v>\d(?:[ -]?\d){{3,7}})(?![\d])", re.IGNORECASE)),
    ("one_time_code", re.compile(rf"\b(?:{_CODE_LABEL}){_IS}(?:G-)?(?P<v>\d(?:[ -]?\d){{3,8}})(?![\d])", re.IGNORECASE)),
    (
        "one_time_code",
        re.compile(
            r"\b(?:\d|four|five|six|seven|eight)[ -]?digits?(?: code| pin| number)?(?:\s(?!is\b|are\b)[\w-]{1,20}){0,7}(?:\s(?:is|are|was)|:)\s{0,2}(?P<v>\d(?:[ -]?\d){3,8})(?![\d])",
            re.IGNORECASE,
        ),
    ),
    (
        "card_code",
        re.compile(
            r"\b(?:three|3|four|4)[ -]?(?:digits?|numbers)(?:\s(?!is\b|are\b)[\w-]{1,20}){0,7}\sback(?:\s(?!is\b|are\b)[\w-]{1,20}){0,5}(?:\s(?:is|are)|:)\s{0,2}(?P<v>\d(?:[ -]?\d){2,3})(?![\d])",
            re.IGNORECASE,
        ),
    ),
    (
        "one_time_code",
        re.compile(r"(?<![\d#])(?P<v>\d{3}[ -]?\d{3})\s(?:is|as)\s(?:your|my|the)\s(?:\w+\s){0,2}(?:code|otp|pin)\b", re.IGNORECASE),
    ),
    (
        "recovery_code",
        re.compile(
            rf"\b(?:backup|recovery|rescue|emergency)[ _-](?:code|key|phrase)s?{_IS}(?P<v>[A-Za-z0-9][A-Za-z0-9 -]{{0,1}}(?:[A-Za-z0-9]+[-]?){{1,12}})",
            re.IGNORECASE,
        ),
    ),
    (
        "security_answer",
        re.compile(
            r"\b(?:mother'?s maiden name|maiden name|security answer|secret answer|answer to (?:my|the) (?:security|secret) question|first pet(?:'?s name)?)\s{0,2}(?:[:=]|is|was)\s{0,2}[\"']?(?P<v>[A-Za-z][\w'-]{2,60})",
            re.IGNORECASE,
        ),
    ),
)
_PERSONAL: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "national_id",
        re.compile(
            rf"\b(?:ssn|social security(?: number| no\.?)?|national insurance(?: number| no\.?)?|tax id|nino|steuer-?id){_IS}(?P<v>[A-Za-z]{{0,2}}\d(?:[ -]?[\dA-Za-z]){{6,11}})(?!\w)",
            re.IGNORECASE,
        ),
    ),
    ("passport", re.compile(rf"\bpassport(?: number| no\.?| nr\.?)?{_IS}(?P<v>[A-Z0-9]{{0,2}}\d{{6,9}})\b", re.IGNORECASE)),
    (
        "driving_licence",
        re.compile(
            rf"\b(?:driv(?:er'?s|ing) licen[cs]e)(?: number| no\.?)?{_IS}(?P<v>(?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{{4,19}})\b", re.IGNORECASE
        ),
    ),
    (
        "bank_account",
        re.compile(
            rf"\b(?:account|acct|routing|sort code)(?: number| no\.?| nr\.?)?{_IS}(?P<v>\d(?:[ -]?\d){{5,16}})(?![\d])", re.IGNORECASE
        ),
    ),
    (
        "card_number",
        re.compile(
            r"\b(?:card|visa|mastercard|amex|cc|charge it)(?: number| no\.?| is| to|:|=|\s){1,3}\s?(?P<v>\d(?:[ -]?\d){11,18})(?![\d])",
            re.IGNORECASE,
        ),
    ),
    (
        "birth_date",
        re.compile(
            r"\b(?:dob|d\.o\.b\.?|date of birth|birth ?date|birthday|born)(?:\s?[:=]|\s(?:is|on|in))?\s{0,2}(?P<v>\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}\.? [A-Z][a-z]{2,8} \d{4}|[A-Z][a-z]{2,8} \d{1,2},? \d{4})",
            re.IGNORECASE,
        ),
    ),
)
_CARD: Final = re.compile(r"(?<![\w#])(?P<v>\d(?:[ -]?\d){12,18})(?![\w])")
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])(?P<v>[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30})(?![A-Za-z0-9])")
_SSN: Final = re.compile(r"(?<![\w-])(?P<v>\d{3}-\d{2}-\d{4})(?![\w-])")
_EMAIL: Final = re.compile(r"(?<![\w.+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}")
_PHONE: Final = re.compile(
    r"(?<![\w#/-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?\d{2,4}|\d{2,4}[ .-]\d{2,4})[ .-]\d{2,6}(?:[ .-]\d{2,4}){0,3}(?:\s?x\d{2,6})?(?![\w-])"
)
_REPEATS: Final = re.compile(r"(.)\1{5,}")
_HEX: Final = re.compile(r"(?:0x)?[0-9a-fA-F]+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def found_plain(text: str) -> Iterator[Found]:
    """Everything found in one text as it stands; findings may overlap."""
    yield from _by_form(text)
    yield from _by_label(text)
    yield from _numbers(text)
    for kind, pattern in _PERSONAL:
        yield from _each(text, pattern, kind, _P, _long_enough if kind == "card_number" else _any)
    for kind, pattern in _CODES:
        yield from _each(text, pattern, kind, _G, _has_digit if kind == "recovery_code" else _any)


def found_contacts(text: str) -> Iterator[Found]:
    """E-mail addresses and phone numbers: told apart, for a desk that keeps them out of cases too."""
    for pattern, kind in ((_EMAIL, "email"), (_PHONE, "phone")):
        for match in pattern.finditer(text):
            if kind == "email" or 7 <= sum(letter.isdigit() for letter in match[0]) <= 15:  # noqa: PLR2004  # E.164 and the shortest local number
                yield kind, match.start(), match.end(), SecretClass.CONTACT


def found_forms(text: str) -> Iterator[Found]:
    """Only what has an unmistakable form: for text read backwards."""
    yield from _by_form(text)
    yield from _each(text, _SSN, "national_id", _P, is_us_ssn)


def _each(text: str, pattern: re.Pattern[str], kind: str, group: SecretClass, holds: Callable[[str], bool]) -> Iterator[Found]:
    for match in pattern.finditer(text):
        value = match["v"]
        if holds(value) and not _PLACEHOLDER.fullmatch(value):
            yield kind, match.start("v"), match.end("v"), group


def _by_form(text: str) -> Iterator[Found]:
    for kind, group, pattern in _FORMS:
        for match in pattern.finditer(text):
            if kind == "prefixed_token" and not _random(match["v_all"], loose=True):
                continue
            name = "v" if "v" in pattern.groupindex else 0
            end = match.end(name) if kind == "private_key" else match.start(name) + len(match[name].rstrip(".,;"))
            yield kind, match.start(name), end, group


def _by_label(text: str) -> Iterator[Found]:
    for matches, kind, holds in (
        (_PASSWORD.finditer(text), "password", _is_password),
        (labelled(text, _LABEL, _LABELLED), "token", _is_token),
        (_COOKIE.finditer(text), "session", _has_digit),
        (assigned(text), "token", _is_assigned),
        (_LOOSE.finditer(text), "token", _is_loose),
    ):
        for match in matches:
            value = match["v"].rstrip(".,;:)!?") if kind != "password" else match["v"].rstrip(".,;)?")
            if not value or _PLACEHOLDER.fullmatch(value) or not holds(value):
                continue
            before = text[max(0, match.start("v") - 48) : match.start("v")].rstrip("\"'` ")
            if holds in {_is_assigned, _is_loose} and (_SAFE_LABEL.search(before) or _is_port(text, match.start("v"), value)):
                continue
            yield kind, match.start("v"), match.start("v") + len(value), _C


def _numbers(text: str) -> Iterator[Found]:
    for match in _CARD.finditer(text):
        if is_card(match["v"]) and not _SAFE_LABEL.search(text[max(0, match.start() - 48) : match.start()]):
            yield "card_number", match.start(), match.end(), _P
    for match in _IBAN.finditer(text):
        length = next((size for size in range(len(match["v"]), 14, -1) if is_iban(match["v"][:size])), 0)
        if length:
            yield "iban", match.start(), match.start() + length, _P
    yield from _each(text, _SSN, "national_id", _P, is_us_ssn)


def _any(_value: str) -> bool:
    return True


def _long_enough(value: str) -> bool:
    return sum(letter.isdigit() for letter in value) >= 12  # noqa: PLR2004  # the shortest card number


def _has_digit(value: str) -> bool:
    return any(letter.isdigit() for letter in value)


def _is_password(value: str) -> bool:
    """A password after its label: anything with a digit, a sign or mixed case inside; not an ordinary word."""
    inner = value.strip("(){}[]<>")
    if len(inner) < 4:  # noqa: PLR2004  # the shortest password worth hiding
        return False
    return not inner.isalpha() or (any(one.isupper() for one in inner[1:]) and any(one.islower() for one in inner))


def _is_token(value: str) -> bool:
    return len(value) >= 6 and _has_digit(value) and not value.isdigit() and _random(value, loose=True)  # noqa: PLR2004  # shorter labelled values are words


def _is_assigned(value: str) -> bool:
    """A value after a name of any kind, such as `x: …`: mixed as no word is, no address, and nothing the desk numbered itself."""
    return _random(value, loose=True) and not is_own_id(value) and not value.startswith(("http:", "https:")) and "//" not in value


def _is_loose(value: str) -> bool:
    """A long token without any label: mixed case and digits, and no hash, identifier or path of words."""
    mixed = any(one.isupper() for one in value) and any(one.islower() for one in value)
    return mixed and not _HEX.fullmatch(value) and _random(value, loose=False)


def _is_port(text: str, at: int, value: str) -> bool:
    """An address's port and what stands behind it: read like the same address without one."""
    return _PORT.fullmatch(value) is not None and _HOST.search(text, max(0, at - _HOST_LONGEST), at) is not None


def _random(value: str, *, loose: bool) -> bool:
    """Tell whether letters and digits are mixed as no word mixes them."""
    if _REPEATS.search(value) and len(set(value)) < 12:  # noqa: PLR2004  # a mask such as sk_live_xxxxxxxx
        return False
    digits = sum(one.isdigit() for one in value)
    letters = sum(one.isalpha() for one in value)
    if not digits or not letters:
        return loose and letters > 20 and len(set(value)) > 14  # noqa: PLR2004  # many different letters in one run
    return digits >= (1 if loose else 3) and len(set(value)) >= (5 if loose else 12)
