"""Deciding afresh an ask that people have confirmed, or are to be asked about: on the standing, rules and facts of this moment."""

from dataclasses import replace

from remit.domain.records import AskRecord
from remit.domain.target import money_on
from remit.usecases.parts import Parts
from remit.usecases.replies import params_of
from remit.usecases.standing import Standing, load_standing, verify_standing
from remit.usecases.weigh import Confirmed, Weighed, Wish, weigh


async def weigh_confirmed(parts: Parts, ask: AskRecord, by: frozenset[str]) -> tuple[Standing, Weighed]:
    """Decide an ask afresh with the people who really confirmed; what it holds itself counts as free.

    Raises:
        Refused: the standing's own codes, when the task cannot ask any more.
    """
    about = money_on(parts.catalogue.actions.get(ask.action), params_of(ask))
    standing = await load_standing(parts, ask.task, about=about)
    verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
    counters = dict(standing.counters)
    for held in ask.reserved:
        counters[held.scope, held.key] = counters.get((held.scope, held.key), 0) - held.amount
    freed = replace(standing, counters=counters)
    wish = Wish(action=ask.action, params=params_of(ask), words=ask.words or None, held=ask.reserved)
    return standing, await weigh(parts, freed, wish, Confirmed(by=by, kind="fresh" if by else "none"))
