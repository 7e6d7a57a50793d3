"""Auditors' JSON: the transcript, its receipts, and verifying it in place."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import msgspec

from remit.domain.evidence.frameworks import Framework
from remit.domain.evidence.report import Period, frameworks_named, read_period
from remit.engine.context import Parts
from remit.engine.transcript.record import entry_row
from remit.entrypoints.http.replies import Answer, json_answer
from remit.entrypoints.http.wire import Receive, Scope, decode_as, query, read_body, read_nothing, whole_number
from remit.entrypoints.people.api import PeopleApi
from remit.proof.checkpoint import b64
from remit.usecases.desk.case_story import story
from remit.usecases.transcript import audit
from remit.usecases.transcript.report import CountedLog, Report, quiet, report_json

ROLES = ("audit", "admin")
MOST = 999_999_999
_PROOF = b"text/plain; charset=utf-8"


class SettleIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a contest was settled."""

    text: str


@dataclass(frozen=True, slots=True)
class AuditApi:
    """Handlers of one desk."""

    people: PeopleApi
    counted: CountedLog

    @property
    def parts(self) -> Parts:
        """The desk's parts."""
        return self.people.parts

    async def entries(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /audit/v1/entries?low=&ref=&newest=: pages of 200."""
        await self.people.officer(scope, *ROLES)
        asked = query(scope)
        low = whole_number(asked.get("low", "0"), where="low", most=MOST)
        rows = await audit.browse(self.parts, low=low, ref=asked.get("ref", ""), newest=asked.get("newest") == "1")
        return json_answer(200, {"entries": rows})

    async def entry(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> Answer:
        """GET /audit/v1/entries/{id}."""
        await self.people.officer(scope, *ROLES)
        return json_answer(200, await entry_row(self.parts, await audit.one_entry(self.parts, found["id"])))

    async def story(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> Answer:
        """GET /audit/v1/cases/{case}?low=: a case as a story, oldest first."""
        await self.people.officer(scope, *ROLES)
        low = whole_number(query(scope).get("low", "0"), where="low", most=MOST)
        return json_answer(200, asdict(await story(self.parts, found["id"], low=low)))

    async def verify(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> Answer:
        """POST /audit/v1/verify: the whole log, now."""
        await self.people.officer(scope, *ROLES)
        await read_nothing(scope, receive)
        report = await audit.verify_now(self.parts)
        return json_answer(
            200,
            {
                "verified": True,
                "log": report.origin,
                "entries": report.entries,
                "records": report.records,
                "tiles": report.tiles,
                "root": b64(report.root),
                "took_ms": round(report.seconds * 1000),
            },
        )

    async def report(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /audit/v1/report?since=&until=&framework=: what the log shows about controls, with the entries to look at first."""
        await self.people.officer(scope, *ROLES)
        return json_answer(200, report_json(await self._report(query(scope))))

    async def _report(self, asked: Mapping[str, str]) -> Report:
        period, frameworks = asked_for(asked, self.parts.frameworks)
        return await self.counted.report(self.parts, period=period, frameworks=frameworks, progress=quiet)

    async def checkpoint(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /audit/v1/checkpoint: the newest signed checkpoint and the key to check it with."""
        await self.people.officer(scope, *ROLES)
        return json_answer(200, {"checkpoint": await self.parts.store.checkpoint(), "key": self.parts.signer.log_key()})

    async def contests(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /audit/v1/contests: what customers contest."""
        await self.people.officer(scope, *ROLES)
        return json_answer(200, {"contests": await audit.open_contests(self.parts)})

    async def settle(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """POST /audit/v1/contests/{id}: settle one with an answer."""
        officer = await self.people.officer(scope, *ROLES)
        settled = await audit.settle_contest(
            self.parts, officer, found["id"], decode_as(await read_body(scope, receive), SettleIn).text
        )
        return json_answer(200, {"contest": settled.id, "open": settled.open})

    async def receipt(self, scope: Scope, _receive: Receive, found: Mapping[str, str]) -> Answer:
        """GET /log/receipts/{entry} as a person: a C2SP tlog-proof, for a party to the entry alone."""
        return proof_answer(
            found["entry"], await audit.receipt_for(self.parts, await self.people.who(scope), found["entry"])
        )


def proof_answer(entry: str, text: str) -> Answer:
    """A receipt as a file."""
    name = f'attachment; filename="entry-{entry}.tlog-proof"'.encode()
    return Answer(200, text.encode(), _PROOF, ((b"content-disposition", name), (b"cache-control", b"no-store")))


def asked_for(asked: Mapping[str, str], known: Sequence[Framework]) -> tuple[Period, tuple[Framework, ...]]:
    """The period and those of the known frameworks that the parameters of an address ask a report for.

    Raises:
        Refused: `request.malformed`.
    """
    names = [asked["framework"]] if asked.get("framework") else []
    return read_period(asked.get("since", ""), asked.get("until", "")), frameworks_named(names, known)
