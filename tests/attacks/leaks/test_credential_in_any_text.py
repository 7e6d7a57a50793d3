"""What lets somebody in at this desk, seen wherever agents or officers write, in disguise too.

Source: docs/model/model.md#leaks.
"""

import base64
import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from attacks.arena import ISSUER, Arena, code_of, mandate, open_arena
from attacks.escalated import RULE, asked, at, desk
from remit.client import calls
from remit.client.errors import Refused
from remit.domain.errors import Code, Fault
from remit.domain.policy.confirmers import Enrolment
from remit.usecases.people.enrol import invite_person

READ = {"order_id": "W1"}
DISGUISES: dict[str, Callable[[str], str]] = {
    "spaced": " ".join,
    "over lines": lambda value: "\n".join(value[at : at + 40] for at in range(0, len(value), 40)),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 over lines": lambda value: base64.encodebytes(value.encode()).decode(),
    "twice": lambda value: base64.b64encode(base64.b64encode(value.encode())).decode(),
    "url-encoded": lambda value: "".join(f"%{ord(letter):02X}" for letter in value),
    "hex": lambda value: value.encode().hex(),
    "backwards": lambda value: value[::-1],
    "full-width": lambda value: "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in value),
    "zero-width": "\u200b".join,
}


def _agreed(arena: Arena, uri: str) -> str:
    """Where Anna is sent back to once she has signed what was asked."""
    path = f"/me/v1/requests/{uri.rpartition(':')[2]}"
    shown = arena.anna.get(path)
    body = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    return str(arena.anna.post(path, body)["redirect"])


def _leaks(arena: Arena) -> list[tuple[str, str]]:
    return [(one["envelope"]["what"], one["envelope"]["where"]) for one in arena.entries("leak.found")]


@pytest.mark.proves("LEAK", "LEAK-DISGUISED")
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_token_in_disguise_ends_its_task(arena: Arena, disguise: str) -> None:
    task = arena.task()
    response = arena.ask(task, "order.read", READ, words=f"See here: {DISGUISES[disguise](task.token)} .")
    assert code_of(response) == "task.ended"
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "leak"
    assert task.token not in str(arena.entries())


@pytest.mark.proves("LEAK", "LEAK-DISGUISED")
def test_a_token_cut_into_several_params_ends_its_task(arena: Arena) -> None:
    task = arena.task()
    pieces = [task.token[at : at + 90] for at in range(0, len(task.token), 90)]
    response = arena.ask(task, "order.read", {**READ, "notes": [{"piece": one} for one in pieces]})
    assert code_of(response) == "task.ended"


@pytest.mark.proves("LEAK", "LEAK-DISGUISED")
def test_a_token_in_a_files_name_ends_its_task(arena: Arena) -> None:
    task = arena.task()
    file = {"name": f"{task.token}.log", "media_type": "text/plain", "data_b64": base64.b64encode(b"nothing").decode()}
    assert code_of(arena.ask(task, "order.read", READ, attachments=[file])) == "task.ended"


@pytest.mark.proves("LEAK", "LEAK-FAMILIES")
def test_a_mandates_own_token_takes_the_mandate_back_with_its_tasks(arena: Arena) -> None:
    agent = arena.agent()
    uri, state = agent.push(mandate(max_tasks=2))
    token = agent.redeem(_agreed(arena, uri), state)
    task = agent.open(token["mandate"])
    other = arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    arena.ask(other, "order.read", READ, words=f"What is this? {token['access_token']}")
    assert code_of(arena.ask(task, "order.read", READ)) in {"task.ended", "mandate.inactive"}
    assert arena.exchange(agent, token["mandate"]).status_code == 400
    assert arena.recorded("task.ended", task=task.id)["envelope"]["reason"] == "leak"
    assert arena.ask(other, "order.read", READ).status_code == 200
    assert _leaks(arena) == [("mandate_token", "ask")]
    assert "We revoked the agent's permission" in str([one.text for one in arena.notify.told if one.person == "anna"])


@pytest.mark.proves("LEAK", "LEAK-FAMILIES")
def test_a_code_that_was_seen_is_worth_nothing_and_neither_is_what_it_stands_for(arena: Arena) -> None:
    agent, other = arena.agent(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    uri, state = agent.push(mandate())
    back = _agreed(arena, uri)
    code = back.partition("code=")[2].partition("&")[0]
    arena.ask(other, "order.read", READ, words=f"callback?code={quote(code)}")
    with pytest.raises(Exception, match=r"grant\.invalid|invalid_grant"):
        agent.redeem(back, state)
    assert _leaks(arena) == [("code", "ask")]
    assert arena.recorded("mandate.revoked")["envelope"]["by_customer"] is False
    assert code not in str(arena.entries())


@pytest.mark.proves("LEAK", "LEAK-FAMILIES")
def test_a_pushed_request_that_was_seen_is_answered_by_nobody(arena: Arena) -> None:
    agent, other = arena.agent(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    uri, _ = agent.push(mandate())
    arena.ask(other, "order.read", READ, words=f"please open {ISSUER}/oauth/authorize?request_uri={quote(uri, safe='')}")
    answer = arena.person("GET", f"/me/v1/requests/{uri.rpartition(':')[2]}", cookie=arena.anna.cookie)
    assert code_of(answer) == "confirmation.replayed"
    assert _leaks(arena) == [("request", "ask")]


@pytest.mark.proves("LEAK", "LEAK-FAMILIES")
def test_a_persons_session_that_was_seen_is_over_and_they_are_told(arena: Arena) -> None:
    task = arena.task()
    cookie = arena.anna.cookie
    assert arena.person("GET", "/me/v1", cookie=cookie).status_code == 200
    arena.ask(task, "order.read", READ, words=f"Her cookie is {cookie}.")
    assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"
    assert _leaks(arena) == [("session", "ask")]
    assert "We signed you out of that session" in str([one.text for one in arena.notify.told if one.person == "anna"])
    assert cookie.partition("=")[2] not in str(arena.entries())


@pytest.mark.proves("LEAK", "LEAK-FAMILIES")
def test_a_link_that_lets_somebody_enrol_is_worth_nothing_once_it_was_seen(arena: Arena) -> None:
    task = arena.task()
    arena.desk.customer("bram", email="bram@mail.example")
    code = arena.run(invite_person(arena.context, "bram", how=Enrolment.RECOVERY, ttl_s=3600))
    arena.ask(task, "order.read", READ, words=f"{ISSUER}/enrol?code={code}")
    assert arena.person("POST", "/login/v1/enrol", {"code": code}).json()["code"] == "credential.expired"
    assert _leaks(arena) == [("invitation", "ask")]


@pytest.mark.proves("LEAK", "LEAK-FAMILIES")
def test_what_an_agent_proves_itself_with_counts_no_more_once_it_was_seen(arena: Arena) -> None:
    agent, other = arena.agent(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    proof = agent.identity.credentials(issuer=ISSUER, now_s=arena.clock.now() / 1000)
    arena.ask(other, "order.read", READ, words=f"assertion: {proof['client_assertion']}")
    answer = arena.form("/oauth/introspect", {**proof, "token": "x"})
    assert code_of(answer) == "credential.replayed"
    assert _leaks(arena) == [("assertion", "ask")]


@pytest.mark.proves("LEAK", "LEAK-PLACES")
@pytest.mark.parametrize("path", ["check", "reply", "notes"])
def test_a_token_in_what_an_officer_writes_ends_its_task_sent_or_not(arena: Arena, path: str) -> None:
    written, leaked = arena.task(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    olga = arena.desk.officer("olga", roles=["billing"])
    text = f"The agent wrote to me with {leaked.token}, what now?"
    arena.person("POST", f"/desk/v1/cases/{written.case}/{path}", {"text": text}, cookie=olga.cookie)
    assert code_of(arena.ask(leaked, "order.read", READ)) == "task.ended"
    assert arena.ask(written, "order.read", READ).status_code == 200
    assert _leaks(arena) == [("token", "note" if path == "notes" else "reply")]
    assert arena.recorded("leak.found")["desk"]["sent_by"] == written.agent.client_id
    assert written.inbox() == []
    assert leaked.token not in str(arena.entries())
    assert leaked.token not in str(arena.state())


@pytest.mark.proves("LEAK", "LEAK-PLACES")
def test_a_token_in_an_offers_terms_ends_its_task(arena: Arena) -> None:
    written, leaked = arena.task(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    olga = arena.desk.officer("olga", roles=["billing"])
    terms = {"order_id": "W1", "amount": "10.00 EUR", "note": leaked.token}
    body = {"action": "offer.accept", "terms": terms}
    assert arena.person("POST", f"/desk/v1/cases/{written.case}/offers", body, cookie=olga.cookie).is_error
    assert code_of(arena.ask(leaked, "order.read", READ)) == "task.ended"
    assert _leaks(arena) == [("token", "offer")]


@pytest.mark.proves("LEAK", "LEAK-PLACES")
@pytest.mark.parametrize("public", [True, False])
def test_a_token_in_a_note_of_the_helpdesk_ends_its_task_when_remit_reads_it(arena: Arena, public: bool) -> None:
    written, leaked = arena.task(), arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    arena.run(arena.helpdesk.reply_natively(written.case, "ann", f"for the file: {leaked.token}", public=public))
    if public:
        arena.desk.sweep()
    else:
        arena.desk.officer("olga", roles=["billing"]).get(f"/desk/v1/cases/{written.case}")
    assert code_of(arena.ask(leaked, "order.read", READ)) == "task.ended"
    assert _leaks(arena) == [("token", "native_note")]
    assert leaked.token not in str(arena.entries())


@pytest.mark.proves("LEAK", "LEAK-PLACES")
def test_a_token_in_a_pushed_requests_words_ends_its_task(arena: Arena) -> None:
    leaked, other = arena.task(), arena.agent("spiffe://elsewhere.example/x")
    wanted = mandate()
    wanted["objective"]["summary"] = f"go on with {leaked.token}"
    with contextlib.suppress(Refused):  # too long for a summary, or not
        other.push(wanted)
    assert code_of(arena.ask(leaked, "order.read", READ)) == "task.ended"
    assert _leaks(arena) == [("token", "request")]
    assert arena.recorded("leak.found")["desk"]["sent_by"] == "spiffe://elsewhere.example/x"


@pytest.mark.proves("LEAK", "LEAK-FAMILIES")
def test_what_only_looks_like_something_of_ours_changes_nothing(arena: Arena) -> None:
    """⚔ Else whoever knows how our credentials look could end other people's."""
    task = arena.task()
    before = arena.anna.cookie
    looks = [
        "rs_" + "Ab3-" * 10 + "xyz",
        "Zk4" * 14 + "q",
        "Qw7_" * 8,
        "req_" + "a2" * 13,
        "eyJhbGciOiJFUzI1NiJ9." + "aB" * 60 + "." + "c" * 86,
    ]
    arena.ask(task, "order.read", READ, words=" ".join(looks))
    assert arena.ask(task, "order.read", READ).status_code == 200
    assert arena.person("GET", "/me/v1", cookie=before).status_code == 200
    assert _leaks(arena) == []


@pytest.mark.proves("LEAK")
def test_a_store_that_is_away_while_a_token_is_seen_permits_nothing(arena: Arena) -> None:
    task = arena.task()
    real = arena.context.store.commit

    async def broken(_change: Any) -> Any:
        raise Fault(Code.FAULT_STORE, "away")

    arena.context.store.commit = broken  # type: ignore[method-assign]  # the store is away
    response = arena.ask(task, "order.read", READ, words=f"DPoP {task.token}")
    assert code_of(response) == "fault.store"
    arena.context.store.commit = real  # type: ignore[method-assign]
    assert code_of(arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN)) == ""


@pytest.mark.proves("LEAK", "LEAK-PLACES", "SECRETS")
@pytest.mark.parametrize("who", ["the customer", "the desk"])
def test_a_token_in_a_contest_or_its_answer_ends_its_task_and_stands_nowhere(arena: Arena, who: str) -> None:
    arena.task()
    leaked = arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
    ada = arena.desk.officer("ada", roles=["audit"])
    entry = next(one["entry"] for one in arena.anna.get("/me/v1/history")["entries"] if one["kind"] == "task.opened")
    text = f"This was in my mail: {leaked.token}. My card is 4111 1111 1111 1111."
    raised = arena.anna.post(f"/me/v1/entries/{entry}/contest", {"text": text if who == "the customer" else "Not me."})
    if who == "the desk":
        ada.post(f"/audit/v1/contests/{raised['contest']}", {"text": text})
    assert code_of(arena.ask(leaked, "order.read", READ)) == "task.ended"
    assert _leaks(arena) == [("token", "contest")]
    told = str(arena.entries())
    assert leaked.token not in told
    assert "4111 1111 1111 1111" not in told
    assert "This was in my mail: [" in told


@pytest.mark.proves("LEAK", "LEAK-PLACES")
def test_a_token_in_a_note_to_a_colleague_ends_its_task() -> None:
    with open_arena(**desk(RULE)) as arena:
        leaked = arena.task(agent=arena.agent("spiffe://elsewhere.example/x"))
        _, reply = asked(arena)
        bill, bea = arena.desk.officer("bill", ["billing"]), arena.desk.officer("bea", ["billing"])
        told = arena.person("POST", f"{at(bill, reply)}/hand", {"person": bea.id, "note": f"see {leaked.token}"}, cookie=bill.cookie)
        assert code_of(told) == "words.secret"
        assert code_of(arena.ask(leaked, "order.read", READ)) == "task.ended"
        assert _leaks(arena) == [("token", "hand_over")]
