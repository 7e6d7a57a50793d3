"""A mandate as tool definitions of common model APIs, and a model's tool call as an ask."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.client import Miswritten, ask_arguments, tools
from remit.client.tools import Style
from remit.sandbox import Sandbox

STYLES: tuple[Style, ...] = ("openai", "openai-chat", "anthropic", "gemini", "mcp")
PAGE = Path(__file__).parents[2] / "docs" / "agents" / "tools.md"
META = jsonschema_rs.validator_for({"$ref": "https://json-schema.org/draft/2020-12/schema"})
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


@pytest.fixture(scope="module")
def desk() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE, facts=FACTS) as made:
        yield made


@pytest.fixture(scope="module")
def catalogue(desk: Sandbox) -> Any:
    return desk.room.call("GET", "/v1/catalogue")


def by_name(made: list[Any]) -> dict[str, Any]:
    plain = [one.get("function", one) for one in made]
    return {one["name"]: one for one in plain}


def schema_of(tool: Any) -> dict[str, Any]:
    found: dict[str, Any] = next(
        tool[member] for member in ("parameters", "input_schema", "parametersJsonSchema", "inputSchema") if member in tool
    )
    return found


@pytest.mark.parametrize("style", STYLES)
def test_every_style_gives_valid_schemas_with_names_that_fit(catalogue: Any, style: Style) -> None:
    made = by_name(tools(MANDATE, catalogue, style=style))
    assert set(made) == {
        "case_open",
        "case_comment",
        "case_read",
        "case_close",
        "order_read",
        "order_return",
        "payment_refund",
        "offer_accept",
    }
    for name, tool in made.items():
        assert NAME.fullmatch(name)
        schema = schema_of(tool)
        assert META.is_valid(schema)
        assert schema["type"] == "object"
        assert "x-" not in json.dumps(schema)
        assert style == "mcp" or not {"anyOf", "oneOf", "allOf", "not"} & schema.keys()
        assert json.loads(json.dumps(tool)) == tool


def test_strict_mode_has_every_member_required_and_closed(catalogue: Any) -> None:
    made = by_name(tools(MANDATE, catalogue, style="openai"))
    assert all(tool["strict"] for tool in made.values())
    refund = made["payment_refund"]["parameters"]
    assert refund["required"] == list(refund["properties"])
    assert refund["additionalProperties"] is False
    assert refund["properties"]["order_id"] == {"type": "string", "const": "W1001"}
    assert refund["properties"]["payment_method_id"] == {"type": "string", "enum": ["pm_7", "pm_8"]}
    assert refund["properties"]["amount"]["description"] == "At most 129.90 EUR. Money such as '40.00 EUR'."
    assert refund["properties"]["words"]["type"] == ["string", "null"]
    chat = tools(MANDATE, catalogue, style="openai-chat")[0]
    assert set(chat) == {"type", "function"}


def test_what_strict_mode_cannot_say_is_not_strict(catalogue: Any) -> None:
    open_ended = json.loads(json.dumps(catalogue))
    open_ended["actions"]["order.return"]["params"]["properties"]["item_ids"] = {
        "type": "array",
        "contains": {"const": "i1"},
        "items": {"type": "string"},
    }
    made = by_name(tools(MANDATE, open_ended, style="openai"))
    assert not made["order_return"]["strict"]
    assert made["order_return"]["parameters"]["properties"]["item_ids"]["contains"] == {"const": "i1"}


def test_the_other_styles_say_the_same(catalogue: Any) -> None:
    claude = by_name(tools(MANDATE, catalogue, style="anthropic"))["order_return"]
    assert claude["input_schema"]["properties"]["item_ids"]["items"]["enum"] == ["i1", "i2"]
    assert claude["input_schema"]["required"] == ["order_id", "item_ids"]
    gemini = by_name(tools(MANDATE, catalogue, style="gemini"))["order_return"]
    assert "const" not in json.dumps(gemini)
    assert "uniqueItems" not in json.dumps(gemini)
    mcp = by_name(tools(MANDATE, catalogue, style="mcp"))
    assert mcp["order_read"]["annotations"] == {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False}
    assert mcp["payment_refund"]["annotations"]["destructiveHint"]
    assert "never claim that they did" in mcp["payment_refund"]["description"]


@pytest.mark.parametrize(
    "call",
    [
        {
            "type": "function_call",
            "call_id": "c",
            "name": "order_return",
            "arguments": '{"order_id": "W1001", "item_ids": ["i2"], "words": "It flickers."}',
        },
        {
            "id": "c",
            "type": "function",
            "function": {"name": "order_return", "arguments": '{"order_id": "W1001", "item_ids": ["i2"], "words": "It flickers."}'},
        },
        {
            "type": "tool_use",
            "id": "t",
            "name": "order_return",
            "input": {"order_id": "W1001", "item_ids": ["i2"], "words": "It flickers."},
        },
        {"functionCall": {"name": "order_return", "args": {"order_id": "W1001", "item_ids": ["i2"], "words": "It flickers."}}},
        {"name": "order_return", "arguments": {"order_id": "W1001", "item_ids": ["i2"], "words": "It flickers."}},
    ],
)
def test_a_call_of_any_style_is_an_ask(catalogue: Any, call: dict[str, Any]) -> None:
    assert ask_arguments(call, catalogue) == {
        "action": "order.return",
        "params": {"order_id": "W1001", "item_ids": ["i2"]},
        "words": "It flickers.",
    }


def test_null_stands_for_an_optional_member_left_out(catalogue: Any) -> None:
    given = ask_arguments({"name": "case_close", "arguments": '{"reason": null}'}, catalogue)
    assert given == {"action": "case.close", "params": {}, "words": None}


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"name": "payment.refund", "arguments": "{}"}, "action.unknown"),
        ({"name": "transfer_all", "arguments": "{}"}, "action.unknown"),
        ({"name": "order_read", "arguments": '{"order_id": "a", "order_id": "b"}'}, "params.invalid"),
        ({"name": "order_read", "arguments": "[]"}, "params.invalid"),
        ({"name": "order_read", "arguments": "{"}, "params.invalid"),
        ({"arguments": "{}"}, "params.invalid"),
    ],
)
def test_a_call_that_cannot_be_read_is_no_ask(catalogue: Any, call: dict[str, Any], code: str) -> None:
    with pytest.raises(Miswritten) as wrong:
        ask_arguments(call, catalogue)
    assert wrong.value.code == code


@pytest.mark.parametrize(
    ("mandate", "catalogue_given", "style"), [({}, {}, "openai"), (MANDATE, [], "openai"), (MANDATE, {}, "soap"), ([], {}, "mcp")]
)
def test_what_is_no_mandate_catalogue_or_style_is_told(mandate: Any, catalogue_given: Any, style: Any) -> None:
    with pytest.raises(Miswritten):
        tools(mandate, catalogue_given, style=style)


def test_a_call_by_the_definition_is_done_by_the_desk(desk: Sandbox, catalogue: Any) -> None:
    anna, agent = desk.customer("anna"), desk.agent("https://helper.example/tools", tier="known")
    task = agent.open(anna.grant(agent, MANDATE))
    tool = by_name(tools(MANDATE, catalogue, style="anthropic"))["order_return"]
    arguments = {"order_id": "W1001", "item_ids": ["i1"]}
    assert jsonschema_rs.validator_for(schema_of(tool)).is_valid(arguments)
    asked = ask_arguments({"type": "tool_use", "name": "order_return", "input": arguments}, catalogue)
    assert anna.confirm(task.ask(asked["action"], asked["params"], asked["words"])).outcome == "done"


def test_the_examples_of_the_page_run(catalogue: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        space: dict[str, Any] = {"mandate": MANDATE, "catalogue": catalogue}
        exec(compile(block, str(PAGE), "exec"), space)
        assert space["shown"]
