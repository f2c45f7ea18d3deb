"""Chunks to training data: write questions, filter, split by document, save."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path

from finetune.dataset import save
from finetune.drafts import Draft, to_pair
from finetune.filters import SeenQuestions, reason_to_drop
from finetune.llm_questions import llm_drafts
from finetune.names import company_key
from finetune.options import DataOptions, TrainingData
from finetune.own_questions import read_own, with_own
from finetune.prose import section_drafts
from finetune.round_trip import check as check_round_trip
from finetune.searches import Searches
from finetune.split import (
    SPLITS,
    assign_splits,
    check_leakage,
    remove_leaks,
    require_all_splits,
)
from finetune.templates import fact_drafts, ratio_drafts
from rag_service.core.errors import ConfigError
from rag_service.core.ids import text_digest
from rag_service.core.protocols import Generator, Progress, no_progress
from rag_service.core.types import Chunk, Pair, Question, QuestionSet, Split

_COMPUTED = {"change", "share", "derived", "section"}


def build_pairs(
    chunks: Sequence[Chunk],
    generator: Generator | None,
    options: DataOptions,
    folder: Path,
    progress: Progress = no_progress,
    searches: Searches | None = None,
) -> TrainingData:
    """Build and save training data from ``chunks``; called where no event loop runs.

    The same chunks, options and searches give the same pairs. With ``searches``, training
    questions make the round trip to their chunk through the live release. Outcomes of the LLM are
    kept in ``folder``, so that a second call asks only what the first one did not.

    Raises:
        DataError: too few documents, or a split without questions, or one of the user's
            questions matches nothing.
        ConfigError: LLM questions are wanted and there is no ``generator``.
        GenerationError: the LLM keeps failing.
    """
    if options.max_llm_questions and generator is None:
        raise ConfigError("LLM questions need an LLM: set RAGLOOP_LLM, or ask for 0 of them")
    split_of = assign_splits(chunks, options.seed)
    folder.mkdir(parents=True, exist_ok=True)
    own = read_own(options, chunks, split_of)
    write = not options.only_own or {pair.split for pair in own} != set(SPLITS)
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    dropped: Counter[str] = Counter()
    seen = SeenQuestions()

    drafts = list(_from_templates(chunks, options, seen, dropped, progress)) if write else []
    if write and options.max_llm_questions and generator is not None:
        written = asyncio.run(
            llm_drafts(
                chunks,
                generator,
                max_questions=options.max_llm_questions,
                max_minutes=options.max_minutes,
                cache=folder / "llm_questions.jsonl",
                seed=options.seed,
                dropped=dropped,
                progress=progress,
            )
        )
        drafts += _new(written, seen, dropped)

    twins = _twins(chunks)
    pairs = [_pair(draft, split_of, twins, by_id) for draft in drafts]
    pairs, replaced = with_own(own, pairs, only=options.only_own)
    dropped.update(replaced)
    pairs, leaks = remove_leaks(pairs, by_id)
    dropped.update(leaks)
    pairs, twice = _once(pairs, by_id)
    dropped.update(twice)
    if searches is not None:
        pairs, unfound = check_round_trip(pairs, searches, progress)
        dropped.update(unfound)
    require_all_splits(pairs)
    check_leakage(pairs, by_id)
    return save(pairs, dropped, folder, seed=options.seed)


def question_set(pairs: Iterable[Pair], split: Split, name: str) -> QuestionSet:
    """The pairs of one split as questions; every chunk that answers has gain 1."""
    questions = tuple(
        Question(
            pair.question_id,
            pair.question,
            dict.fromkeys(pair.relevant or (pair.chunk_id,), 1),
            {
                "company": pair.company,
                "document": pair.document,
                "source": pair.source,
                "kind": pair.kind,
                "answer": pair.answer,
            },
        )
        for pair in pairs
        if pair.split == split
    )
    return QuestionSet(name, split, questions)


def _from_templates(
    chunks: Sequence[Chunk],
    options: DataOptions,
    seen: SeenQuestions,
    dropped: Counter[str],
    progress: Progress,
) -> Iterator[Draft]:
    """Sections and ratios up to their shares, and rows for the rest.

    Where there are fewer rows than wanted, the others shrink with them, so that the mixture
    stays the same.
    """
    rows = list(
        islice(
            _new(
                fact_drafts(
                    chunks,
                    per_chunk=options.per_chunk,
                    per_statement=options.per_statement,
                    seed=options.seed,
                ),
                seen,
                dropped,
            ),
            options.max_questions,
        )
    )
    row_share = 1 - options.section_share - options.ratio_share
    total = min(options.max_questions, round(len(rows) / row_share)) if rows else 0
    sections = _new(section_drafts(chunks, seed=options.seed), seen, dropped)
    ratios = _new(ratio_drafts(chunks, seed=options.seed), seen, dropped)
    mixed = chain(
        islice(sections, round(options.section_share * total)),
        islice(ratios, round(options.ratio_share * total)),
        rows,
    )
    step, done = "questions from templates", 0
    for done, draft in enumerate(islice(mixed, total), start=1):
        progress(step, done, total)
        yield draft
    if 0 < done < total:
        progress(step, done, done)


def _new(drafts: Iterable[Draft], seen: SeenQuestions, dropped: Counter[str]) -> Iterator[Draft]:
    """The fit drafts whose question was not written before."""
    for draft in drafts:
        reason = reason_to_drop(
            draft.question, draft.answer, draft.chunk, computed=draft.kind in _COMPUTED
        )
        if not reason and not seen.is_new(draft.question):
            reason = "near duplicate"
        if reason:
            dropped[reason] += 1
        else:
            yield draft


def _once(pairs: Sequence[Pair], chunks: Mapping[str, Chunk]) -> tuple[list[Pair], dict[str, int]]:
    """The pairs, in training those on one chunk alone of each text, and how many that drops.

    Filings repeat whole passages of the year before; a batch that holds a passage twice would
    take each for a wrong answer to the other's question.
    """
    first: dict[str, str] = {}
    kept = []
    for pair in pairs:
        text = text_digest(chunks[pair.chunk_id].text)
        if pair.split != "train" or first.setdefault(text, pair.chunk_id) == pair.chunk_id:
            kept.append(pair)
    twice = len(pairs) - len(kept)
    return kept, {"passage printed twice": twice} if twice else {}


def _twins(chunks: Iterable[Chunk]) -> dict[str, list[str]]:
    """Ids of all chunks by company and text, for passages that filings print word for word."""
    twins: dict[str, list[str]] = {}
    for chunk in chunks:
        twins.setdefault(_wording(chunk), []).append(chunk.chunk_id)
    return twins


def _wording(chunk: Chunk) -> str:
    return f"{company_key(chunk)}\x00{text_digest(chunk.text)}"


def _pair(
    draft: Draft,
    split_of: Mapping[str, Split],
    twins: Mapping[str, Sequence[str]],
    chunks: Mapping[str, Chunk],
) -> Pair:
    """The draft in its document's split.

    A passage that reads the same as one that answers is relevant too, in whichever filing of
    the company it stands. Where documents and not companies are divided, another split's filing
    may state the same; it does not count, since a split must not reach into another.
    """
    chunk = draft.chunk
    split = split_of[chunk.document]
    answering = dict.fromkeys(
        twin
        for found in (*draft.relevant, chunk.chunk_id)
        for twin in (found, *twins[_wording(chunks[found])])
    )
    return to_pair(draft, split, (c for c in answering if split_of[chunks[c].document] == split))
