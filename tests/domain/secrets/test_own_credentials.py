"""Credentials of this desk in a text: each kind is a candidate for revocation, and no text causes many look-ups."""

import base64

import pytest

from remit.domain.secrets.own_credentials import (
    OwnCredentialKind,
    deobfuscate,
    find_own_credentials,
    flatten_text,
    is_too_short,
)

RANDOM = "aB3" * 14 + "x"
SIGNED = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm5hIn0." + "Ab1_" * 21 + "Ab"


def kinds(text: str) -> set[OwnCredentialKind]:
    return {one.kind for one in find_own_credentials(deobfuscate(text))}


@pytest.mark.parametrize("text", [f"token {SIGNED} here", f"x{SIGNED}.more", SIGNED[::-1], base64.b64encode(SIGNED.encode()).decode()])
def test_a_signed_token_is_found_in_every_disguise(text: str) -> None:
    assert {OwnCredentialKind.TOKEN, OwnCredentialKind.ASSERTION} <= kinds(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"rs_{RANDOM}", OwnCredentialKind.SESSION),
        (f"fam_{'a2' * 13}.7.{RANDOM}", OwnCredentialKind.REFRESH_TOKEN),
        (f"req_{'a2' * 13}", OwnCredentialKind.REQUEST),
        (f"code={RANDOM}", OwnCredentialKind.CODE),
        (f"It is {RANDOM[:32]}.", OwnCredentialKind.INVITATION),
    ],
)
def test_each_kind_is_known_by_its_form(text: str, kind: OwnCredentialKind) -> None:
    assert kind in kinds(text)
    assert kind not in kinds(text.lower().replace("_", ""))


def test_a_value_is_kept_out_of_logs() -> None:
    (found, *_) = find_own_credentials([SIGNED])
    assert SIGNED[:20] not in repr(found)


def test_a_digest_is_no_credential() -> None:
    assert kinds("0123456789abcdef" * 4) == set()
    assert kinds(SIGNED.partition(".")[0] + ".short.sig") == set()


def test_one_text_causes_few_look_ups() -> None:
    many = [SIGNED.replace("Ab1_Ab1_", f"Ab{number:03}_Ab", 1) for number in range(100)]
    found = find_own_credentials(["\n".join(many)])
    assert 0 < sum(one.kind is OwnCredentialKind.ASSERTION for one in found) < 20


def test_a_long_text_is_undone_piece_by_piece() -> None:
    for hidden in (base64.b64encode(SIGNED.encode()).decode(), SIGNED.encode().hex(), "".join(f"%{ord(letter):02x}" for letter in SIGNED)):
        assert OwnCredentialKind.TOKEN in kinds(f"{'all is well. ' * 9000}\n{hidden}\n{'all is well. ' * 50}")


def test_a_text_too_short_for_a_credential_is_read_as_it_stands() -> None:
    assert is_too_short("a b c")
    assert not is_too_short("\u00e9")
    assert deobfuscate("abc") == ("abc",)
    assert "cba" not in deobfuscate("abc")


def test_a_credential_split_over_members_stands_together() -> None:
    assert flatten_text({"a": ["x", {"b": "y"}], "c": 3, "d": None}) == "x\ny\na\nc\nd\nb"
