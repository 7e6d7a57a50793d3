"""What a process worked out lately and would have to work out again: bounded, so that it is as large after a year as after an hour."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """A bounded map that forgets what was not asked for longest, by halves. Values are never None; only the event loop uses it."""

    def __init__(self, most: int) -> None:
        """Remember the newest `most` for sure, and at most twice as many."""
        self._most = most
        self._new: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._new) + sum(key not in self._new for key in self._old)

    def get(self, key: K) -> V | None:
        """What is remembered, for longer since it was asked for."""
        found = self._new.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Remember a value."""
        if len(self._new) >= self._most and key not in self._new:
            self._old, self._new = self._new, {}
        self._new[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._old, self._new = {}, {}
