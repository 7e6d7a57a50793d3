"""Reports to issuers of leaked foreign credentials: recorded with the incident, sent later.

⚔ A report names kind, place and a keyed fingerprint, never the value; a plain digest only by the settings.
"""

import contextlib
from collections.abc import Collection
from hashlib import sha256
from typing import Final

from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.incidents.records import IncidentCause, IncidentKind
from remit.domain.policy.decision import LEAKED
from remit.domain.records import LeakReport, PersonRecord, TaskRecord
from remit.domain.secrets.issuer_credentials import IssuedCredential
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.engine.incidents import commit_with_incident
from remit.engine.leaks.scan import LeakSource
from remit.engine.notices import Notices, access_notices
from remit.engine.transcript.record import draft_entry, pseudonym
from remit.ports.store import Commit, LimitReached, Put, RecordMissing, Replayed, ReplayMark, Reserve
from remit.proof.canonical import b64url

_TRIED_MS: Final = 3 * 24 * 3600 * 1000
"""Time limit for notifying an issuer."""
_ONCE_MS: Final = 24 * 3600 * 1000
"""Period in which the same credential of a task is not reported again."""
_MAX_A_TASK: Final = 64
"""⚔ Maximum reports per task: text that looks like an issuer's credentials must not flood them."""
_SCOPE: Final = "leaks"
_TEXT: Final = marked(
    "A message from an agent that acts for you contained someone else's credential. We are informing its owner."
)


async def notify_issuers(desk: DeskContext, found: Collection[IssuedCredential], at: LeakSource) -> None:
    """Record each foreign credential found, with the report to its issuer, once a day per task and value.

    Raises:
        Fault: `fault.store`; then no report is sent.

    Source: docs/model/model.md#leaks.
    """
    for one in found:
        with contextlib.suppress(Replayed, LimitReached):
            await _tell(desk, one, at)


async def _tell(desk: DeskContext, credential: IssuedCredential, at: LeakSource) -> None:
    rule = next(rule for rule in desk.leak_scanner.owners if rule.name == credential.owner)
    now = desk.world.now()
    fingerprint = b64url(desk.signer.keyed("fingerprint", credential.value.encode())[:16])
    task = await _task(desk, at.task)
    report = LeakReport(
        id=new_id("leak", desk.world.random(16)),
        owner=credential.owner,
        found=credential.kind,
        fingerprint=fingerprint,
        sha256=sha256(credential.value.encode()).hexdigest() if rule.sends_sha256 else "",
        place=at.where,
        agent=at.agent,
        operator="" if task is None else task.operator,
        task=at.task,
        at=now,
        due_at=now,
        until=Instant(now + _TRIED_MS),
    )
    customer = "" if task is None else task.customer
    draft = draft_entry(
        desk,
        Kind.LEAK_FOUND,
        envelope={
            "what": "credential",
            "where": at.where,
            "agent": at.agent,
            "task": at.task,
            **({"customer": pseudonym(desk, customer)} if customer else {}),
        },
        customer={"what": "credential", "agent": at.agent},
        desk={
            "sent_by": at.agent or at.person,
            "sent_in": at.task,
            "owner": credential.owner,
            "kind": credential.kind,
            "fingerprint": fingerprint,
            "report": report.id,
        },
        subject=customer,
        refs=tuple(ref for ref in (at.task, at.agent, customer) if ref),
    )
    notices = await _notices(desk, customer)
    await commit_with_incident(
        desk,
        IncidentCause(kind=IncidentKind.LEAK, detail="credential", agent=at.agent, task=at.task),
        draft,
        Commit(
            puts=(Put(report, 0), *notices.puts),
            marks=(ReplayMark(f"leak {credential.owner} {fingerprint} {at.task}", now + _ONCE_MS),),
            reserves=(
                Reserve(_SCOPE, at.task or at.where, 1, _MAX_A_TASK),
                *((Reserve(at.task, LEAKED, 1, None),) if at.task else ()),
            ),
        ),
    )
    details = {"what": "credential", "where": at.where, "owner": credential.owner, "kind": credential.kind}
    await desk.notify.incident(kind="leak", details={**details, "sent_by": at.agent or at.person})
    await notices.log_unsent(desk)


async def _task(desk: DeskContext, task_id: str) -> TaskRecord | None:
    try:
        return (await desk.store.get(TaskRecord, task_id)).record if task_id else None
    except RecordMissing:
        return None


async def _notices(desk: DeskContext, customer: str) -> Notices:
    if not customer:
        return Notices()
    person = (await desk.store.get(PersonRecord, customer)).record
    return access_notices(desk, person, subject=marked("A credential was found in a message"), text=_TEXT)
