"""P11: secrets recognised by where they stand: formats of files, labels in other languages, spelled, cut, split over asks."""

from collections.abc import Iterator

import pytest

from attacks.arena import COMPLAIN, Arena, open_arena

FORMS = [
    ("1. legal 2. winner 3. abandon 4. year 5. wave 6. sausage 7. worth 8. useful 9. lamp 10. ripple 11. canyon 12. yellow", "sausage"),
    ("The app shows JBSW Y3DP EHPK 3PXP under the picture.", "JBSW Y3DP EHPK 3PXP"),
    ("db.example.com:5432:shop:anna:s3cr3tPw", "s3cr3tPw"),
    ('variable "db_password" {\n  type = string\n  default = "Tr0ub4dor&3"\n}', "Tr0ub4dor&3"),
    ("WIFI:S:Guest;T:WPA;P:sommer2026;H:false;;", "sommer2026"),
    ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10", "ERIKSSON"),
    ("my password is Hun<b>ter</b>22!x", "ter</b>22!x"),
    ("My password is <span>Tr0ub</span><span>4dor</span>", "4dor"),
    ("Moje hasło to Wiosna2026!", "Wiosna2026"),
    ("Mitt lösenord är Sommar2026!", "Sommar2026"),
    ("Пароль: Leto2026!", "Leto2026"),
    ("密码是 Xia2026!", "Xia2026"),
    ("כדי להיכנס הסיסמה: Kayitz26!", "Kayitz26"),
    ("El código es 482913", "482913"),
    ("My password is h as in hotel, u as in uniform, n as in november, t as in tango, two, two", "uniform"),
    ("my password is capital H, u, n, t, e, r, 2, 2", "H, u, n, t"),
    ("Mein Passwort buchstabiert: S wie Siegfried, o wie Otto, m wie Martha, m, e, r, 2 6", "Siegfried"),
]
SPLIT = [
    ("The first half of the password is Tr0ub4", "The second half is dor&3x", "dor&3x"),
    ("Use sk_live_51HqW9fKZv", "and then R2mXbT7cYdN4aPu", "R2mXbT7cYdN4aPu"),
    ("The first part of my card: 4111 1111", "The rest: 1111 1111", "1111 1111"),
]
HONEST = [
    ("The parcel has the tracking code 1Z999AA10123456784.", "My frequent-flyer number is LH 9922 0141 5573 218."),
    ("My order 40001111 came late.", "The invoice 22334455 is the second one."),
    ("The card dbc_cr47f8d2a1_evergreen was skimmed.", "Send it to 1520 East McDowell Road, Phoenix, AZ 85006."),
    ("I got half of it. The order was 40001111, as the mail of the company said.", "It went wrong with 22334455."),
    ("Hasło na stronie nie działa.", "El código postal es 28013 y la clave está caducada."),
]


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena(settings={"words": {"secrets": "redact"}}) as one:
        yield one


def _comment(arena: Arena, *texts: str) -> str:
    task = arena.task(COMPLAIN)
    for text in texts:
        task.ask("case.comment", {"text": text})
    return "\n".join(str(entry) for entry in arena.entries("ask.decided"))


@pytest.mark.proves("SECRETS")
@pytest.mark.parametrize(("text", "part"), FORMS)
def test_a_secret_in_another_form_is_kept_nowhere(arena: Arena, text: str, part: str) -> None:
    kept = _comment(arena, text)
    assert part not in kept
    assert "removed]" in kept


@pytest.mark.proves("SECRETS")
@pytest.mark.parametrize(("first", "second", "part"), SPLIT)
def test_the_rest_of_a_secret_that_is_split_over_asks_is_kept_nowhere(arena: Arena, first: str, second: str, part: str) -> None:
    assert part not in _comment(arena, first, second)


@pytest.mark.parametrize("texts", HONEST)
def test_numbers_of_honest_messages_are_kept(arena: Arena, texts: tuple[str, str]) -> None:
    kept = _comment(arena, *texts)
    assert "removed]" not in kept
