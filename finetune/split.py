"""Train, validation and test: never the same document, and no passage or question twice."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from finetune.names import company_key
from rag_service.core.errors import DataError
from rag_service.core.ids import document_of, question_digest, text_digest
from rag_service.core.types import Chunk, Pair, Split

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_FEWEST_DOCUMENTS = 3
_FEWEST_COMPANIES = 4
_VALIDATION_FROM, _TEST_FROM = 0.6, 0.75
_SMALLEST_TEST = 0.2


def assign_splits(chunks: Iterable[Chunk], seed: int) -> dict[str, Split]:
    """The split of each document, by name: about 60 % train, 15 % validation, 25 % test.

    From four companies on, a company's documents all stand in one split, so that the test
    measures companies that training never saw; with fewer, documents are divided.

    A digest of the company (or document) and the seed decides, so that the split stays as it is
    when others are ingested. Only where chance would leave train less than half, test less than
    a fifth or validation nothing do those nearest to the limit change sides. One company more
    therefore moves at most two others, and none between train and test.

    Raises:
        DataError: there are fewer than three documents.
    """
    company_of = {chunk.document: company_key(chunk) for chunk in chunks}
    if len(company_of) < _FEWEST_DOCUMENTS:
        raise DataError(
            f"{len(company_of)} documents cannot be divided into training, validation and test: "
            f"ingest at least {_FEWEST_DOCUMENTS}, better of {_FEWEST_COMPANIES} or more companies"
        )
    by_company = len(set(company_of.values())) >= _FEWEST_COMPANIES
    unit_of = company_of if by_company else {document: document for document in company_of}
    split = _divide(set(unit_of.values()), seed)
    return {document: split[unit] for document, unit in unit_of.items()}


def _divide(units: Iterable[str], seed: int) -> dict[str, Split]:
    """Cut the units, ordered by their places between 0 and 1, into the three splits."""
    places = sorted((_place(unit, seed), unit) for unit in units)
    count = len(places)
    train = count // 2
    test = max(1, round(_SMALLEST_TEST * count))
    # Both cuts move by one at most for each unit more: this keeps the moves few.
    test_from = sum(place < _TEST_FROM for place, _ in places)
    test_from = min(max(test_from, train + 1), count - test)
    validation_from = sum(place < _VALIDATION_FROM for place, _ in places)
    validation_from = min(max(validation_from, train), test_from - 1)
    return {
        unit: SPLITS[(rank >= validation_from) + (rank >= test_from)]
        for rank, (_, unit) in enumerate(places)
    }


def _place(unit: str, seed: int) -> float:
    digest = hashlib.sha256(f"split {seed} {unit}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def remove_leaks(
    pairs: Sequence[Pair], chunks: Mapping[str, Chunk]
) -> tuple[list[Pair], dict[str, int]]:
    """Pairs without those whose question or passage text stands in a later split too.

    The test is kept whole; validation gives way to it, and training to both.
    """
    seen: set[str] = set()
    kept: list[Pair] = []
    dropped = 0
    for split in reversed(SPLITS):
        mine = [pair for pair in pairs if pair.split == split]
        clean = [pair for pair in mine if not seen & _marks(pair, chunks)]
        dropped += len(mine) - len(clean)
        kept += clean
        seen.update(*(_marks(pair, chunks) for pair in clean))
    order = {pair.question_id: place for place, pair in enumerate(pairs)}
    kept.sort(key=lambda pair: order[pair.question_id])
    return kept, {"shared between splits": dropped} if dropped else {}


def check_leakage(pairs: Sequence[Pair], chunks: Mapping[str, Chunk]) -> None:
    """Raises DataError if a document, question or passage text stands in two splits.

    The documents of all relevant chunks count, since judgments are read from those as well.
    """
    split_of: dict[str, Split] = {}
    for pair in pairs:
        for document in (pair.document, *map(document_of, (pair.chunk_id, *pair.relevant))):
            if split_of.setdefault(document, pair.split) != pair.split:
                raise DataError(
                    f"document {document} is in the splits {split_of[document]} and {pair.split} "
                    f"(question {pair.question_id}): rebuild the training data"
                )
    owners: dict[str, Pair] = {}
    for pair in pairs:
        for mark in _marks(pair, chunks):
            owner = owners.setdefault(mark, pair)
            if owner.split != pair.split:
                raise DataError(
                    f"questions {owner.question_id} ({owner.split}) and {pair.question_id} "
                    f"({pair.split}) share a {mark.partition(' ')[0]}: rebuild the training data"
                )


def require_all_splits(pairs: Sequence[Pair]) -> None:
    """Raises DataError naming a split without questions."""
    counts: dict[str, int] = defaultdict(int)
    for pair in pairs:
        counts[pair.split] += 1
    for split in SPLITS:
        if not counts[split]:
            raise DataError(
                f"no fit questions in the split {split}: ingest more documents with tables, or "
                "raise the number of questions"
            )


def _marks(pair: Pair, chunks: Mapping[str, Chunk]) -> set[str]:
    """What must not stand in two splits: the question, and the text of a passage that answers.

    Of questions, letters and digits alone count.
    """
    if pair.chunk_id not in chunks:
        raise DataError(
            f"question {pair.question_id}: chunk {pair.chunk_id} is not stored any more; "
            "rebuild the training data"
        )
    relevant = {pair.chunk_id, *pair.relevant} & chunks.keys()
    passages = {f"passage {text_digest(chunks[chunk_id].text)}" for chunk_id in relevant}
    return passages | {f"question {question_digest(pair.question)}"}
