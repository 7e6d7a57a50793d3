"""Step-up: an unconfirmed write rests on the signature under the mandate, which may become too old for it."""

from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Action, Effect
from remit.domain.errors import Code, Refused
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.context import DeskContext

ACR: Final = "phr"
"""Authentication of the customer at signing: phishing-resistant (OpenID EAP ACR Values 1.0 §2), always anew."""


def verify_fresh_grant(
    desk: DeskContext, state: AuthorizationState, action: Action, confirmed_by: frozenset[str]
) -> None:
    """Verify that the customer signed the root mandate lately enough for a permitted write that they do not confirm.

    ⚔ A sub-mandate is as old as what the customer signed. Confirming the very act is fresher than any grant.

    Raises:
        Refused: `mandate.stale`, cured by a mandate that the customer signs now (`max_age`).

    Source: RFC 9470 §3; docs/model/standards.md#step-up.
    """
    age_s = desk.terms.grant_age_s
    if not age_s or action.builtin or action.effect is not Effect.WRITE:
        return
    if CUSTOMER not in confirmed_by and state.now - state.chain[-1][0].record.granted_at > age_s * 1000:
        raise Refused(Code.MANDATE_STALE, f"signed more than {age_s} s ago")
