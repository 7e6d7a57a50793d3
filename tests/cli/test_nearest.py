"""A mistyped name is answered in one line with the nearest one there is: on the command line, in settings, catalogue and rules."""

from pathlib import Path

import pytest

from cli.running import Run, change
from remit.domain.text.nearest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("argv", "near"),
    [
        (["serv"], "serve"),
        (["verify-lag"], "verify-log"),
        (["agent", "lst"], "list"),
        (["person", "recovr", "anna"], "recover"),
        (["serve", "--prot", "80"], "--port"),
        (["policy", "test", "--confg", "x"], "--config"),
        (["person", "invite", "anna", "--minuets=5"], "--minutes"),
        (["demo", "--act-as", "oficer"], "officer"),
        (["completion", "bsh"], "bash"),
    ],
)
def test_a_mistyped_command_or_option(remit: Run, argv: list[str], near: str) -> None:
    ran = remit(*argv)
    assert ran.code == 2
    assert f"(did you mean {near}?)" in ran.err
    assert ran.err.count("\n") == 1


def test_a_pack(remit: Run, tmp_path: Path) -> None:
    assert "Cure: Did you mean consumer?" in remit("init", "--pack", "consumr", tmp_path / "new").err


@pytest.mark.parametrize(
    ("file", "old", "new", "near"),
    [
        ("remit.toml", 'secrets = "refuse"', 'secrts = "refuse"', "Did you mean words.secrets?"),
        ("remit.toml", "[server]\nissuer", "[servr]\nissuer", "Did you mean server?"),
        ("catalogue/catalogue.toml", 'short = "View an order"', 'shrt = "View an order"', "did you mean short?"),
        (
            "catalogue/catalogue.toml",
            'need Billing"\nactions = ["payment.refund"]',
            'need Billing"\nactions = ["payment.refnd"]',
            "payment.refund?",
        ),
        ("catalogue/catalogue.toml", '[[waiver]]\naction = "payment.refund"', '[[waiver]]\naction = "payment.refnd"', "payment.refund?"),
        ("catalogue/catalogue.toml", 'returns = ["order.status"]', 'returns = ["order.statos"]', "did you mean order.status?"),
        ("catalogue/catalogue.toml", 'roles = ["billing"]', 'roles = ["biling"]', "did you mean billing?"),
        ("catalogue/catalogue.toml", 'effect = "write"', 'effect = "writ"', "did you mean write?"),
        ("policies/20-money.cedar", 'action == Action::"payment.refund"', 'action == Action::"payment.refnd"', "payment.refund?"),
        ("policies/10-everyday.cedar", "context.risk >= 60", "context.rsk >= 60", "(did you mean risk?)"),
        ("policy_cases/money.toml", 'action = "order.return"', 'action = "order.retrun"', "did you mean order.return?"),
        ("policy_cases/money.toml", 'confirmed_by = ["customer"]', 'confirmd_by = ["customer"]', "did you mean confirmed_by?"),
    ],
)
def test_a_mistyped_name_in_a_file(remit: Run, desk: Path, file: str, old: str, new: str, near: str) -> None:
    path = desk / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    ran = remit("check", "--config", desk)
    assert ran.code == 1
    assert near in ran.err, ran.err
    assert ran.err.count("\n") == 1


def test_a_variable_of_the_environment(remit: Run, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_ISUER", "http://localhost")
    assert "Did you mean REMIT_ISSUER?" in remit("check", "--config", desk).err


def test_what_is_far_from_every_name_is_given_none(remit: Run, desk: Path) -> None:
    assert "did you mean" not in remit("xyzzy").err
    change(desk, 'secrets = "refuse"', 'quux = "refuse"')
    assert "Did you mean" not in remit("check", "--config", desk).err
    assert nearest("x" * 10_000, ["x" * 9_999]) == ""
    assert did_you_mean("RISK", ["risk"]) == " (did you mean risk?)"
