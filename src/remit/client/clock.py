"""Time and pauses, in one place so that a test can stand in for them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`now` in seconds since 1970, for what is signed; `monotonic` in seconds, for lifetimes; `sleep` for pauses."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
