"""The parties of shared signals and their plugs, and the doors' look-up of them."""

from collections.abc import Mapping

from remit.domain.errors import Code, Refused
from remit.domain.events.parties import Receiver, Transmitter
from remit.domain.structs import struct
from remit.ports.events import EventPosts, EventSigner, EventVerifier, PartyTokens
from remit.ports.identity import Registration


@struct(frozen=True, kw_only=True)
class SharedSignals:
    """Everything of shared signals that the settings turn on; `signer` is None where nothing is sent."""

    receivers: Mapping[str, Receiver]
    transmitters: Mapping[str, Transmitter]
    tokens: PartyTokens
    posts: EventPosts
    verifier: EventVerifier
    signer: EventSigner | None
    clients: Mapping[str, Registration]
    """Registrations of the receivers that fetch OAuth tokens with their keys, by name."""
    verification_interval_s: int
    """The least time between two verifications of a stream."""

    @property
    def takes_pushes(self) -> bool:
        """Return whether a transmitter pushes its events."""
        return any(not one.poll_url for one in self.transmitters.values())

    @property
    def fetches(self) -> bool:
        """Return whether a transmitter's events are fetched."""
        return any(one.poll_url for one in self.transmitters.values())


def signals_of(signals: SharedSignals | None) -> SharedSignals:
    """Return shared signals where they are on.

    Raises:
        Refused: `request.not_found`.
    """
    if signals is None:
        raise Refused(Code.REQUEST_NOT_FOUND, "no shared signals are set up")
    return signals


def signer_of(signals: SharedSignals | None) -> EventSigner:
    """Return the signer of a desk that sends events.

    Raises:
        Refused: `request.not_found`.
    """
    signer = signals_of(signals).signer
    if signer is None:
        raise Refused(Code.REQUEST_NOT_FOUND, "no receiver is set up")
    return signer
