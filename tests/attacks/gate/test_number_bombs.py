"""A few letters that no arithmetic can take are refused like any other nonsense, and counted as what they are: unproved."""

import base64
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from attacks.arena import Arena, code_of, open_arena

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NUMBERS = ("1e1000000", "0e99999999999999999999", "1E+0000000000000000009999", "-1e9999", "99.99999999999999999")
FORM = {"content-type": "application/x-www-form-urlencoded"}


def jwt(number: str) -> str:
    """What looks like a JWT, with a number in its header."""
    parts = (f'{{"alg":"ES256","typ":"JWT","x":{number}}}', '{"iss":"a","sub":"a"}')
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + ".AAAA"


@pytest.fixture
def narrow() -> Iterator[Arena]:
    with open_arena(settings={"limits": {"unproved_per_s": 1, "unproved_burst": 1000, "peer_per_s": 1, "peer_burst": 5}}) as arena:
        yield arena


def asserted(arena: Arena, number: str) -> httpx.Response:
    """A token request with such an assertion."""
    form = {"client_assertion_type": BEARER, "client_assertion": jwt(number)}
    return arena.room.raw("POST", "/oauth/token", headers=FORM, content=urlencode(form).encode(), check=False)


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("number", NUMBERS)
def test_an_assertion_with_such_a_number_proves_nothing_and_is_counted(narrow: Arena, number: str) -> None:
    codes = [(one.status_code, code_of(one)) for one in (asserted(narrow, number) for _ in range(12))]
    assert codes[0][0] == 401
    assert codes[-1] == (429, "request.rate_limited")
    assert {status for status, _ in codes} == {401, 429}


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("number", NUMBERS)
def test_no_door_stumbles_over_such_a_number(number: str) -> None:
    with open_arena() as arena:
        task = arena.task()
        body = f'{{"action":"order.read","params":{{"order_id":{number}}}}}'.encode()
        token = {"authorization": f"DPoP {jwt(number)}", "dpop": "x"}
        answers = [
            arena.ask_bytes(task, body),
            arena.send(task, f"/v1/tasks/{task.id}", method="GET", headers={"dpop": jwt(number)}),
            arena.room.raw("GET", f"/v1/tasks/{task.id}", headers=token, check=False),
            arena.room.raw("POST", "/login/v1/sign-in", headers={"content-type": "application/json"}, content=body, check=False),
            arena.room.raw(
                "GET",
                "/v1/asks/ask_x",
                headers={"client-assertion": jwt(number), "client-assertion-type": BEARER, "dpop": "x"},
                check=False,
            ),
        ]
        assert code_of(answers[0]) == "request.malformed"
        for one in answers:
            assert 400 <= one.status_code < 500, one.text
            assert code_of(one) != "fault.internal"
            assert one.json()["cure"]


@pytest.mark.proves("STRICT-PARAMS")
def test_a_time_that_its_zone_takes_out_of_the_calendar_is_none() -> None:
    with open_arena() as arena:
        agent = arena.agent()
        for text in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
            wanted = f'[{{"type":"remit_mandate","objective":{{"type":"general-question"}},"powers":[],"expires_at":"{text}"}}]'
            form = {"response_type": "code", "code_challenge": "A" * 43, "code_challenge_method": "S256", "authorization_details": wanted}
            answer = arena.form("/oauth/par", {**form, "redirect_uri": "http://127.0.0.1/callback"}, agent=agent, key=agent)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_authorization_details")


@pytest.mark.proves("LIMITS")
def test_whatever_breaks_at_an_oauth_door_is_told_in_oauths_words_and_counted(narrow: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("remit.entrypoints.agents.oauth.prove_caller", broken)
    answers = [asserted(narrow, "1") for _ in range(12)]
    assert (answers[0].status_code, answers[0].json()["error"], code_of(answers[0])) == (500, "temporarily_unavailable", "fault.internal")
    assert answers[-1].status_code == 429
