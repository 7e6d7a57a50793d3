"""What attacks in a browser begin with: a desk, Anna in her browser, an agent with a task of hers, and a hostile site."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser

from browser.hostile import HostileSite, cookie_of, hostile_site, post, sign, standing
from browser.visits import Visit, visit
from desks.shop import MANDATE
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxAgent, SandboxTask

REFUND = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
RETURN = {"order_id": "W1001", "item_ids": ["i1", "i2"]}


@dataclass
class Scene:
    """A desk, Anna in her browser, an agent that has a task of hers, and a hostile site."""

    browser: Browser
    desk: Sandbox
    anna: Visit
    agent: SandboxAgent
    task: SandboxTask
    mandate: str
    site: HostileSite

    @property
    def cookie(self) -> str:
        """Anna's session."""
        return cookie_of(self.anna)

    def waiting(self, action: str = "payment.refund", params: dict[str, Any] = REFUND) -> str:
        """The id of what waits for Anna now."""
        asked = self.task.ask(action, params)
        rows = self.desk.room.call("GET", "/me/v1/waiting", cookie=self.cookie)["waiting"]
        return next(str(row["confirmation"]) for row in rows if row["ask"] == asked.ask)

    def shown(self, confirmation: str) -> dict[str, Any]:
        """What Anna is shown of it."""
        found: dict[str, Any] = self.desk.room.call("GET", f"/me/v1/confirmations/{confirmation}", cookie=self.cookie)
        return found

    def pushed(self) -> str:
        """The id of a fresh request of the agent's."""
        return self.agent.push(copy.deepcopy(MANDATE))[0].rpartition(":")[2]

    def answers(self) -> list[str]:
        """What the record says was answered."""
        return [one["envelope"]["answer"] for one in self.desk.transcript() if one["kind"] == "confirmation.answered"]

    def performed(self) -> int:
        """How many acts were done."""
        return sum(one["kind"] == "act.performed" for one in self.desk.transcript())

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """What happens inside changes nothing of Anna's, and nothing on the record."""
        before = standing(self.desk, self.cookie)
        yield
        assert standing(self.desk, self.cookie) == before


@contextmanager
def begun(browser: Browser, issuer: str, catalogue: Mapping[str, Any], mandate: Mapping[str, Any] = MANDATE) -> Iterator[Scene]:
    """A scene at the desk of this address: Anna has granted the mandate, and the agent has opened a task."""
    with Sandbox(catalogue, base_url=issuer) as desk, hostile_site() as site:
        anna = visit(browser, desk)
        try:
            anna.enrol("anna", "customer", "Anna Berg", [], email="anna@mail.example")
            agent = desk.agent("spiffe://helper.example/shop", name="Helper shop assistant")
            given = granted(anna, agent, mandate)
            yield Scene(browser, desk, anna, agent, agent.open(given), given, site)
        finally:
            anna.context.close()


def granted(anna: Visit, agent: SandboxAgent, mandate: Mapping[str, Any] = MANDATE) -> str:
    """A mandate that Anna has granted, without a look at the page."""
    request_uri, state = agent.push({**copy.deepcopy(dict(mandate)), "max_tasks": 3})
    path = f"/me/v1/requests/{request_uri.rpartition(':')[2]}"
    shown = anna.desk.room.call("GET", path, cookie=cookie_of(anna))
    signed = post(anna.page, path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": sign(anna.page, shown["options"])})
    return str(agent.redeem(signed.body["redirect"], state)["mandate"])
