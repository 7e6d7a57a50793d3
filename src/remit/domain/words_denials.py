"""A message that says not to do what is asked: it contradicts its ask."""

from collections.abc import Iterator
from functools import lru_cache

from remit.domain.any_case import AnyCase
from remit.domain.words_claims import Claim
from remit.domain.words_vocabulary import Vocabulary


def denials(folded: str, verb: str, vocabulary: Vocabulary) -> Iterator[Claim]:
    """Each stretch that says not to do what the ask's verb does, and nothing of how or when it should not be done."""
    if verb not in vocabulary.denials or not vocabulary.patterns.denial_word.search(folded):
        return
    for found in _of(vocabulary.denials[verb]).finditer(folded):
        yield Claim.at("wish", folded, *found.span())


@lru_cache(64)
def _of(says: str) -> AnyCase:
    return AnyCase(says)
