"""The quickstart, as it is printed: its commands, its two programs, and what it says comes of them."""

import _thread
import json
import re
import shlex
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import remit, serve  # noqa: F401  # fixtures of the command line's own tests
from cli.running import Run, Serve
from journeys.played import Anna
from remit.client import Refused, new_key

PAGE = (Path(__file__).parents[2] / "docs" / "quickstart.md").read_text(encoding="utf-8")
KEYS, AGENT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
CLIENT = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8"), re.DOTALL)[0]
POLICIES = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8"), re.DOTALL)[
    0
]
COMMANDS = [line[2:] for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
REFUSED = re.findall(r"^\| `await (task\.ask\(.*?\))`.*\| `([a-z_.]+)` \|$", PAGE, re.MULTILINE)


def apart(work: Callable[[], None], wrong: list[BaseException]) -> threading.Thread:
    """Anna does this while the agent waits: she is not part of its program. When she cannot, the agent need not wait on."""

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test shall say it
            wrong.append(error)
            _thread.interrupt_main()

    person = threading.Thread(target=run)
    person.start()
    return person


def run_client(anna: Anna, url: str, folder: Path) -> tuple[object, ...]:
    """The first example of `docs/client.md`, after the quickstart; what it prints last."""
    (folder / "client.pem").write_text((folder / "agent.pem").read_text())
    (folder / "proof.pem").write_text(new_key())
    printed: list[tuple[object, ...]] = []
    people: list[threading.Thread] = []
    wrong: list[BaseException] = []

    def allow_and_confirm() -> None:
        anna.allow(str(printed[0][0]))
        anna.confirm()

    def told(*what: object) -> None:
        printed.append(what)
        if len(printed) == 1:
            people.append(apart(allow_and_confirm, wrong))

    program = CLIENT.replace("https://support.acme.example", url)
    try:
        exec(compile(program, "client.py", "exec"), {"__name__": "client", "print": told})
    except KeyboardInterrupt:
        raise wrong[0] from None
    for person in people:
        person.join(30)
    return printed[-1]


def test_the_commands_are_the_ones_this_test_knows() -> None:
    assert [shlex.split(one)[:2] for one in COMMANDS] == [
        ["make", "setup"],
        ["export", "PATH=$PWD/.venv/bin:$PATH"],
        ["remit", "init"],
        ["remit", "check"],
        ["python", "keys.py"],
        ["remit", "agent"],
        ["remit", "person"],
        ["remit", "serve"],
        ["remit", "verify-log"],
    ]


def test_the_quickstart_works_as_it_is_printed(
    remit: Run,  # noqa: F811  # the fixture
    serve: Serve,  # noqa: F811  # the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "src"))
    _, _, init, check, _, add, invite, _, verify = (shlex.split(one)[1:] for one in COMMANDS)
    made = remit(*init, "--json").json
    assert made["customers"] == ["anna", "bram"]
    checked = remit(*check, "--json")
    assert checked.code == 0
    assert checked.json["ok"]
    exec(compile(KEYS, "keys.py", "exec"), {"__name__": "keys"})
    assert remit(*add).code == 0
    code = remit(*invite, "--json").json["code"]

    serving = serve(tmp_path / "my-desk")
    anna = Anna(serving.url, code)
    printed: list[tuple[object, ...]] = []
    people: list[threading.Thread] = []
    wrong: list[BaseException] = []

    def told(*what: object) -> None:
        printed.append(what)
        if isinstance(what[0], str) and what[0].startswith(serving.url):
            people.append(apart(lambda: anna.allow(str(what[0])), wrong))
        if what[0] == "needs_human":
            people.append(apart(anna.confirm, wrong))

    program = AGENT.replace("http://localhost:8080", serving.url)
    tried: list[tuple[str, str, str]] = []
    # As printed; then again with the asks of step 6 at the end, as its reader does.
    for once, said in ((program, "done"), (program.replace(LAST, f"{LAST}{TRIES}"), "failed")):
        printed.clear()
        try:
            exec(
                compile(once, "agent.py", "exec"),
                {"__name__": "agent", "print": told, "refused": REFUSED, "Refused": Refused, "tried": tried},
            )
        except KeyboardInterrupt:
            raise wrong[0] from None
        for person in people:
            person.join(30)
        assert [what[0] for what in printed[1:]] == ["done", "needs_human", said]
        assert printed[1][1]["order.status"]  # type: ignore[index]  # the result
        assert printed[2][1] == ("customer",)
    assert [(code, got) for _, code, got in tried if code != got] == []
    assert len(tried) == len(REFUSED) == 4
    assert run_client(anna, serving.url, tmp_path)[0] == "done"
    receipt = json.dumps(anna.browser.get("/me/v1/history").json())
    assert "order.return" in receipt
    anna.browser.close()
    assert serving.stop() == 0
    assert remit(*verify).code == 0
    exec(compile(POLICIES, "policies.py", "exec"), {"__name__": "policies"})


# The asks of step 6, each tried at the end of the task.
LAST = "            print(sent.outcome, sent.result)\n"
TRIES = """            for text, code in refused:
                try:
                    await eval(text, {"task": task})
                    tried.append((text, code, ""))
                except Refused as error:
                    tried.append((text, code, error.code))
"""
