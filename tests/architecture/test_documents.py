"""The documents: links lead somewhere, examples are valid, and what is named exists."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from architecture.sources import ROOT, SOURCE
from remit.adapters.files.catalogue import load_catalogue
from remit.adapters.params.schema import JsonSchemaParams
from remit.adapters.policy.cedar import CedarPolicy
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code
from remit.domain.mandate.parse import read_mandate
from remit.domain.policy.cases import read_policy_cases
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant, decode_json
from remit.usecases.policy import run_cases
from requirements import REQUIREMENTS

PACK = SOURCE / "packs" / "consumer"
DOCS = ROOT / "docs"
MODEL = DOCS / "model"
MODEL_PAGES = sorted(f"model/{one.name}" for one in MODEL.glob("*.md"))
GONE = ("product", "model", "architecture", "wire", "standards", "components", "peers", "performance", "visitors", "house")
CODED_PAGES = ("concepts.md", "quickstart.md", "standards.md", "the-path.md", "threat-model.md")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
CITING = sorted(
    path
    for folder in ("src", "tests", "bench", "docs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".pyi", ".md", ".toml", ".js", ".html"} and "node_modules" not in path.parts
)
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
NOW = Instant(1_790_000_000_000)
NOW_DAY = date(2026, 9, 21)


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


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page: the explicit ones, and those that a heading gets from its words."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    return frozenset(re.findall(r'<a id="([a-z0-9-]+)"></a>', text)) | slugs


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_to_an_anchor_finds_it(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    found = [(page.parent / target if target else page, anchor) for target, anchor in links]
    assert [(name_of(target.resolve()), anchor) for target, anchor in found if anchor not in anchors(target)] == []


def cited() -> Iterator[tuple[str, str, str]]:
    """(citing file, page, anchor) of every `docs/….md#anchor`; `, #other` behind one is an anchor of the same page."""
    reference = re.compile(r"\b(docs/[a-z/-]+\.md)((?:(?:, )?#[a-z0-9-]+)+)")
    for path in CITING:
        for page, rest in reference.findall(path.read_text(encoding="utf-8")):
            yield from ((name_of(path), page, anchor) for anchor in re.findall(r"#([a-z0-9-]+)", rest))


def test_every_rule_that_is_cited_stands_in_the_model() -> None:
    found = list(cited())
    assert len({path for path, _, _ in found}) > 100  # the citations are found at all
    assert [one for one in found if not (ROOT / one[1]).exists() or one[2] not in anchors(ROOT / one[1])] == []


def test_the_source_of_every_requirement_exists() -> None:
    named = {one.source.partition(";")[0] for one in REQUIREMENTS.values() if one.source.startswith("docs/")}
    assert named
    split = [(ROOT / page, anchor) for page, _, anchor in (one.partition("#") for one in named)]
    assert [name_of(page) for page, _ in split if not page.exists()] == []
    assert [(name_of(page), anchor) for page, anchor in split if anchor and anchor not in anchors(page)] == []


def test_a_reference_to_the_model_names_an_anchor() -> None:
    bare = re.compile(r"docs/model/[a-z]+\.md(?!#)")
    assert [name_of(path) for path in CITING if bare.search(path.read_text(encoding="utf-8"))] == []


def test_no_document_is_cited_that_is_not_here() -> None:
    old = re.compile(rf"\b\d+-(?:{'|'.join(GONE)})\.md")
    assert [name_of(path) for path in (*CITING, *PAGES) if old.search(path.read_text(encoding="utf-8"))] == []


def test_every_decision_that_is_cited_exists() -> None:
    record = re.compile(r"docs/decisions/[\w-]+\.md")
    named = [(name_of(path), one) for path in CITING for one in record.findall(path.read_text(encoding="utf-8"))]
    assert [one for one in named if not (ROOT / one[1]).exists()] == []


def test_no_anchor_stands_twice_on_a_page() -> None:
    for page in MODEL.glob("*.md"):
        found = re.findall(r'<a id="([^"]*)"></a>', page.read_text(encoding="utf-8"))
        assert len(found) == len(set(found)), page.name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_and_test_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    rooms = "proof|domain|ports|engine|usecases|adapters|entrypoints|settings|wiring|cli|client|sandbox|packs|frameworks"
    modules = set(re.findall(rf"`((?:{rooms})/[a-z_/]+?)(?:\.py)?`", text))
    assert {one for one in modules if not (SOURCE / one).exists() and not (SOURCE / f"{one}.py").exists()} == set()
    files = set(re.findall(r"`((?:tests|bench|docs|src)/[\w/.-]+)`", text))
    assert {one for one in files if not (ROOT / one).exists() and not (ROOT / f"{one}.py").exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text(encoding="utf-8"))) <= targets


@pytest.mark.parametrize("page", [*MODEL_PAGES, *CODED_PAGES])
def test_every_code_that_is_named_is_one(page: str) -> None:
    nouns = "|".join(sorted({code.value.partition(".")[0] for code in Code}))
    named = set(re.findall(rf"`((?:{nouns})\.[a-z_]+)`", (DOCS / page).read_text(encoding="utf-8")))
    files = {"agent.py", "codes.md"}
    assert named - {code.value for code in Code} - {kind.value for kind in Kind} <= files


def test_every_document_is_reached_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {name_of(one) for one in (*DOCS.glob("*.md"), *MODEL.glob("*.md")) if name_of(one) not in text} == set()


def test_decisions_are_numbered_without_a_gap_and_say_what_was_decided() -> None:
    assert [int(one.name[:4]) for one in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for one in DECISIONS:
        text = one.read_text(encoding="utf-8")
        assert re.match(rf"# 0*{int(one.name[:4])}\. ", text), one.name
        assert re.search(r"## Decision|\*\*Decided\.\*\*|what was chosen", text), one.name


def test_the_catalogue_that_the_model_shows_is_one() -> None:
    (text,) = blocks("model/model.md", "toml")
    assert list(read_catalogue(tomllib.loads(text), today=NOW_DAY).objectives) == ["get-refund"]


@pytest.mark.parametrize("page", ["concepts.md", "model/model.md"])
def test_the_mandate_that_is_shown_is_one(page: str) -> None:
    (text,) = blocks(page, "json")
    assert read_mandate(decode_json(text.encode()), consumer(), now=NOW).objective.type == "return-item"


def test_the_policies_and_cases_that_are_shown_hold() -> None:
    cedar, more = blocks("policies.md", "cedar")
    cases = [one for one in blocks("policies.md", "toml") if one.startswith("[[case]]")]
    catalogue = consumer()
    results = run_cases.run_policy_cases(
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
    doors = json.dumps((SOURCE / "entrypoints" / "agents" / "oauth.py").read_text(encoding="utf-8"))
    assert "bc-authorize" not in doors
    assert "mtls" not in doors
