"""⚔ Somebody with the database writes rows beside the desk: a mandate is widened, a passkey is pointed at an admin, a role is raised.

What the desk never wrote is not read; what it wrote once and was put back, or taken out, stops its next start.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import RETURN, SEND_BACK, SHOP, Arena, code_of, open_arena, refund
from attacks.store.database import change, copy_of, nothing_is_done, put_back, refused_start, rows_beside, rows_of
from remit.domain.errors import Fault
from remit.engine.mandates.revoke import suspend
from remit.sandbox import SandboxCustomer


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Arena]:
    with open_arena(store=tmp_path) as arena:
        yield arena


def calmer(history: dict[str, Any]) -> str:
    """A risk history of which nothing was ever seen."""
    return json.dumps({**history, "levels": {}})


@pytest.mark.proves("ROWS")
def test_a_mandate_widened_in_its_row_permits_nothing(served: Arena, tmp_path: Path) -> None:
    granted, task = served.granted()
    with rows_beside(served, tmp_path) as rows:
        change(rows, "mandate", granted.id, lambda one: one.update(wire=one["wire"].replace("50.00 EUR", "5000.00 EUR")))
    nothing_is_done(served, task, refund("400.00 EUR"))
    nothing_is_done(served, task, refund("1.00 EUR"))


@pytest.mark.proves("ROWS")
def test_security_is_told_of_a_row_that_was_changed_once(served: Arena, tmp_path: Path) -> None:
    granted, task = served.granted()
    with rows_beside(served, tmp_path) as rows:
        change(rows, "mandate", granted.id, lambda one: one.update(max_tasks=9))
    for _ in range(2):
        nothing_is_done(served, task, refund("1.00 EUR"))
        assert served.desk.desk is not None
        served.run(served.desk.desk.jobs._looking.run())
    assert served.notify.incidents.count(("row_forged", {"row": f"mandate {granted.id}"})) == 1


@pytest.mark.proves("ROWS")
def test_a_revoked_mandate_revived_in_its_row_opens_nothing(served: Arena, tmp_path: Path) -> None:
    granted, task = served.granted()
    served.anna.revoke(granted)
    with rows_beside(served, tmp_path) as rows:
        change(rows, "mandate", granted.id, lambda one: one.update(state="active"))
        change(rows, "task", task.id, lambda one: one.update(state="open", reason="", ended_at=0))
    nothing_is_done(served, task, refund("1.00 EUR"))


@pytest.mark.proves("ROWS")
def test_a_mandate_put_back_as_it_was_before_it_was_revoked_stops_the_next_start(tmp_path: Path) -> None:
    with open_arena(store=tmp_path) as arena:
        granted, task = arena.granted()
        with rows_beside(arena, tmp_path) as rows:
            before = [copy_of(rows, "record", kind=kind, id=name) for kind, name in (("mandate", granted.id), ("task", task.id))]
        arena.anna.revoke(granted)
    with rows_of(tmp_path) as rows:
        for copies in before:
            put_back(rows, "record", copies)
    refused_start(tmp_path)


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize("way", ["put back", "taken out"])
def test_a_row_put_back_or_taken_out_beside_a_desk_that_serves_stops_it_at_its_next_look(served: Arena, tmp_path: Path, way: str) -> None:
    """Its MAC is good, or there is none: only the sum over all rows tells."""
    desk = served.desk.desk
    assert desk is not None
    granted, task = served.granted()
    served.run(suspend(served.context, what="operator", name="bad.example", reason="seen elsewhere", by="sina"))
    served.run(desk.jobs.rows.compare())
    with rows_beside(served, tmp_path) as rows:
        before = copy_of(rows, "record", kind="mandate", id=granted.id)
    served.anna.narrow(
        granted, {**RETURN, "max_tasks": 1, "never": [*RETURN["never"], {"power": "request", "actions": ["payment.refund"]}]}
    )
    with rows_beside(served, tmp_path) as rows:
        if way == "put back":
            put_back(rows, "record", before)
        else:
            rows.execute("delete from record where kind = 'suspension'")
    with pytest.raises(Fault):
        served.run(desk.jobs.rows.compare())
    assert [kind for kind, _ in served.notify.incidents].count("rows_changed") == 1
    assert served.room.raw("GET", "/readyz", check=False).status_code == 503
    for _ in range(2):
        assert code_of(served.ask(task, "order.read", {"order_id": "W1"})) == "fault.store"


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize("used", [0, 1])
def test_a_counter_lowered_in_its_row_permits_nothing(served: Arena, tmp_path: Path, used: int) -> None:
    task = served.sent_back()
    assert task.ask("payment.refund", refund("40.00 EUR")).decision == "needs_human"
    with rows_beside(served, tmp_path) as rows:
        rows.execute("update counter set used = ?", (used,))
    nothing_is_done(served, task, refund("40.00 EUR"))


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize("way", ["dropped", "put back"])
def test_counters_that_are_gone_or_as_they_were_stop_the_next_start(tmp_path: Path, way: str) -> None:
    with open_arena(store=tmp_path) as arena:
        task = arena.sent_back()
        with rows_beside(arena, tmp_path) as rows:
            before = rows.execute("select * from counter").fetchall()
        task.ask("payment.refund", refund("40.00 EUR"))
    with rows_of(tmp_path) as rows:
        rows.execute("delete from counter")
        if way == "put back":
            put_back(rows, "counter", before)
    refused_start(tmp_path)


@pytest.mark.proves("ROWS")
def test_a_passkey_pointed_at_an_admin_signs_nobody_in(served: Arena, tmp_path: Path) -> None:
    anna, olga = served.anna, served.desk.officer("olga", roles=["admin", "security"])
    with rows_beside(served, tmp_path) as rows:
        (key,) = [
            name
            for name, body in rows.execute("select id, body from record where kind = 'passkey'")
            if json.loads(body)["person"] == anna.id
        ]
        change(rows, "passkey", key, lambda one: one.update(person=olga.id))
    begun = served.room.call("POST", "/login/v1/sign-in", {})
    done = served.person("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": anna.passkey.get(begun["options"])})
    assert code_of(done) == "fault.store"
    assert "set-cookie" not in done.headers


@pytest.mark.proves("ROWS")
def test_roles_raised_in_a_row_open_no_page(served: Arena, tmp_path: Path) -> None:
    olga = served.desk.officer("olga", roles=["care"])
    assert served.person("GET", "/security/v1/agents", cookie=olga.cookie).status_code == 403
    with rows_beside(served, tmp_path) as rows:
        change(rows, "person", olga.id, lambda one: one.update(roles=["admin", "audit", "care", "security"]))
    assert code_of(served.person("GET", "/security/v1/agents", cookie=olga.cookie)) == "fault.store"


@pytest.mark.proves("ROWS")
def test_rows_of_one_kind_that_changed_places_are_not_read(served: Arena, tmp_path: Path) -> None:
    """Both have a good MAC, of another place."""
    first, task = served.granted()
    second, _ = served.granted()
    with rows_beside(served, tmp_path) as rows:
        (a,), (b,) = (copy_of(rows, "record", kind="mandate", id=name) for name in (first.id, second.id))
        put_back(rows, "record", [(*a[:2], *b[2:]), (*b[:2], *a[2:])])
    nothing_is_done(served, task, refund("1.00 EUR"))


@pytest.mark.proves("ROWS")
def test_an_earlier_document_under_a_later_revision_is_not_read(served: Arena, tmp_path: Path) -> None:
    """The sum over all rows knows revisions alone; that a revision has its document is its MAC's."""
    granted, task = served.granted()
    names = (("mandate", granted.id), ("task", task.id))
    with rows_beside(served, tmp_path) as rows:
        before = [copy_of(rows, "record", kind=kind, id=name)[0] for kind, name in names]
    served.anna.revoke(granted)
    with rows_beside(served, tmp_path) as rows:
        for kind, name, _, body, mac in before:
            rows.execute("update record set body = ?, mac = ? where kind = ? and id = ?", (body, mac, kind, name))
    nothing_is_done(served, task, refund("1.00 EUR"))


@pytest.mark.proves("ROWS")
def test_an_agent_less_suspicious_in_its_row_is_not_read(served: Arena, tmp_path: Path) -> None:
    task = served.sent_back()
    assert task.ask("payment.refund", refund("400.00 EUR")).decision == "refuse"
    with rows_beside(served, tmp_path) as rows:
        ((body,),) = rows.execute("select body from trail where subject = ?", (f"agent:{SHOP}",)).fetchall()
        rows.execute("update trail set body = ? where subject = ?", (calmer(json.loads(body)), f"agent:{SHOP}"))
    nothing_is_done(served, task, refund("1.00 EUR"))


@pytest.mark.proves("ROWS")
def test_a_passkey_indexed_under_an_admin_is_none_of_theirs(served: Arena, tmp_path: Path) -> None:
    """Index rows have no MAC of their own: the record must say itself that it belongs there."""
    olga, anna = served.desk.officer("olga", roles=["admin", "security"]), served.anna
    with rows_beside(served, tmp_path) as rows:
        rows.execute(
            "insert into link select name, ?, at, kind, id from link where name = 'passkey.person' and key = ?", (olga.id, anna.id)
        )
    assert code_of(served.person("GET", "/me/v1/passkeys", cookie=olga.cookie)) == "fault.store"


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize("table", ["record", "dropped", "trail"])
def test_rows_taken_out_stop_the_next_start(tmp_path: Path, table: str) -> None:
    with open_arena(store=tmp_path) as arena:
        granted, task = arena.granted()
        arena.anna.revoke(granted)
        task.ask("order.return", SEND_BACK)
    with rows_of(tmp_path) as rows:
        first = "kind, id" if table == "record" else "kind" if table == "dropped" else "subject"
        rows.execute(f"delete from {table} where ({first}) in (select {first} from {table} limit 1)")
    refused_start(tmp_path)


@pytest.mark.proves("ROWS")
def test_macs_taken_out_are_an_attack_and_no_older_store(tmp_path: Path) -> None:
    with open_arena(store=tmp_path) as arena:
        granted, _ = arena.granted()
        arena.anna.revoke(granted)
    with rows_of(tmp_path) as rows:
        change(rows, "mandate", granted.id, lambda one: one.update(state="active"))
        for table in ("record", "counter", "trail"):
            rows.execute(f"update {table} set mac = x''")
        rows.execute("delete from state")
    refused_start(tmp_path)


@pytest.mark.proves("ROWS")
def test_a_sum_of_an_earlier_head_is_none_of_the_present_one(tmp_path: Path) -> None:
    """What was asked since is in the log, and in no row that a start compares with it: the sum alone tells."""
    with open_arena(store=tmp_path) as arena:
        _, task = arena.granted()
        with rows_beside(arena, tmp_path) as rows:
            before = {
                table: rows.execute(f"select * from {table}").fetchall() for table in ("record", "counter", "trail", "dropped", "state")
            }
        task.ask("order.return", SEND_BACK)
    with rows_of(tmp_path) as rows:
        for table, copies in before.items():
            rows.execute(f"delete from {table}")
            put_back(rows, table, copies)
    refused_start(tmp_path)


def test_a_desk_left_alone_starts_again_and_goes_on(tmp_path: Path) -> None:
    for _ in range(3):
        with open_arena(store=tmp_path) as arena:
            task = arena.sent_back()
            assert task.ask("payment.refund", refund("40.00 EUR")).decision == "needs_human"


def history(arena: Arena, person: SandboxCustomer) -> Any:
    return arena.person("GET", "/me/v1/history", cookie=person.cookie)


@pytest.mark.proves("ROWS")
def test_a_customer_led_to_anothers_entry_does_not_open_it(served: Arena, tmp_path: Path) -> None:
    """What leads to an entry has no MAC: whom it is about says its logged envelope."""
    served.sent_back()
    bram = served.desk.customer("bram", email="bram@mail.example")
    assert history(served, bram).is_success
    with rows_beside(served, tmp_path) as rows:
        rows.execute("insert or ignore into ref select 'bram', idx from ref where ref = 'anna'")
    told = history(served, bram)
    assert (code_of(told), "kettle" in told.text) == ("fault.store", False)


@pytest.mark.proves("ROWS")
def test_an_entry_given_to_another_customer_does_not_open(tmp_path: Path) -> None:
    """With content that looks erased no key says whose it is, and the envelope alone would open."""
    with open_arena(store=tmp_path) as served:
        served.sent_back()
        bram = served.desk.customer("bram", email="bram@mail.example")
        gone = served.run(served.context.vault.seal("bram", b"gone"))
        served.run(served.context.vault.destroy_keys(served.run(served.context.vault.keys("bram"))))
        with rows_beside(served, tmp_path) as rows:
            rows.execute("update entry set subject = 'bram', content = ? where subject = 'anna'", (gone,))
            rows.execute("insert or ignore into ref select 'bram', idx from ref where ref = 'anna'")
        assert code_of(history(served, bram)) == "fault.store"


@pytest.mark.proves("ROWS")
def test_an_agent_led_to_an_entry_of_another_customer_gets_no_receipt(served: Arena, tmp_path: Path) -> None:
    task = served.task()
    bram = served.desk.customer("bram", email="bram@mail.example")
    assert bram.id == "bram"
    asked = task.ask("order.return", SEND_BACK)
    with rows_beside(served, tmp_path) as rows:
        rows.execute("insert or ignore into ref select ?, idx from ref where ref = 'bram'", (asked.ask,))
    told = served.send(task, f"/v1/asks/{asked.ask}", method="GET")
    assert code_of(told) == "fault.store", told.text
