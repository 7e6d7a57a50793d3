"""The tools of the MCP door: their names, and their definitions from the actions a task grants.

A tool is called like its action, with an underscore for the dot: model APIs take no dot in a name. The action's own name
is taken in a call, too. ⚔ Names are compared byte for byte: a look-alike is another name, and unknown.
"""

import re
from collections.abc import Mapping
from typing import Final

from remit.domain.catalogue.model import Action, Area, Catalogue, Effect, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.mandate.tools import GrantedAction
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject
from remit.usecases.tasks.task import TaskTools

TASK_STATUS: Final = "task_status"
ASK_STATUS: Final = "ask_status"
READ_INBOX: Final = "read_inbox"
COMPLETE: Final = "complete_task"
MAX_WAIT_S: Final = 30
WORDS: Final = "words"
KEY: Final = "idempotency_key"
_OPEN: Final = re.compile(r"\{[^{}]*\}")
_WAIT: Final[JsonObject] = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAX_WAIT_S,
    "description": "Seconds to wait for news before the call returns",
}
_READS: Final[JsonObject] = {
    "readOnlyHint": True,
    "destructiveHint": False,
    "idempotentHint": True,
    "openWorldHint": False,
}
_SPEAKS: Final[JsonObject] = {
    "type": "string",
    "minLength": 1,
    "description": "A message to support about exactly this request. Leave it out when there is nothing to say; a message that asks for more than the request is blocked.",
}
_REPEATS: Final[JsonObject] = {
    "type": "string",
    "pattern": "^[!-~]{1,255}$",
    "description": "Repeating a call with the same value and arguments gives the same answer and acts only once.",
}


def _own(name: str, title: str, text: str, properties: JsonObject, *required: str, **hints: bool) -> JsonObject:
    schema: dict[str, Json] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return {
        "name": name,
        "title": title,
        "description": text,
        "inputSchema": schema,
        "annotations": {"title": title, **_READS, **hints},
    }


OWN: Final[Mapping[str, JsonObject]] = {
    str(one["name"]): one
    for one in (
        _own(
            TASK_STATUS,
            "See the state of the task",
            "Get the state of this task, what is left of its limits, and which requests need a person's approval.",
            {},
        ),
        _own(
            ASK_STATUS,
            "See the outcome of a request",
            "Get the outcome of an earlier request of this task, for example whether a person has approved it.",
            {"ask": {"type": "string", "description": "The `ask` of the earlier answer"}, "wait": _WAIT},
            "ask",
        ),
        _own(
            READ_INBOX,
            "Read messages from support",
            "Read the messages from support in this case, from number `after` on.",
            {"after": {"type": "integer", "minimum": 0}, "wait": _WAIT},
        ),
        _own(
            COMPLETE,
            "End the task",
            "End this task when you need nothing more. The case stays open; further calls are refused.",
            {},
            readOnlyHint=False,
        ),
    )
}


@struct(frozen=True)
class ToolNames:
    """The names of a catalogue's actions as tools, both ways."""

    tools: Mapping[str, str]
    actions: Mapping[str, str]

    def action(self, tool: str) -> str:
        """Return the action called by a name; an unknown name stands for itself."""
        return self.actions.get(tool, tool)


def tool_names(catalogue: Catalogue) -> ToolNames:
    """Name the actions of a catalogue as tools; where two would have one name, the later keeps its dot."""
    tools: dict[str, str] = {}
    actions: dict[str, str] = {}
    for name in sorted(catalogue.actions):
        plain = name.replace(".", "_")
        tool = name if plain in actions or plain in OWN else plain
        tools[name] = tool
        actions[tool] = name
    return ToolNames(tools, actions)


def tool_list(granted: TaskTools, catalogue: Catalogue, names: ToolNames) -> list[JsonObject]:
    """Return the definitions of a task's tools in a steady order: the desk's before those of the case, reads first."""
    speaks = any(one.action.power is PowerKind.REPRESENT for one in granted.actions)
    after = catalogue.objective(granted.objective).after
    found = [
        _definition(one, catalogue, names, speaks=speaks, after=after.get(one.action.name, ()))
        for one in sorted(granted.actions, key=_place)
    ]
    return [*found, *OWN.values()]


def _place(granted: GrantedAction) -> tuple[bool, bool, str]:
    return (granted.action.builtin, granted.action.effect is Effect.WRITE, granted.action.name)


def _definition(
    granted: GrantedAction, catalogue: Catalogue, names: ToolNames, *, speaks: bool, after: tuple[str, ...]
) -> JsonObject:
    action = granted.action
    title = action_title(action)
    writes = action.effect is Effect.WRITE
    final = writes and (not action.reversible or action.area is not Area.ROUTINE)
    return {
        "name": names.tools[action.name],
        "title": title,
        "description": " ".join(_sentences(granted, catalogue, [names.tools[one] for one in after])),
        "inputSchema": _input_schema(granted, speaks=speaks and action.power is not PowerKind.REPRESENT),
        "annotations": {
            "title": title,
            "readOnlyHint": not writes,
            "destructiveHint": final,
            "idempotentHint": not writes,
            "openWorldHint": False,
        },
    }


def action_title(action: Action) -> str:
    """Return an action's name in words, before any param is known."""
    return action.short or _OPEN.sub("…", action.title).removesuffix(": …")


def _sentences(granted: GrantedAction, catalogue: Catalogue, after: list[str]) -> list[str]:
    action = granted.action
    said = [f"{action_title(action)} at {catalogue.desk}, for the customer who granted it."]
    if action.effect is Effect.READ:
        said.append("It changes nothing.")
        if action.returns:
            said.append(f"It returns, as far as granted: {', '.join(action.returns)}.")
    elif people := sorted(catalogue.floors[action.area]):
        said.append(f"Before it is done, it must be approved on the company's own page by: {', '.join(people)}.")
    if not action.reversible:
        said.append("It cannot be undone.")
    if granted.limits:
        said.append(f"The customer allows it with these limits: {'; '.join(granted.limits)}.")
    if after:
        said.append(f"It comes after: {', '.join(after)}.")
    return said


def _input_schema(granted: GrantedAction, *, speaks: bool) -> JsonObject:
    properties = granted.schema.get("properties")
    params = dict(properties) if isinstance(properties, Mapping) else {}
    if speaks:
        params[own_argument(WORDS, granted.action)] = _SPEAKS
    params[own_argument(KEY, granted.action)] = _REPEATS
    return {**granted.schema, "properties": params}


def own_argument(name: str, action: Action | None) -> str:
    """Return the name of an argument of ours; where the action has a param of that name, with an underscore."""
    return f"_{name}" if action is not None and name in action.named else name


def optional_text(arguments: JsonObject, name: str) -> str | None:
    """Return a text among the arguments.

    Raises:
        Refused: `params.invalid`.
    """
    found = arguments.get(name)
    if found is not None and not isinstance(found, str):
        raise wrong_argument(f"{name} must be a text")
    return found


def whole_argument(arguments: JsonObject, name: str, *, most: int) -> int:
    """Return a whole number among the arguments, 0 where it is missing.

    Raises:
        Refused: `params.invalid`.
    """
    found = arguments.get(name, 0)
    if type(found) is not int or not 0 <= found <= most:
        raise wrong_argument(f"{name} must be a whole number from 0 to {most}")
    return found


def verify_arguments(arguments: JsonObject, tool: str) -> None:
    """Verify that a tool of ours is given no argument it does not have.

    Raises:
        Refused: `params.invalid`.
    """
    schema = OWN[tool]["inputSchema"]
    known = schema.get("properties") if isinstance(schema, Mapping) else None
    if isinstance(known, Mapping) and not arguments.keys() <= known.keys():
        raise wrong_argument(f"{tool} takes {', '.join(known) or 'no arguments'}")


def wrong_argument(sentence: str) -> Refused:
    """Build the refusal of an argument."""
    return Refused(Code.PARAMS_INVALID, sentence, public=f"{sentence}.")
