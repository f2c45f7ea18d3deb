"""What the live release finds, as training data is made with it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from rag_service.core.types import Hit

Search = Callable[[Sequence[str], int], list[list[Hit]]]
"""Called with questions and k; gives each question's hits, best first."""

Scores = Callable[[Sequence[str], Sequence[Sequence[str]]], list[list[float]]]
"""Called with questions and chunk ids for each; gives the cosine similarity of each of them."""


@dataclass(frozen=True, slots=True)
class Searches:
    """One release, asked in both ways."""

    dense: Search
    text: Search
    """BM25."""
    scores: Scores
    """By the vectors of ``dense``, whichever search found a chunk."""
    learnt: Collection[str] = ()
    """Names of the documents that the release's model was trained on."""
