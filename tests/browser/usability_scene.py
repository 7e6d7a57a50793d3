"""The desk at which the tasks of docs/usability.md are done: the consumer pack with its people signed in, and a day's queue."""

import copy
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, ViewportSize, expect

from browser.desk_server import serving_pack
from browser.hostile import cookie_of, post, sign
from browser.visits import Visit, visit
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxAgent, SandboxTask

BUSY = 6
"""Requests that wait for customers and care from the beginning, each in a case of its own."""
BRAMS = "W1002"
"""The order of the other customer."""
TERMS = {"decline_pause_s": 1, "waiting_per_pair": 50}
WORDS = {"beyond": "hold", "officer": "care", "secrets": "refuse"}
COMPLAIN: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "complain", "target": {"order": ["W1001"]}, "summary": "complain about the kettle"},
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.status", "order.items", "complaint.*", "refund.*"]},
        {"power": "request", "actions": ["complaint.file"], "uses": 3},
        {
            "power": "request",
            "actions": ["payment.refund"],
            "uses": 5,
            "where": {"amount": {"max": "400.00 EUR"}},
            "total": {"amount": "900.00 EUR"},
        },
        {"power": "accept", "actions": ["offer.accept"], "uses": 3},
    ],
    "never": [{"power": "receive", "attributes": ["identity.*"]}],
    "max_tasks": 3,
    "chain": 0,
}


def arrive(one: Visit, path: str) -> None:
    """Open a page, also where the page before it goes on by itself at this moment."""
    for _ in range(3):
        try:
            one.open(path)
            one.ready()
        except Error:
            one.page.wait_for_timeout(1500)
        else:
            return
    one.open(path)


@dataclass
class Scene:
    """A desk with its people at their browsers, and agents that come as they are needed."""

    desk: Sandbox
    people: dict[str, Visit]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    orders: Iterator[str] = field(default_factory=lambda: itertools.cycle([BRAMS, "W1003", "W1004", "W1005"]))

    @property
    def anna(self) -> Visit:
        """The customer's browser."""
        return self.people["customer"]

    def agent(self) -> SandboxAgent:
        """A new agent of a new operator, so that no task weighs on another."""
        number = next(self.numbers)
        return self.desk.agent(f"spiffe://helper{number}.example/shop", operator=f"helper{number}.example", name=f"Helper {number}")

    def granted(self, agent: SandboxAgent, mandate: Mapping[str, Any] = COMPLAIN) -> str:
        """A mandate that Anna has granted, without a look at the page."""
        request_uri, state = agent.push(copy.deepcopy(dict(mandate)))
        path = f"/me/v1/requests/{request_uri.rpartition(':')[2]}"
        arrive(self.anna, "/me")
        shown = self.desk.room.call("GET", path, cookie=cookie_of(self.anna))
        signed = post(
            self.anna.page, path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": sign(self.anna.page, shown["options"])}
        )
        return str(agent.redeem(signed.body["redirect"], state)["mandate"])

    def task(self, order: str = "W1001") -> SandboxTask:
        """A task of a new agent, in which a complaint about an order was filed."""
        agent = self.agent()
        mandate = copy.deepcopy(COMPLAIN)
        mandate["objective"]["target"]["order"] = [order]
        granted = self.desk.customer("bram").grant(agent, mandate) if order == BRAMS else self.granted(agent, mandate)
        task = agent.open(granted)
        task.ask("complaint.file", {"kind": "damaged", "order_id": order, "text": "The kettle leaks."})
        return task

    def refund(self, amount: str, order: str = "") -> None:
        """Ask for a refund that a person has to confirm; of another order each time, since repeated ones raise the risk."""
        order = order or next(self.orders)
        method = "pm_9" if order == BRAMS else "pm_7"
        asked = {"order_id": order, "payment_method_id": method, "amount": f"{amount} EUR"}
        reply = self.task(order).ask("payment.refund", asked)
        assert reply.needs_human, reply.codes

    def count(self, kind: str, **members: str) -> int:
        """How many entries of a kind the record has, with these members in the envelope."""
        entries = [one for one in self.desk.transcript() if one["kind"] == kind]
        return sum(all(one["envelope"].get(name) == value for name, value in members.items()) for one in entries)


def told(one: Visit, path: str) -> Any:
    """What the desk tells somebody in JSON, in their session."""
    return one.desk.room.call("GET", path, cookie=cookie_of(one))


@contextmanager
def scene(browser: Browser, folder: Path, size: ViewportSize, language: str) -> Iterator[Scene]:
    """A desk of the consumer pack, served, with its people signed in."""
    with serving_pack(folder, "consumer", TERMS, words=WORDS) as issuer, Sandbox({}, base_url=issuer) as desk:
        people = {
            role: _joined(browser, desk, size, language, *person)
            for role, person in {
                "customer": ("anna", "customer", "Anna Berg", []),
                "officer": ("olga", "officer", "Olga Kern", ["care"]),
                "security": ("sam", "officer", "Sam Hale", ["security"]),
                "auditor": ("ada", "officer", "Ada Lind", ["audit"]),
            }.items()
        }
        desk.officer("max", ["care"], name="Max Rau")
        desk.officer("mia", ["security"], name="Mia Voss")
        desk.customer("bram", name="Bram de Wit")
        made = Scene(desk, people)
        for amount in range(51, 51 + BUSY):  # a day's queue, so that nobody works on an empty page
            made.refund(f"{amount}.00")
        yield made
        for one in people.values():
            one.context.close()


def _joined(
    browser: Browser, desk: Sandbox, size: ViewportSize, language: str, person: str, kind: str, name: str, roles: list[str]
) -> Visit:
    one = visit(browser, desk, size=size)
    body = {"id": person, "kind": kind, "name": name, "email": f"{person}@mail.example", "roles": roles, "how": "vouched"}
    one.open(f"/enrol?code={desk.room.control('POST', '/sandbox/v1/people', body)['code']}")
    if language != "en":
        one.page.locator(f'button[name="language"][value="{language}"]').click()
        expect(one.page.locator("html")).to_have_attribute("lang", language)
    one.ready()
    one.page.locator("form input[name=label]").fill("My laptop")
    one.page.locator("form:has(input[name=label]) button:not([type=button])").first.click()
    expect(one.page.locator('[data-send="/login/v1/sign-out"]')).to_be_attached()
    return one
