"""Every line that we log has the name of an event, and every such name is in the operator's page."""

import ast
import re
from collections.abc import Iterator

from architecture.sources import ROOT, modules
from remit.cli.logging import UNNAMED

LOGGERS = {"_LOG", "_NOTICES"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def logged() -> Iterator[tuple[str, ast.Call]]:
    for one in modules():
        for node in ast.walk(one.tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=level)) if name in LOGGERS and level in LEVELS:
                    yield f"{one.name}:{node.lineno}", node


def event(call: ast.Call) -> str:
    """The event that a line is given, "" where it has none."""
    for keyword in call.keywords:
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
            for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "event" and isinstance(value, ast.Constant):
                    return str(value.value)
    return ""


def test_every_logger_of_ours_has_one_of_these_names() -> None:
    found = {name for one in modules() for name in re.findall(r"^(\w+)(?:: Final)? = logging\.getLogger\(", one.text, re.MULTILINE)}
    assert found == LOGGERS


def test_every_line_has_an_event() -> None:
    lines = list(logged())
    assert len(lines) > 10
    assert [where for where, call in lines if not re.fullmatch(r"[a-z_]+\.[a-z_]+", event(call))] == []


def test_the_operators_page_lists_every_event_and_no_other() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = page.partition("| event | what it says |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE)
    assert listed == sorted({event(call) for _, call in logged()} | {UNNAMED})
