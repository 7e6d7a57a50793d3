"""What an officer's text may not say, however it is written."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.adapters.files.vocabulary import read_fact_words
from remit.domain.secrets.attribute_labels import LabelRules
from remit.domain.secrets.outbound import (
    OtherCustomersData,
    Undisclosable,
    WithheldSpan,
    attribute_values,
    contacts_in,
    find_withheld,
    identifying_parts,
    in_order,
    mask_spans,
    person_names_in,
    reading_cost,
    record_ids_in,
    same_contact,
    text_readings,
    texts_in,
    titled_names_in,
    withheld_kinds,
    without_named,
    without_overlap,
)
from remit.domain.secrets.stated_values import StatedValues

VALUES = {
    "identity.birth_date": "1988-04-17",
    "contact.phone": "+49 40 5550100",
    "contact.address": "Lindenweg 4, 20095 Hamburg",
    "account.credit": "12.50 EUR",
    "card.ending": ["4242", "0031"],
    "account.blocked": True,
    "order.pieces": 2,
    "profile": {"nick": "Annabel"},
    "identity.name": "Zoë Müller",
    "identity.email": "zoe.m@mail.example",
    "order.total": Decimal("1234.50"),
    "card.token": "pm-7Q4-22",
}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("born 17 April 1988", "identity.birth_date"),
        ("born April 17, 1988", "identity.birth_date"),
        ("born 17.4.1988", "identity.birth_date"),
        ("born 1988/04/17", "identity.birth_date"),
        ("call 0049 40 555-0100 or +49(40)5550100", "contact.phone"),
        ("to LINDENWEG 4 20095 HAMBURG", "contact.address"),
        ("credit of 12.50 eur", "account.credit"),
        ("the card 4242", "card.ending"),
        ("hello \uff21\uff4e\uff4e\uff41\uff42\uff45\uff4c", "profile"),
        ("hello An\u200bnabel", "profile"),
        ("for Muller, Zoe", "identity.name"),
        ("for ZOE MUELLER", "identity.name"),
        ("for Zoe\u0308 Mu\u0308ller", "identity.name"),
        ("zoe dot m (at) mail.example", "identity.email"),
        ("a total of 1.234,50", "order.total"),
        ("the card pm 7 q4 22", "card.token"),
        ("call (0) 40 5550100", "contact.phone"),
    ],
)
def test_a_value_is_found_in_other_spellings(text: str, name: str) -> None:
    held = find_withheld(text, VALUES)
    assert held
    assert name in {one.name for one in held} or {one.why for one in held} == {"secret"}


@pytest.mark.parametrize(
    "text", ["Your order was delivered.", "We have 2 of them, yes.", "It takes 14242 steps", "Annabelle is another name", ""]
)
def test_what_says_none_of_it_is_free(text: str) -> None:
    assert find_withheld(text, VALUES) == ()


@pytest.mark.parametrize("text", ["see https://a.example/x", "see www.a.example", "write mailto:a@b.example", "see a.example/path?x=1"])
def test_links_are_held(text: str) -> None:
    assert [one.why for one in find_withheld(text, {})] == ["link"]


def test_a_secret_is_held() -> None:
    assert [one.why for one in find_withheld("your password is hunter2!x9", {})] == ["secret"]


def test_what_is_withheld_is_replaced_and_the_rest_kept() -> None:
    text = "Born 17 April 1988, card 4242."
    assert mask_spans(text, find_withheld(text, VALUES)) == "Born [withheld], card [withheld]."


@given(before=st.text(max_size=30), after=st.text(max_size=30), value=st.sampled_from(["Annabel", "Lindenweg 4, 20095 Hamburg"]))
@settings(max_examples=60, deadline=None)
def test_a_value_between_spaces_never_gets_through(before: str, after: str, value: str) -> None:
    text = f"{before} {value} {after}"
    held = find_withheld(text, {"x": value})
    assert value not in mask_spans(text, held)
    assert all(0 <= one.start < one.end <= len(text) for one in held)
    assert list(held) == sorted(held)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_overlapping_parts_are_taken_out_once(spans: list[tuple[int, int]]) -> None:
    text = "abcdefghijklmnopqrstuvwxyz0123456789ABCD"
    held = [WithheldSpan(start=start, end=start + size, why="link") for start, size in spans]
    left = mask_spans(text, held)
    gone = {place for start, size in spans for place in range(start, start + size)}
    assert left.replace("[withheld]", "") == "".join(letter for place, letter in enumerate(text) if place not in gone)


CONTACTS = ["https://www.acme.example/returns", "acme.example", "0800 555 0140", "help@acme.example", "@mail.acme.example"]


@pytest.mark.parametrize(
    "text",
    [
        "See https://www.acme.example/returns, please.",
        "See www.acme.example/returns.",
        "Our shop is at https://acme.example.",
        "Write to help@acme.example or case-7@mail.acme.example.",
        "Call +49 800 555 0140 or 0800 5550140.",
    ],
)
def test_the_desks_own_contacts_are_told(text: str) -> None:
    assert find_withheld(text, {"card.ending": "0140"}, contacts=CONTACTS) == ()
    assert find_withheld(text, {}) != ()


@pytest.mark.parametrize(
    "text",
    [
        "See https://www.acme.example/returns/9f2c.",
        "See https://\u0430cme.example/x.",
        "See https://help@acme.example/x.",
        "See https://acme.example.evil.example.",
        "Write to eve@acme.example.",
        "Write to eve@mail.acme.example.evil.example.",
        "Call 0800 555 01401.",
    ],
)
def test_what_only_looks_like_an_own_contact_is_withheld(text: str) -> None:
    assert {one.why for one in find_withheld(text, {}, contacts=CONTACTS)} <= {"link", "contact"}
    assert find_withheld(text, {}, contacts=CONTACTS) != ()


@pytest.mark.parametrize(
    ("said", "known", "same"),
    [
        ("+49 40 5550142", "040 5550142", True),
        ("555014", "040 555014", False),
        ("0140", "0800 555 0140", False),
        ("Anna@Mail.example ", "anna@mail.example", True),
        ("anna@mail.example", "@mail.example", True),
        ("anna@mail.example.evil.example", "@mail.example", False),
        ("anna@localhost", "@localhost", False),
        ("8005550140", "https://acme.example/8005550140", False),
    ],
)
def test_a_contact_is_known_by_all_of_its_figures_or_its_host(said: str, known: str, same: bool) -> None:
    assert same_contact(said, [known]) is same


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Your code is 4711.", "4711"),
        ("The one-time code: 83 20 11.", "83 20 11"),
        ("Use A7K2Q9 to log in.", "A7K2Q9"),
        ("Mit 4432 anmelden, dafür nutzen Sie 4432.", "4432"),
        ("Die Zugangsnummer lautet 2026.", "2026"),
        ("It is G-471193, your password.", "G-471193"),
    ],
)
def test_a_code_that_lets_somebody_in_is_withheld(text: str, code: str) -> None:
    found = [(text[one.start : one.end], one.why) for one in find_withheld(text, {})]
    assert any(code in said and why in {"code", "secret"} for said, why in found)


@pytest.mark.parametrize(
    "text",
    [
        "The discount code is 4711.",
        "Your code was changed in 2026.",
        "The code belongs to order number 4711.",
        "The code came. Our house number is 4711.",
        "Our house number is 4711! The code came.",
        "Log in again. The parcel weighs 4711 grams.",
        "Der Artikelcode 4711 ist ein Gutschein Code 4712.",
    ],
)
def test_figures_near_a_code_that_lets_nobody_in_are_free(text: str) -> None:
    assert find_withheld(text, {}) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Read VGhlIHN0cmVldCBpcyBMaW5kZW53ZWcgYXMgeW91IGtub3c= please.", "secret"),
        ("Read TGluZGVud2Vn please.", "hidden"),
        ("Take t h e s e l e t t e r s from me.", "hidden"),
        ("It is L i n d e n w e g in short.", "attribute"),
        ("It goes to grubmaH 59002 ,4 gewnedniL.", "attribute"),
        ("The street is %4Cindenweg%204, 20095 Hamburg.", "attribute"),
    ],
)
def test_no_disguise_carries_a_value(text: str, why: str) -> None:
    assert why in {one.why for one in find_withheld(text, {"contact.address": "Lindenweg 4, 20095 Hamburg"})}


def test_another_customers_data_are_withheld_by_whom_they_name_and_by_what_they_say() -> None:
    others = OtherCustomersData(
        named={"W9": "order", "bram de vos": "name"}, values=({"a": "Rosenweg 5, 22083 Hamburg", "b": "pending", "c": True},)
    )
    for text in ("W9 is on its way.", "Bram  de Vos has it.", "It lies at Rosenweg 5.", "It lies in the Rosenweg."):
        assert {one.why for one in find_withheld(text, {}, others=others)} == {"other"}, text
    assert find_withheld("It is pending, true, and W91 is yours.", {}, others=others) == ()


def test_an_officer_tells_no_value_over_two_replies() -> None:
    values = {"contact.address": "Lindenweg 4, 20095 Hamburg"}
    assert find_withheld("4 is its number.", values) == ()
    found = find_withheld("4 is its number.", values, earlier="It went to Lindenweg")
    assert [(one.start, one.why) for one in found] == [(0, "attribute")]
    assert find_withheld("It rains.", values, earlier="It went to Lindenweg 4.") == (), "what was told is no longer withheld"


WORDS = read_fact_words()


@pytest.mark.parametrize(
    ("value", "sensitive", "held"),
    [("active", False, False), ("active", True, True), ("vip", True, False), ("x4y", False, True), ("a@b.co", False, True)],
)
def test_a_word_of_many_things_counts_alone_only_where_it_tells_something(value: str, sensitive: bool, held: bool) -> None:
    rules = LabelRules(sensitive=frozenset({"account.state"}) if sensitive else frozenset(), words=WORDS)
    assert bool(find_withheld(f"So it is {value} there.", {"account.state": value}, rules=rules)) is held
    assert find_withheld(f"So its state is {value} there.", {"account.state": value}, rules=rules) != ()


def test_a_long_word_of_a_record_that_nothing_points_at_needs_its_label() -> None:
    rules = LabelRules(
        sensitive=frozenset({"card.holder"}), apart=frozenset({"card.holder"}), listed={"card.holder": frozenset({"Company"})}, words=WORDS
    )
    assert find_withheld("The Company is open today.", {"card.holder": "Company"}, rules=rules) == ()
    assert find_withheld("The holder is the Company.", {"card.holder": "Company"}, rules=rules) != ()


def test_a_listed_word_with_capitals_is_one_of_many_things_too() -> None:
    values = {"account.state": "Active"}
    listed = LabelRules(listed={"account.state": frozenset({"Active"})}, words=WORDS)
    assert find_withheld("So it is Active there.", values, rules=listed) == ()
    assert find_withheld("So it is Active there.", values, rules=LabelRules(words=WORDS)) != ()
    assert find_withheld("So it is Active there.", values, rules=LabelRules(words=WORDS), everyday=["account.state"]) == ()


def test_persons_records_and_contacts_are_looked_for_in_every_disguise() -> None:
    seen = text_readings("soV ed marB, or %42ram de Wit, has W1009; call 040 5550142.")
    assert {"bram de vos", "bram de wit"} <= set(person_names_in(seen))
    assert "W1009" in record_ids_in(seen)
    assert "040 5550142" in contacts_in(seen)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("It was delivered to Mr de Wit.", ("de wit",)),
        ("Frau Dr. Sato-Berg has it, and Kollegin Meyer", ("sato-berg", "meyer")),
        ("It lies with Herrn  Vogt, MR. SATO and Mrs.Berg.", ("vogt", "sato", "berg")),
        ("Mr. Van Den  Berg, Mrs van  den Berg and Ms Anna  Vogt", ("van den berg", "anna vogt")),
        ("Dear Ms Berg\n\nYour order is on its way", ("berg",)),
        ("The mister is out", ()),
        ("Ich gebe es an meine Kollegen\n\nMit freundlichen Grüßen", ()),
        ("Das klären die Kollegen \nIhr Team", ()),
        ("Es liegt bei seiner Frau.\n\nBitte senden Sie es zurück.", ()),
        ("We merged the MR Pipeline yesterday", ()),
        ("DEAR MR. SMITH YOUR ORDER IS ON ITS WAY", ("smith",)),
        ("Herr\nVogt has it", ("vogt",)),
    ],
)
def test_a_title_leads_to_a_name(text: str, names: tuple[str, ...]) -> None:
    assert titled_names_in([text, text]) == names


def test_a_name_is_found_with_the_family_first() -> None:
    assert "de vos, bram" in person_names_in(["It is for de Vos, Bram."])
    assert in_order("de vos, bram") == "bram de vos"
    assert in_order("bram de vos") == "bram de vos"


def test_in_a_long_text_only_words_with_capitals_are_names() -> None:
    said = "then the parcel of anna vogt went on " * 9 + "to Bram Berg's door"
    names = person_names_in([said])
    assert "bram berg" in names
    assert "anna vogt" not in names
    assert "anna vogt" in person_names_in(["the parcel of anna vogt"])


def test_a_text_may_name_only_so_many() -> None:
    """⚔ Each is looked up: a text must not cause many look-ups."""
    assert len(record_ids_in([" ".join(f"W{number}" for number in range(500))])) == 48
    assert len(person_names_in([" ".join(f"A{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(500))])) == 300
    assert len(contacts_in([" ".join(f"a{number}@mail.example" for number in range(500))])) == 48


def test_what_is_withheld_is_told_by_kind_alone() -> None:
    held = [
        WithheldSpan(start=0, end=4, why=why, name="identity.name") for why in ("attribute", "other", "confirms", "contact", "link", "code")
    ]
    assert withheld_kinds(held) == ("code", "data", "link")


def test_values_of_the_cases_own_records_are_no_other_records() -> None:
    rows = [("order", "W1", ["sent", 2]), ("order", "W2", ["lost", 2]), ("card", "c1", "visa")]
    assert attribute_values(rows, {}) == [["sent", 2], ["lost", 2], "visa"]
    assert attribute_values(rows, {"order": {"W1"}}) == ["lost", "visa"], "a value that both have tells nothing"


def test_of_other_records_only_what_identifies_them_counts() -> None:
    assert identifying_parts(["pending", "W 9", "old shop", 12, True, None, {"a": "x9"}]) == ["W 9", "old shop", 12, "x9"]
    assert without_named(["W9 ", "W8", 3], {"W9"}) == ["W8", 3]


def test_the_texts_of_a_value_are_those_of_all_its_levels() -> None:
    assert list(texts_in({"a": [" x ", {"b": "y"}], "c": 3, "d": " ", "e": None})) == ["x", "y"]


def test_of_overlapping_parts_the_wider_gives_the_reason() -> None:
    found = [
        WithheldSpan(start=4, end=9, why="link"),
        WithheldSpan(start=0, end=6, why="attribute"),
        WithheldSpan(start=0, end=2, why="code"),
        WithheldSpan(start=9, end=11, why="other"),
    ]
    assert [(one.start, one.end, one.why) for one in without_overlap(found)] == [(0, 9, "attribute"), (9, 11, "other")]


def test_every_value_that_an_agent_states_adds_to_the_cost_of_a_reading() -> None:
    """⚔ An agent chooses how many values it states: who waits for its reading is it."""
    plain = reading_cost("a" * 100, Undisclosable(values={}))
    stated = StatedValues(statements=tuple(f"Lindenweg {number}" for number in range(8)))
    assert plain == 100
    assert reading_cost("a" * 100, Undisclosable(values={}, earlier="b" * 50)) == 150
    assert reading_cost("a" * 100, Undisclosable(values={}, stated=stated)) == 300 + 8 * len("Lindenweg 0")
