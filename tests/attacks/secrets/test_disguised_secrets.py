"""Messages with secrets, changed by lot, through the real doors: none stands in a log, the transcript, a ticket, a reply or the store."""

import logging
from pathlib import Path

import pytest

from attacks.arena import open_arena
from attacks.secrets.disguised import cleaned, everything, through_doors
from secrets_mutated import leaks_among, planted

DOORS = 120
CLEANED = 2_000


@pytest.mark.proves("SECRETS", "P11")
@pytest.mark.parametrize("setting", ["refuse", "redact"])
def test_no_changed_message_leaves_its_secret_anywhere(
    setting: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    sent = list(planted(7 if setting == "refuse" else 8, DOORS))
    with open_arena(store=f"sqlite:///{tmp_path}/store.db", settings={"words": {"secrets": setting}}) as arena:
        answers = through_doors(arena, sent)
        kept = f"{answers}{everything(arena, tmp_path)}{caplog.text}{''.join(capfd.readouterr())}"
    assert leaks_among(kept, sent) == []


@pytest.mark.proves("SECRETS")
def test_what_is_sent_would_be_noticed_where_it_is_kept() -> None:
    sent = list(planted(7, DOORS))
    told = [{"desk": {"text": one.text}} for one in sent]
    hidden = {(one.kind, one.disguise) for one in sent if len(one.secret) <= 6 and one.disguise != "plain"}
    found = {(kind, disguise) for kind, disguise, _ in leaks_among(f"{told}", sent)}
    assert {(one.kind, one.disguise) for one in sent} - hidden <= found


@pytest.mark.proves("SECRETS")
def test_an_ask_is_cleaned_wherever_its_secret_stands() -> None:
    with open_arena() as arena:
        assert [(one.kind, one.disguise, one.text) for one in planted(11, CLEANED) if not cleaned(arena, one)] == []
