"""The desk's metadata and the checks on it, before anything else is sent.

Source: RFC 8414 (authorization server), RFC 9728 (protected resource), RFC 9207 (`iss` in the redirect).
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from remit.client.errors import Miswritten, ProtocolError
from remit.client.json_fields import object_of, optional_text, text, texts
from remit.client.values import Json

_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The desk's endpoints, checked: all of them lie at the desk's own origin."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    par_endpoint: str
    revocation_endpoint: str | None
    backchannel_endpoint: str | None


def desk_url(written: str, *, name: str = "desk") -> str:
    """Return the desk's issuer identifier for an address written by the developer; one trailing slash is allowed.

    Raises:
        Miswritten: `settings.invalid` when it is not https (http only on loopback), or carries a query, a fragment or a
            user.
    """
    cure = f"Set {name} to the desk's own address, such as https://support.acme.example."
    if not isinstance(written, str):
        raise Miswritten(
            "settings.invalid", detail=f"{name} is an address, not a value of type {type(written).__name__}.", cure=cure
        )
    url = written.removesuffix("/")
    parts = _split(url)
    if parts is None or parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname:
        # The address is not repeated here: it may contain a password.
        detail = f"{name} is an address without query, fragment and user."
        raise Miswritten("settings.invalid", detail=detail, cure=cure)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        detail = f"{name} is an https address; http is for loopback alone."
        raise Miswritten("settings.invalid", detail=detail, cure=cure)
    return url


def server_document(desk: str) -> str:
    """Return the address of the authorization server metadata (RFC 8414 §3.1: between host and path)."""
    return _well_known(desk, "oauth-authorization-server")


def resource_document(desk: str) -> str:
    """Return the address of the protected resource metadata (RFC 9728 §3.1)."""
    return _well_known(desk, "oauth-protected-resource")


def read_server(answered: Json, *, desk: str) -> Metadata:
    """Verify the authorization server metadata against the desk we meant.

    Raises:
        ProtocolError: when the issuer or the origin of an endpoint differs. ⚔ A document that names foreign endpoints
            would have us send assertions and codes to a stranger (mix-up, RFC 9207 §1).
    """
    body = object_of(answered)
    issuer = text(body, "issuer")
    if issuer != desk:
        raise ProtocolError(
            f"what answers at {desk} calls itself {issuer[:_SHOWN]!r}: the issuer in the metadata is not the desk. "
            "If that is the desk you mean, set desk to that very address"
        )
    if body.get("code_challenge_methods_supported") is not None and "S256" not in texts(
        body, "code_challenge_methods_supported"
    ):
        raise ProtocolError("the desk does not do PKCE with S256")
    return Metadata(
        issuer=desk,
        authorization_endpoint=_endpoint(body, "authorization_endpoint", desk),
        token_endpoint=_endpoint(body, "token_endpoint", desk),
        par_endpoint=_endpoint(body, "pushed_authorization_request_endpoint", desk),
        revocation_endpoint=_optional_endpoint(body, "revocation_endpoint", desk),
        backchannel_endpoint=_optional_endpoint(body, "backchannel_authentication_endpoint", desk),
    )


def verify_resource(answered: Json, *, desk: str) -> None:
    """Verify that the desk's API accepts tokens of its own authorization server.

    Raises:
        ProtocolError: when it names another resource or another server (RFC 9728 §3.3).
    """
    body = object_of(answered)
    resource = text(body, "resource")
    if resource.removesuffix("/") != desk:
        raise ProtocolError(f"the resource in the metadata of {desk} is {resource[:_SHOWN]!r}, not the desk")
    if desk not in texts(body, "authorization_servers"):
        raise ProtocolError("the desk's API does not name the desk as its authorization server")


def _well_known(desk: str, name: str) -> str:
    parts = urlsplit(desk)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path}"


def _endpoint(body: Mapping[str, Json], name: str, desk: str) -> str:
    url = text(body, name)
    if _origin(urlsplit(url)) != _origin(urlsplit(desk)) or "#" in url or "?" in url:
        raise ProtocolError(f"`{name}` does not lie at the desk")
    return url


def _optional_endpoint(body: Mapping[str, Json], name: str, desk: str) -> str | None:
    return None if optional_text(body, name) is None else _endpoint(body, name, desk)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed lazily: a bad port is refused then
    except ValueError:
        return None
    return parts


def _origin(parts: SplitResult) -> tuple[str, str]:
    return parts.scheme, parts.netloc


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
