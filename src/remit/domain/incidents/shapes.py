"""Messages about incidents in the shape that a receiver wants, as data: JSON with placeholders.

A shape is `{"body": …, "maps": {…}, "escape": "slack"}`. A text in `body` names values as `{name}`; a text that is one
placeholder alone becomes the value itself. `maps` makes further values: `{"level": {"of": "severity", "high": "P1"}}`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from remit.domain.incidents.records import DeliveryRecord
from remit.domain.incidents.titles import title_of
from remit.domain.structs import struct
from remit.domain.text.normalize import make_visible
from remit.domain.values import Json, JsonObject, instant_text

_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_MAX_NAME: Final = 120
_MAPPED: Final = ("event", "kind", "severity", "state")
_MEMBERS: Final = frozenset({"body", "maps", "escape"})
VALUES: Final = frozenset({
    *("agent", "agent_name", "at", "at_ms", "case", "count", "customers", "desk", "detail", "event", "incident", "key"),
    *("kind", "message", "opened_at", "opened_at_ms", "operator", "page", "resolution", "severity", "state", "summary"),
    *("task", "title", "who"),
})  # fmt: skip
"""The names a shape can use. ⚔ None of them is a text that a person wrote, and `customers` is empty by default."""
_ACTIONS: Final[JsonObject] = {
    "of": "event",
    "opened": "trigger",
    "raised": "trigger",
    "released": "trigger",
    "acknowledged": "acknowledge",
    "closed": "resolve",
}
_SAID: Final[JsonObject] = {
    "of": "event",
    "opened": "New incident",
    "raised": "Severity raised",
    "released": "No owner any more",
    "acknowledged": "In progress",
    "closed": "Closed",
}
_CHOSEN: Final = frozenset({"agent", "agent_name", "operator", "summary", "who"})
_FORMATS: Final = str.maketrans("*_~`@#", "\u2217\u02cd\u223c\u02cb\uff20\uff03")
SHAPES: Final[Mapping[str, JsonObject]] = {
    "remit": {
        "body": {
            "type": "remit.incident",
            "timestamp": "{at}",
            "data": {
                "id": "{message}",
                "desk": "{desk}",
                "event": "{event}",
                "incident": "{incident}",
                "title": "{title}",
                "kind": "{kind}",
                "detail": "{detail}",
                "severity": "{severity}",
                "state": "{state}",
                "resolution": "{resolution}",
                "agent": "{agent}",
                "agent_name": "{agent_name}",
                "operator": "{operator}",
                "task": "{task}",
                "case": "{case}",
                "customers": "{customers}",
                "count": "{count}",
                "opened_at": "{opened_at}",
                "page": "{page}",
            },
        },
    },
    "pagerduty": {
        "maps": {
            "action": _ACTIONS,
            "level": {"of": "severity", "high": "critical", "medium": "warning", "low": "info"},
        },
        "body": {
            "routing_key": "{key}",
            "event_action": "{action}",
            "dedup_key": "{incident}",
            "client": "Remit",
            "client_url": "{page}",
            "payload": {
                "summary": "{summary}",
                "source": "{desk}",
                "severity": "{level}",
                "timestamp": "{opened_at}",
                "component": "{agent_name}",
                "group": "{operator}",
                "class": "{kind}",
                "custom_details": {
                    "state": "{state}",
                    "count": "{count}",
                    "agent": "{agent}",
                    "customers": "{customers}",
                },
            },
            "links": [{"href": "{page}", "text": "Open the incident"}],
        },
    },
    "slack": {
        "escape": "slack",
        "maps": {
            "said": _SAID,
            "mark": {
                "of": "severity",
                "high": ":red_circle:",
                "medium": ":large_yellow_circle:",
                "low": ":white_circle:",
            },
        },
        "body": {
            "text": "{said}: {summary}",
            "parse": "none",
            "link_names": False,
            "unfurl_links": False,
            "blocks": [
                {"type": "section", "text": {"type": "mrkdwn", "text": "{mark} *{said}: {title}*", "verbatim": True}},
                {"type": "section", "text": {"type": "plain_text", "text": "{who}", "emoji": False}},
                {
                    "type": "context",
                    "elements": [
                        {
                            "type": "mrkdwn",
                            "text": "Severity {severity} · {state} · <{page}|Open the incident>",
                            "verbatim": True,
                        }
                    ],
                },
            ],
        },
    },
}
"""The built-in shapes.

Source: Standard Webhooks 1.0.0 (type, timestamp, data); PagerDuty Events API v2 (trigger, acknowledge and resolve with
`dedup_key`); Slack incoming webhooks (`text`, `blocks`; escape of `&`, `<` and `>`; `verbatim`, `plain_text`).
"""


@struct(frozen=True, kw_only=True)
class Shape:
    """A verified shape."""

    body: Json
    maps: Mapping[str, Mapping[str, str]]
    escape: Callable[[str, str], str]
    """Return a value, given by its name, as a text of the receiver's."""


def shape_of(wanted: Json) -> Shape:
    """Return a shape from its data.

    Raises:
        ValueError: it is none, with the reason.
    """
    if not isinstance(wanted, Mapping) or "body" not in wanted or not set(wanted) <= _MEMBERS:
        raise ValueError("must be an object with body, and maybe maps and escape")
    maps = {str(name): _map(str(name), one) for name, one in _object(wanted.get("maps", {}), "maps").items()}
    escapes: Mapping[str, Callable[[str, str], str]] = {"slack": _slack, "": _as_it_is}
    escape = wanted.get("escape", "")
    if not isinstance(escape, str) or escape not in escapes:
        raise ValueError('has an escape that is not "slack"')
    known = VALUES | set(maps)
    unknown = sorted(_named(wanted["body"]) - known)
    if unknown:
        raise ValueError(f"names {{{unknown[0]}}}; known are {', '.join(sorted(known))}")
    return Shape(body=wanted["body"], maps=maps, escape=escapes[escape])


def _map(name: str, given: Json) -> Mapping[str, str]:
    found = _object(given, f"maps.{name}")
    if found.get("of") not in _MAPPED or not all(isinstance(one, str) for one in found.values()):
        raise ValueError(f"has maps.{name}, which must name a value of {', '.join(_MAPPED)} as of, and give texts")
    return {str(key): str(value) for key, value in found.items()}


def _object(value: Json, name: str) -> JsonObject:
    if not isinstance(value, Mapping):
        raise ValueError(f"has {name}, which must be an object")  # noqa: TRY004  # what a file says
    return value


def _named(value: Json) -> set[str]:
    if isinstance(value, str):
        return set(_PLACE.findall(value))
    if isinstance(value, Mapping):
        return {name for one in value.values() for name in _named(one)}
    return {name for one in value for name in _named(one)} if isinstance(value, list | tuple) else set()


def shaped(shape: Shape, told: DeliveryRecord, *, desk: str, key: str) -> Json:
    """Return a message in a shape; `desk` is the desk's own address, `key` the receiver's own key ("" for none)."""
    values = values_of(told, desk=desk, key=key)
    for name, table in shape.maps.items():
        values[name] = table.get(str(values[table["of"]]), "")
    return _filled(shape.body, values, shape.escape)


def values_of(told: DeliveryRecord, *, desk: str, key: str = "") -> dict[str, str | int]:
    """Return the values a shape can name. ⚔ Names that an agent chose are cut, and hold nothing invisible."""
    name = make_visible(told.agent_name or told.agent)[:_MAX_NAME]
    who = f"{name} ({make_visible(told.operator)[:_MAX_NAME]})" if name and told.operator else name or "no known agent"
    title = title_of(told.kind, told.detail)
    return {
        "agent": make_visible(told.agent),
        "agent_name": name,
        "at": instant_text(told.at),
        "at_ms": told.at,
        "case": told.case,
        "count": told.count,
        "customers": ", ".join(make_visible(one) for one in told.customers),
        "desk": desk,
        "detail": told.detail,
        "event": told.event.value,
        "incident": told.incident,
        "key": key,
        "kind": told.kind.value,
        "message": told.id,
        "opened_at": instant_text(told.opened_at),
        "opened_at_ms": told.opened_at,
        "operator": make_visible(told.operator),
        "page": f"{desk}/security/incidents/{told.incident}",
        "resolution": told.resolution,
        "severity": told.severity.value,
        "state": told.state.value,
        "summary": f"{title}: {who}",
        "task": told.task,
        "title": title,
        "who": who,
    }


def _filled(value: Json, values: Mapping[str, str | int], escape: Callable[[str, str], str]) -> Json:
    if isinstance(value, str):
        alone = _PLACE.fullmatch(value)
        if alone is not None:
            found = values[alone[1]]
            return escape(alone[1], found) if isinstance(found, str) else found
        return _PLACE.sub(lambda place: escape(place[1], str(values[place[1]])), value)
    if isinstance(value, Mapping):
        return {name: _filled(one, values, escape) for name, one in value.items()}
    return [_filled(one, values, escape) for one in value] if isinstance(value, list | tuple) else value


def _as_it_is(_name: str, text: str) -> str:
    return text


def _slack(name: str, text: str) -> str:
    """⚔ Escape what Slack reads as a mention or a link: an agent's name could call everyone.

    In names that an agent chose also what Slack reads as a format, a channel or a person, as letters that look alike.
    """
    text = text.translate(_FORMATS) if name in _CHOSEN else text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
