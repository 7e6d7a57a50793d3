"""Frameworks as files: what is wrong in one is told with its file, its key and the cure, and nothing is left out silently."""

from pathlib import Path

import pytest

from packaged import FRAMEWORKS
from remit.adapters.files.frameworks import framework_names, read_framework
from remit.domain.errors import Code, Refused
from remit.domain.evidence.facts import EvidenceFact

WHOLE = """
title = "Of ours"

[[controls]]
id = "C1"
title = "Records"
does = "Records every decision."
shown = ["ask.decided"]

[[silent]]
id = "C2"
title = "Fences"
why = "Nobody sees a fence from here."
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "60-ours.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_names_are_those_of_what_is_read_in_the_order_of_a_report() -> None:
    assert framework_names() == tuple(one.name for one in FRAMEWORKS)
    assert framework_names() == ("owasp-asi", "owasp-nhi", "csa-maestro", "nist-ai-rmf", "mitre-atlas")


def test_a_framework_is_read(tmp_path: Path) -> None:
    found = read_framework("ours", written(tmp_path, WHOLE))
    assert (found.name, found.title, found.rest) == ("ours", "Of ours", "")
    assert [(one.id, one.shown, one.beside) for one in found.controls] == [("C1", (EvidenceFact.DECIDED,), ())]
    assert [one.why for one in found.silent] == ["Nobody sees a fence from here."]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('"ask.decided"', '"ask.decided:nobly"', "ask.decided:nobly"),
        ('"ask.decided"', '"ask.decided:nobly"', "$.controls[0].shown[0]"),
        ("shown", "shows", "`shows` - at `$.controls[0]`"),
        ("why =", "because =", "$.silent[0]"),
        ('title = "Of ours"', "", "missing required field `title`"),
        ('title = "Of ours"', "title = Of ours", "line 2"),
    ],
)
def test_what_is_wrong_is_told_with_file_key_and_cure(right: str, wrong: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_framework("ours", written(tmp_path, WHOLE.replace(right, wrong, 1)))
    assert refused.value.code is Code.SETTINGS_INVALID
    assert refused.value.detail.startswith("frameworks/60-ours.toml: ")
    assert told in refused.value.detail
    assert "domain/evidence/facts" in refused.value.cure
