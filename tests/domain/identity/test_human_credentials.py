"""A person's credential in an agent's hands is recognised, and an agent's own is left alone."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.errors import Code, Refused
from remit.domain.identity.human_credentials import (
    CredentialSigns,
    HumanCredential,
    RequestCredentials,
    human_credentials,
    verify_no_human_credential,
)

LOGIN = "https://login.acme.example"
SIGNS = CredentialSigns(login_issuers=frozenset({LOGIN}), session_cookies=frozenset({"__Host-remit"}), session_prefixes=("ses_",))


def jwt(typ: str | None, **claims: Any) -> str:
    header = {"alg": "RS256", "kid": "1"} | ({} if typ is None else {"typ": typ})
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims))
    return f"{'.'.join(parts)}.c2ln"


ID_TOKEN = jwt("JWT", iss=LOGIN, sub="u-1", aud="shop-app", exp=1, iat=1, nonce="n", email="a@b.example")
FOREIGN_ID_TOKEN = jwt(None, iss="https://accounts.else.example", sub="u-1", aud="helper", exp=1, at_hash="h")
BARE_ID_TOKEN = jwt("JWT", iss=LOGIN, sub="u-1", aud="shop-app", exp=1)
USER_TOKEN = jwt("at+jwt", iss=LOGIN, sub="u-1", aud="api", client_id="shop-app", scope="profile", exp=1)
OLD_USER_TOKEN = jwt("JWT", iss=LOGIN, sub="u-1", aud="api", azp="shop-app", scope="profile", exp=1)
STEPPED_UP = jwt("at+jwt", iss="https://else.example", sub="u-1", client_id="app", auth_time=1, acr="high")

FOUND = {
    "Basic": (RequestCredentials(authorization=("Basic dXNlcjpwYXNz",), form={}), HumanCredential.BASIC),
    "basic in small letters": (RequestCredentials(authorization=(" bAsIc dXNlcjpwYXNz",), form={}), HumanCredential.BASIC),
    "Digest": (RequestCredentials(authorization=('Digest username="u"',), form={}), HumanCredential.BASIC),
    "session as bearer": (RequestCredentials(authorization=("Bearer ses_abc",), form={}), HumanCredential.SESSION_BEARER),
    "session as DPoP token": (RequestCredentials(authorization=("DPoP ses_abc",), form={}), HumanCredential.SESSION_BEARER),
    "session cookie": (RequestCredentials(cookies=("a=b; __Host-remit=ses_abc",), form={}), HumanCredential.SESSION_COOKIE),
    "empty session cookie": (RequestCredentials(cookies=("__Host-remit",), form={}), HumanCredential.SESSION_COOKIE),
    "password grant": (RequestCredentials(form={"grant_type": "password"}), HumanCredential.PASSWORD_GRANT),
    "password beside another grant": (
        RequestCredentials(form={"grant_type": "client_credentials", "password": "x"}),
        HumanCredential.PASSWORD_GRANT,
    ),
    "one-time code": (RequestCredentials(form={"otp": "123456"}), HumanCredential.PASSWORD_GRANT),
    "id token": (RequestCredentials(authorization=(f"Bearer {ID_TOKEN}",), form={}), HumanCredential.ID_TOKEN),
    "id token of another login": (RequestCredentials(authorization=(f"Bearer {FOREIGN_ID_TOKEN}",), form={}), HumanCredential.ID_TOKEN),
    "bare id token": (RequestCredentials(authorization=(f"DPoP {BARE_ID_TOKEN}",), form={}), HumanCredential.ID_TOKEN),
    "user's access token": (RequestCredentials(authorization=(f"Bearer {USER_TOKEN}",), form={}), HumanCredential.USER_TOKEN),
    "user's older access token": (RequestCredentials(authorization=(f"Bearer {OLD_USER_TOKEN}",), form={}), HumanCredential.USER_TOKEN),
    "user's access token of another login": (
        RequestCredentials(authorization=(f"Bearer {STEPPED_UP}",), form={}),
        HumanCredential.USER_TOKEN,
    ),
    "second header": (RequestCredentials(authorization=("DPoP x", "Basic eA"), form={}), HumanCredential.BASIC),
    **{
        f"id token as {name}": (RequestCredentials(form={name: ID_TOKEN}), HumanCredential.ID_TOKEN)
        for name in ("subject_token", "actor_token", "assertion", "client_assertion", "id_token_hint", "login_hint_token", "access_token")
    },
    "session as subject token": (RequestCredentials(form={"subject_token": "ses_abc"}), HumanCredential.SESSION_BEARER),
}

AGENTS_OWN = {
    "nothing": RequestCredentials(form={}),
    "our access token": RequestCredentials(
        authorization=(f"DPoP {jwt('at+jwt', iss='https://support.acme.example', sub='u', act={'sub': 'a'}, cnf={'jkt': 'k'})}",), form={}
    ),
    "a delegated token of the login": RequestCredentials(
        authorization=(f"Bearer {jwt('at+jwt', iss=LOGIN, sub='u', act={'sub': 'a'})}",), form={}
    ),
    "a key-bound token of the login": RequestCredentials(
        authorization=(f"Bearer {jwt('at+jwt', iss=LOGIN, sub='u', cnf={'jkt': 'k'})}",), form={}
    ),
    "a workload's own token": RequestCredentials(form={"assertion": jwt("at+jwt", iss=LOGIN, sub="svc", client_id="svc")}),
    "an identity assertion grant": RequestCredentials(
        form={"assertion": jwt("oauth-id-jag+jwt", iss=LOGIN, sub="u", aud="x", email="a@b.example")}
    ),
    "a client assertion": RequestCredentials(
        form={"client_assertion": jwt("client-authentication+jwt", iss="shop", sub="shop", aud="x", jti="1")}
    ),
    "an untyped client assertion": RequestCredentials(form={"client_assertion": jwt(None, iss="shop", sub="shop", aud="x", jti="1")}),
    "a JWT-SVID": RequestCredentials(form={"client_assertion": jwt("JWT", sub="spiffe://helper.example/shop", aud="x", exp=1)}),
    "a mandate id": RequestCredentials(
        form={"subject_token": "mandate_abc", "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"}
    ),
    "other cookies": RequestCredentials(cookies=("remit=1; __host-remit=2; x__Host-remit=3",), form={}),
    "noise": RequestCredentials(
        authorization=("", "DPoP", "DPoP a.b.c", "x"), cookies=("", ";=;"), form={"assertion": "..", "scope": "password"}
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_a_persons_credential_is_refused_and_named(case: str) -> None:
    arrival, kind = FOUND[case]
    assert list(human_credentials(arrival, SIGNS)) == [kind]
    with pytest.raises(Refused) as caught:
        verify_no_human_credential(arrival, SIGNS)
    assert caught.value.code is Code.AGENT_HUMAN_CREDENTIAL
    assert caught.value.detail == kind.value


@pytest.mark.parametrize("case", AGENTS_OWN)
def test_what_an_agent_may_carry_is_left_alone(case: str) -> None:
    assert verify_no_human_credential(AGENTS_OWN[case], SIGNS) is AGENTS_OWN[case]


def test_every_kind_of_human_credential_is_tried() -> None:
    assert {kind for _, kind in FOUND.values()} == set(HumanCredential)


def test_no_prefix_means_no_session_is_recognised_by_prefix() -> None:
    plain = CredentialSigns(login_issuers=frozenset(), session_cookies=frozenset(), session_prefixes=())
    assert list(human_credentials(RequestCredentials(authorization=("DPoP anything",), form={}), plain)) == []


@given(
    st.lists(st.text(max_size=30), max_size=2),
    st.lists(st.text(max_size=30), max_size=2),
    st.dictionaries(st.sampled_from(["assertion", "grant_type", "subject_token"]), st.text(max_size=30)),
)
def test_no_arrival_breaks_the_recognition(authorization: list[str], cookies: list[str], form: dict[str, str]) -> None:
    arrival = RequestCredentials(authorization=tuple(authorization), cookies=tuple(cookies), form=form)
    assert all(isinstance(found, HumanCredential) for found in human_credentials(arrival, SIGNS))


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "client_id", "azp", "nonce", "scope", "act"]),
        st.none() | st.integers() | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2),
    ),
    st.sampled_from(["JWT", "at+jwt", None]),
)
def test_no_claims_break_the_recognition(claims: dict[str, Any], typ: str | None) -> None:
    assert all(
        isinstance(found, HumanCredential) for found in human_credentials(RequestCredentials(form={"assertion": jwt(typ, **claims)}), SIGNS)
    )
