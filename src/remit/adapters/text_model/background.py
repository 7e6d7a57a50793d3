"""A model that learns a desk's catalogue beside the start: readiness waits for none of it, and no message goes unheard."""

import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from threading import Event, Lock, Thread
from typing import Final

from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Fault
from remit.ports.text_model import TextModel, TopicDetector

_LOG: Final = logging.getLogger("remit.words")


class BackgroundDetector:
    """Detector for one catalogue, learned in a thread of its own. Messages that come before wait; none passes unheard.

    Afterwards the thread reads the commonest words ahead. A message takes its turn in between.
    """

    def __init__(self, load: Callable[[], TextModel], catalogue: Catalogue) -> None:
        self._load = load
        self._catalogue = catalogue
        self._learnt: Future[TopicDetector] = Future()
        self._stopped = Event()
        self._lock = Lock()
        self._thread: Thread | None = None

    def load(self) -> None:
        """Load the model's verified files.

        Raises:
            Refused: `settings.invalid` for missing or other files, or libraries that do not work here.
        """
        self._load()

    def start(self) -> None:
        """Begin to learn, unless begun."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._learn, name="remit-model", daemon=True)
                self._thread.start()

    def off_topic(self, pieces: Sequence[str], *, purpose: str, action: str, asking: Collection[int]) -> Sequence[int]:
        """Return the indexes of pieces that sound like anything but this purpose and this action.

        Raises:
            Fault: `fault.internal` where the model could not learn. ⚔ Nothing passes without it.
        """
        self.start()
        return self._learnt.result().off_topic(pieces, purpose=purpose, action=action, asking=asking)

    def close(self) -> None:
        """Stop learning or reading ahead, and wait for the thread."""
        self._stopped.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _learn(self) -> None:
        try:
            model = self._load()
            self._learnt.set_result(model.learn(self._catalogue, self._stopped.is_set))
        except Exception as problem:  # noqa: BLE001  # told to each message, and in the log
            if not self._stopped.is_set():
                _LOG.error("the model of the words check does not learn: %r", problem, extra={"event": "model.failed"})
            fault = Fault(Code.FAULT_INTERNAL, f"the model of the words check did not learn: {problem!r}")
            self._learnt.set_exception(fault)
            return
        model.warm_up(self._stopped.is_set)
