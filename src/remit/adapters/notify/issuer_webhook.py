"""Telling the owner of a leaked credential by a signed POST in the form of Standard Webhooks."""

from datetime import UTC, datetime
from typing import Final

from remit.adapters.notify.webhook import SignedPost
from remit.domain.records import LeakReport
from remit.domain.values import Json
from remit.proof.canonical import canonical

TYPE: Final = "remit.leak"


class IssuerWebhook:
    """One owner's address."""

    def __init__(self, name: str, post: SignedPost, *, desk: str) -> None:
        """`desk` is the desk's own address, by which an owner tells several apart."""
        self._name = name
        self._post = post
        self._desk = desk

    @property
    def name(self) -> str:
        """How the settings call the owner."""
        return self._name

    async def tell(self, report: LeakReport) -> None:
        """Post one report. ⚔ It names what was found and where; the value is not in it."""
        await self._post.send(report.id, _body(report, self._desk))

    async def probe(self) -> str:
        """Connect, and see its certificate."""
        return await self._post.probe()


def _body(report: LeakReport, desk: str) -> bytes:
    data: dict[str, Json] = {
        "id": report.id,
        "desk": desk,
        "owner": report.owner,
        "kind": report.found,
        "fingerprint": report.fingerprint,
        "place": report.place,
        "agent": report.agent,
        "operator": report.operator,
        "task": report.task,
    }
    if report.sha256:
        data["sha256"] = report.sha256
    moment = datetime.fromtimestamp(report.at / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return canonical({"type": TYPE, "timestamp": moment, "data": data})
