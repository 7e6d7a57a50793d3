"""The OAuth endpoints: pushed requests, tokens, introspection and revocation."""

import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final

from msgspec import UNSET

from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.assertions import AssertionType
from remit.domain.identity.binding import certificate_binding, token_type
from remit.domain.identity.dpop import ProofRefused
from remit.domain.identity.human_credentials import CredentialSigns, RequestCredentials
from remit.domain.identity.message_signatures import SignedMessage
from remit.domain.identity.oauth_refused import OAuthRefused
from remit.domain.secrets.own_credentials import flatten_text
from remit.domain.structs import replace, struct
from remit.domain.values import Json, decode_json
from remit.engine.agents.authenticate import (
    Caller,
    ClientEvidence,
    WrongCaller,
    admit,
    prove_caller,
    prove_key,
    proves_a_key,
)
from remit.engine.agents.authenticate_request import TokenVerifier
from remit.engine.context import DeskContext
from remit.engine.leaks.revoke import revoke_leaked_in_text
from remit.engine.leaks.scan import LeakSource
from remit.entrypoints.agents import backchannel, challenge
from remit.entrypoints.agents.api import borrowed_session
from remit.entrypoints.agents.backchannel import CIBA, JWT_BEARER
from remit.entrypoints.agents.oauth_requests import (
    ACCESS_TOKEN,
    GRANT_SCOPE,
    MANDATE_TYPE,
    TASK_SCOPE,
    TASK_TYPE,
    UnsupportedValue,
    code_verifier,
    needed,
    opaque_state,
    thumbprint,
    verify_push_parameters,
    verify_token_parameters,
)
from remit.entrypoints.agents.visitors import VisitorEndpoints, is_visitor_request
from remit.entrypoints.http.bodies import OAUTH, mark_proved, read_form
from remit.entrypoints.http.client_certificates import presented_certificate
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse, json_response, oauth_error_response, raw_json
from remit.entrypoints.http.request_log import log_fault
from remit.entrypoints.http.signed_requests import bind_body, is_signed, signed_message
from remit.entrypoints.http.wire import Receive, Scope, header_values, malformed_request
from remit.entrypoints.http.wire_answers import Pushed, TokenResponse
from remit.usecases.agents.meet import prove_or_meet
from remit.usecases.agents.refused_credentials import mark_proofs_used, refuse_human_credential
from remit.usecases.mandates.backchannel import StartedRequest, redeem_backchannel
from remit.usecases.mandates.delegate import DelegateActor, delegate
from remit.usecases.mandates.grant import URN, AuthorizationRequest, push_request, redeem_code
from remit.usecases.mandates.id_jag import redeem_id_jag
from remit.usecases.tasks.introspect import introspect, revoke_token
from remit.usecases.tasks.open import IssuedToken, issue_grant_token, open_task, renew_task_token

_LOG: Final = logging.getLogger("remit")
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACTOR_PROFILE: Final = "ai_agent"
GRANTS: Final = ("authorization_code", EXCHANGE, CIBA, JWT_BEARER)
_WITHOUT_ID_JAG: Final = tuple(one for one in GRANTS if one != JWT_BEARER)
METHODS: Final = ("private_key_jwt", "spiffe_jwt")
"""The methods of every desk."""
PATHS: Final = frozenset(
    {"/oauth/par", "/oauth/token", "/oauth/introspect", "/oauth/revoke", backchannel.PATH, challenge.PATH}
)
_PROVING: Final = frozenset({"/oauth/token", challenge.PATH})
"""Where a key must be proved."""
_ASKING: Final = frozenset({"/oauth/par", backchannel.PATH})
"""Where a key may be named by its thumbprint instead of proved."""


def grant_types(desk: DeskContext) -> tuple[str, ...]:
    """Return the grant types of a desk: assertions of the company's provider only where the settings take them."""
    takes_jag = desk.logins is not None and desk.logins.id_jag
    return GRANTS if takes_jag else _WITHOUT_ID_JAG


@struct(frozen=True)
class OAuth:
    """Handlers of one desk."""

    context: DeskContext
    tokens: TokenVerifier
    signs: CredentialSigns
    limits: Limits

    async def handle(self, scope: Scope, receive: Receive) -> HttpResponse:
        """Answer one request to an OAuth endpoint."""
        try:
            return await self._handle(scope, receive)
        except OAuthRefused as refused:
            return oauth_error_response(refused, named=refused.named)
        except WrongCaller as refused:
            return oauth_error_response(refused, named="invalid_grant")
        except (Refused, Fault) as error:
            log_fault(error, scope["path"])
            return oauth_error_response(error)
        except Exception:  # noqa: BLE001  # an OAuth client reads OAuth's errors, whatever broke
            _LOG.exception("unexpected failure at %s", scope["path"], extra={"event": "request.broken"})
            return oauth_error_response(Fault(Code.FAULT_INTERNAL))

    async def _handle(self, scope: Scope, receive: Receive) -> HttpResponse:
        if scope["method"] != "POST":
            raise Refused(Code.REQUEST_METHOD, "not POST", public="Use POST.")
        self.limits.verify_peer(scope)
        try:
            message = signed_message(scope, self.context.terms.issuer) if is_signed(scope) else None
            form = await self._form(scope, receive)
            visits = self.context.visitors is not None and is_visitor_request(scope, form)
            if visits and not await self._proves(scope, form, message):
                return await VisitorEndpoints(self.context, self.tokens, self.limits).handle(scope, form)
            caller = await self._prove(scope, form, message)
        except Exception as error:
            # ⚔ Any unproved request is counted; a fault is none of the caller's, unless it named what could not be read.
            if not isinstance(error, Fault) or error.code is Code.FAULT_IDENTITY:
                self.limits.count_unproved(scope)
            raise
        self.limits.verify_client(caller.agent.record.id)
        mark_proved(scope)
        try:
            if not caller.agent.rev:
                self.limits.count_registration(scope)
                caller = await admit(self.context, caller)
            caller = self._with_key(scope, caller, form)
            return await self._asked(scope, caller, form)
        except (Refused, Fault) as refused:
            await mark_proofs_used(self.context, caller.marks, refused)
            raise

    def _asked(self, scope: Scope, caller: Caller, form: Mapping[str, str]) -> Awaitable[HttpResponse]:
        match scope["path"]:
            case "/oauth/par":
                return self._push(caller, form)
            case "/oauth/token":
                return self._token(caller, form)
            case backchannel.PATH:
                return self._start_backchannel(caller, form)
            case challenge.PATH:
                return challenge.authorize_transaction(self.context, caller, form)
            case "/oauth/introspect":
                return self._introspect(caller, form)
            case _:
                return self._revoke(caller, form)

    async def _introspect(self, caller: Caller, form: Mapping[str, str]) -> HttpResponse:
        return json_response(200, await introspect(self.context, self.tokens, caller, needed(form, "token")))

    async def _revoke(self, caller: Caller, form: Mapping[str, str]) -> HttpResponse:
        await revoke_token(self.context, self.tokens, caller, needed(form, "token"))
        return json_response(200, {})

    async def _form(self, scope: Scope, receive: Receive) -> Mapping[str, str]:
        """Decode a form, and refuse a person's credential in it or beside it."""
        sent = await read_form(scope, receive)
        # an empty parameter counts as absent (RFC 6749 §3.2)
        form = {name: value for name, value in sent.items() if value}
        authorization, cookies = header_values(scope, b"authorization"), header_values(scope, b"cookie")
        arrival = RequestCredentials(authorization=authorization, cookies=cookies, form=form)
        await refuse_human_credential(
            self.context, arrival, self.signs, borrowed_session(authorization, cookies, form.values())
        )
        return form

    async def _proves(self, scope: Scope, form: Mapping[str, str], message: SignedMessage | None) -> bool:
        """Return whether a client without an assertion proves itself otherwise, as it is registered to.

        A visitor may sign its requests for reasons of its own, or present a certificate: neither makes it an agent.
        """
        if message is None and presented_certificate(scope) is None:
            return False
        return await proves_a_key(self.context, form.get("client_id", ""))

    async def _prove(self, scope: Scope, form: Mapping[str, str], message: SignedMessage | None) -> Caller:
        """Authenticate the calling workload."""
        try:
            if message is not None and not form.get("client_assertion"):
                bind_body(scope, message)
            evidence = ClientEvidence(
                claimed_id=form.get("client_id", ""),
                assertion_type=form.get("client_assertion_type", ""),
                assertion=form.get("client_assertion", ""),
                certificate=presented_certificate(scope),
                message=message,
                newcomers=True,
            )
            if scope["path"] == "/oauth/par":
                caller = await prove_or_meet(self.context, evidence, redirect_uri=form.get("redirect_uri", ""))
            else:
                caller = await prove_caller(self.context, evidence)
        except Refused:
            self.context.leak_scanner.present(form.values(), LeakSource(where="presented"))
            raise
        self.context.leak_scanner.present(form.values(), LeakSource(where="presented", agent=caller.agent.record.id))
        return caller

    def _with_key(self, scope: Scope, caller: Caller, form: Mapping[str, str]) -> Caller:
        """Add the caller's DPoP key: required for a token, optional for a pushed request."""
        path, values = scope["path"], header_values(scope, b"dpop")
        if caller.jkt:
            return _verify_signer_key(caller, form, values)
        if not values and (path in _PROVING or (path in _ASKING and not thumbprint(form))):
            certificate = presented_certificate(scope)
            if certificate is not None:  # the connection proves this key (RFC 8705 §3)
                return replace(caller, jkt=certificate_binding(certificate.thumbprint))
        if path not in _PROVING and not (path in _ASKING and values):
            return caller
        if len(values) != 1:
            public_cure = "Send a `DPoP` header with a fresh proof for this request."
            raise ProofRefused(
                Code.CREDENTIAL_MISSING, "send one DPoP header", public="Send one DPoP proof.", public_cure=public_cure
            )
        expected = thumbprint(form) if path in _ASKING else ""
        return prove_key(self.context, caller, values[0], method="POST", path=path, expected_jkt=expected or None)

    async def _push(self, caller: Caller, form: Mapping[str, str]) -> HttpResponse:
        verify_push_parameters(form, issuer=self.context.terms.issuer)
        jkt = caller.jkt or thumbprint(form)
        if (
            not jkt
            or form.get("response_type") != "code"
            or form.get("code_challenge_method") != "S256"
            or "request_uri" in form
        ):
            raise malformed_request("send response_type=code, code_challenge_method=S256, dpop_jkt and no request_uri")
        wanted = AuthorizationRequest(
            details=_details(form),
            redirect_uri=needed(form, "redirect_uri"),
            state=opaque_state(form),
            code_challenge=needed(form, "code_challenge"),
            jkt=jkt,
        )
        await self._revoke_leaked(caller, wanted.details, wanted.state)
        request = await push_request(self.context, caller, wanted)
        return json_response(201, Pushed(URN + request.id, self.context.terms.request_ttl_s))

    async def _revoke_leaked(self, caller: Caller, details: Json, *texts: str) -> None:
        """Revoke our own credentials that stand in a request, before any of it is stored."""
        agent = caller.agent.record.id
        await revoke_leaked_in_text(
            self.context,
            "\n".join((flatten_text(details), *texts)),
            LeakSource(where="request", agent=agent),
            caller=agent,
            tokens=self.tokens,
        )

    async def _start_backchannel(self, caller: Caller, form: Mapping[str, str]) -> HttpResponse:
        details = _details(form)
        await self._revoke_leaked(caller, details, form.get("binding_message", ""), form.get("login_hint", ""))
        return await backchannel.start_backchannel(self.context, caller, form, details)

    async def _token(self, caller: Caller, form: Mapping[str, str]) -> HttpResponse:
        grant = needed(form, "grant_type")
        taken = grant_types(self.context)
        if grant not in taken:
            raise UnsupportedValue("unsupported_grant_type", f"The grant types here are {', '.join(taken)}.")
        delegates = grant == EXCHANGE and "actor_token" in form
        gives = TASK_SCOPE if grant == EXCHANGE and not delegates else GRANT_SCOPE
        asks = delegates or grant == JWT_BEARER
        verify_token_parameters(form, issuer=self.context.terms.issuer, gives=gives, delegates=asks)
        match grant:
            case "authorization_code":
                redeemed = await redeem_code(
                    self.context,
                    caller,
                    code=needed(form, "code"),
                    verifier=code_verifier(form),
                    redirect_uri=needed(form, "redirect_uri"),
                )
                return _token_answer(issue_grant_token(self.context, caller, redeemed), exchange=False)
            case _ if grant == CIBA:
                redeemed = await redeem_backchannel(self.context, caller, needed(form, "auth_req_id"))
                return _token_answer(issue_grant_token(self.context, caller, redeemed), exchange=False)
            case _ if grant == JWT_BEARER:
                details = _details(form) if "authorization_details" in form else None
                given = await redeem_id_jag(self.context, caller, needed(form, "assertion"), details)
                if isinstance(given, StartedRequest):
                    return backchannel.pending_response(given)
                return _token_answer(issue_grant_token(self.context, caller, given), exchange=False)
            case _ if delegates:
                return await self._delegate(caller, form)
            case _:
                return _token_answer(await self._exchange(caller, form), exchange=True)

    async def _delegate(self, caller: Caller, form: Mapping[str, str]) -> HttpResponse:
        """Exchange a token with an actor_token: issue a sub-mandate to another agent, which then exchanges it."""
        if form.get("subject_token_type") != MANDATE_TYPE or form.get("requested_token_type") != MANDATE_TYPE:
            raise malformed_request(
                f"with an actor_token, subject_token_type and requested_token_type are {MANDATE_TYPE}"
            )
        if needed(form, "actor_token_type") not in set(AssertionType):
            raise malformed_request(f"actor_token_type must be one of {', '.join(AssertionType)}")
        record = await delegate(
            self.context,
            caller,
            DelegateActor(
                assertion_type=form["actor_token_type"],
                assertion=needed(form, "actor_token"),
                client_id=form.get("actor_client_id", ""),
            ),
            mandate_id=needed(form, "subject_token"),
            details=_details(form),
            jkt=thumbprint(form) or needed(form, "dpop_jkt"),
        )
        body = TokenResponse(
            access_token=record.id,
            token_type="N_A",  # noqa: S106  # what RFC 8693 calls no token
            mandate=record.id,
            issued_token_type=MANDATE_TYPE,
            authorization_details=[decode_json(record.wire.encode())],
        )
        return json_response(200, body)

    def _exchange(self, caller: Caller, form: Mapping[str, str]) -> Awaitable[IssuedToken]:
        subject = needed(form, "subject_token")
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise malformed_request("only access tokens are issued")
        match form.get("subject_token_type"):
            case kind if kind == MANDATE_TYPE:
                return open_task(self.context, caller, subject)
            case kind if kind == TASK_TYPE:
                return renew_task_token(self.context, caller, subject)
            case _:
                raise malformed_request(f"subject_token_type must be {MANDATE_TYPE} or {TASK_TYPE}")


def _token_answer(issued: IssuedToken, *, exchange: bool) -> HttpResponse:
    body = TokenResponse(
        access_token=issued.access_token,
        token_type=token_type(issued.mandate.jkt),
        mandate=issued.mandate.id,
        issued_token_type=ACCESS_TOKEN if exchange else UNSET,
        expires_in=issued.expires_in_s,
        scope=TASK_SCOPE if exchange else GRANT_SCOPE,
        authorization_details=[raw_json(issued.mandate.wire)],  # as granted, beside every token (RFC 9396 §7)
        task=issued.task if exchange else UNSET,
        case=issued.case if exchange else UNSET,
    )
    return json_response(200, body)


def _verify_signer_key(caller: Caller, form: Mapping[str, str], proofs: Sequence[str]) -> Caller:
    """Return a caller that signed its request. ⚔ One proof of one key: no second one beside it, no other key named.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_key`.
    """
    if proofs:
        public = "A signed request already proves its key; leave out the DPoP header."
        raise Refused(Code.CREDENTIAL_MALFORMED, "two proofs of possession", public=public)
    if thumbprint(form) not in {"", caller.jkt}:
        raise Refused(
            Code.CREDENTIAL_WRONG_KEY,
            "dpop_jkt is another key",
            public="dpop_jkt does not match the key of the signature.",
        )
    return caller


def _details(form: Mapping[str, str]) -> Json:
    """Parse the requested details, naming the parameter that is not JSON.

    Raises:
        Refused: `mandate.invalid`, `request.malformed_request` where it is missing, `request.too_large`.

    Source: RFC 9396 §5 (invalid_authorization_details).
    """
    text = needed(form, "authorization_details")
    try:
        return decode_json(text.encode(), max_members=OAUTH.members)
    except Refused as refused:
        if refused.code is not Code.REQUEST_MALFORMED:
            raise
        public = (refused.public or "").replace("The body", "authorization_details")
        raise Refused(Code.MANDATE_INVALID, f"authorization_details: {refused.detail}", public=public) from None
