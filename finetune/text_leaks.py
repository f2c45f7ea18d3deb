"""Whether a user's training texts hold what validation or test ask for."""

from collections.abc import Collection, Mapping, Sequence

from finetune.formats import TextData
from finetune.wording import word_count, wording
from rag_service.core.errors import DataError
from rag_service.core.types import Chunk, Pair

_FEWEST_WORDS = 8
"""Shorter runs of words stand in filings of everybody."""
_SHOWN = 3


def check_texts(data: TextData, pairs: Sequence[Pair], chunks: Mapping[str, Chunk]) -> None:
    """Raises DataError naming the rows that hold a held-out question or passage.

    Held out are the questions of validation and test, the passages that answer them, and all
    chunks of their documents that no other document prints as well. A text leaks if it holds one
    of these, or stands within one, word by word.
    """
    held_out = [pair for pair in pairs if pair.split != "train"]
    questions = {wording(pair.question) for pair in held_out}
    passages = _passages(held_out, chunks)
    # Most texts are short and most passages long: one long text is searched much faster.
    joined = "\n".join(passages)
    leaks: dict[str, str] = {}
    for text, place in data.texts():
        words = wording(text)
        if any(question in words for question in questions):
            leaks.setdefault(place, "a held-out question")
        elif word_count(words) >= _FEWEST_WORDS and (
            words in joined or any(passage in words for passage in passages)
        ):
            leaks.setdefault(place, "a held-out passage")
    if leaks:
        first = ", ".join(f"{place} ({what})" for place, what in list(leaks.items())[:_SHOWN])
        raise DataError(
            f"{len(leaks)} rows of the training texts hold what validation or test ask for: "
            f"{first}{', …' if len(leaks) > _SHOWN else ''}; leave them out"
        )


def _passages(held_out: Sequence[Pair], chunks: Mapping[str, Chunk]) -> Collection[str]:
    judged = {chunk_id for pair in held_out for chunk_id in (pair.chunk_id, *pair.relevant)}
    documents = {pair.document for pair in held_out}
    inside = {c.chunk_id: wording(c.text) for c in chunks.values() if c.document in documents}
    outside = {wording(c.text) for c in chunks.values() if c.document not in documents}
    return {
        words
        for chunk_id, words in inside.items()
        if word_count(words) >= _FEWEST_WORDS and (chunk_id in judged or words not in outside)
    }
