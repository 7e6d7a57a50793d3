"""⚔ Somebody with the database *and the key of the MACs* writes rows: what the customer signed and what the log says hold against them.

Somebody without the key puts rows back as they once were; `remit doctor` and a start name each of them.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import SEND_BACK, SHOP, Arena, open_arena, refund
from attacks.store.database import change, copy_of, nothing_is_done, put_back, refused_start, rows_beside, rows_of
from remit.adapters.store.row_checks import total_of
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.rows import WRITE_STATE, read_state_row
from remit.adapters.store.sqlite.tree import SqliteTree
from remit.adapters.store.state_checks import compare_states
from remit.engine.mandates.revoke import suspend
from remit.proof.canonical import canonical, digest

Rows = sqlite3.Connection


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Arena]:
    with open_arena(store=tmp_path) as arena:
        yield arena


def keys_of(arena: Arena) -> RowMacs:
    """The desk's key of the MACs, which somebody has stolen."""
    store: Any = arena.desk.desk
    macs: RowMacs = store.outside._writer._macs
    return macs


def seal(rows: Rows, macs: RowMacs) -> None:
    """Give every row the MAC it should have, and the store its sum."""
    for kind, name, rev, body in rows.execute("select kind, id, rev, body from record").fetchall():
        rows.execute("update record set mac = ? where kind = ? and id = ?", (macs.record(kind, name, rev, body), kind, name))
    for scope, key, used in rows.execute("select scope, key, used from counter").fetchall():
        rows.execute("update counter set mac = ? where scope = ? and key = ?", (macs.counter(scope, key, used), scope, key))
    log = SqliteTree(rows)
    assert read_state_row(rows)
    rows.execute(WRITE_STATE, (macs.state(total_of(rows, macs), log.size, log.root),))


def widened(document: dict[str, Any]) -> None:
    document["wire"] = document["wire"].replace("50.00 EUR", "5000.00 EUR")


def signed_anew(document: dict[str, Any]) -> None:
    """The signed form says the same as the widened mandate, and so does its hash; the signature is the old one."""
    widened(document)
    signed = json.loads(document["signed"])
    signed["mandate"] = json.loads(document["wire"])
    document.update(signed=canonical(signed).decode(), hash=digest(signed))


def shown_as_signed(document: dict[str, Any]) -> None:
    """The signed form says the same as the widened mandate; hash and signature are the old ones."""
    was = document["hash"]
    signed_anew(document)
    document.update(hash=was)


def of_another_agent(document: dict[str, Any]) -> None:
    document.update(client_id="mallory", operator="mallory.example")


def of_another_key(document: dict[str, Any]) -> None:
    document.update(jkt="A" * 43)


def longer(document: dict[str, Any]) -> None:
    document.update(max_tasks=99)


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize("changed", [widened, signed_anew, shown_as_signed, of_another_agent, of_another_key, longer])
def test_a_mandate_that_is_not_what_its_customer_signed_permits_nothing_whatever_its_mac(
    served: Arena, tmp_path: Path, changed: Callable[[dict[str, Any]], None]
) -> None:
    granted, task = served.granted()
    with rows_beside(served, tmp_path) as rows:
        change(rows, "mandate", granted.id, changed)
        seal(rows, keys_of(served))
    nothing_is_done(served, task, refund("400.00 EUR"))
    nothing_is_done(served, task, refund("1.00 EUR"))
    told = ("row_forged", {"row": f"mandate {granted.id} is not what its customer signed"})
    assert served.notify.incidents.count(told) == 1, "security is told once"


@pytest.mark.proves("ROWS")
def test_a_mandate_signed_by_another_persons_passkey_permits_nothing(served: Arena, tmp_path: Path) -> None:
    """Bram signs what Anna granted; the row says that it is hers."""
    granted, task = served.granted()
    bram = served.desk.customer("bram", email="bram@mail.example")
    begun = served.room.call("POST", "/login/v1/sign-in", {})["options"]

    def signed_by_bram(document: dict[str, Any]) -> None:
        begun["challenge"] = document["hash"].removeprefix("sha-256:")
        document.update(evidence=json.dumps(bram.passkey.get(begun)))

    with rows_beside(served, tmp_path) as rows:
        change(rows, "mandate", granted.id, signed_by_bram)
        seal(rows, keys_of(served))
    nothing_is_done(served, task, refund("1.00 EUR"))


# what a start and the doctor say


def said(where: str, member: str, value: str) -> str:
    """A statement that changes one member of documents; `value` is JSON."""
    return f"update record set body = cast(json_set(cast(body as text), '$.{member}', json('{value}')) as blob) where {where}"


def state(kind: str, now: str, then: str) -> str:
    return said(f"kind = '{kind}' and json_extract(cast(body as text), '$.state') = '{now}'", "state", f'"{then}"')


OF_SHOP = f"kind = 'agent' and id = '{SHOP}'"
OF_ANNA = "kind = 'passkey' and json_extract(cast(body as text), '$.person') = 'anna'"
COPY = "insert into record select kind, '{name}', rev, body, mac from record where kind = '{kind}' limit 1"
STARTS = {
    "a mandate lives": (state("mandate", "revoked", "active"), "mandate {mandate}: state is not what entry"),
    "a task is open": (state("task", "ended", "open"), "task {task}: state is not what entry"),
    "roles are raised": (said("id = 'olga'", "roles", '["admin", "security"]'), "person olga: roles is not what entry"),
    "an agent has other keys": (said(OF_SHOP, "keys", '"{}"'), f"agent {SHOP}: registration is not what entry"),
    "an agent is trusted": (said(OF_SHOP, "tier", '"trusted"'), f"agent {SHOP}: tier is not what entry"),
    "an operator is free": (said("kind = 'suspension'", "active", "false"), "suspension operator:bad.example: active is not what entry"),
}
DOCTOR = {
    **STARTS,
    "a passkey is an officer's": (said(OF_ANNA, "person", '"olga"'), "is in no entry of the log"),
    "a passkey is old": (said(OF_ANNA, "created_at", "1"), "is missing; entry"),
    "no mandate": ("delete from record where kind = 'mandate'", "mandate {mandate}: is missing"),
    "no task": ("delete from record where kind = 'task'", "task {task}: is missing"),
    "no suspension": ("delete from record where kind = 'suspension'", "suspension operator:bad.example: is missing"),
    "one mandate more": (COPY.format(kind="mandate", name="man_x"), "mandate man_x: is the row of {mandate}"),
    "one passkey more": (said(OF_ANNA, "id", '"x"'), "passkey x: is in no entry of the log"),
    "counters are zero": ("update counter set used = 0 where key like '%/%'", "its asks reserve 1"),
    "no counters": ("delete from counter where key like '%/%'", "is missing; its asks reserve 1"),
    "an invitation waits": (state("confirmation", "answered", "waiting"), "waits is not what entry"),
    "an act is not done": (state("ask", "done", "permitted"), "asked is not what entry"),
    "a passkey is hidden": ("delete from link where name = 'passkey.person' and key = 'anna'", "is hidden from the index passkey.person"),
    "a mandate is hidden": (
        "delete from link where name = 'mandate.customer'",
        "mandate {mandate}: is hidden from the index mandate.customer",
    ),
    "a record is shown": (
        "insert into link select name, 'olga', at, kind, id from link where name = 'mandate.customer'",
        "mandate {mandate}: is in the index mandate.customer under a key that is not its own",
    ),
    "a refusal is a permit": (state("ask", "refused", "permitted"), "asked is not what entry"),
}


def lived(arena: Arena) -> dict[str, str]:
    """A desk with a history: a mandate that was used and revoked, a task that ended, an officer, a suspension."""
    granted, task = arena.granted()
    arena.desk.officer("olga", roles=["care"])
    arena.anna.confirm(task.ask("order.return", SEND_BACK))
    task.ask("payment.refund", refund("4000.00 EUR"))
    arena.anna.revoke(granted)
    arena.run(suspend(arena.context, what="operator", name="bad.example", reason="seen elsewhere", by="sina"))
    return {"mandate": granted.id, "task": task.id}


def compared(rows: Rows, arena: Arena) -> Sequence[str]:
    return list(compare_states(rows, arena.context.signer.keyed))


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize("name", list(DOCTOR))
def test_a_row_that_is_not_as_the_log_last_said_is_named_whatever_its_mac(served: Arena, tmp_path: Path, name: str) -> None:
    statement, named = DOCTOR[name]
    found = lived(served)
    with rows_beside(served, tmp_path) as rows:
        assert compared(rows, served) == []
        rows.execute(statement)
        seal(rows, keys_of(served))
        lines = compared(rows, served)
    assert any(named.format(**found) in line for line in lines), lines


@pytest.mark.proves("ROWS")
@pytest.mark.parametrize("name", list(STARTS))
def test_a_row_that_allows_more_than_the_log_says_stops_a_start_whatever_its_mac(tmp_path: Path, name: str) -> None:
    statement, named = STARTS[name]
    with open_arena(store=tmp_path) as arena:
        found, macs = lived(arena), keys_of(arena)
    with rows_of(tmp_path) as rows:
        rows.execute(statement)
        seal(rows, macs)
    assert named.format(**found) in str(refused_start(tmp_path))


@pytest.mark.proves("ROWS")
def test_a_row_put_back_with_its_good_mac_is_named_by_what_the_log_says(tmp_path: Path) -> None:
    with open_arena(store=tmp_path) as arena:
        granted, _ = arena.granted()
        with rows_beside(arena, tmp_path) as rows:
            before = copy_of(rows, "record", kind="mandate", id=granted.id)
        arena.anna.revoke(granted)
    with rows_of(tmp_path) as rows:
        put_back(rows, "record", before)
    assert f"mandate {granted.id}: state is not what entry" in str(refused_start(tmp_path))
