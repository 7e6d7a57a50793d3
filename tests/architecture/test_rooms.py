"""Who may import whom, and that each port is held by a contract suite."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from architecture.sources import ROOT, SOURCE, Module, imports, modules

PORTS = sorted(file.stem for file in (SOURCE / "ports").glob("*.py") if file.stem != "__init__")
STANDARD = {*sys.stdlib_module_names, "remit"}
SHARED = ("remit.adapters.identity.fetching", "remit.adapters.identity.key_sources", "remit.adapters.store.sqlite.inspect")
PROOF = {"canonical", "checkpoint", "merkle", "receipt", "tiles"}
"""Modules of `remit.proof`, as they are called where one is imported whole."""
CLIENT = {"httpx", "joserfc", "cryptography"}
"""`cryptography` comes with joserfc; a checkpoint's raw Ed25519 signature is no JWS."""


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [program, "--no-cache", "--config", ROOT / "pyproject.toml"], cwd=ROOT / "src", capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    assert re.search(r"Contracts: [1-9][0-9]* kept, 0 broken", run.stdout)


def of(room: str) -> list[Module]:
    return [one for one in modules() if one.room == room]


def tops(one: Module) -> set[str]:
    return {name.partition(".")[0] for name in imports(one.tree)}


@pytest.mark.parametrize("one", [*of("domain"), *of("proof")], ids=lambda one: one.name)
def test_the_rules_use_the_standard_library_alone_and_neither_clock_chance_nor_io(one: Module) -> None:
    assert tops(one) <= STANDARD
    assert not tops(one) & {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "subprocess", "time"}
    called = {ast.unparse(node.func) for node in ast.walk(one.tree) if isinstance(node, ast.Call)}
    assert not called & {"open", "print", "input", "datetime.now", "datetime.utcnow", "date.today"}
    assert not any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(one.tree))


@pytest.mark.parametrize("one", of("proof"), ids=lambda one: one.name)
def test_a_proof_knows_nothing_else_of_ours(one: Module) -> None:
    assert all(name.startswith("remit.proof") for name in imports(one.tree) if name.startswith("remit"))


CHECKS = {
    function.name
    for one in of("proof")
    for function in one.tree.body
    if isinstance(function, ast.FunctionDef) and re.search(r"(Proof|LogDamaged|NoTile)Error: ", ast.get_docstring(function) or "")
}
"""The functions of `remit.proof` that raise its own errors."""


@pytest.mark.parametrize("one", [one for one in modules() if one.room not in {"proof", "client"}], ids=lambda one: one.name)
def test_what_does_not_verify_is_refused_with_a_code(one: Module) -> None:
    """⚔ A `ProofError` that nobody translates would be answered as a fault, without a code and a cure."""
    named = {node.attr for node in ast.walk(one.tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) in PROOF}
    named |= {name.rpartition(".")[2] for name in imports(one.tree) if name.startswith("remit.proof.")}
    assert "verify_checkpoint" in CHECKS
    assert not named & CHECKS or "remit.proof.errors.ProofError" in imports(one.tree), f"use domain.verification: {named & CHECKS}"


@pytest.mark.parametrize("one", of("client"), ids=lambda one: one.name)
def test_the_client_needs_nothing_but_httpx_and_joserfc_with_what_it_brings(one: Module) -> None:
    assert tops(one) <= STANDARD | CLIENT
    assert all(name.startswith(("remit.client", "remit.proof")) for name in imports(one.tree) if name.startswith("remit"))


@pytest.mark.parametrize("one", [one for one in of("sandbox") if one.name.startswith("sandbox/agents/")], ids=lambda one: one.name)
def test_agents_of_the_sandbox_know_the_client_and_nothing_else_of_ours(one: Module) -> None:
    allowed = ("remit.client", "remit.sandbox.agents")
    assert all(name.startswith(allowed) for name in imports(one.tree) if name.startswith("remit"))


@pytest.mark.parametrize("one", of("adapters"), ids=lambda one: one.name)
def test_a_plug_knows_no_plug_of_another_port(one: Module) -> None:
    own = one.name.split("/")[1].removesuffix(".py")
    for name in imports(one.tree):
        if name.startswith("remit.adapters."):
            other = name.split(".")[2]
            # `desk_jobs` is what both plugs of the built-in desk ask of its own database: it is no plug (docs/decisions/0004), and
            # neither are `desk_database` and `desk_postgres` which answer it, in words of `desk_statements`;
            # `sqlite_files` puts what SQLite says of any file into words, `postgres` how a server is reached and what it says, and
            # `postgres_start` what a start on one begins with;
            # `worker` is a thread that files are written and read on, whosever they are; `store.shown` tells whoever reads a
            # store's file beside a serving desk what stands in its journal (docs/decisions/0016).
            # `identity.fetching` and `identity.key_sources` fetch documents and keep keys fresh, whoever signed with them: the keys of
            # the provider that people sign in at are fetched as warily as an agent's.
            assert other in {
                own,
                "desk_jobs",
                "desk_statements",
                "postgres",
                "postgres_start",
                "sqlite_files",
                "worker",
            } or name.startswith(SHARED), f"{one.name} imports {name}"


@pytest.mark.parametrize("port", PORTS)
def test_each_port_has_plugs_and_a_contract_suite_of_its_name(port: str) -> None:
    assert (SOURCE / "adapters" / port).is_dir()
    suites = [file.name for file in (ROOT / "tests" / "contracts").glob("test_*.py") if re.match(rf"test_{port}(_|\.)", file.name)]
    assert suites, f"no tests/contracts/test_{port}.py or test_{port}_*.py"


def test_no_import_hides_inside_a_function_or_behind_type_checking() -> None:
    found = [
        one.name
        for one in modules()
        if re.search(r"^[ \t]+(?:import |from \S+ import )", one.text, re.MULTILINE) or "TYPE_CHECKING" in one.text
    ]
    assert found == []
