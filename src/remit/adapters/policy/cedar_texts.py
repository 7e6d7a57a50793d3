"""Reads policy files: statements with file, line and `@id`, and everything about them that stops the start.

Which policies count for which action is for `cedar_slices`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cedarpy

from remit.adapters.policy.cedar_names import Node
from remit.domain.errors import Code, Refused

MAX_STATEMENT: Final = 16_384
MAX_NESTING: Final = 50
_LONGEST_ID: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One policy: where it stands, its id, its text, and its form in Cedar's JSON format."""

    file: str
    line: int
    id: str
    text: str
    policy: Mapping[str, Node]

    @property
    def place(self) -> str:
        """How messages name it."""
        return f"{self.file}:{self.line}: policy {self.id!r}"

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations other than `@id`."""
        found = self.policy.get("annotations")
        return {key: str(value or "") for key, value in found.items() if key != "id"} if isinstance(found, Mapping) else {}


def invalid(problems: Sequence[str], cure: str = "") -> Refused:
    """Make the refusal that names every problem, one a line, and what to do where it is more than to correct them."""
    return Refused(Code.POLICY_INVALID, "\n".join(problems), cure=cure)


def read_statements(texts: Sequence[tuple[str, str]], *, allow_unnamed: bool) -> tuple[Statement, ...]:
    """Read policy files, in order.

    Raises:
        Refused: `policy.invalid` with file and line for what cannot be read, templates, a missing or doubled `@id`.
    """
    statements: list[Statement] = []
    problems: list[str] = []
    for file, text in texts:
        for n, (line, piece) in enumerate(split(file, text), 1):
            try:
                statements.append(_statement(file, line, piece, f"{file}#{n}" if allow_unnamed else ""))
            except Refused as refused:
                problems.append(refused.detail)
    first: dict[str, Statement] = {}
    twice = [one for one in statements if first.setdefault(one.id, one) is not one]
    problems.extend(f"{one.place}: this @id stands at {first[one.id].file}:{first[one.id].line} already" for one in twice)
    if problems:
        raise invalid(problems)
    _verify_split(texts, statements)
    return tuple(statements)


def split(file: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with the line it starts on; what stands behind the last semicolon counts too.

    Raises:
        Refused: `policy.invalid` for a statement too long or nested too deep. ⚔ Cedar's parser overflows the stack
            on deep nesting, which ends the whole process.
    """
    start = place = 0
    depth = 0
    while place < len(text):
        letter = text[place]
        if text.startswith("//", place):
            place = _after(text, "\n", place)
            continue
        if letter == '"':
            place = _after_string(text, place)
            continue
        depth += (letter in "([{") - (letter in ")]}")
        if depth > MAX_NESTING or place - start > MAX_STATEMENT:
            raise invalid([f"{file}:{_line(text, start)}: a policy is too long or nested too deep"], "Split it into several policies.")
        place += 1
        if letter == ";":
            yield _line(text, start), text[start:place]
            start, depth = place, 0
    if _code(text[start:]):
        yield _line(text, start), text[start:]


def _after(text: str, mark: str, place: int) -> int:
    found = text.find(mark, place)
    return len(text) if found < 0 else found + 1


def _after_string(text: str, place: int) -> int:
    place += 1
    while place < len(text) and text[place] != '"':
        place += 2 if text[place] == "\\" else 1
    return place + 1


def _code(piece: str) -> str:
    """A piece without comments and white space at its start."""
    rest = piece.lstrip()
    while rest.startswith("//"):
        rest = rest[_after(rest, "\n", 0) :].lstrip()
    return rest


def _line(text: str, start: int) -> int:
    begin = len(text) - len(_code(text[start:]))
    return text.count("\n", 0, begin) + 1


def _statement(file: str, line: int, piece: str, unnamed: str) -> Statement:
    try:
        written = cedarpy.policies_to_json_str(piece)
        cedarpy.PolicySet.from_json_str(written)  # slices are made from this form, which takes less nesting than the text
        parsed = json.loads(written)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep; split it into several policies" if "serializ" in str(error) else str(error)
        raise invalid([f"{file}:{line}: {reason}"]) from None
    if parsed["templates"] or len(parsed["staticPolicies"]) != 1:
        raise invalid([f"{file}:{line}: templates (?principal, ?resource) are not used here; name the principal or resource"])
    (policy,) = parsed["staticPolicies"].values()
    annotations = policy.get("annotations") or {}
    name = annotations.get("id") or unnamed
    near = [key for key in annotations if key.lower() == "id" and key != "id"]
    if near or not name:
        raise invalid([f'{file}:{line}: this policy has no @id; begin it with @id("a-name-of-its-own")'])
    if len(name) > _LONGEST_ID or not name.isprintable() or name != name.strip():
        raise invalid([f"{file}:{line}: an @id is 1 to {_LONGEST_ID} printable characters"])
    return Statement(file=file, line=line, id=name, text=piece, policy=policy)


def _verify_split(texts: Sequence[tuple[str, str]], statements: Sequence[Statement]) -> None:
    """Make sure that Cedar, reading the files whole, sees the very statements found here."""
    whole = json.loads(cedarpy.policies_to_json_str("\n".join(text for _, text in texts)))["staticPolicies"]
    if [whole[f"policy{n}"] for n in range(len(whole))] != [one.policy for one in statements]:
        raise invalid(
            ["the policy files read as a whole mean something else than policy by policy"], "Put each policy on lines of its own."
        )
