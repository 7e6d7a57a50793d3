"""Freshdesk, API 2: tickets of one group.

Source: a third party's OpenAPI document (API Evangelist), which is whole but for `/agents/me`. Tried against a fake
behind it, never against Freshdesk.
"""

from typing import Final

from remit.adapters.helpdesk.remote.dialect import Capabilities
from remit.adapters.helpdesk.remote.hosted.table import (
    NOWHERE,
    Call,
    EntryMembers,
    Listing,
    Match,
    Person,
    Product,
    TextForm,
    TicketMembers,
)

_SIZE: Final = 100
_TRUE: Final = frozenset({"true"})
_FALSE: Final = frozenset({"false"})

FRESHDESK: Final = Product(
    name="Freshdesk",
    headers=(("authorization", "Basic {basic}"),),
    capabilities=Capabilities(
        search_lag_ms=600_000, settled_ms=30_000, files=False, owner_history=False, proves_authors=False
    ),
    account=Call("GET", "/agents/me"),
    account_id=("id",),
    account_valid=(Match(("contact", "active"), _TRUE),),
    fields=Listing(call=Call("GET", "/ticket_fields"), rows=NOWHERE),
    field_name=("label",),
    field_id=("name",),
    create=Call(
        "POST",
        "/tickets",
        {
            "subject": "{subject}",
            "description": "Remit opened this ticket for the case of a customer's agent.",
            "email": "{requester}",
            "status": 2,
            "priority": 1,
            "source": 2,
            "group_id": "{queue_number}",
            "custom_fields": {"{case_id}": "{case}"},
        },
    ),
    created=("id",),
    find=Listing(call=Call("GET", "/search/tickets?query=%22{case_id}:%27{case}%27%22"), rows=("results",)),
    note=Call("POST", "/tickets/{ticket}/notes", {"body": "{text}", "private": True}),
    note_form=TextForm.HTML,
    reply=Call("POST", "/tickets/{ticket}/reply", {"body": "{text}"}),
    reply_form=TextForm.HTML,
    close=Call("PUT", "/tickets/{ticket}", {"status": 4}),
    mark=Call("PUT", "/tickets/{ticket}", {"custom_fields": "{fields}"}),
    ticket=Call("GET", "/tickets/{ticket}?include=stats"),
    members=TicketMembers(
        id=("id",),
        case=("custom_fields", "{case_id}"),
        subject=("subject",),
        requester=("requester_id",),
        assignee=("responder_id",),
        updated=("updated_at",),
        open_when=(
            Match(("status",), frozenset({"", "4", "5"}), negated=True),
            Match(("deleted",), _TRUE, negated=True),
            Match(("spam",), _TRUE, negated=True),
        ),
        reopened=("stats", "reopened_at"),
    ),
    history=None,
    entries=EntryMembers(
        listing=Listing(
            call=Call("GET", f"/tickets/{{ticket}}/conversations?page={{page}}&per_page={_SIZE}"),
            rows=NOWHERE,
            size=_SIZE,
        ),
        id=("id",),
        at=("created_at",),
        author=("user_id",),
        public=Match(("private",), _FALSE),
        text=("body",),
        form=TextForm.HTML,
    ),
    requester=Person(call=Call("GET", "/contacts/{id}"), address=("email",)),
    officer=Person(
        call=Call("GET", "/agents/{id}"), address=("contact", "email"), valid=(Match(("contact", "active"), _TRUE),)
    ),
    updated=Listing(
        call=Call(
            "GET",
            f"/tickets?updated_since={{since_iso}}&order_by=updated_at&order_type=desc&page={{page}}&per_page={_SIZE}",
        ),
        rows=NOWHERE,
        size=_SIZE,
    ),
    newest_first=True,
)
"""⚔ Any agent's key may write a note or reply as any user, and nothing shows it: no reply is a draft. A ticket says when
it was reopened, and nothing of its agents before; a merged one is closed.
"""
