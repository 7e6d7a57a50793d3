"""Saved views: the form of their names and filters, the limit of their number, and the customers they name."""

import pytest

from remit.domain.errors import Code, Refused
from remit.domain.records import SavedView
from remit.domain.saved_views import (
    MAX_NAME,
    MAX_QUERY,
    MAX_VALUE,
    MAX_VIEWS,
    PARAMETERS,
    filters_of,
    names_customer,
    verify_name,
    verify_view,
    with_view,
    without_view,
)


def view(name: str = "Refunds", page: str = "audit", **filters: str) -> SavedView:
    return verify_view(page, name, filters or {"q": "refund"})


def test_a_view_holds_the_set_filters_in_the_order_of_its_list() -> None:
    made = view(" Big ones ", "queue", state="mine", agent=" Müller & Co ", min="", role="billing")
    assert made == SavedView(page="queue", name="Big ones", query="role=billing&agent=M%C3%BCller+%26+Co&state=mine")
    assert filters_of(made) == {"role": "billing", "agent": "Müller & Co", "state": "mine"}


@pytest.mark.parametrize("page", PARAMETERS)
def test_every_filter_of_a_list_can_be_kept_and_read_back(page: str) -> None:
    filters = {name: f"{name} = 1&2" for name in PARAMETERS[page]}
    assert filters_of(view("All", page, **filters)) == filters


@pytest.mark.parametrize(
    ("page", "filters", "said"),
    [
        ("me", {"q": "x"}, "page must be one of queue, audit, security"),
        ("queue", {"role": "billing", "sort": "due"}, "queue has no filter 'sort'"),
        ("audit", {"q": "x", "before": "7"}, "audit has no filter 'before'"),
        ("audit", {}, "no filter is set"),
        ("audit", {"q": " ", "code": ""}, "no filter is set"),
        ("audit", {"q": "x" * (MAX_VALUE + 1)}, "the filters are too long"),
        ("audit", {"q": "x", "code": " " * (MAX_VALUE + 1)}, "the filters are too long"),
        ("audit", {"q": "€" * (MAX_QUERY // 9 + 1)}, "the filters are too long"),
    ],
)
def test_a_view_of_another_form_is_refused(page: str, filters: dict[str, str], said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        verify_view(page, "Mine", filters)
    assert refused.value.code is Code.REQUEST_MALFORMED


@pytest.mark.parametrize("name", ["", "   ", "x" * (MAX_NAME + 1), "two\nlines", "Re\u202efunds", "Refunds\u200b", "tab\there"])
def test_a_name_that_cannot_be_seen_as_it_is_is_refused(name: str) -> None:
    """⚔ Two views that look alike, or a name that turns the page around it."""
    with pytest.raises(Refused) as refused:
        verify_name(name)
    assert refused.value.code is Code.REQUEST_MALFORMED


def test_a_name_may_have_the_greatest_length_beside_its_spaces() -> None:
    assert verify_name(f"  {'ü' * MAX_NAME} ") == "ü" * MAX_NAME


def test_a_view_of_the_same_list_and_name_is_replaced_in_its_place() -> None:
    views = (view("A"), view("B"), view("A", "security", owner="-"))
    replaced = with_view(views, view("A", q="other"))
    assert replaced == (view("A", q="other"), *views[1:])
    assert with_view(views, view("a")) == (*views, view("a"))


def test_one_view_too_many_is_a_conflict_and_another_try_of_a_known_one_is_not() -> None:
    full: tuple[SavedView, ...] = ()
    for number in range(MAX_VIEWS):
        full = with_view(full, view(f"Number {number}"))
    with pytest.raises(Refused) as refused:
        with_view(full, view("One more"))
    assert refused.value.code is Code.REQUEST_CONFLICT
    assert len(with_view(full, view("Number 7", q="other"))) == MAX_VIEWS


def test_a_view_is_removed_by_its_list_and_name() -> None:
    views = (view("A"), view("A", "security", owner="-"))
    assert without_view(views, "audit", "A") == views[1:]
    for page, name in (("queue", "A"), ("audit", "a")):
        with pytest.raises(Refused) as refused:
            without_view(views, page, name)
        assert refused.value.code is Code.REQUEST_NOT_FOUND


ANNA = ("cus_7", "anna.berg@shop.example", "Anna Bérg X")


@pytest.mark.parametrize(
    "filters",
    [
        {"customer": "cus_7"},
        {"customer": "ann"},
        {"q": "kettle customer:BERG"},
        {"q": '("Anna")'},
        {"q": "mail anna.berg@shop.example."},
        {"agent": "berg"},
    ],
)
def test_a_filter_that_names_an_erased_customer_is_recognised(filters: dict[str, str]) -> None:
    """⚔ What an erasure leaves must not say whose it was, in whatever spelling a search finds them by."""
    assert names_customer(view("Mine", **filters), *ANNA)


@pytest.mark.parametrize("filters", [{"q": "annals bergamot"}, {"customer": "be"}, {"customer": "otto"}, {"q": "x"}, {"agent": "ann"}])
def test_a_filter_that_names_somebody_else_is_kept(filters: dict[str, str]) -> None:
    assert not names_customer(view("Mine", **filters), *ANNA)


def test_a_name_of_a_view_that_names_a_customer_is_recognised() -> None:
    assert names_customer(view("About anna, again"), *ANNA)
    assert not names_customer(view("About the others"), *ANNA)
