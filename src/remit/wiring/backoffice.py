"""A backoffice over HTTP: its keys, its client, and the built-in one served to other nodes."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.backoffice.http.client import HttpBackoffice
from remit.adapters.backoffice.http.messages import VERSION, AboutAnswer
from remit.adapters.backoffice.http.server import BackofficeServer
from remit.adapters.backoffice.http.signatures import MessageSigner, MessageVerifier, key_id
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.http.connection import HttpConnections
from remit.adapters.world.system import SystemWorld
from remit.domain.catalogue.model import Catalogue
from remit.domain.catalogue.model import Effect as Kind
from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import Json
from remit.ports.backoffice import Act
from remit.ports.signer import Signer
from remit.ports.world import World
from remit.proof.canonical import digest
from remit.settings import BackofficeSettings, InvalidSetting, Settings
from remit.wiring.credentials import tls_context
from remit.wiring.keys import open_signer
from remit.wiring.records import open_records, verify_records_kept
from remit.wiring.rules import load_rules, rules_of

TOKEN_TYPE = "txntoken+jwt"  # noqa: S105  # a media type
_TOKEN_S = 60


def request_key(signer: Signer) -> Ed25519PrivateKey:
    """Return the key that signs requests to the backoffice, derived from the desk's secret."""
    return Ed25519PrivateKey.from_private_bytes(signer.keyed("backoffice requests", b"ed25519"))


def answer_key(signer: Signer) -> Ed25519PrivateKey:
    """Return the key with which `remit desk serve` signs its answers, derived from the same secret."""
    return Ed25519PrivateKey.from_private_bytes(signer.keyed("backoffice answers", b"ed25519"))


def open_http_backoffice(
    wanted: BackofficeSettings, signer: Signer, world: World, catalogue: Catalogue, *, issuer: str, loopback: bool
) -> HttpBackoffice:
    """Build the client of the backoffice in the settings. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file cannot be used, `request.malformed` when its address cannot.
    """
    keys = tuple(read_public_key(path) for path in wanted.answer_keys) or (answer_key(signer).public_key(),)
    now_s = whole_seconds(world)
    return HttpBackoffice(
        HttpConnections(wanted.url, tls=backoffice_tls(wanted), allow_loopback=loopback),
        world,
        public_kinds={name for name, kind in catalogue.resources.items() if kind.public},
        signer=MessageSigner(request_key(signer), now_s=now_s, random=world.random) if wanted.signed else None,
        verifier=MessageVerifier(keys, now_s=now_s) if wanted.signed else None,
        act_token=partial(sign_act_token, signer, world, issuer, wanted.url),
    )


@dataclass(slots=True, kw_only=True)
class BackofficeService:
    """The built-in backoffice, ready to serve: `app` is ASGI."""

    app: BackofficeServer
    url: str
    database: DeskJobs

    def close(self) -> None:
        """Close its database."""
        self.database.close()


@struct(frozen=True, kw_only=True)
class BackofficeReport:
    """The backoffice's own description against this desk: `missing` kinds and actions of the catalogue."""

    contract: str
    expected: str
    missing: tuple[str, ...]


def probe_backoffice(settings: Settings) -> BackofficeReport:
    """Ask the backoffice over HTTP to describe itself.

    Raises:
        Fault: `fault.backoffice` when it does not answer, or not with its own signature.
        Refused: `settings.invalid`, `catalogue.invalid`, `policy.invalid`.
    """
    wanted = settings.http_backoffice
    if wanted is None:
        raise InvalidSetting("desk.backoffice", 'must be "http"')
    world = SystemWorld()
    catalogue = load_rules(settings, rules_of(settings), world=world).catalogue
    client = open_http_backoffice(
        wanted, open_signer(settings), world, catalogue, issuer=settings.issuer, loopback=settings.loopback
    )

    async def ask() -> AboutAnswer:
        try:
            return await client.about()
        finally:
            client.close()

    about = asyncio.run(ask())
    needed = {f"kind {kind}" for kind in catalogue.resources} | {f"action {name}" for name in _writes(catalogue)}
    known = {f"kind {kind}" for kind in about.kinds} | {f"action {name}" for name in about.actions}
    return BackofficeReport(contract=about.contract, expected=VERSION, missing=tuple(sorted(needed - known)))


def _writes(catalogue: Catalogue) -> list[str]:
    """Return the writes that a backoffice does, by name."""
    writes = (action for action in catalogue.actions.values() if action.effect is Kind.WRITE and not action.builtin)
    return sorted(action.name for action in writes)


def request_key_pem(settings: Settings) -> tuple[str, str]:
    """Return the key id and the PEM of the public key of requests to a backoffice.

    Raises:
        Refused: `settings.invalid` when the desk's keys cannot be read.
    """
    public = request_key(open_signer(settings)).public_key()
    return key_id(public), public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def backoffice_server(settings: Settings) -> BackofficeService:
    """Build the server of the built-in backoffice for `remit desk serve`.

    Raises:
        Refused: `settings.invalid`, `catalogue.invalid`, `policy.invalid`.
    """
    world, signer = SystemWorld(), open_signer(settings)
    wanted = settings.http_backoffice
    if wanted is None:
        raise InvalidSetting("desk.backoffice", 'must be "http", with the address of this service in backoffice.url')
    if not settings.records_served:
        raise InvalidSetting("backoffice.url", "is that of a service of your own, which proves itself by its own keys")
    catalogue = load_rules(settings, rules_of(settings), world=world).catalogue
    verify_records_kept(settings)
    database = open_records(settings)
    try:
        backoffice = BuiltinBackoffice(database, world, catalogue)
    except BaseException:
        database.close()
        raise
    now_s = whole_seconds(world)
    server = BackofficeServer(
        backoffice,
        base=wanted.url,
        about=AboutAnswer(contract=VERSION, kinds=sorted(catalogue.resources), actions=_writes(catalogue)),
        signer=MessageSigner(answer_key(signer), now_s=now_s, random=world.random),
        verifier=MessageVerifier((request_key(signer).public_key(),), now_s=now_s),
        verify_token=partial(_verify_act_token, signer, world, wanted.url),
    )
    return BackofficeService(app=server, url=wanted.url, database=database)


async def seed_records(settings: Settings, catalogue: Catalogue, seed: Mapping[str, Any]) -> None:
    """Make the file that `remit desk serve` serves, with its first customers and records if any are given.

    Raises:
        Refused: `settings.invalid`, `catalogue.invalid`.
    """
    with contextlib.closing(open_records(settings)) as database:
        if seed:
            await BuiltinBackoffice(database, SystemWorld(), catalogue).seed(seed)


def sign_act_token(signer: Signer, world: World, issuer: str, audience: str, act: Act) -> str:
    """Sign the transaction token of an act: customer, action, decision, confirmers and the digest of its params.

    Source: draft-ietf-oauth-transaction-tokens-11 §2.
    """
    return signer.sign_jwt(TOKEN_TYPE, act_claims(world, issuer, audience, act))


def act_claims(world: World, issuer: str, audience: str, act: Act) -> Mapping[str, Json]:
    """Return the claims of an act's transaction token."""
    now_s = world.now() // 1000
    return {
        "iss": issuer,
        "aud": audience,
        "iat": now_s,
        "exp": now_s + _TOKEN_S,
        "txn": act.key,
        "sub": act.customer,
        "scope": act.action,
        "req_wl": issuer,
        "tctx": _act_context(act),
    }


def _verify_act_token(signer: Signer, world: World, audience: str, token: str, act: Act) -> None:
    """Verify that a transaction token is this desk's, fresh, and of this very act.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_key`, `credential.wrong_audience`, `credential.expired`.
    """
    claims = signer.verify_jwt(token, TOKEN_TYPE)
    expires_s = claims.get("exp")
    if not isinstance(expires_s, int) or expires_s <= world.now() // 1000:
        raise Refused(Code.CREDENTIAL_EXPIRED, "the transaction token has expired")
    named = {
        "aud": audience,
        "txn": act.key,
        "sub": act.customer,
        "scope": act.action,
        "tctx": _act_context(act),
    }
    wrong = sorted(name for name, value in named.items() if claims.get(name) != value)
    if wrong:
        raise Refused(Code.CREDENTIAL_WRONG_AUDIENCE, f"the transaction token is of another act: {', '.join(wrong)}")


def _act_context(act: Act) -> Mapping[str, Json]:
    return {
        "case": act.case,
        "confirmed_by": list(act.confirmed_by),
        "decision": act.decision,
        "params": digest(act.params),
    }


def whole_seconds(world: World) -> Callable[[], int]:
    """Return the clock of signatures: seconds since 1970."""
    return lambda: world.now() // 1000


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key of answers.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidSetting("backoffice.answer_keys", f"{path} holds no public Ed25519 key in PEM")
    return key


def backoffice_tls(wanted: BackofficeSettings) -> ssl.SSLContext:
    """Build a context of its own. ⚔ With one of the process, a certificate for this service would be shown to others.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    tls = tls_context(wanted.ca, "backoffice.ca_file")
    try:
        if wanted.certificate is not None:
            tls.load_cert_chain(wanted.certificate, wanted.private_key)
    except (OSError, ValueError) as broken:
        raise InvalidSetting("backoffice.certificate_file", f"cannot be used: {type(broken).__name__}") from None
    return tls
