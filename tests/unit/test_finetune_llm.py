"""Questions by an LLM: filtered, retried once, kept over a kill, within their budget."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from finetune.drafts import Draft
from finetune.llm_questions import llm_drafts
from rag_service.core.errors import GenerationError
from rag_service.core.protocols import Message, Progress, no_progress
from tests.fakes.filings import filings

Reply = Callable[[str, int], str]


class Scripted:
    """An LLM that answers by a function of the prompt and the number of the call."""

    name = "scripted"

    def __init__(self, reply: Reply) -> None:
        self.calls = 0
        self._reply = reply

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> AsyncIterator[str]:
        assert schema is not None
        self.calls += 1
        text = self._reply(messages[-1]["content"], self.calls)
        for start in range(0, len(text), 7):
            yield text[start : start + 7]

    async def aclose(self) -> None:
        return None


def _good(prompt: str, call: int) -> str:
    passage = prompt.partition("Passage:\n")[2].partition("\n\nWrite")[0]
    answer = passage.splitlines()[0][:40].rpartition(" ")[0]
    return json.dumps({"question": f"What was special about matter {call}?", "answer": answer})


def _ask(
    llm: Scripted,
    cache: Path,
    *,
    wanted: int = 6,
    minutes: float = 1.0,
    progress: Progress = no_progress,
) -> tuple[list[Draft], Counter[str]]:
    dropped: Counter[str] = Counter()
    drafts = asyncio.run(
        llm_drafts(
            filings(3), llm, max_questions=wanted, max_minutes=minutes, cache=cache, seed=1,
            dropped=dropped, progress=progress,
        )
    )  # fmt: skip
    return drafts, dropped


def test_questions_name_company_and_year_and_spread_over_documents(tmp_path: Path) -> None:
    drafts, dropped = _ask(Scripted(_good), tmp_path / "cache")
    assert len(drafts) == 6
    assert not dropped
    for draft in drafts:
        assert draft.question.startswith("For ")
        assert f"in fiscal {draft.chunk.facts.fiscal_year}" in draft.question
        assert draft.source == "scripted"
        assert draft.answer in draft.chunk.text
    assert len({draft.chunk.document for draft in drafts}) >= 4
    assert {draft.chunk.kind for draft in drafts} == {"prose", "table"}


def test_a_killed_run_asks_nothing_twice(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first, _ = _ask(Scripted(_good), cache, wanted=4)
    with cache.open("a") as file:
        file.write('\n{"key": "cut o')
    again = Scripted(_good)
    both, _ = _ask(again, cache, wanted=6)
    assert [draft.question for draft in both[:4]] == [draft.question for draft in first]
    assert again.calls == 2
    silent = Scripted(lambda prompt, call: pytest.fail("asked again"))
    assert len(_ask(silent, cache, wanted=6)[0]) == 6


def test_what_is_unfit_is_tried_twice_and_then_dropped_with_its_reason(tmp_path: Path) -> None:
    llm = Scripted(lambda prompt, call: "no json" if call <= 3 else _good(prompt, call))
    drafts, dropped = _ask(llm, tmp_path / "cache", wanted=3)
    # Two bad attempts drop the first passage; the second passage's retry is good.
    assert dropped == {"LLM: not JSON": 1}
    assert len(drafts) == 3
    assert llm.calls == 6
    invented = json.dumps({"question": "What was the mood at the mill then?", "answer": "gloomy"})
    drafts, dropped = _ask(Scripted(lambda p, c: invented), tmp_path / "other")
    assert not drafts
    assert set(dropped) == {"LLM: answer not in the passage"}


def test_an_llm_that_keeps_failing_stops_the_run_and_leaves_no_trace(tmp_path: Path) -> None:
    def down(prompt: str, call: int) -> str:
        raise GenerationError("connection refused")

    with pytest.raises(GenerationError, match=r"3 times in a row.*connection refused"):
        _ask(Scripted(down), tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_time_is_a_limit(tmp_path: Path) -> None:
    llm = Scripted(_good)
    drafts, dropped = _ask(llm, tmp_path / "cache", minutes=0.0)
    assert not drafts
    assert llm.calls == 0
    assert dropped == {"LLM out of time": 1}


def test_a_step_that_stops_early_says_that_it_is_over(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    drafts, _ = _ask(
        Scripted(_good), tmp_path / "cache", wanted=1000, progress=lambda *step: told.append(step)
    )
    assert 0 < len(drafts) < 1000
    assert {step for step, _, _ in told} == {"questions by the LLM"}
    assert told[-2][1:] == (len(drafts), 1000)
    assert told[-1][1:] == (len(drafts), len(drafts))
