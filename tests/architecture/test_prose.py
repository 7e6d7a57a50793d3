"""How the source speaks: summaries that begin with a verb or a noun phrase, and commit subjects in the imperative."""

import ast
import re
import subprocess
from collections.abc import Iterator

import pytest

from architecture.sources import ROOT, modules

MOST = 0.3
"""Of a hundred words of summaries, how many may be one of `VAGUE`."""
VAGUE = re.compile(r"\b(?:what|who|whoever|whose|nobody|somebody)\b", re.IGNORECASE)
FIRST = "99af0869f4ad"
"""The last commit before this rule."""
LONGEST_SUBJECT = 72
NO_IMPERATIVE = re.compile(
    r"(?:The|A|An|It|There|This|That|These|Those|All|Each|Every|Both|No|Not|Now|One|Two|Some|What|Who|Where|When|Why|How|If|In|On|At|Of|For|"
    r"To|From|With|By|And|Or|But|Its|Our|Their|\w+ing|\w+ed|\w+(?<!ss)s)\b"
)
IMPERATIVES = {"Address", "Bring", "Embed", "Feed", "Need", "Pass", "Process", "Seed", "Speed", "String"}
"""Verbs that look like none to `NO_IMPERATIVE`."""


def summaries() -> Iterator[tuple[str, str]]:
    """The summary of every docstring: its first paragraph, with where it stands."""
    for one in modules():
        for node in ast.walk(one.tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (said := ast.get_docstring(node)):
                yield f"{one.name}: {getattr(node, 'name', 'module')}", said.split("\n\n")[0]


def share(texts: list[str]) -> float:
    """Vague words in a hundred words."""
    words = sum(len(re.findall(r"[\w'-]+", text)) for text in texts)
    return 100 * sum(len(VAGUE.findall(text)) for text in texts) / max(words, 1)


def is_imperative(subject: str) -> bool:
    """Whether a commit subject begins with a verb in its plain form, as far as a pattern can tell."""
    first = subject.split(" ", 1)[0].rstrip(":,")
    return first in IMPERATIVES or (first[:1].isupper() and not NO_IMPERATIVE.fullmatch(first))


def test_summaries_name_their_subjects() -> None:
    found = dict(summaries())
    assert len(found) > 1000
    vague = [f"{where}: {text}" for where, text in found.items() if VAGUE.search(text)]
    assert share(list(found.values())) <= MOST, "\n".join(vague[:40])


def test_vague_words_are_counted() -> None:
    assert share(["Return the record of whoever asked."]) == pytest.approx(100 / 6)
    assert share(["Return the record of the customer."]) == 0


def test_commit_subjects_are_imperative_and_short() -> None:
    git = subprocess.run(["git", "log", "--format=%s", f"{FIRST}..HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    if git.returncode != 0:
        pytest.skip("no history here that reaches back to this rule")
    subjects = git.stdout.splitlines()
    assert [one for one in subjects if len(one) > LONGEST_SUBJECT] == []
    assert [one for one in subjects if not is_imperative(one)] == []


@pytest.mark.parametrize("subject", ["Name plugs by package", "Merge branch 'x'", "Pass params once", "Add a room"])
def test_a_subject_in_the_imperative_is_taken(subject: str) -> None:
    assert is_imperative(subject)


@pytest.mark.parametrize("subject", ["The model hears two ways", "Adds a room", "Added a room", "renamed", "A desk is kept", "Nodes wait"])
def test_another_subject_is_noticed(subject: str) -> None:
    assert not is_imperative(subject)
