"""The shared part of every agent here: identity, desk, and each step as one JSON object a line.

Each agent's own file holds its attack. The parent process answers on standard input, where an agent waits for
something.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Unpack

from remit.client import Agent, Attachment, Json, Mandate, PrivateKeyJwt, Problem, Refused, RemitError, Reply, Task
from remit.client.values import Wish

_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One agent at one desk. `mandate` is the id of an earlier mandate, if given.

    `aim` is the kind of ask wanted, `order` and `amount` what to ask for, where the part leaves it open.
    """

    desk: str
    client_id: str
    key: str
    kid: str
    proof_key: str
    mandate: str
    patience_s: float
    amount: str = ""
    order: str = ""
    aim: str = ""

    def agent(self) -> Agent:
        """Build the agent, with its own identity and its own proof key."""
        return Agent(desk=self.desk, identity=PrivateKeyJwt(self.client_id, self.key, self.kid), key=self.proof_key)

    def tell(self, at: str, **said: object) -> None:
        """Report to the parent process, as one line."""
        sys.stdout.write(json.dumps({"at": at, **said}, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    async def hear(self, wanted: str, **said: object) -> Mapping[str, str]:
        """Report the awaited event, and read the answer: one JSON object on a line."""
        self.tell("need", wanted=wanted, **said)
        line = await asyncio.to_thread(sys.stdin.readline)
        heard: Mapping[str, str] = json.loads(line or "{}")
        return heard

    async def granted(self, agent: Agent, **wish: Unpack[Wish]) -> Mandate:
        """Ask the customer for a mandate; the address goes to them, never to a page of ours."""
        return await agent.request_mandate(
            on_url=lambda url: self.tell("consent", url=url), timeout=self.patience_s, **wish
        )

    async def ask(  # one ask
        self,
        task: Task,
        step: str,
        tried: str,
        action: str,
        params: Mapping[str, object],
        words: str | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> Reply | None:
        """Ask for one thing, wait for its confirmers, and report the result; None for a refusal."""

        async def settled() -> Reply:
            reply = await task.ask(action, params, words, attachments)
            if reply.needs_human:
                self.tell("waiting", step=step, tried=tried, ask=reply.ask, who=list(reply.who))
            return await reply.wait(timeout=self.patience_s) if reply.pending else reply

        return await self.told(step, tried, settled)

    async def told(self, step: str, tried: str, asking: Callable[[], Awaitable[Reply]]) -> Reply | None:
        """Report the result of an ask; None for a refusal."""
        try:
            reply = await asking()
        except Problem as problem:
            self.refused(step, tried, problem)
            return None
        self.tell(
            "step",
            step=step,
            tried=tried,
            decision=reply.decision,
            code="",
            outcome=reply.outcome,
            result=dict(reply.result),
            withheld=reply.withheld,
            why=reply.detail or "",
            ask=reply.ask,
            receipt=reply.receipt,
        )
        return reply

    def refused(self, step: str, tried: str, problem: Problem) -> None:
        """Report a refusal, in the desk's own words."""
        self.tell(
            "step",
            step=step,
            tried=tried,
            decision="refuse",
            code=problem.code,
            why=_why(problem),
            outcome=None,
            receipt=problem.receipt,
        )

    def report_breach(self, step: str, tried: str, body: Json) -> None:
        """Report that an attack succeeded."""
        self.tell(
            "step",
            step=step,
            tried=tried,
            decision="permit",
            code="",
            outcome="done",
            result={"answer": body},
            receipt=None,
        )


def play(part: Callable[[Stage], Coroutine[None, None, None]]) -> None:
    """Read the command line, play one part, and exit with 1 when it could not be played to its end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--desk", required=True, metavar="URL")
    parser.add_argument("--identity", required=True, metavar="FILE", help="JSON: client_id, key, kid, proof_key")
    parser.add_argument("--mandate", default="", metavar="ID", help="a mandate granted to this identity before")
    parser.add_argument(
        "--patience", type=float, default=_PATIENCE_S, metavar="SECONDS", help="how long to wait for people"
    )
    parser.add_argument(
        "--amount", default="", metavar="MONEY", help="how much to ask for, where the part leaves it open"
    )
    parser.add_argument("--order", default="", metavar="ID", help="which order to ask about, likewise")
    parser.add_argument("--aim", default="", metavar="KIND", help="what kind of ask to make, likewise")
    args = parser.parse_args()
    known = json.loads(Path(args.identity).read_text(encoding="utf-8"))
    identity = {name: str(known[name]) for name in ("client_id", "key", "kid", "proof_key")}
    stage = Stage(
        desk=args.desk,
        mandate=args.mandate,
        patience_s=args.patience,
        amount=args.amount,
        order=args.order,
        aim=args.aim,
        **identity,
    )
    try:
        asyncio.run(part(stage))
    except RemitError as error:
        code = error.code if isinstance(error, Refused) else type(error).__name__
        stage.tell("broken", code=code, why=_why(error) if isinstance(error, Refused) else str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _why(problem: Problem) -> str:
    return " ".join(one for one in (_sentence(problem.detail or problem.title), problem.cure) if one)


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
