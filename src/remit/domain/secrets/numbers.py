"""Cards, IBANs and national numbers, recognised by their check digits wherever they stand in a text."""

import re
from collections.abc import Iterator
from typing import Final

from remit.domain.secrets.kinds import PERSONAL, Found
from remit.domain.secrets.national_ids import NATIONAL_IDS, NationalId, is_card, is_iban
from remit.domain.secrets.tokens import is_numbered

_CARD: Final = re.compile(r"\d(?:[ -]?\d){12,18}(?!\w|-\d)")
_GROUPS: Final = re.compile(
    r"\d{4}(?P<s>[./|,*_~:]|[ ]?[-/|][ ]|[ ]{2,3})(?:\d{4}(?P=s)\d{4}(?P=s)\d{1,7}|\d{6}(?P=s)\d{5})(?!\w)"
)
_IBAN: Final = re.compile(r"(?<=[A-Za-z]{2})\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_RUN: Final = re.compile(
    r"\d\d*+(?:(?<=\d\d\d\d\d)|(?=[ -]{1,3}\d|\.\d\d|/\d{4}|[|,*_~:]\d{4}| ?[|/-] \d{4})|(?=[A-Za-z]))"
)
"""Runs of many digits, or followed by a sign or letter: only these can begin a number that is searched for."""
_ON: Final = frozenset(" -./|,*_~:")
_LETTERS: Final = 2
"""Country letters of an IBAN, and check digits behind them."""
_MIN_CARD_LENGTH: Final = 13
_MIN_IBAN_LENGTH: Final = 15


def _by_first_run() -> dict[int, tuple[NationalId, ...]]:
    """Group national numbers by the possible lengths of their first run of digits."""
    firsts = {
        "us.ssn": (3,), "es.dni": (8,), "es.nie": (7,), "it.codicefiscale": (2,), "fi.hetu": (6,), "se.personnummer": (6, 8), "no.fodselsnummer": (6, 11),
        "be.nn": (2, 6, 9, 11), "fr.nir": (1, 3, 5, 6, 7, 10, 13, 15), "de.idnr": (2,), "br.cpf": (3,), "in_.aadhaar": (4,), "cn.ric": (17, 18), "kr.rrn": (6,),
        "mx.curp": (6,), "cl.rut": (1, 2), "za.idnr": (13,), "cz.rc": (6,), "ch.ssn": (3, 13), "sg.nric": (7,), "hk.hkid": (6,), "gb.nino": (2, 4, 6), "tw.id": (9,), "th.pin": (1,),
    }  # fmt: skip
    alone = [number for number in NATIONAL_IDS if number.alone]
    sizes = {size for sizes in firsts.values() for size in sizes}
    return {size: tuple(number for number in alone if size in firsts[number.name]) for size in sizes}


FIRST_RUNS: Final = _by_first_run()
_PLAIN_FORMS: Final = {
    size: re.compile(
        "|".join(f"(?:{one.form.pattern})" for one in ids if one.letters == 0) or "(?!)", re.IGNORECASE | re.ASCII
    )
    for size, ids in FIRST_RUNS.items()
}
"""All forms that begin with a digit, tried at once."""


def find_numbers(text: str) -> Iterator[Found]:
    """Yield each card, IBAN and national number."""
    card_until = iban_until = 0
    for run in _RUN.finditer(text):
        start, end = run.span()
        goes_on = text[end : end + 1] in _ON and not text[end + 1 : end + 2].isspace()
        if (goes_on or end - start >= _MIN_CARD_LENGTH) and start >= card_until and _opens(text, start):
            found = _card(text, start)
            if found is not None:
                card_until = found[2]
                yield found
        if (
            end - start >= _LETTERS
            and start >= max(_LETTERS, iban_until)
            and text[start - 1].isalpha()
            and (start == _LETTERS or not text[start - 3].isalnum())
        ):
            found = _iban(text, start)
            if found is not None:
                iban_until = found[2]
                yield found
        if goes_on or end - start > 4 or text[end : end + 1].isalpha():  # noqa: PLR2004  # no national number is four digits alone
            yield from _nationals(text, start, end - start)


def _opens(text: str, start: int) -> bool:
    """Return whether a number may begin here: not behind a letter or another part of the same number."""
    before = text[start - 1 : start]
    return not before or not (
        before.isalnum() or before in "_#" or (before in "-./" and text[start - 2 : start - 1].isdigit())
    )


def _nationals(text: str, start: int, size: int) -> Iterator[Found]:
    lettered = start > 0 and (
        text[start - 1].isalpha() or (text[start - 1] == " " and text[max(0, start - 2)].isalpha())
    )
    if size not in FIRST_RUNS or not (lettered or _PLAIN_FORMS[size].match(text, start)):
        return
    for number in FIRST_RUNS[size]:
        if (number.letters == 0 or lettered) and (found := _national(number, text, start)) is not None:
            yield found
            return


def _card(text: str, start: int) -> Found | None:
    match = _CARD.match(text, start) or _GROUPS.match(text, start)
    if match is None or not is_card(match[0]) or is_numbered(text, start):
        return None
    return "card_number", start, match.end(), PERSONAL


def _iban(text: str, start: int) -> Found | None:
    match = _IBAN.match(text, start)
    if match is None:
        return None
    whole = text[start - 2 : match.end()]
    length = next((size for size in range(len(whole), _MIN_IBAN_LENGTH - 1, -1) if is_iban(whole[:size])), 0)
    return ("iban", start - 2, start - 2 + length, PERSONAL) if length else None


def _national(number: NationalId, text: str, start: int) -> Found | None:
    begin = start - number.letters
    if begin < 0 or (begin and (text[begin - 1].isalnum() or text[begin - 1] in "_-.#/+")):
        return None
    match = number.form.match(text, begin)
    if match is None or (match.end() < len(text) and (text[match.end()].isalnum() or text[match.end()] in "_-/")):
        return None
    if not number.holds(match[0]) or is_numbered(text, begin):
        return None
    return "national_id", begin, match.end(), PERSONAL
