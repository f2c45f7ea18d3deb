"""What a report tells, gathered from the history, the stores, the registry and the jobs."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.history import History
from eval.judgments import page_of
from eval.question_sets import load
from eval.report.facts import (
    Change,
    Compared,
    Found,
    Report,
    SetFacts,
    change,
    compared,
    newest_of_each,
    runs_to_compare,
)
from rag_service.core.errors import DataError, NotFound
from rag_service.core.ids import now
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    no_progress,
)
from rag_service.core.types import Chunk, Question, Run
from rag_service.loop.jobs import JobStore

MOST_CHANGES = 3
"""Question sets that are told in every detail; a report on one of the others tells it so."""
MOST_COMPARED = 12
_KINDS = ("demo", "improve", "finetune")
_LIBRARIES = (
    "ragloop",
    "torch",
    "transformers",
    "sentence-transformers",
    "numpy",
    "scipy",
    "ir_measures",
    "redis",
    "redisvl",
    "unstructured",
)


class Reporter:
    """Reads alone: nothing is measured anew, and no model is loaded."""

    def __init__(
        self,
        *,
        home: Path,
        history: History,
        chunks: ChunkStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        jobs: JobStore,
    ) -> None:
        self._home = home
        self._history = history
        self._chunks = chunks
        self._releases = releases
        self._registry = registry
        self._jobs = jobs

    def gather(self, dataset: str = "", progress: Progress = no_progress) -> Report:
        """All that is kept, or what is kept of the question set named ``dataset``.

        Raises NotFound if nothing was measured, or nothing on that question set.
        """
        runs = self._history.all()
        if not runs:
            raise NotFound(
                "nothing was measured in this home yet; `ragloop improve` and `ragloop evaluate` do"
            )
        if dataset:
            runs = _only(runs, dataset)
        by_id = {run.run_id: run for run in runs}
        decisions = tuple(
            compared(by_id[kept.before], by_id[kept.after], kept)
            for kept in self._history.decisions()
            if kept.before in by_id and kept.after in by_id
        )
        sets = self._sets(runs, decisions, progress)
        return Report(
            made=now(),
            live=self._releases.current(),
            releases=tuple(self._releases.all()),
            models=tuple(self._registry.all()),
            sets=sets,
            decisions=decisions,
            found=self._found([found.change for found in sets if found.change]),
            jobs=tuple(self._told(job) for job in self._jobs.all() if job["kind"] in _KINDS),
            versions=_versions(),
            only=dataset,
        )

    def _sets(
        self, runs: Sequence[Run], decisions: Sequence[Compared], progress: Progress
    ) -> tuple[SetFacts, ...]:
        """The last improvement's first, then those that people brought, then older improvements'.

        Held-out questions are made by each improvement; where two made the same ones, they are
        one set.
        """
        made = {(r.release, r.model): r.created for r in self._releases.all()}
        jobs = {str(job["job"]) for job in self._jobs.all()}
        groups: dict[tuple[object, str], list[Run]] = {}
        for run in runs:
            held_out = run.question_set in jobs
            key = frozenset(run.per_question) if held_out else run.question_set
            groups.setdefault((key, run.split), []).append(run)
        newest_first = sorted(groups.values(), key=lambda group: group[-1].created, reverse=True)
        brought = [g for g in newest_first if g[-1].question_set not in jobs]
        own = [g for g in newest_first if g[-1].question_set in jobs]
        sets: list[SetFacts] = []
        for group in (*own[:1], *brought, *own[1:]):
            points = newest_of_each(group, made)
            pair = detail = None
            if len(sets) < MOST_COMPARED:
                progress("report", len(sets), len(groups))
                pair = runs_to_compare(group, points, decisions)
            if pair and sum(found.change is not None for found in sets) < MOST_CHANGES:
                detail = change(pair.before, pair.after, self._questions(pair.after))
            last = group[-1]
            sets.append(SetFacts(last.question_set, last.split, points, len(group), pair, detail))
        progress("report", len(groups), len(groups))
        return tuple(sets)

    def _told(self, journal: dict[str, Any]) -> dict[str, Any]:
        """A job's journal with the manifest of its training, where it has one."""
        path = self._home / "jobs" / journal["job"] / "training" / "manifest.json"
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return journal
        except ValueError as error:
            raise DataError(f"{path} is damaged: {error}") from error
        return journal | {"manifest": manifest}

    def _questions(self, run: Run) -> Mapping[str, Question]:
        """Questions of a run by id: as kept with it, else from this home's question sets."""
        kept = self._history.questions(run.run_id)
        if kept is None:
            try:
                kept = load(self._home / "question_sets" / run.question_set, run.split)
            except DataError:  # it was measured before questions were kept, from another folder
                return {}
        return {question.question_id: question for question in kept.questions}

    def _found(self, changes: Iterable[Change]) -> dict[tuple[str, str], dict[str, Found]]:
        """By run and question, the chunks of the passages that are told of it."""
        wanted: dict[tuple[str, str], set[str]] = {}
        texts: dict[tuple[str, str], str] = {}
        for detail in changes:
            for moved in (*detail.won, *detail.lost):
                key = detail.after.run_id, moved.question.question_id
                texts[key] = moved.question.text
                named = {moved.expected, moved.first_before, moved.first_after} - {""}
                wanted.setdefault(key, set()).update(named)
        every = set().union(*wanted.values())
        pages = {name: page for name in every if (page := page_of(name))}
        stored = {
            chunk.chunk_id: chunk for chunk in self._chunks.load(sorted(every - pages.keys()))
        }
        on_page = self._on_pages(pages)
        return {
            key: {
                name: _nearest(name, on_page[name], texts[key])
                if name in pages
                else Found(name, stored.get(name))
                for name in named
            }
            for key, named in wanted.items()
        }

    def _on_pages(self, pages: Mapping[str, tuple[str, int]]) -> dict[str, list[Chunk]]:
        """The chunks that touch each page, in reading order."""
        names = {document for document, _ in pages.values()}
        ids = [d.document_id for d in self._chunks.documents() if d.name in names]
        found: dict[str, list[Chunk]] = {name: [] for name in pages}
        by_page = {page: name for name, page in pages.items()}
        for chunk in self._chunks.chunks(ids):
            for page in range(chunk.page_start, chunk.page_end + 1):
                if name := by_page.get((chunk.document, page)):
                    found[name].append(chunk)
        return found


def _only(runs: Sequence[Run], dataset: str) -> list[Run]:
    name = Path(dataset).name
    found = [r for r in runs if name == r.question_set or dataset == f"{r.question_set}/{r.split}"]
    if not found:
        known = ", ".join(sorted({run.question_set for run in runs}))
        raise NotFound(f"no run is kept on a question set {dataset}; there are runs on: {known}")
    return found


def _nearest(corpus_id: str, chunks: Sequence[Chunk], question: str) -> Found:
    """Of a page's chunks the one that has most of the question's words, the first of equals."""
    if not chunks:
        return Found(corpus_id)
    asked = _words(question)
    best = max(chunks, key=lambda chunk: len(asked & _words(chunk.embedded_text)))
    return Found(corpus_id, best, len(chunks) - 1)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
