"""People's JSON: the twins of the pages of customer and officer, with the same session and checks."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.human_credentials import CredentialSigns, RequestCredentials
from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.domain.values import decode_json
from remit.engine.context import DeskContext
from remit.engine.mandates.revoke import revoke_mandate
from remit.engine.outbound.check import TextWithheld
from remit.engine.people.accounts import verify_officer
from remit.engine.people.sessions import SIGNIN_PREFIX, sign_out, sign_out_everywhere
from remit.entrypoints.agents.api import borrowed_session
from remit.entrypoints.agents.ended_tasks import has_client_assertion
from remit.entrypoints.http.bodies import read_as, read_empty_body, read_object
from remit.entrypoints.http.cookies import (
    SESSIONS,
    Header,
    desk_for_request,
    desk_in_language,
    request_language,
    session_header,
)
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse, ask_body, json_response, problem_response
from remit.entrypoints.http.request_log import log_fault
from remit.entrypoints.http.wire import (
    Receive,
    Scope,
    header_values,
    malformed_request,
    one_header,
    query_parameters,
    verify_json_or_empty,
    whole_number,
)
from remit.entrypoints.people.bodies import (
    checked_body,
    confirmation_body,
    consent_body,
    localized_refusal,
    person_body,
)
from remit.entrypoints.people.session import request_session, session_cookie, signed_in
from remit.usecases.agents.refused_credentials import refuse_human_credential
from remit.usecases.confirm.answer import answer_invitation, show_invitation
from remit.usecases.confirm.counter_offer import counter_offer, preview_counter_offer
from remit.usecases.confirm.held_words import answer_words, asks_about_words
from remit.usecases.confirm.queue import pending_confirmations
from remit.usecases.mandates.backchannel import pending_requests
from remit.usecases.mandates.grant import decline_request, grant_mandate, view_request
from remit.usecases.mandates.narrow import narrow_mandate
from remit.usecases.people import overview as views
from remit.usecases.people.company_login import sign_out_address
from remit.usecases.people.contact import choose_language
from remit.usecases.people.enrol import begin_enrolment, finish_enrolment
from remit.usecases.people.sign_in import begin_sign_in, finish_sign_in

Handler = Callable[[Scope, Receive, Mapping[str, str]], Awaitable[HttpResponse]]
_SIGNS: Final = CredentialSigns(login_issuers=frozenset(), session_cookies=SESSIONS, session_prefixes=(SIGNIN_PREFIX,))
_SAME: Final = frozenset({"", "same-origin", "none"})


class ConsentIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer on the consent page: cut (show me this instead, in `language`), grant (signed) or decline."""

    answer: str
    mandate: dict[str, Any] | None = None
    ceremony: str = ""
    assertion: dict[str, Any] | None = None
    language: str | None = None


class AnswerIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to a confirmation."""

    answer: str
    assertion: dict[str, Any] | None = None
    language: str | None = None
    """The language in which the act was shown; the request's without it."""


class LessIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The params a person would agree to, and the language to show them in."""

    params: dict[str, Any]
    language: str | None = None


class EnrolIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Begin or finish enrolling a passkey."""

    code: str = ""
    ceremony: str = ""
    response: dict[str, Any] | None = None
    assertion: dict[str, Any] | None = None
    label: str = ""


class AssertedIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Begin or finish an act signed by a passkey alone: signing in, removing a passkey, resuming."""

    ceremony: str = ""
    assertion: dict[str, Any] | None = None


@struct(frozen=True)
class PeopleApi:
    """Handlers of one desk. A changing request is JSON or empty, from our own pages or a tool without an origin."""

    context: DeskContext
    limits: Limits

    async def run(self, handler: Handler, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """Call a handler; turn refusals and faults into problems."""
        try:
            await self.verify_no_workload(scope)
            if scope["method"] == "HEAD":  # ⚔ HEAD is answered like GET and changes nothing (RFC 9110 §9.3.2)
                scope = {**scope, "method": "GET"}
            if scope["method"] == "POST":
                self._verify_ours(scope)
                receive = verify_json_or_empty(scope, receive)
            return await handler(scope, receive, found)
        except TextWithheld as withheld:
            extra = {
                **localized_refusal(withheld, desk_for_request(self.context, scope)),
                **checked_body(withheld.checked, override=withheld.override),
            }
            return problem_response(withheld, issuer=self.context.terms.issuer, extra=extra, people=True)
        except (Refused, Fault) as error:
            log_fault(error, scope["path"])
            if isinstance(error, Refused):
                self.context.noise.note(error, self.context.world)
            issuer = self.context.terms.issuer
            return problem_response(
                error, issuer=issuer, extra=localized_refusal(error, desk_for_request(self.context, scope)), people=True
            )

    async def verify_no_workload(self, scope: Scope) -> None:
        """Refuse a program's own credential beside a person's session: that session is borrowed.

        Raises:
            Refused: `agent.human_credential`; the session is then ended and reported.

        Source: docs/model/peers.md#p1, #p15.
        """
        authorization = header_values(scope, b"authorization")
        if (
            header_values(scope, b"dpop")
            or has_client_assertion(scope)
            or any(value[:5].lower() == "dpop " for value in authorization)
        ):
            cookies = header_values(scope, b"cookie")
            arrival = RequestCredentials(authorization=authorization, cookies=cookies, form={})
            await refuse_human_credential(self.context, arrival, _SIGNS, borrowed_session(authorization, cookies))

    def _verify_ours(self, scope: Scope) -> None:
        """Verify that no foreign page uses a person's session.

        Raises:
            Refused: `person.not_allowed`.

        Source: OWASP CSRF; docs/model/peers.md#p16.
        """
        origin = one_header(scope, b"origin")
        if origin and origin != self.context.terms.issuer:
            raise Refused(Code.PERSON_NOT_ALLOWED, "another origin")
        if one_header(scope, b"sec-fetch-site") not in _SAME:
            raise Refused(Code.PERSON_NOT_ALLOWED, "another site's page")

    async def who(self, scope: Scope, kind: str = "") -> PersonRecord:
        """Return the signed-in person.

        Raises:
            Refused: `person.not_signed_in`, `person.not_allowed` for a person of another kind, `request.rate_limited`.
        """
        return await signed_in(self.context, self.limits, scope, kind)

    async def officer(self, scope: Scope, *roles: str) -> PersonRecord:
        """Return the signed-in officer, with one of the roles if any are named.

        Raises:
            Refused: `person.not_signed_in`, `person.not_allowed`.
        """
        return verify_officer(await self.who(scope), *roles)

    async def _answering(self, scope: Scope) -> PersonRecord:
        """Return the person who may answer pending confirmations. ⚔ A recovered officer must be resumed first."""
        person = await self.who(scope)
        return person if person.kind == "customer" else verify_officer(person)

    async def enrol(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /login/v1/enrol: begin with a code (or session), finish with the responses of new and old passkey."""
        body = await read_as(scope, receive, EnrolIn)
        if body.response is None:
            session = None if body.code else await request_session(self.context, self.limits, scope)
            begun = await begin_enrolment(self.context, code=body.code, session=session)
            person = begun.person
            shown: dict[str, object] = {
                "ceremony": begun.ceremony,
                "options": begun.options,
                "name": person.name if person else "",
            }
            return json_response(200, shown if begun.old is None else {**shown, "old": begun.old})
        done = await finish_enrolment(
            self.context,
            ceremony_id=body.ceremony,
            response=body.response,
            label=body.label,
            assertion=body.assertion,
            cookie=session_cookie(self.context, scope),
        )
        await self._store_language(scope, done.person)
        return json_response(200, person_body(done.person), (_cookie(done.cookie, self.context),))

    async def _store_language(self, scope: Scope, person: PersonRecord) -> None:
        """Store the language of the request for a person without a chosen one."""
        language = request_language(self.context, scope)
        if not person.language and language != self.context.catalogue.languages[0]:
            await choose_language(self.context, person, language)

    async def sign_in(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /login/v1/sign-in: begin, then finish with the assertion."""
        body = await read_as(scope, receive, AssertedIn)
        if body.assertion is None:
            begun = await begin_sign_in(self.context)
            return json_response(200, {"ceremony": begun.ceremony, "options": begun.options})
        done = await finish_sign_in(self.context, ceremony_id=body.ceremony, assertion=body.assertion)
        await self._store_language(scope, done.person)
        await sign_out(
            self.context, session_cookie(self.context, scope)
        )  # the browser's earlier session has no further use
        return json_response(200, person_body(done.person), (_cookie(done.cookie, self.context),))

    async def sign_out(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /login/v1/sign-out."""
        await read_empty_body(scope, receive)
        there = await sign_out(self.context, session_cookie(self.context, scope))
        return await self._signed_out(there=there)

    async def sign_out_everywhere(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /login/v1/sign-out-everywhere: in every browser and tool, for all of the person's accounts."""
        found = await request_session(self.context, self.limits, scope)
        await read_empty_body(scope, receive)
        await sign_out_everywhere(self.context, found.person)
        return await self._signed_out(there=bool(found.session.record.login))

    async def _signed_out(self, *, there: bool) -> HttpResponse:
        """Answer a sign-out; a session from a company login continues to the provider's own sign-out."""
        address = await sign_out_address(self.context) if there else ""
        body = {"redirect": address} if address else {}
        return json_response(200, body, (session_header(self.context.terms.issuer, "", life_s=0),))

    async def me(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /me/v1 and /desk/v1: the signed-in person."""
        return json_response(200, person_body(await self.who(scope)))

    async def request(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET and POST /me/v1/requests/{id}: the consent page's twin."""
        person, spoken = await self.who(scope, "customer"), desk_for_request(self.context, scope)
        if scope["method"] == "GET":
            return json_response(200, consent_body(spoken, await view_request(spoken, found["id"], person)))
        body = await read_as(scope, receive, ConsentIn)
        match body.answer:
            case "cut" if body.mandate is not None:
                spoken = desk_in_language(self.context, scope, body.language)
                return json_response(
                    200, consent_body(spoken, await view_request(spoken, found["id"], person, cut=body.mandate))
                )
            case "grant" if body.assertion is not None:
                redirect = await grant_mandate(
                    self.context, found["id"], person, ceremony_id=body.ceremony, assertion=body.assertion
                )
                return json_response(200, {"redirect": redirect})
            case "decline":
                return json_response(200, {"redirect": await decline_request(self.context, found["id"], person)})
            case _:
                raise malformed_request(
                    "answer must be cut (with mandate), grant (with ceremony and assertion) or decline"
                )

    async def mandates(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /me/v1/mandates."""
        person = await self.who(scope, "customer")
        return json_response(200, {"mandates": await views.list_mandates(self.context, person)})

    async def revoke(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /me/v1/mandates/{id}/revoke."""
        person = await self.who(scope, "customer")
        await read_empty_body(scope, receive)
        stopped = await revoke_mandate(self.context, found["id"], customer=person.id, by=person.id)
        body = {
            "mandate": found["id"],
            "state": "revoked",
            "tasks": [one.task for one in stopped.tasks],
            "took_ms": stopped.took_ms,
        }
        return json_response(200, body)

    async def narrow(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /me/v1/mandates/{id}/narrow: a body that is the narrower remit_mandate."""
        person = await self.who(scope, "customer")
        record = await narrow_mandate(self.context, found["id"], person, await read_object(scope, receive))
        body = {
            "mandate": record.id,
            "version": record.version,
            "authorization_details": [decode_json(record.wire.encode())],
        }
        return json_response(200, body)

    async def waiting(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /me/v1/waiting and /desk/v1/waiting: everything pending for this person, on one page."""
        person = await self._answering(scope)
        body: dict[str, object] = {
            "waiting": await pending_confirmations(desk_for_request(self.context, scope), person)
        }
        if person.kind == "customer":
            body["requests"] = await pending_requests(self.context, person)
        return json_response(200, body)

    async def history(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /me/v1/history?low=: everything done in this customer's name, newest first, or paged from the start."""
        person = await self.who(scope, "customer")
        text = query_parameters(scope).get("low")
        low = None if text is None else whole_number(text, where="low", most=999_999_999)
        return json_response(200, {"entries": await views.customer_history(self.context, person, low=low)})

    async def confirmation(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET and POST /me/v1/confirmations/{id}, and the same under /desk/v1."""
        person, spoken = await self._answering(scope), desk_for_request(self.context, scope)
        if scope["method"] == "GET":
            return json_response(
                200,
                confirmation_body(
                    spoken,
                    await show_invitation(self.context, person, found["id"], language=spoken.catalogue.say.language),
                ),
            )
        body = await read_as(scope, receive, AnswerIn)
        language = desk_in_language(self.context, scope, body.language).catalogue.say.language
        match body.answer:
            case "less":
                reply = await counter_offer(self.context, person, found["id"], body.assertion)
            case "release" | "strip":
                reply = await answer_words(
                    self.context, person, found["id"], said=body.answer, assertion=body.assertion, language=language
                )
            case "no" if await asks_about_words(self.context, found["id"]):
                reply = await answer_words(
                    self.context, person, found["id"], said="no", assertion=None, language=language
                )
            case _:
                reply = await answer_invitation(
                    self.context, person, found["id"], said=body.answer, assertion=body.assertion, language=language
                )
        reply_body = ask_body(reply)
        if spoken.catalogue.say.texts and "reason" in reply_body:
            reply_body = {**reply_body, "reason": spoken.catalogue.say.again(str(reply_body["reason"]))}
        return json_response(200, reply_body)

    async def less(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /me/v1/confirmations/{id}/less: a new challenge for less."""
        person, body = await self._answering(scope), await read_as(scope, receive, LessIn)
        spoken = desk_in_language(self.context, scope, body.language)
        language = spoken.catalogue.say.language
        shown = await preview_counter_offer(self.context, person, found["id"], body.params, language=language)
        return json_response(200, confirmation_body(spoken, shown))


def _cookie(value: str, desk: DeskContext) -> Header:
    return session_header(desk.terms.issuer, value, life_s=desk.terms.session_ttl_s)
