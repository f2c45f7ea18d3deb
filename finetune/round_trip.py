"""The way back from a question to its chunk, through the live release's two searches."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from finetune.drafts import TEMPLATE
from finetune.own_questions import SOURCE as OWN
from finetune.searches import Search, Searches
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Pair

DEPTH = 50
"""An LLM's question whose chunk no search finds among so many is taken for a bad one."""

EASY_WEIGHT = 0.25
"""Weight of a question whose chunk every search finds first: it has little left to teach."""

_PROVEN = (TEMPLATE, OWN)
_BATCH = 64
_STEP = "round trip"


def check(
    pairs: Sequence[Pair], searches: Searches, progress: Progress = no_progress
) -> tuple[list[Pair], dict[str, int]]:
    """The pairs without unfindable training questions, easy ones weighted, and what was dropped.

    A question's rank is that of the best of its relevant chunks. Where the release's model was
    trained on the document, that it finds the chunk first is what it learnt and no sign of ease:
    such questions keep their weight, since training starts from the base, which did not.

    Only what an LLM wrote can be dropped. Questions from templates are right by construction, and
    a user's own were asked by somebody: what no search finds of these is what training is for. (On
    21 filings a small general model and BM25 both missed every fourth template question, such as
    those for a margin or a balance; all were good questions.)

    Training questions alone are looked at. A test without the questions that the live release
    fails on would flatter that release, and leave out what a candidate may have learnt; the same
    holds of validation, which chooses between weights nearer to the base and farther from it.
    Both keep every question that passed the filters that ask no model. What is bad among them is
    bad for every release alike, and cannot favour one.
    """
    asked = [pair for pair in pairs if pair.split == "train"]
    unfound: set[str] = set()
    easy: set[str] = set()
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        dense, text = _ranks(batch, searches.dense), _ranks(batch, searches.text)
        for pair, ranks in zip(batch, zip(dense, text, strict=True), strict=True):
            if ranks == (0, 0) and pair.source not in _PROVEN:
                unfound.add(pair.question_id)
            elif ranks == (1, 1) and pair.document not in searches.learnt:
                easy.add(pair.question_id)
        progress(_STEP, start + len(batch), len(asked))
    kept = [
        replace(pair, weight=EASY_WEIGHT) if pair.question_id in easy else pair
        for pair in pairs
        if pair.question_id not in unfound
    ]
    return kept, {f"not among the first {DEPTH} of any search": len(unfound)} if unfound else {}


def drawn(pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs that are trained on: of those of weight w a part w, by their ids' digests."""
    return [pair for pair in pairs if pair.weight >= 1 or _place(pair) < pair.weight]


def _ranks(pairs: Sequence[Pair], search: Search) -> list[int]:
    """The best rank of each pair's relevant chunks, 0 where none is found."""
    found = search([pair.question for pair in pairs], DEPTH)
    return [
        next((hit.rank for hit in hits if hit.chunk.chunk_id in wanted), 0)
        for wanted, hits in zip(map(_relevant, pairs), found, strict=True)
    ]


def _relevant(pair: Pair) -> set[str]:
    return {pair.chunk_id, *pair.relevant}


def _place(pair: Pair) -> float:
    """A number from 0 to 1 that is the pair's own."""
    digest = hashlib.sha256(f"weight {pair.question_id}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
