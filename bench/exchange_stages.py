"""Where the time of a token exchange goes: CPU by stage on the event loop's thread, for one that opens a task and one that renews.

`python bench/exchange_stages.py`. Counting makes everything slower, so the shares matter.
"""

import argparse
import json

from ask import Server
from load import send
from sides import Exchanges

CUSTOMERS, EACH, ROUNDS = 64, 4, 4


def measure(kind: str) -> None:
    """Exchange among 32 and print the stages."""
    server = Server(argparse.Namespace(folder=None, customers=CUSTOMERS, orders=20), watch="watch-exchange")
    try:
        exchanges = Exchanges(server, CUSTOMERS, EACH)
        if kind == "renews":
            exchanges.open_for_good()
        server.begin()
        count = 0
        for _ in range(1 if kind == "opens" else ROUNDS):
            ready = exchanges.opening(CUSTOMERS * EACH) if kind == "opens" else exchanges.renewing(CUSTOMERS * EACH)
            bodies = send(server.port, ready, 32, keep=True).bodies
            count += sum("access_token" in json.loads(body) for body in bodies)
        told = server.stop()
    finally:
        server.close()
    whole = told["threads"]["MainThread"] / count * 1e6
    others = ", ".join(
        f"{name} {spent / count * 1e6:.0f}" for name, spent in told["threads"].items() if spent and name != "MainThread"
    )
    print(f"exchange that {kind}: {whole:.0f} us on the loop's thread while counting; others: {others}")
    rest = whole
    for name, spent in sorted(told["stages"].items(), key=lambda one: -one[1]):
        rest -= spent / count * 1e6
        print(f"  {spent / count * 1e6:6.0f} us  {spent / count * 1e8 / whole:4.0f} %  {name}")
    print(f"  {rest:6.0f} us  {rest / whole * 100:4.0f} %  server, loop and what stands between the stages")


if __name__ == "__main__":
    for one in ("opens", "renews"):
        measure(one)
