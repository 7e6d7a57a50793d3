"""A right body for every door for people."""

from collections.abc import Mapping
from typing import Any, Final

from attacks.arena import FACTS, SEND_BACK, SHOP, mandate

LESS: Final = {"params": SEND_BACK}


BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "/audit/v1/contests/{id}": {"text": "It was so."},
    "/audit/v1/export": {"format": "csv", "filters": {"q": "W1"}},
    "/audit/v1/verify": {},
    "/desk/v1/cases/{id}/check": {"text": "Hello"},
    "/desk/v1/cases/{id}/close": {},
    "/desk/v1/cases/{id}/notes": {"text": "A note"},
    "/desk/v1/cases/{id}/offers": {"action": "order.return", "terms": {}},
    "/desk/v1/cases/{id}/reply": {"text": "Hello"},
    "/desk/v1/confirmations/{id}": {"answer": "no"},
    "/desk/v1/confirmations/{id}/hand": {"role": "care"},
    "/desk/v1/confirmations/{id}/less": LESS,
    "/desk/v1/confirmations/{id}/undo": {},
    "/desk/v1/confirmations/{id}/take": {},
    "/desk/v1/decline": {"confirmations": ["cnf_unknown"]},
    "/desk/v1/files/{id}": {"decision": "discard"},
    "/desk/v1/mentions/{id}": {},
    "/desk/v1/resume": {},
    "/language": {"language": "en"},
    "/login/v1/enrol": {},
    "/login/v1/sign-in": {},
    "/login/v1/sign-out": {},
    "/login/v1/sign-out-everywhere": {},
    "/me/v1/confirmations/{id}": {"answer": "no"},
    "/me/v1/confirmations/{id}/less": LESS,
    "/me/v1/confirmations/{id}/undo": {},
    "/me/v1/entries/{id}/contest": {"text": "Not me."},
    "/me/v1/entries/{id}/disown": {"text": "Not me."},
    "/me/v1/mandates/{id}/narrow": mandate(max_tasks=1),
    "/me/v1/mandates/{id}/revoke": {},
    "/me/v1/passkeys/{id}/remove": {},
    "/me/v1/requests/{id}": {"answer": "decline"},
    "/me/v1/resume": {},
    "/me/v1/visits": {"objective": "return-item", "records": ["W1"]},
    "/oauth/authorize": {"objective": "return-item", "record:return-item:W1": "on"},
    "/sandbox/v1/agents": {"client_id": "x", "operator": "x", "keys": {}},
    "/sandbox/v1/facts": FACTS,
    "/sandbox/v1/people": {"id": "new", "kind": "officer", "roles": ["admin"]},
    "/sandbox/v1/suspend": {"what": "customer", "name": "bram"},
    "/sandbox/v1/sweep": {},
    "/security/v1/agents": {"client_id": SHOP, "tier": "unproved"},
    "/security/v1/canaries": {"kind": "token", "name": "old key", "place": "the wiki"},
    "/security/v1/canaries/{id}/remove": {},
    "/security/v1/erasures": {"customer": "bram", "reason": "asked for"},
    "/security/v1/incidents/{id}/assign": {"owner": "me"},
    "/security/v1/incidents/{id}/close": {"reason": "over"},
    "/security/v1/incidents/{id}/notes": {"text": "A note"},
    "/security/v1/people": {"id": "cleo", "kind": "customer"},
    "/security/v1/people/{id}/contact": {"email": "bram@other.example"},
    "/security/v1/people/{id}/recover": {},
    "/security/v1/people/{id}/roles": {"roles": ["audit"]},
    "/security/v1/people/{id}/verified": {"reason": "seen"},
    "/security/v1/proposals/{id}": {"answer": "no"},
    "/security/v1/resume": {"operator": "bad.example", "reason": "over"},
    "/security/v1/suspend": {"operator": "worse.example", "reason": "fraud"},
    "/staff/v1/views": {"page": "audit", "name": "Mine", "filters": {"q": "W1"}},
    "/staff/v1/views/remove": {"page": "audit", "name": "Mine"},
}
"""What is asked of each door that changes something, by who may. A new door stands here, or the tests say so."""
