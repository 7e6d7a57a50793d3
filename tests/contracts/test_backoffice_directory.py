"""The directory adapter against a small directory, in both ways of acting once, broken at each step.

`tests/real` has the same against OpenLDAP and Active Directory.
"""

import random
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from contracts.small_directory import MARK, Directed, rules_in, rules_text, small_directory
from remit.adapters.backoffice.directory import ber, messages
from remit.adapters.backoffice.directory.probe import probe
from remit.domain.errors import Fault, Refused
from remit.ports.backoffice import ActOutcome

SYSTEMS = ("openldap", "active-directory")
RESET = "password.reset"


@pytest.fixture(params=SYSTEMS)
def directed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Directed]:
    with small_directory(tmp_path, request.param) as found:
        yield found


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[Directed]:
    with small_directory(tmp_path, "active-directory") as found:
        yield found


def passwords(directed: Directed) -> int:
    """Count the resets that the directory did."""
    return sum(name.lower() in {"userpassword", "unicodepwd"} for _, name in directed.server.writes)


def test_facts_name_owner_version_and_title(directed: Directed) -> None:
    asked = [("account", "alice"), ("account", "bob"), ("account", "nobody"), ("group", "newsletter"), ("other", "x")]
    own, foreign, absent, group, unknown = directed.run(directed.backoffice.facts(asked, customer="alice"))
    assert (own.id, own.relation, own.owners, own.name) == ("alice", "owner", {"alice"}, "Alice Lee")
    assert (foreign.relation, group.relation) == ("none", "public")
    assert (absent, unknown) == (None, None)
    assert own.version != foreign.version


def test_reads_lists_and_attributes_are_what_the_rules_name(directed: Directed) -> None:
    backoffice = directed.backoffice
    read = directed.run(backoffice.read("account.read", {"account_id": "alice"}, customer="alice"))
    assert (read.state, read.values["account.status"]) == (ActOutcome.DONE, "active")
    assert directed.run(backoffice.read("account.read", {"account_id": "bob"}, customer="alice")).state is ActOutcome.FAILED
    group = directed.run(backoffice.read("group.read", {"group_id": "newsletter"}, customer="alice"))
    assert group.values == {"group.purpose": "Newsletter", "group.membership": "no member"}
    assert [one.id for one in directed.run(backoffice.records("alice", "account"))] == ["alice"]
    assert directed.run(backoffice.records("alice", "group")) == []
    found = directed.run(backoffice.attributes("alice", ["contact.email", "account.status", "unicodePwd"]))
    assert found == {"contact.email": "alice@corp.example", "account.status": ["active"]}
    assert directed.run(backoffice.attributes("alice", ["account.status"], beside={"account": ["alice"]})) == {}
    assert directed.run(backoffice.contents([("account", "alice")], customer="alice")) == [{}]


@pytest.mark.parametrize(
    ("attribute", "value", "told"),
    [
        ("pwdchangedtime", "20261129181500Z", "2026-11-29"),
        ("pwdchangedtime", "yesterday", None),
        ("pwdlastset", "134143281000000000", "2026-01-31"),
        ("pwdlastset", "0", "to be changed"),
        ("pwdlastset", "9" * 40, None),
    ],
)
def test_times_are_told_as_days(tmp_path: Path, attribute: str, value: str, told: str | None) -> None:
    with small_directory(tmp_path, "openldap" if attribute == "pwdchangedtime" else "active-directory") as directed:
        directed.server.put(f"cn=alice,{directed.server.people}", **{attribute: value})
        read = directed.run(directed.backoffice.read("account.read", {"account_id": "alice"}, customer="alice"))
        assert read.values.get("account.password_changed_on") == told


def test_an_act_is_done_once_however_often_its_key_comes(directed: Directed) -> None:
    act = directed.act(RESET, "alice")
    first, again = directed.run(directed.backoffice.perform(act)), directed.run(directed.backoffice.perform(act))
    assert first == again
    assert (first.state, passwords(directed)) == (ActOutcome.DONE, 1)
    assert directed.run(directed.another().outcome(act)) == first


def test_eight_at_once_on_two_nodes_act_once(directed: Directed) -> None:
    act, other = directed.act(RESET, "alice"), directed.another()
    found = directed.all(*(one.perform(act) for one in (directed.backoffice, other) for _ in range(4)))
    assert {one.state for one in found if not isinstance(one, Fault)} == {ActOutcome.DONE}
    assert passwords(directed) == 1


@pytest.mark.parametrize("broken", ["before", "after", "code 51", "code 85", "code -1"])
def test_an_act_whose_answer_was_lost_is_done_once(directed: Directed, broken: str) -> None:
    act = directed.act(RESET, "alice")
    directed.server.breaks = [broken]
    with pytest.raises(Fault):
        directed.run(directed.backoffice.perform(act))
    other = directed.another()
    expected = ActOutcome.DONE if broken == "after" else ActOutcome.UNSEEN
    assert directed.run(other.outcome(act)).state is expected
    assert directed.run(other.perform(act)).state is ActOutcome.DONE
    assert directed.run(other.outcome(act)).state is ActOutcome.DONE
    assert passwords(directed) == 1


@pytest.mark.parametrize("broken", ["before", "after"])
def test_a_fence_after_a_lost_answer_holds_or_tells_what_was_done(directed: Directed, broken: str) -> None:
    act = directed.act(RESET, "alice")
    directed.server.breaks = [broken]
    with pytest.raises(Fault):
        directed.run(directed.backoffice.perform(act))
    expected = ActOutcome.FENCED if broken == "before" else ActOutcome.DONE
    for _ in range(2):
        assert directed.run(directed.backoffice.fence(act)).state is expected
    assert directed.run(directed.another().perform(act)).state is expected
    assert directed.run(directed.backoffice.outcome(act)).state is expected
    assert passwords(directed) == (broken == "after")


def test_a_fence_first_holds(directed: Directed) -> None:
    act = directed.act(RESET, "alice")
    assert directed.run(directed.backoffice.fence(act)).state is ActOutcome.FENCED
    assert directed.run(directed.backoffice.perform(act)).state is ActOutcome.FENCED
    assert passwords(directed) == 0


def test_a_fence_and_an_act_at_once_end_in_one_outcome(directed: Directed) -> None:
    for number in range(6):
        act, before = directed.act(RESET, "alice", key=f"act_{number}"), passwords(directed)
        directed.all(directed.backoffice.perform(act), directed.another().fence(act))
        settled = directed.run(directed.backoffice.fence(act)).state
        assert directed.run(directed.backoffice.perform(act)).state is settled
        assert passwords(directed) - before == (settled is ActOutcome.DONE)


def test_a_version_that_moved_fails_and_stays_failed(directed: Directed) -> None:
    act = directed.act(RESET, "alice")
    directed.server.put(f"cn=alice,{directed.server.people}", mail="moved@corp.example")
    for _ in range(2):
        failed = directed.run(directed.backoffice.perform(act))
        assert (failed.state, failed.reason) == (ActOutcome.FAILED, "It has changed meanwhile.")
    assert directed.run(directed.another().outcome(act)).state is ActOutcome.FAILED
    assert passwords(directed) == 0


def test_an_act_that_fails_after_a_lost_answer_cannot_arrive_late(marked: Directed) -> None:
    """The first try may still be on its way when the second one fails: a mark stops it."""
    act = marked.act(RESET, "alice")
    marked.server.breaks = ["before"]
    with pytest.raises(Fault):
        marked.run(marked.backoffice.perform(act))
    marked.server.put(f"cn=alice,{marked.server.people}", mail="moved@corp.example")
    assert marked.run(marked.backoffice.perform(act)).state is ActOutcome.FAILED
    assert marked.server.person("alice")[MARK] == [b"remit-fence:act_1"]


def test_an_act_whose_record_went_away_before_its_outcome_was_known_is_unclear(marked: Directed) -> None:
    """Moved out of reach, it is neither failed nor fenced: it may have been done, or may arrive late."""
    act, entries = marked.act(RESET, "alice"), marked.server.entries
    marked.server.breaks = ["after"]
    with pytest.raises(Fault):
        marked.run(marked.backoffice.perform(act))
    entries["cn=alice,ou=leavers"] = entries.pop(f"cn=alice,{marked.server.people}")
    assert marked.run(marked.backoffice.perform(act)).state is ActOutcome.UNCLEAR
    assert marked.run(marked.another().fence(act)).state is ActOutcome.UNCLEAR
    assert marked.run(marked.another().outcome(act)).state is ActOutcome.UNCLEAR
    entries[f"cn=alice,{marked.server.people}"] = entries.pop("cn=alice,ou=leavers")
    assert marked.run(marked.another().outcome(act)).state is ActOutcome.DONE


def test_an_act_whose_mark_was_overwritten_by_others_is_unclear(marked: Directed) -> None:
    act = marked.act(RESET, "alice")
    marked.server.breaks = ["after"]
    with pytest.raises(Fault):
        marked.run(marked.backoffice.perform(act))
    marked.server.put(f"cn=alice,{marked.server.people}", admindescription="a note")
    assert marked.run(marked.backoffice.fence(act)).state is ActOutcome.UNCLEAR
    assert marked.run(marked.backoffice.perform(act)).state is ActOutcome.UNCLEAR
    assert marked.run(marked.backoffice.outcome(act)).state is ActOutcome.UNCLEAR
    assert (passwords(marked), marked.server.person("alice")[MARK]) == (1, [b"a note"])


def test_a_record_that_is_gone_or_somebody_elses_is_refused(directed: Directed) -> None:
    foreign = directed.run(directed.backoffice.perform(directed.act(RESET, "bob")))
    gone = directed.run(directed.backoffice.perform(directed.act(RESET, "nobody", key="act_2")))
    assert {foreign.state, gone.state} == {ActOutcome.FAILED}
    assert foreign.reason == gone.reason
    assert passwords(directed) == 0


def test_a_state_that_hinders_is_told_by_its_reason(tmp_path: Path) -> None:
    with small_directory(tmp_path, "active-directory") as directed:
        for value, reason in (("514", "This account is disabled."), ("strange", "This account is disabled."), ("512", "")):
            directed.server.put(f"cn=alice,{directed.server.people}", useraccountcontrol=value)
            found = directed.run(directed.backoffice.perform(directed.act(RESET, "alice", key=f"act_{value}")))
            assert found.reason == reason
        unlocked = directed.run(directed.backoffice.perform(directed.act("account.unlock", "alice", key="act_u")))
        assert unlocked.reason == "This account is not locked."


def test_a_number_that_the_directory_does_not_show_hinders(marked: Directed) -> None:
    """Without the right to read it, or with more than one number, an account may be a disabled one."""
    for number, given in enumerate(([], [b"512", b"514"], [b"\xff"], [b"9" * 5000])):
        marked.server.person("alice")["useraccountcontrol"] = given
        found = marked.run(marked.backoffice.perform(marked.act(RESET, "alice", key=f"act_{number}")))
        assert found.reason == "This account is disabled."


def test_members_are_added_and_removed_by_the_name_that_the_directory_says(directed: Directed) -> None:
    steps = [
        ("group.join", ActOutcome.DONE),
        ("group.join", ActOutcome.FAILED),
        ("group.leave", ActOutcome.DONE),
        ("group.leave", ActOutcome.FAILED),
    ]
    for number, (action, expected) in enumerate(steps):
        found = directed.run(directed.backoffice.perform(directed.act(action, "newsletter", key=f"act_{number}")))
        assert found.state is expected
    directed.run(directed.backoffice.perform(directed.act("group.join", "newsletter", key="act_last")))
    assert directed.server.group("newsletter")["member"] == [f"cn=alice,{directed.server.people}".encode()]
    stranger = directed.act("group.join", "newsletter", customer="nobody", key="act_stranger")
    assert directed.run(directed.backoffice.perform(stranger)).state is ActOutcome.FAILED


def test_an_act_whose_mark_was_replaced_is_still_known(marked: Directed) -> None:
    first = marked.act("group.join", "newsletter")
    marked.server.breaks = ["after"]
    with pytest.raises(Fault):
        marked.run(marked.backoffice.perform(first))
    second = marked.act("group.leave", "newsletter", key="act_2")
    assert marked.run(marked.another().perform(second)).state is ActOutcome.DONE
    assert marked.server.group("newsletter")[MARK] == [b"remit:act_2"]
    assert marked.run(marked.backoffice.outcome(first)).state is ActOutcome.DONE
    assert marked.run(marked.backoffice.perform(first)).state is ActOutcome.DONE
    assert "member" not in marked.server.group("newsletter")


def test_a_connection_that_was_closed_is_opened_again_for_a_read(directed: Directed) -> None:
    backoffice = directed.backoffice
    directed.run(backoffice.facts([("account", "alice")], customer="alice"))
    before = len(directed.server.binds)

    async def cut() -> Any:
        for kept in backoffice._directory._idle:  # as a server that ends an idle connection
            kept.close()
        return await backoffice.facts([("account", "alice")], customer="alice")

    assert directed.run(cut())[0].id == "alice"
    assert len(directed.server.binds) == before + 1


def test_connections_that_a_firewall_forgot_cost_one_fault(directed: Directed) -> None:
    ask = [("account", "alice")]
    directed.all(*(directed.backoffice.facts(ask, customer="alice") for _ in range(3)))
    before = len(directed.server.binds)
    directed.server.answers = [b""]
    with pytest.raises(Fault, match="no answer"):
        directed.run(directed.backoffice.facts(ask, customer="alice"))
    assert directed.run(directed.backoffice.facts(ask, customer="alice"))[0].id == "alice"
    assert len(directed.server.binds) == before + 1


def test_an_address_without_a_way_to_it_is_passed_over(directed: Directed) -> None:
    directory = directed.directory()

    async def dial() -> None:
        (await directory.dial([ip_address("255.255.255.255"), ip_address("127.0.0.1")])).close()

    directed.run(dial())


def test_a_server_that_sends_more_than_was_asked_is_cut_short(directed: Directed) -> None:
    directed.server.surplus = 50
    for number in range(40):
        directed.server.put(f"cn=p{number},{directed.server.people}", objectclass="inetOrgPerson", uid=f"p{number}", samaccountname="x")
    problems = directed.run(probe(directed.directory(), directed.rules.file))
    assert not [one for one in problems if "sees no" in one]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("( 1.2 NAME 'adminDescription' SYNTAX '1.3' SINGLE-VALUE )", []),
        ("( 1.2 NAME 'adminDescription' SYNTAX '1.3' )", ["adminDescription takes several values, and a mark is one"]),
        ("( 1.2 NAME 'other' SYNTAX '1.3' )", ["adminDescription, which [marker] relies on, is not in its schema"]),
    ],
)
def test_a_look_at_the_schema_sees_whether_a_mark_is_one(marked: Directed, types: str, expected: list[str]) -> None:
    marked.server.put("", objectclass="top", subschemasubentry="cn=schema")
    marked.server.put("cn=schema", objectclass="subschema", attributetypes=types)
    assert marked.run(probe(marked.directory(), marked.rules.file)) == expected


def test_one_record_that_cannot_be_read_closes_the_directory_for_nobody_else(directed: Directed) -> None:
    del directed.server.person("bob")[directed.server.version]
    for _ in range(8):
        with pytest.raises(Fault, match="cannot be read"):
            directed.run(directed.backoffice.facts([("account", "bob")], customer="bob"))
    (fact,) = directed.run(directed.backoffice.facts([("account", "alice")], customer="alice"))
    assert fact.id == "alice"


def test_nor_does_one_record_that_is_too_long(directed: Directed) -> None:
    """Not every directory bounds the texts that employees write about themselves."""
    directed.server.put(f"cn=bob,{directed.server.people}", cn="x" * 2**20, displayname="x" * 2**20)
    for _ in range(6):
        with pytest.raises(Fault, match="too long"):
            directed.run(directed.backoffice.facts([("account", "bob")], customer="bob"))
    (fact,) = directed.run(directed.backoffice.facts([("account", "alice")], customer="alice"))
    assert fact.id == "alice"


def test_after_five_faults_nothing_is_asked_for_a_while(directed: Directed) -> None:
    directed.server.answers = [b"\x00\x00"] * 5
    for _ in range(5):
        with pytest.raises(Fault):
            directed.run(directed.backoffice.facts([("account", "alice")], customer="alice"))
    before = len(directed.server.binds)
    with pytest.raises(Fault, match="not asked"):
        directed.run(directed.backoffice.facts([("account", "alice")], customer="alice"))
    assert len(directed.server.binds) == before


@pytest.mark.parametrize(
    "answer",
    [
        b"\x30\x05\x02\x01\x01\x61\x00",
        b"\x30\x80\x00\x00",
        b"\x30\x85\x00\x00\x00\x00\x01\x00",
        b"\x30\x84\x7f\xff\xff\xff",
        b"\x30\x0c\x02\x01\x63\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
        b"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_ldap_is_a_fault(directed: Directed, answer: bytes) -> None:
    directed.server.answers = [answer]
    with pytest.raises(Fault):
        directed.run(directed.backoffice.facts([("account", "alice")], customer="alice"))


def test_elements_are_read_as_they_were_written_and_noise_is_refused() -> None:
    chance = random.Random(7)
    for size in (0, 1, 127, 128, 255, 256, 70_000):
        content = chance.randbytes(size)
        assert list(ber.elements(ber.octets(content))) == [(ber.OCTETS, content)]
    for value in (0, 1, -1, 127, 128, -128, -129, 2**31, -(2**40)):
        ((_, content),) = ber.elements(ber.number(value))
        assert ber.decode_number(content) == value
    for _ in range(2000):
        noise = chance.randbytes(chance.randrange(40))
        for parse in (messages.parse_message, messages.parse_result, messages.parse_entry):
            try:
                parse(noise)
            except ber.BerError:
                continue


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[marker]\n", "[transaction]\nacts = 'ou=acts'\n[marker]\n", "exactly one of them"),
        ('owner = "sAMAccountName"', "", "not public"),
        ("[kind.group", "[kind.other", "is no resource"),
        ('"identity.name"            = "displayName"', '"identity.shoe" = "displayName"', "is no attribute"),
        ('set = "0"', 'set = "0", clear = true', "needs one of set"),
        ("bit = 2, ", 'bit = 2, is = "2", ', "needs one of is"),
        ('"account.status" = "active"', '"contact.email" = "x"', "is not among the returns"),
        ('param  = "account_id"', 'param  = "account"', "x-resource"),
        ('[action."group.leave"]', '[action."group.part"]', "is missing"),
        ('add = "customer"', 'add = "anybody"', "malformed"),
    ],
)
def test_rules_that_do_not_fit_the_catalogue_are_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = rules_text("active-directory")
    assert old in text
    with pytest.raises(Refused, match=problem):
        rules_in(tmp_path, text.replace(old, new))


def test_a_look_at_the_directory_names_what_is_missing(tmp_path: Path) -> None:
    with small_directory(tmp_path, "openldap") as directed:
        found = directed.run(probe(directed.directory(), directed.rules.file))
        assert found == [
            "it offers no transactions (RFC 5805), which [transaction] relies on",
            "it offers no assertions (RFC 4528), which [transaction] relies on",
            "the account that acts cannot see ou=acts,dc=corp,dc=example",
        ]
        directed.server.put("", objectclass="top", supportedextension="1.3.6.1.1.21.1", supportedcontrol="1.3.6.1.1.12")
        directed.server.put(directed.server.acts, objectclass="organizationalUnit")
        assert directed.run(probe(directed.directory(), directed.rules.file)) == []
        with pytest.raises(Fault):
            directed.run(probe(directed.directory(acting=("actor", "wrong")), directed.rules.file))
