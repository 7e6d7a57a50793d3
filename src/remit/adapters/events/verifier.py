"""Verification of others' security event tokens: keys by the settings, type and algorithm pinned."""

from collections.abc import Mapping

from remit.adapters.identity.fetching import Fetcher, keys_address
from remit.adapters.identity.key_sources import KeySources
from remit.domain.errors import Refused
from remit.domain.events.parties import Transmitter
from remit.domain.events.security_event import MAX_TOKEN, SecurityEvent, SetRefused, verify_header, verify_set
from remit.domain.identity import jws
from remit.domain.values import Instant
from remit.ports.identity import KeySource, KeyUrl

DISCOVERY = "/.well-known/ssf-configuration"


class SetVerifier:
    """Verifier of a desk; `sources` are the transmitters' keys by name, those without one are discovered."""

    def __init__(self, fetchers: Mapping[bool, Fetcher], sources: Mapping[str, KeySource]) -> None:
        """Take a fetcher for public addresses (False), and one that may reach private ones (True)."""
        self._fetchers = fetchers
        self._keys = {private: KeySources(fetcher) for private, fetcher in fetchers.items()}
        self._sources = dict(sources)

    async def verify(self, transmitter: Transmitter, unverified: str, *, now: Instant) -> SecurityEvent:
        """Verify a token.

        ⚔ Nothing in the header but `kid` has a say in the key: no `jku`, `jwk` or `x5u` is read.

        Raises:
            Refused: a `SetRefused` with the reason for the transmitter.
            Fault: `fault.identity` without current keys.

        Source: RFC 8725 §3.1, §3.8, §3.10, §3.11; SSF 1.0 §11.
        """
        try:
            token = jws.read(unverified, max_chars=MAX_TOKEN)
        except Refused as refused:
            raise SetRefused("invalid_request", refused.detail) from None
        alg = verify_header(token, algorithms=transmitter.algorithms)
        try:
            kid = jws.text_member(token.header, "kid") if "kid" in token.header else None
            source = await self._source(transmitter)
            key = await self._keys[transmitter.private_network].verify_key(source, kid=kid, alg=alg, now=now)
            key.verify_signature(alg, token.signature, token.signing_input)
        except Refused as refused:
            raise SetRefused("invalid_key", "no key of the transmitter signed it", refused.code) from None
        return verify_set(token.claims, issuer=transmitter.issuer, audience=transmitter.audience, now=now)

    async def _source(self, transmitter: Transmitter) -> KeySource:
        """Return the transmitter's keys: those of the settings, or those its own metadata names.

        Source: SSF 1.0 §7.2 (the issuer in the metadata is the one it was found by).
        """
        known = self._sources.get(transmitter.name)
        if known is not None:
            return known
        fetcher, url = self._fetchers[transmitter.private_network], discovery_url(transmitter.issuer)
        keys = await keys_address(fetcher, url, issuer=transmitter.issuer, max_members=1000)
        self._sources[transmitter.name] = KeyUrl(url=keys)
        return self._sources[transmitter.name]


def discovery_url(issuer: str) -> str:
    """Return where a transmitter's metadata is: the well-known part stands between host and path.

    Source: SSF 1.0 §7.2.1.
    """
    scheme, _, rest = issuer.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}{DISCOVERY}{slash}{path}".removesuffix("/")
