"""A desk that `remit serve` serves in a process of its own, and raw requests to it over HTTP, proved by hand."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from attacks.arena import EXCHANGE, FACTS, PACK, SHOP, mandate
from contracts.identity_minting import segment
from example_desk import served
from remit.__main__ import main
from remit.client.calls import MANDATE_TOKEN
from remit.domain.identity.dpop import token_hash
from remit.proof.canonical import b64url
from remit.sandbox import Sandbox, SandboxAgent

CALLBACK = "http://127.0.0.1/callback"
FORM = "application/x-www-form-urlencoded"


class Live:
    """The served desk: people and agents by the sandbox's controls, everything else as a stranger's client would send it."""

    def __init__(self, desk: Sandbox, url: str) -> None:
        self.desk = desk
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=30)
        self.anna = desk.customer("anna", email="anna@mail.example")

    def agent(self, client_id: str = SHOP) -> "LiveAgent":
        """Give a registered agent, whose proofs are signed by hand; the same one for the same id."""
        return LiveAgent(self, self.desk.agent(client_id, "known"))

    def get(self, path: str) -> Any:
        """Read a public document."""
        return self.http.get(path).raise_for_status().json()


class Key:
    """An ES256 key that signs whatever it is given."""

    def __init__(self, pem: str = "") -> None:
        key = load_pem_private_key(pem.encode(), None) if pem else ec.generate_private_key(ec.SECP256R1())
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.private = key
        numbers = key.public_key().public_numbers()
        x, y = (b64url(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
        self.jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    @property
    def thumbprint(self) -> str:
        """Give the key's SHA-256 thumbprint (RFC 7638)."""
        text = json.dumps(dict(sorted(self.jwk.items())), separators=(",", ":"))
        return b64url(hashlib.sha256(text.encode()).digest())

    def signed(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """Sign a JWT, whatever is in it."""
        signing_input = f"{segment(header)}.{segment(claims)}"
        r, s = decode_dss_signature(self.private.sign(signing_input.encode(), ec.ECDSA(SHA256())))
        return f"{signing_input}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def proof(self, method: str, url: str, *, token: str = "", **changed: Any) -> str:
        """Sign a DPoP proof; `changed` are claims."""
        claims = {"jti": secrets.token_hex(8), "htm": method, "htu": url, "iat": int(time.time())}
        claims |= {"ath": token_hash(token)} if token else {}
        return self.signed({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}, claims | changed)


class LiveAgent:
    """A registered agent that speaks OAuth by hand."""

    def __init__(self, live: Live, agent: SandboxAgent) -> None:
        self.live = live
        self.sandbox = agent
        self.id = agent.client_id
        self.key = Key(str(agent.key))
        identity: Any = agent.identity
        self.client_pem: str = identity._key.as_pem(private=True).decode()
        self.client_key = Key(self.client_pem)

    def assertion(self, **changed: Any) -> dict[str, str]:
        """Authenticate as this client; `changed` are claims of the assertion."""
        given = dict(self.sandbox.identity.credentials(issuer=self.live.url, now_s=time.time()))
        if not changed:
            return given
        header, claims = (json.loads(base64.urlsafe_b64decode(f"{part}==")) for part in given["client_assertion"].split(".")[:2])
        return given | {"client_assertion": self.client_key.signed(header, claims | changed)}

    def post(self, path: str, form: Mapping[str, str], *proofs: str, **more: Any) -> httpx.Response:
        """Post a form to an OAuth endpoint, authenticated unless it says how itself."""
        fields = dict(form) if "client_assertion" in form or more.pop("bare", False) else {**form, **self.assertion()}
        headers = [("content-type", FORM), *(("dpop", proof) for proof in proofs)]
        return self.live.http.request(more.get("method", "POST"), path, headers=headers, content=urlencode(fields).encode())

    def push(self, *proofs: str, drop: tuple[str, ...] = (), **changed: str) -> tuple[httpx.Response, str]:
        """Push an authorization request; the answer and the PKCE verifier."""
        verifier = secrets.token_urlsafe(48)
        form = {
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "state": secrets.token_urlsafe(8),
            "code_challenge": b64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "dpop_jkt": self.key.thumbprint,
            "authorization_details": json.dumps([mandate(max_tasks=50)]),
            **changed,
        }
        return self.post("/oauth/par", {name: value for name, value in form.items() if name not in drop}, *proofs), verifier

    def code(self, request_uri: str, *, answer: str = "grant") -> dict[str, str]:
        """Let Anna answer a request at the consent page's twin; the members of the redirect."""
        path = f"/me/v1/requests/{request_uri.rpartition(':')[2]}"
        shown = self.live.anna.get(path)
        body = {"answer": answer}
        if answer == "grant":
            body |= {"ceremony": shown["ceremony"], "assertion": self.live.anna.passkey.get(shown["options"])}
        redirect = self.live.anna.post(path, body)["redirect"]
        return {name: values[0] for name, values in parse_qs(urlsplit(redirect).query).items()}

    def granted(self) -> tuple[dict[str, str], str]:
        """Come as far as a code: the members of the redirect, and the verifier that belongs to it."""
        pushed, verifier = self.push()
        return self.code(pushed.raise_for_status().json()["request_uri"]), verifier

    def redeem(self, code: str, verifier: str, *proofs: str, **changed: str) -> httpx.Response:
        """Exchange a code at the token endpoint, by default with a sound proof."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier, **changed}
        given = proofs or (self.key.proof("POST", f"{self.live.url}/oauth/token"),)
        return self.post("/oauth/token", {name: value for name, value in form.items() if value}, *given)

    def open(self, mandate_id: str, *proofs: str) -> httpx.Response:
        """Exchange a mandate for a task."""
        form = {"grant_type": EXCHANGE, "subject_token": mandate_id, "subject_token_type": MANDATE_TOKEN}
        return self.post("/oauth/token", form, *(proofs or (self.key.proof("POST", f"{self.live.url}/oauth/token"),)))


@contextmanager
def live_desk(folder: Path, *, more: str = "") -> Iterator[Live]:
    """Make a desk of the consumer pack over the arena's facts, with `more` settings, serve it, and come in."""
    assert main(["init", "--json", str(folder)]) == 0, folder
    settings = folder / "remit.toml"
    text = settings.read_text(encoding="utf-8").replace("[desk]", '[desk]\nbackoffice = "facts"')
    settings.write_text(text + more, encoding="utf-8")
    with served(folder) as url, Sandbox(PACK / "catalogue.toml", facts=FACTS, base_url=url) as desk:
        live = Live(desk, url)
        yield live
        live.http.close()
