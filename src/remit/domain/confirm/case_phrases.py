"""Phrases about a case for people, by code: the end of its task, the agent's proof and risk."""

from collections.abc import Mapping
from typing import Final

from remit.domain.i18n import marked

ENDINGS: Final[Mapping[str, str]] = {
    "agent_suspended": marked("the desk stopped the agent"),
    "case_closed": marked("the case was closed"),
    "case_merged": marked("the case was merged into another"),
    "case_reassigned": marked("the case went to somebody else"),
    "completed": marked("the agent finished"),
    "customer_declined": marked("the customer said no and ended it"),
    "customer_suspended": marked("the desk stopped everything done in the customer's name"),
    "desk_revoked": marked("the desk took the permission back"),
    "end_of_life": marked("it had run for a whole day"),
    "idle": marked("nothing happened for a while"),
    "leak": marked("a secret had leaked"),
    "mandate_expired": marked("the permission ran out"),
    "objective_reached": marked("the goal was reached"),
    "objective_suspended": marked("the desk stopped this kind of purpose"),
    "operator_suspended": marked("the desk stopped everything this operator runs"),
    "recovered": marked("the desk was restored from an older copy"),
    "revoked": marked("the permission was taken back"),
    "risk": marked("the agent behaved oddly"),
}
"""Reasons for the end of a task."""

PROOFS: Final[Mapping[str, str]] = {
    "federated_jwt": marked("with a token of its operator's platform"),
    "http_message_signature": marked("with a key of its own that the desk knows"),
    "private_key_jwt": marked("with a key of its own that the desk knows"),
    "spiffe_jwt": marked("with its operator's workload identity (SPIFFE)"),
    "spiffe_x509": marked("with its operator's workload identity (SPIFFE)"),
    "web_bot_auth": marked("with a key at its own web address, unknown to the desk until it came"),
}
"""Proofs of an agent."""
PROVED_NOTHING: Final = marked("It has proved nothing: anyone could use its name. Take special care.")
"""The words to the desk about a visitor."""

SIGNS: Final[Mapping[str, str]] = {
    "asked_again": marked("asked again for what a person had declined"),
    "canary": marked("named a value that the desk had planted as bait"),
    "drift": marked("wrote something else than it asked for"),
    "opened": marked("opened many tasks or permissions"),
    "refusals": marked("was refused"),
    "slicing": marked("did the same thing to the same record again and again"),
    "sweep": marked("named records that are not the customer's"),
}
"""Sources of risk."""
