"""Parameter paths such as `order_id`, `address.city` or `items[*].id`: parsing them and walking params along them."""

from collections.abc import Iterator, Mapping
from typing import Final

from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject, is_list
from remit.proof.narrow_schema import path_steps

_MAX_LENGTH: Final = 200


@struct(frozen=True, order=True)
class ParamPath:
    """Steps into params: a name, or None for "every element of this array"."""

    steps: tuple[str | None, ...]

    def __str__(self) -> str:
        """Return the text form."""
        out = ""
        for step in self.steps:
            out += "[*]" if step is None else f".{step}" if out else step
        return out

    @property
    def has_wildcard(self) -> bool:
        """Return whether the path goes through every element of some array."""
        return None in self.steps

    def child(self, step: str | None) -> "ParamPath":
        """Return the path one step further."""
        return ParamPath((*self.steps, step))


ROOT: Final = ParamPath(())
"""The path of the params themselves."""


def parse_path(text: str) -> ParamPath:
    """Parse a path.

    Raises:
        ValueError: for any other text.
    """
    if len(text) > _MAX_LENGTH:
        message = "a parameter path is too long"
        raise ValueError(message)
    steps = path_steps(text)
    if not steps:
        message = f"{text!r} is not a parameter path"
        raise ValueError(message)
    return ParamPath(steps)


class Absent:
    """The value at a path that leads nowhere."""


ABSENT: Final = Absent()


def values_at(params: JsonObject, path: ParamPath) -> Iterator[Json | Absent]:
    """Yield every value the path leads to, `ABSENT` for each place where it leads nowhere.

    An empty or missing array under `[*]` yields one `ABSENT`: "every element of nothing" never passes a test.
    """
    steps = path.steps
    if len(steps) == 1 and steps[0] is not None:
        return iter((params.get(steps[0], ABSENT),))
    return _walk(params, steps)


def _walk(value: Json | Absent, steps: tuple[str | None, ...]) -> Iterator[Json | Absent]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step is None:
        if is_list(value) and value:
            for item in value:
                yield from _walk(item, rest)
        else:
            yield ABSENT
    elif isinstance(value, Mapping) and step in value:
        yield from _walk(value[step], rest)
    else:
        yield ABSENT
