"""Telling people that something waits for their answer."""

from collections.abc import Iterable

from remit.domain.catalogue import CUSTOMER
from remit.domain.records import ConfirmationRecord
from remit.usecases.parts import Parts


async def tell_waiting(parts: Parts, invitation: ConfirmationRecord, who: Iterable[str]) -> None:
    """Tell the customer, or those with a role, or one officer (`who` as they are asked, or an officer's id), where to answer."""
    page = f"{parts.terms.issuer}/confirm/{invitation.id}"
    text = "An agent asks for something that needs your yes."
    for one in who:
        person = invitation.customer if one == CUSTOMER else one
        await parts.notify.tell(person=person, address="", subject="Your answer is needed", text=text, page=page)
