"""An ID-JAG says whom an agent acts for and grants nothing: the customer's own mandate decides, and they are asked where there is none."""

import json
import secrets
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, Arena, mandate
from attacks.backchannel import answer, poll, requests, said
from attacks.people.company import Company, known
from contracts.identity_minting import mint
from provider.loopback import CLIENT
from remit.client.keys import ProofKey, new_key
from remit.sandbox import SandboxAgent

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def changed() -> dict[str, Any]:
    return {"oidc": {"id_jag": True}}


class Employee:
    """Anna, whom the company's provider knows, and an agent that acts for her."""

    def __init__(self, company: Company) -> None:
        self.company, self.arena = company, company.arena
        self.anna = self.arena.anna
        self.agent: SandboxAgent = self.arena.agent()

    def jag(self, header: dict[str, Any] | None = None, key: str = "one", **claims: Any) -> str:
        """A grant of the provider; a claim that is None is left out."""
        now = self.arena.clock.now() // 1000
        said = {
            "iss": self.company.provider.issuer,
            "sub": "s-anna",
            "customer": "anna",
            "aud": ISSUER,
            "client_id": self.agent.client_id,
            "jti": secrets.token_urlsafe(8),
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        head = {"alg": "ES256", "kid": "one", "typ": "oauth-id-jag+jwt", **(header or {})}
        return mint(head, {name: value for name, value in said.items() if value is not None}, name=key)

    def redeem(self, jag: str, *, agent: SandboxAgent | None = None, key: ProofKey | None = None, **more: Any) -> httpx.Response:
        """The grant, redeemed by an agent with a proof by its key."""
        who = agent or self.agent
        form = {"grant_type": GRANT, "assertion": jag, **{name: json.dumps(value) for name, value in more.items()}}
        return self.arena.form("/oauth/token", form, agent=who, key=key or who)


@pytest.fixture
def employee(company: Company) -> Employee:
    return Employee(company)


def test_the_metadata_names_the_grant_where_it_is_taken(employee: Employee) -> None:
    server = employee.arena.room.raw("GET", "/.well-known/oauth-authorization-server").json()
    assert GRANT in server["grant_types_supported"]
    assert server["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]


def test_without_the_setting_there_is_no_such_grant(arena: Arena) -> None:
    server = arena.room.raw("GET", "/.well-known/oauth-authorization-server").json()
    assert GRANT not in server["grant_types_supported"]
    agent = arena.agent()
    assert said(arena.form("/oauth/token", {"grant_type": GRANT, "assertion": "x"}, agent=agent, key=agent)) == (
        400,
        "unsupported_grant_type",
    )


@pytest.mark.proves("ID-JAG")
def test_who_somebody_is_grants_nothing_until_they_have_signed(employee: Employee) -> None:
    assert said(employee.redeem(employee.jag())) == (400, "invalid_grant")
    asked = employee.redeem(employee.jag(), authorization_details=[mandate()])
    body = asked.json()
    assert (asked.status_code, body["error"]) == (400, "authorization_pending")
    assert "access_token" not in body
    (waits,) = requests(employee.anna)
    again = employee.redeem(employee.jag(), authorization_details=[{**mandate(), "expires_at": None}]).json()
    assert again["error"] == "invalid_authorization_details"
    same = employee.redeem(employee.jag(), authorization_details=[mandate()]).json()
    assert same["auth_req_id"] == body["auth_req_id"]
    assert len(requests(employee.anna)) == 1  # nobody is asked twice
    answer(employee.anna, waits["request"])
    token = poll(employee.arena, employee.agent, body["auth_req_id"]).json()
    assert (token["token_type"], token["scope"]) == ("DPoP", "mandate")
    for more in ({}, {"authorization_details": [mandate()]}):
        later = employee.redeem(employee.jag(), **more).json()
        assert later["mandate"] == token["mandate"]
    longer = mandate(expires_at="2099-01-01T00:00:00Z")
    assert said(employee.redeem(employee.jag(), authorization_details=[longer])) == (400, "authorization_pending")
    opened = employee.arena.exchange(employee.agent, later["mandate"])
    assert opened.json()["task"]


@pytest.mark.proves("ID-JAG")
def test_the_details_in_the_grant_are_asked_for_and_bound_what_is_asked(employee: Employee) -> None:
    wide = mandate()
    narrow = mandate(powers=wide["powers"][:2])
    wider = employee.redeem(employee.jag(authorization_details=[narrow]), authorization_details=[wide])
    assert said(wider) == (400, "invalid_authorization_details")
    assert requests(employee.anna) == []
    assert said(employee.redeem(employee.jag(authorization_details=[narrow]))) == (400, "authorization_pending")
    assert len(requests(employee.anna)) == 1


@pytest.mark.proves("ID-JAG")
def test_a_mandate_of_another_agent_or_key_or_customer_is_not_given(employee: Employee) -> None:
    granted = employee.anna.grant(employee.agent, mandate(max_tasks=5))
    other = employee.arena.desk.agent("other", operator="helper.example")
    assert said(employee.redeem(employee.jag(client_id="other"), agent=other)) == (400, "invalid_grant")
    assert said(employee.redeem(employee.jag(), key=ProofKey(new_key()))) == (400, "invalid_grant")
    known(employee.company, "bram")
    assert said(employee.redeem(employee.jag(sub="s-bram", customer="bram"))) == (400, "invalid_grant")
    assert employee.redeem(employee.jag()).json()["mandate"] == granted.id
    employee.anna.revoke(granted)
    assert said(employee.redeem(employee.jag())) == (400, "invalid_grant")


WRONG: dict[str, dict[str, Any]] = {
    "an unlisted issuer": {"iss": "https://evil.example"},
    "another client": {"client_id": "other"},
    "no client": {"client_id": None},
    "another server": {"aud": "https://other.example"},
    "several servers": {"aud": [ISSUER, "https://other.example"]},
    "an unknown person": {"sub": "s-none", "customer": "nobody"},
    "no person": {"sub": None},
    "a tenant": {"tenant": "acme"},
    "another resource": {"resource": "https://other.example"},
    "a scope without it": {"scope": "chat.read"},
    "another key": {"cnf": {"jkt": "A" * 43}},
    "a key of another kind": {"cnf": {"x5t#S256": "A" * 43}},
    "another actor": {"act": {"sub": "somebody"}},
    "no jti": {"jti": None},
    "expired": {"iat": 1_700_000_000, "exp": 1_700_000_300},
    "living for a day": {"exp": 4_000_000_000},
}


@pytest.mark.proves("ID-JAG")
@pytest.mark.parametrize("case", WRONG)
def test_a_grant_that_is_not_for_this_is_refused_alike(employee: Employee, case: str) -> None:
    employee.anna.grant(employee.agent, mandate(max_tasks=5))
    refused = employee.redeem(employee.jag(**WRONG[case]))
    assert said(refused) == (400, "invalid_grant")
    assert employee.redeem(employee.jag()).status_code == 200


@pytest.mark.proves("ID-JAG")
def test_a_token_of_another_kind_or_signature_is_none(employee: Employee) -> None:
    employee.anna.grant(employee.agent, mandate(max_tasks=5))
    for jag in (
        employee.jag(key="two"),
        employee.jag({"kid": "two"}, key="two"),
        employee.jag({"typ": "client-authentication+jwt"}),
        "x.y.z",
    ):
        assert said(employee.redeem(jag)) == (400, "invalid_grant")
    for login in (employee.jag({"typ": "JWT"}, aud=CLIENT, nonce="n"), employee.jag({"typ": "at+jwt"})):
        refused = employee.redeem(login)
        assert (refused.status_code, refused.json()["code"]) == (400, "agent.human_credential")


@pytest.mark.proves("ID-JAG")
def test_a_grant_counts_once_on_every_node(employee: Employee) -> None:
    employee.anna.grant(employee.agent, mandate(max_tasks=5))
    jag = employee.jag()
    assert employee.redeem(jag).status_code == 200
    assert said(employee.redeem(jag)) == (400, "invalid_grant")


@pytest.mark.proves("ID-JAG")
def test_a_bound_grant_is_redeemed_by_its_key_alone(employee: Employee) -> None:
    employee.anna.grant(employee.agent, mandate(max_tasks=5))
    jkt = employee.agent.client.key_thumbprint
    assert said(employee.redeem(employee.jag(cnf={"jkt": jkt}), key=ProofKey(new_key()))) == (400, "invalid_grant")
    unproved = employee.arena.form("/oauth/token", {"grant_type": GRANT, "assertion": employee.jag(cnf={"jkt": jkt})}, agent=employee.agent)
    assert said(unproved) == (400, "invalid_dpop_proof")
    token = employee.redeem(employee.jag(cnf={"jkt": jkt})).json()
    opened = employee.arena.exchange(employee.agent, token["mandate"]).json()
    assert opened["task"]


@pytest.mark.proves("ID-JAG")
def test_an_account_of_another_login_is_not_spoken_for(employee: Employee) -> None:
    known(employee.company, "carla")
    employee.company.signed_in("s-carla", customer="carla")
    assert said(employee.redeem(employee.jag(sub="s-thief", customer="carla"), authorization_details=[mandate()])) == (400, "invalid_grant")
    assert said(employee.redeem(employee.jag(sub="s-carla", customer="anna"), authorization_details=[mandate()])) == (
        400,
        "authorization_pending",
    )
    assert requests(employee.anna) == []  # the login counts, not the claim beside it
