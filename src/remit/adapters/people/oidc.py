"""Sign-in at the company's OpenID provider: discovery, code exchange, key sets and signatures.

`domain/identity/oidc_login` verifies the claims; the use cases decide the person's identity and roles.
"""

import base64
import hashlib
import secrets
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from remit.adapters.identity.fetching import Fetcher, json_object
from remit.adapters.identity.key_sources import KeySources
from remit.adapters.people.oidc_metadata import ProviderDiscovery, ProviderMetadata
from remit.adapters.people.oidc_terms import ClientProof, ProviderTerms
from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.id_jag import IdJag, verify_id_jag
from remit.domain.identity.jws import UnverifiedJws, read, text_member
from remit.domain.identity.oidc_login import (
    LoggedOut,
    ProvedLogin,
    provider_refusal,
    verify_id_token,
    verify_logout_token,
)
from remit.domain.values import Instant, JsonObject
from remit.ports.identity import KeyUrl
from remit.ports.people import LoginRequest, ProviderStatus

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_OK: Final = 200
_CREATED: Final = 201
_BROKEN: Final = 500
_MAX_LENGTH: Final = 4096
_MAX_TOKEN_LENGTH: Final = 16 * 1024
_THEIRS: Final = frozenset({"server_error", "temporarily_unavailable"})
_FROM_ID_TOKEN: Final = frozenset({"acr", "amr", "aud", "auth_time", "azp", "exp", "iat", "iss", "nonce", "sid", "sub"})
"""Claims of the ID token alone: the userinfo answer is not bound to this sign-in."""


class OidcProvider:
    """One company's provider, for one client."""

    def __init__(self, terms: ProviderTerms, *, tls: ssl.SSLContext | None = None) -> None:
        """Prepare without any request; `tls` None means the system's trust.

        Raises:
            Refused: `settings.invalid` when the client's secret or key is unusable.
        """
        self._terms = terms
        self._proof = ClientProof(terms)
        self._fetcher = Fetcher(
            allow_loopback=terms.allow_loopback,
            tls=tls or ssl.create_default_context(),
            allow_private=terms.allow_private,
        )
        self._discovery = ProviderDiscovery(terms, self._fetcher, self._proof.method)
        self._keys = KeySources(self._fetcher)

    async def address(self, asked: LoginRequest, *, now: Instant) -> str:
        """Return the address at which the browser signs in: the request itself, or the name of a pushed one.

        Source: OpenID Connect Core 1.0 §3.1.2.1; RFC 7636 §4.2; RFC 9126 §4.
        """
        metadata = await self._discovery.metadata(now=now)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).rstrip(b"=").decode()
        request = {
            "response_type": "code",
            "client_id": self._terms.client_id,
            "redirect_uri": self._terms.redirect_uri,
            "scope": " ".join(self._terms.scopes),
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if asked.acr:
            request["acr_values"] = " ".join(asked.acr)
        if asked.max_age_s is not None:
            request["max_age"] = str(asked.max_age_s)
        if metadata.pushes_only:
            request = {"client_id": self._terms.client_id, "request_uri": await self._push(metadata, request, now)}
        joined = "&" if urlsplit(metadata.authorization).query else "?"
        return f"{metadata.authorization}{joined}{urlencode(request)}"

    async def finish(self, unverified: Mapping[str, str], *, asked: LoginRequest, now: Instant) -> ProvedLogin:
        """Exchange the code and verify the ID token."""
        metadata = await self._discovery.metadata(now=now)
        _verify_issuer_of_answer(unverified, metadata, self._terms.issuer)
        if "error" in unverified:
            raise _declined(unverified["error"])
        code = unverified.get("code", "")
        if not 0 < len(code) <= _MAX_LENGTH:
            raise provider_refusal("the answer carries no code")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._terms.redirect_uri,
            "code_verifier": asked.verifier,
        }
        answer = await self._posted(metadata.token, form, token_endpoint=metadata.token, now=now, done=_OK)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise provider_refusal("the token endpoint gave no ID token")
        jws = await self._verified(token, metadata, now)
        terms = self._terms
        proved = verify_id_token(jws, issuer=terms.issuer, client_id=terms.client_id, nonce=asked.nonce, now=now)
        return await self._with_userinfo(proved, answer, metadata) if self._terms.userinfo else proved

    async def sign_out_address(self, *, now: Instant) -> str:
        """Return the provider's sign-out address for the browser.

        No ID token is kept as a hint: the client's id names the requester (OpenID Connect RP-Initiated Logout 1.0 §2).
        """
        try:
            metadata = await self._discovery.metadata(now=now)
        except Fault:
            return ""  # the local sign-out holds, whatever the provider does
        if not metadata.sign_out:
            return ""
        request = {"client_id": self._terms.client_id, "post_logout_redirect_uri": self._terms.signed_out_uri}
        joined = "&" if urlsplit(metadata.sign_out).query else "?"
        return f"{metadata.sign_out}{joined}{urlencode(request)}"

    async def verify_logout(self, unverified_token: str, *, now: Instant) -> LoggedOut:
        """Verify a logout token."""
        metadata = await self._discovery.metadata(now=now)
        jws = await self._verified(unverified_token, metadata, now)
        return verify_logout_token(jws, issuer=self._terms.issuer, client_id=self._terms.client_id, now=now)

    async def verify_id_jag(
        self, unverified: str, *, audience: str, client_id: str, actor: str, jkt: str, now: Instant
    ) -> IdJag:
        """Verify an ID-JAG."""
        metadata = await self._discovery.metadata(now=now)
        try:
            jws = await self._verified(unverified, metadata, now)
        except Refused as refused:
            raise Refused(Code.GRANT_INVALID, f"ID-JAG: {refused.detail}") from None
        terms = self._terms
        return verify_id_jag(
            jws, provider=terms.issuer, issuer=audience, client_id=client_id, actor=actor, jkt=jkt, now=now
        )

    async def refresh(self, *, now: Instant) -> ProviderStatus:
        """Read metadata and keys again."""
        metadata = await self._discovery.metadata(now=now, afresh=True)
        keys = await self._keys.key_set(KeyUrl(url=metadata.keys), now=now)
        return ProviderStatus(
            issuer=self._terms.issuer,
            keys=len(keys.keys),
            says_iss=metadata.says_iss,
            pushes=metadata.pushes_only,
            back_channel=metadata.back_channel,
            key=self._proof.public_key,
        )

    async def _verified(self, unverified: str, metadata: ProviderMetadata, now: Instant) -> UnverifiedJws:
        """Verify a token's signature by the provider's keys, and return the token.

        ⚔ The algorithm is one of ours and of the key's own family: neither `none` nor a secret made of a public key.

        Raises:
            Refused: `login.invalid`.
            Fault: `fault.identity`.

        Source: OpenID Connect Core 1.0 §3.1.3.7; RFC 8725 §3.1.
        """
        try:
            jws = read(unverified, max_chars=_MAX_TOKEN_LENGTH)
            alg = text_member(jws.header, "alg")
            if alg not in self._terms.algorithms:
                raise provider_refusal(f"alg {alg[:40]!r} is not accepted")
            kid = text_member(jws.header, "kid") if "kid" in jws.header else None
            key = await self._keys.verify_key(KeyUrl(url=metadata.keys), kid=kid, alg=alg, now=now)
            key.verify_signature(alg, jws.signature, jws.signing_input)
        except Refused as refused:
            raise provider_refusal(refused.detail) from None
        return jws

    async def _push(self, metadata: ProviderMetadata, request: Mapping[str, str], now: Instant) -> str:
        if not metadata.pushed:
            raise Fault(Code.FAULT_IDENTITY, "the provider wants pushed requests and names no address for them")
        answer = await self._posted(metadata.pushed, request, token_endpoint=metadata.token, now=now, done=_CREATED)
        name = answer.get("request_uri")
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_LENGTH:
            raise Fault(Code.FAULT_IDENTITY, "the provider gave no request_uri")
        return name

    async def _posted(
        self, url: str, form: Mapping[str, str], *, token_endpoint: str, now: Instant, done: int
    ) -> JsonObject:
        """Send a form with this client's proof, and decode the JSON answer."""
        headers, fields = self._proof.proved(token_endpoint=token_endpoint, jti=secrets.token_bytes(16), now=now)
        content = urlencode({**form, **fields}).encode()
        status, body = await self._fetcher.send("POST", url, headers={**_FORM, **headers}, content=content)
        if status >= _BROKEN or status not in {done, 400, 401, 403}:
            raise Fault(Code.FAULT_IDENTITY, f"{url}: status {status}")
        answer = json_object(body, url)
        if status == done:
            return answer
        error = str(answer.get("error", ""))[:80]
        if error == "invalid_grant":
            raise provider_refusal("the provider does not know the code (any more)")
        raise Fault(Code.FAULT_IDENTITY, f"{url}: status {status} {error}")

    async def _with_userinfo(self, proved: ProvedLogin, answer: JsonObject, metadata: ProviderMetadata) -> ProvedLogin:
        """Add the userinfo claims of the same subject.

        ⚔ Another person's access token would bring that person's roles.

        Source: OpenID Connect Core 1.0 §5.3.2, §5.3.4.
        """
        access = answer.get("access_token")
        if not isinstance(access, str) or not access.isascii() or not 0 < len(access) <= _MAX_TOKEN_LENGTH:
            raise provider_refusal("the token endpoint gave no access token for userinfo")
        status, body = await self._fetcher.send("GET", metadata.userinfo, headers={"Authorization": f"Bearer {access}"})
        if status != _OK:
            raise Fault(Code.FAULT_IDENTITY, f"{metadata.userinfo}: status {status}")
        info = json_object(body, metadata.userinfo)
        if info.get("sub") != proved.subject:
            raise provider_refusal("userinfo speaks of somebody else")
        more = {name: value for name, value in info.items() if name not in _FROM_ID_TOKEN}
        return ProvedLogin(
            issuer=proved.issuer,
            subject=proved.subject,
            sid=proved.sid,
            acr=proved.acr,
            auth_at=proved.auth_at,
            claims={**more, **proved.claims},
        )


def _verify_issuer_of_answer(unverified: Mapping[str, str], metadata: ProviderMetadata, issuer: str) -> None:
    """⚔ Refuse the answer of another provider (mix-up), whose code would be sent to this one.

    Source: RFC 9207 §2.4 (a provider that says it sends `iss` always does; one that is sent must fit in any case).
    """
    if unverified.get("iss", "" if metadata.says_iss else issuer) != issuer:
        raise provider_refusal("the answer is not this provider's (iss)")


def _declined(error: str) -> Refused | Fault:
    if error in _THEIRS:
        return Fault(Code.FAULT_IDENTITY, f"the provider says {error}")
    return Refused(Code.LOGIN_DECLINED, f"the provider says {error[:80]!r}")
