"""A task under way: opening, asking, renewing, repeating, waiting, ending."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from client.fake_desk import FakeClock, FakeDesk, Seen, oauth_error, problem
from remit.client import Agent, Attachment, ProtocolError, Refused, Retries, StillWaiting, Task, Unavailable

MakeAgent = Callable[..., Agent]


def lost(_: Seen) -> Response:
    raise httpx.ReadError("connection reset")


def later(seconds: int, status: int = 503) -> Callable[[Seen], Response]:
    code = "fault.store" if status == 503 else "request.rate_limited"
    return lambda _: problem(status, code, {"Retry-After": str(seconds)})


def in_task(agent: Agent, work: Callable[[Task], Awaitable[None]], mandate: str = "mandate_1") -> None:
    async def main() -> None:
        async with agent, agent.mandate(mandate).task() as task:
            await work(task)

    asyncio.run(main())


def test_a_permitted_ask_comes_back_with_its_result_and_the_task_is_completed(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        assert (task.id, task.case) == ("task_1", "case_1")
        reply = await task.ask("order.read", {"order_id": "W1"}, words="Where is it?")
        assert (reply.decision, reply.outcome, reply.needs_human, reply.pending) == ("permit", "done", False, False)
        assert reply.result == {"order.status": "sent"}
        assert (reply.withheld, reply.ask, reply.receipt) == (2, "ask_1", {"entry": "ask_1"})

    in_task(make_agent(), work)
    assert desk.completed == ["task_1"]
    assert desk.revoked == []


def test_leaving_by_an_exception_revokes_the_task_and_the_exception_stays(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(_: Task) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        in_task(make_agent(), work)
    assert desk.revoked == ["task_1"]
    assert desk.completed == []


def test_leaving_by_cancellation_revokes_the_task(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def main() -> None:
        entered = asyncio.Event()

        async def engaged() -> None:
            async with make_agent() as agent, agent.mandate("mandate_1").task():
                entered.set()
                await asyncio.Event().wait()

        running = asyncio.create_task(engaged())
        await entered.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert desk.revoked == ["task_1"]


def test_a_failed_revocation_is_noted_and_does_not_hide_the_exception(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.trouble("/oauth/revoke", lambda _: oauth_error(400, "invalid_request"))

    async def work(_: Task) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        in_task(make_agent(), work)
    assert any("could not be revoked" in note for note in caught.value.__notes__)


def test_a_task_that_the_desk_has_ended_already_is_left_without_an_error(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.trouble("/complete", lambda _: problem(409, "task.ended"))

    async def work(task: Task) -> None:
        await task.ask("order.read", {})

    in_task(make_agent(), work)
    assert len(desk.requests("/complete")) == 1


def test_after_completing_nothing_more_is_sent(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        await task.complete()
        sent = len(desk.seen)
        with pytest.raises(Refused) as caught:
            await task.ask("order.read", {})
        assert (caught.value.code, caught.value.status) == ("task.ended", 0)
        assert len(desk.seen) == sent

    in_task(make_agent(), work)
    assert desk.completed == ["task_1"]


def test_every_refusal_is_raised_with_code_cure_and_receipt(make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        with pytest.raises(Refused) as caught:
            await task.ask("policy.never", {})
        refused = caught.value
        assert (refused.code, refused.status, refused.title, refused.detail) == ("policy.forbidden", 403, "No", "because")
        assert (refused.cure, refused.receipt) == ("do otherwise", {"entry": "ask_1"})
        assert (refused.body["decision"], refused.body["codes"]) == ("refuse", ["policy.forbidden"])

    in_task(make_agent(), work)


def test_a_lost_answer_is_asked_again_under_the_same_key_and_acts_once(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    desk.trouble("/asks", lost, lost, after=True)

    async def work(task: Task) -> None:
        assert (await task.ask("order.read", {"n": 1})).outcome == "done"

    in_task(make_agent(), work)
    sent = desk.requests("/asks")
    assert len(sent) == 3
    assert len({seen.headers["idempotency-key"] for seen in sent}) == 1
    assert len({seen.body for seen in sent}) == 1
    assert len({seen.proof["jti"] for seen in sent}) == 3
    assert desk.performed == ["ask_1"]
    assert len(clock.pauses) == 2
    assert 0.25 <= clock.pauses[0] < clock.pauses[1] * 1.01


def test_try_later_is_waited_for_as_long_as_the_desk_says(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    desk.trouble("/asks", later(7), later(3, status=429))

    async def work(task: Task) -> None:
        await task.ask("order.read", {})

    in_task(make_agent(), work)
    assert clock.pauses == [7, 3]
    assert len({seen.headers["idempotency-key"] for seen in desk.requests("/asks")}) == 1


def test_retry_after_in_the_problem_counts_too(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    desk.trouble("/asks", lambda _: problem(503, "fault.policy", retry_after_s=4))

    async def work(task: Task) -> None:
        await task.ask("order.read", {})

    in_task(make_agent(), work)
    assert clock.pauses == [4]


@pytest.mark.parametrize(("status", "kind"), [(503, Unavailable), (429, Refused)])
def test_a_longer_pause_than_allowed_is_raised_with_its_length(
    desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent, status: int, kind: type[Unavailable | Refused]
) -> None:
    desk.trouble("/asks", later(900, status))

    async def work(task: Task) -> None:
        with pytest.raises(kind) as caught:
            await task.ask("order.read", {})
        assert caught.value.retry_after_s == 900

    in_task(make_agent(), work)
    assert clock.pauses == []


def test_tries_are_bounded_and_the_exception_names_the_key_to_repeat_with(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.trouble("/asks", lost, lost, lost, after=True)

    async def work(task: Task) -> None:
        with pytest.raises(Unavailable) as caught:
            await task.ask("order.read", {})
        assert caught.value.code == "desk.unavailable"
        key = caught.value.idempotency_key
        assert key == desk.requests("/asks")[0].headers["idempotency-key"]
        assert (await task.ask("order.read", {}, idempotency_key=key)).ask == "ask_1"

    in_task(make_agent(retries=Retries(attempts=3)), work)
    assert desk.performed == ["ask_1"]


def test_a_refusal_is_not_repeated(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        await task.ask("order.read", {"n": 1}, idempotency_key="mine")
        with pytest.raises(Refused) as caught:
            await task.ask("order.read", {"n": 2}, idempotency_key="mine")
        assert caught.value.code == "request.conflict"

    in_task(make_agent(), work)
    assert len(desk.requests("/asks")) == 2


def test_the_nonce_is_taken_up_on_both_sides_and_kept(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.nonces = {"authorization": "n-as", "resource": "n-rs"}

    async def work(task: Task) -> None:
        await task.ask("order.read", {})
        await task.ask("order.read", {})
        desk.nonces["resource"] = "n-rs-2"
        await task.ask("order.read", {})

    in_task(make_agent(), work)
    assert [seen.proof.get("nonce") for seen in desk.requests("/oauth/token")] == [None, "n-as"]
    assert [seen.proof.get("nonce") for seen in desk.requests("/asks")] == [None, "n-rs", "n-rs", "n-rs", "n-rs-2"]
    keys = [seen.headers["idempotency-key"] for seen in desk.requests("/asks")]
    assert keys[0] == keys[1]
    assert keys[3] == keys[4]


def test_a_desk_that_always_wants_another_nonce_is_given_up_on(desk: FakeDesk, make_agent: MakeAgent) -> None:
    def another(_: Seen) -> Response:
        return problem(401, "credential.nonce", {"DPoP-Nonce": "again"})

    desk.trouble("/asks", *[another] * 9)

    async def work(task: Task) -> None:
        with pytest.raises(Refused) as caught:
            await task.ask("order.read", {})
        assert caught.value.code == "credential.nonce"

    in_task(make_agent(), work)
    assert len(desk.requests("/asks")) == 3


def test_a_nonce_is_taken_from_a_success_too(desk: FakeDesk, make_agent: MakeAgent) -> None:
    def rotate(_: Seen) -> Response:
        desk.nonces["resource"] = "fresh"
        return JSONResponse({"ask": "a", "decision": "permit", "outcome": "done"}, headers={"DPoP-Nonce": "fresh"})

    desk.trouble("/asks", rotate)

    async def work(task: Task) -> None:
        await task.ask("order.read", {})
        await task.ask("order.read", {})

    in_task(make_agent(), work)
    assert len(desk.requests("/asks")) == 2


def test_the_credential_is_renewed_before_it_expires(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        clock.turn(269)
        await task.ask("order.read", {})
        assert len(desk.requests("/oauth/token")) == 1
        clock.turn(2)
        await task.ask("order.read", {})

    in_task(make_agent(), work)
    renewal = desk.requests("/oauth/token")[1].form
    assert (renewal["subject_token"], renewal["subject_token_type"]) == ("task_1", "urn:remit:token-type:task")
    assert len(desk.requests("/asks")) == 2


def test_an_expired_credential_is_renewed_once_and_the_same_ask_repeated(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        desk.tokens["at_1"] = ("task_1", 0.0)
        assert (await task.ask("order.read", {})).outcome == "done"

    in_task(make_agent(), work)
    assert len({seen.headers["idempotency-key"] for seen in desk.requests("/asks")}) == 1
    assert [seen.headers["authorization"] for seen in desk.requests("/asks")] == ["DPoP at_1", "DPoP at_2"]


def test_a_credential_that_expires_at_once_again_is_not_renewed_for_ever(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.trouble("/asks", *[lambda _: problem(401, "credential.expired")] * 5)

    async def work(task: Task) -> None:
        with pytest.raises(Refused) as caught:
            await task.ask("order.read", {})
        assert caught.value.code == "credential.expired"

    in_task(make_agent(), work)
    assert len(desk.requests("/oauth/token")) == 2


def test_many_asks_at_once_renew_once(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        clock.turn(290)
        await asyncio.gather(*(task.ask("order.read", {"n": n}) for n in range(20)))
        desk.tokens["at_2"] = ("task_1", 0.0)
        await asyncio.gather(*(task.ask("order.read", {"n": n}) for n in range(20)))

    in_task(make_agent(), work)
    assert len(desk.requests("/oauth/token")) == 3
    assert len(desk.performed) == 40


def test_a_failed_renewal_reaches_everybody_who_waits_for_it_and_only_them(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        clock.turn(290)
        desk.trouble("/oauth/token", lambda _: oauth_error(400, "invalid_grant", "grant.invalid"))
        failed = await asyncio.gather(*(task.ask("order.read", {"n": n}) for n in range(5)), return_exceptions=True)
        assert [error.code for error in failed if isinstance(error, Refused)] == ["grant.invalid"] * 5
        assert (await task.ask("order.read", {})).outcome == "done"

    in_task(make_agent(), work)
    assert len(desk.requests("/oauth/token")) == 3


def test_a_cancelled_ask_does_not_take_the_renewal_from_the_others(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        clock.turn(290)
        first, second = (asyncio.create_task(task.ask("order.read", {"n": n})) for n in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).outcome == "done"
        assert (await asyncio.gather(first, return_exceptions=True))[0].__class__ is asyncio.CancelledError

    in_task(make_agent(), work)
    assert len(desk.requests("/oauth/token")) == 2


def test_a_renewal_that_gives_another_task_is_refused(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        clock.turn(290)
        issued = "urn:ietf:params:oauth:token-type:access_token"
        other = {"access_token": "x", "token_type": "DPoP", "issued_token_type": issued, "expires_in": 9, "task": "task_9", "case": "c"}
        desk.trouble("/oauth/token", lambda _: JSONResponse(other))
        with pytest.raises(ProtocolError):
            await task.ask("order.read", {})
        assert desk.requests("/asks") == []

    in_task(make_agent(), work)


@pytest.mark.parametrize("changed", [{"token_type": "Bearer"}, {"issued_token_type": "urn:x"}, {"expires_in": "300"}, {"task": None}])
def test_a_credential_that_is_not_what_was_asked_for_is_not_used(desk: FakeDesk, make_agent: MakeAgent, changed: dict[str, object]) -> None:
    issued = "urn:ietf:params:oauth:token-type:access_token"
    good = {"access_token": "x", "token_type": "DPoP", "issued_token_type": issued, "expires_in": 9, "task": "task_1", "case": "c"}
    desk.trouble("/oauth/token", lambda _: JSONResponse(good | changed))

    async def work(_: Task) -> None:
        raise AssertionError("opened")

    with pytest.raises(ProtocolError):
        in_task(make_agent(), work)


def test_a_repeated_opening_opens_one_task(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.trouble("/oauth/token", lost, after=True)

    async def work(task: Task) -> None:
        assert task.id == "task_1"

    in_task(make_agent(), work)
    assert list(desk.tasks) == ["task_1"]
    opening, again = desk.requests("/oauth/token")
    assert opening.form["client_assertion"] != again.form["client_assertion"]


def test_a_mandate_of_another_key_opens_nothing(make_agent: MakeAgent) -> None:
    async def work(_: Task) -> None:
        raise AssertionError("opened")

    with pytest.raises(Refused) as caught:
        in_task(make_agent(), work, mandate="mandate_of_somebody")
    assert (caught.value.code, caught.value.oauth_error) == ("grant.invalid", "invalid_grant")


def test_waiting_goes_on_until_a_person_has_answered(desk: FakeDesk, make_agent: MakeAgent) -> None:
    def confirmed(_: Seen) -> None:
        desk.asks["ask_1"] |= {"decision": "permit", "outcome": "done", "result": {}, "withheld": 0}

    async def work(task: Task) -> None:
        reply = await task.ask("payment.refund", {"amount": "4.00 EUR"}, "The kettle leaks.")
        assert (reply.needs_human, reply.who, reply.poll) == (True, ("customer",), "/v1/asks/ask_1")
        assert reply.expires_at == "2027-01-01T00:00:00Z"
        desk.trouble("/v1/asks/ask_1", lambda _: None, lambda _: None, confirmed)
        final = await reply.wait()
        assert (final.decision, final.outcome, final.pending) == ("permit", "done", False)
        assert reply.needs_human
        assert await final.wait() is not None

    in_task(make_agent(), work)
    assert len(desk.requests("/v1/asks/ask_1")) == 3


def test_a_desk_that_does_not_hold_the_poll_is_not_asked_in_a_tight_loop(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        reply = await task.ask("payment.refund", {})
        with pytest.raises(StillWaiting):
            await reply.wait(timeout=5.0)

    in_task(make_agent(), work)
    assert clock.pauses == [1, 1, 1, 1, 1]
    assert len(desk.requests("/v1/asks/ask_1")) == 5


def test_the_poll_asks_for_no_more_time_than_is_left(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    def hold(_: Seen) -> None:
        clock.turn(30)

    async def work(task: Task) -> None:
        reply = await task.ask("payment.refund", {})
        desk.trouble("/v1/asks/ask_1", hold, hold, after=True)
        with pytest.raises(StillWaiting):
            await reply.wait(timeout=45.0)

    in_task(make_agent(), work)
    assert [seen.query for seen in desk.requests("/v1/asks/ask_1")] == ["wait=30", "wait=15"]
    assert clock.pauses == []


def test_waiting_survives_the_life_of_the_credential(desk: FakeDesk, clock: FakeClock, make_agent: MakeAgent) -> None:
    def hold(_: Seen) -> None:
        clock.turn(200)

    def confirmed(_: Seen) -> None:
        desk.asks["ask_1"] |= {"decision": "permit", "outcome": "done"}

    async def work(task: Task) -> None:
        reply = await task.ask("payment.refund", {})
        desk.trouble("/v1/asks/ask_1", hold, hold, after=True)
        desk.trouble("/v1/asks/ask_1", lambda _: None, lambda _: None, confirmed)
        assert (await reply.wait()).outcome == "done"

    in_task(make_agent(), work)
    assert len(desk.requests("/oauth/token")) == 2


def test_a_no_of_the_person_is_raised_from_waiting(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        reply = await task.ask("payment.refund", {})
        desk.asks["ask_1"]["refused"] = "confirmation.declined"
        with pytest.raises(Refused) as caught:
            await reply.wait()
        assert caught.value.code == "confirmation.declined"

    in_task(make_agent(), work)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"decision": "refuse", "codes": ["confirmation.expired"]}, "confirmation.expired"),
        ({"decision": "needs_human", "state": "declined"}, "confirmation.declined"),
        ({"decision": "needs_human", "state": "expired", "code": "confirmation.expired"}, "confirmation.expired"),
        ({"decision": "needs_human", "code": "confirmation.mismatch"}, "confirmation.mismatch"),
        ({"decision": "permit", "state": "void"}, "task.ended"),
    ],
)
def test_a_settled_no_is_never_waited_for_as_if_it_were_open(
    desk: FakeDesk, make_agent: MakeAgent, members: dict[str, object], code: str
) -> None:
    async def work(task: Task) -> None:
        reply = await task.ask("payment.refund", {})
        desk.trouble("/v1/asks/ask_1", lambda _: JSONResponse({"ask": "ask_1", **members}, 202))
        with pytest.raises(Refused) as caught:
            await reply.wait()
        assert caught.value.code == code

    in_task(make_agent(), work)
    assert len(desk.requests("/v1/asks/ask_1")) == 1


def test_less_than_asked_is_followed_to_the_ask_that_took_its_place(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        reply = await task.ask("payment.refund", {})
        desk.asks["ask_1"] |= {"state": "countered", "countered_by": "ask_2"}
        desk.asks["ask_2"] = {"ask": "ask_2", "decision": "permit", "outcome": "done"}
        final = await reply.wait()
        assert (final.ask, final.outcome) == ("ask_2", "done")

    in_task(make_agent(), work)


def test_an_answer_for_another_ask_is_not_taken(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        reply = await task.ask("payment.refund", {})
        desk.trouble("/v1/asks/ask_1", lambda _: JSONResponse({"ask": "ask_9", "decision": "permit", "outcome": "done"}))
        with pytest.raises(ProtocolError):
            await reply.wait()

    in_task(make_agent(), work)


def test_why_an_act_failed_is_shown(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        for member in ("reason", "detail"):
            failed = {"ask": "a", "decision": "permit", "outcome": "failed", member: "the shop is closed"}
            desk.trouble("/asks", lambda _, failed=failed: JSONResponse(failed))
            reply = await task.ask("order.read", {})
            assert (reply.outcome, reply.detail, reply.reason) == ("failed", "the shop is closed", "the shop is closed")

    in_task(make_agent(), work)


def test_an_act_that_waits_at_the_desk_is_pending_but_needs_nobody(desk: FakeDesk, make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        reply = await task.ask("order.slow", {})
        assert (reply.pending, reply.needs_human, reply.outcome) == (True, False, None)
        desk.asks["ask_1"] = {"ask": "ask_1", "decision": "permit", "outcome": "failed"}
        assert (await reply.wait()).outcome == "failed"

    in_task(make_agent(), work)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"ask":"a","decision":"permit","outcome":"done","outcome":"failed"}',
        b'{"ask":"a","decision":"maybe"}',
        b'{"ask":"a","decision":"permit"}',
        b'{"ask":"a","decision":"permit","outcome":"done","withheld":-1}',
        b'{"ask":"a","decision":"permit","outcome":"done","result":[1]}',
        b'{"decision":"permit","outcome":"done"}',
        b'{"decision":"refuse"}',
        b'{"ask":"a","decision":"permit","outcome":"done","withheld":NaN}',
        b"\xff",
        b"[]",
    ],
)
def test_an_unreadable_answer_is_a_broken_protocol_and_never_a_permit(desk: FakeDesk, make_agent: MakeAgent, body: bytes) -> None:
    desk.trouble("/asks", lambda _: Response(body, 200, media_type="application/json"))

    async def work(task: Task) -> None:
        with pytest.raises(ProtocolError):
            await task.ask("order.read", {})

    in_task(make_agent(), work)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (problem(503, "fault.store"), Unavailable, "fault.store"),
        (problem(503, "desk.unavailable"), Unavailable, "desk.unavailable"),
        (PlainTextResponse("gateway", 502), Unavailable, "desk.unavailable"),
        (oauth_error(503, "temporarily_unavailable"), Unavailable, "desk.unavailable"),
        (oauth_error(400, "invalid_request"), Refused, "oauth.invalid_request"),
        (problem(422, "params.invalid"), Refused, "params.invalid"),
        (
            Response(status_code=401, headers={"WWW-Authenticate": 'DPoP error="insufficient_user_authentication", acr_values="a b"'}),
            Refused,
            "oauth.insufficient_user_authentication",
        ),
    ],
)
def test_every_kind_of_no_is_mapped(
    desk: FakeDesk, make_agent: MakeAgent, answer: Response, kind: type[Refused | Unavailable], code: str
) -> None:
    desk.trouble("/asks", lambda _: answer)

    async def work(task: Task) -> None:
        with pytest.raises(kind) as caught:
            await task.ask("order.read", {})
        assert (caught.value.code, caught.value.status) == (code, answer.status_code)

    in_task(make_agent(), work)


def test_the_cure_in_the_standards_words_is_kept(desk: FakeDesk, make_agent: MakeAgent) -> None:
    said = 'DPoP error="insufficient_authorization", authorization_remediation="eyJ9", realm="a \\"b\\"", algs=ES256'
    desk.trouble("/asks", lambda _: problem(401, "mandate.power_missing", {"WWW-Authenticate": said}))

    async def work(task: Task) -> None:
        with pytest.raises(Refused) as caught:
            await task.ask("order.read", {})
        assert caught.value.code == "mandate.power_missing"
        assert caught.value.challenge == {
            "error": "insufficient_authorization",
            "authorization_remediation": "eyJ9",
            "realm": 'a "b"',
            "algs": "ES256",
        }

    in_task(make_agent(), work)


def test_a_redirect_is_not_followed_with_our_token(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.trouble("/asks", lambda _: Response(status_code=307, headers={"Location": "https://evil.example/"}))

    async def work(task: Task) -> None:
        with pytest.raises(ProtocolError):
            await task.ask("order.read", {})

    in_task(make_agent(), work)
    assert len(desk.requests("/asks")) == 1


def test_an_answer_without_end_is_cut_off(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.trouble("/asks", lambda _: Response(b" " * (8 * 1024 * 1024 + 1), media_type="application/json"))

    async def work(task: Task) -> None:
        with pytest.raises(ProtocolError):
            await task.ask("order.read", {})

    in_task(make_agent(), work)


def test_status_inbox_and_attachments_speak_the_wire(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.messages = [
        {"n": 1, "at": "t", "kind": "reply", "text": "Hello", "withheld": 0},
        {"n": 2, "at": "t", "kind": "offer", "offer": {"id": "offer_1"}, "withheld": 1, "later_member": True},
    ]

    async def work(task: Task) -> None:
        status = await task.status()
        assert (status.task, status.state, status.budgets) == ("task_1", "open", ({"power": "request"},))
        assert [message.n for message in await task.inbox()] == [1, 2]
        (offer,) = await task.inbox(after=1, wait=30)
        assert (offer.kind, offer.offer, offer.withheld, offer.text) == ("offer", {"id": "offer_1"}, 1, None)
        await task.ask("order.read", {}, attachments=[Attachment(name="a.txt", media_type="text/plain", data=b"hi")])
        await task.ask("order.read", {}, attachments=[{"name": "a.txt", "media_type": "text/plain", "data_b64": "aGk="}])
        for sent in desk.requests("/asks"):
            assert b'"attachments":[{"name":"a.txt","media_type":"text/plain","data_b64":"aGk="}]' in sent.body

    in_task(make_agent(), work)


@pytest.mark.parametrize("params", [{"x": float("nan")}, {"x": {1, 2}}])
def test_params_that_are_not_json_are_not_sent(desk: FakeDesk, make_agent: MakeAgent, params: dict[str, object]) -> None:
    async def work(task: Task) -> None:
        with pytest.raises((TypeError, ValueError)):
            await task.ask("order.read", params)

    in_task(make_agent(), work)
    assert desk.requests("/asks") == []


def test_a_token_appears_in_no_repr(make_agent: MakeAgent) -> None:
    async def work(task: Task) -> None:
        await task.ask("order.read", {})
        assert "at_1" not in repr(task)
        assert "task_1" in repr(task)

    in_task(make_agent(), work)
