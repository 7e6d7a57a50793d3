"""The port to a model that hears the topic of a sentence. It may only make a verdict over words stricter."""

from collections.abc import Sequence
from typing import Protocol

from remit.domain.catalogue.model import Catalogue


class TopicDetector(Protocol):
    """A model trained on one catalogue. It may be asked from several threads at once."""

    def off_topic(self, pieces: Sequence[str], *, purpose: str, action: str) -> Sequence[int]:
        """Return the places, in order, of a message's pieces that sound unlike a purpose and one of its actions.

        A piece without a wish (a greeting, a waiting time) is none of them. For an unlearned purpose, all are.

        Source: docs/model/model.md#words.
        """


class TextModel(Protocol):
    """A model that works on this machine alone, without a network."""

    def learn(self, catalogue: Catalogue) -> TopicDetector:
        """Train on a desk's purposes and actions, from their titles and examples. Takes seconds; once at the start."""

    def warm_up(self) -> None:
        """Cache the most common pieces of messages, so that few are new. Takes seconds; once at the start."""
