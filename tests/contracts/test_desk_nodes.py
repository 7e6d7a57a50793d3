"""The built-in desk under several processes, and its cases on PostgreSQL where they break: what was done was done once, and what is not known can be asked."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from contracts.desk_plugs import DATABASES, StandingWorld, backoffice, desk_file, desk_rows, run
from postgres_proxy import Proxy
from postgres_server import VARIABLE
from postgres_tests import database_of, end_connections, nobody_gets_in, on_the_server, postgres_url, rows_of
from remit.adapters.backoffice.act_journal import ActJournal
from remit.adapters.builtin_desk.jobs import DeskConnection, DeskJobs
from remit.adapters.builtin_desk.postgres import PARTS, PostgresCases, has_desk_rows
from remit.adapters.helpdesk.builtin import BuiltinHelpdesk
from remit.adapters.helpdesk.remote.journal import WriteJournal, WriteKind
from remit.domain.errors import Code, Fault, Refused
from remit.ports.backoffice import ActOutcome, ActResult
from remit.ports.helpdesk import WriteState

ROOT = Path(__file__).resolve().parents[2]
ACTS = 30
PROCESS = """
import asyncio, json, sys
from pathlib import Path
from contracts.desk_plugs import DATABASES, SEED, StandingWorld, act, backoffice, desk_file
from remit.adapters.helpdesk.builtin import BuiltinHelpdesk

make, folder, name, acts = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
records, database = desk_file(folder), DATABASES[make](folder)
backoffice = backoffice(records)
helpdesk = BuiltinHelpdesk(database, StandingWorld())

async def both(key):
    if name == "one":
        return await backoffice.perform(act(key))
    return await backoffice.fence(act(key))

async def work():
    await backoffice.seed(SEED)
    try:
        await helpdesk.open(case="case_1", key="k-open", requester="remit@desk.example", subject="Kettle", text="")
    except Exception as problem:
        print(problem, file=sys.stderr)
    shared = [f"shared{n}" for n in range(acts)]
    fenced = [f"fenced{n}" for n in range(acts)]
    told = await asyncio.gather(
        *(backoffice.perform(act(key)) for key in shared), *(both(key) for key in fenced),
        *(backoffice.perform(act(f"{name}{n}")) for n in range(acts)),
    )
    for n in range(acts):
        await helpdesk.note(case="case_1", key=f"note{n}", author="agent", public=False, text=f"{n}")
        await helpdesk.reply_natively("case_1", name, f"{name}{n}")
    return [[one.state.value, dict(one.values)] for one in told[: 2 * acts]]

print(json.dumps(asyncio.run(work())))
records.close()
database.close()
"""


def process(make: str, folder: Path, name: str) -> "subprocess.Popen[str]":
    paths = f"{ROOT / 'src'}:{ROOT / 'tests'}"
    env = {"PYTHONPATH": paths, **({VARIABLE: os.environ[VARIABLE]} if VARIABLE in os.environ else {})}
    command = [sys.executable, "-c", PROCESS, make, str(folder), name, str(ACTS)]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def marks(records: DeskJobs) -> int:
    done = run(records.read(lambda c: c.execute("select count(*) from act where state = 'done'").fetchone(), fault=Code.FAULT_CASE))[0]
    select = "select data from record where kind = 'order' and id = 'W1'"
    data = run(records.read(lambda c: c.execute(select).fetchone(), fault=Code.FAULT_CASE))[0]
    counted = json.loads(data).get("marks", 0)
    assert counted == done, "an effect without its key, or a key without its effect"
    return int(counted)


def helpdesk_of(database: DeskJobs) -> BuiltinHelpdesk:
    """A helpdesk with one case."""
    helpdesk = BuiltinHelpdesk(database, StandingWorld())
    run(helpdesk.open(case="case_1", key="k-open", requester="remit@desk.example", subject="Kettle", text=""))
    return helpdesk


def note(helpdesk: BuiltinHelpdesk, key: str) -> Any:
    return helpdesk.note(case="case_1", key=key, author="agent", public=False, text=key)


def notes(helpdesk: BuiltinHelpdesk) -> list[str]:
    return [one.text for one in run(helpdesk.notes("case_1"))]


@pytest.mark.proves("FENCE")
@pytest.mark.parametrize("make", DATABASES)
def test_two_processes_that_begin_at_once_over_one_database_do_everything_once_and_lose_nothing(make: str, tmp_path: Path) -> None:
    if make == "postgres":
        postgres_url()
    rows_of(tmp_path)
    both = [process(make, tmp_path, name) for name in ("one", "two")]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [(*one.communicate(timeout=120), one.returncode) for one in both]
    assert [code for *_, code in told] == [0, 0], "\n".join(problem for _, problem, _ in told)
    one, two = (json.loads(said) for said, *_ in told)
    assert one == two, "one key, one story: of what both did, and of what one did and the other fenced"
    done = sum(state == "done" for state, _ in one)
    records, database = desk_file(tmp_path), DATABASES[make](tmp_path)
    try:
        assert marks(records) == done + 2 * ACTS
        helpdesk = BuiltinHelpdesk(database, StandingWorld())
        notes = run(helpdesk.notes("case_1"))
        assert [note.n for note in notes] == list(range(1, 3 * ACTS + 1))
        assert sorted(note.text for note in notes if not note.native) == sorted(str(n) for n in range(ACTS))
        replies = run(helpdesk.native_replies(after=0, limit=1_000))
        assert sorted(reply.n for reply in replies) == [reply.n for reply in replies] == [note.n for note in notes if note.native]
    finally:
        records.close()
        database.close()


def test_cases_that_somebody_else_writes_for_too_long_are_a_fault_and_nothing_happened(tmp_path: Path) -> None:
    database = desk_rows(tmp_path, busy_s=0.05)
    try:
        helpdesk = helpdesk_of(database)

        async def work() -> None:
            other = await asyncpg.connect(postgres_url())
            await other.execute("begin")
            await other.execute("select from remit_desk.turn where desk = $1 for update", rows_of(tmp_path))
            for waiting in (note(helpdesk, "k1"), helpdesk.fence("k2")):
                with pytest.raises(Fault) as caught:
                    await waiting
                assert caught.value.code is Code.FAULT_CASE
            assert await helpdesk.outcome("k1") is WriteState.UNSEEN, "it can still be read"
            await other.close()
            await note(helpdesk, "k1")

        run(work())
        assert notes(helpdesk) == ["k1"]
    finally:
        database.close()


def gone(url: str) -> None:
    """Have the server end every connection of the desk."""
    end_connections(url, "remit desk")


def test_a_connection_lost_between_two_writes_is_made_again_and_not_noticed(tmp_path: Path) -> None:
    url = postgres_url(f"desk_{os.getpid()}")
    database = PostgresCases(url, rows_of(tmp_path))
    try:
        helpdesk = helpdesk_of(database)
        for key in ("k1", "k2", "k3"):
            gone(url)
            run(note(helpdesk, key))
            gone(url)
            assert run(helpdesk.outcome(key)) is WriteState.DONE
        assert notes(helpdesk) == ["k1", "k2", "k3"]
    finally:
        database.close()


def test_a_connection_lost_in_the_middle_of_a_write_leaves_it_whole_or_undone(tmp_path: Path) -> None:
    url = postgres_url(f"desk_{os.getpid()}")
    times: list[int] = []
    database = PostgresCases(url, rows_of(tmp_path))

    async def write(key: str) -> None:
        def job(connection: DeskConnection) -> None:
            connection.execute("insert into fenced_write values (?)", (key,))
            if times:
                times.pop()
                gone(url)
            connection.execute("insert into case_write values (?, ?)", (key, "case_1"))

        await database.write(job, fault=Code.FAULT_CASE)

    try:
        helpdesk = helpdesk_of(database)
        times[:] = [1]
        run(write("k1"))
        assert run(helpdesk.outcome("k1")) is WriteState.DONE, "nothing had been told: it is done again from the start"
        times[:] = [1, 1]
        with pytest.raises(Fault) as caught:
            run(write("k2"))
        assert caught.value.code is Code.FAULT_CASE
        assert run(helpdesk.outcome("k2")) is WriteState.UNSEEN
    finally:
        database.close()


@contextmanager
def through_a_proxy(folder: Path) -> Iterator[tuple[Proxy, PostgresCases]]:
    proxy = Proxy(postgres_url())
    database = PostgresCases(proxy.url, rows_of(folder))
    try:
        yield proxy, database
    finally:
        database.close()
        proxy.close()


@pytest.mark.proves("FENCE")
@pytest.mark.parametrize(("where", "state"), [("before", WriteState.UNSEEN), ("behind", WriteState.DONE)])
def test_a_write_whose_commit_was_not_answered_is_a_fault_and_its_key_tells_what_happened(
    where: str, state: WriteState, tmp_path: Path
) -> None:
    with through_a_proxy(tmp_path) as (proxy, database):
        helpdesk = helpdesk_of(database)
        proxy.cut(b"commit\x00", where)
        with pytest.raises(Fault) as caught:
            run(note(helpdesk, "k1"))
        assert (caught.value.code, proxy.times) == (Code.FAULT_CASE, 1)
        assert run(helpdesk.outcome("k1")) is state
        run(note(helpdesk, "k1"))
        assert notes(helpdesk) == ["k1"]


@pytest.mark.proves("FAIL-CLOSED")
def test_a_database_that_answers_nobody_is_the_ports_fault_everywhere_until_it_is_back(tmp_path: Path) -> None:
    url = postgres_url(f"away_{os.getpid()}")
    database = PostgresCases(url, rows_of(tmp_path))
    try:
        helpdesk, acts = helpdesk_of(database), ActJournal(database, StandingWorld())
        with nobody_gets_in(url):
            for asked, code in (
                (acts.begin("k", "order.ship"), Code.FAULT_BACKOFFICE),
                (acts.find("k"), Code.FAULT_BACKOFFICE),
                (helpdesk.read("case_1"), Code.FAULT_CASE),
                (helpdesk.close(case="case_1", key="k"), Code.FAULT_CASE),
                (helpdesk.outcome("k"), Code.FAULT_CASE),
                (helpdesk.fence("k"), Code.FAULT_CASE),
            ):
                with pytest.raises(Fault) as caught:
                    run(asked)
                assert caught.value.code is code
            with pytest.raises(Fault):
                has_desk_rows(url, rows_of(tmp_path))
        assert run(acts.begin("k", "order.ship")).fresh
    finally:
        database.close()


def test_a_desk_whose_rows_were_taken_away_writes_nothing(tmp_path: Path) -> None:
    """⚔ Without its row there is nothing to hold, and two processes would write at once."""
    database = desk_rows(tmp_path)
    try:
        helpdesk = helpdesk_of(database)
        assert has_desk_rows(postgres_url(), rows_of(tmp_path))
        on_the_server(postgres_url(), "delete from remit_desk.turn where desk = $1", rows_of(tmp_path))
        assert not has_desk_rows(postgres_url(), rows_of(tmp_path))
        with pytest.raises(Fault) as caught:
            run(note(helpdesk, "k1"))
        assert caught.value.code is Code.FAULT_CASE
        assert run(helpdesk.outcome("k1")) is WriteState.UNSEEN
    finally:
        database.close()


def test_what_failed_in_silence_is_not_told_as_done(tmp_path: Path) -> None:
    """⚔ The server answers the commit of what had failed before, and rolls it back."""
    database = desk_rows(tmp_path)
    try:
        helpdesk = helpdesk_of(database)

        def job(connection: Any) -> str:
            connection.execute("insert into fenced_write values (?)", ("k",))
            with pytest.raises(asyncpg.PostgresError):
                connection.execute("insert into fenced_write values (?)", ("k",))
            return "done"

        async def write() -> str:
            return await database.write(job, fault=Code.FAULT_CASE)

        with pytest.raises(Fault):
            run(write())
        assert run(helpdesk.outcome("k")) is WriteState.UNSEEN, "it goes on"
        assert run(helpdesk.fence("k")) is WriteState.FENCED
    finally:
        database.close()


def test_a_read_that_breaks_takes_nothing_of_those_beside_it(tmp_path: Path) -> None:
    database = desk_rows(tmp_path)
    try:
        helpdesk = helpdesk_of(database)

        async def work() -> list[Any]:
            cases = ("case_1", "\x00", "case_1", "\ud800", "case_1")
            return list(await asyncio.gather(*map(helpdesk.read, cases), return_exceptions=True))

        told = run(work())
        assert [isinstance(one, Fault) for one in told] == [False, True, False, True, False]
        assert {one.subject for one in told[::2]} == {"Kettle"}
    finally:
        database.close()


def test_two_desks_in_one_database_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = desk_rows(tmp_path / "one"), desk_rows(tmp_path / "other")
    try:
        acts = [ActJournal(database, StandingWorld()) for database in (one, other)]
        assert run(acts[0].begin("k1", "order.ship")).fresh
        run(acts[0].settle("k1", ActResult(state=ActOutcome.DONE, values={"order.status": "sent"})))
        assert run(acts[1].find("k1")) is None
        assert run(acts[1].fence("k1", "order.ship")).fresh
        writes = [WriteJournal(database, StandingWorld()) for database in (one, other)]
        for number, journal in enumerate(writes):
            assert run(journal.begin("k1", "case_1", WriteKind.OPEN)).fresh
            run(journal.keep_ticket("case_1", f"T{number}"))
        assert [run(journal.ticket("case_1")) for journal in writes] == ["T0", "T1"]
        assert [run(journal.cases(["T0"])) for journal in writes] == [{"T0": "case_1"}, {}]
        desks = [BuiltinHelpdesk(database, StandingWorld()) for database in (one, other)]
        for desk in desks:
            run(desk.open(case="case_1", key="k-open", requester="r", subject="s", text="t"))
            run(desk.reply_natively("case_1", "ann", "t"))
        run(desks[0].close_natively("case_1"))
        assert [[case.open for case in run(desk.cases())] for desk in desks] == [[False], [True]]
        assert [len(run(desk.native_replies(after=0, limit=9))) for desk in desks] == [1, 1]
    finally:
        one.close()
        other.close()


@pytest.mark.proves("NODES")
def test_no_statement_runs_over_all_desks(tmp_path: Path) -> None:
    """⚔ Whatever a statement says, it sees one desk's rows, and puts its own there."""
    one, other = desk_rows(tmp_path / "one"), desk_rows(tmp_path / "other")

    def change(connection: Any) -> tuple[list[tuple[Any, ...]], int]:
        for key in ("k", "k", "l"):
            connection.execute("insert or ignore into fenced_write values (?)", (key,))
        found = connection.execute("select key from fenced_write order by key").fetchall()
        return found, connection.execute("delete from fenced_write").rowcount

    async def written(database: DeskJobs, job: Any) -> Any:
        return await database.write(job, fault=Code.FAULT_CASE)

    def found(database: DeskJobs, statement: str) -> Any:
        return run(written(database, lambda connection: connection.execute(statement).fetchall()))

    try:
        assert run(helpdesk_of(other).fence("theirs")) is WriteState.FENCED
        assert run(written(one, change)) == ([("k",), ("l",)], 2)
        for statement in ("select desk from fenced_write", "select desk from turn", "select key from act"):
            with pytest.raises(Fault, match="does not exist"):
                found(one, statement)
        assert found(other, "select key from fenced_write") == [("theirs",)]
        assert found(one, "select case_write.key from case_write, desk_case") == []
    finally:
        one.close()
        other.close()


def test_an_account_that_may_make_no_views_is_refused_at_the_start(tmp_path: Path) -> None:
    url, name = postgres_url("poor"), f"poor_{os.getpid()}"
    database = database_of(url)
    on_the_server(url, f"create role {name} login password '{name}'")
    try:
        on_the_server(url, f"revoke temporary on database {database} from public")
        on_the_server(url, f"grant create on database {database} to {name}")
        parts = urlsplit(url)
        poor = parts._replace(netloc=f"{name}:{name}@{parts.netloc.rpartition('@')[2]}").geturl()
        with pytest.raises(Refused, match="no temporary views"):
            PostgresCases(poor, rows_of(tmp_path))
    finally:
        on_the_server(url, f"drop owned by {name}")
        on_the_server(url, f"drop role {name}")


def test_the_tables_on_postgres_are_those_of_the_versions_the_plugs_have(tmp_path: Path) -> None:
    database = desk_rows(tmp_path)
    try:
        for part in (BuiltinHelpdesk, ActJournal, WriteJournal):
            part(database, StandingWorld())
        with pytest.raises(Refused, match="no tables"):
            backoffice(database)
        for part, version in PARTS.items():
            with pytest.raises(Refused) as caught:
                database.prepare(part, version + 1, "")
            assert caught.value.code is Code.SETTINGS_INVALID
    finally:
        database.close()
