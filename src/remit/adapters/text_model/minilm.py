"""Sentence vectors by all-MiniLM-L6-v2 (Apache-2.0) with int8 weights, on onnxruntime: local, without a network.

Model and tokenizer are files of two packages, found by name and verified by hash; no code of these packages runs.
Needs the extra `words`; only `wiring` imports it, and only where the desk's rules have it.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from remit.adapters.text_model.few_shot import ExampleClass, FewShotClassifier, LabelledExamples, Reads, Vectors
from remit.adapters.text_model.topic_detector import (
    ASKED,
    WORD,
    CatalogueTopicDetector,
    build_classes,
    common_sentences,
)
from remit.adapters.text_model.weights import read_file
from remit.domain.catalogue.model import Catalogue

_MAX_LENGTH: Final = 64
"""Tokens read of a piece: pieces are cut to fewer words before."""
_BATCH: Final = 32
_SIZE: Final = 384
_MAX_WORDS: Final = 20_000
_AHEAD: Final = 6_000
_MAX_PIECES: Final = 2_000
"""Vectors remembered, of 1.5 kB each."""
_NEAR: Final = 0.55
"""Similarity from which two sentences request the same."""
_ORDINARY: Final = re.compile(r"[a-z]{2,24}")
_MAX_WORD_LENGTH: Final = 24
_BEYOND: Final = 101
"""A word this long is unknown to the tokenizer in any case."""
_COMMONEST: Final = 1996
_RAREST: Final = 30_522
"""Range of the vocabulary's words, commonest first: a common word says less."""


def _never() -> bool:
    return False


class MiniLm:
    """Sentence model. One thread works at a time, and releases the interpreter meanwhile."""

    def __init__(self) -> None:
        """Load the verified files.

        Raises:
            Refused: `settings.invalid` for missing or other files.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(read_file("model"), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_buffer(read_file("tokenizer"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_LENGTH)
        self._lock = threading.Lock()
        self._words: OrderedDict[str, Vectors] = OrderedDict()
        self._pieces: OrderedDict[str, Vectors] = OrderedDict()
        self._middle = np.zeros(_SIZE, np.float32)
        sentences = [sentence for group in ("asked", "idle") for sentence in common_sentences()[group]]
        everyday = dict.fromkeys(word for sentence in sentences for word in WORD.findall(sentence.lower()))
        self._middle = self._read(list(everyday), weigh=False).mean(0)

    def learn(self, catalogue: Catalogue, stopped: Callable[[], bool] = _never) -> CatalogueTopicDetector:
        """Learn a catalogue's purposes and actions; `InterruptedError` once stopped."""
        examples = LabelledExamples.of(self._without_common(build_classes(catalogue)))
        quick = FewShotClassifier.learn(_until(stopped, self.words_of), examples)
        close = FewShotClassifier.learn(_until(stopped, self.sentences), examples)
        return CatalogueTopicDetector(catalogue, quick=quick, close=close)

    def warm_up(self, stopped: Callable[[], bool] = _never) -> None:
        """Read the commonest words ahead until stopped: a new word takes a third of a millisecond, once."""
        places = self._tokenizer.get_vocab()
        commonest = sorted(filter(_ORDINARY.fullmatch, places), key=places.__getitem__)[:_AHEAD]
        for at in range(0, len(commonest), _BATCH):
            if stopped():
                return
            with self._lock:
                self._known(commonest[at : at + _BATCH], self._words, _MAX_WORDS, weigh=True)

    def _without_common(self, classes: Mapping[str, ExampleClass]) -> Mapping[str, ExampleClass]:
        """Return the classes without common requests that an example of the catalogue resembles."""
        apart = (each for name, each in classes.items() if not (each.idle or name.startswith(ASKED)))
        own = self.sentences([sentence for each in apart for sentence in each.said])
        near = {
            name
            for name, each in classes.items()
            if name.startswith(ASKED) and float(np.max(self.sentences(each.said) @ own.T)) >= _NEAR
        }
        return {name: each for name, each in classes.items() if name not in near}

    def sentences(self, texts: Sequence[str]) -> Vectors:
        """Return each text's vector by the model: rows of length 1."""
        # ⚔ A remembered text is no longer than the part that is read.
        cut = [" ".join(word[:_BEYOND] for word in text.split()) for text in texts]
        with self._lock:
            return self._known(cut, self._pieces, _MAX_PIECES)

    def words_of(self, texts: Sequence[str]) -> Vectors:
        """Return each text's vector as the sum of its words, weighted by rarity: rows of length 1, or 0 without a word.

        Each word is read once, alone: a hundredth of the time of reading texts, for nearly as much of their topic.
        """
        split = [[word[:_MAX_WORD_LENGTH] for word in WORD.findall(text.lower())] for text in texts]
        with self._lock:
            alone = dict.fromkeys(word for words in split for word in words)
            known = dict(zip(alone, self._known(tuple(alone), self._words, _MAX_WORDS, weigh=True), strict=True))
        out = np.zeros((len(texts), _SIZE), np.float32)
        for place, words in enumerate(split):
            for word in words:
                out[place] += known[word]
        return _normalized(out)

    def _known(
        self, texts: Sequence[str], known: "OrderedDict[str, Vectors]", most: int, *, weigh: bool = False
    ) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        # ⚔ A copy of each: a row of a batch keeps the whole batch in memory as long as it is remembered.
        fresh = {text: row.copy() for text, row in zip(new, self._read(new, weigh=weigh), strict=True)}
        for text in texts:
            if text in known:
                known.move_to_end(text)
        rows = [known[text] if text in known else fresh[text] for text in texts]
        found = np.array(rows, np.float32).reshape(-1, _SIZE)
        known.update(fresh)
        while len(known) > most:
            known.popitem(last=False)
        return found

    def _read(self, texts: Sequence[str], *, weigh: bool) -> Vectors:
        cut = [self._tokenizer.encode(text).ids for text in texts]
        out = np.zeros((len(texts), _SIZE), np.float32)
        for places in _batches(cut):
            ids = np.zeros((len(places), max(len(cut[place]) for place in places)), np.int64)
            for row, place in zip(ids, places, strict=True):
                row[: len(cut[place])] = cut[place]
            lengths = np.array([len(cut[place]) for place in places])[:, None]
            mask = (np.arange(ids.shape[1]) < lengths).astype(np.int64)
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            (read,) = self._session.run(None, inputs)
            out[places] = (read * mask[..., None]).sum(1)
        out = _normalized(out)
        return (out - self._middle) * np.array([_rarity(row) for row in cut], np.float32)[:, None] if weigh else out


def _until(stopped: Callable[[], bool], reads: Reads) -> Reads:
    def read(texts: Sequence[str]) -> Vectors:
        if stopped():
            raise InterruptedError
        return reads(texts)

    return read


def _batches(cut: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    order = sorted(range(len(cut)), key=lambda place: len(cut[place]))
    return (order[at : at + _BATCH] for at in range(0, len(order), _BATCH))


def _rarity(ids: Sequence[int]) -> float:
    inner = ids[1:-1] or [_RAREST]
    return float(np.log1p(max(1.0, sum(inner) / len(inner) - _COMMONEST + 1)))


def _normalized(rows: Vectors) -> Vectors:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), np.float32)
