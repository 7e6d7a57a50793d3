"""Checks that a person is an officer of the desk, with a role where one is needed."""

from remit.domain.errors import Code, Refused
from remit.domain.records import Person
from remit.domain.speech import marked
from remit.usecases.parts import Parts


def desk_officer(parts: Parts, person: Person) -> Person:
    """An officer who works at cases: one with a role of the catalogue, or an admin.

    Raises:
        Refused: `person.not_allowed`.
    """
    return verify_officer(person, "admin", *parts.catalogue.roles)


def verify_officer(person: Person, *roles: str) -> Person:
    """Check that somebody is an officer, with one of the roles if any are named.

    Raises:
        Refused: `person.not_allowed`, also while a recovery has paused them.
    """
    if person.paused:
        raise Refused(
            Code.PERSON_NOT_ALLOWED,
            "paused by a recovery",
            public=marked("Your access was recovered, so it is paused. Open /resume: your new passkey resumes it once it has waited."),
        )
    if person.kind != "officer" or (roles and not set(roles) & set(person.roles)):
        raise Refused(Code.PERSON_NOT_ALLOWED, f"needs {' or '.join(roles) or 'an officer'}")
    return person
