"""The built-in desk's database under several processes, and where it breaks: what was done was done once, and what is not known can be asked."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contracts.desk_plugs import DATABASES, EFFECTS, SEED, StandingWorld, act, desk_rows, run, small_catalogue
from postgres_proxy import Proxy
from postgres_server import VARIABLE
from postgres_tests import end_connections, nobody_gets_in, on_the_server, postgres_url, rows_of
from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.builtin_desk.postgres import PARTS, PostgresDesk, for_desk, has_desk_rows
from remit.adapters.helpdesk.builtin import BuiltinHelpdesk
from remit.domain.errors import Code, Fault, Refused
from remit.ports.backoffice import ActOutcome

ROOT = Path(__file__).resolve().parents[2]
ACTS = 30
PROCESS = """
import asyncio, json, sys
from pathlib import Path
from contracts.desk_plugs import DATABASES, EFFECTS, SEED, StandingWorld, act, small_catalogue
from remit.adapters.backoffice.builtin import BuiltinBackoffice
from remit.adapters.helpdesk.builtin import BuiltinHelpdesk

make, folder, name, acts = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
database = DATABASES[make](folder)
backoffice = BuiltinBackoffice(database, StandingWorld(), small_catalogue(), effects=EFFECTS)
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
database.close()
"""


def process(make: str, folder: Path, name: str) -> "subprocess.Popen[str]":
    paths = f"{ROOT / 'src'}:{ROOT / 'tests'}"
    env = {"PYTHONPATH": paths, **({VARIABLE: os.environ[VARIABLE]} if VARIABLE in os.environ else {})}
    command = [sys.executable, "-c", PROCESS, make, str(folder), name, str(ACTS)]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def backoffice(database: DeskJobs, effects: Any = EFFECTS) -> BuiltinBackoffice:
    return BuiltinBackoffice(database, StandingWorld(), small_catalogue(), effects=effects)


def marks(database: DeskJobs) -> int:
    found = run(
        database.read(lambda c: c.execute("select state from act where state = ?", ("done",)).fetchall(), fault=Code.FAULT_BACKOFFICE)
    )
    data = run(
        database.read(
            lambda c: c.execute("select data from record where kind = ? and id = ?", ("order", "W1")).fetchone(), fault=Code.FAULT_CASE
        )
    )
    counted = json.loads(data[0]).get("marks", 0)
    assert counted == len(found), "an effect without its key, or a key without its effect"
    return int(counted)


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
    database = DATABASES[make](tmp_path)
    try:
        assert marks(database) == done + 2 * ACTS
        helpdesk = BuiltinHelpdesk(database, StandingWorld())
        notes = run(helpdesk.notes("case_1"))
        assert [note.n for note in notes] == list(range(1, 3 * ACTS + 1))
        assert sorted(note.text for note in notes if not note.native) == sorted(str(n) for n in range(ACTS))
        replies = run(helpdesk.native_replies(after=0, limit=1_000))
        assert sorted(reply.n for reply in replies) == [reply.n for reply in replies] == [note.n for note in notes if note.native]
    finally:
        database.close()


def test_a_desk_that_somebody_else_writes_for_too_long_is_a_fault_and_nothing_happened(tmp_path: Path) -> None:
    database = desk_rows(tmp_path, busy_s=0.05)
    try:
        plug = backoffice(database)
        run(plug.seed(SEED))

        async def work() -> None:
            other = await asyncpg.connect(postgres_url())
            await other.execute("begin")
            await other.execute("select from remit_desk.turn where desk = $1 for update", rows_of(tmp_path))
            for waiting, code in ((plug.perform(act()), Code.FAULT_BACKOFFICE), (plug.fence(act("k2")), Code.FAULT_BACKOFFICE)):
                with pytest.raises(Fault) as caught:
                    await waiting
                assert caught.value.code is code
            assert (await plug.outcome(act("k1"))).state is ActOutcome.UNSEEN, "it can still be read"
            await other.close()
            assert (await plug.perform(act())).state is ActOutcome.DONE

        run(work())
        assert marks(database) == 1
    finally:
        database.close()


def gone(url: str) -> None:
    """Have the server end every connection of the desk."""
    end_connections(url, "remit desk")


def test_a_connection_lost_between_two_acts_is_made_again_and_not_noticed(tmp_path: Path) -> None:
    url = postgres_url(f"desk_{os.getpid()}")
    database = PostgresDesk(url, rows_of(tmp_path))
    try:
        plug = backoffice(database)
        run(plug.seed(SEED))
        for key in ("k1", "k2", "k3"):
            gone(url)
            assert run(plug.perform(act(key))).state is ActOutcome.DONE
            gone(url)
            assert run(plug.outcome(act(key))).state is ActOutcome.DONE
        assert marks(database) == 3
    finally:
        database.close()


def test_a_connection_lost_in_the_middle_of_an_act_leaves_it_whole_or_undone(tmp_path: Path) -> None:
    url = postgres_url(f"desk_{os.getpid()}")
    times: list[int] = []

    def cut(books: Any, params: Any) -> Any:
        values = EFFECTS["order.mark"](books, params)
        if times:
            times.pop()
            gone(url)
        return values

    database = PostgresDesk(url, rows_of(tmp_path))
    try:
        plug = backoffice(database, {**EFFECTS, "order.mark": cut})
        run(plug.seed(SEED))
        times[:] = [1]
        assert run(plug.perform(act("k1"))).state is ActOutcome.DONE, "nothing had been told: it is done again from the start"
        assert marks(database) == 1
        times[:] = [1, 1]
        with pytest.raises(Fault) as caught:
            run(plug.perform(act("k2")))
        assert caught.value.code is Code.FAULT_BACKOFFICE
        assert run(plug.outcome(act("k2"))).state is ActOutcome.UNSEEN
        assert marks(database) == 1
    finally:
        database.close()


@contextmanager
def through_a_proxy(folder: Path) -> Iterator[tuple[Proxy, PostgresDesk]]:
    proxy = Proxy(postgres_url())
    database = PostgresDesk(proxy.url, rows_of(folder))
    try:
        yield proxy, database
    finally:
        database.close()
        proxy.close()


@pytest.mark.proves("FENCE")
@pytest.mark.parametrize(("where", "state"), [("before", ActOutcome.UNSEEN), ("behind", ActOutcome.DONE)])
def test_an_act_whose_commit_was_not_answered_is_a_fault_and_its_key_tells_what_happened(
    where: str, state: ActOutcome, tmp_path: Path
) -> None:
    with through_a_proxy(tmp_path) as (proxy, database):
        plug = backoffice(database)
        run(plug.seed(SEED))
        proxy.cut(b"commit\x00", where)
        with pytest.raises(Fault) as caught:
            run(plug.perform(act("k1")))
        assert (caught.value.code, proxy.times) == (Code.FAULT_BACKOFFICE, 1)
        assert run(plug.outcome(act("k1"))).state is state
        assert run(plug.perform(act("k1"))).state is ActOutcome.DONE
        assert marks(database) == 1


@pytest.mark.proves("FAIL-CLOSED")
def test_a_database_that_answers_nobody_is_the_ports_fault_everywhere_until_it_is_back(tmp_path: Path) -> None:
    url = postgres_url(f"away_{os.getpid()}")
    database = PostgresDesk(url, rows_of(tmp_path))
    try:
        plug, helpdesk = backoffice(database), BuiltinHelpdesk(database, StandingWorld())
        run(plug.seed(SEED))
        with nobody_gets_in(url):
            for asked in (
                plug.facts([("order", "W1")], customer="anna"),
                plug.contents([("order", "W1")], customer="anna"),
                plug.read("order.read", {"order_id": "W1"}, customer="anna"),
                plug.perform(act()),
                plug.outcome(act("k1")),
                plug.fence(act("k1")),
                plug.attributes("anna", ["contact.email"]),
                plug.records("anna", "order"),
            ):
                with pytest.raises(Fault) as caught:
                    run(asked)
                assert caught.value.code is Code.FAULT_BACKOFFICE
            for asked in (helpdesk.read("case_1"), helpdesk.close(case="case_1", key="k"), helpdesk.outcome("k"), helpdesk.fence("k")):
                with pytest.raises(Fault) as caught:
                    run(asked)
                assert caught.value.code is Code.FAULT_CASE
            with pytest.raises(Fault):
                has_desk_rows(url, rows_of(tmp_path))
        assert run(plug.perform(act())).state is ActOutcome.DONE
    finally:
        database.close()


def test_a_desk_whose_rows_were_taken_away_writes_nothing(tmp_path: Path) -> None:
    """⚔ Without its row there is nothing to hold, and two processes would write at once."""
    database = desk_rows(tmp_path)
    try:
        plug = backoffice(database)
        run(plug.seed(SEED))
        assert has_desk_rows(postgres_url(), rows_of(tmp_path))
        on_the_server(postgres_url(), "delete from remit_desk.turn where desk = $1", rows_of(tmp_path))
        assert not has_desk_rows(postgres_url(), rows_of(tmp_path))
        with pytest.raises(Fault) as caught:
            run(plug.perform(act()))
        assert caught.value.code is Code.FAULT_BACKOFFICE
        assert run(plug.outcome(act("k1"))).state is ActOutcome.UNSEEN
    finally:
        database.close()


def test_what_failed_in_silence_is_not_told_as_done(tmp_path: Path) -> None:
    """⚔ The server answers the commit of what had failed before, and rolls it back."""
    database = desk_rows(tmp_path)
    try:
        plug = backoffice(database)

        def job(connection: Any) -> str:
            connection.execute("insert into fenced_write values (?)", ("k",))
            with pytest.raises(asyncpg.PostgresError):
                connection.execute("insert into fenced_write values (?)", ("k",))
            return "done"

        async def write() -> str:
            return await database.write(job, fault=Code.FAULT_CASE)

        with pytest.raises(Fault):
            run(write())
        assert run(plug.perform(act("a", order="W9"))).state is ActOutcome.FAILED, "it goes on"
        assert run(BuiltinHelpdesk(database, StandingWorld()).fence("k")).value == "fenced"
    finally:
        database.close()


def test_a_read_that_breaks_takes_nothing_of_those_beside_it(tmp_path: Path) -> None:
    database = desk_rows(tmp_path)
    try:
        plug = backoffice(database)
        run(plug.seed(SEED))

        async def work() -> list[Any]:
            broken = [plug.facts([("order", "\x00")], customer="anna"), plug.facts([("order", "\ud800")], customer="anna")]
            right = [plug.facts([("order", "W1")], customer="anna") for _ in range(3)]
            return list(await asyncio.gather(right[0], broken[0], right[1], broken[1], right[2], return_exceptions=True))

        told = run(work())
        assert [isinstance(one, Fault) for one in told] == [False, True, False, True, False]
        assert {one[0].name for one in told[::2]} == {"Kettle"}
    finally:
        database.close()


def test_two_desks_in_one_database_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = desk_rows(tmp_path / "one"), desk_rows(tmp_path / "other")
    try:
        here, there = backoffice(one), backoffice(other)
        run(here.seed(SEED))
        assert run(there.facts([("order", "W1")], customer="anna")) == [None]
        assert run(there.attributes("anna", ["contact.email"])) == {}
        assert run(here.perform(act())).state is ActOutcome.DONE
        assert run(there.outcome(act("k1"))).state is ActOutcome.UNSEEN
        assert run(there.perform(act())).state is ActOutcome.FAILED
        assert run(here.outcome(act("k1"))).state is ActOutcome.DONE
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


@pytest.mark.parametrize(
    "statement",
    [
        "select id from customer",
        "select id from customer limit ?",
        "select * from entry where id = ?",
        "delete from act",
        "update record set data = ?",
        "select a.key from act a where a.key = ?",
        "select a.key from act a, ledger where a.key = ?",
        "select id from record where id in (select id from record_owner)",
        "select 1",
        "drop table act",
    ],
)
def test_a_statement_over_all_desks_is_refused(statement: str) -> None:
    with pytest.raises(ValueError, match="desk"):
        for_desk(statement)


def test_the_tables_on_postgres_are_those_of_the_versions_the_plugs_have(tmp_path: Path) -> None:
    database = desk_rows(tmp_path)
    try:
        backoffice(database)
        BuiltinHelpdesk(database, StandingWorld())
        for part, version in PARTS.items():
            with pytest.raises(Refused) as caught:
                database.prepare(part, version + 1, "")
            assert caught.value.code is Code.SETTINGS_INVALID
    finally:
        database.close()
