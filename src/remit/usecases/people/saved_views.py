"""An officer's saved views: the filters of a list under a name, for this person alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from remit.domain import saved_views
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import PersonRecord, SavedView
from remit.domain.structs import replace
from remit.engine.context import DeskContext
from remit.engine.leaks.scan_staff_text import redact_staff_text
from remit.engine.people.accounts import verify_officer
from remit.ports.store import Commit, Conflict, Put

_TRIES: Final = 5
_ROLES: Final = {"audit": ("audit", "admin"), "security": ("security", "admin")}


def list_views(desk: DeskContext, officer: PersonRecord, page: str = "") -> list[SavedView]:
    """List an officer's saved views of the lists they may open, of one page if named, oldest first.

    ⚔ A role that was taken away takes its views along: a filter may name customers.

    Raises:
        Refused: `person.not_allowed` for an officer who may open none of the lists.
    """
    verify_officer(officer, *(role for one in saved_views.PAGES for role in _roles(desk, one)))
    return [one for one in officer.views if page in {"", one.page} and _may_open(desk, officer, one.page)]


async def save_view(
    desk: DeskContext, officer: PersonRecord, page: str, name: str, filters: Mapping[str, str]
) -> Sequence[SavedView]:
    """Save the filters of a list under a name, in place of those it had; return the person's views of that list.

    It is unrecorded, since no decision depends on it.

    Raises:
        Refused: `request.malformed`, `request.conflict` at the limit, `person.not_allowed` for a list the officer may
            not open, `task.busy`.
        Fault: `fault.store`.
    """
    view = saved_views.verify_view(page, name, filters)
    _verify_may_open(desk, officer, page)
    text = "\n".join((view.name, *filters.values()))
    if await redact_staff_text(desk, text, where="view", by=officer) != text:  # ⚔ it would be kept in the clear
        raise Refused(
            Code.REQUEST_MALFORMED,
            "a credential in a saved view",
            public=marked("A saved view can't contain a password or another secret."),
        )
    return await _change(desk, officer, page, lambda views: saved_views.with_view(views, view))


async def remove_view(desk: DeskContext, officer: PersonRecord, page: str, name: str) -> Sequence[SavedView]:
    """Remove a saved view; return the person's other views of that list.

    Raises:
        Refused: `request.not_found`, `person.not_allowed`, `task.busy`.
        Fault: `fault.store`.
    """
    if page not in saved_views.PAGES:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such list")
    _verify_may_open(desk, officer, page)
    return await _change(desk, officer, page, lambda views: saved_views.without_view(views, page, name))


async def _change(
    desk: DeskContext,
    officer: PersonRecord,
    page: str,
    change: Callable[[Sequence[SavedView]], tuple[SavedView, ...]],
) -> Sequence[SavedView]:
    for _ in range(_TRIES):
        kept = await desk.store.get(PersonRecord, officer.id)
        changed = replace(kept.record, views=change(kept.record.views))
        try:
            await desk.store.commit(Commit(puts=(Put(changed, kept.rev, kept.record),)))
        except Conflict:
            continue
        return list_views(desk, changed, page)
    raise Refused(Code.TASK_BUSY, "the person changed meanwhile", retry_after_s=1)


def _roles(desk: DeskContext, page: str) -> tuple[str, ...]:
    return _ROLES.get(page, ("admin", *desk.catalogue.roles))


def _may_open(desk: DeskContext, officer: PersonRecord, page: str) -> bool:
    return bool(set(_roles(desk, page)) & set(officer.roles))


def _verify_may_open(desk: DeskContext, officer: PersonRecord, page: str) -> None:
    verify_officer(officer, *_roles(desk, page))
