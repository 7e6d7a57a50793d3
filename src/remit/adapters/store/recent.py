"""A bounded map of what was used lately, for stores: by how many there are and by how much they take."""

from collections.abc import Iterable
from enum import Enum
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST_BYTES: Final = 4 * 1024 * 1024
"""How much one of two generations holds. ⚔ An ask may be a megabyte: thousands of them, sent by one agent, must not take the machine."""


class Unknown(Enum):
    """Not held: only the file can tell."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


class Recent(Generic[K, V]):
    """A bounded map that forgets what was not used for longest, by halves."""

    def __init__(self, most: int, most_bytes: int = MOST_BYTES) -> None:
        """Hold `most` entries of `most_bytes` together, at most twice as many and as much."""
        self._most = most
        self._most_bytes = most_bytes
        # Both generations may be read by who must not pay for a call; `put` alone changes them.
        self.new: dict[K, tuple[V, int]] = {}
        self.old: dict[K, tuple[V, int]] = {}
        self._bytes = 0

    def get(self, key: K) -> V | Unknown:
        """What is held, without counting as a use."""
        found = self.new.get(key) or self.old.get(key)
        return UNKNOWN if found is None else found[0]

    def use(self, key: K) -> V | Unknown:
        """What is held, kept for longer since it was used."""
        found = self.new.get(key)
        if found is None:
            found = self.old.get(key)
            if found is None:
                return UNKNOWN
            self.put(key, *found)
        return found[0]

    def use_all(self, keys: Iterable[K]) -> list[V | Unknown]:
        """What is held of each, kept for longer since it was used."""
        return [self.use(key) for key in keys]

    def put(self, key: K, value: V, size: int = 0) -> None:
        """Hold a value that takes about so many bytes."""
        before = self.new.get(key)
        self.new[key] = (value, size)
        self._bytes += size if before is None else size - before[1]
        if len(self.new) > self._most or self._bytes > self._most_bytes:
            self.old, self.new, self._bytes = self.new, {}, 0

    def clear(self) -> None:
        """Forget everything."""
        self.new, self.old, self._bytes = {}, {}, 0
