"""Connections of a new desk: by options in a script, asked for on a terminal, and never a secret where others could read it."""

import contextlib
import json
import os
import pty
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cli.conftest import ROOT
from cli.running import Run, found, refused
from remit.settings import load_settings

RT = ("--helpdesk", "rt", "--helpdesk-url", "http://127.0.0.1:9/REST/2.0", "--helpdesk-account", "remit", "--helpdesk-queue", "Agents")
TOKEN = "1-14-0123456789abcdef"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(f"{TOKEN}\n")
    return file


@pytest.fixture
def answer_key(tmp_path: Path) -> Path:
    key = Ed25519PrivateKey.generate()
    (tmp_path / "shop.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "shop.pub.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return tmp_path / "shop.pub.pem"


def http(answer_key: Path) -> tuple[object, ...]:
    return ("--backoffice", "http", "--backoffice-url", "http://127.0.0.1:9/remit", "--answer-key", answer_key)


def test_a_script_names_every_connection_and_the_doctor_says_what_does_not_answer(
    remit: Run, tmp_path: Path, token: Path, answer_key: Path
) -> None:
    desk = tmp_path / "desk"
    login = ("--login", "http://localhost:9", "--login-client", "remit", "--login-claim", "customer_id", "--login-secret-file", token)
    made = remit("init", "--json", *RT, "--helpdesk-token-file", token, *http(answer_key), *login, desk)
    assert made.code == 0, made
    assert made.json["customers"] == []  # the records are the company's own
    settings = load_settings(desk / "remit.toml")
    assert settings.remote_helpdesk is not None
    assert (settings.remote_helpdesk.queue, settings.remote_helpdesk.token_file) == ("Agents", token)
    assert settings.http_backoffice is not None
    assert settings.http_backoffice.answer_keys == (desk / "answer-key-1.pem",)
    assert settings.people is not None
    assert settings.people.rules.customer_claim == "customer_id"
    for name in ("helpdesk", "backoffice", "login"):
        (one,) = found(remit, desk, name)
        assert one["state"] == "wrong", one


def test_a_secret_that_was_opened_to_others_later_is_found_by_the_doctor(remit: Run, tmp_path: Path, token: Path) -> None:
    assert remit("init", *RT, "--helpdesk-token-file", token, tmp_path / "desk").code == 0
    assert [one["state"] for one in found(remit, tmp_path / "desk", "files")] == ["ok"]
    token.chmod(0o640)
    assert [one["cure"] for one in found(remit, tmp_path / "desk", "files")] == [f"chmod go= {token}"]


def test_a_secret_is_in_no_file_that_others_can_read_and_in_no_setting(remit: Run, tmp_path: Path, token: Path) -> None:
    token.chmod(0o644)
    open_to_others = remit("init", *RT, "--helpdesk-token-file", token, tmp_path / "desk")
    refused(open_to_others, "settings.invalid", "is open to other accounts")
    assert not (tmp_path / "desk").exists()
    token.chmod(0o600)
    assert remit("init", *RT, "--helpdesk-token-file", token, tmp_path / "desk").code == 0
    assert [path for path in (tmp_path / "desk").rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("product", ["intercom", "zendesk", "freshdesk", "jira"])
def test_a_hosted_product_is_a_helpdesk(remit: Run, tmp_path: Path, token: Path, product: str) -> None:
    assert remit("init", "--helpdesk", product, *RT[2:], "--helpdesk-token-file", token, tmp_path / "desk").code == 0
    helpdesk = load_settings(tmp_path / "desk" / "remit.toml").remote_helpdesk
    assert helpdesk is not None
    assert (helpdesk.product, helpdesk.account, helpdesk.queue) == (product, "remit", "Agents")
    assert [one["state"] for one in found(remit, tmp_path / "desk", "helpdesk")] == ["wrong"]  # nothing answers there


def test_roundup_is_a_helpdesk_without_a_queue(remit: Run, tmp_path: Path, token: Path) -> None:
    assert remit("init", "--helpdesk", "roundup", *RT[2:-2], "--helpdesk-token-file", token, tmp_path / "desk").code == 0
    helpdesk = load_settings(tmp_path / "desk" / "remit.toml").remote_helpdesk
    assert helpdesk is not None
    assert (helpdesk.product, helpdesk.token_file) == ("roundup", token)
    assert [one["state"] for one in found(remit, tmp_path / "desk", "helpdesk")] == ["wrong"]  # nothing answers there


def test_the_authority_of_the_helpdesks_certificate_is_named_from_anywhere(remit: Run, tmp_path: Path, token: Path) -> None:
    made = remit("init", *RT, "--helpdesk-token-file", token, "--helpdesk-ca-file", token, tmp_path / "desk")
    assert made.code == 1  # it holds no certificate
    assert not (tmp_path / "desk").exists()
    refused(made, "settings.invalid", "cannot be used")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (RT, "--helpdesk-token-file is missing"),
        (RT[:-2], "--helpdesk-queue is missing"),
        (RT[2:], "--helpdesk-url is for --helpdesk rt or roundup or intercom or zendesk or freshdesk or jira"),
        (("--helpdesk", "roundup", *RT[2:]), "--helpdesk-queue is for --helpdesk rt or intercom or zendesk or freshdesk or jira"),
        (("--helpdesk", "roundup", *RT[2:-2]), "--helpdesk-token-file is missing"),
        ((*RT, "--helpdesk-token-file", "nowhere"), "nowhere, which is not there"),
        (("--backoffice", "http"), "--backoffice-url is missing"),
        (("--backoffice-url", "https://shop.example"), "--backoffice-url is for --backoffice http"),
        (("--backoffice", "http", "--backoffice-url", "http://shop.example"), "backoffice.url"),
        (("--backoffice", "http", "--backoffice-url", "https://shop.example", "--answer-key", "nowhere"), "cannot be read"),
        (("--login", "https://login.example"), "--login-client is missing"),
        (("--login-client", "remit"), "--login-client is for --login URL"),
        (("--rules", "nowhere"), "has no catalogue.toml"),
    ],
)
def test_what_is_missing_or_left_over_is_named_and_nothing_is_made(remit: Run, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    refused(remit("init", *options, tmp_path / "desk"), "settings.invalid", said)
    assert not (tmp_path / "desk").exists()


def test_a_private_key_is_not_copied_about(remit: Run, tmp_path: Path, answer_key: Path) -> None:
    private = answer_key.with_name("shop.pem")
    refused(remit("init", *http(private), tmp_path / "desk"), "settings.invalid", "is a private key")


def test_rules_of_a_folder_make_a_desk_whose_cases_hold(remit: Run, tmp_path: Path, answer_key: Path) -> None:
    rules = ROOT / "examples" / "backoffice" / "rules"
    assert remit("init", "--rules", rules, *http(answer_key), tmp_path / "desk").code == 0
    checked = remit("check", "--json", "--config", tmp_path / "desk").json
    assert (checked["ok"], checked["cases"], checked["in_force"]) == (True, 4, "in force")


def on_terminal(folder: Path, *options: str, answers: tuple[str, ...]) -> tuple[int, str]:
    """Run `remit init` on a terminal of its own, and type each answer when it is asked for; return its code and what was shown."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "remit", "init", *options, "desk"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown, waiting = b"", list(answers)
        with contextlib.suppress(OSError):  # the terminal is gone with the process
            while part := os.read(ours, 4096):
                shown += part
                if waiting and shown.endswith((b": ", b"] ")):
                    os.write(ours, waiting.pop(0).encode() + b"\n")
        os.close(ours)
    assert waiting == [], shown
    return process.returncode, shown.decode()


def test_on_a_terminal_one_enter_takes_what_is_built_in(tmp_path: Path) -> None:
    code, shown = on_terminal(tmp_path, answers=("",))
    assert (code, "Made a desk" in shown) == (0, True)
    assert set(tomllib.loads((tmp_path / "desk" / "remit.toml").read_text())["desk"]) == {"pack", "database"}


def test_on_a_terminal_the_rest_is_asked_for_and_a_secret_is_not_shown(tmp_path: Path, answer_key: Path) -> None:
    code, shown = on_terminal(
        tmp_path,
        answers=("y", "y", "y", "n", "n", RT[3], "remit", "Agents", TOKEN, "http://127.0.0.1:9/remit", str(answer_key)),
    )
    assert code == 0, shown
    assert TOKEN not in shown
    kept = tmp_path / "desk" / "data" / "helpdesk-token"
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == (f"{TOKEN}\n", 0o600)
    assert TOKEN not in (tmp_path / "desk" / "remit.toml").read_text()


def test_a_terminal_asks_for_what_the_options_leave_out_alone(tmp_path: Path) -> None:
    code, shown = on_terminal(tmp_path, *RT, answers=(TOKEN,))
    assert code == 0, shown
    assert json.dumps("Agents") in (tmp_path / "desk" / "remit.toml").read_text()
