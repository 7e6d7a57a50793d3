"""Under which keys records are found: what ends, suspends or expires something must find all of it, and only while it lives."""

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from remit.domain.records import (
    WEB_BOT_AUTH,
    ActRecord,
    AgentRecord,
    AskRecord,
    AskState,
    CanaryRecord,
    Ceremony,
    ClientRegistration,
    ConfirmationAnswer,
    ConfirmationRecord,
    ConfirmationState,
    Contest,
    DeskMessage,
    FileContent,
    FileRecord,
    FileState,
    IdempotencyRecord,
    Invitation,
    KnownBy,
    LeakReport,
    MandateRecord,
    NoticeRecord,
    NoticeStage,
    OfferRecord,
    OutboxState,
    OverrideReview,
    PasskeyRecord,
    PersonRecord,
    Proposal,
    PushedRequest,
    Record,
    RequestState,
    ReviewState,
    RevokedToken,
    RulesRecord,
    SessionRecord,
    Suspension,
    TaskRecord,
    TaskState,
    Tier,
    TokenFamily,
)
from remit.domain.values import Instant

AT, LATER = Instant(1_000), Instant(2_000)
WHO: dict[str, Any] = {"client_id": "spiffe://h.example/a", "actor": "spiffe://h.example/a", "operator": "h.example", "jkt": "k"}
TASK = TaskRecord(
    id="task_1", mandate="man_1", root="man_1", customer="yu", objective="return-item", case="case_1", state=TaskState.OPEN,
    opened_at=AT, ends_at=LATER, **WHO,
)  # fmt: skip
MANDATE = MandateRecord(
    id="man_1", version=1, state="active", customer="yu", objective="return-item", wire="{}", hash="h", signed="{}", action_digests={},
    evidence="{}", granted_at=AT, expires_at=LATER, max_tasks=1, tasks=0, root="man_1", **WHO,
)  # fmt: skip
ASK = AskRecord(
    id="ask_1", task="task_1", mandate="man_1", customer="yu", operator="h.example", client_id="spiffe://h.example/a", case="case_1",
    action="order.read", params="{}", words="", digest="d", state=AskState.WAITING, at=AT, covered=(),
)  # fmt: skip
CONFIRMATION = ConfirmationRecord(
    id="conf_1", ask="ask_1", task="task_1", customer="yu", operator="h.example", who=("customer", "officer:billing"), decision="d",
    digest="d", rendering="{}", rendering_hash="r", nonce="n", state=ConfirmationState.WAITING, at=AT, expires_at=LATER,
)  # fmt: skip
ACT = ActRecord(
    id="act_1", ask="ask_1", task="task_1", case="case_1", door="backoffice", payload="{}", state=OutboxState.QUEUED, queued_at=AT,
    sent_at=LATER,
)  # fmt: skip
PERSON = PersonRecord(id="ann", kind="officer", key="ann", name="Ann", email="Ann@Desk.example", roles=("admin", "billing"), created_at=AT)
REQUEST = PushedRequest(
    id="req_1", wire="{}", redirect_uri="", state="s", code_challenge="c", phase=RequestState.PUSHED, created_at=AT, expires_at=LATER, **WHO
)
AGENT = AgentRecord(
    id="a", actor="b", operator="h.example", name="A", tier=Tier.KNOWN, method="jwt", keys="{}", redirect_uris=(), created_at=AT
)
ANSWER = ConfirmationAnswer(person="yu", person_key="yu", confirms_as="customer", answer="yes", at=AT, evidence="{}")


def found(record: Record) -> set[tuple[str, str]]:
    return {(link.name, link.key) for link in record.links()}


@pytest.mark.parametrize(
    ("record", "members"),
    [
        (ASK, {"state": AskState.DONE, "versions": {"order:W1": "3"}}),
        (ACT, {"tries": 2}),
        (TASK, {"state": TaskState.ENDED, "reason": "idle"}),
    ],
)
def test_a_changed_record_is_what_dataclasses_make_of_it(record: Any, members: dict[str, Any]) -> None:
    assert replace(record, **members) == dataclasses.replace(record, **members) != record
    assert type(replace(record)) is type(record)
    with pytest.raises(TypeError):
        replace(record, no_such_member=1)


def test_a_live_task_is_found_by_everything_that_can_end_it() -> None:
    live = {
        ("task.live_agent", "spiffe://h.example/a"),
        ("task.live_operator", "h.example"),
        ("task.live_customer", "yu"),
        ("task.live_objective", "return-item"),
        ("task.live_mandate", "man_1"),
        ("task.live", ""),
        ("due.task", ""),
    }
    always = {("task.all", ""), ("task.case", "case_1"), ("task.mandate", "man_1")}
    assert found(TASK) == live | always
    assert found(replace(TASK, state=TaskState.HELD)) == live | always | {("task.held", "")}
    assert found(replace(TASK, state=TaskState.ENDED)) == always


def test_a_task_is_due_when_its_life_ends_and_not_when_it_began() -> None:
    assert [link.at for link in TASK.links() if link.name == "due.task"] == [LATER]


def test_a_live_mandate_is_found_by_everything_that_can_revoke_it() -> None:
    names = {
        "mandate.live_agent",
        "mandate.live_operator",
        "mandate.live_customer",
        "mandate.live_objective",
        "mandate.live",
        "due.mandate",
    }
    assert {name for name, _ in found(MANDATE)} == names | {"mandate.customer"}
    assert ("mandate.live_parent", "man_0") in found(replace(MANDATE, parent="man_0"))
    assert found(replace(MANDATE, state="revoked", parent="man_0")) == {("mandate.customer", "yu")}


@pytest.mark.parametrize("state", list(AskState))
def test_an_ask_is_open_exactly_while_something_may_come_of_it(state: AskState) -> None:
    undone = {AskState.WAITING, AskState.PERMITTED, AskState.ACTING, AskState.UNKNOWN}
    assert (("ask.task", "task_1 open") in found(replace(ASK, state=state))) is (state in undone)
    assert ("ask.task", "task_1") in found(replace(ASK, state=state))


def test_a_confirmation_waits_for_each_person_who_has_not_answered() -> None:
    waiting = {key for name, key in found(CONFIRMATION) if name == "confirmation.waiting"}
    assert waiting == {"yu", "officer:billing"}
    answered = replace(CONFIRMATION, answers=(ANSWER,))
    assert {key for name, key in found(answered) if name == "confirmation.waiting"} == {"officer:billing"}
    assert {("confirmation.pair", "yu h.example"), ("confirmation.task", "task_1"), ("due.confirmation", "")} <= found(answered)


@pytest.mark.parametrize("state", [ConfirmationState.ANSWERED, ConfirmationState.EXPIRED, ConfirmationState.VOID])
def test_a_settled_confirmation_invites_nobody(state: ConfirmationState) -> None:
    assert found(replace(CONFIRMATION, state=state)) == {("confirmation.customer", "yu")}


def test_an_act_is_queued_then_sent_then_gone() -> None:
    assert found(ACT) == {("act.queued", ""), ("act.task", "task_1")}
    assert found(replace(ACT, state=OutboxState.SENT)) == found(replace(ACT, state=OutboxState.UNKNOWN)) == {("act.sent", "")}
    for state in (OutboxState.DONE, OutboxState.FAILED, OutboxState.VOID):
        assert found(replace(ACT, state=state)) == set()


def test_a_person_is_found_by_role_and_by_address_in_any_case() -> None:
    assert found(PERSON) == {
        ("person.kind", "officer"),
        ("person.email", "ann@desk.example"),
        ("person.role", "admin"),
        ("person.role", "billing"),
    }
    assert found(replace(PERSON, email="", roles=(), kind="customer")) == {("person.kind", "customer")}


def test_a_revoked_passkey_and_a_lifted_suspension_are_found_no_more() -> None:
    key = PasskeyRecord(id="p", person="yu", public_key="k", sign_count=0, how="vouched", label="", created_at=AT)
    held = Suspension(id="operator:h.example", active=True, reason="r", by="ann", at=AT)
    assert (found(key), found(replace(key, revoked=True))) == ({("passkey.person", "yu")}, set())
    assert (found(held), found(replace(held, active=False))) == ({("suspension.active", "")}, set())


def test_a_pushed_request_is_found_by_its_code_only_while_one_is_out() -> None:
    assert found(REQUEST) == {("due.request", "")}
    assert found(replace(REQUEST, code="hash", code_expires_at=LATER)) == {("due.request", ""), ("request.code", "hash")}


def test_a_contest_is_open_until_it_is_settled() -> None:
    contest = Contest(id="con_1", customer="yu", entry=3, text="no", at=AT)
    assert found(contest) == {("contest.customer", "yu"), ("contest.open", "")}
    assert found(replace(contest, open=False)) == {("contest.customer", "yu")}


SIMPLE: list[tuple[Record, set[tuple[str, str]]]] = [
    (
        AGENT,
        {("agent.operator", "h.example"), ("agent.actor", "b"), ("agent.all", "")},
    ),
    (SessionRecord(id="s", person="yu", created_at=AT, expires_at=LATER, passkey="p"), {("session.person", "yu"), ("due.session", "")}),
    (Invitation(id="i", person="yu", how="link", expires_at=LATER), {("due.invitation", "")}),
    (Ceremony(id="c", purpose="enrol", subject="yu", challenge="x", expires_at=LATER), {("due.ceremony", "")}),
    (IdempotencyRecord(id="t k 1", ask="ask_1", body="d"), set()),
    (
        OfferRecord(id="o", case="case_1", task="task_1", action="offer.take", terms="{}", digest="d", by="ann", at=AT, expires_at=LATER),
        {("offer.case", "case_1")},
    ),
    (DeskMessage(id="m", task="task_1", n=7, at=AT, kind="reply", text="Hello."), {("message.task", "task_1")}),
    (RulesRecord(id="rules", digest="d", at=AT, by="ann"), set()),
    (RevokedToken(id="j", until=LATER), {("due.revoked", "")}),
    (
        Proposal(id="p", what="resume", payload="{}", by="ann", by_key="ann", at=AT, expires_at=LATER),
        {("proposal.open", ""), ("due.proposal", "")},
    ),
    (ClientRegistration(id="c", name="A", redirect_uris=(), expires_at=LATER), {("due.client", "")}),
    (
        TokenFamily(id="f", task="task_1", mandate="man_1", client_id="a", customer="yu", resource="", document="", expires_at=LATER),
        {("due.family", "")},
    ),
    (CanaryRecord(id="k", kind="token", name="n", place="wiki", by="ann", at=AT, atoms=1, letters=20), {("canary.all", "")}),
    (
        LeakReport(
            id="l",
            owner="acme",
            found="token",
            fingerprint="f",
            sha256="",
            place="words",
            agent="a",
            operator="h.example",
            task="task_1",
            at=AT,
            due_at=LATER,
            until=LATER,
        ),
        {("due.leak", "")},
    ),
]


@pytest.mark.parametrize(("record", "keys"), SIMPLE, ids=lambda value: getattr(value, "KIND", ""))
def test_each_record_is_found_under_its_keys_and_no_others(record: Record, keys: set[tuple[str, str]]) -> None:
    assert found(record) == keys


@pytest.mark.parametrize("record", [one for one, _ in SIMPLE] + [TASK, MANDATE, CONFIRMATION, REQUEST], ids=lambda one: one.KIND)
def test_what_is_due_is_sorted_by_its_end(record: Record) -> None:
    assert all(link.at == LATER for link in record.links() if link.name.startswith("due."))


FILE = FileRecord(
    id="file_1", ask="ask_1", task="task_1", case="case_1", customer="yu", name="a.pdf", kind="pdf", media_type="application/pdf", size=1,
    digest="d", state=FileState.KEPT, at=AT,
)  # fmt: skip


@pytest.mark.parametrize("state", list(FileState))
def test_a_file_is_decided_or_discarded_exactly_while_it_is_held(state: FileState) -> None:
    """⚔ A task's end must find every held file, and only those: a held file nobody finds is never discarded."""
    always = {("file.case", "case_1"), ("file.task", "task_1")}
    waiting = {("due.file", ""), ("file.held_task", "task_1")} if state is FileState.HELD else set()
    one = replace(FILE, state=state, due_at=LATER)
    assert found(one) == always | waiting
    assert all(link.at == LATER for link in one.links() if link.name == "due.file")


def test_the_bytes_of_a_file_are_in_no_index_and_in_no_trace() -> None:
    """⚔ What is printed of a record goes to logs."""
    content = FileContent(id="file_1", sealed=b"sealed-bytes")
    assert found(content) == set()
    assert "sealed-bytes" not in repr(content)


def test_an_overrides_review_is_found_until_somebody_made_it() -> None:
    review = OverrideReview(id="ovr_1", case="case_1", customer="yu", by="ann", by_key="ann", at=AT)
    assert found(review) == {("override.open", "")}
    for state in (ReviewState.AGREED, ReviewState.OBJECTED):
        assert found(replace(review, state=state, reviewed_by="bo", reviewed_at=LATER)) == set()


@pytest.mark.parametrize("stage", list(NoticeStage))
def test_a_notice_is_due_at_its_stage_and_waits_once_it_is_gathered(stage: NoticeStage) -> None:
    notice = NoticeRecord(id="n", stage=stage, to="yu", at=AT, due_at=LATER, until=LATER, left=("mail",))
    waits = set() if stage is NoticeStage.GATHERING else {("notice.waiting", "")}
    assert found(notice) == {("due.notice", stage.value)} | waits
    assert {link.at for link in notice.links() if link.name == "due.notice"} == {LATER}


def test_a_request_by_the_backchannel_is_its_customers_until_it_is_answered() -> None:
    """⚔ Only the addressed customer is shown it, and only while an answer counts."""
    request = replace(REQUEST, addressed="yu", ping="https://h.example/ping", ping_at=LATER)
    assert found(request) == {("due.request", ""), ("request.customer", "yu"), ("due.ping", "")}
    for phase in set(RequestState) - {RequestState.PUSHED}:
        assert found(replace(request, phase=phase, ping_at=Instant(0))) == {("due.request", "")}
    (due,) = [link for link in request.links() if link.name == "due.request"]
    assert due.at > LATER, "an agent that polls is told that it expired"


def test_a_session_ends_with_its_login_at_the_provider() -> None:
    """⚔ A sign-out there finds every session that rests on it."""
    session = SessionRecord(id="s", person="yu", created_at=AT, expires_at=LATER, passkey="", login="iss sub", sid="sid-hash")
    assert found(session) == {("session.person", "yu"), ("due.session", ""), ("session.login", "iss sub"), ("session.sid", "sid-hash")}


def test_a_customer_is_found_by_the_whole_name_and_by_its_endings() -> None:
    customer = replace(PERSON, kind="customer", name="Anna Maria Berg", email="", roles=(), login="iss sub")
    keys = found(customer)
    assert {key for name, key in keys if name == "person.name"} == {"anna maria berg"}
    assert ("person.family", "berg") in keys
    assert ("person.login", "iss sub") in keys
    assert {name for name, _ in found(replace(customer, name="Anna", login=""))} == {"person.kind"}
    assert not {name for name, _ in found(replace(customer, kind="officer"))} & {"person.name", "person.family"}


def test_an_agent_lets_itself_in_by_its_document_or_registration_alone() -> None:
    """⚔ Such agents choose their operator: they are counted and shown as one crowd."""
    agent = AGENT
    assert [known for known in KnownBy if replace(agent, known_by=known).let_itself_in] == [KnownBy.DOCUMENT, KnownBy.DYNAMIC]


def test_a_stranger_is_one_until_people_raise_its_tier() -> None:
    met = replace(AGENT, method=WEB_BOT_AUTH, tier=Tier.UNPROVED)
    assert met.stranger
    assert not replace(met, tier=Tier.KNOWN).stranger
    assert not replace(met, method="private_key_jwt").stranger


@pytest.mark.parametrize(
    ("words_state", "state", "now"),
    [("held", AskState.WAITING, "held"), ("held", AskState.DECLINED, ""), ("released", AskState.DONE, "released"), ("", AskState.DONE, "")],
)
def test_words_are_held_only_while_their_ask_waits(words_state: str, state: AskState, now: str) -> None:
    assert replace(ASK, words_state=words_state, state=state).current_words_state == now


@pytest.mark.parametrize(
    ("members", "read_on"),
    [
        ({"words": "hello"}, True),
        ({"spoken": True}, True),
        ({}, False),
        ({"words": "hello", "state": AskState.REFUSED}, False),
        ({"words": "hello", "words_state": "held"}, True),
        ({"words": "hello", "words_state": "held", "state": AskState.VOID}, False),
        ({"words": "hello", "words_state": "stripped", "state": AskState.DONE}, True),
    ],
)
def test_texts_that_can_be_continued_are_read_with_those_of_later_asks(members: dict[str, Any], *, read_on: bool) -> None:
    """⚔ Half a sentence in each of two messages; and a refused half that would spoil an honest message."""
    one = replace(ASK, **members)
    assert one.is_read_on is read_on
    assert (("ask.spoken", "task_1") in found(one)) is read_on


def test_an_approval_of_another_program_ends_unused_only_while_it_is_permitted() -> None:
    permitted = replace(ASK, enforcer="gateway", state=AskState.PERMITTED, usable_until=LATER)
    assert [link.at for link in permitted.links() if link.name == "due.approval"] == [LATER]
    assert ("due.approval", "") not in found(replace(permitted, state=AskState.DONE))
    assert ("due.approval", "") not in found(replace(permitted, enforcer=""))


def test_an_act_that_is_over_keeps_no_payload() -> None:
    """⚔ What a reply said is erasable in the log alone: no copy stays in the outbox."""
    over = replace(ACT, payload='{"text":"Dear Anna"}').over(OutboxState.DONE)
    assert (over.state, over.payload) == (OutboxState.DONE, "{}")
