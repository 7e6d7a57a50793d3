"""National numbers and their check digits, held against python-stdnum, which is no part of Remit."""

import importlib
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.secrets.find import find_secrets, redact
from remit.domain.secrets.national_ids import NATIONAL_IDS, NationalId, is_card, is_iban, luhn, mod_11_10, verhoeff

SHAPED = ("us.ssn", "dk.cpr", "gb.nino")
"""No check digit: only the form is told."""
UNKNOWN = {"gb.nino", "hk.hkid", "sg.nric", "tw.id"}
"""python-stdnum does not have them."""


def _module(name: str) -> Any:
    country, kind = name.split(".")
    try:
        return importlib.import_module(f"stdnum.{country}.{kind}")
    except ModuleNotFoundError:
        return None


def _drawn(one: NationalId, lot: random.Random, tries: int = 60_000) -> set[str]:
    """Texts of the number's form, drawn by lot, that we hold to be right."""
    found: set[str] = set()
    letters = {"1": "0123456789", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    for _ in range(tries):
        text = "".join(lot.choice(letters.get(sign, sign)) for sign in lot.choice(FORMS[one.name]))
        if one.form.fullmatch(text) and one.holds(text):
            found.add(text)
            if len(found) == 12:
                break
    return found


FORMS = {
    "us.ssn": ["111-11-1111"],
    "es.dni": ["11111111A"],
    "es.nie": ["X1111111A", "Y1111111A"],
    "it.codicefiscale": ["RSSMRA85T10A562S", "RSSMRA1111A111A".replace("1111A", "85A1" + "1A"), "VRDGPP13R10B293P"],
    "fi.hetu": ["131052-308T", "111111-111A", "011111-1111"],
    "se.personnummer": ["110111-1111", "19110111-1111"],
    "no.fodselsnummer": ["01011111111", "150711 11111"],
    "dk.cpr": ["010111-1111"],
    "pl.pesel": ["11011111111", "11122111111"],
    "nl.bsn": ["111111111"],
    "be.nn": ["11.01.11-111.11", "11011111111"],
    "fr.nir": ["1 11 01 11 111 111 11", "111011111111111"],
    "de.idnr": ["11 111 111 111", "11111111111"],
    "br.cpf": ["111.111.111-11", "11111111111"],
    "in_.aadhaar": ["1111 1111 1111", "111111111111"],
    "cn.ric": ["111111198101111111", "11111119810111111X"],
    "kr.rrn": ["110111-1111111"],
    "mx.curp": ["AAAA110111HDFAAA11", "AAAA110111MDFAAAA1"],
    "cl.rut": ["11.111.111-1", "11111111-1", "11.111.111-K"],
    "ca.sin": ["111-111-111", "111 111 111"],
    "za.idnr": ["1101111111011"],
    "tr.tckimlik": ["11111111111"],
    "ro.cnp": ["1110111111111"],
    "bg.egn": ["1101111111"],
    "cz.rc": ["110111/1111", "116111/1111"],
    "ch.ssn": ["756.1111.1111.11", "7561111111111"],
    "ie.pps": ["1111111A", "1111111AA"],
    "ee.ik": ["31101111111"],
    "hr.oib": ["11111111111"],
    "si.emso": ["0101911111111"],
    "sg.nric": ["S1111111A", "T1111111A", "F1111111A", "G1111111A"],
    "hk.hkid": ["A111111(1)", "A111111(A)"],
    "au.tfn": ["111 111 111"],
    "gb.nino": ["AA111111A", "AA 11 11 11 A"],
    "tw.id": ["A111111111", "A211111111"],
    "th.pin": ["1-1111-11111-11-1"],
}


@pytest.mark.parametrize("one", NATIONAL_IDS, ids=[f"{number} {one.name}" for number, one in enumerate(NATIONAL_IDS)])
def test_what_we_hold_right_stdnum_holds_right(one: NationalId) -> None:
    drawn = _drawn(one, random.Random(one.name))
    assert drawn, "none was drawn: the form or its check is wrong"
    module = _module(one.name)
    if module is None:
        assert one.name in UNKNOWN, "python-stdnum has no such module"
        return
    wrong = {text for text in drawn if not _right(module, text)}
    assert wrong == set() or (one.name in _DATED and wrong < drawn)


_DATED = {
    "bg.egn",
    "cn.ric",
    "mx.curp",
    "kr.rrn",
    "ro.cnp",
    "se.personnummer",
    "no.fodselsnummer",
    "fi.hetu",
    "cz.rc",
    "be.nn",
    "pl.pesel",
    "ee.ik",
    "za.idnr",
    "th.pin",
    "si.emso",
    "it.codicefiscale",
    "fr.nir",
    "dk.cpr",
    "us.ssn",
}
"""python-stdnum looks at the date (the 31st of June, the future) or the place as well; we look at its form alone."""


def _right(module: Any, text: str) -> bool:
    if module.__name__.endswith("cn.ric"):  # it looks for the place too, and hardly any is drawn
        return bool(module.calc_check_digit(text) == text[-1].upper())
    return bool(module.is_valid(text))


KNOWN = {
    "es.dni": "54362315K",
    "es.nie": "X5253868R",
    "it.codicefiscale": "RCCMNL83S18D969H",
    "fi.hetu": "131052-308T",
    "se.personnummer": "880320-0016",
    "no.fodselsnummer": "15108695088",
    "be.nn": "85.07.30-033.28",
    "fr.nir": "2 95 10 99 126 111 93",
    "de.idnr": "36 574 261 809",
    "br.cpf": "390.533.447-05",
    "in_.aadhaar": "2341 2341 2346",
    "cn.ric": "360426199101010071",
    "mx.curp": "BOXW310820HNERXN09",
    "cl.rut": "12.531.909-2",
    "za.idnr": "7503305044089",
    "cz.rc": "710319/2745",
    "ch.ssn": "756.9217.0769.85",
    "sg.nric": "S1234567D",
    "hk.hkid": "A123456(3)",
    "gb.nino": "AB 12 34 56 C",
    "tw.id": "A123456789",
}
"""Examples that are published to show the form, of nobody."""


@pytest.mark.parametrize("name", KNOWN)
def test_a_published_example_is_found_and_one_with_a_wrong_digit_is_not(name: str) -> None:
    number = KNOWN[name]
    holds = next(one for one in NATIONAL_IDS if one.name == name and one.form.fullmatch(number)).holds
    assert holds(number)
    text = f"It is {number}, please note."
    assert number not in redact(text, find_secrets(text))
    if name not in SHAPED:
        at = max(place for place, sign in enumerate(number) if sign.isdigit() and place < len(number) - 1)
        changed = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]
        form = next(one.form for one in NATIONAL_IDS if one.name == name)
        assert not form.fullmatch(changed) or not holds(changed)


@pytest.mark.parametrize(
    "text", ["order 85073003328", "parcel no. 360426199101010071", "invoice 12.531.909-2", "SKU A123456789", "part RCCMNL83S18D969X"]
)
def test_the_desks_own_numbers_are_left(text: str) -> None:
    assert find_secrets(text) == ()


@given(st.integers(min_value=10, max_value=10**18))
def test_ways_of_check_digits_agree_with_stdnum(number: int) -> None:
    text = str(number)
    digits = [int(one) for one in text]
    assert luhn(digits) is importlib.import_module("stdnum.luhn").is_valid(text)
    assert verhoeff(digits) is importlib.import_module("stdnum.verhoeff").is_valid(text)
    assert mod_11_10(digits) is importlib.import_module("stdnum.iso7064.mod_11_10").is_valid(text)


@given(st.text(alphabet="0123456789", min_size=12, max_size=19))
def test_a_card_is_right_only_where_luhn_is(text: str) -> None:
    assert not is_card(text) or importlib.import_module("stdnum.luhn").is_valid(text)


@pytest.mark.parametrize("text", ["GR1601101050000010547023795", "GB82 WEST 1234 5698 7654 32", "DE89370400440532013000"])
def test_ibans_agree_with_stdnum(text: str) -> None:
    iban = importlib.import_module("stdnum.iban")
    assert is_iban(text)
    assert iban.is_valid(text, check_country=False)
    assert not is_iban(text[:-1] + str((int(text[-1]) + 1) % 10))
