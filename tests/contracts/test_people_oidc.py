"""The company's OpenID provider, as the plug sees it: what proves somebody, and every way in which an answer proves nobody."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, RSAKey

from contracts.identity_minting import NOW, NOW_S, mint
from provider.loopback import CLIENT, SECRET, LoopbackProvider, by_public_key, loopback_provider, unsigned
from remit.adapters.identity import fetching
from remit.adapters.people.oidc import OidcProvider
from remit.adapters.people.oidc_terms import ProviderTerms
from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.oidc_login import ALGORITHMS, LOGOUT_EVENT, ProvedLogin
from remit.domain.values import Instant
from remit.ports.people import LoginRequest

DESK = "http://localhost:9"
ASKED = LoginRequest(state="st", nonce="no", verifier="v" * 43, acr=(), max_age_s=None)


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with loopback_provider(lambda: NOW_S) as one:
        yield one


def plug(provider: LoopbackProvider, **changed: Any) -> OidcProvider:
    given: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "redirect_uri": f"{DESK}/login/oidc/callback",
        "signed_out_uri": f"{DESK}/login",
        "scopes": ("openid", "email"),
        "algorithms": ALGORITHMS,
        "secret": SECRET.encode(),
        "key": b"",
        "audience": "issuer",
        "userinfo": False,
        "allow_loopback": True,
        "allow_private": False,
    }
    return OidcProvider(ProviderTerms(**given | changed))


def sign_in(
    provider: LoopbackProvider,
    at: OidcProvider | None = None,
    asked: LoginRequest = ASKED,
    brought: Mapping[str, str | None] | None = None,
    *,
    now: int = NOW,
    **claims: Any,
) -> ProvedLogin:
    """Somebody signs in; `brought` changes what comes back with the browser."""
    plugged = at or plug(provider)

    async def run() -> ProvedLogin:
        address = await plugged.address(asked, now=Instant(now))
        back: dict[str, Any] = {**provider.sign_in(address, **claims), **(brought or {})}
        return await plugged.finish({name: value for name, value in back.items() if value is not None}, asked=asked, now=Instant(now))

    return asyncio.run(run())


def refused(act: Callable[[], object]) -> Code:
    with pytest.raises((Refused, Fault)) as caught:
        act()
    return caught.value.code


def test_a_sign_in_proves_who_it_is_and_asks_for_what_is_wanted(provider: LoopbackProvider) -> None:
    asked = LoginRequest(state="st", nonce="no", verifier="v" * 43, acr=("gold", "silver"), max_age_s=60)
    proved = sign_in(provider, asked=asked, subject="s-7", sid="there-1", acr="gold", groups=["g"])
    assert (proved.issuer, proved.subject, proved.sid, proved.acr) == (provider.issuer, "s-7", "there-1", "gold")
    assert proved.auth_at == NOW
    assert proved.claims["groups"] == ["g"]
    address = asyncio.run(plug(provider).address(asked, now=NOW))
    said = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert said["scope"] == "openid email"
    assert (said["acr_values"], said["max_age"], said["code_challenge_method"]) == ("gold silver", "60", "S256")
    assert asked.verifier not in address


def test_a_request_is_pushed_where_the_provider_wants_that(provider: LoopbackProvider) -> None:
    provider.metadata["require_pushed_authorization_requests"] = True
    plugged = plug(provider)
    address = asyncio.run(plugged.address(ASKED, now=NOW))
    assert parse_qs(urlsplit(address).query).keys() == {"client_id", "request_uri"}
    assert sign_in(provider, plugged).subject == "s-1"


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_a_client_proves_itself_by_its_own_key(provider: LoopbackProvider, kind: str) -> None:
    key: Any = ECKey.generate_key("P-256", private=True) if kind == "EC" else RSAKey.generate_key(2048, private=True)
    provider.client_key = key
    plugged = plug(provider, secret=b"", key=key.as_pem(private=True))
    assert sign_in(provider, plugged).subject == "s-1"
    form = next(form for _, path, _, form in provider.seen if path == "/token")
    assert form["client_assertion"]
    assert "client_secret" not in form
    told = asyncio.run(plugged.refresh(now=NOW))
    assert json.loads(told.key)["kid"] == key.thumbprint()
    assert "d" not in json.loads(told.key)


def test_userinfo_adds_claims_of_the_same_subject_and_nothing_that_the_token_must_say(provider: LoopbackProvider) -> None:
    plugged = plug(provider, userinfo=True)
    provider.userinfo = {"sub": "s-1", "groups": ["billing"], "acr": "gold", "auth_time": 1, "sid": "x"}
    proved = sign_in(provider, plugged)
    assert proved.claims["groups"] == ["billing"]
    assert (proved.acr, proved.sid, proved.auth_at) == ("", "", NOW)
    assert "acr" not in proved.claims
    provider.userinfo["sub"] = "s-2"
    assert refused(lambda: sign_in(provider, plugged)) is Code.LOGIN_INVALID


WRONG: Mapping[str, Mapping[str, Any]] = {
    "another issuer": {"iss": "https://other.example"},
    "the issuer with a slash": {"iss": "http://127.0.0.1/"},
    "another client": {"aud": "other"},
    "another client among several": {"aud": [CLIENT, "other"]},
    "issued to another": {"aud": [CLIENT, "other"], "azp": "other"},
    "azp of another": {"azp": "other"},
    "no audience": {"aud": None},
    "expired": {"exp": NOW_S - 31},
    "exp is no number": {"exp": str(NOW_S + 60)},
    "exp is true": {"exp": True},
    "no exp": {"exp": None},
    "no iat": {"iat": None},
    "from the future": {"iat": NOW_S + 31},
    "old": {"iat": NOW_S - 601},
    "another nonce": {"nonce": "other"},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is a number": {"sub": 7},
    "a long subject": {"sub": "s" * 256},
    "seen in the future": {"auth_time": NOW_S + 31},
    "auth_time is text": {"auth_time": "now"},
    "acr is a list": {"acr": ["gold"]},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_says_this_proves_nobody(provider: LoopbackProvider, what: str) -> None:
    provider.claims = dict(WRONG[what])
    assert refused(lambda: sign_in(provider)) is Code.LOGIN_INVALID


def test_clocks_may_differ_by_half_a_minute(provider: LoopbackProvider) -> None:
    for claims in ({"exp": NOW_S - 29}, {"iat": NOW_S + 29}, {"aud": [CLIENT]}, {"aud": [CLIENT, "other"], "azp": CLIENT}):
        provider.claims = claims
        assert sign_in(provider).subject == "s-1"


HEADERS: Mapping[str, Mapping[str, Any]] = {
    "an access token": {"typ": "at+jwt"},
    "a logout token": {"typ": "logout+jwt"},
    "a critical extension": {"crit": ["x"], "x": 1},
    "a key of another name": {"kid": "other"},
    "an algorithm that is none of ours": {"alg": "ES256K"},
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_token_with_this_header_proves_nobody(provider: LoopbackProvider, what: str) -> None:
    provider.header = dict(HEADERS[what])
    assert refused(lambda: sign_in(provider)) is Code.LOGIN_INVALID


@pytest.mark.parametrize("forged", [unsigned, by_public_key, lambda header, claims: mint(header, claims, name="somebody else's")])
def test_a_token_without_the_providers_own_signature_proves_nobody(provider: LoopbackProvider, forged: Any) -> None:
    provider.token_of = forged
    assert refused(lambda: sign_in(provider)) is Code.LOGIN_INVALID


def test_only_algorithms_that_the_settings_name_count(provider: LoopbackProvider) -> None:
    assert refused(lambda: sign_in(provider, plug(provider, algorithms=frozenset({"RS256"})))) is Code.LOGIN_INVALID


def test_a_rotated_key_is_found_and_made_up_names_do_not_hammer_the_provider(provider: LoopbackProvider) -> None:
    plugged = plug(provider)
    sign_in(provider, plugged)
    provider.key, provider.published = "two", ("one", "two")
    assert sign_in(provider, plugged, now=NOW + 11_000).subject == "s-1"
    reads = sum(path == "/jwks" for _, path, _, _ in provider.seen)
    provider.header = {"kid": "made up"}
    for _ in range(5):
        assert refused(lambda: sign_in(provider, plugged, now=NOW + 12_000)) is Code.LOGIN_INVALID
    assert sum(path == "/jwks" for _, path, _, _ in provider.seen) <= reads + 1


def test_a_code_counts_once_and_for_who_asked_for_it(provider: LoopbackProvider) -> None:
    plugged = plug(provider)

    async def run() -> None:
        back = provider.sign_in(await plugged.address(ASKED, now=NOW))
        await plugged.finish(back, asked=ASKED, now=NOW)
        with pytest.raises(Refused) as again:
            await plugged.finish(back, asked=ASKED, now=NOW)
        assert again.value.code is Code.LOGIN_INVALID
        other = LoginRequest(state="st", nonce="no", verifier="w" * 43, acr=(), max_age_s=None)
        stolen = provider.sign_in(await plugged.address(other, now=NOW))
        with pytest.raises(Refused) as foreign:
            await plugged.finish(stolen, asked=ASKED, now=NOW)
        assert foreign.value.code is Code.LOGIN_INVALID

    asyncio.run(run())


@pytest.mark.parametrize("brought", [{"iss": "https://other.example"}, {"iss": None}, {"iss": ""}, {"code": None}, {"code": ""}])
def test_the_answer_of_another_provider_or_without_a_code_is_not_exchanged(provider: LoopbackProvider, brought: dict[str, Any]) -> None:
    assert refused(lambda: sign_in(provider, brought=brought)) is Code.LOGIN_INVALID
    assert all(path != "/token" for _, path, _, _ in provider.seen)


def test_where_a_provider_does_not_say_iss_only_a_wrong_one_is_refused(provider: LoopbackProvider) -> None:
    provider.metadata["authorization_response_iss_parameter_supported"] = None
    assert sign_in(provider, brought={"iss": None}).subject == "s-1"
    assert refused(lambda: sign_in(provider, brought={"iss": "https://other.example"})) is Code.LOGIN_INVALID


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", Code.LOGIN_DECLINED),
        ("login_required", Code.LOGIN_DECLINED),
        ("server_error", Code.FAULT_IDENTITY),
        ("temporarily_unavailable", Code.FAULT_IDENTITY),
    ],
)
def test_a_no_of_the_provider_is_told_from_its_being_broken(provider: LoopbackProvider, error: str, code: Code) -> None:
    assert refused(lambda: sign_in(provider, brought={"error": error, "code": None})) is code


DOCUMENTS: Mapping[str, Mapping[str, Any]] = {
    "of another issuer": {"issuer": "https://other.example"},
    "with a slash more": {"issuer": "http://127.0.0.1/"},
    "without PKCE": {"code_challenge_methods_supported": ["plain"]},
    "without code": {"response_types_supported": ["id_token"]},
    "with another client authentication": {"token_endpoint_auth_methods_supported": ["client_secret_post"]},
    "without keys": {"jwks_uri": None},
    "with an address inside our own walls": {"token_endpoint": "https://169.254.169.254/token"},
    "with an address in clear": {"token_endpoint": "http://provider.example/token"},
    "with a number for an address": {"authorization_endpoint": 7},
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_a_document_that_says_this_is_not_believed(provider: LoopbackProvider, what: str) -> None:
    provider.metadata = dict(DOCUMENTS[what])
    assert refused(lambda: sign_in(provider)) is Code.FAULT_IDENTITY


BROKEN: Mapping[str, tuple[str, tuple[int, bytes]]] = {
    "no document": ("/.well-known/openid-configuration", (404, b"{}")),
    "a document that is none": ("/.well-known/openid-configuration", (200, b"<html>")),
    "a document without end": ("/.well-known/openid-configuration", (200, b" " * (256 * 1024 + 1))),
    "a list": ("/.well-known/openid-configuration", (200, b"[]")),
    "no keys": ("/jwks", (500, b"{}")),
    "keys without end": ("/jwks", (200, b" " * (256 * 1024 + 1))),
    "a token endpoint that is broken": ("/token", (502, b"{}")),
    "a token endpoint that sends on": ("/token", (302, b"{}")),
    "a token answer without end": ("/token", (200, b" " * (256 * 1024 + 1))),
    "a token answer that is none": ("/token", (200, b"hello")),
    "a client that is not known": ("/token", (401, b'{"error": "invalid_client"}')),
    "doubled members": ("/token", (200, b'{"id_token": "a", "id_token": "b"}')),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_provider_that_does_not_behave_is_a_fault(provider: LoopbackProvider, what: str) -> None:
    path, answer = BROKEN[what]
    provider.answers[path] = answer
    assert refused(lambda: sign_in(provider)) is Code.FAULT_IDENTITY


def test_no_redirect_is_followed(provider: LoopbackProvider) -> None:
    provider.answers["/jwks"] = (302, b"")
    provider.headers["Location"] = f"{provider.issuer}/elsewhere"
    assert refused(lambda: sign_in(provider)) is Code.FAULT_IDENTITY
    assert all(path != "/elsewhere" for _, path, _, _ in provider.seen)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"id_token": 7}', b'{"id_token": ""}', b'{"id_token": "a.b.c"}', b'{"id_token": "%s"}' % (b"a" * 20_000)]
)
def test_an_answer_without_a_token_proves_nobody(provider: LoopbackProvider, body: bytes) -> None:
    provider.answers["/token"] = (200, body)
    assert refused(lambda: sign_in(provider)) is Code.LOGIN_INVALID


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token"])
def test_a_provider_that_hangs_keeps_nobody_waiting(provider: LoopbackProvider, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.3)
    provider.hanging.add(path)
    assert refused(lambda: sign_in(provider)) is Code.FAULT_IDENTITY


def test_a_provider_that_is_down_is_asked_again_after_ten_seconds_at_most(provider: LoopbackProvider) -> None:
    plugged = plug(provider)
    provider.answers["/.well-known/openid-configuration"] = (503, b"")
    for later in (0, 1000, 9_999):
        assert refused(lambda at=later: sign_in(provider, plugged, now=NOW + at)) is Code.FAULT_IDENTITY
    assert len(provider.seen) == 1
    provider.answers.clear()
    assert sign_in(provider, plugged, now=NOW + 10_000).subject == "s-1"


def test_a_private_address_is_for_who_says_so() -> None:
    for address, private, fine in (
        ("10.1.2.3", False, False),
        ("10.1.2.3", True, True),
        ("169.254.169.254", True, False),
        ("127.0.0.1", True, False),
        ("::ffff:169.254.169.254", True, False),
        ("fe80::1", True, False),
        ("fd00::1", True, True),
        ("0.0.0.0", True, False),
    ):
        literal = f"[{address}]" if ":" in address else address

        def act(host: str = literal, inside: bool = private) -> None:
            fetching.verify_url(f"https://{host}/x", allow_loopback=False, allow_private=inside)

        if fine:
            act()
        else:
            assert refused(act) is Code.REQUEST_MALFORMED


LOGOUTS: Mapping[str, Mapping[str, Any]] = {
    "another issuer": {"iss": "https://other.example", "sub": "s-1"},
    "another client": {"aud": "other", "sub": "s-1"},
    "expired": {"exp": NOW_S - 31, "sub": "s-1"},
    "old": {"iat": NOW_S - 601, "sub": "s-1"},
    "with a nonce": {"nonce": "no", "sub": "s-1"},
    "no event": {"events": None, "sub": "s-1"},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}, "sub": "s-1"},
    "an event that is no object": {"events": {LOGOUT_EVENT: True}, "sub": "s-1"},
    "nobody": {},
    "no jti": {"jti": None, "sub": "s-1"},
    "no exp": {"exp": None, "sub": "s-1"},
}


@pytest.mark.parametrize("what", LOGOUTS)
def test_a_logout_token_that_says_this_ends_nothing(provider: LoopbackProvider, what: str) -> None:
    token = provider.logout_token(**LOGOUTS[what])
    assert refused(lambda: asyncio.run(plug(provider).verify_logout(token, now=NOW))) is Code.LOGIN_INVALID


def test_a_logout_token_is_told_from_others(provider: LoopbackProvider) -> None:
    plugged = plug(provider)
    for header in ({}, {"typ": "JWT"}, {"typ": None}):
        said = asyncio.run(plugged.verify_logout(provider.logout_token({**header} or None, sub="s-1", sid="x"), now=NOW))
        assert (said.issuer, said.subject, said.sid) == (provider.issuer, "s-1", "x")
    for forged in (unsigned, by_public_key):
        claims = {
            "iss": provider.issuer,
            "aud": CLIENT,
            "iat": NOW_S,
            "exp": NOW_S + 60,
            "jti": "j",
            "events": {LOGOUT_EVENT: {}},
            "sub": "s-1",
        }
        token = forged({"kid": "one"}, claims)
        assert refused(lambda one=token: asyncio.run(plugged.verify_logout(one, now=NOW))) is Code.LOGIN_INVALID
    for header in ({"typ": "at+jwt"}, {"typ": "dpop+jwt"}):
        token = provider.logout_token(header, sub="s-1")
        assert refused(lambda one=token: asyncio.run(plugged.verify_logout(one, now=NOW))) is Code.LOGIN_INVALID


def test_signing_out_goes_to_the_provider_with_no_token_in_the_address(provider: LoopbackProvider) -> None:
    address = asyncio.run(plug(provider).sign_out_address(now=NOW))
    assert address.startswith(f"{provider.issuer}/end?")
    assert parse_qs(urlsplit(address).query) == {"client_id": [CLIENT], "post_logout_redirect_uri": [f"{DESK}/login"]}
    provider.metadata["end_session_endpoint"] = None
    assert asyncio.run(plug(provider).sign_out_address(now=NOW)) == ""
    provider.answers["/.well-known/openid-configuration"] = (503, b"")
    assert asyncio.run(plug(provider).sign_out_address(now=NOW)) == ""


@pytest.mark.parametrize(
    "changed", [{"secret": b"short"}, {"secret": b"two\nlines of a secret"}, {"secret": b"", "key": b"no key"}, {"secret": "ümlaut" * 9}]
)
def test_a_secret_or_key_that_is_none_stops_the_start(provider: LoopbackProvider, changed: dict[str, Any]) -> None:
    given = {name: value.encode() if isinstance(value, str) else value for name, value in changed.items()}
    assert refused(lambda: plug(provider, **given)) is Code.SETTINGS_INVALID
