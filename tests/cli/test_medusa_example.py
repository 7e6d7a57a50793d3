"""The rules of `examples/medusa`: a desk is made of them as its README says, and they fit Medusa's own document."""

from pathlib import Path

import pytest

from cli.running import Run, change
from remit.adapters.openapi.document import read_document

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "medusa"
DOCUMENT = ROOT / ".bench" / "openapi" / "medusa.yaml"


def test_a_desk_made_as_the_readme_says_is_valid(tmp_path: Path, remit: Run) -> None:
    desk = tmp_path / "desk"
    assert remit("init", "--json", "--rules", EXAMPLE, "--empty", desk).code == 0
    for name in ("mapping.toml", "openapi.yaml"):
        (desk / name).write_bytes((EXAMPLE / name).read_bytes())
    change(desk, "[desk]", '[desk]\nbackoffice = "mapped"')
    readme = (EXAMPLE / "README.md").read_text()
    table = readme.split("```toml\n")[1].split("```")[0]
    with (desk / "remit.toml").open("a") as file:
        file.write(f"\n{table}")
    checked = remit("check", "--json", "--config", desk)
    assert checked.code == 0, checked.err


def test_the_operations_of_the_example_are_medusas() -> None:
    if not DOCUMENT.is_file():
        pytest.skip("Medusa's own document is not in .bench/openapi")
    theirs = {one.name for one in read_document(DOCUMENT).operations()}
    assert {one.name for one in read_document(EXAMPLE / "openapi.yaml").operations()} <= theirs
