"""Auditors' JSON: the transcript, its receipts, and verifying it in place."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import msgspec

from remit.domain.evidence.frameworks import Framework
from remit.domain.evidence.report import Period, frameworks_named, read_period
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.engine.transcript.record import entry_row
from remit.entrypoints.http.bodies import read_as, read_empty_body
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import Receive, Scope, query_parameters, whole_number
from remit.entrypoints.people.api import PeopleApi
from remit.proof.checkpoint import b64
from remit.usecases.desk.case_story import case_story
from remit.usecases.transcript import audit
from remit.usecases.transcript.officers_named import for_auditors
from remit.usecases.transcript.report import CountedLog, Report, no_progress, report_json

ROLES = ("audit", "admin")
LIMIT = 999_999_999
_PROOF = b"text/plain; charset=utf-8"


class SettleContestIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer that settles a contest."""

    text: str


@struct(frozen=True)
class AuditApi:
    """Handlers of one desk."""

    people: PeopleApi
    counted: CountedLog

    @property
    def context(self) -> DeskContext:
        """The desk's parts."""
        return self.people.context

    async def entries(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /audit/v1/entries?low=&ref=&newest=: pages of 200."""
        await self.people.officer(scope, *ROLES)
        asked = query_parameters(scope)
        low = whole_number(asked.get("low", "0"), where="low", most=LIMIT)
        newest = asked.get("newest") == "1"
        rows = await audit.browse_entries(self.context, low=low, ref=asked.get("ref", ""), newest=newest)
        return json_response(200, {"entries": [for_auditors(self.context, one) for one in rows]})

    async def entry(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /audit/v1/entries/{id}."""
        await self.people.officer(scope, *ROLES)
        row = await entry_row(self.context, await audit.find_entry(self.context, found["id"]))
        return json_response(200, for_auditors(self.context, row))

    async def story(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /audit/v1/cases/{case}?low=: a case as a story, oldest first."""
        await self.people.officer(scope, *ROLES)
        low = whole_number(query_parameters(scope).get("low", "0"), where="low", most=LIMIT)
        told = asdict(await case_story(self.context, found["id"], low=low))
        return json_response(200, {**told, "entries": [for_auditors(self.context, one) for one in told["entries"]]})

    async def verify(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /audit/v1/verify: the whole log, now."""
        await self.people.officer(scope, *ROLES)
        await read_empty_body(scope, receive)
        report = await audit.verify_now(self.context)
        body = {
            "verified": True,
            "log": report.origin,
            "entries": report.entries,
            "records": report.records,
            "tiles": report.tiles,
            "root": b64(report.root),
            "took_ms": round(report.seconds * 1000),
        }
        return json_response(200, body)

    async def report(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /audit/v1/report?since=&until=&framework=: the log's evidence for controls, with entries to read."""
        await self.people.officer(scope, *ROLES)
        return json_response(200, report_json(await self._report(query_parameters(scope))))

    async def _report(self, asked: Mapping[str, str]) -> Report:
        period, frameworks = report_query(asked, self.context.frameworks)
        return await self.counted.report(self.context, period=period, frameworks=frameworks, progress=no_progress)

    async def checkpoint(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /audit/v1/checkpoint: the newest signed checkpoint and the key to verify it with."""
        await self.people.officer(scope, *ROLES)
        body = {"checkpoint": await self.context.store.checkpoint(), "key": self.context.signer.log_key()}
        return json_response(200, body)

    async def contests(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /audit/v1/contests: the customers' contests."""
        await self.people.officer(scope, *ROLES)
        return json_response(200, {"contests": await audit.open_contests(self.context)})

    async def settle(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """POST /audit/v1/contests/{id}: settle one with an answer."""
        officer = await self.people.officer(scope, *ROLES)
        settled = await audit.settle_contest(
            self.context, officer, found["id"], (await read_as(scope, receive, SettleContestIn)).text
        )
        return json_response(200, {"contest": settled.id, "open": settled.open})

    async def receipt(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> HttpResponse:
        """GET /log/receipts/{entry} as a person: a C2SP tlog-proof, for a party to the entry alone."""
        return receipt_response(
            found["entry"], await audit.receipt_for(self.context, await self.people.who(scope), found["entry"])
        )


def receipt_response(entry: str, text: str) -> HttpResponse:
    """Build a receipt as a file."""
    name = f'attachment; filename="entry-{entry}.tlog-proof"'.encode()
    return HttpResponse(200, text.encode(), _PROOF, ((b"content-disposition", name), (b"cache-control", b"no-store")))


def report_query(asked: Mapping[str, str], known: Sequence[Framework]) -> tuple[Period, tuple[Framework, ...]]:
    """Parse the period and the known frameworks of a report's address.

    Raises:
        Refused: `request.malformed`.
    """
    names = [asked["framework"]] if asked.get("framework") else []
    return read_period(asked.get("since", ""), asked.get("until", "")), frameworks_named(names, known)
