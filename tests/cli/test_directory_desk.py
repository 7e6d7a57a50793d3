"""A desk on a directory, from the example's rules to an act through the doors of a served desk."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.running import Run, Serve, change
from contracts.small_directory import ACTOR, EXAMPLES, READER, Directed, small_directory
from remit.adapters.world.system import SystemWorld
from remit.domain.errors import Refused
from remit.sandbox import Sandbox
from remit.wiring.directory import open_directory
from settings_made import settings_made

WANTED = {
    "type": "remit_mandate",
    "objective": {"type": "reset-password", "target": {"account": ["alice"]}, "summary": "a new password"},
    "never": [],
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["account.*"]},
        {"power": "request", "actions": ["password.reset", "account.unlock"], "uses": 2},
    ],
}


@pytest.fixture
def directed(tmp_path: Path) -> Iterator[Directed]:
    (tmp_path / "directory").mkdir()
    with small_directory(tmp_path / "directory", "openldap") as found:
        yield found


def desk_folder(remit: Run, folder: Path, url: str, system: str = "openldap") -> Path:
    """A desk made by `remit init`, with the rules of the example."""
    desk = folder / "desk"
    options = ["--rules", EXAMPLES / "rules", "--backoffice", "directory", "--backoffice-url", url]
    options += ["--directory-rules", EXAMPLES / system / "directory.toml"]
    for name, (account, password) in (("read", READER), ("act", ACTOR)):
        file = folder / f"{name}-password"
        file.write_text(password)
        file.chmod(0o600)
        options += [f"--{name}-account", account, f"--{name}-password-file", file]
    made = remit("init", *options, desk)
    assert made.code == 0, made.err
    assert "desk key" not in made.out
    return desk


@pytest.mark.parametrize("system", ["openldap", "active-directory"])
def test_the_rules_of_the_example_are_valid(tmp_path: Path, remit: Run, system: str) -> None:
    checked = remit("check", "--config", desk_folder(remit, tmp_path, "ldaps://dc1.corp.example", system))
    assert checked.code == 0, checked.err


def test_a_reset_through_the_doors_is_done_once(directed: Directed, tmp_path: Path, remit: Run, serve: Serve) -> None:
    folder = desk_folder(remit, tmp_path, directed.url)
    change(folder, "enabled = false", "enabled = true")
    serving = serve(folder)
    with Sandbox(folder / "catalogue", facts={}, base_url=serving.url) as desk:
        agent = desk.agent("spiffe://helper.example/agent", tier="known")
        task = agent.open(desk.customer("alice").grant(agent, WANTED))
        assert task.ask("password.reset", {"account_id": "bob"}).decision == "refuse"
        waiting = task.ask("password.reset", {"account_id": "alice"})
        assert (waiting.decision, list(waiting.who)) == ("needs_human", ["customer"])
        assert directed.server.person("alice")["userpassword"] == [b"s3cret"]
        done = desk.customer("alice").confirm(waiting)
        assert done.outcome == "done"
    assert serving.stop() == 0
    (secret,) = directed.server.person("alice")["userpassword"]
    assert secret != b"s3cret"
    for path in folder.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes()


TABLE = {
    "url": "ldaps://dc1.corp.example",
    "directory": "directory.toml",
    "read_account": "reader",
    "read_password_file": "read",
    "act_account": "actor",
    "act_password_file": "act",
}


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize(
    ("backoffice", "changes", "named"),
    [
        ("directory", {"url": "ldap://dc1.corp.example"}, "backoffice.url"),
        ("directory", {"url": "https://dc1.corp.example"}, "backoffice.url"),
        ("directory", {"url": "ldaps://dc1.corp.example/dc=corp"}, "backoffice.url"),
        ("directory", {"url": "ldaps://me:secret@dc1.corp.example"}, "backoffice.url"),
        ("directory", {"url": "ldaps://[dc1"}, "backoffice.url"),
        ("directory", {"url": ""}, "backoffice.url"),
        ("directory", {"act_account": "reader"}, "backoffice.act_account"),
        ("directory", {"act_password_file": "read"}, "backoffice.act_account"),
        ("directory", {"act_password_file": None}, "backoffice.act_password_file"),
        ("directory", {"directory": "nowhere.toml"}, "backoffice.directory"),
        ("directory", {"mapping": "directory.toml"}, "backoffice.mapping"),
        ("directory", {"proof": "mtls"}, "backoffice.proof"),
        ("mapped", {}, "backoffice.mapping"),
        ("builtin", {}, "backoffice.url"),
    ],
)
def test_settings_that_name_no_safe_directory_are_refused(
    tmp_path: Path, backoffice: str, changes: dict[str, str | None], named: str
) -> None:
    (tmp_path / "directory.toml").touch()
    table = {name: value for name, value in {**TABLE, **changes}.items() if value is not None}
    with pytest.raises(Refused, match=re.escape(named)):
        settings_made(tmp_path, desk={"backoffice": backoffice}, backoffice=table)


def test_a_directory_on_this_machine_needs_no_tls(tmp_path: Path) -> None:
    (tmp_path / "directory.toml").touch()
    made = settings_made(tmp_path, desk={"backoffice": "directory"}, backoffice={**TABLE, "url": "ldap://localhost:3890"})
    assert made.directory_backoffice is not None
    assert made.directory_backoffice.url == "ldap://localhost:3890"


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize("password", ["", "\n", "two\nlines"])
def test_an_empty_password_stops_the_start(tmp_path: Path, password: str) -> None:
    """An empty one binds as nobody, which directories accept."""
    for name in ("directory.toml", "read", "act"):
        (tmp_path / name).write_text("good" if name == "read" else password)
    made = settings_made(tmp_path, desk={"backoffice": "directory"}, backoffice=TABLE).directory_backoffice
    assert made is not None
    with pytest.raises(Refused, match=re.escape("backoffice.act_password_file")):
        open_directory(made, SystemWorld(), loopback=True)


@pytest.mark.proves("DIRECTORY")
def test_the_rules_of_a_directory_are_in_the_rules_digest(tmp_path: Path, remit: Run) -> None:
    folder = desk_folder(remit, tmp_path, "ldaps://dc1.corp.example")
    before = remit("check", "--json", "--config", folder).out
    with (folder / "directory.toml").open("a") as file:
        file.write("\n# another text\n")
    assert remit("check", "--json", "--config", folder).out != before


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--backoffice", "directory"), "--backoffice-url is missing"),
        (("--directory-rules", "x"), "--directory-rules is for --backoffice directory"),
        (
            ("--backoffice", "http", "--backoffice-url", "https://x.example", "--act-account", "x"),
            "--act-account is for --backoffice directory",
        ),
    ],
)
def test_init_says_what_a_directory_lacks(tmp_path: Path, remit: Run, options: tuple[str, ...], named: str) -> None:
    refused = remit("init", *options, tmp_path / "desk")
    assert refused.code == 1
    assert named in refused.err
    assert not (tmp_path / "desk").exists()


def test_doctor_looks_at_the_directory(directed: Directed, tmp_path: Path, remit: Run) -> None:
    folder = desk_folder(remit, tmp_path, directed.url)
    assert "offers no transactions (RFC 5805)" in (seen := remit("doctor", "--config", folder)).out + seen.err
    directed.server.put("", objectclass="top", supportedextension="1.3.6.1.1.21.1", supportedcontrol="1.3.6.1.1.12")
    directed.server.put(directed.server.acts, objectclass="organizationalUnit")
    assert "accepts both accounts" in (seen := remit("doctor", "--config", folder)).out + seen.err
    (tmp_path / "act-password").chmod(0o644)
    assert f"{tmp_path / 'act-password'} is open to others" in (seen := remit("doctor", "--config", folder)).out + seen.err
    (tmp_path / "read-password").write_text("wrong")
    assert "reader is not accepted" in (seen := remit("doctor", "--config", folder)).out + seen.err
