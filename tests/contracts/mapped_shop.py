"""A small shop with an API of its own, as companies have them: one operation for each promise, and faults on demand."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from contracts.desk_plugs import StandingWorld, desk_file
from contracts.http_desk import LoopThread
from remit.adapters.backoffice.mapped.client import MappedBackoffice
from remit.adapters.backoffice.mapped.mapping import ApiMapping, read_mapping
from remit.adapters.backoffice.mapped.wire import Wire
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.http.connection import HttpConnections
from remit.domain.catalogue.model import Catalogue
from remit.domain.policy.rulebook import read_catalogue
from remit.ports.backoffice import Act

ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
ORDER = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("id", "customer", "title", "status", "password")},
        "version": {"type": "integer"},
    },
}
REFUND = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["amount"],
                "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}},
            }
        }
    }
}


def answer(properties: Any) -> dict[str, Any]:
    """The description of a good answer."""
    schema = {"type": "object", "properties": properties}
    return {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}


DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "https://evil.example"}],
    "paths": {
        "/orders": {"get": {"responses": {}}},
        "/orders/{id}": {"parameters": [ID], "get": {"responses": answer({"order": ORDER})}, "put": {"responses": {}}},
        "/orders/{id}/refunds": {"post": {"requestBody": REFUND, "responses": {}}, "get": {"responses": {}}},
        "/orders/{id}/charges": {"post": {"responses": {}}},
        "/orders/{id}/ship": {"post": {"responses": {}}},
        "/orders/{id}/close": {"post": {"responses": {}}},
        "/search": {"get": {"responses": {}}},
        "/boxes/{id}": {"get": {"responses": {}}},
        "/tokens": {"post": {"responses": {}}},
        "/tokens/{serial}": {"get": {"responses": {}}},
        "/returns": {"post": {"responses": {}}},
        "/returns/{id}": {"get": {"responses": {}}, "delete": {"responses": {}}},
        "/returns/{id}/confirm": {"post": {"responses": {}}},
        "/exchanges": {"post": {"responses": {}}, "get": {"responses": {}}},
        "/exchanges/{id}": {"get": {"responses": {}}, "delete": {"responses": {}}},
        "/exchanges/{id}/lines": {"post": {"responses": {}}},
        "/exchanges/{id}/confirm": {"post": {"responses": {}}},
        "/orders/{id}/labels": {"post": {"responses": {}}, "get": {"responses": {}}},
        "/customers/{id}": {"get": {"responses": {}}},
        "/replays": {"get": {"responses": {}}},
    },
}
MAPPING = """
version = 1
pad_ms = 0

[kind.order.read]
operation = "GET /orders/{id}"
placeholder = "id"
id = "/order/id"
owner = "/order/customer"
version = ["/order/version"]
name = "/order/title"
values = { "order.status" = "/order/status" }

[kind.box.read]
operation = "GET /boxes/{id}"
placeholder = "id"
id = "/id"
owner = "/order"
owner_kind = "order"
version = ["/weight"]

[kind.order.list]
operation = "GET /orders"
query = { customer = "{customer}" }
items = "/orders"
id = "/id"
name = "/title"

[[kind.order.parts]]
items = "/order/items"
id = "/id"
name = "/title"

[[kind.order.parts]]
items = "/order/parcels/*/pieces/*"
id = "/id"
name = "/title"

[customer]
operation = "GET /customers/{id}"
placeholder = "id"
values = { "contact.email" = "/email" }

[action."order.read"]
operation = "GET /orders/{id}"
path = { id = "/order_id" }
values = { "order.status" = "/order/status", "order.pieces" = "/order/parcels/*/pieces/*/id" }

[action."order.refund"]
operation = "POST /orders/{id}/refunds"
path = { id = "/order_id" }
body = [{ to = "/amount", from = "/amount", as = "minor", currency = "/currency" }]
values = { "order.status" = "/status" }
refusals = [422]
promise = "marker"
[action."order.refund".marker]
to = "/note"
lookup = { operation = "GET /orders/{id}/refunds", path = { id = "/order_id" }, items = "/refunds/*", at = "/note" }

[action."order.charge"]
operation = "POST /orders/{id}/charges"
path = { id = "/order_id" }
refusals = [422]
success = { at = "/ok", is = [true] }
promise = "key"
key = { header = "Idempotency-Key" }

[action."order.ship"]
operation = "POST /orders/{id}/ship"
path = { id = "/order_id" }
refusals = [422]

[action."order.close"]
operation = "POST /orders/{id}/close"
path = { id = "/order_id" }
promise = "state"
state = { kind = "order", param = "/order_id", at = "/order/status", is = ["closed"] }

[action."order.rename"]
operation = "PUT /orders/{id}"
path = { id = "/order_id" }
body = [{ to = "/title", from = "/title" }]
refusals = [422]
promise = "conditional"
conditional = { kind = "order", param = "/order_id", header = "If-Match", at = "/order/title", same_as = "/title" }

[action."order.token"]
operation = "POST /tokens"
body = [{ to = "/owner", value = "{customer}" }]
promise = "chosen-id"
[action."order.token".chosen-id]
to = "/serial"
lookup = { operation = "GET /tokens/{serial}", path = { serial = "{key}" }, at = "/serial" }

[action."order.return"]
operation = "POST /returns"
body = [{ to = "/order", from = "/order_id" }]
promise = "prepare-commit"
[action."order.return".prepare-commit]
id = "/id"
placeholder = "id"
commit = "POST /returns/{id}/confirm"
undo = "DELETE /returns/{id}"
state = "GET /returns/{id}"
done = { at = "/status", is = ["requested"] }

[action."order.exchange"]
operation = "POST /exchanges"
body = [{ to = "/order", from = "/order_id" }]
refusals = [409, 422]
only_if = [{ kind = "order", param = "/order_id", at = "/order/status", is = ["paid", "sent"] }]
promise = "prepare-commit"
[action."order.exchange".prepare-commit]
id = "/id"
placeholder = "id"
steps = [{ operation = "POST /exchanges/{id}/lines", body = [
  { to = "/lines/0/id", from = "/line" },
  { to = "/lines/0/count", value = 2 },
] }]
commit = "POST /exchanges/{id}/confirm"
undo = "DELETE /exchanges/{id}"
state = "GET /exchanges/{id}"
done = { at = "/status", is = ["requested"] }
marker = { to = "/note", id = "/id", lookup = { operation = "GET /exchanges", items = "/exchanges", at = "/note" } }

[action."order.label"]
operation = "POST /orders/{id}/labels"
path = { id = "/order_id" }
promise = "marker"
[action."order.label".marker]
to = "/labels/{key}"
lookup = { operation = "GET /orders/{id}/labels", path = { id = "/order_id" }, at = "/labels/{key}" }
"""


def mapped_catalogue() -> Catalogue:
    order = {"x-resource": "order"}

    def action(title: str, params: dict[str, Any], effect: str = "write", returns: tuple[str, ...] = ()) -> dict[str, Any]:
        return {
            "title": title,
            "power": "receive" if effect == "read" else "request",
            "area": "routine",
            "effect": effect,
            "returns": list(returns),
            "params": {"properties": params, "required": list(params)},
        }

    return read_catalogue(
        {
            "desk": {"name": "Mapped", "currency": "EUR"},
            "resource": {"order": {"title": "order"}, "box": {"title": "box"}},
            "attribute": {
                "order.status": {"title": "status"},
                "order.pieces": {"title": "pieces"},
                "contact.email": {"title": "e-mail", "sensitive": True},
            },
            "action": {
                "order.read": action("Look at {order_id}", {"order_id": order}, "read", ("order.status", "order.pieces")),
                "order.refund": action("Refund {amount} of {order_id}", {"order_id": order, "amount": {"x-money": True}}),
                **{
                    f"order.{verb}": action(f"{verb} {{order_id}}", {"order_id": order})
                    for verb in ("charge", "close", "ship", "return", "token", "label")
                },
                "order.exchange": action(
                    "Exchange {line} of {order_id}",
                    {"order_id": order, "line": {"type": "string", "maxLength": 9, "x-part-of": "order_id"}},
                ),
                "order.rename": action("Rename {order_id}", {"order_id": order, "title": {"type": "string", "maxLength": 20}}),
            },
        },
        today=None,
    )


class Exchanges:
    """Exchanges of the shop: one that is begun locks its order until it is confirmed or deleted."""

    def __init__(self) -> None:
        self.all: dict[str, dict[str, Any]] = {}
        self.begun = 0

    def answer(self, method: str, rest: list[str], body: Any) -> tuple[int, Any]:
        if not rest:
            return (200, {"exchanges": list(self.all.values())}) if method == "GET" else self.begin(body)
        name, *more = rest
        exchange = self.all.get(name)
        if exchange is None:
            return 404, {}
        if method != "GET" and exchange["status"] != "draft":
            return 409, {}
        if more == ["lines"] and body["lines"][0]["id"] != "i1":
            return 422, {}
        if method == "DELETE":
            del self.all[name]
        exchange["lines"] += body["lines"] if more == ["lines"] else []
        exchange["status"] = "requested" if more == ["confirm"] else exchange["status"]
        return 200, exchange

    def begin(self, body: Any) -> tuple[int, Any]:
        if any(one["status"] == "draft" for one in self.all.values()):
            return 409, {}
        self.begun += 1
        made = {**body, "id": f"x{self.begun}", "status": "draft", "lines": []}
        self.all[made["id"]] = made
        return 200, made

    def requested(self) -> int:
        return sum(1 for one in self.all.values() if one["status"] == "requested")


LIMIT = """
limit = { amount = "/amount", kind = "order", param = "/order_id", plus = [
    { items = "/order/payments", at = "/amount", where = "/state", is = ["paid"] }], minus = [{ items = "/refunds", at = "/amount" }] }
"""
LIMITED = MAPPING.replace(', as = "minor", currency', ', as = "text", currency').replace('promise = "marker"', f'promise = "marker"{LIMIT}')
"""The shop with a limit to its refunds: what was paid, without what was paid back."""
REPLAYED = MAPPING.replace(
    'key = { header = "Idempotency-Key" }',
    """
[action."order.charge".key]
header = "Idempotency-Key"
lookup = { operation = "GET /replays", query = { key = "{key}" }, account = "act" }""",
)
"""The shop with a key that can be asked for, as pretix has it: with the token that used it."""
SEARCHED = MAPPING.replace(
    """operation = "GET /orders/{id}"
placeholder = "id"
id = "/order/id"
owner = "/order/customer"
version = ["/order/version"]""",
    """operation = "GET /search"
query = { q = "{id}" }
id = "/found/0/id"
owner = "/found/0/customer"
version = ["/found/0/version"]""",
).replace(
    """operation = "GET /orders/{id}"
path = { id = "/order_id" }
values = { "order.status" = "/order/status",""",
    """operation = "GET /search"
query = { q = "{/order_id}" }
values = { "order.status" = "/found/0/status",""",
)
"""The shop with records that are asked for in a query, which takes patterns."""
DIGESTED = MAPPING.replace('["/order/version"]', '["/order/status", "/order/payments", "/refunds"]')
"""The shop with a version over lists."""


class Shop:
    """The shop's state, what it was asked, and what breaks next: `lose` drops an answer, `before` breaks before acting.

    `during` is awaited before each answer.
    """

    def __init__(self) -> None:
        self.orders = {
            "W1": {
                "id": "W1",
                "customer": "anna",
                "version": 1,
                "title": "Kettle",
                "status": "paid",
                "items": [{"id": "i1", "title": "Lid"}],
                "parcels": [{"pieces": [{"id": "p1", "title": "Spout"}]}, {"pieces": [{"id": "p2", "title": ""}]}, {}],
                "payments": [{"amount": "120.00", "state": "paid"}, {"amount": "500.00", "state": "failed"}],
            },
            "W2": {"id": "W2", "customer": "bram", "version": 1, "title": "Lamp", "status": "paid", "password": "hunter2"},
        }
        self.refunds: list[dict[str, Any]] = []
        self.charges: dict[str, Any] = {}
        self.replays: dict[tuple[str, str], tuple[int, Any]] = {}
        self.moves = True
        self.shipped: list[str] = []
        self.tokens: dict[str, Any] = {}
        self.returns: dict[str, dict[str, Any]] = {}
        self.exchanges = Exchanges()
        self.labels: dict[str, str] = {}
        self.boxes = {str(number): {"id": number, "order": order, "weight": 2} for number, order in enumerate(("W1", "W2", "w1", "W9"), 1)}
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.breaks: list[str] = []
        self.during: Callable[[str, str], Awaitable[None]] | None = None
        self.answers: list[tuple[int, Any, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        raw = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path, method = scope["raw_path"].decode(), scope["method"]
        body = json.loads(raw) if raw else None
        self.asked.append((method, path, headers, body))
        if self.during is not None:
            await self.during(method, path)
        broken = self.breaks.pop() if self.breaks and method != "GET" else ""
        if self.answers and method != "GET":
            status, answer, more = self.answers.pop()
        elif broken == "before":
            status, answer, more = 503, {}, {}
        elif path == "/search":
            found = [one for one in self.orders.values() if scope["query_string"].decode() in {f"q={one['id']}", "q=%2A"}]
            (status, answer), more = (200, {"found": found}), {}
        elif path == "/replays":
            key = scope["query_string"].decode().removeprefix("key=")
            (status, answer), more = self.replays.get((headers["authorization"], key), (404, {})), {}
        else:
            steps = path.split("/")[1:]
            found = self.exchanges.answer(method, steps[1:], body) if steps[0] == "exchanges" else None
            (status, answer), more = found or self.answer(method, steps, headers, body), {}
        if broken == "lose":
            status, answer = 500, {}
        head = [(name.encode(), value.encode()) for name, value in {"content-type": "application/json", **more}.items()]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def answer(self, method: str, steps: list[str], headers: dict[str, str], body: Any) -> tuple[int, Any]:  # noqa: PLR0911  # a case for each operation
        match method, steps:
            case "GET", ["orders"]:
                return 200, {"orders": [one for one in self.orders.values() if one["customer"] == "anna"]}
            case "GET", ["customers" | "boxes" as kind, name]:
                customer = {"email": f"{name}@mail.example", "password": "hunter2", "name": name.lower().replace("%2a", "nna")}
                found = customer if kind == "customers" else self.boxes.get(name)
                return (200, found) if found else (404, {})
            case _, ["orders", order, *rest]:
                return self.order(method, order.split("?")[0], rest, headers, body)
            case "POST", ["tokens"]:
                self.tokens.setdefault(body["serial"], body)
                return 200, body
            case "GET", ["tokens", serial]:
                return (200, self.tokens[serial]) if serial in self.tokens else (404, {})
            case "POST", ["returns"]:
                made = {"id": f"r{len(self.returns)}", "status": "draft"}
                self.returns[made["id"]] = made
                return 200, made
            case _, ["returns", found, *rest] if found in self.returns:
                if method == "DELETE":
                    del self.returns[found]
                    return 200, {}
                if rest == ["confirm"]:
                    self.returns[found]["status"] = "requested"
                return 200, self.returns[found]
        return 404, {}

    def order(self, method: str, name: str, rest: list[str], headers: dict[str, str], body: Any) -> tuple[int, Any]:  # noqa: C901, PLR0911  # a case for each operation
        # A system that knows its orders in small letters too.
        order = self.orders.get(name.upper())
        if order is None:
            return 404, {}
        match method, rest:
            case "GET", []:
                return 200, {"order": order, "refunds": [one for one in self.refunds if one["order"] == name]}
            case "PUT", []:
                if headers.get("if-match") != str(order["version"]):
                    return 412, {}
                order |= {"title": body["title"], "version": order["version"] + 1}
                return 200, {"order": order}
            case "GET", ["refunds"]:
                return 200, {"refunds": [one for one in self.refunds if one["order"] == name]}
            case "POST", ["refunds"]:
                if float(body["amount"]) > 10_000:
                    return 422, {}
                self.refunds.append({**body, "order": name})
                order["version"] += self.moves
                return 200, {"status": "refunded", "secret": "s3cret"}
            case "POST", ["charges"]:
                return self.charge(name, order["status"], headers)
            case _, ["labels"]:
                self.labels |= (body or {"labels": {}})["labels"]
                return 200, {"labels": self.labels}
            case "POST", ["ship" | "close" as verb]:
                self.shipped += [name] if verb == "ship" else []
                order |= {"status": "closed", "version": order["version"] + 1} if verb == "close" else {}
                return 200, {}
        return 404, {}

    def charge(self, name: str, status: str, headers: dict[str, str]) -> tuple[int, Any]:
        key = headers["idempotency-key"]
        if status != "paid":
            return self.replays.setdefault((headers["authorization"], key), (422, {}))
        self.charges.setdefault(key, name)
        return self.replays.setdefault((headers["authorization"], key), (200, {"ok": True}))


class Mapped:
    """The shop, the mapped backoffice before it on each node, and their clock."""

    def __init__(self, shop: Shop, nodes: list[MappedBackoffice], world: StandingWorld, loop: LoopThread, base: str) -> None:
        self.shop = shop
        self.backoffice = nodes[0]
        self.nodes = nodes
        self.world = world
        self.base = base
        self._loop = loop

    def run(self, work: Any) -> Any:
        return self._loop.submit(work).result(20)

    def all(self, *work: Any) -> Any:
        async def together() -> Any:
            return await asyncio.gather(*work)

        return self.run(together())

    def once_at(self, at: str, work: Callable[[], Any]) -> None:
        """Have the shop wait for some work before it answers the first request of this method and path."""

        async def during(method: str, path: str) -> None:
            if f"{method} {path}" == at:
                self.shop.during = None
                await asyncio.to_thread(work)

        self.shop.during = during

    def later(self) -> None:
        """Let the time pass in which a request may still arrive."""
        self.world.at += 20_000


def mapping_in(path: Path, text: str = MAPPING, document: Any = DOCUMENT) -> ApiMapping:
    (path / "mapping.toml").write_text(text)
    (path / "openapi.json").write_text(json.dumps(document))
    return read_mapping(path / "mapping.toml", path / "openapi.json", mapped_catalogue())


@contextmanager
def mapped_shop(path: Path, text: str = MAPPING, make: Callable[[Path], DeskJobs] = desk_file) -> Iterator[Mapped]:
    """The shop behind two nodes of a desk: `backoffice` is that of the first."""
    shop, world, loop = Shop(), StandingWorld(), LoopThread()
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(shop, log_level="error", lifespan="off"))
    serving = threading.Thread(target=lambda: server.run([listening]))
    serving.start()
    databases = [make(path) for _ in range(2)]
    try:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def node(database: DeskJobs) -> MappedBackoffice:
            connections = HttpConnections(base, tls=ssl.create_default_context(), allow_loopback=True)
            wire = Wire(connections, world, reading={"authorization": "Bearer reads"}, acting={"authorization": "Bearer acts"})
            return MappedBackoffice(wire, world, mapping_in(path, text), mapped_catalogue(), database)

        nodes = [node(database) for database in databases]
        yield Mapped(shop, nodes, world, loop, base)
        for one in nodes:
            loop.loop.call_soon_threadsafe(one.close)
    finally:
        server.should_exit = True
        serving.join()
        loop.close()
        for database in databases:
            database.close()


def act(action: str, key: str = "act_1", order: str = "W1", version: str = "1", **params: Any) -> Act:
    return Act(
        key=key,
        action=action,
        params={"order_id": order, **params},
        customer="anna",
        case="case_1",
        versions={("order", order): version},
        confirmed_by=("customer",),
        decision="dec_1",
    )
