"""A carrier that keeps what it is given."""

from attacks.arena import Arena
from remit.adapters.notify.memory import MemoryCarrier
from remit.ports.notify import Letter
from remit.usecases.send_notices import NoticeSender


class Post:
    """The desk's notices, sent by hand: what is taken stands in `carrier.taken`."""

    def __init__(self, arena: Arena, *carriers: MemoryCarrier) -> None:
        self.arena = arena
        self.carriers = carriers or (MemoryCarrier("smtp"),)
        self.told: list[tuple[str, str]] = []
        self.sending = NoticeSender(lambda *one: self.told.append(one))
        _ = arena.anna  # that she has a passkey now is told her before this
        # The desk was started without carriers: no round of its own runs beside the test's.
        object.__setattr__(arena.context, "carriers", self.carriers)

    @property
    def letters(self) -> list[Letter]:
        """Letters about what waits; others tell of passkeys that were made."""
        return [one for one in self.carriers[0].taken if "/me" not in one.page]

    def round(self) -> int:
        return self.arena.run(self.sending.round(self.arena.context))

    def later(self, ms: int) -> int:
        self.arena.clock.ahead_ms += ms
        return self.round()
