"""The settings of the decision point: what is missing or wrong stops the start with its key and the cure."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from remit.domain.errors import Refused
from remit.wiring.decision_point import load_decision_point
from settings_made import settings_made

CALLER = {"name": "router", "sha256_file": "caller", "actions": ["*"]}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "caller").write_text(hashlib.sha256(b"secret").hexdigest())
    (tmp_path / "p.cedar").write_text("permit(principal, action, resource);")
    (tmp_path / "broken.json").write_text('{"a": 1, "a": 2}')
    (tmp_path / "nan.json").write_text('[{"type": "a", "id": "b", "properties": {"c": NaN}}]')
    return tmp_path


def said(base: Path, **point: Any) -> str:
    with pytest.raises(Refused) as refused:
        load_decision_point(settings_made(base, decision_point=point).decision_point)
    return str(refused.value.detail)


@pytest.mark.parametrize(
    ("point", "says"),
    [
        ({"policies": ["p.cedar"]}, "decision_point.callers are missing"),
        ({"callers": [CALLER]}, "decision_point.policies is missing: without policies a caller can only ask about acts"),
        ({"callers": [{**CALLER, "acts": True}], "entities": [{}]}, "decision_point.policies is missing"),
        ({"policies": ["none.cedar"], "callers": [CALLER]}, "decision_point.policies names none.cedar"),
        ({"policies": ["p.cedar"], "entities": "none.json", "callers": [CALLER]}, "decision_point.entities names"),
        ({"policies": ["p.cedar"], "entities": "broken.json", "callers": [CALLER]}, "broken.json is no JSON that can be read"),
        ({"policies": ["p.cedar"], "entities": "nan.json", "callers": [CALLER]}, "nan.json is no JSON that can be read: NaN is no number"),
        ({"policies": ["p.cedar"], "entities": 7, "callers": [CALLER]}, "decision_point.entities must be"),
        ({"policies": ["p.cedar"], "entities": [{"type": "x"}], "callers": [CALLER]}, "entity 1: has no type and id"),
        ({"policies": ["p.cedar"], "callers": [{**CALLER, "actions": []}]}, "decision_point.callers.actions must be"),
        ({"policies": ["p.cedar"], "callers": [{"name": "a", "sha256_file": "caller"}]}, "decision_point.callers.actions is missing"),
        ({"policies": ["p.cedar"], "callers": [CALLER, CALLER]}, "decision_point.callers.name (table 2 of 2) must be another one"),
        ({"policies": ["p.cedar"], "callers": [{**CALLER, "name": "Not One"}]}, "decision_point.callers.name must be a plain name"),
        ({"policies": ["p.cedar"], "callers": [{**CALLER, "secret": "x"}]}, "decision_point.callers.secret is unknown"),
        ({"policies": ["p.cedar"], "callers": [{**CALLER, "sha256_file": "p.cedar"}]}, "decision_point.callers.sha256_file names"),
        ({"policies": ["p.cedar"], "schema": "none", "callers": [CALLER]}, "decision_point.schema names"),
    ],
)
def test_a_wrong_decision_point_is_one_line_with_its_key(base: Path, point: dict[str, Any], says: str) -> None:
    assert said(base, **point).startswith(says)


def test_without_callers_there_is_none_and_rules_stay_what_they_were(base: Path) -> None:
    assert settings_made(base).decision_point is None
    made = load_decision_point(settings_made(base, decision_point={"policies": ["p.cedar"], "callers": [CALLER]}).decision_point)
    assert made is not None
    assert (made.callers[0].acts, made.for_acts, made.callers[0].sha256) == (False, False, hashlib.sha256(b"secret").digest())


def test_a_secret_is_not_part_of_the_rules_and_permissions_are(base: Path) -> None:
    point: dict[str, Any] = {"policies": ["p.cedar"], "callers": [CALLER]}
    first = settings_made(base, decision_point=point).decision_point
    wider = settings_made(base, decision_point={**point, "callers": [{**CALLER, "acts": True}]}).decision_point
    assert first is not None
    assert wider is not None
    assert first.digest_input != wider.digest_input
    assert "sha256" not in str(first.digest_input)
