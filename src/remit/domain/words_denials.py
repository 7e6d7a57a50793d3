"""A message that says not to do what is asked: it contradicts its ask."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from remit.domain.any_case import AnyCase
from remit.domain.words_claims import Claim
from remit.domain.words_topics import VERBS

_SAYS: Final = (
    r"(?:(?:^|[.!?;,:\n]\s*|\bplease\s|\bso\s)(?:do not|don't|never|please do not|please don't|no need to|never mind|forget(?: about)?|ignore|scrap|skip|stop)"
    r"|\b(?:do not|don't|does not|doesn't|no longer) (?:want|wish|need|wants|wishes|needs)(?: you| us)?(?: to)?)"
)
_WHAT: Final = r"\s(?:the |this |that |my |her |his |their |a |any )?"
_LIMITED: Final = (
    r"(?!(?:\s[\w'.-]+){0,5}?\s(?:to|on|onto|into|until|before|after|without|unless|yet|twice|again|more|less|with|by|if|than|till|in|for|as|from|at"
    r"|through|via|only|just|but|and|or|anything|something|else|other|another|late|later|today|tomorrow|now|all|both|every\w*)\b)"
)
_ENDS: Final = r"(?:\s[\w'.-]+){0,5}?\s*(?:$|[.!?;\n]|,(?!\s*(?:only|just|but|and)\b))"


def denials(folded: str, verb: str) -> Iterator[Claim]:
    """Each stretch that says not to do what the ask's verb does, and nothing of how or when it should not be done."""
    if verb not in VERBS or not _MAY_BE.search(folded):
        return
    for found in _of(verb).finditer(folded):
        yield Claim.at("wish", folded, *found.span())


_MAY_BE: Final = AnyCase(r"n't|\bnot\b|\bnever\b|\bno need\b|\bforget\b|\bignore\b|\bscrap\b|\bskip\b|\bno longer\b|\bstop\b")


@lru_cache(64)
def _of(verb: str) -> AnyCase:
    return AnyCase(rf"{_SAYS}{_WHAT}(?:{VERBS[verb]})\b{_LIMITED}{_ENDS}")
