"""Looking for leaks takes time as a text is long, whatever it is made of; and everything is found that stands in one."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.growth import times_as_long
from remit.domain.errors import Refused
from remit.domain.secrets.canaries import CanaryShape, canary_candidates, canary_pattern
from remit.domain.secrets.contacts import find_contacts
from remit.domain.secrets.issuer_credentials import IssuerRule, find_issued_credentials
from remit.domain.secrets.outbound import (
    OtherCustomersData,
    find_codes,
    find_withheld,
    person_names_in,
    record_ids_in,
    text_readings,
)
from remit.domain.secrets.own_credentials import OwnCredentialKind, deobfuscate, find_own_credentials

PIECES = (
    *("eyJ.", f"{'eyJ' * 40}.{'a' * 100}.", "a ", "%41", "aB3_" * 8, "=-", "a\n", "acme_live_"),
    *("use ", "code 1234 ", "log in use ", "+4 ", "0-", "@a.", "W9 "),
)
RULES = [IssuerRule(name="x", prefix="acme_live_"), IssuerRule(name="y", kinds=frozenset({"prefixed_token", "jwt"}))]
SHAPES = {CanaryShape(1, 8), CanaryShape(3, 20), CanaryShape(7, 40)}
LOOKS: dict[str, Callable[[str], object]] = {
    "traces": lambda text: find_own_credentials(deobfuscate(text)),
    "canaries": lambda text: list(canary_candidates(deobfuscate(text, whole=True), SHAPES)),
    "owners": lambda text: find_issued_credentials(deobfuscate(text, whole=True), RULES),
    "codes": lambda text: list(find_codes(text)),
    "contacts": lambda text: list(find_contacts(text)),
    "named": lambda text: (record_ids_in(text_readings(text)), person_names_in(text_readings(text))),
    "others": lambda text: find_withheld(
        text, {}, others=OtherCustomersData(named={"W9": "order", "anna berg": "name"}, values=("Kantstr. 5, 10623 Berlin",))
    ),
}
TOKEN = "eyJhbGciOiJFUzI1NiJ9." + "aB3_" * 60 + "." + "Zz9-" * 21 + "aa"
HIDINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "spaced": " ".join,
    "lines": lambda text: "\n".join(text[at : at + 60] for at in range(0, len(text), 60)),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "percent": lambda text: "".join(f"%{ord(letter):02x}" for letter in text),
    "hex": lambda text: text.encode().hex(),
    "backwards": lambda text: text[::-1],
}


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("piece", PIECES)
def test_looking_takes_time_as_a_text_is_long(look: str, piece: str) -> None:
    short, long = (piece * (size // len(piece)) for size in (500, 4_000))
    assert (
        times_as_long(lambda: LOOKS[look](long), lambda: LOOKS[look](short), most=32) < 32
    )  # eight times as long; more than sixty where it is read again


@pytest.mark.proves("LEAK-DISGUISED")
@pytest.mark.parametrize("hiding", HIDINGS)
@pytest.mark.parametrize("size", [0, 2_000, 100_000])
def test_a_token_is_found_in_a_text_of_any_length(hiding: str, size: int) -> None:
    noise = "the kettle leaks, order W1001 of 12 May. "
    text = f"{noise * (size // 80)}\n{HIDINGS[hiding](TOKEN)}\n{noise * (size // 80)}"
    found = [trace.value for trace in find_own_credentials(deobfuscate(text)) if trace.kind is OwnCredentialKind.TOKEN]
    assert TOKEN in found


@given(st.text(max_size=300))
def test_nothing_that_is_written_breaks_a_look(text: str) -> None:
    for look in LOOKS.values():
        look(text)


@given(st.text(alphabet="aB3 -_.@xy", min_size=12, max_size=40))
def test_a_canary_is_known_again_however_its_pieces_are_set(value: str) -> None:
    try:
        made = canary_pattern(value)
    except Refused:  # what is too plain is no canary
        return
    assert made.plain in set(canary_candidates((f"see <{value.upper()}>, or not",), {made.shape}))
