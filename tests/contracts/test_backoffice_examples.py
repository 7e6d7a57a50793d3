"""The backoffices of `examples/`: started as they say, tried by `remit check-backoffice`, killed, and tried again."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from contracts.broken_desks import Served, key_files
from contracts.http_desk import GATE, SHOP
from remit.__main__ import main

EXAMPLES = Path(__file__).parents[2] / "examples" / "backoffice"
COMMANDS = {
    "python": (sys.executable, EXAMPLES / "python" / "backoffice.py"),
    "typescript": ("node", EXAMPLES / "typescript" / "backoffice.mjs"),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def served(name: str, folder: Path, port: int) -> Iterator[Served]:
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
            yield Served(f"http://127.0.0.1:{port}", key, answer_key, EXAMPLES / "probe.toml")
        finally:
            process.kill()


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_keeps_every_promise_also_after_it_was_killed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which(str(COMMANDS[name][0])) is None:
        pytest.skip("node is not here: the example in JavaScript was not tried (install Node.js 20 or newer)")
    port, remember = free_port(), tmp_path / "run.json"
    for untried in ({"key.kept"}, set()):
        with served(name, tmp_path, port) as shop:
            capsys.readouterr()
            code = main(shop.options("--json", "--remember", remember))
            promises = json.loads(capsys.readouterr().out)["promises"]
        assert [one for one in promises if one["state"] == "broken"] == []
        assert {one["id"] for one in promises if one["state"] == "untried"} == untried
        assert code == 0
