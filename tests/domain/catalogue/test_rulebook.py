"""Reading the catalogue."""

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from desks.example import TODAY, desk, desk_data
from remit.adapters.files.catalogue import load_catalogue
from remit.domain.catalogue.model import Area, MarkKind, ParamMark, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.param_paths import parse_path
from remit.domain.policy.rulebook import read_catalogue

Change = Callable[[dict[str, Any]], object]


def with_params(properties: dict[str, Any], title: str = "Do it", **params: Any) -> dict[str, Any]:
    data = desk_data()
    data["action"]["extra.do"] = {
        "title": title,
        "power": "request",
        "area": "routine",
        "effect": "write",
        "params": {"properties": properties, **params},
    }
    return data


def schema_of(properties: dict[str, Any], title: str = "Do it", **params: Any) -> Any:
    return read_catalogue(with_params(properties, title, **params), today=TODAY).actions["extra.do"].schema


def test_the_example_desk_is_read_whole() -> None:
    catalogue = desk()
    refund = catalogue.action("payment.refund")
    assert refund.declared == {"order_id", "payment_method_id", "amount"}
    assert ParamMark(path=parse_path("amount"), kind=MarkKind.MONEY) in refund.marks
    assert not refund.reversible
    assert catalogue.objectives["return-item"].actions >= {"order.read", "order.return", "order.ship", "case.open", "case.close"}
    assert catalogue.floors[Area.SECURITY] == {"customer", "officer:security"}
    assert catalogue.floors[Area.ROUTINE] == frozenset()
    assert catalogue.digest == desk().digest


def test_built_in_case_actions_belong_to_every_objective_and_to_represent() -> None:
    catalogue = desk()
    for objective in catalogue.objectives.values():
        assert {name for name in objective.actions if name.startswith("case.")} == {"case.open", "case.comment", "case.read", "case.close"}
    assert all(catalogue.actions[name].power is PowerKind.REPRESENT for name in ("case.open", "case.close"))


MISTAKES: list[tuple[Change, str]] = [
    (lambda d: d.update(surprise=1), "catalogue.surprise"),
    (lambda d: d.pop("desk"), "catalogue.desk"),
    (lambda d: d["desk"].update(currency="euro"), "desk.currency"),
    (lambda d: d["desk"].update(name="A\u202ecme"), "desk.name"),
    (lambda d: d["action"]["order.read"].update(power="represent"), 'action."order.read".power'),
    (lambda d: d["action"]["order.read"].update(effect="write"), 'action."order.read".effect'),
    (lambda d: d["action"]["order.read"].update(area="misc"), 'action."order.read".area'),
    (lambda d: d["action"]["order.read"].update(returns=["order.nothing"]), 'action."order.read".returns'),
    (lambda d: d["action"]["order.read"].update(colour="red"), 'action."order.read".colour'),
    (lambda d: d["action"]["order.read"].update(title="Look at it"), 'action."order.read".title'),
    (lambda d: d["action"]["order.read"].update(title="Look at {order_id} and {ghost}"), 'action."order.read".title'),
    (lambda d: d["action"]["order.read"].update(title="Look at {order_id} {"), 'action."order.read".title'),
    (
        lambda d: d["action"]["payment.refund"].update(title="Refund order {order_id} to {payment_method_id}"),
        'action."payment.refund".title',
    ),
    (lambda d: d["action"]["profile.tell"].update(title="Tell the profile"), 'action."profile.tell".title'),
    (lambda d: d["action"].update({"case.reopen": d["action"]["profile.read"]}), 'action."case.reopen"'),
    (lambda d: d["action"].update({"Order": d["action"]["profile.read"]}), 'action."Order"'),
    (lambda d: d["floor"].update(payment=[]), "floor.payment"),
    (lambda d: d["floor"].update(security=["officer:security"]), "floor.security"),
    (lambda d: d["floor"].update(payment=["customer", "officer:ghost"]), "floor.payment"),
    (lambda d: d["floor"].update(payment=["customer", "billing"]), "floor.payment"),
    (lambda d: d["floor"].update(elsewhere=["customer"]), "floor.elsewhere"),
    (lambda d: d["objective"]["return-item"].update(target="ghost"), 'objective."return-item".target'),
    (lambda d: d["objective"]["return-item"].update(actions=["ghost.*"]), 'objective."return-item".actions'),
    (lambda d: d["objective"]["return-item"].update(after={"order.return": ["password.reset"]}), 'objective."return-item".after'),
    (lambda d: d["objective"]["return-item"].update(done_when=["password.reset"]), 'objective."return-item".done_when'),
    (
        lambda d: d["objective"]["return-item"].update(after={"order.return": ["payment.refund"], "payment.refund": ["order.return"]}),
        'objective."return-item".after',
    ),
    (lambda d: d["waiver"][0].update(action="ghost.go"), "waiver[0].action"),
    (lambda d: d["waiver"][0].update(limit={}), "waiver[0].limit"),
    (lambda d: d["waiver"][0].update(limit={"ghost": {"max": 1}}), "waiver[0].limit"),
    (lambda d: d["waiver"][0].update(limit={"amount": {"max": 10}}), "waiver[0].limit"),
    (lambda d: d["waiver"][0].pop("owner"), "waiver[0].owner"),
    (lambda d: d["waiver"][0].update(ends="someday"), "waiver[0].ends"),
    (lambda d: d["waiver"][0].update(ends=date(2026, 11, 24)), "waiver[0].ends"),
]


@pytest.mark.parametrize(("change", "key"), MISTAKES, ids=map(str, range(len(MISTAKES))))
def test_a_desk_with_a_mistake_does_not_start_and_says_where(change: Change, key: str) -> None:
    data = desk_data()
    change(data)
    with pytest.raises(Refused) as refused:
        read_catalogue(data, today=TODAY)
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert refused.value.detail.startswith(key)


UNRELIABLE: list[dict[str, Any]] = [
    {"a": {"type": "string", "nullable": True}},
    {"a": {"type": "string", "x-secret": True}},
    {"a": {"$ref": "https://example.com/schema"}},
    {"a": {"$ref": "#/$defs/ghost"}},
    {"a": {"$dynamicRef": "#x"}},
    {"a": {"type": "text"}},
    {"a": {"type": "integer", "x-money": True}},
    {"a": {"x-money": "EUR"}},
    {"a": {"x-resource": "ghost"}},
    {"a": {"type": "integer", "x-resource": "order"}},
    {"a": {"type": "array", "items": {"type": "integer"}, "x-resource": "order"}},
    {"a": {"x-attribute": "ghost.name"}},
    {"a": {"type": "object", "x-free-text": True}},
    {"a": {"not": {"x-money": True}}},
    {"a": {"type": "object", "patternProperties": {"^p": {"x-recipient": True}}}},
    {"a.b": {"type": "string"}},
    {"a[*]": {"type": "string"}},
    {"a": {"anyOf": []}},
    {"a": {"type": []}},
    {"a": {"type": "object", "required": ["ghost"], "properties": {"b": {"type": "string"}}}},
    {"a": {"type": "object", "required": "b"}},
    {"a": {"type": "object", "properties": ["b"]}},
    {"a": {"$schema": "https://json-schema.org/draft/2020-12/schema"}},
    {"a": {"x-resource": 5}},
    {"a": {"enum": [1, 2], "x-resource": "order"}},
    {"a": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "x-resource": "order"}},
    {"a": {"type": "string", "default": object()}},
    {"a": 5},
    {"a": {"x-part-of": True}},
    {"a": {"x-part-of": "ghost"}},
    {"a": {"x-part-of": "b"}, "b": {"type": "string"}},
    {"a": {"x-part-of": "b"}, "b": {"type": "array", "x-resource": "order"}},
    {"a": {"type": "integer", "x-part-of": "b"}, "b": {"x-resource": "order"}},
    {"a": {"type": "string", "minLength": float("nan")}},
]


@pytest.mark.parametrize("properties", UNRELIABLE, ids=map(str, range(len(UNRELIABLE))))
def test_params_that_cannot_be_relied_on_are_refused(properties: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        schema_of(properties, "Do {a}" if "a" in properties else "Do it")
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert refused.value.detail.startswith('action."extra.do".params')


def test_objects_are_closed_everywhere_unless_they_say_open() -> None:
    schema = schema_of(
        {
            "a": {"type": "object", "properties": {"b": {"type": "object"}}},
            "c": {"type": "array", "items": {"type": "object"}},
            "d": {"anyOf": [{"type": "object", "properties": {"e": {"type": "string"}}}, {"type": "null"}]},
            "f": {"type": "object", "additionalProperties": True},
            "g": {"description": "anything"},
            "h": {"type": "string"},
        }
    )
    found = schema["properties"]
    assert schema["additionalProperties"] is False
    assert found["a"]["additionalProperties"] is False
    assert found["a"]["properties"]["b"]["additionalProperties"] is False
    assert found["c"]["items"]["additionalProperties"] is False
    assert found["d"]["anyOf"][0]["additionalProperties"] is False
    assert "additionalProperties" not in found["d"]
    assert found["f"]["additionalProperties"] is True
    assert found["g"]["additionalProperties"] is False
    assert found["h"] == {"type": "string"}


def test_closing_never_loosens_a_negative_schema_and_joined_branches_close_together() -> None:
    schema = schema_of(
        {"a": {"type": "object", "properties": {"x": {"type": "string"}}, "allOf": [{"properties": {"y": {"type": "string"}}}]}},
        **{"not": {"required": ["a"], "properties": {"a": {"type": "object"}}}},
    )
    assert schema["not"] == {"required": ["a"], "properties": {"a": {"type": "object"}}}
    joined = schema["properties"]["a"]
    assert joined["unevaluatedProperties"] is False
    assert "additionalProperties" not in joined["allOf"][0]


def test_local_references_are_put_in_place_and_circles_are_refused() -> None:
    data = with_params(
        {"a": {"$ref": "#/$defs/place", "description": "where"}},
        "Send to {a}",
        **{"$defs": {"place": {"type": "object", "properties": {"city": {"x-recipient": True}}}}},
    )
    action = read_catalogue(data, today=TODAY).actions["extra.do"]
    assert "$defs" not in action.schema
    assert action.declared == {"a", "a.city"}
    assert action.marks == (ParamMark(path=parse_path("a.city"), kind=MarkKind.RECIPIENT),)
    data["action"]["extra.do"]["params"]["$defs"]["place"] = {"properties": {"again": {"$ref": "#/$defs/place"}}}
    with pytest.raises(Refused):
        read_catalogue(data, today=TODAY)


def test_references_cannot_blow_the_schema_up() -> None:
    definitions: dict[str, Any] = {"d0": {"type": "string"}}
    for level in range(1, 16):
        definitions[f"d{level}"] = {"type": "object", "properties": {name: {"$ref": f"#/$defs/d{level - 1}"} for name in "abcd"}}
    with pytest.raises(Refused) as refused:
        schema_of({"a": {"$ref": "#/$defs/d15"}}, **{"$defs": definitions})
    assert "too large" in refused.value.detail


def test_a_reference_with_words_beside_it_keeps_both() -> None:
    definitions = {"small": {"type": "string", "maxLength": 3}, "any": True}
    schema = schema_of({"a": {"$ref": "#/$defs/small", "maxLength": 2}, "b": {"$ref": "#/$defs/any"}}, **{"$defs": definitions})
    assert schema["properties"]["a"]["allOf"] == [{"type": "string", "maxLength": 3}, {"maxLength": 2}]
    assert schema["properties"]["b"] == {"additionalProperties": False}


def test_an_enum_of_texts_and_a_tuple_can_be_marked() -> None:
    action = read_catalogue(
        with_params(
            {
                "a": {"enum": ["W1", "W2"], "x-resource": "order"},
                "b": {"type": "array", "prefixItems": [{"x-recipient": True}], "items": False},
            },
            "Do {a} for {b}",
        ),
        today=TODAY,
    ).actions["extra.do"]
    assert {(str(mark.path), mark.kind) for mark in action.marks} == {("a", MarkKind.RESOURCE), ("b[*]", MarkKind.RECIPIENT)}


def test_marks_are_found_in_nested_items_and_nullable_branches() -> None:
    catalogue = read_catalogue(
        with_params(
            {
                "rows": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"to": {"x-recipient": True}, "sum": {"x-money": True}}},
                },
                "orders": {"x-resource": "order", "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
            },
            "Pay {rows} for {orders}",
        ),
        today=TODAY,
    )
    action = catalogue.actions["extra.do"]
    assert {(str(mark.path), mark.kind) for mark in action.marks} == {
        ("rows[*].to", MarkKind.RECIPIENT),
        ("rows[*].sum", MarkKind.MONEY),
        ("orders[*]", MarkKind.RESOURCE),
    }
    assert {"rows", "rows[*]", "rows[*].to", "rows[*].sum", "orders", "orders[*]"} <= action.declared


SIGNED: list[Change] = [
    lambda d: d["action"]["order.read"].update(title="See order {order_id}"),
    lambda d: d["action"]["order.read"].update(area="payment"),
    lambda d: d["action"]["order.read"].update(returns=["order.status"]),
    lambda d: d["action"]["order.read"]["params"]["properties"].update(more={"type": "string"}),
    lambda d: d["attribute"]["order.status"].update(sensitive=True),
]


@pytest.mark.parametrize("change", SIGNED, ids=map(str, range(len(SIGNED))))
def test_an_actions_digest_changes_with_everything_a_signer_relies_on(change: Change) -> None:
    data = desk_data()
    change(data)
    changed = read_catalogue(data, today=TODAY)
    assert changed.actions["order.read"].digest != desk().actions["order.read"].digest
    assert changed.actions["order.return"].digest == desk().actions["order.return"].digest
    assert changed.digest != desk().digest


SAID: list[Change] = [
    lambda d: d["desk"].update(name="Other"),
    lambda d: d["floor"].update(payment=["customer", "officer:billing"]),
    lambda d: d["waiver"].clear(),
    lambda d: d["objective"]["account-help"].update(title="Other help"),
    lambda d: d["role"]["billing"].update(title="Money person"),
    lambda d: d["resource"]["product"].update(public=False),
    lambda d: d["action"]["order.return"].update(reversible=False),
]


@pytest.mark.parametrize("change", SAID, ids=map(str, range(len(SAID))))
def test_the_catalogues_digest_covers_everything(change: Change) -> None:
    data = desk_data()
    change(data)
    assert read_catalogue(data, today=TODAY).digest != desk().digest


def test_an_ended_waiver_is_only_refused_when_a_day_is_given() -> None:
    data = desk_data()
    data["waiver"][0]["ends"] = "2020-01-01"
    assert read_catalogue(data, today=None).waivers[0].ends == date(2020, 1, 1)


def test_reading_leaves_the_given_data_alone() -> None:
    data = desk_data()
    before = deepcopy(data)
    read_catalogue(data, today=TODAY)
    assert data == before


TOML = """
[desk]
name = "Acme Store"
currency = "EUR"
[resource.order]
title = "order"
[attribute."order.status"]
title = "status"
"""
ACTION = """
[action."order.read"]
title = "Look at order {order_id}"
power = "receive"
area = "routine"
effect = "read"
returns = ["order.status"]
params.properties.order_id = { type = "string", x-resource = "order" }
params.required = ["order_id"]
"""


def test_files_of_a_folder_are_merged(tmp_path: Any) -> None:
    (tmp_path / "a.toml").write_text(TOML)
    (tmp_path / "b.toml").write_text(ACTION)
    catalogue = load_catalogue(tmp_path, today=TODAY)
    assert catalogue.actions["order.read"].declared == {"order_id"}
    assert load_catalogue([tmp_path / "a.toml", tmp_path / "b.toml"], today=TODAY).digest == catalogue.digest


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (ACTION + TOML, "b.toml: desk: is in"),
        (ACTION.replace("routine", "misc"), 'b.toml: action."order.read".area'),
        (ACTION + '[resource.order]\ntitle = "again"\n', 'b.toml: resource."order": is in'),
        ("[desk", "b.toml: is no TOML"),
        ("[[waiver]]\naction = 'x.y'\n", "b.toml: waiver[0].limit: is missing"),
    ],
)
def test_a_mistake_names_its_file(tmp_path: Any, second: str, says: str) -> None:
    (tmp_path / "a.toml").write_text(TOML)
    (tmp_path / "b.toml").write_text(second)
    with pytest.raises(Refused) as refused:
        load_catalogue(tmp_path, today=TODAY)
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert refused.value.detail.startswith(str(tmp_path / says.split(":", maxsplit=1)[0]))
    assert says in refused.value.detail


def test_a_missing_file_or_an_empty_folder_is_said_plainly(tmp_path: Any) -> None:
    for source in (tmp_path, tmp_path / "ghost.toml"):
        with pytest.raises(Refused) as refused:
            load_catalogue(source, today=TODAY)
        assert refused.value.code is Code.CATALOGUE_INVALID


def test_a_part_is_of_the_record_that_another_param_names() -> None:
    data = desk_data()
    data["action"]["order.read"]["params"]["properties"]["item_ids"] = {"type": "array", "x-part-of": "order_id"}
    marks = read_catalogue(data, today=TODAY).actions["order.read"].marked(MarkKind.PART)
    assert [(str(one.path), one.of) for one in marks] == [("item_ids[*]", "order_id")]


def test_a_short_title_has_no_placeholders_and_is_part_of_what_is_relied_on() -> None:
    digests = set()
    for short in ("", "Look at an order", "Look at any order"):
        data = desk_data()
        if short:
            data["action"]["order.read"]["short"] = short
        action = read_catalogue(data, today=TODAY).actions["order.read"]
        assert action.short == short
        digests.add(action.digest)
    assert len(digests) == 3
    data["action"]["order.read"]["short"] = "Look at {order_id}"
    with pytest.raises(Refused) as refused:
        read_catalogue(data, today=TODAY)
    assert refused.value.detail.startswith('action."order.read".short')
