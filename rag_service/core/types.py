"""The domain's values: frozen, without behaviour that needs a library.

Arrays are numpy float32 and L2-normalised unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Kind = Literal["prose", "table"]
PageBreaks = tuple[tuple[int, int], ...]
"""Where pages begin in a text: the offset of a page's first character, and the page."""
ReleaseState = Literal["building", "candidate", "live", "retired", "failed"]
Split = Literal["train", "validation", "test"]
Algorithm = Literal["hnsw", "flat"]
VectorType = Literal["float32", "float16"]
ExperimentKind = Literal["split", "interleaving"]
Arm = Literal["a", "b"]
KeyScope = Literal["ask", "ingest", "operate"]
JobKind = Literal["ingest", "finetune", "reindex", "judge", "improve"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
JobEventName = Literal["progress", "log", "state"]
Stage = Literal["vectors", "text", "scope", "glossary", "pages", "rerank"]
"""Of a search: what it finds by, what it takes from the question, and how it orders."""


@dataclass(frozen=True, slots=True)
class FilingFacts:
    """What a filing's cover page says of it; ``""`` or 0 where it is not printed."""

    company: str = ""
    ticker: str = ""
    form: str = ""
    fiscal_year: int = 0
    period_end: str = ""
    """ISO date of the fiscal year's last day."""


@dataclass(frozen=True, slots=True)
class Document:
    """One ingested filing. ``document_id`` comes from the file's bytes, ``name`` is the file's."""

    document_id: str
    name: str
    facts: FilingFacts
    pages: int
    chunks: int
    tables: int
    ingested_at: str
    chunker: str = ""
    """Version of the parsing and chunking rules that made its chunks."""


@dataclass(frozen=True, slots=True)
class TableCells:
    """A table's cells as data: ``columns`` name the value columns of every row."""

    title: str
    unit: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Each row is its label followed by one string a column (``""`` for an empty cell)."""
    captions: tuple[str, ...] = ()
    """Header lines that stand over all columns, such as ``Years ended December 31``."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document. ``context`` is embedded with ``text`` and shown apart from it."""

    chunk_id: str
    document_id: str
    document: str
    text: str
    context: str
    kind: Kind
    section: str
    """Item it stands in, such as ``Item 7A``; ``""`` before the first Item."""
    heading: str
    page_start: int
    """Counted from 1, as PDF viewers do."""
    page_end: int
    position: int
    """Place in the document's reading order, from 0."""
    facts: FilingFacts
    cells: TableCells | None = None
    page_breaks: PageBreaks = ()
    """Where in ``text`` the pages after ``page_start`` begin; empty for one page, and in chunks
    of earlier versions."""

    @property
    def embedded_text(self) -> str:
        """What the encoder sees."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def text_by_page(self) -> tuple[tuple[int, str], ...]:
        """Its pages with what of ``text`` stands on each."""
        starts = ((0, self.page_start), *self.page_breaks, (len(self.text), 0))
        return tuple((page, self.text[at:end]) for (at, page), (end, _) in pairwise(starts))


@dataclass(frozen=True, slots=True)
class Filters:
    """Restricts a search; an empty field does not restrict."""

    company: str = ""
    form: str = ""
    fiscal_year: int = 0
    section: str = ""
    kind: str = ""
    documents: tuple[str, ...] = ()
    """Names, of which any will do."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One of the searches that are sent to an index together: by vector, or by words."""

    k: int
    filters: Filters = Filters()
    vector: Vectors | None = None
    """``(dims,)``: the nearest by cosine."""
    terms: tuple[tuple[str, float], ...] = ()
    """Words or phrases with their weights, any of which will do: the best by BM25."""
    ef_runtime: int = 0
    """Candidates that a search in a graph keeps; 0: as its index says."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result; ``rank`` counts from 1.

    ``score`` is what it was ranked by: cosine similarity in [-1, 1] of a vector, BM25 of words, or
    the score of the last stage of several.
    """

    rank: int
    score: float
    chunk: Chunk
    model: str = ""
    """Fingerprint of the model that its vector was made with, as kept beside that vector."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """By stage of the search, where there were several."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A registry entry: an immutable embedding model named by ``fingerprint``."""

    fingerprint: str
    name: str
    """Name it was asked for by, such as ``BAAI/bge-small-en-v1.5``."""
    path: str
    dims: int
    max_tokens: int
    query_prompt: str
    document_prompt: str
    created: str
    base: str = ""
    """Fingerprint of the model that it was trained from, or ``""``."""
    training: Mapping[str, Any] = field(default_factory=dict)
    documents_like: str = ""
    """Fingerprint of the model whose document vectors it has, or ``""`` for its own alone."""
    cut_from: str = ""
    """Fingerprint of the model whose first dimensions it gives, or ``""`` if it is whole."""

    @property
    def whole(self) -> str:
        """Names the model as it was before it was cut: equal for all cuts of one model."""
        return self.cut_from or self.fingerprint

    @property
    def document_vectors(self) -> str:
        """Names its document vectors: equal for models whose indexes can be copied."""
        return self.documents_like or self.fingerprint


@dataclass(frozen=True, slots=True)
class Release:
    """One model and the one index built with it: the unit of serving."""

    release: str
    state: ReleaseState
    model: str
    """Fingerprint of the model."""
    index: str
    """Physical index name, never reused."""
    dims: int
    chunks: int
    created: str
    note: str = ""
    algorithm: Algorithm = "hnsw"
    datatype: VectorType = "float32"
    fresh: bool = False
    """All its vectors are encoded for it, none is copied from another index."""


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """What a physical index is made of."""

    name: str
    dims: int
    model: str
    algorithm: Algorithm = "hnsw"
    datatype: VectorType = "float32"
    """How a vector's numbers are stored; what is read back is float32 either way."""
    m: int = 16
    ef_construction: int = 100
    ef_runtime: int = 64

    @property
    def shape(self) -> dict[str, Any]:
        """What two indexes of one kind have in common, whatever they hold."""
        graph = {
            "m": self.m,
            "ef_construction": self.ef_construction,
            "ef_runtime": self.ef_runtime,
        }
        kind = {"algorithm": self.algorithm, "datatype": self.datatype}
        return kind | (graph if self.algorithm == "hnsw" else {})


@dataclass(frozen=True, slots=True)
class TunedIndex:
    """What new indexes are made with where the settings do not say, and where it was found."""

    algorithm: Algorithm
    m: int
    ef_construction: int
    ef_runtime: int
    release: str
    """Whose vectors it was found on."""
    chunks: int
    recall: float
    """That was wanted, of ``k`` against exact search."""
    k: int
    created: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question with what is relevant to it: chunk ids or ``FILE.pdf#page=N``, to a gain ≥ 1."""

    question_id: str
    text: str
    relevant: Mapping[str, int]
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions of one split of one set."""

    name: str
    split: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """One training example: a question and the chunk that answers it."""

    question_id: str
    question: str
    answer: str
    chunk_id: str
    document: str
    company: str
    source: str
    """What wrote it: ``template`` or the name of the LLM."""
    split: Split
    relevant: tuple[str, ...] = ()
    """All chunk ids that answer it: ``chunk_id``, its twins, and others that state the same."""
    kind: str = ""
    """What it asks for: ``level``, ``change``, ``share``, ``derived``, ``section`` or ``free``."""
    weight: float = 1.0
    """Part of such pairs that training takes: below 1 where every search finds the chunk first."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % confidence interval."""

    value: float
    low: float
    high: float
    by: str = "questions"
    """What was drawn for the interval: ``questions``, or ``documents`` with all of theirs."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference b − a with its 95 % interval and two-sided permutation p-value."""

    value: float
    low: float
    high: float
    p: float
    by: str = "questions"
    """What was drawn for the interval and exchanged for ``p``: ``questions`` or ``documents``."""


@dataclass(frozen=True, slots=True)
class Probe:
    """How well a model still does on general text: NDCG@10 on fixed questions of no filing."""

    probe: str
    """Digest of its questions and passages."""
    model: str
    questions: int
    seed: int
    ndcg: Interval
    per_question: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Run:
    """The results of one release on one question set, with per-question scores."""

    run_id: str
    release: str
    model: str
    question_set: str
    split: str
    questions: int
    metrics: Mapping[str, Interval]
    """By measure, in lower case: ``ndcg@10``."""
    per_question: Mapping[str, Mapping[str, float]]
    ranking: Mapping[str, tuple[tuple[str, float], ...]]
    """By question, the corpus-ids in rank order with their scores (strictly decreasing)."""
    created: str
    seed: int
    skipped: int = 0
    """Questions left out because none of their documents is indexed."""
    slices: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    slice_questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By slice, the ids of its questions."""
    judgments: str = ""
    """Digest of the texts and judgments of its questions."""
    documents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By question, the names of the documents that it asks about, the main one first."""
    trained_on: int = 0
    """Questions about documents that the model was trained or validated on."""
    variants: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    """The same questions searched otherwise: ``exact``, ``dims=128``."""
    probe: Probe | None = None
    stages: tuple[str, ...] = ("vectors",)
    """What its searches went through."""


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Whether a candidate may go live, and why (or why not)."""

    promoted: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim ``quote`` from page ``page`` of ``document``."""

    document: str
    page: int
    quote: str
    chunk_id: str
    page_end: int
    """``page``; another one where the end of a page cuts a figure of the quote, or where the chunk
    does not know its page breaks."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; ``grounded`` only if every quote stands in its passage."""

    question: str
    answer: str
    grounded: bool
    citations: tuple[Citation, ...]
    release: str
    method: str
    """``computed`` from table cells, ``generated`` by the LLM, ``extracted``, or ``none``."""
    reason: str = ""
    """Why it is not grounded, or why it was extracted rather than generated."""
    calculation: str = ""
    """What was worked out in code, such as ``1,577 / 32,765 = 4.8 %``."""
    hits: tuple[Hit, ...] = ()
    model: str = ""
    """Fingerprint of the encoder that the question was encoded with."""
    index_model: str = ""
    """Fingerprint that stands beside the vectors of the index."""
    cached: bool = False
    """It was made for an earlier request that found the same."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """Two releases under live traffic, until ``ended`` is set; ``a`` is the live one."""

    experiment: str
    kind: ExperimentKind
    a: str
    b: str
    model_a: str
    model_b: str
    share: float
    """Of the client keys: those that get ``b``, or with interleaving both releases' hits."""
    started: str
    ended: str = ""
    reason: str = ""
    """Why it ended."""


@dataclass(frozen=True, slots=True)
class Impression:
    """What one request inside an experiment was shown: feedback is credited by it alone."""

    request_id: str
    experiment: Experiment
    client: str
    """Digest of the experiment and the client's key."""
    question: str
    arm: Arm | None
    """None with interleaving."""
    shown: Mapping[str, Arm]
    """By chunk id, the release that it was shown for."""


@dataclass(frozen=True, slots=True)
class ArmTally:
    """Requests that a release took part in, and the outcomes that were credited to it."""

    requests: int = 0
    good: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of both releases of an experiment."""

    a: ArmTally = ArmTally()
    b: ArmTally = ArmTally()


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job that was handed to the worker process, and how it goes."""

    job: str
    kind: JobKind
    arguments: Mapping[str, Any]
    state: JobState
    created: str
    started: str = ""
    """When it was taken up, the last time."""
    ended: str = ""
    step: str = ""
    """What it is at, with ``done`` of ``total``; 0 while the total is not known."""
    done: int = 0
    total: int = 0
    reason: str = ""
    """Why it failed, was cancelled, or has to wait; of one that is done, what was refused in it."""
    result: Mapping[str, Any] | None = None
    """What the command of that kind gives with ``--json``; None unless it is done."""

    @property
    def over(self) -> bool:
        """Whether it waits for nobody any more; `JobQueue.retry` takes it up again."""
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened in a job: ``event`` names it, in order, for `JobQueue.events`."""

    event: str
    name: JobEventName
    data: Mapping[str, Any]
    """``progress`` {step, done, total}, ``log`` {line}, ``state`` {state, reason}."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key to the service: not the key itself."""

    name: str
    scopes: frozenset[KeyScope]
    created: str
    expires: str = ""
    """When it ends; ``""``: never."""
    used: str = ""
    """When it was last used, to about a minute; ``""``: never."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds, whenever these begin."""

    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Readiness:
    """By part, ``ok`` or what is wrong with it."""

    checks: Mapping[str, str]
    """Parts that no search is answered without."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """The others."""

    @property
    def ready(self) -> bool:
        return all(state == "ok" for state in self.checks.values())
