"""A stranger that signs by Web Bot Auth, with a directory of its own on loopback."""

import asyncio
import hashlib
import json
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx

from attacks.arena import ISSUER, Arena, mandate
from attacks.arrivals import ArrivingAgent, Named, signing
from contracts.identity_minting import KeyServer, raw_sign
from contracts.message_signing import MessageKey, Signing
from remit.client.keys import b64url

MEDIA_TYPE = "application/http-message-signatures-directory+json"
ON = {"web_bot_auth": {"enabled": True}}


def directory_headers(
    authority: str, *keys: MessageKey, tag: str = "http-message-signatures-directory", expires: int | None = None, bound: bool = True
) -> str:
    """The headers with which keys sign their directory for a host."""
    inputs, values = [], []
    for number, key in enumerate(keys):
        ends = int(time.time()) + 300 if expires is None else expires
        covered = '"@authority";req' if bound else ""
        whole = f'({covered});created={int(time.time())};expires={ends};keyid="{key.thumbprint}";tag="{tag}"'
        base = f'{covered}{f": {authority}{chr(10)}" if bound else ""}"@signature-params": {whole}'
        inputs.append(f"binding{number}={whole}")
        values.append(f"binding{number}=:{b64encode(raw_sign(key.alg, base.encode(), key.name)).decode()}:")
    return f"Content-Type: {MEDIA_TYPE}\r\nSignature-Input: {', '.join(inputs)}\r\nSignature: {', '.join(values)}\r\n"


class Stranger:
    """An unregistered agent: a key, an origin, and how it signs."""

    def __init__(self, server: KeyServer, key: MessageKey) -> None:
        self.server, self.key = server, key
        self.origin = server.url.removesuffix("/keys")
        self.how = Signing(key=key, params={"tag": "web-bot-auth"})
        self.redirect = f"{self.origin}/done"
        self.named = f'sig1="{self.origin}"'
        self.verifier = secrets.token_urlsafe(48)
        self.publish(key)

    @property
    def authority(self) -> str:
        return self.origin.partition("//")[2]

    def publish(self, *keys: MessageKey, signed_by: tuple[MessageKey, ...] | None = None, authority: str = "", **how: Any) -> None:
        """Publish keys, signed by themselves for this host unless a test says otherwise."""
        self.server.publish({"keys": [{**one.public, "kid": one.thumbprint} for one in keys]})
        self.server.headers = directory_headers(authority or self.authority, *(keys if signed_by is None else signed_by), **how)

    def headers(self, path: str, body: bytes, method: str = "POST", **more: str) -> dict[str, str]:
        sent = {"content-type": "application/x-www-form-urlencoded", "signature-agent": self.named, **more}
        return sent | self.how.headers(method, ISSUER + path, sent, body)

    def form(self, arena: Arena, path: str, members: Mapping[str, str]) -> httpx.Response:
        """One signed form."""
        body = urlencode(members).encode()
        return arena.room.raw("POST", path, headers=self.headers(path, body), content=body, check=False)

    def push(self, arena: Arena, wanted: Mapping[str, Any] | None = None, **more: str) -> httpx.Response:
        """Ask for a mandate; nobody here knows this agent yet."""
        challenge = b64url(hashlib.sha256(self.verifier.encode()).digest())
        members = {
            "response_type": "code",
            "redirect_uri": self.redirect,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "authorization_details": json.dumps([mandate() if wanted is None else wanted]),
            "state": "s",
            **more,
        }
        return self.form(arena, "/oauth/par", {name: value for name, value in members.items() if value})

    def arriving(self, arena: Arena) -> ArrivingAgent:
        """The same agent, driven by our own client once it has been met."""
        dress = signing(self.how)

        def named(request: httpx.Request) -> None:
            request.headers["signature-agent"] = self.named
            dress(request)

        return ArrivingAgent(
            arena.room,
            self.origin,
            method="web_bot_auth",
            keys={},
            identity=Named(self.origin),
            dress=named,
            key=self.key.pem,
            register=False,
        )


@contextmanager
def stranger(name: str = "stranger") -> Iterator[Stranger]:
    """A stranger whose directory is served on a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = KeyServer()
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        yield Stranger(server, MessageKey(name))
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
