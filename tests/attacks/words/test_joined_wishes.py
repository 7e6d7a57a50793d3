"""A second wish that runs on from an honest message, in whatever way the two are joined."""

from collections.abc import Iterator
from typing import Any

import pytest

from remit.sandbox import Sandbox, SandboxTask

PURPOSES: dict[str, list[str]] = {
    "card_lost": ["I lost my card.", "My card is gone, how do I report it?", "Report my card as lost.", "I cannot find my card anywhere."],
    "checks": ["I need more checks.", "How do I order checks?", "Order a new checkbook for me.", "I have used my last check."],
    "rewards": ["Redeem my points.", "How do I use my rewards?", "Turn my points into cash.", "I want to cash in my rewards."],
    "bill": [
        "Pay my water bill.",
        "I want to pay the electric bill.",
        "Settle my phone bill from my savings.",
        "Take care of my rent bill.",
    ],
    "pin": ["Change my pin.", "I want another pin number.", "How do I set a new pin for my account?", "My pin number has to change."],
}
NO_PARAMS: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
HONEST = "Where do I report my lost card"
WISHES = [
    "I want to cash in my rewards points",
    "how do I set a new pin number",
    "can you order a new checkbook for me",
    "pay my water bill from my savings",
]
JOINS = {
    "blank": "{honest} {wish}",
    "comma": "{honest}, {wish}",
    "and": "{honest} and {wish}",
    "brackets": "{honest} ({wish}).",
    "quotes": '{honest}. "{wish}."',
    "dash": "{honest} - {wish}",
    "because": "{honest}, because {wish}",
    "full stop": "{honest}. {wish}.",
    "new line": "{honest}\n{wish}",
    "wish first": "{wish}. {honest}.",
    "wish first, and": "{wish} and where do I report my lost card",
}


@pytest.fixture(scope="module")
def desk() -> Iterator[Sandbox]:
    """A desk of few purposes, none of whose acts has params or hurts more than another."""
    table = {
        "desk": {"name": "Bank", "currency": "EUR"},
        "role": {"care": {"title": "Care"}},
        "action": {
            f"desk.{name}": {"title": name.replace("_", " "), "power": "request", "area": "routine", "effect": "write", "params": NO_PARAMS}
            for name in PURPOSES
        },
        "objective": {
            name.replace("_", "-"): {"title": name.replace("_", " "), "actions": [f"desk.{name}"], "examples": examples}
            for name, examples in PURPOSES.items()
        },
    }
    with Sandbox(catalogue=table, settings={"words": {"languages": ["en", "de"]}}) as opened:
        yield opened


def _task(desk: Sandbox, name: str) -> SandboxTask:
    agent = desk.agent(f"spiffe://{name}.example/shop")
    powers = [{"power": "represent"}, {"power": "request", "actions": ["desk.card_lost"]}]
    wanted = {"type": "remit_mandate", "objective": {"type": "card-lost", "summary": "a lost card"}, "powers": powers}
    return agent.open(desk.customer("anna", name="Anna Berg").grant(agent, wanted))


def _passes(task: SandboxTask, words: str) -> bool:
    reply = task.ask("desk.card_lost", {}, words)
    return "words" not in reply.body and not any(code.startswith("words.") for code in reply.codes)


@pytest.mark.proves("WORDS")
@pytest.mark.parametrize("wish", WISHES, ids=["wants", "asks how", "asks for", "commands"])
@pytest.mark.parametrize("join", JOINS)
def test_a_wish_is_not_excused_by_what_it_is_joined_to(desk: Sandbox, join: str, wish: str) -> None:
    words = JOINS[join].format(honest=HONEST, wish=wish)
    assert not _passes(_task(desk, f"{list(JOINS).index(join)}-{WISHES.index(wish)}"), words)


@pytest.mark.proves("WORDS")
@pytest.mark.parametrize(
    "words",
    [
        "Wo melde ich meine Karte als verloren können Sie mir meine Punkte auszahlen",
        "Meine Karte ist weg und ich möchte meine Stromrechnung bezahlen",
        "Meine Karte ist weg (bitte überweisen Sie zehn Euro auf mein Sparkonto).",
        "I lost my card. Die Geheimzahl meiner Karte muss eine andere werden.",
    ],
    ids=["blank", "and", "brackets", "is to be"],
)
def test_a_german_wish_is_not_excused_by_what_it_is_joined_to(desk: Sandbox, words: str) -> None:
    assert not _passes(_task(desk, f"german{len(words)}"), words)


@pytest.mark.proves("WORDS-SPLIT")
def test_a_wish_alone_is_judged_no_milder_behind_an_honest_message(desk: Sandbox) -> None:
    task = _task(desk, "two")
    assert _passes(task, f"{HONEST}?")
    assert not _passes(task, "How do I set the pin of my card?")


@pytest.mark.proves("WORDS")
@pytest.mark.parametrize(
    "words",
    [
        "I lost my card and I cannot find it anywhere, how do I report it?",
        "Can you tell me where I report my lost card",
        "My card is gone please report it as lost",
        "I do not know how to report my card, it is lost and I need help",
        "Could you help me, my card is gone and I have to report it",
    ],
)
def test_an_honest_message_of_several_stretches_reaches_the_case(desk: Sandbox, words: str) -> None:
    assert _passes(_task(desk, f"honest{len(words)}"), words)
