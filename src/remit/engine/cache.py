"""A bounded cache of recomputable values, as large after a year as after an hour."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """A bounded map that forgets the least recently used half; values are never None; for the event loop only."""

    def __init__(self, most: int) -> None:
        """Keep at least the newest `most`, and at most twice as many."""
        self._most = most
        self._new: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._new) + sum(key not in self._new for key in self._old)

    def get(self, key: K) -> V | None:
        """Return a cached value, and keep it longer."""
        found = self._new.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Cache a value."""
        if len(self._new) >= self._most and key not in self._new:
            self._old, self._new = self._new, {}
        self._new[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._old, self._new = {}, {}
