"""A user's own questions, each with the chunk, page or passage that answers it.

A CSV, TSV or JSONL file with the columns ``question`` (or query, anchor), ``answer`` (which may
be missing), and at least one of ``chunk_id``, ``page`` (``FILE.pdf#page=N``) and ``passage`` (or
positive, context); in each row the first of these three that is filled counts.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.drafts import Draft, to_pair
from finetune.names import company_key
from finetune.options import DataOptions
from finetune.split import SPLITS
from finetune.user_rows import (
    UserRow,
    columns_of,
    find_columns,
    read_rows,
    shown,
    text_of,
    wrong_columns,
)
from finetune.wording import word_count, wording
from rag_service.core.errors import DataError
from rag_service.core.ids import text_digest
from rag_service.core.types import Chunk, Pair, Split

SOURCE = "own"
_QUESTION = ("question", "query", "anchor")
_ANSWERED_BY = {
    "chunk_id": ("chunk_id",),
    "page": ("page", "corpus_id"),
    "passage": ("passage", "positive", "context"),
}
_PAGE = re.compile(r".+#page=[1-9][0-9]{0,5}")
_FEWEST_WORDS = 5
"""Shorter passages and chunks stand in too many places to say which is meant."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """One row; of ``chunk_id``, ``page`` and ``passage`` one is filled."""

    place: str
    question: str
    answer: str = ""
    chunk_id: str = ""
    page: str = ""
    passage: str = ""


def load_questions(path: Path, max_chars: int = 0) -> list[OwnQuestion]:
    """Read a file of questions of at most ``max_chars``; 0: of any length.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a wrong row, which is named.
    """
    rows = read_rows(path)
    asked = find_columns(rows, {"question": _QUESTION}, path)["question"]
    found = columns_of(rows)
    answered = {
        name: column
        for name, spellings in _ANSWERED_BY.items()
        if (column := next((one for one in spellings if one in found), ""))
    }
    if not answered:
        says = "chunk_id, page (FILE.pdf#page=N) or passage, which say what answers it"
        raise wrong_columns(path, found, f"{asked} and {says}")
    return [_question(row, asked, answered, max_chars) for row in rows]


def own_pairs(
    questions: Sequence[OwnQuestion], chunks: Sequence[Chunk], split_of: Mapping[str, Split]
) -> list[Pair]:
    """The questions as pairs in the splits of their documents, by name of document.

    A passage is matched by its words: chunks that hold it, or else chunks that stand in it whole.
    Where matches stand in several splits, the question goes to the last of these, so that
    nothing of the test is trained on. Of a page's chunks those that hold the answer count; with
    no answer among them all do, and the one that shares most words with the question is trained
    on.

    Raises:
        DataError: rows that match nothing, by their places.
    """
    corpus = _Corpus(chunks)
    pairs: dict[tuple[str, Split], Pair] = {}
    refused: list[str] = []
    for asked in questions:
        matches, reason = corpus.match(asked)
        if not matches:
            refused.append(f"{asked.place}: {reason}")
            continue
        split = max((split_of[chunk.document] for chunk in matches), key=SPLITS.index)
        kept = [chunk for chunk in matches if split_of[chunk.document] == split]
        twins = [c for c in corpus.twins(kept) if split_of[c.document] == split]
        pair = _pair(asked, kept, twins, split)
        same = (text_digest(pair.question.casefold()), split)
        first = pairs.setdefault(same, pair)
        pairs[same] = replace(
            first, relevant=tuple(dict.fromkeys((*first.relevant, *pair.relevant)))
        )
    if refused:
        more = f"; and {len(refused) - _SHOWN} rows more" if len(refused) > _SHOWN else ""
        raise DataError("; ".join(refused[:_SHOWN]) + more)
    return list(pairs.values())


def read_own(
    options: DataOptions, chunks: Sequence[Chunk], split_of: Mapping[str, Split]
) -> list[Pair]:
    """The pairs of the file that ``options`` name; none without one. Raises DataError."""
    if not options.questions_file:
        return []
    asked = load_questions(Path(options.questions_file), options.max_question_chars)
    return own_pairs(asked, chunks, split_of)


def with_own(
    own: Sequence[Pair], generated: Sequence[Pair], *, only: bool
) -> tuple[list[Pair], dict[str, int]]:
    """Own questions before the generated ones, and how many of those that drops, by reason.

    ``only``: no generated question is trained on, and they validate or test only where there are
    no own ones to do so.
    """
    asked = {text_digest(pair.question.casefold()) for pair in own}
    taken = {"train", *(pair.split for pair in own)} if only else set()
    new = [p for p in generated if text_digest(p.question.casefold()) not in asked]
    kept = [pair for pair in new if pair.split not in taken]
    dropped = {"asked by the user": len(generated) - len(new), "not own": len(new) - len(kept)}
    return [*own, *kept], {reason: count for reason, count in dropped.items() if count}


def _question(row: UserRow, asked: str, answered: Mapping[str, str], max_chars: int) -> OwnQuestion:
    question = text_of(row, asked)
    if 0 < max_chars < len(question):
        raise DataError(
            f"{row.place}: {asked} has {len(question):,} characters; at most {max_chars:,} are "
            "taken (RAGLOOP_MAX_QUESTION_CHARS)"
        )
    filled = [name for name, column in answered.items() if row.values.get(column)]
    if not filled:
        raise DataError(f"{row.place}: {' and '.join(answered.values())} are empty")
    name = filled[0]
    value = text_of(row, answered[name])
    if name == "page" and not _PAGE.fullmatch(value):
        raise DataError(f"{row.place}: page is {shown(value)}, expected FILE.pdf#page=N")
    if name == "passage" and word_count(wording(value)) < _FEWEST_WORDS:
        raise DataError(f"{row.place}: passage has fewer than {_FEWEST_WORDS} words")
    answer = text_of(row, "answer") if row.values.get("answer") else ""
    return OwnQuestion(row.place, question, answer, **{name: value})


class _Corpus:
    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = {chunk.chunk_id: chunk for chunk in chunks}
        self._by_document: dict[str, list[Chunk]] = defaultdict(list)
        self._same: dict[tuple[str, str], list[Chunk]] = defaultdict(list)
        for chunk in chunks:
            self._by_document[chunk.document].append(chunk)
            self._same[company_key(chunk), text_digest(chunk.text)].append(chunk)
        self._words: list[tuple[Chunk, str, str]] = []

    def match(self, asked: OwnQuestion) -> tuple[list[Chunk], str]:
        """Chunks that answer, the best first, and what is wrong if there are none."""
        if asked.chunk_id:
            chunk = self._chunks.get(asked.chunk_id)
            return ([chunk], "") if chunk else ([], f"no chunk {asked.chunk_id} is stored")
        if asked.page:
            return self._on_page(asked)
        return self._holding(wording(asked.passage)), "no stored chunk holds this passage"

    def twins(self, chunks: Iterable[Chunk]) -> list[Chunk]:
        """Chunks of the same company that read the same."""
        return [
            twin
            for chunk in chunks
            for twin in self._same[company_key(chunk), text_digest(chunk.text)]
        ]

    def _on_page(self, asked: OwnQuestion) -> tuple[list[Chunk], str]:
        document, _, number = asked.page.rpartition("#page=")
        if document not in self._by_document:
            return [], f"no document {document} is ingested"
        page = int(number)
        here = [c for c in self._by_document[document] if c.page_start <= page <= c.page_end]
        if not here:
            return [], f"no chunk of {document} stands on page {page}"
        answer = wording(asked.answer)
        if asked.answer and (holding := [c for c in here if answer in wording(c.text)]):
            here = holding
        wanted = set(wording(f"{asked.question} {asked.answer}").split())
        shared = {c.chunk_id: len(wanted & set(wording(c.embedded_text).split())) for c in here}
        return sorted(here, key=lambda chunk: -shared[chunk.chunk_id]), ""

    def _holding(self, passage: str) -> list[Chunk]:
        if not self._words:
            self._words = [
                (chunk, wording(chunk.text), wording(chunk.embedded_text))
                for chunk in self._chunks.values()
            ]
        if found := [chunk for chunk, _, embedded in self._words if passage in embedded]:
            return found
        return [
            chunk
            for chunk, text, _ in self._words
            if word_count(text) >= _FEWEST_WORDS and text in passage
        ]


def _pair(asked: OwnQuestion, kept: Sequence[Chunk], twins: Sequence[Chunk], split: Split) -> Pair:
    relevant = tuple(dict.fromkeys(chunk.chunk_id for chunk in (*kept, *twins)))
    draft = Draft(asked.question, asked.answer, kept[0], relevant, "free", SOURCE)
    return to_pair(draft, split, relevant)
