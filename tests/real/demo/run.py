"""`make demo REAL=1`: RT 5 and Medusa 2 started here, a desk between them, an agent that returns a lamp, and a hijacked one."""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any, Final
from urllib.parse import quote

from real.medusa_server import ADMIN, INSTALLED, MedusaServer
from real.rt_server import EVENTS_SECRET, RtServer
from remit.client.errors import Problem
from remit.sandbox.demo.folder import DemoFolder, DemoStopped
from remit.sandbox.demo.judge import judge_all, judge_step
from remit.sandbox.demo.people import DemoDoor, enrol
from remit.sandbox.demo.run_agents import DemoRun
from remit.sandbox.demo.scenario import DONE, CustomerGoal, DemoAgent
from remit.sandbox.demo.screen import Screen
from remit.sandbox.demo.server import ServedDesk, remit, serving
from remit.sandbox.demo.verify_offline import verify_offline

ROOT: Final = Path(__file__).parents[3]
EXAMPLE: Final = ROOT / "examples" / "medusa"
ANSWER: Final = "Of course. Please put the lamp into its box and hand it in at any parcel shop; the money comes back now."
CARD_S: Final = 40
MAPPED: Final = """
[terms]
facts_timeout_ms = 20000             # a busy machine with everything on it

[backoffice]
url = "{url}"
mapping = "mapping.toml"
document = "openapi.yaml"
read_token_file = "{keys}/medusa-reads"
act_token_file = "{keys}/medusa-acts"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealAgent(DemoAgent):
    """An agent of this demo."""

    @property
    def module(self) -> str:
        """The module that plays it."""
        return f"real.demo.{self.name}"


CAST: Final = (
    RealAgent(
        name="returning",
        customer="anna",
        about="sends a lamp back and asks for the money",
        expected={"read": DONE, "return": DONE, "answer": DONE, "refund": DONE},
    ),
    RealAgent(
        name="hijacked",
        customer="anna",
        about="a web page took it over: Bram's order, Bram's payment, orders in its words",
        expected={
            "read": DONE,
            "return": DONE,
            "other_order": frozenset({"mandate.off_target"}),
            "other_payment": frozenset({"confirmation.declined"}),
            "smuggled_words": frozenset({"words.wider", "words.contradicts"}),
            "more_money": frozenset({"mandate.limit_exceeded"}),
        },
    ),
)


@dataclass(slots=True, kw_only=True)
class RealRun(DemoRun):
    """A run in which the officer answers in RT."""

    rt: RtServer

    def _needed(self, part: DemoAgent, event: Mapping[str, Any]) -> dict[str, str]:  # noqa: ARG002  # the run's own
        ticket = ticket_of(self.rt, str(event["case"]))
        self.rt.call("ann", "POST", f"/ticket/{ticket}/correspond", {"Content": ANSWER, "ContentType": "text/plain"})
        self.note(f"officer ann answers in RT, in ticket {ticket}: {ANSWER}")
        return {}


def ticket_of(rt: RtServer, case: str) -> str:
    """The ticket of a case, found as an officer would."""
    (found,) = tickets(rt, f"'CF.{{Remit Case}}'='{case}'")
    return found


def tickets(rt: RtServer, query: str) -> list[str]:
    """The tickets that an officer's search finds."""
    return [str(one["id"]) for one in rt.call("ann", "GET", f"/tickets?query={quote(query)}")["items"]]


def make_desk(folder: DemoFolder, rt: RtServer, medusa: MedusaServer) -> str:
    """Make the desk as a company does: `remit init`, the example's rules and mapping, and two tokens; return the log's key."""
    keys = folder.path / "keys"
    keys.mkdir(mode=0o700)
    secrets = {
        "rt": rt.token("remit"),
        "rt-events": EVENTS_SECRET,
        "medusa-reads": medusa.shop.reads,
        "medusa-acts": medusa.shop.secret,
    }
    for name, secret in secrets.items():
        (keys / name).touch(mode=0o600)
        (keys / name).write_text(secret)
    made = remit(
        *("init", "--json", "--rules", str(EXAMPLE), "--port", str(rt.events_port), "--helpdesk", "rt"),
        *("--helpdesk-url", rt.url, "--helpdesk-account", "remit", "--helpdesk-queue", "Support"),
        *("--helpdesk-token-file", str(keys / "rt"), str(folder.desk)),
    )
    if made.returncode:
        raise DemoStopped(f"the desk could not be made: {made.stdout or made.stderr}", "Report this line.")
    for name in ("mapping.toml", "openapi.yaml"):
        (folder.desk / name).write_bytes((EXAMPLE / name).read_bytes())
    config = folder.desk / "remit.toml"
    text = config.read_text()
    text = text.replace("[desk]", '[desk]\nbackoffice = "mapped"').replace("enabled = false", "enabled = true ", 1)
    text += f'events_secret_file = "{keys}/rt-events"\n' + MAPPED.format(url=medusa.url, keys=keys)
    config.write_text(text)
    return str(json.loads(made.stdout)["log_key"])


@contextmanager
def systems(folder: DemoFolder) -> Iterator[tuple[RtServer, MedusaServer]]:
    """RT and Medusa, made and started side by side."""
    homes = [folder.path / name for name in ("rt", "medusa")]
    for home in homes:
        home.mkdir()
    rt, medusa = RtServer(homes[0], ROOT / "tests" / "real" / "rt"), MedusaServer(homes[1])
    with ExitStack() as ending, ThreadPoolExecutor(max_workers=2) as both:
        ending.callback(rt.close)
        ending.callback(medusa.close)
        shop = both.submit(medusa.open)
        rt.open()
        shop.result()
        yield rt, medusa


def play(folder: DemoFolder, screen: Screen, served: ServedDesk, rt: RtServer, medusa: MedusaServer) -> int:
    """Let the agents come, and compare RT's tickets and Medusa's books with honest work alone."""
    door = DemoDoor(served.url)
    anna, bram = (medusa.shop.customers[name] for name in ("anna", "bram"))
    os.environ |= {"DEMO_ORDER": anna.delivered, "DEMO_OTHER_ORDER": bram.delivered, "DEMO_OTHER_PAYMENT": bram.payment}
    person = enrol(door, anna.id, "customer", name="Anna")
    door.send("POST", "/sandbox/v1/people", {"id": "ann", "kind": "officer", "roles": ["billing"], "email": "ann@desk.test"})
    officer = enrol(door, "ann", "officer", ["billing"])
    screen.line(f"The desk is at {served.url}, RT at http://127.0.0.1:{rt.port}, Medusa at {medusa.url}: processes of their own.")
    screen.head()
    running = RealRun(
        rt=rt,
        folder=folder,
        door=door,
        people={"anna": person},
        officer=officer,
        show=lambda row: screen.row(row, judge_step(row, next(one.expected for one in CAST if one.name == row.agent))),
        note=screen.note,
        _wishes=goals(anna.id, anna),
    )
    told = running.play(CAST, begin=screen.part)
    wrong = [f"{where}: {verdict.value}" for where, verdict in judge_all(running.rows, {one.name: one.expected for one in CAST})]
    wrong += [told["broken"]] if "broken" in told else []
    wrong += look(screen, rt, medusa)
    verified = verify_offline(folder, key=served.key, receipts=running.receipts)
    wrong += verified.problems
    screen.heading("Checks")
    if not wrong:
        screen.good(f"{len(running.rows)} steps ended as they must; {verified.entries} entries of the log verify offline.")
    for one in wrong:
        screen.bad(one)
    door.close()
    return 1 if wrong else 0


def goals(person: str, anna: Any) -> list[CustomerGoal]:
    """Anna's wish: both lamps back, and the money for one."""
    returns = [{"order_id": anna.delivered, "item_id": item, "quantity": 1} for item in anna.items.values()]
    refund = {"order_id": anna.delivered, "payment_id": anna.payment, "amount": "60.00 EUR"}
    return [
        *(CustomerGoal(customer=person, action="order.return", params=one) for one in returns),
        CustomerGoal(customer=person, action="payment.refund", params=refund),
    ]


def carded(rt: RtServer, ticket: str) -> tuple[str, Mapping[str, str]]:
    """Status and fields of a ticket, as soon as its card is in it."""
    until = time.monotonic() + CARD_S
    while True:
        found = rt.call("ann", "GET", f"/ticket/{ticket}")
        card = {one["name"]: " ".join(one["values"]) for one in found["CustomFields"]}
        if card["Remit State"] or time.monotonic() > until:
            return str(found["Status"]), card
        time.sleep(0.5)


def look(screen: Screen, rt: RtServer, medusa: MedusaServer) -> list[str]:
    """Print what stands in the books of others; return what should not."""
    screen.heading("What stands in Medusa and in RT, read beside Remit")
    wrong: list[str] = []
    for name, (refunds, returns) in {"anna": ([60], 2), "bram": ([], 0)}.items():
        one = medusa.shop.customers[name]
        paid = [each["amount"] for each in medusa.call("GET", f"/admin/payments/{one.payment}?fields=*refunds")["payment"]["refunds"]]
        back = [each["status"] for each in medusa.call("GET", f"/admin/returns?order_id={one.delivered}&fields=id,status")["returns"]]
        screen.line(f"  Medusa  {name:6} refunds {paid}  returns {back}")
        if paid != refunds or back != ["requested"] * returns:
            wrong.append(f"Medusa has refunds {paid} and returns {back} of {name}")
    for ticket in tickets(rt, "Queue='Support'"):
        status, card = carded(rt, ticket)
        screen.line(f"  RT      ticket {ticket}: {status}, {card['Agent Identity']}, {card['Remit State']}")
        if not card["Remit State"]:
            wrong.append(f"ticket {ticket} in RT has no card")
    return wrong


def console(screen: Screen, served: ServedDesk, door: DemoDoor, rt: RtServer, medusa: MedusaServer, person: str) -> None:
    """Print where to look."""
    screen.heading("Look around; the links work once, for 10 minutes")
    screen.line(f"  officer    {door.invite('ann', 'officer', ['billing'])}   then {served.url}/desk")
    screen.line(f"  customer   {door.invite(person, 'customer')}   then {served.url}/me")
    screen.line(f"  RT         http://127.0.0.1:{rt.port}   (ann, ann-pass-1)")
    screen.line(f"  Medusa     curl -u {medusa.shop.secret}: {medusa.url}/admin/orders   (administrator {ADMIN[0]})")
    screen.line("\nEverything is running. Ctrl-C stops it.")


def wait(process: "Popen[str]", screen: Screen) -> None:
    """Wait for a stop."""
    try:
        process.wait()
    except KeyboardInterrupt:
        screen.line("\nStopping the desk, RT and Medusa …")


def main() -> int:
    """Run the demo; 1 when anything got through, or honest work was not done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="end after the checks")
    parser.add_argument("--dir", default=".demo-real", metavar="DIR")
    args = parser.parse_args()
    if not (INSTALLED / ".done").exists() or shutil.which("rt-setup-database-5") is None:
        sys.exit("remit: NOT RUN: the demo with real systems needs Request Tracker 5 and Medusa; `make real` says what is missing")
    folder, screen = DemoFolder(Path(args.dir).absolute()), Screen(sys.stdout, coloured=sys.stdout.isatty())
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with folder.held(command="make demo REAL=1") as lock:
            folder.reset()
            screen.line("Remit demo, for real: Request Tracker 5, Medusa 2 and a desk between them.")
            screen.progress("starting RT and Medusa")
            with systems(folder) as (rt, medusa):
                key = make_desk(folder, rt, medusa)
                with serving(folder, port=rt.events_port, key=key, lock=lock) as served:
                    code = play(folder, screen, served, rt, medusa)
                    screen.line(f"Took {time.monotonic() - began:.0f} s.")
                    if not args.smoke:
                        door = DemoDoor(served.url)
                        console(screen, served, door, rt, medusa, medusa.shop.customers["anna"].id)
                        wait(served.process, screen)
                        door.close()
    except DemoStopped as stopped:
        screen.bad(f"{stopped.line} {stopped.cure.partition(' or with')[0]}")
        return 1
    except Problem as problem:
        screen.bad(f"the desk said {problem}")
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
