"""Everything that reads bytes of strangers, as functions of bytes: each gives a value or one of our own errors, and nothing else.

A parser that has a writer is held to it: what was read and written again is read as the same.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.identity_minting import mint, proof_claims, proof_header
from remit import packs
from remit.adapters.backoffice.directory import ber
from remit.adapters.files.catalogue import load_catalogue
from remit.adapters.identity.dpop import DpopProofs
from remit.adapters.identity.key_sets import verify_bundle, verify_jwks
from remit.adapters.people.passkey import WebauthnPasskeys
from remit.domain.errors import Fault, Refused
from remit.domain.files.detect import FileHeld, binary_kind, decode_text
from remit.domain.files.text import detect_text_file
from remit.domain.files.zip import ArchiveMember, pack, unpack
from remit.domain.identity import jws
from remit.domain.identity.assertions import AssertionType, claimed_client
from remit.domain.identity.dpop import normalized_url, token_hash, verify_presented
from remit.domain.identity.human_credentials import CredentialSigns, RequestCredentials, human_credentials
from remit.domain.identity.spiffe import verify_spiffe_id
from remit.domain.mandate.parse import read_mandate, wire_mandate
from remit.domain.secrets.find import find_secrets
from remit.domain.values import Instant, Json, decode_json, instant_text, verify_instant, verify_money
from remit.entrypoints.http.cookies import SESSIONS, cookie_value
from remit.entrypoints.http.wire import HEADERS, AskBody, convert, decode_form, decode_object, query_parameters, read_headers
from remit.proof.canonical import canonical
from remit.proof.checkpoint import read_checkpoint, read_note, verify_vkey
from remit.proof.errors import ProofError
from remit.proof.receipt import read_tlog_proof, tlog_proof_text
from remit.proof.tiles import Bundle, decode_bundle, encode_bundle, verify_path

ALLOWED: Final = (Refused, Fault, ProofError, FileHeld, ber.BerError)
"""What a parser may raise; with anything else it fell over."""
NOW: Final = Instant(1_790_000_000_000)
PACK: Final = Path(str(packs.__path__[0])) / "consumer"
RETURN: Final = json.loads((PACK / "examples" / "return-item.json").read_text(encoding="utf-8"))["mandate"]
CATALOGUE: Final = load_catalogue(PACK / "catalogue.toml", today=None)
SIGNS: Final = CredentialSigns(login_issuers=frozenset({"https://login.example"}), session_cookies=SESSIONS, session_prefixes=("rs_",))
PASSKEYS: Final = WebauthnPasskeys(origin="https://desk.example", name="Acme")
PROOFS: Final = DpopProofs()
PROOF: Final = mint(proof_header(), proof_claims())


@dataclass(frozen=True, slots=True)
class Parser:
    """A function of bytes, and bytes to begin with."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def text(raw: bytes) -> str:
    """Give bytes as a header's or a form's text: any bytes are one."""
    return raw.decode("latin-1")


def unicode(raw: bytes) -> str:
    """Give bytes as a JSON text that was decoded: no lone surrogates, any other character."""
    return raw.decode("utf-8", "ignore")


def same(first: object, second: object) -> None:
    """Fail where something was read, written and read as something else."""
    assert first == second, f"{first!r} came back as {second!r}"


def strict_json(raw: bytes) -> None:
    value = decode_json(raw)
    json.loads(raw)
    same(decode_json(canonical(value)), value)


def ask(raw: bytes) -> None:
    convert(decode_object(raw), AskBody)


def money(raw: bytes) -> None:
    found = verify_money(unicode(raw))
    same(verify_money(str(found)), found)


def instant(raw: bytes) -> None:
    found = verify_instant(unicode(raw))
    same(verify_instant(instant_text(found)), found)


def mandate(raw: bytes) -> None:
    found = read_mandate(decode_json(raw), CATALOGUE, now=NOW)
    same(read_mandate(wire_mandate(found), CATALOGUE, now=NOW), found)


def form(raw: bytes) -> None:
    decode_form({HEADERS: read_headers([(b"content-type", b"application/x-www-form-urlencoded")])}, raw)
    query_parameters({"query_string": raw})


def cookies(raw: bytes) -> None:
    for name in SESSIONS:
        cookie_value({HEADERS: read_headers([(b"cookie", raw)])}, name)


def proof(raw: bytes) -> None:
    PROOFS.verify_proof(text(raw), method="POST", url="https://desk.example/x", now=NOW, ath=token_hash("t"), expected_jkt=None)


def proof_claims_of(raw: bytes) -> None:
    """Sign whatever claims there are, so that what reads them is reached."""
    try:
        claims = json.loads(raw)
    except (ValueError, RecursionError):  # not ours: it is read here to be signed
        return
    if isinstance(claims, dict):
        proof(mint(proof_header(), claims).encode())


def credentials(raw: bytes) -> None:
    head, _, rest = text(raw).partition("\n")
    presented = RequestCredentials(authorization=(head,), cookies=(rest,), form={"password": rest, "assertion": head})
    list(human_credentials(presented, SIGNS))
    verify_presented(authorization=[head], dpop=[rest])


def assertion(raw: bytes) -> None:
    for kind in AssertionType:
        claimed_client(kind.value, text(raw))


def keys(raw: bytes) -> None:
    value = decode_json(raw)
    verify_jwks(value)
    verify_bundle(value)


def passkey(raw: bytes) -> None:
    value = decode_json(raw)
    given: Mapping[str, Json] = value if isinstance(value, dict) else {"response": value}
    for verify in (
        lambda: PASSKEYS.verify_creation(given, challenge=b"c"),
        lambda: PASSKEYS.verify_assertion(given, challenge=b"c", public_key="AAAA", sign_count=0),
    ):
        try:
            verify()
        except ALLOWED:
            continue


def checkpoint(raw: bytes) -> None:
    found = read_checkpoint(unicode(raw))
    assert found.size >= 0


def tlog_proof(raw: bytes) -> None:
    found = read_tlog_proof(unicode(raw))
    written = tlog_proof_text(index=found.index, hashes=found.hashes, checkpoint=found.checkpoint, extra=found.extra)
    same(read_tlog_proof(written), found)


def bundle(raw: bytes) -> None:
    found = decode_bundle(Bundle(index=0, width=1 + raw[0] % 3 if raw else 1), raw)
    same(b"".join(encode_bundle([entry]) for entry in found), raw)


def archive(raw: bytes) -> None:
    found = unpack(raw)
    same(unpack(pack(found)), found)


def any_file(raw: bytes) -> None:
    if binary_kind(raw) is None:
        decode_text(raw)
        detect_text_file(raw, name="a.txt", media_type="text/plain")


def secrets_found(raw: bytes) -> None:
    said = unicode(raw)
    assert all(0 <= one.start <= one.end <= len(said) for one in find_secrets(said))


def elements(raw: bytes) -> None:
    for _, content in ber.elements(raw):
        ber.decode_number(content)


_ASK: Final = b'{"action": "payment.refund", "params": {"order_id": "W1", "amount": "40.00 EUR"}, "words": "The kettle leaks."}'
_KEYS: Final = b'{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "k1", "use": "jwt-svid"}], "spiffe_refresh_hint": 60}'
_PASSKEY: Final = b'{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0", "attestationObject": "o2NmbXQ"}}'
_TLOG: Final = b"c2sp.org/tlog-proof@v1\nextra AAAA\nindex 5\n" + b"A" * 43 + b"=\n\na\n6\nAAAA\n"

PARSERS: Final[Mapping[str, Parser]] = {
    "archive": Parser(archive, (pack([ArchiveMember(name="a.txt", data=b"hello"), ArchiveMember(name="b/c.json", data=b"{}")]),)),
    "ask": Parser(ask, (_ASK,)),
    "assertion": Parser(assertion, (PROOF.encode(), b"a.b.c")),
    "ber": Parser(elements, (ber.element(0x30, ber.number(5), ber.octets("x")),)),
    "bundle": Parser(bundle, (encode_bundle([b"one"]), encode_bundle([b"", b"two"]))),
    "checkpoint": Parser(checkpoint, (b"desk.example/log\n12\nAAAA\nmore\n",)),
    "cookies": Parser(cookies, (b"remit_session=rs_AAAA; __Host-remit_session=x; a=b",)),
    "credentials": Parser(credentials, (f"DPoP {PROOF}\nremit_session=rs_AAAA".encode(), b"Basic dXNlcjpwYXNz\n")),
    "file": Parser(any_file, (b"From: a@b.example\nSubject: x\n\nhello", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xfeh\x00")),
    "form": Parser(form, (b"grant_type=authorization_code&code=a%20b&state=%C3%A4",)),
    "id": Parser(lambda raw: verify_spiffe_id(unicode(raw)), (b"spiffe://helper.example/agent/shop",)),
    "instant": Parser(instant, (b"2026-12-01T00:00:00Z", b"0001-01-01T00:00:00+23:59")),
    "json": Parser(strict_json, (_ASK, b'[1.5e3, -0, "\\ud83d\\ude00", null, true, {"a": {}}]')),
    "jws": Parser(lambda raw: jws.read(text(raw)), (PROOF.encode(),)),
    "keys": Parser(keys, (_KEYS,)),
    "mandate": Parser(mandate, (json.dumps(RETURN).encode(),)),
    "money": Parser(money, (b"40.00 EUR", b"0.001 BHD", b"7 JPY")),
    "note": Parser(lambda raw: read_note(unicode(raw)), ("a\n1\nAAAA\n\n\N{EM DASH} a AAAAAAAA\n".encode(),)),
    "passkey": Parser(passkey, (_PASSKEY,)),
    "path": Parser(lambda raw: verify_path(unicode(raw)), (b"tile/0/x001/234.p/5", b"tile/entries/000")),
    "proof": Parser(proof, (PROOF.encode(),)),
    "proof claims": Parser(proof_claims_of, (json.dumps(proof_claims()).encode(),)),
    "secrets": Parser(secrets_found, (b"my password is hunter2, card 4111 1111 1111 1111, AKIAIOSFODNN7EXAMPLE",)),
    "tlog-proof": Parser(tlog_proof, (_TLOG,)),
    "url": Parser(lambda raw: normalized_url(unicode(raw)), (b"https://desk.example:443/a/../b?x#y",)),
    "vkey": Parser(lambda raw: verify_vkey(unicode(raw)), (b"a+33d7b496+AeHZ",)),
}


def run(name: str, raw: bytes) -> None:
    """Read bytes with a parser; one of our own errors is an answer."""
    try:
        PARSERS[name].read(raw)
    except ALLOWED:
        return


def grown(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Change a seed: at each place some bytes go, and others come."""
    for place, gone, come in edits:
        at = place % (len(seed) + 1)
        seed = seed[:at] + come + seed[at + gone :]
    return seed
