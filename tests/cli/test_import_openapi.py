"""`remit import openapi`: drafts that `remit check` finds valid, with every guess listed, and nothing in force."""

import json
import shutil
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cli.running import Run
from remit.adapters.backoffice.mapped.mapping import read_mapping
from remit.cli.output import ExitCode
from remit.domain.policy.rulebook import read_catalogue

ROOT = Path(__file__).parents[2]
REAL = ROOT / ".bench" / "openapi"
"""Documents of vendors, fetched by hand: they are not ours to keep."""
SMALL = ROOT / "tests" / "data" / "small-shop.openapi.yaml"


def drafted(remit: Run, document: Path, folder: Path) -> dict[str, Any]:
    ran = remit("--json", "import", "openapi", document, "--into", folder)
    assert ran.code == ExitCode.OK, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_a_draft_is_valid_and_asks_people_for_everything(remit: Run, tmp_path: Path) -> None:
    made = drafted(remit, SMALL, tmp_path / "draft")
    assert (made["actions"], made["writes"], made["kinds"]) == (8, 7, 3)
    checked = remit("--json", "check", "--config", tmp_path / "draft")
    assert checked.code == ExitCode.OK, checked.err
    catalogue = tomllib.loads((tmp_path / "draft/catalogue/draft.toml").read_text())
    mapping = tomllib.loads((tmp_path / "draft/mapping.toml").read_text())
    writes = {name: one for name, one in catalogue["action"].items() if one["effect"] == "write"}
    assert all(one["reversible"] is False and one["area"] != "routine" for one in writes.values())
    assert {mapping["action"][name]["promise"] for name in writes} == {"none"}
    policy = (tmp_path / "draft/policies/draft.cedar").read_text()
    assert 'containsAll(["customer", "officer:desk"])' in policy


def test_money_addresses_records_and_secrets_are_marked(remit: Run, tmp_path: Path) -> None:
    drafted(remit, SMALL, tmp_path / "draft")
    actions = tomllib.loads((tmp_path / "draft/catalogue/draft.toml").read_text())["action"]
    refund = actions["order.refund"]
    assert refund["area"] == "payment"
    assert refund["params"]["properties"]["amount"] == {"x-money": True}
    assert refund["params"]["properties"]["order_id"]["x-resource"] == "order"
    assert "{amount}" in refund["title"]
    update = actions["order.update"]["params"]["properties"]
    assert update["shipping_address"]["x-recipient"] is True
    assert "pin" not in update
    told = tomllib.loads((tmp_path / "draft/catalogue/draft.toml").read_text())["attribute"]
    assert "order.status" in told
    assert not [name for name in told if "token" in name]
    assert all(one["sensitive"] for one in told.values())


def test_the_report_lists_what_was_guessed_and_what_is_not_known(remit: Run, tmp_path: Path) -> None:
    made = drafted(remit, SMALL, tmp_path / "draft")
    report = (tmp_path / "draft/REPORT.md").read_text()
    assert report.count("\n- `") == made["guesses"]
    for said in (
        "customer_id is taken for the owner",
        "access_token may be a secret and is not mapped",
        "amount is taken for money in minor units",
        "lists records of everybody and is left out",
        "x-agentic-access is only a hint",
        "#/components/schemas/Gone",
        "https://evil.example/x.yaml",
    ):
        assert said in report


def test_a_folder_with_something_in_it_is_not_touched(remit: Run, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/mine").write_text("x")
    ran = remit("import", "openapi", SMALL, "--into", tmp_path / "rules")
    assert (ran.code, [one.name for one in (tmp_path / "rules").iterdir()]) == (ExitCode.REFUSED, ["mine"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("swagger: '2.0'", "no OpenAPI 3"),
        ("{", "neither JSON nor YAML"),
        ("openapi: 3.0.0\npaths: !!python/object/apply:os.system ['true']", "neither JSON nor YAML"),
        ("a: &a [x, x]\n" + "".join(f"{n}: &{n} [{', '.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)) + "openapi: 3.0.0", "too large"),
        ("openapi: 3.0.0\npaths: " + "[" * 200 + "]" * 200, "too deep"),
    ],
)  # fmt: skip
def test_a_document_that_is_none_is_refused(remit: Run, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    ran = remit("import", "openapi", tmp_path / "x.yaml", "--into", tmp_path / "draft")
    assert ran.code == ExitCode.REFUSED
    assert said in ran.err
    assert not (tmp_path / "draft").exists()


def test_references_to_files_and_addresses_are_not_followed(remit: Run, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("type: object\nproperties: {stolen: {type: string}}")
    document = SMALL.read_text().replace("https://evil.example/x.yaml", str(tmp_path / "secret.yaml"))
    (tmp_path / "x.yaml").write_text(document)
    drafted(remit, tmp_path / "x.yaml", tmp_path / "draft")
    assert "stolen" not in (tmp_path / "draft/catalogue/draft.toml").read_text()


def test_both_files_are_in_the_rules_digest(remit: Run, tmp_path: Path) -> None:
    drafted(remit, SMALL, tmp_path / "draft")
    shutil.copytree(tmp_path / "draft", tmp_path / "other")

    def rules(folder: str) -> str:
        return str(json.loads(remit("--json", "check", "--config", tmp_path / folder).out)["rules"])

    before = rules("draft")
    for name in ("mapping.toml", "openapi.json"):
        file = tmp_path / "other" / name
        file.write_text(file.read_text() + "\n")
        assert rules("other") != before
        before = rules("other")


@pytest.mark.parametrize("name", ["medusa.yaml", "intercom.yaml", "adyen.yaml", "adyen-management.json"])
def test_documents_of_vendors_are_drafted_in_five_seconds(remit: Run, tmp_path: Path, name: str) -> None:
    if not (REAL / name).exists():
        pytest.skip(f".bench/openapi/{name} is not here: docs/mapping.md says where it comes from")
    began = time.process_time()
    made = drafted(remit, REAL / name, tmp_path / "draft")
    assert time.process_time() - began < 5  # the promise
    assert made["actions"] > 10
    assert remit("check", "--config", tmp_path / "draft").code == ExitCode.OK


def test_the_example_of_the_documentation_fits_the_draft_of_medusa(remit: Run, tmp_path: Path) -> None:
    if not (REAL / "medusa.yaml").exists():
        pytest.skip(".bench/openapi/medusa.yaml is not here: docs/mapping.md says where it comes from")
    drafted(remit, REAL / "medusa.yaml", tmp_path / "draft")
    blocks = (ROOT / "docs" / "mapping.md").read_text().split("```toml\n")[1:]
    example = next(one.split("```")[0] for one in blocks if "[kind.payment.read]" in one)
    (tmp_path / "mapping.toml").write_text(example)
    rules = tomllib.loads((tmp_path / "draft/catalogue/draft.toml").read_text())
    kept = {"payment.refund": rules["action"]["payment.refund"]}
    catalogue = read_catalogue({**rules, "action": kept, "objective": {}}, today=None)
    assert read_mapping(tmp_path / "mapping.toml", tmp_path / "draft/openapi.json", catalogue).file.action.keys() == kept.keys()
