"""A search of the transcript, and an export of what it finds, tell nobody what was erased or is not theirs, and run nothing."""

import csv
import io
from typing import Any
from urllib.parse import urlencode

import pytest

from attacks.arena import SEND_BACK, Arena, code_of, mandate, open_arena
from attacks.people.accounts import erased
from remit.domain.records import PersonRecord
from remit.domain.structs import replace
from remit.domain.transcript.search import MAX_TOKENS, EntryNames, entry_tokens, parse_query
from remit.ports.store import Commit, Put
from remit.sandbox.people import SandboxPerson
from remit.usecases.transcript import export_rows, search_index
from remit.usecases.transcript.export_rows import safe_cell
from remit.usecases.transcript.rows import find_rows
from remit.usecases.transcript.search_index import TranscriptIndex

AUNT = "The kettle of my aunt Gertrud leaks."


@pytest.fixture
def ada(arena: Arena) -> SandboxPerson:
    return arena.desk.officer("ada", roles=["audit"])


def rows(person: SandboxPerson, **asked: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"/audit/v1/rows?{urlencode({'limit': '200', **asked})}")["rows"]
    return found


def exported(arena: Arena, person: SandboxPerson, written: str = "jsonl", **filters: str) -> str:
    answer = arena.person("POST", "/audit/v1/export", {"format": written, "filters": filters}, cookie=person.cookie)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.proves("SEARCH-ERASED")
def test_erased_content_is_found_by_nothing_and_is_in_no_export(arena: Arena, ada: SandboxPerson) -> None:
    granted, task = arena.granted()
    assert task.ask("case.comment", {"text": AUNT}).outcome == "done"
    assert arena.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"
    arena.anna.revoke(granted)
    for word in ("gertrud", "kettle", "customer:anna", "i1"):
        assert rows(ada, q=word), word
    assert "Gertrud" in exported(arena, ada)
    erased(arena)
    for word in ("gertrud", "kettle", "i1"):
        assert rows(ada, q=word) == [], word
    for word in ("anna", "customer:anna"):
        assert not any(one["erased"] for one in rows(ada, q=word)), word
    left = rows(ada, kind="ask")
    assert left, "what stands in envelopes stays"
    assert {(one["customer"], one["customer_name"], str(one["params"])) for one in left} == {("", "", "{}")}
    told = exported(arena, ada) + exported(arena, ada, "csv")
    assert "Gertrud" not in told
    assert not any('"customer": "anna"' in line for line in told.splitlines() if '"erased": true, "entries"' in line)


@pytest.mark.proves("SEARCH-ERASED")
def test_what_the_index_read_before_the_keys_went_is_found_by_nothing_afterwards(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the record of an erasure and the end of its keys the content still opens, and the index reads it."""
    granted, task = arena.granted()
    assert task.ask("case.comment", {"text": AUNT}).outcome == "done"
    arena.anna.revoke(granted)
    index, destroy, seen = TranscriptIndex(), arena.context.vault.destroy_keys, list[int]()

    async def found() -> int:
        query = parse_query("gertrud", {}, now=arena.context.world.now())
        return len((await find_rows(arena.context, index, query, patience_s=60)).rows)

    async def destroyed_after_a_search(ids: Any) -> int:
        seen.append(await found())
        return await destroy(ids)

    monkeypatch.setattr(arena.context.vault, "destroy_keys", destroyed_after_a_search)
    erased(arena)
    assert seen == [1]
    assert arena.run(found()) == 0


@pytest.mark.proves("SEARCH-ROLES")
def test_a_search_and_an_export_are_auditors_alone(arena: Arena, ada: SandboxPerson) -> None:
    arena.task()
    assert rows(ada)
    others = [arena.desk.officer("olga", roles=["billing"]), arena.desk.officer("sam", roles=["security"]), arena.anna]
    for person in others:
        asked = arena.person("GET", "/audit/v1/rows?q=anna", cookie=person.cookie)
        taken = arena.person("POST", "/audit/v1/export", {"format": "csv", "filters": {}}, cookie=person.cookie)
        page = arena.person("GET", "/audit?q=anna", cookie=person.cookie)
        assert (code_of(asked), code_of(taken), page.status_code) == ("person.not_allowed", "person.not_allowed", 403)
    assert arena.entries("transcript.exported") == []


@pytest.mark.proves("SEARCH-ROLES")
def test_an_export_ends_with_the_role_of_its_reader(arena: Arena, ada: SandboxPerson, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_rows, "_CHECK_EVERY", 1)
    monkeypatch.setattr(export_rows, "_PIECE", 1)
    task = arena.task()
    for number in range(4):
        task.ask("case.comment", {"text": f"Number {number}"})
    encode, given = export_rows._json_row, list[int]()

    async def demote() -> None:
        kept = await arena.context.store.get(PersonRecord, "ada")
        await arena.context.store.commit(Commit(puts=(Put(replace(kept.record, roles=()), kept.rev, kept.record),)))

    async def rows_and_a_change(*given_: Any, **more: Any) -> Any:
        async for row in scan(*given_, **more):
            yield row
            if given and not isinstance(row, int):
                await demote()

    def encoded(row: Any, sentence: str) -> bytes:
        given.append(row.entry)
        return encode(row, sentence)

    scan = export_rows.scan_rows
    monkeypatch.setattr(export_rows, "scan_rows", rows_and_a_change)
    monkeypatch.setattr(export_rows, "_json_row", encoded)
    with pytest.raises(Exception, match=r"person\.not_allowed|needs audit|peer closed|incomplete"):
        exported(arena, ada)
    assert len(given) == 1


@pytest.mark.proves("SEARCH-ROLES")
def test_officers_are_named_where_the_desk_names_them_and_nowhere_else() -> None:
    for named in (["audit", "security"], ["security"], []):
        with open_arena(settings={"transcript": {"officers_named_to": named}}) as arena:
            ada = arena.desk.officer("ada", roles=["audit"])
            olga = arena.desk.officer("olga", roles=["care"], name="Olga Okafor")
            task = arena.task()
            task.ask("case.comment", {"text": "Hello there"})
            olga.post(f"/desk/v1/cases/{task.case}/reply", {"text": "We are looking into it."})
            arena.desk.officer("ada", roles=["audit"])
            page = arena.person("GET", "/audit?q=kind:reply", cookie=ada.cookie).text
            told = exported(arena, ada) + exported(arena, ada, "csv") + str(rows(ada))
            story = ada.get(f"/audit/v1/cases/{task.case}")["entries"]
            (sent,) = [one["entry"] for one in story if one["kind"] == "reply.sent" and "told" not in one["envelope"]]
            told += str(story) + str(ada.get("/audit/v1/entries")) + str(ada.get(f"/audit/v1/entries/{sent}"))
            page += arena.person("GET", f"/audit/cases/{task.case}", cookie=ada.cookie).text
            if "audit" in named:
                assert rows(ada, q="officer:okafor")
                assert "Olga Okafor" in page
                assert "Olga Okafor" in told
            else:
                assert rows(ada, q="officer:okafor") == rows(ada, q="okafor") == rows(ada, officer="olga") == []
                assert "olga" not in page.lower()
                assert "Okafor" not in told
                assert '"by": "olga"' not in told
                assert "'by': 'olga'" not in told


@pytest.mark.proves("EXPORT-RECORDED")
def test_an_export_is_on_the_record_first_and_names_no_customer_there(arena: Arena, ada: SandboxPerson) -> None:
    arena.task()
    told = exported(arena, ada, customer="anna", q="gertrud", kind="task")
    entry = arena.recorded("transcript.exported")
    assert (entry["envelope"]["format"], entry["desk"]) == ("jsonl", {"by": "ada", "filters": {"kind": "task"}})
    assert "anna" not in str(entry)
    assert "gertrud" not in str(entry)
    assert "transcript.exported" not in told, "it ends where it was asked for"

    async def broken(*_: Any) -> None:
        raise OSError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(arena.context.store, "commit", broken)
        with pytest.raises(Exception):  # noqa: B017, PT011  # whatever comes of it, no row does
            exported(arena, ada)


@pytest.mark.proves("EXPORT-FORMULA")
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\uff1d1", "=cmd|' /C calc'!A0"])
def test_no_cell_of_an_export_runs(arena: Arena, ada: SandboxPerson, text: str) -> None:
    agent = arena.desk.agent("spiffe://calc.example/x", name=text)
    agent.open(arena.anna.grant(agent, mandate()))
    table = list(csv.reader(io.StringIO(exported(arena, ada, "csv").removeprefix("\ufeff"))))
    names = [line[table[0].index("agent_name")] for line in table[1:]]
    assert any(text.strip() in one for one in names)
    for cell in (cell for line in table for cell in line):
        assert not cell.lstrip(" \t\r\n\u00a0\ufeff").startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")), cell


@pytest.mark.proves("EXPORT-FORMULA")
@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@A1", "\t=1", "\tA1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "\u200e=1", "\uff1d1", "\uff0b1"]
)
def test_a_text_that_a_table_would_compute_stays_a_text(text: str) -> None:
    assert safe_cell(text) == ("'\t'=1" if text == "\t=1" else f"'{text}")
    assert safe_cell(f"x{text}") == ("x\t'=1" if text == "\t=1" else f"x{text}")


@pytest.mark.proves("REVIEWED-ROWS")
@pytest.mark.parametrize("between", [";", ",", "\t", "|", '"', '";"', "; ", ";\u00a0", '"; "'])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_runs_where_another_sign_separates_cells(between: str, sign: str) -> None:
    assert safe_cell(f"Hello{between}{sign}1") == f"Hello{between}'{sign}1"
    assert safe_cell("2026-11-30 a-b, c; d+e 1|2") == "2026-11-30 a-b, c; d+e 1|2"


@pytest.mark.proves("REVIEWED-ROWS")
def test_no_text_gives_an_entry_more_tokens_than_it_may_have() -> None:
    text = " ".join(f"word{number}" for number in range(8000))
    tokens, _ = entry_tokens({"kind": "ask.decided", "envelope": {}, "content": {"text": text}, "erased": False}, EntryNames())
    assert len(tokens) <= MAX_TOKENS


@pytest.mark.proves("REVIEWED-ROWS")
def test_a_full_segment_takes_no_more_room_and_loses_no_row(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "MAX_PLACES", 300)
    task = arena.task()
    for number in range(4):
        task.ask("case.comment", {"text": f"kettle{number} " + " ".join(f"w{number}x{one}" for one in range(200))})
    index = TranscriptIndex()

    async def found(word: str) -> int:
        query = parse_query(word, {}, now=arena.context.world.now())
        return len((await find_rows(arena.context, index, query, patience_s=60)).rows)

    assert [arena.run(found(f"kettle{number}")) for number in range(4)] == [1, 1, 1, 1]
    assert arena.run(found("gertrud")) == 0
    assert all(one.places <= 300 for one in index._segments.values())


@pytest.mark.proves("REVIEWED-ROWS")
def test_all_segments_together_take_a_bounded_room(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "MAX_WEIGHT", 1)
    monkeypatch.setattr(search_index, "WIDTH", 4)
    arena.task().ask("case.comment", {"text": "A kettle"})
    index = TranscriptIndex()

    async def found(word: str) -> int:
        query = parse_query(word, {}, now=arena.context.world.now())
        return len((await find_rows(arena.context, index, query, patience_s=60)).rows)

    assert arena.run(found("kettle")) == 1
    assert len(index._segments) == 1
