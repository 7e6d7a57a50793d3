"""The public AuthZEN files against the running server: 56 checks of the certification scenario, 127 of the OpenID Foundation's suite."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest

from conformance.authzen_checks import CERTIFICATION, SUITE, Point, Row, rows
from conformance.authzen_desk import decision_point, new_desk
from conformance.authzen_vectors import needs_vectors, vectors
from conformance.harness import vector_set
from example_desk import ROOT, served
from remit.__main__ import main


@pytest.fixture(scope="module")
def point(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Point]:
    with decision_point(tmp_path_factory.mktemp("authzen"), "certification") as running:
        yield running


@pytest.fixture(scope="module")
def table(point: Point) -> list[Row]:
    """One row for each check of the files, as they are."""
    return list(rows(point))


@needs_vectors
@pytest.mark.parametrize(("name", "file", "checks"), [("authzen-certification", CERTIFICATION, 56), ("authzen-suite", SUITE, 127)])
def test_every_check_of_the_public_files_passes(
    table: list[Row], name: str, file: str, checks: int, request: pytest.FixtureRequest
) -> None:
    assert Counter(row.file for row in table)[file] == checks
    vector_set(name).judge(request, {row.check: row.reason or True for row in table if row.file == file})


@needs_vectors
def test_requests_and_answers_follow_the_schemas(point: Point, request: pytest.FixtureRequest) -> None:
    schemas = vector_set("authzen-schemas")
    asked = next(
        test for test in vectors(CERTIFICATION)["tests"] if test["path"].endswith("/evaluation") and test["expect"]["status"] == 200
    )
    answer = point.send(asked)
    for file, value in (("request", asked["request"]), ("response", answer.json())):
        jsonschema_rs.validator_for(schemas.read(f"authzen/schemas/evaluation-{file}.schema.json")).validate(value)
    schemas.judge(request, dict.fromkeys(schemas.files, True))


@pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "openssl"))), reason="remit: NOT RUN: no curl or openssl here. Cure: apt-get install curl openssl"
)
def test_the_page_s_own_example_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "decision-point.md").read_text()
    blocks = dict(re.findall(r"`(decisions/[a-z.]+)`:\n\n```\w+\n(.*?)```", page, re.DOTALL))
    shell, curl = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    table = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]
    wanted = re.findall(r"```sh\ncurl.*?```\n\n```json\n(.*?)```", page, re.DOTALL)[0]
    desk = new_desk(tmp_path)
    (desk / "decisions").mkdir()
    for name, text in blocks.items():
        (desk / name).write_text(text)
    subprocess.run(["sh", "-ec", shell], cwd=desk, check=True)
    with (desk / "remit.toml").open("a") as settings:
        settings.write(f"\n{table}")
    assert main(["check", "--config", str(desk)]) == 0
    with served(desk) as base:
        told = subprocess.run(["sh", "-ec", curl], cwd=desk, check=True, capture_output=True, text=True, env={**os.environ, "DESK": base})
    assert told.stdout.strip() == wanted.strip()
