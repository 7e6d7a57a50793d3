"""The same rules are read once in a process of tests, not for each desk that is opened with them: that was half of what a desk costs.

What is read is never changed; what a policy remembers of its answers stays each desk's own. What cannot be read is read again each time.
"""

import copy
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

_MOST: Final = 128


class _Kept:
    """What was made of something, for the newest of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept under a key, made where nothing is."""
        if key not in self._kept:
            self._kept[key] = make()
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def share_rules() -> None:
    """Have desks that are built from now on share the rules that they have in common. Twice is once. Without wiring, there is nothing to do."""
    rules: Any = sys.modules.get("remit.wiring.rules")
    assemble: Any = sys.modules.get("remit.wiring.assemble")
    if rules is None or assemble is None or isinstance(rules.load_catalogue, partial):
        return
    rules.load_catalogue = partial(_catalogue, rules.load_catalogue, _Kept())
    rules.CedarPolicy = partial(_policy, rules.CedarPolicy, _Kept())
    rules.JsonSchemaParams = partial(_of_catalogue, rules.JsonSchemaParams, _Kept())
    assemble.learn_lexicon = partial(_words, assemble.learn_lexicon, _Kept())


def _catalogue(load: Any, kept: _Kept, source: Path | Sequence[Path] | Mapping[str, object], *, today: date | None) -> Any:
    try:
        if isinstance(source, Mapping):
            said = pickle.dumps(source)
            # Of a copy: a test may change its own afterwards.
            return kept.get((said, today), lambda: load(pickle.loads(said), today=today))
        key = tuple((str(file), file.read_bytes()) for file in ([source] if isinstance(source, Path) else source))
    except (OSError, TypeError, AttributeError, pickle.PicklingError):
        return load(source, today=today)
    return kept.get((key, today), lambda: load(source, today=today))


def _policy(make: Any, kept: _Kept, texts: Sequence[tuple[str, str]], catalogue: Any, *, allow_unnamed: bool) -> Any:
    made, _ = kept.get(
        (tuple(texts), id(catalogue), allow_unnamed), lambda: (make(texts, catalogue, allow_unnamed=allow_unnamed), catalogue)
    )
    own = copy.copy(made)
    own._answers = OrderedDict()
    return own


def _of_catalogue(make: Any, kept: _Kept, catalogue: Any) -> Any:
    return kept.get(id(catalogue), lambda: (make(catalogue), catalogue))[0]


def _words(learn: Any, kept: _Kept, catalogue: Any, languages: tuple[str, ...]) -> Any:
    return kept.get((id(catalogue), languages), lambda: (learn(catalogue, languages), catalogue))[0]
