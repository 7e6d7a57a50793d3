"""Commands beside a running demo, from another terminal: ask, answer without a browser, make links, stop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from remit.client.errors import Problem, Refused
from remit.sandbox.demo.folder import PEOPLE as KEPT
from remit.sandbox.demo.folder import DemoFolder, DemoStopped
from remit.sandbox.demo.people import DemoDoor, DemoPerson, sentences
from remit.sandbox.demo.run import OFFICERS, links
from remit.sandbox.demo.run_agents import register
from remit.sandbox.demo.scenario import ASKER, DemoAgent
from remit.sandbox.demo.screen import Screen
from remit.sandbox.demo.server import exists, stop
from remit.sandbox.passkey import SoftPasskey

PEOPLE: Final[Mapping[str, str]] = {"customer": "anna", "officer": "olga", "security": "sven", "auditor": "ada"}
AIMS: Final = ("customer", "officer", "words", "file")
"""The kinds of asks: one for the customer alone, one for an officer too, a message and a file an officer reviews."""
_AMOUNTS: Final = tuple(f"{Decimal(20) - Decimal(n) / 2:.2f} EUR" for n in range(20))
"""The amounts to ask for, one after the other: all above what the pack's waiver permits without anna."""
_LARGE: Final = tuple(f"{Decimal(60) - Decimal(n) / 4:.2f} EUR" for n in range(38))
"""Amounts that need an officer of customer care, too: above 50.00 EUR, for a complaint."""
_LARGE_ORDERS: Final = ("W1001", "W1004")
"""Orders with so much left to refund, in turn: one refund each."""
_HELD: Final = "words.attachment"
_PAUSED: Final = frozenset({"confirmation.declined", "confirmation.too_many"})
_NOT_COVERED: Final = ("mandate.", "grant.")
_IDLE: Final[Mapping[str, str]] = {
    "customer": "Have an agent ask first: {again} --ask",
    "officer": "Have an agent ask for something that an officer decides: {again} --ask --for officer",
    "security": "Security watches and stops agents on {url}/security. Get a link: {again} --links",
    "auditor": "Auditors decide nothing; the audit log is at {url}/audit. Get a link: {again} --links",
}
_PATIENCE_S: Final = 590
_STOP_S: Final = 60
INTERRUPTED: Final = 130


@dataclass(slots=True)
class _Asking:
    """One `--ask`: its aim, and the steps it came to."""

    folder: DemoFolder
    screen: Screen
    url: str
    again: str
    aim: str
    steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def mandate_key(self) -> str:
        """Where the permission to ask under is kept."""
        return "large" if self.aim == "officer" else "mandate"

    @property
    def report(self) -> dict[str, Any]:
        """The steps as JSON."""
        return {"for": self.aim, "url": self.url, "steps": self.steps}


def ask(folder: DemoFolder, screen: Screen, again: str, aim: str = "customer") -> tuple[int, dict[str, Any]]:
    """Have an agent ask for something, name its confirmer and page, and wait for the answer; return exit code and report.

    Each time for another amount, since a no binds exactly its own. After a no its operator may ask nothing for a while,
    so the next agent is another company's. Where the earlier mandate no longer covers it (narrowed, revoked, used up),
    that is shown, and a new one is signed as at the start of the demo.

    Raises:
        DemoStopped: when no demo runs, or nothing is left that an officer could refund.
    """
    asking = _Asking(folder, screen, _running(folder, again), again, aim)
    kept = folder.kept(KEPT)
    if not kept.get("mandate"):
        raise DemoStopped("there is no agent to ask with yet.", "Wait until the demo has printed its links.")
    more = _wanted(asking, kept)
    try:
        if kept.get("declined"):
            screen.line(
                "  After a no, that agent's operator has to wait before it asks again. Another company's agent asks."
            )
            _grant(asking, another=True)
        elif not kept.get(asking.mandate_key):
            _grant(asking)
        codes = _asked(asking, more)
        if any(code.startswith(_NOT_COVERED) for code in codes):
            screen.line("  The permission no longer covers this. Anna signs a new one, and the agent asks again.")
            _grant(asking)
            codes = _asked(asking, more)
    except KeyboardInterrupt:
        screen.line("\nStopped. What was waiting is cancelled.")
        return INTERRUPTED, asking.report
    folder.keep(KEPT, {**folder.kept(KEPT), "declined": not _PAUSED.isdisjoint(codes)})
    if aim == "officer" and not codes:
        folder.keep(KEPT, {**folder.kept(KEPT), "refunded": int(kept.get("refunded", 0)) + 1})
    return (1 if codes else 0), asking.report


def _wanted(asking: _Asking, kept: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the next ask, as options of the asking agent; the next ask is for another amount."""
    asked = int(kept.get("asked", 0))
    aim: tuple[str, ...] = ("--aim", asking.aim)
    if asking.aim == "officer":
        done = int(kept.get("refunded", 0))
        if done >= len(_LARGE_ORDERS):
            raise DemoStopped(
                "officers have approved every large refund of this desk.",
                f"Try `{asking.again} --ask --for words` or `--for file`, or start afresh with `{asking.again} --fresh`.",
            )
        aim = (*aim, "--order", _LARGE_ORDERS[done], "--amount", _LARGE[asked % len(_LARGE)])
    elif asking.aim == "customer":
        aim = (*aim, "--amount", _AMOUNTS[asked % len(_AMOUNTS)])
    asking.folder.keep(KEPT, {**kept, "asked": asked + 1})
    return aim


def _asked(asking: _Asking, more: tuple[str, ...]) -> list[str]:
    """Ask once under the kept mandate, reporting as it goes; return the codes of failed steps."""
    mandate = str(asking.folder.kept(KEPT)[asking.mandate_key])
    return [
        code
        for event in _played(asking.folder, asking.url, "--mandate", mandate, *more)
        for code in _print_step(asking, event)
    ]


def _asker(folder: DemoFolder) -> DemoAgent:
    """Return the asking agent: the demo's own asker, or its replacement."""
    number = int(folder.kept(KEPT).get("asker", 1))
    return ASKER if number == 1 else replace(ASKER, name=f"{ASKER.name}-{number}")


def _grant(asking: _Asking, *, another: bool = False) -> None:
    """Sign a new mandate with anna's kept passkey as at the start of the demo; for another agent, if wanted."""
    folder, door = asking.folder, DemoDoor(asking.url)
    try:
        if another:
            kept = folder.kept(KEPT)
            folder.keep(KEPT, {**kept, "asker": int(kept.get("asker", 1)) + 1, "large": ""})
            register(folder, door, _asker(folder))
        for event in _played(folder, asking.url, "--aim", asking.aim):
            if event["at"] == "consent":
                person = _person(folder, door, ASKER.customer)
                person.sign_in()
                person.grant(str(event["url"]))
                _keep_person(folder, person)
            elif event["at"] == "granted":
                folder.keep(KEPT, {**folder.kept(KEPT), asking.mandate_key: str(event["mandate"])})
                return
    except Problem as problem:
        raise _unanswered(problem, asking.again) from None
    finally:
        door.close()
    raise DemoStopped("Anna's new permission was not granted.", f"Start the demo afresh: `{asking.again} --fresh`.")


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


def _print_step(asking: _Asking, event: Mapping[str, Any]) -> Iterator[str]:
    """Print one step; return its code if it failed."""
    screen = asking.screen
    if event["at"] == "waiting":
        _print_waiting(asking, event)
        return
    if event["at"] == "broken":
        screen.bad(f"{event['code']}: {event['why']}")
        yield str(event["code"])
        return
    if event["at"] != "step":
        return
    asking.steps.append({name: event.get(name) for name in ("tried", "decision", "code", "outcome", "result", "ask")})
    if event["decision"] != "refuse" and event["outcome"] == "done":
        result = ", ".join(f"{name} {value}" for name, value in event["result"].items())
        screen.good(f"{event['tried']}: done{f' ({result})' if result else ''}")
    elif asking.aim == "file" and event["code"] == _HELD:
        screen.good(f"{event['tried']}: the file is on hold for an officer, and the request is blocked until then.")
        _print_places(asking, "officer")
    else:
        code = event["code"] or event["outcome"]
        screen.bad(f"{event['tried']}: {code}. {event['why']}")
        yield str(code)


def _print_waiting(asking: _Asking, event: Mapping[str, Any]) -> None:
    """Print the confirmer of an ask, and the page; a large refund has anna's yes given at once, so that it is the officer's."""
    screen, who = asking.screen, [str(one) for one in event["who"]]
    if asking.aim == "officer" and "customer" in who:
        _agree(asking, str(event["ask"]))
        screen.line(f"  Anna approves with her software passkey: {event['tried']}.")
        who.remove("customer")
    names = " and ".join(dict.fromkeys("anna" if one == "customer" else _decider(one) for one in who))
    what = "a message is on hold for review" if asking.aim == "words" else str(event["tried"])
    screen.line(f"  Waiting for {names}: {what}.")
    _print_places(asking, "customer" if who == ["customer"] else "officer")


def _decider(role: str) -> str:
    """Return the demo's officer with a role."""
    name = role.removeprefix("officer:")
    return next((person for person, roles in OFFICERS.items() if name in roles), name)


def _print_places(asking: _Asking, whom: str) -> None:
    asking.screen.line(f"    in a browser   {asking.url}{'/me' if whom == 'customer' else '/desk'}")
    asking.screen.line(f"    in a terminal  {asking.again} --act-as {whom}")


def _agree(asking: _Asking, ask: str) -> None:
    """Say anna's yes to one ask, with her kept passkey."""
    door = DemoDoor(asking.url)
    person = _person(asking.folder, door, ASKER.customer)
    try:
        person.sign_in()
        for waits in person.waiting():
            if waits["ask"] == ask:
                confirmation = str(waits["confirmation"])
                person.answer(confirmation, person.shown(confirmation), "yes")
    except Problem as problem:
        raise _unanswered(problem, asking.again) from None
    finally:
        _keep_person(asking.folder, person)
        door.close()


def act_as(
    folder: DemoFolder, screen: Screen, again: str, whom: str, read: Callable[[str], str]
) -> tuple[int, dict[str, Any]]:
    """Decide the pending asks of a person, one after the other, on the terminal; return exit code and report.

    Raises:
        DemoStopped: when no demo runs, no one by that name is kept, or the desk does not answer.
    """
    door = DemoDoor(_running(folder, again))
    name = PEOPLE.get(whom, whom)
    if name not in folder.kept(KEPT).get("people", {}):
        raise DemoStopped(f"there is no {whom} here.", f"Name one of {', '.join(PEOPLE)}.")
    person = _person(folder, door, name)
    answered: list[dict[str, Any]] = []
    try:
        person.sign_in()
        waiting = person.waiting()
        files = person.held_files() if whom == "officer" else []
        screen.line(f"You are {name} ({whom}), with a software passkey.")
        if not waiting and not files:
            idle = _IDLE.get(whom, "").format(again=again, url=door.url)
            screen.line(f"You have nothing to decide right now. {idle}".rstrip())
        for one, is_file in [*((one, False) for one in waiting), *((one, True) for one in files)]:
            became = (_decide_file if is_file else _answer)(screen, person, one, read)
            if became is None:
                screen.line("  Not answered. It stays in the queue.")
                break
            answered.append(became)
    except Problem as problem:
        raise _unanswered(problem, again) from None
    finally:
        _keep_person(folder, person)
        door.close()
    return 0, {"person": name, "pending": len(waiting) + len(files) - len(answered), "answered": answered}


def _person(folder: DemoFolder, door: DemoDoor, name: str) -> DemoPerson:
    about = folder.kept(KEPT)["people"][name]
    return DemoPerson(door, name, str(about["kind"]), SoftPasskey.from_kept(about["passkey"]))


def _keep_person(folder: DemoFolder, person: DemoPerson) -> None:
    """Keep a person anew: the passkey's counter has moved, and an older copy would be refused as cloned."""
    kept = folder.kept(KEPT)
    folder.keep(KEPT, {**kept, "people": {**kept["people"], person.id: person.kept()}})


def _unanswered(problem: Problem, again: str) -> DemoStopped:
    detail = f"the desk did not do that: {problem.code} {problem.detail}".rstrip() + "."
    return DemoStopped(detail, f"If it no longer runs, start it again: `{again}`.")


def _answer(
    screen: Screen, person: DemoPerson, waits: Mapping[str, Any], read: Callable[[str], str]
) -> dict[str, Any] | None:
    """Show one confirmation and take the answer; None at the end of the input."""
    confirmation = str(waits["confirmation"])
    shown = person.shown(confirmation)
    screen.heading("Waiting for you:")
    for line in sentences(shown["rendering"]):
        screen.line(f"  {line}")
    for text in waits.get("words", ()):
        screen.line(f"  The agent's message: {text['text']}")
    held = bool(waits.get("words"))
    answer = _yes_or_no("  Pass the message on? [y/n] " if held else "  Sign this? [y/n] ", screen, read)
    if not answer:
        return None
    said = {"y": "release" if held else "yes", "n": "no"}[answer]
    try:
        answered = person.answer(confirmation, shown, said)
    except Refused as refused:
        screen.bad(str(refused))
        return {"confirmation": confirmation, "answer": said, "code": refused.code}
    became = answered.get("outcome") or answered.get("state", "recorded")
    screen.good(f"You said {'yes' if answer == 'y' else 'no'}; the ask is {became}.")
    return {"confirmation": confirmation, "answer": said, "became": became}


def _decide_file(
    screen: Screen, person: DemoPerson, file: Mapping[str, Any], read: Callable[[str], str]
) -> dict[str, Any] | None:
    """Show one held file and take the decision; None at the end of the input."""
    screen.heading("A file is on hold for you:")
    screen.line(f"  {file['name']} ({file.get('why') or 'held'})")
    answer = _yes_or_no("  Add it to the case? [y/n] ", screen, read)
    if not answer:
        return None
    decision = "release" if answer == "y" else "discard"
    done = person.post(f"/desk/v1/files/{file['file']}", {"decision": decision})
    screen.good(f"The file is {done['state']}.")
    return {"file": str(file["file"]), "answer": decision, "became": str(done["state"])}


def _yes_or_no(question: str, screen: Screen, read: Callable[[str], str]) -> str:
    """Ask until the answer is y or n; "" at the end of the input."""
    answer = ""
    while answer not in {"y", "n"}:
        line = read(question)
        if not line:
            screen.line()
            return ""
        answer = line.strip().lower()[:1]
    return answer


def more_links(folder: DemoFolder, screen: Screen, again: str) -> tuple[int, dict[str, Any]]:
    """Make new one-time links; return exit code and report.

    Raises:
        DemoStopped: when no demo runs, or the desk does not answer.
    """
    door = DemoDoor(_running(folder, again))
    try:
        made = links(screen, door)
    except Problem as problem:
        raise _unanswered(problem, again) from None
    finally:
        door.close()
    return 0, {"links": made}


def halt(folder: DemoFolder, screen: Screen) -> tuple[int, dict[str, Any]]:
    """Stop the demo that runs in this folder; return exit code and report."""
    if not folder.is_held():
        screen.line(f"No demo runs in {folder.path}.")
        return 0, {"stopped": False}
    run = folder.running()
    # The lock is held, so the run that wrote these ids lives: the demo itself, or the desk that outlived it.
    pid = next((int(run[who]) for who in ("pid", "server") if run.get(who) and exists(int(run[who]))), 0)
    if not pid:
        raise DemoStopped(f"an unknown process holds {folder.path}.", "End it in its own terminal.")
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + _STOP_S
    while folder.is_held() and time.monotonic() < ends:
        time.sleep(0.1)
    if folder.is_held():
        raise DemoStopped(f"process {pid} does not stop.", f"End it with kill -9 {pid}.")
    screen.line("Stopped.")
    return 0, {"stopped": True}


def _running(folder: DemoFolder, again: str) -> str:
    url = str(folder.running().get("url", "")) if folder.is_held() else ""
    if not url:
        raise DemoStopped(f"no demo runs in {folder.path}.", f"Start one with `{again}` and leave it running.")
    return url
