"""Safe fetching of a small document over https.

No redirects, no proxies from the environment, no addresses inside our own network.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Final, TypeAlias

import httpx

from remit.domain.errors import Code, Fault, Refused
from remit.domain.ids import is_loopback
from remit.domain.structs import struct
from remit.domain.values import JsonObject, decode_json

MAX_DOCUMENT: Final = 256 * 1024
TIMEOUT_S: Final = 5.0

_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR: Final = ipaddress.ip_network("2002::/16")
_HOST_NAME: Final = re.compile(rb"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_LAST_PORT: Final = 65_535
_OK: Final = 200

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


@struct(frozen=True, kw_only=True)
class Fetched:
    """An answer; header names are in small letters."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@struct(frozen=True, kw_only=True)
class Fetcher:
    """Fetcher of documents; `allow_loopback` is for sandboxes and tests, set by the operator.

    `allow_private` is for addresses in the desk's own settings, never for those that a stranger sends.
    """

    allow_loopback: bool
    tls: ssl.SSLContext
    allow_private: bool = False
    most_bytes: int = MAX_DOCUMENT

    async def fetch(self, url: str) -> bytes:
        """Fetch a document of at most 256 KiB within five seconds.

        Raises:
            Fault: `fault.identity` with the reason for the desk.
        """
        status, document = await self.send("GET", url, headers={})
        if status != _OK:
            raise Fault(Code.FAULT_IDENTITY, f"{url}: status {status}")
        return document

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b""
    ) -> tuple[int, bytes]:
        """Send one request; return status and body, at most 256 KiB within five seconds. Redirects are not followed.

        Raises:
            Fault: `fault.identity` with the reason for the desk.
        """
        answer = await self.ask(method, url, headers=headers, content=content)
        return answer.status, answer.body

    async def ask(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b"") -> Fetched:
        """Send one request as `send` does; return the headers too.

        Raises:
            Fault: `fault.identity` with the reason for the desk.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._send(method, self._verified(url), headers, content)
        except Refused as refused:
            raise Fault(Code.FAULT_IDENTITY, f"{url}: {refused.detail}") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, UnicodeError, ValueError) as failed:
            raise Fault(Code.FAULT_IDENTITY, f"{url}: {type(failed).__name__}") from failed

    def _verified(self, url: str) -> httpx.URL:
        return verify_url(url, allow_loopback=self.allow_loopback, allow_private=self.allow_private)

    async def _send(self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes) -> Fetched:
        """⚔ Resolve the name once and dial the verified address, so that a second DNS answer changes nothing."""
        address = await self._resolve(url)
        target = url.copy_with(host=str(address))
        sent = {
            "Host": url.netloc.decode("ascii"),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            **headers,
        }
        async with (
            httpx.AsyncClient(verify=self.tls, trust_env=False, follow_redirects=False, timeout=TIMEOUT_S) as client,
            client.stream(
                method, target, headers=sent, content=content, extensions={"sni_hostname": url.host}
            ) as response,
        ):
            if "content-encoding" in response.headers:
                raise Fault(Code.FAULT_IDENTITY, f"{url}: status {response.status_code} in a content encoding")
            document = bytearray()
            async for chunk in response.aiter_raw():
                document += chunk
                if len(document) > self.most_bytes:
                    raise Fault(Code.FAULT_IDENTITY, f"{url}: more than {self.most_bytes} bytes")
            sent_back = tuple((name.lower(), value) for name, value in response.headers.multi_items())
            return Fetched(status=response.status_code, headers=sent_back, body=bytes(document))

    async def _resolve(self, url: httpx.URL) -> Address:
        port = url.port or (443 if url.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
        for address in addresses:
            verify_address(address, allow_loopback=self.allow_loopback, allow_private=self.allow_private)
            if url.scheme == "http" and not address.is_loopback:
                raise Refused(Code.REQUEST_MALFORMED, "http is for loopback only")
        return addresses[0]


def json_object(body: bytes, url: str) -> JsonObject:
    """Decode a fetched document that must be a JSON object.

    Raises:
        Fault: `fault.identity`.
    """
    try:
        value = decode_json(body, max_bytes=MAX_DOCUMENT)
    except Refused as refused:
        raise Fault(Code.FAULT_IDENTITY, f"{url}: {refused.detail}") from None
    if not isinstance(value, Mapping):
        raise Fault(Code.FAULT_IDENTITY, f"{url}: no JSON object")
    return value


async def keys_address(fetcher: Fetcher, where: str, *, issuer: str, max_members: int | None = None) -> str:
    """Return the `jwks_uri` of an issuer's metadata.

    ⚔ The document must name this very issuer: another one's would let that one's keys speak for it.

    Raises:
        Fault: `fault.identity`.
        Refused: `request.malformed` for no JSON.

    Source: OpenID Connect Discovery 1.0 §4.3; RFC 8414 §3.3; SSF 1.0 §7.2.
    """
    document = decode_json(await fetcher.fetch(where), max_bytes=MAX_DOCUMENT, max_members=max_members)
    if not isinstance(document, Mapping) or document.get("issuer") != issuer:
        raise Fault(Code.FAULT_IDENTITY, f"{where}: it is of another issuer")
    address = document.get("jwks_uri")
    if not isinstance(address, str):
        raise Fault(Code.FAULT_IDENTITY, f"{where}: it names no jwks_uri")
    return address


def verify_url(unverified: str, *, allow_loopback: bool, allow_private: bool = False) -> httpx.URL:
    """Return the address if a desk may fetch from it: https, or http to loopback where that is allowed.

    Raises:
        Refused: `request.malformed`.

    Source: SPIFFE Federation §5.2.1 (https_web); RFC 9700 §4.
    """
    try:
        url = httpx.URL(unverified)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise _refused("it is no address") from None
    schemes = {"https", "http"} if allow_loopback else {"https"}
    if url.scheme not in schemes or not url.host or url.userinfo or url.fragment:
        raise _refused("it must be https, without user information or fragment")
    if url.scheme == "http" and not is_loopback(url.host):
        raise _refused("it must be https; http is for this machine alone")
    if url.port is not None and not 0 < url.port <= _LAST_PORT:
        raise _refused("it names no port")
    try:
        literal = ipaddress.ip_address(url.host)
    except ValueError:
        if _HOST_NAME.fullmatch(url.raw_host) is None:
            raise _refused("it names no host") from None
        return url
    verify_address(literal, allow_loopback=allow_loopback, allow_private=allow_private)
    return url


def verify_address(address: Address, *, allow_loopback: bool, allow_private: bool = False) -> Address:
    """Return the address if it is public, or private where that is allowed: never link-local.

    ⚔ A registration's URL must not make the desk read its own cloud metadata, intranet or localhost; an address that
    wraps an IPv4 address counts as that.

    Raises:
        Refused: `request.malformed`.

    Source: RFC 6890; OWASP SSRF.
    """
    inner = _unwrapped(address)
    if inner.is_loopback and allow_loopback:
        return address
    if (
        allow_private
        and inner.is_private
        and not (inner.is_loopback or inner.is_link_local or inner.is_reserved or inner.is_unspecified)
    ):
        return address
    outside = isinstance(inner, ipaddress.IPv6Address) and inner not in _GLOBAL_UNICAST
    if outside or not inner.is_global or inner.is_multicast or inner.is_reserved or inner.is_unspecified:
        raise _refused("it leads to a special-use address")
    return address


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return address.ipv4_mapped or address


def _refused(reason: str) -> Refused:
    return Refused(
        Code.REQUEST_MALFORMED, f"key address: {reason}", public=f"The address of the keys cannot be used: {reason}."
    )
