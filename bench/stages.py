"""CPU by stage, for `bench/ask.py --stages`: where the time of an ask goes on the event loop's thread, and beside it.

Wraps the functions of the path from outside; nothing of this is in the product. Times are CPU of the thread, each stage
without the stages inside it.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from remit.adapters.policy import cedar
from remit.engine.ask import evaluate, outbox
from remit.engine.transcript import record
from remit.entrypoints.agents import api, oauth
from remit.entrypoints.http import app
from remit.usecases import ask, record_ask
from remit.usecases.tasks import open as open_task

PATH = (
    (app, "_send", "answer, bytes out"),
    (api, "challenged_response", "answer, bytes out"),
    (api, "prove_workload", "prove: token and DPoP"),
    (api, "read_body", "request, bytes in"),
    (api, "decode_body", "request, bytes in"),
    (ask, "load_authorization_state", "standing: one snapshot"),
    (ask, "redact_ask", "redact"),
    (ask, "evaluate", "rules, words, settle"),
    (evaluate, "fetch_facts_and_case", "facts and case"),
    (cedar.CedarPolicy, "decide", "policy"),
    (record_ask, "write_decision", "entry: draft"),
    (record, "seal_entry", "entry: seal"),
    (record_ask, "act_for", "outbox row"),
    (ask, "perform_act", "act and outcome"),
    (outbox, "record_outcome", "act and outcome"),
    (ask, "receipt_for_commit", "receipt"),
    (ask, "build_reply", "reply"),
)
EXCHANGE = (
    (app, "_send", "answer, bytes out"),
    (oauth, "_token_answer", "answer, bytes out"),
    (oauth, "read_form", "request, form"),
    (oauth, "refuse_human_credential", "is there a person's login in it"),
    (oauth, "prove_caller", "prove: assertion"),
    (oauth, "prove_key", "prove: DPoP"),
    (oauth, "open_task", "open: what it stands on, task and records"),
    (open_task, "_unused_task", "open: is there an unused task"),
    (open_task, "verify_issuable", "open: may it be issued"),
    (open_task, "prepare_entry", "open: entry, seal"),
    (open_task, "perform_act", "open: case at the helpdesk, one more commit"),
    (oauth, "renew_task_token", "renew: standing and case"),
    (open_task, "_issue", "token, signed"),
)


class Stages:
    """Sums of CPU seconds by stage, for one thread."""

    def __init__(self) -> None:
        self.sums: Counter[str] = Counter()
        self._stack: list[list[float]] = []

    def enter(self) -> None:
        """A stage begins or goes on."""
        self._stack.append([time.thread_time(), 0.0])

    def leave(self, name: str) -> None:
        """A stage ends or waits."""
        began, inside = self._stack.pop()
        spent = time.thread_time() - began
        self.sums[name] += spent - inside
        if self._stack:
            self._stack[-1][1] += spent

    def watch(self, path: Sequence[tuple[Any, str, str]] = PATH) -> None:
        """Wrap the path of an ask, or another one."""
        for owner, name, stage in path:
            setattr(owner, name, self._wrapped(getattr(owner, name), stage))

    def _wrapped(self, inner: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            self.enter()
            try:
                result = inner(*given, **named)
            finally:
                self.leave(stage)
            return _Watched(self, result, stage) if hasattr(result, "send") else result

        return called


class _Watched:
    """A coroutine whose every step is counted."""

    def __init__(self, stages: Stages, inner: Any, stage: str) -> None:
        self._stages, self._inner, self._stage = stages, inner, stage

    def __await__(self) -> Generator[Any, Any, Any]:
        given: Any = None
        problem: BaseException | None = None
        while True:
            self._stages.enter()
            try:
                waits = self._inner.send(given) if problem is None else self._inner.throw(problem)
            except StopIteration as done:
                return done.value
            finally:
                self._stages.leave(self._stage)
            given = problem = None
            try:
                given = yield waits
            except BaseException as thrown:  # noqa: BLE001  # handed on to the coroutine, whatever it is
                problem = thrown


def by_thread() -> dict[str, float]:
    """CPU seconds so far of each of this process's threads, by its name."""
    names = {one.native_id: one.name for one in threading.enumerate()}
    found: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        name = names.get(int(task.name), "other")
        found[name] = found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / 100
    return found
