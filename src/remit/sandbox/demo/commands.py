"""Commands beside a running demo, from another terminal: ask, answer without a browser, make links, stop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from remit.client.errors import Problem, Refused
from remit.sandbox.demo.folder import PEOPLE as KEPT
from remit.sandbox.demo.folder import DemoFolder, DemoStopped
from remit.sandbox.demo.people import DemoDoor, DemoPerson, sentences
from remit.sandbox.demo.run import links
from remit.sandbox.demo.run_agents import register
from remit.sandbox.demo.scenario import ASKER, DemoAgent
from remit.sandbox.demo.screen import Screen
from remit.sandbox.demo.server import exists, stop
from remit.sandbox.passkey import SoftPasskey

PEOPLE: Final[Mapping[str, str]] = {"customer": "anna", "officer": "olga", "security": "sven", "auditor": "ada"}
_AMOUNTS: Final = tuple(f"{Decimal(20) - Decimal(n) / 2:.2f} EUR" for n in range(20))
"""The amounts to ask for, one after the other: all above what the pack's waiver permits without anna."""
_PAUSED: Final = frozenset({"confirmation.declined", "confirmation.too_many"})
_NOT_COVERED: Final = ("mandate.", "grant.")
_IDLE: Final[Mapping[str, str]] = {
    "customer": "Have something asked first: {again} --ask",
    "officer": "What {again} --ask asks for waits for the customer alone; asks that the rules give to officers wait here.",
    "security": "What security stops and decides stands at {url}/security: {again} --links makes a link to it.",
    "auditor": "Auditors answer nothing; the record stands at {url}/audit: {again} --links makes a link to it.",
}
_PATIENCE_S: Final = 590
_STOP_S: Final = 60


def ask(folder: DemoFolder, screen: Screen, again: str) -> int:
    """Have an agent ask for a refund, say where it is pending, and wait for the answer.

    Each time for another amount, since a no binds exactly its own. After a no its operator may ask nothing for a while,
    so the next agent is another company's. Where the earlier mandate no longer covers it (narrowed, revoked, used up),
    that is shown, and a new one is signed as at the start of the demo.

    Raises:
        DemoStopped: when no demo runs.
    """
    url = _running(folder, again)
    kept = folder.kept(KEPT)
    mandate = str(kept.get("mandate", ""))
    if not mandate:
        raise DemoStopped("there is no agent to ask with yet.", "Wait until the demo has printed its links.")
    asked = int(kept.get("asked", 0))
    folder.keep(KEPT, {**kept, "asked": asked + 1})
    amount = _AMOUNTS[asked % len(_AMOUNTS)]
    try:
        if kept.get("declined"):
            screen.line(
                "  After a no, that agent's operator may not ask anna for a while. Another company's agent asks."
            )
            mandate = _granted(folder, url, again, another=True)
        codes = _asked(folder, screen, url, again, mandate, amount)
        if any(code.startswith(_NOT_COVERED) for code in codes):
            screen.line("  The permission no longer covers this. A new one is signed for anna, and it is asked again.")
            codes = _asked(folder, screen, url, again, _granted(folder, url, again), amount)
    except KeyboardInterrupt:
        screen.line("\nGave up; what waited is void.")
        return 130
    folder.keep(KEPT, {**folder.kept(KEPT), "declined": not _PAUSED.isdisjoint(codes)})
    return 1 if codes else 0


def _asked(folder: DemoFolder, screen: Screen, url: str, again: str, mandate: str, amount: str) -> list[str]:  # one ask
    """Ask once under a mandate, reporting as it goes; return the codes of failed steps."""
    return [
        code
        for event in _played(folder, url, "--mandate", mandate, "--amount", amount)
        for code in _print_step(screen, event, url, again)
    ]


def _asker(folder: DemoFolder) -> DemoAgent:
    """Return the asking agent: the demo's own asker, or its replacement."""
    number = int(folder.kept(KEPT).get("asker", 1))
    return ASKER if number == 1 else replace(ASKER, name=f"{ASKER.name}-{number}")


def _granted(folder: DemoFolder, url: str, again: str, *, another: bool = False) -> str:
    """Sign a new mandate with anna's kept passkey as at the start of the demo; for another agent, if wanted."""
    door = DemoDoor(url)
    try:
        if another:
            kept = folder.kept(KEPT)
            folder.keep(KEPT, {**kept, "asker": int(kept.get("asker", 1)) + 1})
            register(folder, door, _asker(folder))
        for event in _played(folder, url):
            if event["at"] == "consent":
                person = _person(folder, door, ASKER.customer)
                person.sign_in()
                person.grant(str(event["url"]))
                _keep_person(folder, person)
            elif event["at"] == "granted":
                folder.keep(KEPT, {**folder.kept(KEPT), "mandate": str(event["mandate"])})
                return str(event["mandate"])
    except Problem as problem:
        raise _unanswered(problem, again) from None
    finally:
        door.close()
    raise DemoStopped("no new permission was granted.", f"Start the demo afresh: `{again}`.")


def _played(folder: DemoFolder, url: str, *more: str) -> Iterator[Mapping[str, Any]]:
    """Yield the steps that the asking agent, a process of its own, reports."""
    identity = str(folder.agents / f"{_asker(folder).name}.json")
    argv = [
        sys.executable,
        "-m",
        ASKER.module,
        "--desk",
        url,
        "--identity",
        identity,
        "--patience",
        str(_PATIENCE_S),
        *more,
    ]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own program, no shell
    announced = False
    try:
        for line in process.stdout or ():
            event: Mapping[str, Any] = json.loads(line)
            announced |= event["at"] == "broken"
            yield event
        if process.wait() and not announced:
            yield {"at": "broken", "code": "fault.internal", "why": "The agent's process broke off."}
    finally:
        stop(process)


def _print_step(screen: Screen, event: Mapping[str, Any], url: str, again: str) -> Iterator[str]:
    """Print one step; return its code if it failed."""
    match event["at"]:
        case "waiting":
            screen.line(f"  needs a person: {event['tried']} waits for anna.")
            screen.line(f"    in a browser   {url}/me")
            screen.line(f"    in a terminal  {again} --act-as customer")
        case "step" if event["decision"] == "refuse":
            screen.bad(f"{event['tried']}: {event['code']}. {event['why']}")
            yield str(event["code"])
        case "step" if event["outcome"] != "done":
            screen.bad(f"{event['tried']}: permitted, but the desk's answer is {event['outcome']}. {event['why']}")
            yield str(event["outcome"])
        case "step":
            result = ", ".join(f"{name} {value}" for name, value in event["result"].items())
            screen.good(f"{event['tried']}: {event['outcome']}{f' ({result})' if result else ''}")
        case "broken":
            screen.bad(f"{event['code']}: {event['why']}")
            yield str(event["code"])
        case _:
            pass


def act_as(folder: DemoFolder, screen: Screen, again: str, whom: str, read: Callable[[str], str]) -> int:
    """Answer a person's pending confirmations, one after the other, on the terminal.

    Raises:
        DemoStopped: when no demo runs, nobody by that name is kept, or the desk does not answer.
    """
    door = DemoDoor(_running(folder, again))
    name = PEOPLE.get(whom, whom)
    if name not in folder.kept(KEPT).get("people", {}):
        raise DemoStopped(f"there is no {whom} here.", f"Name one of {', '.join(PEOPLE)}.")
    person = _person(folder, door, name)
    try:
        person.sign_in()
        waiting = person.waiting()
        screen.line(f"You are {name} ({whom}), with a software passkey.")
        if not waiting:
            screen.line(f"Nothing waits for you. {_IDLE.get(whom, '').format(again=again, url=door.url)}".rstrip())
        for waits in waiting:
            if not _answer(screen, person, str(waits["confirmation"]), read):
                screen.line("  Not answered: it goes on waiting.")
                break
    except Problem as problem:
        raise _unanswered(problem, again) from None
    finally:
        _keep_person(folder, person)
        door.close()
    return 0


def _person(folder: DemoFolder, door: DemoDoor, name: str) -> DemoPerson:
    about = folder.kept(KEPT)["people"][name]
    return DemoPerson(door, name, str(about["kind"]), SoftPasskey.from_kept(about["passkey"]))


def _keep_person(folder: DemoFolder, person: DemoPerson) -> None:
    """Keep a person anew: the passkey's counter has moved, and an older copy would be refused as cloned."""
    kept = folder.kept(KEPT)
    folder.keep(KEPT, {**kept, "people": {**kept["people"], person.id: person.kept()}})


def _unanswered(problem: Problem, again: str) -> DemoStopped:
    detail = f"the desk did not do that: {problem.code} {problem.detail}".rstrip() + "."
    return DemoStopped(detail, f"If it does not run any more: `{again} --keep`.")


def _answer(screen: Screen, person: DemoPerson, confirmation: str, read: Callable[[str], str]) -> bool:
    """Show one confirmation and take the answer; False at the end of the input."""
    shown = person.shown(confirmation)
    screen.heading("This waits for you:")
    for line in sentences(shown["rendering"]):
        screen.line(f"  {line}")
    answer = ""
    while answer not in {"y", "n"}:
        line = read("  Sign this? [y/n] ")
        if not line:
            screen.line()
            return False
        answer = line.strip().lower()[:1]
    try:
        answered = person.answer(confirmation, shown, "yes" if answer == "y" else "no")
    except Refused as refused:
        screen.bad(str(refused))
        return True
    became = answered.get("outcome") or answered.get("state", "recorded")
    screen.good(f"You said {'yes' if answer == 'y' else 'no'}; the ask is {became}.")
    return True


def more_links(folder: DemoFolder, screen: Screen, again: str) -> int:
    """Make new one-time links.

    Raises:
        DemoStopped: when no demo runs, or the desk does not answer.
    """
    door = DemoDoor(_running(folder, again))
    try:
        links(screen, door)
    except Problem as problem:
        raise _unanswered(problem, again) from None
    finally:
        door.close()
    return 0


def halt(folder: DemoFolder, screen: Screen) -> int:
    """Stop the demo that runs in this folder."""
    if not folder.is_held():
        screen.line(f"No demo runs in {folder.path}.")
        return 0
    run = folder.running()
    # The lock is held, so the run that wrote these ids lives: the demo itself, or the desk that outlived it.
    pid = next((int(run[who]) for who in ("pid", "server") if run.get(who) and exists(int(run[who]))), 0)
    if not pid:
        raise DemoStopped(f"whatever holds {folder.path} did not say who it is.", "End it in its own terminal.")
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + _STOP_S
    while folder.is_held() and time.monotonic() < ends:
        time.sleep(0.1)
    if folder.is_held():
        raise DemoStopped(f"process {pid} does not stop.", f"End it with kill -9 {pid}.")
    screen.line("Stopped.")
    return 0


def _running(folder: DemoFolder, again: str) -> str:
    url = str(folder.running().get("url", "")) if folder.is_held() else ""
    if not url:
        raise DemoStopped(f"no demo runs in {folder.path}.", f"Start one with `{again}` and leave it running.")
    return url
