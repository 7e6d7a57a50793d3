"""A serving process holds the plugs of its settings only, and a plug that cannot be loaded stops the start."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from architecture.sources import SOURCE

SERVE = """
import sys
from pathlib import Path
from remit.cli.main import load
load(["serve"])
from remit.settings import make_settings
from remit.wiring import RulesSource, build_desk, read_pack
folder = Path(sys.argv[1])
(folder / "outside").mkdir()
raw = {"server": {"issuer": "http://localhost:9", "host": "127.0.0.1", "port": 9, "data": "."}, "log": {"name": "plugs.invalid", "high_water": "outside/checkpoint"}, "desk": {"database": "desk.sqlite"}, "store": {"url": "sqlite:///store.sqlite"}, "sandbox": {"enabled": True},
       "words": {"secrets": "refuse", "model": "none"}, **eval(sys.argv[2])}
for absent in sys.argv[3:]:
    sys.modules[absent] = None
pack = read_pack("consumer")
try:
    build_desk(make_settings(raw, base=folder, environment={}, rules=False), RulesSource(catalogue=pack.catalogue, policies=pack.policies))
except ImportError as missing:
    print("absent", missing.name)
else:
    print(*sorted(sys.modules))
"""
UNUSED = {
    "aiosmtplib",
    "asyncpg",
    "joserfc",
    "opentelemetry",
    "remit.adapters.backoffice.conformance",
    "remit.adapters.backoffice.directory",
    "remit.adapters.backoffice.mapped",
    "remit.adapters.helpdesk.remote",
    "remit.adapters.people.oidc",
    "remit.adapters.store.postgres",
    "remit.adapters.vault.postgres",
    "remit.sandbox.desk",
    "yaml",
}
MAIL = {"notify": {"kind": "smtp", "smtp_host": "localhost", "smtp_from": "desk@shop.example"}}


def served(folder: Path, more: dict[str, object], *absent: str) -> set[str]:
    run = subprocess.run([sys.executable, "-c", SERVE, folder, repr(more), *absent], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return set(run.stdout.split())


def test_a_desk_on_sqlite_loads_no_plug_that_it_does_not_use(tmp_path: Path) -> None:
    assert served(tmp_path, {}) & UNUSED == set()


@pytest.mark.parametrize(("more", "absent"), [(MAIL, "aiosmtplib"), ({"store": {"url": "postgresql://localhost:1/none"}}, "asyncpg")])
def test_a_plug_that_the_settings_need_and_that_cannot_be_loaded_stops_the_start(
    tmp_path: Path, more: dict[str, object], absent: str
) -> None:
    assert served(tmp_path, more, absent) == {"absent", absent}


@pytest.mark.parametrize("name", ["__init__", "plugs"])
def test_what_is_loaded_when_used_is_where_its_types_say(name: str) -> None:
    program, types = (ast.parse((SOURCE / "wiring" / f"{name}{end}").read_text(encoding="utf-8")) for end in (".py", ".pyi"))
    table = next(node.value for node in program.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_OF")
    assert table is not None
    listed = {(module, one) for module, names in ast.literal_eval(table).items() for one in names}
    typed = {(str(node.module), one.name) for node in types.body if isinstance(node, ast.ImportFrom) for one in node.names}
    assert listed == typed
    assert len({one for _, one in listed}) == len(listed)
