"""A served desk for peers of A2A: the shop's pack over the arena's facts, with Anna and an agent."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attacks.arena import FACTS, PACK, mandate
from example_desk import served
from remit.__main__ import main
from remit.sandbox import Sandbox, SandboxAgent, SandboxCustomer, SandboxTask

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".bench" / "a2a" / "v" / "bin" / "python"
ABSENT = "remit: NOT RUN: no a2a-sdk in .bench/a2a. Cure: make a2a-peers"
CLIENT = "https://helper.example/a2a"


@dataclass
class A2aDesk:
    """The desk, its customer and an agent with a mandate for many tasks."""

    desk: Sandbox
    anna: SandboxCustomer
    agent: SandboxAgent

    @property
    def url(self) -> str:
        return self.desk.room.issuer

    def granted(self, **changed: Any) -> str:
        """A mandate of Anna's, by its id."""
        return self.anna.grant(self.agent, mandate(max_tasks=50, **changed)).id

    def task(self, **changed: Any) -> SandboxTask:
        return self.agent.open(self.granted(**changed))

    def keys(self, folder: Path) -> None:
        """Write the agent's keys where a script finds them."""
        identity: Any = self.agent.identity
        (folder / "client.pem").write_bytes(identity._key.as_pem(private=True))
        (folder / "proof.pem").write_text(str(self.agent.key))

    def confirm(self, page: str) -> None:
        """Anna opens the page that was handed to her, and confirms."""
        invitation = page.rpartition("/")[2]
        shown = self.anna.get(f"/me/v1/confirmations/{invitation}")
        answer = {"answer": "yes", "assertion": self.anna.passkey.get(shown["options"])}
        self.anna.post(f"/me/v1/confirmations/{invitation}", answer)


@contextmanager
def a2a_desk(folder: Path, *, more: str = "") -> Iterator[A2aDesk]:
    assert main(["init", "--json", str(folder)]) == 0
    settings = folder / "remit.toml"
    settings.write_text(settings.read_text().replace("[desk]", '[desk]\nbackoffice = "facts"') + more)
    with served(folder) as url, Sandbox(PACK / "catalogue.toml", facts=FACTS, base_url=url) as desk:
        yield A2aDesk(desk, desk.customer("anna", email="anna@mail.example"), desk.agent(CLIENT, tier="known"))


@contextmanager
def peer(script: Path, env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Run a script by the peer's own Python, with `remit.client` from here."""
    given = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", **env}
    with subprocess.Popen(
        [str(PEER), script.name], cwd=script.parent, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
