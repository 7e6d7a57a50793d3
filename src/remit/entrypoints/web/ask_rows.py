"""The entries of one ask as one row: the decision, the answers and the outcome, told by the state they lead to.

Pure. `fold_asks` gathers, `ask_row_text` tells; other entries pass through as rows of their own.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Catalogue
from remit.domain.confirm.render_values import Names
from remit.domain.i18n import marked
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject, list_of, object_of
from remit.domain.words.excess import WordsState
from remit.entrypoints.web.act_text import (
    act_phrase,
    act_row,
    decision_state,
    officer_name,
    outcome_state,
    wish_sentence,
)
from remit.entrypoints.web.entry_details import EntryContext
from remit.entrypoints.web.entry_parties import NO_PARTIES, EntryParties, waiting_text
from remit.entrypoints.web.entry_text import entry_text, lead_of

_FOLDED: Final = frozenset({
    *("act.performed", "act.reconciled", "ask.decided", "confirmation.answered", "confirmation.expired"),
    *("confirmation.handed", "confirmation.taken", "reply.sent", "words.answered"),
})  # fmt: skip
_ACTS: Final = frozenset({"act.performed", "act.reconciled", "reply.sent"})
_NO: Final = frozenset({"no", "no_and_end", "silence", "withdrawn"})


@struct(frozen=True, kw_only=True)
class AskRow:
    """Entries that belong together, oldest first: those of one ask, or one other entry (`ask` is "" then)."""

    ask: str
    entries: tuple[Mapping[str, Json], ...]

    @property
    def last(self) -> Mapping[str, Json]:
        """The newest entry, which tells the state."""
        return self.entries[-1]

    @property
    def decided(self) -> Mapping[str, Json] | None:
        """The newest decision; None where it stands on another page."""
        return next((one for one in reversed(self.entries) if one["kind"] == "ask.decided"), None)

    @property
    def settled(self) -> Mapping[str, Json]:
        """The entry of the ask's result: the outcome, else the newest decision or answer."""
        told = [one for one in self.entries if one["kind"] not in {"confirmation.taken", "confirmation.handed"}]
        acts = [one for one in told if one["kind"] in _ACTS]
        return (acts or told or list(self.entries))[-1]

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The confirmers whose answer is missing; none once the ask is settled."""
        if self.ask == "" or self.settled["kind"] not in {"ask.decided", "confirmation.answered"}:
            return ()
        waiting: list[str] = []
        for one in self.entries:
            waiting = _still_waiting(waiting, str(one["kind"]), object_of(one["envelope"]))
        return tuple(waiting)

    @property
    def taken_by(self) -> str:
        """The id of the officer at work on it; "" where there is none, or the reader does not see it."""
        found = ""
        for one in self.entries:
            if one["kind"] == "confirmation.taken":
                found = str(object_of(one["content"]).get("by", ""))
            elif one["kind"] in {"confirmation.handed", "confirmation.answered"}:
                found = ""
        return found


def _still_waiting(waiting: list[str], kind: str, envelope: JsonObject) -> list[str]:
    if kind == "ask.decided":
        held = envelope.get("decision") != "needs_human" or envelope.get("words") == WordsState.HELD
        confirmed = set(map(str, list_of(envelope.get("confirmed_by"))))
        return [] if held else [one for one in map(str, list_of(envelope.get("who"))) if one not in confirmed]
    if kind == "confirmation.answered":
        over = envelope.get("answer") in _NO
        return [] if over else [one for one in waiting if one != envelope.get("as")]
    if kind == "confirmation.handed":
        gone = set(map(str, list_of(envelope.get("from"))))
        come = list(map(str, list_of(envelope.get("to"))))
        return [one for one in waiting if one not in gone] + [one for one in come if one not in waiting or one in gone]
    return waiting


def fold_asks(rows: Sequence[Mapping[str, Json]]) -> list[AskRow]:
    """Return the rows with the entries of each ask gathered where the first of them stands, in the given order."""
    groups: dict[str, list[Mapping[str, Json]]] = {}
    for row in rows:
        ask = str(object_of(row["envelope"]).get("ask", "")) if row["kind"] in _FOLDED else ""
        groups.setdefault(ask or f"entry {row['entry']}", []).append(row)
    return [
        AskRow(ask="" if key.startswith("entry ") else key, entries=tuple(sorted(found, key=_place)))
        for key, found in groups.items()
    ]


def _place(row: Mapping[str, Json]) -> int:
    place = row["entry"]
    return place if isinstance(place, int) else 0


def row_of_each_entry(
    rows: Sequence[AskRow], about: Mapping[Json, Mapping[str, Json]]
) -> dict[Json, Mapping[str, Json]]:
    """Return facts about entries, such as disputes, by the entry that stands for their row."""
    return {row.last["entry"]: about[one["entry"]] for row in rows for one in row.entries if one["entry"] in about}


def ask_row_text(
    row: AskRow,
    catalogue: Catalogue,
    asks: Mapping[str, JsonObject] | None = None,
    *,
    names: Names | None = None,
    own: bool = True,
    parties: EntryParties = NO_PARTIES,
) -> dict[str, object]:
    """Return a row for a page, as `entry_text` with `steps`: the texts of its entries, oldest first.

    `entry` and `at` are those of the newest entry; `details` those of the decision and the outcome, each once.
    """
    steps = [entry_text(one, catalogue, asks, names=names, own=own, parties=parties) for one in row.entries]
    if len(steps) == 1 and object_of(row.last["envelope"]).get("decision") != "needs_human":
        return {**steps[0], "steps": steps}
    known = EntryContext(catalogue, names or {}, own, parties)
    sentence, look = _told(row, known, asks or {})
    lines = [line for one in steps if isinstance(found := one["details"], list) for line in found]
    return {
        **steps[-1],
        "sentence": sentence,
        "lead": lead_of(sentence, known.agent({"ask": row.ask})),
        "look": look,
        "details": list(dict.fromkeys(map(tuple, lines))),
        "erased": any(one["erased"] for one in steps),
        "steps": steps,
    }


def _told(row: AskRow, known: EntryContext, asks: Mapping[str, JsonObject]) -> tuple[str, str]:
    settled = row.settled
    envelope, content = object_of(settled["envelope"]), object_of(settled["content"])
    base = row.decided or row.last
    about = {**object_of(base["envelope"]), "ask": row.ask}
    asked = object_of(object_of(base["content"]).get("ask")) or asks.get(row.ask, {})
    about = {"action": asked.get("action", ""), **about, "asked": asked}
    waits = row.waits_for
    if settled["kind"] == "ask.decided" and envelope.get("decision") != "needs_human":
        state, look = decision_state(envelope, known)
    elif settled["kind"] in _ACTS:
        state, look = outcome_state(envelope, content, known)
    elif settled["kind"] == "ask.decided" and not waits:
        state, look = decision_state(envelope, known)
        return f"{wish_sentence(about, {'ask': asked}, known)} · {state}", look
    elif waits:
        state = waiting_text(waits, known.catalogue, known.parties, row.taken_by, own=known.own)
        return f"{wish_sentence(about, {'ask': asked}, known)} · {state}", "wait"
    else:
        state, look = _answered(settled, envelope, content, known)
    return act_row(about, act_phrase(about, known), state, known), look


_ANSWERS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "less": (
        marked("you allowed less"),
        marked("the customer allowed less"),
        marked("support allowed less"),
        marked("{name} allowed less"),
    ),
    "no": (
        marked("you declined"),
        marked("the customer declined"),
        marked("support declined"),
        marked("{name} declined"),
    ),
    "yes": (
        marked("you approved"),
        marked("the customer approved"),
        marked("support approved"),
        marked("{name} approved"),
    ),
}
"""Answers, by those who gave them: the reader, the customer, support, and an officer by name."""
_SAME: Final[Mapping[str, str]] = {"no_and_end": "no", "release": "yes", "strip": "yes"}


def _answered(
    settled: Mapping[str, Json], envelope: JsonObject, content: JsonObject, known: EntryContext
) -> tuple[str, str]:
    """Tell the answer that an ask ended with, or waits for its act with."""
    answer = str(envelope.get("answer", ""))
    if answer == "withdrawn":
        return known.catalogue.say("withdrawn"), ""
    if answer == "silence" or settled["kind"] == "confirmation.expired":
        return known.catalogue.say("not answered in time"), "no"
    own, customer, support, by_name = _ANSWERS[_SAME.get(answer, answer if answer in _ANSWERS else "no")]
    look = "no" if answer in _NO else "ok"
    if envelope.get("as") == CUSTOMER:
        return known.catalogue.say(own if known.own else customer), look
    named = officer_name(content, known)
    return known.catalogue.say(by_name, name=named) if named else known.catalogue.say(support), look
