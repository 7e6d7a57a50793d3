"""Forms of pages as a browser without JavaScript sends them. Each is handed to its JSON twin; which there are is in `form_table`.

⚔ A page of any site can send a form with a person's session: only one that says it comes from our own origin is read.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import Person
from remit.entrypoints.faults import note_fault
from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.replies import STATUS, Answer, encode
from remit.entrypoints.signed_in import verify_own_page
from remit.entrypoints.web.form_table import ID, Form, Given
from remit.entrypoints.web.layout import page
from remit.entrypoints.web.pages import Pages, go
from remit.entrypoints.web.plain_words import in_form
from remit.entrypoints.web.sent import REFUSED, Sent, with_sent
from remit.entrypoints.wire import MAX_FORM, Receive, Scope, decode_form, malformed, pairs, read_body


@dataclass(frozen=True, slots=True)
class PlainForms:
    """The forms of one desk."""

    people: PeopleApi
    pages: Pages
    forms: Mapping[str, Form]

    async def send(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /forms/{name}: `id` and the form's own fields. Leads to the page that follows, or answers with one.

        Where it is refused, its own page comes back with why, and with what was entered; so does a page that keeps what was written, where
        that one cannot be shown.

        Raises:
            Refused: as the twin, where nothing was written; `request.not_found` for no form of ours, `person.not_allowed` from another
                origin, `request.malformed` for a field that is not the form's.
        """
        form = self.forms.get(found["name"])
        if form is None:
            raise Refused(Code.REQUEST_NOT_FOUND, f"no form {found['name']!r}")
        await self.people.verify_no_workload(scope)
        verify_own_page(self.people.parts.terms.issuer, scope)
        given = _given(scope, await read_body(scope, receive, most=MAX_FORM), form)
        try:
            answer = await self._handed(scope, form, given)
        except (Refused, Fault) as error:
            back = await self._came_back(scope, found["name"], form, given, error)
            if back is None:
                raise
            return back
        return await self._followed(scope, found["name"], form, given, answer)

    async def _handed(self, scope: Scope, form: Form, given: Given) -> Answer:
        """What the twin says to it."""
        body = form.body(self.people.parts.catalogue, given) if form.body is not None else _as_they_are(form, given)
        about = {ID: given.one(ID)}
        if form.asks:
            asked = {**scope, "method": "GET", "query_string": urlencode(body).encode(), "headers": _headers(scope, b"")}
            return await form.twin(asked, _whole(b""), about)
        raw = encode(body) if body else b""
        return await form.twin({**scope, "headers": _headers(scope, raw)}, _whole(raw), about)

    async def _followed(self, scope: Scope, name: str, form: Form, given: Given, answer: Answer) -> Answer:
        """What follows one that was done."""
        cookies = tuple(one for one in answer.headers if one[0] == b"set-cookie")
        told: dict[str, Any] = msgspec.json.decode(answer.body) if form.told or form.elsewhere else {}
        if form.elsewhere and told.get("redirect"):
            rules = self.people.parts.logins
            company = "" if rules is None else rules.name
            # ⚔ Who only signs out here leaves their sign-in at the company to whoever comes to this browser next.
            shown = page(self.pages.spoken(scope), form.elsewhere, None, away=told["redirect"], company=company)
            return replace(shown, headers=(*shown.headers, *cookies))
        if form.told:
            # Whatever is amiss with who looks at it now, it is done: a link that was made is not lost.
            # ⚔ The way back from a request that was declined is a link: a policy for forms holds for where they lead, too.
            return page(self.pages.spoken(scope), form.told, await self._maybe(scope), told=told, form=name, given=given.all_ones())
        after = form.after.format(id=quote(given.one(ID), safe=""))
        done = name if form.done is None else form.done(given, answer.status)
        led = go(f"{after}?done={quote(done)}" if done else after)
        return Answer(led.status, led.body, led.media_type, (*led.headers, *cookies))

    async def _came_back(self, scope: Scope, name: str, form: Form, given: Given, error: Refused | Fault) -> Answer | None:
        """The page of a form that was refused, with what was entered; None where nothing would be lost without it."""
        title, said, cure = in_form(error, form.known_as or name, self.pages.spoken(scope).catalogue.say)
        sent = Sent(
            name=form.known_as or name,
            about=given.one(form.about) if form.about else "",
            fields=given.values,
            title=title,
            said=said,
            cure=cure,
            status=STATUS[error.code],
        )
        if form.page is not None:
            with contextlib.suppress(Refused, Fault):  # whoever may not see that page either is told of the form alone
                again = with_sent(scope, form.page.path.format(id=given.one(ID)), sent)
                shown = await form.page.handler(again, _whole(b""), {ID: given.one(ID)})
                if REFUSED.encode() in shown.body:
                    note_fault(error, scope["path"])
                    return shown
        written = {key: given.one(key) for key in form.written if given.one(key).strip()}
        if not written:
            return None
        rest = [(key, value) for key, values in given.values.items() if key not in written for value in values]
        return await self.pages.kept(scope, error, form.known_as or name, f"/forms/{name}", written, rest)

    async def _maybe(self, scope: Scope) -> Person | None:
        with contextlib.suppress(Fault):
            return await self.pages.maybe(scope)
        return None


def _given(scope: Scope, raw: bytes, form: Form) -> Given:
    """The fields of a form, each once but those that may be ticked several times. Lines end as people's texts do here."""
    decode_form(scope, raw, repeated=form.many)
    values: dict[str, tuple[str, ...]] = {}
    for key, value in pairs(raw):
        if key != ID and key not in form.fields and not (form.begin and key.startswith(form.begin)):
            raise malformed("the form has a field that is not its own")
        values[key] = (*values.get(key, ()), value.replace("\r\n", "\n"))
    return Given(values)


def _as_they_are(form: Form, given: Given) -> dict[str, object]:
    return {**form.says, **{key: given.one(key) for key in form.fields}}


def _headers(scope: Scope, raw: bytes) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in scope["headers"] if name not in {b"content-type", b"content-length"}]
    return [*kept, (b"content-length", str(len(raw)).encode()), *([(b"content-type", b"application/json")] if raw else [])]


def _whole(raw: bytes) -> Receive:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    return receive
