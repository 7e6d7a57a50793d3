"""A desk whose people log in at the company's own provider."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from attacks.arena import Arena
from provider.loopback import CLIENT, SECRET, LoopbackProvider
from remit.sandbox.passkey import SoftPasskey

HTML = {"accept": "text/html"}


@dataclass
class Company:
    """A desk whose people come from a provider, and the provider."""

    arena: Arena
    provider: LoopbackProvider

    def start(self, **given: str) -> tuple[str, str]:
        """A browser is sent to the provider: the address, and the cookie it holds meanwhile."""
        sent = self.arena.person("GET", f"/login/oidc?{urlencode(given)}")
        assert sent.status_code == 303, sent.text
        return sent.headers["location"], cookie_of(sent, "remit_login")

    def back(self, brought: dict[str, str], cookie: str) -> httpx.Response:
        """The browser comes back."""
        return self.arena.person("GET", f"/login/oidc/callback?{urlencode(brought)}", cookie=cookie, headers=HTML)

    def enter(self, subject: str = "s-anna", *, wish: dict[str, str] | None = None, old: str = "", **claims: Any) -> httpx.Response:
        """Somebody signs in, all the way."""
        address, cookie = self.start(**(wish or {}))
        return self.back(self.provider.sign_in(address, subject, **claims), "; ".join(one for one in (cookie, old) if one))

    def signed_in(self, subject: str = "s-anna", **claims: Any) -> str:
        """The session's cookie of somebody who signs in."""
        done = self.enter(subject, **claims)
        assert done.status_code == 303, done.text
        return cookie_of(done, "remit_session")

    def whom(self, cookie: str, base: str = "/me/v1") -> dict[str, Any]:
        """Who a session is."""
        body: dict[str, Any] = self.arena.person("GET", base, cookie=cookie).json()
        return body

    def makes_passkey(self, cookie: str) -> tuple[SoftPasskey, httpx.Response]:
        """Whoever holds the session makes a passkey with it."""
        passkey = SoftPasskey(self.arena.room.issuer)
        begun = self.arena.room.call("POST", "/login/v1/enrol", {}, cookie=cookie)
        body = {"ceremony": begun["ceremony"], "response": passkey.create(begun["options"]), "label": "phone"}
        return passkey, self.arena.person("POST", "/login/v1/enrol", body, cookie=cookie)

    def logs_out(self, token: str) -> httpx.Response:
        """The provider says that somebody signed out."""
        sent = {"content-type": "application/x-www-form-urlencoded"}
        return self.arena.room.raw(
            "POST", "/oidc/back-channel-logout", headers=sent, content=urlencode({"logout_token": token}).encode(), check=False
        )


def cookie_of(answer: httpx.Response, name: str) -> str:
    """The cookie of a name that an answer sets."""
    return next(
        one.partition(";")[0] for one in answer.headers.get_list("set-cookie") if one.startswith(f"{name}=") and "Max-Age=0" not in one
    )


def refusal(answer: httpx.Response) -> str:
    """The code a page tells for the desk."""
    assert answer.is_error, answer.headers
    assert "set-cookie" not in answer.headers
    return answer.text.partition('<p class="fine">Code for support: <code>')[2].partition("<")[0]


def oidc(provider: LoopbackProvider, folder: Path, **changed: Any) -> dict[str, Any]:
    """The settings' table."""
    secret = folder / "keys" / "oidc-secret"
    secret.parent.mkdir(mode=0o700, exist_ok=True)
    secret.write_text(SECRET)
    secret.chmod(0o600)
    return {
        "issuer": provider.issuer,
        "name": "Acme",
        "client_id": CLIENT,
        "secret_file": str(secret),
        "roles_claim": "groups",
        "roles": {"desk-billing": ["billing"], "desk-security": ["security"]},
        "customers": "known",
        "customer_claim": "customer",
        "vouching_acr": ["gold"],
        **changed,
    }


def known(company: Company, person_id: str = "anna") -> None:
    """A customer whom the desk has added, without any passkey."""
    company.arena.room.control("POST", "/sandbox/v1/people", {"id": person_id, "kind": "customer"})
