"""Questions by an LLM: filtered, retried once, kept over a kill, within their budget."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from finetune import llm_questions
from finetune.drafts import Draft
from finetune.llm_questions import llm_drafts
from finetune.names import company_name
from rag_service.core.errors import GenerationError, OutsideSchema
from rag_service.core.protocols import Message, Progress, no_progress
from tests.fakes.filings import filings

Reply = Callable[[str, int], str]


class Scripted:
    """An LLM that answers by a function of the prompt and the number of the call.

    ``seconds`` says how long it takes for a prompt; ``most`` is how many it had at once.
    """

    name = "scripted"

    def __init__(
        self,
        reply: Reply,
        parallel: int = 1,
        seconds: Callable[[str], float] = lambda prompt: 0.0,
    ) -> None:
        self.parallel = parallel
        self.prompts: list[str] = []
        self.temperatures: list[float] = []
        self.most = 0
        self.given_up = 0
        self._reply = reply
        self._seconds = seconds
        self._running = 0

    @property
    def calls(self) -> int:
        return len(self.prompts)

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
        prompt = messages[-1]["content"]
        self.prompts.append(prompt)
        self.temperatures.append(temperature)
        number = len(self.prompts)
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            await asyncio.sleep(self._seconds(prompt))
            text = self._reply(prompt, number)
            for start in range(0, len(text), 7):
                yield text[start : start + 7]
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        finally:
            self._running -= 1

    async def aclose(self) -> None:
        return None


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_questions, "_PAUSE_SECONDS", 0.0)


def _good(prompt: str, call: int) -> str:
    fact = prompt.partition(": ")[2]
    if "|" in fact or "(20" in fact:
        topic, answer = re.findall(r": ([^:]+): ([\d,.]+) \(", fact)[0]
    else:
        words = fact.rstrip(".").split(". ")[-1].split()
        topic, answer = " ".join(words[-3:]), " ".join(words[:4])
    return json.dumps({"answer": answer, "question": f"What of matter {call}, {topic}?"})


def _by_prompt(prompt: str, call: int) -> str:
    """A reply that depends on the prompt alone; two of five are unfit."""
    number = _number(prompt)
    return _good(prompt, number) if number % 5 > 1 else "no json"


def _shuffled(prompt: str) -> float:
    return _number(prompt) % 7 / 1000


def _prompt_of(draft: Draft, llm: Scripted) -> str:
    """The prompt that gave a question to an LLM of ``_by_prompt``."""
    return next(p for p in llm.prompts if f"matter {_number(p)}," in draft.question)


def _number(prompt: str) -> int:
    return int(sha256(prompt.encode()).hexdigest(), 16) % 1_000_000


def _ask(
    llm: Scripted,
    cache: Path,
    *,
    wanted: int = 6,
    minutes: float = 1.0,
    seed: int = 1,
    progress: Progress = no_progress,
) -> tuple[list[Draft], Counter[str]]:
    dropped: Counter[str] = Counter()
    drafts = asyncio.run(
        llm_drafts(
            filings(3), llm, max_questions=wanted, max_minutes=minutes, cache=cache, seed=seed,
            dropped=dropped, progress=progress,
        )
    )  # fmt: skip
    return drafts, dropped


def test_questions_name_company_and_year_and_spread_over_documents(tmp_path: Path) -> None:
    drafts, dropped = _ask(Scripted(_good), tmp_path / "cache")
    assert len(drafts) == 6
    assert not dropped
    for draft in drafts:
        assert company_name(draft.chunk) in draft.question
        assert f"{draft.chunk.facts.fiscal_year}"[2:] in draft.question
        assert draft.source == "scripted"
        assert draft.answer in draft.chunk.text
    assert len({draft.chunk.document for draft in drafts}) >= 4
    assert {draft.chunk.kind for draft in drafts} == {"prose", "table"}


@pytest.mark.parametrize("wanted", [7, 1000])
def test_the_order_in_which_replies_arrive_changes_nothing(tmp_path: Path, wanted: int) -> None:
    one = Scripted(_by_prompt)
    alone, dropped_alone = _ask(one, tmp_path / "one", wanted=wanted)
    many = Scripted(_by_prompt, parallel=5, seconds=_shuffled)
    together, dropped_together = _ask(many, tmp_path / "many", wanted=wanted)
    assert together == alone
    assert dropped_together == dropped_alone
    assert Counter(many.prompts) == Counter(one.prompts)
    assert one.most == 1
    assert many.most == 5


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


def test_a_run_killed_amid_many_requests_goes_on_to_the_same_result(tmp_path: Path) -> None:
    whole, dropped = _ask(Scripted(_by_prompt), tmp_path / "whole", wanted=12)
    cache = tmp_path / "killed"

    def dies(prompt: str, call: int) -> str:
        if call == 9:
            raise KeyboardInterrupt
        return _by_prompt(prompt, call)

    killed = Scripted(dies, parallel=4, seconds=_shuffled)
    with pytest.raises(KeyboardInterrupt):
        _ask(killed, cache, wanted=12)
    kept = len(cache.read_text().strip().splitlines())
    again = Scripted(_by_prompt, parallel=4, seconds=_shuffled)
    assert _ask(again, cache, wanted=12) == (whole, dropped)
    lines = cache.read_text().strip().splitlines()
    assert again.calls == len(lines) - kept
    assert len({json.loads(line)["key"] for line in lines}) == len(lines)


def test_a_line_that_is_no_reply_is_asked_for_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first, _ = _ask(Scripted(_by_prompt), cache, wanted=3)
    lines = cache.read_text().split("\n")
    cache.write_bytes("\n".join(["[]", "\x00", '{"key": 3}', *lines[:-1]]).encode() + b"\n\xff\xfe")
    again = Scripted(_by_prompt)
    assert _ask(again, cache, wanted=3)[0] == first
    assert again.calls == 1


def test_what_is_unfit_is_tried_twice_and_then_dropped_with_its_reason(tmp_path: Path) -> None:
    def unwilling(prompt: str, call: int) -> str:
        bad = 2 if prompt == llm.prompts[0] else 1 if prompt == llm.prompts[1] else 0
        willing = llm.prompts.count(prompt) > bad
        return _good(prompt, call) if willing else "no json"

    llm = Scripted(unwilling)
    drafts, dropped = _ask(llm, tmp_path / "cache", wanted=3)
    assert dropped == {"LLM: not JSON": 1}
    assert len(drafts) == 3
    assert llm.calls == 6
    assert sorted(llm.temperatures)[-2:] == [max(llm.temperatures)] * 2 > [0.0] * 2

    def invented(prompt: str, call: int) -> str:
        return json.dumps({**json.loads(_good(prompt, call)), "answer": "gloomy"})

    drafts, dropped = _ask(Scripted(invented), tmp_path / "other")
    assert not drafts
    assert set(dropped) == {"LLM: answer not in the passage"}


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What was the weather like in the capital?", "LLM: not about its fact"),
        ("Which measure did Quillmere take on leases?", "LLM: repeats the example"),
        ("Which measure of 2023 and of 2023 and of 2023 was it?", "LLM: repeats itself"),
        ("Which measure did they take in the", "LLM: not a question"),
    ],
)
def test_questions_that_miss_the_fact_are_dropped(
    tmp_path: Path, question: str, reason: str
) -> None:
    def misses(prompt: str, call: int) -> str:
        return json.dumps({**json.loads(_good(prompt, call)), "question": question})

    drafts, dropped = _ask(Scripted(misses), tmp_path / "cache")
    assert not drafts
    assert dropped[reason] == sum(dropped.values()) > 0


def test_an_llm_that_keeps_failing_stops_the_run_and_leaves_no_trace(tmp_path: Path) -> None:
    def down(prompt: str, call: int) -> str:
        raise GenerationError("connection refused")

    for parallel in (1, 8):
        with pytest.raises(GenerationError, match=r"3 times in a row.*connection refused"):
            _ask(Scripted(down, parallel), tmp_path / "cache")
        assert not (tmp_path / "cache").exists()


def test_a_failure_that_passes_costs_nothing_and_single_ones_a_passage_each(
    tmp_path: Path,
) -> None:
    def busy_at_first(prompt: str, call: int) -> str:
        if call <= 4:
            raise GenerationError("busy")
        return _by_prompt(prompt, call)

    first = Scripted(_by_prompt)
    whole, dropped = _ask(first, tmp_path / "whole")
    assert _ask(Scripted(busy_at_first, parallel=4), tmp_path / "busy") == (whole, dropped)

    victim = _prompt_of(whole[2], first)

    def fails_on_one(prompt: str, call: int) -> str:
        if prompt == victim:
            raise GenerationError("too long")
        return _by_prompt(prompt, call)

    fewer, dropped = _ask(Scripted(fails_on_one, parallel=4), tmp_path / "one")
    assert dropped["LLM failed"] == 1
    assert [*whole[:2], *whole[3:]] == fewer[:5]


def test_an_answer_that_is_cut_off_is_unfit_and_no_failure(tmp_path: Path) -> None:
    class Wordy(Scripted):
        async def stream(self, *args: Any, **options: Any) -> AsyncIterator[str]:
            async for piece in super().stream(*args, **options):
                yield piece
            raise OutsideSchema("ran out of max_tokens")

    drafts, dropped = _ask(Wordy(lambda prompt, call: '{"answer": "We'), tmp_path / "cache")
    assert not drafts
    assert set(dropped) == {"LLM: not JSON"}
    assert dropped["LLM: not JSON"] > 3


def test_time_is_a_limit(tmp_path: Path) -> None:
    llm = Scripted(_good)
    drafts, dropped = _ask(llm, tmp_path / "cache", minutes=0.0)
    assert not drafts
    assert llm.calls == 0
    assert set(dropped) == {"LLM out of time"}


def test_a_request_that_hangs_costs_its_own_question_alone(tmp_path: Path) -> None:
    first = Scripted(_by_prompt)
    whole, _ = _ask(first, tmp_path / "whole", wanted=8)
    stuck = _prompt_of(whole[1], first)
    llm = Scripted(_by_prompt, 4, lambda prompt: 3600.0 if prompt == stuck else 0.001)
    began = time.monotonic()
    drafts, dropped = _ask(llm, tmp_path / "cache", wanted=8, minutes=0.5 / 60)
    assert time.monotonic() - began < 5
    assert dropped["LLM out of time"] == llm.given_up == 1
    assert len(drafts) >= 4
    assert drafts == [draft for draft in whole if draft in drafts and draft != whole[1]]


def test_the_seed_draws_passages_and_what_is_asked_of_them(tmp_path: Path) -> None:
    def asked(seed: int) -> list[str]:
        llm = Scripted(_good)
        _ask(llm, tmp_path / f"{seed} {len(list(tmp_path.iterdir()))}", wanted=1000, seed=seed)
        return llm.prompts

    first = asked(1)
    assert asked(1) == first
    assert asked(2) != first
    periods = {prompt.split(", ")[1] for prompt in first}
    assert {"FY2022", "fiscal 2022", "2022", "FY22"} <= periods


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Which measure did Alder Mills take in 2023?", "Which measure did Alder Mills take"),
        ("What did the Company's measures cost?", "What did Alder Mills' measures cost"),
        ("Why did we take our third measure?", "why did Alder Mills take its third measure"),
        ("How many measures were there?", "how many measures were there"),
        ("Which measure was taken? Which one? Which", "which measure was taken"),
    ],
)
def test_names_are_put_in_as_people_put_them(tmp_path: Path, written: str, read: str) -> None:
    def reply(prompt: str, call: int) -> str:
        return json.dumps({**json.loads(_good(prompt, call)), "question": written})

    drafts, _ = _ask(Scripted(reply), tmp_path / "cache", wanted=1000)
    mine = [d for d in drafts if company_name(d.chunk) == "Alder Mills"]
    assert mine
    for draft in mine:
        assert read.casefold().rstrip("?") in draft.question.casefold()
        assert draft.question.count("Alder Mills") == 1
        assert draft.question.endswith("?")


def test_a_step_that_stops_early_says_that_it_is_over(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    drafts, _ = _ask(
        Scripted(_good), tmp_path / "cache", wanted=1000, progress=lambda *step: told.append(step)
    )
    assert 0 < len(drafts) < 1000
    assert {step for step, _, _ in told} == {"questions by the LLM"}
    assert told[-2][1:] == (len(drafts), 1000)
    assert told[-1][1:] == (len(drafts), len(drafts))
