"""The company's login over two nodes of one desk: sent from one, back at the other, and out at both with the provider's word to either."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from attacks.arena import code_of
from attacks.people.company import HTML, cookie_of, oidc, refusal
from faults.nodes import Nodes
from provider.loopback import LoopbackProvider, loopback_provider


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with loopback_provider(lambda: int(time.time())) as one:
        yield one


@pytest.fixture
def desk(provider: LoopbackProvider, tmp_path: Path) -> Iterator[Nodes]:
    people = {"oidc": oidc(provider, tmp_path, roles={"desk-security": ["security"]}, customers="create")}
    with Nodes(settings={"people": people}) as nodes:
        yield nodes


def sign_in(desk: Nodes, provider: LoopbackProvider, sid: str) -> tuple[httpx.Response, str, dict[str, str]]:
    """Sent from the first node, back at the second."""
    desk.turn(0)
    sent = desk.room.raw("GET", "/login/oidc?next=/me", check=False)
    pending = cookie_of(sent, "remit_login")
    brought = provider.sign_in(sent.headers["location"], "s-anna", customer="anna", sid=sid)
    desk.turn(1)
    done = desk.room.raw("GET", f"/login/oidc/callback?{urlencode(brought)}", cookie=pending, headers=HTML, check=False)
    return done, pending, brought


def who(desk: Nodes, node: int, cookie: str) -> str:
    """Whom a node takes a session for."""
    desk.turn(node)
    answer = desk.room.raw("GET", "/me/v1", cookie=cookie, check=False)
    return str(answer.json()["id"]) if answer.is_success else code_of(answer)


@pytest.mark.proves("LOGIN-ENDS", "LOGIN-ONCE")
def test_a_sign_in_and_its_end_hold_at_every_node(desk: Nodes, provider: LoopbackProvider) -> None:
    done, pending, brought = sign_in(desk, provider, "there-1")
    cookie = cookie_of(done, "remit_session")
    assert [who(desk, node, cookie) for node in (0, 1)] == ["anna", "anna"]
    provider.forgets_codes = False
    again, pending, brought = sign_in(desk, provider, "there-2")
    other = cookie_of(again, "remit_session")
    desk.turn(0)
    assert (
        refusal(desk.room.raw("GET", f"/login/oidc/callback?{urlencode(brought)}", cookie=pending, headers=HTML, check=False))
        == "login.invalid"
    )
    token = urlencode({"logout_token": provider.logout_token(sid="there-1")}).encode()
    form = {"content-type": "application/x-www-form-urlencoded"}
    desk.turn(1)
    assert desk.room.raw("POST", "/oidc/back-channel-logout", headers=form, content=token, check=False).json() == {"ended": 1}
    assert [who(desk, node, cookie) for node in (0, 1)] == ["person.not_signed_in"] * 2
    assert [who(desk, node, other) for node in (0, 1)] == ["anna", "anna"]
    desk.turn(0)
    assert code_of(desk.room.raw("POST", "/oidc/back-channel-logout", headers=form, content=token, check=False)) == "login.invalid"
    desk.turn(0)
    assert desk.room.raw("POST", "/login/v1/sign-out-everywhere", {}, cookie=other, check=False).is_success
    assert [who(desk, node, other) for node in (0, 1)] == ["person.not_signed_in"] * 2
