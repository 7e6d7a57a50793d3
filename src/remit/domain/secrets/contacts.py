"""Contact details: e-mail addresses, phone numbers, network addresses, postal lines; a desk may redact them too."""

import re
from collections.abc import Iterator
from typing import Final

from remit.domain.secrets.kinds import Found, SecretClass, lowercase
from remit.domain.secrets.national_ids import is_card
from remit.domain.secrets.tokens import is_numbered

_NAME_BEFORE: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}(?![\w.+-])")
_DOMAIN: Final = re.compile(r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}")
_PHONE: Final = re.compile(
    r"[+(\d](?<![\w#$€£/-].)(?<!\d[.,].)\d{0,13}\)?(?:[ .\u00a0/-]{0,2}\(\d{1,4}\))?(?:(?: - |[ .-]|/(?=\d{5}))?\d{2,9}){0,6}(?:\s?(?:x|ext\.?|Durchwahl)\s?\d{2,6})?(?!\w|-[\da-z])"
)
_NEAR: Final = re.compile(
    r"(?:phone|mobile?|cell|tel|fax|call(?!ed)|desk|office|handy|telefon|ring|text me|sms|whatsapp|signal|dial|reach|contact|registered|landline|hotline|(?:my|his|her|their|our|meine|seine|ihre) (?:number|nummer)|m[oó]vil|rufnummer|portable)",
    re.IGNORECASE,
)
_NOT_NEAR: Final = re.compile(
    r"(?:order|ticket|invoice|track\w*|item|serial|part|model|card|account|case|booking|reservation|flight|reference|ref|claim|policy|sku|version|build|isbn)",
    re.IGNORECASE,
)
_REACH: Final = 24
_MAX_PLAIN_LENGTH: Final = 11
_GROUPED: Final = re.compile(r"\+?\(?\d{1,5}\)?(?:[ .-]?\(\d{1,4}\))?(?:[ .-]\d{2,6}){2,6}")
_DATE: Final = re.compile(
    r"(?:19|20)\d\d[-. ]\d\d[-. ]\d\d(?:[ .-]\d{2,4})*|\d{1,2}[-. ]\d{1,2}[-. ](?:19|20)\d\d(?:[ .-]\d{2,4})*|\d{1,3}(?:[ .]\d{3})+|(?:19|20)\d\d-(?:19|20)\d\d|\d{5}-\d{4}"
)
_IPV4: Final = re.compile(
    r"\d(?<![\w.-]\d)(?:(?<=2)(?:5[0-5]|[0-4]\d)|(?<=1)\d\d|\d?)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![\w-]|\.\w)"
)
_IPV6: Final = re.compile(
    r"[0-9A-Fa-f](?<![\w:.].)[0-9A-Fa-f]{0,3}(?:(?::[0-9A-Fa-f]{1,4}){7}|(?::[0-9A-Fa-f]{1,4}){0,6}::(?:[0-9A-Fa-f]{1,4}:){0,5}[0-9A-Fa-f]{1,4})(?![\w:])"
)
_UNIT: Final = r"(?:,?\s{1,2}(?:apt|apartment|suite|unit|floor|flat|wohnung)\.?\s?#?\w{1,5})?"
_ENGLISH: Final = (
    "street st avenue ave road rd lane ln drive dr boulevard blvd way court ct place pl square sq terrace close "
    "crescent highway hwy parkway pkwy circle row walk gardens grove trail"
)
_GERMAN: Final = "straße strasse str\\. weg platz allee gasse damm ufer straat gatan vej katu"
_ROMANCE: Final = "Via Viale Piazza Corso Calle Avenida Plaza Rua Ulica ul\\."
_STREETS: Final = (
    (
        _ENGLISH.split(),
        re.compile(
            rf"\d(?<![\w#$€£.-]\d)\d{{0,4}}[a-z]?,?(?:\s(?:[NSEW]\.?|[Nn]orth|[Ss]outh|[Ee]ast|[Ww]est))?(?:\s[A-Z][\w'\u2019.-]{{1,24}}){{1,4}}?\s(?:{'|'.join((*_ENGLISH.title().split(), *_ENGLISH.split()))})\b\.?{_UNIT}"
        ),
    ),
    (
        _GERMAN.replace("\\", "").split(),
        re.compile(
            rf"[A-ZÄÖÜ](?<!\w.)[\w-]{{0,30}}(?:(?<=[a-zäöüß])(?:{'|'.join(_GERMAN.split())})|\s(?:[A-ZÄÖÜ][\w-]{{1,24}}\s){{0,2}}(?:Stra(?:ß|ss)e|Str\.|Weg|Platz|Allee|Ring))\s\d{{1,4}}\s?[a-z]?(?!\w)"
        ),
    ),
    (
        ("rue", "avenue", "boulevard", "place", "chemin", "allée", "impasse"),
        re.compile(
            r"\d(?<!\w\d)\d{0,3}(?:\s?(?:bis|ter))?,?\s(?:rue|avenue|boulevard|place|chemin|all[ée]e|impasse)\s(?:(?:de|du|des|la|le|les|l')\s?){0,3}[A-ZÉ][\w'\u2019-]{1,24}(?:\s[A-Z][\w'\u2019-]{1,24}){0,3}"
        ),
    ),
    (
        _ROMANCE.replace("\\", "").lower().split(),
        re.compile(
            rf"\b(?:{'|'.join(_ROMANCE.split())})\s(?:(?:de|del|della|dei|la|las|los|do|da)\s){{0,3}}[A-Z][\w'\u2019-]{{1,24}}(?:\s[A-Z][\w'\u2019-]{{1,24}}){{0,3}},?\s\d{{1,5}}(?!\w)"
        ),
    ),
    (("box", "postfach"), re.compile(r"\bP\.?\s?O\.?\s?Box\s\d{1,6}(?!\w)|\bPostfach\s\d{2,8}(?!\w)", re.IGNORECASE)),
)
"""Street patterns by language, each searched only where one of its words occurs."""
_POSTAL: Final = re.compile(
    r"\d(?<![\w#]\d)\d{4}\s(?:[A-ZÄÖÜ][a-zäöüß]{2,24})(?:\s(?:am|an der|im)\s[A-ZÄÖÜ][a-zäöüß]{2,24})?(?=\s*(?:$|[,.\n]))"
    r"|[A-Z](?<!\w.)[a-z]{2,20}(?:\s[A-Z][a-z]{2,20}){0,2},\s[A-Z]{2}\s\d{5}(?:-\d{4})?(?!\w)|[A-Z](?<!\w.)[A-Z]?\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}(?!\w)"
)
_ADDRESS_SIGN: Final = re.compile(r"\d")


def find_contact_details(text: str) -> Iterator[Found]:
    """Yield e-mail addresses, phone numbers, network addresses and postal lines."""
    at = text.find("@")
    while at >= 0:
        before, domain = _NAME_BEFORE.match(text[max(0, at - 65) : at][::-1]), _DOMAIN.match(text, at)
        if before is not None and domain is not None:
            yield "email", at - before.end(), domain.end(), SecretClass.CONTACT
        at = text.find("@", at + 1)
    if not _ADDRESS_SIGN.search(text):
        return
    for match in _PHONE.finditer(text):
        if is_phone(text, match):
            yield "phone", *match.span(), SecretClass.CONTACT
    low = lowercase(text)
    streets = (("address", pattern) for words, pattern in _STREETS if any(word in low for word in words))
    for kind, pattern in (("ip_address", _IPV4), ("ip_address", _IPV6), ("address", _POSTAL), *streets):
        for match in pattern.finditer(text):
            if kind != "ip_address" or _is_network(match[0]):
                yield kind, *match.span(), SecretClass.CONTACT


def find_contacts(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where an e-mail address (`email`) or a phone number (`phone`) stands in a folded text, for every door."""
    for kind, start, end, _ in find_contact_details(text):
        if kind in {"email", "phone"}:
            yield start, end, kind


def is_phone(text: str, match: re.Match[str]) -> bool:
    """Return whether a row of digits is a phone number by its plus, its groups or words nearby, and no order number."""
    said = match[0]
    digits = sum(map(str.isdecimal, said))
    if not 7 <= digits <= 16 or is_card(said) or _IPV4.fullmatch(said):  # noqa: PLR2004  # E.164 with a zero in brackets, and the shortest local number
        return False
    if said.startswith(("+", "(+")):
        return digits >= 8  # noqa: PLR2004  # with its country
    before, later = text[max(0, match.start() - _REACH) : match.start()], text[match.end() : match.end() + 10]
    near = max((found.end() for found in _NEAR.finditer(before)), default=-1)
    other = max((found.end() for found in _NOT_NEAR.finditer(before)), default=-1)
    if other > near or is_numbered(text, match.start()):
        return False
    if (near >= 0 or _NEAR.match(later.lstrip(" -,("))) and (digits <= _MAX_PLAIN_LENGTH or not said.isdigit()):
        return True
    if _DATE.fullmatch(said):
        return False
    return "(" in said or _GROUPED.fullmatch(re.sub(r"\s?(?:x|ext).*", "", said)) is not None


def _is_network(said: str) -> bool:
    return "." not in said or not said.startswith(("0.", "127.", "255."))
