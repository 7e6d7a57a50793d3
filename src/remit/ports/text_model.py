"""The port to a model that hears the topic of a sentence. It may only make a verdict over words stricter."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from remit.domain.catalogue.model import Catalogue


class TopicDetector(Protocol):
    """A model trained on one catalogue. It may be asked from several threads at once."""

    def off_topic(self, pieces: Sequence[str], *, purpose: str, action: str, asking: Collection[int]) -> Sequence[int]:
        """Return the places, in order, of a message's pieces that sound unlike a purpose and one of its actions.

        A piece without a wish (a greeting, a waiting time) is none of them. A piece that is not in `asking` must resemble
        another purpose. For an unlearned purpose, all are.

        Source: docs/model/model.md#words.
        """


class TextModel(Protocol):
    """A model that works on this machine alone, without a network."""

    def learn(self, catalogue: Catalogue, stopped: Callable[[], bool]) -> TopicDetector:
        """Train on a desk's purposes and actions, from their titles and examples. Takes a second or two, once.

        Raises:
            InterruptedError: once `stopped`.
        """

    def warm_up(self, stopped: Callable[[], bool]) -> None:
        """Cache the most common words of messages until `stopped`; messages are read meanwhile. Takes seconds, once."""
