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
from remit.sandbox.demo.server import PortTaken, ServedDesk, free_port, make, serving
from remit.sandbox.demo.verify_offline import verify_offline

OFFICERS: Final[Mapping[str, Sequence[str]]] = {
    "olga": ("billing", "care", "travel"),
    "sven": ("security",),
    "ada": ("audit",),
}
_NAMES: Final[Mapping[str, str]] = {"olga": "Olga Lindner", "sven": "Sven Krog", "ada": "Ada Novak"}
_TRIES: Final = 5
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
    fresh: bool
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
    screen.line("Remit demo: a support team with a gate for AI agents, and agents that try it.")
    screen.line("Sandbox: software passkeys play the people. In production, people use their own.")
    kept = _last_run(wanted)
    if kept:
        screen.line(f"Using the desk of the last run in {_near(folder.path)}. Start anew with --fresh.")
        if wanted.port not in {None, 0, int(kept["port"])}:
            screen.line(f"It keeps port {kept['port']}: its passkeys belong to that address.")
        return _served(wanted, kept, lock, played=True)
    for left in reversed(range(_TRIES)):
        port, remark = free_port(wanted.port)
        if remark:
            screen.line(remark)
        folder.reset()
        screen.progress("making a desk from the consumer pack (SQLite)")
        try:
            return _served(wanted, {"key": make(folder, port), "port": port}, lock, played=False)
        except PortTaken:
            if wanted.port or not left:
                raise
            screen.line(f"Another program took port {port} meanwhile.")
    raise AssertionError  # the last try returns or raises


def _last_run(wanted: DemoOptions) -> Mapping[str, Any]:
    """Return the run that is kept in the folder; nothing where a new one is wanted, or the last one broke off."""
    kept = wanted.folder.kept(RUN) if wanted.keep or not wanted.fresh else {}
    if wanted.keep and not kept:
        detail = f"there is no earlier run in {wanted.folder.path} to keep."
        raise DemoStopped(detail, f"Run `{wanted.again}` without --keep.")
    if not wanted.keep and not wanted.folder.kept(PEOPLE):
        return {}
    return kept


def _served(wanted: DemoOptions, kept: Mapping[str, Any], lock: int, *, played: bool) -> int:
    """Serve a desk until the demo is stopped; with agents, where none has played at it yet."""
    screen, folder = wanted.screen, wanted.folder
    screen.progress("starting it as a process of its own")
    with serving(folder, port=int(kept["port"]), key=str(kept["key"]), lock=lock) as served:
        folder.keep(RUN, {**kept, "url": served.url, "pid": os.getpid(), "server": served.process.pid})
        door = DemoDoor(served.url)
        try:
            code, report = (0, {"ok": True, "url": served.url}) if played else _table(wanted, served, door)
            wanted.report({**report, "folder": str(folder.path)})
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
    officers = {one: enrol(door, one, "officer", roles, _NAMES[one]) for one, roles in OFFICERS.items()}
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
        screen.good("The desk's own books hold what honest work would leave: money, records, customers, acts.")
    if not ended.verified.problems:
        verified = ended.verified
        screen.good(
            f"Offline, with the public key only: {verified.entries} entries of the log and {verified.receipts} receipts verify."
        )
    for wrong in ended.wrong:
        screen.bad(wrong)


def _keep(folder: DemoFolder, people: Mapping[str, DemoPerson], mandate: str) -> None:
    folder.keep(PEOPLE, {"people": {name: one.kept() for name, one in people.items()}, "mandate": mandate})


def console(wanted: DemoOptions, door: DemoDoor, served: ServedDesk) -> None:
    """Print where to go from here."""
    screen, again = wanted.screen, wanted.again
    screen.heading("Look around in a browser")
    screen.line(f"  {served.url}/login    the bar on top makes you anna, olga, sven or ada, one after the other")
    links(screen, door)
    screen.line(f"  Links work once, for 10 minutes. New ones: {again} --links")
    screen.heading("Give people something to decide, from another terminal")
    screen.line(f"  {again} --ask                  a refund that waits for anna: {served.url}/me")
    screen.line(f"  {again} --ask --for officer    a large refund, which olga decides: {served.url}/desk")
    screen.line(f"  {again} --ask --for words      a message that olga reviews")
    screen.line(f"  {again} --ask --for file       a file that olga reviews")
    screen.line(f"  Decide in a terminal:  {again} --act-as customer (or officer)")
    screen.heading("Good to know")
    screen.line(f"  data         {_near(served.data)} (server log: {_near(wanted.folder.server_log)})")
    screen.line(f"  stop         Ctrl-C, or {again} --stop")
    screen.line(f"  go on        {again} serves this same data again")
    screen.line(f"  start anew   {again} --fresh; rm -r {_near(wanted.folder.path)} removes everything")
    screen.line(
        f"  next step    {again.removesuffix(' demo').partition(' demo ')[0]} init my-desk    a desk with your own catalogue; see my-desk/README.md"
    )
    screen.line()
    screen.line("The desk is running. Ctrl-C stops it.")


def links(screen: Screen, door: DemoDoor) -> list[Mapping[str, str]]:
    """Make one-time links, one for each kind of person, print them and return them."""
    made: list[Mapping[str, str]] = []
    screen.heading("One-time links (each makes a passkey on your device)")
    for kind, person, page in LINKS:
        url = door.invite(person, "customer" if kind == "customer" else "officer", OFFICERS.get(person, ()))
        screen.line(f"  {kind:<10}{person:<6}{url}")
        screen.line(f"  {'':<16}then {door.url}{page}")
        made.append({"kind": kind, "person": person, "url": url, "page": f"{door.url}{page}"})
    return made


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
