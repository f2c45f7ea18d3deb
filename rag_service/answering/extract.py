"""The row or the sentence among the passages that answers a question best, in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_service.answering.citations import Evidence, cite, fold
from rag_service.answering.injection import is_order
from rag_service.answering.question import (
    Asked,
    column_years,
    company_words,
    coverage,
    doubt,
    names_company,
    understand,
)
from rag_service.answering.table_pieces import by_place, head_before
from rag_service.answering.terms import stems
from rag_service.core.types import FilingFacts, Hit, TableCells

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[\"“(]?[A-Z0-9])")
_ENOUGH = 0.5
_LONGEST = 600
_FEWEST_SPACES = 4


@dataclass(frozen=True, slots=True)
class Extract:
    """What a passage says; ``doubt`` tells why it may not be the answer, or is ``""``."""

    text: str
    evidence: Evidence
    doubt: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    hit: Hit
    label: frozenset[str]
    """Words that say what is stated: a row's label, or the whole sentence."""
    around: frozenset[str]
    """Words of the place it stands in: title, columns, heading, context."""
    text: str
    quote: str
    is_row: bool = False
    of_the_year: bool = False
    """The value's column names a year that is asked for."""
    doubt: str = ""


def extract(question: str, hits: Sequence[Hit]) -> Extract | None:
    """The best row or sentence of ``hits``, or None if none shares a word with the question."""
    asked = understand(question)
    seen = {word for hit in hits for word in stems(f"{hit.chunk.embedded_text}")}
    best: tuple[tuple[bool, float], Extract] | None = None
    for candidate in _candidates(asked, hits):
        score, covered = _score(asked, candidate, seen)
        citations = cite(candidate.hit.chunk, candidate.quote)
        if score <= 0 or not citations:
            continue
        reason = candidate.doubt or doubt(asked, [candidate.hit.chunk], candidate.text)
        if not reason and not _says_enough(asked, candidate, covered):
            reason = "no passage found says enough of what is asked"
        key = (not reason, score)
        if best is None or key > best[0]:
            evidence = Evidence(candidate.hit.chunk, candidate.quote, citations)
            best = key, Extract(candidate.text, evidence, reason)
    return best[1] if best else None


def _says_enough(asked: Asked, candidate: _Candidate, covered: float) -> bool:
    """A row may share one word with the question, its label; a sentence that does, means little."""
    shared = max(len(candidate.label & topic) for topic in asked.topics)
    return covered > _ENOUGH and (candidate.is_row or shared > 1)


def _score(asked: Asked, candidate: _Candidate, seen: set[str]) -> tuple[float, float]:
    """A candidate's score (0 or less: unrelated), and how much of the question it covers."""
    facts = candidate.hit.chunk.facts
    company = company_words(facts) | {facts.ticker.casefold()}
    best = (0.0, 0.0)
    for reading in asked.topics:
        topic = reading - company
        shared = candidate.label & topic
        if not shared:
            continue
        covered = coverage(topic, candidate.label | candidate.around, seen)
        score = coverage(topic, candidate.label, seen) + 0.5 * covered
        score += 0.5 * len(shared) / len(candidate.label)
        best = max(best, (score, covered))
    if best[0] == 0.0:
        return best
    score = best[0] + 0.3 * names_company(asked, facts)
    score += 0.3 * (facts.fiscal_year in asked.years) + 0.2 * candidate.of_the_year
    return score - 0.02 * (candidate.hit.rank - 1), best[1]


def _candidates(asked: Asked, hits: Sequence[Hit]) -> Iterator[_Candidate]:
    places = by_place([hit.chunk for hit in hits])
    for hit in hits:
        cells = hit.chunk.cells
        if cells is None:
            yield from _sentences(hit)
        elif asked.wants != "text":
            yield from _rows(asked, hit, cells, head_before(hit.chunk, places))


def _sentences(hit: Hit) -> Iterator[_Candidate]:
    chunk = hit.chunk
    around = frozenset(stems(f"{chunk.context} {chunk.heading}"))
    for sentence in split_text(chunk.text, chunk.kind == "table"):
        # Shorter ones are headings: they name what is asked and say nothing of it.
        if (
            len(sentence) <= _LONGEST
            and sentence.count(" ") >= _FEWEST_SPACES
            and not is_order(sentence)
        ):
            yield _Candidate(hit, frozenset(stems(sentence)), around, sentence, sentence)


def split_text(text: str, by_line: bool) -> list[str]:
    """The lines of ``text``, or the sentences of its lines, with their white space folded."""
    lines = [fold(line) for line in text.splitlines()]
    parts = lines if by_line else [part for line in lines for part in _SENTENCE_END.split(line)]
    return [part for part in parts if part]


def _rows(asked: Asked, hit: Hit, cells: TableCells, group: str) -> Iterator[_Candidate]:
    chunk = hit.chunk
    lines = split_text(chunk.text, by_line=True)
    place = stems(f"{cells.title} {cells.unit} {chunk.context} {chunk.heading}")
    for label, *values in cells.rows:
        stated = [i for i, value in enumerate(values) if any(c.isdigit() for c in value)]
        if not stated:
            group = label
            continue
        line = _line_of(label, [values[i] for i in stated], lines)
        if not label.strip() or line is None or is_order(line):
            continue
        columns, missing = _columns(asked, cells, stated, chunk.facts)
        around = frozenset(place + stems(group) + stems(" ".join(cells.columns)))
        yield _Candidate(
            hit=hit,
            label=frozenset(stems(label)),
            around=around,
            text=_state(label, values, columns, cells),
            quote=line,
            is_row=True,
            of_the_year=any(
                column_years(asked, cells.columns[i], chunk.facts) & asked.years
                for i in columns
                if i < len(cells.columns)
            ),
            doubt=missing,
        )


def _columns(
    asked: Asked, cells: TableCells, stated: list[int], facts: FilingFacts
) -> tuple[list[int], str]:
    """The columns that the question is about, and why they may be the wrong ones, or ``""``."""
    columns = {i: cells.columns[i] for i in stated if i < len(cells.columns)}
    dated = {i: column_years(asked, column, facts) for i, column in columns.items()}
    covered = frozenset[int]().union(*dated.values())
    doubt = ""
    if covered:
        missing = asked.years - covered
        if missing:
            doubt = f"the nearest table has no column for {min(missing)}"
        wanted = asked.years or {facts.fiscal_year}
        stated = [i for i in stated if dated.get(i, frozenset()) & wanted] or stated
    named = {i: len(asked.words & set(stems(columns[i]))) for i in stated if i in columns}
    most = max(named.values(), default=0)
    return ([i for i in stated if named.get(i) == most] if most else stated), doubt


def _state(label: str, values: list[str], columns: list[int], cells: TableCells) -> str:
    said = []
    for place, i in enumerate(columns):
        column = cells.columns[i] if i < len(cells.columns) else ""
        notes = [column, cells.unit if place == 0 else ""]
        about = ", ".join(fold(note).strip("()") for note in notes if note.strip())
        said.append(f"{fold(values[i])} ({about})" if about else fold(values[i]))
    return f"{fold(label).rstrip(':')}: {'; '.join(said)}"


def _line_of(label: str, values: list[str], lines: list[str]) -> str | None:
    """The line of the chunk's text that holds this row."""
    start = fold(label)
    for line in lines:
        if line.startswith(start) and all(fold(value) in line for value in values):
            return line
    return None
