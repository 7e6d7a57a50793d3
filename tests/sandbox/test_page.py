"""docs/sandbox.md, followed word by word beside a desk that `remit init` has made."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


@pytest.fixture
def examples(tmp_path: Path) -> list[str]:
    made = subprocess.run([sys.executable, "-m", "remit", "init", "my-desk"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_first_example_runs(tmp_path: Path, examples: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-c", examples[0]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_example_with_pytest_passes(tmp_path: Path, examples: list[str]) -> None:
    (tmp_path / "test_desk.py").write_text(examples[1], encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_desk.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout
