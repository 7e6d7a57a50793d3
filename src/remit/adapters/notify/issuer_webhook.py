"""Report to the issuer of a leaked credential, as a signed POST in the form of Standard Webhooks."""

from typing import Final

from remit.adapters.notify.webhook import SignedPost, encode_event
from remit.domain.records import LeakReport
from remit.domain.values import Json

TYPE: Final = "remit.leak"


class IssuerWebhook:
    """Webhook of one issuer."""

    def __init__(self, name: str, post: SignedPost, *, desk: str) -> None:
        """`desk` is the desk's own address, by which an issuer tells desks apart."""
        self._name = name
        self._post = post
        self._desk = desk

    @property
    def name(self) -> str:
        """Name of the issuer in the settings."""
        return self._name

    async def tell(self, report: LeakReport) -> None:
        """Post one report. ⚔ It names finding and place, never the value."""
        await self._post.send(report.id, _body(report, self._desk))

    async def probe(self) -> str:
        """Connect and verify the certificate."""
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
    return encode_event(TYPE, report.at, data)
