"""`remit demo`: one run from the first line to the last, in order; each step's work is in the other files."""

import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from remit.client.errors import Problem, RemitError
from remit.sandbox.demo import books_check
from remit.sandbox.demo.folder import PEOPLE, RUN, DemoFolder, DemoStopped
from remit.sandbox.demo.judge import judge_step
from remit.sandbox.demo.people import DemoDoor, DemoPerson, enrol
from remit.sandbox.demo.result import DemoResult
from remit.sandbox.demo.run_agents import DemoRun, explained
from remit.sandbox.demo.scenario import ASKER, ASSISTANT, CAST, HONEST_MONEY, honest_acts, honest_records
from remit.sandbox.demo.screen import Screen
from remit.sandbox.demo.server import ServedDesk, free_port, make, serving
from remit.sandbox.demo.verify_offline import verify_offline

OFFICERS: Final[Mapping[str, Sequence[str]]] = {
    "olga": ("billing", "care", "travel"),
    "sven": ("security",),
    "ada": ("audit",),
}
LINKS: Final = (
    ("customer", "anna", "/me"),
    ("officer", "olga", "/desk"),
    ("security", "sven", "/security"),
    ("auditor", "ada", "/audit"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """The options of one run. `again` is how this very command is written here, to print for copying."""

    folder: DemoFolder
    screen: Screen
    again: str
    port: int | None
    smoke: bool
    keep: bool
    report: Callable[[Mapping[str, Any]], None]


def run(wanted: DemoOptions) -> int:
    """Run the demo; return the exit code: 1 when anything got through, or honest work was not done.

    Raises:
        DemoStopped: when it cannot go on.
        KeyboardInterrupt: when it is stopped before its table is done.
    """
    before = {one: signal.signal(one, _interrupt) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with wanted.folder.held(command=wanted.again) as lock:
            return _run(wanted, lock)
    except Problem as problem:
        raise explained(problem) from None
    except RemitError as error:
        raise DemoStopped(str(error), "Run the demo again; if it stays, report this line.") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(wanted: DemoOptions, lock: int) -> int:
    screen, folder = wanted.screen, wanted.folder
    screen.line("Remit demo: a support desk with a gate for agents, and agents that come to it.")
    screen.line("Sandbox: people here are played by software passkeys. Real desks use people's own.")
    kept = folder.kept(RUN) if wanted.keep else {}
    if wanted.keep and not kept:
        raise DemoStopped(f"there is no earlier run in {folder.path} to keep.", f"Run `{wanted.again}` without --keep.")
    if not kept:
        port, remark = free_port(wanted.port)
        if remark:
            screen.line(remark)
        folder.reset()
        screen.progress("making a desk from the consumer pack (SQLite)")
        # With --keep the port stays: a passkey belongs to the address it was made for.
        kept = {"key": make(folder, port), "port": port}
    screen.progress("starting it as a process of its own")
    with serving(folder, port=int(kept["port"]), key=str(kept["key"]), lock=lock) as served:
        folder.keep(RUN, {**kept, "url": served.url, "pid": os.getpid(), "server": served.process.pid})
        door = DemoDoor(served.url)
        try:
            code, report = (0, {"ok": True, "url": served.url}) if wanted.keep else _table(wanted, served, door)
            wanted.report(report)
            if not wanted.smoke:
                console(wanted, door, served)
                _wait(screen, served)
        finally:
            door.close()
    return code


def _table(wanted: DemoOptions, served: ServedDesk, door: DemoDoor) -> tuple[int, dict[str, Any]]:
    screen, folder = wanted.screen, wanted.folder
    began = time.monotonic()
    screen.progress("enrolling customers and officers")
    people = {one: enrol(door, one, "customer") for one in ("anna", "bram")}
    officers = {officer: enrol(door, officer, "officer", roles) for officer, roles in OFFICERS.items()}
    before = books_check.read(folder.desk)
    screen.line(
        f"The desk is at {served.url} (process {served.process.pid}). Each agent is a process of its own with its own key."
    )
    screen.head()
    cast = [*CAST, ASSISTANT] if has_client() else CAST
    expected = {part.name: part.expected for part in cast}
    playing = DemoRun(
        folder=folder,
        door=door,
        people=people,
        officer=officers["olga"],
        show=lambda row: screen.row(row, judge_step(row, expected.get(row.agent, {}))),
        note=screen.note,
    )
    playing.play(cast, begin=screen.part)
    if cast is CAST:
        screen.line(
            "Left out: the customer's own assistant. It is the official MCP client: pip install 'remit[assistant]'."
        )
    now = books_check.read(folder.desk)
    screen.progress("verifying the transcript offline")
    ended = DemoResult(
        url=served.url,
        cast=cast,
        rows=playing.rows,
        balances=books_check.balances(before, now, HONEST_MONEY),
        others=books_check.differences(before, now, acts=honest_acts(cast), changes=honest_records(cast)),
        verified=verify_offline(folder, key=served.key, receipts=playing.receipts),
    )
    _tell(screen, ended)
    if not wanted.smoke:
        reports = playing.play([ASKER], begin=lambda _: None)
        _keep(folder, {**people, **officers}, reports["mandate"])
    screen.line()
    screen.line(f"Took {time.monotonic() - began:.1f} s.")
    return ended.code, ended.report()


def has_client() -> bool:
    """Return whether the official MCP client is installed beside Remit."""
    return importlib.util.find_spec("mcp") is not None


def _tell(screen: Screen, ended: DemoResult) -> None:
    screen.balances(ended.balances)
    screen.heading("Checks")
    if not ended.steps:
        screen.good(f"{len(ended.rows)} steps ended as they must: honest work was done, and no attack got through.")
    if ended.money_same and not ended.others:
        screen.good("The desk's own books hold what honest work alone would leave: money, records, customers, acts.")
    if not ended.verified.problems:
        verified = ended.verified
        screen.good(
            f"Offline, with the public key alone: {verified.entries} entries of the log and {verified.receipts} receipts verify."
        )
    for wrong in ended.wrong:
        screen.bad(wrong)


def _keep(folder: DemoFolder, people: Mapping[str, DemoPerson], mandate: str) -> None:
    folder.keep(PEOPLE, {"people": {name: one.kept() for name, one in people.items()}, "mandate": mandate})


def console(wanted: DemoOptions, door: DemoDoor, served: ServedDesk) -> None:
    """Print where to go from here."""
    screen, again = wanted.screen, wanted.again
    links(screen, door)
    screen.line(f"  They work once, for 10 minutes. New ones: {again} --links")
    screen.heading("Try an ask yourself, from another terminal")
    screen.line(f"  {again} --ask")
    screen.line(
        f"  It asks for money back for order W1005, at first 20.00 EUR, which then waits for anna here: {served.url}/me"
    )
    screen.line(f"  No browser? Answer in a terminal:  {again} --act-as customer")
    screen.heading("Good to know")
    screen.line(f"  data         {_near(served.data)} (what the server logs: {_near(wanted.folder.server_log)})")
    screen.line(f"  stop         Ctrl-C, or {again} --stop")
    screen.line(f"  go on        {again} --keep    serves this same data again")
    screen.line(f"  reset        {again} starts afresh each time; rm -r {_near(wanted.folder.path)} removes everything")
    screen.line(
        f"  next step    {again.removesuffix(' demo').partition(' demo ')[0]} init my-desk    a desk with your own catalogue; see my-desk/README.md"
    )
    screen.line()
    screen.line("The desk is running. Ctrl-C stops it.")


def links(screen: Screen, door: DemoDoor) -> None:
    """Print one-time links, one for each kind of person."""
    screen.heading("Look around in a browser: one-time login links (each makes a passkey on your device)")
    for kind, person, page in LINKS:
        url = door.invite(person, "customer" if kind == "customer" else "officer", OFFICERS.get(person, ()))
        screen.line(f"  {kind:<10}{person:<6}{url}")
        screen.line(f"  {'':<16}then {door.url}{page}")


def _wait(screen: Screen, served: ServedDesk) -> None:
    """Wait for a stop, or for the end of the desk."""
    try:
        served.process.wait()
    except KeyboardInterrupt:
        screen.line("\nStopping the desk …")
        return
    raise DemoStopped("the desk ended by itself.", "Look at server.log in the demo's folder.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _near(path: Path) -> str:
    """Return a path as it is written from here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def command_line() -> str:
    """Return how `remit` is called here, to print for copying."""
    beside = Path(sys.executable).parent / "remit"
    return _near(beside) if beside.is_file() else "remit"
