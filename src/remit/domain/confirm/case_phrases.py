"""Phrases about a case for people, by code: the end of its task, the agent's proof and risk."""

from collections.abc import Mapping
from typing import Final

from remit.domain.i18n import marked

ENDINGS: Final[Mapping[str, str]] = {
    "agent_suspended": marked("support stopped the agent"),
    "case_closed": marked("the case was closed"),
    "case_merged": marked("the case was merged into another"),
    "case_reassigned": marked("the case was reassigned to someone else"),
    "completed": marked("the agent finished"),
    "customer_declined": marked("the customer declined and ended the task"),
    "customer_suspended": marked("support stopped all agents acting for the customer"),
    "desk_revoked": marked("support revoked the permission"),
    "end_of_life": marked("it reached its time limit"),
    "idle": marked("it was inactive for too long"),
    "leak": marked("a secret was leaked"),
    "mandate_expired": marked("the permission expired"),
    "objective_reached": marked("the goal was reached"),
    "objective_suspended": marked("support stopped all tasks with this purpose"),
    "operator_suspended": marked("support stopped all agents run by this operator"),
    "recovered": marked("the server was restored from an older copy"),
    "revoked": marked("the permission was revoked"),
    "risk": marked("the agent behaved suspiciously"),
}
"""Reasons for the end of a task."""

PROOFS: Final[Mapping[str, str]] = {
    "federated_jwt": marked("with a token from its operator's platform"),
    "http_message_signature": marked("with a registered key"),
    "private_key_jwt": marked("with a registered key"),
    "spiffe_jwt": marked("with its operator's workload identity (SPIFFE)"),
    "spiffe_x509": marked("with its operator's workload identity (SPIFFE)"),
    "web_bot_auth": marked("with a self-published key from its own web address that isn't registered here"),
}
"""Proofs of an agent."""
PROVED_NOTHING: Final = marked("Not verified: anyone could use its name. Take special care.")
"""The words to the desk about a visitor."""

SIGNS: Final[Mapping[str, str]] = {
    "asked_again": marked("repeated a declined request"),
    "canary": marked("used a canary (decoy value)"),
    "drift": marked("asked for something else in a message than in the request"),
    "opened": marked("opened many tasks or permissions"),
    "refusals": marked("had requests blocked"),
    "slicing": marked("repeated the same action on the same record"),
    "sweep": marked("named records that don't belong to the customer"),
}
"""Sources of risk."""
