"""Putting one desk together: the only file that names plugs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.adapters.desk_database import DeskDatabase
from remit.adapters.files.catalogue import load_catalogue
from remit.adapters.helpdesk.builtin import BuiltinHelpdesk
from remit.adapters.helpdesk.memory import MemoryHelpdesk
from remit.adapters.identity.assertions import AssertionClients
from remit.adapters.identity.dpop import DpopProofs
from remit.adapters.notify.console import ConsoleNotify
from remit.adapters.params.schema import JsonSchemaParams
from remit.adapters.people.passkey import WebauthnPasskeys
from remit.adapters.policy.cedar import CedarPolicy
from remit.adapters.signer import file as key_files
from remit.adapters.signer.file import FileSigner
from remit.adapters.store.sqlite import SqliteStore
from remit.adapters.vault.file import FileVault
from remit.adapters.world.system import SystemWorld
from remit.domain.canonical import digest
from remit.domain.catalogue import Catalogue
from remit.domain.note import Checkpoint, checkpoint_text, verify_checkpoint, verify_vkey
from remit.entrypoints.app import App
from remit.entrypoints.doors import make_app
from remit.entrypoints.jobs import Jobs
from remit.ports.backoffice import Backoffice
from remit.ports.helpdesk import Helpdesk
from remit.ports.world import World
from remit.settings import Settings
from remit.usecases.parts import Parts, Terms

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
    jobs: Jobs
    backoffice: Backoffice
    helpdesk: Helpdesk
    settings: Settings
    notify: ConsoleNotify
    closing: list[Closing] = field(default_factory=list)

    async def start(self) -> None:
        """Start the jobs."""
        self.jobs.start()

    async def stop(self) -> None:
        """Finish what is under way, then close everything."""
        await self.jobs.stop()
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


def rules_of(settings: Settings) -> Rules:
    """The rules a desk's settings name."""
    policies = tuple((path.name, path.read_text(encoding="utf-8")) for path in settings.policies)
    return Rules(catalogue=settings.catalogue, policies=policies)


def build(
    settings: Settings,
    rules: Rules,
    *,
    sandbox: SandboxDesk | None = None,
    on_point: Callable[[str], None] | None = None,
    world: World | None = None,
    recovering: bool = False,
) -> Desk:
    """Build a desk.

    Raises:
        Refused: `settings.invalid`, `catalogue.invalid`, `policy.invalid`, `log.older`, `log.damaged`: it does not start.
    """
    point = on_point or _quiet
    clock = world or SystemWorld()
    today = datetime.fromtimestamp(clock.now() / 1000, tz=UTC).date()
    catalogue = load_catalogue(rules.catalogue, today=today)
    policy = CedarPolicy(rules.policies, catalogue, allow_unnamed=rules.allow_unnamed)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    signer = _signer(settings)
    origin = verify_vkey(signer.log_key()).name
    store = SqliteStore.open(
        settings.store_path,
        sign=_sign(signer, origin),
        verify=_verify(signer),
        high_water=settings.high_water,
        recovering=False,
        on_point=point,
    )
    vault = FileVault(settings.data / "content-keys.sqlite", clock)
    notify = ConsoleNotify()
    closing: list[Closing] = [vault]
    backoffice, helpdesk = _desk(settings, sandbox, clock, catalogue, point, closing)
    parts = Parts(
        store=store,
        vault=vault,
        policy=policy,
        params=JsonSchemaParams(catalogue),
        backoffice=backoffice,
        helpdesk=helpdesk,
        clients=AssertionClients(allow_loopback=settings.loopback),
        proofs=DpopProofs(),
        passkeys=WebauthnPasskeys(origin=settings.issuer, name=catalogue.desk),
        notify=notify,
        signer=signer,
        world=clock,
        catalogue=catalogue,
        terms=_terms(settings, origin),
        rules_digest=_rules_digest(settings, catalogue, policy.digest),
        on_point=point,
    )
    jobs = Jobs(parts)
    holder: list[Desk] = []

    async def start() -> None:
        await holder[0].start()

    async def stop() -> None:
        await holder[0].stop()

    app = make_app(parts, start=start, stop=stop, sandbox=backoffice if isinstance(backoffice, SandboxBackoffice) else None)
    desk = Desk(
        app=app, parts=parts, jobs=jobs, backoffice=backoffice, helpdesk=helpdesk, settings=settings, notify=notify, closing=closing
    )
    holder.append(desk)
    return desk


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
    database = DeskDatabase(settings.desk_database)
    closing.append(database)
    return BuiltinBackoffice(database, world, catalogue, on_point=on_point), BuiltinHelpdesk(database, world)


def _signer(settings: Settings) -> FileSigner:
    """The desk's keys; a first start on an empty folder makes them, a later one without them is refused."""
    if not settings.keys.exists() and not settings.store_path.exists():
        settings.keys.parent.mkdir(parents=True, exist_ok=True)
        key_files.create(settings.keys, settings.log_name)
    return FileSigner(settings.keys)


def _sign(signer: FileSigner, origin: str) -> Callable[[int, bytes], str]:
    def sign(size: int, root: bytes) -> str:
        return signer.sign_note(checkpoint_text(Checkpoint(origin=origin, size=size, root=root)))

    return sign


def _verify(signer: FileSigner) -> Callable[[str], Checkpoint]:
    vkey = verify_vkey(signer.log_key())
    return lambda note: verify_checkpoint(note, [vkey], key_files.verify_ed25519)


def _verify(signer: FileSigner) -> Callable[[str], Checkpoint]:
    vkey = verify_vkey(signer.log_key())

    def verify(note: str) -> Checkpoint:
        return verify_checkpoint(note, [vkey], key_files.verify_ed25519)

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
        waiting_per_pair=numbers["waiting_per_pair"],
        decline_pause_s=numbers["decline_pause_s"],
        facts_timeout_s=numbers["facts_timeout_ms"] / 1000,
        desk_timeout_s=numbers["desk_timeout_ms"] / 1000,
        hold_at=numbers["hold_at"],
        end_at=numbers["end_at"],
        secrets=settings.secrets,
        requester=f"remit@{settings.log_name}",
        loopback=settings.loopback,
        sandbox=settings.sandbox,
    )


def _rules_digest(settings: Settings, catalogue: Catalogue, policies: str) -> str:
    """One digest over catalogue, waivers (inside it), policies and settings that decide (2-model.md §1)."""
    return digest({"catalogue": catalogue.digest, "policies": policies, "terms": dict(settings.terms), "secrets": settings.secrets})


def _quiet(_name: str) -> None:
    """No fault is wanted here."""
