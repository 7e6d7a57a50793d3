"""A node's process that froze past everything it held, among asks, and wakes after another one took over: real processes, SIGSTOP and SIGCONT.

It held its turn to write, content keys, connections, and an ask half done. Meanwhile its keys' lease was given up,
what it had begun was done or ended by the other node, a mandate was revoked, and content was erased.
"""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from faults.books import verify_all
from faults.cluster import Cluster, Node, load, many, wait_for
from faults.killed_desk import ADDRESSES, Wish, correct
from faults.nodes import Aside
from postgres_tests import on_the_server, postgres_url
from remit.adapters.vault.postgres.vault import PostgresVault
from remit.adapters.world.system import SystemWorld
from remit.ports.vault import NAMED
from remit.sandbox import Sandbox, SandboxReply, SandboxTask
from remit.settings import load_settings
from remit.wiring import open_vault

PROGRAM = str(Path(__file__).with_name("freezing.py"))
POINTS = ("store.before_commit", "store.after_commit", "act.sent", "act.acted")
ORDER = "c0x0"
READ = ("order.read", {"order_id": ORDER})
ENDED = {"task.ended", "mandate.inactive"}


def change(number: int) -> tuple[str, dict[str, str]]:
    """An ask that acts at once, nobody being asked."""
    return "order.change_address", {"order_id": f"c0x{number}", "address": ADDRESSES[0]}


class Turned(httpx.AsyncBaseTransport):
    """Brings each request to the node that everybody is turned to."""

    def __init__(self, nodes: list[Node], before: httpx.AsyncBaseTransport) -> None:
        self._nodes = nodes
        self._before = before
        self._inner = httpx.AsyncHTTPTransport()
        self.to = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Bring it there."""
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._nodes[self.to].port)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is inside, and what was there before."""
        await self._inner.aclose()
        await self._before.aclose()


class Woken:
    """Two nodes, the first of which can freeze; a customer, an agent and its task."""

    def __init__(self, desk: Cluster, sandbox: Sandbox, task: SandboxTask, customer: Any) -> None:
        self.desk, self.sandbox, self.task, self.customer = desk, sandbox, task, customer
        self.node = desk.nodes[0]
        self._transport: Any = sandbox.room.transport
        self._transport._inner = Turned(desk.nodes, self._transport._inner)

    def turn(self, to: int) -> None:
        """From now on this node is spoken to."""
        self._transport._inner.to = to

    @contextmanager
    def frozen(self, point: str, work: Callable[[], Any]) -> Iterator[Aside]:
        """While this goes on the first node is frozen at a point that it came to by some work; after it the node goes on."""
        assert self.node.process is not None
        state = Path(f"/proc/{self.node.process.pid}/stat")
        place = self.node.folder / "freeze-at"
        place.with_name("freeze-at.new").write_text(point)
        place.with_name("freeze-at.new").rename(place)
        asleep = Aside(work)
        try:
            wait_for(lambda: state.read_text().rpartition(")")[2].split()[0] == "T")
            self.turn(1)
            yield asleep
        finally:
            self.node.tell(signal.SIGCONT)

    def late(self, work: Callable[[], Any]) -> Aside:
        """Something that is sent to the frozen node, and read by it when it wakes."""
        sent = len(self._pending())
        self.turn(0)
        waiting = Aside(work)
        wait_for(lambda: len(self._pending()) > sent)
        self.turn(1)
        return waiting

    def _pending(self) -> list[str]:
        """The connections to the first node with something in them that it has not read."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return [
            row[4] for row in rows if row[1].endswith(f":{self.node.port:04X}") and row[3] == "01" and int(row[4].partition(":")[2], 16)
        ]

    def erase(self, customer: str) -> None:
        """Two people have what is on the record about a customer erased."""
        sam, kim = (self.sandbox.officer(name, roles=["security"]) for name in ("sam", "kim"))
        made = sam.post("/security/v1/erasures", {"customer": customer, "reason": "asked for it"})
        kim.post(f"/security/v1/proposals/{made['proposal']['proposal']}", {"answer": "yes"})

    def recorded(self, kind: str) -> str:
        """The id of the one record of a kind."""
        ((found,),) = on_the_server(postgres_url(), "select id from remit.record where desk = $1 and kind = $2", self.desk.name, kind)
        return str(found)

    def entries(self) -> list[dict[str, Any]]:
        """The log as the node that is spoken to tells it."""
        return self.sandbox.transcript()


@contextmanager
def woken(folder: Path) -> Iterator[Woken]:
    """Two nodes that serve, and something to ask."""
    desk = Cluster(folder, store=postgres_url(), keys=postgres_url("keys"), customers=1)
    first = desk.nodes[0]
    first.change("desk_timeout_ms = 2000", "desk_timeout_ms = 2000\nretention_days = 0")
    first.program, first.around = (PROGRAM,), {"REMIT_STOP_AT": POINTS[0], "FREEZE_AT": str(first.folder / "freeze-at")}
    try:
        desk.start()
        with load(desk) as asked:
            yield Woken(desk, asked.desk, asked.tasks[0], asked.customers[0])
        desk.stop()
    finally:
        for node in desk.nodes:
            if node.process is not None:
                node.tell(signal.SIGCONT)
        desk.kill()


def until(work: Callable[[], Any], so: Callable[[Any], bool]) -> Any:
    """Do something again until it is so."""
    found: list[Any] = []

    def tried() -> bool:
        found[:] = [work()]
        return so(found[0])

    wait_for(tried)
    return found[0]


@contextmanager
def keys(desk: Cluster) -> Iterator[PostgresVault]:
    """The content keys, as a third node has them."""
    vault = open_vault(load_settings(desk.nodes[1].folder / "remit.toml"), SystemWorld())
    assert isinstance(vault, PostgresVault)
    with closing(vault):
        yield vault


def over(desk: Cluster) -> None:
    """Have the keys' lease of whoever is frozen given up: whoever retires a key waits for it, and then for nobody."""
    with keys(desk) as vault:
        asyncio.run(vault.seal("somebody", b"x"))
        asyncio.run(vault.retire("somebody"))


def sealed_with(desk: Cluster) -> list[bytes]:
    """Under which key each entry's content is sealed, in their order."""
    rows = on_the_server(postgres_url(), "select content from remit.entry where desk = $1 order by idx", desk.name)
    return [bytes(row[0][:NAMED]) for row in rows]


def destroyed(desk: Cluster) -> set[bytes]:
    """The keys that were destroyed."""
    with keys(desk) as vault:
        found = asyncio.run(vault.destroyed())
    return {bytes.fromhex(one) for ids in found.values() for one in ids}


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of connections whose server was stopped
@pytest.mark.proves("NODES", "FAIL-CLOSED")
def test_a_process_that_wakes_in_the_middle_of_an_ask_doubles_and_loses_nothing(tmp_path: Path) -> None:
    """At every point of the path, one after the other."""
    wishes: list[Wish] = []
    with woken(tmp_path) as at:
        for number, point in enumerate(POINTS):
            at.turn(0)
            wishes.append(wish := Wish(at.task, *change(number)))
            with at.frozen(point, partial(at.task.ask, *change(number), idempotency_key=wish.key)) as asleep:
                until(partial(wish.send, at.customer), lambda _, wish=wish: bool(wish.asks))
                (ask,) = wish.asks
                until(partial(at.task.poll, ask), lambda reply: reply.outcome == "done")
                over(at.desk)
            reply: SandboxReply = asleep.result()
            assert reply.status == 503 or reply.ask == ask
            for node in (0, 1):
                at.turn(node)
                until(partial(wish.send, at.customer), lambda _, wish=wish: wish.state == "done")
            assert wish.asks == {ask}
    disk = at.desk.books()
    verify_all(wishes, disk)
    assert [disk.versions[f"c0x{number}"] for number in range(len(POINTS))] == [2] * len(POINTS), "the desk did each once"
    at.desk.verify_log()


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of connections whose server was stopped
@pytest.mark.proves("NODES", "ERASED", "TASK-END")
@pytest.mark.parametrize("point", ["store.before_commit", "ask.recorded"])
def test_a_process_that_wakes_answers_nothing_that_was_revoked_and_seals_with_no_key_that_was_erased(tmp_path: Path, point: str) -> None:
    """⚔ It held the customer's key, a decision, and a read that was about to be told."""
    with woken(tmp_path) as at:
        assert at.task.ask(*READ).result == {"order.status": "pending"}
        agent = at.task.agent
        with at.frozen(point, lambda: at.task.ask(*READ)) as asleep:
            at.customer.revoke(at.recorded("mandate"))
            at.erase("c0")
            before = len(at.entries())
            late = [at.late(partial(at.task.ask, *READ)), at.late(partial(at.task.ask, *change(1)))]
        woken_up: SandboxReply = asleep.result()
        assert not woken_up.result
        assert woken_up.status == 503 or ENDED.issuperset(woken_up.codes), woken_up.body
        assert "pending" not in json.dumps(woken_up.body)
        assert [set(one.result().codes) <= ENDED and not one.result().result for one in late] == [True, True]
        at.turn(0)
        assert [one["envelope"]["kind"] for one in at.entries()[before:]].count("act.performed") == 0
        after = len(at.entries())
        task = agent.open(at.customer.grant(agent, many(correct([ORDER]))))
        assert task.ask(*change(0)).outcome == "done", "it serves"
    gone, seals = destroyed(at.desk), sealed_with(at.desk)
    assert gone & set(seals[:before])
    assert not gone & set(seals[before:]), "something was sealed that nobody can ever read"
    assert len(seals) > after
    assert at.desk.books().versions[ORDER] == 2
    at.desk.verify_log()
