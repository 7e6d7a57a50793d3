"""A directory: ids that are filters, other spellings, passwords, marks of others, and servers that are not the company's."""

import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from contracts.small_directory import ACTOR, MARK, Directed, rules_in, rules_text, small_directory
from notice_servers import certificate
from remit.adapters.backoffice.directory.connection import verify_server
from remit.adapters.backoffice.directory.probe import probe
from remit.domain.errors import Fault, Refused
from remit.ports.backoffice import ActOutcome

HOSTILE = [
    "*", "ali*", "alice)(uid=*", "*)(objectClass=*", "alice\\2a", "\\61lice", "", "alice\x00", "x" * 300,
    "cn=alice,ou=people,dc=corp,dc=example", ")(|(uid=alice", "alice\n",
]  # fmt: skip
SPELLINGS = ["ALICE", "alice ", " alice", "\uff41lice", "Alice"]
RESET = "password.reset"


def passwords(directed: Directed) -> set[bytes]:
    """The passwords of alice and bob, in both forms."""
    people = [directed.server.person(name) for name in ("alice", "bob")]
    return {value for person in people for name in ("userpassword", "unicodepwd") for value in person[name]}


@pytest.fixture(params=["openldap", "active-directory"])
def directed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Directed]:
    with small_directory(tmp_path, request.param) as found:
        yield found


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[Directed]:
    with small_directory(tmp_path, "active-directory") as found:
        yield found


@pytest.fixture
def journalled(tmp_path: Path) -> Iterator[Directed]:
    with small_directory(tmp_path, "openldap") as found:
        yield found


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_id_is_never_a_filter_or_a_name(directed: Directed, hostile: str) -> None:
    """The small directory fails on every filter but `and`, `equal` and `present`."""
    assert directed.run(directed.backoffice.facts([("account", hostile)], customer=hostile)) == [None]
    assert directed.run(directed.backoffice.records(hostile, "account")) == []
    assert directed.run(directed.backoffice.attributes(hostile, ["contact.email"])) == {}
    acted = directed.run(directed.backoffice.perform(directed.act(RESET, hostile, customer=hostile)))
    assert acted.state is ActOutcome.FAILED
    assert passwords(directed) == {b"s3cret"}


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize("spelled", SPELLINGS)
def test_another_spelling_of_an_id_is_no_record_and_no_customer(directed: Directed, spelled: str) -> None:
    assert directed.run(directed.backoffice.facts([("account", spelled)], customer=spelled)) == [None]
    assert directed.run(directed.backoffice.attributes(spelled, ["contact.email"])) == {}
    joined = directed.act("group.join", "newsletter", customer=spelled)
    assert directed.run(directed.backoffice.perform(joined)).state is ActOutcome.FAILED
    assert "member" not in directed.server.group("newsletter")


@pytest.mark.proves("DIRECTORY")
def test_an_entry_with_two_ids_is_no_record(journalled: Directed) -> None:
    journalled.server.group("newsletter")["cn"].append(b"news")
    asked = [("group", "newsletter"), ("group", "news")]
    assert journalled.run(journalled.backoffice.facts(asked, customer="alice")) == [None, None]


@pytest.mark.proves("DIRECTORY")
def test_an_id_that_two_entries_have_is_no_record(directed: Directed) -> None:
    twin = {name: values[0].decode() for name, values in directed.server.person("alice").items()}
    directed.server.put(f"cn=alice,ou=guests,{directed.server.people}", **twin)
    assert directed.run(directed.backoffice.facts([("account", "alice")], customer="alice")) == [None]


@pytest.mark.proves("DIRECTORY")
def test_an_owner_in_another_spelling_owns_nothing(journalled: Directed) -> None:
    text = rules_text("openldap").replace('owner = "uid"', 'owner = "mail"')
    other = journalled.another(file=rules_in(journalled.folder, text).file)
    journalled.server.put(f"cn=bob,{journalled.server.people}", mail="ALICE")
    (fact,) = journalled.run(other.facts([("account", "bob")], customer="alice"))
    assert fact.relation == "none"
    assert journalled.run(other.records("alice", "account")) == []


@pytest.mark.proves("DIRECTORY")
def test_an_owner_of_the_same_id_elsewhere_is_not_the_customer(journalled: Directed) -> None:
    """Ids are unique below the customers' base alone: a guest alice owns nothing of the employee alice."""
    text = rules_text("openldap").replace('owner = "uid"', 'owner_entry = "manager"')
    other, server = journalled.another(file=rules_in(journalled.folder, text).file), journalled.server
    server.put("cn=alice,ou=guests", objectclass="inetOrgPerson", uid="alice")
    for manager, relation in (("cn=alice,ou=guests", "none"), (f"cn=alice,{server.people}", "owner")):
        server.put(f"cn=bob,{server.people}", manager=manager)
        (fact,) = journalled.run(other.facts([("account", "bob")], customer="alice"))
        assert fact.relation == relation


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize(
    "attribute", ["userPassword", "USERPASSWORD", "unicodePwd", "supplementalCredentials", "krbPrincipalKey", "pwdHistory"]
)
def test_no_rule_tells_a_password(tmp_path: Path, attribute: str) -> None:
    with pytest.raises(Refused, match="never leaves"):
        rules_in(tmp_path, rules_text("openldap").replace('= "mail"', f'= "{attribute}"'))


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize(
    ("told", "secret"),
    [
        ('name  = "cn"', 'name = "userPassword"'),
        ('owner = "uid"', 'owner = "userPKCS12"'),
        ('owner = "uid"', 'owner_entry = "pwdHistory"'),
        ('class = "groupOfNames"\nid    = "cn"', 'class = "groupOfNames"\nid = "unixUserPassword"'),
    ],
)
def test_nor_as_a_title_an_owner_or_an_id(tmp_path: Path, told: str, secret: str) -> None:
    text = rules_text("openldap")
    assert told in text
    with pytest.raises(Refused, match="never leaves"):
        rules_in(tmp_path, text.replace(told, secret))


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize("attribute", ["2.5.4.35", "userPassword;lang-en", "user password", ""])
def test_nor_by_another_name_of_it(tmp_path: Path, attribute: str) -> None:
    with pytest.raises(Refused, match="malformed"):
        rules_in(tmp_path, rules_text("openldap").replace('= "mail"', f'= "{attribute}"'))


@pytest.mark.proves("DIRECTORY")
def test_a_new_password_stays_between_the_adapter_and_the_directory(directed: Directed) -> None:
    act = directed.act(RESET, "alice")
    done = directed.run(directed.backoffice.perform(act))
    person = directed.server.person("alice")
    (made,) = person["userpassword"] if directed.rules.file.transaction else person["unicodepwd"]
    secret = made.decode() if directed.rules.file.transaction else made.decode("utf-16-le").strip('"')
    assert secret.startswith("Rm1-")
    kept = (directed.folder / "desk.db").read_bytes() + b"".join(path.read_bytes() for path in directed.folder.glob("desk.db-*"))
    entries = {dn: held for dn, held in directed.server.entries.items() if "ou=acts" in dn}
    told = repr(
        (
            done,
            directed.run(directed.backoffice.outcome(act)),
            directed.run(directed.backoffice.facts([("account", "alice")], customer="alice")),
        )
    )
    assert secret not in told + repr(entries)
    assert secret.encode() not in kept


@pytest.mark.proves("DIRECTORY")
def test_no_text_of_an_ask_is_written_into_the_directory(directed: Directed) -> None:
    act = directed.act("group.join", "newsletter", reason="cn=injected")
    assert directed.run(directed.backoffice.perform(act)).state is ActOutcome.DONE
    assert b"injected" not in repr(directed.server.entries).encode()


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize("key", ["act_1,ou=people", "act 1", "act_1+uid=x", "", "x" * 200, "act_\u00e9"])
def test_a_key_that_would_be_another_name_is_not_used(directed: Directed, key: str) -> None:
    with pytest.raises(Fault):
        directed.run(directed.backoffice.perform(directed.act(RESET, "alice", key=key)))
    assert directed.server.writes == []


@pytest.mark.proves("DIRECTORY")
def test_a_record_that_changed_owner_since_the_decision_is_not_changed(directed: Directed) -> None:
    """The owner is looked at again with the version: a decision for bob does not reset alice's password."""
    act = directed.act(RESET, "alice", customer="bob")
    assert directed.run(directed.backoffice.perform(act)).state is ActOutcome.FAILED
    assert passwords(directed) == {b"s3cret"}


@pytest.mark.proves("DIRECTORY")
def test_a_change_between_the_look_and_the_act_is_seen_by_the_directory(journalled: Directed) -> None:
    act = journalled.act(RESET, "alice")
    apply = journalled.server._apply  # an administrator is faster

    def faster(writes: list[tuple[int, bytes]], bound: str) -> int:
        if len(writes) > 1:
            journalled.server.put(f"cn=alice,{journalled.server.people}", pwdaccountlockedtime="000001010000Z")
        return apply(writes, bound)

    journalled.server._apply = faster  # type: ignore[method-assign]
    assert journalled.run(journalled.backoffice.perform(act)).reason == "It has changed meanwhile."
    assert journalled.server.person("alice")["userpassword"] == [b"s3cret"]


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize("mark", ["remit:act_of_another_desk", "remit-fence:act_of_another_desk", "a note of an administrator", "remit:"])
def test_a_mark_that_is_not_ours_is_not_replaced(marked: Directed, mark: str) -> None:
    marked.server.put(f"cn=alice,{marked.server.people}", admindescription=mark)
    refused = marked.run(marked.backoffice.perform(marked.act(RESET, "alice")))
    assert (refused.state, marked.server.writes) == (ActOutcome.FAILED, [])
    assert marked.server.person("alice")[MARK] == [mark.encode()]


@pytest.mark.proves("DIRECTORY")
def test_the_account_that_acts_is_not_the_one_that_looks(directed: Directed) -> None:
    directed.run(directed.backoffice.facts([("account", "alice")], customer="alice"))
    directed.run(directed.backoffice.read("person.read", {}, customer="alice"))
    assert {name for name, _, _ in directed.server.binds} == {"reader"}
    directed.run(directed.backoffice.perform(directed.act(RESET, "alice")))
    assert {bound for bound, _ in directed.server.writes} == {ACTOR[0]}


@pytest.mark.proves("DIRECTORY")
def test_a_server_with_another_certificate_gets_no_password(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    with small_directory(tmp_path, "openldap", tls=context) as directed:
        with pytest.raises(Fault, match="SSL"):
            directed.run(directed.backoffice.facts([("account", "alice")], customer="alice"))
        assert directed.server.binds == []


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize(("name", "accepted"), [("localhost", True), ("dc2.corp.example", False)])
def test_a_trusted_certificate_of_another_name_gets_no_password(tmp_path: Path, name: str, accepted: bool) -> None:
    file, context = certificate(tmp_path, name=name), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with small_directory(tmp_path, "openldap", tls=context) as directed:
        directory = directed.directory(tls=ssl.create_default_context(cafile=file))
        if accepted:
            directed.run(probe(directory, directed.rules.file))
        else:
            with pytest.raises(Fault, match="mismatch"):
                directed.run(probe(directory, directed.rules.file))
        assert bool(directed.server.binds) == accepted


@pytest.mark.proves("DIRECTORY")
@pytest.mark.parametrize("url", ["ldap://192.0.2.1", "ldap://169.254.169.254", "ldaps://169.254.169.254", "ldaps://0.0.0.0"])
def test_no_password_goes_without_tls_or_to_a_link_local_address(directed: Directed, url: str) -> None:
    elsewhere = directed.directory(url=url)

    async def look() -> None:
        await elsewhere.read(lambda _: None)  # type: ignore[arg-type,return-value]  # never reached

    with pytest.raises(Fault, match=r"loopback only|special-use"):
        directed.run(look())


@pytest.mark.proves("DIRECTORY")
def test_one_name_of_several_servers_is_refused() -> None:
    """A promise holds at the server that keeps it: another one learns of a mark later, and would act again."""
    for addresses in (["10.0.0.1"], ["10.0.0.1", "fd00::1"], ["10.0.0.1", "10.0.0.1"]):
        verify_server("dc1", [ip_address(one) for one in addresses], plain=False, allow_loopback=False)
    for addresses in (["10.0.0.1", "10.0.0.2"], ["fd00::1", "fd00::2"]):
        with pytest.raises(Refused, match="several servers"):
            verify_server("corp", [ip_address(one) for one in addresses], plain=False, allow_loopback=False)
