"""`Signature-Agent`: the origin at which a stranger publishes the keys it signs with (Web Bot Auth)."""

import re
from typing import Final

from remit.domain.identity.message_signatures import SignedMessage, UnverifiedSignature, malformed_signature
from remit.domain.identity.structured_fields import Item, NotStructured, parse_dictionary, parse_item
from remit.domain.ids import is_loopback

_FIELD: Final = "signature-agent"
_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::[1-9][0-9]{0,4})?", re.ASCII
)


def signature_agent(message: SignedMessage, signature: UnverifiedSignature, *, allow_loopback: bool) -> str:
    """Return the origin that the covered `Signature-Agent` names.

    ⚔ Uncovered, a signature that was caught could be laid beside another origin that lists the same key.

    An origin alone, in one spelling, is one agent: a directory elsewhere than at its well-known place is not read.
    http is for loopback, where that is allowed.

    Raises:
        Refused: `credential.malformed`.

    Source: draft-meunier-web-bot-auth-architecture §4.1; draft-meunier-http-message-signatures-directory §3.
    """
    components = [one for one in signature.covered.items if one.value == _FIELD]
    text = message.field(_FIELD)
    if len(components) != 1 or text is None:
        raise malformed_signature("Signature-Agent must be there, and covered once")
    named = _named(text, components[0].parameters.get("key"))
    found = _ORIGIN.fullmatch(named)
    if found is None or (found["scheme"] == "http" and not (allow_loopback and is_loopback(found["host"]))):
        raise malformed_signature(
            "Signature-Agent must be an https origin in small letters, such as https://agent.example"
        )
    return named


def _named(text: str, key: object) -> str:
    """Return the address: of the covered member, of the only one, or of the older form, a single text."""
    try:
        if text.startswith('"'):
            item = parse_item(text)
        else:
            members = parse_dictionary(text)
            if key is None and len(members) != 1:
                raise malformed_signature("Signature-Agent names several; cover one of them with its key")
            member = members.get(str(key)) if key is not None else next(iter(members.values()))
            if not isinstance(member, Item):
                raise malformed_signature("Signature-Agent has no such member")
            item = member
    except NotStructured as wrong:
        raise malformed_signature(f"Signature-Agent: {wrong}") from None
    if not isinstance(item.value, str) or item.parameters:
        raise malformed_signature("Signature-Agent must be a text without parameters")
    return item.value
