"""Putting one desk together, and what the command line works with: the only file that names plugs (`wiring_kept` is a part of it)."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import httpx

from remit.adapters.backoffice.builtin import BuiltinBackoffice, verify_effects
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.adapters.backoffice.until_facts import UntilFacts
from remit.adapters.files.catalogue import load_catalogue, read_text
from remit.adapters.files.pack import pack_files, pack_languages, pack_names, read_pack
from remit.adapters.helpdesk.builtin import BuiltinHelpdesk
from remit.adapters.helpdesk.memory import MemoryHelpdesk
from remit.adapters.identity.assertions import AssertionClients
from remit.adapters.identity.dpop import DpopProofs
from remit.adapters.log_reader.postgres import PostgresLog
from remit.adapters.log_reader.published import FolderLog, HttpLog
from remit.adapters.log_reader.sqlite import SqliteLog
from remit.adapters.log_reader.stored import StoredLog
from remit.adapters.notify.console import ConsoleNotify
from remit.adapters.notify.postgres import PostgresNotify
from remit.adapters.papers.apart import PapersApart
from remit.adapters.params.schema import JsonSchemaParams
from remit.adapters.people.passkey import WebauthnPasskeys
from remit.adapters.policy.cedar import CedarPolicy
from remit.adapters.postgres import is_url
from remit.adapters.signer import file as key_files
from remit.adapters.signer.file import FileSigner, verify_ed25519
from remit.adapters.store.highwater import begin
from remit.adapters.store.look import Look, look_at_high_water
from remit.adapters.store.opening import Opening
from remit.adapters.store.place import StorePlace
from remit.adapters.store.postgres_place import PostgresPlace
from remit.adapters.store.sqlite_place import SqlitePlace
from remit.adapters.world.system import SystemWorld
from remit.domain.catalogue import Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.rules_outline import RulesOutline, outline_of
from remit.domain.values import JsonObject
from remit.domain.verification import verify_checkpoint, verify_vkey
from remit.entrypoints.app import App
from remit.entrypoints.doors import make_app
from remit.entrypoints.health import Health
from remit.entrypoints.jobs import Jobs
from remit.entrypoints.limits import Limits
from remit.ports.backoffice import Backoffice
from remit.ports.helpdesk import Helpdesk
from remit.ports.log_reader import LogReader
from remit.ports.policy import Policy
from remit.ports.store import Published
from remit.ports.world import World
from remit.proof.canonical import digest
from remit.proof.checkpoint import Checkpoint, checkpoint_text
from remit.settings import Settings
from remit.settings_people import verify_roles
from remit.settings_terms import deciding
from remit.settings_words import deciding as deciding_words
from remit.settings_words import verify_officer_role
from remit.usecases.enrol import BUILT_IN
from remit.usecases.leak_watch import LeakWatch
from remit.usecases.noise import Noise
from remit.usecases.off_the_loop import LongReads
from remit.usecases.parts import Parts, Terms
from remit.usecases.replay_erasures import replay_erasures
from remit.usecases.spent import Spent
from remit.usecases.sweep import catch_up
from remit.wiring_kept import (
    is_something_lost,
    open_desk,
    open_vault,
    verify_content_keys,
    verify_kept,
)
from remit.wiring_notify import carriers_of, owners_of
from remit.wiring_people import provider_of
from remit.wiring_watching import watch_over
from remit.wiring_words import learn_words

__all__ = [
    "Desk",
    "Loaded",
    "Look",
    "Rules",
    "SandboxDesk",
    "StorePlace",
    "build",
    "create_keys",
    "forget_desk",
    "keep_high_water",
    "load_rules",
    "log_key",
    "look_at_high_water",
    "migrate_beside",
    "pack_files",
    "pack_languages",
    "pack_names",
    "published_log",
    "read_pack",
    "read_policies",
    "read_text",
    "rotate_keys",
    "rules_of",
    "stop_at",
    "store_at",
    "stored_log",
    "token_key_made",
    "verify_ed25519",
    "verify_effects",
]

Perform = Callable[[str, Mapping[str, Any], str], Mapping[str, Any]]


class Closing(Protocol):
    """Something that is closed at the end."""

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(slots=True, kw_only=True)
class Desk:
    """One desk, ready to serve: `app` is ASGI, `parts` the ports it stands on."""

    app: App
    parts: Parts
    outside: Published
    jobs: Jobs
    backoffice: Backoffice
    helpdesk: Helpdesk
    settings: Settings
    notify: ConsoleNotify
    waker: PostgresNotify | None
    health: Health
    closing: list[Closing] = field(default_factory=list)

    async def start(self) -> None:
        """Repeat erasures that a key file put back may have undone, end what a process that died could not, then start the jobs."""
        await replay_erasures(self.parts)
        await catch_up(self.parts)
        self.jobs.start()

    async def sow(self, seed: Mapping[str, Any]) -> None:
        """Give the built-in desk its first customers and records.

        Raises:
            Refused: `settings.invalid` for a desk that is not built in.
        """
        if not isinstance(self.backoffice, BuiltinBackoffice):
            raise Refused(Code.SETTINGS_INVALID, "desk.backoffice: only the built-in desk is given records")
        await self.backoffice.seed(seed)

    def stopping(self) -> None:
        """A stop begins: from now on `/readyz` says so, while what comes is still answered."""
        self.health.stopping = True

    async def drain(self) -> None:
        """Answer those who wait for news at once, so that no open long-poll holds up a stop."""
        self.stopping()
        self.notify.wake_all()

    async def stop(self) -> None:
        """Finish what is under way, then close everything."""
        await self.jobs.stop()
        if self.waker is not None:
            await self.waker.stop()
        await self.parts.store.close()
        for one in reversed(self.closing):
            one.close()
        self.closing.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a desk as given: a catalogue (files or one table) and policy texts."""

    catalogue: tuple[Path, ...] | Mapping[str, object]
    policies: tuple[tuple[str, str], ...]
    allow_unnamed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxDesk:
    """A desk made of facts instead of the built-in one."""

    facts: Mapping[str, Any]
    perform: Perform | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Rules that were read and are valid: catalogue and policies, and the one digest over them and the settings that decide."""

    catalogue: Catalogue
    policy: Policy
    params: JsonSchemaParams
    digest: str
    outline: RulesOutline


def rules_of(settings: Settings) -> Rules:
    """The rules a desk's settings name.

    Raises:
        Refused: `policy.invalid` for a file that cannot be read.
    """
    return Rules(catalogue=settings.catalogue, policies=read_policies(settings.policies))


def read_policies(files: Iterable[Path], *, cure: str = "") -> tuple[tuple[str, str], ...]:
    """Policy files as (name, text); `cure` ends what is said of one that cannot be read.

    Raises:
        Refused: `policy.invalid` for a file that cannot be read.
    """
    try:
        return tuple((file.name, read_text(file)) for file in files)
    except Refused as refused:
        raise (Refused(refused.code, f"{refused.detail}; {cure}") if cure else refused) from None


def load_rules(settings: Settings, rules: Rules, *, world: World | None = None) -> Loaded:
    """Read and validate the rules; nothing is opened or written.

    Raises:
        Refused: `catalogue.invalid`, `policy.invalid`.
    """
    today = datetime.fromtimestamp((world or SystemWorld()).now() / 1000, tz=UTC).date()
    catalogue = load_catalogue(rules.catalogue, today=today)
    verify_roles(settings.people, [*catalogue.roles, *BUILT_IN])
    verify_officer_role(settings.beyond, catalogue.roles)
    policy = CedarPolicy(rules.policies, catalogue, allow_unnamed=rules.allow_unnamed)
    return Loaded(
        catalogue=catalogue,
        policy=policy,
        params=JsonSchemaParams(catalogue),
        digest=_rules_digest(settings, catalogue, policy.digest),
        outline=outline_of(policy.statements, {"catalogue": catalogue.digest, **_deciding(settings)}),
    )


def build(
    settings: Settings,
    rules: Rules,
    *,
    sandbox: SandboxDesk | None = None,
    on_point: Callable[[str], None] | None = None,
    world: World | None = None,
    recovering: bool = False,
) -> Desk:
    """Build a desk. `recovering` is for `remit recover` alone: it opens a store older than its log, never to serve.

    Raises:
        Refused: `settings.invalid`, `catalogue.invalid`, `policy.invalid`, `log.older`, `log.damaged`: it does not start.
    """
    point = on_point or (_quiet if settings.points is None else stop_at(*settings.points))
    clock = world or SystemWorld()
    loaded = load_rules(settings, rules, world=clock)
    provider = provider_of(settings)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    signer = _signer(settings)
    origin = verify_vkey(signer.log_key()).name
    notify = ConsoleNotify()
    waker = PostgresNotify(notify, settings.store_url, settings.log_name) if is_url(settings.store_url) else None
    carriers, owners = carriers_of(settings, clock), owners_of(settings, clock)
    watching = watch_over(settings, clock, loaded.catalogue.actions)
    closing: list[Closing] = [watching.tracing]
    facts = _facts(settings, sandbox)
    _verify_nothing_lost(settings, builtin=facts is None)
    try:
        vault = open_vault(settings, clock)
        closing.append(vault)
        backoffice, helpdesk = _desk(settings, facts, clock, loaded.catalogue, point, closing)
        # Last, and its lock with it: what was opened before is closed again when the store says no.
        store = store_at(settings).open(
            Opening(
                sign=_sign(signer, origin),
                verify=_verify(signer),
                high_water=settings.high_water,
                recovering=recovering,
                verify_sealed=lambda sealed: verify_content_keys(settings, vault, sealed),
                on_point=None if point is _quiet else point,
            )
        )
    except BaseException:
        for one in reversed(closing):
            one.close()
        raise
    kept, reads = watching.watched(store), LongReads()
    parts = Parts(
        store=kept,
        vault=vault,
        policy=loaded.policy,
        params=loaded.params,
        papers=PapersApart(),
        backoffice=backoffice,
        helpdesk=helpdesk,
        clients=AssertionClients(allow_loopback=settings.loopback),
        proofs=DpopProofs(nonce_secret=signer.keyed("dpop nonce", b"secret") if settings.dpop_nonce else None),
        passkeys=WebauthnPasskeys(origin=settings.issuer, name=loaded.catalogue.desk),
        provider=provider,
        logins=None if settings.people is None else settings.people.rules,
        notify=waker or notify,
        carriers=carriers,
        owners=owners,
        tracing=watching.tracing,
        signer=signer,
        world=clock,
        catalogue=loaded.catalogue,
        lexicon=learn_words(loaded.catalogue, settings.words_model),
        terms=_terms(settings, origin),
        rules_digest=loaded.digest,
        rules_outline=loaded.outline,
        verify_ed25519=key_files.verify_ed25519,
        long_reads=reads,
        spent=Spent(),
        noise=Noise(),
        leaks=LeakWatch(owners=tuple(one.rule for one in settings.leaks), store=kept, signer=signer, world=clock, long_reads=reads),
        on_point=point,
    )
    health = Health(parts)
    jobs = watching.jobs(parts, health, outside=store, high_water=settings.high_water, alone=not store_at(settings).shared)
    holder: list[Desk] = []

    async def start() -> None:
        await holder[0].start()

    async def stop() -> None:
        await holder[0].stop()

    app = make_app(
        parts,
        limits=Limits(settings.limits, peer_header=settings.peer_header, outside=not settings.loopback, world=clock),
        metrics=watching.metrics,
        health=health,
        start=start,
        stop=stop,
        sandbox=backoffice if isinstance(backoffice, SandboxBackoffice | UntilFacts) else None,
    )
    desk = Desk(
        app=app,
        parts=parts,
        outside=store,
        jobs=jobs,
        backoffice=backoffice,
        helpdesk=helpdesk,
        settings=settings,
        notify=notify,
        waker=waker,
        health=health,
        closing=closing,
    )
    holder.append(desk)
    return desk


def create_keys(settings: Settings) -> str:
    """Make the desk's keys, once, and return the log's public key.

    Raises:
        Refused: `settings.invalid` when there are some already.
    """
    settings.keys.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return key_files.create(settings.keys, settings.log_name)


def rotate_keys(settings: Settings, *, keep_old: bool) -> str:
    """Make a new token key and return its id; without `keep_old` every token dies at once.

    Raises:
        Refused: `settings.invalid`.
    """
    return key_files.rotate(settings.keys, keep_old=keep_old)


def log_key(settings: Settings) -> str:
    """The log's public key as a C2SP vkey.

    Raises:
        Refused: `settings.invalid` when the keys cannot be read, or are those of a log with another name.
    """
    return _keys(settings).log_key()


def token_key_made(settings: Settings) -> float:
    """When the key that tokens are signed with was made, or put back, in seconds since 1970.

    Raises:
        OSError: when it cannot be looked at.
    """
    return (settings.keys / key_files.TOKEN).stat().st_mtime


def store_at(settings: Settings) -> StorePlace:
    """Where a desk's store is.

    Raises:
        Refused: `settings.invalid` for an address this version has no plug for.
    """
    return PostgresPlace(settings.store_url, settings.log_name) if is_url(settings.store_url) else SqlitePlace(settings.store_path)


def keep_high_water(settings: Settings, note: str) -> None:
    """Keep a verified checkpoint outside the store where none was kept yet: the beginning of a node.

    Raises:
        Refused: `settings.invalid` when it cannot be written.
    """
    begin(settings.high_water, note)


def migrate_beside(settings: Settings) -> tuple[int, int] | None:
    """Bring the schema of a shared store forward beside the nodes that serve from it, and return its version before and after.

    None for a store of one process: it is brought forward by being opened.

    Raises:
        Refused: `settings.invalid`.
        Fault: `fault.store`.
    """
    store = store_at(settings)
    return store.migrate() if isinstance(store, PostgresPlace) else None


def forget_desk(settings: Settings) -> None:
    """Take all rows of a desk out of a shared store: the end of a sandbox, never of a real desk.

    Raises:
        Refused: `settings.invalid` for any other desk, or another kind of store.
        Fault: `fault.store`.
    """
    store = store_at(settings)
    if not settings.sandbox or not isinstance(store, PostgresPlace):
        raise Refused(Code.SETTINGS_INVALID, "only a sandbox's rows in a shared store are taken out")
    store.forget()


@contextmanager
def published_log(where: str) -> Iterator[LogReader]:
    """A log as it is published: a folder, or below an http(s) address."""
    if where.startswith(("https://", "http://")):
        with httpx.Client(follow_redirects=False) as client:
            yield HttpLog(where, client)
    else:
        yield FolderLog(Path(where))


@contextmanager
def stored_log(where: StorePlace | Path) -> Iterator[StoredLog]:
    """The log and its records out of a store, read only, also while a desk serves from it.

    Raises:
        Refused: `settings.invalid` when there is no such store, `log.damaged` when it is none.
    """
    match where:
        case PostgresPlace():
            opened: SqliteLog | PostgresLog = PostgresLog(where.url, where.desk)
        case SqlitePlace():
            opened = SqliteLog(where.path)
        case Path():
            opened = SqliteLog(where)
        case _:
            raise Refused(Code.SETTINGS_INVALID, f"the log in {where.name} cannot be read from here")
    with opened as log:
        yield log


def stop_at(point: str, nth: int = 1) -> Callable[[str], None]:
    """Kill this process, as a power cut would, at the n-th pass of a named point of the path."""
    passed = 0
    lock = Lock()

    def on_point(name: str) -> None:
        nonlocal passed
        if name != point:
            return
        with lock:
            passed += 1
            if passed == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    return on_point


def _verify_nothing_lost(settings: Settings, *, builtin: bool) -> None:
    """⚔ A file that is lost is never made anew in silence: nobody would notice before its content is needed."""
    if is_something_lost(settings, builtin=builtin) and store_at(settings).there() and store_at(settings).look().entries:
        verify_kept(settings, builtin=builtin)


def _facts(settings: Settings, sandbox: SandboxDesk | None) -> SandboxDesk | None:
    """A desk of facts when it is given as one, or when the settings say so; the facts then come through the sandbox's controls."""
    if sandbox is None and settings.backoffice == "facts":
        return SandboxDesk(facts={}, perform=None)
    return sandbox


def _desk(  # what the two plugs need
    settings: Settings,
    sandbox: SandboxDesk | None,
    world: World,
    catalogue: Catalogue,
    on_point: Callable[[str], None],
    closing: list[Closing],
) -> tuple[Backoffice, Helpdesk]:
    if sandbox is not None:
        return SandboxBackoffice(catalogue, world, sandbox.facts, perform=sandbox.perform), MemoryHelpdesk(world)
    database = open_desk(settings)
    closing.append(database)
    builtin = UntilFacts if settings.sandbox else BuiltinBackoffice
    return builtin(database, world, catalogue, on_point=on_point), BuiltinHelpdesk(database, world)


def _signer(settings: Settings) -> FileSigner:
    """The desk's keys; a first start on an empty folder makes them, a later one without them is refused."""
    if not settings.keys.exists() and not store_at(settings).there():
        settings.keys.parent.mkdir(parents=True, exist_ok=True)
        key_files.create(settings.keys, settings.log_name)
    return _keys(settings)


def _keys(settings: Settings) -> FileSigner:
    """⚔ The log's name is part of its key and of every checkpoint that anybody kept: it never changes."""
    signer = FileSigner(settings.keys)
    name = verify_vkey(signer.log_key()).name
    if name != settings.log_name:
        cure = f'Write name = "{name}" again: the log keeps its name for good.'
        raise Refused(
            Code.SETTINGS_INVALID, f"log.name is {settings.log_name}, but the log of the keys in {settings.keys} is {name}", cure=cure
        )
    return signer


def _sign(signer: FileSigner, origin: str) -> Callable[[int, bytes], str]:
    def sign(size: int, root: bytes) -> str:
        return signer.sign_note(checkpoint_text(Checkpoint(origin=origin, size=size, root=root)))

    return sign


def _verify(signer: FileSigner) -> Callable[[str], Checkpoint]:
    vkey = verify_vkey(signer.log_key())

    def verify(note: str) -> Checkpoint:
        return verify_checkpoint(note, [vkey], verify_ed25519)

    return verify


def _terms(settings: Settings, origin: str) -> Terms:
    numbers = settings.terms
    return Terms(
        issuer=settings.issuer,
        log_origin=origin,
        token_ttl_s=numbers["token_ttl_s"],
        code_ttl_s=numbers["code_ttl_s"],
        request_ttl_s=numbers["request_ttl_s"],
        task_idle_s=numbers["task_idle_s"],
        task_life_s=numbers["task_life_s"],
        confirmation_ttl_s=numbers["confirmation_ttl_s"],
        act_stale_s=numbers["act_stale_s"],
        session_ttl_s=numbers["session_ttl_s"],
        session_idle_s=numbers["session_idle_s"],
        waiting_per_pair=numbers["waiting_per_pair"],
        decline_pause_s=numbers["decline_pause_s"],
        facts_timeout_s=numbers["facts_timeout_ms"] / 1000,
        desk_timeout_s=numbers["desk_timeout_ms"] / 1000,
        hold_at=numbers["hold_at"],
        retention_s=numbers["retention_days"] * 86_400,
        erase_after_s=numbers["erase_after_days"] * 86_400,
        end_at=numbers["end_at"],
        secrets=settings.secrets,
        contacts=settings.contacts,
        beyond=settings.beyond,
        requester=f"remit@{settings.log_name}",
        loopback=settings.loopback,
        sandbox=settings.sandbox,
    )


def _rules_digest(settings: Settings, catalogue: Catalogue, policies: str) -> str:
    """One digest over catalogue, waivers (inside it), policies and settings that decide.

    Source: docs/model/model.md#rule-digest.
    """
    return digest({"catalogue": catalogue.digest, "policies": policies, **_deciding(settings)})


def _deciding(settings: Settings) -> JsonObject:
    """The settings that decide. ⚔ Who gets which role by the provider is one of them, and what officers may
    tell anybody: nobody gives roles, or has contacts told, by a file alone.
    """
    nonce: JsonObject = {"dpop_nonce": True} if settings.dpop_nonce else {}
    people: JsonObject = {} if settings.people is None else {"people": settings.people.deciding}
    model: JsonObject = {"words_model": settings.words_model} if settings.words_model else {}
    told: JsonObject = {"contacts": list(settings.contacts)} if settings.contacts else {}
    return {
        "terms": dict(deciding(settings.terms)),
        "secrets": settings.secrets,
        **model,
        **deciding_words(settings.beyond),
        **nonce,
        **people,
        **told,
    }


def _quiet(_name: str) -> None:
    """No fault is wanted here."""
