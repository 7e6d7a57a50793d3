"""What a test hands to a sandbox wrongly is refused with a code and a cure, sends nothing, and leaves nothing open."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desks.kettle import CATALOGUE, FACTS, MANDATE, REFUND, SHOP
from remit.client import Miswritten, Refused
from remit.sandbox import Sandbox
from remit.sandbox import desk as desk_module

ORDER = {"order_id": "W1"}


@pytest.fixture
def desk() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE, facts=FACTS) as made:
        yield made


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"catalogue": 42}, "catalogue is"),
        ({"catalogue": None}, "catalogue is"),
        ({"catalogue": [1]}, "catalogue is"),
        ({"catalogue": b"catalogue.toml"}, "catalogue is"),
        ({"policies": 42}, "policies are"),
        ({"policies": [3]}, "policies are"),
        ({"policies": {}}, "policies are"),
        ({"facts": [1]}, "facts are"),
        ({"facts": []}, "facts are"),
        ({"facts": "owners"}, "facts are"),
        ({"settings": [1]}, "settings are"),
        ({"settings": ""}, "settings are"),
        ({"settings": {"terms": "x"}}, "settings: 'terms' is a table"),
        ({"settings": {"terms": None}}, "settings: 'terms' is a table"),
        ({"perform": "x"}, "perform is a function"),
        ({"on_point": "x"}, "on_point is a function"),
        ({"base_url": 3}, "base_url is an address"),
        ({"base_url": ""}, "base_url is an address"),
        ({"base_url": "nonsense"}, "base_url is an address"),
        ({"store": 3}, "store is a folder"),
        ({"store": ""}, "store is a folder"),
    ],
)
def test_a_sandbox_is_not_made_of_what_is_of_the_wrong_kind_and_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], named: str
) -> None:
    monkeypatch.setattr(desk_module, "_MEMORY", "")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(threading.enumerate())
    with pytest.raises(Miswritten) as refused, Sandbox(**({"catalogue": CATALOGUE, "facts": FACTS} | changed)):
        pass
    assert refused.value.code == "settings.invalid"
    assert refused.value.detail.startswith(named)
    assert refused.value.cure
    assert set(threading.enumerate()) <= before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"owners": {"ordr": {"W1": "yusuf"}}},
        {"attributes": {"order": {"W1": {"order.statu": "x"}}}},
        {"owners": {"order": {1: "yusuf"}}},
    ],
    ids=["kind", "attribute", "id"],
)
def test_facts_with_a_slip_of_the_pen_make_no_desk_and_leave_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any]
) -> None:
    monkeypatch.setattr(desk_module, "_MEMORY", "")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(threading.enumerate())
    with pytest.raises(Miswritten) as refused, Sandbox(CATALOGUE, facts=facts):
        pass
    assert refused.value.code == "settings.invalid"
    assert refused.value.cure.startswith("Correct the facts")
    assert set(threading.enumerate()) <= before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"catalogue": {"actoin": {}}}, "catalogue.invalid", "actoin"),
        ({"catalogue": "nowhere.toml"}, "catalogue.invalid", "nowhere.toml"),
        ({"catalogue": str(Path(__file__).parent)}, "catalogue.invalid", f"{Path(__file__).parent}: no .toml file is there"),
        ({"policies": ""}, "policy.invalid", "there is no policy"),
        ({"policies": "permit(principal, action, resource) when { principal.nope };"}, "policy.invalid", "principal.nope"),
        ({"settings": {"trems": {}}}, "settings.invalid", "trems"),
        ({"settings": {"terms": {"token_ttl_s": 301}}}, "settings.invalid", "terms.token_ttl_s"),
        ({"store": "mysql://desk/remit"}, "settings.invalid", "postgresql://"),
    ],
)
def test_what_no_desk_can_be_made_of_is_told_as_the_package_tells_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], code: str, said: str
) -> None:
    monkeypatch.setattr(desk_module, "_MEMORY", "")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(threading.enumerate())
    with pytest.raises(Miswritten) as refused, Sandbox(**({"catalogue": CATALOGUE} | changed)):
        pass
    assert (refused.value.code, said in refused.value.detail) == (code, True)
    assert refused.value.cure
    assert "remit.toml or the environment" not in refused.value.cure  # a sandbox has neither
    assert set(threading.enumerate()) <= before
    assert list(tmp_path.iterdir()) == []


def test_a_store_whose_log_was_changed_makes_no_desk_and_is_no_slip_of_the_pen(tmp_path: Path) -> None:
    with Sandbox(CATALOGUE, store=tmp_path / "desk") as desk:
        desk.customer("yusuf")
    for file in (tmp_path / "desk").glob("store.sqlite*"):
        file.unlink()
    with pytest.raises(Refused) as refused, Sandbox(CATALOGUE, store=tmp_path / "desk"):
        pass
    assert (refused.value.code, isinstance(refused.value, ValueError)) == ("log.older", False)


async def _performs_later(_action: str, _params: object, _customer: str) -> dict[str, object]:
    return {}


class _PerformsLater:
    async def __call__(self, _action: str, _params: object, _customer: str) -> dict[str, object]:
        return {}


@pytest.mark.parametrize("perform", [_performs_later, _PerformsLater()])
def test_what_nobody_would_await_performs_nothing(perform: Any) -> None:
    with pytest.raises(Miswritten) as refused:
        Sandbox(CATALOGUE, perform=perform)
    assert (refused.value.code, "`def`" in refused.value.cure) == ("settings.invalid", True)


def test_before_it_is_entered_a_sandbox_says_so() -> None:
    desk = Sandbox(CATALOGUE)
    calls: list[Callable[[], object]] = [
        lambda: desk.customer("yusuf"),
        lambda: desk.agent(SHOP),
        lambda: desk.suspend(operator="helper.example"),
        desk.transcript,
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match=r"not entered: with Sandbox\(…\) as desk"):
            call()
    assert repr(desk) == "Sandbox(not entered)"


def test_a_sandbox_is_entered_once_at_a_time_and_again_as_a_new_one() -> None:
    desk = Sandbox(CATALOGUE, facts=FACTS)
    with desk:
        desk.agent(SHOP)
        before = len(desk.transcript())
        with pytest.raises(RuntimeError, match="open already"), desk:
            pass
        assert len(desk.transcript()) == before
    with desk:
        assert desk.transcript() == []
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        assert agent.open(customer.grant(agent, MANDATE)).ask("order.read", ORDER).outcome == "done"


def test_facts_with_a_slip_of_the_pen_do_not_take_the_place_of_good_ones(desk: Sandbox) -> None:
    customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
    task = agent.open(customer.grant(agent, MANDATE))
    with pytest.raises(Refused) as refused:
        desk.replace_facts({"owners": {"ordr": {"W1": "mei"}}})
    assert (refused.value.code, "near are order" in refused.value.detail) == ("request.malformed", True)
    assert task.ask("order.read", ORDER).outcome == "done"


def test_what_is_left_out_is_no_mistake() -> None:
    with Sandbox(CATALOGUE, policies=None, facts=None, settings=None, perform=None, store=None, on_point=None) as desk:
        assert desk.customer("yusuf").id == "yusuf"


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("agent", {"client_id": 3}),
    ("agent", {"client_id": SHOP, "tier": 3}),
    ("agent", {"client_id": SHOP, "tier": ["known"]}),
    ("agent", {"client_id": SHOP, "operator": 3}),
    ("agent", {"client_id": SHOP, "name": None}),
    ("customer", {"customer_id": 3}),
    ("customer", {"customer_id": None}),
    ("customer", {"customer_id": "yusuf", "email": None}),
    ("customer", {"customer_id": "yusuf", "name": 3}),
    ("customer", {"customer_id": "yusuf", "how": None}),
    ("officer", {"officer_id": 3}),
    ("officer", {"officer_id": "ann", "roles": "billing"}),
    ("officer", {"officer_id": "ann", "roles": {"billing": True}}),
    ("officer", {"officer_id": "ann", "roles": [1]}),
    ("officer", {"officer_id": "ann", "roles": None}),
    ("suspend", {}),
    ("suspend", {"agent": SHOP, "operator": "helper.example"}),
    ("suspend", {"agent": 3}),
    ("suspend", {"operator": ["helper.example"]}),
    ("suspend", {"operator": "helper.example", "reason": None}),
]


@pytest.mark.parametrize(("call", "given"), WRONG, ids=[f"{call} {given}" for call, given in WRONG])
def test_people_agents_and_suspensions_of_the_wrong_kind_are_refused_and_nothing_is_sent(
    desk: Sandbox, call: str, given: dict[str, Any]
) -> None:
    sent = desk.requests
    with pytest.raises(Miswritten) as refused:
        getattr(desk, call)(**given)
    assert refused.value.code == "request.malformed"
    assert refused.value.cure
    assert desk.requests == sent


def test_a_single_role_as_a_text_is_answered_with_how_a_list_is_written(desk: Sandbox) -> None:
    with pytest.raises(Miswritten) as refused:
        desk.officer("ann", roles="billing")
    assert (refused.value.code, 'roles=["…"]' in refused.value.cure) == ("request.malformed", True)
    assert desk.officer("ann", roles=(role for role in ("billing", "security"))).roles == ("billing", "security")


def test_an_officer_or_agent_of_another_kind_is_a_conflict_with_a_cure(desk: Sandbox) -> None:
    desk.agent(SHOP)
    desk.officer("ann", roles=["billing"])
    calls: list[Callable[[], object]] = [
        lambda: desk.agent(SHOP, "trusted"),
        lambda: desk.agent(SHOP, operator="other.example"),
        lambda: desk.officer("ann", roles=["security"]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="another id") as refused:
            call()
        assert isinstance(refused.value, Miswritten)
        assert refused.value.code == "request.conflict"
        assert refused.value.cure.startswith("Take another id")


def test_what_is_no_agent_mandate_or_reply_is_refused_and_nothing_is_sent(desk: Sandbox) -> None:
    customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
    mandate = customer.grant(agent, MANDATE)
    reply = agent.open(mandate).ask("payment.refund", REFUND)
    wrong: Any = "x"
    calls: list[tuple[str, Callable[[], object]]] = [
        ("request.malformed", lambda: customer.grant(wrong, MANDATE)),
        ("mandate.invalid", lambda: customer.grant(agent, MANDATE, cut=wrong)),
        ("mandate.invalid", lambda: customer.narrow(mandate, wrong)),
        ("request.malformed", lambda: customer.narrow(None, {})),  # type: ignore[arg-type]  # that is the point
        ("request.malformed", lambda: customer.revoke(None)),  # type: ignore[arg-type]  # that is the point
        ("request.malformed", lambda: agent.open(3)),  # type: ignore[arg-type]  # that is the point
        ("request.malformed", lambda: customer.confirm(wrong)),
        ("request.malformed", lambda: customer.decline(wrong)),
        ("request.malformed", lambda: customer.offer_less(wrong, {})),
    ]
    sent = desk.requests
    for code, call in calls:
        with pytest.raises(Miswritten) as refused:
            call()
        assert refused.value.code == code
        assert refused.value.cure
    assert desk.requests == sent
    with pytest.raises(Miswritten) as less:
        customer.offer_less(reply, wrong)
    assert less.value.code == "params.invalid"
    assert customer.confirm(reply).outcome == "done"


def test_a_mandate_may_be_named_by_its_id_where_one_is_named(desk: Sandbox) -> None:
    customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
    mandate = customer.grant(agent, MANDATE)
    agent.open(mandate.id)
    customer.narrow(mandate.id, {**MANDATE, "powers": [{"power": "represent"}]})
    customer.revoke(mandate.id)
    with pytest.raises(Refused) as refused:
        agent.open(mandate)
    assert refused.value.code == "mandate.inactive"


@pytest.mark.parametrize("key", [3, "", "two words", "ключ", "a\nb", "k" * 256, False])
def test_an_idempotency_key_that_is_none_is_a_refusal_as_every_other_part_of_an_ask(desk: Sandbox, key: Any) -> None:
    customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
    task = agent.open(customer.grant(agent, MANDATE))
    sent = desk.requests
    reply = task.ask("order.read", ORDER, idempotency_key=key)
    assert (reply.decision, reply.codes, reply.ask) == ("refuse", ["request.malformed"], "")
    assert reply.cure
    assert desk.requests == sent
    assert task.ask("order.read", ORDER, idempotency_key="k" * 255).outcome == "done"


def test_params_that_are_no_object_are_a_refusal_also_when_they_are_empty(desk: Sandbox) -> None:
    customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
    task = agent.open(customer.grant(agent, MANDATE))
    for params in ([1], [], "", 0):
        assert task.ask("identity.read", params).codes == ["params.invalid"]  # type: ignore[arg-type]  # that is the point
    assert task.ask("identity.read").needs_human


def test_half_a_letter_and_what_is_too_deep_are_the_writers_own_slips(desk: Sandbox) -> None:
    customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
    task = agent.open(customer.grant(agent, MANDATE))
    deep: Any = "W1"
    for _ in range(100_000):
        deep = [deep]
    sent = desk.requests
    with pytest.raises(Miswritten) as params:
        task.ask("order.read", {"order_id": deep})
    with pytest.raises(Miswritten) as mandate:
        customer.grant(agent, MANDATE | {"objective": MANDATE["objective"] | {"summary": "\ud83d"}})
    with pytest.raises(Miswritten) as person:
        desk.customer("yusuf\ud83d")
    assert [one.value.code for one in (params, mandate, person)] == ["params.invalid", "mandate.invalid", "request.malformed"]
    assert all(one.value.cure for one in (params, mandate, person))
    assert task.ask("order.read", {"order_id": "\ud83d"}).codes == ["params.invalid"]
    assert desk.requests == sent


def test_what_nobody_knows_is_suspended_ahead_where_the_desk_keeps_no_list_of_it(desk: Sandbox) -> None:
    for known_later in ({"operator": "helper.example"}, {"customer": "yusuf"}):
        assert desk.suspend(**known_later)["tasks"] == []
    for slip in ({"agent": "spiffe://nobody.example/x"}, {"objective": "hlep"}):
        with pytest.raises(Refused) as refused:
            desk.suspend(**slip)
        assert refused.value.code in {"agent.unknown", "objective.unknown"}
    with pytest.raises(Refused) as suspended:
        desk.customer("mei").grant(desk.agent(SHOP), MANDATE)
    assert suspended.value.code == "agent.suspended"


def test_facts_that_are_no_json_are_not_sent(desk: Sandbox) -> None:
    for facts in ([1], None, {1: {}}, {"owners": {"order": {"W1": {"yusuf"}}}}):
        sent = desk.requests
        with pytest.raises(Miswritten) as refused:
            desk.replace_facts(facts)  # type: ignore[arg-type]  # that is the point
        assert (refused.value.code, desk.requests) == ("settings.invalid", sent)
