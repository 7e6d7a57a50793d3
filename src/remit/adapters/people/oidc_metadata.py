"""The provider's metadata (OpenID Connect Discovery 1.0), read when due and kept for an hour."""

import asyncio
from collections.abc import Mapping
from typing import Final

from remit.adapters.identity.fetching import MAX_DOCUMENT, Fetcher, verify_url
from remit.adapters.people.oidc_terms import ProviderTerms
from remit.domain.errors import Code, Fault, Refused
from remit.domain.structs import struct
from remit.domain.values import Instant, Json, decode_json

MAX_AGE_MS: Final = 3_600_000
RETRY_MS: Final = 10_000
WELL_KNOWN: Final = "/.well-known/openid-configuration"
_LONG_AGO: Final = Instant(-(2**53))


@struct(frozen=True, kw_only=True)
class ProviderMetadata:
    """Used members of the metadata. Optional endpoints are "" where absent."""

    authorization: str
    token: str
    keys: str
    pushed: str
    pushes_only: bool
    userinfo: str
    sign_out: str
    says_iss: bool
    back_channel: bool


class ProviderDiscovery:
    """The provider's metadata."""

    def __init__(self, terms: ProviderTerms, fetcher: Fetcher, method: str) -> None:
        self._terms = terms
        self._fetcher = fetcher
        self._method = method
        self._known: ProviderMetadata | None = None
        self._read_at = self._failed_at = _LONG_AGO
        self._failure = ""
        self._lock = asyncio.Lock()

    async def metadata(self, *, now: Instant, afresh: bool = False) -> ProviderMetadata:
        """Return the metadata, at most an hour old.

        ⚔ Repeated sign-ins query a provider that is down at most every ten seconds.

        Raises:
            Fault: `fault.identity`.
        """
        if afresh or not self._current(now):
            async with self._lock:
                if afresh or (not self._current(now) and not 0 <= now - self._failed_at < RETRY_MS):
                    await self._read(now)
        if self._known is None or not self._current(now):
            raise Fault(Code.FAULT_IDENTITY, self._failure, retry_after_s=RETRY_MS // 1000)
        return self._known

    def _current(self, now: Instant) -> bool:
        return self._known is not None and 0 <= now - self._read_at < MAX_AGE_MS

    async def _read(self, now: Instant) -> None:
        where = f"{self._terms.issuer.removesuffix('/')}{WELL_KNOWN}"
        try:
            value = decode_json(await self._fetcher.fetch(where), max_bytes=MAX_DOCUMENT)
            self._known, self._read_at = self._verified(value), now
        except (Fault, Refused) as failed:
            self._known, self._failed_at, self._failure = None, now, f"{where}: {failed.detail}"

    def _verified(self, value: Json) -> ProviderMetadata:
        """Verify the document and take the used members.

        ⚔ Another issuer's document would make us trust its tokens, and send it our codes.

        Raises:
            Refused: `login.invalid`.

        Source: OpenID Connect Discovery 1.0 §4.3; RFC 8414 §3.3; RFC 9207 §2.4.
        """
        if not isinstance(value, Mapping) or value.get("issuer") != self._terms.issuer:
            raise _wrong("it is of another issuer; people.oidc.issuer must be written exactly as there")
        if "S256" not in _texts(value, "code_challenge_methods_supported", default=("S256",)):
            raise _wrong("it does not know PKCE with S256")
        if "code" not in _texts(value, "response_types_supported", default=("code",)):
            raise _wrong("it does not know response_type code")
        # An absent list means client_secret_basic (Discovery §3).
        if self._method not in _texts(value, "token_endpoint_auth_methods_supported", default=("client_secret_basic",)):
            raise _wrong(f"it does not take {self._method}")
        return ProviderMetadata(
            authorization=self._endpoint(value, "authorization_endpoint"),
            token=self._endpoint(value, "token_endpoint"),
            keys=self._endpoint(value, "jwks_uri"),
            pushed=self._endpoint(value, "pushed_authorization_request_endpoint", needed=False),
            pushes_only=value.get("require_pushed_authorization_requests") is True,
            userinfo=self._endpoint(value, "userinfo_endpoint", needed=self._terms.userinfo),
            sign_out=self._endpoint(value, "end_session_endpoint", needed=False),
            says_iss=value.get("authorization_response_iss_parameter_supported") is True,
            back_channel=value.get("backchannel_logout_supported") is True,
        )

    def _endpoint(self, value: Mapping[str, Json], name: str, *, needed: bool = True) -> str:
        endpoint = value.get(name)
        if endpoint is None and not needed:
            return ""
        if not isinstance(endpoint, str):
            raise _wrong(f"it names no {name}")
        verify_url(endpoint, allow_loopback=self._terms.allow_loopback, allow_private=self._terms.allow_private)
        return endpoint


def _texts(value: Mapping[str, Json], name: str, *, default: tuple[str, ...]) -> tuple[str, ...]:
    listed = value.get(name)
    return tuple(text for text in listed if isinstance(text, str)) if isinstance(listed, list | tuple) else default


def _wrong(reason: str) -> Refused:
    return Refused(Code.LOGIN_INVALID, reason)
