"""A visitor whose requests are signed on their way out, or that shows a certificate, is a visitor all the same: no more, and no less."""

from urllib.parse import urlencode

import pytest

from attacks.arena import ISSUER, Arena, code_of
from attacks.arrivals import FRONT
from attacks.visitors.conftest import made
from contracts.certificate_minting import authority, svid
from contracts.message_signing import Signing
from visiting import TERMS, Documents, Visitor


@pytest.mark.proves("SIGNED-REQUESTS")
def test_a_visitor_that_signs_its_requests_or_shows_a_certificate_stays_a_visitor(docs: Documents) -> None:
    with made(settings={**TERMS, **FRONT}) as desk:
        arena = Arena(desk)
        visitor = Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
        signed = Signing(covered=('"@authority"',)).headers("POST", f"{ISSUER}/oauth/token", {}, b"")
        for headers in (signed, {"client-cert": svid(authority()).field}):
            form = {"grant_type": "refresh_token", "client_id": visitor.client_id, "refresh_token": visitor.tokens["refresh_token"]}
            sent = {"content-type": "application/x-www-form-urlencoded", **headers}
            answer = arena.room.raw("POST", "/oauth/token", headers=sent, content=urlencode(form).encode(), check=False)
            assert answer.is_success, answer.json()
            visitor.tokens = answer.json()
            assert visitor.send("GET", f"/v1/tasks/{visitor.tokens['task']}", **headers).is_success
        answer = arena.room.raw(
            "POST",
            "/oauth/introspect",
            headers={"content-type": "application/x-www-form-urlencoded", **signed},
            content=urlencode({"client_id": visitor.client_id, "token": "x"}).encode(),
            check=False,
        )
        assert answer.status_code == 401, "neither lets it in where visitors have no business"
        assert code_of(answer).split(".")[0] in {"credential", "agent", "request"}
