"""The pytest plugin gives a `desk`, made from the `desk_*` fixtures of whoever uses it."""

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

USED = """
import pytest
from desks.kettle import CATALOGUE, FACTS, MANDATE, SHOP

@pytest.fixture
def desk_catalogue():
    return CATALOGUE

@pytest.fixture
def desk_facts():
    return FACTS

@pytest.fixture
def desk_settings():
    return {"terms": {"waiting_per_pair": 1}}

def test_it(desk):
    customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
    task = agent.open(customer.grant(agent, MANDATE))
    assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"

def test_the_next_test_has_a_desk_of_its_own(desk):
    assert "mandate.granted" not in {entry["kind"] for entry in desk.transcript()}
"""

UNSAID = """
import pytest

MANDATE = {
    "type": "remit_mandate",
    "objective": {"type": "return-item", "target": {"order": ["W1"]}},
    "powers": [{"power": "represent"}, {"power": "request", "actions": ["order.return"]}],
}

@pytest.fixture
def desk_facts():
    return {"owners": {"order": {"W1": "yusuf"}}}

def test_it(desk, desk_policies):
    assert desk_policies.name == "policies"
    customer, agent = desk.customer("yusuf"), desk.agent("spiffe://helper.example/shop")
    task = agent.open(customer.grant(agent, MANDATE))
    asked = task.ask("order.return", {"order_id": "W1", "item_ids": ["i1"]})
    assert customer.confirm(asked).outcome == "done"
"""


@pytest.fixture
def run(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> pytest.Pytester:
    roots = [str(request.config.rootpath / one) for one in ("src", "tests")]
    pytester.makeini(f"[pytest]\npythonpath = {' '.join(roots)}\nfilterwarnings = error\n")
    return pytester


def test_the_desk_fixture_is_made_of_its_parts(run: pytest.Pytester) -> None:
    run.makepyfile(USED)
    run.runpytest_inprocess(*_plugin()).assert_outcomes(passed=2)


def test_a_desk_of_nothing_given_is_the_consumer_packs_with_its_policies(run: pytest.Pytester) -> None:
    run.makepyfile(UNSAID)
    run.runpytest_subprocess(*_plugin()).assert_outcomes(passed=1)


def _plugin() -> list[str]:
    """The plugin comes with the installed package, and by hand where the package is only on the path."""
    return [] if _installed() else ["-p", "remit.sandbox.plugin"]


def _installed() -> bool:
    return any(one.value == "remit.sandbox.plugin" for one in entry_points(group="pytest11"))
