"""A thread with an event loop of its own: what is kept there goes on whatever the desk's own loop is busy with."""

import asyncio
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any, Final, TypeVar

from remit.domain.errors import Code, Fault

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, T]]


class Beside:
    """Coroutines on a loop of their own, asked for from any other loop, or from none."""

    def __init__(self, name: str) -> None:
        self._loop: Final = asyncio.new_event_loop()
        self._thread: Final = Thread(target=self._main, name=name, daemon=True)
        self._closed = False
        self._thread.start()

    async def do(self, work: Work[T]) -> T:
        """Have something done to its end, also when the caller stops waiting.

        Raises:
            Fault: `fault.store` when it is closed.
        """
        self._verify_open()
        return await asyncio.shield(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop)))

    def wait(self, work: Work[T]) -> T:
        """Have something done, and hold up whatever runs here until then: for starts and ends.

        Raises:
            Fault: `fault.store` when it is closed.
        """
        self._verify_open()
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    def close(self) -> None:
        """End the thread. Closing twice changes nothing."""
        if not self._closed:
            self._closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _verify_open(self) -> None:
        if self._closed:
            raise Fault(Code.FAULT_STORE, "the content keys are closed")

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            self._loop.close()
