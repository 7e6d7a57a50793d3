"""The model of the words check in a desk's rules: on where it is installed, recorded, and never silently off."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli.running import Run, Serve, change, found, refused
from remit.wiring import words
from settings_made import settings_made

NAME = "minilm"


@pytest.fixture
def auto(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without a setting: tests else run without the model."""
    monkeypatch.setenv("REMIT_WORDS_MODEL", "auto")


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is taken away."""
    monkeypatch.setattr(words, "missing_package", lambda: "onnxruntime")


def test_a_desk_without_the_setting_takes_the_model_that_is_installed(tmp_path: Path) -> None:
    assert settings_made(tmp_path).words_model == "auto"
    assert settings_made(tmp_path, words={"model": ""}).words_model == "none", "as an older remit.toml may have it"


@pytest.mark.proves("WORDS-MODEL")
@pytest.mark.usefixtures("auto")
def test_it_is_on_where_it_is_installed_and_the_record_says_so(remit: Run, desk: Path, serve: Serve) -> None:
    told = remit("check", "--json", "--config", desk)
    assert (told.json["words_model"], told.code) == (NAME, 0)
    serving = serve(desk)
    assert serving.said["words_model"] == NAME
    assert serving.said["rules"] == told.json["rules"]
    assert serving.stop() == 0
    with closing(sqlite3.connect(f"file:{desk / 'data' / 'store.sqlite'}?mode=ro", uri=True)) as store:
        ((outline,),) = store.execute("select json_extract(body, '$.outline') from record where kind = 'rules'").fetchall()
    assert '"words_model":"minilm"' in outline
    (says,) = found(remit, desk, "words")
    assert (says["state"], "model minilm (sha-256:8199be6f" in says["says"]) == ("ok", True)


@pytest.mark.proves("WORDS-MODEL")
@pytest.mark.usefixtures("auto")
def test_the_rules_digest_is_that_of_the_model_set_by_hand(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for name in ("auto", NAME):
        monkeypatch.setenv("REMIT_WORDS_MODEL", name)
        digests.add(remit("check", "--json", "--config", desk).json["rules"])
    assert len(digests) == 1
    monkeypatch.setenv("REMIT_WORDS_MODEL", "none")
    assert remit("check", "--json", "--config", desk).json["rules"] not in digests


@pytest.mark.proves("WORDS-MODEL")
@pytest.mark.parametrize("changed", [False, True], ids=["the same rules", "another catalogue, too"])
@pytest.mark.usefixtures("auto")
def test_a_model_in_force_that_is_gone_stops_the_start(
    remit: Run, desk: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, *, changed: bool
) -> None:
    """⚔ Who takes a package away, or forgets it in an image, does not take a check away."""
    assert serve(desk).stop() == 0
    if changed:
        catalogue = desk / "catalogue" / "catalogue.toml"
        text = catalogue.read_text(encoding="utf-8")
        assert "where is my parcel?" in text
        catalogue.write_text(text.replace("where is my parcel?", "where is it?"), encoding="utf-8")
    monkeypatch.setattr(words, "missing_package", lambda: "onnxruntime")
    for command in (("serve", "--port", "0"), ("check",)):
        refused(remit(*command, "--config", desk), "settings.invalid", "the rules in force have it, and the package onnxruntime is gone")
    (says,) = [one for one in found(remit, desk, "rules") if one["state"] == "wrong"]
    assert "words.model" in says["says"]
    monkeypatch.setenv("REMIT_WORDS_MODEL", "none")
    assert remit("check", "--config", desk).code == 0, "somebody decided so, and the next policy.changed says it"


@pytest.mark.usefixtures("auto", "gone")
def test_without_the_extra_a_new_desk_is_served_by_rules_and_says_so(remit: Run, tmp_path: Path) -> None:
    desk = tmp_path / "new"
    assert remit("init", desk).code == 0
    told = remit("check", "--config", desk)
    assert told.code == 0
    assert "by rules alone: the model is not installed (onnxruntime is missing)" in told.out
    assert 'pip install "remit[words]"' in told.out
    (says,) = found(remit, desk, "words")
    assert says["state"] == "look"


@pytest.mark.proves("WORDS-MODEL")
def test_rules_that_two_people_approved_stay_theirs_when_the_extra_comes(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    approved = remit("check", "--json", "--config", desk).json["rules"]  # without it
    monkeypatch.setenv("REMIT_WORDS_MODEL", "auto")
    change(desk, 'issuer = "http://localhost', 'issuer = "https://desk.example"  # "http://localhost')
    told = remit("check", "--json", "--config", desk)
    assert (told.json["rules"], told.json["in_force"], told.json["words_model"]) == (approved, "in force", "")
    assert "not in the rules that two people approved" in remit("check", "--config", desk).out
    monkeypatch.setenv("REMIT_WORDS_MODEL", NAME)
    assert remit("check", "--json", "--config", desk).json["in_force"].startswith("not in force; two admins")


@pytest.mark.usefixtures("auto")
def test_a_desk_that_reads_no_english_has_no_model(remit: Run, desk: Path) -> None:
    change(desk, 'languages = ["en"]', 'languages = ["de"]')
    told = remit("check", "--json", "--config", desk)
    assert (told.json["words_model"], told.code) == ("", 0)


@pytest.mark.proves("WORDS-MODEL")
@pytest.mark.usefixtures("auto")
def test_a_model_that_does_not_work_here_stops_the_start_with_a_cure(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        """Of which a library cannot be loaded."""

        @staticmethod
        def import_module(name: str) -> None:
            raise ImportError(f"{name}: cannot open shared object file", name=name)

    words.load_text_model.cache_clear()
    monkeypatch.setattr(words, "importlib", Broken)
    before = shutil.copytree(desk, desk.with_name("before"))
    refused(remit("serve", "--port", "0", "--config", desk), "settings.invalid", "needs the extra `words`")
    for folder in (before, desk):  # what does not start adopts no rules
        monkeypatch.setenv("REMIT_WORDS_MODEL", "none")
        assert remit("check", "--json", "--config", folder).json["in_force"] == "in force"
