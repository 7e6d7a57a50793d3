"""One desk's settings: `remit.toml` and `REMIT_*` variables, read here alone. A missing one stops the start; no default loosens a check."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from remit.domain.errors import Code, Refused
from remit.domain.words_beyond import BeyondRules
from remit.settings_leaks import LeakSettings, contacts_of, leaks_of
from remit.settings_notify import KEYS as NOTIFY_KEYS
from remit.settings_notify import NotifySettings, notify_of
from remit.settings_people import KEYS as PEOPLE_KEYS
from remit.settings_people import PeopleSettings, people_of
from remit.settings_telemetry import KEYS as TELEMETRY_KEYS
from remit.settings_telemetry import Telemetry, telemetry_of
from remit.settings_terms import NUMBERS, terms_of
from remit.settings_values import LOOPBACK, files_of, is_server, issuer_of, keys_of, log_name_of
from remit.settings_words import KEYS as WORDS_KEYS
from remit.settings_words import beyond_of, model_of
from remit.variables import verify_variables

_LIMITS: Final[Mapping[str, int]] = {
    "client_per_s": 100,
    "client_burst": 400,
    "peer_per_s": 20,
    "peer_burst": 200,
    "unproved_per_s": 500,
    "unproved_burst": 2_000,
}
_SANDBOX_TIMES: Final = 100  # a sandbox, reached from its own machine alone, is there to be tried hard: limits so many times as wide
_WIDEST: Final = 1_000_000
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "server": frozenset({"issuer", "host", "port", "data"}),
    "store": frozenset({"url"}),
    "keys": frozenset({"content"}),
    "log": frozenset({"name", "high_water"}),
    "catalogue": frozenset({"files"}),
    "policies": frozenset({"files", "cases"}),
    "desk": frozenset({"pack", "database", "backoffice"}),
    "words": WORDS_KEYS,
    "terms": frozenset(NUMBERS),
    "limits": frozenset({*_LIMITS, "peer_header"}),
    "dpop": frozenset({"nonce"}),
    "notify": NOTIFY_KEYS,
    "people": PEOPLE_KEYS,
    "telemetry": TELEMETRY_KEYS,
    "leak": frozenset(),
    "sandbox": frozenset({"enabled"}),
}
POINTS: Final = (
    "act.acted",
    "act.queued",
    "act.sent",
    "act.settled",
    "ask.recorded",
    "checkpoint.half_written",
    "desk.after_act",
    "desk.before_act",
    "store.after_commit",
    "store.before_commit",
    "store.before_settled",
)
"""Where on the path a fault test can stop the process (`REMIT_STOP_AT=<point>[:n]`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a desk needs to start. Paths are absolute; numbers are in `terms`."""

    issuer: str
    host: str
    port: int
    data: Path
    store_url: str
    log_name: str
    high_water: Path
    catalogue: tuple[Path, ...]
    policies: tuple[Path, ...]
    cases: tuple[Path, ...]
    pack: str
    desk_database: Path
    backoffice: str
    secrets: str
    sandbox: bool
    beyond: BeyondRules = field(default_factory=BeyondRules)
    terms: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    dpop_nonce: bool = False
    peer_header: str = ""  # the header in which a proxy of the desk's own says who calls it
    content_keys_url: str = ""
    """The PostgreSQL database of the content keys; "" where they are in a file."""
    desk_url: str = ""
    """The PostgreSQL database of the built-in desk; "" where it is `desk_database`."""
    telemetry: Telemetry = field(default_factory=Telemetry)
    notify: NotifySettings = field(default_factory=NotifySettings)
    words_model: str = ""
    """The model that hears what a message is about; "" for the words of the catalogue alone."""
    leaks: tuple[LeakSettings, ...] = ()
    """Who is told of leaked credentials of theirs."""
    contacts: tuple[str, ...] = ()
    """The desk's own addresses and numbers, which officers may tell anybody."""
    people: PeopleSettings | None = None
    """The company's OpenID provider; None where people sign in with passkeys alone."""
    points: tuple[str, int] | None = None
    """The point at which this process kills itself, and at which pass: for fault tests in a sandbox alone."""

    @property
    def loopback(self) -> bool:
        """Whether the desk is reachable from this machine only."""
        return self.host in LOOPBACK and urlsplit(self.issuer).hostname in LOOPBACK

    @property
    def keys(self) -> Path:
        """Where the desk's own keys are."""
        return self.data / "keys"

    @property
    def content_keys(self) -> Path:
        """The file of the keys under which customers' content is sealed."""
        return self.data / "content-keys.sqlite"

    @property
    def store_is_file(self) -> bool:
        """Whether the store is a SQLite file, for one process."""
        return self.store_url.startswith("sqlite:///")

    @property
    def store_path(self) -> Path:
        """The SQLite file of the store.

        Raises:
            Refused: `settings.invalid` for a store this version has no plug for.
        """
        if not self.store_is_file:
            raise _invalid("store.url", "is neither sqlite:///PATH nor postgresql://USER@HOST/DATABASE")
        return Path(self.store_url.removeprefix("sqlite:///"))


def load_settings(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read `remit.toml` and the `REMIT_*` variables over it.

    Raises:
        Refused: `settings.invalid` naming the key and the cure.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(Code.SETTINGS_INVALID, f"there is no {path}; run `remit init DIR` or name one with --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise Refused(Code.SETTINGS_INVALID, f"{path.name} cannot be read: {broken}") from None
    return make_settings(raw, base=path.parent.absolute(), environment=os.environ if environment is None else environment)


def make_settings(raw: Mapping[str, Any], *, base: Path, environment: Mapping[str, str], rules: bool = True) -> Settings:
    """Settings from a decoded TOML document; relative paths start at `base`. Without `rules`, the rules are given otherwise.

    Raises:
        Refused: `settings.invalid`.
    """
    _verify_known(raw)
    verify_variables(environment)
    server, desk, sandbox = _table(raw, "server"), _table(raw, "desk"), _table(raw, "sandbox")
    desk_database = environment.get("REMIT_DESK_DATABASE") or _text(desk, "desk", "database")
    settings = Settings(
        issuer=issuer_of(environment.get("REMIT_ISSUER") or _text(server, "server", "issuer")),
        host=environment.get("REMIT_HOST") or _text(server, "server", "host"),
        port=_port(environment.get("REMIT_PORT") or server.get("port")),
        data=base / (environment.get("REMIT_DATA") or _text(server, "server", "data")),
        store_url=_store(environment.get("REMIT_STORE_URL") or _text(_table(raw, "store"), "store", "url"), base),
        log_name=log_name_of(_text(_table(raw, "log"), "log", "name")),
        high_water=base / _text(_table(raw, "log"), "log", "high_water"),
        catalogue=files_of(_table(raw, "catalogue").get("files"), "catalogue.files", base, needed=True) if rules else (),
        policies=files_of(_table(raw, "policies").get("files"), "policies.files", base, needed=True) if rules else (),
        cases=files_of(_table(raw, "policies").get("cases", []), "policies.cases", base, needed=False) if rules else (),
        pack=_text(desk, "desk", "pack") if "pack" in desk else "",
        desk_database=base / desk_database,
        backoffice=_choice(desk, "desk", "backoffice", ("builtin", "facts")) if "backoffice" in desk else "builtin",
        secrets=_choice(_table(raw, "words"), "words", "secrets", ("refuse", "redact")),
        words_model=model_of(_table(raw, "words")),
        beyond=beyond_of(_table(raw, "words")),
        sandbox=_flag(sandbox.get("enabled", False), "sandbox.enabled"),
        terms=terms_of(_table(raw, "terms")),
        limits=_limits(_table(raw, "limits"), times=_SANDBOX_TIMES if sandbox.get("enabled") is True else 1),
        dpop_nonce=_flag(_table(raw, "dpop").get("nonce", False), "dpop.nonce"),
        peer_header=_header(_table(raw, "limits").get("peer_header", "")),
        content_keys_url=environment.get("REMIT_KEYS_CONTENT") or keys_of(_table(raw, "keys")),
        desk_url=desk_database if is_server(desk_database) else "",
        telemetry=telemetry_of(_table(raw, "telemetry")),
        notify=notify_of(_table(raw, "notify"), base=base, environment=environment),
        leaks=leaks_of(raw.get("leak", []), base),
        contacts=contacts_of(_table(raw, "words").get("contacts", [])),
        people=people_of(_table(raw, "people"), base),
        points=_point(environment.get("REMIT_STOP_AT", "")),
    )
    _verify_sandboxed(settings)
    _verify_shared(settings)
    return settings


def listening(settings: Settings, *, host: str | None, port: int | None) -> Settings:
    """The same desk at another address. On loopback the issuer follows the port, as nothing stands between.

    Raises:
        Refused: `settings.invalid`.
    """
    moved = replace(settings, host=host or settings.host, port=settings.port if port is None else _port(port))
    parts = urlsplit(settings.issuer)
    if moved.loopback and parts.scheme == "http" and port is not None:
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        moved = replace(moved, issuer=f"http://{name}:{moved.port}")
    _verify_sandboxed(moved)
    return moved


def _verify_known(raw: Mapping[str, Any]) -> None:
    """A mistyped table or key is said, never silently without effect."""
    for name in raw:
        if name not in _KEYS:
            raise _invalid(name, f"is an unknown table; known are {', '.join(sorted(_KEYS))}")
        for key in () if name == "leak" else _table(raw, name):
            if key not in _KEYS[name]:
                raise _invalid(f"{name}.{key}", f"is unknown; known are {', '.join(sorted(_KEYS[name]))}")


def _verify_sandboxed(settings: Settings) -> None:
    """What would be a hole in a real desk exists in a sandbox on loopback alone."""
    if settings.sandbox and not settings.loopback:
        raise _invalid("sandbox.enabled", "is for a desk on loopback only; take it out, or set server.host and server.issuer to loopback")
    if settings.backoffice == "facts" and not settings.sandbox:
        raise _invalid("desk.backoffice", '`facts` is for a sandbox only; set [sandbox] enabled = true, or backoffice = "builtin"')
    if settings.points is not None and not settings.sandbox:
        raise _invalid("REMIT_STOP_AT", "is for fault tests in a sandbox only; unset it")


def _verify_shared(settings: Settings) -> None:
    """⚔ A store for many nodes beside a file of each: what one node did another would do again, and could not read what one had recorded."""
    if settings.loopback or not is_server(settings.store_url):
        return
    if not settings.desk_url and settings.backoffice == "builtin":
        raise _invalid("desk.database", "is a file of this machine, but nodes elsewhere share the store; name a postgresql://… database")
    if not settings.content_keys_url:
        raise _invalid("keys.content", "is missing: nodes elsewhere share the store; name a postgresql://… database for the keys alone")


def _flag(value: object, key: str) -> bool:
    if not isinstance(value, bool):
        raise _invalid(key, "must be true or false")
    return value


def _point(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    name, _, number = text.partition(":")
    if name not in POINTS or not (number or "1").isascii() or not (number or "1").isdigit() or int(number or "1") < 1:
        raise _invalid("REMIT_STOP_AT", f"must be <point>[:n], with a point out of {', '.join(POINTS)}")
    return name, int(number or "1")


def _table(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = raw.get(name, {})
    if not isinstance(table, Mapping):
        raise _invalid(name, "must be a table")
    return table


def _text(table: Mapping[str, Any], where: str, key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise _invalid(f"{where}.{key}", "is missing; write a text" if value is None else "must be a text, and not an empty one")
    return value


def _choice(table: Mapping[str, Any], where: str, key: str, choices: tuple[str, ...]) -> str:
    value = _text(table, where, key)
    if value not in choices:
        raise _invalid(f"{where}.{key}", f"must be one of {', '.join(choices)}")
    return value


def _port(value: object) -> int:
    try:
        port = int(str(value))
    except ValueError:
        raise _invalid("server.port", f"{'is missing; write' if value is None else 'must be'} a number from 0 to 65535") from None
    if not 0 <= port <= 65_535:  # noqa: PLR2004  # TCP ports
        raise _invalid("server.port", "must be from 0 to 65535")
    return port


def _store(url: str, base: Path) -> str:
    if url.startswith("sqlite:///"):
        return f"sqlite:///{base / url.removeprefix('sqlite:///')}"
    return url


def _limits(table: Mapping[str, Any], *, times: int) -> Mapping[str, int]:
    limits = {name: number * times for name, number in _LIMITS.items()}
    for key in _LIMITS:
        value = table.get(key, limits[key])
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _WIDEST:
            raise _invalid(f"limits.{key}", f"must be a whole number from 1 to {_WIDEST}")
        limits[key] = value
    return limits


def _header(value: object) -> str:
    if not isinstance(value, str) or not (value == "" or _HEADER.fullmatch(value)):
        raise _invalid("limits.peer_header", 'must be the name of a header that your own proxy sets, such as "X-Real-IP"')
    return value


def _invalid(key: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"{key} {cure}")
