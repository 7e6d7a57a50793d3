"""The role switcher of a demo: one browser becomes each of the invented people. Only where the settings switch it on."""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.engine.people.sessions import resolve_session, sign_out
from remit.entrypoints.http.bodies import read_as
from remit.entrypoints.http.cookies import session_header
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import Receive, Scope, one_header
from remit.entrypoints.people.session import session_cookie, verify_own_page
from remit.entrypoints.web.pages import home_of
from remit.usecases.people.switch_person import (
    has_browser_passkey,
    invite_switched,
    list_switchable,
    switch_person,
)

SWITCH: Final = "/sandbox/v1/switch"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")
"""What a proxy adds: behind one, a caller on another machine has a peer on this one."""


class SwitchIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The person to become, or none to list the people; `passkey` asks for a link to make them one instead."""

    person: str = ""
    passkey: bool = False


@struct(frozen=True)
class SwitcherApi:
    """The handler of one demo."""

    context: DeskContext
    limits: Limits

    async def switch(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /sandbox/v1/switch: the people there are, or a session as one of them, or a link to a passkey of theirs.

        Raises:
            Refused: `person.not_allowed` for a caller of another machine or page, `request.not_found`,
                `request.malformed_request`.
        """
        self._verify_here(scope)
        self.limits.verify_peer(scope)
        body = await read_as(scope, receive, SwitchIn)
        if not body.person:
            return json_response(200, await self._state(scope))
        if body.passkey:
            code = await invite_switched(self.context, body.person)
            return json_response(200, {"page": f"/enrol?code={code}"})
        made = await switch_person(self.context, body.person)
        await sign_out(self.context, session_cookie(self.context, scope))
        header = session_header(self.context.terms.issuer, made.cookie, life_s=self.context.terms.session_ttl_s)
        return json_response(200, {"page": home_of(made.person)}, (header,))

    async def _state(self, scope: Scope) -> Mapping[str, object]:
        people = await list_switchable(self.context)
        try:
            now = (await resolve_session(self.context, session_cookie(self.context, scope))).person
        except Refused:
            now = None
        return {
            "people": [{"id": one.id, "name": one.name, "part": _part(one)} for one in people],
            "person": "" if now is None else now.id,
            "passkey": now is not None and await has_browser_passkey(self.context, now),
        }

    def _verify_here(self, scope: Scope) -> None:
        """⚔ Verify that a page of ours asks, in a browser on this very machine."""
        verify_own_page(self.context.terms.issuer, scope)
        peer = (scope.get("client") or ("", 0))[0]
        if not _is_loopback(peer) or any(one_header(scope, name) for name in _FORWARDED):
            raise Refused(Code.PERSON_NOT_ALLOWED, "the role switcher answers this machine alone")
        if _host(one_header(scope, b"host")) not in {*_LOOPBACK, urlsplit(self.context.terms.issuer).hostname}:
            raise Refused(Code.PERSON_NOT_ALLOWED, "the role switcher answers under its own name alone")


def _part(person: PersonRecord) -> str:
    """Return the part a person plays, in one word: customer, officer, security, audit or admin."""
    if person.kind == "customer":
        return "customer"
    if "admin" in person.roles:
        return "admin"
    return person.roles[0] if len(person.roles) == 1 and person.roles[0] in {"security", "audit"} else "officer"


def _is_loopback(unverified: str) -> bool:
    try:
        return ipaddress.ip_address(unverified).is_loopback
    except ValueError:
        return False


def _host(unverified: str) -> str | None:
    try:
        return urlsplit(f"//{unverified}").hostname
    except ValueError:  # brackets that hold no address
        return None
