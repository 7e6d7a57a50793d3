"""The desk that `bench/ask.py` measures: SQLite on a real disk, built-in desk, consumer pack and policies up to 50.

Run by ask.py as a process of its own: `desk_server.py FOLDER PORT CUSTOMERS ORDERS`. Prints `ready`, and counts on exit.
"""

import asyncio
import json
import resource
import signal
import sys
from pathlib import Path

import uvicorn

from remit.adapters.files.pack import read_pack
from remit.entrypoints.memory import settle_memory
from remit.settings import make_settings
from remit.wiring import Rules, build

POLICIES = 50


def filler(number: int) -> str:
    """A policy in the style of a desk's own, that must be evaluated and does not fire."""
    area = ("payment", "routine", "identity", "security")[number % 4]
    return (
        f'@id("filler-{number}")\nforbid (principal, action in Action::"area:{area}", resource)\n'
        f'when {{ principal.tier == "unproved" && context.risk >= {50 + number % 40} }};\n'
    )


async def main(folder: Path, port: int, customers: int, orders: int) -> None:
    """Serve until told to stop."""
    issuer = f"http://localhost:{port}"
    raw = {
        "server": {"issuer": issuer, "host": "127.0.0.1", "port": port, "data": "."},
        "store": {"url": "sqlite:///store.sqlite"},
        "log": {"name": "bench.remit.invalid", "high_water": "outside/checkpoint"},
        "desk": {"database": "desk.sqlite"},
        "words": {"secrets": "refuse"},
        "sandbox": {"enabled": True},
    }
    settings = make_settings(raw, base=folder, environment={}, rules=False)
    settings.high_water.parent.mkdir(exist_ok=True)
    pack = read_pack("consumer")
    named = sum(text.count("@id(") for _, text in pack.policies)
    more = "\n".join(filler(number) for number in range(POLICIES - named))
    desk = build(settings, Rules(catalogue=pack.catalogue, policies=(*pack.policies, ("filler.cedar", more))))
    seed = {"customers": {}, "records": []}
    for customer in range(customers):
        seed["customers"][f"c{customer}"] = {"name": f"Customer {customer}", "attributes": {}}
        for order in range(orders):
            data = {
                "status": "pending",
                "total": "10.00 EUR",
                "payment_method": "pm",
                "shipping_address": "Old Street 1, Town",
                "items": [],
            }
            seed["records"].append(
                {"kind": "order", "id": f"W{customer}x{order}", "name": "Order", "owners": [f"c{customer}"], "data": data}
            )
    await desk.backoffice.seed(seed)
    server = uvicorn.Server(
        uvicorn.Config(
            desk.app,
            host="127.0.0.1",
            port=port,
            loop="uvloop",
            http="httptools",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    settle_memory()
    print("ready", flush=True)
    await serving
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"peak_mb": used.ru_maxrss / 1024}), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import uvloop

    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
