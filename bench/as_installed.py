"""Import it first to be like an installed Remit: without `rich`, which development needs and httpx takes in where it is there."""

import sys

sys.modules["rich"] = None  # type: ignore[assignment]  # None means: not to be found
