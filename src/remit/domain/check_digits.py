"""Numbers that prove themselves: the ways check digits are made, payment cards and IBANs.

National numbers are in `national_ids`; where such a number stands in a text is for `secret_numbers`.
"""

from collections.abc import Sequence
from typing import Final

_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24,
    "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
"""Source: ISO 13616 IBAN registry."""
_VERHOEFF_D: Final = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_P: Final = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def digits_of(text: str) -> list[int]:
    """The digits of a text, in order."""
    return [int(letter) for letter in text if letter.isdecimal()]


def luhn(digits: Sequence[int]) -> bool:
    """Whether the last digit proves the others by Luhn's way.

    Source: ISO/IEC 7812-1 annex B.
    """
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]  # noqa: PLR2004  # Luhn
    return sum(doubled) % 10 == 0


def weighed(digits: Sequence[int], weights: Sequence[int]) -> int:
    """The sum of digits, each times its weight."""
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def verhoeff(digits: Sequence[int]) -> bool:
    """Whether the last digit proves the others by Verhoeff's way."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[place % 8][digit])])
    return check == 0


def mod_11_10(digits: Sequence[int]) -> bool:
    """Whether the last digit proves the others.

    Source: ISO/IEC 7064 MOD 11,10.
    """
    check = 5
    for digit in digits:
        check = (((check or 10) * 2) % 11 + digit) % 10
    return check == 1


def is_card(text: str) -> bool:
    """Tell whether a number is a payment card number: 13 to 19 digits, a card network's first digit, Luhn.

    Source: ISO/IEC 7812-1.
    """
    digits = digits_of(text)
    if not 13 <= len(digits) <= 19 or digits[0] not in {2, 3, 4, 5, 6} or len(set(digits)) == 1:  # noqa: PLR2004  # lengths of ISO/IEC 7812
        return False
    return luhn(digits)


def is_iban(text: str) -> bool:
    """Tell whether a text is an IBAN of a known country's length whose check digits are right.

    Source: ISO 13616, ISO 7064 MOD 97-10.
    """
    plain = text.replace(" ", "").replace("-", "").upper()
    if not plain.isascii() or not plain.isalnum() or _IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    number = "".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])
    return int(number) % 97 == 1


def is_us_ssn(text: str) -> bool:
    """Tell whether a number can be a US social security number: no area 000, 666 or 9xx, no zero group.

    Source: SSA, number ranges never issued.
    """
    area, _, rest = text.partition("-")
    group, _, serial = rest.partition("-")
    return area not in {"000", "666"} and not area.startswith("9") and group != "00" and serial != "0000"
