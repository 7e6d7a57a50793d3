"""What can be done beside a running demo, from another terminal: ask, answer without a browser, make links, stop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from remit.client.errors import Problem, Refused
from remit.sandbox.demo.cast import ASKER
from remit.sandbox.demo.folder import PEOPLE as KEPT
from remit.sandbox.demo.folder import DemoFolder, Stopped
from remit.sandbox.demo.people import DemoDoor, DemoPerson, sentences
from remit.sandbox.demo.running import links
from remit.sandbox.demo.screen import Screen
from remit.sandbox.demo.server import exists, stop
from remit.sandbox.passkey import SoftPasskey

PEOPLE: Final[Mapping[str, str]] = {"customer": "anna", "officer": "olga", "security": "sven", "auditor": "ada"}
_PATIENCE_S: Final = 590
_STOP_S: Final = 60


def ask(folder: DemoFolder, screen: Screen, again: str) -> int:
    """Have an agent ask for a refund, say where it waits, and stay until it is answered.

    Raises:
        Stopped: when no demo runs.
    """
    url = _running(folder, again)
    identity = folder.agents / f"{ASKER.name}.json"
    mandate = str(folder.kept(KEPT).get("mandate", ""))
    if not mandate or not identity.is_file():
        raise Stopped("there is no agent to ask with yet.", "Wait until the demo has printed its links.")
    argv = [
        sys.executable,
        "-m",
        ASKER.module,
        "--desk",
        url,
        "--identity",
        str(identity),
        "--mandate",
        mandate,
        "--patience",
        str(_PATIENCE_S),
    ]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own program, no shell
    refused = False
    try:
        for line in process.stdout or ():
            refused |= _told(screen, json.loads(line), url, again)
        return 1 if process.wait() or refused else 0
    except KeyboardInterrupt:
        screen.line("\nGave up; what waited is void.")
        return 130
    finally:
        stop(process)


def _told(screen: Screen, event: Mapping[str, Any], url: str, again: str) -> bool:
    match event["at"]:
        case "waiting":
            screen.line(f"  needs a person: {event['tried']} waits for anna.")
            screen.line(f"    in a browser   {url}/me")
            screen.line(f"    in a terminal  {again} --act-as customer")
        case "step" if event["decision"] == "refuse":
            screen.bad(f"{event['tried']}: {event['code']}. {event['why']}")
            return True
        case "step" if event["outcome"] != "done":
            screen.bad(f"{event['tried']}: permitted, but the desk's answer is {event['outcome']}. {event['why']}")
            return True
        case "step":
            result = ", ".join(f"{name} {value}" for name, value in event["result"].items())
            screen.good(f"{event['tried']}: {event['outcome']}{f' ({result})' if result else ''}")
        case "broken":
            screen.bad(f"{event['code']}: {event['why']}")
            return True
        case _:
            pass
    return False


def act_as(folder: DemoFolder, screen: Screen, again: str, whom: str, read: Callable[[str], str]) -> int:
    """Answer what waits for somebody, one after the other, on the terminal.

    Raises:
        Stopped: when no demo runs, nobody by that name is kept, or the desk does not answer.
    """
    door = DemoDoor(_running(folder, again))
    kept = folder.kept(KEPT)
    name = PEOPLE.get(whom, whom)
    if name not in kept.get("people", {}):
        raise Stopped(f"there is no {whom} here.", f"Name one of {', '.join(PEOPLE)}.")
    about = kept["people"][name]
    person = DemoPerson(door, name, str(about["kind"]), SoftPasskey.from_kept(about["passkey"]))
    try:
        person.sign_in()
        waiting = person.waiting()
        screen.line(f"You are {name} ({whom}), with a software passkey.")
        if not waiting:
            screen.line(f"Nothing waits for you. Have something asked first: {again} --ask")
        for waits in waiting:
            _answer(screen, person, str(waits["confirmation"]), read)
    except Problem as problem:
        raise _unanswered(problem, again) from None
    finally:
        # The counter of the passkey has moved: an older copy of it would be refused as cloned.
        folder.keep(KEPT, {**kept, "people": {**kept["people"], name: person.kept()}})
        door.close()
    return 0


def _unanswered(problem: Problem, again: str) -> Stopped:
    return Stopped(
        f"the desk did not do that: {problem.code} {problem.detail}".rstrip() + ".", f"If it does not run any more: `{again} --keep`."
    )


def _answer(screen: Screen, person: DemoPerson, confirmation: str, read: Callable[[str], str]) -> None:
    shown = person.shown(confirmation)
    screen.heading("This waits for you:")
    for line in sentences(shown["rendering"]):
        screen.line(f"  {line}")
    said = ""
    while said not in {"y", "n"}:
        said = read("  Sign this? [y/n] ").strip().lower()[:1]
    try:
        answered = person.answer(confirmation, shown, "yes" if said == "y" else "no")
    except Refused as refused:
        screen.bad(str(refused))
        return
    became = answered.get("outcome") or answered.get("state", "recorded")
    screen.good(f"You said {'yes' if said == 'y' else 'no'}; the ask is {became}.")


def more_links(folder: DemoFolder, screen: Screen, again: str) -> int:
    """Make new one-time links.

    Raises:
        Stopped: when no demo runs, or the desk does not answer.
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
        raise Stopped(f"whatever holds {folder.path} did not say who it is.", "End it in its own terminal.")
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + _STOP_S
    while folder.is_held() and time.monotonic() < ends:
        time.sleep(0.1)
    if folder.is_held():
        raise Stopped(f"process {pid} does not stop.", f"End it with kill -9 {pid}.")
    screen.line("Stopped.")
    return 0


def _running(folder: DemoFolder, again: str) -> str:
    url = str(folder.running().get("url", "")) if folder.is_held() else ""
    if not url:
        raise Stopped(f"no demo runs in {folder.path}.", f"Start one with `{again}` and leave it running.")
    return url
