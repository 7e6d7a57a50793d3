"""A small desk that keeps the wire contract and really checks what the client proves: every signature, jti, ath, htu and nonce.

It is a stand-in for a server, so its faults are told to it by the test (`mishaps`), never by chance.
"""

import base64
import hashlib
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jws
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from remit.client import Clock, new_key

DESK = "https://desk.example"
CLIENT_KEY = ECKey.generate_key("P-256")
PROOF_KEY = new_key()
SPIFFE = "spiffe://helper.example/shop"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_REGISTRY = jws.JWSRegistry(algorithms=["ES256"])


class FakeClock:
    """Time that moves only when somebody sleeps or the test turns it."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0
        self.pauses: list[float] = []

    def turn(self, seconds: float) -> None:
        self.now_s += seconds

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds

    def clock(self) -> Clock:
        return Clock(now=lambda: self.now_s, monotonic=lambda: self.now_s, sleep=self.sleep)


class AnswerInstead(Exception):  # noqa: N818  # an answer, not an error
    """An answer the desk gives instead."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def problem(status: int, code: str, headers: dict[str, str] | None = None, **members: Any) -> JSONResponse:
    body = {"type": f"urn:remit:problem:{code}", "code": code, "title": "No", "detail": "because", "cure": "do otherwise", **members}
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def oauth_error(status: int, error: str, code: str | None = None, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": "said", **({"code": code} if code else {})}, status, headers=headers)


@dataclass
class Seen:
    """One request as the desk saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    form: dict[str, str]
    query: str
    proof: dict[str, Any] = field(default_factory=dict)


Mishap = Callable[[Seen], Response | None]


class FakeDesk:
    """The ASGI app. `mishaps[path-end]` holds what goes wrong on the next requests there: before the desk acts, or after."""

    def __init__(self, clock: FakeClock, client_key: ECKey, *, svid_key: ECKey | None = None, desk: str = DESK) -> None:
        self.url = desk
        self.clock = clock
        self.client_key = client_key
        self.svid_key = svid_key
        self.seen: list[Seen] = []
        self.replay_cache: set[str] = set()
        self.nonces: dict[str, str | None] = {"authorization": None, "resource": None}
        self.before: dict[str, deque[Mishap]] = {}
        self.after: dict[str, deque[Mishap]] = {}
        self.metadata: dict[str, Any] = self._metadata()
        self.resource: dict[str, Any] = {"resource": desk, "authorization_servers": [desk]}
        self.pushed: dict[str, dict[str, str]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.mandates: dict[str, str] = {}
        self.tasks: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, tuple[str, float]] = {}
        self.openings: dict[str, str] = {}
        self.asks: dict[str, dict[str, Any]] = {}
        self.kept: dict[str, tuple[str, str]] = {}
        self.performed: list[str] = []
        self.completed: list[str] = []
        self.revoked: list[str] = []
        self.ciba: deque[Response] = deque()
        self.token_life_s = 300
        self.messages: list[dict[str, Any]] = []

    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(app=self)

    def trouble(self, path_end: str, *mishaps: Mishap, after: bool = False) -> None:
        (self.after if after else self.before).setdefault(path_end, deque()).extend(mishaps)

    def requests(self, path_end: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path.endswith(path_end)]

    def known_mandate(self, thumbprint: str, mandate: str = "mandate_1") -> str:
        self.mandates[mandate] = thumbprint
        return mandate

    def consent(self, url: str, **changed: str) -> str:
        """What the customer's browser would be sent to after a yes."""
        query = dict(parse_qsl(urlsplit(url).query))
        pushed = self.pushed.pop(query["request_uri"])
        assert query["client_id"] == pushed["client_id"]
        code = f"code_{len(self.codes)}"
        self.codes[code] = pushed
        members = {"code": code, "state": pushed["state"], "iss": self.url} | changed
        return f"{pushed['redirect_uri']}?{httpx.QueryParams({k: v for k, v in members.items() if v})}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        request = Request(scope, receive)
        body = await request.body()
        is_form = request.headers.get("content-type") == "application/x-www-form-urlencoded"
        form = dict(parse_qsl(body.decode(), strict_parsing=True)) if is_form else {}
        seen = Seen(request.method, request.url.path, dict(request.headers), body, form, request.url.query)
        self.seen.append(seen)
        response = self._mishap(self.before, seen) or self._answer(seen, request)
        response = self._mishap(self.after, seen) or response
        await response(scope, receive, send)

    def _mishap(self, table: dict[str, deque[Mishap]], seen: Seen) -> Response | None:
        for end, mishaps in table.items():
            if seen.path.endswith(end) and mishaps:
                return mishaps.popleft()(seen)
        return None

    def _answer(self, seen: Seen, request: Request) -> Response:
        try:
            return self._route(seen, request)
        except AnswerInstead as refusal:
            return refusal.response

    def _route(self, seen: Seen, request: Request) -> Response:  # noqa: C901, PLR0911  # a routing table is one list
        parts = seen.path.strip("/").split("/")
        match seen.method, parts:
            case "GET", [".well-known", "oauth-authorization-server"]:
                return JSONResponse(self.metadata)
            case "GET", [".well-known", "oauth-protected-resource"]:
                return JSONResponse(self.resource)
            case "GET", ["v1", "catalogue"]:
                return JSONResponse({"actions": {}})
            case "POST", ["oauth", "par"]:
                return self._par(seen)
            case "POST", ["oauth", "token"]:
                return self._token(seen)
            case "POST", ["oauth", "revoke"]:
                self._client(seen)
                task, _ = self.tokens[seen.form["token"]]
                self.revoked.append(task)
                return Response(status_code=200)
            case "POST", ["oauth", "bc-authorize"]:
                self._client(seen)
                return JSONResponse({"auth_req_id": "req_1", "expires_in": 120, "interval": 3})
            case "POST", ["v1", "tasks", task, "asks"]:
                self._task(seen, task)
                return self._ask(seen)
            case "POST", ["v1", "tasks", task, "complete"]:
                self.completed.append(self._task(seen, task))
                return JSONResponse({"task": task, "state": "ended"})
            case "GET", ["v1", "tasks", task]:
                self._task(seen, task)
                return JSONResponse({"task": task, "case": "case_1", "state": "open", "budgets": [{"power": "request"}], "waiting": []})
            case "GET", ["v1", "tasks", task, "inbox"]:
                self._task(seen, task)
                after = int(request.query_params["after"])
                return JSONResponse({"messages": [m for m in self.messages if m["n"] > after]})
            case "GET", ["v1", "asks", ask]:
                self._task(seen, None)
                return self._state(ask)
        return problem(404, "request.not_found")

    def _par(self, seen: Seen) -> Response:
        self._client(seen)
        assert seen.form["code_challenge_method"] == "S256"
        assert json.loads(seen.form["authorization_details"])[0]["type"] == "remit_mandate"
        uri = f"urn:ietf:params:oauth:request_uri:{len(self.pushed)}"
        self.pushed[uri] = seen.form
        return JSONResponse({"request_uri": uri, "expires_in": 600}, 201)

    def _token(self, seen: Seen) -> Response:
        self._client(seen)
        thumbprint = self._proved(seen, "authorization", None)
        grant = seen.form["grant_type"]
        if grant == "authorization_code":
            pushed = self.codes.pop(seen.form["code"], None)
            verifier = hashlib.sha256(seen.form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
            if pushed is None or (pushed["dpop_jkt"], pushed["code_challenge"], pushed["redirect_uri"]) != (
                thumbprint,
                challenge,
                seen.form["redirect_uri"],
            ):
                return oauth_error(400, "invalid_grant", "grant.invalid")
            return self._grant(thumbprint, json.loads(pushed["authorization_details"]))
        if grant == "urn:openid:params:grant-type:ciba":
            return self.ciba.popleft() if self.ciba else self._grant(thumbprint, [{"type": "remit_mandate"}])
        assert grant == _EXCHANGE
        return self._exchange(seen, thumbprint)

    def _grant(self, thumbprint: str, details: list[Any]) -> Response:
        mandate = self.known_mandate(thumbprint, f"mandate_{len(self.mandates) + 1}")
        body = {"access_token": "mt", "token_type": "DPoP", "expires_in": 60, "mandate": mandate, "authorization_details": details}
        return JSONResponse(body)

    def _exchange(self, seen: Seen, thumbprint: str) -> Response:
        subject, kind = seen.form["subject_token"], seen.form["subject_token_type"]
        if kind == "urn:remit:token-type:mandate" and self.mandates.get(subject) == thumbprint:
            task = self.openings.setdefault(seen.headers["idempotency-key"], f"task_{len(self.tasks) + 1}")
            self.tasks[task] = {"jkt": thumbprint}
        elif kind == "urn:remit:token-type:task" and self.tasks.get(subject, {}).get("jkt") == thumbprint:
            task = subject
        else:
            return oauth_error(400, "invalid_grant", "grant.invalid")
        token = f"at_{len(self.tokens) + 1}"
        self.tokens[token] = (task, self.clock.now_s + self.token_life_s)
        issued = "urn:ietf:params:oauth:token-type:access_token"
        body = {"access_token": token, "token_type": "DPoP", "issued_token_type": issued, "expires_in": self.token_life_s}
        return JSONResponse(body | {"task": task, "case": "case_1"})

    def _ask(self, seen: Seen) -> Response:
        wish = json.loads(seen.body)
        key, digest = seen.headers["idempotency-key"], hashlib.sha256(seen.body).hexdigest()
        if key in self.kept:
            kept, ask = self.kept[key]
            return self._state(ask) if kept == digest else problem(409, "request.conflict")
        ask = f"ask_{len(self.asks) + 1}"
        base = {"ask": ask, "poll": f"/v1/asks/{ask}", "receipt": {"entry": ask}}
        if wish["action"] == "policy.never":
            return problem(403, "policy.forbidden", decision="refuse", codes=["policy.forbidden"], receipt={"entry": ask})
        self.kept[key] = (digest, ask)
        if wish["action"] == "payment.refund":
            self.asks[ask] = base | {"decision": "needs_human", "who": ["customer"], "expires_at": "2027-01-01T00:00:00Z"}
        elif wish["action"] == "order.slow":
            self.asks[ask] = base | {"decision": "permit", "desk_pending": True}
        else:
            self.performed.append(ask)
            self.asks[ask] = base | {"decision": "permit", "outcome": "done", "result": {"order.status": "sent"}, "withheld": 2}
        return self._state(ask)

    def _state(self, ask: str) -> Response:
        body = self.asks[ask]
        if "refused" in body:
            return problem(403, body["refused"], decision="refuse", codes=[body["refused"]])
        return JSONResponse(body, 200 if body.get("outcome") in {"done", "failed"} else 202)

    def _client(self, seen: Seen) -> None:
        """Client authentication, as strict as the law: sole issuer audience, fresh jti, short life, registered key."""
        assertion = seen.form["client_assertion"]
        spiffe = seen.form["client_assertion_type"].endswith("jwt-spiffe")
        key = self.svid_key if spiffe else self.client_key
        assert key is not None
        read = jws.deserialize_compact(assertion, key, registry=_REGISTRY)
        claims = json.loads(read.payload)
        assert claims["aud"] in (self.url, [self.url])
        assert self.clock.now_s < claims["exp"] <= self.clock.now_s + 300
        assert claims["sub"] == seen.form["client_id"]
        if not spiffe:
            assert read.headers()["typ"] == "client-authentication+jwt"
            assert claims["iss"] == claims["sub"]
            self._once(claims["jti"])

    def _proved(self, seen: Seen, side: str, token: str | None) -> str:
        """The thumbprint of a proof that holds for exactly this request."""
        compact = seen.headers["dpop"]
        header = json.loads(base64.urlsafe_b64decode(compact.split(".")[0] + "=="))
        assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
        assert set(header["jwk"]) == {"kty", "crv", "x", "y"}
        key = ECKey.import_key(header["jwk"])
        claims = json.loads(jws.deserialize_compact(compact, key, registry=_REGISTRY).payload)
        seen.proof = claims
        assert (claims["htm"], claims["htu"]) == (seen.method, f"{self.url}{seen.path}")
        assert abs(claims["iat"] - self.clock.now_s) <= 5
        self._once(claims["jti"])
        if token is None:
            assert "ath" not in claims
        else:
            assert claims["ath"] == base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        wanted = self.nonces[side]
        if wanted is not None and claims.get("nonce") != wanted:
            headers = {"DPoP-Nonce": str(wanted)}
            if side == "authorization":
                raise AnswerInstead(oauth_error(400, "use_dpop_nonce", headers=headers))
            raise AnswerInstead(
                problem(401, "credential.nonce", headers | {"WWW-Authenticate": 'DPoP error="use_dpop_nonce", algs="ES256"'})
            )
        return key.thumbprint()

    def _once(self, jti: str) -> None:
        assert jti not in self.replay_cache, "a proof or assertion was sent twice"
        self.replay_cache.add(jti)

    def _task(self, seen: Seen, task: str | None) -> str:
        scheme, _, token = seen.headers["authorization"].partition(" ")
        assert scheme == "DPoP"
        thumbprint = self._proved(seen, "resource", token)
        held, expires_at = self.tokens[token]
        assert self.tasks[held]["jkt"] == thumbprint
        assert task in {None, held}
        if held in self.revoked or held in self.completed:
            raise AnswerInstead(problem(401, "credential.revoked"))
        if expires_at <= self.clock.now_s:
            raise AnswerInstead(problem(401, "credential.expired", {"WWW-Authenticate": 'DPoP error="invalid_token"'}))
        return held

    def _metadata(self) -> dict[str, Any]:
        oauth = f"{self.url}/oauth"
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{oauth}/authorize",
            "token_endpoint": f"{oauth}/token",
            "pushed_authorization_request_endpoint": f"{oauth}/par",
            "revocation_endpoint": f"{oauth}/revoke",
            "backchannel_authentication_endpoint": f"{oauth}/bc-authorize",
            "code_challenge_methods_supported": ["S256"],
        }
