"""Making a desk and checking one, as somebody new does it, with every mistake they can make."""

import asyncio
import stat
from pathlib import Path

import pytest

from cli.running import Run, change, refused
from remit.settings import load_settings, make_settings, rebind_address
from remit.wiring import build_desk, rules_of, store_location


def test_a_new_desk_checks_out_and_says_the_next_step(remit: Run, tmp_path: Path) -> None:
    made = remit("init", tmp_path / "desk")
    assert made.code == 0
    assert "Next: remit serve --config" in made.out
    assert "/enrol?code=" in made.out
    checked = remit("check", "--json", "--config", tmp_path / "desk")
    assert checked.code == 0
    assert checked.json["ok"]
    assert checked.json["in_force"] == "in force"
    assert checked.json["cases"] > 0


@pytest.mark.parametrize("pack", ["consumer", "service-desk", "regulated"])
def test_every_pack_makes_a_desk_whose_cases_hold(remit: Run, tmp_path: Path, pack: str) -> None:
    assert remit("init", "--pack", pack, "--empty", tmp_path / "desk").code == 0
    assert remit("check", "--config", tmp_path / "desk").code == 0


def test_keys_and_records_are_open_to_their_owner_alone(desk: Path) -> None:
    for path in [desk / "data", desk / "high-water", *(desk / "data").rglob("*")]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_the_one_time_code_stands_in_no_file(remit: Run, tmp_path: Path) -> None:
    made = remit("init", "--json", tmp_path / "desk").json
    code = made["code"].encode()
    for path in (tmp_path / "desk").rglob("*"):
        assert not path.is_file() or code not in path.read_bytes(), path


def test_the_enrolment_code_is_on_the_record_before_it_is_shown(desk: Path) -> None:
    settings = load_settings(desk / "remit.toml")
    built = build_desk(settings, rules_of(settings))

    async def kinds() -> list[str]:
        try:
            return [entry.row.kind for entry in await built.context.store.entries()]
        finally:
            await built.stop()

    assert asyncio.run(kinds()).count("person.changed") == 4
    assert store_location(settings).inspect().rules == built.context.rules_digest


def test_a_folder_with_something_in_it_is_never_touched(remit: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    ran = remit("init", tmp_path)
    refused(ran, "settings.invalid", "not empty")
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_pack_is_named_with_those_there_are(remit: Run, tmp_path: Path) -> None:
    ran = remit("init", "--pack", "bank", tmp_path / "desk")
    refused(ran, "settings.invalid", "no pack 'bank'")
    assert "regulated" in ran.err
    assert not (tmp_path / "desk").exists()


def test_a_desk_that_cannot_be_made_leaves_nothing(remit: Run, tmp_path: Path) -> None:
    ran = remit("init", "--admin", "two words", tmp_path / "desk")
    assert ran.code == 1
    assert not (tmp_path / "desk").exists()
    (tmp_path / "empty").mkdir()
    assert remit("init", "--admin", "two words", tmp_path / "empty").code == 1
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_desk_without_config_says_how_to_make_one(remit: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(remit("check"), "settings.invalid", "there is no remit.toml")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('host = "127.0.0.1"', "", "server.host is missing"),
        ("port = ", 'port = "x"  # ', "server.port must be a number from 0 to 65535"),
        ("[words]", "[wordz]", "wordz is an unknown table"),
        ('secrets = "refuse"', 'secretz = "refuse"', "words.secretz is unknown"),
        ('secrets = "refuse"', "secrets = 1", "words.secrets must be one of"),
        ('secrets = "refuse"', 'secrets = "keep"', "words.secrets must be one of"),
        ("enabled = false", 'enabled = "yes"', "sandbox.enabled must be true or false"),
        ('"policies/*.cedar"', '"rules/*.cedar"', "policies.files names rules/*.cedar, which is not there"),
        ("http://localhost", "http://support.example", "server.issuer must be https"),
        ('"http://localhost:8080"', '"https://support.example/desk"', "server.issuer has the path /desk"),
        ('"http://localhost:8080"', '"https://support.example:x"', "server.issuer is no address"),
        ("sqlite:///data", "mysql:///data", "store.url is neither sqlite:///PATH nor postgresql://"),
        ('name = "acme', 'name = "ac me', "log.name must be a name without blanks"),
        ('name = "acme', 'name = "other', "but the log of the keys in"),
        ('files = ["catalogue/*.toml"]', 'files = "catalogue/*.toml"', "catalogue.files must be a list of files"),
        ('files = ["catalogue/*.toml"]', "files = []", "catalogue.files is empty"),
        ('files = ["catalogue/*.toml"]', "", "catalogue.files is missing"),
        ("[server]", "[server", "remit.toml cannot be read"),
        ("[desk]", '[desk]\nbackoffice = "facts"', "desk.backoffice `facts` is for a sandbox only"),
    ],
)
def test_a_wrong_setting_is_named_with_its_key(remit: Run, desk: Path, old: str, new: str, named: str) -> None:
    change(desk, old, new)
    refused(remit("check", "--config", desk), "settings.invalid", named)


def test_a_log_keeps_its_name_for_good(remit: Run, desk: Path) -> None:
    change(desk, 'name = "acme', 'name = "other')
    for argv in (("migrate",), ("doctor",), ("export", desk / "out"), ("check",)):
        ran = remit(*argv, "--config", desk)
        assert ran.code == 1
        assert 'Write name = "acme.remit.invalid" again' in ran.out + ran.err


def test_what_is_valid_and_may_not_be_meant_is_shown_by_check_and_doctor(remit: Run, desk: Path) -> None:
    checked = remit("check", "--json", "--config", desk)
    assert checked.json["look"] == []
    assert ("order.change_address", "address") in {(one["action"], one["param"]) for one in checked.json["texts"]}
    change(desk, "port = 8080", "port = 8181")
    change(desk, 'pack = "consumer"', 'pack = "nope"')
    catalogue = desk / "catalogue" / "catalogue.toml"
    catalogue.write_text(catalogue.read_text().replace('owner = "officer:billing"', 'owner = "somebody who left"'))
    looks = {one["name"]: one["says"] for one in remit("check", "--json", "--config", desk).json["look"]}
    assert sorted(looks) == ["issuer", "pack", "waiver"]
    assert "somebody who left" in looks["waiver"]
    doctor = remit("doctor", "--json", "--config", desk)
    assert doctor.code == 0
    assert {(one["name"], one["state"]) for one in doctor.json["findings"]} >= {("issuer", "look"), ("pack", "look"), ("waiver", "look")}
    assert "look       desk.pack is nope" in remit("check", "--config", desk).out


def test_what_check_calls_valid_can_be_served(remit: Run, desk: Path) -> None:
    """An action of one's own is the first thing that somebody adds to a pack."""
    with (desk / "catalogue" / "catalogue.toml").open("a") as file:
        file.write("""
[action."order.gift"]
title = "Wrap order {order_id}"
power = "request"
area = "routine"
effect = "write"
params.properties.order_id = { type = "string", x-resource = "order" }
params.required = ["order_id"]
""")
    for command in (["check"], ["serve", "--port", "0"]):
        refused(remit(*command, "--config", desk), "catalogue.invalid", "cannot do 'order.gift'")
    assert "cannot do 'order.gift'" in remit("doctor", "--config", desk).out
    change(desk, "enabled = false", "enabled = true")
    assert remit("check", "--config", desk).code == 0  # a sandbox does it on facts


def test_a_desk_whose_rules_speak_of_another_currency_is_told(remit: Run, desk: Path) -> None:
    file = desk / "catalogue" / "catalogue.toml"
    file.write_text(file.read_text().replace('currency = "EUR"', 'currency = "SEK"'))
    (found,) = remit("check", "--json", "--config", desk).json["look"]
    assert (found["name"], "SEK" in found["says"], "EUR only" in found["says"]) == ("currency", True, True)
    for one in [file, *(desk / "policies").glob("*.cedar"), *(desk / "policy_cases").glob("*.toml")]:
        one.write_text(one.read_text().replace("EUR", "SEK"))
    checked = remit("check", "--json", "--config", desk)
    assert (checked.code, checked.json["look"]) == (0, [])


def test_a_waiver_owned_by_an_officer_or_a_role_is_fine(remit: Run, desk: Path) -> None:
    catalogue = desk / "catalogue" / "catalogue.toml"
    before = catalogue.read_text()
    for owner in ("admin", "officer:billing", "Admin and billing"):
        catalogue.write_text(before.replace('owner = "officer:billing"', f'owner = "{owner}"'))
        assert remit("check", "--json", "--config", desk).json["look"] == []


def test_a_sandbox_never_starts_where_others_can_reach_it(remit: Run, desk: Path) -> None:
    change(desk, "enabled = false", "enabled = true")
    change(desk, 'host = "127.0.0.1"', 'host = "0.0.0.0"')
    refused(remit("check", "--config", desk), "settings.invalid", "sandbox.enabled is for a server on loopback only")


def test_a_limit_that_is_none_is_said_and_a_desk_behind_a_proxy_hears_of_the_header(remit: Run, desk: Path) -> None:
    settings = desk / "remit.toml"
    right = settings.read_text(encoding="utf-8")
    for line, said in (
        ("client_per_s = 0", "limits.client_per_s must be a whole number"),
        ("peer_burst = true", "limits.peer_burst must be a whole number"),
        ('peer_header = "X Real"', "limits.peer_header must be the name of a header"),
        ("peers = 5", "limits.peers is unknown"),
    ):
        settings.write_text(f"{right}\n[limits]\n{line}\n", encoding="utf-8")
        refused(remit("check", "--config", desk), "settings.invalid", said)
    settings.write_text(f'{right}\n[limits]\nclient_per_s = 50\npeer_header = "X-Real-IP"\n', encoding="utf-8")
    assert remit("check", "--config", desk).code == 0


def test_a_point_to_stop_at_is_for_a_sandbox_alone(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_STOP_AT", "act.sent")
    refused(remit("check", "--config", desk), "settings.invalid", "REMIT_STOP_AT is for fault tests")
    change(desk, "enabled = false", "enabled = true")
    assert remit("check", "--config", desk).code == 0
    monkeypatch.setenv("REMIT_STOP_AT", "act.sent:0")
    refused(remit("check", "--config", desk), "settings.invalid", "REMIT_STOP_AT must be <point>[:n]")


def test_a_variable_that_no_desk_knows_stops_the_start(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REMIT_TOKEN_TTL_S", "REMIT_ISSUR", "REMIT_", "REMIT_PORT_X"):
        with monkeypatch.context() as here:
            here.setenv(name, "60")
            refused(remit("check", "--config", desk), "settings.invalid", f"{name} is an unknown variable; known are REMIT_DATA,")
    for name in ("REMIT_SHARED", "REMIT_SERVICE_HOST", "REMIT_SERVICE_PORT_HTTP", "REMIT_PORT_8080_TCP_ADDR", "REMITTANCE", "PATH_REMIT_X"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("REMIT_PORT", "8443")
    assert remit("check", "--config", desk).code == 0


def test_json_is_told_wherever_it_is_asked_for(remit: Run, desk: Path) -> None:
    for asked in (("--json", "check", "--config", desk), ("check", "--json", "--config", desk), ("check", "--config", desk, "--json")):
        ran = remit(*asked)
        assert (ran.code, ran.json["ok"]) == (0, True), asked
    assert remit("--json", "agent", "list", "--config", desk).json["agents"] == []
    assert remit("check", "--config", desk).out.startswith("{") is False
    wrong = remit("--json", "check", "--no-such")
    assert (wrong.code, wrong.json["error"]["code"]) == (2, "request.malformed")


def test_a_desk_without_policies_does_not_check_out(remit: Run, desk: Path) -> None:
    for file in (desk / "policies").iterdir():
        file.write_text("// nothing here\n")
    refused(remit("check", "--config", desk), "policy.invalid", "there is no policy")


def test_a_case_that_does_not_hold_fails_the_check_and_is_named(remit: Run, desk: Path) -> None:
    (desk / "policy_cases" / "own.toml").write_text(
        '[[case]]\ntitle = "Everything is allowed"\naction = "payment.refund"\nexpect = "allow"\n'
    )
    ran = remit("check", "--config", desk)
    assert ran.code == 1
    assert "own.toml: Everything is allowed" in ran.out
    assert remit("policy", "test", "--config", desk).code == 1
    assert remit("policy", "test", "--config", desk, desk / "policy_cases" / "money.toml").code == 0


def test_escalation_rules_are_counted_tried_by_cases_and_named_with_file_and_key(remit: Run, desk: Path) -> None:
    assert remit("check", "--json", "--config", desk).json["escalations"] == 3
    assert "escalation risky-money, large-refunds, account-recovery: valid" in remit("check", "--config", desk).out
    cases = desk / "policy_cases" / "own.toml"
    cases.write_text(
        '[[case]]\ntitle = "Nobody more"\naction = "offer.accept"\nrisk = 60\nparams = { offer_id = "o", digest = "d" }\n'
        'expect = "needs"\nwho = ["customer"]\nescalation = "none"\n'
    )
    assert "expected needs customer" in remit("policy", "test", "--config", desk, cases).out
    catalogue = desk / "catalogue" / "catalogue.toml"
    catalogue.write_text(catalogue.read_text().replace('due = "1h"', 'due = "one hour"'))
    refused(
        remit("check", "--config", desk),
        "catalogue.invalid",
        "catalogue.toml: escalation[0].due: is no time to wait; write minutes or hours",
    )


def test_errors_are_json_where_json_is_asked_for(remit: Run, tmp_path: Path) -> None:
    ran = remit("check", "--json", "--config", tmp_path / "none.toml")
    assert ran.code == 1
    assert ran.err == ""
    assert ran.json["error"]["code"] == "settings.invalid"
    assert ran.json["error"]["cure"]


def test_wrong_usage_ends_with_two(remit: Run) -> None:
    assert remit().code == 2
    assert remit("--help").code == 0


@pytest.mark.parametrize(
    ("argv", "says", "cure"),
    [
        (["nonsense"], "invalid choice: 'nonsense'", "remit --help"),
        (["serve", "--port", "x"], "--port", "remit serve --help"),
        (["check", "--confg", "desk"], "unrecognized arguments: --confg desk", "remit check --help"),
        (["person", "add"], "required: ID, --kind", "remit person add --help"),
        (["policy"], "required", "remit policy --help"),
        (["demo", "--act-as", "nobody"], "invalid choice: 'nobody'", "remit demo --help"),
    ],
)
def test_a_command_written_wrongly_is_told_as_one_line_with_code_and_cure(remit: Run, argv: list[str], says: str, cure: str) -> None:
    ran = remit(*argv)
    assert ran.code == 2
    assert ran.err.startswith("remit: request.malformed: ")
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert f"Cure: `{cure}` shows how it is written." in ran.err
    told = remit(*argv, "--json")
    assert (told.code, told.err, told.json["error"]["code"]) == (2, "", "request.malformed")


def test_a_desk_is_not_made_for_a_port_that_is_no_address(remit: Run, tmp_path: Path) -> None:
    for port in ("0", "-1", "65536"):
        refused(remit("init", "--port", port, tmp_path / "new"), "request.malformed", f"--port: {port} is no whole number", exit_code=2)
    assert not (tmp_path / "new").exists()


def test_the_port_given_moves_the_issuer_on_loopback_only(tmp_path: Path) -> None:
    raw = {
        "server": {"issuer": "https://support.example", "host": "0.0.0.0", "port": 443, "data": "data"},
        "store": {"url": "sqlite:///s"},
        "log": {"name": "x.example", "high_water": "h"},
        "desk": {"database": "d"},
        "words": {"secrets": "refuse", "model": "none"},
    }
    outside = make_settings(raw, base=tmp_path, environment={}, rules=False)
    assert rebind_address(outside, host=None, port=8443).issuer == "https://support.example"
    assert not rebind_address(outside, host="127.0.0.1", port=None).loopback
    inside = make_settings(raw, base=tmp_path, environment={"REMIT_ISSUER": "http://localhost:1", "REMIT_HOST": "::1"}, rules=False)
    assert rebind_address(inside, host=None, port=7).issuer == "http://localhost:7"


@pytest.mark.parametrize("pack", ["consumer", "service-desk", "regulated"])
def test_a_desk_begins_in_a_further_language_where_that_is_asked_for(remit: Run, tmp_path: Path, pack: str) -> None:
    folder = tmp_path / "desk"
    assert remit("init", "--pack", pack, "--language", "de", "--language", "de", folder).code == 0
    assert 'languages = ["en", "de"]' in (folder / "remit.toml").read_text(encoding="utf-8")
    assert (folder / "catalogue" / "catalogue.de.toml").is_file()
    assert remit("check", "--config", folder).code == 0
    with (folder / "catalogue" / "catalogue.toml").open("a") as file:
        file.write('\n[attribute."order.colour"]\ntitle = "colour of an order"\n')
    said = 'catalogue.de.toml: language.de.attribute."order.colour": is missing; translate it, or remove language.de'
    refused(remit("check", "--config", folder), "catalogue.invalid", said)
    (folder / "catalogue" / "catalogue.de.toml").unlink()
    assert remit("check", "--config", folder).code == 0


def test_a_language_that_a_pack_is_not_translated_to_is_refused_before_anything_is_made(remit: Run, tmp_path: Path) -> None:
    ran = remit("init", "--language", "fr", tmp_path / "desk")
    refused(ran, "settings.invalid", "the pack consumer is not translated to 'fr'")
    assert "Name one of de with --language." in ran.out + ran.err
    assert not (tmp_path / "desk").exists()
