"""P16: an approver's page framed, or driven by the agent's own page."""

from typing import Any

import pytest

from attacks.arena import ISSUER, Arena, code_of, mandate
from remit.sandbox.passkey import SoftPasskey


@pytest.mark.proves("P16", "CONFIRM-UNFRAMED")
@pytest.mark.parametrize(
    "said",
    [
        {"crossOrigin": True},
        {"crossOrigin": True, "topOrigin": "https://helper.example"},
        {"topOrigin": "https://helper.example"},
        {"origin": "https://helper.example"},
        {"origin": "http://localhost.helper.example"},
        {"type": "webauthn.create"},
        {"crossOrigin": "false"},
    ],
)
def test_a_signature_given_in_a_foreign_or_framed_page_counts_nothing(arena: Arena, said: dict[str, Any]) -> None:
    _, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    shown = arena.anna.get(path)
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"], **said)}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "credential.wrong_key"
    assert reply.again().needs_human
    assert arena.entries("confirmation.answered") == []


@pytest.mark.proves("P16", "CONFIRM-SIGNED")
def test_a_signature_without_the_person_being_verified_counts_nothing(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    _, reply, invitation = arena.waiting()
    path = f"/me/v1/confirmations/{invitation}"
    shown = arena.anna.get(path)
    monkeypatch.setattr("remit.sandbox.passkey._UP_UV", 0x01)
    answer = {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=arena.anna.cookie)) == "credential.wrong_key"
    assert reply.again().needs_human


@pytest.mark.proves("P16", "CSRF")
@pytest.mark.parametrize("headers", [{}, {"origin": "https://helper.example", "sec-fetch-site": "cross-site"}])
def test_a_request_that_only_looks_answers_nothing_whatever_body_it_brings(arena: Arena, headers: dict[str, str]) -> None:
    _, reply, invitation = arena.waiting()
    request_uri, _ = arena.agent().push(mandate())
    with arena.unchanged():
        for path, body in (
            (f"/me/v1/confirmations/{invitation}", {"answer": "no"}),
            (f"/me/v1/requests/{request_uri.rpartition(':')[2]}", {"answer": "decline"}),
        ):
            looked = arena.person("HEAD", path, body, cookie=arena.anna.cookie, headers=headers)
            assert (looked.status_code, looked.content) == (200, b"")
            assert arena.person("GET", path, cookie=arena.anna.cookie).status_code == 200
    assert reply.again().needs_human
    assert arena.entries("mandate.declined") == arena.entries("confirmation.answered") == []


@pytest.mark.proves("P16", "CSRF")
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://helper.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_foreign_page_cannot_use_a_persons_session(arena: Arena, headers: dict[str, str]) -> None:
    found, task = arena.granted()
    reply = task.ask("order.return", {"order_id": "W1", "item_ids": ["i1"]})
    path = f"/me/v1/confirmations/{arena.anna.invitation(reply)}"
    with arena.unchanged():
        for address, body in ((path, {"answer": "no"}), (f"/me/v1/mandates/{found.id}/revoke", {}), ("/login/v1/sign-out", {})):
            refused = arena.person("POST", address, body, cookie=arena.anna.cookie, headers=headers)
            assert code_of(refused) in {"person.not_allowed", "request.unsupported_type"}
    assert reply.again().needs_human
    assert arena.anna.get("/me/v1")["id"] == "anna"


@pytest.mark.proves("P16", "CSRF")
@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", {"content-type": "application/x-www-form-urlencoded"}),
        (b"", {"content-type": "text/plain"}),
        (b"", {"content-type": "multipart/form-data; boundary=x"}),
        (b"", {"origin": "https://helper.example"}),
        (b"", {"origin": "null"}),
        (b"", {"sec-fetch-site": "cross-site"}),
        (b"{}", {}),  # bytes without a type: any page can send these too
        (b'{"answer":"no"}', {}),
    ],
)
def test_what_a_foreign_page_can_send_by_itself_is_not_taken_for_an_empty_request(
    arena: Arena, content: bytes, headers: dict[str, str]
) -> None:
    found, task = arena.granted()
    reply = task.ask("order.return", {"order_id": "W1", "item_ids": ["i1"]})
    with arena.unchanged():
        for path in (f"/me/v1/mandates/{found.id}/revoke", "/login/v1/sign-out", f"/me/v1/confirmations/{arena.anna.invitation(reply)}"):
            refused = arena.room.raw("POST", path, cookie=arena.anna.cookie, headers=headers, content=content, check=False)
            assert code_of(refused) in {"person.not_allowed", "request.unsupported_type"}
    assert reply.again().needs_human
    assert arena.anna.get("/me/v1")["id"] == "anna"


@pytest.mark.proves("P16", "CSRF")
def test_a_page_may_not_use_the_sandboxs_own_controls(arena: Arena) -> None:
    arena.task()
    body = {"what": "agent", "name": "x", "reason": "x"}
    with arena.unchanged():
        refused = arena.person("POST", "/sandbox/v1/suspend", body, headers={"origin": "https://helper.example"})
    assert code_of(refused) == "person.not_allowed"


@pytest.mark.proves("PATHS")
@pytest.mark.parametrize("host", ["helper.example", "localhost.helper.example", "[::1", "[localhost]", "[v1.x]"])
def test_the_sandboxs_own_controls_answer_no_name_but_this_machines(arena: Arena, host: str) -> None:
    refused = arena.pairs("GET", "/sandbox/v1/transcript", [("host", host)])
    assert (refused.status_code, code_of(refused)) == (403, "person.not_allowed")
    assert arena.pairs("GET", "/sandbox/v1/transcript", [("host", "localhost:8080")]).status_code == 200


@pytest.mark.proves("P16", "UNFRAMED")
@pytest.mark.parametrize("path", ["/me/v1", "/me/v1/waiting", "/healthz", "/nothing/here"])
def test_no_answer_may_be_framed(arena: Arena, path: str) -> None:
    headers = arena.person("GET", path).headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.proves("P16", "SESSION-COOKIE")
def test_a_session_cookie_is_out_of_reach_of_scripts_and_foreign_pages(arena: Arena) -> None:
    begun = arena.room.call("POST", "/login/v1/sign-in", {})
    assertion = arena.anna.passkey.get(begun["options"])
    done = arena.person("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": assertion})
    said = done.headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=Lax" in said or "SameSite=Strict" in said
    again = arena.person("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": assertion})
    assert code_of(again) in {"confirmation.replayed", "credential.wrong_key"}  # by its count already, where a passkey counts
    stranger = SoftPasskey(ISSUER)
    begun = arena.room.call("POST", "/login/v1/sign-in", {})
    refused = arena.person("POST", "/login/v1/sign-in", {"ceremony": begun["ceremony"], "assertion": stranger.get(begun["options"])})
    assert code_of(refused) == "person.not_signed_in"


@pytest.mark.proves("SESSION-COOKIE")
def test_a_cookie_that_a_neighbour_set_for_one_page_is_taken_away_there(arena: Arena) -> None:
    own, stray = arena.anna.cookie, "remit_session=rs_stray"
    path = f"/me/mandates/{arena.granted()[0].id}"
    sent = arena.person("GET", path, cookie=f"{stray}; {own}")
    assert (sent.status_code, sent.headers["location"].startswith("/login")) == (303, True)
    gone = sent.headers.get_list("set-cookie")
    assert {one.partition("; ")[0] for one in gone} == {"remit_session="}
    taken = {part.partition("=")[2] for one in gone for part in one.split("; ") if part.startswith("Path=")}
    assert taken == {"/me", "/me/", "/me/mandates", "/me/mandates/", path, f"{path}/"}, "and never the real one's, which is for all of it"
    assert all("Max-Age=0" in one for one in gone)
    for cookie in ("", stray, own):
        assert arena.person("GET", path, cookie=cookie).headers.get_list("set-cookie") == []
