"""The `[people]` table of `remit.toml`: the company's OpenID provider, and who somebody is by what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from remit.domain.errors import Code, Refused
from remit.domain.logins import ALGORITHMS, Customers, LoginRules
from remit.domain.values import JsonObject
from remit.settings_values import LOOPBACK

KEYS: Final = frozenset({"oidc", "passkey_login"})
_OIDC: Final = frozenset({
    *("issuer", "name", "client_id", "secret_file", "key_file", "audience", "scopes", "algorithms", "userinfo", "private_network"),
    "front_channel",
    *("officer_claim", "roles_claim", "roles", "customers", "customer_claim"),
    *("acr_values", "max_age_s", "vouching_acr", "vouching_age_s"),
})  # fmt: skip
_CHOSEN: Final = frozenset(
    {"email", "name", "given_name", "family_name", "nickname", "phone_number", "preferred_username", "profile", "website"}
)
"""⚔ What people may choose or change themselves says nothing about who they are (OpenID Connect Core 1.0 §5.7)."""
_DAY_S: Final = 86_400
_VOUCHING_S: Final = 300
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSettings:
    """One provider: how it is reached, how this desk proves itself there, and the rules of who is who."""

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
    def deciding(self) -> JsonObject:
        """What the digest of the rules is over: everything by which somebody is let in, gets a role, or is vouched for."""
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
        }


def people_of(table: Mapping[str, Any], base: Path) -> PeopleSettings | None:
    """What the table says; None without a provider.

    Raises:
        Refused: `settings.invalid` naming the key and the cure.
    """
    passkey = _flag(table.get("passkey_login", True), "people.passkey_login")
    oidc = table.get("oidc")
    if oidc is None:
        if not passkey:
            raise _invalid("people.passkey_login", "is false, but there is no [people.oidc]: nobody could sign in")
        return None
    if not isinstance(oidc, Mapping):
        raise _invalid("people.oidc", "must be a table")
    for key in oidc:
        if key not in _OIDC:
            raise _invalid(f"people.oidc.{key}", f"is unknown; known are {', '.join(sorted(_OIDC))}")
    by_key = "key_file" in oidc
    if by_key == ("secret_file" in oidc):
        raise _invalid("people.oidc", "needs one of secret_file (the client's secret) and key_file (its private key in PEM)")
    return PeopleSettings(
        rules=_rules(oidc, passkey=passkey),
        client_id=_text(oidc, "client_id", needed=True),
        credential=base / _text(oidc, "key_file" if by_key else "secret_file", needed=True),
        by_key=by_key,
        audience=_choice(oidc, "audience", ("issuer", "token_endpoint"), "issuer"),
        scopes=_scopes(oidc),
        algorithms=_algorithms(oidc),
        userinfo=_flag(oidc.get("userinfo", False), "people.oidc.userinfo"),
        private_network=_flag(oidc.get("private_network", False), "people.oidc.private_network"),
    )


def _rules(oidc: Mapping[str, Any], *, passkey: bool) -> LoginRules:
    customers = Customers(_choice(oidc, "customers", tuple(Customers), None))
    roles = _roles(oidc)
    acr, vouching = _texts(oidc, "acr_values"), _texts(oidc, "vouching_acr")
    if acr and not set(vouching) <= set(acr):
        raise _invalid("people.oidc.vouching_acr", "names a class that acr_values would refuse; take it out, or add it there")
    if customers is Customers.NONE and not roles:
        raise _invalid("people.oidc.roles", 'is empty and customers = "none": nobody could sign in there; map a value to roles')
    return LoginRules(
        issuer=_issuer(_text(oidc, "issuer", needed=True)),
        name=_text(oidc, "name", needed=True),
        roles_claim=_text(oidc, "roles_claim", needed=bool(roles)),
        roles=roles,
        officer_claim=_claim(oidc, "officer_claim") or "sub",
        customers=customers,
        customer_claim=_claim(oidc, "customer_claim", needed=customers is not Customers.NONE),
        acr=acr,
        max_age_s=_number(oidc, "max_age_s", 0, 0, 30 * _DAY_S),
        vouching=vouching,
        vouching_age_s=_number(oidc, "vouching_age_s", _VOUCHING_S, 1, _DAY_S),
        passkey_login=passkey,
        front_channel=_flag(oidc.get("front_channel", False), "people.oidc.front_channel"),
    )


def _issuer(text: str) -> str:
    """The issuer exactly as the provider writes it.

    Source: OpenID Connect Discovery 1.0 §3.
    """
    cure = "must be the https address the provider calls itself by, exactly (http on this machine only)"
    try:
        parts = urlsplit(text)
        known = parts.hostname and parts.port != 0 and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))
    except ValueError:
        raise _invalid("people.oidc.issuer", cure) from None
    if not known or parts.query or parts.fragment or parts.username is not None:
        raise _invalid("people.oidc.issuer", cure)
    return text


def _roles(oidc: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """Which value of the claim gives which roles; that the roles are there is for `verify_roles`."""
    table = oidc.get("roles", {})
    if not isinstance(table, Mapping):
        raise _invalid("people.oidc.roles", 'must be a table, such as "desk-billing" = ["billing"]')
    roles: dict[str, tuple[str, ...]] = {}
    for value, given in table.items():
        if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
            raise _invalid(f'people.oidc.roles."{value}"', 'must be a list of roles, such as ["billing"]')
        roles[value] = tuple(given)
    return roles


def verify_roles(people: PeopleSettings | None, known: Sequence[str]) -> None:
    """Check that every role the settings give is one of the catalogue, or admin, security, audit.

    Raises:
        Refused: `settings.invalid`.
    """
    if people is None:
        return
    for value, roles in people.rules.roles.items():
        for role in roles:
            if role not in known:
                raise _invalid(f'people.oidc.roles."{value}"', f"gives {role}, which is no role here; known are {', '.join(sorted(known))}")


def _claim(oidc: Mapping[str, Any], key: str, *, needed: bool = False) -> str:
    name = _text(oidc, key, needed=needed)
    if name in _CHOSEN:
        raise _invalid(f"people.oidc.{key}", f"is {name}, which people may change themselves; name a claim that only the company sets")
    return name


def _scopes(oidc: Mapping[str, Any]) -> tuple[str, ...]:
    scopes = _texts(oidc, "scopes") or ("openid", "profile", "email")
    if "openid" not in scopes or any(" " in one for one in scopes):
        raise _invalid("people.oidc.scopes", 'must be a list with "openid" in it, one scope each')
    return scopes


def _algorithms(oidc: Mapping[str, Any]) -> frozenset[str]:
    named = frozenset(_texts(oidc, "algorithms")) or ALGORITHMS
    if not named <= ALGORITHMS:
        raise _invalid("people.oidc.algorithms", f"must be out of {', '.join(sorted(ALGORITHMS))}")
    return named


def _text(oidc: Mapping[str, Any], key: str, *, needed: bool) -> str:
    value = oidc.get(key, "")
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable() or (needed and not value):
        raise _invalid(f"people.oidc.{key}", "is missing; write a text" if value == "" else "must be a text in one line")
    return value


def _texts(oidc: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = oidc.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise _invalid(f"people.oidc.{key}", "must be a list of texts")
    return tuple(value)


def _choice(oidc: Mapping[str, Any], key: str, choices: tuple[str, ...], default: str | None) -> str:
    value = oidc.get(key, default)
    if value not in choices:
        raise _invalid(f"people.oidc.{key}", f"{'is missing; it ' if value is None else ''}must be one of {', '.join(choices)}")
    return str(value)


def _number(oidc: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = oidc.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _invalid(f"people.oidc.{key}", f"must be a whole number from {least} to {most}")
    return value


def _flag(value: object, key: str) -> bool:
    if not isinstance(value, bool):
        raise _invalid(key, "must be true or false")
    return value


def _invalid(key: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"{key} {cure}")
