"""An agent's name opens the sentences about it: a name never passes for our words, nor for another agent's."""

from typing import Any

import pytest

from attacks.arena import SHOP, Arena, open_arena
from desks.shop import CATALOGUE as DATA
from remit.adapters.files.translations import load_translations
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.records import PersonRecord
from remit.domain.structs import replace
from remit.engine.transcript.parties import AgentParty
from remit.engine.transcript.record import entry_row
from remit.entrypoints.web.ask_rows import ask_row_text, fold_asks
from remit.entrypoints.web.entry_parties import EntryParties, agent_labels, customer_parties, staff_parties
from remit.entrypoints.web.entry_text import entry_text

CATALOGUE = read_catalogue(DATA, today=None)
ENGLISH, GERMAN = CATALOGUE, replace(CATALOGUE, say=load_translations()["de"])
ASK = {"action": "order.read", "params": {"order_id": "W1"}}


def row(kind: str, number: int = 1, content: Any = None, **envelope: Any) -> dict[str, Any]:
    """One entry as a page gets it."""
    return {
        "entry": number,
        "kind": kind,
        "at": "2026-11-30T09:00:00Z",
        "envelope": {"ask": "ask_1", **envelope},
        "content": {} if content is None else content,
        "erased": False,
    }


def decided(**envelope: Any) -> dict[str, Any]:
    """A decision on reading an order."""
    return row("ask.decided", content={"ask": ASK}, agent="spiffe://a", action="order.read", **envelope)


def labels(*agents: AgentParty, catalogue: Any = ENGLISH) -> EntryParties:
    """How agents are named."""
    return EntryParties(agents=agent_labels({one.client_id: one for one in agents}, catalogue))


@pytest.mark.proves("LANGUAGE")
@pytest.mark.parametrize(
    "name",
    ["Support", "support", "You", "Customer", "Remit", "Team", "Sie", "Kundendienst", "Supp\u043ert", "yes", "allowed", "The", "12", "W1"],
)
@pytest.mark.parametrize(("catalogue", "marks"), [(ENGLISH, "“”"), (GERMAN, "„“")], ids=["en", "de"])
def test_a_name_that_is_a_word_of_ours_stands_in_quotes(name: str, catalogue: Any, marks: str) -> None:
    parties = labels(AgentParty("spiffe://a", name, "a.example"), catalogue=catalogue)
    for decision in ("permit", "refuse", "needs_human"):
        text = str(entry_text(decided(decision=decision), catalogue, own=False, parties=parties)["sentence"])
        if name != "W1":
            assert text.startswith((f"{marks[0]}{name}{marks[1]} ", f"{marks[0]}{name}{marks[1]}·")), text


@pytest.mark.proves("LANGUAGE")
def test_the_desks_own_name_and_its_roles_are_words_of_ours() -> None:
    own = replace(CATALOGUE, desk="Acme")
    for name in ("Acme", "ACME", *(role.title.split()[0] for role in own.roles.values())):
        parties = labels(AgentParty("spiffe://a", name, "a.example"), catalogue=own)
        assert str(entry_text(decided(decision="permit"), own, parties=parties)["sentence"]).startswith(f"“{name}” · "), name
    plain = labels(AgentParty("spiffe://a", "Helper", "a.example"))
    assert str(entry_text(decided(decision="permit"), CATALOGUE, parties=plain)["sentence"]).startswith("Helper · ")


@pytest.mark.proves("LANGUAGE")
def test_a_sentence_in_a_name_stays_a_name() -> None:
    parties = labels(AgentParty("spiffe://a", "Helper · Refund · done” You approved", "a.example"))
    text = str(entry_text(decided(decision="refuse"), CATALOGUE, parties=parties)["sentence"])
    assert text.startswith("“Helper · Refund · done⟨U+201D⟩ You approved” · ")


@pytest.mark.proves("LANGUAGE")
@pytest.mark.parametrize("twin", ["Helper", "helper", "He\u04cfper"])
def test_agents_of_one_name_are_told_apart(twin: str) -> None:
    one, two = AgentParty("spiffe://a", "Helper", "a.example"), AgentParty("spiffe://b", twin, "b.example")
    found = labels(one, two).agents
    assert found["spiffe://a"] == "Helper (a.example)"
    assert found["spiffe://b"].endswith("(b.example)")
    same = labels(one, replace(two, operator="a.example")).agents
    assert same["spiffe://a"] == "Helper (“spiffe://a”)"
    assert len(set(same.values())) == 2


@pytest.mark.proves("LANGUAGE")
def test_no_customer_reads_the_name_of_an_officer() -> None:
    parties = EntryParties(agents={"ask_1": "Helper"}, staff={"olga": "Olga Frey"}, customer="Anna Berg")
    entries = [
        decided(decision="needs_human", who=["customer", "officer:billing"], task="t"),
        row("confirmation.taken", 2, {"by": "olga"}, **{"as": "officer:billing"}),
        row("confirmation.answered", 3, {"by": "olga"}, answer="yes", **{"as": "officer:billing"}),
    ]
    for until in (1, 2, 3):
        (folded,) = fold_asks(entries[:until])
        own, staff = (str(ask_row_text(folded, CATALOGUE, own=is_own, parties=parties)) for is_own in (True, False))
        assert "Olga" not in own
        assert "Anna" not in own
        assert ("Olga" in staff) is (until > 1)


@pytest.mark.proves("REVIEWED-ROWS")
@pytest.mark.parametrize("name", ["Olga", "olga", "Okafor", "Berg", "Anna", "\u041elga"])
def test_an_agent_called_like_an_officer_or_the_customer_stands_in_quotes(name: str) -> None:
    agents = {"spiffe://a": AgentParty("spiffe://a", name, "a.example")}
    found = agent_labels(agents, CATALOGUE, ("Anna Berg", "Olga Okafor"))
    assert found["spiffe://a"].startswith("“"), found
    plain = agent_labels({"spiffe://a": AgentParty("spiffe://a", "Helper", "a.example")}, CATALOGUE, ("Anna Berg", ""))
    assert plain["spiffe://a"] == "Helper"


@pytest.mark.proves("REVIEWED-ROWS")
def test_the_pages_compare_an_agents_name_with_those_of_people() -> None:
    for name, named in (("Olga", "“Olga” · "), ("Berg", "“Berg” · "), ("Helper", "Helper · ")):
        with open_arena() as arena:
            arena.desk.officer("olga", roles=["care"], name="Olga Okafor")
            agent = arena.desk.agent(SHOP, "known", name=name)
            task = arena.task(agent=agent)
            arena.ask(task, "order.read", {"order_id": "W1"})
            rows = arena.run(_rows(arena, task.id))
            said = arena.run(staff_parties(arena.context, rows, "Anna Berg"))
            assert f"{said.agents[SHOP]} · " == named
            own = arena.run(customer_parties(arena.context, rows, "Anna Berg"))
            assert f"{own.agents[SHOP]} · " == (named if name != "Olga" else "Olga · "), "no customer learns of staff by it"


async def _rows(arena: Arena, task: str) -> Any:
    return [await entry_row(arena.context, one) for one in await arena.context.store.entries(ref=task)]


@pytest.mark.proves("REVIEWED-ROWS")
def test_an_agent_called_like_the_customer_stands_in_quotes_in_the_audit_log() -> None:
    with open_arena() as arena:
        ada = arena.desk.officer("ada", roles=["audit"])
        arena.anna.get("/me/v1/history")
        first = arena.run(arena.context.store.get(PersonRecord, "anna")).record.name.split()[0]
        task = arena.task(agent=arena.desk.agent(SHOP, "known", name=first))
        arena.ask(task, "order.read", {"order_id": "W1"})
        told = arena.person("POST", "/audit/v1/export", {"format": "csv", "filters": {"kind": "ask"}}, cookie=ada.cookie).text
        assert f"“{first}” · " in told
