"""Vectors of questions: those that come at the same time are encoded together, and kept."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from rag_service.core.protocols import Embedder
from rag_service.core.telemetry import CACHE_LOOKUPS, NO_METER, QUERY_BATCH, Meter
from rag_service.core.types import Vectors

BATCH = 32
_PADDED_CHARS = 6_000
"""Of one batch, where every text counts as long as the longest: that is what encoding takes."""


class QueryEncoder:
    """Encodes for all threads of a process, one batch of each model at a time.

    A call that finds its model idle encodes at once, in its own thread. Calls that come meanwhile
    wait, and the first of them encodes what waits as one batch. Which texts share a batch changes
    a vector by rounding alone: its cosine to that of the text encoded alone is at least 0.99999
    in float32 and 0.999 in bfloat16.

    Args:
        batch: Texts in one batch, unless a single call has more; 1 encodes call by call.
        kept: Vectors that are kept, those used last, by model and text; 0 keeps none.
        meter: Is told how large batches are, and which texts were kept.
    """

    def __init__(self, *, batch: int = BATCH, kept: int = 0, meter: Meter = NO_METER) -> None:
        self._batch = batch
        self._kept = kept
        self._meter = meter
        self._lock = threading.Lock()
        self._vectors: OrderedDict[tuple[str, str], Vectors] = OrderedDict()
        self._lines: dict[str, deque[_Call]] = {}
        """The calls that wait, of each model that somebody encodes with now."""

    def encode(self, embedder: Embedder, texts: Sequence[str]) -> Vectors:
        """float32 ``(n, dims)``, as `Embedder.embed_queries` gives them.

        Raises what that raises for these texts, whatever others are in the batch.
        """
        if not texts:
            return np.empty((0, embedder.dims), np.float32)
        model = embedder.fingerprint
        call = _Call(texts)
        with self._lock:
            if call.answer(self._known(model, texts)):
                self._meter.add(CACHE_LOOKUPS, len(texts), "question", "hit")
                return call.result()
            leads = model not in self._lines
            self._lines.setdefault(model, deque()).extend(() if leads else (call,))
        if not leads:
            call.woken.wait()
        if not call.over:
            self._lead(call, embedder)
        return call.result()

    def _lead(self, first: _Call, embedder: Embedder) -> None:
        """Encode for ``first`` and those that wait with it; of the rest the first one leads on."""
        model = embedder.fingerprint
        calls = [first]
        try:
            with self._lock:
                calls += self._companions(first, self._lines[model])
            self._answer(calls, embedder)
        except BaseException as error:  # noqa: BLE001 - it is raised to all that wait
            for call in calls:
                call.error = call.error or error
        finally:
            with self._lock:
                line = self._lines[model]
                # Woken before the others, which compute in Python as soon as they can.
                calls = [line.popleft(), *calls] if line else calls
                if calls[0] is first:
                    del self._lines[model]
            for call in calls:
                call.woken.set()

    def _answer(self, calls: Sequence[_Call], embedder: Embedder) -> None:
        model = embedder.fingerprint
        texts = list(dict.fromkeys(chain.from_iterable(call.texts for call in calls)))
        with self._lock:
            known = self._known(model, texts)
        new = [text for text in texts if text not in known]
        self._meter.add(CACHE_LOOKUPS, len(known), "question", "hit")
        self._meter.add(CACHE_LOOKUPS, len(new), "question", "miss")
        if new:
            self._meter.observe(QUERY_BATCH, len(new))
        try:
            found = dict(zip(new, embedder.embed_queries(new) if new else (), strict=True))
        except Exception:
            if len(calls) == 1:
                raise
            self._answer_apart(calls, embedder)
            return
        with self._lock:
            self._keep(model, found)
        for call in calls:
            call.answer({**known, **found})

    def _answer_apart(self, calls: Sequence[_Call], embedder: Embedder) -> None:
        """So that a text that cannot be encoded fails its own call and no other."""
        for call in calls:
            try:
                self._answer([call], embedder)
            except Exception as error:  # noqa: BLE001 - it is raised to whoever called
                call.error = error

    def _companions(self, first: _Call, line: deque[_Call]) -> list[_Call]:
        """The calls that fit into one batch with ``first``, taken out of ``line``."""
        texts, longest = len(first.texts), first.longest
        taken, left = [], []
        for call in line:
            together, wide = texts + len(call.texts), max(longest, call.longest)
            if together <= self._batch and together * wide <= _PADDED_CHARS:
                texts, longest = together, wide
                taken.append(call)
            else:
                left.append(call)
        line.clear()
        line.extend(left)
        return taken

    def _known(self, model: str, texts: Iterable[str]) -> dict[str, Vectors]:
        found = {text: self._vectors.get((model, text)) for text in texts}
        known = {text: vector for text, vector in found.items() if vector is not None}
        for text in known:
            self._vectors.move_to_end((model, text))
        return known

    def _keep(self, model: str, found: Mapping[str, Vectors]) -> None:
        for text, vector in found.items() if self._kept else ():
            # A copy: a row would keep the whole batch.
            self._vectors[model, text] = vector.copy()
        while len(self._vectors) > self._kept:
            self._vectors.popitem(last=False)


@dataclass(slots=True, eq=False)
class _Call:
    """One caller's texts. It waits until ``woken``: it is ``over`` then, or its turn to lead."""

    texts: Sequence[str]
    woken: threading.Event = field(default_factory=threading.Event)
    vectors: Vectors | None = None
    error: BaseException | None = None

    @property
    def longest(self) -> int:
        return max(map(len, self.texts))

    @property
    def over(self) -> bool:
        return self.vectors is not None or self.error is not None

    def answer(self, known: Mapping[str, Vectors]) -> bool:
        """Take its vectors, if all of them are ``known``."""
        if all(text in known for text in self.texts):
            self.vectors = np.stack([known[text] for text in self.texts])
        return self.over

    def result(self) -> Vectors:
        """Its vectors. Raises what encoding them raised."""
        if self.error is not None:
            raise self.error
        assert self.vectors is not None
        return self.vectors
