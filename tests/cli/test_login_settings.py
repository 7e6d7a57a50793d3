"""The company's login in `remit.toml`: every mistake is said with its key, and the doctor asks the provider itself."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from cli.running import Run, refused
from provider.loopback import CLIENT, SECRET, loopback_provider
from remit.domain.errors import Code, Refused
from remit.domain.identity.oidc_login import CustomerLogins
from remit.settings import load_settings
from remit.settings.people import PeopleSettings, verify_roles
from remit.settings.terms import TermsTable, deciding
from remit.wiring import load_rules, rules_of
from settings_made import settings_made

RIGHT: dict[str, Any] = {
    "issuer": "https://login.acme.example",
    "name": "Acme",
    "client_id": CLIENT,
    "secret_file": "secret",
    "roles_claim": "groups",
    "roles": {"desk-billing": ["billing"]},
    "customers": "known",
    "customer_claim": "customer",
}
BASE = Path("/desk")


def people_of(table: Mapping[str, Any]) -> PeopleSettings | None:
    return settings_made(BASE, people=table).people


def oidc(**changed: Any) -> dict[str, Any]:
    return {name: value for name, value in (RIGHT | changed).items() if value is not None}


def test_a_right_table_is_taken_and_says_nothing_loose_by_itself() -> None:
    people = people_of({"oidc": oidc()})
    assert people is not None
    assert (people.credential, people.by_key, people.userinfo, people.private_network) == (BASE / "secret", False, False, False)
    assert people.rules.customers is CustomerLogins.KNOWN
    assert (people.rules.acr, people.rules.vouching, people.rules.officer_claim) == ((), (), "sub")
    assert people.rules.passkey_login
    assert people.rules.front_channel is False
    assert people.scopes == ("openid", "profile", "email")
    assert people_of({}) is None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"issuer": None}, "issuer"),
    ({"issuer": "http://login.acme.example"}, "issuer"),
    ({"issuer": "https://login.acme.example/?x=1"}, "issuer"),
    ({"issuer": "https://user@login.acme.example"}, "issuer"),
    ({"issuer": "https://[::1"}, "issuer"),
    ({"issuer": 7}, "issuer"),
    ({"name": ""}, "name"),
    ({"client_id": None}, "client_id"),
    ({"secret_file": None}, "people.oidc"),
    ({"key_file": "key.pem"}, "people.oidc"),
    ({"audience": "both"}, "audience"),
    ({"front_channel": "yes"}, "front_channel"),
    ({"scopes": ["profile"]}, "scopes"),
    ({"scopes": "openid"}, "scopes"),
    ({"algorithms": ["HS256"]}, "algorithms"),
    ({"algorithms": ["none"]}, "algorithms"),
    ({"userinfo": "yes"}, "userinfo"),
    ({"private_network": 1}, "private_network"),
    ({"roles_claim": None}, "roles_claim"),
    ({"roles": {"desk-billing": "billing"}}, "roles"),
    ({"roles": {"desk-billing": []}}, "roles"),
    ({"roles": ["billing"]}, "roles"),
    ({"roles": None, "customers": "none", "customer_claim": None}, "roles"),
    ({"customers": None}, "customers"),
    ({"customers": "all"}, "customers"),
    ({"customer_claim": None}, "customer_claim"),
    ({"customer_claim": "email"}, "customer_claim"),
    ({"officer_claim": "preferred_username"}, "officer_claim"),
    ({"acr_values": "gold"}, "acr_values"),
    ({"acr_values": ["silver"], "vouching_acr": ["gold"]}, "vouching_acr"),
    ({"max_age_s": -1}, "max_age_s"),
    ({"max_age_s": True}, "max_age_s"),
    ({"vouching_age_s": 0}, "vouching_age_s"),
    ({"client_secret": "in the file"}, "client_secret"),
]


@pytest.mark.parametrize(("changed", "key"), WRONG, ids=[f"{key} {number}" for number, (_, key) in enumerate(WRONG)])
def test_what_is_wrong_stops_the_start_and_is_said_with_its_key(changed: dict[str, Any], key: str) -> None:
    with pytest.raises(Refused) as caught:
        people_of({"oidc": oidc(**changed)})
    assert caught.value.code is Code.SETTINGS_INVALID
    assert key in caught.value.detail.partition(" ")[0]


@pytest.mark.parametrize("table", [{"passkey_login": False}, {"passkey_login": "no"}, {"oidc": True}])
def test_nobody_is_locked_out_by_half_a_table(table: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        people_of(table)
    assert caught.value.code is Code.SETTINGS_INVALID


def test_a_role_that_is_none_stops_the_start() -> None:
    people = people_of({"oidc": oidc()})
    verify_roles(people, ["billing", "admin"])
    with pytest.raises(Refused) as caught:
        verify_roles(people, ["care", "admin"])
    assert caught.value.code is Code.SETTINGS_INVALID


def write(desk: Path, issuer: str, **more: str) -> None:
    """The tables, as somebody writes them."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in (more or {"secret_file": "own/secret"}).items()]
    text = f"""
[people.oidc]
issuer = "{issuer}"
name = "Acme"
client_id = "{CLIENT}"
roles_claim = "groups"
customers = "known"
customer_claim = "customer"
{chr(10).join(lines)}

[people.oidc.roles]
desk-billing = ["billing"]
"""
    (desk / "remit.toml").write_text((desk / "remit.toml").read_text() + text)
    (desk / "own").mkdir(mode=0o700, exist_ok=True)
    (desk / "own" / "secret").write_text(SECRET)
    (desk / "own" / "secret").chmod(0o600)


@pytest.mark.proves("LOGIN-ROLES")
def test_who_gets_which_role_is_part_of_the_rules_that_two_people_take_in(desk: Path) -> None:
    def digest() -> str:
        settings = load_settings(desk / "remit.toml", {})
        return load_rules(settings, rules_of(settings)).digest

    plain = digest()
    write(desk, "https://login.acme.example")
    first, file = digest(), desk / "remit.toml"
    assert first != plain
    text = file.read_text()
    for old, new in (
        ('["billing"]', '["billing", "admin"]'),
        ("desk-billing", "everybody"),
        ("login.acme", "login.other"),
        ('"groups"', '"hobbies"'),
    ):
        file.write_text(text.replace(old, new))
        assert digest() != first
    file.write_text(text.replace('name = "Acme"', 'name = "Acme Ltd"'))
    assert digest() == first


def test_what_came_later_leaves_the_digest_of_a_desk_that_does_not_use_it() -> None:
    assert "session_idle_s" not in deciding(TermsTable())
    assert deciding(TermsTable(session_idle_s=60))["session_idle_s"] == 60


def found(remit: Run, desk: Path) -> list[tuple[str, str]]:
    findings = remit("doctor", "--json", "--config", desk).json["findings"]
    assert all(one["cure"] for one in findings if one["state"] != "ok")
    return [(one["state"], one["says"]) for one in findings if one["name"] == "login"]


def test_the_doctor_asks_the_provider_itself(remit: Run, desk: Path) -> None:
    assert found(remit, desk) == []
    with loopback_provider(lambda: int(time.time())) as provider:
        write(desk, provider.issuer)
        assert found(remit, desk) == [("ok", f"{provider.issuer} answers, with 1 keys")]
        provider.metadata = {"authorization_response_iss_parameter_supported": None, "backchannel_logout_supported": False}
        assert [state for state, _ in found(remit, desk)] == ["ok", "look", "look"]
        provider.metadata = {"issuer": f"{provider.issuer}/"}
        assert [state for state, _ in found(remit, desk)] == ["wrong"]
        provider.metadata, provider.published = {}, ()
        assert [state for state, _ in found(remit, desk)] == ["wrong"]
    assert [state for state, _ in found(remit, desk)] == ["wrong"]


def test_the_doctor_says_the_key_to_register(remit: Run, desk: Path) -> None:
    key = ECKey.generate_key("P-256", private=True)
    with loopback_provider(lambda: int(time.time())) as provider:
        write(desk, provider.issuer, key_file="own/key.pem")
        (desk / "own" / "key.pem").write_bytes(key.as_pem(private=True))
        (desk / "own" / "key.pem").chmod(0o600)
        told = found(remit, desk)
    assert [state for state, _ in told] == ["ok", "ok"]
    assert key.thumbprint() in told[1][1]
    assert key.as_dict(private=True)["d"] not in told[1][1]


def test_a_secret_that_others_can_read_stops_the_start(remit: Run, desk: Path) -> None:
    write(desk, "https://login.acme.example")
    (desk / "own" / "secret").chmod(0o644)
    refused(remit("serve", "--config", desk), "settings.invalid", "own")
    (desk / "own" / "secret").unlink()
    refused(remit("serve", "--config", desk), "settings.invalid", "own")
