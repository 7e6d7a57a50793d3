"""The customer's consent in the browser: the secrets of one mandate request, and the checks on the redirect that ends it.

Source: RFC 7636 (PKCE), RFC 9207 (`iss`), RFC 6749 §4.1.2.
"""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from remit.client.errors import ProtocolError, Refused
from remit.client.keys import b64url

T = TypeVar("T")
_MANY: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Generic[T]):
    """One mandate request on its way through the browser. `state` and `verifier` are secrets of this process."""

    redirect_uri: str
    granted: asyncio.Future[T] = field(repr=False, compare=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        """The PKCE S256 challenge."""
        return b64url(hashlib.sha256(self.verifier.encode("ascii")).digest())

    def settle(self, redeemed: asyncio.Task[T]) -> None:
        """Pass on to whoever waits what became of the code."""
        if redeemed.cancelled():
            self.granted.cancel()
        elif (error := redeemed.exception()) is not None:
            self.fail(error)
        elif not self.granted.done():
            self.granted.set_result(redeemed.result())

    def fail(self, error: BaseException) -> None:
        """Tell whoever waits that there will be no mandate."""
        if not self.granted.done():
            self.granted.set_exception(error)
            # Nobody may be waiting (`begin` and `finish`); an error looked at is not reported as forgotten.
            self.granted.exception()


def redirect_members(redirect_url: str) -> dict[str, str]:
    """The query of a redirect, each member once.

    Raises:
        ProtocolError: when a member stands twice. ⚔ Which of two codes counts must not depend on who reads.
    """
    try:
        pairs = parse_qsl(urlsplit(redirect_url).query, keep_blank_values=True, max_num_fields=_MANY)
    except ValueError as error:
        raise ProtocolError("the redirect cannot be read") from error
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ProtocolError("a member of the redirect stands twice")
    return members


def verify_redirect(members: dict[str, str], *, issuer: str) -> str:
    """Return the code of a redirect whose state was ours.

    Raises:
        ProtocolError: when the issuer is not our desk. ⚔ Wrong or missing `iss`: a code of one server is handed to another (mix-up).
        Refused: when the customer or the desk said no (`oauth.access_denied`).

    Source: RFC 9207 §2.4; RFC 6749 §4.1.2.
    """
    if members.get("iss") != issuer:
        raise ProtocolError("the redirect does not come from this desk (iss)")
    if members.get("error"):
        raise Refused(
            f"oauth.{members['error']}",
            title="The mandate was not granted",
            detail=members.get("error_description", ""),
            cure="Talk with the customer, then ask again for what they want to grant.",
            challenge={"error": members["error"]},
        )
    if not members.get("code"):
        raise ProtocolError("the redirect carries no code")
    return members["code"]
