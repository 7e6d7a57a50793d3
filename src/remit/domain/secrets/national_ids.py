"""Personal numbers with check digits, most of them with a date of birth, and the checks of cards and IBANs.

Each has its own form, so that an order number is not mistaken for one.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from remit.domain.structs import struct

_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24,
    "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
"""Source: ISO 13616 IBAN registry."""
_VERHOEFF_ROWS: Final = (
    "0123456789 1234067895 2340178956 3401289567 4012395678 5987604321 6598710432 7659821043 8765932104 9876543210"
)
_VERHOEFF_D: Final = tuple(_VERHOEFF_ROWS.split())
_VERHOEFF_PERMUTATIONS: Final = (
    "0123456789 1576283094 5803796142 8916043527 9453126870 4286573901 2793806415 7046913258"
)
_VERHOEFF_P: Final = tuple(_VERHOEFF_PERMUTATIONS.split())


def digits_of(text: str) -> list[int]:
    """Return the digits of a text, in order."""
    return [int(letter) for letter in text if letter.isdecimal()]


def luhn(digits: Sequence[int]) -> bool:
    """Return whether the last digit is the Luhn check digit.

    Source: ISO/IEC 7812-1 annex B.
    """
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]  # noqa: PLR2004  # Luhn
    return sum(doubled) % 10 == 0


def weighted_sum(digits: Sequence[int], weights: Sequence[int]) -> int:
    """Return the sum of digits, each times its weight."""
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def verhoeff(digits: Sequence[int]) -> bool:
    """Return whether the last digit is the Verhoeff check digit."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[place % 8][digit])])
    return check == 0


def mod_11_10(digits: Sequence[int]) -> bool:
    """Return whether the last digit is the MOD 11,10 check digit.

    Source: ISO/IEC 7064 MOD 11,10.
    """
    check = 5
    for digit in digits:
        check = (((check or 10) * 2) % 11 + digit) % 10
    return check == 1


def is_card(text: str) -> bool:
    """Return whether a number is a payment card number: 13 to 19 digits, a card network's first digit, Luhn.

    Source: ISO/IEC 7812-1.
    """
    digits = digits_of(text)
    if not 13 <= len(digits) <= 19 or digits[0] not in {2, 3, 4, 5, 6} or len(set(digits)) == 1:  # noqa: PLR2004  # lengths of ISO/IEC 7812
        return False
    return luhn(digits)


def is_iban(text: str) -> bool:
    """Return whether a text is an IBAN of a known country's length with valid check digits.

    Source: ISO 13616, ISO 7064 MOD 97-10.
    """
    plain = text.replace(" ", "").replace("-", "").upper()
    if not plain.isascii() or not plain.isalnum() or _IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    number = "".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])
    return int(number) % 97 == 1


def is_us_ssn(text: str) -> bool:
    """Return whether a number can be a US social security number: no area 000, 666 or 9xx, no zero group.

    Source: SSA, number ranges never issued.
    """
    area, _, rest = text.partition("-")
    group, _, serial = rest.partition("-")
    return area not in {"000", "666"} and not area.startswith("9") and group != "00" and serial != "0000"


_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_SPANISH: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_FINNISH: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CURP: Final = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ"
_ODD_VALUES: Final = "1 0 5 7 9 13 15 17 19 21 1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23"
_ODD: Final = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", map(int, _ODD_VALUES.split()), strict=True))
_SINGAPORE: Final = {"S": "JZIHGFEDCBA", "T": "GFEDCBAJZIH", "F": "XWUTRQPNMLK", "G": "RQPNMLKXWUT"}


@struct(frozen=True)
class NationalId:
    """One country's number: its form, the letters before its first digit, and its check.

    `alone` numbers are rarely valid by chance, or special enough in form, to need no label before them.
    """

    name: str
    form: re.Pattern[str]
    holds: Callable[[str], bool]
    letters: int = 0
    alone: bool = True


def _total(weights: Sequence[int], modulus: int) -> Callable[[str], bool]:
    """Build the check that the weighted sum of all digits is a multiple of the modulus."""
    return lambda text: weighted_sum(digits_of(text), weights) % modulus == 0


def _last(weights: Sequence[int], digit: Callable[[int], int]) -> Callable[[str], bool]:
    """Build the check that the digit behind the weighted ones follows from their sum."""
    return lambda text: digit(weighted_sum(digits := digits_of(text), weights)) == digits[len(weights)]


def _below_11(total: int) -> int:
    return (11 - total % 11) % 10


def _rest_of_11(total: int) -> int:
    return total % 11 % 10


def _luhn(text: str) -> bool:
    return luhn(digits_of(text)[-10:])


def _sin(text: str) -> bool:
    return text[0] not in "08" and luhn(digits_of(text))


def _bsn(text: str) -> bool:
    return any(digits_of(text)) and _total((9, 8, 7, 6, 5, 4, 3, 2, -1), 11)(text)


def _fodselsnummer(text: str) -> bool:
    first, second = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
    return _total(first, 11)(text) and _total(second, 11)(text)


def _dni(text: str) -> bool:
    plain = text.upper().replace("-", "").replace(" ", "").replace(".", "")
    number = str("XYZ".find(plain[0])) + plain[1:-1] if plain[0] in "XYZ" else plain[:-1]
    return number.isdigit() and _SPANISH[int(number) % 23] == plain[-1]


def _codice_fiscale(text: str) -> bool:
    plain = text.upper()
    total = sum(
        _ODD[letter] if place % 2 == 0 else int(letter, 36) % 10 if letter.isdigit() else ord(letter) - 65
        for place, letter in enumerate(plain[:15])
    )
    return chr(65 + total % 26) == plain[15]


def _hetu(text: str) -> bool:
    plain = text.upper()
    return _FINNISH[int(plain[:6] + plain[7:10]) % 31] == plain[10]


def _belgian(text: str) -> bool:
    plain = "".join(map(str, digits_of(text)))
    return any((97 - int(century + plain[:9]) % 97) == int(plain[9:]) for century in ("", "2"))


def _nir(text: str) -> bool:
    plain = text.upper().replace(" ", "").replace("2A", "19").replace("2B", "18")
    return plain.isdigit() and 97 - int(plain[:13]) % 97 == int(plain[13:])


def _steuer_id(text: str) -> bool:
    digits = digits_of(text)
    often = [count for count in map(digits[:10].count, set(digits[:10])) if count > 1]
    return digits[0] != 0 and often in ([2], [3]) and mod_11_10(digits)


def _cpf(text: str) -> bool:
    digits = digits_of(text)
    first = weighted_sum(digits, range(10, 1, -1)) * 10 % 11 % 10
    second = weighted_sum(digits, range(11, 1, -1)) * 10 % 11 % 10
    return len(set(digits)) > 1 and [first, second] == digits[9:]


def _aadhaar(text: str) -> bool:
    digits = digits_of(text)
    return digits[0] > 1 and digits != digits[::-1] and verhoeff(digits)


def _chinese(text: str) -> bool:
    check = weighted_sum(digits_of(text[:17]), [2**place % 11 for place in range(17, 0, -1)]) % 11
    return "10X98765432"[check] == text[17].upper()


def _curp(text: str) -> bool:
    plain = text.upper()
    total = sum(_CURP.index(letter) * (18 - place) for place, letter in enumerate(plain[:17]))
    return str((10 - total % 10) % 10) == plain[17]


def _rut(text: str) -> bool:
    plain = text.upper().replace(".", "").replace("-", "")
    return "0K987654321"[weighted_sum(digits_of(plain[-2::-1]), (2, 3, 4, 5, 6, 7, 2, 3)) % 11] == plain[-1]


def _turkish(text: str) -> bool:
    digits = digits_of(text)
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and digits[9] == tenth and digits[10] == sum(digits[:10]) % 10


def _rodne_cislo(text: str) -> bool:
    plain = text.replace("/", "")
    return int(plain) % 11 == 0


def _pps(text: str) -> bool:
    plain = text.upper()
    extra = 9 * (ord(plain[8]) - 64) if plain[8:] in {"A", "H"} else 0
    return "WABCDEFGHIJKLMNOPQRSTUV"[(weighted_sum(digits_of(plain[:7]), range(8, 1, -1)) + extra) % 23] == plain[7]


def _baltic(text: str) -> bool:
    digits = digits_of(text)
    check = weighted_sum(digits[:10], (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if check == 10:  # noqa: PLR2004  # then other weights are taken
        check = weighted_sum(digits[:10], (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return check == digits[10]


def _nric(text: str) -> bool:
    plain = text.upper()
    return _SINGAPORE[plain[0]][weighted_sum(digits_of(plain), (2, 7, 6, 5, 4, 3, 2)) % 11] == plain[-1]


def _hkid(text: str) -> bool:
    plain = re.sub(r"[()]", "", text.upper())
    values: Sequence[int] = [36, *(int(letter, 36) for letter in plain[:-1])][-8:]
    last = 10 if plain[-1] == "A" else int(plain[-1])
    return (weighted_sum(values, range(9, 1, -1)) + last) % 11 == 0


def _nino(text: str) -> bool:
    plain = text.upper().replace(" ", "")
    return plain[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def _taiwanese(text: str) -> bool:
    plain = text.upper()
    number = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(plain[0]) + 10
    return (number // 10 + number % 10 * 9 + weighted_sum(digits_of(plain), (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def _id(name: str, form: str, holds: Callable[[str], bool], *, letters: int = 0, alone: bool = True) -> NationalId:
    pattern = re.compile(form, re.IGNORECASE | re.ASCII)
    return NationalId(name=name, form=pattern, holds=holds, letters=letters, alone=alone)


NATIONAL_IDS: Final = (
    _id("us.ssn", r"\d{3}-\d{2}-\d{4}", is_us_ssn),
    _id("es.dni", r"\d{8}[ -]?[A-HJ-NP-TV-Z]", _dni),
    _id("es.nie", r"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]", _dni, letters=1),
    _id("it.codicefiscale", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", _codice_fiscale, letters=6),
    _id("fi.hetu", rf"{_DAY}{_MONTH}\d{{2}}[-+ABCDEFYXWVU]\d{{3}}[0-9A-FHJ-NPR-Y]", _hetu),
    _id("se.personnummer", rf"(?:\d{{2}})?\d{{2}}{_MONTH}{_DAY}[-+]\d{{4}}", _luhn),
    _id("no.fodselsnummer", rf"{_DAY}{_MONTH}\d{{2}} ?\d{{5}}", _fodselsnummer),
    _id("dk.cpr", rf"{_DAY}{_MONTH}\d{{2}}-\d{{4}}", bool, alone=False),
    _id("pl.pesel", rf"\d{{2}}[02468]?[0-9]\d{_DAY}\d{{5}}".replace(r"[02468]?[0-9]\d", r"(?:[02468][1-9]|[13579][0-2])"), _total((1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10), alone=False),
    _id("nl.bsn", r"\d{9}", _bsn, alone=False),
    _id("be.nn", rf"\d{{2}}\.?{_MONTH}\.?{_DAY}[-.]?\d{{3}}[-.]?\d{{2}}", _belgian),
    _id("fr.nir", r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", _nir),
    _id("de.idnr", r"\d{2} \d{3} \d{3} \d{3}", _steuer_id),
    _id("de.idnr", r"\d{11}", _steuer_id, alone=False),
    _id("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", _cpf),
    _id("br.cpf", r"\d{11}", _cpf, alone=False),
    _id("in_.aadhaar", r"\d{4} \d{4} \d{4}", _aadhaar),
    _id("in_.aadhaar", r"\d{12}", _aadhaar, alone=False),
    _id("cn.ric", rf"[1-8]\d{{5}}(?:19|20)\d{{2}}{_MONTH}{_DAY}\d{{3}}[\dX]", _chinese),
    _id("kr.rrn", rf"\d{{2}}{_MONTH}{_DAY}-[1-8]\d{{6}}", _last((2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), _below_11)),
    _id("mx.curp", rf"[A-Z]{{4}}\d{{2}}{_MONTH}{_DAY}[HM][A-Z]{{5}}[0-9A-Z]\d", _curp, letters=4),
    _id("cl.rut", r"\d{1,2}\.\d{3}\.\d{3}-[\dK]", _rut),
    _id("cl.rut", r"\d{7,8}-[\dK]", _rut, alone=False),
    _id("ca.sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", _sin, alone=False),
    _id("za.idnr", rf"\d{{2}}{_MONTH}{_DAY}\d{{4}}[01]\d{{2}}", lambda text: luhn(digits_of(text))),
    _id("tr.tckimlik", r"[1-9]\d{10}", _turkish, alone=False),
    _id("ro.cnp", rf"[1-8]\d{{2}}{_MONTH}{_DAY}\d{{6}}", _last((2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9), _rest_of_11), alone=False),
    _id("bg.egn", r"\d{10}", _last((2, 4, 8, 5, 10, 9, 7, 3, 6), _rest_of_11), alone=False),
    _id("cz.rc", rf"\d{{2}}(?:[0257][1-9]|[1368][0-2]){_DAY}/\d{{4}}", _rodne_cislo),
    _id("ch.ssn", r"756\.\d{4}\.\d{4}\.\d{2}|756\d{10}", _total((1, 3) * 7, 10)),
    _id("ie.pps", r"\d{7}[A-W][AHWTX]?", _pps, alone=False),
    _id("ee.ik", rf"[1-8]\d{{2}}{_MONTH}{_DAY}\d{{4}}", _baltic, alone=False),
    _id("hr.oib", r"\d{11}", lambda text: mod_11_10(digits_of(text)), alone=False),
    _id("si.emso", rf"{_DAY}{_MONTH}[09]\d{{2}}\d{{6}}", _last((7, 6, 5, 4, 3, 2) * 2, lambda total: (11 - total % 11) % 11 % 10), alone=False),
    _id("sg.nric", r"[STFG]\d{7}[A-Z]", _nric, letters=1),
    _id("hk.hkid", r"[A-Z]\d{6}\([\dA]\)", _hkid, letters=1),
    _id("au.tfn", r"\d{3} ?\d{3} ?\d{3}", _total((1, 4, 3, 7, 5, 8, 6, 9, 10), 11), alone=False),
    _id("gb.nino", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{2} ?\d{2} ?\d{2} ?[A-D]", _nino, letters=2),
    _id("gb.nino", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d{2} \d{2} \d{2} ?[A-D]", _nino, letters=3),
    _id("tw.id", r"[A-Z][1289]\d{8}", _taiwanese, letters=1),
    _id("th.pin", r"\d-\d{4}-\d{5}-\d{2}-\d", _last(range(13, 1, -1), _below_11)),
)  # fmt: skip
"""Named as the modules of python-stdnum, against which the tests compare them."""
