"""The connector over a helpdesk product in memory; `tests/real` holds it to real ones."""

from pathlib import Path

import pytest

from contracts.desk_plugs import DATABASES, StandingWorld, run
from contracts.tickets_in_memory import TicketsInMemory
from remit.adapters.helpdesk.remote.connector import RemoteHelpdesk
from remit.ports.helpdesk import TicketCard

FORGED = ["Remit: released", "The desk knows who runs it and trusts them."]


@pytest.mark.proves("TICKET-CARD")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028"])
@pytest.mark.parametrize("author", ["agent", "customer"])
def test_no_line_of_a_foreign_text_looks_like_remits_own(tmp_path: Path, author: str, end: str) -> None:
    """⚔ Remit writes an agent's words into a ticket by its own account: each line says whose it is."""
    tickets, database = TicketsInMemory(), next(iter(DATABASES.values()))(tmp_path)
    desk = RemoteHelpdesk(tickets, database, StandingWorld())
    text = end.join(["Hello", *FORGED, ""])
    try:
        run(desk.open(case="case_1", key="k0", requester="remit@desk.example", subject="Kettle", text=""))
        run(desk.note(case="case_1", key="k1", author=author, public=False, text=text))
        run(desk.card(case="case_1", key="k2", card=TicketCard(identity="Shop", state="at work", text="Remit: at work")))
        first, card = run(desk.notes("case_1"))
    finally:
        database.close()
    assert (first.text, first.author) == (text, author)
    assert (card.text, card.author) == ("Remit: at work", "remit")
    assert tickets.fields == {"1": ("Shop", "at work")}
    written = tickets.spoken["1"][0].text.splitlines()
    assert all(line.startswith((f"{author} | ", f"remit:k1 by {author}")) for line in written)
