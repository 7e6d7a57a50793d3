"""Decline several confirmations at once: each by the ordinary answer, with its own checks and its own result."""

from collections.abc import Sequence
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import said
from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.engine.ask.reply import AskReply
from remit.engine.context import DeskContext
from remit.usecases.confirm.answer import answer_invitation
from remit.usecases.confirm.held_words import answer_words, asks_about_words

_NO: Final = "no"
MOST: Final = 50
"""Maximum number of confirmations declined at once."""


@struct(frozen=True, kw_only=True)
class DeclineResult:
    """The result of one of several declines: the reply, or the refusal or fault."""

    confirmation: str
    reply: AskReply | None = None
    error: Refused | Fault | None = None


async def decline_many(
    desk: DeskContext, officer: PersonRecord, confirmations: Sequence[str], *, language: str
) -> list[DeclineResult]:
    """Decline confirmations one by one; one that cannot be declined leaves the others alone.

    ⚔ There is no yes to many: a yes is one person's signature under one rendering.

    Raises:
        Refused: `request.malformed` for none or too many.
    """
    wanted = list(dict.fromkeys(confirmations))
    if not 0 < len(wanted) <= MOST:
        public = said("Select between 1 and {count} requests.", count=MOST)
        raise Refused(Code.REQUEST_MALFORMED, f"between 1 and {MOST} at once", public=public)
    return [await _decline(desk, officer, one, language) for one in wanted]


async def _decline(desk: DeskContext, officer: PersonRecord, confirmation: str, language: str) -> DeclineResult:
    answer = answer_words if await asks_about_words(desk, confirmation) else answer_invitation
    try:
        reply = await answer(desk, officer, confirmation, said=_NO, assertion=None, language=language)
    except (Refused, Fault) as error:
        return DeclineResult(confirmation=confirmation, error=error)
    return DeclineResult(confirmation=confirmation, reply=reply)
