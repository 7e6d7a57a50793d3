"""Whom to tell of leaked credentials and what officers may tell, as `remit.toml` says it; and planting canaries on the command line."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.running import Run, change, refused
from notice_servers import nobody, webhook_server
from remit.domain.errors import Code, Refused
from remit.domain.secrets.issuer_credentials import ALPHABETS, IssuerRule, find_issued_credentials
from remit.settings import LeakSettings
from settings_made import settings_made

SHAPE = {"name": "payments", "prefix": "acme_live_", "url": "https://a.example/leaks", "secret_file": "secret"}
KINDS = {"name": "code-host", "kinds": ["prefixed_token"], "url": "https://a.example/leaks", "secret_file": "secret"}
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def read(folder: Path, *tables: Mapping[str, Any]) -> tuple[LeakSettings, ...]:
    (folder / "secret").write_text("x")
    return settings_made(folder, leak=list(tables)).leaks


def test_without_a_table_nobody_is_told(tmp_path: Path) -> None:
    assert read(tmp_path) == ()


def test_a_shape_and_kinds_are_read_with_what_is_safe_by_default(tmp_path: Path) -> None:
    shape, kinds = read(tmp_path, SHAPE, KINDS)
    assert (shape.rule.prefix, shape.rule.least, shape.rule.sends_sha256) == ("acme_live_", 16, False)
    assert (kinds.rule.kinds, kinds.rule.prefix) == (frozenset({"prefixed_token"}), "")
    assert shape.secret_file == tmp_path / "secret"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "Two words"}, "leak.name"),
    ({"name": None}, "leak.name"),
    ({"prefix": "abc"}, "leak.prefix"),
    ({"prefix": "acme_[a-z]+"}, "leak.prefix"),
    ({"prefix": ".*"}, "leak.prefix"),
    ({"alphabet": "any"}, "leak.alphabet"),
    ({"length": [8, 20]}, "leak.length"),
    ({"length": [30, 20]}, "leak.length"),
    ({"length": [16, 100_000]}, "leak.length"),
    ({"length": 20}, "leak.length"),
    ({"kinds": ["jwt"]}, "leak.kinds"),
    ({"url": "http://a.example/leaks"}, "leak.url"),
    ({"url": "https://user:pass@a.example/"}, "leak.url"),
    ({"secret_file": "nowhere"}, "leak.secret_file"),
    ({"sha256": "yes"}, "leak.sha256"),
    ({"pattern": "x"}, "leak.pattern"),
]


@pytest.mark.parametrize(("changed", "named"), WRONG)
def test_what_cannot_be_stops_the_start_and_names_the_key(tmp_path: Path, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(Refused, match=named) as caught:
        read(tmp_path, {**SHAPE, **changed})
    assert caught.value.code is Code.SETTINGS_INVALID


@pytest.mark.parametrize("tables", [{"name": "x"}, ["x"], "x"])
def test_what_is_no_list_of_tables_stops_the_start(tmp_path: Path, tables: object) -> None:
    with pytest.raises(Refused, match="leak"):
        settings_made(tmp_path, leak=tables)


def test_two_owners_of_one_name_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"leak\.name"):
        read(tmp_path, SHAPE, SHAPE)


@pytest.mark.parametrize(
    "value",
    [
        "help@acme.example",
        ["nobody"],
        ["a b@c.example"],
        ["@"],
        [1],
        ["12"],
        ["acme"],
        ["*.acme.example"],
        ["acme.example/help"],
        ["https://acme.example?t=1"],
        ["http://acme.example"],
    ],
)
def test_contacts_that_are_none_stop_the_start(tmp_path: Path, value: object) -> None:
    with pytest.raises(Refused, match=r"words\.contacts"):
        settings_made(tmp_path, words={"contacts": value})


def test_contacts_are_addresses_whole_hosts_numbers_links_and_domains(tmp_path: Path) -> None:
    contacts = ("help@acme.example", "@acme.example", "+49 (40) 123-456", "https://acme.example/help", "acme.example")
    assert settings_made(tmp_path, words={"contacts": [*contacts]}).contacts == contacts


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_a_shape_is_found_in_its_length_alone(alphabet: str) -> None:
    rule = IssuerRule(name="x", prefix="acme_", alphabet=alphabet, least=16, most=20)
    for size in (15, 16, 20, 21):
        found = find_issued_credentials((f"a b acme_{'a1' * (size // 2)}{'b' * (size % 2)} c",), [rule])
        assert bool(found) == (16 <= size <= 20), size


def test_a_desk_with_owners_is_valid_and_one_whose_secret_is_open_to_all_is_not(remit: Run, desk: Path) -> None:
    secret = desk / "leaks.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    table = f'[[leak]]\nname = "payments"\nprefix = "acme_live_"\nurl = "https://a.example/x"\nsecret_file = "{secret}"\n\n[words]'
    change(desk, "[words]", table)
    assert remit("check", "--config", desk).code == 0
    secret.chmod(0o644)
    refused(remit("check", "--config", desk), "settings.invalid", "leak.secret_file")


def test_contacts_that_officers_may_tell_are_part_of_the_rules(remit: Run, desk: Path) -> None:
    before = remit("check", "--json", "--config", desk).json
    change(desk, "[words]", '[words]\ncontacts = ["help@acme.example"]')
    after = remit("check", "--json", "--config", desk).json
    assert before != after
    assert [name for name in before if "digest" in name or "rules" in name]


def test_a_canary_is_planted_listed_and_taken_away(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = remit("canary", "add", "--name", "old key", "--place", "the wiki", "--config", desk, "--json").json
    assert made["value"].startswith("sk_live_")
    named = ("canary", "add", "--kind", "record", "--name", "n", "--place", "p", "--value-from-stdin", "--config", desk)
    monkeypatch.setattr("sys.stdin", io.StringIO("W7730041\n"))
    assert "W7730041" in remit(*named).out
    listed = remit("canary", "list", "--config", desk, "--json").json["canaries"]
    assert {one["name"] for one in listed} == {"old key", "n"}
    assert made["value"] not in str(listed)
    assert remit("canary", "remove", made["id"], "--config", desk).code == 0
    refused(remit("canary", "remove", made["id"], "--config", desk), "request.not_found", "no such canary")
    monkeypatch.setattr("sys.stdin", io.StringIO("W1\n"))
    refused(remit(*named), "request.malformed", "said by chance")
    data = b"".join(path.read_bytes() for path in desk.rglob("*") if path.is_file())
    assert made["value"].encode() not in data
    assert b"W7730041" not in data


def test_the_doctor_looks_whether_an_owner_answers(remit: Run, desk: Path) -> None:
    secret = desk / "leaks.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with webhook_server() as receiver:
        for url, ok in ((receiver.url, True), (f"http://localhost:{nobody()}/x", False)):
            table = f'[[leak]]\nname = "payments"\nprefix = "acme_live_"\nurl = "{url}"\nsecret_file = "{secret}"\n\n[words]'
            text = (desk / "remit.toml").read_text()
            change(desk, "[words]", table)
            ran = remit("doctor", "--json", "--config", desk)
            (said,) = [one for one in ran.json["findings"] if one["name"] == "leaks"]
            assert (said["state"] == "ok") is ok, said
            (desk / "remit.toml").write_text(text)
        assert receiver.asked == []
