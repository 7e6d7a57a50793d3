"""The controls a report names are the frameworks' own: every identifier and title, and where a list is short, all of it."""

import pytest

from conformance.harness import vector_set
from packaged import FRAMEWORKS
from remit.domain.evidence.frameworks import Framework

LISTS = vector_set("frameworks")
BY_NAME = {one.name: one for one in FRAMEWORKS}


def named(framework: Framework) -> dict[str, str]:
    return {one.id: one.title for one in (*framework.controls, *framework.silent)}


def told(name: str, known: dict[str, str], *, whole: bool = False) -> None:
    """Compare a report's controls with the framework's own: every one of ours is theirs, and in a list of ten each is spoken of."""
    found = named(BY_NAME[name])
    assert found == known if whole else found.items() <= known.items()
    assert bool(BY_NAME[name].rest) is not whole


def listed(file: str) -> dict[str, str]:
    return {one["id"]: one["title"] for one in LISTS.read(f"frameworks/{file}")["items"]}


def test_frameworks_are_cited_by_their_own_identifiers(request: pytest.FixtureRequest) -> None:
    """One check a file; the page's reports cite nothing else."""
    maestro, atlas = LISTS.read("frameworks/csa-maestro.json"), LISTS.read("frameworks/mitre-atlas-5_6_0-agents.json")
    layers = {str(one["n"]): one["name"] for one in maestro["layers"]}
    threats = {one["id"]: one["name"] for one in (*maestro["core_threats"], *maestro["extended_threats"])}
    assert layers.items() <= named(BY_NAME["csa-maestro"]).items()
    rows = (*atlas["techniques"], *atlas["mitigations"])
    names = {one["id"]: one["name"] for one in rows}
    own = {one["id"]: f"{names[one['parent']]}: {one['name']}" if one["name"] == "Indirect" else one["name"] for one in rows}
    told("owasp-asi", listed("owasp-agentic-top10-2026.json"), whole=True)
    told("owasp-nhi", listed("owasp-nhi-top10-2025.json"), whole=True)
    told("csa-maestro", layers | threats)
    told("mitre-atlas", own)
    rmf = {one["id"] for one in LISTS.read("frameworks/nist-ai-rmf-1_0.json")["items"]}
    assert named(BY_NAME["nist-ai-rmf"]).keys() <= rmf
    assert BY_NAME["nist-ai-rmf"].rest
    LISTS.judge(request, {file: True for file in LISTS.files if "llm" not in file} | {"frameworks/owasp-llm-top10-2026.json": None})
