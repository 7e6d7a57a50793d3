"""One wrong, unknown or missing setting is one line with its full key, wherever it stands and whatever it holds."""

from pathlib import Path
from typing import Any

import pytest

from remit.domain.errors import Code, Refused
from remit.settings import make_settings
from remit.settings.environment import VARIABLES
from remit.settings.tables import Document
from settings_made import TABLES, settings_made

LEAK = {"name": "payments", "prefix": "acme_live_", "url": "https://a.example/leaks", "secret_file": "secret"}
OIDC = {
    "issuer": "https://login.acme.example",
    "name": "Acme",
    "client_id": "desk",
    "secret_file": "secret",
    "roles_claim": "groups",
    "customers": "known",
    "customer_claim": "customer",
}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"wordz": {}}, "wordz is an unknown table; known are backoffice, catalogue,"),
    ({"words": {"secretz": 1}}, "words.secretz is unknown; known are beyond, contacts, languages, model, officer, secrets, unreadable"),
    ({"words": {"a\nb = 1\n[c": 1}}, 'words."a\\nb = 1\\n[c" is unknown'),
    ({"words": {"languages": []}}, 'words.languages must be a list of the languages in which messages are read, of "en" and "de"'),
    ({"words": {"languages": ["fr"]}}, "words.languages"),
    ({"words": {"languages": ["de", "de"]}}, "words.languages must be"),
    ({"words": {"languages": ["de"], "model": "minilm"}}, "words.model hears English alone"),
    ({"words": {"secrets": "keep"}}, "words.secrets must be one of redact, refuse"),
    ({"server": {"host": ""}}, 'server.host must be the address to listen on, such as "127.0.0.1"'),
    ({"server": {"port": "8080"}}, "server.port must be a number from 0 to 65535"),
    ({"server": 7}, "server must be a table"),
    ({"terms": {"task_idle_s": 9.0}}, "terms.task_idle_s must be a whole number from 1 to 31536000"),
    ({"terms": {"task_idle": 9}}, "terms.task_idle is unknown"),
    ({"transcript": {"officers_named_to": ["customer"]}}, "transcript.officers_named_to"),
    ({"transcript": {"officers_named_to": ["audit", "audit"]}}, "transcript.officers_named_to names a reader twice; remove one"),
    ({"dpop": {"nonce": 1}}, "dpop.nonce must be true or false"),
    ({"log": {"name": "a\nb"}}, "log.name must be a name without blanks"),
    ({"store": {"url": "mysql://x"}}, "store.url is neither sqlite:///PATH nor postgresql://USER@HOST/DATABASE"),
    ({"leak": [LEAK, {**LEAK, "name": "b", "url": 7}]}, "leak.url (table 2 of 2) must be the https address that takes reports"),
    ({"leak": [LEAK, {**LEAK, "name": "b", "length": [1, 2]}]}, "leak.length (table 2 of 2) must be [least, most]"),
    ({"leak": [{**LEAK, "pattern": "x"}]}, "leak.pattern is unknown"),
    ({"people": {"oidc": {**OIDC, "roles": {"fine": ["a"], "x y": []}}}}, 'people.oidc.roles."x y" must be a list of roles'),
    ({"people": {"oidc": {**OIDC, "roles": {1: ["a"]}}}}, "people.oidc.roles must be a table"),
    ({"people": {"oidc": {**OIDC, "name": "a\nb"}}}, "people.oidc.name must be a text in one line"),
    ({1: {}}, "1 is an unknown table"),
]


def said(folder: Path, environment: dict[str, str], tables: Any) -> str:
    (folder / "secret").write_text("x")
    with pytest.raises(Refused) as caught:
        make_settings(tables, base=folder, environment=environment, rules=False)
    assert caught.value.code is Code.SETTINGS_INVALID
    assert caught.value.detail.isprintable()
    return caught.value.detail


@pytest.mark.parametrize(("tables", "detail"), WRONG, ids=[detail.partition(" ")[0] + f" {n}" for n, (_, detail) in enumerate(WRONG)])
def test_a_wrong_setting_is_one_line_with_its_key_and_what_it_must_be(tmp_path: Path, tables: dict[Any, Any], detail: str) -> None:
    laid = {name: {**TABLES.get(name, {}), **table} if isinstance(table, dict) else table for name, table in tables.items()}
    assert said(tmp_path, {}, {**TABLES, **laid}).startswith(detail)


@pytest.mark.parametrize(("table", "key"), [(name, key) for name, table in TABLES.items() for key in table])
def test_a_missing_setting_stops_the_start_and_says_what_to_write(tmp_path: Path, table: str, key: str) -> None:
    without = {name: value for name, value in TABLES[table].items() if name != key}
    assert said(tmp_path, {}, {**TABLES, table: without}).startswith(f"{table}.{key} is missing; write ")


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_table_names_the_first_key_it_needs(tmp_path: Path, table: str) -> None:
    tables = {name: value for name, value in TABLES.items() if name != table}
    assert said(tmp_path, {}, tables).startswith(
        f"{table}.{next(iter(Document.__annotations__[table].__struct_fields__))} is missing; write "
    )


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("REMIT_PORT", "x", "server.port"),
        ("REMIT_PORT", "65536", "server.port"),
        ("REMIT_ISSUER", "ftp://x", "server.issuer"),
        ("REMIT_KEYS_CONTENT", "data/keys.sqlite", "keys.content"),
        ("REMIT_STORE_URL", "mysql://x", "store.url"),
        ("REMIT_NOTIFY_KIND", "mail", "notify.kind"),
        ("REMIT_NOTIFY_TIMEOUT_S", "x", "notify.timeout_s"),
        ("REMIT_NOTIFY_SMTP_PLAIN_OUTSIDE", "yes", "notify.smtp_plain_outside"),
    ],
)
def test_a_wrong_variable_is_named_beside_the_key_it_stands_over(tmp_path: Path, variable: str, value: str, key: str) -> None:
    assert said(tmp_path, {variable: value}, TABLES).startswith(f"{key} (set by {variable}) ")


def test_every_variable_stands_over_a_key_that_there_is() -> None:
    assert all(key in Document.__annotations__[table].__struct_fields__ for table, key in VARIABLES.values())


def test_a_variable_stands_over_what_is_wrong_below_it_and_an_empty_one_does_not(tmp_path: Path) -> None:
    assert settings_made(tmp_path, {"REMIT_PORT": "8443", "REMIT_HOST": ""}, server={"port": "x"}).port == 8443
    assert settings_made(tmp_path, {"REMIT_HOST": ""}).host == TABLES["server"]["host"]


def test_limits_that_are_not_set_are_wider_in_a_sandbox_and_those_that_are_set_are_kept(tmp_path: Path) -> None:
    table = {"client_per_s": 50}
    outside = settings_made(tmp_path, limits=table)
    inside = settings_made(tmp_path, limits=table, sandbox={"enabled": True})
    assert (outside.limits["client_per_s"], outside.limits["peer_burst"]) == (50, 200)
    assert (inside.limits["client_per_s"], inside.limits["peer_burst"]) == (50, 20_000)
