"""The controls a report names are the frameworks' own: every identifier and title, and where a list is short, all of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from packaged import FRAMEWORKS
from remit.domain.evidence.frameworks import Framework

ROOT = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[2] / ".." / "shared")) / "vectors" / "frameworks"
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="the frameworks' lists are not here; set REMIT_SHARED")

BY_NAME = {one.name: one for one in FRAMEWORKS}


def named(framework: Framework) -> dict[str, str]:
    return {one.id: one.title for one in (*framework.controls, *framework.silent)}


def read(name: str) -> Any:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "file"), [("owasp-asi", "owasp-agentic-top10-2026.json"), ("owasp-nhi", "owasp-nhi-top10-2025.json")])
def test_a_list_of_ten_is_spoken_to_or_named_as_not_spoken_to_whole(name: str, file: str) -> None:
    assert named(BY_NAME[name]) == {one["id"]: one["title"] for one in read(file)["items"]}
    assert BY_NAME[name].rest == ""


def test_layers_and_threats_of_maestro_are_its_own() -> None:
    data = read("csa-maestro.json")
    layers = {str(one["n"]): one["name"] for one in data["layers"]}
    threats = {one["id"]: one["name"] for one in (*data["core_threats"], *data["extended_threats"])}
    found = named(BY_NAME["csa-maestro"])
    assert layers.items() <= found.items()
    assert found.items() <= (layers | threats).items()
    assert BY_NAME["csa-maestro"].rest


def test_techniques_and_mitigations_of_atlas_are_its_own() -> None:
    data = read("mitre-atlas-5_6_0-agents.json")
    rows = (*data["techniques"], *data["mitigations"])
    names = {one["id"]: one["name"] for one in rows}
    own = {one["id"]: f"{names[one['parent']]}: {one['name']}" if one["name"] == "Indirect" else one["name"] for one in rows}
    assert named(BY_NAME["mitre-atlas"]).items() <= own.items()
    assert BY_NAME["mitre-atlas"].rest


def test_subcategories_of_the_ai_rmf_exist() -> None:
    assert named(BY_NAME["nist-ai-rmf"]).keys() <= {one["id"] for one in read("nist-ai-rmf-1_0.json")["items"]}
    assert BY_NAME["nist-ai-rmf"].rest
