"""The conformance suite against a company's own backoffice: its clients, keys, test data and memory of a run."""

import asyncio
import tomllib
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from remit.adapters.backoffice.conformance.probe import Probe
from remit.adapters.backoffice.conformance.promises import State, Verdict
from remit.adapters.backoffice.conformance.suite import OnStep, Suite
from remit.adapters.backoffice.conformance.trial import Remembered, Trial
from remit.adapters.backoffice.conformance.wire import Limits, MeasuredConnections, Wire
from remit.adapters.backoffice.http import messages
from remit.adapters.backoffice.http.client import HttpBackoffice
from remit.adapters.backoffice.http.signatures import MessageSigner, MessageVerifier, key_id
from remit.adapters.world.system import SystemWorld
from remit.domain.errors import Code, Refused
from remit.domain.structs import replace, struct
from remit.domain.values import Json
from remit.ports.backoffice import Act, ActOutcome
from remit.proof.canonical import b64url, canonical
from remit.settings import BackofficeSettings, InvalidSetting, Settings
from remit.settings.decode import decode
from remit.wiring.backoffice import (
    TOKEN_TYPE,
    act_claims,
    answer_key,
    backoffice_tls,
    read_public_key,
    request_key,
    sign_act_token,
    whole_seconds,
)
from remit.wiring.keys import open_signer

DEVELOPER: Final = "urn:remit:developer"

PromiseState: TypeAlias = State
PromiseVerdict: TypeAlias = Verdict


class RememberedAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One act of a run, in the file of `--remember`."""

    act: messages.ActBody
    state: ActOutcome


class RememberedRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of `--remember`."""

    url: str
    acts: list[RememberedAct]


@struct(frozen=True, kw_only=True)
class Tested:
    """A backoffice to be tested, and how Remit proves itself to it. Without keys of answers these are not verified."""

    settings: BackofficeSettings
    key: Ed25519PrivateKey
    answer_keys: tuple[Ed25519PublicKey, ...]
    act_token: Callable[[Act], str]


def tested_by_desk(settings: Settings, url: str, answer_keys: Sequence[Path]) -> Tested:
    """Test with the keys of a desk; `url` and `answer_keys` stand in for those of its settings.

    Raises:
        Refused: `settings.invalid`.
    """
    wanted = settings.http_backoffice or BackofficeSettings(url="", signed=True)
    wanted = replace(wanted, url=url.rstrip("/") or wanted.url)
    if not wanted.url:
        raise InvalidSetting("backoffice.url", "is missing, and no address is named")
    signer = open_signer(settings)
    known = tuple(read_public_key(path) for path in answer_keys or wanted.answer_keys)
    return Tested(
        settings=wanted,
        key=request_key(signer),
        answer_keys=known or (answer_key(signer).public_key(),),
        act_token=partial(sign_act_token, signer, SystemWorld(), settings.issuer, wanted.url),
    )


def tested_by_key(key: Path, url: str, answer_keys: Sequence[Path]) -> Tested:
    """Test with a developer's own key, without a desk.

    Raises:
        Refused: `settings.invalid`.
    """
    try:
        own = load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        own = None
    if not isinstance(own, Ed25519PrivateKey):
        cure = f"Make one with: openssl genpkey -algorithm ed25519 -out {key}"
        raise Refused(Code.SETTINGS_INVALID, f"{key} holds no private Ed25519 key in PEM", cure=cure)
    return Tested(
        settings=BackofficeSettings(url=url.rstrip("/"), signed=True),
        key=own,
        answer_keys=tuple(read_public_key(path) for path in answer_keys),
        act_token=partial(_developer_token, own, url),
    )


def read_probe(path: Path) -> Probe:
    """Read the test data.

    Raises:
        Refused: `settings.invalid`.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as problem:
        raise Refused(Code.SETTINGS_INVALID, f"{path}: {problem.strerror}") from None
    except ValueError as problem:
        raise Refused(Code.SETTINGS_INVALID, f"{path}: {problem}", cure="Correct it: it must be TOML.") from None
    return decode(Probe, data, path.name)


def check_backoffice(
    tested: Tested, probe: Probe | None, *, remember: Path | None, on_step: OnStep
) -> Sequence[Verdict]:
    """Run the suite; keep the acts of this run in `remember`, after a look at those of the run before.

    Raises:
        Refused: `settings.invalid` when a file cannot be used, `request.malformed` when the address cannot.
        Fault: `fault.backoffice` when nothing answers.
    """
    earlier = _earlier(remember, tested.settings.url)
    world, limits = SystemWorld(), Limits()
    connections = MeasuredConnections(tested.settings.url, tls=backoffice_tls(tested.settings), allow_loopback=True)
    connections.measure(limits, world.ticks)
    now_s, signed = whole_seconds(world), tested.settings.signed
    verifier = MessageVerifier(tested.answer_keys, now_s=now_s) if signed and tested.answer_keys else None

    def client(verified: bool) -> HttpBackoffice:  # noqa: FBT001  # two clients
        return HttpBackoffice(
            connections,
            world,
            public_kinds=(),
            signer=MessageSigner(tested.key, now_s=now_s, random=world.random) if signed else None,
            verifier=verifier if verified else None,
            act_token=tested.act_token,
        )

    trial = Trial(client=client, world=world, probe=probe, earlier=earlier)
    key = tested.key if signed else None
    raw = Wire(connections=connections, world=world, key=key, verifier=verifier, act_token=tested.act_token)
    verdicts = asyncio.run(_run(Suite(trial, raw, limits, on_step=on_step), connections))
    if remember is not None:
        _remember(remember, tested.settings.url, trial.acts)
    return verdicts


async def _run(suite: Suite, connections: MeasuredConnections) -> Sequence[Verdict]:
    try:
        return await suite.run()
    finally:
        connections.close()
        await asyncio.sleep(0)  # the loop ends only after the sockets were closed


def _earlier(path: Path | None, url: str) -> Sequence[Remembered]:
    if path is None or not path.exists():
        return ()
    try:
        run = msgspec.json.decode(path.read_bytes(), type=RememberedRun)
    except msgspec.MsgspecError as problem:
        raise Refused(Code.SETTINGS_INVALID, f"{path}: {problem}", cure="Name another file, or remove it.") from None
    if run.url != url:
        cure = "Name a file for each backoffice."
        raise Refused(Code.SETTINGS_INVALID, f"{path} is of a run against {run.url}", cure=cure)
    return [Remembered(messages.act_of(one.act), one.state) for one in run.acts]


def _remember(path: Path, url: str, acts: Sequence[Remembered]) -> None:
    kept = [RememberedAct(act=messages.act_body(one.act), state=one.state) for one in acts]
    path.write_bytes(messages.encode_body(RememberedRun(url=url, acts=kept)))


def _developer_token(key: Ed25519PrivateKey, audience: str, act: Act) -> str:
    """Sign a transaction token by the developer's key alone: no desk is there to sign it."""
    header: dict[str, Json] = {"alg": "EdDSA", "typ": TOKEN_TYPE, "kid": key_id(key.public_key())}
    claims = act_claims(SystemWorld(), DEVELOPER, audience, act)
    signed = f"{b64url(canonical(header))}.{b64url(canonical(claims))}"
    return f"{signed}.{b64url(key.sign(signed.encode()))}"
