"""Federated workloads: tokens of issuers that the desk lists, each subject mapped to one registered agent."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.assertions import MAX_SVID_MS, verify_times
from remit.domain.identity.jws import UnverifiedJws, malformed_token, text_member, token_type
from remit.domain.structs import struct
from remit.domain.values import Instant, JsonObject, deep_equal

_TYPES: Final = frozenset({"jwt", "at+jwt"})


@struct(frozen=True, kw_only=True)
class FederationRule:
    """One line of the allow-list: the subject of an issuer that is one registered agent, and further exact claims."""

    issuer: str
    subject: str
    agent: str
    audience: str = ""
    """The `aud` of its tokens; "" for the desk's own issuer."""
    claims: Mapping[str, str | int | bool] = field(default_factory=dict)
    jwks_file: str = ""
    """Keys of an issuer that cannot be reached from here; "" for its discovery document."""
    private: bool = False
    """Whether the issuer may be at a private address, as a cluster's own is."""


def federated_agent(unverified_claims: JsonObject, rules: Sequence[FederationRule]) -> str | None:
    """Return the agent that a token speaks for if its signature is good; None for a token of no listed issuer.

    Raises:
        Refused: `agent.unknown` for an unlisted subject of a listed issuer.
    """
    issuer = unverified_claims.get("iss")
    if not any(one.issuer == issuer for one in rules):
        return None
    return _rule(unverified_claims, rules).agent


def verify_federated_claims(
    jws: UnverifiedJws, rules: Sequence[FederationRule], *, client_id: str, issuer: str, now: Instant
) -> tuple[FederationRule, Instant]:
    """Verify the claims of a federated token; return its rule and its end.

    ⚔ Issuer, subject and every configured claim are compared whole: no prefixes, no patterns, no coercion. The
    audience is this desk's alone: a token for another service cannot be carried here.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_audience`, `credential.expired`, `agent.unknown`.

    Source: RFC 7523 §3; RFC 8725 §3.8, §3.9; docs/decisions/0055-federated-workloads.md.
    """
    if token_type(jws.header, absent="jwt") not in _TYPES:
        raise malformed_token("'typ' must be JWT or at+jwt")
    rule = _rule(jws.claims, rules)
    if rule.agent != client_id:
        raise Refused(Code.AGENT_UNKNOWN, "the token is another agent's")
    audience = rule.audience or issuer
    if jws.claims.get("aud") not in (audience, [audience]):
        raise Refused(
            Code.CREDENTIAL_WRONG_AUDIENCE,
            "aud is not the configured one alone",
            public=f"'aud' must be {audience} and nothing else.",
        )
    for name, expected in rule.claims.items():
        if not deep_equal(jws.claims.get(name), expected):
            raise Refused(Code.AGENT_UNKNOWN, f"the claim {name} is not the configured one")
    return rule, verify_times(jws.claims, now, longest_ms=MAX_SVID_MS)


def _rule(unverified_claims: JsonObject, rules: Sequence[FederationRule]) -> FederationRule:
    """Find the rule of issuer and subject; the settings allow one of each."""
    issuer, subject = text_member(unverified_claims, "iss"), text_member(unverified_claims, "sub")
    found = next((one for one in rules if (one.issuer, one.subject) == (issuer, subject)), None)
    if found is None:
        raise Refused(Code.AGENT_UNKNOWN, f"no agent is mapped to {subject[:80]!r} of {issuer[:80]!r}")
    return found
