"""Every error of the command line is one line whose cure is true: it cures, and it says nothing that the detail has said already."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cli.running import Run, change, refused
from remit.sandbox.demo.folder import DemoFolder

OUTSIDE = (("http://localhost:8080", "https://support.example"), ('host = "127.0.0.1"', 'host = "0.0.0.0"'))


def cure(err: str) -> str:
    return err.partition(" Cure: ")[2].strip()


@pytest.mark.parametrize(
    ("argv", "code", "said", "wanted"),
    [
        (("recover",), "request.conflict", "it is not older", "There is nothing to recover: start the server."),
        (("policy", "tighten", "--as", "admin"), "request.conflict", "in force already", "Nothing needs to be done."),
        (("policy", "propose", "--as", "admin"), "request.conflict", "in force already", "Nothing needs to be done."),
        (
            ("policy", "approve", "--as", "admin"),
            "request.not_found",
            "no one proposed exactly these rules",
            "Let another admin propose them",
        ),
        (("policy", "test", "nofile.toml"), "policy.invalid", "nofile.toml: No such file", "Check that it is there"),
        (("person", "invite", "nobody"), "request.not_found", "there is no person nobody", "`remit person list` shows everyone"),
        (
            ("person", "add", "x", "--kind", "officer", "--role", "nope"),
            "request.malformed",
            "there is no role nope.",
            "Name one of admin, audit,",
        ),
        (("person", "add", "x y", "--kind", "customer"), "request.malformed", 'the id "x y" has blanks', "Give an id in one word."),
        (
            ("person", "add", "x", "--kind", "customer", "--email", "bad"),
            "request.malformed",
            "bad is not an e-mail",
            "Give one e-mail address",
        ),
        (("person", "contact", "anna", "--email", "bad"), "request.malformed", "bad is not an e-mail", "Give one e-mail address"),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_a_cure_says_what_helps_here(remit: Run, desk: Path, argv: tuple[str, ...], code: str, said: str, wanted: str) -> None:
    if argv[1:2] == ("propose",):
        for old, new in OUTSIDE:
            change(desk, old, new)
        assert remit("person", "add", "ann", "--config", desk, "--kind", "officer", "--role", "admin").code == 0
        (desk / "policies" / "90-more.cedar").write_text('@id("more")\nforbid(principal, action, resource) when { context.risk >= 99 };\n')
        assert remit("policy", "propose", "--config", desk, "--as", "admin").code == 0
        assert remit("policy", "approve", "--config", desk, "--as", "ann").code == 0
    ran = remit(*argv, "--config", desk)
    refused(ran, code, said)
    assert cure(ran.err).startswith(wanted)
    assert "choose another name" not in ran.err


def test_a_desk_that_may_not_be_served_to_the_outside_is_told_what_to_do_and_nothing_else(remit: Run, desk: Path) -> None:
    for old, new in OUTSIDE:
        change(desk, old, new)
    start = ("serve", "--config", desk, "--port", "0")
    assert cure(remit(*start).err) == "Add one: `remit person add ID --kind officer --role admin`."
    assert remit("person", "add", "ann", "--config", desk, "--kind", "officer", "--role", "admin").code == 0
    assert cure(remit(*start).err).startswith("Let two admins approve them: `remit policy propose --as ID`")


def test_the_first_admins_id_is_judged_as_any_other(remit: Run, tmp_path: Path) -> None:
    ran = remit("init", "--admin", "bad id!", tmp_path / "desk")
    refused(ran, "request.malformed", 'the id "bad id!" has blanks')


@pytest.mark.parametrize(
    ("text", "said", "wanted"),
    [
        ("permit(principal, action, resource) when { nope };", "90.cedar:1: invalid variable: nope. Cure:", "Correct the policy named"),
        ('@id("x") permit(principal, action, resource) when { context.nope == 3 };', "names `context.nope`", "Correct the names; `remit"),
        ("\udcff\udcfe", "90.cedar: is no UTF-8 text", "Write it as UTF-8 text."),
    ],
)
def test_a_wrong_policy_is_named_and_has_one_cure(remit: Run, desk: Path, text: str, said: str, wanted: str) -> None:
    (desk / "policies" / "90.cedar").write_bytes(text.encode(errors="surrogateescape"))
    ran = remit("check", "--config", desk)
    refused(ran, "policy.invalid", said)
    assert cure(ran.err).startswith(wanted)
    assert ran.err.count("Correct") <= 1


def test_a_catalogue_that_says_nothing_is_named(remit: Run, desk: Path) -> None:
    (desk / "catalogue" / "catalogue.toml").write_text("# soon\n")
    refused(remit("check", "--config", desk), "catalogue.invalid", "catalogue.toml: is empty; write [desk] with name and currency")


def test_a_folder_that_was_moved_away_is_named_without_the_systems_numbers(remit: Run, desk: Path) -> None:
    change(desk, "sqlite:///data/store.sqlite", "sqlite:///nowhere/store.sqlite")
    ran = remit("person", "list", "--config", desk)
    refused(ran, "settings.invalid", "nowhere/store.sqlite cannot be opened: No such file or directory")
    assert "Errno" not in ran.err
    assert "that its folder is there" in ran.err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("verify", "--key", "desk", "desk/remit.toml"), "desk: Is a directory"),
        (("verify", "--config", "desk", "desk"), "desk: Is a directory"),
        (("verify-log", "--config", "desk", "--earlier", "desk"), "desk: Is a directory"),
        (("export", "--config", "desk", "desk/remit.toml"), "remit.toml/"),
        (("init", "desk/remit.toml/new"), "desk/remit.toml/new"),
    ],
    ids=lambda value: "".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_a_folder_for_a_file_and_a_file_for_a_folder_are_the_users_to_correct(
    remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], said: str
) -> None:
    shutil.move(desk, desk.parent / "desk")
    monkeypatch.chdir(desk.parent)
    refused(remit(*argv), "settings.invalid", said)


@pytest.mark.parametrize(
    "argv", [("init", "--port", "x", "d"), ("serve", "--port", "99999"), ("demo", "--port", "70000"), ("serve", "--port", "-1")]
)
def test_a_port_that_is_none_is_written_wrongly_everywhere(remit: Run, argv: tuple[str, ...]) -> None:
    refused(remit(*argv), "request.malformed", f"argument --port: {argv[2]} is no whole number", exit_code=2)


@pytest.mark.parametrize("address", ["http://x/y", "http://keys.example/jwks", "ftp://keys.example/jwks"])
def test_keys_that_are_not_fetched_over_tls_are_refused_as_that(remit: Run, desk: Path, address: str) -> None:
    ran = remit("agent", "add", "--config", desk, "--client-id", "a", "--operator", "o", "--jwks-url", address)
    refused(ran, "request.malformed", "it must be https")


def test_keys_that_cannot_be_fetched_are_told_with_their_address_alone(remit: Run, desk: Path) -> None:
    ran = remit("agent", "add", "--config", desk, "--client-id", "a", "--operator", "o", "--jwks-url", "http://localhost:1/y")
    refused(ran, "fault.identity", "no current keys from http://localhost:1/y: ConnectError.", exit_code=3)
    assert cure(ran.err).startswith("Nothing was registered.")


def test_a_key_set_without_keys_says_so(remit: Run, desk: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    ran = remit("agent", "add", "--config", desk, "--client-id", "a", "--operator", "o", "--jwks", tmp_path / "keys.json")
    refused(ran, "request.malformed", "it has no list 'keys'")


def test_who_verifies_a_log_from_outside_is_told_which_and_not_how_to_mend_a_desk(remit: Run, desk: Path, tmp_path: Path) -> None:
    key = remit("export", "--json", "--config", desk, tmp_path / "log").json["key"]
    checkpoint = tmp_path / "log" / "checkpoint"
    checkpoint.write_text(checkpoint.read_text().replace("\n5\n", "\n4\n"))
    exported = remit("verify-log", "--log", tmp_path / "log", "--key", key)
    refused(exported, "log.damaged", f"{tmp_path / 'log'}: ", exit_code=4)
    assert cure(exported.err).startswith("Fetch it again; if it stays so, keep what you have as evidence and tell the desk.")
    (tmp_path / "copy.sqlite").write_bytes(b"nonsense" * 1000)
    stored = remit("verify-log", "--store", tmp_path / "copy.sqlite", "--key", key)
    refused(stored, "log.damaged", "copy.sqlite", exit_code=4)
    assert "tell the desk whose it is" in stored.err
    with closing(sqlite3.connect(desk / "data" / "store.sqlite")) as store, store:
        store.execute("update entry set leaf = zeroblob(32) where idx = 1")
    own = remit("verify-log", "--config", desk)
    refused(own, "log.damaged", str(desk / "data" / "store.sqlite"), exit_code=4)
    assert cure(own.err).startswith("Keep the files as evidence, put a good copy back")


@pytest.mark.parametrize("option", ["--high-water", "--earlier"])
def test_a_file_that_is_no_checkpoint_of_the_log_is_named_and_the_log_is_not(remit: Run, desk: Path, tmp_path: Path, option: str) -> None:
    assert remit("init", tmp_path / "other").code == 0
    forged = tmp_path / "forged"
    forged.write_text((desk / "high-water" / "checkpoint").read_text().replace("\n5\n", "\n4\n"))
    for file in (desk / "remit.toml", tmp_path / "other" / "high-water" / "checkpoint", forged):
        ran = remit("verify-log", "--config", desk, option, file)
        refused(ran, "settings.invalid", f"{option}: {file} is no checkpoint of this log")
        assert cure(ran.err).startswith("Name a file with a checkpoint")


def test_an_address_that_no_log_is_read_from_is_written_wrongly(remit: Run, desk: Path) -> None:
    key = desk / "data" / "keys" / "log.vkey"
    ran = remit("verify-log", "--log", "ftp://desk.example/log", "--key", key)
    refused(ran, "request.malformed", "ftp://desk.example/log is neither a folder nor an http(s) address", exit_code=2)


def test_the_doctors_cure_for_one_disk_leaves_a_desk_that_starts(remit: Run, desk: Path, tmp_path: Path) -> None:
    told = next(one["cure"] for one in remit("doctor", "--json", "--config", desk).json["findings"] if "same disk" in one["says"])
    assert told.startswith("Stop the desk, move checkpoint and checkpoint.latest to a folder on another disk, set log.high_water")
    (tmp_path / "disk").mkdir()
    for name in ("checkpoint", "checkpoint.latest"):
        shutil.move(desk / "high-water" / name, tmp_path / "disk" / name)
    change(desk, "high-water/checkpoint", str(tmp_path / "disk" / "checkpoint"))
    assert remit("migrate", "--config", desk).code == 0
    assert remit("doctor", "--config", desk).code == 0


def test_commands_that_are_printed_work_as_they_stand(remit: Run, tmp_path: Path) -> None:
    folder = tmp_path / "my first desk"
    made = remit("init", folder)
    assert f"(later: remit person invite admin --config '{folder}')" in made.out
    assert f"Next: remit serve --config '{folder / 'remit.toml'}'" in made.out
    assert f"--log '{tmp_path / 'a log'}' --key " in remit("export", "--config", folder, tmp_path / "a log").out
    (folder / "policies" / "90-more.cedar").write_text('@id("more")\nforbid(principal, action, resource) when { context.risk >= 99 };\n')
    proposed = remit("policy", "propose", "--as", "admin", "--config", folder)
    assert f"remit policy approve --as OTHER-ID --config '{folder}'" in proposed.out


@pytest.mark.parametrize("pack", ["consumer", "service-desk", "regulated"])
def test_the_readme_of_a_desk_names_the_file_that_is_there_and_says_what_wins(remit: Run, tmp_path: Path, pack: str) -> None:
    assert remit("init", "--pack", pack, "--empty", tmp_path / "desk").code == 0
    said = " ".join((tmp_path / "desk" / "README.md").read_text().split())
    assert "under `[desk]` in `catalogue/catalogue.toml`" in said
    assert "a `forbid` beats every `permit`" in said
    assert "currency = " in (tmp_path / "desk" / "catalogue" / "catalogue.toml").read_text()


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Path]:
    """The folder of a demo that has begun and made nobody yet."""
    folder = DemoFolder(tmp_path / "demo")
    with folder.held(command="remit demo"):
        yield folder.path


def test_nobody_can_be_acted_as_while_the_demo_still_starts(remit: Run, starting: Path) -> None:
    ran = remit("demo", "--dir", starting, "--act-as", "customer")
    refused(ran, "settings.invalid", "the demo is still starting")
    assert cure(ran.err) == "Wait until it has printed its links."
