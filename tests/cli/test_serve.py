"""A real server process: an agent's whole way over real HTTP, its stop, and everything that keeps a desk from serving."""

import asyncio
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from cli.running import Run, Serve, Serving, change, refused, sandboxed
from remit.client import Agent
from remit.sandbox import Sandbox
from remit.settings import load_settings
from remit.wiring import build_desk, rules_of

FACTS = {
    "owners": {"order": {"W1": "yu", "W2": "other"}, "payment_method": {"pm_7": "yu"}},
    "attributes": {"order": {"W1": {"order.status": "delivered"}}},
    "records": {},
}
MANDATE = {
    "type": "remit_mandate",
    "objective": {"type": "return-item", "target": {"order": ["W1"]}, "summary": "send back"},
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.status"]},
        {"power": "request", "actions": ["order.return"], "uses": 2},
    ],
}
RETURN = {"order_id": "W1", "item_ids": ["i1"]}


def where(serving: Serving) -> tuple[str, int]:
    return "127.0.0.1", int(serving.said["port"])


@contextmanager
def asking(serving: Serving) -> Iterator[socket.socket]:
    """A request whose last byte is still to be sent."""
    head = f"POST /login/v1/sign-in HTTP/1.1\r\nhost: localhost:{where(serving)[1]}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n"
    with socket.create_connection(where(serving), timeout=30) as under_way:
        under_way.sendall(f"{head}{{".encode())
        # An answer on a later connection says that the earlier bytes were read.
        assert httpx.get(f"{serving.url}/healthz").status_code == 200
        yield under_way


def test_an_agent_does_its_whole_job_over_http_and_the_server_stops_clean(remit: Run, serve: Serve, desk: Path, tmp_path: Path) -> None:
    sandboxed(desk)
    serving = serve(desk)
    ready = httpx.get(f"{serving.url}/readyz")
    assert ready.json() == {"status": "ready", "rules": serving.said["rules"]}
    assert f"-{serving.process.pid}-" in httpx.get(f"{serving.url}/metrics").text  # the process, by its own name
    with Sandbox({}, facts=FACTS, base_url=serving.url) as room:
        customer = room.customer("yu", email="yu@x.example")
        agent = room.agent("spiffe://helper.example/shop")
        mandate = customer.grant(agent, MANDATE)
        task = agent.open(mandate)
        read = task.ask("order.read", {"order_id": "W1"})
        assert (read.decision, read.outcome, read.result["order.status"]) == ("permit", "done", "delivered")
        assert list(task.ask("order.read", {"order_id": "W2"}).codes) == ["mandate.off_target"]
        held = task.ask("order.return", RETURN, words="The kettle leaks, please take it back.")
        assert list(held.who) == ["customer"]
        done = customer.confirm(held)
        assert (done.decision, done.outcome) == ("permit", "done")
        receipt = tmp_path / "receipt.json"
        receipt.write_text(httpx.Response(200, json=done.body["receipt"]).text)
        key = httpx.get(f"{serving.url}/log/key").text.strip()
        known = remit("agent", "list", "--config", desk)
        refused(known, "settings.invalid", "the desk is being served")
        task.complete()
    assert serving.stop() == 0
    assert remit("verify", "--key", key, receipt).code == 0
    assert remit("verify-log", "--config", desk).code == 0
    shown = remit("mandate", "show", "--json", "--config", desk, mandate.id).json
    assert [one["reason"] for one in shown["tasks"]] == ["completed"]
    assert shown["state"] == "exhausted"
    assert remit("agent", "list", "--json", "--config", desk).json["agents"][0]["client_id"] == "spiffe://helper.example/shop"


def test_the_client_of_agent_developers_works_against_the_process(serve: Serve, desk: Path) -> None:
    sandboxed(desk)
    serving = serve(desk)
    with Sandbox({}, facts=FACTS, base_url=serving.url) as room:
        customer = room.customer("yu")
        agent = room.agent("https://shop.example/agent")
        mandate = customer.grant(agent, MANDATE)

        async def job() -> tuple[str, str]:
            async with Agent(desk=serving.url, identity=agent.identity, key=agent.key) as own, own.mandate(mandate.id).task() as task:
                reply = await task.ask("order.read", {"order_id": "W1"})
                return task.id, str(reply.result["order.status"])

        task_id, status = asyncio.run(job())
    assert status == "delivered"
    assert task_id.startswith("task_")


def test_a_request_under_way_is_answered_before_the_server_stops(serve: Serve, desk: Path) -> None:
    serving = serve(desk)
    with asking(serving) as under_way:
        serving.process.send_signal(signal.SIGTERM)
        closed(where(serving))
        under_way.sendall(b"}")
        assert under_way.recv(15) == b"HTTP/1.1 200 OK"
    assert serving.process.wait(60) == 0


def test_a_stop_is_announced_while_the_process_still_answers_so_that_a_proxy_can_drain_it(serve: Serve, desk: Path) -> None:
    serving = serve(desk, "--drain", "600")
    serving.process.send_signal(signal.SIGTERM)
    while httpx.get(f"{serving.url}/readyz").status_code == 200:
        pass
    answer = httpx.get(f"{serving.url}/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "fault.stopping")
    assert httpx.get(f"{serving.url}/v1/catalogue").status_code == 200
    serving.process.send_signal(signal.SIGINT)  # who does not want to wait says so
    assert serving.process.wait(60) in {0, 130}


def test_a_second_ctrl_c_cuts_off_what_is_under_way_and_says_so_without_a_traceback(serve: Serve, desk: Path) -> None:
    serving = serve(desk)
    with asking(serving):
        serving.process.send_signal(signal.SIGINT)
        closed(where(serving))
        serving.process.send_signal(signal.SIGINT)
        assert serving.process.wait(60) == 130
    assert serving.process.stderr is not None
    assert serving.process.stderr.read() == (
        "remit: stopped at once; running requests were cut off. What was recorded stays, and queued acts go on at the next start.\n"
    )


def test_a_loop_that_is_ended_ends_the_desks_lifespan_quietly(desk: Path) -> None:
    settings = load_settings(desk / "remit.toml")

    async def ends() -> None:
        built = build_desk(settings, rules_of(settings))
        begun, never = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, str]:
            begun.set()
            await never.wait()
            return {"type": "lifespan.shutdown"}

        async def send(_message: object) -> None:
            """Nothing is sent."""

        life = asyncio.create_task(built.app({"type": "lifespan"}, receive, send))  # type: ignore[arg-type]
        await begun.wait()
        life.cancel()
        await life
        await built.stop()

    asyncio.run(ends())


def closed(where: tuple[str, int]) -> None:
    """Return when nothing listens there any more."""
    while True:
        try:
            socket.create_connection(where, timeout=30).close()
        except ConnectionError:
            return


def test_who_waits_for_news_is_answered_when_the_server_stops(desk: Path) -> None:
    settings = load_settings(desk / "remit.toml")

    async def waits() -> None:
        built = build_desk(settings, rules_of(settings))
        with built.context.notify.subscribe("ask:x") as changes:
            await built.drain()
            async with asyncio.timeout(30):
                assert await changes.wait(3600)
        await built.stop()

    asyncio.run(waits())


def test_a_busy_port_is_said_in_plain_words_before_anything_is_opened(remit: Run, desk: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ran = remit("serve", "--config", desk, "--port", port)
    refused(ran, "settings.invalid", f"127.0.0.1 port {port} cannot be used: another program listens there")


def test_two_workers_on_one_sqlite_file_are_refused(remit: Run, desk: Path) -> None:
    refused(remit("serve", "--config", desk, "--port", "0", "--workers", "2"), "settings.invalid", "is served by one process")


def test_a_second_server_on_the_same_desk_is_refused(remit: Run, serve: Serve, desk: Path) -> None:
    serving = serve(desk)
    for known in (("serve", "--port", "0"), ("policy", "approve", "--as", "admin"), ("rotate-keys",), ("recover",)):
        ran = remit(*known, "--config", desk)
        refused(ran, "settings.invalid", "the desk is being served")
        assert "Cure: Stop the server and try again." in ran.err, ran
    assert "/security" in remit("person", "list", "--config", desk).err
    assert httpx.get(f"{serving.url}/readyz").status_code == 200
    assert serving.stop(signal.SIGINT) == 0


def test_without_policies_a_desk_does_not_serve(remit: Run, desk: Path) -> None:
    for file in (desk / "policies").iterdir():
        file.write_text("")
    refused(remit("serve", "--config", desk, "--port", "0"), "policy.invalid", "there is no policy")
    for file in (desk / "policies").iterdir():
        file.unlink()
    refused(remit("serve", "--config", desk, "--port", "0"), "settings.invalid", "policies.files")


def test_lost_keys_are_never_made_anew_in_silence(remit: Run, desk: Path) -> None:
    for file in (desk / "data" / "keys").iterdir():
        file.unlink()
    (desk / "data" / "keys").rmdir()
    refused(remit("serve", "--config", desk, "--port", "0"), "settings.invalid", "there are no keys")
    assert not (desk / "data" / "keys").exists()


def test_a_changed_log_stops_the_start_as_damage(remit: Run, desk: Path) -> None:
    with sqlite3.connect(desk / "data" / "store.sqlite") as store:
        store.execute("update entry set leaf = zeroblob(32) where idx = 1")
    store.close()
    refused(remit("serve", "--config", desk, "--port", "0"), "log.damaged", "entries do not give the signed root", exit_code=4)
    refused(remit("verify-log", "--config", desk), "log.damaged", "the record of entry 1 is not what was logged", exit_code=4)
    assert remit("doctor", "--config", desk).code == 4


def test_the_process_kills_itself_at_a_named_point_and_the_next_start_goes_on(serve: Serve, desk: Path) -> None:
    sandboxed(desk)
    serving = serve(desk, REMIT_STOP_AT="store.after_commit:1")
    with Sandbox({}, facts={}, base_url=serving.url) as room, pytest.raises(Exception):  # noqa: B017, PT011  # however the broken connection is told
        room.customer("yu")
    assert serving.process.wait(30) == -signal.SIGKILL
    again = serve(desk)
    with Sandbox({}, facts=FACTS, base_url=again.url) as room:
        assert room.customer("yu").get("/me/v1")["id"] == "yu"
    assert again.stop() == 0


def test_control_routes_are_not_there_without_the_sandbox(serve: Serve, desk: Path) -> None:
    serving = serve(desk)
    answer = httpx.post(f"{serving.url}/sandbox/v1/people", json={"id": "x", "kind": "customer"})
    assert answer.status_code == 404
    assert serving.stop() == 0


def test_nothing_but_what_two_admins_approved_is_served_to_the_outside(remit: Run, desk: Path, tmp_path: Path) -> None:
    change(desk, "http://localhost:8080", "https://support.example")
    change(desk, 'host = "127.0.0.1"', 'host = "0.0.0.0"')
    start = ("serve", "--config", desk, "--port", "0")
    refused(remit(*start), "settings.invalid", "needs two admins; this one has 1")
    same = ("person", "add", "alias", "--config", desk, "--kind", "officer", "--role", "admin", "--person-key", "admin")
    assert remit(*same).code == 0
    refused(remit(*start), "settings.invalid", "needs two admins; this one has 1")
    assert remit("person", "add", "ann", "--config", desk, "--kind", "officer", "--role", "admin").code == 0
    (desk / "policies" / "90-more.cedar").write_text('@id("more")\nforbid(principal, action, resource) when { context.risk >= 99 };\n')
    refused(remit(*start), "settings.invalid", "are not those of the last policy.changed entry")
    approve = ("policy", "approve", "--config", desk, "--as")
    refused(remit(*approve, "ann"), "request.not_found", "no one proposed exactly these rules")
    assert remit("policy", "propose", "--config", desk, "--as", "admin").code == 0
    refused(remit(*approve, "admin"), "person.not_allowed", "another admin must approve")
    refused(remit(*approve, "alias"), "person.not_allowed", "another admin must approve")
    refused(remit(*approve, "anna"), "person.not_allowed", "anna is no admin")
    (desk / "policies" / "95-sly.cedar").write_text('@id("sly")\npermit(principal, action, resource);\n')
    refused(remit(*approve, "ann"), "request.not_found", "no one proposed exactly these rules")
    (desk / "policies" / "95-sly.cedar").unlink()
    assert remit(*approve, "ann").code == 0
    assert remit("check", "--json", "--config", desk).json["in_force"] == "in force"
    refused(remit("policy", "propose", "--config", desk, "--as", "ann"), "request.conflict", "in force already")
    tighten = ("policy", "tighten", "--config", desk, "--as")
    refused(remit(*tighten, "ann"), "request.conflict", "in force already")
    (desk / "policies" / "95-sly.cedar").write_text('@id("sly")\npermit(principal, action, resource);\n')
    refused(remit(*tighten, "ann"), "person.not_allowed", "Let two admins approve them")
    (desk / "policies" / "95-sly.cedar").write_text('@id("stop")\nforbid(principal, action == Action::"payment.refund", resource);\n')
    refused(remit(*tighten, "anna"), "person.not_allowed", "anna is no admin")
    assert remit(*tighten, "ann").code == 0
    assert remit("check", "--json", "--config", desk).json["in_force"] == "in force"
    (desk / "policies" / "95-sly.cedar").unlink()
    refused(remit(*tighten, "ann"), "person.not_allowed", "Let two admins approve them")
    (desk / "policies" / "95-sly.cedar").write_text('@id("stop")\nforbid(principal, action == Action::"payment.refund", resource);\n')
    export = tmp_path / "log"
    assert remit("export", "--config", desk, export).code == 0
    assert (export / "checkpoint").is_file()


def test_with_two_admins_one_person_alone_gives_no_roles_and_no_trust(remit: Run, desk: Path, tmp_path: Path) -> None:
    assert remit("person", "add", "ann", "--config", desk, "--kind", "officer", "--role", "admin").code == 0
    change(desk, "http://localhost:8080", "https://support.example")
    change(desk, 'host = "127.0.0.1"', 'host = "0.0.0.0"')
    third = ("person", "add", "eve", "--config", desk, "--kind", "officer", "--role", "security")
    refused(remit(*third), "person.not_allowed", "one person can't give roles")
    assert remit(*third[:-2]).code == 0
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": []}')
    trusted = ("agent", "add", "--config", desk, "--client-id", "spiffe://x.example/a", "--jwks", keys, "--tier", "trusted")
    refused(remit(*trusted), "person.not_allowed", "one person can't make an agent trusted")
