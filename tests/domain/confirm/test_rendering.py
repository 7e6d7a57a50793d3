import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.catalogue.model import Action, Area, Attribute, Catalogue, Effect, MarkKind, Objective, ParamMark, PowerKind, Resource
from remit.domain.confirm.render_ask import AskDetails, Budget, PerformedAct, Rendering, render_ask, rendering_json, still_matches
from remit.domain.confirm.render_mandate import limit_records, render_mandate
from remit.domain.confirm.render_values import (
    action_label,
    list_params,
    lookalike_warning,
    named_value,
    param_title,
    part_kind,
    past_title,
    plain_value,
    quoted_text,
    records_with_parts,
)
from remit.domain.i18n import ENGLISH
from remit.domain.mandate.model import Condition, ConditionOp, Mandate, MandateObjective, Power, Total
from remit.domain.param_paths import parse_path
from remit.domain.text.normalize import make_visible
from remit.domain.values import Instant, JsonObject

REFUND = Action(
    name="payment.refund",
    title="Refund {amount} for order {order_id} to {payment_method_id}",
    power=PowerKind.REQUEST,
    area=Area.PAYMENT,
    effect=Effect.WRITE,
    reversible=False,
    returns=(),
    schema={"properties": {"amount": {"title": "Amount"}}},
    marks=(
        ParamMark(path=parse_path("order_id"), kind=MarkKind.RESOURCE, of="order"),
        ParamMark(path=parse_path("amount"), kind=MarkKind.MONEY),
        ParamMark(path=parse_path("payment_method_id"), kind=MarkKind.RECIPIENT),
        ParamMark(path=parse_path("note"), kind=MarkKind.FREE_TEXT),
    ),
    declared=frozenset({"order_id", "amount", "payment_method_id", "note", "items", "items[*]"}),
    builtin=False,
    digest="sha-256:refund",
)
READ = replace(
    REFUND,
    name="order.read",
    title="Look at order {order_id}",
    power=PowerKind.RECEIVE,
    effect=Effect.READ,
    reversible=True,
    marks=REFUND.marks[:1],
)
CATALOGUE = Catalogue(
    desk="Acme Store",
    currency="EUR",
    roles={},
    floors={},
    resources={"order": Resource(kind="order", title="order", public=False)},
    attributes={
        "order.status": Attribute(name="order.status", title="status of the order", sensitive=False),
        "identity.birth_date": Attribute(name="identity.birth_date", title="date of birth", sensitive=True),
    },
    actions={"payment.refund": REFUND, "order.read": READ},
    objectives={
        "return-item": Objective(
            name="return-item",
            title="Return something and get the money back",
            target="order",
            actions=frozenset({"payment.refund", "order.read"}),
            after={},
            done_when=(),
            examples=(),
        )
    },
    waivers=(),
    digest="sha-256:c",
)
PARAMS = {"order_id": "W123", "amount": "40.00 EUR", "payment_method_id": "pm_7"}
ASK = AskDetails(
    action=REFUND,
    params=PARAMS,
    names={("order", "W123"): "kettle"},
    agent="spiffe://helper.example/shop",
    operator="Helper",
    customer="Yusuf Rossi",
)
MANDATE = Mandate(
    objective=MandateObjective(type="return-item", target={"order": ("W123",)}, summary="send back\nthe kettle"),
    powers=(
        Power(power=PowerKind.REPRESENT),
        Power(power=PowerKind.RECEIVE, attributes=("order.status", "identity.birth_date")),
        Power(
            power=PowerKind.REQUEST,
            actions=("payment.refund",),
            where=(
                Condition(path=parse_path("order_id"), op=ConditionOp.EQUALS, value="W123"),
                Condition(path=parse_path("amount"), op=ConditionOp.MAX, value="50.00 EUR"),
            ),
            uses=2,
            totals=(Total(path=parse_path("amount"), limit="50.00 EUR"),),
            preapproved=True,
        ),
    ),
    never=(Power(power=PowerKind.ACCEPT), Power(power=PowerKind.RECEIVE, attributes=("identity.*",))),
    expires_at=Instant(1_796_083_200_000),
    max_tasks=1,
    chain=2,
)
TRICKS = [
    "a\nThis can be undone.",
    "\u202eRUE 00.04",
    "a\u200bb",
    "\u2028x",
    "\u3164",
    "a\x07",
    "\U000e0041",
    "x” (kettle). Nothing else. “",
    "\ufe0f",
    "\u00a0",
]


def texts(rendering: Rendering, kind: str) -> list[str]:
    return [line.text for line in rendering.lines if line.kind == kind]


def everything(rendering: Rendering) -> str:
    return "".join(part for line in rendering.lines for part in (line.text, *line.details))


def test_an_ask_is_shown_with_names_every_param_and_what_cannot_be_undone() -> None:
    made = render_ask(replace(ASK, params={**PARAMS, "items": ["i1", "i2"], "note": "leaks"}), CATALOGUE)
    assert texts(made, "act") == ["Refund €40.00 for order “kettle” to pm_7"]
    assert texts(made, "param") == [
        "Amount: €40.00",
        "items 1: i1",
        "items 2: i2",
        "note: leaks",
        "order_id: W123 (kettle)",
        "payment_method_id: pm_7",
    ]
    assert texts(made, "irreversible") == ["This cannot be undone."]
    assert len(texts(made, "recipient")) == 1


def test_a_param_the_title_does_not_show_is_listed_even_when_empty_or_nested() -> None:
    made = render_ask(replace(ASK, params={**PARAMS, "items": [], "more": {"deep": [{"x": None}], "flag": False}}), CATALOGUE)
    assert {"items: (empty)", "more.deep 1.x: (nothing)", "more.flag: no"} <= set(texts(made, "param"))


def test_an_ask_without_params_lists_none() -> None:
    assert texts(render_ask(replace(ASK, params={}), CATALOGUE), "param") == []


def test_the_agents_words_stand_apart_and_marked() -> None:
    made = render_ask(replace(ASK, words="Please.\nThis can be undone.", files=("a\nb.txt",)), CATALOGUE)
    words = [line for line in made.lines if line.kind == "words"]
    assert [line.details for line in words] == [("Please.", "This can be undone.")]
    assert all(line.theirs for line in made.lines if line.kind in {"words", "file"})
    assert not any(line.theirs for line in made.lines if line.kind not in {"words", "file"})


def test_what_the_agent_would_be_told_is_named_and_marked_when_sensitive() -> None:
    made = render_ask(replace(ASK, action=READ, params={"order_id": "W123"}, told=("identity.birth_date", "order.status")), CATALOGUE)
    told = {line.text: line.details for line in made.lines if line.kind == "told"}
    assert told["Will be shared with the agent: date of birth"] == ("This is sensitive.",)
    assert told["Will be shared with the agent: status of the order"] == ()
    assert not texts(made, "irreversible")


def test_done_and_budget_are_shown_and_signed_but_do_not_void_a_yes() -> None:
    made = render_ask(ASK, CATALOGUE)
    later = render_ask(
        replace(
            ASK,
            done=(PerformedAct(action=REFUND, params={**PARAMS, "amount": "1.00 EUR"}, outcome="done"),),
            budgets=(Budget(action="payment.refund", uses_left=1, total_left="9.00 EUR"),),
        ),
        CATALOGUE,
    )
    assert texts(later, "budget") == ["Remaining for “Refund … for order … to …” after this: 1 more time, €9.00 in total."]
    assert made.hash != later.hash
    assert still_matches(made, later)


def test_a_changed_name_of_a_record_voids_a_yes() -> None:
    assert not still_matches(render_ask(ASK, CATALOGUE), render_ask(replace(ASK, names={("order", "W123"): "piano"}), CATALOGUE))


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize(
    "field", ["order_id", "amount", "payment_method_id", "note", "agent", "operator", "customer", "words", "name", "file", "key"]
)
def test_no_value_can_hide_reorder_or_fake_a_line(trick: str, field: str) -> None:
    ask = ASK
    if field in {"agent", "operator", "customer", "words"}:
        ask = replace(ASK, **{field: trick})
    elif field == "name":
        ask = replace(ASK, names={("order", "W123"): trick})
    elif field == "file":
        ask = replace(ASK, files=(trick,))
    else:
        ask = replace(ASK, params={**PARAMS, trick if field == "key" else field: trick})
    made = render_ask(ask, CATALOGUE)
    for letter in everything(made):
        assert unicodedata.category(letter) not in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"}
    assert len([line for line in made.lines if line.kind not in {"param", "words", "file"}]) == 6
    assert not any(line.text.startswith("This can be undone") for line in made.lines)


def test_a_value_cannot_end_its_own_quotation() -> None:
    assert quoted_text("x” to pm_9. “", ENGLISH) == "“x⟨U+201D⟩ to pm_9. ⟨U+201C⟩”"
    assert make_visible("⟨new line⟩") == "⟨U+27E8⟩new line⟨U+27E9⟩"
    assert make_visible("a" + "\u0301" * 9).count("⟨") == 7
    assert make_visible("a    b") == "a⟨4 spaces⟩b"


def test_times_and_flags_read_plainly() -> None:
    assert plain_value("2026-12-01T09:05:00Z", ENGLISH) == "1 December 2026, 09:05 UTC (2026-12-01T09:05:00Z)"
    assert plain_value(True, ENGLISH) == "yes"
    assert plain_value({"a": ["x", 2]}, ENGLISH) == "a: x, 2"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4), lambda inner: st.lists(inner, max_size=2), max_leaves=4
)


@given(
    st.dictionaries(st.sampled_from(["order_id", "amount", "note", "items"]), _JSON),
    st.dictionaries(st.sampled_from(["order_id", "amount", "note", "items"]), _JSON),
)
def test_other_params_never_render_alike(one: dict[str, object], two: dict[str, object]) -> None:
    left, right = render_ask(replace(ASK, params=one), CATALOGUE), render_ask(replace(ASK, params=two), CATALOGUE)
    if repr(sorted(one.items())) != repr(sorted(two.items())):
        assert left.hash != right.hash
        assert not still_matches(left, right)
    else:
        assert left.hash == right.hash


def test_a_mandate_is_rendered_power_by_power() -> None:
    made = render_mandate(MANDATE, CATALOGUE, {("order", "W123"): "kettle"}, agent="shop", operator="Helper")
    powers = [line for line in made.lines if line.kind == "power"]
    assert [line.place for line in powers] == [0, 1, 2]
    assert powers[1].text == "See status of the order and date of birth (sensitive)"
    assert powers[2].text == "Refund … for order … to …, up to 2 times, up to €50.00 in total"
    assert powers[2].details == (
        "order_id: only W123 (kettle)",
        "Amount: at most €50.00",
        "At most 2 times",
        "Amount: at most €50.00 in total",
        "“Refund … for order … to …” cannot be undone",
    )
    assert texts(made, "target") == ["Only for order W123 (kettle)"]
    assert texts(made, "never")[1] == "The agent may never see: everything under “identity.*” (date of birth (sensitive))"
    assert texts(made, "expires") == ["The permission ends on 1 December 2026, 00:00 UTC, or when you revoke it."]
    assert len(texts(made, "preapproved")) == len(texts(made, "chain")) == 1


def test_the_summary_is_the_agents_and_marked() -> None:
    made = render_mandate(MANDATE, CATALOGUE, {})
    assert [(line.kind, line.details) for line in made.lines if line.theirs] == [("summary", ("send back", "the kettle"))]


@pytest.mark.parametrize(
    "changed",
    [
        {"expires_at": Instant(1_796_083_260_000)},
        {"max_tasks": 2},
        {"chain": 0},
        {"never": ()},
        {"powers": MANDATE.powers[:2]},
        {"powers": MANDATE.powers[::-1]},
        {"powers": (*MANDATE.powers[:2], replace(MANDATE.powers[2], uses=None))},
        {"powers": (*MANDATE.powers[:2], replace(MANDATE.powers[2], preapproved=False))},
        {"powers": (*MANDATE.powers[:2], replace(MANDATE.powers[2], totals=()))},
        {"objective": replace(MANDATE.objective, summary="x")},
        {"objective": replace(MANDATE.objective, target={"order": ("W124",)})},
    ],
)
def test_every_part_of_a_mandate_changes_its_rendering(changed: dict[str, object]) -> None:
    assert render_mandate(replace(MANDATE, **changed), CATALOGUE, {}).hash != render_mandate(MANDATE, CATALOGUE, {}).hash


def test_the_json_form_carries_the_hash_and_every_line() -> None:
    made = render_ask(ASK, CATALOGUE)
    form = rendering_json(made)
    assert form["hash"] == made.hash
    assert len(form["lines"]) == len(made.lines)


@pytest.mark.parametrize(
    ("members", "path", "word"),
    [
        ({"amount": {"title": "Amount"}}, "amount", "Amount"),
        ({"item_ids": {"title": "Items", "items": {}}}, "item_ids[*]", "Items"),
        ({"amount": {"title": "Amount"}, "fee": {"title": "amount"}}, "amount", None),
        ({"amount": {"title": "Amount"}, "fee": {"title": "Amount before tax"}}, "amount", None),
        ({"amount": {"title": "Fee"}, "fee": {}}, "amount", None),
        ({"amount": {"title": ""}}, "amount", None),
        ({"amount": {}}, "amount", None),
        ({"to": {"title": "To", "properties": {"name": {"title": "Name"}}}}, "to.name", None),
        ({}, "amount", None),
    ],
)
def test_a_parameter_has_its_title_where_no_other_could_pass_for_it(members: JsonObject, path: str, word: str | None) -> None:
    assert param_title({"properties": members}, parse_path(path)) == word


def test_elements_are_told_apart_and_what_has_no_name_keeps_its_place() -> None:
    action = replace(
        REFUND, schema={"properties": {"item_ids": {"title": "Items", "type": "array", "items": {"type": "string"}}, "note": {}}}
    )
    assert [line for line, _ in list_params(action, {"item_ids": ["i1", "i2"], "note": "leaks"}, {}, ENGLISH)] == [
        "Items 1: i1",
        "Items 2: i2",
        "note: leaks",
    ]


OFFER = replace(
    REFUND,
    name="offer.accept",
    title="Accept offer {offer_id} ({kind}, {exception}) for order {order_id}: {amount} {item_ids}",
    power=PowerKind.ACCEPT,
    marks=REFUND.marks[:2],
)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"offer_id": "off_1"}, "Accept offer off_1"),
        (
            {"offer_id": "off_1", "kind": "credit", "order_id": "W1", "amount": "5.00 EUR"},
            "Accept offer off_1 (credit) for order W1: €5.00",
        ),
        ({"offer_id": "off_1", "exception": "late"}, "Accept offer off_1 (late)"),
        ({"offer_id": "off_1", "order_id": "W1"}, "Accept offer off_1 for order W1"),
        ({"kind": "credit"}, "Accept offer … (credit)"),
        ({"offer_id": "off_1", "kind": "—"}, "Accept offer off_1 (“—”)"),
        ({}, "Accept offer … (…, …) for order …: … …"),
    ],
)
def test_what_was_not_given_is_left_out_of_a_title_that_is_read_afterwards(params: JsonObject, said: str) -> None:
    assert past_title(OFFER, params, {}, ENGLISH) == said


def test_what_stands_behind_the_last_gap_is_kept_and_a_bracket_is_closed() -> None:
    cancel = replace(REFUND, title="Cancel order {order_id} and pay back what was paid")
    assert (
        past_title(cancel, {"order_id": "W1"}, {("order", "W1"): "kettle"}, ENGLISH) == "Cancel order “kettle” and pay back what was paid"
    )
    assert past_title(cancel, {"reason": "late"}, {}, ENGLISH) == "Cancel order … and pay back what was paid"
    complain = replace(REFUND, title="File a complaint ({kind}) about order {order_id}")
    assert past_title(complain, {"order_id": "W1"}, {}, ENGLISH) == "File a complaint about order W1"
    assert past_title(complain, {"kind": "late"}, {}, ENGLISH) == "File a complaint (late)"


IN_BRACKETS = replace(
    OFFER,
    title="Accept an offer: {kind} for order {order_id} (the customer gets {amount}) (items {item_ids}) (of the house)",
    declared=frozenset({"offer_id", "digest", "kind", "order_id", "amount", "item_ids"}),
)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"kind": "credit", "order_id": "W1", "amount": "5.00 EUR"}, "credit for order W1 (the customer gets €5.00) (of the house)"),
        ({"kind": "new", "order_id": "W1", "item_ids": ["i1"]}, "new for order W1 (items i1) (of the house)"),
        ({"kind": "({amount})", "order_id": "W1"}, "“({amount})” for order W1 (of the house)"),
        ({"order_id": "W1"}, "— for order W1 (of the house)"),
    ],
)
def test_brackets_around_nothing_that_was_given_are_left_out_of_what_is_signed(params: JsonObject, said: str) -> None:
    act = next(line for line in render_ask(replace(ASK, action=IN_BRACKETS, params=params), CATALOGUE).lines if line.kind == "act")
    assert act.text == f"Accept an offer: {said}"


def test_an_offer_is_listed_by_its_terms_and_not_by_their_digest() -> None:
    params = {"offer_id": "off_1", "digest": "sha-256:x", "kind": "credit"}
    assert [line for line, _ in list_params(IN_BRACKETS, params, {}, ENGLISH)] == ["kind: credit", "offer_id: off_1"]
    assert "digest: sha-256:x" in [line for line, _ in list_params(REFUND, params, {}, ENGLISH)]


def test_a_short_title_stands_where_no_param_is_known() -> None:
    short = replace(REFUND, short="Refund money for an order")
    assert action_label(short) == past_title(short, {}, {}, ENGLISH) == "Refund money for an order"
    assert past_title(short, PARAMS, {}, ENGLISH).startswith("Refund €40.00")
    made = render_mandate(MANDATE, replace(CATALOGUE, actions={**CATALOGUE.actions, "payment.refund": short}), {})
    assert [line.text for line in made.lines if line.kind == "power"][
        2
    ] == "Refund money for an order, up to 2 times, up to €50.00 in total"


RETURN = replace(
    REFUND,
    name="order.return",
    title="Send back items of order {order_id}: {item_ids}",
    schema={"properties": {"item_ids": {"title": "Items", "type": "array"}}},
    marks=(REFUND.marks[0], ParamMark(path=parse_path("item_ids[*]"), kind=MarkKind.PART, of="order_id")),
)
PARTS = {("order", "W1"): "Kettle and lamp", (part_kind("order", "W1"), "i1"): "Kettle", (part_kind("order", "W2"), "i1"): "Cup"}


def test_a_part_is_shown_with_the_name_it_has_in_its_own_record() -> None:
    ask = replace(ASK, action=RETURN, params={"order_id": "W1", "item_ids": ["i1", "i2"]}, names=PARTS)
    made = render_ask(ask, CATALOGUE)
    assert texts(made, "act") == ["Send back items of order “Kettle and lamp”: “Kettle”, i2"]
    assert texts(made, "param")[:2] == ["Items 1: i1 (Kettle)", "Items 2: i2"]
    other = render_ask(replace(ask, params={"order_id": "W2", "item_ids": ["i1"]}), CATALOGUE)
    assert texts(other, "act") == ["Send back items of order W2: “Cup”"]


def test_a_changed_name_of_a_part_voids_a_yes() -> None:
    ask = replace(ASK, action=RETURN, params={"order_id": "W1", "item_ids": ["i1"]}, names=PARTS)
    renamed = {**PARTS, (part_kind("order", "W1"), "i1"): "Ring"}
    assert not still_matches(render_ask(ask, CATALOGUE), render_ask(replace(ask, names=renamed), CATALOGUE))


def test_a_limit_names_records_and_the_parts_of_the_one_record_it_is_about() -> None:
    where = (
        Condition(path=parse_path("item_ids"), op=ConditionOp.SUBSET_OF, value=("i1", "i2")),
        Condition(path=parse_path("order_id"), op=ConditionOp.ONE_OF, value=("W1",)),
    )
    about = replace(MANDATE, powers=(Power(power=PowerKind.REQUEST, actions=("order.return",), where=where),))
    desk = replace(CATALOGUE, actions={"order.return": RETURN})
    for target, item in ((("W1",), "i1 (Kettle)"), (("W2",), "i1 (Cup)"), (("W1", "W2"), "i1")):
        made = render_mandate(replace(about, objective=replace(MANDATE.objective, target={"order": target})), desk, PARTS)
        details = next(line.details for line in made.lines if line.kind == "power")
        assert details[:2] == (f"Items: only these: {item}, i2", "order_id: one of W1 (“Kettle and lamp”)")


def test_each_letter_of_a_recipient_that_only_looks_like_another_is_told() -> None:
    made = render_ask(replace(ASK, params={**PARAMS, "payment_method_id": "p\u0430y\uff50\u0430l"}), CATALOGUE)
    assert [line.details for line in made.lines if line.kind == "param" and line.text.startswith("payment_method_id")] == [
        ("This is the recipient.", "Careful, some letters aren't what they look like: \u0430 (U+0430), \uff50 (U+FF50).")
    ]
    assert lookalike_warning(["anna@mail.example", "\u0430nna@mail.example"], ENGLISH) != ()
    for honest in ("anna@mail.example", "анна@почта.example", "Zoë", 7, None):
        assert lookalike_warning(honest, ENGLISH) == ()


def test_the_records_that_are_to_be_named_are_those_a_limit_or_an_ask_speaks_of() -> None:
    desk = replace(CATALOGUE, actions={"payment.refund": REFUND, "order.return": RETURN})
    where = (
        Condition(path=parse_path("order_id"), op=ConditionOp.ONE_OF, value=("W1", "W2")),
        Condition(path=parse_path("item_ids[*]"), op=ConditionOp.SUBSET_OF, value=("i1",)),
        Condition(path=parse_path("amount"), op=ConditionOp.MAX, value="5.00 EUR"),
    )
    denied = (Condition(path=parse_path("order_id"), op=ConditionOp.EQUALS, value="W3"),)
    about = replace(
        MANDATE,
        powers=(Power(power=PowerKind.REQUEST, actions=("order.return",), where=where),),
        never=(Power(power=PowerKind.REQUEST, actions=("payment.refund",), where=denied),),
    )
    assert list(limit_records(about, desk)) == [("order", "W1"), ("order", "W2"), ("order", "W3")]
    assert list(records_with_parts(RETURN, {"order_id": "W1", "item_ids": ["i1"]})) == [("order", "W1")]
    assert list(records_with_parts(RETURN, {"order_id": ["W1"], "item_ids": ["i1"]})) == []
    assert list(records_with_parts(REFUND, PARAMS)) == []


def test_one_value_in_a_form_has_the_name_of_its_own_record() -> None:
    params: JsonObject = {"order_id": "W1", "item_ids": ["i1"]}
    assert named_value(RETURN, params, PARTS, parse_path("order_id"), "W1", ENGLISH) == "W1 (“Kettle and lamp”)"
    assert named_value(RETURN, params, PARTS, parse_path("item_ids[*]"), "i1", ENGLISH) == "i1 (Kettle)"
    assert named_value(RETURN, {**params, "order_id": "W2"}, PARTS, parse_path("item_ids[*]"), "i1", ENGLISH) == "i1 (Cup)"
    assert named_value(RETURN, params, PARTS, parse_path("note"), "i1", ENGLISH) == "i1"
