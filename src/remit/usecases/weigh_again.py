"""Deciding afresh an ask that people have confirmed, or are to be asked about: on the standing, rules and facts of this moment."""

from dataclasses import replace

from remit.domain.decision import Refuse
from remit.domain.records import AskRecord
from remit.domain.target import money_on
from remit.domain.words_beyond import WordsState
from remit.usecases.parts import Parts
from remit.usecases.replies import params_of
from remit.usecases.standing import Standing, load_standing, verify_standing
from remit.usecases.weigh import NOBODY, Confirmed, Weighed, Wish, weigh


async def weigh_confirmed(parts: Parts, ask: AskRecord, by: frozenset[str]) -> tuple[Standing, Weighed]:
    """Decide an ask afresh with the people who really confirmed; what it holds itself counts as free.

    Raises:
        Refused: the standing's own codes, when the task cannot ask any more.
    """
    return await _weigh_again(parts, ask, Confirmed(by=by, kind="fresh" if by else "none"))


async def weigh_unconfirmed(parts: Parts, ask: AskRecord) -> tuple[Standing, Weighed]:
    """Decide an ask afresh as if it had just come, with nobody's yes: an officer has looked at its words, and at nothing else.

    Raises:
        Refused: as `weigh_confirmed`.
    """
    return await _weigh_again(parts, ask, NOBODY)


async def _weigh_again(parts: Parts, ask: AskRecord, confirmed: Confirmed) -> tuple[Standing, Weighed]:
    about = money_on(parts.catalogue.actions.get(ask.action), params_of(ask))
    standing = await load_standing(parts, ask.task, about=about)
    verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
    counters = dict(standing.counters)
    for held in ask.reserved:
        counters[held.scope, held.key] = counters.get((held.scope, held.key), 0) - held.amount
    freed = replace(standing, counters=counters)
    released = ask.words_state == WordsState.RELEASED
    wish = Wish(action=ask.action, params=params_of(ask), words=ask.words or None, held=ask.reserved, released=released)
    return standing, _as_it_stands(await weigh(parts, freed, wish, confirmed))


def _as_it_stands(weighed: Weighed) -> Weighed:
    """The decision about an ask that is done with all its words or not at all.

    ⚔ What a later message adds to may say more by now than when it came. Decided without its words, it would be done with them.
    """
    if weighed.judged is None or isinstance(weighed.decision, Refuse):
        return weighed
    return replace(weighed, decision=Refuse(code=weighed.judged.code, detail=weighed.judged.reason), reserved=())
