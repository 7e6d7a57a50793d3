"""The shop's desk, its customer Anna, the agent she lets help her, and a task of that agent."""

import copy
from collections.abc import Iterator

import pytest

from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer
from remit.sandbox.workloads import SandboxAgent, SandboxTask


@pytest.fixture
def desk() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE, facts=FACTS) as sandbox:
        yield sandbox


@pytest.fixture
def anna(desk: Sandbox) -> SandboxCustomer:
    return desk.customer("anna", name="Anna Berg")


@pytest.fixture
def agent(desk: Sandbox) -> SandboxAgent:
    return desk.agent("spiffe://helper.example/shop", name="Helper")


@pytest.fixture
def task(anna: SandboxCustomer, agent: SandboxAgent) -> SandboxTask:
    return agent.open(anna.grant(agent, copy.deepcopy(MANDATE)))
