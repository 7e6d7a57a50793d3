"""The examples of each pack come out as they say, at the desk that `remit init` makes of it and `remit serve` serves."""

import contextlib
import socket
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.running import Run, Serve, change
from remit.adapters.files.pack import read_pack
from remit.sandbox import Sandbox, SandboxReply


def confirmed(desk: Sandbox, customer: str, reply: SandboxReply) -> SandboxReply:
    """Everybody who must confirm does."""
    for who in reply.who:
        role = who.removeprefix("officer:")
        person = desk.customer(customer) if who == "customer" else desk.officer(f"{role}-officer", roles=[role])
        reply = person.confirm(reply)
    return reply


def play(desk: Sandbox, number: int, example: Mapping[str, Any]) -> list[str]:
    """One example with everybody's yes: the answers that are not as it says."""
    tier = example.get("tier", "known")
    agent = desk.agent(f"spiffe://helper{number}.example/agent", tier=tier)
    task = agent.open(desk.customer(example["customer"]).grant(agent, example["mandate"]))
    wrong = []
    for ask in example["asks"]:
        reply = task.ask(ask["action"], ask["params"], words=ask.get("words"))
        if reply.decision != ask["expect"] or ([ask["code"]] if "code" in ask else []) != list(reply.codes):
            wrong.append(f"{ask}: {reply.decision} {reply.codes}")
        elif reply.decision == "needs_human" and confirmed(desk, example["customer"], reply).outcome != "done":
            wrong.append(f"{ask}: confirmed, and not done")
        elif reply.decision == "permit" and (reply.outcome != "done" or not reply.result):
            wrong.append(f"{ask}: {reply.outcome} {reply.result}")
    return wrong


def with_far_backoffice(folder: Path) -> None:
    """Let the desk ask its backoffice over HTTP, at a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    change(folder, "[desk]", '[desk]\nbackoffice = "http"')
    with (folder / "remit.toml").open("a") as file:
        file.write(f'\n[backoffice]\nurl = "http://127.0.0.1:{port}/records"\n')


@pytest.mark.parametrize(
    ("pack", "far"), [("consumer", False), ("service-desk", False), ("regulated", False), ("consumer", True), ("regulated", True)]
)
def test_the_examples_of_a_pack_come_out_as_they_say(pack: str, far: bool, tmp_path: Path, remit: Run, serve: Serve) -> None:
    """In process, and with the backoffice in a process of its own, asked over HTTP."""
    folder = tmp_path / "desk"
    assert remit("init", "--json", "--pack", pack, folder).code == 0
    change(folder, "enabled = false", "enabled = true")
    if far:
        with_far_backoffice(folder)
        backoffice = serve(folder, command=("desk", "serve"))
    serving = serve(folder)
    examples = read_pack(pack).examples
    with Sandbox(folder / "catalogue", facts={}, base_url=serving.url) as desk:
        wrong = {name: play(desk, number, example) for number, (name, example) in enumerate(sorted(examples.items()))}
    assert {name: one for name, one in wrong.items() if one} == {}
    serving.stop()
    if far:
        assert backoffice.stop() == 0
    held = [ask["action"] for example in examples.values() for ask in example["asks"] if ask["expect"] == "needs_human"]
    with contextlib.closing(sqlite3.connect(folder / "data" / "desk.sqlite")) as books:
        assert sorted(held) == sorted(action for (action,) in books.execute("select action from act where state = 'done'"))
