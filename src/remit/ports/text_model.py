"""The port to a model that hears what a sentence is about. It may only make a verdict over words stricter."""

from collections.abc import Sequence
from typing import Protocol

from remit.domain.catalogue.model import Catalogue


class TopicDetector(Protocol):
    """What a model learnt of one catalogue. It may be asked from several threads at once."""

    def off_topic(self, pieces: Sequence[str], *, purpose: str, action: str) -> Sequence[int]:
        """Which pieces of a message sound like something else than a purpose and one of its actions: their places, in order.

        A piece that wants nothing (a greeting, how long somebody waits) is none of them. For a purpose it did not learn, all are.

        Source: docs/model/model.md#words.
        """
        ...


class TextModel(Protocol):
    """A model that works on this machine alone, without a network."""

    def learn(self, catalogue: Catalogue) -> TopicDetector:
        """Learn what a desk's purposes and actions sound like, from their titles and examples. Takes seconds; done once at the start."""
        ...

    def warm_up(self) -> None:
        """Read what most messages are made of, so that few of them have much that is new. Takes seconds; done once at the start."""
        ...
