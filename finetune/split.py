"""Train, validation and test: never the same document, and no passage or question twice."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random

from finetune.names import company_key
from rag_service.core.errors import DataError
from rag_service.core.ids import document_of, text_digest
from rag_service.core.types import Chunk, Pair, Split

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
FEWEST_DOCUMENTS = 3
_FEWEST_COMPANIES = 4
_PARTS = {"validation": 0.15, "test": 0.25}


def assign_splits(chunks: Iterable[Chunk], seed: int) -> dict[str, Split]:
    """The split of each document, by name: 60 % train, 15 % validation, 25 % test.

    From four companies on, a company's documents all stand in one split, so that the test
    measures companies that training never saw; with fewer, documents are divided.

    Raises:
        DataError: there are fewer than three documents.
    """
    company_of = {chunk.document: company_key(chunk) for chunk in chunks}
    if len(company_of) < FEWEST_DOCUMENTS:
        raise DataError(
            f"{len(company_of)} documents cannot be divided into training, validation and test: "
            f"ingest at least {FEWEST_DOCUMENTS}, better of {_FEWEST_COMPANIES} or more companies"
        )
    by_company = len(set(company_of.values())) >= _FEWEST_COMPANIES
    unit_of = company_of if by_company else {document: document for document in company_of}
    units = sorted(set(unit_of.values()))
    Random(f"split {seed}").shuffle(units)
    test = max(1, round(_PARTS["test"] * len(units)))
    validation = max(1, round(_PARTS["validation"] * len(units)))
    split: dict[str, Split] = {}
    for place, unit in enumerate(units):
        split[unit] = SPLITS[2 if place < test else 1 if place < test + validation else 0]
    return {document: split[unit] for document, unit in unit_of.items()}


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
    """Raises DataError if a document, question or passage text stands in two splits."""
    split_of: dict[str, Split] = {}
    for pair in pairs:
        for document in (pair.document, document_of(pair.chunk_id)):
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


def with_splits(pairs: Iterable[Pair], split_of: Mapping[str, Split]) -> list[Pair]:
    """The pairs, each in its document's split."""
    return [replace(pair, split=split_of[pair.document]) for pair in pairs]


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
    """What must not stand in two splits: the question and the text of its passage."""
    if pair.chunk_id not in chunks:
        raise DataError(
            f"question {pair.question_id}: chunk {pair.chunk_id} is not stored any more; "
            "rebuild the training data"
        )
    question = text_digest(pair.question.casefold())
    return {f"question {question}", f"passage {text_digest(chunks[pair.chunk_id].text)}"}
