"""The backoffices of `examples/`: started as they say, tried by `remit check-backoffice`, killed, and tried again."""

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from contracts.broken_desks import Served, key_files
from contracts.desk_plugs import act, run
from contracts.http_desk import GATE, SHOP, signer, token_of, verifier
from remit.__main__ import main
from remit.adapters.backoffice.http.client import HttpBackoffice
from remit.adapters.http.connection import HttpConnections
from remit.adapters.world.system import SystemWorld
from remit.ports.backoffice import ActOutcome, ActResult

EXAMPLES = Path(__file__).parents[2] / "examples" / "backoffice"
COMMANDS = {
    "python": (sys.executable, EXAMPLES / "python" / "backoffice.py"),
    "typescript": ("node", EXAMPLES / "typescript" / "backoffice.mjs"),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture(params=sorted(COMMANDS))
def name(request: pytest.FixtureRequest) -> str:
    if shutil.which(str(COMMANDS[request.param][0])) is None:
        pytest.skip("node is not here: the example in JavaScript was not tried (install Node.js 20 or newer)")
    return str(request.param)


@contextmanager
def served(name: str, folder: Path, port: int) -> Iterator[tuple[Served, "subprocess.Popen[str]"]]:
    """Start one example with its keys and its file in the folder; kill it at the end."""
    key, answer_key = key_files(folder)
    (folder / "remit.pub.pem").write_bytes(GATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (folder / "shop.pem").write_bytes(SHOP.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    program, file = COMMANDS[name]
    command = [str(program), str(file), str(port), "shop.data", "remit.pub.pem", "shop.pem"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("listening at ")
            yield Served(f"http://127.0.0.1:{port}", key, answer_key, EXAMPLES / "probe.toml"), process
        finally:
            process.kill()


def test_an_example_keeps_every_promise_also_after_it_was_killed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port, remember = free_port(), tmp_path / "run.json"
    for untried in ({"key.kept"}, set()):
        with served(name, tmp_path, port) as (shop, _):
            capsys.readouterr()
            code = main(shop.options("--json", "--remember", remember))
            promises = json.loads(capsys.readouterr().out)["promises"]
        assert [one for one in promises if one["state"] == "broken"] == []
        assert {one["id"] for one in promises if one["state"] == "untried"} == untried
        assert code == 0


def test_an_example_that_is_killed_amid_acts_has_done_each_once(name: str, tmp_path: Path) -> None:
    port = free_port()
    acts = [replace(act(f"k{n}", action="order.refund"), params={"order_id": "O-1001", "amount": "0.01 EUR"}) for n in range(40)]

    async def asked(work: Callable[[HttpBackoffice], Awaitable[Any]]) -> Any:
        connections = HttpConnections(f"http://127.0.0.1:{port}", tls=ssl.create_default_context(), allow_loopback=True)
        client = HttpBackoffice(
            connections, SystemWorld(), public_kinds=(), signer=signer(GATE), verifier=verifier(SHOP), act_token=token_of
        )
        try:
            return await work(client)
        finally:
            client.close()
            await asyncio.sleep(0)

    with served(name, tmp_path, port) as (_, process):

        async def kill_amid(client: HttpBackoffice) -> list[Any]:
            asking = [asyncio.create_task(client.perform(one)) for one in acts]
            await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            process.kill()
            return await asyncio.gather(*asking, return_exceptions=True)

        first = run(asked(kill_amid))
    told_done = [one for one, told in zip(acts, first, strict=True) if isinstance(told, ActResult)]

    async def look(client: HttpBackoffice) -> tuple[list[Any], list[Any], Any]:
        known = [await client.outcome(one) for one in acts]
        again = [await client.perform(one) for one in acts]
        return known, again, await client.attributes("anna", ["order.refunded"])

    with served(name, tmp_path, port):
        known, again, values = run(asked(look))
    states = dict(zip((one.key for one in acts), (one.state for one in known), strict=True))
    assert {states[one.key] for one in told_done} == {ActOutcome.DONE}
    assert {one.state for one in again} == {ActOutcome.DONE}
    assert sum(Decimal(one.removesuffix(" EUR")) for one in values["order.refunded"]) == Decimal("0.40")
