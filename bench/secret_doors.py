"""Whether the doors take out of texts what the functions of the benches say: one desk, each text in a task of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Final

from remit.domain.secrets.find import find_secrets, redact
from remit.domain.secrets.outbound import find_withheld
from remit.sandbox import Sandbox, SandboxTask
from words_desk import action_name, purpose_name, purposes_table

PURPOSE: Final = "track_an_order"
WORDS: Final = {"languages": ["en", "de"], "secrets": "redact", "beyond": "refuse", "unrecognised": "refuse"}
"""Refused words are recorded, redacted as they were; stripped ones are not."""


@contextmanager
def _desk() -> Iterator[tuple[Sandbox, Iterator[SandboxTask]]]:
    """A desk, and tasks at it, each of an agent and a customer of its own: no text is read together with another one."""
    with Sandbox(catalogue=purposes_table({PURPOSE: ["where is my order?"]}), settings={"words": WORDS}) as desk:
        yield desk, (_task(desk, number) for number in count())


def _task(desk: Sandbox, number: int) -> SandboxTask:
    agent, customer = desk.agent(f"spiffe://helper{number}.example/bench"), desk.customer(f"c{number}")
    wanted = {
        "type": "remit_mandate",
        "objective": {"type": purpose_name(PURPOSE), "summary": "a question of mine"},
        "powers": [{"power": "represent"}, {"power": "request", "actions": [action_name(PURPOSE)]}],
    }
    return agent.open(customer.grant(agent, wanted))


def recorded_otherwise(texts: Sequence[str]) -> list[str]:
    """Send texts as agents' words; return those that are not recorded as `find_secrets` redacts them."""
    with _desk() as (desk, tasks):
        sent = {next(tasks).ask(action_name(PURPOSE), {}, text).ask: text for text in texts}
        kept = {
            entry["envelope"]["ask"]: entry["agent"]["ask"].get("words")
            for entry in desk.transcript()
            if entry["kind"] == "ask.decided"
        }
    return [text for ask, text in sent.items() if kept.get(ask) != redact(text, find_secrets(text))]


def withheld_otherwise(texts: Sequence[str]) -> list[str]:
    """Send texts as officers' replies; return those of which not what `find_withheld` says is held back."""
    wrong = []
    with _desk() as (desk, tasks):
        officer = desk.officer("olga", ["care"])
        for text in texts:
            path = f"/desk/v1/cases/{next(tasks).case}/reply"
            body = desk.room.raw("POST", path, {"text": text}, cookie=officer.cookie, check=False).json()
            held = {(one["start"], one["end"]) for one in body.get("held", ())}
            if held != {(one.start, one.end) for one in find_withheld(text, {})}:
                wrong.append(text)
    return wrong


def print_doors(texts: Sequence[str], *, officers: bool, show: int = 0) -> None:
    """Print how many of the texts the doors treat as the functions do."""
    doors = {"agents' door": recorded_otherwise, **({"officers' door": withheld_otherwise} if officers else {})}
    for name, otherwise in doors.items():
        wrong = otherwise(texts)
        print(f"{name}: {len(texts) - len(wrong)} of {len(texts)} texts treated as the function does")
        print(*(f"  ! {text!r}" for text in wrong[:show]), sep="\n", end="\n" if show and wrong else "")
