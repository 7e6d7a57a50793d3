"""A small OpenID provider on loopback that does what a test wants: everything right, or one thing wrong.

Tokens are written by hand (contracts/identity_minting), so that every defect can be made; a client's own assertion is judged by joserfc.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from contracts.identity_minting import jwk, mint, segment
from remit.domain.identity.oidc_login import LOGOUT_EVENT
from remit.proof.canonical import b64url

CLIENT = "remit"
SECRET = "a secret of the desk's own: 7%+"


@dataclass
class LoopbackProvider:
    """One provider. `claims` are changed into every ID token, after `metadata` into the document, and `answers` replace whole answers."""

    now_s: Callable[[], int]
    issuer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: str = "one"
    """The name of the key it signs with."""
    published: tuple[str, ...] = ("one",)
    alg: str = "ES256"
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """By path: a status and a body instead of the right answer."""
    headers: dict[str, str] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    forgets_codes: bool = True
    userinfo: dict[str, Any] = field(default_factory=dict)
    client_key: ECKey | None = None
    seen: list[tuple[str, str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    """What was asked of it: method, path, headers, form or query."""
    token_of: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    pushed: dict[str, dict[str, str]] = field(default_factory=dict)
    open: threading.Event = field(default_factory=threading.Event)

    # the browser's side

    def sign_in(self, address: str, subject: str = "s-1", **claims: Any) -> dict[str, str]:
        """What somebody brings back who signs in there with these claims; the code is of the request that the address says."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query, strict_parsing=True).items()}
        if "request_uri" in asked:
            asked = self.pushed.pop(asked["request_uri"])
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "claims": json.dumps({"sub": subject, **claims})}
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def logout_token(self, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A logout token."""
        now = self.now_s()
        said = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(8),
            "events": {LOGOUT_EVENT: {}},
            **claims,
        }
        return mint(_given({"alg": self.alg, "kid": self.key, "typ": "logout+jwt", **(header or {})}), _given(said), name=self.key)

    # the desk's side

    def document(self) -> dict[str, Any]:
        """The discovery document."""
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "pushed_authorization_request_endpoint": f"{self.issuer}/par",
            "end_session_endpoint": f"{self.issuer}/end",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            **self.metadata,
        }
        return _given(found)

    def answer(self, method: str, path: str, headers: dict[str, str], form: dict[str, str]) -> tuple[int, bytes]:
        """The answer to one request."""
        self.seen.append((method, path, headers, form))
        if path in self.hanging:
            self.open.wait()
        return self.answers[path] if path in self.answers else self._right(path, headers, form)

    def _right(self, path: str, headers: dict[str, str], form: dict[str, str]) -> tuple[int, bytes]:
        match path:
            case "/.well-known/openid-configuration":
                return 200, _json(self.document())
            case "/jwks":
                return 200, _json({"keys": [jwk(self.alg, name, kid=name, use="sig") for name in self.published]})
            case "/token":
                return self._token(headers, form)
            case "/par" if self._knows(headers, form):
                name = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(8)}"
                self.pushed[name] = form
                return 201, _json({"request_uri": name, "expires_in": 60})
            case "/userinfo":
                return 200, _json(self.userinfo)
            case _:
                return 404, _json({"error": "not_found"})

    def _token(self, headers: dict[str, str], form: dict[str, str]) -> tuple[int, bytes]:
        if not self._knows(headers, form):
            return 401, _json({"error": "invalid_client"})
        asked = self.codes.pop(form["code"], None) if self.forgets_codes else self.codes.get(form["code"])
        verifier = b64url(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or verifier != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, _json({"error": "invalid_grant"})
        now = self.now_s()
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "auth_time": now,
            **json.loads(asked["claims"]),
            **self.claims,
        }
        header = _given({"alg": self.alg, "kid": self.key, **self.header})
        token = self.token_of(header, _given(claims)) if self.token_of else mint(header, _given(claims), alg=self.alg, name=self.key)
        return 200, _json({"access_token": "at", "token_type": "Bearer", "id_token": token})

    def _knows(self, headers: dict[str, str], form: dict[str, str]) -> bool:
        if self.client_key is not None:
            said = jwt.decode(form["client_assertion"], self.client_key, algorithms=["ES256", "RS256"])
            return said.claims["iss"] == said.claims["sub"] == CLIENT and said.claims["aud"] == self.issuer and bool(said.claims["jti"])
        kind, _, both = headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(both).decode().partition(":")
        return kind == "Basic" and (unquote(name), unquote(secret)) == (CLIENT, SECRET)


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token of `alg: none`."""
    return f"{segment({**header, 'alg': 'none'})}.{segment(claims)}."


def by_public_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token whose HS256 secret is the provider's public key."""
    signing_input = f"{segment({**header, 'alg': 'HS256'})}.{segment(claims)}"
    secret = json.dumps(jwk("ES256", "one", kid="one")).encode()
    return f"{signing_input}.{b64url(hmac.digest(secret, signing_input.encode(), 'sha256'))}"


@contextmanager
def loopback_provider(now_s: Callable[[], int], **knobs: Any) -> Iterator[LoopbackProvider]:
    """A provider that listens on a free port of this machine."""
    provider = LoopbackProvider(now_s=now_s, **knobs)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"])).decode()
            self._reply({name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()})

        def _reply(self, form: dict[str, str]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = provider.answer(self.command, urlsplit(self.path).path, headers, form)
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in provider.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                pass  # the desk does not wait for what hangs, and does not read what is too long

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's own name
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.open.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _given(members: dict[str, Any]) -> dict[str, Any]:
    """The members, without those that a test has set to None."""
    return {name: value for name, value in members.items() if value is not None}
