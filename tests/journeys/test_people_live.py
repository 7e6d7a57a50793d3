"""A page that stands open learns that something is new: of its own person, while they are signed in, and of nobody else."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from remit.entrypoints.people.page_events import _unless_gone
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.workloads import SandboxTask

EVENT = re.compile(r"retry: 500\nid: (\S+)\nevent: (same|changed)\ndata: \{\}\n\n")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.entrypoints.people.page_events._WAIT_S", 0.6)
    monkeypatch.setattr("remit.usecases.desk.page_events.POLL_S", 0.05)


def asked(desk: Sandbox, person: SandboxPerson, since: str, path: str = "/me/v1/live") -> Any:
    headers = {"last-event-id": since} if since else {}
    return desk.room.raw("GET", path, cookie=person.cookie, headers=headers, check=False)


def told(answer: Any) -> tuple[str, str]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = EVENT.fullmatch(answer.text)
    assert found is not None, answer.text
    return found[1], found[2]


def test_what_was_recorded_meanwhile_is_news_once(desk: Sandbox, anna: SandboxCustomer, task: SandboxTask) -> None:
    now, kind = told(asked(desk, anna, ""))
    assert kind == "changed"
    assert told(asked(desk, anna, now)) == (now, "same")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asked, desk, anna, now)
        task.ask("case.comment", {"text": "The kettle leaks."})
        later, kind = told(waiting.result(10))
    assert (kind, later != now) == ("changed", True)
    page = desk.room.raw("GET", "/me", cookie=anna.cookie).text
    assert f'data-seen="{later}"' in page


@pytest.mark.proves("LONG-POLLS")
def test_a_record_of_a_customer_wakes_their_page(
    desk: Sandbox, anna: SandboxCustomer, task: SandboxTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("entrypoints.people.page_events._WAIT_S", "usecases.desk.page_events.POLL_S"):
        monkeypatch.setattr(f"remit.{name}", 15.0)
    now, _ = told(asked(desk, anna, ""))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asked, desk, anna, now)
        while not (desk.desk.context.notify._waiting or waiting.done()):
            pass
        task.ask("case.comment", {"text": "The kettle leaks."})
        assert told(waiting.result(10))[1] == "changed"


def test_nothing_of_somebody_else_is_news(desk: Sandbox, anna: SandboxCustomer, task: SandboxTask) -> None:
    del anna
    bram = desk.customer("bram")
    now, _ = told(asked(desk, bram, ""))
    task.ask("case.comment", {"text": "The kettle leaks."})
    assert told(asked(desk, bram, now)) == (now, "same")


def test_what_waits_for_an_officers_role_is_news_to_them(desk: Sandbox, anna: SandboxCustomer, task: SandboxTask) -> None:
    del anna
    olga = desk.officer("olga", ["billing"])
    now, _ = told(asked(desk, olga, "", "/desk/v1/live"))
    assert told(asked(desk, olga, now, "/desk/v1/live")) == (now, "same")
    task.complete()
    assert told(asked(desk, olga, now, "/desk/v1/live"))[1] == "changed"


def test_whatever_is_recorded_is_news_to_security_and_to_nobody_else(desk: Sandbox, anna: SandboxCustomer, task: SandboxTask) -> None:
    sam, olga = desk.officer("sam", ["security"]), desk.officer("olga", ["billing"])
    now, _ = told(asked(desk, sam, "", "/security/v1/live"))
    assert told(asked(desk, sam, now, "/security/v1/live")) == (now, "same")
    task.ask("case.comment", {"text": "The kettle leaks."})
    later, kind = told(asked(desk, sam, now, "/security/v1/live"))
    assert (kind, later != now) == ("changed", True)
    assert f'data-seen="{later}"' in desk.room.raw("GET", "/security", cookie=sam.cookie).text
    for other in (olga, anna):
        answer = asked(desk, other, "", "/security/v1/live")
        assert (answer.status_code, answer.json()["code"]) == (403, "person.not_allowed")


@pytest.mark.proves("SIGNED-OUT-LIVE")
def test_who_is_signed_out_meanwhile_is_told_nothing(desk: Sandbox, anna: SandboxCustomer, task: SandboxTask) -> None:
    now, _ = told(asked(desk, anna, ""))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asked, desk, anna, now)
        desk.room.raw("POST", "/login/v1/sign-out", cookie=anna.cookie, headers={"content-type": "application/json"}, content=b"{}")
        task.ask("case.comment", {"text": "The kettle leaks."})
        answer = waiting.result(10)
    assert (answer.status_code, answer.json()["code"]) == (401, "person.not_signed_in")


@pytest.mark.proves("LIMITS")
def test_only_so_many_pages_of_one_person_stand_open(desk: Sandbox, anna: SandboxCustomer) -> None:
    now, _ = told(asked(desk, anna, ""))
    with ThreadPoolExecutor(12) as pool:
        answers = [one.result(20) for one in [pool.submit(asked, desk, anna, now) for _ in range(12)]]
    assert sorted(one.status_code for one in answers) == [200] * 6 + [429] * 6
    assert told(asked(desk, anna, now)) == (now, "same")


@pytest.mark.proves("LIMITS")
def test_who_closes_the_page_is_waited_for_no_longer() -> None:
    async def closed() -> tuple[str, bool]:
        ended = asyncio.Event()

        async def waiting() -> str:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return "later"

        async def receive() -> dict[str, str]:
            return {"type": "http.disconnect"}

        told = await asyncio.wait_for(_unless_gone(receive, waiting(), "before"), 10)
        return told, ended.is_set()

    assert asyncio.run(closed()) == ("before", True)
