"""The wheel that `make wheel` builds, installed into a new environment far from the checkout: what `pip install remit` gives."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import ROOT
from remit import __version__

UV = Path(sys.executable).with_name("uv")
DATA = (".toml", ".cedar", ".json", ".html", ".css", ".js", ".po", ".svg", ".pyi", ".typed", ".txt")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without the network: setuptools is in uv's cache since `make setup`."""
    folder = tmp_path_factory.mktemp("wheel")
    if not UV.exists():
        pytest.skip("no uv beside this Python: the wheel was not built (`make setup` fetches it)")
    command = [UV, "build", "--quiet", "--offline", "--wheel", "--out-dir", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if "setuptools" in done.stderr and done.returncode:
        pytest.skip("setuptools is not in uv's cache: the wheel was not built (`make wheel` fetches it)")
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return Path(made)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Run the installed `remit`. Its dependencies are those of this environment, whose own Remit comes behind the wheel's."""
    home = tmp_path_factory.mktemp("installed")
    for command in (
        [UV, "venv", "--quiet", "--offline", "--python", sys.executable, home / "venv"],
        [UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", home / "venv" / "bin" / "python", wheel],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
    (packages,) = (home / "venv" / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}

    def run(*argv: object) -> str:
        words = [str(home / "venv" / "bin" / "remit"), *map(str, argv)]
        ended = subprocess.run(words, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=600)
        assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
        return ended.stdout

    return run


def test_every_file_of_data_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("remit/")}
    source = ROOT / "src"
    there = {path.relative_to(source).as_posix() for path in (source / "remit").rglob("*") if path.suffix in {".py", *DATA}}
    assert sorted(there - packed) == []


def test_a_desk_is_made_and_valid_with_the_installed_command(installed: Callable[..., str]) -> None:
    assert installed("--version").split() == ["remit", __version__]
    made = json.loads(installed("init", "--json", "--pack", "regulated", "--language", "de", "desk"))
    checked = json.loads(installed("check", "--json", "--config", made["config"]))
    assert (checked["ok"], checked["failed"]) == (True, [])


def test_the_demo_runs_from_the_installed_command_alone(installed: Callable[..., str]) -> None:
    told = json.loads(installed("--json", "demo", "--smoke", "--port", "0"))
    assert told
