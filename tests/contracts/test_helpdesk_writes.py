"""Writes to a helpdesk over connections that are kept: `tests/real` holds the dialects to real helpdesks."""

import asyncio
import json
import ssl

import pytest

from remit.adapters.helpdesk.remote.roundup import Roundup
from remit.adapters.helpdesk.remote.rt import RequestTracker
from remit.adapters.http.connection import HttpConnections
from remit.domain.errors import Code, Fault

ROWS = json.dumps({"items": [], "data": {"collection": [{"id": "6", "username": "remit", "remit_case": "", "creator": "6"}]}}).encode()
FILE = ("a.txt", "text/plain", b"words")


class HangsUp:
    """A helpdesk that answers what is read, carries out what is written, and ends its connection without an answer."""

    def __init__(self) -> None:
        self.written = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await read_head(reader):
            if not head.startswith(b"GET"):
                self.written += 1
                break
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(ROWS), ROWS))
        writer.close()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@pytest.mark.proves("HELPDESK-WRITER")
@pytest.mark.parametrize("file", [None, FILE], ids=["note", "file"])
@pytest.mark.parametrize("product", ["rt", "roundup"])
def test_a_write_is_not_sent_again_by_itself_when_a_kept_connection_ends(product: str, file: tuple[str, str, bytes] | None) -> None:
    """⚔ A kept connection that ends without an answer may have carried the note to the end: it would stand there twice."""

    async def write() -> int:
        helpdesk = HangsUp()
        server = await asyncio.start_server(helpdesk.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        connections = HttpConnections(url, tls=ssl.create_default_context(), allow_loopback=True, fault=Code.FAULT_CASE)
        rt = RequestTracker(connections, token="t", account="remit", queue="Support", case_field="Remit Case")
        dialect = rt if product == "rt" else Roundup(connections, password="a password", account="remit")
        try:
            assert await dialect.find("case_1") == []
            with pytest.raises(Fault):
                await dialect.add("1", public=False, text="A note.", file=file)
        finally:
            connections.close()
            server.close()
        return helpdesk.written

    assert asyncio.run(write()) == 1
