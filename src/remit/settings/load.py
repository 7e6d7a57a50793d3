"""`remit.toml` and the environment, read into `Settings`."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.identity.federation import FederationRule
from remit.domain.structs import replace
from remit.settings.backoffice import backoffice_of, directory_of, mapped_of
from remit.settings.brand import brand_of
from remit.settings.decision_point import decision_point_of
from remit.settings.decode import InvalidSetting, decode
from remit.settings.deliveries import deliveries_of
from remit.settings.environment import STOP_AT, overlaid, verify_variables
from remit.settings.events import events_of
from remit.settings.helpdesk import helpdesk_of
from remit.settings.identity import federation_of, workload_api_of
from remit.settings.leaks import leaks_of
from remit.settings.model import Settings
from remit.settings.mtls import proxies_of
from remit.settings.notify import notify_of
from remit.settings.people import PeopleSettings, people_of
from remit.settings.tables import LAST_PORT, SANDBOX_TIMES, Document, LimitsTable
from remit.settings.telemetry import telemetry_of
from remit.settings.values import LOOPBACK, content_keys_of, files_of, is_postgres_url, issuer_of, log_name_of, store_of
from remit.settings.visitors import visitors_of
from remit.settings.words import NO_MODEL, beyond_of, languages_of

POINTS: Final = (
    "act.acted",
    "act.queued",
    "act.sent",
    "act.settled",
    "ask.recorded",
    "checkpoint.half_written",
    "desk.after_act",
    "desk.before_act",
    "event.recorded",
    "store.after_commit",
    "store.before_commit",
    "store.before_settled",
)
"""Points of the path at which a fault test can stop the process (`REMIT_STOP_AT=<point>[:n]`)."""


def load_settings(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read `remit.toml` and the `REMIT_*` variables over it.

    Raises:
        Refused: `settings.invalid` naming the key and the cure.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        detail = f"there is no {path}; run `remit init DIR` or name one with --config"
        raise Refused(Code.SETTINGS_INVALID, detail) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise Refused(Code.SETTINGS_INVALID, f"{path.name} cannot be read: {broken}") from None
    return make_settings(
        raw, base=path.parent.absolute(), environment=os.environ if environment is None else environment
    )


def make_settings(
    raw: Mapping[str, Any], *, base: Path, environment: Mapping[str, str], rules: bool = True
) -> Settings:
    """Build settings from a decoded TOML document; paths start at `base`. Without `rules`, these come from elsewhere.

    Raises:
        Refused: `settings.invalid`.
    """
    verify_variables(environment)
    tables, variables = overlaid(raw, environment)
    try:
        document = decode(Document, tables)
        settings = _settings(document, base, raw.get("limits", {}), _point(environment.get(STOP_AT, "")), rules=rules)
        _verify_sandboxed(settings)
        _verify_shared(settings)
    except InvalidSetting as wrong:
        variable = variables.get(wrong.key)
        raise (wrong.set_by(variable) if variable else wrong) from None
    return settings


def rebind_address(settings: Settings, *, host: str | None, port: int | None) -> Settings:
    """Return the same desk at another address. On loopback the issuer follows the port, as no proxy stands between.

    Raises:
        Refused: `settings.invalid`.
    """
    if port is not None and not 0 <= port <= LAST_PORT:
        raise InvalidSetting("server.port", f"must be a number from 0 to {LAST_PORT}")
    moved = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    parts = urlsplit(settings.issuer)
    if moved.loopback and parts.scheme == "http" and port is not None:
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        moved = replace(moved, issuer=f"http://{name}:{moved.port}")
    _verify_sandboxed(moved)
    return moved


def _settings(
    document: Document, base: Path, limits: Mapping[str, int], points: tuple[str, int] | None, *, rules: bool
) -> Settings:
    """Convert each key: paths absolute, addresses valid, related keys together."""
    server, desk, words = document.server, document.desk, document.words
    policies, people = document.policies, people_of(document.people, base)
    issuer = issuer_of(server.issuer)
    return Settings(
        issuer=issuer,
        host=server.host,
        port=server.port,
        data=base / server.data,
        store_url=store_of(document.store.url, base),
        log_name=log_name_of(document.log.name),
        high_water=base / document.log.high_water,
        catalogue=files_of(document.catalogue.files, "catalogue.files", base, needed=True) if rules else (),
        policies=files_of(policies.files, "policies.files", base, needed=True) if rules else (),
        cases=files_of(policies.cases, "policies.cases", base, needed=False) if rules else (),
        pack=desk.pack or "",
        desk_database=base / (f"{server.data}/desk.sqlite" if is_postgres_url(desk.database) else desk.database),
        desk_url=desk.database if is_postgres_url(desk.database) else "",
        backoffice=desk.backoffice,
        brand=brand_of(desk.logo, desk.accent, base),
        http_backoffice=backoffice_of(
            document.backoffice, base, used=desk.backoffice == "http", other=desk.backoffice in {"mapped", "directory"}
        ),
        mapped_backoffice=mapped_of(document.backoffice, base, used=desk.backoffice == "mapped"),
        directory_backoffice=directory_of(document.backoffice, base, used=desk.backoffice == "directory"),
        remote_helpdesk=helpdesk_of(document.helpdesk, base, product=desk.helpdesk),
        secrets=words.secrets,
        words_model=words.model or NO_MODEL,
        words_languages=languages_of(words),
        beyond=beyond_of(words),
        contacts=words.contacts,
        sandbox=document.sandbox.enabled,
        switcher=document.sandbox.switcher,
        officers_named_to=document.transcript.officers_named_to,
        terms=document.terms,
        limits=_limits(document.limits, limits, times=SANDBOX_TIMES if document.sandbox.enabled else 1),
        peer_header=document.limits.peer_header,
        dpop_nonce=document.dpop.nonce,
        tls_proxies=proxies_of(document.mtls),
        federation=_federation(document, base, issuer, people),
        strangers=document.web_bot_auth.enabled,
        workload_api=workload_api_of(document.spiffe),
        content_keys_url=content_keys_of(document.keys.content),
        telemetry=telemetry_of(document.telemetry),
        notify=notify_of(document.notify, base),
        leaks=leaks_of(document.leak, base),
        deliveries=deliveries_of(document.deliveries, base),
        people=people,
        contact_attribute=document.people.contact,
        visitors=visitors_of(document.visitors),
        decision_point=decision_point_of(document.decision_point, base),
        events=events_of(document.events, base, provider=document.people.oidc is not None),
        points=points,
    )


def _federation(
    document: Document, base: Path, issuer: str, people: PeopleSettings | None
) -> tuple[FederationRule, ...]:
    return federation_of(
        document.federation,
        base,
        issuer=issuer,
        login_issuer="" if people is None else people.rules.issuer,
        loopback=urlsplit(issuer).hostname in LOOPBACK,
    )


def _limits(table: LimitsTable, given: Mapping[str, int], *, times: int) -> Mapping[str, int]:
    """Return the limits; unset ones are `times` as wide."""
    numbers: dict[str, int] = {
        name: value for name, value in msgspec.structs.asdict(table).items() if name != "peer_header"
    }
    return {name: value if name in given else value * times for name, value in numbers.items()}


def _verify_sandboxed(settings: Settings) -> None:
    """Verify that settings unsafe in a real desk occur only in a sandbox on loopback."""
    if settings.sandbox and not settings.loopback:
        problem = "is for a server on loopback only; take it out, or set server.host and server.issuer to loopback"
        raise InvalidSetting("sandbox.enabled", problem)
    if settings.switcher and not settings.sandbox:
        problem = "is for a sandbox on loopback only; take it out, or set sandbox.enabled = true"
        raise InvalidSetting("sandbox.switcher", problem)
    if settings.backoffice == "facts" and not settings.sandbox:
        problem = '`facts` is for a sandbox only; set [sandbox] enabled = true, or backoffice = "builtin"'
        raise InvalidSetting("desk.backoffice", problem)
    if settings.points is not None and not settings.sandbox:
        raise InvalidSetting(STOP_AT, "is for fault tests in a sandbox only; unset it")


def _verify_shared(settings: Settings) -> None:
    """⚔ Refuse a shared store beside per-node files: nodes would repeat acts, and miss each other's records."""
    if settings.loopback or not is_postgres_url(settings.store_url):
        return
    if not settings.desk_url and settings.backoffice != "facts":
        problem = "is a file of this machine, but nodes elsewhere share the store; name a postgresql://… database"
        raise InvalidSetting("desk.database", problem)
    if settings.backoffice == "builtin":
        problem = (
            'is "builtin": its records would be a file of each machine, but nodes elsewhere share the store. Set "http" '
            "and backoffice.url, run `remit desk serve` there, and first `remit desk move` if PostgreSQL has the records"
        )
        raise InvalidSetting("desk.backoffice", problem)
    if not settings.content_keys_url:
        problem = "is missing: nodes elsewhere share the store; name a postgresql://… database for the keys alone"
        raise InvalidSetting("keys.content", problem)


def _point(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    name, _, number = text.partition(":")
    if name not in POINTS or not (number or "1").isascii() or not (number or "1").isdigit() or int(number or "1") < 1:
        raise InvalidSetting(STOP_AT, f"must be <point>[:n], with a point out of {', '.join(POINTS)}")
    return name, int(number or "1")
