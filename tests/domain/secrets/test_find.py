import base64
import collections
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from remit.domain.catalogue.model import Action, Area, Effect, MarkKind, ParamMark, PowerKind
from remit.domain.ids import is_own_id, new_id
from remit.domain.param_paths import parse_path
from remit.domain.secrets.find import SecretFinding, find_in_values, find_secrets, redact, redact_params, secret_values
from remit.domain.secrets.kinds import SecretClass
from remit.domain.secrets.national_ids import is_card, is_iban, is_us_ssn
from remit.domain.secrets.split import find_split
from secrets_mutated import leaks, planted

DATA = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[4] / "shared")) / "data"
AWS = "AKIA" + "3HPWT7USTSO6W3CN"
GITHUB = "ghp_" + "k4JQF9qC0uuV2s5vB3L897RqN84En9FOMx7E"
JWT = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJjdXN0XzEifQ.c2lnbmF0dXJlLWhlcmU"
CARD = "4111 1111 1111 1111"
IBAN = "DE89 3704 0044 0532 0130 00"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEA\n-----END PRIVATE KEY-----"

SECRETS = [
    (f"Use {AWS} please", AWS, "aws_access_key"),
    (f"the token is {GITHUB}", GITHUB, "prefixed_token"),
    (f"Authorization: DPoP {JWT}", JWT, "jwt"),
    (f"DPoP: {JWT}", JWT, "jwt"),
    (f"key:\n{PEM}\nok?", PEM, "private_key"),
    ("My password is Harbor#8159x.", "Harbor#8159x", "password"),
    ("pw=Tundra&9374pL ok", "Tundra&9374pL", "password"),
    ("my password: hunter2", "hunter2", "password"),
    ("postgres://app:fmbpFJ53LIPs@db.internal/x", "fmbpFJ53LIPs", "url_password"),
    ("PIN: 7318", "7318", "pin"),
    ("my card PIN is 9444", "9444", "pin"),
    ("CVV 734", "734", "card_code"),
    ("verification code: 435691", "435691", "one_time_code"),
    ("my OTP is four three five six nine one", "four three five six nine one", "one_time_code"),
    ("482 913 is your code", "482 913", "one_time_code"),
    (f"charge {CARD} now", CARD, "card_number"),
    (f"refund it to {IBAN} please", IBAN, "iban"),
    ("SSN 653-77-1553", "653-77-1553", "national_id"),
    ("DOB: 1988-06-27", "1988-06-27", "birth_date"),
]
HARMLESS = [
    "Please refund 40.00 EUR for order #W6137285 to pm_7, thanks.",
    "Order number 6845186250152869 does not appear in the app.",
    "I forgot my password, how can I reset it?",
    "My password is wrong and the token has expired.",
    "The page shows error code 5405.",
    "SHA-256 of the download is a9e9bee0773288a26820eb202ff0809e25e57180c8a814d16e2bc501325241c7.",
    "Send back ordli_01M8M9YERJV0N6Q81J70JGYV1H, paid with pay_01ARZ3NDEKTSV4RRFFQ69G5FAV.",
    "Ticket f327185c-40ae-da34-2d1a-ba014cb2a666 was closed by mistake.",
    "The example uses sk_live_xxxxxxxxxxxxxxxxxxxxxxxx, is that a placeholder?",
    "Set API_KEY=<your-key> in the settings, it says.",
    "My card shows as **** **** **** 5601 and ends in 0858.",
    "Your user id is: anya_garcia_5901",
    "Do you ever ask for the CVV or a one-time code by phone?",
    "I was charged $700.70 twice for the order on March 7, 2026-03-07T10:00:00Z.",
]


@pytest.mark.parametrize(("text", "secret", "kind"), SECRETS)
def test_a_secret_is_found_where_it_stands_and_taken_out(text: str, secret: str, kind: str) -> None:
    findings = find_secrets(text)
    start = text.index(secret)
    assert kind in {one.kind for one in findings}
    assert all(
        any(one.start <= place < one.end for one in findings) for place in range(start, start + len(secret)) if not text[place].isspace()
    )
    assert secret not in redact(text, findings)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_messages_are_left_alone(text: str) -> None:
    findings = find_secrets(text)
    assert findings == ()
    assert redact(text, findings) == text


@pytest.mark.parametrize("secret", [AWS, GITHUB, CARD, "653-77-1553"])
@pytest.mark.parametrize(
    "disguise",
    [
        "\u200b".join,
        lambda text: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text),
        lambda text: " ".join(text.replace(" ", "")),
        lambda text: f"{text[: len(text) // 2].strip()}\n{text[len(text) // 2 :].strip()}",
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: text.encode().hex(),
        lambda text: "".join(f"%{one:02X}" for one in text.encode()),
    ],
    ids=["zero-width", "full-width", "spaced", "broken", "base64", "hex", "percent"],
)
def test_a_disguised_secret_is_found_whole(secret: str, disguise: object) -> None:
    hidden = disguise(secret)  # type: ignore[operator]
    text = f"Here it comes: {hidden} and that was it."
    cleaned = redact(text, find_secrets(text))
    assert hidden not in cleaned
    assert "".join(filter(str.isalnum, hidden))[2:12] not in "".join(filter(str.isalnum, cleaned))
    assert cleaned.startswith("Here it comes: ")
    assert cleaned.endswith("and that was it.")


def test_fingerprints_are_for_random_credentials_only() -> None:
    kept = {kind: any(one.fingerprint for one in find_secrets(text)) for text, _, kind in SECRETS}
    assert {kind for kind, may in kept.items() if may} == {"aws_access_key", "prefixed_token", "jwt", "private_key"}


def test_of_two_overlapping_findings_less_is_kept() -> None:
    overlapping = find_secrets("token: 4111111111111111")
    assert [one.group for one in overlapping] == [SecretClass.PERSONAL]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The last four digits of my card are 5320.", False),
        ("card last 4 digits: 5320", False),
        ("Die letzten vier Ziffern der Karte: 5320", False),
        ("The last four digits of my PIN are 5320.", True),
        ("The last four digits of my social are 5320.", True),
        ("The four digits are 5320.", True),
        ("The last six digits of the code are 532071.", True),
        ("my lasting four digits are 5320", True),
    ],
)
def test_the_last_digits_of_a_longer_number_are_no_code(text: str, found: bool) -> None:
    assert bool(find_secrets(text)) is found


def test_contacts_are_found_only_when_asked_for() -> None:
    text = "write to kara.d@proton.me or call (352) 657-8490"
    assert find_secrets(text) == ()
    assert {one.kind for one in find_secrets(text, contacts=True)} == {"email", "phone"}


@given(
    st.sampled_from([text for text, _, _ in SECRETS]), st.text(alphabet="ab .,\n", max_size=20), st.text(alphabet="ab .,\n", max_size=20)
)
@example("My password is Harbor#8159x.", "a.a.a.a.a", "a.a.a.a.a")
@example("CVV 734", "a.a.a.a.a", "a.a.a.a.a")
@example("my password: hunter2", "a.......a", "a.......a")
def test_what_was_found_is_never_left_and_nothing_is_found_again(secret: str, before: str, later: str) -> None:
    text = f"{before} {secret} {later}"
    findings = find_secrets(text)
    cleaned = redact(text, findings)
    for one in findings:
        value = text[one.start : one.end]
        assert len(value) < 5 or value not in secret or value not in cleaned  # dots around it are no secret elsewhere
    assert find_secrets(cleaned) == ()


@given(st.text(max_size=60))
def test_findings_are_in_order_inside_and_apart(text: str) -> None:
    at = 0
    for one in find_secrets(text, contacts=True):
        assert at <= one.start < one.end <= len(text)
        at = one.end


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Harbor#8159x? I tried it. My password is Harbor#8159x.", "[password removed]? I tried it. My password is [password removed]."),
        ("My PIN is 4821. I typed 4821 twice.", "My PIN is [pin removed]. I typed [pin removed] twice."),
        ("4 8 2 1, ４８２１, NDgyMQ==: PIN: 4821", "[pin removed], [pin removed], [pin removed]: PIN: [pin removed]"),  # noqa: RUF001  # full-width
        ("PIN: 4821, order 14821 or 48210", "PIN: [pin removed], order 14821 or 48210"),
        (
            "mother's maiden name is not known, and not asked for",
            "mother's maiden name is [security_answer removed] known, and not asked for",
        ),
    ],
)
def test_a_found_secret_is_taken_out_wherever_it_stands_again(text: str, clean: str) -> None:
    assert redact(text, find_secrets(text)) == clean


def test_a_secret_of_another_text_is_found_without_its_label() -> None:
    revealed = "My PIN is 4821."
    known = secret_values(revealed, find_secrets(revealed))
    assert "4821" not in str(known)
    assert redact("Typed 4821.", find_secrets("Typed 4821.", known=known)) == "Typed [pin removed]."
    made = redact_params({"n": 4821, "deep": [{"4821": "x"}, "4821 it is"]}, None, known=known)
    assert "4821" not in str(made.params)


def test_redacting_joins_what_overlaps() -> None:
    findings = [
        SecretFinding(start=0, end=4, kind="pin", group=SecretClass.GUESSABLE),
        SecretFinding(start=2, end=6, kind="token", group=SecretClass.CREDENTIAL),
    ]
    assert "1234" not in redact("123456 rest", findings)


ACTION = Action(
    name="payment.refund",
    title="Refund to {iban}",
    power=PowerKind.REQUEST,
    area=Area.PAYMENT,
    effect=Effect.WRITE,
    reversible=True,
    returns=(),
    schema={},
    marks=(
        ParamMark(path=parse_path("iban"), kind=MarkKind.RECIPIENT),
        ParamMark(path=parse_path("order_id"), kind=MarkKind.RESOURCE, of="order"),
    ),
    declared=frozenset(),
    builtin=False,
    digest="",
)


def test_params_lose_their_secrets_but_not_the_numbers_the_action_asks_for() -> None:
    params = {
        "iban": IBAN,
        "order_id": "4111111111111111",
        "note": f"my card {CARD}",
        "deep": [{"password": "hunter2x"}],
        "n": 4,
        "pin": "4821",
    }
    made = redact_params(params, ACTION)
    assert made.params["iban"] == IBAN
    assert made.params["order_id"] == "4111111111111111"
    assert made.params["n"] == 4
    assert CARD not in str(made.params)
    assert "hunter2x" not in str(made.params)
    assert made.params["pin"] == "[pin removed]"
    assert {path for path, _ in made.findings} == {"note", "deep[*].password", "pin"}


def test_a_credential_never_passes_as_a_record_or_a_key() -> None:
    made = redact_params({"order_id": GITHUB, GITHUB: 1}, ACTION)
    assert GITHUB not in str(made.params)


def test_without_an_action_no_number_is_expected() -> None:
    assert IBAN not in str(redact_params({"iban": IBAN}, None).params)


def test_check_digits() -> None:
    assert is_card("4111-1111-1111-1111")
    assert not is_card("4111-1111-1111-1112")
    assert not is_card("0000000000000000")
    assert is_iban(IBAN)
    assert not is_iban(IBAN.replace("9", "8", 1))
    assert not is_iban("ZZ89370400440532013000")
    assert is_us_ssn("653-77-1553")
    assert not is_us_ssn("666-77-1553")


def test_the_shared_dev_set_stays_above_its_goals() -> None:
    folder = DATA / "secrets"
    if not folder.exists():
        pytest.skip("no shared data; set REMIT_SHARED")
    kept: dict[bool, list[bool]] = {True: [], False: []}
    for record in json.loads((folder / "planted_dev.json").read_text()):
        findings = find_secrets(record["text"], contacts=True)
        for span in record["spans"]:
            kept[record["variant"] == "plain"].append(any(one.start <= span["start"] and span["end"] <= one.end for one in findings))
    harmless = json.loads((folder / "benign_dev.json").read_text())
    assert sum(kept[True]) / len(kept[True]) >= 0.95
    assert sum(kept[False]) / len(kept[False]) >= 0.90
    assert sum(bool(find_secrets(one["text"])) for one in harmless) / len(harmless) <= 0.01


def test_a_number_is_read_with_the_name_it_stands_under() -> None:
    made = redact_params({"pin": 4711, "count": 4711, "card": [4111111111111111], "deep": {"cvv": Decimal(737)}, "sure": True}, None)
    assert made.params == {
        "pin": "[pin removed]",
        "count": 4711,
        "card": ["[card_number removed]"],
        "deep": {"cvv": "[card_code removed]"},
        "sure": True,
    }
    assert [(one.where, one.kind, one.credential) for one in made.taken] == [
        ("pin", "pin", ""),
        ("card[*]", "card_number", ""),
        ("deep.cvv", "card_code", ""),
    ]


def test_a_secret_in_a_name_is_told_without_it() -> None:
    made = redact_params({"my PIN is 4711": {"a": "b"}}, None)
    assert made.params == {"my PIN is [pin removed]": {"a": "b"}}
    assert [(one.where, one.kind) for one in made.taken] == [("my PIN is [pin removed]", "pin")]


@given(st.binary(min_size=16, max_size=16))
def test_what_the_desk_numbered_itself_is_no_secret(randomness: bytes) -> None:
    for prefix in ("off", "ask", "case", "task", "man"):
        own = new_id(prefix, randomness)
        assert is_own_id(own)
        params = {f"{prefix}_id": own, "text": f"I take {prefix} id: {own}, please", "ids": [own]}
        assert redact_params(params, None).params == params


@pytest.mark.parametrize("host", ["http://localhost:8080", "https://support.acme.example:8443", "https://desk.example"])
def test_an_address_with_a_port_is_read_like_one_without(host: str) -> None:
    own = new_id("cnf", bytes(range(16)))
    for address in (f"{host}/confirm/{own}", f"{host}/orders/W1001-abcdefgh/parts"):
        assert find_secrets(f"Answer at {address}, please") == (), address
    letters = "4eC39HqLyjWDarjtT1zdp7dcXq"
    for address in (
        f"{host}/reset/{letters}",
        f"{host}/a/key={letters}",
        f"{host}/a/zz={letters}",
        f"{host}/?token={letters}",
        f"{host}/sk_live_{letters}",
    ):
        assert letters not in redact(address, find_secrets(address)), address
    for text in (f"http://anna:{letters}@desk.example/", f"pw://desk:80{letters}"):
        assert letters not in redact(text, find_secrets(text)), text


def test_what_only_looks_like_a_number_of_the_desks_is_a_secret_still() -> None:
    letters = "k5mq7wzx3abcdefghij2nopqrs"
    for value in (f"key_{letters}", f"req_{letters}", f"off_{letters}7", f"OFF_{letters}", f"off_{letters.upper()}"):
        assert not is_own_id(value)
        assert letters not in str(redact_params({"note_id": value}, None).params).lower(), value
    assert redact_params({"api_key": f"off_{letters}"}, None).params == {"api_key": "[token removed]"}


def test_a_key_without_its_end_is_taken_out_of_the_text_it_begins_in() -> None:
    begun = "-----BEGIN PRIVATE KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAw"
    found = find_in_values([("note", "hello"), ("key", begun), ("next", "4 kettles"), ("pin", "4711")])
    assert found[0] == ()
    assert "MIIBVgIBADANBgkq" not in redact(begun, found[1])
    assert redact("4711", found[3]) == "[pin removed]" or "4711" not in redact("4711", found[3])


MESSAGES = 4_000


def test_nothing_planted_is_left_in_thousands_of_changed_messages() -> None:
    left = collections.Counter(
        (one.kind, one.disguise) for one in planted(29, MESSAGES) if leaks(redact(one.text, find_secrets(one.text)), one)
    )
    assert left == collections.Counter()


def test_what_is_planted_would_be_noticed() -> None:
    assert all(leaks(one.text, one) for one in planted(29, 200))


def test_findings_inside_one_another_are_taken_out_once() -> None:
    def finding(start: int, end: int) -> SecretFinding:
        return SecretFinding(start=start, end=end, kind="password", group=SecretClass.GUESSABLE)

    assert redact("a secret here", [finding(2, 8), finding(4, 6), finding(2, 8)]) == "a [password removed] here"


@pytest.mark.parametrize("text", ["my password is (a)", "password: x", "your token is <token>", "api_key=<your-api-key>"])
def test_a_placeholder_or_a_letter_is_no_password(text: str) -> None:
    assert not find_secrets(text)


@given(st.text(alphabet="ABCDEFabcdef0123456789+/=-_ ", max_size=60))
def test_what_only_looks_encoded_never_breaks_the_search(text: str) -> None:
    assert all(0 <= one.start < one.end <= len(text) for one in find_secrets(text))


@pytest.mark.parametrize("prefix", ["sk_", "tok_", "token ", "key: ", "my password is pay_", "refresh_", "apikey_", "otp_"])
def test_a_ulid_behind_the_name_of_a_credential_is_one(prefix: str) -> None:
    assert find_secrets(f"use {prefix}01ARZ3NDEKTSV4RRFFQ69G5FAV please")


@pytest.mark.parametrize("value", ["pay_71ARZ3NDEKTSV4RRFFQ69G5FAV", "pay_01ARZ3NDEKTSV4RRFFQ69G5FAVx9", "pay_01ARZ3NDEKTSV4RRFUQ69G5FAV"])
def test_a_value_that_is_nearly_a_ulid_is_a_token(value: str) -> None:
    assert [found.kind for found in find_secrets(f"use {value} please")] == ["token"]


def test_one_record_after_another_is_no_split_secret() -> None:
    first, second = "ordli_01M8M9YERJV0N6Q81J70JGYV1H", "pay_01M8M9YFD8D9SEV67HGXB2HM9K"
    assert find_split([first], second) == ()
    assert find_split([first[:-8]], first[-8:]) == ()
