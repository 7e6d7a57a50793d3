"""An officer's page of one decision: the lines to sign, the facts of this moment, and the reply to the case."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

from remit.domain.confirm.case_phrases import ENDINGS, SIGNS
from remit.domain.confirm.render_values import day_and_time, in_quotes, plain_value, titled_value
from remit.domain.i18n import Translator, marked
from remit.domain.policy.confirmers import OFFICER
from remit.domain.records import PersonRecord
from remit.domain.values import Instant, Json, instant_text
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.desk import names_if_reachable, record_names
from remit.engine.files.store import ask_files
from remit.engine.people.accounts import verify_officer
from remit.entrypoints.http.replies import HttpResponse
from remit.entrypoints.people.bodies import confirmation_body
from remit.entrypoints.web.edit_form import param_fields
from remit.entrypoints.web.file_pages import KINDS
from remit.entrypoints.web.layout import render_page
from remit.entrypoints.web.phrases import ANSWERS, WHYS
from remit.entrypoints.web.queue_page import role_title
from remit.usecases.confirm.answer import show_invitation
from remit.usecases.desk.decision_view import decision_view

SENT: Final[Mapping[str, str]] = {
    "floor": marked("Everything in this area needs this role."),
    "policy": marked("A policy asks for this role."),
    "rule": marked("An escalation rule asks for this role."),
    "words": marked("The agent's message asks for more than the request."),
}
"""What asked for the role."""
_GUARDS: Final = frozenset({"security", "admin"})


async def decide_page(
    desk: DeskContext, plain: DeskContext, officer: PersonRecord, confirmation: str, *, seen: str
) -> HttpResponse:
    """Render the page for an officer whose role is asked; `plain` is the desk in its own language.

    `seen` is the page's version, read before any content.

    Raises:
        Refused: as `show_invitation`.
    """
    verify_officer(officer)
    shown = await show_invitation(plain, officer, confirmation, language=desk.catalogue.say.language)
    about = await decision_view(desk, officer, confirmation)
    say, action, params = desk.catalogue.say, desk.catalogue.action(shown.ask.action), recorded_params(shown.ask)
    names = await names_if_reachable(record_names(desk, shown.ask.customer, [(action, params)], {}))
    body = confirmation_body(desk, shown)
    rendering = body["rendering"]
    return render_page(
        desk,
        "decide.html",
        officer,
        seen=seen,
        body=body,
        lines=rendering["lines"] if isinstance(rendering, Mapping) else (),
        words=shown.confirmation.words,
        fields=[] if shown.confirmation.words else param_fields(action, params, names, say),
        confirmation=shown.confirmation.id,
        twin=f"/desk/v1/confirmations/{shown.confirmation.id}",
        taken=shown.taken,
        theirs=shown.taken is not None and shown.taken.person_key != officer.key,
        due_at=instant_text(shown.confirmation.due),
        files=await ask_files(plain, shown.ask),
        file_kinds=say.each(KINDS),
        about=about,
        fact=lambda one: fact_text(one["value"], say, desk.catalogue.attributes[one["name"]].value_titles),
        role=lambda name: role_title(desk, name),
        who=lambda word: say("the customer") if word == "customer" else role_title(desk, word.removeprefix(OFFICER)),
        sent=say.each(SENT),
        signs=say.each(SIGNS),
        answers=say.each(ANSWERS),
        endings=say.each(ENDINGS),
        sees_security=bool(_GUARDS & set(officer.roles)),
        attributes={name: one.title for name, one in desk.catalogue.attributes.items()},
        whys=say.each(WHYS),
        macros=about["macros"],
        case_id=shown.ask.case,
    )


def fact_text(value: Json, say: Translator, titles: Mapping[str, str]) -> str:
    """Return a fact for an officer: money and times in words, a titled part as `title (price, state)`.

    `titles` are the reader's words for some of the values.
    """
    if isinstance(value, Mapping) and isinstance(title := value.get("title"), str):
        rest = [fact_text(one, say, titles) for key, one in value.items() if key not in {"id", "product", "title"}]
        return f"{in_quotes(title, say)} ({', '.join(rest)})" if rest else in_quotes(title, say)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(fact_text(one, say, titles) for one in value) or say("(empty)")
    return titled_value(value, titles) or _day(value, say) or plain_value(value, say)


def _day(value: Json, say: Translator) -> str:
    """Return a day in words; "" for anything else."""
    if not isinstance(value, str) or len(value) != len("2026-01-31"):
        return ""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return ""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return day_and_time(Instant(round(moment.timestamp() * 1000)), say).partition(",")[0]
