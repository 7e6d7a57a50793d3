"""What a developer without our client may rely on once people have answered an ask: polls and repetitions say the same."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from desks.kettle import CATALOGUE, FACTS, REFUND
from entrypoints.developer import Developer, refused
from remit.client import Refused
from remit.sandbox import Sandbox

ASKED = {"action": "payment.refund", "params": REFUND}


class People(Developer):
    """The developer, and the customer whose answer is waited for."""

    def __init__(self, desk: Sandbox) -> None:
        super().__init__(desk)
        self.customer = desk.customer("yusuf")
        self.opened = self.task()

    def asked(self, key: str) -> httpx.Response:
        return self.ask(self.opened, ASKED, idempotency_key=key)

    def polled(self, ask: str) -> Mapping[str, Any]:
        answer = self.send(self.opened, "GET", f"/v1/asks/{ask}")
        assert answer.status_code == 200
        body: Mapping[str, Any] = answer.json()
        return body


@pytest.fixture
def people() -> Iterator[People]:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        yield People(desk)


def settled_no(people: People, key: str, ask: str, code: str) -> None:
    """However one asks what became of it, the answer is the same no, with its code, cure and receipt."""
    said = people.polled(ask)
    assert (said["decision"], said["codes"], said["ask"]) == ("refuse", [code], ask)
    assert said["cure"]
    assert not {"who", "expires_at", "poll"} & set(said)
    again = refused(people.asked(key), 403, code)
    assert (again["decision"], again["codes"], again["ask"]) == ("refuse", [code], ask)
    assert again["receipt"]["entries"]


def test_an_ask_that_a_person_said_no_to_is_refused_however_one_asks_again(people: People) -> None:
    first = people.asked("key-1").json()
    assert first["decision"] == "needs_human"
    answered = people.customer.decline(people.opened.poll(first["ask"]))
    assert (answered.decision, answered.codes) == ("refuse", ["confirmation.declined"])
    settled_no(people, "key-1", first["ask"], "confirmation.declined")


def test_a_no_that_ends_the_task_still_reads_as_a_no(people: People) -> None:
    first = people.asked("key-1").json()
    people.customer.decline(people.opened.poll(first["ask"]), end=True)
    said = people.polled(first["ask"])
    assert (said["decision"], said["codes"]) == ("refuse", ["confirmation.declined"])


def test_an_ask_that_nobody_answered_is_refused_however_one_asks_again() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        people = People(desk)
        assert desk.desk is not None
        first = people.asked("key-1").json()
        world, late = desk.desk.context.world, desk.desk.context.world.now() + 601_000
        now, world.now = world.now, lambda: late  # type: ignore[method-assign]  # only the desk's clock is moved
        desk.sweep()
        world.now = now  # type: ignore[method-assign]  # and back: the credential is still good
        settled_no(people, "key-1", first["ask"], "confirmation.expired")


def test_an_ask_that_was_answered_with_less_leads_to_the_one_that_took_its_place(people: People) -> None:
    first = people.asked("key-1").json()
    lesser = people.customer.offer_less(people.opened.poll(first["ask"]), {**REFUND, "amount": "3.00 EUR"})
    for said in (people.polled(first["ask"]), people.asked("key-1").json()):
        assert (said["state"], said["decision"]) == ("countered", "needs_human")
        assert (said["countered_by"], said["poll"]) == (lesser.ask, f"/v1/asks/{lesser.ask}")
        assert (said["who"], said["expires_at"]) == ([], first["expires_at"])
        followed = people.send(people.opened, "GET", said["poll"]).json()
        assert (followed["ask"], followed["decision"], followed["outcome"]) == (lesser.ask, "permit", "done")
    assert people.asked("key-1").status_code == 202


def test_an_ask_answered_with_less_by_one_of_two_says_who_is_asked_now() -> None:
    catalogue = json.loads(json.dumps(CATALOGUE))
    catalogue["floor"] = {**catalogue["floor"], "payment": ["customer", "officer:billing"]}
    with Sandbox(catalogue, facts=FACTS) as desk:
        people, officer = People(desk), desk.officer("bill", ["billing"])
        first = people.asked("key-1").json()
        assert first["who"] == ["customer", "officer:billing"]
        lesser = officer.offer_less(people.opened.poll(first["ask"]), {**REFUND, "amount": "3.00 EUR"})
        said = people.polled(first["ask"])
        assert (said["who"], said["countered_by"]) == (["customer"], lesser.ask)
        assert said["expires_at"] == people.polled(lesser.ask)["expires_at"]
        assert people.customer.confirm(lesser).outcome == "done"
        assert people.polled(first["ask"])["who"] == []


def test_the_client_follows_less_than_was_asked_and_raises_a_no(people: People) -> None:
    run, customer = people.desk.room.thread.run, people.customer
    task = people.agent.client.mandate(people.mandate.id).task()
    run(task.open())

    lowered = run(task.ask("payment.refund", REFUND))
    invitation = f"/me/v1/confirmations/{customer.waiting()[0]['confirmation']}"
    shown = customer.post(f"{invitation}/less", {"params": {**REFUND, "amount": "3.00 EUR"}})
    customer.post(invitation, {"answer": "less", "assertion": customer.passkey.get(shown["options"])})
    final = run(lowered.wait())
    assert (final.ask, final.outcome) == (shown["ask"], "done")

    declined = run(task.ask("payment.refund", {**REFUND, "amount": "2.00 EUR"}))
    customer.post(f"/me/v1/confirmations/{customer.waiting()[0]['confirmation']}", {"answer": "no"})
    with pytest.raises(Refused) as caught:
        run(declined.wait())
    assert caught.value.code == "confirmation.declined"
