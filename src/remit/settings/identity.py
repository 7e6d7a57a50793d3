"""Sources of agents' identities: `[[federation]]`, `[spiffe]`, `[web_bot_auth]`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta, field

from remit.domain.identity.federation import FederationRule
from remit.domain.ids import is_loopback
from remit.settings.decode import InvalidSetting, Table, nth_table
from remit.settings.values import file_of

MOST: Final = 200
_SOCKETS: Final = ("unix:///", "tcp://")
_UNMAPPED: Final = frozenset({"aud", "exp", "iat", "iss", "jti", "nbf", "sub"})


class FederationTable(Table, frozen=True):
    """One `[[federation]]`: a subject of an issuer that is one registered agent."""

    issuer: Annotated[str, Meta(min_length=1, description='the `iss` of its tokens, such as "https://issuer.example"')]
    subject: Annotated[str, Meta(min_length=1, description="the whole `sub` of the workload's tokens")]
    agent: Annotated[str, Meta(min_length=1, description="the client id of one registered agent")]
    audience: str = ""
    claims: dict[str, str | int | bool] = field(default_factory=dict)
    jwks_file: str = ""
    private_network: bool = False


class SpiffeTable(Table, frozen=True):
    """`[spiffe]`: the Workload API that this desk is attached to."""

    workload_api: Annotated[
        str, Meta(description='the address of a SPIFFE Workload API, such as "unix:///run/spire/agent.sock"')
    ] = ""


class WebBotAuthTable(Table, frozen=True):
    """`[web_bot_auth]`: whether strangers that publish signed keys may ask for mandates."""

    enabled: bool = False


Federations = Annotated[
    tuple[FederationTable, ...],
    Meta(max_length=MOST, description=f"tables of their own: [[federation]], {MOST} at most"),
]


def federation_of(
    tables: Sequence[FederationTable], base: Path, *, issuer: str, login_issuer: str, loopback: bool
) -> tuple[FederationRule, ...]:
    """Build the rules of federated workloads; `issuer` is the desk itself, `login_issuer` its people's provider.

    Raises:
        InvalidSetting: `settings.invalid`, ⚔ also for patterns, for a subject that is mapped twice, and for an issuer
            that people log in at: a person's token would speak for an agent.
    """
    found: dict[tuple[str, str], FederationRule] = {}
    for number, table in enumerate(tables, start=1):
        note = nth_table(number, len(tables))
        _verify_issuer(table.issuer, note, refused=(issuer, login_issuer), loopback=loopback)
        if "*" in table.subject:
            problem = "names the whole subject of one workload; patterns are not matched"
            raise InvalidSetting("federation.subject", problem, note=note)
        if (table.issuer, table.subject) in found:
            raise InvalidSetting("federation.subject", "is mapped twice; one subject is one agent", note=note)
        for name in sorted(_UNMAPPED & table.claims.keys()):
            raise InvalidSetting("federation.claims", f"has {name}, which has a key or a rule of its own", note=note)
        file = str(file_of(table.jwks_file, "federation.jwks_file", base, note=note)) if table.jwks_file else ""
        found[table.issuer, table.subject] = FederationRule(
            issuer=table.issuer,
            subject=table.subject,
            agent=table.agent,
            audience=table.audience,
            claims=dict(table.claims),
            jwks_file=file,
            private=table.private_network,
        )
    return tuple(found.values())


def workload_api_of(table: SpiffeTable) -> str:
    """Parse the address of the Workload API; "" without one.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if table.workload_api and not table.workload_api.startswith(_SOCKETS):
        raise InvalidSetting("spiffe.workload_api", "must be unix:///… or tcp://ADDRESS:PORT")
    return table.workload_api


def _verify_issuer(text: str, note: str, *, refused: tuple[str, str], loopback: bool) -> None:
    if text in refused:
        problem = "is the server itself, or the provider its people sign in at: their tokens are not a workload's"
        raise InvalidSetting("federation.issuer", problem, note=note)
    try:
        parts = urlsplit(text)
        secure = parts.scheme == "https" or (parts.scheme == "http" and loopback and is_loopback(parts.hostname or ""))
        known = secure and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        known = False
    if not known or not text.isprintable() or " " in text or "?" in text or "#" in text:
        problem = "must be an https address without user, query and fragment (http on loopback only)"
        raise InvalidSetting("federation.issuer", problem, note=note)
