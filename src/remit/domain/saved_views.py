"""Saved views: the lists whose filters an officer can keep under a name, and the form of name and filters."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import SavedView
from remit.domain.text.normalize import make_visible
from remit.domain.transcript.search import FILTERS, fold

PAGES: Final[Mapping[str, str]] = {"queue": "/desk", "audit": "/audit", "security": "/security"}
"""Lists with saved views, and their addresses."""

PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "queue": ("role", "due", "min", "agent", "customer", "state"),
    "audit": ("q", "from", "to", *FILTERS, "min", "max"),
    "security": ("state", "severity", "kind", "agent", "operator", "owner"),
}
"""Filters that each list reads, in the order of its addresses. Places in a list (`low`, `before`, `page`) are no filters."""

MAX_VIEWS: Final = 20
MAX_NAME: Final = 60
MAX_VALUE: Final = 200
MAX_QUERY: Final = 600
_AROUND: Final = "\"'.,;()*"
_BEGINNING: Final = 3


def verify_view(page: str, name: str, filters: Mapping[str, str]) -> SavedView:
    """Return a view of valid form, with its filters in the list's order and without empty ones.

    Raises:
        Refused: `request.malformed` for an unknown page or filter, no filter at all, a name that is empty, too long or
            not entirely visible, or values that are too long.
    """
    name = verify_name(name)
    if page not in PAGES:
        raise Refused(Code.REQUEST_MALFORMED, f"page must be one of {', '.join(PAGES)}")
    known = PARAMETERS[page]
    unknown = sorted(set(filters) - set(known))
    if unknown:
        raise Refused(Code.REQUEST_MALFORMED, f"{page} has no filter {unknown[0]!r}")
    query = urlencode([(one, filters[one].strip()) for one in known if filters.get(one, "").strip()])
    if not query:
        raise Refused(
            Code.REQUEST_MALFORMED, "no filter is set", public=marked("Set a filter first, then save the view.")
        )
    if len(query) > MAX_QUERY or any(len(value) > MAX_VALUE for value in filters.values()):
        raise Refused(
            Code.REQUEST_MALFORMED, "the filters are too long", public=marked("These filters are too long to save.")
        )
    return SavedView(page=page, name=name, query=query)


def verify_name(name: str) -> str:
    """Return a view's name without surrounding spaces.

    ⚔ Every character of it can be seen: two views never look alike, and none reorders the page around it.

    Raises:
        Refused: `request.malformed`.
    """
    name = " ".join(name.split(" "))
    if not name.strip() or len(name.strip()) > MAX_NAME or make_visible(name) != name:
        raise Refused(
            Code.REQUEST_MALFORMED,
            f"a name has 1 to {MAX_NAME} visible letters",
            public=marked("Enter a name of up to 60 letters."),
        )
    return name.strip()


def with_view(views: Sequence[SavedView], view: SavedView) -> tuple[SavedView, ...]:
    """Return the views with one more; one of the same page and name is replaced in its place.

    Raises:
        Refused: `request.conflict` when there are MAX_VIEWS others.
    """
    if any(_is_named(one, view.page, view.name) for one in views):
        return tuple(view if _is_named(one, view.page, view.name) else one for one in views)
    if len(views) >= MAX_VIEWS:
        raise Refused(
            Code.REQUEST_CONFLICT,
            f"there are {MAX_VIEWS} saved views",
            public=marked("You can save up to 20 views. Delete one first."),
        )
    return (*views, view)


def without_view(views: Sequence[SavedView], page: str, name: str) -> tuple[SavedView, ...]:
    """Return the views without one.

    Raises:
        Refused: `request.not_found`.
    """
    left = tuple(one for one in views if not _is_named(one, page, name))
    if len(left) == len(views):
        raise Refused(Code.REQUEST_NOT_FOUND, "no such view of this person")
    return left


def filters_of(view: SavedView) -> dict[str, str]:
    """Return the filters of a stored view by name."""
    return dict(parse_qsl(view.query))


def names_customer(view: SavedView, *names: str) -> bool:
    """Return whether a view's name or filters hold a customer's id, e-mail address or name, or a word of that name.

    In the filter `customer` the beginning of a word is enough, as it is for a search.
    """
    filters = filters_of(view)
    known = {word for name in names for word in fold(name).split() if len(word) > 1}
    held = {word for text in (view.name, *filters.values()) for word in _words(text)}
    begun = tuple(word for word in _words(filters.get("customer", "")) if len(word) >= _BEGINNING)
    return bool(known & held) or any(word.startswith(begun) for word in known)


def _words(text: str) -> set[str]:
    """Return the words of a text as they are searched for, those of `field:word` without their field, too."""
    words = fold(text).split()
    return {one.strip(_AROUND) for word in words for one in (word, word.rpartition(":")[2])}


def _is_named(view: SavedView, page: str, name: str) -> bool:
    return view.page == page and view.name == name
