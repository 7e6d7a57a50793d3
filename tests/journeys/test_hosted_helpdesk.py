"""A whole desk whose helpdesk is a hosted one, by a fake: an agent's task, its card, an officer who answers there, and its end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena, open_arena
from contracts.hosted.desk import Cut
from contracts.hosted.vendors import VENDORS, Vendor
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.adapters.helpdesk.remote.connector import RemoteHelpdesk
from remit.adapters.helpdesk.remote.hosted.dialect import HostedHelpdesk
from remit.sandbox import SandboxTask

Desk = tuple[Arena, Vendor, Any]


@pytest.fixture(params=VENDORS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk of the consumer pack whose helpdesk is the product."""
    vendor = VENDORS[request.param]
    fake, database = vendor.fake(), DeskDatabase(tmp_path / "journal.db")
    connections = Cut(fake.url + vendor.base, [])
    dialect = HostedHelpdesk(connections, vendor.product, vendor.names, token=vendor.token)
    with open_arena() as made:
        fake.now = lambda: made.context.world.now() // 1000
        fake.own_address(made.context.terms.requester)
        helpdesk = RemoteHelpdesk(dialect, database, made.context.world, vendor.product.capabilities)
        object.__setattr__(made.context, "helpdesk", helpdesk)
        yield made, vendor, fake

        async def hang_up() -> None:
            connections.close()

        made.run(hang_up())  # on the desk's own loop, which does not end with open connections
    database.close()
    fake.stop()


def notes(arena: Arena, task: SandboxTask) -> list[str]:
    return [note.text for note in arena.run(arena.context.helpdesk.notes(task.case))]


def test_an_officer_answers_in_the_product_and_remit_checks_it(desk: Desk) -> None:
    """⚔ A draft is sent once where it may be told and its author is proven, and is an incident everywhere else."""
    arena, vendor, fake = desk
    arena.desk.officer("ann", roles=["billing"], email="ann@desk.test")
    task = arena.task()
    task.ask("order.return", SEND_BACK)
    arena.desk.sweep()
    (ticket,) = fake.tickets_of(task.case)
    identity, state = fake.fields(ticket)
    assert ("helper.example" in identity, state) == (True, "waiting for approval by the customer")
    assert any(f"/desk/cases/{task.case}" in text for text in notes(arena, task))
    for text in ("We look into it.", "She was born on 1988-04-17."):
        fake.say(ticket, "ann", text, public=True)
    arena.clock.ahead_ms = vendor.product.capabilities.settled_ms + 2000
    for _ in range(2):
        arena.desk.sweep()
    arena.clock.ahead_ms = 0  # the agent's clock stood still
    told = notes(arena, task)
    if vendor.product.capabilities.proves_authors:
        assert [one["text"] for one in task.inbox()] == ["We look into it."]
        assert "Remit sent this reply to the agent." in told
        assert any("did not send" in text for text in told)
    else:
        assert [one["text"] for one in task.inbox()] == []
        assert len(arena.entries("message.blocked")) == 2


@pytest.mark.parametrize("what", ["closed", "requester", "given away"])
def test_what_an_officer_does_in_the_product_ends_the_task(desk: Desk, what: str) -> None:
    arena, _, fake = desk
    task = arena.task()
    (ticket,) = fake.tickets_of(task.case)
    fake.assign(ticket, "ann")
    arena.context.woken_tickets.add(ticket)
    arena.desk.sweep()
    assert arena.entries("task.ended") == [], "the first officer takes it up"
    {
        "closed": lambda: fake.set_open(ticket, open=False),
        "requester": lambda: fake.set_requester(ticket, "mallory@mail.example"),
        "given away": lambda: fake.assign(ticket, "ben"),
    }[what]()
    arena.context.woken_tickets.add(ticket)
    arena.desk.sweep()
    (entry,) = arena.entries("task.ended")
    assert entry["envelope"]["reason"] == ("case_closed" if what == "closed" else "case_reassigned")
    arena.desk.sweep()
    assert notes(arena, task)[-1].startswith("Remit: ended: ")
