"""Where a desk names its officers to no reader, nothing that auditors or security can open says who did it."""

from collections.abc import Iterator
from typing import Any

import pytest

from attacks.arena import SHOP, Arena, open_arena
from remit.domain.transcript.people_named import without_people
from remit.domain.transcript.search import EntryNames, entry_tokens, parse_query
from remit.sandbox.people import SandboxPerson
from remit.usecases.transcript.search_index import TranscriptIndex

WORDS = ("zelda", "quentin")


@pytest.fixture
def unnamed() -> Iterator[Arena]:
    with open_arena(settings={"transcript": {"officers_named_to": []}}) as arena:
        yield arena


def acted(arena: Arena) -> tuple[SandboxPerson, SandboxPerson, str]:
    """Officers who worked at an incident, stopped an agent and changed roles; the incident's id."""
    zelda = arena.desk.officer("zelda", roles=["security"], name="Zelda")
    quentin = arena.desk.officer("quentin", roles=["security", "admin"], name="Quentin")
    task = arena.task()
    arena.ask(task, "order.read", {"order_id": "W1"}, words=f"My token is {task.token}")
    incident = str(zelda.get("/security/v1/incidents")["incidents"][0]["incident"])
    path = f"/security/v1/incidents/{incident}"
    zelda.post(f"{path}/assign", {"owner": "quentin"})
    zelda.post(f"{path}/notes", {"text": "seen"})
    quentin.post(f"{path}/assign", {"owner": "me"})
    proposal = zelda.post("/security/v1/people/quentin/roles", {"roles": ["security"]})["proposal"]["proposal"]
    lee = arena.desk.officer("lee", roles=["admin"])
    lee.post(f"/security/v1/proposals/{proposal}", {"answer": "yes"})
    zelda.post("/security/v1/suspend", {"agent": SHOP, "reason": "asked for too much"})
    return zelda, quentin, incident


@pytest.mark.proves("REVIEWED-ROWS")
def test_no_officer_is_named_to_auditors_by_any_member(unnamed: Arena) -> None:
    acted(unnamed)
    ada = unnamed.desk.officer("ada", roles=["audit"])
    told = str(ada.get("/audit/v1/rows?limit=200")) + str(ada.get("/audit/v1/entries"))
    told += unnamed.person("POST", "/audit/v1/export", {"format": "jsonl", "filters": {}}, cookie=ada.cookie).text
    told += unnamed.person("POST", "/audit/v1/export", {"format": "csv", "filters": {}}, cookie=ada.cookie).text
    assert [word for word in WORDS if word in told.lower()] == []
    for word in WORDS:
        assert ada.get(f"/audit/v1/rows?q={word}")["rows"] == []


@pytest.mark.proves("REVIEWED-ROWS")
def test_no_entry_is_looked_up_by_an_officer(unnamed: Arena) -> None:
    acted(unnamed)
    ada = unnamed.desk.officer("ada", roles=["audit"])
    assert ada.get("/audit/v1/entries?ref=quentin")["entries"] == []
    for page in ("/audit?ref=quentin", "/audit?ref=quentin&low=0"):
        assert "person.changed" not in unnamed.person("GET", page, cookie=ada.cookie).text
    assert ada.get("/audit/v1/entries?ref=anna")["entries"] != []


@pytest.mark.proves("REVIEWED-ROWS")
def test_no_officer_is_named_to_security(unnamed: Arena) -> None:
    _, _, incident = acted(unnamed)
    sam = unnamed.desk.officer("sam", roles=["security"])
    for path in (
        "/security/v1/events",
        "/security/v1/changes",
        "/security/v1/decisions",
        f"/security/v1/agents/{SHOP}",
        "/security/v1/incidents",
        "/security/v1/incidents?state=all&owner=quentin",
        f"/security/v1/incidents/{incident}",
        "/security/v1/suspensions",
    ):
        answer = unnamed.person("GET", path, cookie=sam.cookie)
        assert answer.status_code in {200, 404}, path
        assert [word for word in WORDS if word in answer.text.lower()] == [], path
    assert sam.get("/security/v1/incidents?owner=quentin")["incidents"] == []
    page = unnamed.person("GET", f"/security/incidents/{incident}", cookie=sam.cookie).text
    assert "Someone from support is working on it." in page
    assert "Quentin</strong>" not in page
    assert "Note by Zelda" not in page


@pytest.mark.proves("REVIEWED-ROWS")
def test_an_owner_still_finds_what_is_theirs(unnamed: Arena) -> None:
    _, quentin, incident = acted(unnamed)
    (mine,) = quentin.get("/security/v1/incidents?owner=me")["incidents"]
    assert (mine["incident"], mine["owner"], mine["owned"]) == (incident, "quentin", True)


@pytest.mark.proves("REVIEWED-ROWS")
def test_the_index_holds_no_officer_that_no_search_may_find(unnamed: Arena) -> None:
    """Else the time of a search tells: an officer's rows were opened and refused, another word's were not."""
    acted(unnamed)
    index, desk = TranscriptIndex(), unnamed.context

    async def candidates(word: str) -> int:
        query = parse_query(word, {}, now=desk.world.now())
        found = [one async for one in index.candidates(desk, query, before=10_000, deadline=desk.world.ticks() + 60)]
        return sum(not isinstance(one, int) for one in found)

    assert unnamed.run(candidates("anna")) > 0
    for word in ("officer:zelda", "zelda", "officer:quentin", "quentin"):
        assert unnamed.run(candidates(word)) == 0, word


@pytest.mark.proves("REVIEWED-ROWS")
def test_members_that_hold_people_are_no_words() -> None:
    members: dict[str, Any] = dict.fromkeys(
        ("by", "owner", "owner_before", "sent_by", "settled_by", "reviewed_by", "to", "person"), "zelda"
    )
    row: dict[str, Any] = {"kind": "incident.assigned", "envelope": {}, "content": members | {"note": "words"}, "erased": False}
    tokens, _ = entry_tokens(row, EntryNames())
    assert "w:words" in tokens
    assert "w:zelda" not in tokens
    assert without_people(row)["content"] == {"note": "words"}
