"""Values of requests and answers: places, placeholders, texts and times."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import quote

from remit.adapters.helpdesk.remote.hosted.table import Call, Match, Place, TextForm
from remit.domain.errors import Code, Fault
from remit.domain.values import Json

_HOLE: Final = re.compile(r"\{(\w+)\}")
_BLOCKS: Final = frozenset({"blockquote", "div", "h1", "h2", "h3", "li", "ol", "p", "pre", "table", "tr", "ul"})
_CELLS: Final = frozenset({"td", "th"})
_UNSEEN: Final = frozenset({"script", "style"})
_NOFORMAT: Final = re.compile(r"\{(?=noformat)", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(r"\{(?=[{%])")
_JOINED: Final = "{\u2060"
"""A brace that begins no macro and no placeholder: a word joiner, which is not seen, stands behind it."""
_DEEPEST: Final = 50
_LONGEST_ID: Final = 40


def at(value: object, place: Place, values: Mapping[str, Json]) -> Any:  # noqa: ANN401  # a value of a foreign answer
    """Return the value at a place, None where there is none; names in a place may be placeholders."""
    found = value
    for step in place:
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and -len(found) <= step < len(found) else None
        else:
            names = [str(filled(name, values)) for name in step.split("|")]
            found = next((found[name] for name in names if name in found), None) if isinstance(found, Mapping) else None
    return found


def rows_at(value: object, place: Place, values: Mapping[str, Json]) -> Sequence[Any]:
    """Return the list at a place.

    Raises:
        Fault: `fault.case` where there is none.
    """
    found = at(value, place, values)
    if not isinstance(found, list):
        raise garbled("a list")
    return found


def text_at(value: object, place: Place, values: Mapping[str, Json]) -> str:
    """Return the text or number at a place as a text, empty where there is none."""
    found = at(value, place, values)
    return str(found).lower() if isinstance(found, bool) else "" if found is None else str(found)


def holds(value: object, conditions: Sequence[Match], values: Mapping[str, Json]) -> bool:
    """Whether all conditions hold."""
    return all((text_at(value, one.place, values).lower() in one.values) is not one.negated for one in conditions)


def filled(template: Json, values: Mapping[str, Json]) -> Json:
    """Return a template with its placeholders filled. ⚔ Values are never looked through for placeholders."""
    if isinstance(template, str):
        whole = _HOLE.fullmatch(template)
        if whole is not None and whole[1] in values:
            return values[whole[1]]
        return _HOLE.sub(lambda hole: str(values[hole[1]]) if hole[1] in values else hole[0], template)
    if isinstance(template, Mapping):
        return {str(filled(name, values)): filled(value, values) for name, value in template.items()}
    return [filled(one, values) for one in template] if isinstance(template, list) else template


def path_of(call: Call, values: Mapping[str, Json]) -> str:
    """Return a request's path. ⚔ Each value is encoded as one segment."""
    return _HOLE.sub(lambda hole: quote(str(values[hole[1]]), safe=""), call.path)


def written(text: str, form: TextForm) -> str:
    """Return a text as a product takes it. ⚔ Nothing in it is markup there."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if form is TextForm.HTML:
        inner = escape(_PLACEHOLDER.sub(_JOINED, lines), quote=False).replace("\n", "<br>")
        return f"<p>{inner}</p>"
    if form is TextForm.WIKI:
        return f"{{noformat}}\n{_NOFORMAT.sub(_JOINED, lines)}\n{{noformat}}"
    return lines


def read(value: object, form: TextForm) -> str:
    """Return the text of a note.

    Raises:
        Fault: `fault.case` where it has another form.
    """
    if form is TextForm.ADF:
        return _adf(value, 0).strip("\n").replace(_JOINED, "{") if isinstance(value, Mapping) else ""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise garbled("a text")
    if form is TextForm.PLAIN:
        return value.replace("\r\n", "\n")
    parser = _PlainText()
    parser.feed(value)
    parser.close()
    return "".join(parser.parts).strip("\n").replace(_JOINED, "{")


def time_ms(value: object) -> int:
    """Return a time in seconds, or as ISO 8601, in milliseconds.

    Raises:
        Fault: `fault.case` where it is none.
    """
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            moment = datetime.fromisoformat(str(value)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise garbled("a time") from None
    return round(moment.timestamp() * 1000)


def number(value: object) -> int:
    """Return an id as a number.

    Raises:
        Fault: `fault.case` where it is none.
    """
    text = str(value)
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_ID:
        raise garbled("an id")
    return int(text)


def garbled(what: str) -> Fault:
    """Return the fault of an answer that has another form."""
    return Fault(Code.FAULT_CASE, f"the helpdesk's answer cannot be read: {what}")


class _PlainText(HTMLParser):
    """The text of a message in HTML: its blocks and breaks on lines of their own. ⚔ No two words become one."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._gap = ""
        """The gap between the last text and the next one, where no line begins in between."""
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # the parser's own signature
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "br" or (tag in _BLOCKS and self.parts):
            self._gap = ""
            self.parts.append("\n")
        elif tag in _CELLS:
            self._gap = self._gap or " "

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag in _BLOCKS:
            self._gap = "\n"

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if data.strip() or "\n" not in data:
            between = self._gap if self.parts and not self.parts[-1].endswith("\n") else ""
            self.parts += [between, data] if between else [data]
            self._gap = ""
        else:
            self._gap = self._gap or " "


def _adf(node: object, depth: int) -> str:
    """Return the text of a node of Atlassian's document format: its blocks on lines of their own."""
    if not isinstance(node, Mapping) or depth > _DEEPEST:
        return ""
    kind = node.get("type")
    if kind == "text":
        return str(node.get("text", ""))
    if kind == "hardBreak":
        return "\n"
    attrs = node.get("attrs")
    shown = (
        next((str(attrs[name]) for name in ("text", "shortName", "url") if name in attrs), "")
        if isinstance(attrs, Mapping)
        else ""
    )
    content = node.get("content")
    inner = "".join(_adf(one, depth + 1) for one in content) if isinstance(content, list) else ""
    block = kind not in {"doc", "mention", "emoji", "inlineCard"}
    return f"{shown}{inner}\n" if block else f"{shown}{inner}"
