"""Messages about incidents to receivers outside: signed, in order, at least once, and never a secret or a customer in them.

Source: docs/model/model.md#incidents; Standard Webhooks 1.0.0.
"""

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import SHOP, Arena, gathered, open_arena
from notice_servers import Receiver, nobody, webhook_server
from remit.adapters.notify.webhook import signature
from remit.domain.incidents.records import DeliveryRecord
from remit.domain.structs import replace
from remit.ports.notify import DeliveryFailed, DeliveryObstacle
from remit.usecases.incidents.deliver import LEASE_MS, deliver_incidents

READ = {"order_id": "W1"}
SECRET, OLDER = bytes(range(32)), bytes(range(32, 64))
KEY = "R0UT1NGKEY"


@contextmanager
def _arena(folder: Path, *tables: Mapping[str, Any]) -> Iterator[Arena]:
    secret, key = folder / "secret", folder / "key"
    secret.write_text("".join(f"whsec_{base64.b64encode(one).decode()}\n" for one in (SECRET, OLDER)), encoding="utf-8")
    key.write_text(KEY, encoding="utf-8")
    for one in (secret, key):
        one.chmod(0o600)
    files = {"secret_file": str(secret), "key_file": str(key)}
    made = [{**{name: files[name] for name in table.pop("with", ("secret_file",))}, **table} for table in map(dict, tables)]
    with open_arena(settings={"deliveries": made}) as arena:
        assert arena.desk.desk is not None
        arena.run(arena.desk.desk.jobs.stop())  # the rounds are the tests' own
        yield arena


def leak(arena: Arena, agent: str = SHOP, words: str = "") -> str:
    task = arena.task(agent=arena.agent(agent))
    arena.ask(task, "order.read", READ, words=f"My token is {task.token} {words}")
    return task.token


def send(arena: Arena) -> list[str]:
    told: list[str] = []
    arena.run(deliver_incidents(arena.context, told.append))
    return told


def came(receiver: Receiver) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while not receiver.posts.empty():
        headers, raw = receiver.posts.get_nowait()
        stamped = {"letter_id": headers["webhook-id"], "timestamp_s": int(headers["webhook-timestamp"]), "body": raw}
        if "webhook-signature" in headers:
            assert headers["webhook-signature"].split() == [signature(one, **stamped) for one in (SECRET, OLDER)]
        found.append({**json.loads(raw), "webhook-id": headers["webhook-id"]})
    return found


def incident(arena: Arena, query: str = "?state=all") -> str:
    sam = arena.desk.officer("sam", roles=["security"])
    return str(sam.get(f"/security/v1/incidents{query}")["incidents"][0]["incident"])


@pytest.mark.proves("INCIDENT-TOLD")
def test_a_receiver_is_told_signed_of_kind_and_agent_and_of_nothing_else(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, {"name": "soc", "url": receiver.url}) as arena:
        token = leak(arena, words="and my phone number is +49 170 1234567")
        assert send(arena) == ["sent"]
        (told,) = came(receiver)
        data = told["data"]
        assert (told["type"], data["event"], data["kind"], data["severity"]) == ("remit.incident", "opened", "leak", "high")
        assert (data["agent"], data["operator"], data["incident"]) == (SHOP, "helper.example", incident(arena))
        assert data["page"] == f"http://localhost/security/incidents/{data['incident']}"
        text = json.dumps(told)
        for hidden in (token, "anna", "Anna", "1234567", "mail.example"):
            assert hidden not in text
        assert data["customers"] == ""
        assert all(token not in str(one.record) for one in arena.run(_pending(arena)))


async def _pending(arena: Arena) -> Any:
    from remit.domain.incidents.records import DeliveryRecord  # noqa: PLC0415  # of this look alone

    return await arena.context.store.find(DeliveryRecord, "delivery.to", "soc")


@pytest.mark.proves("INCIDENT-TOLD")
def test_a_customer_is_named_only_where_the_settings_say_so_and_then_by_id(tmp_path: Path) -> None:
    tables = ({"name": "quiet", "kind": "ocsf"}, {"name": "full", "kind": "ocsf", "customers": True})
    with webhook_server() as receiver, _arena(tmp_path, *({**one, "url": receiver.url} for one in tables)) as arena:
        leak(arena)
        assert send(arena) == ["sent", "sent"]
        told = came(receiver)
        assert sorted("anna" in json.dumps(one) for one in told) == [False, True]
        assert all("anna@" not in json.dumps(one) for one in told)


@pytest.mark.proves("INCIDENT-TOLD")
def test_what_a_colleague_wrote_leaves_the_desk_in_no_message(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, {"name": "soc", "url": receiver.url}) as arena:
        leak(arena)
        sam = arena.desk.officer("sam", roles=["security"])
        path = f"/security/v1/incidents/{incident(arena)}"
        sam.post(f"{path}/assign", {"owner": "me"})
        sam.post(f"{path}/notes", {"text": "Anna Berg was on the phone"})
        sam.post(f"{path}/close", {"reason": "Anna Berg agreed"})
        while send(arena):
            arena.clock.ahead_ms += 10
        told = came(receiver)
        assert [one["data"]["event"] for one in told] == ["opened", "acknowledged", "closed"]
        assert "Berg" not in json.dumps(told)
        assert "sam" not in json.dumps(told)


@pytest.mark.proves("INCIDENT-TOLD")
def test_a_pager_is_triggered_acknowledged_and_resolved_under_one_key(tmp_path: Path) -> None:
    pager = {"name": "pager", "template": "pagerduty", "with": ("key_file",)}
    with webhook_server() as receiver, _arena(tmp_path, {**pager, "url": receiver.url}) as arena:
        leak(arena)
        sam = arena.desk.officer("sam", roles=["security"])
        known = incident(arena)
        sam.post(f"/security/v1/incidents/{known}/assign", {"owner": "me"})
        sam.post(f"/security/v1/incidents/{known}/close", {"reason": "over"})
        while send(arena):
            arena.clock.ahead_ms += 10
        told = came(receiver)
        assert [(one["event_action"], one["dedup_key"], one["routing_key"]) for one in told] == [
            (action, known, KEY) for action in ("trigger", "acknowledge", "resolve")
        ]
        assert told[0]["payload"]["severity"] == "critical"
        assert told[0]["payload"]["summary"] == f"An agent's access token leaked: {SHOP} (helper.example)"
        assert KEY not in str(arena.entries()) + str(arena.run(_pending(arena)))


@pytest.mark.proves("INCIDENT-TOLD")
def test_an_agents_name_calls_nobody_in_a_chat(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, {"name": "chat", "template": "slack", "url": receiver.url, "with": ()}) as arena:
        agent = arena.desk.agent(SHOP, "known", name="<!channel> & <@U024BE7LH>")
        task = arena.task(agent=agent)
        arena.ask(task, "order.read", READ, words=f"My token is {task.token}")
        assert send(arena) == ["sent"]
        (told,) = came(receiver)
        text = told["blocks"][1]["text"]["text"]
        assert "&lt;!channel&gt; &amp; &lt;\uff20U024BE7LH&gt;" in text
        assert "<" not in text + told["text"]
        assert "!channel" not in told["blocks"][0]["text"]["text"]


@pytest.mark.proves("REVIEWED-ROWS")
def test_an_agents_name_is_neither_a_format_nor_a_channel_in_a_chat(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, {"name": "chat", "template": "slack", "url": receiver.url, "with": ()}) as arena:
        agent = arena.desk.agent(SHOP, "known", name="*Closed* @here #all `x` ~y~ _z_")
        task = arena.task(agent=agent)
        arena.ask(task, "order.read", READ, words=f"My token is {task.token}")
        assert send(arena) == ["sent"]
        (told,) = came(receiver)
        named = told["blocks"][1]["text"]
        assert not set("*_~`@#") & set(told["text"] + named["text"])
        assert (named["type"], named["emoji"]) == ("plain_text", False)
        marked = [told["blocks"][0]["text"], *told["blocks"][2]["elements"]]
        assert all(one["verbatim"] is True for one in marked)
        assert (told["parse"], told["link_names"]) == ("none", False)
        assert told["blocks"][2]["elements"][0]["text"].endswith(f"/security/incidents/{incident(arena)}|Open the incident>")


@pytest.mark.proves("INCIDENT-TOLD")
def test_a_receiver_that_fails_is_told_later_under_the_same_id_and_in_order(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, {"name": "soc", "url": receiver.url}) as arena:
        receiver.statuses.extend([503, 429])
        leak(arena)
        sam = arena.desk.officer("sam", roles=["security"])
        assert send(arena) == ["put_off"]
        sam.post(f"/security/v1/incidents/{incident(arena)}/close", {"reason": "over"})
        assert send(arena) == [], "the end of it waits for its beginning"
        arena.clock.ahead_ms += 6_000
        assert send(arena)[:1] == ["put_off"]
        for _ in range(4):
            arena.clock.ahead_ms += 31_000
            send(arena)
        told = came(receiver)
        assert [one["data"]["event"] for one in told] == ["opened", "closed"]
        assert told[0]["webhook-id"] == told[0]["data"]["id"]
        assert send(arena) == []


@pytest.mark.proves("INCIDENT-TOLD")
def test_a_redirect_leads_a_message_nowhere(tmp_path: Path) -> None:
    with (
        webhook_server() as receiver,
        webhook_server() as elsewhere,
        _arena(tmp_path, {"name": "soc", "url": receiver.url}) as arena,
    ):
        receiver.statuses.append(307)
        receiver.location = elsewhere.url
        leak(arena)
        assert send(arena) == ["put_off"]
        assert elsewhere.asked == []


@pytest.mark.proves("INCIDENT-TOLD")
def test_a_slow_receiver_holds_up_no_ask_and_a_taken_claim_is_not_sent_twice(tmp_path: Path) -> None:
    with webhook_server() as receiver, _arena(tmp_path, {"name": "soc", "url": receiver.url}) as arena:
        leak(arena)
        gathered(arena, [lambda: deliver_incidents(arena.context, lambda _: None) for _ in range(4)])
        assert len(came(receiver)) == 1


@pytest.mark.proves("INCIDENT-TOLD")
def test_a_message_that_nobody_takes_is_given_up_and_the_receivers_address_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"http://localhost:{nobody()}/T0P/S3CR3T"
    file = tmp_path / "url"
    file.write_text(url, encoding="utf-8")
    file.chmod(0o600)
    caplog.set_level("INFO", "remit.incidents")
    with _arena(tmp_path, {"name": "chat", "template": "slack", "url_file": str(file), "with": ()}) as arena:
        leak(arena)
        assert send(arena) == ["put_off"]
        assert "was not taken by chat" in caplog.text
        arena.clock.ahead_ms += 3 * 24 * 3600 * 1000 + LEASE_MS
        assert send(arena) == ["failed"]
        assert "could not be told to chat" in caplog.text
        assert "S3CR3T" not in caplog.text, "the address of a chat is a secret"


@pytest.mark.proves("INCIDENT-TOLD")
def test_a_message_goes_to_no_address_inside(tmp_path: Path) -> None:
    with _arena(tmp_path, {"name": "soc", "url": "https://169.254.169.254/latest"}, {"name": "in", "url": "https://10.0.0.7/x"}) as arena:
        leak(arena)
        assert send(arena) == ["put_off", "put_off"]
        assert arena.context.receivers[0].name == "soc"


@pytest.mark.proves("INCIDENT-TOLD")
def test_a_receiver_hears_of_its_severities_alone_and_files_take_lines(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    tables = (
        {"name": "low", "kind": "ocsf", "file": str(folder / "all.jsonl"), "with": ()},
        {"name": "high", "kind": "webhook", "file": str(folder / "high.jsonl"), "severity": "high", "with": ()},
    )
    with _arena(tmp_path, *tables) as arena:
        entry = arena.anna
        arena.task()
        (first, *_) = [one for one in entry.get("/me/v1/history")["entries"] if one["kind"] == "mandate.granted"]
        entry.post(f"/me/v1/entries/{first['entry']}/contest", {"text": "too wide"})
        leak(arena)
        send(arena)
        lines = [json.loads(one) for one in (folder / "all.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [one["severity"] for one in lines] == ["Low", "High"]
        (only,) = (folder / "high.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(only)["data"]["kind"] == "leak"
        assert (folder / "all.jsonl").stat().st_mode & 0o007 == 0
        (folder / "all.jsonl").unlink()
        (folder / "all.jsonl").symlink_to(tmp_path / "elsewhere")
        leak(arena, "spiffe://helper.example/other")
        assert "put_off" in send(arena)
        assert not (tmp_path / "elsewhere").exists()


class Dead:
    """A receiver that answers only once another one was told, and then with a failure."""

    def __init__(self, name: str, heard: asyncio.Event) -> None:
        self.name, self.heard, self.asked = name, heard, 0

    async def send(self, _message: DeliveryRecord) -> None:
        self.asked += 1
        async with asyncio.timeout(5):
            await self.heard.wait()
        raise DeliveryFailed(DeliveryObstacle.CARRIER, "gone")


class Alive(Dead):
    """One that takes everything."""

    async def send(self, _message: DeliveryRecord) -> None:
        self.heard.set()


@pytest.mark.proves("REVIEWED-ROWS")
def test_a_receiver_that_does_not_answer_delays_no_other(tmp_path: Path) -> None:
    tables = ({"name": "a", "kind": "ocsf"}, {"name": "b", "kind": "ocsf"})
    with _arena(tmp_path, *({**one, "url": "http://localhost:9/x"} for one in tables)) as arena:
        leak(arena)
        leak(arena, "spiffe://helper.example/other")
        heard, told = asyncio.Event(), list[str]()
        dead = Dead("a", heard)
        arena.run(deliver_incidents(replace(arena.context, receivers=(dead, Alive("b", heard))), told.append))
        assert heard.is_set()
        assert sorted(told) == ["put_off", "sent", "sent"]
        assert dead.asked == 1, "what else is for it waits"
