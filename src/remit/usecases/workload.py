"""Who asks at an agent's door, as it was proved."""

from dataclasses import dataclass

from remit.ports.store import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Who asks, as proved by an access token and a DPoP proof of this very request."""

    task: str
    client_id: str
    actor: str
    jkt: str
    token_jti: str
    marks: tuple[Mark, ...]
