"""The dialect of RT: whose words are whose. `tests/real/test_rt.py` tries the same at a real one."""

import asyncio
import json
from typing import Any

import pytest

from remit.adapters.helpdesk.remote.rt import RequestTracker
from remit.adapters.http.connection import HttpAnswer

REPLY = {"id": "7", "Type": "Correspond", "Creator": {"id": "ann"}, "Created": "2026-11-29T18:00:00Z", "ObjectId": "1"}
USER = {"EmailAddress": "ann@desk.test", "Privileged": 1}


class RtInMemory:
    """An RT with one reply by ann, whose parts have the given headers."""

    def __init__(self, *headers: str, **user: Any) -> None:
        pieces = [{"id": str(n), "Headers": one} for n, one in enumerate(headers)]
        self.answers = {"/transactions": {"items": [REPLY]}, "/transaction/7/attachments": {"items": pieces}, "/user/ann": {**USER, **user}}

    async def send(self, method: str, path: str, **_: Any) -> HttpAnswer:
        assert method == "GET"
        return HttpAnswer(200, body=json.dumps(self.answers[path.partition("?")[0]]).encode())


def address(rt: Any) -> str:
    dialect = RequestTracker(rt, token="t", account="remit", queue="Support", case_field="Remit Case")
    (found,) = asyncio.run(dialect.native(after=0, before_ms=4_000_000_000_000, limit=10))
    return found.address


@pytest.mark.parametrize("name", ["Web", "Mobile", "REST", "REST2"])
def test_an_officer_who_signed_in_has_an_address(name: str) -> None:
    assert address(RtInMemory(f"Subject: Kettle\nX-RT-Interface: {name}\nContent-Length: 3", "Content-Type: text/html")) == "ann@desk.test"


@pytest.mark.proves("HELPDESK-WRITER")
@pytest.mark.parametrize(
    "headers",
    [
        ["X-RT-Interface: Email"],
        ["X-RT-Interface: Email", "X-RT-Interface: Web"],
        ["Subject: x\n X-RT-Interface: Web"],
        ["Subject: Kettle"],
        ["X-RT-Interface: "],
        [],
    ],
)
def test_an_officer_whom_a_mail_names_has_none(headers: list[str]) -> None:
    """⚔ RT believes the sender of a mail; a part of one may claim whatever it likes."""
    assert address(RtInMemory(*headers)) == ""


@pytest.mark.proves("HELPDESK-WRITER")
def test_an_account_that_is_no_privileged_user_has_none() -> None:
    """⚔ RT makes an account for every address that writes to it."""
    assert address(RtInMemory("X-RT-Interface: Web", Privileged=0)) == ""
