"""Answers of people to an agent's ask in sentences: to its confirmation, and to its held words."""

from collections.abc import Mapping
from typing import Final

from remit.domain.i18n import marked
from remit.domain.values import JsonObject, object_of
from remit.entrypoints.web.act_text import act_phrase, agent_name, officer_name
from remit.entrypoints.web.entry_details import EntryContext


def answer_sentence(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Describe a person's answer to a confirmation."""
    asked, answer = object_of(envelope.get("asked")), str(envelope.get("answer"))
    who = "customer" if envelope.get("as") == "customer" else "desk"
    answers = _ANSWERED[_WITHOUT_PEOPLE.get(answer, who)]
    with_act, without, look = answers.get(answer, answers["no"])
    named = "" if who == "customer" else officer_name(content, known)
    agent = agent_name(envelope, known)
    if named and answer in _BY_NAME:
        with_act, without, look = _BY_NAME[answer]
    if asked.get("action"):
        act = act_phrase({**envelope, "action": asked["action"]}, known)
        return known.said(with_act, act=act, agent=agent, name=named), look
    return known.said(without, agent=agent, name=named), look


_ANSWERED: Final[Mapping[str, Mapping[str, tuple[str, str, str]]]] = {
    "customer": {
        "less": (marked("You allowed less than requested: {act}"), marked("You allowed less than requested."), "ok"),
        "no": (marked("You declined: {act}"), marked("You declined the request."), "no"),
        "no_and_end": (
            marked("You declined the request and ended the task."),
            marked("You declined the request and ended the task."),
            "no",
        ),
        "yes": (marked("You approved: {act}"), marked("You approved the request."), "ok"),
    },
    "desk": {
        "less": (
            marked("Someone from support allowed less than requested: {act}"),
            marked("Someone from support allowed less than requested."),
            "ok",
        ),
        "no": (
            marked("Someone from support declined: {act}"),
            marked("Someone from support declined the request."),
            "no",
        ),
        "no_and_end": (
            marked("Someone from support declined the request and ended the task."),
            marked("Someone from support declined the request and ended the task."),
            "no",
        ),
        "yes": (
            marked("Someone from support approved: {act}"),
            marked("Someone from support approved the request."),
            "ok",
        ),
    },
    "agent": {
        "no": (
            marked("{agent} withdrew its request: {act}. Nothing was done."),
            marked("{agent} withdrew its request. Nothing was done."),
            "",
        )
    },
    "nobody": {
        "no": (
            marked("No one answered in time: {act}. Nothing was done."),
            marked("No one answered in time. Nothing was done."),
            "no",
        )
    },
}
"""Answers by person and word: the sentence with the act, the one without, and its look."""
_WITHOUT_PEOPLE: Final[Mapping[str, str]] = {"silence": "nobody", "withdrawn": "agent"}
_BY_NAME: Final[Mapping[str, tuple[str, str, str]]] = {
    "less": (
        marked("{name} allowed less than requested: {act}"),
        marked("{name} allowed less than requested."),
        "ok",
    ),
    "no": (marked("{name} declined: {act}"), marked("{name} declined the request."), "no"),
    "no_and_end": (
        marked("{name} declined the request and ended the task."),
        marked("{name} declined the request and ended the task."),
        "no",
    ),
    "yes": (marked("{name} approved: {act}"), marked("{name} approved the request."), "ok"),
}
"""The answers of people of the desk, for readers who see their names."""


def handover_sentence(envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Describe a handover."""
    if envelope.get("by") == "rule":
        return known.said("No one from support answered in time. The request went to other team members."), "wait"
    named = officer_name(content, known)
    if named:
        return known.said("{name} handed the request over to a colleague.", name=named), ""
    return known.said("Someone from support handed the request over to a colleague."), ""


_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "no": (marked("Someone from support declined the agent's message and the request with it."), "no"),
    "release": (marked("Someone from support passed on the agent's message. This alone doesn't allow anything."), ""),
    "silence": (marked("No one reviewed the agent's message in time. Nothing was done."), "no"),
    "strip": (marked("Someone from support continued the request without the agent's message."), ""),
    "withdrawn": (marked("{agent} withdrew its request. Nothing was done."), ""),
}


def words_answer_sentence(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Describe an officer's answer on held words."""
    sentence, look = _WORDS.get(str(envelope.get("answer")), _WORDS["no"])
    return known.said(sentence, agent=agent_name(envelope, known)), look


def taken_sentence(_envelope: JsonObject, content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Describe an officer's taking a request."""
    named = officer_name(content, known)
    if named:
        return known.said("{name} is working on the request.", name=named), ""
    return known.said("Someone from support is working on the request."), ""
