"""Question sets on disk, in BEIR layout: ``queries.jsonl`` and ``qrels/<split>.tsv``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.judgments import page_of, unit_of
from rag_service.core.errors import DataError
from rag_service.core.files import write_atomically
from rag_service.core.types import Question, QuestionSet

_HEADER = "query-id\tcorpus-id\tscore"
_MAX_SCORE = 100
"""trec_eval reserves memory in proportion to the highest score."""


def load(folder: Path, split: str) -> QuestionSet:
    """The questions that ``split`` judges, in the order of ``queries.jsonl``.

    A corpus-id is a chunk id or ``FILE.pdf#page=N``; a score of 0 judges a passage as not
    relevant, which is what a passage without a judgment is. The set is named after its folder.

    Raises:
        DataError: naming file and line of a wrong row, or the splits that exist if ``split`` does
            not.
    """
    existing = splits(folder)
    if split not in existing:
        known = f"it has {', '.join(existing)}" if existing else "no split was found in it"
        raise DataError(f"{folder} has no qrels/{split}.tsv: {known}")
    queries = _read_queries(folder / "queries.jsonl")
    path = _qrels(folder, split)
    relevant = _read_qrels(path, queries)
    questions = tuple(
        replace(question, relevant=relevant[question_id])
        for question_id, question in queries.items()
        if question_id in relevant
    )
    if not questions:
        raise DataError(f"{path} judges no question")
    _check_units(questions, path)
    return QuestionSet(name=folder.resolve().name, split=split, questions=questions)


def save(folder: Path, question_set: QuestionSet) -> None:
    """Write a split; splits of one folder share its ``queries.jsonl``, which is merged.

    A question saved again replaces the one of the same id.

    Raises:
        DataError: if a question cannot be written so that `load` would read it, or if another
            split judges a question of the same id and another text.
    """
    path = _qrels(folder, question_set.split)
    new = _by_id(question_set)
    _check_units(question_set.questions, path)
    file = folder / "queries.jsonl"
    old = _read_queries(file) if file.is_file() else {}
    elsewhere = {
        question_id
        for split in splits(folder)
        if split != question_set.split
        for question_id in _read_qrels(_qrels(folder, split), old)
    }
    for question_id in elsewhere & new.keys():
        if new[question_id] != old[question_id]:
            raise DataError(
                f"{file} holds a question {question_id} with another text or other metadata, "
                "which another split judges: give the new one an id of its own"
            )
    write_atomically(file, "".join(map(_query_row, (old | new).values())))
    write_atomically(path, f"{_HEADER}\n" + "".join(map(_qrels_rows, question_set.questions)))


def splits(folder: Path) -> list[str]:
    """Names of the splits that the folder holds, sorted."""
    return sorted(path.stem for path in folder.glob("qrels/*.tsv") if path.is_file())


def _qrels(folder: Path, split: str) -> Path:
    return folder / "qrels" / f"{split}.tsv"


def _read_queries(path: Path) -> dict[str, Question]:
    questions: dict[str, Question] = {}
    for number, line in _lines(path):
        where = f"{path}:{number}"
        question = _question(line, where)
        if question.question_id in questions:
            raise DataError(f"{where}: question {question.question_id} stands in it twice")
        questions[question.question_id] = question
    return questions


def _question(line: str, where: str) -> Question:
    try:
        row = json.loads(line)
        # A lone surrogate is legal in JSON's escapes and illegal in UTF-8.
        json.dumps(row, ensure_ascii=False).encode()
    except ValueError as error:
        raise DataError(f"{where}: not a JSON object in UTF-8: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: not a JSON object")
    question_id, text, metadata = row.get("_id"), row.get("text"), row.get("metadata")
    if not isinstance(question_id, str) or not _is_id(question_id):
        raise DataError(f"{where}: _id must be a string without tabs and outer spaces")
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: text must be a string that is not empty")
    if not isinstance(metadata, dict | None):
        raise DataError(f"{where}: metadata must be an object")
    return Question(question_id, text, {}, metadata or {})


def _read_qrels(path: Path, queries: Mapping[str, Question]) -> dict[str, dict[str, int]]:
    lines = _lines(path)
    if next(lines, (0, ""))[1] != _HEADER:
        raise DataError(f"{path}:1: the header must be query-id, corpus-id and score, with tabs")
    judged: dict[str, dict[str, int]] = {}
    for number, line in lines:
        where = f"{path}:{number}"
        question_id, corpus_id, score = _judgment(line, where)
        if question_id not in queries:
            raise DataError(f"{where}: queries.jsonl has no question {question_id}")
        of_question = judged.setdefault(question_id, {})
        if corpus_id in of_question:
            raise DataError(f"{where}: {corpus_id} is judged twice for question {question_id}")
        of_question[corpus_id] = score
    return {
        question_id: {corpus_id: score for corpus_id, score in scores.items() if score}
        for question_id, scores in judged.items()
    }


def _judgment(line: str, where: str) -> tuple[str, str, int]:
    fields = line.split("\t")
    if len(fields) != 3:
        raise DataError(f"{where}: {len(fields)} fields, not 3 with tabs between them")
    question_id, corpus_id, score = fields
    if not _is_id(question_id) or not _is_id(corpus_id):
        raise DataError(f"{where}: an id is empty or has outer spaces")
    if not (score.isascii() and score.isdigit() and int(score) <= _MAX_SCORE):
        raise DataError(
            f"{where}: the score must be a whole number from 0 to {_MAX_SCORE}, not {score!r}"
        )
    try:
        page_of(corpus_id)
    except DataError as error:
        raise DataError(f"{where}: {error.message}") from error
    return question_id, corpus_id, int(score)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    # splitlines() would also split at characters that JSON strings may hold, such as U+2028.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _by_id(question_set: QuestionSet) -> dict[str, Question]:
    where = f"question set {question_set.name}/{question_set.split}"
    if not question_set.questions:
        raise DataError(f"{where} has no question")
    by_id: dict[str, Question] = {}
    for question in question_set.questions:
        row = _query_row(question)
        if question.question_id in by_id:
            raise DataError(f"{where}: question {question.question_id} stands in it twice")
        by_id[question.question_id] = _question(row, where)
        for line in _qrels_rows(question).splitlines():
            _judgment(line, f"{where}, question {question.question_id}")
    return by_id


def _check_units(questions: tuple[Question, ...], path: Path) -> None:
    for question in questions:
        try:
            unit_of(question)
        except DataError as error:
            raise DataError(f"{path}: {error.message}") from error


def _query_row(question: Question) -> str:
    row: dict[str, Any] = {"_id": question.question_id, "text": question.text}
    row["metadata"] = dict(question.metadata)
    return json.dumps(row, ensure_ascii=False) + "\n"


def _qrels_rows(question: Question) -> str:
    return "".join(
        f"{question.question_id}\t{corpus_id}\t{score}\n"
        for corpus_id, score in question.relevant.items()
    )


def _is_id(text: str) -> bool:
    return bool(text) and text == text.strip() and not set("\t\r\n") & set(text)
