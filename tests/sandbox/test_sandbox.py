"""The sandbox keeps its contract (docs/model/wire.md#sandbox): what outside tests and a developer may rely on."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from desks.kettle import CATALOGUE, FACTS, MANDATE, REFUND, SHOP
from remit.client import Attachment, Miswritten, Refused
from remit.client.errors import Unavailable
from remit.client.task import Reply
from remit.sandbox import Sandbox, SandboxCustomer, SandboxTask

ORDER = {"order_id": "W1"}


@pytest.fixture
def desk() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE, facts=FACTS) as made:
        yield made


@pytest.fixture
def customer(desk: Sandbox) -> SandboxCustomer:
    return desk.customer("yusuf", email="yusuf@mail.example")


@pytest.fixture
def task(desk: Sandbox, customer: SandboxCustomer) -> SandboxTask:
    agent = desk.agent(SHOP, tier="known")
    return agent.open(customer.grant(agent, MANDATE))


def test_a_read_answers_from_the_facts(task: SandboxTask) -> None:
    reply = task.ask("order.read", ORDER)
    assert (reply.decision, reply.outcome, reply.withheld) == ("permit", "done", 0)
    assert reply.result == {"order.status": "delivered", "order.items": ["kettle"]}


def test_a_records_declared_attributes_are_read_and_attributes_count_more() -> None:
    records = {
        "order": {
            "W1": {"order.status": "lost", "order.items": ["kettle"], "status": "x"},
            "W3": {"order.status": "open", "order.total": 3},
        }
    }
    facts = {
        "owners": {"order": {"W1": "yusuf", "W3": "yusuf"}},
        "attributes": {"order": {"W1": {"order.status": "sent"}}},
        "records": records,
    }
    with Sandbox(CATALOGUE, facts=facts) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        task = agent.open(customer.grant(agent, MANDATE))
        assert task.ask("order.read", ORDER).result == {"order.status": "sent", "order.items": ["kettle"]}
        assert task.ask("order.read", {"order_id": "W3"}).result == {"order.status": "open"}
        desk.replace_facts({**facts, "attributes": {}})
        assert task.ask("order.read", ORDER).result["order.status"] == "lost"


def test_a_refused_ask_returns_a_reply_with_its_code_as_list_or_tuple(task: SandboxTask) -> None:
    reply = task.ask("order.read", {"order_id": "W2"})
    assert (reply.decision, reply.outcome, reply.result) == ("refuse", None, {})
    assert reply.codes == ["params.not_owned"]
    assert reply.codes == ("params.not_owned",)
    assert reply.codes != ["params.invalid"]
    assert reply.codes[0] in reply.codes
    assert reply.cure


def test_a_refused_ask_keeps_its_id_and_can_be_looked_at_again(customer: SandboxCustomer, task: SandboxTask) -> None:
    reply = task.ask("order.read", {"order_id": "W2"})
    assert reply.ask.startswith("ask_")
    assert (reply.body["code"], reply.body["ask"]) == ("params.not_owned", reply.ask)
    again = reply.again()
    assert (again.ask, again.decision, again.codes, again.state) == (reply.ask, "refuse", ["params.not_owned"], "refused")
    assert customer.confirm(reply) is reply
    assert customer.confirm(again) is again


def test_what_was_refused_before_it_was_an_ask_is_the_same_when_looked_at_again(customer: SandboxCustomer, task: SandboxTask) -> None:
    reply = task.ask("order.read", {"order_id": "x" * 70_000})
    assert (reply.ask, reply.codes, reply.body["code"]) == ("", ["request.malformed"], "request.malformed")
    assert reply.again() is reply
    assert customer.confirm(reply) is reply


def test_why_an_act_failed_reaches_the_client_and_the_sandbox() -> None:
    def perform(action: str, params: Mapping[str, Any], customer: str) -> Mapping[str, Any]:
        raise ValueError(f"no {action} on {params['order_id']} by {customer}")

    why = "no order.note on W1 by yusuf"

    with Sandbox(CATALOGUE, None, FACTS, {}, perform) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        mandate = customer.grant(agent, {**MANDATE, "max_tasks": 2})
        assert agent.open(mandate).ask("order.note", ORDER).body["reason"] == why

        async def ask() -> Reply:
            async with agent.client.mandate(mandate.id).task() as task:
                return await task.ask("order.note", ORDER)

        failed = desk.room.thread.run(ask())
    assert (failed.outcome, failed.detail, failed.reason) == ("failed", why, why)


def test_a_write_without_a_rule_is_done_and_answers_nothing(task: SandboxTask) -> None:
    reply = task.ask("order.note", ORDER)
    assert (reply.decision, reply.outcome, reply.result) == ("permit", "done", {})


def test_numbers_may_be_written_as_python_writes_them(task: SandboxTask) -> None:
    for stars in (4, 4.5, Decimal("4.5"), Decimal(4)):
        assert task.ask("order.note", {**ORDER, "stars": stars, "tags": ("kind", "quick")}).outcome == "done"


def test_a_decimal_that_json_would_round_is_not_sent(desk: Sandbox, task: SandboxTask) -> None:
    sent = desk.requests
    for stars in (Decimal("0.1000000000000000055"), Decimal("NaN")):
        with pytest.raises(ValueError, match="rounded"):
            task.ask("order.note", {**ORDER, "stars": stars})
    assert desk.requests == sent


def test_what_is_no_json_is_not_sent(task: SandboxTask) -> None:
    with pytest.raises(TypeError):
        task.ask("order.note", {"order_id": b"W1"})
    with pytest.raises(TypeError):
        task.ask("order.note", {"order_id": {1: "W1"}})


def test_a_confirmed_write_is_done(customer: SandboxCustomer, task: SandboxTask) -> None:
    reply = task.ask("payment.refund", REFUND)
    assert (reply.decision, reply.who, reply.outcome) == ("needs_human", ["customer"], None)
    confirmed = customer.confirm(reply)
    assert (confirmed.decision, confirmed.outcome, confirmed.ask) == ("permit", "done", reply.ask)


def test_a_confirmed_read_tells(customer: SandboxCustomer, task: SandboxTask) -> None:
    reply = task.ask("identity.read", {})
    assert reply.needs_human
    assert customer.confirm(reply).result == {"identity.birth_date": "1990-04-05"}


def test_a_declined_ask_is_refused(customer: SandboxCustomer, task: SandboxTask) -> None:
    reply = customer.decline(task.ask("payment.refund", REFUND))
    assert (reply.decision, reply.codes, reply.outcome) == ("refuse", ["confirmation.declined"], None)


def test_less_than_asked_is_done_as_an_ask_of_its_own(customer: SandboxCustomer, task: SandboxTask) -> None:
    asked = task.ask("payment.refund", REFUND)
    reply = customer.offer_less(asked, {**REFUND, "amount": "10.00 EUR"})
    assert (reply.decision, reply.outcome) == ("permit", "done")
    assert reply.ask != asked.ask
    assert asked.again().state == "countered"


def test_two_people_confirm_one_after_the_other(desk: Sandbox, customer: SandboxCustomer, task: SandboxTask) -> None:
    officer = desk.officer("ann", roles=["security"])
    first = task.ask("order.lock", ORDER)
    assert first.who == ["customer", "officer:security"]
    between = customer.confirm(first)
    assert between.needs_human
    assert officer.confirm(between).outcome == "done"


def test_whoever_is_not_asked_cannot_confirm(desk: Sandbox, task: SandboxTask) -> None:
    reply = task.ask("payment.refund", REFUND)
    for person in (desk.customer("mei"), desk.officer("ann", roles=["security"])):
        with pytest.raises(Refused) as refused:
            person.confirm(reply)
        assert refused.value.code == "confirmation.wrong_person"
    assert reply.again().needs_human


def test_a_yes_counts_once(customer: SandboxCustomer, task: SandboxTask) -> None:
    reply = task.ask("payment.refund", REFUND)
    customer.confirm(reply)
    for again in (customer.confirm, customer.decline, lambda one: customer.offer_less(one, REFUND)):
        with pytest.raises(Refused) as refused:
            again(reply)
        assert refused.value.code == "confirmation.replayed"
    assert reply.again().outcome == "done"


def test_files_may_be_given_as_they_stand_on_the_wire(task: SandboxTask) -> None:
    file = {"name": "a.txt", "media_type": "text/plain", "data_b64": "aGk="}
    assert (
        task.ask("order.read", ORDER, attachments=[file, Attachment(name="b.txt", media_type="text/plain", data=b"hi")]).outcome == "done"
    )
    assert task.ask("order.read", ORDER, attachments=[{**file, "data_b64": "?"}]).codes == ["words.attachment"]
    assert task.ask("order.read", ORDER, attachments=[{**file, "size": "2"}]).codes == ["request.malformed"]


def test_who_is_who_can_be_read_off(desk: Sandbox, customer: SandboxCustomer, task: SandboxTask) -> None:
    assert (repr(desk), repr(customer), repr(desk.officer("ann", ["security"]))) == (
        "Sandbox(http://localhost)",
        "SandboxCustomer('yusuf')",
        "SandboxPerson('ann')",
    )
    assert (repr(task), repr(task.agent)) == (f"SandboxTask({task.id!r})", f"SandboxAgent({SHOP!r}, tier='known')")


def test_a_yes_that_no_longer_stands_gives_the_void_ask(desk: Sandbox, customer: SandboxCustomer, task: SandboxTask) -> None:
    reply = task.ask("payment.refund", REFUND)
    desk.replace_facts({**FACTS, "owners": {**FACTS["owners"], "payment_method": {"pm_7": "mei"}}})
    settled = customer.confirm(reply)
    assert (settled.decision, settled.outcome, settled.state) == ("refuse", None, "void")
    assert settled.codes


def test_a_grant_that_is_refused_raises(desk: Sandbox, customer: SandboxCustomer) -> None:
    agent = desk.agent(SHOP)
    with pytest.raises(Refused) as refused:
        customer.grant(agent, {**MANDATE, "powers": [{"power": "request", "actions": ["order.burn"]}]})
    assert refused.value.code == "mandate.invalid"


def test_opening_a_revoked_mandate_raises(desk: Sandbox, customer: SandboxCustomer) -> None:
    agent = desk.agent(SHOP)
    mandate = customer.grant(agent, MANDATE)
    customer.revoke(mandate)
    with pytest.raises(Refused) as refused:
        agent.open(mandate)
    assert refused.value.code == "mandate.inactive"


def test_after_a_revocation_nothing_more_is_done(desk: Sandbox, customer: SandboxCustomer) -> None:
    agent = desk.agent(SHOP)
    mandate = customer.grant(agent, MANDATE)
    task = agent.open(mandate)
    waiting = task.ask("payment.refund", REFUND)
    customer.revoke(mandate)
    assert task.ask("order.read", ORDER).decision == "refuse"
    assert (waiting.again().decision, waiting.again().codes) == ("refuse", ["task.ended"])
    assert waiting.again().body["decision"] == "refuse"
    late = customer.confirm(waiting)
    assert (late.decision, late.codes, late.outcome) == ("refuse", ["task.ended"], None)


def test_a_completed_task_and_a_suspended_agent_do_no_more(desk: Sandbox, customer: SandboxCustomer, task: SandboxTask) -> None:
    task.complete()
    assert task.ask("order.read", ORDER).codes == ["task.ended"]
    again = task.agent.open(customer.grant(task.agent, MANDATE))
    desk.suspend(agent=task.agent)
    assert again.ask("order.read", ORDER).decision == "refuse"


def test_customers_officers_and_agents_are_the_same_when_asked_again(desk: Sandbox) -> None:
    assert desk.customer("yusuf") is desk.customer("yusuf", email="other@mail.example")
    assert desk.officer("ann", roles=["billing"]) is desk.officer("ann")
    assert desk.agent(SHOP, tier="trusted") is desk.agent(SHOP)
    assert desk.agent(SHOP, tier="trusted", operator="helper.example") is desk.agent(SHOP)
    with pytest.raises(ValueError, match="other roles"):
        desk.officer("ann", roles=["security"])


def test_an_agent_is_never_silently_one_of_another_tier_or_operator(desk: Sandbox) -> None:
    assert desk.agent(SHOP).tier == "known"
    for wrong in ({"tier": "trusted"}, {"operator": "other.example"}):
        with pytest.raises(ValueError, match="another tier or operator"):
            desk.agent(SHOP, **wrong)


def test_given_policies_are_the_desks_rules() -> None:
    policies = """
        @id("all") permit(principal, action, resource);
        @id("no-notes") forbid(principal, action == Action::"order.note", resource);
    """
    with Sandbox(CATALOGUE, policies=policies, facts=FACTS) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        task = agent.open(customer.grant(agent, MANDATE))
        assert task.ask("order.read", ORDER).decision == "permit"
        assert task.ask("order.note", ORDER).codes == ["policy.forbidden"]


def test_a_path_to_policies_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "forbid (old)"
    folder.mkdir()
    (folder / "permit(all).cedar").write_text('@id("no-notes") forbid(principal, action == Action::"order.note", resource);')
    for policies in (str(folder), str(folder / "permit(all).cedar"), folder, [str(folder)]):
        with Sandbox(CATALOGUE, policies=policies, facts=FACTS) as desk:
            customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
            task = agent.open(customer.grant(agent, MANDATE))
            assert task.ask("order.note", ORDER).codes == ["policy.forbidden"]


@pytest.mark.parametrize(
    "policies", ["my-desk/polices", "not cedar", "all (x)/a.cedar", "x" * 5000, "a\0b", Path("nowhere"), ["nowhere.cedar"]]
)
def test_policies_that_are_neither_there_nor_cedar_are_refused_with_the_cure(policies: Any) -> None:
    with pytest.raises(Miswritten) as refused, Sandbox(CATALOGUE, policies=policies):
        pass
    assert refused.value.code == "policy.invalid"
    assert "name a file or a folder that is there, or give the policies themselves" in refused.value.detail
    assert len(refused.value.detail) < 500


def test_perform_answers_writes_and_may_say_no() -> None:
    heard: list[tuple[str, Mapping[str, Any], str]] = []

    def perform(action: str, params: Mapping[str, Any], customer: str) -> Mapping[str, Any]:
        heard.append((action, params, customer))
        if params.get("stars") == 1:
            raise ValueError("no bad notes")
        return {}

    with Sandbox(CATALOGUE, None, FACTS, {}, perform) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        task = agent.open(customer.grant(agent, MANDATE))
        assert task.ask("order.note", ORDER).outcome == "done"
        assert task.ask("order.note", {**ORDER, "stars": 1}).outcome == "failed"
    assert heard == [("order.note", ORDER, "yusuf"), ("order.note", {**ORDER, "stars": 1}, "yusuf")]


def test_a_store_that_was_given_is_kept(tmp_path: Path) -> None:
    with Sandbox(CATALOGUE, facts=FACTS, store=tmp_path) as desk:
        desk.customer("yusuf")
        before = desk.transcript()
    with Sandbox(CATALOGUE, facts=FACTS, store=tmp_path) as desk:
        assert desk.transcript()[: len(before)] == before


def test_a_sqlite_store_that_was_given_is_opened_again_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    before: list[list[dict[str, Any]]] = []
    for _ in range(2):
        for name in ("one.sqlite", "two.sqlite"):
            with Sandbox(CATALOGUE, facts=FACTS, store=f"sqlite:///{tmp_path}/kept/{name}") as desk:
                customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
                agent.open(customer.grant(agent, MANDATE))
                before.append(desk.transcript())
    assert [one[: len(old)] == old for old, one in zip(before[:2], before[2:], strict=True)] == [True, True]
    assert all(section["desk"] is not None for section in before[2] if section["kind"] == "agent.registered")
    assert sorted(one.name for one in (tmp_path / "kept").iterdir() if one.is_dir()) == ["one.sqlite.desk", "two.sqlite.desk"]


def test_settings_go_over_the_sandboxs_own() -> None:
    with Sandbox(CATALOGUE, facts=FACTS, settings={"terms": {"waiting_per_pair": 1}}) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        task = agent.open(customer.grant(agent, MANDATE))
        assert task.ask("payment.refund", {**REFUND, "amount": "1.00 EUR"}).needs_human
        assert task.ask("payment.refund", {**REFUND, "amount": "2.00 EUR"}).codes == ["confirmation.too_many"]


def test_an_old_credential_is_renewed_before_it_runs_out(task: SandboxTask) -> None:
    before = task.token
    task._until = 0.0
    assert task.ask("order.read", ORDER).decision == "permit"
    assert task.token != before
    task.complete()
    task._until = 0.0
    assert task.ask("order.read", ORDER).decision == "refuse"


def test_a_renewal_that_met_a_desk_that_was_down_is_tried_again(task: SandboxTask, monkeypatch: pytest.MonkeyPatch) -> None:
    before, exchange, task._until = task.token, task.agent.exchange, 0.0

    def down(*_: object) -> Any:
        raise Unavailable("fault.store", status=503)

    monkeypatch.setattr(task.agent, "exchange", down)
    assert task.ask("order.read", ORDER).decision == "permit"
    assert task.token == before
    monkeypatch.setattr(task.agent, "exchange", exchange)
    assert task.ask("order.read", ORDER).decision == "permit"
    assert task.token != before
