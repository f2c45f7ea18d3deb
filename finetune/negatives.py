"""Hard negatives: passages that the live release finds and that do not answer."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from random import Random

from finetune.facts import statement_of
from finetune.figures import Figure, PrintedFigures, figures_in
from finetune.names import company_key, company_name
from finetune.searches import Searches
from finetune.wording import wording
from rag_service.core.errors import DataError
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Chunk, Hit, Pair

_BATCH = 64
_MOST_OF_A_FIGURE = 4
"""Words of an answer that is a figure with its unit; in longer ones a small count is no proof."""
_DEPTH = 50
_FUSION = 60
"""Constant of reciprocal rank fusion (Cormack et al. 2009)."""


def mine(
    pairs: Sequence[Pair],
    searches: Searches,
    chunks: Mapping[str, Chunk],
    *,
    count: int = 1,
    relative_margin: float = 0.05,
    seed: int = 13,
    progress: Progress = no_progress,
) -> dict[str, tuple[str, ...]]:
    """``count`` hard negatives for each training question: question id to chunk ids.

    Candidates are what vectors and BM25 find. Only documents of training questions give any, so
    that training sees no others. Likely answers that nobody labelled are left out:

    - relevant chunks, and all that read the same as one, whatever their case and marks;
    - chunks of the same company that print the figures of the answer;
    - chunks whose similarity to the question is above ``(1 - relative_margin)`` times that of the
      positive, by the release's vectors, which also judge what BM25 alone found. Where the
      question names its company, this holds for that company's chunks alone: another's cannot
      answer, and those that the release ranks above the positive are the mistakes to unlearn.

    Among what is left, the same company's tables of the same statement come first, then the rank
    in both searches counts. What is missing to ``count`` is drawn from the question's own
    document by chance.

    Raises:
        DataError: a pair's chunk is not in ``chunks``, or there is nothing to choose from.
    """
    training = [pair for pair in pairs if pair.split == "train"]
    passages = _Passages(chunks, training)
    mined: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(training), _BATCH):
        asked = [_Asked(pair, passages) for pair in training[start : start + _BATCH]]
        questions = [one.pair.question for one in asked]
        found = zip(
            searches.dense(questions, _DEPTH), searches.text(questions, _DEPTH), strict=True
        )
        candidates = [
            [key for key in _fused(dense, text) if key in passages.served and not one.answers(key)]
            for one, (dense, text) in zip(asked, found, strict=True)
        ]
        wanted = [[one.pair.chunk_id, *ids] for one, ids in zip(asked, candidates, strict=True)]
        scored = searches.scores(questions, wanted)
        for one, ids, (own, *scores) in zip(asked, candidates, scored, strict=True):
            limit = own - relative_margin * abs(own)
            fit = [
                chunk_id
                for chunk_id, score in zip(ids, scores, strict=True)
                if score <= limit or one.rules_out(chunk_id)
            ]
            fit.sort(key=one.likeness, reverse=True)
            random = Random(f"negatives {seed} {one.pair.question_id}")
            mined[one.pair.question_id] = _choose(one, fit, count, passages, random)
        progress("hard negatives", start + len(asked), len(training))
    return mined


class _Passages:
    """What is asked of the same chunks again and again, worked out once for each."""

    def __init__(self, chunks: Mapping[str, Chunk], training: Sequence[Pair]) -> None:
        documents = {pair.document for pair in training}
        self.chunks = chunks
        self.pool = [key for key, chunk in chunks.items() if chunk.document in documents]
        """Ids of all chunks that may be trained on."""
        self.served = frozenset(self.pool)
        self.of_document: dict[str, list[str]] = defaultdict(list)
        for chunk_id in self.pool:
            self.of_document[chunks[chunk_id].document].append(chunk_id)
        self.company = cache(lambda chunk_id: company_key(chunks[chunk_id]))
        self.statement = cache(lambda chunk_id: statement_of(chunks[chunk_id]))
        self.wording = cache(lambda chunk_id: wording(chunks[chunk_id].text))
        self.printed = cache(lambda chunk_id: PrintedFigures(chunks[chunk_id]))


class _Asked:
    """One question, and how a chunk stands to it."""

    def __init__(self, pair: Pair, passages: _Passages) -> None:
        if pair.chunk_id not in passages.chunks:
            raise DataError(
                f"question {pair.question_id}: chunk {pair.chunk_id} is not stored any more; "
                "build the training data again"
            )
        self.pair = pair
        self._passages = passages
        self._positive = passages.chunks[pair.chunk_id]
        self._company = passages.company(pair.chunk_id)
        relevant = {pair.chunk_id, *pair.relevant}
        self._wordings = {passages.wording(key) for key in relevant if key in passages.chunks}
        self._figures = _proof(pair.answer)
        name = _words(company_name(self._positive))
        self._names_company = bool(name) and name[0] in _words(pair.question)

    def answers(self, chunk_id: str) -> bool:
        """Whether it is relevant, reads like what is, or prints the answer's figures."""
        passages = self._passages
        if chunk_id in self.pair.relevant or passages.wording(chunk_id) in self._wordings:
            return True
        if not self._figures or passages.company(chunk_id) != self._company:
            return False
        return all(map(passages.printed(chunk_id).state, self._figures))

    def rules_out(self, chunk_id: str) -> bool:
        """Whether the question asks about another company than the chunk's."""
        return self._names_company and self._passages.company(chunk_id) != self._company

    def likeness(self, chunk_id: str) -> int:
        """How easily it is taken for the positive."""
        passages = self._passages
        same_company = passages.company(chunk_id) == self._company
        same_kind = passages.chunks[chunk_id].kind == self._positive.kind
        same_statement = passages.statement(chunk_id) == passages.statement(self.pair.chunk_id)
        return 2 * same_company + same_kind + (same_kind and same_statement)


def _proof(answer: str) -> list[Figure]:
    """Figures that a passage which prints them all is likely to answer by."""
    figures = figures_in(answer)
    if len(answer.split()) > _MOST_OF_A_FIGURE:
        figures = [figure for figure in figures if figure.telling]
    # A passage may well print two amounts and leave the growth to be worked out.
    return [figure for figure in figures if not figure.percent] or figures


def _fused(*found: Sequence[Hit]) -> list[str]:
    """Chunk ids of several searches, best first by the sum of their reciprocal ranks."""
    places: dict[str, float] = defaultdict(float)
    for hit in chain(*found):
        places[hit.chunk.chunk_id] += 1 / (_FUSION + hit.rank)
    return sorted(places, key=lambda chunk_id: (-places[chunk_id], chunk_id))


def _choose(
    asked: _Asked, fit: Sequence[str], count: int, passages: _Passages, random: Random
) -> tuple[str, ...]:
    """The first ``count`` of different texts, filled up by chance."""
    chosen: dict[str, str] = {}
    for chunk_id in chain(fit, _by_chance(asked, passages, random)):
        chosen.setdefault(passages.wording(chunk_id), chunk_id)
        if len(chosen) == count:
            return tuple(chosen.values())
    raise DataError(
        f"question {asked.pair.question_id}: {count} negatives are wanted, and only "
        f"{len(chosen)} training passages do not answer it; ingest more documents"
    )


def _by_chance(asked: _Asked, passages: _Passages, random: Random) -> Iterator[str]:
    """Chunks that do not answer, from a place by chance: its own document's, then all."""
    for pool in (passages.of_document[asked.pair.document], passages.pool):
        start = random.randrange(len(pool))
        for place in range(len(pool)):
            chunk_id = pool[(start + place) % len(pool)]
            if not asked.answers(chunk_id):
                yield chunk_id


def _words(text: str) -> list[str]:
    return re.findall(r"[\w&]+", text.casefold())
