"""Who may import whom, and that each port is held by a contract suite."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from architecture.sources import ROOT, SOURCE, Module, imports, modules

PORTS = sorted(file.stem for file in (SOURCE / "ports").glob("*.py") if file.stem != "__init__")
STANDARD = {*sys.stdlib_module_names, "remit"}
CLIENT = {"httpx", "joserfc", "cryptography"}
EXTRAS = {"client/workload_api.py": {"spiffe"}}
"""What one file needs, and whoever imports it installs as an extra."""
"""`cryptography` comes with joserfc; a checkpoint's raw Ed25519 signature is no JWS."""
MSGSPEC = {"domain/struct_classes.py": {"msgspec"}, "proof/canonical.py": {"msgspec"}}
"""The file that makes values of rules structs (docs/decisions/0060), and the one that writes plain values in C (0061)."""
PROOF = {"canonical", "checkpoint", "merkle", "receipt", "tiles"}
"""Modules of `remit.proof`, as they are called where one is imported whole."""
HEIGHTS = {"proof": 0, "domain": 1, "ports": 2, "engine": 3, "usecases": 4, "entrypoints": 5, "wiring": 6, "sandbox": 7, "cli": 8}
"""The rooms one stands on another; adapters, client and sandbox have contracts of their own."""
SHARED = (
    "remit.adapters.builtin_desk",  # the built-in desk's database, asked by its backoffice and its helpdesk (docs/decisions/0004)
    "remit.adapters.db",  # connections and worker threads, for every plug that keeps something in a database
    "remit.adapters.http",  # connections to the systems of the settings
    "remit.adapters.identity.fetching",  # fetches a provider's keys as warily as an agent's
    "remit.adapters.identity.key_sources",
    "remit.adapters.openapi",  # reads documents, for the mapped backoffice and for drafts
    "remit.adapters.store.sqlite.inspect",  # reads a store's file beside a serving desk (docs/decisions/0016)
    "remit.adapters.store.postgres.read_only",
)
"""Parts of plugs that plugs of other ports may use."""
INDEPENDENT = tuple(sorted(one.name for one in (SOURCE / "domain").iterdir() if one.is_dir() and one.name != "__pycache__"))


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


def dotted(one: Module) -> str:
    return "remit." + one.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def arrows() -> Mapping[str, AbstractSet[str]]:
    """Each file with the files it imports."""
    known = {dotted(one) for one in modules()}

    def imported(tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (
                    f"{node.module}.{one.name}" if f"{node.module}.{one.name}" in known else node.module or "" for one in node.names
                )

    return {dotted(one): (set(imported(one.tree)) & known) - {dotted(one)} for one in modules()}


def circles(graph: Mapping[str, AbstractSet[str]]) -> Iterator[set[str]]:
    """The strongly connected sets of more than one node (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> Iterator[set[str]]:
        order[node] = low[node] = len(order)
        stack.append(node)
        for after in sorted(graph.get(node, ())):
            if after not in order:
                yield from visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], order[after])
        if low[node] == order[node]:
            found = set(stack[stack.index(node) :])
            del stack[stack.index(node) :]
            if len(found) > 1:
                yield found

    for node in sorted(graph):
        if node not in order:
            yield from visit(node)


def room_of(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def test_no_room_imports_upward() -> None:
    upward = {
        f"{here} imports {there}"
        for here, found in arrows().items()
        for there in found
        if {room_of(here), room_of(there)} <= HEIGHTS.keys() and HEIGHTS[room_of(there)] > HEIGHTS[room_of(here)]
    }
    assert upward == set()


def test_no_two_files_import_each_other_in_a_circle() -> None:
    assert list(circles(arrows())) == []


def test_the_packages_of_the_domain_form_no_circle() -> None:
    packages: dict[str, set[str]] = {}
    for here, found in arrows().items():
        for there in found:
            one, other = (name.split(".")[2:3] for name in (here, there))
            if room_of(here) == room_of(there) == "domain" and one and other and {*one, *other} <= set(INDEPENDENT) and one != other:
                packages.setdefault(one[0], set()).add(other[0])
    assert list(circles(packages)) == []


def test_a_circle_is_noticed() -> None:
    assert list(circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == [{"a", "b", "c"}]


@pytest.mark.parametrize("one", [*of("domain"), *of("proof")], ids=lambda one: one.name)
def test_the_rules_use_the_standard_library_alone_and_neither_clock_chance_nor_io(one: Module) -> None:
    assert tops(one) <= STANDARD | MSGSPEC.get(one.name, set())
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
    assert not named & CHECKS or "remit.proof.errors.ProofError" in imports(one.tree), (
        f"use domain.transcript.verification: {named & CHECKS}"
    )


@pytest.mark.parametrize("one", of("client"), ids=lambda one: one.name)
def test_the_client_needs_nothing_but_httpx_and_joserfc_with_what_it_brings(one: Module) -> None:
    assert tops(one) <= STANDARD | CLIENT | EXTRAS.get(one.name, set())
    assert all(name.startswith(("remit.client", "remit.proof")) for name in imports(one.tree) if name.startswith("remit."))


@pytest.mark.parametrize("one", [one for one in of("sandbox") if one.name.startswith("sandbox/agents/")], ids=lambda one: one.name)
def test_agents_of_the_sandbox_know_the_client_and_nothing_else_of_ours(one: Module) -> None:
    allowed = ("remit.client", "remit.sandbox.agents")
    assert all(name.startswith(allowed) for name in imports(one.tree) if name.startswith("remit"))


@pytest.mark.parametrize("one", of("adapters"), ids=lambda one: one.name)
def test_a_plug_knows_no_plug_of_another_port(one: Module) -> None:
    own = f"remit.adapters.{one.name.split('/')[1].removesuffix('.py')}"
    others = {name for name in imports(one.tree) if name.startswith("remit.adapters.") and not f"{name}.".startswith(f"{own}.")}
    assert {name for name in others if not name.startswith(SHARED)} == set()


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


def test_no_test_file_is_imported_by_another_file() -> None:
    """What several test files share stands in a module beside them, or is a fixture of their folder."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    imported = {(file.name, name) for file in files for name in imports(ast.parse(file.read_text(encoding="utf-8")))}
    assert len(imported) > 1_000  # the imports are found at all
    assert [one for one in imported if any(part.startswith("test_") for part in one[1].split(".")[:-1])] == []


def test_news_is_waited_for_in_one_place_which_subscribes_before_it_reads() -> None:
    waits = {
        one.name
        for one in modules()
        for node in ast.walk(one.tree)
        if one.room != "adapters" and isinstance(node, ast.Attribute) and node.attr == "subscribe"
    }
    assert waits == {"engine/long_poll.py"}, "wait through read_awaited (docs/decisions/0040)"
