"""Refresh tokens and documents over two nodes of one desk, on PostgreSQL."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from attacks.arena import code_of
from faults.nodes import Nodes, loaded_desk
from remit.sandbox.transport import DirectTransport
from visiting import Documents, Visitor, documents


@pytest.fixture(scope="module")
def desk() -> Iterator[Nodes]:
    with Nodes(settings={"visitors": {"enabled": True}}) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def docs() -> Iterator[Documents]:
    with documents() as served:
        yield served


def _at_once(desk: Nodes, forms: list[dict[str, str]]) -> list[httpx.Response]:
    """Send forms to the token endpoint at one time, each to the next node."""

    async def send(place: int, form: dict[str, str]) -> httpx.Response:
        transport = DirectTransport(loaded_desk(desk.nodes[place % 2]).app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/oauth/token", data=form)

    async def all_of_them() -> list[httpx.Response]:
        return list(await asyncio.gather(*(send(place, form) for place, form in enumerate(forms))))

    return desk.run(all_of_them())


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_refresh_token_used_at_two_nodes_at_one_time_ends_the_task(desk: Nodes, docs: Documents) -> None:
    visitor = Visitor(desk.room, docs.publish()).connect(desk.customer("anna"), "track-order", ["P0"])
    form = {"grant_type": "refresh_token", "client_id": visitor.client_id, "refresh_token": visitor.tokens["refresh_token"]}
    answers = _at_once(desk, [form, {**form, "scope": "track-order"}])
    assert len([one for one in answers if one.is_success]) <= 1
    for place in (0, 1):
        desk.turn(place)
        assert code_of(visitor.ask("order.read", {"order_id": "P0"})) == "task.ended"


@pytest.mark.proves("VISITOR-TOKENS")
def test_one_request_sent_to_two_nodes_at_one_time_has_one_answer(desk: Nodes, docs: Documents) -> None:
    visitor = Visitor(desk.room, docs.publish()).connect(desk.customer("anna"), "track-order", ["P1"])
    form = {"grant_type": "refresh_token", "client_id": visitor.client_id, "refresh_token": visitor.tokens["refresh_token"]}
    answers = _at_once(desk, [form, form])
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


@pytest.mark.proves("VISITOR-TOKENS")
def test_a_code_used_at_two_nodes_at_one_time_gives_nothing(desk: Nodes, docs: Documents) -> None:
    visitor = Visitor(desk.room, docs.publish())
    redirect = visitor.consent(desk.customer("anna"), "track-order", ["P2"])
    form = {
        "grant_type": "authorization_code",
        "client_id": visitor.client_id,
        "code": httpx.URL(redirect).params["code"],
        "redirect_uri": visitor.redirect_uri,
        "code_verifier": visitor.verifier,
    }
    for answer in _at_once(desk, [form, form]):
        if answer.is_success:
            visitor.tokens = answer.json()
    if visitor.tokens:
        assert code_of(visitor.ask("order.read", {"order_id": "P2"})) == "task.ended"


@pytest.mark.proves("VISITOR-IDENTITY")
def test_two_nodes_do_not_fight_over_a_document(desk: Nodes, docs: Documents) -> None:
    anna = desk.customer("anna")
    for place in (0, 1):  # both have read it
        desk.turn(place)
        Visitor(desk.room, docs.publish("/two.json")).connect(anna, "track-order", ["P3"])
    docs.publish("/two.json", name="Renamed")
    desk.set_clocks(11_000)
    loaded_desk(desk.nodes[0]).context.client_documents._shelves.clear()  # type: ignore[attr-defined]  # an hour after it read it
    desk.turn(0)
    visitor = Visitor(desk.room, docs.publish("/two.json", name="Renamed")).connect(anna, "track-order", ["P4"])
    desk.turn(1)
    assert anna.get(f"/me/v1/visits?{urlencode(visitor.query())}")["client"]["name"] == "Renamed"
    for place in (1, 0):
        desk.turn(place)
        assert visitor.refresh().is_success
