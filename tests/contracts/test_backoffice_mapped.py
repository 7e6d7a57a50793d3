"""The mapped backoffice against a small shop: one act for each promise, broken at each step."""

import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.desk_plugs import DATABASES
from contracts.mapped_shop import DIGESTED, LIMITED, MAPPING, REPLAYED, SEARCHED, Mapped, act, mapped_shop, mapping_in
from remit.adapters.backoffice.mapped.mapping import Auth, Query
from remit.adapters.backoffice.mapped.requests import UnusableValue, filled_query, verify_integer
from remit.adapters.backoffice.mapped.tokens import TokenHeader
from remit.adapters.http.connection import HttpConnections
from remit.domain.errors import Fault, Refused
from remit.ports.backoffice import ActOutcome

ACTS: dict[str, dict[str, Any]] = {
    "order.refund": {"amount": "12.50 EUR"},
    "order.charge": {},
    "order.close": {},
    "order.rename": {"title": "Pot"},
    "order.token": {},
    "order.return": {},
    "order.exchange": {"line": "i1"},
    "order.label": {},
    "order.ship": {},
}


@pytest.fixture
def mapped(tmp_path: Path) -> Iterator[Mapped]:
    with mapped_shop(tmp_path) as found:
        yield found


def done(mapped: Mapped, action: str) -> int:
    """Count what the shop did."""
    shop = mapped.shop
    return {
        "order.refund": len(shop.refunds),
        "order.charge": len(shop.charges),
        "order.close": int(shop.orders["W1"]["status"] == "closed"),
        "order.rename": int(str(shop.orders["W1"]["version"])) - 1,
        "order.token": len(shop.tokens),
        "order.return": sum(1 for one in shop.returns.values() if one["status"] == "requested"),
        "order.exchange": shop.exchanges.requested(),
        "order.label": len(shop.labels),
        "order.ship": len(shop.shipped),
    }[action]


def test_facts_name_owner_version_and_title(mapped: Mapped) -> None:
    own, foreign, absent = mapped.run(mapped.backoffice.facts([("order", "W1"), ("order", "W2"), ("order", "W9")], customer="anna"))
    assert (own.id, own.relation, own.version, own.name) == ("W1", "owner", "1", "Kettle")
    assert foreign.relation == "none"
    assert absent is None


def test_a_text_that_is_no_id_by_its_form_is_not_asked_for(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, MAPPING.replace('id = "/order/id"', 'id = "/order/id"\nform = "W[0-9]+"')) as mapped:
        asked = [("order", one) for one in ("W1", "W1\n", "i1", "xW1", "W2")]
        found = mapped.run(mapped.backoffice.facts(asked, customer="anna"))
        assert [fact and fact.id for fact in found] == ["W1", None, None, None, "W2"]
        assert sorted(path for _, path, _, _ in mapped.shop.asked) == ["/orders/W1", "/orders/W2"]


def test_a_version_of_several_places_does_not_depend_on_the_order_of_a_list(tmp_path: Path) -> None:
    wanted = 'version = ["/order/version", "/order/parcels/*/pieces/*/id"]'
    with mapped_shop(tmp_path, MAPPING.replace('version = ["/order/version"]', wanted)) as mapped:

        def version() -> str:
            return str(mapped.run(mapped.backoffice.facts([("order", "W1")], customer="anna"))[0].version)

        before, parcels = version(), mapped.shop.orders["W1"]["parcels"]
        mapped.shop.orders["W1"]["parcels"] = parcels[::-1]
        assert version() == before
        mapped.shop.orders["W1"]["parcels"] = parcels[1:]
        assert version() != before


def test_reads_lists_parts_and_attributes_come_by_their_pointers(mapped: Mapped) -> None:
    shop = mapped.backoffice
    read = mapped.run(shop.read("order.read", {"order_id": "W1"}, customer="anna"))
    assert (read.state, read.values) == (ActOutcome.DONE, {"order.status": "paid", "order.pieces": ["p1", "p2"]})
    assert [one.name for one in mapped.run(shop.records("anna", "order"))] == ["Kettle"]
    assert mapped.run(shop.contents([("order", "W1"), ("order", "W2")], customer="anna")) == [{"i1": "Lid", "p1": "Spout", "p2": "p2"}, {}]
    found = mapped.run(shop.attributes("anna", ["contact.email", "order.status"]))
    assert found == {"contact.email": "anna@mail.example", "order.status": ["paid"]}


@pytest.mark.parametrize("action", ACTS)
def test_an_act_is_done_once_however_often_its_key_comes(mapped: Mapped, action: str) -> None:
    wanted = act(action, **ACTS[action])
    first = mapped.run(mapped.backoffice.perform(wanted))
    again = mapped.run(mapped.backoffice.perform(wanted))
    assert first == again
    assert first.state is ActOutcome.DONE
    assert done(mapped, action) == 1
    assert mapped.run(mapped.backoffice.outcome(wanted)) == first


@pytest.mark.parametrize("action", ACTS)
def test_eight_at_once_act_once(mapped: Mapped, action: str) -> None:
    wanted = act(action, **ACTS[action])
    found = mapped.all(*(mapped.backoffice.perform(wanted) for _ in range(8)))
    assert {one.state for one in found} == {ActOutcome.DONE}
    assert done(mapped, action) == 1


@pytest.mark.parametrize("action", ACTS)
def test_a_stale_version_fails_and_changes_nothing(mapped: Mapped, action: str) -> None:
    stale = mapped.run(mapped.backoffice.perform(act(action, version="0", **ACTS[action])))
    assert stale.state is ActOutcome.FAILED
    assert done(mapped, action) == 0


@pytest.mark.parametrize("action", ACTS)
def test_after_a_lost_answer_the_promise_says_what_became_of_it(mapped: Mapped, action: str) -> None:
    wanted = act(action, **ACTS[action])
    mapped.shop.breaks = ["lose"]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(wanted))
    mapped.later()
    found = mapped.run(mapped.backoffice.outcome(wanted))
    again = mapped.run(mapped.backoffice.perform(wanted))
    if action == "order.ship":
        assert (found.state, again.state) == (ActOutcome.UNCLEAR, ActOutcome.UNCLEAR)
        assert done(mapped, action) == 1
        return
    assert again.state is ActOutcome.DONE
    assert done(mapped, action) == 1


@pytest.mark.parametrize("action", ACTS)
def test_an_act_that_never_arrived_is_sent_again_but_for_none(mapped: Mapped, action: str) -> None:
    wanted = act(action, **ACTS[action])
    mapped.shop.breaks = ["before"]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(wanted))
    if action not in {"order.charge", "order.ship"}:
        with pytest.raises(Fault):  # it may still arrive
            mapped.run(mapped.backoffice.outcome(wanted))
    mapped.later()
    again = mapped.run(mapped.backoffice.perform(wanted))
    expected = ActOutcome.UNCLEAR if action == "order.ship" else ActOutcome.DONE
    assert again.state is expected
    assert done(mapped, action) == (0 if action == "order.ship" else 1)


@pytest.mark.parametrize("action", ACTS)
def test_a_fenced_key_never_acts(mapped: Mapped, action: str) -> None:
    wanted = act(action, **ACTS[action])
    assert mapped.run(mapped.backoffice.fence(wanted)).state is ActOutcome.FENCED
    assert mapped.run(mapped.backoffice.perform(wanted)).state is ActOutcome.FENCED
    assert done(mapped, action) == 0


@pytest.mark.parametrize("action", ACTS)
def test_a_fence_after_a_request_that_never_arrived(mapped: Mapped, action: str) -> None:
    wanted = act(action, **ACTS[action])
    mapped.shop.breaks = ["before"]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(wanted))
    mapped.later()
    fenced = mapped.run(mapped.backoffice.fence(wanted))
    late = mapped.run(mapped.backoffice.perform(wanted)) if fenced.state is ActOutcome.FENCED else fenced
    # Without a look-up, a key can only be repeated: whether it acted is unclear, so nothing is released.
    assert late.state is (ActOutcome.UNCLEAR if action in {"order.charge", "order.ship"} else ActOutcome.FENCED)
    assert done(mapped, action) == 0


@pytest.mark.proves("FENCE")
@pytest.mark.parametrize("make", DATABASES)
@pytest.mark.parametrize("action", ACTS)
def test_nodes_with_one_journal_act_once_and_keep_each_others_fences(action: str, make: str, tmp_path: Path) -> None:
    with mapped_shop(tmp_path, make=DATABASES[make]) as mapped:
        here, there = mapped.nodes
        lost, fenced = act(action, **ACTS[action]), act(action, key="act_2", version="2", **ACTS[action])
        mapped.shop.breaks = ["lose"]
        with pytest.raises(Fault):
            mapped.run(here.perform(lost))
        mapped.later()
        found = mapped.run(there.perform(lost))
        assert found.state is (ActOutcome.UNCLEAR if action == "order.ship" else ActOutcome.DONE)
        assert mapped.run(here.perform(lost)) == mapped.run(there.outcome(lost)) == found
        assert mapped.run(there.fence(fenced)).state is mapped.run(here.perform(fenced)).state is ActOutcome.FENCED
        assert done(mapped, action) == 1


def test_a_draft_is_committed_after_a_lost_commit_and_deleted_by_a_fence(mapped: Mapped) -> None:
    wanted = act("order.return")
    mapped.shop.breaks = ["before", ""]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(wanted))
    assert [one["status"] for one in mapped.shop.returns.values()] == ["draft"]
    mapped.later()
    assert mapped.run(mapped.backoffice.fence(wanted)).state is ActOutcome.FENCED
    assert mapped.shop.returns == {}


WHOLE = {"order": "W1", "note": "act_1", "lines": [{"id": "i1", "count": 2}], "status": "requested"}


@pytest.mark.parametrize("broken", ["before", "lose"])
@pytest.mark.parametrize("number", range(3))
def test_a_draft_in_steps_is_made_whole_wherever_it_broke(mapped: Mapped, number: int, broken: str) -> None:
    """Its own lock stops nothing: a draft whose answer was lost is found by its key, and deleted."""
    wanted = act("order.exchange", line="i1")
    mapped.shop.breaks = [broken, *[""] * number]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(wanted))
    mapped.later()
    mapped.run(mapped.backoffice.outcome(wanted))
    assert mapped.run(mapped.backoffice.perform(wanted)).state is ActOutcome.DONE
    (made,) = mapped.shop.exchanges.all.values()
    assert {name: value for name, value in made.items() if name != "id"} == WHOLE


@pytest.mark.parametrize("number", range(3))
def test_a_fence_leaves_no_draft_wherever_it_broke(mapped: Mapped, number: int) -> None:
    wanted = act("order.exchange", line="i1")
    mapped.shop.breaks = ["lose" if number < 2 else "before", *[""] * number]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(wanted))
    assert len(mapped.shop.exchanges.all) == 1
    mapped.later()
    assert mapped.run(mapped.backoffice.fence(wanted)).state is ActOutcome.FENCED
    assert mapped.shop.exchanges.all == {}


def test_a_refused_step_leaves_no_draft_and_nothing_is_sent_of_params_that_cannot_be(mapped: Mapped, tmp_path: Path) -> None:
    assert mapped.run(mapped.backoffice.perform(act("order.exchange", line="p1"))).state is ActOutcome.FAILED
    assert (mapped.shop.exchanges.all, mapped.shop.exchanges.begun) == ({}, 1)
    with mapped_shop(tmp_path, MAPPING.replace('"/lines/0/count"', '"/lines/2/count"')) as other:
        assert other.run(other.backoffice.perform(act("order.exchange", line="i1"))).state is ActOutcome.FAILED
        assert other.shop.exchanges.begun == 0


def test_a_draft_that_a_changed_record_stops_is_not_committed(mapped: Mapped) -> None:
    wanted = act("order.return")
    mapped.shop.breaks = ["before", ""]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(wanted))
    mapped.shop.orders["W1"]["version"] = 2
    mapped.later()
    assert mapped.run(mapped.backoffice.perform(wanted)).state is ActOutcome.FAILED
    assert mapped.shop.returns == {}


def test_a_draft_is_still_known_when_its_commit_did_not_reach_the_system(mapped: Mapped) -> None:
    wanted, wire = act("order.exchange", line="i1"), mapped.backoffice._wire
    reached, gone = wire._connections, HttpConnections("http://127.0.0.1:1", tls=ssl.create_default_context(), allow_loopback=True)
    mapped.once_at("POST /exchanges/x1/lines", lambda: setattr(wire, "_connections", gone))
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(wanted))
    wire._connections = reached
    mapped.later()
    assert mapped.run(mapped.backoffice.fence(wanted)).state is ActOutcome.FENCED
    assert mapped.shop.exchanges.all == {}


def test_a_refused_commit_of_a_draft_that_is_gone_is_unclear(mapped: Mapped) -> None:
    def committed_by_a_proxy() -> None:
        mapped.shop.exchanges.all.clear()
        mapped.shop.answers = [(409, {}, {})]

    mapped.once_at("POST /exchanges/x1/confirm", committed_by_a_proxy)
    assert mapped.run(mapped.backoffice.perform(act("order.exchange", line="i1"))).state is ActOutcome.UNCLEAR


def test_a_record_that_changed_meanwhile_is_not_drafted_anew(mapped: Mapped) -> None:
    wanted = act("order.exchange", line="i1")
    mapped.shop.breaks = ["before", ""]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(wanted))
    mapped.shop.orders["W1"]["version"] = 2
    mapped.later()
    assert mapped.run(mapped.backoffice.perform(wanted)).state is ActOutcome.FAILED
    assert mapped.shop.exchanges.all == {}


@pytest.mark.parametrize("status", ["sent", "cancelled"])
def test_an_act_waits_for_the_state_that_its_mapping_requires(mapped: Mapped, status: str) -> None:
    mapped.shop.orders["W1"]["status"] = status
    found = mapped.run(mapped.backoffice.perform(act("order.exchange", line="i1")))
    assert found.state is (ActOutcome.DONE if status == "sent" else ActOutcome.FAILED)
    assert mapped.shop.exchanges.begun == (1 if status == "sent" else 0)


def test_each_act_has_a_marker_of_its_own_where_a_record_has_many(mapped: Mapped) -> None:
    mapped.shop.breaks = ["lose"]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(act("order.label")))
    mapped.later()
    mapped.later()
    mapped.run(mapped.backoffice.perform(act("order.label", key="act_2")))
    assert mapped.shop.labels == {"act_1": "act_1", "act_2": "act_2"}
    assert mapped.run(mapped.backoffice.outcome(act("order.label"))).state is ActOutcome.DONE


def test_a_refusal_of_the_mapping_fails_and_a_no_in_the_body_too(mapped: Mapped) -> None:
    assert mapped.run(mapped.backoffice.perform(act("order.refund", amount="900.00 EUR"))).state is ActOutcome.FAILED
    mapped.shop.answers = [(200, {"ok": False}, {})]
    assert mapped.run(mapped.backoffice.perform(act("order.charge", key="act_2"))).state is ActOutcome.FAILED


def test_a_good_status_without_the_mapped_success_is_unknown(mapped: Mapped) -> None:
    mapped.shop.answers = [(200, {}, {})]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(act("order.charge")))


def test_money_is_sent_in_minor_units_with_its_currency(mapped: Mapped) -> None:
    mapped.run(mapped.backoffice.perform(act("order.refund", amount="12.50 EUR")))
    refund = mapped.shop.refunds[0]
    assert (refund["amount"], refund["currency"], refund["note"]) == (1250, "EUR", "act_1")


def test_a_key_that_can_be_asked_for_is_asked_for_with_the_token_that_used_it(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, REPLAYED) as mapped:
        wanted = act("order.charge")
        mapped.shop.breaks = ["lose"]
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(wanted))
        assert mapped.run(mapped.backoffice.outcome(wanted)).state is ActOutcome.DONE
        assert [headers["authorization"] for _, path, headers, _ in mapped.shop.asked if "replays" in path] == ["Bearer acts"]


def test_a_replayed_refusal_is_a_failure(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, REPLAYED) as mapped:
        mapped.shop.orders["W1"]["status"] = "sent"
        wanted = act("order.charge")
        mapped.shop.breaks = ["lose"]
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(wanted))
        assert mapped.run(mapped.backoffice.outcome(wanted)).state is ActOutcome.FAILED
        assert mapped.run(mapped.backoffice.perform(wanted)).state is ActOutcome.FAILED
        assert mapped.shop.charges == {}


def test_a_key_never_seen_is_fenced(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, REPLAYED) as mapped:
        wanted = act("order.charge")
        mapped.shop.breaks = ["before"]
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(wanted))
        mapped.later()
        assert mapped.run(mapped.backoffice.fence(wanted)).state is ActOutcome.FENCED
        assert mapped.run(mapped.backoffice.perform(wanted)).state is ActOutcome.FENCED


def test_a_record_that_belongs_to_another_has_its_owner(mapped: Mapped) -> None:
    found = mapped.run(mapped.backoffice.facts([("box", str(number)) for number in range(1, 6)], customer="anna"))
    # The third one's order is an alias of anna's, the fourth one's is unknown.
    assert [None if one is None else one.relation for one in found] == ["owner", "none", "none", "none", None]


def test_a_record_can_be_asked_for_in_a_query(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, SEARCHED) as mapped:
        ids = ("W1", "W9", "w1", "*", "", "W1\n")
        found = mapped.run(mapped.backoffice.facts([("order", one) for one in ids], customer="anna"))
        assert [None if one is None else one.relation for one in found] == ["owner", None, None, None, None, None]
        read = mapped.run(mapped.backoffice.read("order.read", {"order_id": "W1"}, customer="anna"))
        assert read.values["order.status"] == "paid"


def test_a_query_has_several_values_and_json_in_base64() -> None:
    query: Query = {"f": ["state", "{key}"], "d": 'base64:[["party", "=", "{customer:integer}"], ["text", "=", "x{/text}"], true]'}
    filled = filled_query(query, {"key": "act_1", "customer": "12"}, {"text": '"]{key}'})
    assert filled["f"] == ["state", "act_1"]
    found = json.loads(base64.urlsafe_b64decode(str(filled["d"])))
    assert found == [["party", "=", 12], ["text", "=", 'x"]{key}'], True]
    table = str(filled_query({"d": 'base64:{"party": {"is": "{customer:integer}"}}'}, {"customer": "12"})["d"])
    assert json.loads(base64.urlsafe_b64decode(table)) == {"party": {"is": 12}}


@pytest.mark.parametrize("customer", ["", "1.5", "-1", "012", "٣", "12]", "anna"])
def test_what_is_no_whole_number_is_not_asked_for(customer: str) -> None:
    with pytest.raises(UnusableValue):
        filled_query({"d": 'base64:["{customer:integer}"]'}, {"customer": customer})


def test_digits_without_end_are_no_number() -> None:
    with pytest.raises(UnusableValue):
        verify_integer("9" * 5000)


def test_a_text_of_digits_becomes_a_number_in_a_body(tmp_path: Path) -> None:
    number = '{ to = "/owner", value = "12", as = "integer" }'
    with mapped_shop(tmp_path, MAPPING.replace('{ to = "/owner", value = "{customer}" }', number)) as mapped:
        assert mapped.run(mapped.backoffice.perform(act("order.token"))).state is ActOutcome.DONE
        assert [one["owner"] for one in mapped.shop.tokens.values()] == [12]


def test_a_record_that_is_gone_shows_no_state(mapped: Mapped) -> None:
    mapped.shop.breaks = ["lose"]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(act("order.close")))
    del mapped.shop.orders["W1"]
    mapped.later()
    assert mapped.run(mapped.backoffice.outcome(act("order.close"))).state is ActOutcome.UNCLEAR


def test_a_token_that_was_replaced_is_used_and_one_that_is_gone_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    header = TokenHeader(Auth(scheme="Token"), file)
    assert dict(header) == {"authorization": "Token first"}
    assert {**TokenHeader(Auth(), file, {"x-tenant": "3"})} == {"authorization": "Bearer first", "x-tenant": "3"}
    (tmp_path / "new").write_text("second")
    (tmp_path / "new").replace(file)
    assert dict(header) == {"authorization": "Token second"}
    file.write_text("")  # a job that writes it in place
    assert dict(header) == {"authorization": "Token second"}
    file.unlink()
    assert dict(header) == {"authorization": "Token second"}


def test_a_version_over_lists_moves_with_them(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, DIGESTED) as mapped:

        def version() -> str:
            (fact,) = mapped.run(mapped.backoffice.facts([("order", "W1")], customer="anna"))
            return str(fact.version)

        before = version()
        assert version() == before
        mapped.shop.refunds.append({"order": "W1", "amount": "1.00"})
        assert version() != before


def test_a_record_is_held_until_a_lost_act_can_no_longer_arrive(mapped: Mapped) -> None:
    mapped.shop.breaks = ["before"]
    with pytest.raises(Fault):
        mapped.run(mapped.backoffice.perform(act("order.refund", amount="1.00 EUR")))
    held = mapped.run(mapped.backoffice.perform(act("order.ship", key="act_2")))
    assert (held.state, mapped.shop.shipped) == (ActOutcome.FAILED, [])
    mapped.shop.orders["W2"]["customer"] = "anna"
    assert mapped.run(mapped.backoffice.perform(act("order.refund", key="act_3", order="W2", amount="1.00 EUR"))).state is ActOutcome.DONE
    mapped.later()
    mapped.later()
    assert mapped.run(mapped.backoffice.perform(act("order.ship", key="act_4"))).state is ActOutcome.DONE


def test_an_amount_of_another_currency_is_not_compared_with_a_limit(tmp_path: Path) -> None:
    with mapped_shop(tmp_path, LIMITED) as mapped:
        failed = mapped.run(mapped.backoffice.perform(act("order.refund", amount="1.00 USD")))
        assert (failed.state, mapped.shop.refunds) == (ActOutcome.FAILED, [])


@pytest.mark.parametrize(
    "payments", [None, [{"amount": "much", "state": "paid"}], [{"state": "paid"}], [{"amount": "1e9999999", "state": "paid"}]]
)
def test_a_limit_that_cannot_be_summed_up_lets_nothing_through(tmp_path: Path, payments: Any) -> None:
    with mapped_shop(tmp_path, LIMITED) as mapped:
        mapped.shop.orders["W1"]["payments"] = payments
        with pytest.raises(Fault):
            mapped.run(mapped.backoffice.perform(act("order.refund", amount="1.00 EUR")))
        assert mapped.shop.refunds == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("GET /orders/{id}/refunds", "GET /nothing/{id}", "marker.lookup.operation"),
        ('customer = "{customer}"', 'customer = "x"', "kind.order.list.query"),
        (
            "[kind.order.read]",
            "[kind.ghost.read]\noperation='GET /orders/{id}'\nplaceholder='id'\nid='/id'\n[kind.order.read]",
            "kind.ghost",
        ),
        ('promise = "marker"', 'promise = "key"', "order.refund"),
        ('to = "/note"', 'to = "/__proto__/note"', "marker.to"),
        ('id = "/order/id"', 'id = "order/id"', "kind.order.read.id"),
        ("POST /exchanges/{id}/lines", "POST /exchanges", "prepare-commit.steps.0"),
        ('operation = "GET /exchanges"', 'operation = "POST /exchanges"', "prepare-commit.lookup.operation"),
        ('only_if = [{ kind = "order"', 'only_if = [{ kind = "ghost"', "only_if"),
        ("[[kind.order.parts]]", "[[kind.parcel.parts]]", "kind.parcel"),
        ('id = "/order/id"', 'id = "/order/id"\nform = "("', "kind.order.read.form"),
        ("version = 1", "version = 2", "malformed"),
        ('placeholder = "id"\nid = "/order/id"', 'id = "/order/id"', "kind.order.read"),
        ('state = { kind = "order"', 'state = { kind = "ghost"', "order.close"),
        ("pad_ms = 0", 'pad_ms = 0\nheaders = { "Host" = "evil.example" }', "headers.Host"),
        ("pad_ms = 0", 'pad_ms = 0\nheaders = { "authorization" = "x" }', "headers.authorization"),
        ('{ customer = "{customer}" }', '{ customer = "{customer}", d = "base64:{no" }', "kind.order.list"),
        ('owner_kind = "order"', 'owner_kind = "box"', "kind.box.read.owner_kind"),
        (
            'promise = "marker"',
            'promise = "marker"\nlimit = { amount = "/amount", kind = "ghost", param = "/order_id", plus = [{ items = "/x" }] }',
            "limit.kind",
        ),
        (
            'promise = "marker"',
            'promise = "marker"\nlimit = { amount = "/amount", kind = "order", param = "/order_id", plus = [{ items = "/x", is = [1] }] }',
            "order.refund",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_stops_the_start(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert MAPPING.count(old) >= 1
    with pytest.raises(Refused) as refused:
        mapping_in(tmp_path, MAPPING.replace(old, new, 1))
    assert named in refused.value.detail
