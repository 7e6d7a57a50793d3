"""The table of a hosted product: its requests, and where in the answers things stand.

Texts of a request hold placeholders in braces (`{case}`); one that is nothing but a placeholder keeps its value's type.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from remit.adapters.helpdesk.remote.dialect import Capabilities
from remit.domain.structs import struct
from remit.domain.values import Json

Place = tuple[str | int, ...]
"""Members and indices that lead to a value; of `a|b`, the first member that is there."""
NOWHERE: Final[Place] = ()
OUTER: Final = "outer row"


class TextForm(StrEnum):
    """The form of a note's text in a product."""

    PLAIN = "plain"
    HTML = "html"
    ADF = "adf"
    """Atlassian's document format, which is read alone."""
    WIKI = "wiki"
    """Atlassian's wiki markup, which is written alone: the text stands in it as it is."""


class MarkForm(StrEnum):
    """The form of fields in a request: members by the field's name or id, or rows of id and value."""

    NAME = "name"
    ID = "id"
    ROWS = "rows"


class Match(NamedTuple):
    """A condition: the value at a place, in small letters, is one of these, or with `negated` none of them."""

    place: Place
    values: frozenset[str]
    negated: bool = False


class Call(NamedTuple):
    """One request. Values in a path are encoded as one segment each."""

    method: str
    path: str
    body: Json = None


@struct(frozen=True, kw_only=True)
class Listing:
    """A list over pages: `following` asks for the next one by `{cursor}`, or `{page}` counts pages of `size` rows.

    `{start}` is the number of the page's first row. A listing of neither has one page. Where `total` says that there are more rows than came, nothing is known.
    """

    call: Call
    rows: Place
    following: Call | None = None
    cursor: Place = NOWHERE
    more: Place = NOWHERE
    """A truth that there is another page, where the cursor alone does not say it."""
    size: int = 0
    total: Place = NOWHERE


@struct(frozen=True, kw_only=True)
class Choice:
    """The ids of the rows that match; a later request names the first one as `{found}`."""

    listing: Listing
    when: tuple[Match, ...]
    id: Place


@struct(frozen=True, kw_only=True)
class TicketMembers:
    """Places in a ticket. It is open where all of `open_when` hold; `root` leads to it in the answer for one."""

    root: Place = NOWHERE
    id: Place
    case: Place
    subject: Place
    requester: Place
    assignee: Place
    updated: Place
    open_when: tuple[Match, ...]
    reopened: Place = NOWHERE
    """A value that is there once the ticket was reopened, where the product has no history."""


@struct(frozen=True, kw_only=True)
class EntryMembers:
    """Places in a note or reply. Rows that `only` does not take are no notes.

    `by_hand` is what shows that its author wrote it in the product's own pages.
    ⚔ `writer` is the account that made the entry, where accounts may name another author: only both together count.
    Where `inner` leads to rows within a row, `OUTER` leads from each back to the outer one.
    """

    listing: Listing
    inner: Place = NOWHERE
    only: tuple[Match, ...] = ()
    id: Place
    at: Place
    author: Place
    writer: Place = NOWHERE
    public: Match
    text: Place
    form: TextForm
    by_hand: tuple[Match, ...] = ()
    opening: str = ""
    """The text with which the product makes us open a ticket."""


@struct(frozen=True, kw_only=True)
class Change:
    """A change in the history: rows of it, and the values before (where a row has it) and after."""

    when: tuple[Match, ...]
    new: Place
    old: Place = NOWHERE


@struct(frozen=True, kw_only=True)
class History:
    """The history of a ticket: `changes` leads from a row to its list of changes, where it has one."""

    listing: Listing
    changes: Place = NOWHERE
    state: Change
    owner: Change
    closed: frozenset[str] | Choice
    """States of a closed ticket, or where to look their ids up."""


@struct(frozen=True, kw_only=True)
class Person:
    """An account by `{id}`: its address, which counts where all of `valid` hold."""

    call: Call
    address: Place
    valid: tuple[Match, ...] = ()


@struct(frozen=True, kw_only=True)
class Product:
    """One product. `fields` lists its custom fields; `carries` are names of settings that it must have among them."""

    name: str
    headers: tuple[tuple[str, str], ...]
    capabilities: Capabilities
    account: Call
    account_valid: tuple[Match, ...] = ()
    account_id: Place
    fields: Listing
    field_name: Place
    field_id: Place
    case_field: bool = True
    create: Call
    created: Place
    find: Listing
    note: Call
    note_form: TextForm
    reply: Call
    reply_form: TextForm
    close: Call
    close_by: Choice | None = None
    close_unowned: Call | None = None
    """Closes a ticket without an officer, where the product wants one."""
    mark: Call
    mark_as: MarkForm = MarkForm.ID
    ticket: Call
    members: TicketMembers
    history: History | None
    entries: EntryMembers
    requester: Person | None
    officer: Person
    updated: Listing
    """Tickets changed since `{since_iso}`, `{day_before_s}` or `{since_minutes}` ago, perhaps with others."""
    newest_first: bool = False
    """Whether these come in the order of their last change, so that the first older one is the last to look at."""
