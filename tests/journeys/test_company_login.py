"""Signing in at a real OpenID provider, through its own forms: a customer and an officer, their passkeys, and the end at the provider."""

import html
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from browser.desk_server import serving
from desks.shop import CATALOGUE, FACTS
from provider.real import MISSING, THERE, Browser, RealProvider, free_port, real_provider
from remit.sandbox.passkey import SoftPasskey

pytestmark = [pytest.mark.skipif(not THERE, reason=MISSING), pytest.mark.xdist_group("browser")]

SECRET = "of the desk and its provider alone"
PEOPLE: dict[str, dict[str, Any]] = {
    "p-anna": {"name": "Anna Berg", "email": "anna@mail.example", "email_verified": True, "customer": "anna"},
    "p-olga": {"name": "Olga Stein", "groups": ["desk-billing", "canteen"]},
    "p-both": {"name": "Bo Both", "groups": ["desk-billing"], "customer": "bo"},
    "p-none": {"name": "Nobody Here", "groups": ["canteen"]},
}


@dataclass
class Company:
    """A desk, its provider, and browsers."""

    desk: str
    provider: RealProvider
    opened: ExitStack

    def browser(self) -> Browser:
        one = Browser(self.desk)
        self.opened.callback(one.close)
        return one


@pytest.fixture(params=["secret", "key"])
def company(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Company]:
    """Once with a secret, once with a key of the desk's own and pushed requests."""
    by_key, port = request.param == "key", free_port()
    key = ECKey.generate_key("P-256", private=True)
    credential = tmp_path / "own" / "credential"
    credential.parent.mkdir(mode=0o700)
    credential.write_bytes(key.as_pem(private=True) if by_key else SECRET.encode())
    credential.chmod(0o600)
    client: dict[str, Any] = {"token_endpoint_auth_method": "client_secret_basic", "client_secret": SECRET}
    if by_key:
        client = {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": "ES256"}]},
        }
    oidc = {
        "issuer": f"http://127.0.0.1:{port}",
        "name": "Acme",
        "client_id": "remit",
        "key_file" if by_key else "secret_file": str(credential),
        "roles_claim": "groups",
        "roles": {"desk-billing": ["billing"]},
        "customers": "create",
        "customer_claim": "customer",
        "vouching_acr": ["gold"],
    }
    with (
        serving(tmp_path, CATALOGUE, FACTS, people={"oidc": oidc}) as desk,
        real_provider(tmp_path, port, desk, client, pushed=by_key) as provider,
        ExitStack() as opened,
    ):
        provider.know(PEOPLE)
        yield Company(desk, provider, opened)


def make_passkey(company: Company, browser: Browser) -> SoftPasskey:
    passkey = SoftPasskey(company.desk)
    begun = browser.call("/login/v1/enrol", {}).json()
    assert "old" not in begun
    done = browser.call("/login/v1/enrol", {"ceremony": begun["ceremony"], "response": passkey.create(begun["options"]), "label": "phone"})
    assert done.status_code == 200, done.text
    return passkey


def test_a_customer_signs_in_makes_a_passkey_and_is_signed_out_by_the_provider(company: Company) -> None:
    laptop, phone = company.browser(), company.browser()
    page = laptop.sign_in("p-anna", "gold", path="/login/oidc?next=/me/history")
    assert page.status_code == 200, page.text
    assert str(page.url) == f"{company.desk}/enrol?next=%2Fme%2Fhistory"
    assert "Acme has just confirmed your identity" in page.text
    me = laptop.call("/me/v1").json()
    assert {name: me[name] for name in ("id", "kind", "name", "email")} == {
        "id": "anna",
        "kind": "customer",
        "name": "Anna Berg",
        "email": "anna@mail.example",
    }
    make_passkey(company, laptop)
    assert [one["waits_until"] for one in laptop.call("/me/v1/passkeys").json()["passkeys"]] == [None]
    page = phone.sign_in("p-anna", path="/login/oidc?next=/me")
    assert str(page.url) == f"{company.desk}/me"

    there = laptop.call("/login/v1/sign-out", {}).json()["redirect"]
    assert laptop.call("/me/v1").status_code == 401
    again = company.browser()
    again.sign_in("p-anna", path="/login/oidc?next=/me")
    ended = again.submit(again.http.get(there), logout="yes")  # at the provider itself: it tells the desk
    assert str(ended.url) == f"{company.desk}/login"
    assert again.call("/me/v1").status_code == 401
    assert phone.call("/me/v1").json()["id"] == "anna"


def test_an_officer_has_the_roles_their_groups_say_and_no_others(company: Company) -> None:
    browser = company.browser()
    page = browser.sign_in("p-olga", path="/login/oidc?next=/desk")
    assert "For the first three days, you can approve only everyday things with this passkey" in page.text
    assert browser.call("/desk/v1").json()["roles"] == ["billing"]
    assert browser.call("/security/v1/agents").json()["code"] == "person.not_allowed"
    make_passkey(company, browser)
    assert browser.call("/desk/v1").json()["roles"] == ["billing"]
    company.provider.know({**PEOPLE, "p-olga": {"name": "Olga Stein", "groups": ["canteen"]}})
    other = company.browser()
    page = other.sign_in("p-olga")
    assert page.status_code == 403
    assert "You have no role yet" in page.text
    assert browser.call("/desk/v1").json()["roles"] == []


def test_who_is_an_officer_and_a_customer_is_one_person_with_two_accounts(company: Company) -> None:
    browser = company.browser()
    browser.sign_in("p-both")
    assert browser.call("/desk/v1").json()["kind"] == "officer"
    page = browser.http.get(f"{company.desk}/login/oidc?as=customer")  # the provider asks nothing again
    assert page.status_code == 200
    assert browser.call("/me/v1").json()["id"] == "bo"


def test_who_is_nobody_here_or_unknown_there_is_told_so(company: Company) -> None:
    for login, said in (("p-none", "No account for this login"), ("p-made-up", "You weren't signed in")):
        page = company.browser().sign_in(login)
        assert page.status_code == 403
        assert said in html.unescape(page.text)


def test_signing_in_once_more_in_the_strong_way_lets_a_first_passkey_count_at_once(company: Company) -> None:
    browser = company.browser()
    page = browser.sign_in("p-anna", path="/login/oidc?next=/me")
    once_more = re.search(r'href="(/login/oidc\?vouch=1[^"]*)"', page.text)
    assert once_more
    page = browser.sign_in("p-anna", "gold", path=once_more[1].replace("&amp;", "&"))
    assert "Acme has just confirmed your identity" in page.text
    make_passkey(company, browser)
    assert [one["waits_until"] for one in browser.call("/me/v1/passkeys").json()["passkeys"]] == [None]
