"""How fast engines encode with a model on this machine, and how far their vectors are off."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from rag_service.adapters.sentence_embedder import SentenceEmbedder
from rag_service.core.errors import ModelError
from rag_service.core.tolerance import MIN_COSINE
from rag_service.core.types import ModelCard, Vectors

MOST_NDCG_LOSS = 0.005

EXACT = "float32"

_JOINED, _LONG = 4, 12
"""Passages that make a text of a chunk's length, and how many of these are timed."""
_ROUNDS = 5
"""Of those that passed the trials."""
_SECONDS = 15.0
"""Rounds end then, however few there were."""
_TRIALS = 2
_HOPELESS = 1.5
"""An engine that takes so many times as long as the fastest in each of its trials has no rounds."""
_BATCH = 32
_NICENESS = 5
"""Searches that are served meanwhile go first."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Passages, questions, and for each question the places of the passages that answer it."""

    passages: Sequence[str]
    questions: Sequence[str]
    relevant: Sequence[Sequence[int]]

    def long_texts(self) -> list[str]:
        """Texts of a chunk's length, of passages that follow one another."""
        starts = range(0, min(len(self.passages), _JOINED * _LONG), _JOINED)
        return [" ".join(self.passages[start : start + _JOINED]) for start in starts]


@dataclass(frozen=True, slots=True)
class Figures:
    """An engine with one model on one machine, against torch's float32 in the same run."""

    ratio: float = 0.0
    """Times as fast as float32, median over the rounds; 0 where it cannot compute the model."""
    cosine: float | None = None
    """The least of any text; none where nobody looked, as a faster engine serves."""
    ndcg_loss: float | None = None
    """Of NDCG@10 on the questions; negative if it is better."""
    refused: str = ""
    """Why it may not be used, or ``""``."""

    @property
    def fit(self) -> bool:
        """Whether it was judged and may be used."""
        return self.cosine is not None and not self.refused


def measure(
    card: ModelCard,
    engines: Sequence[str],
    calibration: Calibration,
    speeds: dict[str, float] | None = None,
) -> dict[str, Figures]:
    """Speed of all ``engines``, and tolerance from the fastest on, until one is within it.

    With ``speeds``, ratios known of the same shape, nothing is timed.
    """
    bench = _Bench(card)
    told: dict[str, Figures] = {}
    if not speeds:
        speeds = _take_turns(
            bench, list(dict.fromkeys((EXACT, *engines))), calibration.long_texts()
        )
    judge = _Judge(bench.embedder(EXACT), calibration)
    served = False
    for engine in sorted(engines, key=lambda engine: -speeds.get(engine, 0.0)):
        figures = Figures(ratio=speeds.get(engine, 0.0))
        if bench.failed(engine):
            figures = Figures(refused=bench.failed(engine))
        elif not served:
            figures = judge(bench, engine, figures)
            served = figures.fit
        told[engine] = figures
    return told


class _Bench:
    """The model on each engine, made when it is asked for."""

    def __init__(self, card: ModelCard) -> None:
        self._card = card
        self._made: dict[str, SentenceEmbedder] = {}
        self._failed: dict[str, str] = {}

    def embedder(self, engine: str) -> SentenceEmbedder:
        """Raises ModelError where it cannot be made; ``failed`` then says why."""
        if engine not in self._made:
            try:
                path = Path(self._card.path)
                self._made[engine] = SentenceEmbedder(self._card, path, engine, _BATCH)
            except ModelError as error:
                self._failed[engine] = str(error)
                raise
        return self._made[engine]

    def failed(self, engine: str) -> str:
        return self._failed.get(engine, "")

    def fail(self, engine: str, error: ModelError) -> None:
        self._failed[engine] = str(error)

    def put_away(self, engine: str) -> None:
        self._made.pop(engine, None)


class _Judge:
    """Compares an engine's vectors and ranking with those of float32."""

    def __init__(self, exact: SentenceEmbedder, calibration: Calibration) -> None:
        self._calibration = calibration
        self._texts = [*calibration.passages, *calibration.long_texts()]
        self._vectors, self._ndcg = self._computed(exact)

    def __call__(self, bench: _Bench, engine: str, figures: Figures) -> Figures:
        try:
            vectors, ndcg = self._computed(bench.embedder(engine))
        except ModelError as error:
            return Figures(refused=str(error))
        cosine, loss = float((vectors * self._vectors).sum(axis=1).min()), self._ndcg - ndcg
        return replace(figures, cosine=cosine, ndcg_loss=loss, refused=beyond(cosine, loss))

    def _computed(self, embedder: SentenceEmbedder) -> tuple[Vectors, float]:
        documents = embedder.embed_documents(self._texts)
        asked = embedder.embed_queries(list(self._calibration.questions))
        passages = documents[: len(self._calibration.passages)]
        ndcg = ndcg_at_10(passages, asked, self._calibration.relevant)
        return np.concatenate([documents, asked]), ndcg


def beyond(cosine: float, loss: float) -> str:
    """What of a least cosine and a loss of NDCG@10 is beyond tolerance, or ``""``."""
    if not cosine >= MIN_COSINE:
        return f"cosine {cosine:.4f} to float32, below {MIN_COSINE}"
    if not loss <= MOST_NDCG_LOSS:
        return f"NDCG@10 {loss:.4f} below that of float32, more than {MOST_NDCG_LOSS}"
    return ""


def ndcg_at_10(passages: Vectors, questions: Vectors, relevant: Sequence[Sequence[int]]) -> float:
    """Mean NDCG@10 with gains of 0 and 1 (Järvelin and Kekäläinen 2002)."""
    gains = 1 / np.log2(np.arange(2, 12))
    scores = []
    for found, answers in zip(questions @ passages.T, relevant, strict=True):
        top = np.argsort(-found, kind="stable")[:10]
        hits = np.isin(top, np.asarray(answers))
        scores.append(gains[: len(top)][hits].sum() / gains[: len(answers)].sum())
    return float(np.mean(scores))


def _take_turns(bench: _Bench, engines: Sequence[str], texts: list[str]) -> dict[str, float]:
    """Ratio of each engine's speed to that of float32.

    They take turns, so that a machine that gets busier slows them all alike.
    """
    seconds: dict[str, list[float]] = {}
    for engine in engines:
        try:
            bench.embedder(engine).embed_documents(texts[:1])
            seconds[engine] = [_seconds(bench, engine, texts) for _ in range(_TRIALS)]
        except ModelError as error:
            if engine == EXACT:
                raise
            bench.fail(engine, error)
            continue
        least = {e: min(took) for e, took in seconds.items()}
        best = min(least.values())
        running = [e for e, took in least.items() if e == EXACT or took <= _HOPELESS * best]
        for slow in seconds.keys() - set(running):
            bench.put_away(slow)
    started = time.perf_counter()
    for order in _orders(running):
        for engine in order:
            seconds[engine].append(_seconds(bench, engine, texts))
        if time.perf_counter() - started > _SECONDS:
            break
    exact = seconds[EXACT]  # in the same order: the trials first
    return {
        engine: median(one / other for one, other in zip(exact, took, strict=False))
        for engine, took in seconds.items()
    }


def _orders(engines: list[str]) -> Iterator[list[str]]:
    for number in range(_ROUNDS):
        yield engines if number % 2 else engines[::-1]


def _seconds(bench: _Bench, engine: str, texts: list[str]) -> float:
    started = time.perf_counter()
    bench.embedder(engine).embed_documents(texts)
    return time.perf_counter() - started


def _main() -> None:
    os.nice(_NICENESS)
    work = json.loads(sys.stdin.read())
    told = measure(
        ModelCard(**work["card"]),
        work["engines"],
        Calibration(**work["calibration"]),
        work["speeds"],
    )
    sys.stdout.write(
        "\n" + json.dumps({name: asdict(found) for name, found in told.items()}) + "\n"
    )


if __name__ == "__main__":
    _main()
