"""The door for events of the company's own helpdesk."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.event_signatures import EventScheme
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.entrypoints.http.bodies import decode_body, read_body
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import HttpResponse, json_response
from remit.entrypoints.http.wire import Receive, Scope, one_header
from remit.usecases.helpdesk_events import HelpdeskEvent, note_helpdesk_event

EVENTS: Final = "/helpdesk/v1/events"


@struct(frozen=True)
class HelpdeskEventsApi:
    """Handlers of one desk."""

    context: DeskContext
    limits: Limits

    async def event(self, scope: Scope, receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """POST /helpdesk/v1/events: the helpdesk says that something happened to a ticket.

        Raises:
            Refused: as `note_helpdesk_event`; `request.not_found` without a helpdesk of the company's own,
                `request.rate_limited`.
        """
        self.limits.verify_peer(scope)
        try:
            scheme, raw = self._scheme(), await read_body(scope, receive)
            event = HelpdeskEvent(lambda name: one_header(scope, name.encode()), raw, await decode_body(scope, raw))
            note_helpdesk_event(self.context, scheme, event)
        except Refused:
            self.limits.count_unproved(scope)
            raise
        if not self.context.event_secret:
            self.limits.count_unproved(scope)
        return json_response(202, {})

    def _scheme(self) -> EventScheme:
        scheme = self.context.event_scheme
        if scheme is None:
            raise Refused(Code.REQUEST_NOT_FOUND, "no helpdesk of the company's own")
        return scheme
