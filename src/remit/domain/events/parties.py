"""The parties of shared signals, as the settings name them: receivers of our events, and transmitters we listen to."""

from enum import StrEnum
from typing import Final

from remit.domain.events.kinds import EventEffect
from remit.domain.structs import struct

READ: Final = "ssf.read"
MANAGE: Final = "ssf.manage"
NO_HEADER: Final = ""


class SubjectFormat(StrEnum):
    """The way a receiver is told of a customer: a pseudonym of its own, the desk's id, or the address where known."""

    EMAIL = "email"
    ISS_SUB = "iss_sub"
    OPAQUE = "opaque"


@struct(frozen=True, kw_only=True)
class Receiver:
    """One receiver. `operator` limits it to events of that operator's agents ("" for all of them).

    `push_url` is the address of a stream that the settings fix ("" where the receiver makes its own), `push_header` its
    `Authorization`.
    """

    name: str
    audience: str
    scope: str
    events: tuple[str, ...]
    operator: str
    subject: SubjectFormat
    private_network: bool
    push_url: str = ""
    push_header: str = NO_HEADER

    @property
    def may_manage(self) -> bool:
        """Return whether it may change its stream."""
        return self.scope == MANAGE and not self.push_url


@struct(frozen=True, kw_only=True)
class Transmitter:
    """One transmitter; its events name `audience`. It speaks of `customers` by the company's provider, or of one `operator`'s agents, never both.

    `revoked_session` is the effect of a revoked session on a customer; `poll_url` is where its events are fetched ("" for
    push), with `poll_header`.
    """

    name: str
    issuer: str
    audience: str
    algorithms: frozenset[str]
    customers: bool
    operator: str
    revoked_session: EventEffect
    private_network: bool
    poll_url: str = ""
    poll_header: str = NO_HEADER
    poll_s: int = 10
