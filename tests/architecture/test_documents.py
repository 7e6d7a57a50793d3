"""The documents: links lead somewhere, examples are valid, and what is named exists."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from architecture.sources import ROOT, SOURCE
from remit.adapters.files.catalogue import load_catalogue
from remit.adapters.params.schema import JsonSchemaParams
from remit.adapters.policy.cedar import CedarPolicy
from remit.domain.catalogue import Catalogue
from remit.domain.errors import Code
from remit.domain.mandate_reading import read_mandate
from remit.domain.policy_cases import read_policy_cases
from remit.domain.transcript import Kind
from remit.domain.values import Instant, decode
from remit.usecases import test_policies as running

PACK = SOURCE / "packs" / "consumer"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
NOW = Instant(1_790_000_000_000)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


@cache
def consumer() -> Catalogue:
    return load_catalogue([PACK / "catalogue.toml"], today=None)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    broken = [one for one in links if "://" not in one and not (page.parent / one.partition("#")[0]).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_and_test_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    rooms = "domain|usecases|ports|adapters|entrypoints|client|sandbox|packs"
    modules = set(re.findall(rf"`((?:{rooms})/[a-z_/]+?)(?:\.py)?`", text))
    assert {one for one in modules if not (SOURCE / one).exists() and not (SOURCE / f"{one}.py").exists()} == set()
    files = set(re.findall(r"`((?:tests|bench|docs|src)/[\w/.-]+)`", text))
    assert {one for one in files if not (ROOT / one).exists() and not (ROOT / f"{one}.py").exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text(encoding="utf-8"))) <= targets


@pytest.mark.parametrize("page", ["concepts.md", "quickstart.md", "standards.md", "the-path.md", "threat-model.md"])
def test_every_code_that_is_named_is_one(page: str) -> None:
    nouns = "|".join(sorted({code.value.partition(".")[0] for code in Code}))
    named = set(re.findall(rf"`((?:{nouns})\.[a-z_]+)`", (DOCS / page).read_text(encoding="utf-8")))
    files = {"agent.py"}
    assert named - {code.value for code in Code} - {kind.value for kind in Kind} <= files


def test_every_document_is_reached_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {one.name for one in DOCS.glob("*.md") if f"docs/{one.name}" not in text} == set()


def test_decisions_are_numbered_without_a_gap_and_say_what_was_decided() -> None:
    assert [int(one.name[:4]) for one in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for one in DECISIONS:
        text = one.read_text(encoding="utf-8")
        assert re.match(rf"# 0*{int(one.name[:4])}\. ", text), one.name
        assert re.search(r"## Decision|\*\*Decided\.\*\*|what was chosen", text), one.name


def test_the_mandate_that_is_shown_is_one() -> None:
    (text,) = blocks("concepts.md", "json")
    assert read_mandate(decode(text.encode()), consumer(), now=NOW).objective.type == "return-item"


def test_the_policies_and_cases_that_are_shown_hold() -> None:
    cedar, more = blocks("policies.md", "cedar")
    cases = [one for one in blocks("policies.md", "toml") if one.startswith("[[case]]")]
    catalogue = consumer()
    results = running.test_policies(
        [case for text in cases for case in read_policy_cases("policies.md", text, catalogue)],
        policy=CedarPolicy([("policies.md", cedar)], catalogue),
        params=JsonSchemaParams(catalogue),
        catalogue=catalogue,
    )
    assert [one.difference for one in results] == [""]
    CedarPolicy([("policies.md", cedar), ("more.md", more)], catalogue)


def test_the_pieces_of_a_catalogue_that_are_shown_are_those_of_the_pack() -> None:
    pack = re.sub(r"\s+", " ", (PACK / "catalogue.toml").read_text(encoding="utf-8"))
    action, waiver, _ = blocks("policies.md", "toml")
    for line in waiver.splitlines():
        assert re.sub(r"\s+", " ", line).strip() in pack
    assert '[action."payment.refund"]' in action
    assert consumer().action("payment.refund").title == "Refund {amount} for order {order_id} to {payment_method_id}"


def test_examples_in_python_are_python() -> None:
    for page in PAGES:
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            compile(block, page.name, "exec")


def test_every_command_that_is_shown_is_one_of_the_program() -> None:
    shown = subprocess.run([sys.executable, "-m", "remit", "--help"], capture_output=True, text=True, check=True, cwd=ROOT / "src").stdout
    commands = set(re.findall(r"^    ([a-z-]+)(?: |$)", shown, re.MULTILINE))
    assert {"init", "serve", "check"} <= commands
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|\$ |^    )remit ([a-z][a-z-]+)", text, re.MULTILINE))
        assert named <= commands, page.name


def test_what_does_not_work_yet_is_not_claimed_by_the_metadata() -> None:
    doors = json.dumps((SOURCE / "entrypoints" / "oauth.py").read_text(encoding="utf-8"))
    assert "bc-authorize" not in doors
    assert "mtls" not in doors
