"""The documentation's examples are real code against real names."""

import ast
import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_compiles_and_imports_names_that_exist(block: str) -> None:
    imports = [node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.ImportFrom)]
    assert imports
    for found in imports:
        module = importlib.import_module(str(found.module))
        assert all(hasattr(module, name.name) for name in found.names)


def test_every_public_exception_is_explained() -> None:
    client = importlib.import_module("remit.client")
    raised = {name for name in client.__all__ if isinstance(kind := getattr(client, name), type) and issubclass(kind, client.RemitError)}
    assert {name for name in raised if f"`{name}`" in PAGE.read_text()} == raised - {"Problem"}
