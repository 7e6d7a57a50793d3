"""The catalogue in a further language: whole, with the same params in its titles, and part of what the rules are."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from remit.adapters.files.pack import read_pack
from remit.adapters.files.translations import load_translations
from remit.domain.catalogue.model import Catalogue, PowerKind
from remit.domain.confirm.render_ask import AskDetails, Budget, render_ask
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.confirm.render_values import list_params, plain_value
from remit.domain.errors import Code, Refused
from remit.domain.i18n import ENGLISH
from remit.domain.mandate.parse import read_mandate
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import Instant

DATA: dict[str, Any] = deepcopy(dict(read_pack("consumer").catalogue))
NOW = Instant(1_790_000_000_000)


def read(change: Any = None) -> Catalogue:
    data = deepcopy(DATA)
    if change is not None:
        change(data["language"]["de"], data)
    return read_catalogue(data, today=None, speeches=load_translations())


def test_everything_people_read_is_in_the_language_and_everything_else_is_as_it_was() -> None:
    one = read()
    german = one.in_language("de")
    assert one.languages == german.languages == ("en", "de")
    assert german.say.language == "de"
    assert one.in_language("fr") is one
    assert german.digest == one.digest
    assert german.action("payment.refund").title == "{amount} für Bestellung {order_id} auf {payment_method_id} erstatten"
    assert german.action("case.close").title == "Vorgang schließen"
    assert german.attributes["case.status"].title == "Status des Vorgangs"
    assert german.action("order.return").schema["properties"]["item_ids"]["title"] == "Artikel"  # type: ignore[index,call-overload]
    for name, action in one.actions.items():
        other = german.action(name)
        assert (other.marks, other.declared, other.power, other.area, other.effect) == (
            action.marks, action.declared, action.power, action.area, action.effect,
        )  # fmt: skip
        assert (other.digest == action.digest) is action.builtin
    assert german.floors == one.floors
    assert [rule.meant for rule in german.escalations] == [rule.reason for rule in one.escalations]


@pytest.mark.parametrize(
    ("part", "name", "key"),
    [
        ("role", "care", 'language.de.role."care"'),
        ("resource", "order", 'language.de.resource."order"'),
        ("attribute", "order.status", 'language.de.attribute."order.status"'),
        ("action", "order.read", 'language.de.action."order.read"'),
        ("objective", "complain", 'language.de.objective."complain"'),
        ("escalation", "large-refunds", 'language.de.escalation."large-refunds"'),
    ],
)
def test_a_language_is_whole_or_it_is_refused(part: str, name: str, key: str) -> None:
    with pytest.raises(Refused, match="is missing; translate it, or remove language") as refused:
        read(lambda german, _: german[part].pop(name))
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert refused.value.detail.startswith(f"{key}: ")
    with pytest.raises(Refused, match="no such"):
        read(lambda german, _: german[part].update({"no.such" if "." in name else "no-such": "x"}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": "Erstatten"}, "does not show the same params"),
        ({"title": "{amount} für {order_id}"}, "does not show the same params"),
        ({"title": "{amount} {amount} {order_id} {payment_method_id}"}, "does not show the same params"),
        ({"title": "{amount} {order_id} {payment_method_id} {"}, "does not show the same params"),
        ({"title": "{amount} {order_id} {payment_method_id} \u202e"}, "invisible characters"),
        ({"title": ""}, "must be a text"),
        ({"short": "Erstatte {amount}"}, "names no known param"),
        ({"short": None}, "must be a text"),
        ({"params": {"order_id": "Bestellung"}}, "is missing"),
        ({"params": {"order_id": "a", "payment_method_id": "b", "amount": "c", "more": "d"}}, "is not a known key"),
        ({"area": "routine"}, "is not a known key"),
    ],
)
def test_a_title_in_another_language_shows_the_same_money_records_and_recipients(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        read(lambda german, _: german["action"]["payment.refund"].update(change))


@pytest.mark.parametrize(("name", "said"), [("en", "is not one of the further languages"), ("tlh", "write one of de")])
def test_a_language_that_nobody_speaks_here_is_refused(name: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        read(lambda german, data: data["language"].update({name: german}))


def test_what_a_language_says_is_part_of_the_rules_and_without_one_nothing_is() -> None:
    digests = {read().digest}
    digests.add(read(lambda german, _: german["action"]["order.return"].update(short="Anders")).digest)
    digests.add(read(lambda german, _: german["objective"].update(complain="Anders")).digest)
    digests.add(read(lambda german, _: german["attribute"].update({"order.total": "Anders"})).digest)
    digests.add(read(lambda german, _: german["escalation"].update({"risky-money": "Anders"})).digest)
    alone = read(lambda _, data: data.pop("language"))
    assert len(digests | {alone.digest}) == 6
    assert alone.languages == ("en",)
    assert read(lambda _, data: data.update(language={})).digest == alone.digest


def test_a_mandate_reads_in_german_throughout() -> None:
    german = read().in_language("de")
    wire = {
        "type": "remit_mandate",
        "objective": {"type": "return-item", "target": {"order": ["W1"]}, "summary": "it leaks"},
        "powers": [
            {"power": "represent"},
            {"power": "receive", "attributes": ["order.status", "order.shipping_address"]},
            {"power": "request", "actions": ["payment.refund"], "uses": 2, "where": {"amount": {"max": "50.00 EUR"}}},
            {"power": "request", "actions": ["order.return"], "uses": 1},
        ],
        "never": [{"power": "accept"}, {"power": "receive", "attributes": ["identity.*"]}],
        "max_tasks": 3,
        "chain": 1,
    }
    made = render_mandate(read_mandate(wire, german, now=NOW), german, {}, agent="Helper", operator="helper.example")
    lines = [(line.text, line.details) for line in made.lines]
    assert lines[1:10] == [
        ("Helper, betrieben von helper.example, möchte für Sie handeln.", ()),
        ("Einen Artikel zurückgeben und das Geld zurückbekommen", ()),
        ("Nur für Bestellung W1", ()),
        ("Der Agent darf:", ()),
        ("Einen Vorgang eröffnen und darin für Sie schreiben", ()),
        ("Bestellstatus und Adresse, an die die Bestellung geht (vertraulich) sehen", ()),
        (
            "Bis zu 2 Erstattungen von je bis zu 50,00 € beantragen",
            (
                "Geld für eine Bestellung erstatten",
                "Betrag: höchstens 50,00 €",
                "Höchstens 2 Mal",
                "„Geld für eine Bestellung erstatten“ lässt sich nicht rückgängig machen",
            ),
        ),
        ("Das lässt sich nicht rückgängig machen.", ()),
        ("Eine Rücksendung beantragen", ("Artikel einer Bestellung zurücksenden", "Einmal")),
    ]
    assert [text for text, _ in lines[10:]] == [
        "Der Agent darf nie verbindliche Zusagen für Sie machen",
        "Der Agent darf nie sehen: alles unter „identity.*“ (Geburtsdatum (vertraulich); vollständiger Name)",
        "Alles, was oben nicht steht, ist gesperrt.",
        "Die Erlaubnis endet am 28. September 2026, 14:13 UTC oder sobald Sie sie widerrufen.",
        "Für höchstens 3 Aufgaben.",
        "Der Agent darf einen Teil dieser Erlaubnis an einen weiteren Agenten weitergeben.",
        "Nachricht des Agenten (sie erlaubt nichts):",
    ]
    assert PowerKind.REQUEST in {power.power for power in read_mandate(wire, german, now=NOW).powers}


def test_no_point_before_three_digits_is_read_as_thousands() -> None:
    german = read().in_language("de")
    for value, english, said in (
        (Decimal("1.500"), "1.500", "1,500"),
        (Decimal("-0.125"), "-0.125", "-0,125"),
        (Decimal("1.5"), "1.5", "1.5"),
        (1500, "1500", "1500"),
        ("1.500 KWD", "1.500 KWD", "1,500 KWD"),
        ("1500.50 EUR", "€1,500.50", "1.500,50 €"),
        ("1.500 EUR", "€1.500", "1,500 €"),
        ("1.500", "“1.500”", "„1.500“"),
        ("10.123.456", "“10.123.456”", "„10.123.456“"),
    ):
        assert (plain_value(value, ENGLISH), plain_value(value, german.say)) == (english, said), value
    ask = AskDetails(
        action=german.action("payment.refund"),
        params={"order_id": "W1", "payment_method_id": "pm_1", "amount": "1.500 KWD"},
        names={},
        agent="Helper",
        operator="helper.example",
        customer="Anna",
        budgets=(Budget(action="payment.refund", uses_left=None, total_left="2.500 KWD, 3.125, 4.00 EUR"),),
    )
    lines = {line.kind: line.text for line in render_ask(ask, german).lines}
    assert lines["act"] == "1,500 KWD für Bestellung W1 auf pm_1 erstatten"
    assert lines["budget"].endswith("insgesamt 2,500 KWD, 3,125, 4,00 €.")


VALUES = {"no longer needed": "wird nicht mehr gebraucht", "ordered by mistake": "aus Versehen bestellt", "too late": "dauert zu lange"}


def test_listed_values_are_read_in_the_language_and_stay_the_same_on_the_wire() -> None:
    one, german = read(), read().in_language("de")
    cancel, params = german.action("order.cancel"), {"order_id": "W1", "reason": "too late"}
    assert [text for text, _ in list_params(cancel, params, {}, german.say)] == ["Bestellung: W1", "Grund: dauert zu lange"]
    assert [text for text, _ in list_params(one.action("order.cancel"), params, {}, one.say)][1] == "Reason: “too late”"
    assert german.attributes["order.status"].value_titles["delivered"] == "zugestellt"
    assert cancel.schema["properties"]["reason"]["enum"] == [*VALUES]  # type: ignore[index,call-overload]
    other = {**VALUES, "too late": "zu spät"}
    changed = read(lambda language, _: language["action"]["order.cancel"].update(values={"reason": other})).in_language("de")
    assert changed.action("order.cancel").digest != cancel.digest, "who signed another word signed something else"


@pytest.mark.parametrize(
    "values",
    [
        {"reason": {**VALUES, "too late": "aus Versehen bestellt"}},
        {"reason": {**VALUES, "too late": "\u0430us Versehen bestellt"}},
        {"reason": {**VALUES, "never": "nie"}},
        {"reason": {"too late": "zu spät"}},
        {"order_id": {"W1": "eins"}},
        {"nothing": {}},
    ],
    ids=["equal", "look alike", "unknown value", "incomplete", "no listed values", "no param"],
)
def test_titles_of_values_are_whole_and_tell_values_apart(values: Any) -> None:
    with pytest.raises(Refused, match="values"):
        read(lambda language, _: language["action"]["order.cancel"].update(values=values))


def test_titles_of_an_attributes_values_are_for_attributes_that_exist() -> None:
    with pytest.raises(Refused, match="no such attribute"):
        read(lambda language, _: language["value"].update({"order.nothing": {"a": "b"}}))
    with pytest.raises(Refused, match="look alike"):
        read(lambda language, _: language["value"].update({"order.status": {"sent": "unterwegs", "pending": "unterwegs"}}))
