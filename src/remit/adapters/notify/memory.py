"""A carrier that keeps its letters and may refuse the next one: for tests and trials."""

from collections import deque

from remit.ports.notify import DeliveryFailed, DeliveryObstacle, Letter


class MemoryCarrier:
    """Letters in memory. `before` refuses the next letters; `after` keeps them but loses the answer."""

    def __init__(self, name: str = "memory", *, needs_address: bool = True) -> None:
        self.name = name
        self.needs_address = needs_address
        self.taken: list[Letter] = []
        self.before: deque[DeliveryObstacle] = deque()
        self.after: deque[DeliveryObstacle] = deque()

    async def carry(self, letter: Letter) -> None:
        """Keep a letter."""
        if self.before:
            raise DeliveryFailed(self.before.popleft(), "told not to take it")
        if self.needs_address and not letter.address:
            raise DeliveryFailed(DeliveryObstacle.NEVER, "there is no address")
        self.taken.append(letter)
        if self.after:
            raise DeliveryFailed(self.after.popleft(), "told to lose the answer")

    async def probe(self) -> str:
        """Report whether it would take a letter."""
        if self.before:
            raise DeliveryFailed(self.before[0], "told not to take it")
        return "takes letters"
