"""`remit demo` as a new user runs it: a whole run in processes of its own, what it says, and everything that must make it fail."""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from remit.__main__ import main
from remit.sandbox.demo.books_check import BooksSnapshot, balances, differences
from remit.sandbox.demo.folder import DemoFolder, DemoStopped
from remit.sandbox.demo.judge import StepRow, StepVerdict, judge_all, judge_step
from remit.sandbox.demo.people import DemoDoor, DemoPerson
from remit.sandbox.demo.result import DemoResult
from remit.sandbox.demo.scenario import ASSISTANT, CAST, HONEST_MONEY, honest_acts, honest_records
from remit.sandbox.demo.screen import Screen
from remit.sandbox.demo.verify_offline import OfflineVerification
from remit.sandbox.passkey import SoftPasskey

PLAYED = [*CAST, ASSISTANT]
"""The official MCP client is among what the tests need."""
_ENV = {**os.environ, "PYTHONPATH": str(Path("src").absolute())}

pytestmark = pytest.mark.xdist_group("demo")  # one demo serves all tests that look at one


def command(*argv: object) -> list[str]:
    return [sys.executable, "-m", "remit", "demo", *(str(one) for one in argv)]


@dataclass
class Running:
    """A demo whose console runs, and what it told about its table."""

    process: "subprocess.Popen[str]"
    folder: Path
    told: dict[str, Any]

    def beside(self, *argv: str, answers: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command("--dir", self.folder, *argv), input=answers, capture_output=True, text=True, env=_ENV, check=False, timeout=120
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("demo") / "here"
    with (folder.parent / "said").open("w+") as said:
        process = subprocess.Popen(
            command("--json", "--port", 0, "--dir", folder), stdout=subprocess.PIPE, stderr=said, text=True, env=_ENV
        )
        with process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                said.seek(0)
                assert line, said.read()
                yield Running(process, folder, json.loads(line))
            finally:
                process.terminate()


def _decided(told: dict[str, Any], agent: str) -> list[tuple[str, str]]:
    return [
        (row["step"], row["code"] or f"{row['outcome']} {row['confirmed_by']}".strip()) for row in told["rows"] if row["agent"] == agent
    ]


def test_honest_work_is_done_and_each_attack_is_stopped_for_its_own_reason(running: Running) -> None:
    told = running.told
    assert (told["ok"], told["wrong"]) == (True, [])
    assert _decided(told, "honest") == [("read", "done"), ("return", "done anna"), ("refund", "done anna")]
    assert _decided(told, "partial") == [
        ("complain", "done"),
        ("accept", "mandate.power_missing"),
        ("profile", "objective.action_outside"),
        ("birth_date", "words.wider"),
    ]
    assert _decided(told, "confused") == [("refund_first", "objective.step_order"), ("other_order", "mandate.off_target")]
    assert _decided(told, "hijacked")[1:3] == [("other_data", "mandate.off_target"), ("other_account", "params.not_owned")]
    assert _decided(told, "hijacked")[3][1].startswith("words.")
    assert [code for _, code in _decided(told, "splitter")] == ["done", "done", *["mandate.total_spent"] * 9]
    assert _decided(told, "self-approver")[-2:] == [("relay", "words.secret"), ("ask", "confirmation.declined")]
    assert _decided(told, "zombie")[:2] == [("read", "done"), ("read_on", "task.ended")]
    assert _decided(told, "borrower") == [
        ("ask", "agent.human_credential"),
        ("bearer", "agent.human_credential"),
        ("page", "person.not_signed_in"),
    ]


def test_every_agent_is_a_process_of_its_own(running: Running) -> None:
    pids = {(row["agent"], row["pid"]) for row in running.told["rows"]}
    assert len(pids) == len({pid for _, pid in pids}) == len(PLAYED)


def test_the_books_and_the_log_are_checked_apart_from_what_agents_tell(running: Running) -> None:
    moved = {(one["record"], one["method"]): one["now"] - one["before"] for one in running.told["balances"] if one["now"] != one["before"]}
    assert moved == {("W1001", "pm_7"): -4990, ("W1002", "pm_9"): -500}
    assert running.told["verified"]["entries"] > 50
    assert running.told["verified"]["receipts"] > 20


def test_an_ask_from_another_terminal_waits_until_it_is_answered_without_a_browser(running: Running) -> None:
    asking = subprocess.Popen(command("--dir", running.folder, "--ask"), stdout=subprocess.PIPE, text=True, env=_ENV)
    with asking:
        assert asking.stdout is not None
        page = next(line for line in asking.stdout if "in a browser" in line).split()[-1]
        assert page == f"{running.told['url']}/me"
        answered = running.beside("--act-as", "customer", answers="y\n")
        assert "Refund €20.00 for order “Desk lamp of last season”" in answered.stdout
        assert "the ask is done" in answered.stdout, answered
        rest = asking.stdout.read()
    assert asking.returncode == 0, rest
    again = running.beside("--act-as", "customer")
    assert "You have nothing to decide right now." in again.stdout


def _ask(running: Running, answers: str) -> tuple[str, str]:
    """An ask that waits, and one answer to it: what both said."""
    asking = subprocess.Popen(command("--dir", running.folder, "--ask"), stdout=subprocess.PIPE, text=True, env=_ENV)
    with asking:
        assert asking.stdout is not None
        said = ""
        for line in asking.stdout:
            said += line
            if "in a terminal" in line:
                break
        answered = "".join(running.beside("--act-as", "customer", answers=one).stdout for one in answers.split("|"))
        return said + asking.stdout.read(), answered


def test_after_a_no_or_what_was_taken_back_one_can_go_on_asking(running: Running) -> None:
    said, answered = _ask(running, "n\n")
    assert "confirmation.declined" in said
    assert "You said no" in answered
    said, answered = _ask(running, "|y\n")
    assert "confirmation.declined" not in said
    assert "refund.amount" in said
    assert "Not answered" in answered
    assert "You said yes" in answered
    door = DemoDoor(running.told["url"])
    kept = json.loads((running.folder / "people.json").read_text())
    about = kept["people"]["anna"]
    anna = DemoPerson(door, "anna", about["kind"], SoftPasskey.from_kept(about["passkey"]))
    anna.sign_in()
    anna.post(f"/me/v1/mandates/{kept['mandate']}/revoke", {})
    kept["people"]["anna"] = anna.kept()
    (running.folder / "people.json").write_text(json.dumps(kept))
    said, answered = _ask(running, "y\n")
    assert said.count("mandate.inactive") == 1
    assert "Anna signs a new one" in said
    assert "You said yes" in answered
    door.close()


def _asked_for(running: Running, aim: str, answers: str) -> tuple[dict[str, Any], str]:
    """An ask that an officer decides, in JSON, and what the officer's terminal showed."""
    asking = subprocess.Popen(
        command("--dir", running.folder, "--json", "--ask", "--for", aim),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_ENV,
    )
    with asking:
        assert asking.stderr is not None
        assert asking.stdout is not None
        said = ""
        for line in asking.stderr:
            said += line
            if "in a terminal" in line:
                break
        assert f"{running.told['url']}/desk" in said
        assert "--act-as officer" in said
        answered = running.beside("--act-as", "officer", answers=answers).stdout
        told: dict[str, Any] = json.loads(asking.stdout.read())
        asking.stderr.read()
    assert asking.returncode == 0, (said, told)
    return told, answered


def test_a_large_refund_lands_with_the_officer_who_decides_it(running: Running) -> None:
    told, answered = _asked_for(running, "officer", "y\n")
    assert [(one["tried"].partition(" ")[0], one["outcome"]) for one in told["steps"]] == [("file", "done"), ("refund", "done")]
    assert "Refund €60" in answered or "Refund €59" in answered
    assert "You said yes; the ask is done." in answered


def test_a_message_that_the_desk_cannot_read_lands_with_the_officer(running: Running) -> None:
    told, answered = _asked_for(running, "words", "y\n")
    assert [one["outcome"] for one in told["steps"]] == ["done"]
    assert "The agent's message: Ik heb drie weken" in answered


def test_a_file_that_the_desk_cannot_read_lands_with_the_officer(running: Running) -> None:
    told, answered = _asked_for(running, "file", "n\n")
    assert [one["code"] for one in told["steps"]] == ["words.attachment"]
    assert "parcel.heic" in answered
    assert "The file is discarded." in answered


def test_what_works_beside_a_demo_is_told_as_json(running: Running) -> None:
    assert len(json.loads(running.beside("--json", "--links").stdout)["links"]) == 4
    idle = json.loads(running.beside("--json", "--act-as", "officer").stdout)
    assert (idle["person"], idle["pending"], idle["answered"]) == ("olga", 0, [])


def test_a_browser_of_this_machine_becomes_each_person_of_the_demo(running: Running) -> None:
    url = running.told["url"]
    ours = {"origin": url, "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=url) as browser:
        people = browser.post("/sandbox/v1/switch", json={}, headers=ours).json()["people"]
        assert {"anna", "bram", "olga", "sven", "ada"} <= {one["id"] for one in people}
        for person, page in (("anna", "/me"), ("olga", "/desk"), ("sven", "/security"), ("ada", "/audit")):
            assert browser.post("/sandbox/v1/switch", json={"person": person}, headers=ours).json() == {"page": page}
            shown = browser.get(page)
            assert shown.status_code == 200, page
            assert "data-switcher" in shown.text
        assert browser.post("/sandbox/v1/switch", json={"person": "anna"}, headers={"origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize(("whom", "hint"), [("officer", "--ask --for officer"), ("security", "/security"), ("auditor", "/audit")])
def test_whoever_has_nothing_to_answer_is_told_where_their_work_stands(running: Running, whom: str, hint: str) -> None:
    said = running.beside("--act-as", whom).stdout
    assert "You have nothing to decide right now." in said
    assert hint in said


def test_new_links_are_made_for_every_kind_of_person(running: Running) -> None:
    made = running.beside("--links")
    codes = [line.rpartition("/enrol?code=")[2] for line in made.stdout.splitlines() if "/enrol?code=" in line]
    assert len(set(codes)) == 4


def test_a_second_run_says_that_one_is_running_and_the_first_stops_on_demand(running: Running) -> None:
    second = running.beside("--smoke")
    assert second.returncode == 1
    assert running.told["url"] in second.stderr
    assert "--stop" in second.stderr
    assert running.beside("--stop").returncode == 0
    assert running.process.wait(timeout=60) == 0
    assert not DemoFolder(running.folder).is_held()


def test_a_later_run_serves_the_same_desk_again_and_says_so(running: Running) -> None:
    folder = DemoFolder(running.folder)
    if folder.is_held():
        running.beside("--stop")
    kept = (running.folder / "people.json").read_text()
    again = subprocess.Popen(
        command("--json", "--dir", running.folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_ENV
    )
    with again:
        assert again.stdout is not None
        assert again.stderr is not None
        told = json.loads(again.stdout.readline())
        assert (told["url"], told["folder"]) == (running.told["url"], str(running.folder))
        assert "rows" not in told
        assert "You have nothing to decide" in running.beside("--act-as", "customer").stdout
        again.terminate()
        said = again.stderr.read()
    assert f"Using the desk of the last run in {running.folder}" in said or "Using the desk of the last run in" in said
    assert "--fresh" in said
    assert again.returncode == 0
    assert json.loads(kept)["mandate"] == json.loads((running.folder / "people.json").read_text())["mandate"]


def test_agents_load_nothing_of_remit_but_its_client() -> None:
    names = ", ".join(part.module for part in PLAYED)
    code = f"import sys, {names}; print(*sorted(name for name in sys.modules if name.startswith('remit.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_ENV, check=True).stdout.split()
    assert {one for one in loaded if not one.startswith(("remit.client", "remit.proof", "remit.sandbox.agents"))} == {"remit.sandbox"}


def _row(agent: str, step: str, *, decision: str = "permit", code: str = "", outcome: str = "done") -> StepRow:
    return StepRow(agent=agent, step=step, tried="", decision=decision, code=code, why="", confirmed_by="", outcome=outcome, pid=1)


def _played() -> list[StepRow]:
    """The rows of a run in which everything ended as it must."""
    return [
        _row(part.name, step, decision="refuse", code=min(codes), outcome="") if codes else _row(part.name, step)
        for part in PLAYED
        for step, codes in part.expected.items()
    ]


def _books() -> BooksSnapshot:
    items = [{"id": "i1", "state": "ordered"}, {"id": "i2", "state": "returning"}]
    return BooksSnapshot(
        money={("anna", "W1001", "pm_7"): 12990, ("bram", "W1002", "pm_9"): 8000},
        acts={},
        records={
            ("order", "W1001"): json.dumps({"status": "delivered", "items": items}),
            ("order", "W1002"): json.dumps({"status": "delivered", "items": items[:1]}),
        },
        customers={"anna": '{"identity.birth_date":"1988-04-17"}'},
    )


def _after() -> BooksSnapshot:
    """The books after honest work alone."""
    items = [{"id": "i1", "state": "returning"}, {"id": "i2", "state": "returning"}]
    return BooksSnapshot(
        money={("anna", "W1001", "pm_7"): 8000, ("bram", "W1002", "pm_9"): 7500},
        acts=honest_acts(PLAYED),
        records={
            ("order", "W1001"): json.dumps({"status": "return requested", "items": items, "refunded": "49.90 EUR"}),
            ("order", "W1002"): json.dumps({"status": "delivered", "items": [{"id": "i1", "state": "ordered"}], "refunded": "5.00 EUR"}),
            ("complaint", "c1"): "{}",
        },
        customers=_books().customers,
    )


def _ended(rows: list[StepRow], now: BooksSnapshot, problems: tuple[str, ...] = ()) -> DemoResult:
    return DemoResult(
        url="http://localhost:1",
        cast=PLAYED,
        rows=rows,
        balances=balances(_books(), now, HONEST_MONEY),
        others=differences(_books(), now, acts=honest_acts(PLAYED), changes=honest_records(PLAYED)),
        verified=OfflineVerification(entries=1, receipts=1, problems=problems),
    )


def test_a_run_in_which_all_is_well_ends_with_0() -> None:
    assert (_ended(_played(), _after()).wrong, _ended(_played(), _after()).code) == ([], 0)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        (_row("hijacked", "other_account"), StepVerdict.GOT_THROUGH),
        (_row("splitter", "slice_2", outcome="failed"), StepVerdict.GOT_THROUGH),
        (_row("borrower", "ask", decision="refuse", code="desk.unavailable", outcome=""), StepVerdict.OTHERWISE),
        (_row("honest", "refund", decision="refuse", code="policy.forbidden", outcome=""), StepVerdict.NOT_DONE),
        (_row("honest", "refund", outcome="unknown"), StepVerdict.NOT_DONE),
        (_row("honest", "another"), StepVerdict.UNKNOWN),
    ],
)
def test_one_row_that_is_not_as_it_must_be_fails_the_run(changed: StepRow, verdict: StepVerdict) -> None:
    rows = [row for row in _played() if (row.agent, row.step) != (changed.agent, changed.step)] + [changed]
    expected = next(part.expected for part in PLAYED if part.name == changed.agent)
    assert judge_step(changed, expected) is verdict
    ended = _ended(rows, _after())
    assert ended.code == 1
    assert not ended.report()["ok"]
    assert ended.wrong == [f"{changed.agent}: {changed.step}: {verdict.value}"]


def test_an_attack_that_was_not_tried_proves_nothing() -> None:
    rows = [row for row in _played() if row.agent != "zombie"]
    found = judge_all(rows, {part.name: part.expected for part in PLAYED})
    assert {verdict for _, verdict in found} == {StepVerdict.MISSING}
    assert _ended(rows, _after()).code == 1


@pytest.mark.parametrize(
    "now",
    [
        replace(_after(), money={**_after().money, ("bram", "W1002", "pm_9"): 7000}),
        replace(_after(), money={**_after().money, ("anna", "W1003", "pm_9"): -900}),
        replace(_after(), acts={**honest_acts(PLAYED), ("anna", "offer.accept"): 1}),
        replace(_after(), acts={**honest_acts(PLAYED), ("anna", "order.return"): 3}),
        replace(_after(), customers={"anna": '{"identity.birth_date":"1999-01-01"}'}),
        replace(_after(), records={**_after().records, ("order", "W1009"): "{}"}),
        replace(
            _after(),
            records={**_after().records, ("order", "W1001"): _after().records["order", "W1001"].replace("returning", "ordered", 1)},
        ),
    ],
)
def test_books_that_honest_work_would_not_leave_fail_the_run_whatever_agents_say(now: BooksSnapshot) -> None:
    assert _ended(_played(), now).code == 1


def test_a_log_that_does_not_verify_fails_the_run() -> None:
    assert _ended(_played(), _after(), ("the log does not verify",)).code == 1


def test_a_folder_of_somebody_else_is_never_emptied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert main(["demo", "--smoke", "--dir", str(tmp_path)]) == 1
    assert "is not a demo's folder" in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_busy_port_that_was_asked_for_is_told_with_a_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["demo", "--smoke", "--dir", str(tmp_path / "d"), "--port", str(port)]) == 1
    assert f"port {port} is in use" in capsys.readouterr().err


@pytest.mark.parametrize("what", [["--ask"], ["--links"], ["--act-as", "customer"], ["--smoke", "--keep"]])
def test_what_needs_a_demo_says_so_where_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], what: list[str]) -> None:
    assert main(["demo", "--dir", str(tmp_path / "d"), *what]) == 1
    assert " Cure: " in capsys.readouterr().err


def test_stopping_where_nothing_runs_is_done_already(tmp_path: Path) -> None:
    assert main(["demo", "--dir", str(tmp_path / "d"), "--stop"]) == 0


def test_one_run_at_a_time_has_a_folder(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "d")
    with folder.held(command="remit demo"):
        assert folder.is_held()
        with pytest.raises(DemoStopped), folder.held(command="remit demo"):
            pass
    assert not folder.is_held()


def test_what_an_agent_writes_does_not_steer_the_terminal() -> None:
    out = io.StringIO()
    screen = Screen(out, coloured=False)
    screen.row(replace(_row("hijacked", "other_data"), tried="\x1b[2Jread\r\n it", why="\x1b]0;x\x07 why"), StepVerdict.FINE)
    screen.note("\x1b[31mred")
    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()
    assert max(len(line) for line in out.getvalue().splitlines()) <= 100


def test_a_kept_software_passkey_is_the_same_one() -> None:
    passkey = SoftPasskey("http://localhost:1")
    passkey.get({"challenge": "AAAA"})
    again = SoftPasskey.from_kept(json.loads(json.dumps(passkey.kept())))
    assert again.kept() == passkey.kept()
    assert again.get({"challenge": "AAAA"})["id"] == passkey.get({"challenge": "AAAA"})["id"]
