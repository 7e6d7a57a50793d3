"""A text of an agent as a page shows it: cut where marks begin and end, each piece with why it is marked."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from remit.domain.values import Json


def cut_up(text: Mapping[str, Json]) -> list[tuple[str, tuple[str, ...]]]:
    """The pieces of a text that `words_shown` tells of. ⚔ Nothing of it is left out, whatever the marks say."""
    said, found = text["text"], text["found"]
    whole = said if isinstance(said, str) else ""
    rows = [one for one in found if isinstance(one, Mapping)] if isinstance(found, Sequence) else []
    marks = [(_place(one, "start", whole), _place(one, "end", whole), str(one.get("why", ""))) for one in rows]
    edges = sorted({0, len(whole), *(place for start, end, _ in marks for place in (start, end))})
    return [
        (whole[start:end], tuple(dict.fromkeys(why for first, last, why in marks if first <= start and end <= last)))
        for start, end in pairwise(edges)
    ]


def _place(mark: Mapping[str, Json], name: str, text: str) -> int:
    place = mark.get(name)
    return min(max(place, 0), len(text)) if isinstance(place, int) else 0
