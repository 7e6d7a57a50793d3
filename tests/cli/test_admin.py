"""Agents, people, keys, recovery and the doctor, as an operator uses them while no server runs."""

import json
import logging
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from cli.running import Run, change, refused
from remit.cli import doctor
from remit.cli.codes import codes_page
from remit.cli.logging import JsonLines
from remit.cli.main import make_parser
from remit.cli.output import CommandOutput
from remit.client.keys import load_key, new_key
from remit.domain.errors import Code, Refused
from remit.domain.ids import new_id

ROOT = Path(__file__).parents[2]


def public_keys(private: bool = False) -> dict[str, Any]:
    return {"keys": [{**load_key(new_key()).as_dict(private=private), "kid": "k1", "use": "sig", "alg": "ES256"}]}


def test_an_agent_is_added_listed_and_suspended_on_the_record(remit: Run, desk: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(public_keys()))
    add = (
        "agent",
        "add",
        "--config",
        desk,
        "--client-id",
        "spiffe://helper.example/shop",
        "--jwks",
        keys,
        "--redirect-uri",
        "http://127.0.0.1/cb",
    )
    assert remit(*add).code == 0
    refused(remit(*add), "request.conflict", "is registered already")
    listed = remit("agent", "list", "--json", "--config", desk).json["agents"]
    assert [(one["client_id"], one["operator"], one["tier"], one["suspended"]) for one in listed] == [
        ("spiffe://helper.example/shop", "helper.example", "known", "")
    ]
    assert remit("agent", "suspend", "--config", desk, "spiffe://helper.example/shop", "--reason", "odd traffic").code == 0
    assert "suspended: odd traffic" in remit("agent", "list", "--config", desk).out
    refused(remit("agent", "suspend", "--config", desk, "nobody", "--reason", "x"), "agent.unknown", "no agent 'nobody'")


def test_a_private_key_is_never_taken_in(remit: Run, desk: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(public_keys(private=True)))
    ran = remit("agent", "add", "--config", desk, "--client-id", "a", "--operator", "o", "--jwks", keys)
    refused(ran, "request.malformed", "has a private key in it; nothing was saved")
    assert remit("agent", "list", "--json", "--config", desk).json["agents"] == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": []}', '{"keys": 1}', "not json", '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'])
def test_a_file_that_is_no_key_set_is_refused(remit: Run, desk: Path, tmp_path: Path, text: str) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    ran = remit("agent", "add", "--config", desk, "--client-id", "a", "--operator", "o", "--jwks", keys)
    assert ran.code == 1
    assert " Cure: " in ran.err


def test_an_agent_needs_an_operator_and_a_bundle_a_trust_domain(remit: Run, desk: Path, tmp_path: Path) -> None:
    refused(remit("agent", "add", "--config", desk, "--client-id", "a", "--jwks", "x"), "request.malformed", "--operator is missing")
    bundle = ("agent", "add", "--config", desk, "--client-id", "a", "--operator", "o", "--bundle", tmp_path / "b")
    refused(remit(*bundle), "request.malformed", "--trust-domain is missing")
    assert remit("agent", "add", "--config", desk, "--client-id", "a").code == 2


def test_a_person_is_added_once_and_invited_again(remit: Run, desk: Path) -> None:
    add = ("person", "add", "ann", "--config", desk, "--kind", "officer", "--role", "billing", "--name", "Ann")
    made = remit(*add, "--json")
    assert made.code == 0
    refused(remit(*add), "request.conflict", "ann exists already")
    again = remit("person", "invite", "ann", "--json", "--config", desk, "--by-link", "--minutes", "60")
    assert again.json["code"] != made.json["code"]
    refused(remit("person", "invite", "bob", "--config", desk), "request.not_found", "there is no person bob")
    late = remit("person", "invite", "ann", "--config", desk, "--minutes", "0")
    refused(late, "request.malformed", "--minutes: 0 is no whole number from 1 to 1440", exit_code=2)
    code = remit("person", "recover", "ann", "--json", "--config", desk).json["code"]
    assert code not in {made.json["code"], again.json["code"]}
    refused(remit("person", "recover", "bob", "--config", desk), "request.not_found", "there is no person bob")
    refused(remit("person", "recover", "ann", "--config", desk, "--minutes", "1441"), "request.malformed", "--minutes: 1441", exit_code=2)
    moved = remit("person", "contact", "ann", "--json", "--config", desk, "--email", "ann@desk.example")
    assert moved.json == {"person": "ann", "email": "ann@desk.example"}
    refused(remit("person", "contact", "ann", "--config", desk, "--email", "ann@desk.example"), "request.conflict", "present")
    refused(remit("person", "contact", "ann", "--config", desk, "--email", "x"), "request.malformed", "not an e-mail address")
    unknown = remit("person", "add", "cy", "--config", desk, "--kind", "officer", "--role", "wizard")
    refused(unknown, "request.malformed", "wizard")
    refused(remit("person", "add", "cy", "--config", desk, "--kind", "customer", "--role", "admin"), "request.malformed", "no roles")
    assert "ann" in remit("person", "list", "--config", desk).out


def test_an_unknown_mandate_is_said(remit: Run, desk: Path) -> None:
    refused(remit("mandate", "show", "--config", desk, "man_x"), "mandate.unknown", "there is no mandate man_x")
    refused(remit("mandate", "revoke", "--config", desk, "man_x"), "mandate.unknown", "no such mandate")


def test_a_store_put_back_from_a_copy_serves_only_after_a_recovery(remit: Run, desk: Path, tmp_path: Path) -> None:
    refused(remit("recover", "--config", desk), "request.conflict", "it is not older")
    copy = Path(shutil.copy(desk / "data" / "store.sqlite", tmp_path / "old.sqlite"))
    assert remit("person", "invite", "anna", "--config", desk).code == 0
    shutil.copy(copy, desk / "data" / "store.sqlite")
    refused(remit("migrate", "--config", desk), "log.older", "an old copy", exit_code=4)
    refused(remit("verify-log", "--config", desk), "log.older", "", exit_code=4)
    assert remit("doctor", "--config", desk).code == 4
    done = remit("recover", "--json", "--config", desk)
    assert done.code == 0
    assert done.json["published"] == done.json["kept"] + 1
    assert remit("migrate", "--config", desk).code == 0
    assert remit("verify-log", "--config", desk).code == 0


def test_one_recovery_is_enough_however_much_was_lost(remit: Run, desk: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(desk / "data" / "store.sqlite", tmp_path / "old.sqlite"))
    for who in ("anna", "bram", "anna"):
        assert remit("person", "invite", who, "--config", desk).code == 0
    shutil.copy(copy, desk / "data" / "store.sqlite")
    done = remit("recover", "--json", "--config", desk)
    assert (done.code, done.json["published"]) == (0, done.json["kept"] + 3)
    assert remit("migrate", "--config", desk).code == 0
    refused(remit("recover", "--config", desk), "request.conflict", "it is not older")


READERS = (("verify-log",), ("report",), ("doctor",), ("migrate",))


@pytest.mark.parametrize("argv", READERS, ids=lambda argv: argv[0])
def test_whoever_reads_the_high_water_finds_the_newest_of_it(remit: Run, desk: Path, tmp_path: Path, argv: tuple[str, ...]) -> None:
    """⚔ A process that was killed leaves its text up to a second behind: an older copy put back is noticed by the other file."""
    text = desk / "high-water" / "checkpoint"
    behind = text.read_bytes()
    copy = Path(shutil.copy(desk / "data" / "store.sqlite", tmp_path / "old.sqlite"))
    assert remit("person", "invite", "anna", "--config", desk).code == 0
    for kept in (behind, None):
        text.unlink()
        if kept is not None:
            text.write_bytes(kept)
        assert remit(*argv, "--config", desk).code == 0
        newest = (desk / "data" / "store.sqlite").read_bytes()
        shutil.copy(copy, desk / "data" / "store.sqlite")
        told = remit(*argv, "--json", "--config", desk)
        assert told.code == 4
        assert "log.older" in told.out or "were published" in told.out
        (desk / "data" / "store.sqlite").write_bytes(newest)
        text.write_bytes(behind)


def test_a_checkpoint_torn_by_a_crash_is_no_reason_to_recover(remit: Run, desk: Path) -> None:
    """⚔ It would revoke every mandate of a desk that has lost nothing."""
    kept = desk / "high-water" / "checkpoint.latest"
    raw = kept.read_bytes()
    kept.write_bytes(raw[:4096] + raw[:4096].replace(b"\n5\n", b"\n6\n").partition(b"\0")[0][:70])
    refused(remit("recover", "--config", desk), "request.conflict", "it is not older")
    assert remit("doctor", "--config", desk).code == 0


def test_the_doctor_sees_a_fork_in_a_log_too_long_to_verify(
    remit: Run, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_WHOLE", 0)
    assert remit("doctor", "--config", desk).code == 0
    older = Path(shutil.copytree(desk, tmp_path / "older"))
    assert remit("person", "invite", "anna", "--config", desk).code == 0
    for who in ("anna", "bram"):
        assert remit("person", "invite", who, "--config", older).code == 0
    shutil.copy(older / "data" / "store.sqlite", desk / "data" / "store.sqlite")
    found = remit("doctor", "--json", "--config", desk)
    assert found.code == 4
    assert "changed or forked" in next(one["says"] for one in found.json["findings"] if one["state"] == "wrong")


def test_a_new_token_key_keeps_the_old_one_unless_told_otherwise(remit: Run, desk: Path) -> None:
    keys = desk / "data" / "keys"
    assert remit("rotate-keys", "--config", desk).code == 0
    assert len(list(keys.glob("retired-*"))) == 1
    assert remit("rotate-keys", "--config", desk, "--at-once").code == 0
    assert list(keys.glob("retired-*")) == []
    assert remit("migrate", "--config", desk).code == 0


def test_the_doctor_finds_what_is_open_lost_or_wrong(remit: Run, desk: Path) -> None:
    assert remit("doctor", "--config", desk).code == 0
    (desk / "data" / "store.sqlite").chmod(0o644)
    found = remit("doctor", "--json", "--config", desk)
    assert found.code == 1
    assert [one["name"] for one in found.json["findings"] if one["state"] == "wrong"] == ["files"]
    assert stat.S_IMODE((desk / "data" / "store.sqlite").stat().st_mode) == 0o644
    (desk / "data" / "store.sqlite").chmod(0o600)
    for file in (desk / "high-water").iterdir():
        file.unlink()
    lost = remit("doctor", "--json", "--config", desk)
    assert [one["name"] for one in lost.json["findings"] if one["state"] == "wrong"] == ["log"]
    (desk / "data" / "store.sqlite").unlink()
    assert remit("doctor", "--config", desk).code == 1


def test_the_doctor_does_not_take_a_lost_store_for_a_new_one(remit: Run, desk: Path) -> None:
    for file in (desk / "data").glob("store.sqlite*"):
        file.unlink()
    refused(remit("person", "list", "--config", desk), "log.older", "the store has 0 entries", exit_code=4)
    found = remit("doctor", "--json", "--config", desk)
    assert found.code == 4
    assert next(one["says"] for one in found.json["findings"] if one["name"] == "log").startswith("the store has 0 entries, but ")


def test_the_doctor_names_a_missing_second_admin_and_plain_http(remit: Run, desk: Path) -> None:
    change(desk, "http://localhost:8080", "https://support.example")
    change(desk, 'host = "127.0.0.1"', 'host = "0.0.0.0"')
    found = remit("doctor", "--json", "--config", desk)
    assert [one["name"] for one in found.json["findings"] if one["state"] == "wrong"] == ["admins"]
    assert "limits" in [one["name"] for one in found.json["findings"] if one["state"] == "look"]


def test_the_schema_for_policy_authors_names_the_actions(remit: Run, desk: Path) -> None:
    assert "payment.refund" in remit("policy", "schema", "--config", desk).out


def test_the_page_of_codes_is_current() -> None:
    assert (ROOT / "docs" / "codes.md").read_text(encoding="utf-8") == codes_page()


def test_every_command_is_in_the_page_of_commands() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    names = [
        line.split()[0] for line in make_parser().format_help().splitlines() if line.startswith("    ") and not line.startswith("     ")
    ]
    assert "serve" in names
    for name in names:
        assert f"remit {name}" in page, name


def test_one_code_can_be_looked_up(remit: Run) -> None:
    assert remit("codes", "mandate.off_target").out.startswith("mandate.off_target (401): ")
    refused(remit("codes", "no.code"), "request.not_found", "there is no code no.code")


def test_what_somebody_else_wrote_gives_a_terminal_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    out, bad = CommandOutput(as_json=False), "Eve \x1b[31m\x9b2J\r\u202e\u200bok"
    out.tell({}, bad, "id  kind")
    out.note(bad)
    out.error(Refused(Code.REQUEST_CONFLICT, bad), bad)
    told = "".join(capsys.readouterr())
    assert not any(letter in told for letter in "\x1b\x9b\r\u202e\u200b")
    assert "Eve ⟨U+001B⟩[31m⟨U+009B⟩2J⟨U+000D⟩⟨U+202E⟩⟨U+200B⟩ok\nid  kind\n" in told


def test_a_log_line_is_json_without_secrets() -> None:
    secret = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
    line = JsonLines().format(logging.makeLogRecord({"name": "remit", "levelname": "WARNING", "msg": "token %s seen", "args": (secret,)}))
    assert secret not in line
    assert json.loads(line)["logger"] == "remit"


def test_a_log_line_keeps_the_address_that_somebody_is_to_be_told() -> None:
    """This line is all there is of a notice where no mail is sent; it said `http://localhost:[token removed]`."""
    page = f"http://localhost:8080/confirm/{new_id('cnf', bytes(range(7, 23)))}"
    line = JsonLines().format(
        logging.makeLogRecord({"name": "remit.notices", "levelname": "WARNING", "msg": "notice: %s", "args": (page,), "page": page})
    )
    assert json.loads(line)["message"] == f"notice: {page}"
