"""Connections to a real server that break at will."""

import ssl
from typing import Any

from remit.adapters.http.connection import HttpAnswer, HttpConnections
from remit.domain.errors import Code, Fault


class Cut(HttpConnections):
    """Connections that are cut before a request is sent, or after it was answered.

    `cuts` names how, by method, or by method and the last step of the path (`POST refund`).
    """

    def __init__(self, base: str, cuts: dict[str, str], *, fault: Code = Code.FAULT_CASE) -> None:
        super().__init__(base, tls=ssl.create_default_context(), allow_loopback=True, fault=fault, max_bytes=16_000_000)
        self.cuts = cuts
        self.sent: list[str] = []
        self._cut_fault = fault

    async def send(self, method: str, path: str, **given: Any) -> HttpAnswer:  # type: ignore[override]  # passed on as it is
        last = f"{method} {path.partition('?')[0].rpartition('/')[2]}"
        cut = self.cuts.pop(method, "") or self.cuts.pop(last, "")
        if cut == "before":
            raise Fault(self._cut_fault, "cut before")
        answer = await super().send(method, path, **given)
        if method != "GET":
            self.sent.append(last)
        if cut == "after":
            raise Fault(self._cut_fault, "cut after")
        return answer
