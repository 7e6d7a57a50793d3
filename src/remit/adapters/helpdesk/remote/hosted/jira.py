"""Jira Service Management (cloud): requests of one type in one service desk; `queue` is `DESK/REQUEST_TYPE`, by their ids.

Source: Atlassian's OpenAPI document of the Jira platform, API 3. It lacks three requests that are used here: creating a
request and its comments (service desk API), and `/search/jql`. Tried against a fake, never against Jira.
"""

from typing import Final

from remit.adapters.helpdesk.remote.dialect import Capabilities
from remit.adapters.helpdesk.remote.hosted.table import (
    NOWHERE,
    Call,
    Change,
    Choice,
    EntryMembers,
    History,
    Listing,
    Match,
    Person,
    Place,
    Product,
    TextForm,
    TicketMembers,
)

_SIZE: Final = 100
_TRUE: Final = frozenset({"true"})
_DONE: Final = frozenset({"done"})
_FIELDS: Final = "summary,status,assignee,reporter,updated,{case_id}"
_ISSUE: Final = "/rest/api/3/issue/{ticket}"


def _search(query: str) -> Listing:
    """Return a search by JQL, newest change first."""
    path = f"/rest/api/3/search/jql?jql={query}%20order%20by%20updated%20desc&maxResults={_SIZE}&fields={_FIELDS}"
    return Listing(
        call=Call("GET", path),
        following=Call("GET", f"{path}&nextPageToken={{cursor}}"),
        cursor=("nextPageToken",),
        rows=("issues",),
    )


def _comment(*, public: bool) -> Call:
    return Call("POST", "/rest/servicedeskapi/request/{ticket}/comment", {"body": "{text}", "public": public})


def _changed(field: str) -> Change:
    named: Place = ("field",)
    return Change(when=(Match(named, frozenset({field})),), old=("from",), new=("to",))


_PERSON: Final = Call("GET", "/rest/api/3/user?accountId={id}")
JIRA: Final = Product(
    name="Jira Service Management",
    headers=(("authorization", "Basic {basic}"),),
    capabilities=Capabilities(search_lag_ms=300_000, settled_ms=60_000, files=False),
    account=Call("GET", "/rest/api/3/myself"),
    account_id=("accountId",),
    account_valid=(Match(("active",), _TRUE),),
    fields=Listing(call=Call("GET", "/rest/api/3/field"), rows=NOWHERE),
    field_name=("name",),
    field_id=("id",),
    create=Call(
        "POST",
        "/rest/servicedeskapi/request",
        {
            "serviceDeskId": "{queue_desk}",
            "requestTypeId": "{queue_type}",
            "requestFieldValues": {"summary": "{subject}", "{case_id}": "{case}"},
        },
    ),
    created=("issueId",),
    find=_search("cf%5B{case_number}%5D%20~%20%22{case}%22"),
    note=_comment(public=False),
    note_form=TextForm.WIKI,
    reply=_comment(public=True),
    reply_form=TextForm.WIKI,
    close=Call("POST", f"{_ISSUE}/transitions", {"transition": {"id": "{found}"}}),
    close_by=Choice(
        listing=Listing(call=Call("GET", f"{_ISSUE}/transitions"), rows=("transitions",)),
        when=(Match(("to", "statusCategory", "key"), _DONE),),
        id=("id",),
    ),
    mark=Call("PUT", _ISSUE, {"fields": "{fields}"}),
    ticket=Call("GET", f"{_ISSUE}?fields={_FIELDS}"),
    members=TicketMembers(
        id=("id",),
        case=("fields", "{case_id}"),
        subject=("fields", "summary"),
        requester=("fields", "reporter", "accountId"),
        assignee=("fields", "assignee", "accountId"),
        updated=("fields", "updated"),
        open_when=(Match(("fields", "status", "statusCategory", "key"), frozenset({"new", "indeterminate"})),),
    ),
    history=History(
        listing=Listing(
            call=Call("GET", f"{_ISSUE}/changelog?startAt={{start}}&maxResults={_SIZE}"), rows=("values",), size=_SIZE
        ),
        changes=("items",),
        state=_changed("status"),
        owner=_changed("assignee"),
        closed=Choice(
            listing=Listing(call=Call("GET", "/rest/api/3/status"), rows=NOWHERE),
            when=(Match(("statusCategory", "key"), _DONE),),
            id=("id",),
        ),
    ),
    entries=EntryMembers(
        listing=Listing(
            call=Call("GET", f"{_ISSUE}/comment?startAt={{start}}&maxResults={_SIZE}&orderBy=created"),
            rows=("comments",),
            size=_SIZE,
        ),
        id=("id",),
        at=("created",),
        author=("author", "accountId"),
        writer=("updateAuthor", "accountId"),
        public=Match(("jsdPublic",), _TRUE),
        text=("body",),
        form=TextForm.ADF,
        by_hand=(Match(("author", "accountType"), frozenset({"atlassian"})),),
    ),
    requester=Person(call=_PERSON, address=("emailAddress",)),
    officer=Person(
        call=_PERSON,
        address=("emailAddress",),
        valid=(Match(("active",), _TRUE), Match(("accountType",), frozenset({"atlassian"}))),
    ),
    updated=_search("cf%5B{case_number}%5D%20is%20not%20EMPTY%20and%20updated%20%3E%3D%20-{since_minutes}m"),
    newest_first=True,
)
"""The requester is Remit's own account. An address counts where its account shows it to Remit. ⚔ Whoever may edit all
comments changes another's words: the account that changed one last has to be its author. ⚔ Wiki markup breaks lines and
hides text: what is written stands in it as it is.
"""
