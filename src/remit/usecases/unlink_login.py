"""Taking an account off the company's login it belongs to, so that another login of the same person can be connected."""

from dataclasses import replace

from remit.domain.errors import Code, Refused
from remit.domain.records import Person
from remit.domain.speech import marked
from remit.domain.transcript import Kind
from remit.ports.store import Commit, Conflict, Missing, Put
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, pseudonym, write
from remit.usecases.sessions import sign_out_everywhere
from remit.usecases.tell_person import tell_person


async def unlink_login(parts: Parts, person_id: str, *, by: str) -> Person:
    """Take an account off its login, on the record. An officer's roles came from there and go with it; all sessions end.

    ⚔ The person key stays: whoever was an officer and a customer remains one person.

    Raises:
        Refused: `request.not_found`, `request.conflict` for an account that belongs to none, `task.busy`.
    """
    try:
        kept = await parts.store.get(Person, person_id)
    except Missing:
        raise Refused(
            Code.REQUEST_NOT_FOUND, f"there is no person {person_id}", cure="`remit person list` shows everybody there is."
        ) from None
    person = kept.record
    if not person.login:
        raise Refused(Code.REQUEST_CONFLICT, f"{person.id} belongs to no login of the company", cure="Nothing needs to be done.")
    free = replace(person, login="", roles=())
    customer = person.kind == "customer"
    written = await write(
        parts,
        draft(
            parts,
            Kind.PERSON_CHANGED,
            envelope={"person": pseudonym(parts, person.key), "as": person.kind, "change": "unlinked", "how": "login"},
            customer={"change": "unlinked"} if customer else None,
            desk={"person": person.id, "before": list(person.roles), "by": by, "login": person.login},
            subject=person.id if customer else "",
            refs=(person.id,),
        ),
    )
    try:
        await parts.store.commit(Commit(puts=(Put(free, kept.rev, person),), entries=written.rows))
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the person changed meanwhile", retry_after_s=1) from None
    await sign_out_everywhere(parts, free)
    text = marked("Your account no longer belongs to the company's login. If you did not expect that, tell the desk.")
    await tell_person(parts, free, subject=marked("The company's login was taken off your account"), text=text)
    return free
