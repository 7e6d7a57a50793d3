"""A real OpenLDAP as the backoffice: passwords, locks and groups, each act once by a transaction of the directory itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from real.directory_desk import CUT, DONE, FAILED, DirectoryDesk, example_catalogue, example_rules, owned
from real.slapd_server import ACTOR, BASE, GROUPS, PEOPLE, READER, SlapdServer
from real.systems import LiveAct, try_row
from remit.adapters.backoffice.directory.client import DirectoryBackoffice
from remit.adapters.backoffice.directory.probe import probe
from remit.domain.errors import Fault

ALICE = f"uid=alice,{PEOPLE}"


@pytest.fixture(scope="session")
def desk(slapd: SlapdServer) -> DirectoryDesk:
    return DirectoryDesk(
        url=slapd.url, ca=slapd.ca, reader=READER, actor=ACTOR, rules=example_rules("openldap"), catalogue=example_catalogue()
    )


def live(slapd: SlapdServer, desk: DirectoryDesk, action: str, record: Callable[[], str], attribute: str) -> LiveAct:
    """One row of the table; what was done is counted in the server's own log of writes."""
    group = action.startswith("group.")
    if group:
        desk = replace(desk, rules=owned(desk.rules, "owner"), catalogue=example_catalogue(owned_groups=True))
    kind, place = ("group", f"cn={{}},{GROUPS}") if group else ("account", f"uid={{}},{PEOPLE}")
    return LiveAct(
        system="OpenLDAP",
        promise="transaction",
        line=desk.line,
        action=action,
        customer="alice",
        kind=kind,
        record=record,
        foreign="payroll-readers" if group else "bob",
        params=lambda name: {f"{kind}_id": name},
        count=lambda: slapd.written(attribute),
        move=lambda name: slapd.modify(f"dn: {place.format(name)}\nchangetype: modify\nreplace: description\ndescription: moved\n"),
        crash=slapd.crash,
        write=CUT,
        read=(f"{kind}.read", lambda name: {f"{kind}_id": name}),
    )


def test_unlocking_is_done_once_whatever_breaks(slapd: SlapdServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    def locked() -> str:
        slapd.lock("alice")
        return "alice"

    try_row(live(slapd, desk, "account.unlock", locked, "pwdAccountLockedTime"), tmp_path)


def test_a_reset_is_done_once_whatever_breaks(slapd: SlapdServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    try_row(live(slapd, desk, "password.reset", lambda: "alice", "userPassword"), tmp_path)


def test_joining_a_group_is_done_once_whatever_breaks(slapd: SlapdServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    try_row(live(slapd, desk, "group.join", lambda: slapd.new_group("alice"), "member"), tmp_path)


@pytest.mark.parametrize("asked", ["BOB", "bob ", " bob", "\uff42ob", "b*b", "*", "bob)(uid=*", f"uid=bob,{PEOPLE}", "", "b" * 300])
def test_another_spelling_of_an_id_is_no_record(slapd: SlapdServer, desk: DirectoryDesk, tmp_path: Path, asked: str) -> None:
    if asked in {"BOB", "bob ", "\uff42ob"}:
        assert slapd.values(PEOPLE, "uid", where=f"(uid={asked})", scope="sub") == ["bob"]  # as the directory itself sees it
    (fact,) = desk.run(tmp_path, lambda backoffice: backoffice.facts([("account", asked)], customer="bob"))
    assert fact is None
    read = desk.run(tmp_path, lambda backoffice: backoffice.read("account.read", {"account_id": asked}, customer="bob"))
    assert (read.state, read.values) == (FAILED, {})


def test_a_group_of_two_names_is_no_record(slapd: SlapdServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    slapd.modify(f"dn: cn=newsletter,{GROUPS}\nchangetype: modify\nadd: cn\ncn: news\n")
    found = desk.run(tmp_path, lambda backoffice: backoffice.facts([("group", "newsletter"), ("group", "news")], customer="bob"))
    assert found == [None, None]
    slapd.modify(f"dn: cn=newsletter,{GROUPS}\nchangetype: modify\ndelete: cn\ncn: news\n")


def test_a_reset_ends_the_password_and_the_lock_and_forces_a_change(slapd: SlapdServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    slapd.modify(f"dn: uid=carol,{PEOPLE}\nchangetype: modify\nreplace: userPassword\nuserPassword: carol-pass-1\n")
    slapd.lock("carol")
    carol = f"uid=carol,{PEOPLE}"
    done = desk.ask(tmp_path, "password.reset", ("account", "carol"), {"account_id": "carol"}, customer="carol")
    assert (done.state, done.values) == (DONE, {"account.new_password": "to be set at https://password.corp.example"})
    assert not slapd.accepts("carol", "carol-pass-1")
    assert slapd.values(carol, "pwdReset") == ["TRUE"]
    assert slapd.values(carol, "pwdAccountLockedTime") == []
    kept = "\n".join(
        (*slapd.values(f"ou=acts,{BASE}", "remitResult", scope="sub"), *slapd.values(f"ou=acts,{BASE}", "description", scope="sub"))
    )
    assert "Rm1-" not in kept


def test_an_administrators_lock_is_lifted_by_neither(slapd: SlapdServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    bob = f"uid=bob,{PEOPLE}"
    slapd.modify(f"dn: {bob}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n")
    for action in ("account.unlock", "password.reset"):
        refused = desk.ask(tmp_path, action, ("account", "bob"), {"account_id": "bob"}, customer="bob")
        assert (refused.state, refused.reason) == (FAILED, "An administrator has locked this account.")
    assert slapd.values(bob, "pwdAccountLockedTime") == ["000001010000Z"]
    slapd.modify(f"dn: {bob}\nchangetype: modify\ndelete: pwdAccountLockedTime\n")


def test_a_member_is_not_made_one_again(slapd: SlapdServer, desk: DirectoryDesk, tmp_path: Path) -> None:
    name = slapd.new_group("bob")
    join = {"group_id": name}
    assert desk.ask(tmp_path, "group.join", ("group", name), join).state is DONE
    again = desk.ask(tmp_path, "group.join", ("group", name), join)
    assert (again.state, again.reason) == (FAILED, "It is like that already.")
    assert desk.ask(tmp_path, "group.leave", ("group", name), join).state is DONE
    assert slapd.values(f"cn={name},{GROUPS}", "member") == [f"uid=carol,{PEOPLE}"]


def test_what_leaves_is_what_the_rules_name(desk: DirectoryDesk, tmp_path: Path) -> None:
    async def job(backoffice: DirectoryBackoffice) -> object:
        return (
            (await backoffice.read("person.read", {}, customer="bob")).values,
            await backoffice.attributes("bob", ["contact.email", "account.status", "userPassword"]),
            [one.id for one in await backoffice.records("bob", "account")],
            await backoffice.records("nobody", "account"),
        )

    assert desk.run(tmp_path, job) == (
        {"identity.name": "Bob Lee", "identity.employee_number": "1002", "contact.email": "bob@corp.example"},
        {"contact.email": "bob@corp.example", "account.status": ["active"]},
        ["bob"],
        [],
    )


def test_neither_account_can_do_more_than_the_example_says(slapd: SlapdServer) -> None:
    """The rights of `access.conf`: nobody reads a password, acts stay, and the account that reads changes nothing."""
    for who in (READER, ACTOR):
        assert slapd.values(ALICE, "uid", who) == ["alice"]
        assert slapd.values(ALICE, "userPassword", who) == []
        assert "Insufficient access" in slapd.modify(f"dn: {ALICE}\nchangetype: modify\nreplace: mail\nmail: x@x.example\n", who)
    for attribute, value in (("userPassword", "another-pass-1"), ("pwdAccountLockedTime", "000001010000Z")):
        change = f"dn: {ALICE}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n"
        assert "Insufficient access" in slapd.modify(change, READER)
    slapd.modify(f"dn: cn=act_kept,ou=acts,{BASE}\nobjectClass: remitAct\ncn: act_kept\nremitState: done\n", tool="ldapadd")
    gone = f"dn: cn=act_kept,ou=acts,{BASE}\nchangetype: "
    assert "Insufficient access" in slapd.modify(gone + "delete\n", ACTOR)
    assert "Insufficient access" in slapd.modify(gone + "modify\nreplace: remitState\nremitState: fenced\n", ACTOR)


async def _looked_at(desk: DirectoryDesk) -> list[str]:
    return list(await probe(desk.directory(), desk.rules.file))


def test_doctor_sees_what_is_missing(desk: DirectoryDesk, tmp_path: Path) -> None:
    assert desk.run(tmp_path, lambda _: _looked_at(desk)) == []
    swapped = replace(desk, reader=desk.actor, actor=desk.reader)
    (problem,) = desk.run(tmp_path, lambda _: _looked_at(swapped))
    assert problem == f"the account that acts cannot see ou=acts,{BASE}"


@pytest.mark.parametrize("broken", ["a wrong password", "another authority", "no server"])
def test_a_directory_that_is_not_reached_is_a_fault(desk: DirectoryDesk, tmp_path: Path, broken: str) -> None:
    if broken == "a wrong password":
        desk = replace(desk, reader=(READER[0], "wrong"))
    elif broken == "no server":
        desk = replace(desk, url="ldaps://127.0.0.1:1")
    else:
        desk = replace(desk, url=desk.url.replace("127.0.0.1", "ip6-localhost"))
    with pytest.raises(Fault):
        desk.run(tmp_path, lambda backoffice: backoffice.facts([("account", "alice")], customer="alice"))
