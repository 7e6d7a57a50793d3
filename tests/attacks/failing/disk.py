"""A disk that fails when a test says so."""


class Disk:
    """Breaks the store at a point, while it is told to."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.broken = False

    def __call__(self, point: str) -> None:
        if self.broken and point == self.point:
            raise OSError("no space left")
