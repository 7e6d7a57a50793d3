"""Forms of pages as a browser without JavaScript sends them. Each is handed to its JSON twin; what a passkey must sign is not among them.

⚔ A page of any site can send a form with a person's session: only one that says it comes from our own origin is read.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec

from remit.domain.errors import Code, Refused
from remit.entrypoints.contest_api import ContestApi
from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.replies import Answer
from remit.entrypoints.signed_in import verify_own_page
from remit.entrypoints.web.layout import page
from remit.entrypoints.web.pages import go
from remit.entrypoints.wire import Receive, Scope, decode_form, malformed, read_body

_MOST: Final = 64 * 1024
_ID: Final = "id"

Twin = Callable[[Scope, Receive, Mapping[str, str]], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class _Form:
    """One form: its twin, what its body says besides the fields that are named, and the page that follows.

    `fields` are sent on as they are. `after` is the address of the page that follows.
    """

    twin: Twin
    after: str
    fields: tuple[str, ...] = ()
    says: Mapping[str, str] | None = None


class PlainForms:
    """The forms of one desk."""

    def __init__(self, people: PeopleApi, contests: ContestApi) -> None:
        self._people = people
        self._forms: Final[Mapping[str, _Form]] = {
            "contest": _Form(contests.contest, "/me", fields=("text",)),
            "decline-act": _Form(people.confirmation, "/me", says={"answer": "no"}),
            "decline-and-end": _Form(people.confirmation, "/me", says={"answer": "no_and_end"}),
            "decline-request": _Form(people.request, "", says={"answer": "decline"}),
            "disown": _Form(contests.disown, "/me", fields=("text",)),
            "revoke": _Form(people.revoke, "/me"),
            "sign-out": _Form(people.sign_out, "/login"),
        }

    async def send(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /forms/{name}: `id` and the form's own fields. Leads to the page that follows, with what was done (`done`).

        Raises:
            Refused: as the twin; `request.not_found` for no form of ours, `person.not_allowed` from another origin.
        """
        form = self._forms.get(found["name"])
        if form is None:
            raise Refused(Code.REQUEST_NOT_FOUND, f"no form {found['name']!r}")
        await self._people.verify_no_workload(scope)
        verify_own_page(self._people.parts.terms.issuer, scope)
        given = decode_form(scope, await read_body(scope, receive, most=_MOST))
        if given.keys() - {_ID, *form.fields}:
            raise malformed("the form has a field that is not its own")
        body: dict[str, Any] = {**(form.says or {}), **{name: given.get(name, "") for name in form.fields}}
        raw = msgspec.json.encode(body) if body else b""
        answer = await form.twin({**scope, "headers": _as_json(scope, raw)}, _whole(raw), {_ID: given.get(_ID, "")})
        if not form.after:
            return await self._left(scope, str(msgspec.json.decode(answer.body)["redirect"]))
        told = go(form.after if form.after == "/login" else f"{form.after}?done={quote(found['name'])}")
        cookies = tuple(one for one in answer.headers if one[0] == b"set-cookie")
        return Answer(told.status, told.body, told.media_type, (*told.headers, *cookies))

    async def _left(self, scope: Scope, redirect: str) -> Answer:
        """The page after a request was declined. The way back is a link: a policy for forms holds for where they lead, too."""
        return page(self._people.parts, "declined.html", await self._people.who(scope, "customer"), back=redirect)


def _as_json(scope: Scope, raw: bytes) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in scope["headers"] if name not in {b"content-type", b"content-length"}]
    return [*kept, (b"content-length", str(len(raw)).encode()), *([(b"content-type", b"application/json")] if raw else [])]


def _whole(raw: bytes) -> Receive:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    return receive
