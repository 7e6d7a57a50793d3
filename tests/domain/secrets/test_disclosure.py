import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.secrets.disclosure import cut_result

NAMES = st.sampled_from(["order.status", "order.items", "identity.birth_date", "order.*", "Order.status", "order.status "])


def test_covered_and_declared_attributes_pass_and_the_rest_is_counted() -> None:
    cut = cut_result(
        {"order.status": "sent", "identity.birth_date": "1990-01-01"},
        returns=("order.status", "identity.birth_date"),
        covered=frozenset({"order.status"}),
    )
    assert cut.result == {"order.status": "sent"}
    assert cut.withheld == 1
    assert not cut.incident


def test_an_undeclared_attribute_is_cut_even_when_covered_and_is_an_incident() -> None:
    cut = cut_result({"order.status": "sent", "order.notes": "vip"}, returns=("order.status",), covered={"order.status", "order.notes"})
    assert cut.result == {"order.status": "sent"}
    assert cut.withheld == 1
    assert cut.undeclared == ("order.notes",)
    assert cut.incident


def test_an_empty_result_withholds_nothing() -> None:
    cut = cut_result({}, returns=("order.status",), covered=frozenset())
    assert (dict(cut.result), cut.withheld, cut.incident) == ({}, 0, False)


@given(st.dictionaries(NAMES, st.integers()), st.frozensets(NAMES), st.frozensets(NAMES))
def test_nothing_uncovered_or_undeclared_is_ever_told(values: dict[str, int], returns: frozenset[str], covered: frozenset[str]) -> None:
    cut = cut_result(values, returns=returns, covered=covered)
    assert cut.result.keys() <= returns & covered
    assert len(cut.result) + cut.withheld == len(values)
    assert all(values[name] == value for name, value in cut.result.items())


def test_what_is_named_as_another_attribute_is_cut_inside_a_value_too() -> None:
    told = {
        "order.status": {"state": "sent", "lines": [{"identity.email": "a@b", "item": "kettle"}], "order.notes": {"identity.email": "c@d"}}
    }
    cut = cut_result(told, returns=("order.status",), covered={"order.status"}, known=("order.status", "order.notes", "identity.email"))
    assert cut.result == {"order.status": {"state": "sent", "lines": [{"item": "kettle"}]}}
    assert cut.withheld == 2
    assert not cut.incident


KNOWN = ("order.status", "order.items", "order.total", "identity.birth_date", "identity.email", "order.shipping_address")


@pytest.mark.parametrize(
    "inside",
    [
        {"Identity.Birth_Date": "1988"},
        {"identity": {"birth_date": "1988"}},
        {"identity": [{"birthDate": "1988"}]},
        {"customer": {"birth_date": "1988"}},
        {"identity_birth_date": "1988"},
        {"identity-birth-date": "1988"},
        {"\uff49dentity.birth_date": "1988"},
        {"ident\u200bity.birth_date": "1988"},
        {"order": {"total": "1988"}},
        {"a": {"b": {"identity": {"email": "1988"}}}},
        {"note": '{"identity.birth_date": "1988"}'},
        {"note": '[{"identity": {"birth_date": "1988"}}]'},
        [[{"shippingAddress": "1988"}]],
    ],
)
def test_an_attribute_that_is_not_told_is_cut_however_its_name_is_spelled(inside: object) -> None:
    told = {"order.items": [{"id": "i1", "more": inside}]}
    cut = cut_result(told, returns=("order.items", "order.status"), covered={"order.items"}, known=KNOWN)  # type: ignore[arg-type]  # JSON
    assert "1988" not in str(cut.result)
    assert "i1" in str(cut.result)
    assert cut.withheld == 1


@pytest.mark.parametrize(
    "inside",
    [
        {"status": "sent", "items": 2, "email": "yes", "total": 3},
        {"order": {"status": "sent"}},
        {"note": "{not JSON at all"},
        {"note": '{"b":1, "a":2}'},
        {"address": "the warehouse"},
    ],
)
def test_what_is_named_as_nothing_else_stays_as_it_is(inside: object) -> None:
    told = {"order.items": [inside], "order.status": "sent"}
    cut = cut_result(told, returns=("order.items", "order.status"), covered={"order.items", "order.status"}, known=KNOWN)  # type: ignore[arg-type]
    assert (cut.result, cut.withheld) == (told, 0)


def test_how_often_a_hidden_attribute_stands_in_a_value_is_not_told() -> None:
    def counted(times: int) -> int:
        told = {"order.items": [{"id": f"i{place}", "identity.email": "x"} for place in range(times)], "identity.email": "x"}
        return cut_result(told, returns=("order.items", "identity.email"), covered={"order.items"}, known=KNOWN).withheld

    assert {counted(times) for times in (0, 1, 2, 50)} == {1}
