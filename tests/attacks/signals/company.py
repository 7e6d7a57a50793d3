"""A desk with receivers and transmitters of shared signals: the company's provider, two operators, and a security team's receiver."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from attacks.arena import ISSUER, Arena, open_arena
from attacks.people.company import Company, known, oidc
from conformance.ssf_peer import CAEP, Peer, key_file, peer_served, secret_file
from provider.loopback import loopback_provider

SUBJECT = "s-anna"
OPERATOR = "helper.example"
OTHER = "other.example"


@dataclass
class Signals:
    """The desk, its provider, the three transmitters' peer, and the parties' tokens by name."""

    arena: Arena
    company: Company
    peer: Peer
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def anna(self) -> dict[str, str]:
        """Anna as the company's provider names her."""
        return {"format": "iss_sub", "iss": self.company.provider.issuer, "sub": SUBJECT}

    def claims(self, kind: str, subject: Mapping[str, Any], event: Mapping[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
        """The claims of an event for this desk."""
        now_s = self.arena.clock.now() // 1000
        return self.peer.set(f"{CAEP}{kind}", subject, event or {}, now_s=now_s, audience=ISSUER, **changed)

    def push(self, token: str, *, by: str = "login", media_type: str = "application/secevent+jwt", bearer: str = "") -> httpx.Response:
        """A transmitter pushes a token."""
        headers = {"authorization": f"Bearer {bearer or self.tokens[by]}", "content-type": media_type}
        return self.arena.room.raw("POST", "/ssf/v1/events", headers=headers, content=token.encode(), check=False)

    def send(self, kind: str, subject: Mapping[str, Any], event: Mapping[str, Any] | None = None, *, by: str = "login") -> httpx.Response:
        """A transmitter pushes a right event."""
        return self.push(self.peer.sign(self.claims(kind, subject, event, iss=f"{self.peer.url}/{by}")), by=by)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, by: str = "siem", bearer: str = "") -> httpx.Response:
        """A receiver speaks to its stream."""
        return self.arena.room.raw(method, path, body, headers={"authorization": f"Bearer {bearer or self.tokens[by]}"}, check=False)

    def created(self, *, by: str = "siem", **wanted: Any) -> dict[str, Any]:
        """A receiver's new stream."""
        answer = self.call("POST", "/ssf/v1/stream", wanted, by=by)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def round(self) -> int:
        """One round of the desk's jobs."""
        desk = self.arena.desk.desk
        assert desk is not None
        return self.arena.run(desk.jobs.round(patience_s=0))

    def polled(self, stream: Mapping[str, Any], *, by: str = "siem", **asked: Any) -> dict[str, str]:
        """The events that a poll hands out."""
        path = str(stream["delivery"]["endpoint_url"]).removeprefix(ISSUER)
        answer = self.call("POST", path, {"returnImmediately": True, **asked}, by=by)
        assert answer.status_code == 200, answer.text
        sets: dict[str, str] = answer.json()["sets"]
        return sets

    def signed_in(self) -> str:
        """Anna's session from her company's login."""
        return self.company.signed_in(SUBJECT, customer="anna", sid="there-1")


@contextmanager
def signals_opened(
    folder: Path, *, events: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None, **options: Any
) -> Iterator[Signals]:
    """Open the desk; `events` is laid over its table, `settings` over all of them."""
    held: list[Arena] = []
    with peer_served() as peer, loopback_provider(lambda: held[0].clock.now() // 1000) as provider:
        tokens: dict[str, str] = {}
        table = {**_table(folder / "keys", peer, tokens), **(events or {})}
        tables = {"people": {"oidc": oidc(provider, folder)}, "events": table, **(settings or {})}
        with open_arena(settings=tables, **options) as arena:
            held.append(arena)
            company = Company(arena, provider)
            _known(company)
            yield Signals(arena, company, peer, tokens)


def _table(keys: Path, peer: Peer, tokens: dict[str, str]) -> dict[str, Any]:
    def file(name: str) -> list[str]:
        path, tokens[name] = secret_file(keys, name)
        return [path]

    common = {"jwks_url": f"{peer.url}/jwks"}
    return {
        "key_files": [key_file(keys)],
        "receivers": [
            {"name": "siem", "audience": "siem.acme.example", "token_files": file("siem"), "subject": "iss_sub"},
            {"name": "keyed", "audience": "keyed.acme.example", **common},
            {"name": "keyed-looks", "audience": "looks.acme.example", "scope": "ssf.read", **common},
            {"name": "looks", "audience": "looks.acme.example", "token_files": file("looks"), "scope": "ssf.read"},
            {"name": "helper", "audience": "helper.example", "token_files": file("helper"), "operator": OPERATOR},
            {"name": "other", "audience": "other.example", "token_files": file("other"), "operator": OTHER},
        ],
        "transmitters": [
            {"name": "login", "issuer": f"{peer.url}/login", "customers": True, "push_token_files": file("login"), **common},
            {"name": "vendor", "issuer": f"{peer.url}/vendor", "operator": OPERATOR, "push_token_files": file("vendor"), **common},
            {"name": "rival", "issuer": f"{peer.url}/rival", "operator": OTHER, "push_token_files": file("rival"), **common},
        ],
    }


def _known(company: Company) -> None:
    """Anna is a customer here, and has signed in at her company once."""
    known(company)
    company.signed_in(SUBJECT, customer="anna", sid="there-0")
