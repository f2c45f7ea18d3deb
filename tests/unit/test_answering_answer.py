"""What is said, and what is not, with an LLM that does as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rag_service.answering.answer import (
    AnswerEvent,
    AnswerFailed,
    Cited,
    Done,
    Failed,
    Retrieved,
    Token,
)
from rag_service.answering.generate import Writing
from rag_service.answering.prompt import LARGE, SMALL, Profile
from rag_service.core.errors import GenerationError, InvalidRequest, NotFound, StoreError
from rag_service.core.types import Answer, Citation, Document, Hit
from tests.fakes.answering import ScriptedGenerator, World, claimed, said
from tests.fakes.filings import filing

CHUNKS = filing("Alder Mills", 2023)
INCOME = CHUNKS[0]
assert INCOME.cells is not None
SALES = INCOME.cells.rows[0]
COST = INCOME.cells.rows[1]
LINE = " | ".join(SALES)
SHARE = f"{100 * int(COST[1].replace(',', '')) / int(SALES[1].replace(',', '')):,.1f}"
QUESTION = "What were net sales of Alder Mills in its currency in 2023?"
"""Of the currency no table says anything, so that nothing is computed."""
GOOD = f"Net sales were {SALES[1]} million in 2023."


def make(tmp_path: Path, generator: ScriptedGenerator | None, profile: Profile = LARGE) -> World:
    world = World(tmp_path, generator, profile)
    world.add_release("ma", CHUNKS, live=True)
    return world


def passage(world: World, question: str = QUESTION) -> int:
    """The number that the income statement has among the passages."""
    hits = world.retriever.search(question, k=6).hits
    return next(hit.rank for hit in hits if hit.chunk == INCOME)


def ask(tmp_path: Path, written: str, profile: Profile = LARGE, question: str = QUESTION) -> Answer:
    """The answer when the LLM writes ``written``, where ``@`` is the right passage's number."""
    number = passage(make(tmp_path, None), question)
    generator = ScriptedGenerator(written.replace("@", str(number)))
    return asyncio.run(make(tmp_path, generator, profile).answerer.ask(question))


def wrote(quote: str, answer: str) -> str:
    return said(0, quote or " ", answer).replace('"passage": 0', '"passage": @')


def worded(answer: str) -> str:
    return json.dumps({"answer": answer})


def test_without_an_llm_the_row_is_stated_in_the_filings_words(tmp_path: Path) -> None:
    answer = asyncio.run(make(tmp_path, None).answerer.ask(QUESTION))
    assert answer.answer == f"Net sales: {SALES[1]} (2023, in millions)"
    assert (answer.grounded, answer.method, answer.release) == (True, "extracted", "r0001")
    (citation,) = answer.citations
    assert (citation.quote, citation.chunk_id) == (LINE, INCOME.chunk_id)
    assert len(answer.hits) == 6


@pytest.mark.parametrize(
    ("profile", "written"), [(LARGE, wrote(LINE, GOOD)), (SMALL, worded(GOOD))]
)
def test_a_verified_answer_is_said_as_generated(
    tmp_path: Path, profile: Profile, written: str
) -> None:
    answer = ask(tmp_path, written, profile)
    assert (answer.answer, answer.method, answer.grounded) == (GOOD, "generated", True)
    assert [c.quote for c in answer.citations] == [LINE]
    assert answer.reason == ""


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (wrote("Net sales were 1 | 2", GOOD), "quote does not stand"),
        (wrote("", GOOD), "quote does not stand"),
        (wrote(LINE, f"Net sales were {SALES[2]} million in 2023."), "does not bear out"),
        (wrote(LINE, "Net sales were 12345678."), "12345678"),
        (wrote(LINE, ""), "empty"),
        (wrote(LINE, "   "), "empty"),
        (said(0, "", ""), "found no answer"),
        (said(99, LINE, GOOD), "passage 99"),
        (said(-1, LINE, GOOD), "passage -1"),
        ('{"evidence": [{"passage": true, "quote": "a b"}], "answer": "c"}', "schema"),
        ('{"evidence": [{"passage": 1.5, "quote": "a b"}], "answer": "c"}', "schema"),
        ('{"evidence": [1, null, []], "calculations": {}, "answer": "c"}', "schema"),
        ('{"evidence": {"passage": @, "quote": "a b"}, "answer": "c"}', "schema"),
        ('{"answer": "It was a lot."}', "schema"),
        ('{"evidence": [{"passage": @, "quote": ["a"]}], "answer": {}}', "schema"),
        ("[1, 2]", "schema"),
        ("{]", "schema"),
        ("I think it was a lot.", "schema"),
        ("", "schema"),
    ],
)
def test_what_cannot_be_verified_is_extracted_instead(
    tmp_path: Path, written: str, reason: str
) -> None:
    answer = ask(tmp_path, written)
    assert reason in answer.reason
    assert (answer.method, answer.grounded) == ("extracted", True)
    assert answer.answer == f"Net sales: {SALES[1]} (2023, in millions)"


def test_an_answer_ends_before_the_first_sentence_that_does_not_hold(tmp_path: Path) -> None:
    answer = ask(tmp_path, wrote(LINE, f"{GOOD} They doubled to 424242. They were good."))
    assert (answer.answer, answer.method) == (GOOD, "generated")
    assert "424242" in answer.reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (f"Net sales were {SALES[2]} million in 2023.", "does not bear out"),
        (f"Net sales were a record {SALES[1]} million thanks to bold leadership.", "own"),
        ("The net sales of Alder Mills in 2023.", "figure"),
        ("", "empty"),
        (f"Net sales {SALES[1]} " * 20, "too long"),
    ],
)
def test_a_small_llm_may_only_word_what_was_extracted(
    tmp_path: Path, answer: str, reason: str
) -> None:
    found = ask(tmp_path, worded(answer[: SMALL.answer_chars]), SMALL)
    assert (found.method, found.answer) == (
        "extracted",
        f"Net sales: {SALES[1]} (2023, in millions)",
    )
    assert reason in found.reason


def test_of_a_small_llm_one_sentence_is_taken(tmp_path: Path) -> None:
    generator = ScriptedGenerator(*worded(f"{GOOD} And so on. And more and more."))
    answer = asyncio.run(make(tmp_path, generator, SMALL).answerer.ask(QUESTION))
    assert (answer.answer, answer.method) == (GOOD, "generated")
    assert generator.delivered < len(generator.pieces)


def test_a_small_llm_is_not_asked_where_nothing_was_found(tmp_path: Path) -> None:
    generator = ScriptedGenerator(worded("Rain is likely."))
    answer = asyncio.run(make(tmp_path, generator, SMALL).answerer.ask("Is it going to rain?"))
    assert (answer.grounded, answer.method) == (False, "none")
    assert generator.asked == []


def test_text_around_the_json_is_ignored(tmp_path: Path) -> None:
    answer = ask(tmp_path, f"```json\n{wrote(LINE, GOOD)}\n``` {{")
    assert (answer.answer, answer.method) == (GOOD, "generated")


def test_a_figure_of_a_table_is_computed_and_no_llm_is_asked(tmp_path: Path) -> None:
    generator = ScriptedGenerator(error=GenerationError("out of reach"))
    world = make(tmp_path, generator)
    answer = asyncio.run(world.answerer.ask("What were net sales of Alder Mills in 2023?"))
    assert (answer.method, answer.grounded) == ("computed", True)
    assert answer.answer == f"Net sales, FY2023: {SALES[1]} million"
    assert answer.calculation == f"{SALES[1]} million"
    (citation,) = answer.citations
    assert (citation.quote, citation.chunk_id, citation.page) == (LINE, INCOME.chunk_id, 1)
    assert generator.asked == []


def test_a_calculation_is_shown_with_every_row_that_it_uses(tmp_path: Path) -> None:
    question = "What was the gross margin of Alder Mills in 2023?"
    answer = asyncio.run(make(tmp_path, None).answerer.ask(question))
    assert INCOME.cells is not None
    profit = INCOME.cells.rows[2]
    assert answer.method == "computed"
    assert f"{profit[1]} / {SALES[1]} = " in answer.answer
    assert answer.answer.endswith(answer.calculation)
    assert [c.quote for c in answer.citations] == [" | ".join(profit), LINE]
    assert "gross profit / revenue" in answer.reason
    events = asyncio.run(_all(make(tmp_path, None).answerer.stream(question)))
    _check_stream(events, answer)


def test_a_missing_statement_is_read_in_the_filing(tmp_path: Path) -> None:
    question = "What was the current ratio of Alder Mills in 2023?"
    world = World(tmp_path)
    world.add_release("ma", [INCOME, *CHUNKS[4:]], live=True)
    before = asyncio.run(world.answerer.ask(question))
    assert (before.method, before.grounded) == ("none", False)
    document = Document(INCOME.document_id, INCOME.document, INCOME.facts, 9, 8, 4, "2024")
    world.chunks.replace(document, CHUNKS, "r0001")
    answer = asyncio.run(world.answerer.ask(question))
    assert (answer.method, answer.grounded) == ("computed", True)
    assert {c.chunk_id for c in answer.citations} == {CHUNKS[1].chunk_id}
    assert CHUNKS[1].chunk_id not in {hit.chunk.chunk_id for hit in answer.hits}


@pytest.mark.parametrize(
    "question",
    [
        "What were net sales of Alder Mills in 2031?",
        "What were net sales of Tusk Motors in 2023?",
        "Is it going to rain?",
    ],
)
def test_no_answer_is_made_up(tmp_path: Path, question: str) -> None:
    answer = asyncio.run(make(tmp_path, None).answerer.ask(question))
    assert (answer.grounded, answer.method, answer.citations) == (False, "none", ())
    assert answer.reason
    assert len(answer.hits) == 6


@pytest.mark.parametrize("question", ["net sales in 2031", "What were net sales of Tusk Motors?"])
def test_a_true_quote_on_another_year_or_company_does_not_ground_an_answer(
    tmp_path: Path, question: str
) -> None:
    answer = ask(tmp_path, wrote(LINE, "Net sales were fine."), LARGE, question)
    assert (answer.grounded, answer.method) == (False, "none")


def test_an_empty_index_gives_no_answer_and_asks_no_llm(tmp_path: Path) -> None:
    generator = ScriptedGenerator("{}")
    world = World(tmp_path, generator)
    world.add_release("ma", (), live=True)
    answer = asyncio.run(world.answerer.ask(QUESTION))
    assert (answer.grounded, answer.method, answer.hits) == (False, "none", ())
    assert generator.asked == []


def test_a_failing_llm_raises_with_the_passages(tmp_path: Path) -> None:
    world = make(tmp_path, ScriptedGenerator(error=GenerationError("out of reach")))
    with pytest.raises(AnswerFailed, match="out of reach") as caught:
        asyncio.run(world.answerer.ask(QUESTION))
    assert caught.value.retryable
    assert caught.value.result.release == "r0001"
    assert len(caught.value.result.hits) == 6


def test_a_failing_llm_ends_the_stream_with_the_error(tmp_path: Path) -> None:
    world = make(tmp_path, ScriptedGenerator('{"pass', error=GenerationError("out of reach")))
    events = asyncio.run(_all(world.answerer.stream(QUESTION)))
    assert [type(event) for event in events] == [Retrieved, Failed]


def test_a_store_that_fails_while_it_is_read_on_ends_the_stream_with_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(chunks: object, reach: int) -> None:
        raise StoreError("Redis is gone")

    world = make(tmp_path, None)
    monkeypatch.setattr(world.chunks, "around", fail)
    events = asyncio.run(_all(world.answerer.stream(QUESTION)))
    assert [type(event) for event in events] == [Retrieved, Failed]
    with pytest.raises(AnswerFailed, match="Redis is gone") as caught:
        asyncio.run(world.answerer.ask(QUESTION))
    assert len(caught.value.result.hits) == 6


def test_refuses_before_the_first_event(tmp_path: Path) -> None:
    world = make(tmp_path, None)
    with pytest.raises(InvalidRequest):
        asyncio.run(_all(world.answerer.stream(" ")))
    with pytest.raises(NotFound):
        asyncio.run(_all(world.answerer.stream(QUESTION, release="r9999")))


def test_generation_stops_where_more_would_change_nothing(tmp_path: Path) -> None:
    start = '{"evidence": [{"passage": 1, "quote": "not in there"}], "answer": "'
    generator = ScriptedGenerator(*start, *"x" * 1000)
    asyncio.run(make(tmp_path, generator).answerer.ask(QUESTION))
    assert generator.delivered <= len(start)
    assert generator.ended


def test_a_large_llm_reads_the_passages_and_gives_its_evidence_first(tmp_path: Path) -> None:
    generator = ScriptedGenerator("{}")
    asyncio.run(make(tmp_path, generator).answerer.ask(QUESTION))
    system, user = generator.asked[0]
    assert (system["role"], user["role"]) == ("system", "user")
    assert user["content"].endswith(QUESTION)
    assert INCOME.text in user["content"]
    assert "passage 6: " in user["content"]
    assert generator.schemas[0] is not None
    assert list(generator.schemas[0]["properties"]) == ["evidence", "calculations", "answer"]


def test_a_small_llm_reads_only_the_fact(tmp_path: Path) -> None:
    generator = ScriptedGenerator("{}")
    asyncio.run(make(tmp_path, generator, SMALL).answerer.ask(QUESTION))
    user = generator.asked[0][-1]["content"]
    assert f"Net sales: {SALES[1]} (2023, in millions)" in user
    assert user.endswith(QUESTION)
    assert len(user) < 200


def _written(number: int) -> list[str]:
    two = f'{GOOD} "Net sales" are {SALES[1]} – née {SALES[0]}.'
    bad = f"{GOOD} They were 424242 before."
    return [
        said(number, LINE, two),
        said(number, LINE, bad),
        f"```\n{said(number, LINE, two)}\n``` {{}}",
        said(number, "not in there", GOOD),
        f'{{"answer": "{GOOD}", "evidence": [{{"passage": {number}, "quote": "{LINE}"}}]}}',
        claimed(
            [(number, "not in there"), (number, LINE), (number, " | ".join(COST))],
            [("share", [(3, COST[1]), (2, SALES[1])])],
            f"{GOOD} Of these, {SHARE} % were cost of goods sold.",
        ),
    ]


def test_evidence_over_a_page_break_is_cited_where_its_figures_stand() -> None:
    sales, costs = "Net sales were 1,234 million in 2023,", "and costs were 617 million."
    chunk = replace(
        CHUNKS[4],
        text=f"{sales}\n{costs}",
        page_start=3,
        page_end=4,
        page_breaks=((len(sales) + 1, 4),),
    )
    answer = "Net sales were 1,234 million in 2023."
    for quote, cited in (
        (f"{sales} and costs", [(3, 3, sales)]),
        (f"{sales} {costs}", [(3, 3, sales), (4, 4, costs)]),
    ):
        released, citations, _, refusal = _taken([Hit(1, 0.5, chunk)], said(1, quote, answer))
        assert (released, refusal) == (answer, "")
        assert [(c.page, c.page_end, c.quote) for c in citations] == cited


@pytest.mark.parametrize("case", range(6))
def test_where_the_stream_is_cut_into_pieces_does_not_matter(tmp_path: Path, case: int) -> None:
    world = make(tmp_path, None)
    hits = world.retriever.search(QUESTION, k=6).hits
    written = _written(passage(world))[case]
    whole = _taken(hits, written)
    assert bool(whole[0]) == (case != 3)
    cuts = range(len(written) + 1)
    assert all(_taken(hits, written[:cut], written[cut:]) == whole for cut in cuts)
    assert _taken(hits, *written) == whole


@pytest.mark.parametrize("case", range(6))
def test_where_the_stream_ends_only_what_is_verified_is_said(tmp_path: Path, case: int) -> None:
    world = make(tmp_path, None)
    hits = world.retriever.search(QUESTION, k=6).hits
    written = _written(passage(world))[case]
    for end in range(len(written)):
        said_so_far = _taken(hits, written[:end])
        assert said_so_far == _taken(hits, *written[:end])
        assert not said_so_far[0] or said_so_far[0].startswith(GOOD)


@pytest.mark.parametrize("case", range(6))
def test_streamed_and_whole_answers_are_equal(tmp_path: Path, case: int) -> None:
    written = _written(passage(make(tmp_path, None)))[case]
    world = make(tmp_path, ScriptedGenerator())

    async def check() -> None:
        for end in {len(written), *range(60, len(written), 97)}:
            whole = await _ask(world, written[:end])
            assert whole.grounded
            assert whole.method == "extracted" or whole.answer.startswith(GOOD)
            _check_stream(await _stream(world, *written[:end]), whole)
            _check_stream(await _stream(world, written[: end // 2], written[end // 2 : end]), whole)

    asyncio.run(check())


def _taken(hits: Sequence[Hit], *pieces: str) -> tuple[str, tuple[Citation, ...], str, str]:
    """What is made of an LLM's text in these pieces."""
    writing = Writing(QUESTION, hits, LARGE.answer_chars)
    released = "".join(text for piece in pieces for text in writing.feed(piece))
    writing.end()
    assert released == writing.answer
    return released, writing.citations, writing.calculation, writing.refusal


async def _ask(world: World, written: str) -> Answer:
    _play(world, written)
    return await world.answerer.ask(QUESTION)


async def _stream(world: World, *pieces: str) -> list[AnswerEvent]:
    _play(world, *pieces)
    return await _all(world.answerer.stream(QUESTION))


def _play(world: World, *pieces: str) -> None:
    assert world.generator is not None
    world.generator.pieces = pieces


def _check_stream(events: list[AnswerEvent], whole: Answer) -> None:
    """The streamed answer is ``whole``, and its tokens and citations are that answer's."""
    assert isinstance(events[0], Retrieved)
    assert events[-1] == Done(whole)
    assert "".join(e.text for e in events if isinstance(e, Token)) == whole.answer
    assert tuple(e.citation for e in events if isinstance(e, Cited)) == whole.citations


async def _all(events: AsyncIterator[AnswerEvent]) -> list[AnswerEvent]:
    return [event async for event in events]
