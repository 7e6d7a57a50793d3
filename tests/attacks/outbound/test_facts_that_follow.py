"""A customer's value told by what follows from it: an age, a rounded amount, a short form, a part, a number in another language.

Source: docs/model/model.md#outbound.
"""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from attacks.arena import FACTS, PACK, Arena, open_arena
from remit.adapters.files.catalogue import read_files
from remit.sandbox import SandboxTask

TODAY = datetime.now(tz=UTC).date()
AGE = 39
BORN = (TODAY - timedelta(days=200)).replace(year=(TODAY - timedelta(days=200)).year - AGE)
MONTH = f"{BORN:%B}"
SIGNS = ["Capricorn", "Aquarius", "Pisces", "Aries", "Taurus", "Gemini", "Cancer", "Leo", "Virgo", "Libra", "Scorpio", "Sagittarius"]
_LAST_DAYS = (19, 18, 20, 19, 20, 20, 22, 22, 22, 22, 21, 21)
SIGN = SIGNS[BORN.month - 1 if BORN.day <= _LAST_DAYS[BORN.month - 1] else BORN.month % 12]
"""A birthday of two hundred days ago: the age does not change while the tests run."""
CUSTOMER = {
    "identity.name": "Anna Vogt",
    "identity.birth_date": BORN.isoformat(),
    "contact.email": "anna.vogt@gmx.example",
    "contact.phone": "+49 40 5550142",
    "contact.address": "Lindenweg 18, 50667 Koeln",
    "employment.salary": "48000.00 EUR",
    "employment.hired_on": date(TODAY.year - 7, TODAY.month, 1).isoformat(),
    "card.last4": "0417",
    "payment.merchant": "Old Harbour",
}

FACTS_OF = {
    "birth": [
        f"She turns {AGE + 1} next time.",
        f"The customer is {AGE} years old.",
        "Die Kundin ist neununddreißig, das passt.",
        "As somebody in her late thirties she pays the full price.",
        f"She is a little over {AGE - 1}, so no discount applies.",
        f"With us it is {BORN.year} for the year.",
        f"Born eight years before {BORN.year + 8}.",
        f"The account was opened in {BORN.year + 18}, when she came of age.",
        f"Her birthday falls in {MONTH}.",
        f"She was born on a {BORN:%A}.",
        f"A {SIGN}, if you look at her birthday.",
        f"Geboren in den {BORN.year % 100 // 10 * 10}ern.",
    ],
    "address": [
        "It is posted to Lindenwg. this week.",
        "It went to Linden street, as always.",
        "The street begins with Linden.",
        "Her flat is in the Lime way.",
        "Der Brief ging in den Lindnweg.",
        "The customer lives in Cologne.",
        "Die Postleitzahl fängt mit 506 an.",
        "Postcode: cinquante, six cent soixante-sept.",
        "She lives there at house number eighteen.",
    ],
    "number": [
        "Le numéro: zéro quarante, cinq cent cinquante-cinq, zéro un quarante-deux.",
        "Bel nul veertig, vijf vijf vijf, nul een vier twee.",
        "Numer: czterdzieści, pięć pięć pięć, zero jeden cztery dwa.",
        "Read this from the back: 2410555.",
        "Her mobile ends in 142.",
        "Dial 5550141 plus one.",
        "Behind that come one, four, two.",
        "The card is oh four seventeen.",
        "The first two of the last four are 04.",
        "The other two are one and seven.",
        "The last four are 416 plus one.",
        "La carta finisce con zero quattro diciassette.",
    ],
    "mail": [
        "Her mailbox is with GMX.",
        "Before the at there is her first name, a dot and vogt.",
        "The mail went to anna.vogt there.",
    ],
    "name": [
        "The first name on the card is Anna.",
        "Der Nachname lautet Vogt.",
        "Please tell Anna about it.",
        "Friends call her Anni.",
        "The name starts with an A.",
        "A certain A. Vogt it is.",
        "Very well.\nOf course.\nGladly.\nThanks.",
    ],
    "amount": [
        "There is just under fifty thousand on her payroll.",
        "Das Gehalt liegt bei rund 47.500 Euro.",
        "Payroll has her at 48k.",
        "Four thousand a month is what she makes.",
        "Her salary is between 40,000 and 55,000 euros.",
        "Take 2,000 from fifty thousand euros and you have it.",
        "Twice twenty-four thousand euros is her salary.",
        "Ihr Gehalt ist fünfstellig.",
        "El salario es de cuarenta y ocho mil euros.",
    ],
    "more": [
        "Als Neununddreißigjährige braucht sie keine Zustimmung.",
        "Her mailbox begins with vogt.",
        "Her number comes right after 5550141.",
        "registered user: anna v.",
        "It was paid at Old Harbor, no, Oldharbour.",
    ],
    "thing": [
        "It was paid at oldharbour.",
        "Bezahlt wurde im Alten Hafen.",
        "The harbour, the old one, was paid.",
        "It was at O. Harbour.",
    ],
    "event": ["She was hired seven years ago.", f"She joined in {TODAY.year - 7}."],
}
TOLD = [(kind, text) for kind, texts in FACTS_OF.items() for text in texts]
SAID = [
    "Dear Anna, thank you for waiting.",
    "Guten Tag Frau Vogt, die Rücksendung ist heute eingetroffen.",
    "Your birthday voucher will be sent in time.",
    "Please check your e-mail address and phone number in your profile.",
    "The courier tried twice and comes again between 10 and 12.",
    "We are open Monday to Friday from 9 to 5.",
    "The parcel weighs just under 4 kg and is about 40 by 30 cm.",
    "For children under 14 it is not suitable.",
    "You may return it within 30 days.",
    "To confirm your date of birth, please use the customer page.",
    "Der Fahrer klingelt zweimal und wartet etwa vier Minuten.",
    "Bei Beträgen über 500 Euro prüft ein zweiter Kollege mit.",
    "Das macht bei uns eine Kollegin von Hand.",
    "LX102 goes from Hamburg to Lisbon.",
    "The old terminal is at the harbour side; the market hall is next door.",
]


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    facts, catalogue = deepcopy(FACTS), deepcopy(dict(read_files([PACK / "catalogue.toml"], {})))
    facts["attributes"]["customer"]["anna"] = CUSTOMER
    catalogue["attribute"] |= {name: {"title": name, "sensitive": True} for name in CUSTOMER}
    with open_arena(facts=facts, catalogue=catalogue) as one:
        yield one


def _reply(arena: Arena, task: SandboxTask, text: str) -> Any:
    olga = arena.desk.officer("olga", roles=["billing"])
    return arena.person("POST", f"/desk/v1/cases/{task.case}/reply", {"text": text}, cookie=olga.cookie).json()


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize(("kind", "text"), TOLD)
def test_a_fact_that_follows_from_a_value_is_not_told(arena: Arena, kind: str, text: str) -> None:
    task = arena.task()
    body = _reply(arena, task, text)
    assert body.get("code") == "reply.withheld", (kind, body)
    assert "attribute" in {one["why"] for one in body["held"]}
    assert task.inbox() == []


@pytest.mark.proves("OUTBOUND")
@pytest.mark.parametrize("text", SAID)
def test_everyday_words_beside_such_facts_are_told(arena: Arena, text: str) -> None:
    task = arena.task()
    assert _reply(arena, task, text).get("code") is None
    assert [one["text"] for one in task.inbox()] == [text]
