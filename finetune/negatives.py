"""Hard negatives: passages that the live index ranks high and that do not answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random

from finetune.amounts import amounts_in
from finetune.facts import statement_of
from finetune.names import company_key
from rag_service.core.errors import DataError
from rag_service.core.ids import text_digest
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Chunk, Hit, Pair

Search = Callable[[Sequence[str], int], list[list[Hit]]]
"""Called with questions and k; gives each question's hits, best first."""

_BATCH = 64
_DEPTH = 50


def mine(
    pairs: Sequence[Pair],
    search: Search,
    chunks: Mapping[str, Chunk],
    *,
    relative_margin: float = 0.05,
    seed: int = 13,
    progress: Progress = no_progress,
) -> dict[str, str]:
    """One hard negative for each training question: question id to chunk id.

    Only documents of training questions give any, so that training sees no others. Left out are
    relevant chunks, chunks that read the same as one, chunks of the same company that hold the
    answer's amounts, and hits that score above ``(1 - relative_margin)`` times the positive's
    score, as likely unlabelled answers. Among what is left, the same company's tables of the
    same statement come first. A question without any gets a passage of its own document by
    chance.

    Raises:
        DataError: a pair's chunk is not in ``chunks``, or there is nothing to choose from.
    """
    training = [pair for pair in pairs if pair.split == "train"]
    random = Random(f"negatives {seed}")
    by_document: dict[str, list[str]] = {pair.document: [] for pair in training}
    for chunk in chunks.values():
        if chunk.document in by_document:
            by_document[chunk.document].append(chunk.chunk_id)
    mined: dict[str, str] = {}
    for start in range(0, len(training), _BATCH):
        batch = training[start : start + _BATCH]
        found = search([pair.question for pair in batch], _DEPTH)
        for pair, hits in zip(batch, found, strict=True):
            positive = _positive(pair, chunks)
            same = _same_texts(pair, chunks)
            allowed = [
                hit.chunk
                for hit in _below(hits, pair, relative_margin)
                if hit.chunk.document in by_document
                and not _answers(hit.chunk, pair, positive, same)
            ]
            if allowed:
                mined[pair.question_id] = max(
                    allowed, key=lambda chunk: _likeness(chunk, positive)
                ).chunk_id
            else:
                mined[pair.question_id] = _by_chance(
                    pair, positive, same, by_document, chunks, random
                )
        progress("hard negatives", start + len(batch), len(training))
    return mined


def _below(hits: Sequence[Hit], pair: Pair, margin: float) -> list[Hit]:
    """Hits at a distance below the best relevant one; all, if none of those was found."""
    relevant = [hit.score for hit in hits if hit.chunk.chunk_id in pair.relevant]
    if not relevant:
        return list(hits)
    limit = max(relevant) - margin * abs(max(relevant))
    return [hit for hit in hits if hit.score <= limit]


def _answers(chunk: Chunk, pair: Pair, positive: Chunk, same: set[str]) -> bool:
    if chunk.chunk_id in pair.relevant or text_digest(chunk.text) in same:
        return True
    amounts = amounts_in(pair.answer) if pair.kind in {"level", "free"} else frozenset()
    return (
        bool(amounts)
        and company_key(chunk) == company_key(positive)
        and amounts <= amounts_in(chunk.text)
    )


def _likeness(chunk: Chunk, positive: Chunk) -> int:
    """How easily the two are confused; hits of equal likeness keep their rank order."""
    same_company = company_key(chunk) == company_key(positive)
    same_kind = chunk.kind == positive.kind
    same_statement = same_kind and statement_of(chunk) == statement_of(positive)
    return 2 * same_company + same_kind + same_statement


def _by_chance(
    pair: Pair,
    positive: Chunk,
    same: set[str],
    by_document: Mapping[str, Sequence[str]],
    chunks: Mapping[str, Chunk],
    random: Random,
) -> str:
    everywhere = [chunk_id for document in by_document.values() for chunk_id in document]
    for pool in (by_document[pair.document], everywhere):
        for chunk_id in random.sample(pool, len(pool)):
            if not _answers(chunks[chunk_id], pair, positive, same):
                return chunk_id
    raise DataError(
        f"question {pair.question_id}: every training chunk answers it; ingest more documents"
    )


def _positive(pair: Pair, chunks: Mapping[str, Chunk]) -> Chunk:
    if pair.chunk_id not in chunks:
        raise DataError(
            f"question {pair.question_id}: chunk {pair.chunk_id} is not stored any more; "
            "build the training data again"
        )
    return chunks[pair.chunk_id]


def _same_texts(pair: Pair, chunks: Mapping[str, Chunk]) -> set[str]:
    ids: Iterable[str] = (pair.chunk_id, *pair.relevant)
    return {text_digest(chunks[chunk_id].text) for chunk_id in ids if chunk_id in chunks}
