"""Connections to one directory server: over TLS, at verified addresses, as one of two accounts."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from typing import Final, TypeVar
from urllib.parse import urlsplit

from remit.adapters.backoffice.breaker import CircuitBreaker
from remit.adapters.backoffice.directory import ber, messages
from remit.adapters.backoffice.directory.ber import BerError
from remit.adapters.backoffice.directory.messages import Entry, LdapCode, LdapResult, Scope, Write
from remit.adapters.http.faults import ExchangeFault, Problem
from remit.adapters.identity.fetching import Address, verify_address
from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.ports.world import World

T = TypeVar("T")

READ_S: Final = 2.0
ACT_S: Final = 10.0
_MAX_BYTES: Final = 1024 * 1024
_MAX_IDLE: Final = 8
_TLS_PORT: Final = 636
_PLAIN_PORT: Final = 389
_NOTICE: Final = 0


@struct(frozen=True)
class Account:
    """The name and password of a simple bind."""

    name: str
    password: str = field(repr=False)


class LdapConnection:
    """One connection, one operation at a time. Every failure is `fault.backoffice`, and ends the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak over an open stream."""
        self._reader = reader
        self._writer = writer
        self._number = 0
        self._abandoned = -1
        self._left = _MAX_BYTES

    def close(self) -> None:
        """Drop the connection."""
        self._writer.transport.abort()

    async def bind(self, account: Account) -> None:
        """Prove the account.

        Raises:
            Fault: `fault.backoffice` when it is not accepted.
        """
        result = await self._one(messages.bind_request(account.name, account.password), messages.BIND_ANSWER)
        if result.code != LdapCode.SUCCESS:
            raise ExchangeFault(Problem.CONNECTION, f"{account.name} is not accepted: {explain(result)}")

    async def search(
        self, base: str, scope: Scope, where: bytes, attributes: Sequence[str] = (), *, most: int
    ) -> list[Entry]:
        """Return at most so many entries; none where the base does not exist.

        Raises:
            Fault: `fault.backoffice`.
        """
        asked = messages.search_request(base, scope, where, attributes, most=most, seconds=round(ACT_S))
        await self._send(asked)
        found: list[Entry] = []
        while True:
            tag, content = await self._receive()
            if tag == messages.ENTRY:
                if len(found) == most:
                    await self._abandon()  # some servers send more than was asked for
                    return found
                found.append(messages.parse_entry(content))
            elif tag == messages.SEARCH_DONE:
                result = messages.parse_result(content)
                if result.code == LdapCode.NO_SUCH_OBJECT:
                    return []
                if result.code not in {LdapCode.SUCCESS, LdapCode.SIZE_LIMIT}:
                    raise ExchangeFault(Problem.STATUS, f"search below {base}: {explain(result)}")
                return found
            elif tag != messages.REFERENCE:
                raise BerError("an answer is not to a search")

    async def write(self, write: Write) -> LdapResult:
        """Do one write, and return its result.

        Raises:
            Fault: `fault.backoffice`; it may have been done.
        """
        return await self._write(write, None)

    async def write_together(self, writes: Sequence[Write]) -> LdapResult:
        """Do several writes in one transaction: all, or none with the result of the one that fails.

        Raises:
            Fault: `fault.backoffice`; all of them may have been done.

        Source: RFC 5805.
        """
        started = await self._one(messages.extended_request(messages.START_TRANSACTION), messages.EXTENDED)
        if started.code != LdapCode.SUCCESS or started.value is None:
            raise ExchangeFault(Problem.STATUS, f"no transaction: {explain(started)}")
        for write in writes:
            result = await self._write(write, started.value)
            if result.code != LdapCode.SUCCESS:
                return result
        return await self._commit(messages.end_of_transaction(started.value))

    async def _commit(self, value: bytes) -> LdapResult:
        return await self._one(messages.extended_request(messages.END_TRANSACTION, value), messages.EXTENDED)

    async def _write(self, write: Write, transaction: bytes | None) -> LdapResult:
        answer = messages.ADDED if isinstance(write, messages.Add) else messages.MODIFIED
        return await self._one(messages.write_request(write), answer, messages.write_controls(write, transaction))

    async def _one(self, operation: bytes, answer: int, controls: Sequence[bytes] = ()) -> LdapResult:
        await self._send(operation, controls)
        tag, content = await self._receive()
        if tag != answer:
            raise BerError("an answer is not to its request")
        return messages.parse_result(content)

    async def _abandon(self) -> None:
        self._abandoned = self._number
        await self._send(messages.abandon_request(self._abandoned))

    async def _send(self, operation: bytes, controls: Sequence[bytes] = ()) -> None:
        if self._writer.is_closing() or self._reader.at_eof():
            raise ConnectionResetError("the connection was closed")
        self._number += 1
        self._left = _MAX_BYTES
        self._writer.write(messages.message(self._number, operation, controls))
        await self._writer.drain()

    async def _receive(self) -> tuple[int, bytes]:
        """Read the next answer. ⚔ Its number has to be the request's, and all answers stay within one bound."""
        while True:
            number, tag, content = messages.parse_message(await self._read_message())
            if number == _NOTICE:
                raise ConnectionResetError("the directory ended the connection")
            if number == self._number:
                return tag, content
            if number != self._abandoned:
                raise BerError("an answer is not to its request")

    async def _read_message(self) -> bytes:
        head = await self._reader.readexactly(2)
        more = head[1] & 0x7F if head[1] & 0x80 else 0
        if head[0] != ber.SEQUENCE or more > ber.MAX_LENGTH_BYTES:
            raise BerError("an answer is no message")
        head += await self._reader.readexactly(more)
        _, size = ber.measure(head)
        self._left -= len(head) + size
        if self._left < 0:
            raise ExchangeFault(Problem.SIZE, "the answer is too long")
        return await self._reader.readexactly(size)


class Directory:
    """One server. Reads share kept connections; each act has one of its own, and the account that acts.

    ⚔ One server, not several behind one name: its promises hold at the server that keeps them, and others learn of a
    change later.
    """

    def __init__(
        self, url: str, *, tls: ssl.SSLContext, world: World, reading: Account, acting: Account, allow_loopback: bool
    ) -> None:
        """Use an address of the settings, which are valid."""
        parts = urlsplit(url)
        self.url = url
        self._host = parts.hostname or ""
        self._tls = tls if parts.scheme == "ldaps" else None
        self._port = parts.port or (_PLAIN_PORT if self._tls is None else _TLS_PORT)
        self._reading = reading
        self._acting = acting
        self._allow_loopback = allow_loopback
        self._breaker = CircuitBreaker(world.ticks)
        self._idle: list[LdapConnection] = []

    async def read(self, job: Callable[[LdapConnection], Awaitable[T]]) -> T:
        """Run a job that only reads, again on a new connection where a kept one was closed.

        Raises:
            Fault: `fault.backoffice`.
        """

        async def run() -> T:
            while self._idle:
                kept = self._idle.pop()
                try:
                    return await self._keep_after(kept, job)
                except (ConnectionError, EOFError):
                    continue
            return await self._keep_after(await self._bound(self._reading), job)

        return await self._bounded(run, READ_S)

    async def act(self, job: Callable[[LdapConnection], Awaitable[T]]) -> T:
        """Run a job once, on a connection of its own, as the account that acts.

        Raises:
            Fault: `fault.backoffice`; a write of it may have been done.
        """

        async def run() -> T:
            connection = await self._bound(self._acting)
            try:
                return await job(connection)
            finally:
                connection.close()

        return await self._bounded(run, ACT_S)

    def close(self) -> None:
        """Close the kept connections."""
        while self._idle:
            self._idle.pop().close()

    async def _bounded(self, run: Callable[[], Awaitable[T]], seconds: float) -> T:
        self._breaker.verify_closed()
        try:
            async with asyncio.timeout(seconds):
                done = await run()
        except TimeoutError:
            fault = ExchangeFault(Problem.TIME, f"no answer within {seconds:g} s")
        except Refused as refused:
            fault = ExchangeFault(Problem.CONNECTION, refused.detail)
        except BerError as broken:
            fault = ExchangeFault(Problem.FORM, str(broken))
        except (OSError, EOFError, ValueError) as broken:
            fault = ExchangeFault(Problem.CONNECTION, f"{type(broken).__name__}: {broken}")
        except ExchangeFault as broken:
            # ⚔ What one record or one request brings about closes the directory for nobody else.
            self._breaker.record(fault=broken.problem is Problem.CONNECTION)
            raise
        else:
            self._breaker.record(fault=False)
            return done
        self._breaker.record(fault=True)
        self.close()  # what cut this connection off without a word did so to those that were idle
        raise fault

    async def _keep_after(self, connection: LdapConnection, job: Callable[[LdapConnection], Awaitable[T]]) -> T:
        try:
            done = await job(connection)
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < _MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()
        return done

    async def _bound(self, account: Account) -> LdapConnection:
        connection = await self.connect()
        try:
            await connection.bind(account)
        except BaseException:
            connection.close()
            raise
        return connection

    async def connect(self) -> LdapConnection:
        """Open a connection at an address that was verified.

        Raises:
            OSError: when it cannot be reached.
            Refused: `request.malformed` for an address that is not allowed.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
        verify_server(self._host, addresses, plain=self._tls is None, allow_loopback=self._allow_loopback)
        return await self.dial(addresses)

    async def dial(self, addresses: Sequence[Address]) -> LdapConnection:
        """Open a connection at the first verified address that answers.

        Raises:
            OSError: when none does.
        """
        name = self._host if self._tls else None
        for address in addresses[:-1]:
            try:
                return LdapConnection(*await self._open(str(address), name))
            except OSError:
                continue  # refused, or no way to it: a host without IPv6 has none to the first
        return LdapConnection(*await self._open(str(addresses[-1]), name))

    async def _open(self, address: str, name: str | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(address, self._port, ssl=self._tls, server_hostname=name)


def verify_server(host: str, addresses: Sequence[Address], *, plain: bool, allow_loopback: bool) -> None:
    """Verify that a name leads to one server, at an address that is allowed.

    ⚔ Passwords go over TLS, or stay on this machine. ⚔ A second server learns of an act later, and would do it again.

    Raises:
        Refused: `request.malformed`.
    """
    for address in addresses:
        verify_address(address, allow_loopback=allow_loopback, allow_private=True)
        if plain and not address.is_loopback:
            raise Refused(Code.REQUEST_MALFORMED, "ldap:// is for loopback only")
    if len({address.version for address in addresses}) < len(set(addresses)):
        raise Refused(Code.REQUEST_MALFORMED, f"{host} are several servers: name one of them")


def explain(result: LdapResult) -> str:
    """Return a result in words, for the desk's log."""
    known = {code.value: code.name.lower().replace("_", " ") for code in LdapCode}
    words = known.get(result.code, f"result {result.code}")
    return f"{words} ({result.detail[:200]})" if result.detail else words
