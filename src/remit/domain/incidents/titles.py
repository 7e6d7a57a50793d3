"""Titles of incidents, by kind, and by kind and detail."""

from collections.abc import Mapping
from typing import Final

from remit.domain.i18n import marked

TITLES: Final[Mapping[str, str]] = {
    "canary": marked("Canary (decoy value) used"),
    "contest": marked("Entry disputed by a customer"),
    "credential": marked("A program tried to use a person's sign-in"),
    "disowned": marked("Customer reported: “This wasn't me”"),
    "leak": marked("Secret leaked"),
    "leak assertion": marked("An agent's proof of identity leaked"),
    "leak code": marked("Authorization code leaked"),
    "leak credential": marked("Another company's credential leaked"),
    "leak invitation": marked("One-time link leaked"),
    "leak mandate_token": marked("Permission token leaked"),
    "leak request": marked("Reference to a permission request leaked"),
    "leak session": marked("A person's sign-in leaked"),
    "leak token": marked("An agent's access token leaked"),
    "native_reply": marked("Unchecked reply in the helpdesk"),
    "override_objected": marked("Second reviewer objected to a reply"),
    "risk": marked("Suspicious behavior"),
    "risk ended": marked("Suspicious behavior: task ended"),
    "risk held": marked("Suspicious behavior: task on hold"),
}


def title_of(kind: str, detail: str) -> str:
    """Return the title of an incident, in English."""
    return TITLES.get(f"{kind} {detail}", TITLES.get(kind, kind))
