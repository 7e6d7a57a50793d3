"""The port to the people: how somebody learns that something waits or happened."""

from collections.abc import Mapping
from typing import Protocol


class Notify(Protocol):
    """Tells people. Best effort, after the record: a notice that is lost changes nothing that holds.

    A notice carries no secret, no code and no value of a record; it says where to look.
    """

    async def tell(self, *, person: str, address: str, subject: str, text: str, page: str) -> None:
        """Send one person a notice with the page to open."""
        ...

    async def incident(self, *, kind: str, details: Mapping[str, str]) -> None:
        """Tell the desk's security people."""
        ...

    def wake(self, topic: str) -> None:
        """Wake whoever waits on a topic (`ask:<id>`, `task:<id>`) in this process. A hint only."""
        ...

    async def wait(self, topic: str, timeout_s: float) -> None:
        """Wait until the topic is woken or the time is over. Never a promise: read again afterwards."""
        ...
