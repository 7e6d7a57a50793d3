"""The two ways into a desk that a story begins with: the built-in passkey login, and the company's OpenID provider."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Page, expect

from browser.desk_server import serving
from browser.visits import Visit
from provider.real import RealProvider, free_port, real_provider

SECRET = "of the desk and its provider alone"
PEOPLE: dict[str, tuple[str, str, list[str]]] = {
    "anna": ("customer", "Anna Berg", []),
    "olga": ("officer", "Olga Kern", ["billing"]),
    "bea": ("officer", "Bea Lund", ["billing"]),
    "sam": ("officer", "Sam Hale", ["security"]),
    "kim": ("officer", "Kim Osei", ["security"]),
    "ada": ("officer", "Ada Quist", ["audit"]),
}
"""By id: kind, name and roles."""


class Login(Protocol):
    """How people come in, and out again."""

    issuer: str
    """The desk's address."""
    others: frozenset[str]
    """The sites that it leads people to besides the desk."""

    def join(self, one: Visit, person: str) -> None:
        """Come in for the first time, and make a passkey that counts at once."""
        ...

    def again(self, one: Visit, first: Visit, person: str) -> None:
        """Come in with another device."""
        ...

    def leave(self, page: Page) -> None:
        """What follows after all sign-ins were ended, up to the page one signs in at."""
        ...


class PasskeyLogin:
    """The built-in login: a one-time link, and passkeys that a person has on all devices."""

    others: frozenset[str] = frozenset()

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def join(self, one: Visit, person: str) -> None:
        kind, name, roles = PEOPLE[person]
        one.enrol(person, kind, name, roles)

    def again(self, one: Visit, first: Visit, person: str) -> None:
        del person
        for credential in first.cdp.send("WebAuthn.getCredentials", {"authenticatorId": first.authenticator})["credentials"]:
            one.cdp.send("WebAuthn.addCredential", {"authenticatorId": one.authenticator, "credential": credential})
        one.open("/me")
        one.page.get_by_role("button", name="Sign in with a passkey").click()

    def leave(self, page: Page) -> None:
        page.wait_for_url("**/login")


class CompanyLogin:
    """The company's OpenID provider, whose strong sign-in vouches for a first passkey."""

    def __init__(self, issuer: str, provider: RealProvider) -> None:
        self.issuer = issuer
        self.others = frozenset({provider.issuer})
        self._provider = provider
        claims = {
            "customer": lambda person, _: {"customer": person},
            "officer": lambda _, roles: {"groups": [f"desk-{one}" for one in roles]},
        }
        provider.know({f"p-{person}": {"name": name, **claims[kind](person, roles)} for person, (kind, name, roles) in PEOPLE.items()})

    def join(self, one: Visit, person: str) -> None:
        self._sign_in(one, person)
        expect(one.page.get_by_text("Acme has just confirmed your identity")).to_be_visible()
        one.ready()
        one.page.get_by_label("Device name").fill("My laptop")
        one.page.get_by_role("button", name="Create passkey").click()
        one.page.wait_for_url(one.desk.room.issuer + self._start(person))

    def again(self, one: Visit, first: Visit, person: str) -> None:
        del first
        self._sign_in(one, person)

    def leave(self, page: Page) -> None:
        page.wait_for_url("**/session/end?*")
        page.get_by_role("button", name="Yes, sign me out").click()
        page.wait_for_url("**/login")

    def _sign_in(self, one: Visit, person: str) -> None:
        one.open(self._start(person))
        one.page.get_by_role("link", name="Sign in with Acme").click()
        one.page.get_by_label("Who").fill(f"p-{person}")
        one.page.get_by_label("How").fill("gold")
        one.page.get_by_role("button", name="Enter").click()

    def _start(self, person: str) -> str:
        kind, _, roles = PEOPLE[person]
        return "/me" if kind == "customer" else {"audit": "/audit", "security": "/security"}.get(roles[0], "/desk")


@contextmanager
def passkey_login(folder: Path, catalogue: dict[str, Any], facts: dict[str, Any], terms: dict[str, int]) -> Iterator[PasskeyLogin]:
    """A desk with the built-in login alone."""
    with serving(folder, catalogue, facts, terms) as issuer:
        yield PasskeyLogin(issuer)


@contextmanager
def company_login(folder: Path, catalogue: dict[str, Any], facts: dict[str, Any], terms: dict[str, int]) -> Iterator[CompanyLogin]:
    """A desk where everybody signs in at the company's provider, and nowhere else."""
    port = free_port()
    credential = folder / "own" / "secret"
    credential.parent.mkdir(mode=0o700)
    credential.write_text(SECRET)
    credential.chmod(0o600)
    oidc = {
        "issuer": f"http://127.0.0.1:{port}",
        "name": "Acme",
        "client_id": "remit",
        "secret_file": str(credential),
        "roles_claim": "groups",
        "roles": {f"desk-{role}": [role] for role in ("billing", "security", "audit")},
        "customers": "create",
        "customer_claim": "customer",
        "vouching_acr": ["gold"],
    }
    client = {"token_endpoint_auth_method": "client_secret_basic", "client_secret": SECRET}
    with (
        serving(folder, catalogue, facts, terms, people={"oidc": oidc, "passkey_login": False}) as issuer,
        real_provider(folder, port, issuer, client) as provider,
    ):
        yield CompanyLogin(issuer, provider)
