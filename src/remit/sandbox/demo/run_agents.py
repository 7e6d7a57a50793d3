"""Running the agents, each in its own process, and standing in for the people they meet."""

import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, Final

from remit.client.errors import Problem
from remit.client.keys import load_key, new_key
from remit.sandbox.demo.folder import DemoFolder, DemoStopped
from remit.sandbox.demo.judge import StepRow
from remit.sandbox.demo.people import DemoDoor, DemoPerson, headline
from remit.sandbox.demo.scenario import GOALS, VISIT_GOAL, CustomerGoal, DemoAgent
from remit.sandbox.demo.server import stop

_MAX_S: Final = 180
_CALLBACK: Final = "http://127.0.0.1/callback"


@dataclass(slots=True, kw_only=True)
class DemoRun:
    """One run. `show` gets each row as it comes, `note` the sights and acts of people."""

    folder: DemoFolder
    door: DemoDoor
    people: Mapping[str, DemoPerson]
    officer: DemoPerson
    show: Callable[[StepRow], None]
    note: Callable[[str], None]
    rows: list[StepRow] = field(default_factory=list)
    receipts: dict[str, Any] = field(default_factory=dict)
    _wishes: list[CustomerGoal] = field(default_factory=lambda: list(GOALS))
    _answered: dict[str, str] = field(default_factory=dict)
    _visitors: set[str] = field(default_factory=set)

    def play(self, parts: Sequence[DemoAgent], *, begin: Callable[[DemoAgent], None]) -> dict[str, str]:
        """Run agents to their end, one after the other; return their reports beside their steps.

        The next one is started while one plays: it gets no further than requesting its mandate until its turn.

        Raises:
            DemoStopped: when a process broke or did not end.
        """
        told: dict[str, str] = {}
        started: list[Popen[str]] = []
        try:
            for place, part in enumerate(parts):
                coming = parts[len(started) : place + 2]
                started += [self._start(one) for one in coming]
                begin(part)
                told |= self._follow(part, started[place])
        finally:
            for process in started:
                stop(process)
        return told

    def _start(self, part: DemoAgent) -> Popen[str]:
        argv = [sys.executable, "-m", part.module, "--desk", self.door.url]
        if not part.visits:
            argv += ["--identity", register(self.folder, self.door, part)]
        with self._log.open("a", encoding="utf-8") as log:
            # In its own session: Ctrl-C reaches the demo first, which then stops everybody in order.
            return Popen(argv, stdin=PIPE, stdout=PIPE, stderr=log, text=True, start_new_session=True)  # noqa: S603  # our own program, no shell

    def _follow(self, part: DemoAgent, process: Popen[str]) -> dict[str, str]:
        told: dict[str, str] = {}
        watch = threading.Timer(_MAX_S, process.kill)
        watch.start()
        try:
            for line in process.stdout or ():
                told |= self._heard(part, process, json.loads(line))
            code = process.wait(timeout=_MAX_S)
        finally:
            watch.cancel()
        if code:
            detail = f"the {part.name} agent broke off ({told.get('broken') or f'see {self._log}'})."
            raise DemoStopped(detail, "Run the demo again; if it stays, report this line.")
        return told

    @property
    def _log(self) -> Path:
        return self.folder.path / "agents.log"

    def _heard(self, part: DemoAgent, process: Popen[str], event: Mapping[str, Any]) -> dict[str, str]:
        match event["at"]:
            case "consent":
                self.people[part.customer].grant(str(event["url"]))
            case "visit":
                self._visited(self.people[part.customer], str(event["url"]))
            case "waiting":
                page = str(event.get("page", "")).rpartition("/")[2]
                answer = self._answer(self.people[part.customer], str(event.get("ask", "")), page)
                self._answered[f"{part.name}/{event['step']}"] = answer
            case "need":
                self._reply(process, self._needed(part, event))
            case "step":
                self._row(part, process.pid, event)
            case "granted":
                return {"mandate": str(event["mandate"])}
            case "broken":
                return {"broken": f"{event['code']}: {event['why']}"}
            case _:
                pass  # an unknown line is no step: the expected step is then missing
        return {}

    def _row(self, part: DemoAgent, pid: int, event: Mapping[str, Any]) -> None:
        row = StepRow(
            agent=part.name,
            step=str(event["step"]),
            tried=str(event["tried"]),
            decision=str(event["decision"]),
            code=str(event["code"]),
            why=str(event.get("why", "")),
            confirmed_by=self._answered.pop(f"{part.name}/{event['step']}", ""),
            outcome=str(event["outcome"] or ""),
            pid=pid,
        )
        if event.get("receipt"):
            self.receipts[f"{row.agent}/{row.step}"] = event["receipt"]
        self.rows.append(row)
        self.show(row)

    def _visited(self, person: DemoPerson, url: str) -> None:
        """Answer a visitor's request as its customer: grant the first, decline later ones."""
        if person.id in self._visitors:
            self.note(f"{person.id} is asked for another purpose, and allows nothing")
            person.decline_visit(url)
            return
        self._visitors.add(person.id)
        self._wishes.append(VISIT_GOAL)
        self.note(f"{person.id} picks the purpose and the order at the desk's own page, and signs with the passkey")
        person.grant_visit(url, "return-item", ["W1001"])

    def _answer(self, person: DemoPerson, ask: str, page: str = "") -> str:
        """Answer pending confirmations: yes to the person's goals and no to everything else.

        The asking agent plays no part: the person judges the page alone.
        """
        for waits in person.waiting():
            if waits["ask"] != ask and waits["confirmation"] != page:
                continue
            shown = person.shown(str(waits["confirmation"]))
            wish = CustomerGoal(customer=person.id, action=str(waits["action"]), params=shown["params"])
            wanted = wish in self._wishes
            answer = "yes, with the passkey" if wanted else "no, I did not want that"
            self.note(f'{person.id} is shown: "{headline(shown["rendering"])}?" and says {answer}')
            if wanted:
                self._wishes.remove(wish)
            person.answer(str(waits["confirmation"]), shown, "yes" if wanted else "no")
            return person.id if wanted else f"no: {person.id}"
        return ""

    def _needed(self, part: DemoAgent, event: Mapping[str, Any]) -> dict[str, str]:
        """Provide others' part in an agent's story: an officer's offer, a closed case, a lent session."""
        match event["wanted"]:
            case "offer":
                terms = {"kind": "exception", "exception": "late return", "order_id": "W1001"}
                self.officer.post(f"/desk/v1/cases/{event['case']}/offers", {"action": "offer.accept", "terms": terms})
                self.note(f"officer {self.officer.id} offers in the case: return it after the 30 days, as an exception")
            case "close":
                self.officer.post(f"/desk/v1/cases/{event['case']}/close", {})
                self.note(f"officer {self.officer.id} closes the case")
            case "session":
                lent = self.people[part.customer]
                own = lent.cookie
                cookie = lent.sign_in()
                lent.cookie = own
                self.note(f"{part.customer} lends the agent a signed-in session")
                return {"cookie": cookie}
            case _:
                pass
        return {}

    def _reply(self, process: Popen[str], said: Mapping[str, str]) -> None:
        if process.stdin is not None:
            process.stdin.write(json.dumps(said) + "\n")
            process.stdin.flush()


def register(folder: DemoFolder, door: DemoDoor, part: DemoAgent) -> str:
    """Register an agent with its own keys; return its identity file."""
    key = new_key()
    public = load_key(key).as_dict(private=False) | {"kid": "k1", "use": "sig", "alg": "ES256"}
    body = {
        "client_id": part.client_id,
        "operator": part.operator,
        "name": f"{part.name} agent",
        "keys": {"jwks": {"keys": [public]}},
        "redirect_uris": [_CALLBACK],
    }
    door.send("POST", "/sandbox/v1/agents", body)
    identity = {"client_id": part.client_id, "key": key, "kid": "k1", "proof_key": new_key()}
    return str(folder.keep(f"agents/{part.name}.json", identity))


def explained(problem: Problem) -> DemoStopped:
    """Convert a refusal or fault that the demo itself met into its end."""
    return DemoStopped(f"the desk said {problem}", "Run the demo again; if it stays, report this line.")
