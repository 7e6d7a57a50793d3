"""A mapped system: ids that lead elsewhere, redirects, values that were not mapped, and acts that nothing can find again."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import SEND_BACK, Arena
from contracts.mapped_shop import LIMITED, MAPPING, REPLAYED, SEARCHED, Mapped, act, mapped_shop, mapping_in
from remit.adapters.backoffice.mapped.pointers import PointerError, find, put
from remit.domain.errors import Fault, Refused
from remit.ports.backoffice import ActOutcome, ActResult
from remit.usecases.desk.unclear_acts import list_unclear, settle_unclear

HOSTILE = ["W1/refunds", "..", ".", "../customers/anna", "W1?x=1", "W1#x", "W1%2Frefunds", "", "W1\r\nx: y", "w1", "x" * 300]


@pytest.fixture
def mapped(tmp_path: Path) -> Iterator[Mapped]:
    with mapped_shop(tmp_path) as found:
        yield found


@pytest.mark.proves("MAPPED")
@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_id_never_leads_to_another_operation(mapped: Mapped, hostile: str) -> None:
    facts = mapped.run(mapped.backoffice.facts([("order", hostile)], customer="anna"))
    assert facts == [None]
    paths = [path for _, path, _, _ in mapped.shop.asked]
    assert all(path.startswith("/orders/") and path.count("/") == 2 and "?" not in path for path in paths)
    assert not {path.split("/")[2] for path in paths} & {"", ".", ".."}


@pytest.mark.proves("MAPPED")
@pytest.mark.parametrize("hostile", [one for one in HOSTILE if one != "w1"])
def test_an_act_with_such_an_id_does_nothing(mapped: Mapped, hostile: str) -> None:
    wanted = act("order.ship", order=hostile)
    assert mapped.run(mapped.backoffice.perform(wanted)).state is ActOutcome.FAILED
    assert mapped.shop.shipped == []


@pytest.mark.proves("MAPPED")
def test_an_alias_of_a_record_is_no_record_of_its_owner(mapped: Mapped) -> None:
    assert mapped.run(mapped.backoffice.facts([("order", "w1")], customer="anna")) == [None]


@pytest.mark.proves("MAPPED")
def test_what_is_answered_about_another_customer_is_not_told(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, MAPPING.replace('values = { "contact.email"', 'id = "/name"\nvalues = { "contact.email"')) as mapped:
        told = [mapped.run(mapped.backoffice.attributes(one, ["contact.email"])) for one in ("anna", "ANNA", "a*", "..", "")]
        assert told == [{"contact.email": "anna@mail.example"}, {}, {}, {}, {}]


@pytest.mark.proves("MAPPED")
def test_a_value_that_is_not_mapped_does_not_leave_the_adapter(mapped: Mapped) -> None:
    shop = mapped.backoffice
    found = [
        mapped.run(shop.perform(act("order.refund", amount="1.00 EUR"))),
        mapped.run(shop.read("order.read", {"order_id": "W2"}, customer="bram")),
        mapped.run(shop.attributes("bram", ["contact.email", "password", "order.password"])),
        mapped.run(shop.facts([("order", "W2")], customer="bram")),
    ]
    assert "hunter2" not in repr(found)
    assert "s3cret" not in repr(found)


@pytest.mark.proves("MAPPED")
def test_a_table_at_a_mapped_place_does_not_leave_either(mapped: Mapped) -> None:
    mapped.shop.orders["W1"] |= {"status": {"internal": "s3cret"}, "parcels": [{"pieces": [{"id": {"internal": "s3cret"}}]}]}
    read = mapped.run(mapped.backoffice.read("order.read", {"order_id": "W1"}, customer="anna"))
    assert read.values == {}


@pytest.mark.proves("MAPPED")
@pytest.mark.parametrize("part", ["i2", "I1", "", "W2"])
def test_a_part_of_another_record_is_not_sent(mapped: Mapped, part: str) -> None:
    mapped.shop.orders["W2"]["items"] = [{"id": "i2", "title": "Shade"}]
    found = mapped.run(mapped.backoffice.perform(act("order.exchange", line=part)))
    assert found.state is ActOutcome.FAILED
    assert mapped.shop.exchanges.begun == 0


@pytest.mark.proves("MAPPED")
def test_a_part_that_cannot_be_looked_at_is_not_mapped(tmp_path: Path) -> None:
    cut = MAPPING[: MAPPING.index("[[kind.order.parts]]")] + MAPPING[MAPPING.index("[customer]") :]
    with pytest.raises(Refused) as refused:
        mapping_in(tmp_path, cut)
    assert "kind.order.parts" in str(refused.value)


@pytest.mark.proves("MAPPED")
def test_a_redirect_is_followed_nowhere_and_does_nothing(mapped: Mapped) -> None:
    mapped.shop.answers = [(307, {}, {"location": "/orders/W2/ship"})]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(act("order.ship")))
    assert mapped.shop.shipped == []
    assert [path for method, path, _, _ in mapped.shop.asked if method == "POST"] == ["/orders/W1/ship"]


@pytest.mark.proves("MAPPED")
def test_the_token_that_acts_never_travels_with_a_look_up(mapped: Mapped) -> None:
    mapped.run(mapped.backoffice.perform(act("order.refund", amount="1.00 EUR")))
    tokens = {(method == "GET", headers["authorization"]) for method, _, headers, _ in mapped.shop.asked}
    assert tokens == {(True, "Bearer reads"), (False, "Bearer acts")}


@pytest.mark.proves("MAPPED")
def test_an_amount_in_another_currency_is_not_sent_as_a_bare_number(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, MAPPING.replace(', currency = "/currency"', "")) as mapped:
        refused = mapped.run(mapped.backoffice.perform(act("order.refund", amount="1.00 USD")))
        assert refused.state is ActOutcome.FAILED
        assert mapped.shop.refunds == []


@pytest.mark.proves("MAPPED")
@pytest.mark.parametrize("pointer", ["/__proto__/polluted", "/constructor", "/a/prototype/b", "", "/-", "/a//b"])
def test_a_body_reaches_no_prototype(pointer: str) -> None:
    with pytest.raises(PointerError):
        put({}, pointer, 1)


@pytest.mark.proves("MAPPED")
@pytest.mark.parametrize("value", [{"__proto__": {"admin": True}}, {"a": [{"constructor": 1}]}])
def test_nor_does_a_value(value: Any) -> None:
    with pytest.raises(PointerError):
        put({}, "/a", value)


@pytest.mark.proves("MAPPED")
@pytest.mark.parametrize("pointer", ["/__class__", "/a/__len__", "/a/-1", "/a/00", "/a/1e0"])
def test_a_pointer_reads_members_and_places_alone(pointer: str) -> None:
    assert find({"a": [1, 2]}, pointer) is None


@pytest.mark.proves("MAPPED")
def test_a_list_that_does_not_say_whose_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="whose records"):
        mapping_in(tmp_path, MAPPING.replace('query = { customer = "{customer}" }', 'query = { limit = "50" }'))


@pytest.mark.proves("MAPPED")
def test_a_kind_that_does_not_say_which_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="which one"):
        mapping_in(tmp_path, SEARCHED.replace('query = { q = "{id}" }', 'query = { q = "W1" }'))


@pytest.mark.proves("UNCLEAR")
def test_an_act_without_a_promise_is_never_sent_twice(mapped: Mapped) -> None:
    mapped.shop.breaks = ["lose"]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(act("order.ship")))
    mapped.later()
    for _ in range(3):
        assert mapped.run(mapped.backoffice.perform(act("order.ship"))).state is ActOutcome.UNCLEAR
        assert mapped.run(mapped.backoffice.fence(act("order.ship"))).state is ActOutcome.UNCLEAR
    assert mapped.shop.shipped == ["W1"]


def unclear_act(arena: Arena) -> str:
    """An act that the backoffice got, did, and can say nothing about."""
    task = arena.task()
    arena.backoffice.fail_next("after")
    assert arena.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "unknown"

    async def outcome(_act: Any) -> ActResult:
        return ActResult(state=ActOutcome.UNCLEAR, values={})

    arena.backoffice.outcome = outcome  # type: ignore[method-assign]  # nothing shows what became of it
    arena.desk.sweep()
    arena.desk.sweep()
    (waiting,) = arena.run(list_unclear(arena.context))
    return waiting.act


@pytest.mark.proves("UNCLEAR")
def test_an_unclear_act_goes_to_an_officer_and_is_not_sent_again(arena: Arena) -> None:
    act_id = unclear_act(arena)
    assert len(arena.performed("order.return")) == 1
    assert [kind for kind, _ in arena.notify.incidents].count("act_unclear") == 1
    (case,) = arena.run(arena.helpdesk.cases())
    notes = [note for note in arena.run(arena.helpdesk.notes(case.id)) if act_id in note.text]
    assert [note.public for note in notes] == [False]


@pytest.mark.proves("UNCLEAR")
@pytest.mark.parametrize("done", [True, False])
def test_an_officer_alone_says_what_became_of_it(arena: Arena, done: bool) -> None:  # a case
    act_id = unclear_act(arena)
    with pytest.raises(Refused):
        arena.run(settle_unclear(arena.context, act_id, done=done, officer="anna", seat="test"))
    officer = arena.desk.officer("sec", roles=["security"])
    arena.run(settle_unclear(arena.context, act_id, done=done, officer=officer.id, seat="test"))
    entry = arena.recorded("act.reconciled")
    assert entry["envelope"]["outcome"] == ("done" if done else "failed")
    assert entry["desk"]["settled_by"] == f"{officer.id} (test)"
    assert "settled_by" not in entry["agent"]
    assert arena.run(list_unclear(arena.context)) == []
    assert len(arena.performed("order.return")) == 1
    with pytest.raises(Refused):
        arena.run(settle_unclear(arena.context, act_id, done=done, officer=officer.id, seat="test"))


@pytest.mark.proves("MAPPED-SUMS")
def test_parallel_refunds_on_one_version_are_paid_once(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, LIMITED) as mapped:
        mapped.shop.moves = False  # a system whose refunds move no version, and that sums up nothing
        acts = [act("order.refund", key=f"act_{number}", amount="60.00 EUR") for number in range(4)]
        found = mapped.all(*(mapped.backoffice.perform(one) for one in acts))
        states = sorted(one.state for one in found)
        assert states == [ActOutcome.DONE, ActOutcome.FAILED, ActOutcome.FAILED, ActOutcome.FAILED]
        assert len(mapped.shop.refunds) == 1


@pytest.mark.proves("MAPPED-SUMS")
def test_refunds_one_after_another_never_exceed_what_was_paid(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, LIMITED) as mapped:
        mapped.shop.moves = False
        acts = [act("order.refund", key=f"act_{number}", amount="50.00 EUR") for number in range(4)]
        states = [mapped.run(mapped.backoffice.perform(one)).state for one in acts]
        assert states == [ActOutcome.DONE, ActOutcome.DONE, ActOutcome.FAILED, ActOutcome.FAILED]
        assert [one["amount"] for one in mapped.shop.refunds] == ["50.00", "50.00"]


@pytest.mark.proves("MAPPED-SUMS")
@pytest.mark.parametrize("scope", ["token", "account"])
def test_a_key_is_not_sent_again_by_a_token_that_the_system_does_not_know_it_by(tmp_path: Path, scope: str) -> None:
    text = REPLAYED.replace('header = "Idempotency-Key"', f'header = "Idempotency-Key"\nscope = "{scope}"')
    with mapped_shop(tmp_path, text) as mapped:
        mapped.shop.breaks = ["lose"]
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(act("order.charge")))
        mapped.later()
        mapped.backoffice._wire._acting = {"authorization": "Bearer replaced"}
        found = mapped.run(mapped.backoffice.perform(act("order.charge")))
        sent = sum(1 for method, path, *_ in mapped.shop.asked if (method, path) == ("POST", "/orders/W1/charges"))
        assert (found.state, sent) == ((ActOutcome.UNCLEAR, 1) if scope == "token" else (ActOutcome.DONE, 2))


@pytest.mark.proves("MAPPED-SUMS")
def test_a_key_is_sent_by_no_token_that_came_while_it_was_looked_for(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, REPLAYED) as mapped:
        mapped.shop.breaks = ["before"]
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(act("order.charge")))
        mapped.later()
        mapped.once_at("GET /orders/W1", lambda: setattr(mapped.backoffice._wire, "_acting", {"authorization": "Bearer replaced"}))
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(act("order.charge")))
        assert mapped.shop.charges == {}
        mapped.later()
        assert mapped.run(mapped.backoffice.perform(act("order.charge"))).state is ActOutcome.UNCLEAR


class ReplacedToken(Mapping[str, str]):
    """The header of a token that is replaced after it was read once."""

    def __init__(self) -> None:
        self.left = ["Bearer acts"]

    def __getitem__(self, name: str) -> str:
        return self.left.pop() if self.left else "Bearer replaced"

    def __iter__(self) -> Iterator[str]:
        return iter(("authorization",))

    def __len__(self) -> int:
        return 1


@pytest.mark.proves("MAPPED-SUMS")
def test_a_key_that_another_token_did_not_find_is_not_fenced(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, REPLAYED) as mapped:
        mapped.shop.breaks = ["lose"]
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(act("order.charge")))
        mapped.later()
        mapped.backoffice._wire._acting = ReplacedToken()
        assert mapped.run(mapped.backoffice.fence(act("order.charge"))).state is ActOutcome.UNCLEAR


@pytest.mark.proves("MAPPED-SUMS")
def test_the_life_of_a_key_begins_when_it_is_sent_first(mapped: Mapped) -> None:
    for _ in range(2):
        mapped.shop.breaks = ["lose"]
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(act("order.charge")))
        mapped.world.at += 20 * 3_600_000
    assert mapped.run(mapped.backoffice.perform(act("order.charge"))).state is ActOutcome.UNCLEAR


@pytest.mark.proves("MAPPED-SUMS")
def test_a_refund_of_an_unknown_state_lets_nothing_through(tmp_path: Path) -> None:
    text = LIMITED.replace('items = "/refunds", at = "/amount"', 'items = "/refunds", at = "/amount", where = "/state", is = ["done"]')
    with mapped_shop(tmp_path, text) as mapped:
        mapped.shop.refunds = [{"order": "W1", "amount": "120.00"}]
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(act("order.refund", amount="100.00 EUR")))
        assert len(mapped.shop.refunds) == 1


@pytest.mark.proves("MAPPED-SUMS")
def test_a_look_up_that_names_no_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="asks for no key"):
        mapping_in(tmp_path, MAPPING.replace('items = "/refunds/*", at = "/note"', 'items = "/refunds/*"'))


@pytest.mark.proves("MAPPED-SUMS")
def test_a_limit_is_that_of_a_record_whose_owner_is_verified(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="marks as a order"):
        mapping_in(tmp_path, LIMITED.replace('kind = "order", param = "/order_id", plus', 'kind = "order", param = "/amount", plus'))


@pytest.mark.proves("MAPPED")
@pytest.mark.parametrize("action", ["order.ship", "order.charge"])
def test_a_record_that_changed_its_owner_alone_is_not_acted_on(mapped: Mapped, action: str) -> None:
    mapped.shop.orders["W1"]["customer"] = "bram"
    assert mapped.run(mapped.backoffice.perform(act(action))).state is ActOutcome.FAILED
    assert (mapped.shop.shipped, mapped.shop.charges) == ([], {})


def slow(mapped: Mapped) -> None:
    """Let the system take so long that another node would take the act for one that cannot arrive any more."""
    mapped.world.at += 20_000


@pytest.mark.proves("FENCE")
def test_an_act_that_was_fenced_while_its_records_were_looked_at_is_not_sent(mapped: Mapped) -> None:
    here, there = mapped.nodes
    wanted, fenced = act("order.refund", amount="1.00 EUR"), list[ActResult]()

    def fence() -> None:
        slow(mapped)
        fenced.append(mapped.run(there.fence(wanted)))

    mapped.once_at("GET /orders/W1", fence)
    with pytest.raises(Fault):
        mapped.run(here.perform(wanted))
    assert ([one.state for one in fenced], mapped.shop.refunds) == ([ActOutcome.FENCED], [])
    assert mapped.run(here.perform(wanted)).state is ActOutcome.FENCED


@pytest.mark.proves("FENCE")
def test_a_draft_that_a_fence_deletes_is_committed_by_no_other_node(mapped: Mapped) -> None:
    here, there = mapped.nodes
    wanted, refused = act("order.return"), list[Fault]()
    mapped.shop.breaks = ["before", ""]
    with pytest.raises(Fault):
        mapped.run(here.perform(wanted))
    mapped.later()

    def commit() -> None:
        with pytest.raises(Fault) as fault:
            mapped.run(there.perform(wanted))
        refused.append(fault.value)

    mapped.once_at("DELETE /returns/r0", commit)
    assert mapped.run(here.fence(wanted)).state is ActOutcome.FENCED
    assert (len(refused), mapped.shop.returns) == (1, {})


@pytest.mark.proves("FENCE")
def test_an_act_that_another_node_did_meanwhile_is_not_forgotten(mapped: Mapped) -> None:
    here, there = mapped.nodes
    wanted = act("order.refund", amount="1.00 EUR")

    def do() -> None:
        slow(mapped)
        mapped.shop.breaks = ["lose"]
        with pytest.raises(Fault):
            mapped.run(there.perform(wanted))

    mapped.once_at("GET /orders/W1", do)
    with pytest.raises(Fault):
        mapped.run(here.perform(wanted))
    mapped.later()
    assert mapped.run(here.perform(wanted)).state is ActOutcome.DONE
    assert len(mapped.shop.refunds) == 1


@pytest.mark.proves("FENCE")
@pytest.mark.parametrize(
    ("action", "at", "before"),
    [
        ("order.refund", "GET /orders/W1", 0),
        ("order.exchange", "POST /exchanges", 1),
        ("order.exchange", "POST /exchanges/x1/lines", 2),
    ],
)
def test_what_was_sent_late_may_still_arrive_late(mapped: Mapped, action: str, at: str, before: int) -> None:
    """The request after the slow one breaks, `before` others having been sent."""
    here, there = mapped.nodes
    wanted = act(action, amount="1.00 EUR") if action == "order.refund" else act(action, line="i1")
    mapped.once_at(at, lambda: slow(mapped))
    mapped.shop.breaks = ["before", *[""] * before]
    with pytest.raises(Fault):
        mapped.run(here.perform(wanted))
    with pytest.raises(Fault):
        mapped.run(there.fence(wanted))
    mapped.world.at += 12_000  # more than 30 s after its records were held first
    other = mapped.run(there.perform(act("order.ship", key="act_2")))
    assert (other.state, mapped.shop.shipped) == (ActOutcome.FAILED, [])
    mapped.later()
    assert mapped.run(there.fence(wanted)).state is ActOutcome.FENCED
