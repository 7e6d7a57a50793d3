"""Every text of a person or of the desk's systems that can reach an agent, member by member, and the check it goes through.

A member that is added to an answer has to be entered here: with the words of the desk's own people or systems in it, or without.

Source: docs/model/model.md#outbound.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from attacks.arena import FACTS, Arena, mandate, open_arena
from remit.entrypoints.http import wire_answers

REMITS = "Remit's own: a code, a name of the rules, a state, a time, an id, or a text of the translations"
AGENTS = "the agent's own words and mandate"
CHECKED = {
    "Reply.result": "test_result_tells_more, test_told_after_revocation",
    "Reply.reason": "test_told_after_revocation: a desk's reason is cut like an officer's text",
    "Reply.receipt": "its agent section repeats result, reason, text and offer as they were checked",
    "InboxMessage.text": "test_officer_text_leaks, test_values_in_other_words, test_facts_that_follow",
    "InboxMessage.offer": "test_told_after_revocation: texts in terms; below: records in terms",
}
UNSAID = {
    "AttachmentOut.name": AGENTS,
    "AttachmentOut.why": REMITS,
    "AttachmentOut.kind": REMITS,
    "AttachmentOut.state": REMITS,
    "AttachmentOut.removed": REMITS,
    "Introspected.token_type": REMITS,
    "Introspected.authorization_details": AGENTS,
    "Introspected.act": AGENTS,
    "Pushed.request_uri": REMITS,
    "TokenResponse.authorization_details": AGENTS,
    "Task.budgets": AGENTS,
    "BackchannelStarted.auth_req_id": REMITS,
    "PendingRequest.auth_req_id": REMITS,
    "RegisteredClient.client_id": REMITS,
    "RegisteredClient.client_name": AGENTS,
    "RegisteredClient.grant_types": REMITS,
    "RegisteredClient.redirect_uris": AGENTS,
    "RegisteredClient.response_types": REMITS,
    "TransactionPending.authorization_uri": REMITS,
    "TransactionPending.transaction_authorization_id": REMITS,
    "TransactionToken.authorization_details": AGENTS,
    "VisitorTokenResponse.refresh_token": REMITS,
    "VisitorTokenResponse.scope": REMITS,
}
"""Members without a text of the desk, where their name does not say so."""
PLAIN = {"ask", "task", "case", "code", "codes", "cure", "state", "who", "poll", "notice", "countered_by", "expires_at", "ends_at", "at"}
PLAIN |= {"objective", "waiting", "reason", "kind", "withheld_kinds", "access_token", "mandate", "error", "error_description", "messages"}
PLAIN |= {"attachments", "words", "issued_token_type"}
"""Names whose text is Remit's own wherever it stands: `Task.reason` and `Ended.reason` are of a closed list."""


def _members() -> Iterator[str]:
    for name, kind in vars(wire_answers).items():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            for field in msgspec.structs.fields(kind):
                said = str(field.type)
                if "str" in said or "Any" in said or "list" in said:
                    yield f"{name}.{field.name}"


def test_every_member_with_text_is_accounted_for() -> None:
    members = set(_members())
    known = CHECKED.keys() | UNSAID.keys()
    assert known <= members
    assert {one for one in members - known if one.partition(".")[2] not in PLAIN} == set()


@pytest.fixture
def arena() -> Iterator[Arena]:
    facts = deepcopy(FACTS)
    facts["owners"]["order"]["W900"] = ["bram"]
    facts["attributes"]["customer"]["anna"]["contact.address"] = "Lindenweg 18, 50667 Koeln"
    with open_arena(facts=facts) as one:
        one.desk.customer("bram", name="Bram de Wit")
        yield one


def _offered(arena: Arena, terms: dict[str, Any]) -> Any:
    wanted = mandate()
    wanted["objective"]["type"] = "return-item"
    task = arena.task(wanted)
    olga = arena.desk.officer("olga", roles=["billing"])
    body = {"action": "offer.accept", "terms": {"kind": "goodwill credit", "order_id": "W1", "amount": "5.00 EUR", **terms}}
    answer = arena.person("POST", f"/desk/v1/cases/{task.case}/offers", body, cookie=olga.cookie)
    return answer.json(), task.inbox()


@pytest.mark.proves("OUTBOUND", "OFFERS")
def test_an_offers_terms_name_no_other_customers_record(arena: Arena) -> None:
    body, inbox = _offered(arena, {"order_id": "W900"})
    assert body["code"] == "reply.withheld", body
    assert inbox == []


@pytest.mark.proves("OUTBOUND", "OFFERS")
def test_an_offer_for_the_customers_own_record_is_made(arena: Arena) -> None:
    body, inbox = _offered(arena, {})
    assert "code" not in body, body
    assert len(inbox) == 1
