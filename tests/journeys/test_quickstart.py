"""The quickstart, as it is printed: its commands, its two programs, and what it says comes of them."""

import _thread
import asyncio
import json
import re
import shlex
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import remit, serve  # noqa: F401  # fixtures of the command line's own tests
from cli.running import Run, Serve
from journeys.played import Anna
from remit.client import Agent, PrivateKeyJwt, Refused, Reply, new_key

PAGE = (Path(__file__).parents[2] / "docs" / "quickstart.md").read_text(encoding="utf-8")
KEYS, AGENT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
CLIENT, SYNC, HANDING_ON, RECEIPTS = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8"), re.DOTALL
)
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


def run_others(anna: Anna, url: str, identity: PrivateKeyJwt, other: PrivateKeyJwt) -> tuple[str, Reply]:
    """The second and third example: what the second prints, under a mandate granted before, and a reply that has a receipt."""
    names: dict[str, Any] = {"__name__": "handing_on"}
    exec(compile(HANDING_ON.replace("W123", "W1001"), "handing_on.py", "exec"), names)
    proof = Path("proof.pem").read_text()
    wrong: list[BaseException] = []

    async def both() -> tuple[str, Reply]:
        async with Agent(desk=url, identity=identity, key=proof) as mine, Agent(desk=url, identity=other) as theirs:
            mandate = await mine.request_mandate(
                objective="return-item",
                target={"order": ["W1001"]},
                powers=[
                    {"power": "represent"},
                    {"power": "receive", "attributes": ["order.status", "order.items"]},
                    {"power": "request", "actions": ["order.return"], "uses": 1},
                ],
                chain=1,
                chain_operators=["courier.example"],
                max_tasks=4,
                on_url=lambda address: apart(lambda: anna.allow(address), wrong),
            )
            async with mandate.task() as task:
                reply = await task.ask("order.read", {"order_id": "W1001"})
            printed = await asyncio.to_thread(run_sync, url, identity, mandate.id)
            part = await names["hand_on"](mandate, names["introduce"](theirs))
            await names["work"](theirs, part.id)
            return printed, reply

    try:
        return asyncio.run(both())
    except KeyboardInterrupt:
        raise wrong[0] from None


def run_sync(url: str, identity: PrivateKeyJwt, mandate: str) -> str:
    """The second example; what it prints. A registered key stands for the platform's SVID."""
    program = re.sub(r"man_[a-z0-9]+", mandate, SYNC.replace("https://support.acme.example", url))
    printed: list[str] = []
    own = {"print": lambda *what: printed.append(str(what)), "identity": identity}
    exec(compile(program.replace('JwtSvidFile("/run/svid")', "identity"), "sync.py", "exec"), {"__name__": "sync", **own})
    return printed[-1]


def run_rest(anna: Anna, url: str, folder: Path, key: str) -> None:
    """The other examples of `docs/client.md`, after the first."""
    (folder / "proof.pem").write_text(new_key())
    mine, other = (
        PrivateKeyJwt(f"https://{name}.example/agent", (folder / where / "agent.pem").read_text(), "k1")
        for name, where in (("helper", "."), ("courier", "other"))
    )
    printed, reply = run_others(anna, url, mine, other)
    assert "order.status" in printed
    assert check_receipt(reply, key)[0][0] == "my-desk.remit.invalid"


def check_receipt(reply: Reply, key: str) -> list[tuple[object, ...]]:
    """The fourth example, on a receipt of the walk."""
    printed: list[tuple[object, ...]] = []
    names: dict[str, Any] = {"__name__": "receipts", "print": lambda *what: printed.append(what)}
    exec(compile(RECEIPTS, "receipts.py", "exec"), names)
    names["check"](json.dumps(reply.receipt).encode(), key, reply.ask)
    return printed


def add_courier(remit: Run, add: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811  # the fixture
    """Another agent, registered as the first one was: a part is handed on to it."""
    (folder / "other").mkdir()
    monkeypatch.chdir(folder / "other")
    exec(compile(KEYS, "keys.py", "exec"), {"__name__": "keys"})
    monkeypatch.chdir(folder)
    changed = ("helper.example", "courier.example"), ("agent.jwks", "other/agent.jwks"), ("Helper", "Courier")
    for old, new in changed:
        add = [one.replace(old, new) for one in add]
    assert remit(*add).code == 0


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
    add_courier(remit, add, tmp_path, monkeypatch)
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
        if said == "done":  # before the asks of step 6: they raise the risk, and a person is asked about each read
            run_rest(anna, serving.url, tmp_path, made["log_key"])
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
