"""Dotted names and globs over them: exact, or `area.*` for every name of that area.

What the names stand for is for the catalogue and the mandate.
"""

from collections.abc import Iterable

from remit.domain.ids import is_dotted, is_word


def is_glob(text: str) -> bool:
    """Tell whether the text is `area.*`."""
    return text.endswith(".*") and is_word(text[:-2])


def is_pattern(text: str) -> bool:
    """Tell whether the text is an exact dotted name or a glob."""
    return is_dotted(text) or is_glob(text)


def matches(pattern: str, name: str) -> bool:
    """Tell whether a name is what the pattern says, or in the area it says."""
    return name == pattern or (pattern.endswith(".*") and name.startswith(pattern[:-1]))


def covers_pattern(wide: str, narrow: str) -> bool:
    """Tell whether every name the narrow pattern can ever match is matched by the wide one."""
    return wide == narrow or (wide.endswith(".*") and narrow.startswith(wide[:-1]))


def expand(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names the pattern matches, in their order."""
    return tuple(name for name in names if matches(pattern, name))
