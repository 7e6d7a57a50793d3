"""A person's credential presented by an agent: refused, reported, and the borrowed session ended."""

import contextlib
from collections.abc import Sequence

from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.identity.human_credentials import CredentialSigns, RequestCredentials, human_credentials
from remit.domain.incidents.records import IncidentCause, IncidentKind
from remit.domain.transcript.entry import Kind
from remit.engine.context import DeskContext
from remit.engine.incidents import commit_with_incident
from remit.engine.notices import notices_for
from remit.engine.people.sessions import session_person, sign_out
from remit.engine.transcript.record import draft_entry, pseudonym
from remit.ports.store import Commit, Replayed, ReplayMark


async def refuse_human_credential(
    desk: DeskContext, arrival: RequestCredentials, signs: CredentialSigns, session: str
) -> None:
    """Refuse a request at an agent route that carries a person's credential.

    A live session of ours identifies the person: it is ended, they are notified, and it is recorded. Anything else is
    reported to security only, since it proves no identity.

    Raises:
        Refused: `agent.human_credential`, whenever one was found.

    Source: docs/model/product.md#workload-identity; docs/model/peers.md#p15.
    """
    found = sorted({one.value for one in human_credentials(arrival, signs)})
    if not found:
        return
    details = {"how": ", ".join(found)}
    if session:
        try:
            person = await session_person(desk, session)
        except Refused:
            person = None
        if person is not None:
            details["person"] = person.id
            draft = draft_entry(
                desk,
                Kind.CREDENTIAL_MISUSED,
                envelope={"person": pseudonym(desk, person.id), "how": found},
                customer={"how": found, "session_ended": True},
                desk={"person": person.id, "how": found},
                subject=person.id,
                refs=(person.id,),
            )
            notices = notices_for(
                desk,
                person,
                (person.email,),
                subject=marked("An agent tried to use your sign-in"),
                text=marked(
                    "An agent tried to act with your own sign-in. We blocked it and signed you out of that session."
                ),
            )
            cause = IncidentCause(kind=IncidentKind.CREDENTIAL, customer=person.id if person.kind == "customer" else "")
            await commit_with_incident(desk, cause, draft, Commit(puts=notices.puts))
            await sign_out(desk, session)
            await notices.log_unsent(desk)
    await desk.notify.incident(kind="human_credential", details=details)
    raise Refused(Code.AGENT_HUMAN_CREDENTIAL, details["how"])


async def mark_proofs_used(desk: DeskContext, marks: Sequence[ReplayMark], refused: Refused | Fault) -> None:
    """Mark the proof and assertion of a failed request as used; without the store, in this process alone.

    ⚔ A credential found in a log or in transit must not work for another request at another node. After a replay
    refusal, the request's other credentials are used up too.

    Source: RFC 9449 §11.1; RFC 7523bis (jti).
    """
    if (
        not marks or refused.code is Code.CREDENTIAL_NONCE
    ):  # the nonce was unknowable: the credentials may be sent again
        return
    with contextlib.suppress(Fault):
        try:
            await desk.store.commit(Commit(marks=tuple(marks)))
        except Replayed:
            for mark in marks:
                with contextlib.suppress(Replayed):
                    await desk.store.commit(Commit(marks=(mark,)))
