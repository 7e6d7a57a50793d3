"""Vector sets of others as tests: one `sets/<name>.toml` each, which says what is expected to fail here, and why.

A check passes, is *excepted* (it runs and fails, for a reason in the set's file; one that starts to pass fails the run),
or is *not offered* (this version has nothing it could be run against; the reason stands in the set's file, too). The run
compares what came out with `docs/conformance.md`; `make conformance-table` writes that page.
"""

import fnmatch
import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SETS = Path(__file__).parent / "sets"
SHARED = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[3] / "shared")) / "vectors"
_REVISION_CHARACTERS = 12


@dataclass(frozen=True)
class VectorSet:
    """One row of `docs/conformance.md`: where its checks come from, through which door they go, and what is expected of them."""

    name: str
    title: str
    door: str
    source: str
    revision: str
    files: tuple[str, ...] = ()
    excepted: Mapping[str, str] = field(default_factory=dict)
    not_offered: Mapping[str, str] = field(default_factory=dict)

    def read(self, file: str = "") -> Any:
        """Read one file of the set (its only one, if none is named). Without the vectors the module is not run, and says so."""
        path = SHARED / (file or self.files[0])
        if not path.is_file():
            pytest.skip(f"remit: NOT RUN: {path.name} is not here; set REMIT_SHARED to the folder with vectors/", allow_module_level=True)
        return json.loads(path.read_text(encoding="utf-8"))

    def each(self, checks: Iterable[str] | Mapping[str, Any], name: str = "check") -> pytest.MarkDecorator:
        """Parametrize a test by the checks: the argument `name` is the check's value, or its id where `checks` are ids alone.

        A check in `[excepted]` must fail; one in `[not_offered]` is counted and not run. Ids are unique in the whole set.
        """
        values = checks if isinstance(checks, Mapping) else {each: each for each in checks}
        declared = list(values)
        params = []
        for check, value in values.items():
            if reason_of(check, self.not_offered) is not None:
                continue
            marks = [pytest.mark.conformance(self.name, check, () if params else declared)]
            if (reason := reason_of(check, self.excepted)) is not None:
                marks.append(pytest.mark.xfail(reason=reason, strict=True))
            params.append(pytest.param(value, id=check, marks=marks))
        return pytest.mark.parametrize(name, params)

    def judge(self, request: pytest.FixtureRequest, outcomes: Mapping[str, bool | str | None]) -> None:
        """Record many checks that one test ran, such as those of another's tool.

        `True` is passed, `False` or a text (what went wrong) is failed, `None` was not run because it is not offered. A pattern in
        `[excepted]` gives the reason of those that fail; one that fits no failure any more fails the run.

        Raises:
            AssertionError: a check came out in another way than the set's file says.
        """
        wrong = {}
        for check, found in outcomes.items():
            expected = "excepted" if reason_of(check, self.excepted) is not None else "passed"
            expected = "not offered" if reason_of(check, self.not_offered) is not None else expected
            outcome = "passed" if found is True else "not offered" if found is None else "excepted"
            if outcome != expected and not (found is True and check not in self.excepted and expected == "excepted"):
                wrong[check] = f"{found!r}, and the set's file says {expected}"
            request.node.user_properties.append(("conformance", [self.name, check, outcome, [check]]))
        assert not wrong, f"{self.name}: {wrong}"


def vector_set(name: str) -> VectorSet:
    """Read `sets/<name>.toml`: title, door, and files (or source and revision, where no stored file is run)."""
    told = tomllib.loads((SETS / f"{name}.toml").read_text(encoding="utf-8"))
    files = tuple(sorted(files_named(told.get("files", ()))))
    return VectorSet(
        name=name,
        title=told["title"],
        door=told["door"],
        source=told.get("source", ", ".join(f"`{one}`" for one in told.get("files", ()))),
        revision=told.get("revision", "") or _revision(files),
        files=files,
        excepted=told.get("excepted", {}),
        not_offered=told.get("not_offered", {}),
    )


def all_sets() -> Iterator[VectorSet]:
    """Read every set there is, by name."""
    for path in sorted(SETS.glob("*.toml")):
        yield vector_set(path.stem)


def reason_of(check: str, reasons: Mapping[str, str]) -> str | None:
    """Give the reason for a check, by its id or by the first pattern (`prefix*`) that fits it."""
    if check in reasons:
        return reasons[check]
    return next((reason for key, reason in reasons.items() if key.endswith("*") and fnmatch.fnmatchcase(check, key)), None)


def files_named(patterns: Iterable[str]) -> set[str]:
    """Give the files of the vectors' folder that patterns name; a file that is not here is given as written."""
    found: set[str] = set()
    for pattern in patterns:
        found |= {str(path.relative_to(SHARED)) for path in SHARED.glob(pattern) if path.is_file()} or {pattern}
    return found


def _revision(files: Iterable[str]) -> str:
    """Give the commit that the first stored file names."""
    for path in (SHARED / file for file in files):
        data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        if isinstance(data, dict) and "commit" in data:
            return str(data["commit"])[:_REVISION_CHARACTERS]
    return ""
