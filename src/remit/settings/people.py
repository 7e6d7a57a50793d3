"""The `[people]` table of `remit.toml`: the company's OpenID provider, and its mapping to people and roles."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from msgspec import Meta, field

from remit.domain.identity.oidc_login import ALGORITHMS, CustomerLogins, LoginRules
from remit.domain.structs import struct
from remit.domain.values import JsonObject
from remit.settings.decode import InvalidSetting, Table
from remit.settings.values import LOOPBACK, Text

_CHOSEN: Final = frozenset(
    {
        "email",
        "name",
        "given_name",
        "family_name",
        "nickname",
        "phone_number",
        "preferred_username",
        "profile",
        "website",
    }
)
"""⚔ Claims that people can change themselves are no identity (OpenID Connect Core 1.0 §5.7)."""
_DAY_S: Final = 86_400
_ISSUER: Final = "the https address the provider calls itself by, exactly (http on this machine only)"
_ONE: Final = "one of secret_file (the client's secret) and key_file (its private key in PEM)"
Line = Annotated[str, Meta(max_length=200, description="a text in one line")]
RoleNames = Annotated[tuple[Text, ...], Meta(min_length=1, description='a list of roles, such as ["billing"]')]
Roles = Annotated[dict[str, RoleNames], Meta(description='a table, such as "desk-billing" = ["billing"]')]
"""Claim values and the roles they give; `verify_roles` checks that the roles exist."""


class OidcTable(Table, frozen=True):
    """`[people.oidc]`: one provider. Optional texts are "" when absent."""

    issuer: Annotated[str, Meta(min_length=1, max_length=200, description=_ISSUER)]
    name: Annotated[Line, Meta(min_length=1, description="the name people know the provider by, in one line")]
    client_id: Annotated[
        Line, Meta(min_length=1, description="the name this server is registered by at the provider, in one line")
    ]
    customers: CustomerLogins
    secret_file: Line | None = None
    key_file: Line | None = None
    audience: Literal["issuer", "token_endpoint"] = "issuer"
    scopes: tuple[Text, ...] = ()
    algorithms: tuple[Text, ...] = ()
    userinfo: bool = False
    private_network: bool = False
    front_channel: bool = False
    id_jag: bool = False
    officer_claim: Line = ""
    roles_claim: Line = ""
    roles: Roles = field(default_factory=dict)
    customer_claim: Line = ""
    acr_values: tuple[Text, ...] = ()
    max_age_s: Annotated[int, Meta(ge=0, le=30 * _DAY_S)] = 0
    vouching_acr: tuple[Text, ...] = ()
    vouching_age_s: Annotated[int, Meta(ge=1, le=_DAY_S)] = 300


class PeopleTable(Table, frozen=True):
    """`[people]`."""

    passkey_login: bool = True
    contact: Text = "contact.email"
    oidc: OidcTable | None = None


@struct(frozen=True, kw_only=True)
class PeopleSettings:
    """One provider: its address, this desk's authentication there, and the rules for identities and roles."""

    rules: LoginRules
    client_id: str
    credential: Path
    by_key: bool
    audience: str
    scopes: tuple[str, ...]
    algorithms: frozenset[str]
    userinfo: bool
    private_network: bool

    @property
    def digest_input(self) -> JsonObject:
        """Return the input of the rules' digest: everything by which a person gets access, a role, or a voucher."""
        rules = self.rules
        return {
            "acr": list(rules.acr),
            "client_id": self.client_id,
            "customer_claim": rules.customer_claim,
            "customers": rules.customers.value,
            "issuer": rules.issuer,
            "max_age_s": rules.max_age_s,
            "officer_claim": rules.officer_claim,
            "passkey_login": rules.passkey_login,
            "roles": {value: list(roles) for value, roles in rules.roles.items()},
            "roles_claim": rules.roles_claim,
            "userinfo": self.userinfo,
            "vouching": list(rules.vouching),
            "vouching_age_s": rules.vouching_age_s,
            **({"id_jag": True} if rules.id_jag else {}),
        }


def people_of(table: PeopleTable, base: Path) -> PeopleSettings | None:
    """Return the provider; None without one.

    Raises:
        InvalidSetting: `settings.invalid` naming the key and the cure.
    """
    oidc = table.oidc
    if oidc is None:
        if not table.passkey_login:
            problem = "is false, but there is no [people.oidc]: no one could sign in"
            raise InvalidSetting("people.passkey_login", problem)
        return None
    if (oidc.key_file is None) == (oidc.secret_file is None):
        raise InvalidSetting("people.oidc", f"needs {_ONE}")
    by_key = oidc.key_file is not None
    credential = _line(oidc, "key_file" if by_key else "secret_file", needed=True)
    return PeopleSettings(
        rules=_rules(oidc, passkey=table.passkey_login),
        client_id=_line(oidc, "client_id", needed=True),
        credential=base / credential,
        by_key=by_key,
        audience=oidc.audience,
        scopes=_scopes(oidc),
        algorithms=_algorithms(oidc),
        userinfo=oidc.userinfo,
        private_network=oidc.private_network,
    )


def _id_jag(oidc: OidcTable) -> bool:
    if oidc.id_jag and oidc.customers is CustomerLogins.NONE:
        raise _invalid("id_jag", 'needs customers to be "known" or "create": it says which customer an agent acts for')
    return oidc.id_jag


def _rules(oidc: OidcTable, *, passkey: bool) -> LoginRules:
    if oidc.acr_values and not set(oidc.vouching_acr) <= set(oidc.acr_values):
        raise _invalid("vouching_acr", "names a class that acr_values would refuse; take it out, or add it there")
    if oidc.customers is CustomerLogins.NONE and not oidc.roles:
        raise _invalid("roles", 'is empty and customers = "none": no one could sign in there; map a value to roles')
    return LoginRules(
        issuer=_issuer(_line(oidc, "issuer", needed=True)),
        name=_line(oidc, "name", needed=True),
        roles_claim=_line(oidc, "roles_claim", needed=bool(oidc.roles)),
        roles=oidc.roles,
        officer_claim=_claim(oidc, "officer_claim") or "sub",
        customers=oidc.customers,
        customer_claim=_claim(oidc, "customer_claim", needed=oidc.customers is not CustomerLogins.NONE),
        acr=oidc.acr_values,
        max_age_s=oidc.max_age_s,
        vouching=oidc.vouching_acr,
        vouching_age_s=oidc.vouching_age_s,
        passkey_login=passkey,
        front_channel=oidc.front_channel,
        id_jag=_id_jag(oidc),
    )


def _issuer(text: str) -> str:
    """Return the issuer exactly as the provider writes it.

    Source: OpenID Connect Discovery 1.0 §3.
    """
    try:
        parts = urlsplit(text)
        known = (
            parts.hostname
            and parts.port != 0
            and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))
        )
    except ValueError:
        raise _invalid("issuer", f"must be {_ISSUER}") from None
    if not known or parts.query or parts.fragment or parts.username is not None:
        raise _invalid("issuer", f"must be {_ISSUER}")
    return text


def verify_roles(people: PeopleSettings | None, known: Sequence[str]) -> None:
    """Verify that every role in the settings is one of the catalogue, or admin, security, audit.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if people is None:
        return
    for value, roles in people.rules.roles.items():
        for role in roles:
            if role not in known:
                problem = f"gives {role}, which is no role here; known are {', '.join(sorted(known))}"
                raise _invalid(f'roles."{value}"', problem)


def _claim(oidc: OidcTable, key: str, *, needed: bool = False) -> str:
    name = _line(oidc, key, needed=needed)
    if name in _CHOSEN:
        raise _invalid(key, f"is {name}, which people may change themselves; name a claim that only the company sets")
    return name


def _scopes(oidc: OidcTable) -> tuple[str, ...]:
    scopes = oidc.scopes or ("openid", "profile", "email")
    if "openid" not in scopes or any(" " in one for one in scopes):
        raise _invalid("scopes", 'must be a list with "openid" in it, one scope each')
    return scopes


def _algorithms(oidc: OidcTable) -> frozenset[str]:
    named = frozenset(oidc.algorithms) or ALGORITHMS
    if not named <= ALGORITHMS:
        raise _invalid("algorithms", f"must be out of {', '.join(sorted(ALGORITHMS))}")
    return named


def _line(oidc: OidcTable, key: str, *, needed: bool = False) -> str:
    """Return a one-line text, present where it is required."""
    value: str = getattr(oidc, key) or ""
    if not value.isprintable():
        raise _invalid(key, "must be a text in one line")
    if needed and not value:
        raise _invalid(key, "is missing; write a text")
    return value


def _invalid(key: str, problem: str) -> InvalidSetting:
    return InvalidSetting(f"people.oidc.{key}", problem)
