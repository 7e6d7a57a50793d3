"""News for open pages, as server-sent events. Each answer is one event, and the browser asks again by itself.

An answer that ends keeps nothing open when a node stops, and checks the session anew each time.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import PersonRecord
from remit.engine.context import DeskContext
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.http.wire import Receive, Scope, one_header, query_parameters, unless_gone, until_closed
from remit.entrypoints.people.api import PeopleApi
from remit.entrypoints.staff.security import ROLES as GUARDS
from remit.usecases.desk.page_events import page_version, security_page_version, wait_for_news

_EVENTS: Final = b"text/event-stream; charset=utf-8"
_AGAIN_MS: Final = 500
_WAIT_S: Final = 20.0
_LIMIT: Final = 6
"""Pages that one person may have open at one process."""
_MAX_LENGTH: Final = 64
_Seen = Callable[[DeskContext, PersonRecord], Awaitable[str]]


class LiveApi:
    """The handler of one desk."""

    def __init__(self, people: PeopleApi) -> None:
        self._people = people
        self._open: Counter[str] = Counter()

    async def live(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /me/v1/live and /desk/v1/live: wait up to 20 s for news since `Last-Event-ID`, or else `since`.

        Raises:
            Refused: `person.not_signed_in`, `request.rate_limited` with too many open pages.
        """
        return await self._wait_for_news(scope, receive, self._people.who, page_version)

    async def guarded(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /security/v1/live: the same for the security page, about any entry.

        Raises:
            Refused: as `live`, and `person.not_allowed`.
        """

        async def who(asked: Scope) -> PersonRecord:
            return await self._people.officer(asked, *GUARDS)

        return await self._wait_for_news(scope, receive, who, security_page_version)

    async def _wait_for_news(
        self, scope: Scope, receive: Receive, who: Callable[[Scope], Awaitable[PersonRecord]], seen: _Seen
    ) -> HttpResponse:
        person = await who(scope)
        since = (one_header(scope, b"last-event-id") or query_parameters(scope).get("since", ""))[:_MAX_LENGTH]
        if self._open[person.id] >= _LIMIT:
            detail = "too many pages stand open"
            public = marked("You have too many pages open. Close some and try again.")
            raise Refused(Code.REQUEST_RATE_LIMITED, detail, public=public, retry_after_s=30)
        self._open[person.id] += 1
        try:
            now = await _unless_gone(
                receive, wait_for_news(self._people.context, person, since, wait_s=_WAIT_S, seen=seen), since
            )
        finally:
            self._open[person.id] -= 1
            if not self._open[person.id]:
                del self._open[person.id]
        await who(scope)  # ⚔ a session ended meanwhile is told nothing, not even that there is news
        kind = "same" if now == since else "changed"
        body = f"retry: {_AGAIN_MS}\nid: {now}\nevent: {kind}\ndata: {{}}\n\n"
        return HttpResponse(200, body.encode(), _EVENTS, ((b"cache-control", b"no-store"),))


async def _unless_gone(receive: Receive, waiting: Coroutine[Any, Any, str], since: str) -> str:
    """Wait for news unless the page was closed: a closed page would hold a place, and delay a stopping node."""
    gone = asyncio.ensure_future(until_closed(receive))
    try:
        news = await unless_gone(gone, waiting)
        return since if news is None else news
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
