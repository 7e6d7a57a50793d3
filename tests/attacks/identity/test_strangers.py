"""Agents met for the first time by Web Bot Auth: a found key is an identity and no trust, and it is one's own."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from attacks.arena import SEND_BACK, Arena, code_of, mandate, open_arena
from attacks.strangers import ON, Stranger, stranger
from contracts.message_signing import MessageKey, Signing
from remit.client.errors import Refused
from remit.domain.records import AgentRecord, Tier
from remit.sandbox.workloads import SandboxTask
from remit.usecases.agents.register import set_tier

REFUSED_PUSH = ("agent.unknown", "credential.malformed", "request.malformed", "credential.wrong_key")


@pytest.fixture
def at() -> Iterator[Arena]:
    with open_arena(settings=ON) as one:
        yield one


@pytest.fixture
def bot() -> Iterator[Stranger]:
    with stranger() as one:
        yield one


def agents(at: Arena) -> list[str]:
    return [one.record.id for one in at.run(at.context.store.find(AgentRecord, "agent.all", "", limit=100))]


def refused(at: Arena, answer: httpx.Response, *codes: str) -> None:
    """Nothing is pushed, and nobody new is known."""
    assert code_of(answer) in codes, answer.json()
    assert agents(at) == []


@pytest.mark.proves("STRANGERS")
def test_a_stranger_asks_for_a_mandate_and_opens_a_case(at: Arena, bot: Stranger) -> None:
    pushed = bot.push(at)
    assert pushed.status_code == 201, pushed.json()
    met = at.recorded("agent.registered")
    assert (met["envelope"]["agent"], met["envelope"]["tier"]) == (bot.origin, "unproved")
    assert met["desk"]["by"] == "web-bot-auth"
    task = granted(at, bot)
    opened = task.ask("case.open", {"subject": "The kettle", "text": "I would like to send back the kettle."})
    assert opened.outcome == "done", opened


def granted(at: Arena, bot: Stranger) -> SandboxTask:
    """A task under a mandate that Anna granted the stranger."""
    agent = bot.arriving(at)
    agent.push = lambda wanted: (bot.push(at, wanted).json()["request_uri"], "s")  # type: ignore[method-assign]
    agent.redeem = lambda redirect, _state: redeemed(at, bot, redirect)  # type: ignore[method-assign]
    return agent.open(at.anna.grant(agent, mandate(max_tasks=5)))


def redeemed(at: Arena, bot: Stranger, redirect: str) -> Any:
    code = str(httpx.URL(redirect).params["code"])
    members = {"grant_type": "authorization_code", "code": code, "redirect_uri": bot.redirect, "code_verifier": bot.verifier}
    answer = bot.form(at, "/oauth/token", {**members, "client_id": bot.origin})
    assert answer.is_success, answer.json()
    return answer.json()


@pytest.mark.proves("STRANGERS")
def test_a_stranger_does_nothing_else_whatever_the_customer_granted(at: Arena, bot: Stranger) -> None:
    assert bot.push(at).status_code == 201
    task = granted(at, bot)
    with at.unchanged():
        for action, params in (
            ("order.read", {"order_id": "W1"}),
            ("order.return", SEND_BACK),
            ("case.comment", {"text": "And more."}),
            ("case.read", {}),
            ("case.close", {}),
        ):
            reply = task.ask(action, params)
            assert (reply.decision, reply.codes) == ("refuse", ["agent.untrusted"])
    branch = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": at.recorded("mandate.granted")["envelope"]["mandate"],
    }
    kind = "urn:remit:token-type:mandate"
    other = at.agent("spiffe://helper.example/other")
    credentials = other.identity.credentials(issuer="http://localhost", now_s=at.clock.now() / 1000)
    answer = bot.form(
        at,
        "/oauth/token",
        {
            **branch,
            "client_id": bot.origin,
            "subject_token_type": kind,
            "requested_token_type": kind,
            "actor_token": credentials["client_assertion"],
            "actor_token_type": credentials["client_assertion_type"],
            "authorization_details": "[]",
            "dpop_jkt": bot.key.thumbprint,
        },
    )
    assert code_of(answer) == "agent.untrusted", answer.json()


@pytest.mark.proves("STRANGERS")
def test_two_people_let_a_stranger_in_and_then_its_mandate_counts(at: Arena, bot: Stranger) -> None:
    assert bot.push(at).status_code == 201
    task = granted(at, bot)
    assert task.ask("order.read", {"order_id": "W1"}).codes == ["agent.untrusted"]
    at.run(set_tier(at.context, bot.origin, Tier.KNOWN, by="two people"))
    assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"


@pytest.mark.proves("STRANGERS")
def test_a_desk_that_lets_no_strangers_in_fetches_nothing(bot: Stranger) -> None:
    with open_arena() as at:
        refused(at, bot.push(at), "agent.unknown")
        assert bot.server.hits == 0


@pytest.mark.proves("STRANGERS")
def test_a_desk_that_lets_no_strangers_in_any_more_takes_nothing_of_those_it_met(at: Arena, bot: Stranger) -> None:
    assert bot.push(at).status_code == 201
    task = granted(at, bot)
    at.context = replace(at.context, terms=replace(at.context.terms, strangers=False))
    at.desk.desk.app._oauth = replace(at.desk.desk.app._oauth, context=at.context)  # type: ignore[union-attr]
    at.desk.desk.app._agents = replace(at.desk.desk.app._agents, context=at.context)  # type: ignore[union-attr]
    assert code_of(bot.push(at)) == "agent.untrusted"
    assert task.ask("case.open", {"subject": "The kettle", "text": "I would like to send it back."}).codes == ["agent.untrusted"]


@pytest.mark.proves("STRANGERS")
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
def test_only_a_request_for_a_mandate_introduces_a_stranger(at: Arena, bot: Stranger, path: str) -> None:
    refused(at, bot.form(at, path, {"grant_type": "authorization_code", "token": "x", "code": "x"}), "agent.unknown")
    assert bot.server.hits == 0


@pytest.mark.proves("STRANGERS")
@pytest.mark.parametrize(
    "address",
    [
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://192.168.1.1:8443",
        "https://[::1]",
        "https://[::ffff:10.0.0.1]",
        "http://10.0.0.1",
        "https://0.0.0.0",
        "ftp://agent.example",
        "https://agent.example/keys",
        "https://agent.example/",
        "https://user@agent.example",
        "https://AGENT.example",
        "https://agent.example?x=1",
        "data:application/json,{}",
        "",
    ],
)
def test_a_signature_agent_at_a_special_use_address_or_in_another_spelling_is_refused_alike(at: Arena, bot: Stranger, address: str) -> None:
    bot.named = f'sig1="{address}"'
    bot.redirect = f"{address}/done"
    answer = bot.push(at)
    refused(at, answer, "agent.unknown", "credential.malformed", "request.malformed")
    assert "special" not in answer.text
    assert bot.server.hits == 0


@pytest.mark.proves("STRANGERS")
def test_a_directory_counts_only_where_its_key_signed_it_for_its_own_host(bot: Stranger) -> None:
    """⚔ A copied directory makes nobody the agent whose keys are in it."""
    other, mine = MessageKey("victim"), bot.key
    for swapped in (
        lambda: bot.publish(mine, authority="victim.example"),
        lambda: bot.publish(mine, signed_by=()),
        lambda: bot.publish(mine, other, signed_by=(other,)),
        lambda: bot.publish(other, signed_by=(mine,)),
        lambda: bot.publish(mine, tag="web-bot-auth"),
        lambda: bot.publish(mine, bound=False),
        lambda: bot.publish(mine, expires=1_790_000_000),
    ):
        with open_arena(settings=ON) as fresh:
            swapped()
            refused(fresh, bot.push(fresh), *REFUSED_PUSH)


@pytest.mark.proves("STRANGERS")
def test_a_directory_of_another_kind_or_behind_a_redirect_is_not_read(bot: Stranger) -> None:
    sound = bot.server.headers
    for change in ("status", "type", "body"):
        with open_arena(settings=ON) as fresh:
            bot.server.status, bot.server.headers = "200 OK", sound
            if change == "status":
                bot.server.status = "302 Found\r\nLocation: https://victim.example/"
            elif change == "type":
                bot.server.headers = sound.replace("application/http-message-signatures-directory+json", "application/json")
            else:
                bot.server.body = b'{"keys": [1]}'
            refused(fresh, bot.push(fresh), "agent.unknown")


@pytest.mark.proves("STRANGERS")
def test_a_stranger_signs_with_a_key_of_its_own_directory(at: Arena, bot: Stranger) -> None:
    bot.how = Signing(key=MessageKey("another"), params={"tag": "web-bot-auth"})
    refused(at, bot.push(at), "credential.wrong_key")
    bot.how = Signing(key=bot.key, sign_with=MessageKey("another"), params={"tag": "web-bot-auth"})
    refused(at, bot.push(at), "credential.wrong_key")


@pytest.mark.proves("STRANGERS")
def test_signature_agent_must_be_covered(at: Arena, bot: Stranger) -> None:
    """⚔ Otherwise a signature that was caught could be laid beside another origin that lists the same key."""
    bot.how.covered = ('"@method"', '"@target-uri"', '"content-digest"')
    refused(at, bot.push(at), "credential.malformed")


@pytest.mark.proves("STRANGERS")
def test_a_consent_returns_to_the_strangers_own_origin_alone(at: Arena, bot: Stranger) -> None:
    for address in ("https://evil.example/done", f"{bot.origin}.evil.example/done", "http://127.0.0.1/callback", bot.origin):
        bot.redirect = address
        refused(at, bot.push(at), "request.malformed")


@pytest.mark.proves("STRANGERS")
def test_a_stranger_takes_no_registered_agents_name(at: Arena, bot: Stranger) -> None:
    shop = at.agent()
    answer = bot.push(at, client_id=shop.client_id)
    assert code_of(answer) == "credential.malformed", answer.json()
    assert agents(at) == [shop.client_id]


@pytest.mark.proves("STRANGERS")
def test_a_swapped_directory_gives_its_new_key_nothing_of_the_old_one(at: Arena, bot: Stranger) -> None:
    """Whoever takes the host over later holds another key: what was granted stays with the one that asked."""
    assert bot.push(at).status_code == 201
    task = granted(at, bot)
    mandate_id = at.recorded("mandate.granted")["envelope"]["mandate"]
    thief = MessageKey("thief")
    bot.publish(thief, expires=at.clock.now() // 1000 + 3600)
    at.clock.ahead_ms = 400_000
    bot.how = Signing(key=thief, params={"tag": "web-bot-auth"}, now_s=at.clock.now() // 1000)
    exchange = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "client_id": bot.origin, "subject_token": mandate_id}
    answer = bot.form(at, "/oauth/token", {**exchange, "subject_token_type": "urn:remit:token-type:mandate"})
    assert (answer.json()["error"], code_of(answer)) == ("invalid_grant", "grant.invalid"), answer.json()
    with pytest.raises(Refused):
        task.agent.open(mandate_id)


@pytest.mark.proves("STRANGERS")
def test_strangers_are_looked_up_a_few_at_a_time(at: Arena, bot: Stranger) -> None:
    bot.publish(MessageKey("nobody"))
    codes = [code_of(bot.push(at)) for _ in range(40)]
    assert codes[-1] == "request.rate_limited"
    assert agents(at) == []


@pytest.mark.proves("STRANGERS")
def test_a_suspended_stranger_stays_outside(at: Arena, bot: Stranger) -> None:
    assert bot.push(at).status_code == 201
    at.desk.suspend(agent=bot.origin)
    assert code_of(bot.push(at)) == "agent.suspended"
