"""A whole desk in front of a real OpenLDAP: `remit init`, `remit serve`, and an agent that wants more than its customer's account."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from real.directory_desk import EXAMPLES
from real.slapd_server import ACTOR, PEOPLE, READER, SlapdServer
from remit.sandbox import Sandbox

ALICE = f"uid=alice,{PEOPLE}"
WANTED = {
    "type": "remit_mandate",
    "objective": {"type": "reset-password", "target": {"account": ["alice"]}, "summary": "back into my account"},
    "never": [],
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["account.*"]},
        {"power": "request", "actions": ["account.unlock", "password.reset"], "uses": 2},
    ],
}


def remit(*words: object) -> None:
    done = subprocess.run([sys.executable, "-m", "remit", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def desk(slapd: SlapdServer, tmp_path: Path) -> Path:
    """A desk made as docs/directory.md says, with the sandbox's doors for its people."""
    options: list[object] = [
        "--rules",
        EXAMPLES / "rules",
        "--backoffice",
        "directory",
        "--backoffice-url",
        slapd.url,
        "--backoffice-ca-file",
        slapd.ca,
    ]
    options += ["--directory-rules", EXAMPLES / "openldap" / "directory.toml"]
    for name, (account, password) in (("read", READER), ("act", ACTOR)):
        file = tmp_path / name
        file.write_text(password)
        file.chmod(0o600)
        options += [f"--{name}-account", account, f"--{name}-password-file", file]
    remit("init", *options, tmp_path / "desk")
    settings = tmp_path / "desk" / "remit.toml"
    settings.write_text(settings.read_text().replace("enabled = false", "enabled = true", 1))
    remit("check", "--config", tmp_path / "desk")
    return tmp_path / "desk"


@pytest.fixture
def served(desk: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "remit", "serve", "--port", "0", "--json", "--config", str(desk)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["issuer"])
        finally:
            process.terminate()


def test_an_agent_unlocks_and_resets_its_customers_account_and_no_other(slapd: SlapdServer, desk: Path, served: str) -> None:
    slapd.modify(f"dn: {ALICE}\nchangetype: modify\nreplace: userPassword\nuserPassword: alice-pass-9\n")
    slapd.lock("alice")
    bob = slapd.values(f"uid=bob,{PEOPLE}", "entryCSN")
    with Sandbox(desk / "catalogue", facts={}, base_url=served) as sandbox:
        agent, alice = sandbox.agent("spiffe://helper.example/agent", tier="known"), sandbox.customer("alice")
        task = agent.open(alice.grant(agent, WANTED))
        assert task.ask("account.read", {"account_id": "alice"}).result["account.status"] == "locked"
        waiting = task.ask("account.unlock", {"account_id": "alice"})
        assert (waiting.decision, slapd.accepts("alice", "alice-pass-9")) == ("needs_human", False)
        assert alice.confirm(waiting).outcome == "done"
        assert slapd.accepts("alice", "alice-pass-9")
        for other in ("bob", "ALICE", "alice)(uid=bob", "*"):
            assert task.ask("account.read", {"account_id": other}).decision == "refuse"
            assert task.ask("password.reset", {"account_id": other}).decision == "refuse"
        waiting = task.ask("password.reset", {"account_id": "alice"})
        assert waiting.who == ("customer", "officer:identity")  # since it asked for others' accounts
        assert alice.confirm(waiting).outcome is None
        assert slapd.accepts("alice", "alice-pass-9")
        assert sandbox.officer("ira", roles=["identity"]).confirm(waiting).outcome == "done"
    assert not slapd.accepts("alice", "alice-pass-9")
    assert slapd.values(ALICE, "pwdReset") == ["TRUE"]
    assert slapd.values(f"uid=bob,{PEOPLE}", "entryCSN") == bob
