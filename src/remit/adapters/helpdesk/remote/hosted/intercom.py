"""Intercom, API 2.15: tickets of one ticket type.

Source: Intercom's own OpenAPI document, 2.15. Tried against a fake behind it, never against Intercom.
"""

from typing import Final

from remit.adapters.helpdesk.remote.dialect import Capabilities
from remit.adapters.helpdesk.remote.hosted.table import (
    Call,
    Change,
    Choice,
    EntryMembers,
    History,
    Listing,
    MarkForm,
    Match,
    Person,
    Product,
    TextForm,
    TicketMembers,
)
from remit.domain.values import Json

_TICKET: Final = Call("GET", "/tickets/{ticket}")
_PARTS: Final = Listing(call=_TICKET, rows=("ticket_parts", "ticket_parts"), total=("ticket_parts", "total_count"))
_TYPE: Final = Call("GET", "/ticket_types/{queue}")
_STATES: Final = frozenset({"submitted", "in_progress", "waiting_on_customer", "resolved"})
_IN_TYPE: Final[Json] = {"field": "ticket_type_id", "operator": "=", "value": "{queue}"}


def _search(field: str, operator: str, value: str) -> Listing:
    """Return a search in the ticket type."""
    wanted: Json = {"operator": "AND", "value": [_IN_TYPE, {"field": field, "operator": operator, "value": value}]}
    page: dict[str, Json] = {"per_page": 100}
    return Listing(
        call=Call("POST", "/tickets/search", {"query": wanted, "pagination": page}),
        following=Call(
            "POST", "/tickets/search", {"query": wanted, "pagination": {**page, "starting_after": "{cursor}"}}
        ),
        cursor=("pages", "next", "starting_after"),
        rows=("tickets",),
    )


def _reply(kind: str) -> Call:
    return Call(
        "POST",
        "/tickets/{ticket}/reply",
        {"message_type": kind, "type": "admin", "admin_id": "{account}", "body": "{text}", "skip_notifications": True},
    )


INTERCOM: Final = Product(
    name="Intercom",
    headers=(("authorization", "Bearer {token}"), ("intercom-version", "2.15")),
    capabilities=Capabilities(search_lag_ms=300_000, settled_ms=60_000, files=False),
    account=Call("GET", "/me"),
    account_id=("id",),
    fields=Listing(call=_TYPE, rows=("ticket_type_attributes", "data|ticket_type_attributes")),
    field_name=("name",),
    field_id=("id",),
    create=Call(
        "POST",
        "/tickets",
        {
            "ticket_type_id": "{queue}",
            "contacts": [{"email": "{requester}"}],
            "ticket_attributes": {"_default_title_": "{subject}", "{case_field}": "{case}"},
            "skip_notifications": True,
        },
    ),
    created=("id",),
    find=_search("ticket_attribute.{case_id}", "=", "{case}"),
    note=_reply("note"),
    note_form=TextForm.HTML,
    reply=_reply("comment"),
    reply_form=TextForm.PLAIN,
    close=Call(
        "PUT",
        "/tickets/{ticket}",
        {"ticket_state_id": "{found}", "open": False, "admin_id": "{account_number}", "skip_notifications": True},
    ),
    close_by=Choice(
        listing=Listing(call=_TYPE, rows=("ticket_states", "data")),
        when=(Match(("category",), frozenset({"resolved"})),),
        id=("id",),
    ),
    mark=Call(
        "PUT",
        "/tickets/{ticket}",
        {"ticket_attributes": "{fields}", "admin_id": "{account_number}", "skip_notifications": True},
    ),
    mark_as=MarkForm.NAME,
    ticket=_TICKET,
    members=TicketMembers(
        id=("id",),
        case=("ticket_attributes", "{case_field}"),
        subject=("ticket_attributes", "_default_title_"),
        requester=("contacts", "contacts", 0, "id"),
        assignee=("admin_assignee_id",),
        updated=("updated_at",),
        open_when=(
            Match(("open",), frozenset({"true"})),
            Match(("ticket_state", "category"), _STATES - {"resolved"}),
        ),
    ),
    history=History(
        listing=_PARTS,
        state=Change(when=(Match(("ticket_state",), _STATES),), old=("previous_ticket_state",), new=("ticket_state",)),
        owner=Change(when=(Match(("assigned_to", "type"), frozenset({"admin"})),), new=("assigned_to", "id")),
        closed=frozenset({"resolved"}),
    ),
    entries=EntryMembers(
        listing=_PARTS,
        only=(Match(("part_type",), frozenset({"note", "comment", "quick_reply"})),),
        id=("id",),
        at=("created_at",),
        author=("author", "id"),
        public=Match(("part_type",), frozenset({"comment", "quick_reply"})),
        text=("body",),
        form=TextForm.HTML,
        by_hand=(Match(("author", "type"), frozenset({"admin"})), Match(("app_package_code",), frozenset({""}))),
    ),
    requester=Person(call=Call("GET", "/contacts/{id}"), address=("email",)),
    officer=Person(call=Call("GET", "/admins/{id}"), address=("email",)),
    updated=_search("updated_at", ">", "{day_before_s}"),
)
"""Admins are known by their id. ⚔ Any app may write in an admin's name: such a part carries the app's code, and is no
draft. Dates may be searched by the day, and the document's schema and examples differ in the name of a type's attributes.
"""
