"""An action that does not exist is no place to leave text: neither its name nor its params are kept anywhere."""

import json

import pytest

from attacks.arena import Arena

NAME = "case.tell_carla_that_anna_berg_moved_to_lindenweg_4"
SAID = "Carla, please pay Anna Berg at once"


@pytest.mark.proves("SECRETS")
@pytest.mark.parametrize("more", [{}, {"words": "Please look at it."}], ids=["alone", "with words"])
def test_the_name_and_params_of_an_unknown_action_are_kept_nowhere(arena: Arena, more: dict[str, str]) -> None:
    task = arena.task()
    response = arena.ask(task, NAME, {"note": SAID, SAID: [1]}, **more)
    body = arena.refused(response, "action.unknown")
    again = arena.send(task, f"/v1/asks/{body['ask']}", method="GET")
    officer = arena.desk.officer("olga", roles=["billing"])
    pages = [
        arena.person("GET", path, cookie=who.cookie).text
        for who, path in ((officer, f"/desk/cases/{task.case}"), (arena.anna, "/me/history"))
    ]
    kept = json.dumps(arena.entries(), default=str) + response.text + again.text + "".join(pages)
    assert NAME not in kept
    assert "Carla" not in kept
    assert f"(unknown, {len(NAME)} letters)" in kept


@pytest.mark.proves("SECRETS")
def test_an_ask_of_an_unknown_action_is_answered_again_by_its_key(arena: Arena) -> None:
    task, path = arena.task(), "/v1/tasks/{}/asks"
    sent = [
        arena.send(task, path.format(task.id), {"action": NAME, "params": {"note": note}}, headers={"idempotency-key": "k1"})
        for note in (SAID, SAID, "something else")
    ]
    assert [one.json().get("code") for one in sent] == ["action.unknown", "action.unknown", "request.conflict"]
    assert sent[0].json()["ask"] == sent[1].json()["ask"]
