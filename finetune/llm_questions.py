"""Question-answer pairs that an LLM writes from chunks; slow, so each reply is kept."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random

from finetune.drafts import Draft, spread
from finetune.llm_prompt import Task, Written, read, task_on
from finetune.llm_replies import Replies
from rag_service.core.errors import GenerationError, OutsideSchema
from rag_service.core.protocols import Generator, Progress
from rag_service.core.types import Chunk

_MAX_TOKENS = 300
_ATTEMPTS = 2
_FAILURES_IN_A_ROW = 3
_PAUSE_SECONDS = 1.0
"""Before the LLM is asked again after a failure that may pass, such as a busy server's."""
_AHEAD = 4
"""Passages begun for each request at once, so that a slow one does not keep the others waiting."""
_STEP = "questions by the LLM"


async def llm_drafts(
    chunks: Sequence[Chunk],
    generator: Generator,
    *,
    max_questions: int,
    max_minutes: float,
    cache: Path,
    seed: int,
    dropped: Counter[str],
    progress: Progress,
) -> list[Draft]:
    """At most ``max_questions`` fit questions, one a chunk, within ``max_minutes`` of this call.

    As many requests run at once as are worth sending to the LLM. Passages are judged in their
    order all the same, and none is asked about that one after another would not have been: the
    questions depend on chunks, seed and replies alone, as far as the time allows.

    Every reply is appended to ``cache`` (JSON lines) under the passage, the prompt and the LLM,
    so that a killed run asks nothing twice. What is unfit after a second attempt is dropped and
    counted in ``dropped``.

    Raises:
        GenerationError: the LLM failed on several passages in a row.
    """
    seconds = 60 * max_minutes
    tasks = _tasks(chunks, seed)
    writer = _Writer(generator, Replies(cache), seed, asyncio.get_running_loop().time() + seconds)
    ledger = _Ledger(generator.name, max_questions, dropped, progress)
    begun: deque[tuple[Task, asyncio.Task[Written]]] = deque()
    try:
        async with asyncio.timeout(max(seconds, 0.001)) as budget:
            while True:
                room = min(_AHEAD * generator.parallel, ledger.wanted) - len(begun)
                for task in islice(tasks, max(room, 0)):
                    begun.append((task, asyncio.create_task(writer.write(task))))
                if not begun:
                    break
                await asyncio.wait([begun[0][1]])
                ledger.enter(*begun.popleft())
    except TimeoutError:
        if not budget.expired():
            raise
        for task, written in begun:
            ledger.enter(task, written)
    finally:
        for _, written in begun:
            written.cancel()
        await asyncio.gather(*(written for _, written in begun), return_exceptions=True)
    ledger.close()
    return ledger.drafts


class _Writer:
    """Asks the LLM, in turn with the others, for what was not replied before."""

    def __init__(self, generator: Generator, replies: Replies, seed: int, deadline: float) -> None:
        self._generator = generator
        self._replies = replies
        self._seed = seed
        self._deadline = deadline
        self._turn = asyncio.Semaphore(generator.parallel)

    async def write(self, task: Task) -> Written:
        """The first fit question of two attempts, or the last one with why it is unfit."""
        for attempt in range(_ATTEMPTS):
            written = read(await self._reply(task, attempt), task)
            if not written.reason:
                break
        return written

    async def _reply(self, task: Task, attempt: int) -> str:
        key = f"{task.key} {attempt} {self._generator.name}"
        known = self._replies.get(key)
        if known is not None:
            return known
        async with self._turn:
            reply = await self._ask(task, attempt)
        self._replies.add(key, reply)
        return reply

    async def _ask(self, task: Task, attempt: int) -> str:
        try:
            return await self._ask_once(task, attempt)
        except GenerationError:
            await asyncio.sleep(_PAUSE_SECONDS)
            return await self._ask_once(task, attempt)

    async def _ask_once(self, task: Task, attempt: int) -> str:
        if asyncio.get_running_loop().time() >= self._deadline:
            raise TimeoutError
        pieces: list[str] = []
        try:
            async for piece in self._generator.stream(
                task.messages,
                max_tokens=_MAX_TOKENS,
                schema=task.schema,
                temperature=0.6 * attempt,
                seed=self._seed + attempt,
            ):
                pieces.append(piece)
        except OutsideSchema:
            pass  # what was written is judged as it is
        return "".join(pieces)


class _Ledger:
    """Enters what was written, passage by passage: questions, drops and failures."""

    def __init__(
        self, llm: str, max_questions: int, dropped: Counter[str], progress: Progress
    ) -> None:
        self.drafts: list[Draft] = []
        self._llm = llm
        self._max_questions = max_questions
        self._dropped = dropped
        self._progress = progress
        self._failures = 0

    @property
    def wanted(self) -> int:
        """Questions that are still to be written."""
        return self._max_questions - len(self.drafts)

    def enter(self, task: Task, future: asyncio.Task[Written]) -> None:
        """Raises GenerationError if this was one failure too many in a row."""
        error = future.exception() if future.done() else TimeoutError()
        if isinstance(error, TimeoutError):
            self._dropped["LLM out of time"] += 1
        elif isinstance(error, GenerationError):
            self._fail(error)
        elif error is not None:
            raise error
        else:
            self._failures = 0
            self._take(task, future.result())

    def close(self) -> None:
        """Say that no more come."""
        if 0 < len(self.drafts) < self._max_questions:
            self._progress(_STEP, len(self.drafts), len(self.drafts))

    def _fail(self, error: GenerationError) -> None:
        self._failures += 1
        self._dropped["LLM failed"] += 1
        if self._failures >= _FAILURES_IN_A_ROW:
            raise GenerationError(
                f"{self._llm} failed {self._failures} times in a row, last with: "
                f"{error.message}. Start the LLM, or ask for no LLM questions."
            ) from error

    def _take(self, task: Task, written: Written) -> None:
        if written.reason:
            self._dropped[f"LLM: {written.reason}"] += 1
            return
        chunk = task.chunk
        self.drafts.append(
            Draft(written.question, written.answer, chunk, (chunk.chunk_id,), "free", self._llm)
        )
        self._progress(_STEP, len(self.drafts), self._max_questions)


def _tasks(chunks: Sequence[Chunk], seed: int) -> Iterator[Task]:
    """What to ask about each passage, but once only where filings print the same again."""
    asked: set[str] = set()
    for chunk in _order(chunks, Random(f"llm {seed}")):
        task = task_on(chunk, seed)
        if task is not None and task.key not in asked:
            asked.add(task.key)
            yield task


def _order(chunks: Sequence[Chunk], random: Random) -> Iterator[Chunk]:
    """Passages worth asking about, spread over documents; two of prose to one table."""
    groups: dict[tuple[str, str], list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        if len(chunk.text) >= 200 and chunk.facts.fiscal_year:
            groups[chunk.document, chunk.kind].append(chunk)
    for group in groups.values():
        random.shuffle(group)
    prose = spread([g for (_, kind), g in groups.items() if kind == "prose"], random)
    tables = spread([g for (_, kind), g in groups.items() if kind == "table"], random)
    while turn := [*islice(prose, 2), *islice(tables, 1)]:
        yield from turn
