"""P15: a user's own session or password in an agent's hands: refused, reported, and the session is ended."""

import base64
import json

import pytest

from attacks.arena import EXCHANGE, ISSUER, Arena, code_of
from remit.client.keys import b64url


def _id_token() -> str:
    def part(value: object) -> str:
        return b64url(json.dumps(value).encode())

    claims = {"iss": "https://login.acme.example", "sub": "anna", "aud": "shop", "email": "anna@mail.example", "nonce": "n"}
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.{b64url(b'signature')}"


@pytest.mark.proves("P15", "HUMAN-CREDENTIAL")
@pytest.mark.parametrize("how", ["cookie", "bearer", "dpop"])
def test_a_borrowed_session_is_refused_told_and_ended(arena: Arena, how: str) -> None:
    task = arena.task()
    cookie = arena.anna.cookie
    value = cookie.partition("=")[2]
    carried = {
        "cookie": {"cookie": f"theme=dark; {cookie}"},
        "bearer": {"authorization": f"Bearer {value}", "dpop": ""},
        "dpop": {"authorization": f"DPoP {value}"},
    }
    with arena.unchanged():
        response = arena.send(
            task, f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": {"order_id": "W1"}}, headers=carried[how]
        )
    assert (code_of(response), response.status_code) == ("agent.human_credential", 403)
    assert value not in response.text
    assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"
    entry = arena.recorded("credential.misused")
    assert entry["desk"]["person"] == "anna"
    assert value not in json.dumps(entry)
    assert any(kind == "human_credential" for kind, _ in arena.notify.incidents)
    assert any(notice.person == "anna" and "use your sign-in" in notice.subject for notice in arena.notify.told)


@pytest.mark.proves("P15", "CSRF")
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
        ("GET", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}),
        ("HEAD", {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}),
        ("POST", {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}),
    ],
)
def test_a_link_or_a_foreign_page_ends_nobodys_sign_in(arena: Arena, method: str, headers: dict[str, str]) -> None:
    cookie = arena.anna.cookie
    path = "/v1/tasks/task_x/complete" if method == "POST" else "/v1/asks/ask_x"
    assert arena.person(method, path, cookie=cookie, headers=headers).status_code == 401
    assert arena.person("GET", "/me/v1", cookie=cookie).status_code == 200
    assert arena.entries("credential.misused") == []
    assert list(arena.notify.incidents) == []
    # Whatever brings a token or a proof beside the session is a program.
    proof = {"dpop": arena.proof(arena.agent(), "GET", "/v1/asks/ask_x")}
    told = arena.person("GET", "/v1/asks/ask_x", cookie=cookie, headers=headers | proof)
    assert code_of(told) == "agent.human_credential"
    assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"


@pytest.mark.proves("P15", "HUMAN-CREDENTIAL")
def test_a_program_in_a_page_of_ours_that_uses_the_session_is_told(arena: Arena) -> None:
    headers = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
    assert code_of(arena.person("GET", "/v1/asks/ask_x", cookie=arena.anna.cookie, headers=headers)) == "agent.human_credential"
    assert arena.recorded("credential.misused")["desk"]["person"] == "anna"


@pytest.mark.proves("P15", "HUMAN-CREDENTIAL")
@pytest.mark.parametrize(
    "authorization",
    ["Basic " + base64.b64encode(b"anna:hunter2").decode(), "Bearer " + _id_token(), "DPoP " + _id_token(), "Negotiate abc"],
)
def test_a_password_or_login_token_is_refused_and_told(arena: Arena, authorization: str) -> None:
    task = arena.task()
    with arena.unchanged():
        response = arena.send(task, f"/v1/tasks/{task.id}", method="GET", headers={"authorization": authorization})
    assert code_of(response) == "agent.human_credential"
    assert arena.notify.incidents[-1][0] == "human_credential"


@pytest.mark.proves("P15", "HUMAN-CREDENTIAL")
@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "password", "username": "anna", "password": "hunter2"},
        {"grant_type": EXCHANGE, "subject_token": _id_token(), "subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"grant_type": EXCHANGE, "subject_token": "rs_abc", "subject_token_type": "urn:remit:token-type:mandate"},
    ],
)
def test_no_token_is_given_for_a_persons_login(arena: Arena, form: dict[str, str]) -> None:
    agent = arena.agent()
    with arena.unchanged():
        response = arena.form("/oauth/token", form, agent=agent, key=agent)
    assert code_of(response) == "agent.human_credential"
    assert "hunter2" not in response.text
    assert arena.notify.incidents[-1][0] == "human_credential"
    assert arena.entries("task.opened") == []


@pytest.mark.proves("P15", "HUMAN-CREDENTIAL")
def test_an_agent_cannot_register_a_persons_session_as_its_assertion(arena: Arena) -> None:
    value = arena.anna.cookie.partition("=")[2]
    response = arena.form("/oauth/par", {"client_assertion": value, "client_assertion_type": "x", "client_id": "anna"})
    assert code_of(response) == "agent.human_credential"
    assert code_of(arena.person("GET", "/me/v1", cookie=arena.anna.cookie)) == "person.not_signed_in"


@pytest.mark.proves("P15", "HUMAN-CREDENTIAL")
def test_a_workload_credential_beside_a_borrowed_session_gives_itself_away_at_a_persons_door(arena: Arena) -> None:
    task, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    headers = {"authorization": f"DPoP {task.token}", "dpop": arena.proof(task.agent, "POST", path, token=task.token)}
    cookie = arena.anna.cookie
    with arena.unchanged():
        response = arena.person("POST", path, {"answer": "no"}, cookie=cookie, headers=headers)
    assert code_of(response) == "agent.human_credential"
    assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"
    assert reply.again().needs_human
    assert arena.recorded("credential.misused")["desk"]["person"] == "anna"
    assert ISSUER


@pytest.mark.proves("P15", "HUMAN-CREDENTIAL")
@pytest.mark.parametrize("name", ["client-assertion", "client-assertion-type"])
def test_a_client_assertion_beside_a_session_ends_it(arena: Arena, name: str) -> None:
    fields = arena.agent().identity.credentials(issuer=ISSUER, now_s=arena.clock.now() / 1000)
    cookie = arena.anna.cookie
    refused = arena.person("GET", "/me/v1", cookie=cookie, headers={name: fields[name.replace("-", "_")]})
    assert code_of(refused) == "agent.human_credential"
    assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"
