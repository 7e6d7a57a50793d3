"""How pages tell what people answered to what waited for them, and what an agent had asked.

What else an entry says is in `telling`.
"""

from collections.abc import Mapping
from typing import Final

from remit.domain.ids import is_dotted
from remit.domain.rendering_values import quoted
from remit.domain.rendering_values import told as titled
from remit.domain.speech import marked
from remit.domain.values import Json, JsonObject
from remit.entrypoints.web.entry_details import Known

_LONGEST_NAME: Final = 60


def answered(envelope: JsonObject, _content: JsonObject, known: Known) -> tuple[str, str]:
    """Somebody's answer to what they were asked to confirm."""
    asked, answer = object_of(envelope.get("asked")), str(envelope.get("answer"))
    who = "customer" if envelope.get("as") == "customer" else "desk"
    answers = _ANSWERED["nobody" if answer == "silence" else who]
    with_act, without, look = answers.get(answer, answers["no"])
    if asked.get("action"):
        return known.said(with_act, act=asked_act({**envelope, "action": asked["action"]}, known)), look
    return known.said(without), look


_ANSWERED: Final[Mapping[str, Mapping[str, tuple[str, str, str]]]] = {
    "customer": {
        "less": (marked("You agreed to less than: {act}."), marked("You agreed to less than was asked."), "ok"),
        "no": (marked("You said no to: {act}."), marked("You said no."), "no"),
        "no_and_end": (marked("You said no and ended the task."), marked("You said no and ended the task."), "no"),
        "yes": (marked("You agreed to: {act}."), marked("You agreed."), "ok"),
    },
    "desk": {
        "less": (
            marked("An officer of the desk agreed to less than: {act}."),
            marked("An officer of the desk agreed to less than was asked."),
            "ok",
        ),
        "no": (marked("An officer of the desk said no to: {act}."), marked("An officer of the desk said no."), "no"),
        "no_and_end": (
            marked("An officer of the desk said no and ended the task."),
            marked("An officer of the desk said no and ended the task."),
            "no",
        ),
        "yes": (marked("An officer of the desk agreed to: {act}."), marked("An officer of the desk agreed."), "ok"),
    },
    "nobody": {
        "no": (
            marked("Nobody answered in time to: {act}, so nothing was done."),
            marked("Nobody answered in time, so nothing was done."),
            "no",
        )
    },
}
"""Who said what: the sentence with what was asked, the one without, and how it looks."""


def handed(envelope: JsonObject, _content: JsonObject, known: Known) -> tuple[str, str]:
    """Others were asked."""
    if envelope.get("by") == "rule":
        return known.said("Nobody of the desk answered in time, so others of the desk were asked."), "wait"
    return known.said("An officer of the desk handed what waits over to a colleague."), ""


_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "no": (marked("An officer of the desk refused what the agent wrote, and what it asked with it."), "no"),
    "release": (marked("An officer of the desk passed on what the agent wrote. That allowed nothing."), ""),
    "silence": (marked("Nobody looked at what the agent wrote in time, so nothing was done."), "no"),
    "strip": (marked("An officer of the desk let the agent ask without what it wrote."), ""),
}


def words_answered(envelope: JsonObject, _content: JsonObject, known: Known) -> tuple[str, str]:
    """An officer's answer about words that said more than they asked."""
    sentence, look = _WORDS.get(str(envelope.get("answer")), _WORDS["no"])
    return known.said(sentence), look


def asked_act(envelope: JsonObject, known: Known) -> str:
    """What an entry is about, as people say it."""
    name = str(envelope.get("action", ""))
    action = known.catalogue.actions.get(name)
    params = object_of(object_of(envelope.get("asked")).get("params"))
    if action is None:
        return unlisted(name, known)
    return titled(action, params, known.names, known.catalogue.say)


def unlisted(name: str, known: Known) -> str:
    """What to call an action that the catalogue does not have. ⚔ Its name is whatever the agent wrote, and no sentence of ours quotes a message."""
    return quoted(name) if is_dotted(name) and len(name) <= _LONGEST_NAME else known.said("something that the desk has no name for")


def object_of(value: Json) -> JsonObject:
    """A part of an entry; empty where it is not there."""
    return value if isinstance(value, Mapping) else {}
