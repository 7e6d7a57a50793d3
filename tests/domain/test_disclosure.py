from hypothesis import given
from hypothesis import strategies as st

from remit.domain.disclosure import cut_result

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
