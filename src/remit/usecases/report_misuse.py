"""A person's credential in an agent's hands: refused, reported, and the borrowed session ended."""

from remit.domain.errors import Code, Refused
from remit.domain.human_credentials import Arrival, Signs, human_credentials
from remit.domain.speech import marked
from remit.domain.transcript import Kind
from remit.ports.store import Commit
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, pseudonym, write
from remit.usecases.sessions import person_of, sign_out
from remit.usecases.tell_person import notices_to


async def refuse_human_credential(parts: Parts, arrival: Arrival, signs: Signs, session: str) -> None:
    """Refuse a request at an agent's door that carries a person's credential.

    A live session of ours names the person: it is ended, they are told, and it goes on the record. Anything else is
    told to security only, since nobody is proved by it.

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
            person = await person_of(parts, session)
        except Refused:
            person = None
        if person is not None:
            details["person"] = person.id
            written = await write(
                parts,
                draft(
                    parts,
                    Kind.CREDENTIAL_MISUSED,
                    envelope={"person": pseudonym(parts, person.id), "how": found},
                    customer={"how": found, "session_ended": True},
                    desk={"person": person.id, "how": found},
                    subject=person.id,
                    refs=(person.id,),
                ),
            )
            notices = notices_to(
                parts,
                person,
                (person.email,),
                subject=marked("Your sign-in was used by a program"),
                text=marked("A program tried to act with your own sign-in. It was refused and you were signed out there."),
            )
            await parts.store.commit(Commit(puts=notices.puts, entries=written.rows))
            await sign_out(parts, session)
            await notices.recorded(parts)
    await parts.notify.incident(kind="human_credential", details=details)
    raise Refused(Code.AGENT_HUMAN_CREDENTIAL, details["how"])
