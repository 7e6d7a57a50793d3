"""What every signer promises, shown on the one over key files; joserfc is the oracle."""

import base64
import hashlib
import hmac
import json
import os
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk, jwt

from remit.adapters.signer.file import LOG, SECRET, TOKEN, VKEY, FileSigner, create_key_folder, rotate_token_key, verify_ed25519
from remit.adapters.signer.key_files import key_file_names
from remit.domain.errors import Code, Refused
from remit.domain.transcript.verification import verify_checkpoint, verify_vkey
from remit.ports.signer import Signer
from remit.proof.canonical import b64url, unb64url
from remit.proof.checkpoint import Checkpoint, checkpoint_text

NAME = "desk.example/log"
CLAIMS = {
    "iss": "https://desk.example",
    "sub": "customer_1",
    "exp": 1_764_000_300,
    "act": {"sub": "spiffe://a.example/b"},
    "aud": ["x", "é"],
}
TYP = "at+jwt"
BODY = checkpoint_text(Checkpoint(origin=NAME, size=7, root=b"r" * 32))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("desk") / "keys"
    return SimpleNamespace(directory=directory, vkey=create_key_folder(directory, NAME))


@pytest.fixture(scope="module")
def signer(keys: SimpleNamespace) -> Signer:
    return FileSigner(keys.directory)


def own(tmp_path: Path) -> Any:
    create_key_folder(tmp_path / "keys", NAME)
    return tmp_path / "keys"


def private_jwk(directory: Path) -> Any:
    return jwk.ECKey.import_key((directory / TOKEN).read_bytes())


def refused(code: Code, call: Callable[..., object], *arguments: Any, **named: Any) -> Any:
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    assert caught.value.code is code
    return caught.value.detail


def test_a_token_verifies_and_gives_back_its_claims(signer: Signer) -> None:
    assert signer.verify_jwt(signer.sign_jwt(TYP, CLAIMS), TYP) == CLAIMS


def test_the_oracle_verifies_our_tokens_with_our_published_keys(signer: Signer) -> None:
    token = signer.sign_jwt(TYP, CLAIMS)
    decoded = jwt.decode(token, jwk.KeySet.import_key_set(signer.jwks()), algorithms=["ES256"])
    assert decoded.claims == CLAIMS
    assert decoded.header == {"alg": "ES256", "typ": TYP, "kid": signer.jwks()["keys"][0]["kid"]}


def test_we_verify_what_the_oracle_signs_with_our_key(signer: Signer, keys: SimpleNamespace) -> None:
    header = {"alg": "ES256", "typ": TYP, "kid": signer.jwks()["keys"][0]["kid"]}
    assert signer.verify_jwt(jwt.encode(header, CLAIMS, private_jwk(keys.directory)), TYP) == CLAIMS


def test_the_key_id_is_the_rfc_7638_thumbprint_and_no_private_part_is_published(signer: Signer, keys: SimpleNamespace) -> None:
    (published,) = signer.jwks()["keys"]
    assert published["kid"] == private_jwk(keys.directory).thumbprint()
    assert set(published) == {"alg", "crv", "kid", "kty", "use", "x", "y"}


def test_numbers_in_claims_stay_exact(signer: Signer) -> None:
    claims = {"n": Decimal("0.1"), "big": 2**53 - 1}
    token = signer.sign_jwt(TYP, claims)
    assert unb64url(token.split(".")[1]) == b'{"n":0.1,"big":9007199254740991}'
    assert signer.verify_jwt(token, TYP) == claims


def test_a_token_of_another_type_is_refused(signer: Signer) -> None:
    token = signer.sign_jwt("logout+jwt", CLAIMS)
    refused(Code.CREDENTIAL_MALFORMED, signer.verify_jwt, token, TYP)
    refused(Code.CREDENTIAL_MALFORMED, signer.verify_jwt, signer.sign_jwt("AT+JWT", CLAIMS), TYP)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_changed_letter_of_a_token_is_refused(signer: Signer, data: st.DataObject) -> None:
    token = signer.sign_jwt(TYP, CLAIMS)
    # No draw may depend on the token: each run signs another one.
    place, which = data.draw(st.integers(0, 10_000)) % len(token), data.draw(st.integers(0, 16))
    letter = "ABCxyz019-_.=+/ \né".replace(token[place], "")[which]
    with pytest.raises(Refused) as caught:
        signer.verify_jwt(token[:place] + letter + token[place + 1 :], TYP)
    assert caught.value.code in {Code.CREDENTIAL_MALFORMED, Code.CREDENTIAL_WRONG_KEY}


def parts(header: Any, payload: Any = None) -> Any:
    def encoded(value: Any) -> Any:
        return b64url(value if isinstance(value, bytes) else json.dumps(value).encode())

    return f"{encoded(header)}.{encoded(CLAIMS if payload is None else payload)}"


def forged(directory: Path, header: Any, payload: Any = None) -> Any:
    """A token with any header, truly signed by the desk's own key: only the header can be what refuses it."""
    unsigned = parts(header, payload)
    key = private_jwk(directory).get_op_key("sign")
    r, s = decode_dss_signature(key.sign(unsigned.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{unsigned}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": "ES384"}, {"alg": "es256"}, {"alg": None}, {"alg": ["ES256"]},
        {"typ": "JWT"}, {"typ": None}, {"typ": "application/at+jwt"}, {"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"zip": "DEF"},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_other_than_ours_is_malformed_even_when_truly_signed(signer: Signer, keys: SimpleNamespace, change: Any) -> None:
    header = {"alg": "ES256", "typ": TYP, "kid": signer.jwks()["keys"][0]["kid"], **change}
    refused(Code.CREDENTIAL_MALFORMED, signer.verify_jwt, forged(keys.directory, header), TYP)


@pytest.mark.parametrize("missing", ["alg", "typ"])
def test_a_header_without_algorithm_or_type_is_malformed(signer: Signer, keys: SimpleNamespace, missing: str) -> None:
    header = {"alg": "ES256", "typ": TYP, "kid": signer.jwks()["keys"][0]["kid"]}
    del header[missing]
    refused(Code.CREDENTIAL_MALFORMED, signer.verify_jwt, forged(keys.directory, header), TYP)


@pytest.mark.parametrize("kid", [None, "", "else", 7, ["x"], {"a": 1}], ids=str)
def test_a_key_we_do_not_know_is_a_wrong_key(signer: Signer, keys: SimpleNamespace, kid: Any) -> None:
    refused(Code.CREDENTIAL_WRONG_KEY, signer.verify_jwt, forged(keys.directory, {"alg": "ES256", "typ": TYP, "kid": kid}), TYP)


def test_a_key_carried_in_the_token_is_never_used(signer: Signer) -> None:
    other = jwk.ECKey.generate_key("P-256")
    header = {"alg": "ES256", "typ": TYP, "jwk": other.as_dict(private=False)}
    refused(Code.CREDENTIAL_WRONG_KEY, signer.verify_jwt, jwt.encode(header, CLAIMS, other), TYP)
    header["kid"] = signer.jwks()["keys"][0]["kid"]
    refused(Code.CREDENTIAL_WRONG_KEY, signer.verify_jwt, jwt.encode(header, CLAIMS, other), TYP)


def test_our_public_key_is_no_hmac_secret(signer: Signer, keys: SimpleNamespace) -> None:
    public = private_jwk(keys.directory).get_op_key("verify").public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = parts({"alg": "HS256", "typ": TYP, "kid": signer.jwks()["keys"][0]["kid"]})
    token = f"{unsigned}.{b64url(hmac.digest(public, unsigned.encode(), 'sha256'))}"
    refused(Code.CREDENTIAL_MALFORMED, signer.verify_jwt, token, TYP)


@pytest.mark.parametrize("payload", [b"[]", b'"x"', b"", b"nonsense", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff"], ids=str)
def test_claims_that_are_no_strict_json_object_are_malformed(signer: Signer, keys: SimpleNamespace, payload: Any) -> None:
    header = {"alg": "ES256", "typ": TYP, "kid": signer.jwks()["keys"][0]["kid"]}
    refused(Code.CREDENTIAL_MALFORMED, signer.verify_jwt, forged(keys.directory, header, payload), TYP)


def test_only_raw_signatures_of_64_bytes_are_read(signer: Signer) -> None:
    unsigned, _, signature = signer.sign_jwt(TYP, CLAIMS).rpartition(".")
    raw = unb64url(signature)
    for wrong in (raw[:-1], raw + b"\x00", b"\x00" + raw, raw[:32] + b"\x00" + raw[32:], b"0"):
        refused(Code.CREDENTIAL_MALFORMED, signer.verify_jwt, f"{unsigned}.{b64url(wrong)}", TYP)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for wrong in (bytes(64), raw[:32] + bytes(32), bytes(32) + raw[32:], order.to_bytes(32, "big") * 2, b"\xff" * 64):
        refused(Code.CREDENTIAL_WRONG_KEY, signer.verify_jwt, f"{unsigned}.{b64url(wrong)}", TYP)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "é.é.é", "a" * 20_000, "e30.e30."], ids=range(8))
def test_what_is_no_compact_jws_is_malformed(signer: Signer, token: str) -> None:
    refused(Code.CREDENTIAL_MALFORMED, signer.verify_jwt, token, TYP)


def test_a_signed_checkpoint_verifies_with_the_published_log_key(signer: Signer, keys: SimpleNamespace) -> None:
    assert signer.log_key() == keys.vkey
    checkpoint = verify_checkpoint(signer.sign_note(BODY), [verify_vkey(signer.log_key())], verify_ed25519)
    assert checkpoint == Checkpoint(origin=NAME, size=7, root=b"r" * 32)


@pytest.mark.parametrize("text", ["", "hello\n", BODY[:-1], BODY.replace(NAME, "else.example"), BODY + "\n"], ids=range(5))
def test_the_log_key_signs_checkpoints_of_its_log_and_nothing_else(signer: Signer, text: str) -> None:
    refused(Code.RECEIPT_INVALID, signer.sign_note, text)


def test_keyed_digests_are_stable_and_differ_by_purpose_data_and_desk(signer: Signer, keys: SimpleNamespace, tmp_path: Path) -> None:
    digest = signer.keyed("pseudonym", b"customer_1")
    assert len(digest) == 32
    assert FileSigner(keys.directory).keyed("pseudonym", b"customer_1") == digest
    other = FileSigner(own(tmp_path))
    assert (
        len(
            {
                digest,
                signer.keyed("nonce", b"customer_1"),
                signer.keyed("pseudonym", b"customer_2"),
                other.keyed("pseudonym", b"customer_1"),
            }
        )
        == 4
    )


def test_a_purpose_and_its_data_cannot_be_cut_elsewhere(signer: Signer) -> None:
    assert signer.keyed("ab", b"c") != signer.keyed("a", b"bc")


def test_a_keyed_digest_gives_no_key_of_another_purpose(signer: Signer, keys: SimpleNamespace) -> None:
    secret = (keys.directory / SECRET).read_bytes()
    derived = hmac.new(secret, b"remit-keyed-v1\x00nonce", hashlib.sha256).digest()
    assert signer.keyed("nonce", b"x") == hmac.new(derived, b"x", hashlib.sha256).digest()


def test_made_keys_are_open_to_their_owner_only(keys: SimpleNamespace) -> None:
    assert stat.S_IMODE(keys.directory.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.directory.iterdir()} == dict.fromkeys(
        (TOKEN, LOG, VKEY, SECRET), 0o600
    )


def test_a_careless_umask_opens_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        directory = own(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in directory.iterdir())


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    directory = own(tmp_path)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    refused(Code.SETTINGS_INVALID, create_key_folder, directory, NAME)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_a_creation_that_was_cut_short_can_be_done_again(tmp_path: Path) -> None:
    (tmp_path / "keys.new").mkdir()
    (tmp_path / "keys.new" / TOKEN).write_bytes(b"half")
    (tmp_path / "keys").mkdir()
    assert FileSigner(own(tmp_path)).log_key()
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_keys_are_not_made_under_a_name_that_is_none(tmp_path: Path) -> None:
    for name in ("", "a b", "a+b"):
        refused(Code.SETTINGS_INVALID, create_key_folder, tmp_path / "keys", name)
    assert not list(tmp_path.iterdir())


def test_keys_are_not_made_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("x")
    refused(Code.SETTINGS_INVALID, create_key_folder, tmp_path / "keys", NAME)
    refused(Code.SETTINGS_INVALID, create_key_folder, tmp_path / "keys" / "below", NAME)


@pytest.mark.parametrize("name", [TOKEN, LOG, VKEY, SECRET])
@pytest.mark.parametrize("harm", ["missing", "open", "empty", "nonsense", "folder", "pipe"])
def test_a_missing_open_or_broken_key_file_stops_the_start_and_names_itself(tmp_path: Path, name: str, harm: str) -> None:
    path = own(tmp_path) / name
    if harm == "open":
        path.chmod(0o640)
    elif harm in {"empty", "nonsense"}:
        path.write_bytes(b"" if harm == "empty" else b"nonsense")
    else:
        path.unlink()
        if harm == "folder":
            path.mkdir(mode=0o700)
        elif harm == "pipe":
            os.mkfifo(path, 0o600)
    assert name in refused(Code.SETTINGS_INVALID, FileSigner, path.parent)


def test_a_folder_open_to_others_stops_the_start(tmp_path: Path) -> None:
    directory = own(tmp_path)
    directory.chmod(0o750)
    refused(Code.SETTINGS_INVALID, FileSigner, directory)
    refused(Code.SETTINGS_INVALID, FileSigner, tmp_path / "nowhere")


def pem(key: Any) -> Any:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("name", "key"),
    [
        pytest.param(TOKEN, Ed25519PrivateKey.generate(), id="a log key as token key"),
        pytest.param(TOKEN, ec.generate_private_key(ec.SECP384R1()), id="another curve"),
        pytest.param(LOG, ec.generate_private_key(ec.SECP256R1()), id="a token key as log key"),
        pytest.param(LOG, Ed25519PrivateKey.generate(), id="a log key that is not the published one"),
    ],
)
def test_a_key_of_another_kind_stops_the_start(tmp_path: Path, name: str, key: Any) -> None:
    directory = own(tmp_path)
    (directory / name).write_bytes(pem(key))
    refused(Code.SETTINGS_INVALID, FileSigner, directory)


def test_after_a_rotation_the_new_key_signs_and_the_old_tokens_still_verify(tmp_path: Path) -> None:
    directory = own(tmp_path)
    old = FileSigner(directory)
    kid = rotate_token_key(directory, keep_old=True)
    new = FileSigner(directory)
    assert [key["kid"] for key in new.jwks()["keys"]] == [kid, old.jwks()["keys"][0]["kid"]]
    assert new.verify_jwt(old.sign_jwt(TYP, CLAIMS), TYP) == new.verify_jwt(new.sign_jwt(TYP, CLAIMS), TYP) == CLAIMS
    refused(Code.CREDENTIAL_WRONG_KEY, old.verify_jwt, new.sign_jwt(TYP, CLAIMS), TYP)
    assert b"PRIVATE" not in b"".join(path.read_bytes() for path in directory.glob("retired-*"))
    assert (new.log_key(), new.keyed("p", b"x")) == (old.log_key(), old.keyed("p", b"x"))


def test_after_a_rotation_that_keeps_nothing_every_older_token_is_dead(tmp_path: Path) -> None:
    directory = own(tmp_path)
    signers = [FileSigner(directory)]
    rotate_token_key(directory, keep_old=True)
    signers.append(FileSigner(directory))
    rotate_token_key(directory, keep_old=False)
    new = FileSigner(directory)
    assert len(new.jwks()["keys"]) == 1
    for one in signers:
        refused(Code.CREDENTIAL_WRONG_KEY, new.verify_jwt, one.sign_jwt(TYP, CLAIMS), TYP)


def test_a_retired_key_that_is_none_stops_the_start(tmp_path: Path) -> None:
    directory = own(tmp_path)
    rotate_token_key(directory, keep_old=True)
    (retired,) = directory.glob("retired-*")
    other = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for wrong in (b"nonsense", other):
        retired.write_bytes(wrong)
        refused(Code.SETTINGS_INVALID, FileSigner, directory)


def test_nothing_of_the_keys_shows_when_the_signer_is_printed(signer: Signer, keys: SimpleNamespace) -> None:
    secret = (keys.directory / SECRET).read_bytes()
    assert repr(secret) not in repr(signer)
    assert base64.b64encode(secret).decode() not in repr(signer)


def test_a_folder_that_cannot_be_written_is_named_and_the_old_key_stays(tmp_path: Path) -> None:
    directory = own(tmp_path)
    kid = FileSigner(directory).jwks()["keys"]
    (directory / f"{TOKEN}.new").mkdir()
    assert TOKEN in refused(Code.SETTINGS_INVALID, rotate_token_key, directory, keep_old=False)
    assert FileSigner(directory).jwks()["keys"] == kid


def test_a_retired_key_that_cannot_be_removed_stops_the_rotation_before_a_new_key_signs(tmp_path: Path) -> None:
    directory = own(tmp_path)
    (directory / "retired-x.pem").mkdir(mode=0o700)
    before = (directory / TOKEN).read_bytes()
    refused(Code.SETTINGS_INVALID, rotate_token_key, directory, keep_old=False)
    assert (directory / TOKEN).read_bytes() == before


def test_a_folder_that_is_none_has_no_names_of_keys(tmp_path: Path) -> None:
    refused(Code.SETTINGS_INVALID, key_file_names, tmp_path / "nowhere")
