"""Notices by mail, over SMTP to the desk's own mail server. `mail` composes them."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.headerregistry import Address
from typing import Final, Literal

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from remit.adapters.notify.mail import compose
from remit.domain.structs import struct
from remit.domain.text.normalize import make_visible
from remit.ports.notify import DeliveryFailed, DeliveryObstacle, Letter

_REFUSED: Final = 500
_CLOSING: Final = 421
_MAX_REASON_LENGTH: Final = 200
_GOODBYE_S: Final = 2.0


@struct(frozen=True, kw_only=True)
class MailServer:
    """Mail server. `timeout_s` bounds one whole letter, `tls` says which certificates are accepted."""

    host: str
    port: int
    security: Literal["starttls", "tls", "plain"]
    tls: ssl.SSLContext
    user: str
    password: str
    timeout_s: float


class SmtpCarrier:
    """Carrier to a mail server, one connection per letter: there are few, and an idle connection may be dead."""

    name = "smtp"
    needs_address = True

    def __init__(self, server: MailServer, *, sender: Address) -> None:
        self._server = server
        self._sender = sender

    async def carry(self, letter: Letter) -> None:
        """Hand over one letter."""
        mail = compose(letter, sender=self._sender)
        with _delivery_errors():
            async with self._connected() as smtp:
                await smtp.send_message(mail, sender=self._sender.addr_spec, recipients=[letter.address])

    async def probe(self) -> str:
        """Connect securely, sign in, and say goodbye."""
        with _delivery_errors():
            async with self._connected() as smtp:
                await smtp.noop()
        how = {"starttls": "with STARTTLS", "tls": "over TLS", "plain": "without TLS"}[self._server.security]
        access = ", and lets us in" if self._server.user else ""
        return f"{self._server.host}:{self._server.port} answers {how}{access}"

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[SMTP]:
        """Open a secured, signed-in connection.

        ⚔ STARTTLS is required, never opportunistic: a server that offers none, or an attacker before it, gets no letter
        and no password.
        """
        server = self._server
        async with asyncio.timeout(server.timeout_s):
            smtp = SMTP(
                hostname=server.host,
                port=server.port,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                tls_context=None if server.security == "plain" else server.tls,
                local_hostname=self._sender.domain,
                timeout=server.timeout_s,
            )
            transport: asyncio.BaseTransport | None = None
            try:
                await smtp.connect()
                transport = smtp.transport
                if server.user:
                    await smtp.login(server.user, server.password)
                yield smtp
                # What was accepted stays accepted, however the goodbye goes.
                with contextlib.suppress(SMTPException, OSError, TimeoutError):
                    async with asyncio.timeout(_GOODBYE_S):
                        await smtp.quit()
            finally:
                smtp.close()
                # A server that does not close its side must not hold ours open.
                if isinstance(transport, asyncio.WriteTransport):
                    transport.abort()


@contextmanager
def _delivery_errors() -> Iterator[None]:
    """Translate errors of server and network into delivery obstacles.

    Source: RFC 5321 §4.2.1 (4yz: try again; 5yz: do not).
    """
    try:
        yield
    except SMTPRecipientsRefused as refused:
        first = refused.recipients[0]
        reason = f"the server does not take mail for this address: {_reply(first)}"
        raise DeliveryFailed(_of_letter(first.code), reason) from None
    except (SMTPRecipientRefused, SMTPDataError) as refused:
        reason = f"the server does not take this mail: {_reply(refused)}"
        raise DeliveryFailed(_of_letter(refused.code), reason) from None
    except SMTPAuthenticationError as refused:
        # ⚔ Not the server's words: some repeat what they were given.
        raise _carrier_failed(f"the server does not let us in: {refused.code}") from None
    except SMTPResponseException as refused:
        raise _carrier_failed(f"the server says no: {_reply(refused)}") from None
    except ssl.SSLError as broken:
        raise _carrier_failed(f"no secure connection: {_plain(broken.reason or 'TLS')}") from None
    except TimeoutError:
        raise _carrier_failed("the server does not answer in time") from None
    except SMTPException as broken:
        raise _carrier_failed(f"{type(broken).__name__}: {_plain(broken.message)}") from None
    except (OSError, ValueError, LookupError) as broken:  # ⚔ also an unreadable answer
        raise _carrier_failed(f"the server cannot be reached: {type(broken).__name__}") from None


def _carrier_failed(reason: str) -> DeliveryFailed:
    return DeliveryFailed(DeliveryObstacle.CARRIER, reason)


def _of_letter(code: int) -> DeliveryObstacle:
    if code == _CLOSING:
        return DeliveryObstacle.CARRIER
    return DeliveryObstacle.NEVER if code >= _REFUSED else DeliveryObstacle.LETTER


def _reply(refused: SMTPResponseException) -> str:
    return f"{refused.code} {_plain(refused.message)}"


def _plain(text: str) -> str:
    return make_visible(text)[:_MAX_REASON_LENGTH]
