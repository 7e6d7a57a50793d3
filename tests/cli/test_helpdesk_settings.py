"""Settings of the company's own helpdesk, as docs/helpdesk.md writes them."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from remit.domain.errors import Refused
from remit.domain.identity.event_signatures import EVENT_SCHEMES
from remit.settings import Settings
from remit.wiring.helpdesk import event_signing
from settings_made import settings_made

DOCUMENT = Path(__file__).parents[2] / "docs" / "helpdesk.md"


def as_written(base: Path, **changed: Any) -> Settings:
    """The document's own tables, with its files in a folder of the test."""
    (text,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (base / "rt-token").write_text("1-23-abc")
    tables = tomllib.loads(text.replace("/etc/remit", str(base)))
    tables["helpdesk"] = {name: value for name, value in {**tables["helpdesk"], **changed}.items() if value is not None}
    return settings_made(base, **tables)


def test_the_document_is_what_a_desk_starts_with(tmp_path: Path) -> None:
    (tmp_path / "rt-events").write_text("a secret of 16 b\n")
    settings = as_written(tmp_path)
    helpdesk = settings.remote_helpdesk
    assert helpdesk is not None
    assert (helpdesk.account, helpdesk.queue, helpdesk.identity_field, helpdesk.state_field) == (
        "remit",
        "Support",
        "Agent Identity",
        "Remit State",
    )
    assert event_signing(settings) == (EVENT_SCHEMES["rt"], b"a secret of 16 b")


def test_a_helpdesk_without_a_secret_has_unsigned_events_and_the_built_in_one_none(tmp_path: Path) -> None:
    assert event_signing(as_written(tmp_path, events_secret_file=None)) == (EVENT_SCHEMES["rt"], b"")
    assert event_signing(settings_made(tmp_path)) == (None, b"")


@pytest.mark.parametrize("content", [None, "", "short\n"])
def test_a_secret_that_cannot_sign_stops_the_start(tmp_path: Path, content: str | None) -> None:
    """⚔ An empty file is not taken for a helpdesk that signs nothing."""
    if content is not None:
        (tmp_path / "rt-events").write_text(content)
    with pytest.raises(Refused) as refused:
        event_signing(as_written(tmp_path))
    assert "helpdesk.events_secret_file" in str(refused.value)
