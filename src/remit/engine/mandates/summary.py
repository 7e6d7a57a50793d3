"""Check of a wanted mandate's summary, before anything of it is stored or shown."""

from remit.domain.mandate.model import Mandate
from remit.domain.mandate.parse_where import mandate_error
from remit.domain.words.summary import check_summary
from remit.engine.context import DeskContext


def verify_summary(desk: DeskContext, mandate: Mandate) -> None:
    """Verify that the agent's summary says what it wants, and neither orders nor speaks as the desk.

    Raises:
        Refused: `mandate.invalid` naming the summary.

    Source: docs/model/model.md#summary.
    """
    summary = mandate.objective.summary
    verdict = check_summary(summary, desk.lexicon, desk=desk.catalogue.desk) if summary else None
    if verdict is not None and not verdict.passes:
        raise mandate_error("objective.summary", f"{verdict.reason}; say in plain words what you want to do")
