"""The introduction an agent gives to another one that will issue it a sub-mandate. Nothing is sent here."""

from dataclasses import dataclass, field
from typing import Final, Self

from remit.client.errors import Miswritten, ProtocolError
from remit.client.json_fields import decode, encode, object_of, text

_MEMBERS: Final = ("client_id", "assertion_type", "assertion", "key_thumbprint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """An agent's proof to the desk that it wants a sub-mandate: its own assertion and the key it will use.

    ⚔ Anyone holding it can pass for that agent in one request until the assertion expires (a minute, or the life of the
    SVID): hand it over on a private channel. Its `repr` does not show the assertion.
    """

    client_id: str
    assertion_type: str
    assertion: str = field(repr=False)
    key_thumbprint: str

    def to_text(self) -> str:
        """Return one line of text, to be sent to the agent that holds the mandate."""
        return encode({name: getattr(self, name) for name in _MEMBERS}).decode()

    @classmethod
    def from_text(cls, given: str) -> Self:
        """Parse the text from `to_text`.

        Raises:
            Miswritten: `request.malformed` when it is no such text.
        """
        try:
            body = object_of(decode(given.encode()))
            members = {name: text(body, name) for name in _MEMBERS}
        except (AttributeError, UnicodeEncodeError, ProtocolError) as error:
            cure = "Give what `agent.introduce().to_text()` returned at the other agent, unchanged."
            raise Miswritten("request.malformed", detail="it is not the text of an introduction.", cure=cure) from error
        return cls(**members)
