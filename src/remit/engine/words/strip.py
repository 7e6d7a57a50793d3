"""Asks that proceed without their words, and the notice to their agent in reply and inbox."""

from remit.domain.catalogue.model import Action
from remit.domain.confirm.confirmation import ask_digest
from remit.domain.policy.decision import Refuse
from remit.domain.policy.risk import AskRefused
from remit.domain.records import AskRecord
from remit.domain.structs import replace
from remit.domain.words.excess import MESSAGE, StrippedAsk, WordsHandling, WordsState, read_marks, strip_notice
from remit.domain.words.verdict import WordsRelation
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.evaluate import Evaluation
from remit.engine.ask.risk import risk_events, stripped_words
from remit.engine.context import DeskContext
from remit.engine.tasks import next_message
from remit.ports.store import Put, RiskEvent
from remit.proof.canonical import canonical


async def add_strip_notice(desk: DeskContext, state: AuthorizationState, evaluation: Evaluation) -> Evaluation:
    """Return a decision with the notice that its words were left out, where they were."""
    if evaluation.judged is None or evaluated_words_state(evaluation) is not WordsState.STRIPPED:
        return evaluation
    message = await next_message(
        desk, state, kind="notice", text=strip_notice(evaluation.judged.code, evaluation.judged.marked)
    )
    return replace(evaluation, puts=(*evaluation.puts, Put(message, 0)))


def evaluated_words_state(evaluation: Evaluation) -> WordsState | None:
    """Return the state of an ask's words after its decision; None where nothing exceeds it, or it was refused."""
    if evaluation.judged is None or isinstance(evaluation.decision, Refuse):
        return None
    return WordsState.HELD if evaluation.judged.way is WordsHandling.HOLD else WordsState.STRIPPED


def remaining_words(evaluation: Evaluation, words: str | None) -> str | None:
    """Return the message as the ask keeps it. ⚔ Stripped text is shown nowhere, nor counts as said before."""
    left_out = (
        evaluated_words_state(evaluation) is WordsState.STRIPPED
        and evaluation.judged is not None
        and MESSAGE in evaluation.judged.places
    )
    return None if left_out else words


def risk_of_stripped_words(state: AuthorizationState, evaluation: Evaluation) -> tuple[RiskEvent, ...]:
    """⚔ Return the risk of stripped words, equal to refused ones: repeated tries count under any setting.

    Words that were only not recognised are no try of anything.
    """
    if evaluation.judged is None or evaluated_words_state(evaluation) is not WordsState.STRIPPED:
        return ()
    if evaluation.judged.said is WordsRelation.UNRECOGNISED:
        return ()
    event = AskRefused(code=evaluation.judged.code, mend=stripped_words(state.task.record))
    return risk_events(state, event, customer=False)


def strip_ask(ask: AskRecord, action: Action, left: StrippedAsk, salt: str) -> AskRecord:
    """Return the ask without its words. ⚔ Confirmers sign the rest; its digest still covers the whole ask."""
    digest = ask_digest(
        task=ask.task,
        action=ask.action,
        action_digest=action.digest,
        params=left.params,
        words=left.words,
        salt=salt,
        attachments=(ask.digest,),
    )
    return replace(
        ask,
        params=canonical(left.params).decode(),
        words=left.words or "",
        digest=digest,
        salt=salt,
        words_state=WordsState.STRIPPED.value,
    )


def drop_message(ask: AskRecord) -> AskRecord:
    """Return an ask without its message. ⚔ If that alone was released, nothing was: no later text rests on it."""
    if ask.words_state != WordsState.RELEASED or any(one.where != MESSAGE for one in read_marks(ask.marked)):
        return replace(ask, words="")
    return replace(ask, words="", words_state="", marked="")
