"""Forms as a browser without JavaScript sends them: another site's page can send one, and nothing comes of it."""

from urllib.parse import urlencode

import httpx
import pytest

from attacks.arena import ISSUER, Arena, mandate

FORM = "application/x-www-form-urlencoded"
CUSTOMERS = frozenset(
    {"contest", "decline-act", "decline-and-end", "decline-request", "disown", "revoke", "sign-out", "sign-out-everywhere"}
)
"""The forms of customers' pages; those of the desk's own people are in test_r_desk_forms."""
OURS = {"origin": ISSUER, "sec-fetch-site": "same-origin", "content-type": FORM}


def send(arena: Arena, name: str, fields: dict[str, str], headers: dict[str, str], *, cookie: str | None = None) -> httpx.Response:
    return arena.room.raw(
        "POST",
        f"/forms/{name}",
        cookie=arena.anna.cookie if cookie is None else cookie,
        headers={name: value for name, value in headers.items() if value},
        content=urlencode(fields).encode(),
        check=False,
    )


def everything(arena: Arena) -> list[tuple[str, dict[str, str]]]:
    _, _, invitation = arena.waiting()
    request, _ = arena.agent("spiffe://other.example/bot").push(mandate())
    history = arena.anna.get("/me/v1/history")["entries"]
    live = [one["mandate"] for one in arena.anna.get("/me/v1/mandates")["mandates"] if one["state"] == "active"]
    return [
        ("contest", {"id": str(history[0]["entry"]), "text": "Not me."}),
        ("decline-act", {"id": invitation}),
        ("decline-and-end", {"id": invitation}),
        ("decline-request", {"id": request.rpartition(":")[2]}),
        ("disown", {"id": str(history[0]["entry"]), "text": ""}),
        ("revoke", {"id": live[0]}),
        ("sign-out", {}),
        ("sign-out-everywhere", {}),
    ]


@pytest.mark.proves("P16", "CSRF")
@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "https://helper.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost.helper.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"content-type": "text/plain"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json"},
    ],
    ids=str,
)
def test_a_form_that_is_not_known_to_be_ours_does_nothing(arena: Arena, changed: dict[str, str]) -> None:
    forms = everything(arena)
    assert {name for name, _ in forms} == CUSTOMERS
    with arena.unchanged():
        for name, fields in forms:
            assert send(arena, name, fields, OURS | changed).status_code in {403, 415}, name
    assert arena.person("GET", "/me/v1", cookie=arena.anna.cookie).status_code == 200


@pytest.mark.proves("P16", "CSRF")
def test_no_form_says_yes_and_none_takes_what_is_not_its_own(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    with arena.unchanged():
        for name, fields, status in (
            ("decline-act", {"id": invitation, "answer": "yes"}, 400),
            ("decline-request", {"id": invitation, "answer": "grant"}, 400),
            ("confirm", {"id": invitation}, 404),
            ("revoke", {"id": "man_none"}, 404),
            ("decline-act", {"id": "cnf_none"}, 404),
        ):
            assert send(arena, name, fields, OURS).status_code == status, name
    assert reply.again().needs_human


@pytest.mark.proves("P16", "CSRF")
def test_each_form_does_for_its_person_what_its_twin_does_and_for_nobody_else(arena: Arena) -> None:
    forms = dict(everything(arena))
    bram = arena.desk.customer("bram")
    for name in ("contest", "decline-act", "disown", "revoke"):
        assert send(arena, name, forms[name], OURS, cookie=bram.cookie).status_code in {403, 404}, name
        nobodys = send(arena, name, forms[name], OURS, cookie="")
        if forms[name].get("text"):  # what somebody wrote is not lost where their session is over
            assert (nobodys.status_code, forms[name]["text"] in nobodys.text) == (401, True), name
        else:
            assert nobodys.headers["location"].startswith("/login"), name
    assert send(arena, "decline-act", forms["decline-act"], OURS).headers["location"] == "/me?done=decline-act"
    assert [one["envelope"]["answer"] for one in arena.entries("confirmation.answered")] == ["no"]
    left = send(arena, "decline-request", forms["decline-request"], OURS)
    assert (left.status_code, "error=access_denied" in left.text) == (200, True)
    assert send(arena, "disown", forms["disown"], OURS).headers["location"] == "/me?done=disown"
    assert len(arena.entries("agent.disowned")) == 1
    assert send(arena, "sign-out", {}, OURS).headers["location"] == "/login"
    assert arena.person("GET", "/me/v1", cookie=arena.anna.cookie).status_code == 401
    assert send(arena, "sign-out-everywhere", {}, OURS, cookie=bram.cookie).headers["location"] == "/login"
    assert arena.person("GET", "/me/v1", cookie=bram.cookie).status_code == 401


@pytest.mark.proves("FORM-KEPT")
def test_what_a_customer_wrote_is_not_lost_where_it_is_refused(arena: Arena) -> None:
    arena.waiting()
    entry = str(arena.anna.get("/me/v1/history")["entries"][0]["entry"])
    again = {"id": entry, "text": "Really not me. <b>"}
    for name in ("contest", "disown"):
        assert send(arena, name, {**again, "text": "x" * 4001}, OURS).text.count("x" * 4001) == 1, "in its own field"
    assert send(arena, "contest", {"id": entry, "text": "Not me."}, OURS).status_code == 303
    told = send(arena, "contest", again, OURS)
    assert (told.status_code, "Really not me. &lt;b&gt;" in told.text, "That is not possible now" in told.text) == (409, True, True)


@pytest.mark.proves("P15")
def test_a_program_that_sends_a_form_with_its_own_credential_has_borrowed_the_session(arena: Arena) -> None:
    forms = dict(everything(arena))
    sent = send(arena, "revoke", forms["revoke"], OURS | {"dpop": "x"})
    assert sent.status_code in {401, 403}
    assert arena.person("GET", "/me/v1", cookie=arena.anna.cookie).status_code == 401
    assert arena.entries("mandate.revoked") == []
