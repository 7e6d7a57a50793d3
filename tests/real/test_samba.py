"""A real Active Directory (Samba) as the backoffice: each act once by a mark that it leaves in the entry it changes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from real.directory_desk import CUT, DONE, FAILED, DirectoryDesk, act, example_catalogue, example_rules, owned
from real.samba_server import ACTOR, BASE, GROUPS, PEOPLE, READER, SambaServer
from real.systems import LiveAct, try_row
from remit.adapters.backoffice.directory.client import DirectoryBackoffice
from remit.adapters.backoffice.directory.probe import probe
from remit.domain.errors import Fault
from remit.ports.backoffice import ActOutcome

MARK = "adminDescription"
ALICE = f"CN=alice,{PEOPLE}"


@pytest.fixture(scope="session")
def desk(samba: SambaServer, tmp_path_factory: pytest.TempPathFactory) -> DirectoryDesk:
    return DirectoryDesk(
        url=samba.url,
        ca=samba.ca,
        reader=READER,
        actor=ACTOR,
        rules=example_rules("active-directory"),
        catalogue=example_catalogue(),
        journal=tmp_path_factory.mktemp("journal"),
    )


def live(samba: SambaServer, desk: DirectoryDesk, action: str, record: Callable[[], str], count: Callable[[], int]) -> LiveAct:
    """One row of the table; what was done is counted in the directory itself."""
    group = action.startswith("group.")
    if group:
        desk = replace(desk, rules=owned(desk.rules, "managedBy"), catalogue=example_catalogue(owned_groups=True))
    kind, place = ("group", GROUPS) if group else ("account", PEOPLE)
    return LiveAct(
        system="Samba AD",
        promise="marker",
        line=desk.line,
        action=action,
        customer="alice",
        kind=kind,
        record=record,
        foreign="payroll-readers" if group else "bob",
        params=lambda name: {f"{kind}_id": name},
        count=count,
        move=lambda name: samba.modify(f"dn: CN={name},{place}\nchangetype: modify\nreplace: info\ninfo: moved {count()}\n"),
        crash=samba.crash,
        write=CUT,
        read=(f"{kind}.read", lambda name: {f"{kind}_id": name}),
    )


def test_unlocking_is_done_once_whatever_breaks(samba: SambaServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    locks = [0]

    def locked() -> str:
        before = samba.written("alice", "lockoutTime")
        if samba.values(ALICE, "lockoutTime") in ([], ["0"]):
            samba.lock("alice")
        locks[0] += samba.written("alice", "lockoutTime") - before
        return "alice"

    try_row(live(samba, desk, "account.unlock", locked, lambda: samba.written("alice", "lockoutTime") - locks[0]), tmp_path)


def test_a_reset_is_done_once_whatever_breaks(samba: SambaServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    try_row(live(samba, desk, "password.reset", lambda: "alice", lambda: samba.written("alice", "unicodePwd")), tmp_path)


def test_joining_a_group_is_done_once_whatever_breaks(samba: SambaServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    def memberships() -> int:
        return len(samba.values(ALICE, "memberOf"))

    try_row(live(samba, desk, "group.join", lambda: samba.new_group("alice"), memberships), tmp_path)


def test_a_reset_ends_the_password_and_the_lock_and_forces_a_change(samba: SambaServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    samba.lock("carol")
    done = desk.ask(tmp_path, "password.reset", ("account", "carol"), {"account_id": "carol"}, customer="carol")
    assert (done.state, done.values) == (DONE, {"account.new_password": "to be set at https://password.corp.example"})
    assert not samba.accepts("carol", "Start-pass-carol")
    assert samba.values(f"CN=carol,{PEOPLE}", "pwdLastSet") == ["0"]
    assert samba.values(f"CN=carol,{PEOPLE}", "lockoutTime") == ["0"]
    read = desk.run(tmp_path, lambda backoffice: backoffice.read("account.read", {"account_id": "carol"}, customer="carol"))
    assert read.values == {"account.status": "active", "account.password_changed_on": "to be changed"}


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("userAccountControl", "514", "This account is disabled."),
        ("adminCount", "1", "An administrator's password is reset by people alone."),
    ],
)
def test_a_disabled_account_and_an_administrators_are_left_alone(
    samba: SambaServer, desk: DirectoryDesk, tmp_path: Path, attribute: str, value: str, reason: str
) -> None:
    bob = f"CN=bob,{PEOPLE}"
    before = samba.written("bob", "unicodePwd")
    samba.modify(f"dn: {bob}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n")
    refused = desk.ask(tmp_path, "password.reset", ("account", "bob"), {"account_id": "bob"}, customer="bob")
    assert (refused.state, refused.reason, samba.written("bob", "unicodePwd")) == (FAILED, reason, before)
    undone = {"userAccountControl": "replace: userAccountControl\nuserAccountControl: 512", "adminCount": "delete: adminCount"}
    samba.modify(f"dn: {bob}\nchangetype: modify\n{undone[attribute]}\n")


@pytest.mark.parametrize("asked", ["BOB", "bob ", "\uff42ob", "b*b", "*", "bob)(sAMAccountName=*", f"CN=bob,{PEOPLE}", "remit-act", "DC1$"])
def test_another_spelling_of_an_id_is_no_record(samba: SambaServer, desk: DirectoryDesk, tmp_path: Path, asked: str) -> None:
    if asked in {"BOB", "bob "}:
        assert samba.values(PEOPLE, "sAMAccountName", where=f"(sAMAccountName={asked})", scope="sub") == ["bob"]
    (fact,) = desk.run(tmp_path, lambda backoffice: backoffice.facts([("account", asked)], customer="bob"))
    assert fact is None


def test_a_lost_answer_is_known_after_another_act(samba: SambaServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    """The answer of the first act is lost, and a second act replaces its mark before anybody asks."""
    name = samba.new_group("alice")
    record, join = ("group", name), {"group_id": name}

    async def job(backoffice: DirectoryBackoffice) -> tuple[ActOutcome, ActOutcome, ActOutcome]:
        (fact,) = await backoffice.facts([record], customer="alice")
        assert fact is not None
        first = act("group.join", join, {record: fact.version})
        async with desk.line(tmp_path) as line:
            line.cuts[CUT] = "after"
            with pytest.raises(Fault):
                await line.backoffice.perform(first)
        (fact,) = await backoffice.facts([record], customer="alice")
        assert fact is not None
        second = await backoffice.perform(act("group.leave", join, {record: fact.version}))
        found, again = await backoffice.outcome(first), await backoffice.perform(first)
        return second.state, found.state, again.state

    assert desk.run(tmp_path, job) == (DONE, DONE, DONE)
    assert samba.values(f"CN={name},{GROUPS}", "member") == [f"CN=carol,{PEOPLE}"]


def test_a_mark_of_another_desk_is_not_replaced(samba: SambaServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    name = samba.new_group("alice")
    samba.modify(f"dn: CN={name},{GROUPS}\nchangetype: modify\nreplace: {MARK}\n{MARK}: remit:act_of_another_desk\n")
    refused = desk.ask(tmp_path, "group.join", ("group", name), {"group_id": name})
    assert (refused.state, refused.reason) == (FAILED, "The record carries a mark of another system; a person must check it.")
    assert samba.values(f"CN={name},{GROUPS}", MARK) == ["remit:act_of_another_desk"]


def test_neither_account_can_do_more_than_the_example_says(samba: SambaServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    change = f"dn: {ALICE}\nchangetype: modify\nreplace: {{0}}\n{{0}}: {{1}}\n"
    for who in (READER, ACTOR):
        assert "Insufficient access" in samba.modify(change.format("mail", "x@x.example"), who)
        assert samba.values(ALICE, "unicodePwd", who) == []
    for attribute, value in (("lockoutTime", "0"), ("pwdLastSet", "0"), (MARK, "remit:x")):
        assert "Insufficient access" in samba.modify(change.format(attribute, value), READER)
    assert "Insufficient access" in samba.modify(
        f"dn: CN=Domain Admins,CN=Users,{BASE}\nchangetype: modify\nadd: member\nmember: {ALICE}\n", ACTOR
    )
    assert desk.run(tmp_path, lambda _: _looked_at(desk)) == []


async def _looked_at(desk: DirectoryDesk) -> list[str]:
    return list(await probe(desk.directory(), desk.rules.file))
