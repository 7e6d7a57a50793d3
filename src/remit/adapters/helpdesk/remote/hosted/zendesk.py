"""Zendesk Support, API 2: tickets of one group, found by their external id.

Source: Zendesk's OpenAPI document of the Support API, 2.0.0. Tried against a fake behind it, never against Zendesk.
"""

from typing import Final

from remit.adapters.helpdesk.remote.dialect import Capabilities
from remit.adapters.helpdesk.remote.hosted.table import (
    OUTER,
    Call,
    Change,
    EntryMembers,
    History,
    Listing,
    MarkForm,
    Match,
    Person,
    Place,
    Product,
    TextForm,
    TicketMembers,
)
from remit.domain.values import Json

_OPENING: Final = "Remit opened this ticket for the case of a customer's agent."
_STAFF: Final = frozenset({"agent", "admin"})
_TRUE: Final = frozenset({"true"})
_CHANGE: Final = Match(("type",), frozenset({"change"}))


def _listing(path: str, rows: str) -> Listing:
    """Return a listing by cursors."""
    return Listing(
        call=Call("GET", f"{path}page[size]=100"),
        following=Call("GET", f"{path}page[size]=100&page[after]={{cursor}}"),
        cursor=("meta", "after_cursor"),
        more=("meta", "has_more"),
        rows=(rows,),
    )


def _update(**ticket: Json) -> Call:
    return Call("PUT", "/api/v2/tickets/{ticket}", {"ticket": ticket})


def _comment(*, public: bool) -> Call:
    return _update(comment={"html_body": "{text}", "public": public, "author_id": "{account_number}"})


def _changed(field: str) -> Change:
    named: Place = ("field_name",)
    return Change(when=(_CHANGE, Match(named, frozenset({field}))), old=("previous_value",), new=("value",))


_AUDITS: Final = _listing("/api/v2/tickets/{ticket}/audits?", "audits")
ZENDESK: Final = Product(
    name="Zendesk",
    headers=(("authorization", "Basic {basic}"),),
    capabilities=Capabilities(search_lag_ms=300_000, settled_ms=30_000, files=False),
    account=Call("GET", "/api/v2/users/me"),
    account_id=("user", "id"),
    account_valid=(Match(("user", "role"), _STAFF),),
    fields=_listing("/api/v2/ticket_fields?", "ticket_fields"),
    field_name=("title",),
    field_id=("id",),
    case_field=False,
    create=Call(
        "POST",
        "/api/v2/tickets",
        {
            "ticket": {
                "subject": "{subject}",
                "external_id": "{case}",
                "group_id": "{queue_number}",
                "requester": {"name": "Remit", "email": "{requester}"},
                "submitter_id": "{account_number}",
                "comment": {"body": _OPENING, "public": False, "author_id": "{account_number}"},
            }
        },
    ),
    created=("ticket", "id"),
    find=_listing("/api/v2/tickets?external_id={case}&", "tickets"),
    note=_comment(public=False),
    note_form=TextForm.HTML,
    reply=_comment(public=True),
    reply_form=TextForm.HTML,
    close=_update(status="solved"),
    close_unowned=_update(status="solved", assignee_id="{account_number}"),
    mark=_update(custom_fields="{fields}"),
    mark_as=MarkForm.ROWS,
    ticket=Call("GET", "/api/v2/tickets/{ticket}"),
    members=TicketMembers(
        root=("ticket",),
        id=("id",),
        case=("external_id",),
        subject=("subject",),
        requester=("requester_id",),
        assignee=("assignee_id",),
        updated=("updated_at",),
        open_when=(Match(("status",), frozenset({"new", "open", "pending", "hold"})),),
    ),
    history=History(
        listing=_AUDITS,
        changes=("events",),
        state=_changed("status"),
        owner=_changed("assignee_id"),
        closed=frozenset({"solved", "closed"}),
    ),
    entries=EntryMembers(
        listing=_AUDITS,
        inner=("events",),
        only=(Match(("type",), frozenset({"comment"})),),
        id=("id",),
        at=(OUTER, "created_at"),
        author=("author_id",),
        writer=(OUTER, "author_id"),
        public=Match(("public",), _TRUE),
        text=("html_body",),
        form=TextForm.HTML,
        by_hand=(Match((OUTER, "via", "channel"), frozenset({"web", "mobile"})),),
        opening=_OPENING,
    ),
    requester=Person(call=Call("GET", "/api/v2/users/{id}"), address=("user", "email")),
    officer=Person(
        call=Call("GET", "/api/v2/users/{id}"),
        address=("user", "email"),
        valid=(
            Match(("user", "role"), _STAFF),
            Match(("user", "active"), _TRUE),
            Match(("user", "verified"), _TRUE),
            Match(("user", "suspended"), frozenset({"false"})),
        ),
    ),
    updated=_listing("/api/v2/tickets?sort=-updated_at&", "tickets"),
    newest_first=True,
)
"""⚔ A comment may name any author; the audit says which account made it. A solved ticket has an officer; a merged one is
closed. Placeholders (`{{ticket.id}}`) and Liquid in a comment by an agent may be filled in: none begins in what is written.
"""
