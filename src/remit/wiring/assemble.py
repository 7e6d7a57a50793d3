"""Assembly of one desk: rules, keys, stores and plugs, the use cases' context, and its entry points and jobs."""

import ssl
from collections.abc import Callable
from functools import partial
from typing import Final

from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.adapters.backoffice.switchable import SwitchableBackoffice
from remit.adapters.documents.isolated import IsolatedDocumentReader
from remit.adapters.files.frameworks import read_frameworks
from remit.adapters.files.vocabulary import read_fact_words
from remit.adapters.helpdesk.builtin import BuiltinHelpdesk
from remit.adapters.helpdesk.memory import MemoryHelpdesk
from remit.adapters.identity.assertions import AssertionClients
from remit.adapters.identity.client_documents import FetchedDocuments
from remit.adapters.identity.dpop import DpopProofs
from remit.adapters.identity.fetching import Fetcher
from remit.adapters.notify.callback import HttpCallbacks
from remit.adapters.notify.console import ConsoleNotify
from remit.adapters.people.passkey import WebauthnPasskeys
from remit.adapters.signer.file import FileSigner, verify_ed25519
from remit.adapters.store.location import ServingStore, StoreOptions
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.text_model.background import BackgroundDetector
from remit.adapters.world.system import SystemWorld
from remit.domain.identity.client_documents import MAX_DOCUMENT_BYTES
from remit.domain.structs import struct
from remit.domain.transcript.verification import verify_vkey
from remit.engine.agents.replay import ReplayCache
from remit.engine.context import DeskContext, DeskTerms, VisitorTerms
from remit.engine.events.parties import SharedSignals
from remit.engine.leaks.scan import LeakScanner
from remit.engine.noise import NoiseCounter
from remit.engine.scan_executor import ScanExecutor
from remit.entrypoints.http.connections import ConnectionPool
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.routes import make_app
from remit.entrypoints.ops.health import Health
from remit.ports.backoffice import Backoffice
from remit.ports.helpdesk import Helpdesk
from remit.ports.people import Provider
from remit.ports.vault import Vault
from remit.ports.world import World
from remit.settings import Settings, is_postgres_url
from remit.wiring import plugs
from remit.wiring.desk import Closeable, Desk, FarFacts, SandboxDesk
from remit.wiring.fault_points import crash_at, no_fault
from remit.wiring.identity import workload_bundles
from remit.wiring.keys import open_signer, open_vault, row_macs, signing, verify_content_keys, verifying
from remit.wiring.notify import Outgoing, outgoing_of
from remit.wiring.observe import Observability, build_observability
from remit.wiring.records import open_cases, open_records, verify_nothing_lost
from remit.wiring.rules import LoadedRules, RulesSource, load_rules
from remit.wiring.stores import store_location
from remit.wiring.words import heard_by, learn_lexicon, words_model

_DAY_S: Final = 86_400


@struct(frozen=True, kw_only=True)
class _Plan:
    """Everything known before anything is opened: settings, rules, keys, and outgoing carriers."""

    settings: Settings
    loaded: LoadedRules
    world: World
    point: Callable[[str], None]
    signer: FileSigner
    provider: Provider | None
    notify: ConsoleNotify
    waker: "plugs.PostgresNotify | None"
    outgoing: Outgoing
    signals: SharedSignals | None
    watching: Observability
    facts: SandboxDesk | None
    limits: Limits
    connections: ConnectionPool

    @property
    def origin(self) -> str:
        """The log's name, as its key carries it."""
        return verify_vkey(self.signer.log_key()).name


@struct(frozen=True, kw_only=True)
class _Resources:
    """Opened resources, to be closed in the opposite order."""

    vault: Vault
    backoffice: Backoffice
    helpdesk: Helpdesk
    store: ServingStore
    rows: RowMacs
    model: BackgroundDetector | None
    closing: list[Closeable]


def build_desk(
    settings: Settings,
    rules: RulesSource,
    *,
    sandbox: SandboxDesk | None = None,
    on_point: Callable[[str], None] | None = None,
    world: World | None = None,
    recovering: bool = False,
) -> Desk:
    """Build a desk. `recovering` opens a store older than its log, for `remit recover` alone, never to serve.

    Raises:
        Refused: `settings.invalid`, `catalogue.invalid`, `policy.invalid`, `log.older`, `log.damaged`: it does not
            start.
    """
    point = on_point or (no_fault if settings.points is None else crash_at(*settings.points))
    plan = _plan(settings, rules, _facts(settings, sandbox), point, world or SystemWorld())
    opened = _open(plan, recovering=recovering)
    desk = _parts(plan, opened)
    return _served(plan, opened, desk)


def _plan(
    settings: Settings, rules: RulesSource, facts: SandboxDesk | None, point: Callable[[str], None], world: World
) -> _Plan:
    """Read everything that the settings name; only a first start writes, namely its keys."""
    loaded = load_rules(settings, rules, world=world)
    provider = None if settings.people is None else plugs.build_provider(settings)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    signer = open_signer(settings, world)
    notify = ConsoleNotify()
    limits = Limits(settings.limits, peer_header=settings.peer_header, outside=not settings.loopback, world=world)
    connections = ConnectionPool(
        most=settings.limits["connections"],
        most_of_peer=settings.limits["peer_connections"],
        peer_of=limits.connection_peer,
        note=partial(limits.note_refused, "connections"),
    )
    return _Plan(
        settings=settings,
        loaded=loaded,
        world=world,
        point=point,
        signer=signer,
        provider=provider,
        notify=notify,
        waker=plugs.PostgresNotify(notify, settings.store_url, settings.log_name)
        if is_postgres_url(settings.store_url)
        else None,
        outgoing=outgoing_of(settings, world),
        signals=None if settings.events is None else plugs.build_signals(settings),
        watching=build_observability(settings, world, loaded.catalogue.actions),
        facts=facts,
        limits=limits,
        connections=connections,
    )


def _open(plan: _Plan, *, recovering: bool) -> _Resources:
    """Open vault, built-in desk and store; close the earlier ones when one of them fails."""
    settings = plan.settings
    verify_nothing_lost(settings, builtin=plan.facts is None)
    closing: list[Closeable] = [plan.watching.tracing]
    try:
        vault = open_vault(settings, plan.world)
        closing.append(vault)
        backoffice, helpdesk = _desk(plan, closing)
        rows = row_macs(plan.signer)
        # Last, and its lock with it.
        store = store_location(settings).open(
            StoreOptions(
                sign=signing(plan.signer, plan.origin),
                verify=verifying(plan.signer),
                high_water=settings.high_water,
                recovering=recovering,
                rows=rows,
                verify_sealed=lambda sealed: verify_content_keys(settings, vault, sealed),
                on_point=None if plan.point is no_fault else plan.point,
                alone=plan.connections.is_alone,
            )
        )
    except BaseException:
        for resource in reversed(closing):
            resource.close()
        raise
    model = words_model(plan.loaded.words_model, plan.loaded.catalogue)
    if model is not None:
        closing.append(model)
    return _Resources(
        vault=vault, backoffice=backoffice, helpdesk=helpdesk, store=store, rows=rows, model=model, closing=closing
    )


def _desk(plan: _Plan, closing: list[Closeable]) -> tuple[Backoffice, Helpdesk]:
    """Return the desk behind Remit: made of facts, or built in."""
    world, catalogue, facts = plan.world, plan.loaded.catalogue, plan.facts
    if facts is not None:
        return SandboxBackoffice(catalogue, world, facts.facts, perform=facts.perform), MemoryHelpdesk(world)
    database = open_cases(plan.settings, alone=plan.connections.is_alone)
    closing.append(database)
    settings = plan.settings
    helpdesk: Helpdesk = BuiltinHelpdesk(database, world)
    if settings.remote_helpdesk is not None:
        helpdesk, connections = plugs.open_remote_helpdesk(
            settings.remote_helpdesk, database, world, loopback=settings.loopback
        )
        closing.append(connections)
    if settings.http_backoffice is not None:
        far = plugs.open_http_backoffice(
            settings.http_backoffice,
            plan.signer,
            world,
            catalogue,
            issuer=settings.issuer,
            loopback=settings.loopback,
        )
        closing.append(far)
        return far, helpdesk
    if settings.mapped_backoffice is not None:
        mapped = plugs.open_mapped_backoffice(
            settings.mapped_backoffice, plan.loaded, database, world, loopback=settings.loopback
        )
        closing.append(mapped)
        return mapped, helpdesk
    if settings.directory_backoffice is not None:
        directory = plugs.open_directory_backoffice(
            settings.directory_backoffice, plan.loaded, database, world, loopback=settings.loopback
        )
        closing.append(directory)
        return directory, helpdesk
    records = database
    if settings.desk_url:
        records = open_records(settings)
        closing.append(records)
    builtin = SwitchableBackoffice if settings.sandbox else BuiltinBackoffice
    return builtin(records, world, catalogue, on_point=plan.point), helpdesk


def _facts(settings: Settings, sandbox: SandboxDesk | None) -> SandboxDesk | None:
    """Return a desk of facts where one is given or set; its facts then come through the sandbox's controls."""
    if sandbox is None and settings.backoffice == "facts":
        return SandboxDesk(facts={}, perform=None)
    return sandbox


def _parts(plan: _Plan, opened: _Resources) -> DeskContext:
    """Build the ports, rules and terms that every use case gets."""
    settings, signer, loaded = plan.settings, plan.signer, plan.loaded
    notify = plan.waker or plan.notify
    kept, reads, tls = plan.watching.watched(opened.store, notify.wake), ScanExecutor(), ssl.create_default_context()
    scheme, secret = (None, b"") if settings.remote_helpdesk is None else plugs.event_signing(settings)
    lexicon = learn_lexicon(loaded.catalogue, settings.words_languages)
    return DeskContext(
        store=kept,
        vault=opened.vault,
        policy=loaded.policy,
        params=loaded.params,
        document_reader=IsolatedDocumentReader(),
        backoffice=opened.backoffice,
        helpdesk=opened.helpdesk,
        clients=AssertionClients(
            allow_loopback=settings.loopback,
            tls=tls,
            federation=settings.federation,
            bundles=workload_bundles(settings),
        ),
        proofs=DpopProofs(nonce_secret=signer.keyed("dpop nonce", b"secret") if settings.dpop_nonce else None),
        passkeys=WebauthnPasskeys(origin=settings.issuer, name=loaded.catalogue.desk),
        provider=plan.provider,
        logins=None if settings.people is None else settings.people.rules,
        notify=notify,
        carriers=plan.outgoing.carriers,
        owners=plan.outgoing.owners,
        receivers=plan.outgoing.receivers,
        callbacks=HttpCallbacks(allow_loopback=settings.loopback, tls=tls),
        tracing=plan.watching.tracing,
        signer=signer,
        world=plan.world,
        catalogue=loaded.catalogue,
        lexicon=lexicon if opened.model is None else heard_by(lexicon, opened.model.off_topic),
        fact_words=read_fact_words(),
        frameworks=read_frameworks(),
        terms=_terms(settings, plan.origin),
        visitors=_visitors(settings),
        client_documents=_client_documents(settings, tls),
        rules_digest=loaded.digest,
        rules_outline=loaded.outline,
        verify_ed25519=verify_ed25519,
        scan_executor=reads,
        replay_cache=ReplayCache(),
        noise=NoiseCounter(),
        leak_scanner=LeakScanner(
            owners=tuple(one.rule for one in settings.leaks),
            store=kept,
            signer=signer,
            world=plan.world,
            scan_executor=reads,
        ),
        on_point=plan.point,
        event_scheme=scheme,
        event_secret=secret,
        decision_point=loaded.decision_point,
        signals=plan.signals,
    )


def _client_documents(settings: Settings, tls: ssl.SSLContext) -> FetchedDocuments:
    """Build the reader of client id metadata documents."""
    return FetchedDocuments(Fetcher(allow_loopback=settings.loopback, tls=tls, most_bytes=MAX_DOCUMENT_BYTES))


def _served(plan: _Plan, opened: _Resources, context: DeskContext) -> Desk:
    """Put the entry points in front of the desk and the jobs beside it."""
    settings, backoffice, health = plan.settings, opened.backoffice, Health(context)
    alone = not store_location(settings).shared
    jobs = plan.watching.jobs(
        context,
        health,
        outside=opened.store,
        high_water=settings.high_water,
        rows=opened.rows,
        verify_rows=partial(store_location(settings).verify_rows, opened.rows, settings.high_water, whole=False),
        alone=alone,
    )
    holder: list[Desk] = []

    async def start() -> None:
        await holder[0].start()

    async def stop() -> None:
        await holder[0].stop()

    far = FarFacts() if settings.sandbox else None
    sandbox = backoffice if isinstance(backoffice, SandboxBackoffice | SwitchableBackoffice) else far
    app = make_app(
        context,
        limits=plan.limits,
        metrics=plan.watching.metrics,
        health=health,
        start=start,
        stop=stop,
        sandbox=sandbox,
    )
    desk = Desk(
        app=app,
        connections=plan.connections,
        context=context,
        outside=opened.store,
        jobs=jobs,
        backoffice=backoffice,
        helpdesk=opened.helpdesk,
        settings=settings,
        notify=plan.notify,
        waker=plan.waker,
        health=health,
        model=opened.model,
        closing=opened.closing,
    )
    holder.append(desk)
    return desk


def _visitors(settings: Settings) -> VisitorTerms | None:
    visitors = settings.visitors
    return None if visitors is None else VisitorTerms(officer=visitors.officer, dynamic=visitors.dynamic)


def _terms(settings: Settings, origin: str) -> DeskTerms:
    numbers = settings.terms
    return DeskTerms(
        issuer=settings.issuer,
        log_origin=origin,
        token_ttl_s=numbers.token_ttl_s,
        code_ttl_s=numbers.code_ttl_s,
        request_ttl_s=numbers.request_ttl_s,
        task_idle_s=numbers.task_idle_s,
        task_life_s=numbers.task_life_s,
        confirmation_ttl_s=numbers.confirmation_ttl_s,
        act_stale_s=numbers.act_stale_s,
        session_ttl_s=numbers.session_ttl_s,
        session_idle_s=numbers.session_idle_s,
        waiting_per_pair=numbers.waiting_per_pair,
        offers_per_day=numbers.offers_per_day,
        override_review_percent=numbers.override_review_percent,
        decline_pause_s=numbers.decline_pause_s,
        grant_age_s=numbers.grant_age_s,
        facts_timeout_s=numbers.facts_timeout_ms / 1000,
        desk_timeout_s=numbers.desk_timeout_ms / 1000,
        hold_at=numbers.hold_at,
        retention_s=numbers.retention_days * _DAY_S,
        erase_after_s=numbers.erase_after_days * _DAY_S,
        end_at=numbers.end_at,
        secrets=settings.secrets,
        contacts=settings.contacts,
        beyond=settings.beyond,
        requester=f"remit@{settings.log_name}",
        loopback=settings.loopback,
        sandbox=settings.sandbox,
        switcher=settings.switcher,
        contact_attribute=settings.contact_attribute,
        federation=settings.federation,
        strangers=settings.strangers,
        tls_proxies=settings.tls_proxies,
        officers_named_to=settings.officers_named_to,
        brand=settings.brand,
    )
