"""What `remit doctor` looks at of the company's OpenID provider: that it can be reached, and is the one that the settings mean."""

import asyncio
import time
from collections.abc import Iterator

from remit.cli.findings import Finding
from remit.domain.errors import Fault
from remit.domain.values import Instant
from remit.settings import Settings
from remit.wiring import provider_of


def look_at_login(settings: Settings) -> Iterator[Finding]:
    """Metadata and keys of the provider, read as a sign-in reads them; nothing without one.

    Raises:
        Refused: `settings.invalid` when the client's secret or key cannot be used.
    """
    provider = provider_of(settings)
    if provider is None:
        return
    try:
        reached = asyncio.run(provider.look(now=Instant(time.time_ns() // 1_000_000)))
    except Fault as fault:
        yield Finding(
            name="login",
            state="wrong",
            says=f"{fault.detail}: nobody can sign in there.",
            cure="See that it answers, and that people.oidc.issuer is written exactly as it calls itself.",
        )
        return
    yield Finding(name="login", state="ok", says=f"{reached.issuer} answers, with {reached.keys} keys")
    if not reached.says_iss:
        yield Finding(
            name="login",
            state="look",
            says="the provider does not name itself in its answers (RFC 9207).",
            cure="Turn that on there, above all where this desk ever used another provider.",
        )
    if not reached.back_channel:
        yield Finding(
            name="login",
            state="look",
            says="the provider does not say that it tells of sign-outs (back-channel logout).",
            cure=f"Turn it on there, for {settings.issuer}/oidc/back-channel-logout; else keep terms.session_ttl_s short.",
        )
    if reached.key:
        yield Finding(name="login", state="ok", says=f"this desk's public key there is {reached.key}")
