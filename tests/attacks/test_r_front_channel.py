"""Signing out by a frame of the provider's page: nothing in it is signed, so that it does what its `sid` stands for, and nothing else."""

from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest

from attacks.arena import Arena, code_of
from attacks.test_r_company_login import Company, company, cookie_of, known

__all__ = ["company"]
DOOR: Final = "/oidc/front-channel-logout"
ON: Final[dict[str, Any]] = {"oidc": {"front_channel": True}}


@pytest.fixture
def changed() -> dict[str, Any]:
    return {"oidc": {"front_channel": True}}


def framed(one: Company, method: str = "GET", *, cookie: str = "", **given: str) -> httpx.Response:
    """What a browser loads in the frame."""
    return one.arena.person(method, f"{DOOR}?{urlencode(given)}", cookie=cookie, headers={"sec-fetch-dest": "iframe"})


@pytest.mark.proves("LOGIN-ENDS")
def test_the_sessions_of_the_sid_end_without_a_cookie_and_no_others(company: Company) -> None:
    known(company)
    known(company, "bram")
    here = company.signed_in("s-anna", customer="anna", sid="there-1")
    _, done = company.makes_passkey(here)
    here = cookie_of(done, "remit_session")
    other = company.signed_in("s-anna", customer="anna", sid="there-2")
    bram = company.signed_in("s-bram", customer="bram", sid="there-3")
    answer = framed(company, iss=company.provider.issuer, sid="there-1")
    assert (answer.status_code, answer.headers["cache-control"], "set-cookie" in answer.headers) == (200, "no-store", False)
    assert code_of(company.arena.person("GET", "/me/v1", cookie=here)) == "person.not_signed_in"
    assert company.whom(other)["id"] == "anna"
    assert company.whom(bram)["id"] == "bram"
    again = framed(company, iss=company.provider.issuer, sid="there-1")
    assert (again.status_code, again.content) == (200, answer.content), "it does not say whether there was any"


@pytest.mark.proves("LOGIN-ENDS")
def test_who_does_not_know_the_sid_ends_nothing(company: Company) -> None:
    known(company)
    cookie = company.signed_in("s-anna", customer="anna", sid="there-1")
    bare = company.signed_in("s-anna", customer="anna")
    issuer = company.provider.issuer
    told = framed(company, iss=issuer, sid="there-2", cookie=cookie)
    assert told.status_code == 200, "a sid of nobody's is answered as any other"
    for given in (
        {"iss": "https://other.example", "sid": "there-1"},
        {"iss": f"{issuer}/", "sid": "there-1"},
        {"iss": "", "sid": "there-1"},
        {"sid": "there-1"},
        {"iss": issuer},
        {"iss": issuer, "sid": ""},
        {"iss": issuer, "sid": "x" * 1025},
        {},
    ):
        refused = framed(company, cookie=cookie, **given)
        assert (refused.status_code, code_of(refused)) == (400, "login.invalid"), given
    twice = company.arena.person("GET", f"{DOOR}?{urlencode([('iss', issuer), ('sid', 'there-1'), ('sid', 'there-2')])}")
    assert twice.status_code == 400
    assert framed(company, "HEAD", iss=issuer, sid="there-1").status_code == 200
    assert framed(company, "POST", iss=issuer, sid="there-1").status_code == 405
    assert company.whom(cookie)["id"] == company.whom(bare)["id"] == "anna"


@pytest.mark.proves("UNFRAMED", "P16")
def test_the_provider_alone_may_frame_it_and_nothing_else_here(company: Company) -> None:
    answer = framed(company, iss=company.provider.issuer, sid="x")
    assert answer.headers.get_list("content-security-policy") == [
        f"default-src 'none'; frame-ancestors {company.provider.issuer}; base-uri 'none'; form-action 'none'"
    ]
    assert "x-frame-options" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    refused = framed(company, iss="https://other.example", sid="x")
    for one in (refused, *(company.arena.person("GET", path) for path in ("/login", "/me/v1", "/oidc/back-channel-logout"))):
        assert one.headers.get_list("x-frame-options") == ["DENY"]
        assert ["frame-ancestors 'none'" in policy for policy in one.headers.get_list("content-security-policy")] == [True]
        assert company.provider.issuer not in one.headers["content-security-policy"]


@pytest.mark.proves("LOGIN-ENDS", "LIMITS")
@pytest.mark.parametrize("changed", [{**ON, "limits": {"unproved_per_s": 1, "unproved_burst": 40}}])
def test_who_tries_one_sid_after_another_is_not_read_for_long(company: Company, changed: dict[str, Any]) -> None:
    assert changed.keys() == {"limits"}
    seconds = [1000.0]
    company.arena.context.world.ticks = lambda: seconds[0]  # type: ignore[method-assign]  # only the clock is held
    answers = [framed(company, iss=company.provider.issuer, sid=f"there-{number}").status_code for number in range(60)]
    assert answers.count(429) > 0
    assert set(answers) == {200, 429}


@pytest.mark.proves("LOGIN-ENDS")
@pytest.mark.parametrize("changed", [{}])
def test_it_is_off_unless_the_settings_want_it(company: Company, changed: dict[str, Any], arena: Arena) -> None:
    assert changed == {}
    known(company)
    cookie = company.signed_in("s-anna", customer="anna", sid="there-1")
    refused = framed(company, iss=company.provider.issuer, sid="there-1")
    assert (refused.status_code, code_of(refused), refused.headers["x-frame-options"]) == (404, "request.not_found", "DENY")
    looked = framed(company, "HEAD", iss=company.provider.issuer, sid="there-1")
    assert (looked.status_code, looked.headers["x-frame-options"]) == (404, "DENY"), "nor for who only asks"
    assert company.whom(cookie)["id"] == "anna"
    assert code_of(arena.person("GET", f"{DOOR}?iss=x&sid=y")) == "request.not_found", "nor is it there without a provider"
