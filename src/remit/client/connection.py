"""The agent's connection to one desk: a sender and the desk's metadata, discovered once."""

from dataclasses import dataclass, field

from remit.client import calls
from remit.client.calls import Call
from remit.client.discovery import Metadata, read_server, resource_document, server_document, verify_resource
from remit.client.responses import Answered
from remit.client.transport import Sender, SingleFlight


@dataclass(slots=True, kw_only=True)
class Door:
    """A connection that sends calls and discovers the desk's metadata before the first call that needs it."""

    sender: Sender
    _desk: Metadata | None = None
    _asking: SingleFlight[Metadata] = field(default_factory=SingleFlight)

    async def desk(self) -> Metadata:
        """Return the desk's checked metadata.

        Raises:
            ProtocolError: when it is not the desk we meant (see `discovery`).
            Unavailable: when it cannot be reached.
        """
        if self._desk is None:
            self._desk = await self._asking.run(self._discover)
        return self._desk

    async def send(self, call: Call, *, token: str | None = None) -> Answered:
        """Send one call; see `Sender.send`."""
        return await self.sender.send(call, token=token)

    async def close(self) -> None:
        """Stop a discovery that is under way."""
        await self._asking.stop()

    async def _discover(self) -> Metadata:
        url = self.sender.desk
        server = read_server((await self.send(calls.public(server_document(url)))).json(), desk=url)
        verify_resource((await self.send(calls.public(resource_document(url)))).json(), desk=url)
        return server
