"""Secrets found lately in each task, in memory alone: a later ask may repeat one without its label."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from remit.domain.secrets.kinds import SecretClass
from remit.domain.secrets.repeats import KnownSecret

_MAX_TASKS: Final = 2048
_MAX_OF_TASK: Final = 32
_SEARCHED: Final = frozenset({SecretClass.CREDENTIAL, SecretClass.GUESSABLE})


class RecentSecrets:
    """Credentials and guessable values found in the last tasks of this process.

    ⚔ Nothing of a guessable value may be stored, nor a digest of it: what a restart forgets is forgotten.

    Source: docs/model/model.md#inbound.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._tasks: OrderedDict[str, tuple[KnownSecret, ...]] = OrderedDict()

    def of(self, task: str) -> tuple[KnownSecret, ...]:
        """Return the secrets found in a task, newest first."""
        return self._tasks.get(task, ())

    def add(self, task: str, found: Iterable[KnownSecret]) -> None:
        """Remember secrets of a task, newest first, in place of those remembered before."""
        kept = tuple([secret for secret in found if secret.group in _SEARCHED][:_MAX_OF_TASK])
        if not kept:
            return
        self._tasks[task] = kept
        self._tasks.move_to_end(task)
        if len(self._tasks) > _MAX_TASKS:
            self._tasks.popitem(last=False)
