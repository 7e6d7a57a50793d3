"""How a serving process treats its memory. Nothing here is about what is served."""

import gc
from typing import Final

_YOUNG: Final = 50_000
_MIDDLE: Final = 20
_OLD: Final = 50


def settle_memory() -> None:
    """Take what a started desk consists of out of the garbage collector's rounds, and let them come more rarely.

    Rules, schemas, pages and modules are some hundred thousand objects that live as long as the process; walking them again and
    again took a tenth of its time. What requests leave behind is freed by reference counts, but for rare cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
