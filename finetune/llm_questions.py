"""Question-answer pairs that an LLM writes from chunks; slow, so each result is kept."""

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from finetune.drafts import Draft, spread
from finetune.filters import reason_to_drop
from finetune.names import company_name
from rag_service.core.errors import GenerationError
from rag_service.core.ids import text_digest
from rag_service.core.protocols import Generator, Message, Progress
from rag_service.core.types import Chunk

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "minLength": 20, "maxLength": 240},
        "answer": {"type": "string", "minLength": 1, "maxLength": 160},
    },
    "required": ["question", "answer"],
    "additionalProperties": False,
}
_SYSTEM = (
    "You are a financial analyst. From a passage of an annual report you write one question that "
    "the passage answers, and its short answer. The question names the company and the fiscal "
    "year and makes sense to somebody who has not seen the passage. The answer is copied from "
    "the passage. Reply in JSON."
)
_USER = (
    "Company: {company}\nFiscal year: {year}\nPassage:\n{passage}\n\n"
    "Write one question about {company} in fiscal year {year}, and the answer from the passage."
)
_PASSAGE_CHARACTERS = 1600
_MAX_TOKENS = 200
_ATTEMPTS = 2
_FAILURES_IN_A_ROW = 3
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
    """At most ``max_questions`` fit questions, one a chunk, within ``max_minutes``.

    Every outcome is appended to ``cache`` (JSON lines) under the passage, the prompt and the
    LLM, so that a killed run asks nothing twice. What is unfit after a second attempt is
    dropped and counted in ``dropped``.

    Raises:
        GenerationError: the LLM failed several times in a row.
    """
    known = _read(cache)
    deadline = time.monotonic() + 60 * max_minutes
    drafts: list[Draft] = []
    failures = 0
    for chunk in _order(chunks, Random(f"llm {seed}")):
        if len(drafts) >= max_questions:
            break
        messages = _messages(chunk)
        key = _key(chunk, messages, generator.name)
        if key not in known:
            if time.monotonic() > deadline:
                dropped["LLM out of time"] += 1
                break
            try:
                known[key] = await _ask(chunk, messages, generator, seed)
            except GenerationError as error:
                failures += 1
                dropped["LLM failed"] += 1
                if failures >= _FAILURES_IN_A_ROW:
                    raise GenerationError(
                        f"{generator.name} failed {failures} times in a row, last with: "
                        f"{error.message}. Start the LLM, or ask for no LLM questions."
                    ) from error
                continue
            _append(cache, key, known[key])
        failures = 0
        found = known[key]
        if found["reason"]:
            dropped[f"LLM: {found['reason']}"] += 1
            continue
        drafts.append(
            Draft(
                found["question"], found["answer"], chunk, (chunk.chunk_id,), "free", generator.name
            )
        )
        progress(_STEP, len(drafts), max_questions)
    if 0 < len(drafts) < max_questions:
        progress(_STEP, len(drafts), len(drafts))
    return drafts


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


async def _ask(
    chunk: Chunk, messages: Sequence[Message], generator: Generator, seed: int
) -> dict[str, str]:
    """The first fit result of two attempts, or the last one with the reason why it is unfit."""
    found = {"question": "", "answer": "", "reason": "not JSON"}
    for attempt in range(_ATTEMPTS):
        pieces = [
            piece
            async for piece in generator.stream(
                messages,
                max_tokens=_MAX_TOKENS,
                schema=_SCHEMA,
                temperature=0.6 * attempt,
                seed=seed + attempt,
            )
        ]
        found = _parse("".join(pieces), chunk)
        if not found["reason"]:
            break
    return found


def _parse(written: str, chunk: Chunk) -> dict[str, str]:
    try:
        document = json.loads(written)
        question, answer = str(document["question"]).strip(), str(document["answer"]).strip()
    except (ValueError, KeyError, TypeError):
        return {"question": "", "answer": "", "reason": "not JSON"}
    question = _named(" ".join(question.split()), chunk)
    reason = reason_to_drop(question, answer, chunk)
    return {"question": question, "answer": answer, "reason": reason}


def _named(question: str, chunk: Chunk) -> str:
    """The question with company and year put in front where it leaves them out."""
    company, year = company_name(chunk), str(chunk.facts.fiscal_year)
    missing = [
        f"{opening} {name}"
        for opening, name in (("for", company), ("in fiscal", year))
        if name.casefold() not in question.casefold()
    ]
    if not missing or not question:
        return question
    opening = " ".join(missing)
    return f"{opening[0].upper()}{opening[1:]}, {question[0].lower()}{question[1:]}"


def _messages(chunk: Chunk) -> list[Message]:
    passage = chunk.text[:_PASSAGE_CHARACTERS]
    user = _USER.format(company=company_name(chunk), year=chunk.facts.fiscal_year, passage=passage)
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": user}]


def _key(chunk: Chunk, messages: Sequence[Message], generator: str) -> str:
    prompt = hashlib.sha256(json.dumps([messages, _SCHEMA]).encode()).hexdigest()[:16]
    return f"{text_digest(chunk.text)} {prompt} {generator}"


def _read(cache: Path) -> dict[str, dict[str, str]]:
    """Earlier outcomes; a last line that a kill cut off is passed over."""
    if not cache.exists():
        return {}
    known: dict[str, dict[str, str]] = {}
    for line in cache.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            known[row.pop("key")] = row
        except (ValueError, KeyError):
            continue
    return known


def _append(cache: Path, key: str, found: dict[str, str]) -> None:
    # The line break comes first: a line that a kill cut off spoils no other.
    with cache.open("a", encoding="utf-8") as lines:
        lines.write("\n" + json.dumps({"key": key, **found}, ensure_ascii=False))
