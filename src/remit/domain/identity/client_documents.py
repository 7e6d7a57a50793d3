"""Client id metadata documents: the client id is the https address of its own description.

Fetching is a plug's; the redirect addresses are checked with every registration's.

Source: draft-ietf-oauth-client-id-metadata-document; docs/model/visitors.md#identity.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from remit.domain.errors import Code, Refused
from remit.domain.ids import is_loopback
from remit.domain.secrets.find import find_secrets
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject, decode_json, is_list
from remit.proof.canonical import b64url, canonical

MAX_DOCUMENT_BYTES: Final = 5 * 1024
_MAX_MEMBERS: Final = 200
_MAX_ID_LENGTH: Final = 255
_MAX_REDIRECTS: Final = 32
_ID: Final = re.compile(r"https?://[A-Za-z0-9.\[\]:-]{1,200}/[A-Za-z0-9._~!$&'()*+,;=:@/?-]*", re.ASCII)
_LAST_PORT: Final = 65_535
_SHARED: Final = frozenset({"client_secret", "client_secret_expires_at"})
_METHODS: Final = frozenset({"none", "private_key_jwt"})


@struct(frozen=True, kw_only=True)
class ClientDocument:
    """A client's description of itself. `keys` is its key source, None for a client that proves no key.

    `host` is the only part that anything but the client vouches for: the certificate of the address.
    """

    client_id: str
    host: str
    name: str
    redirect_uris: tuple[str, ...]
    keys: JsonObject | None
    digest: str


def is_document_id(client_id: str) -> bool:
    """Return whether a client id is an address."""
    return client_id.startswith(("https://", "http://"))


def verify_document_id(client_id: str, *, allow_loopback: bool) -> str:
    """Return the host of a client id that can name a document; on http, with its port.

    https with a path, no fragment, user, dot segments or escapes; http on loopback alone, where that is allowed.

    ⚔ The host is the operator, which is suspended as one: another port or a final dot makes no other one of it.

    Raises:
        Refused: `agent.unknown`.

    Source: draft-ietf-oauth-client-id-metadata-document §3.
    """
    if len(client_id) > _MAX_ID_LENGTH or _ID.fullmatch(client_id) is None:
        raise _unusable("client_id must be an https address with a path, without fragment, user or escapes")
    try:
        parts = urlsplit(client_id)
        port = parts.port
    except ValueError:
        raise _unusable("client_id names no host or no port") from None
    segments = parts.path.split("/")
    if "." in segments or ".." in segments or parts.path == "/":
        raise _unusable("client_id must have a path, without dot segments")
    if not parts.hostname or parts.hostname.endswith("."):
        raise _unusable("client_id names no host, or one with a final dot")
    if port is not None and not 0 < port <= _LAST_PORT:
        raise _unusable("client_id names no port")
    if parts.scheme == "http" and not (allow_loopback and is_loopback(parts.hostname)):
        raise _unusable("client_id must be an https address")
    return parts.hostname if parts.scheme == "https" else parts.netloc.lower()


def read_client_document(client_id: str, raw: bytes, *, allow_loopback: bool) -> ClientDocument:
    """Read the document fetched from a client id.

    Raises:
        Refused: `agent.unknown`, the public detail naming the member.

    Source: draft-ietf-oauth-client-id-metadata-document §4; RFC 7591 §2.
    """
    host = verify_document_id(client_id, allow_loopback=allow_loopback)
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise _unusable(f"its document is larger than {MAX_DOCUMENT_BYTES} bytes")
    try:
        found = decode_json(raw, max_members=_MAX_MEMBERS)
    except Refused as refused:
        raise _unusable(f"its document is no strict JSON: {refused.detail}") from None
    if not isinstance(found, Mapping):
        raise _unusable("its document is no JSON object")
    if found.get("client_id") != client_id:
        raise _unusable("its document names another client_id")
    if _SHARED & found.keys():
        raise _unusable("its document holds a shared secret")
    name = found.get("client_name", host)
    return ClientDocument(
        client_id=client_id,
        host=host,
        name=name if isinstance(name, str) and name and not find_secrets(name) else host,
        redirect_uris=_redirects(found.get("redirect_uris")),
        keys=_keys(found),
        digest=b64url(sha256(canonical(found)).digest()),
    )


def _redirects(value: Json) -> tuple[str, ...]:
    listed = value if is_list(value) else ()
    texts = tuple(one for one in listed if isinstance(one, str))
    if not 0 < len(texts) == len(listed) <= _MAX_REDIRECTS:
        raise _unusable(f"redirect_uris must be 1 to {_MAX_REDIRECTS} addresses")
    return texts


def _keys(found: JsonObject) -> JsonObject | None:
    """Return the key source of a client that authenticates by a key of its own; None for a public client.

    A document without a method is a public client's: the method of a shared secret, RFC 7591's default, cannot be.
    """
    method = found.get("token_endpoint_auth_method", "none")
    if not isinstance(method, str) or method not in _METHODS:
        raise _unusable("token_endpoint_auth_method must be none or private_key_jwt")
    if method == "none":
        return None
    uri, inline = found.get("jwks_uri"), found.get("jwks")
    if isinstance(uri, str) and inline is None:
        return {"jwks_url": uri}
    if isinstance(inline, Mapping) and uri is None:
        return {"jwks": inline}
    raise _unusable("private_key_jwt needs one of jwks_uri and jwks")


def _unusable(reason: str) -> Refused:
    return Refused(Code.AGENT_UNKNOWN, reason, public=f"This client is not admitted: {reason}.")
