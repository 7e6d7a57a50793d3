"""What the company's provider must say before somebody is somebody: pure, claim by claim."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.errors import Code, Refused
from remit.domain.identity.jws import UnverifiedJws
from remit.domain.identity.oidc_login import (
    LOGOUT_EVENT,
    CustomerLogins,
    LoginRules,
    ProvedLogin,
    is_vouched,
    login_id,
    officer_id,
    roles_of,
    sid_id,
    text_claim,
    verify_id_token,
    verify_logout_token,
    verify_strength,
)
from remit.domain.values import Instant

NOW = Instant(1_790_000_000_000)
NOW_S = NOW // 1000
ISSUER, CLIENT, NONCE = "https://login.acme.example", "remit", "n-1"


def rules(**changed: Any) -> LoginRules:
    given: dict[str, Any] = {
        "issuer": ISSUER,
        "name": "Acme",
        "roles_claim": "groups",
        "roles": {"desk-billing": ("billing", "care"), "audit": ("audit",)},
        "officer_claim": "sub",
        "customers": CustomerLogins.KNOWN,
        "customer_claim": "customer",
        "acr": (),
        "max_age_s": 0,
        "vouching": ("gold",),
        "vouching_age_s": 300,
        "passkey_login": True,
        "front_channel": False,
    }
    return LoginRules(**given | changed)


def jws(claims: dict[str, Any], **header: Any) -> UnverifiedJws:
    said = {name: value for name, value in claims.items() if value is not None}
    return UnverifiedJws(header={"alg": "ES256", **header}, claims=said, signature=b"", signing_input=b"")


def id_token(typ: str | None = None, **changed: Any) -> UnverifiedJws:
    claims = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "s-1",
        "exp": NOW_S + 60,
        "iat": NOW_S,
        "nonce": NONCE,
        "auth_time": NOW_S - 5,
        "acr": "gold",
    }
    return jws(claims | changed, **({} if typ is None else {"typ": typ}))


def proved(**changed: Any) -> ProvedLogin:
    return verify_id_token(id_token(**changed), issuer=ISSUER, client_id=CLIENT, nonce=NONCE, now=NOW)


def refused(act: Callable[[], object]) -> Code | None:
    try:
        act()
    except Refused as no:
        return no.code
    return None


def test_a_right_token_says_who_when_and_how() -> None:
    login = proved(sid="x", typ="application/JWT")
    assert (login.subject, login.sid, login.acr, login.auth_at) == ("s-1", "x", "gold", NOW - 5000)
    bare = proved(auth_time=None, acr=None)
    assert (bare.sid, bare.acr, bare.auth_at) == ("", "", None)


@pytest.mark.parametrize(
    "changed",
    [
        *({"iss": value} for value in (None, "https://other.example", f"{ISSUER}/", 7)),
        *({"aud": value} for value in (None, "other", [], ["other"], {CLIENT: 1}, [CLIENT, "other"])),
        *({"azp": value} for value in ("other", 7)),
        *({"exp": value} for value in (None, NOW_S - 30, "soon", True, 1.5, 0, 2**41)),
        *({"iat": value} for value in (None, NOW_S + 31, NOW_S - 601)),
        *({"nonce": value} for value in (None, "n-2", "", 7)),
        *({"sub": value} for value in (None, "", "s" * 256, ["s"])),
        *({"auth_time": value} for value in (NOW_S + 31, "then")),
        *({"acr": value} for value in ("", 0, ["gold"])),
        {"sid": ""},
        *({"typ": value} for value in ("at+jwt", "logout+jwt", "dpop+jwt")),
    ],
)
def test_anything_else_is_nobody(changed: dict[str, Any]) -> None:
    assert refused(lambda: proved(**changed)) is Code.LOGIN_INVALID


def test_a_header_that_is_no_text_and_a_nonce_that_nobody_sent_are_refused() -> None:
    assert refused(lambda: verify_id_token(jws(dict(id_token().claims), typ=1), issuer=ISSUER, client_id=CLIENT, nonce=NONCE, now=NOW))
    assert refused(lambda: verify_id_token(id_token(nonce=""), issuer=ISSUER, client_id=CLIENT, nonce="", now=NOW))


@pytest.mark.parametrize(
    "changed", [{"exp": NOW_S - 29}, {"iat": NOW_S + 30}, {"aud": [CLIENT]}, {"aud": [CLIENT, "other"], "azp": CLIENT}]
)
def test_half_a_minute_and_a_named_party_are_fine(changed: dict[str, Any]) -> None:
    assert proved(**changed).subject == "s-1"


def test_what_is_asked_for_is_demanded() -> None:
    login = proved()
    assert verify_strength(login, acr=(), max_age_s=0, now=NOW) is login
    assert verify_strength(login, acr=("silver", "gold"), max_age_s=5, now=NOW) is login
    for wanted in ({"acr": ("silver",), "max_age_s": 0}, {"acr": (), "max_age_s": 1}):
        late = Instant(NOW + 60_000)
        assert refused(lambda asked=wanted, at=late: verify_strength(login, **asked, now=at)) is Code.LOGIN_WEAK
    assert refused(lambda: verify_strength(proved(auth_time=None), acr=(), max_age_s=60, now=NOW)) is Code.LOGIN_WEAK


def test_a_login_vouches_by_its_class_while_it_is_fresh() -> None:
    assert is_vouched(acr="gold", auth_at=NOW, rules=rules(), now=Instant(NOW + 330_000))
    assert not is_vouched(acr="gold", auth_at=NOW, rules=rules(), now=Instant(NOW + 330_001))
    assert not is_vouched(acr="gold", auth_at=None, rules=rules(), now=NOW)
    assert not is_vouched(acr="silver", auth_at=NOW, rules=rules(), now=NOW)
    assert not is_vouched(acr="", auth_at=NOW, rules=rules(vouching=("",)), now=NOW)


def logout(typ: str | None = "logout+jwt", **changed: Any) -> UnverifiedJws:
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "s-1", "exp": NOW_S + 60, "iat": NOW_S, "jti": "j", "events": {LOGOUT_EVENT: {}}}
    return jws(claims | changed, **({} if typ is None else {"typ": typ}))


def test_a_logout_token_names_whom_it_ends() -> None:
    said = verify_logout_token(logout(sid="x", sub=None), issuer=ISSUER, client_id=CLIENT, now=NOW)
    assert (said.subject, said.sid, said.jti, said.until) == ("", "x", "j", NOW + 90_000)
    for typ in (None, "JWT"):
        assert verify_logout_token(logout(typ), issuer=ISSUER, client_id=CLIENT, now=NOW).subject == "s-1"


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "n"},
        {"sub": None},
        {"jti": None},
        {"iss": "https://other.example"},
        {"typ": "at+jwt"},
        *({"events": value} for value in (None, [], {}, {LOGOUT_EVENT: True}, {"other": {}})),
    ],
)
def test_any_other_token_ends_nothing(changed: dict[str, Any]) -> None:
    assert refused(lambda: verify_logout_token(logout(**changed), issuer=ISSUER, client_id=CLIENT, now=NOW)) is Code.LOGIN_INVALID


def test_mapped_values_give_their_roles_and_nothing_else_does() -> None:
    assert roles_of({"groups": "desk-billing"}, rules()) == ("billing", "care")
    assert roles_of({"groups": ["audit", "desk-billing", "audit"]}, rules()) == ("audit", "billing", "care")
    for said in (None, 7, {"audit": True}, [["audit"]], [7], "audit,desk-billing", "Audit"):
        assert roles_of({"groups": said}, rules()) == ()


@given(
    st.dictionaries(
        st.text(max_size=12), st.one_of(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=4), st.none()), max_size=6
    )
)
def test_no_claims_give_a_role_that_is_not_mapped(claims: dict[str, Any]) -> None:
    mapped = {role for roles in rules().roles.values() for role in roles}
    assert set(roles_of(claims, rules())) <= mapped
    if "groups" not in claims:
        assert roles_of(claims, rules()) == ()


def test_a_subject_is_its_issuers_own() -> None:
    assert login_id(ISSUER, "s") != login_id("https://other.example", "s")
    assert login_id("a\nb", "c") != login_id("a", "b\nc")
    assert sid_id(ISSUER, "") == ""
    assert sid_id(ISSUER, "s") != login_id(ISSUER, "s")


def test_an_officers_id_is_made_or_claimed() -> None:
    login = proved(employee="e-7")
    assert officer_id(login, rules()).startswith("login-")
    assert officer_id(login, rules(officer_claim="employee")) == "e-7"
    assert officer_id(login, rules(officer_claim="missing")) == ""
    assert text_claim({"x": "y" * 1025}, "x") == text_claim({"x": 1}, "x") == text_claim({"": "y"}, "") == ""
