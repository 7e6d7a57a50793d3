"""What is remembered is bounded, and what is asked for again and again stays."""

from remit.engine.cache import BoundedCache


def test_it_stays_as_large_as_it_is_however_much_is_put_in() -> None:
    known: BoundedCache[int, str] = BoundedCache(10)
    for number in range(1000):
        known.put(number, str(number))
        assert len(known) <= 20
    assert [known.get(number) for number in range(990, 1000)] == [str(number) for number in range(990, 1000)]
    assert known.get(0) is None


def test_what_is_asked_for_meanwhile_is_not_forgotten() -> None:
    known: BoundedCache[int, str] = BoundedCache(10)
    for number in range(1000):
        known.put(number, str(number))
        assert known.get(0) == "0"


def test_nothing_is_left_of_it_when_it_is_to_forget() -> None:
    known: BoundedCache[int, str] = BoundedCache(2)
    for number in range(4):
        known.put(number, "x")
    known.clear()
    assert (len(known), known.get(3), known.get(0)) == (0, None, None)
