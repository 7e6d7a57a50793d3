"""Settings of the company's own helpdesk, as docs/helpdesk.md writes them."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.helpdesk.remote.hosted.products import HOSTED as HOSTED_PRODUCTS
from remit.adapters.world.system import SystemWorld
from remit.cli.doctor import _modes
from remit.domain.errors import Refused
from remit.domain.identity.event_signatures import EVENT_SCHEMES
from remit.settings import Settings
from remit.wiring.helpdesk import event_signing, open_remote_helpdesk
from settings_made import settings_made

DOCUMENT = Path(__file__).parents[2] / "docs" / "helpdesk.md"
HOSTED = DOCUMENT.with_name("helpdesk-hosted.md")


def as_written(base: Path, product: str = "rt", **changed: Any) -> Settings:
    """The document's own tables for a product, with its files in a folder of the test."""
    found = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (text,) = [one for one in found if f'helpdesk = "{product}"' in one]
    for name in ("rt-token", "roundup-password"):
        (base / name).write_text("1-23-abc")
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


@pytest.mark.parametrize("product", ["intercom", "zendesk", "freshdesk", "jira"])
def test_the_document_of_a_hosted_product_is_what_a_desk_starts_with(tmp_path: Path, product: str) -> None:
    found = re.findall(r"```toml\n(.*?)```", HOSTED.read_text(), re.DOTALL)
    (text,) = [one for one in found if f'helpdesk = "{product}"' in one]
    (tmp_path / f"{product}-token").write_text("remit@desk.example/token:abc")
    (tmp_path / f"{product}-events").write_text("a secret of 16 b")
    settings = settings_made(tmp_path, **tomllib.loads(text.replace("/etc/remit", str(tmp_path))))
    helpdesk = settings.remote_helpdesk
    assert helpdesk is not None
    assert (helpdesk.product, helpdesk.case_field) == (product, "Remit Case")
    assert event_signing(settings) == (EVENT_SCHEMES[product], b"a secret of 16 b")
    database = DeskDatabase(tmp_path / "desk.db")
    connector, connections = open_remote_helpdesk(helpdesk, database, SystemWorld(), loopback=False)
    connections.close()
    database.close()
    assert connector.capabilities == HOSTED_PRODUCTS[product].capabilities


def test_the_document_of_roundup_is_what_a_desk_starts_with(tmp_path: Path) -> None:
    (tmp_path / "roundup-events").write_text("a secret of 16 b\n")
    settings = as_written(tmp_path, "roundup")
    helpdesk = settings.remote_helpdesk
    assert helpdesk is not None
    assert (helpdesk.product, helpdesk.account, helpdesk.queue) == ("roundup", "remit", "")
    assert event_signing(settings) == (EVENT_SCHEMES["roundup"], b"a secret of 16 b")


@pytest.mark.parametrize("key", ["queue", "case_field", "identity_field", "state_field"])
def test_what_roundup_has_not_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(Refused, match=f"helpdesk.{key}"):
        as_written(tmp_path, "roundup", **{key: "x"})


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


def test_the_doctor_sees_that_others_may_read_the_secrets_of_a_helpdesk(tmp_path: Path) -> None:
    (tmp_path / "rt-events").write_text("a secret of 16 b")
    settings = as_written(tmp_path)
    (tmp_path / "rt-token").chmod(0o600)
    (tmp_path / "rt-events").chmod(0o644)
    assert [one.says for one in _modes(settings) if one.state == "wrong"] == [f"{tmp_path / 'rt-events'} is open to others."]
