"""A token key is published before any process uses it, and verified until the last of its tokens is over; nobody is turned away."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attacks.arena import SEND_BACK, Arena, mandate, open_arena
from remit.__main__ import main
from remit.adapters.signer import file, token_keys
from remit.adapters.signer.file import FileSigner, create_key_folder
from remit.adapters.signer.token_keys import OVERLAP_MS, plan_token_key, read_token_keys, settle_token_keys
from remit.client import calls
from remit.domain.errors import Code, Refused
from remit.sandbox.workloads import SandboxTask

TYP, CLAIMS = "at+jwt", {"sub": "anna"}
START = 1_790_000_000_000
AHEAD, LOOK, LIFE = 60_000, 5_000, 660_000
"""How long a key is published before its use at least, how often a process looks, and how long anything signed lives."""


class Node:
    """A process with a clock of its own, which is off by less than a minute."""

    def __init__(self, folder: Path, skew_ms: int = 0) -> None:
        self.at, self.skew_ms = START, skew_ms
        self.signer = FileSigner(folder, lambda: self.at + self.skew_ms)

    def kids(self) -> list[str]:
        """The published keys."""
        return [one["kid"] for one in self.signer.jwks()["keys"]]  # type: ignore[index,union-attr]  # our own JWK set


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_key_folder(tmp_path / "keys", "desk.example")
    return tmp_path / "keys"


def test_the_next_key_is_published_before_it_signs_and_the_old_one_verified_after(folder: Path) -> None:
    node = Node(folder)
    (old,) = node.kids()
    kid = plan_token_key(folder, now_ms=START, from_ms=START + AHEAD)
    assert node.kids() == [old]
    node.signer.refresh()
    assert node.kids() == [old, kid]
    early = node.signer.sign_jwt(TYP, CLAIMS)
    node.at += AHEAD
    assert node.kids() == [kid, old]
    assert node.signer.verify_jwt(early, TYP) == node.signer.verify_jwt(node.signer.sign_jwt(TYP, CLAIMS), TYP) == CLAIMS
    node.at += OVERLAP_MS
    assert node.kids() == [kid]
    with pytest.raises(Refused) as refused:
        node.signer.verify_jwt(early, TYP)
    assert refused.value.code is Code.CREDENTIAL_WRONG_KEY


def test_a_rotation_settles_the_one_before_and_leaves_no_old_private_key(folder: Path) -> None:
    node = Node(folder)
    plan_token_key(folder, now_ms=START, from_ms=START + AHEAD)
    later = START + AHEAD + 1000
    node.at = later
    node.signer.refresh()
    used = node.kids()[0]
    plan_token_key(folder, now_ms=later, from_ms=later + AHEAD)
    assert next(one.kid for one in read_token_keys(folder) if one.private is not None) == used
    assert sorted(path.name.partition("-")[0] for path in folder.glob("*-*.pem")) == ["next", "retired"]
    settle_token_keys(folder, now_ms=later + AHEAD)
    assert len(read_token_keys(folder)) == 3  # the one in use, and those before it until their tokens are over
    settle_token_keys(folder, now_ms=later + AHEAD + OVERLAP_MS)
    assert [path.name for path in folder.glob("*-*.pem")] == []


def test_no_third_key_is_made_while_one_waits_for_its_time(folder: Path) -> None:
    plan_token_key(folder, now_ms=START, from_ms=START + AHEAD)
    with pytest.raises(Refused, match="published already"):
        plan_token_key(folder, now_ms=START + 1, from_ms=START + 2 * AHEAD)


@settings(max_examples=25)
@given(
    st.lists(st.integers(AHEAD, 4 * AHEAD), min_size=1, max_size=3),
    st.lists(
        st.tuples(st.integers(0, 3_000_000), st.integers(0, LIFE), st.integers(0, LOOK), st.integers(-15_000, 15_000)),
        min_size=1,
        max_size=12,
    ),
)
def test_no_token_is_refused_by_any_process_before_it_is_over(
    tmp_path_factory: pytest.TempPathFactory, ahead: list[int], uses: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("desk") / "keys"
    create_key_folder(folder, "desk.example")
    rotations, at = [], START + 100_000
    for one in ahead:
        rotations.append((at, at + one))
        at += one + 1000
    moments: list[tuple[int, int, Any]] = [(when, 0, until) for when, until in rotations]
    signer, verifier = Node(folder), Node(folder)
    for place, (after, age, lag, skew) in enumerate(uses):
        moments += [(START + after, 1, place), (START + after + age, 2, (place, lag, skew))]
    tokens: dict[int, str] = {}
    look = START
    for when, what, how in sorted(moments, key=lambda one: one[:2]):
        while look <= when:  # both look at the folder in time
            for node in (signer, verifier):
                node.signer.refresh()
            look += LOOK
        if what == 0:
            plan_token_key(folder, now_ms=when, from_ms=how)
        elif what == 1:
            signer.at, signer.skew_ms = when, 15_000
            tokens[how] = signer.signer.sign_jwt(TYP, CLAIMS)
        elif how[0] in tokens:
            verifier.at, verifier.skew_ms = when, how[2]
            assert verifier.signer.verify_jwt(tokens[how[0]], TYP) == CLAIMS


@pytest.mark.parametrize("step", range(8))
def test_a_crash_while_keys_are_settled_loses_none(folder: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    node = Node(folder)
    plan_token_key(folder, now_ms=START, from_ms=START + AHEAD)
    old = node.signer.sign_jwt(TYP, CLAIMS)
    node.at += AHEAD + 1
    node.signer.refresh()
    new = node.signer.sign_jwt(TYP, CLAIMS)
    left = [step]

    class CrashError(Exception):
        """The end of the process."""

    def counted(real: Any) -> Any:
        def run(*args: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise CrashError
            return real(*args)

        return run

    for name in ("replace_file", "remove_file"):
        monkeypatch.setattr(token_keys.key_files, name, counted(getattr(token_keys.key_files, name)))
    with contextlib.suppress(CrashError):
        settle_token_keys(folder, now_ms=node.at)
    monkeypatch.undo()
    fresh = Node(folder)
    fresh.at = node.at
    assert fresh.kids()[0] == node.kids()[0]
    for token in (old, new):
        assert fresh.signer.verify_jwt(token, TYP) == CLAIMS
        assert node.signer.verify_jwt(token, TYP) == CLAIMS


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


def renew(arena: Arena, task: SandboxTask) -> None:
    """Renew a task's token by the arena's clock."""
    task.token = arena.exchange(task.agent, task.id, kind=calls.TASK_TOKEN).json()["access_token"]


@pytest.mark.proves("KEY-OVERLAP")
def test_under_load_nobody_is_turned_away_by_a_rotation(arena: Arena) -> None:
    signer: Any = arena.context.signer
    signer._now_ms = arena.clock.now
    task = arena.task(mandate(max_tasks=5))
    seen: list[int] = []
    kids = {signer.jwks()["keys"][0]["kid"]}
    for turn in range(3):
        now = arena.clock.now()
        kids.add(plan_token_key(signer._directory, now_ms=now, from_ms=now + AHEAD))
        for moved in (LOOK, AHEAD // 2, AHEAD // 2, 30_000, 60_000, 60_000):
            signer.refresh()

            async def all_at_once(sending: list[Any]) -> list[int]:
                return [one.status_code for one in await asyncio.gather(*(one() for one in sending))]

            asked = [arena.asking(task, "order.read", {"order_id": "W1"}, f"{turn}-{moved}-{len(seen)}-{one}") for one in range(8)]
            seen += arena.run(all_at_once(asked))
            arena.clock.ahead_ms += moved
            if moved == 60_000:
                renew(arena, task)
        arena.clock.ahead_ms += 1000
        renew(arena, task)
    assert set(seen) == {200}
    assert len(kids) == 4
    assert arena.ask(task, "order.return", SEND_BACK).json()["decision"] == "needs_human"


@pytest.mark.proves("KEY-OVERLAP")
def test_a_token_made_with_a_stolen_key_dies_with_its_retirement_also_where_it_was_seen_before(arena: Arena) -> None:
    signer: Any = arena.context.signer
    signer._now_ms = arena.clock.now
    task = arena.task()
    stolen = FileSigner(signer._directory, lambda: 0)  # whoever copied the key before
    claims = {**signer.verify_jwt(task.token, "at+jwt"), "exp": arena.clock.now() // 1000 + 86_400, "jti": "stolen"}
    forged = stolen.sign_jwt("at+jwt", claims)
    first = arena.send(task, f"/v1/tasks/{task.id}", method="GET", token=forged)
    assert (first.status_code, first.json()["code"]) == (401, "credential.malformed")
    now = arena.clock.now()
    later_s = (now + AHEAD + OVERLAP_MS) // 1000  # no longer than others live, from then on
    short = stolen.sign_jwt("at+jwt", {**claims, "iat": later_s - 60, "exp": later_s + 240})
    assert arena.send(task, f"/v1/tasks/{task.id}", method="GET", token=short).status_code == 200
    plan_token_key(signer._directory, now_ms=now, from_ms=now + AHEAD)
    signer.refresh()
    arena.clock.ahead_ms += AHEAD + OVERLAP_MS + 1000 - 600_000
    renew(arena, task)
    arena.clock.ahead_ms += 600_000
    late = arena.send(task, f"/v1/tasks/{task.id}", method="GET", token=short)
    assert (late.status_code, late.json()["code"]) == (401, "credential.wrong_key")


def test_the_command_plans_a_rotation_while_the_desk_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = tmp_path / "desk"
    assert main(["init", "--json", str(desk)]) == 0
    capsys.readouterr()
    assert main(["rotate-keys", "--ahead", "600", "--json", "--config", str(desk)]) == 0
    said = json.loads(capsys.readouterr().out)
    keys = read_token_keys(desk / "data" / "keys")
    assert said["kid"] == keys[1].kid
    assert keys[1].from_ms > keys[0].from_ms == 0
    assert main(["rotate-keys", "--ahead", "600", "--json", "--config", str(desk)]) != 0
    assert main(["rotate-keys", "--ahead", "5", "--json", "--config", str(desk)]) != 0
    assert main(["rotate-keys", "--at-once", "--json", "--config", str(desk)]) == 0
    assert len(read_token_keys(desk / "data" / "keys")) == 1
    assert file.OVERLAP_MS == OVERLAP_MS
