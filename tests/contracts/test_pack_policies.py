"""Every condition and every number of a pack's policies is noticed by one of its cases: none is dead, none is wider than shown."""

import re
from collections.abc import Iterator

import pytest

from contracts.packs import PACKS, pack, run_all
from remit.adapters.policy.cedar_check import PolicyStatement, read_statements

CONDITION = re.compile(r"\b(when|unless)\s*\{")
NUMBER = re.compile(r'decimal\("(\d+\.\d\d)"\)|(?:>=|<) (\d+)')


def conditions(text: str) -> Iterator[tuple[int, int]]:
    """Where each `when {…}` and `unless {…}` of a policy stands."""
    for found in CONDITION.finditer(text):
        depth, at = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        yield found.start(), at


def changed(statement: PolicyStatement) -> Iterator[tuple[str, str]]:
    """The policy without each of its conditions, and with each of its numbers a little up and down; and what was changed."""
    text = statement.text
    for start, end in conditions(text):
        yield text[start:end], text[:start] + text[end:]
    for found in NUMBER.finditer(text):
        place = 1 if found[1] else 2
        number = found[place]
        for step in (1, -1):
            other = f"{(int(number.replace('.', '')) + step) / 100:.2f}" if found[1] else str(int(number) + step)
            yield f"{found[0]} as {other}", text[: found.start(place)] + other + text[found.end(place) :]


@pytest.mark.parametrize("name", PACKS)
def test_every_condition_and_number_of_a_policy_is_noticed_by_a_case(name: str) -> None:
    found, catalogue = pack(name)
    statements = read_statements(found.policies, allow_unnamed=False)
    unnoticed = []
    for statement in statements:
        for what, text in changed(statement):
            rest = "".join(text if one is statement else one.text for one in statements)
            if all(one.passed for one in run_all(found, catalogue, (("changed.cedar", rest),))):
                unnoticed.append(f"{statement.id}: {what}")
    assert unnoticed == []
