"""The connector over a fake of each hosted product, behind prism with the vendor's document: every request and answer is held to it.

All of the connector's promises, over the fakes alone, are in `tests/contracts/test_helpdesk_hosted.py`.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.connector_case import faults
from contracts.hosted.desk import NUMBERS, HostedDesk
from contracts.hosted.vendors import VENDORS
from real.prism import Prism, document
from remit.ports.helpdesk import TicketCard, WriteState

CARD = TicketCard(identity="“Shop”, helper.example (known)", state="waits for the customer", text="Remit: waits\n“Shop” speaks for anna.")


@pytest.fixture(scope="module", params=VENDORS)
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any, Prism]]:
    name = request.param
    fake = VENDORS[name].fake()
    prism = Prism(document(name, fake.routes, tmp_path_factory.mktemp(name)), fake.url + VENDORS[name].base)
    try:
        yield name, fake, prism
    finally:
        prism.stop()
        fake.stop()


@pytest.fixture
def desk(proxied: tuple[str, Any, Prism], tmp_path: Path) -> HostedDesk:
    name, fake, prism = proxied
    fake.reset()
    return HostedDesk(VENDORS[name], fake, prism.url, tmp_path / "journal.db", f"case_{next(NUMBERS)}x{time.time_ns()}")


def test_a_case_from_its_opening_to_its_end(desk: HostedDesk) -> None:
    """Notes with all kinds of letters, a card, officers who take the ticket and give it away, and its end."""
    assert desk.probe() == []
    desk.open(text="Zwei Zeilen, ü und €.\n\n  1 < 2 & <b>fett</b>")
    desk.note("k1", "We look into it.\nSoon & surely.", public=True, author="officer:ann")
    desk.do(lambda connector: connector.card(case=desk.case, key="k2", card=CARD))
    assert desk.texts() == ["Zwei Zeilen, ü und €.\n\n  1 < 2 & <b>fett</b>", "We look into it.\nSoon & surely.", CARD.text]
    assert desk.fake.fields(desk.ticket) == (CARD.identity, CARD.state)
    desk.fake.assign(desk.ticket, "ann")
    case = desk.read()
    assert (case.open, bool(case.assignee), case.reopened, case.reassigned) == (True, True, 0, 0)
    desk.close()
    assert not desk.read().open
    desk.fake.set_open(desk.ticket, open=True)
    desk.fake.assign(desk.ticket, "ben")
    case = desk.read()
    assert (case.open, case.reopened, case.reassigned) == (True, 1, 1)
    desk.fake.set_requester(desk.ticket, "mallory@mail.example")
    assert desk.read().requester == "mallory@mail.example"


def test_a_ticket_that_no_officer_has_is_closed_and_one_that_was_lost_is_found(desk: HostedDesk) -> None:
    desk.cuts += ["after"]
    faults(desk.open)
    desk.wait()
    desk.open()
    desk.close()
    assert (desk.texts(), desk.read().open) == (["The kettle leaks."], False)
    assert desk.do(lambda connector: connector.outcome("k-close")) is WriteState.DONE


def test_replies_of_officers_and_of_others_are_told(desk: HostedDesk) -> None:
    desk.open()
    other = replace(desk, case=f"{desk.case}b")
    other.open("k-open-2")
    desk.fake.say(desk.ticket, "ann", "We look into it.", public=True)
    desk.fake.say(other.ticket, "ann", "Released.", public=True, by_api=True)
    desk.settle()
    proven = desk.vendor.product.capabilities.proves_authors
    told = {one.case: one.address for one in desk.replies()}
    assert (told[desk.case], told[other.case]) == ("ann@desk.test" if proven else "", "")


def test_the_document_is_held_to(desk: HostedDesk) -> None:
    """An answer that breaks the document is a fault, and a request that it does not know reaches no fake."""
    desk.open()
    desk.fake.broken = True
    assert "answered 500" in faults(desk.read).detail
    desk.fake.broken = False
    seen = len(desk.fake.requests)
    assert httpx.get(f"{desk.url}/no/such/request", trust_env=False).status_code == 404
    assert len(desk.fake.requests) == seen
