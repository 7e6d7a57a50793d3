"""The starter packs: complete, valid, and each policy shown by a permit, a held and a refused case."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from contracts.packs import PACKS, pack, run_all
from remit.adapters.backoffice.effects import _BY_PACK, EFFECTS
from remit.adapters.files.pack import pack_files, pack_names, read_desk, read_pack
from remit.adapters.params.schema import JsonSchemaParams
from remit.adapters.policy.cedar_check import PolicyStatement, read_statements
from remit.adapters.policy.cedar_schema import build_model
from remit.adapters.policy.cedar_slices import scope_matches
from remit.domain.catalogue.model import Effect
from remit.domain.errors import MEANINGS, Code, Refused
from remit.domain.mandate.cover import match_powers
from remit.domain.mandate.parse import read_mandate
from remit.domain.policy.cases import CaseResult, ExpectedDecision
from remit.domain.values import Instant


@cache
def results(name: str) -> tuple[CaseResult, ...]:
    found, catalogue = pack(name)
    return run_all(found, catalogue, found.policies)


def test_there_are_three_packs_by_the_names_of_the_command_line() -> None:
    assert pack_names() == PACKS
    assert read_pack("service_desk") == read_pack("service-desk")


@pytest.mark.parametrize("name", ["", "..", "../consumer", "consumer/..", "nothing", "/etc"])
def test_a_name_that_is_no_pack_is_refused_before_it_is_a_path(name: str) -> None:
    for reading in (read_pack, pack_files):
        with pytest.raises(Refused) as refused:
            reading(name)
        assert refused.value.code is Code.SETTINGS_INVALID


@pytest.mark.parametrize("name", PACKS)
def test_every_policy_case_comes_out_as_it_says(name: str) -> None:
    assert [f"{one.case.file}: {one.case.title}: {one.difference}" for one in results(name) if not one.passed] == []


@pytest.mark.parametrize("name", PACKS)
def test_every_policy_is_shown_by_a_permit_a_held_and_a_refused_case(name: str) -> None:
    found, catalogue = pack(name)
    models = build_model(catalogue).actions
    missing = []
    for statement in read_statements(found.policies, allow_unnamed=False):
        shown = {one.answer.expect for one in results(name) if scope_matches(statement.policy, models[one.case.action])}
        missing.extend(f"{statement.id}: {expect}" for expect in ExpectedDecision if expect not in shown)
    assert missing == []


@pytest.mark.parametrize("name", PACKS)
def test_taking_any_policy_away_is_noticed_by_a_case(name: str) -> None:
    found, catalogue = pack(name)
    statements = read_statements(found.policies, allow_unnamed=False)
    unnoticed = []
    for gone in statements:
        rest = "".join(one.text for one in statements if one is not gone)
        if all(one.passed for one in run_all(found, catalogue, (("rest.cedar", rest),))):
            unnoticed.append(gone.id)
    assert unnoticed == []


@pytest.mark.parametrize("name", PACKS)
def test_the_built_in_desk_can_do_every_write_of_the_pack(name: str) -> None:
    _, catalogue = pack(name)
    writes = {action.name for action in catalogue.actions.values() if action.effect is Effect.WRITE and not action.builtin}
    assert writes - EFFECTS.keys() == set()


def test_no_effect_stands_under_two_names_or_is_never_used() -> None:
    assert len(EFFECTS) == sum(len(effects) for effects in _BY_PACK)
    used = {name for one in PACKS for name in pack(one)[1].actions}
    assert EFFECTS.keys() - used == set()


@pytest.mark.parametrize("name", PACKS)
def test_every_action_stands_in_an_objective_and_every_objective_has_examples(name: str) -> None:
    _, catalogue = pack(name)
    reached = {action for objective in catalogue.objectives.values() for action in objective.actions}
    assert catalogue.actions.keys() - reached == set()
    assert all(objective.examples for objective in catalogue.objectives.values())


@pytest.mark.parametrize("name", PACKS)
def test_the_first_records_are_of_declared_kinds_and_known_customers(name: str) -> None:
    found, catalogue = pack(name)
    for record in found.seed["records"]:
        assert record["kind"] in catalogue.resources, record["id"]
        assert catalogue.resources[record["kind"]].public == (record["owners"] == []), record["id"]
        assert set(record["owners"]) <= found.seed["customers"].keys(), record["id"]
    for customer in found.seed["customers"].values():
        assert customer["attributes"].keys() <= catalogue.attributes.keys()


@pytest.mark.parametrize("name", PACKS)
def test_the_asks_of_the_examples_are_valid_and_name_known_answers(name: str) -> None:
    found, catalogue = pack(name)
    params = JsonSchemaParams(catalogue)
    codes = {code.value for code in MEANINGS}
    assert found.examples
    for example in found.examples.values():
        assert isinstance(example, dict)
        assert example["customer"] in found.seed["customers"]
        assert example["mandate"]["objective"]["type"] in catalogue.objectives
        for ask in example["asks"]:
            params.verify(ask["action"], ask["params"])
            assert (ask["expect"] == "refuse") == ("code" in ask)
            assert ask.get("code", "action.unknown") in codes


@pytest.mark.parametrize("name", PACKS)
def test_the_mandates_of_the_examples_cover_their_asks_as_they_say(name: str) -> None:
    found, catalogue = pack(name)
    for example in found.examples.values():
        assert isinstance(example, dict)
        mandate = read_mandate(example["mandate"], catalogue, now=Instant(1_767_780_000_000))
        for ask in example["asks"]:
            action = catalogue.action(ask["action"])
            if ask["action"] not in catalogue.objective(mandate.objective.type).actions:
                assert ask["code"] == Code.OBJECTIVE_ACTION_OUTSIDE
            elif ask.get("code", "").startswith("mandate."):
                with pytest.raises(Refused) as refused:
                    match_powers(mandate, catalogue, action, ask["params"])
                assert refused.value.code == ask["code"]
            else:
                assert match_powers(mandate, catalogue, action, ask["params"])


@pytest.mark.parametrize("name", PACKS)
def test_a_folder_made_of_a_pack_reads_like_the_pack(name: str, tmp_path: Path) -> None:
    for file, raw in pack_files(name).items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(raw)
    assert read_desk(tmp_path, name=name) == read_pack(name)
    assert (tmp_path / "README.md").is_file()


@pytest.mark.parametrize(
    ("file", "raw", "code"),
    [
        ("catalogue.toml", b"[desk", Code.CATALOGUE_INVALID),
        ("catalogue.toml", b"\xff", Code.CATALOGUE_INVALID),
        ("policies/10-everyday.cedar", b"\xff", Code.POLICY_INVALID),
        ("seed.json", b'{"customers": {}, "customers": {}}', Code.SETTINGS_INVALID),
        ("seed.json", b"[]", Code.SETTINGS_INVALID),
        ("examples/return-item.json", b"{", Code.SETTINGS_INVALID),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_name(file: str, raw: bytes, code: Code, tmp_path: Path) -> None:
    for name, content in {**pack_files("consumer"), file: raw}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused) as refused:
        read_desk(tmp_path, name="mine")
    assert refused.value.code is code
    assert file.rpartition("/")[2] in refused.value.detail


def test_a_folder_without_a_catalogue_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_desk(tmp_path, name="mine")
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert "remit init" in refused.value.detail


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("catalogue.de.toml", "[floor]\nsecurity = []\n"),
        ("catalogue.de.toml", "[language.fr.role]\nbilling = 'Facturation'\n"),
        ("catalogue.de.toml", "[[waiver]]\naction = 'payment.refund'\n"),
        ("catalogue.toml", "[language.de.role]\nbilling = 'Kasse'\n"),
    ],
)
def test_a_file_of_a_language_holds_that_language_alone_and_nowhere_else(file: str, text: str, tmp_path: Path) -> None:
    for path, raw in pack_files("consumer").items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(raw)
    assert "de" in read_desk(tmp_path, name="mine").catalogue["language"]  # type: ignore[operator]  # a table
    before = (tmp_path / file).read_text(encoding="utf-8")
    (tmp_path / file).write_text(f"{before}\n{text}", encoding="utf-8")
    with pytest.raises(Refused, match=r"catalogue\.de\.toml") as refused:
        read_desk(tmp_path, name="mine")
    assert refused.value.code is Code.CATALOGUE_INVALID


CONDITION = re.compile(r"\b(when|unless)\s*\{")
NUMBER = re.compile(r'decimal\("(\d+\.\d\d)"\)|(?:>=|<) (\d+)')


def conditions(text: str) -> Iterator[tuple[int, int]]:
    """Where each `when {…}` and `unless {…}` of a policy stands."""
    for found in CONDITION.finditer(text):
        depth, at = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        yield found.start(), at


def changed(statement: PolicyStatement) -> Iterator[tuple[str, str]]:
    """The policy without each of its conditions, and with each of its numbers a little up and down; and what was changed."""
    text = statement.text
    for start, end in conditions(text):
        yield text[start:end], text[:start] + text[end:]
    for found in NUMBER.finditer(text):
        place = 1 if found[1] else 2
        number = found[place]
        for step in (1, -1):
            other = f"{(int(number.replace('.', '')) + step) / 100:.2f}" if found[1] else str(int(number) + step)
            yield f"{found[0]} as {other}", text[: found.start(place)] + other + text[found.end(place) :]


@pytest.mark.parametrize("name", PACKS)
def test_every_condition_and_number_of_a_policy_is_noticed_by_a_case(name: str) -> None:
    found, catalogue = pack(name)
    statements = read_statements(found.policies, allow_unnamed=False)
    unnoticed = []
    for statement in statements:
        for what, text in changed(statement):
            rest = "".join(text if one is statement else one.text for one in statements)
            if all(one.passed for one in run_all(found, catalogue, (("changed.cedar", rest),))):
                unnoticed.append(f"{statement.id}: {what}")
    assert unnoticed == []
