"""Answers are given again only where everything that they came from is the same."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rag_service.adapters.redis_cache import RedisAnswerCache
from rag_service.answering.answer import AnswerEvent, Done, Failed
from rag_service.answering.answer_cache import CachedAnswerer
from rag_service.answering.retrieve import NO_FILTERS
from rag_service.core.errors import GenerationError, StoreUnavailable
from rag_service.core.types import Answer, Document, Filters
from tests.fakes.answering import ScriptedGenerator, World
from tests.fakes.filings import filing
from tests.fakes.stores import FakeAnswerCache

CHUNKS = filing("Alder Mills", 2023)
QUESTION = "What does Alder Mills say about risk?"
DOCUMENT = Document(
    CHUNKS[0].document_id, CHUNKS[0].document, CHUNKS[0].facts, 8, 8, 4, "2024-01-01T00:00:00Z"
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, ScriptedGenerator("{}"), caching=True)
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    world.chunks.replace(DOCUMENT, CHUNKS, "r0001")
    return world


def _events(
    world: World,
    question: str = QUESTION,
    k: int = 6,
    filters: Filters = NO_FILTERS,
    answers: CachedAnswerer | None = None,
    **search: Any,
) -> list[AnswerEvent]:
    answers = answers or world.answers

    async def ask() -> list[AnswerEvent]:
        revision = answers.revision()
        result = world.retriever.search(question, k, filters, **search)
        events = await answers.begin(question, result, k, filters, revision)
        return [event async for event in events]

    return asyncio.run(ask())


def _answer(world: World, *args: Any, **options: Any) -> Answer:
    last = _events(world, *args, **options)[-1]
    assert isinstance(last, Done)
    return last.answer


def test_the_same_question_is_answered_once(world: World) -> None:
    first, again = _events(world), _events(world)
    assert world.generator is not None
    assert len(world.generator.asked) == 1
    made, kept = first[-1], again[-1]
    assert isinstance(made, Done)
    assert isinstance(kept, Done)
    assert again[1:-1] == first[1:-1]
    assert kept.answer == replace(made.answer, cached=True)
    assert not made.answer.cached


def test_space_does_not_make_another_question_but_letters_do(world: World) -> None:
    _answer(world)
    assert _answer(world, f" {QUESTION.replace(' ', '  ')}\n").cached
    assert not _answer(world, QUESTION.replace("Alder", "alder")).cached


@pytest.mark.parametrize(
    "other",
    [
        {"k": 5},
        {"filters": Filters(fiscal_year=2023)},
        {"release": "r0002"},
        {"stages": ["vectors", "pages"]},
        {"question": "What does Alder Mills say about sales?"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_anything_else_that_is_asked_is_another_answer(world: World, other: dict[str, Any]) -> None:
    _answer(world)
    assert not _answer(world, **other).cached
    assert _answer(world, **other).cached
    assert _answer(world).cached


def test_another_llm_makes_its_own_answers(world: World) -> None:
    cache = FakeAnswerCache(world.redis)
    one, other = (
        CachedAnswerer(world.answerer, cache, world.chunks, llm) for llm in ("one", "other")
    )
    assert not _answer(world, answers=one).cached
    assert not _answer(world, answers=other).cached
    assert _answer(world, answers=one).cached


def test_an_answer_is_not_given_across_a_promotion_or_a_rollback(world: World) -> None:
    _answer(world)
    world.promote("r0002")
    promoted = _answer(world)
    assert (promoted.release, promoted.model, promoted.cached) == ("r0002", "mb", False)
    world.rollback()
    back = _answer(world)
    assert (back.release, back.model, back.cached) == ("r0001", "ma", True)


def test_an_answer_is_not_given_across_a_change_of_documents(world: World) -> None:
    _answer(world)
    world.chunks.replace(DOCUMENT, CHUNKS, "r0001")
    assert not _answer(world).cached
    assert _answer(world).cached
    world.chunks.remove(DOCUMENT.document_id, "r0001")
    assert not _answer(world).cached


def test_an_answer_that_documents_changed_under_is_not_kept(world: World) -> None:
    class Changing(ScriptedGenerator):
        def stream(self, *args: Any, **options: Any) -> Any:
            world.chunks.replace(DOCUMENT, CHUNKS, "r0001")
            return super().stream(*args, **options)

    world.answerer._generator = Changing("{}")
    _answer(world)
    assert world.redis.answers == {}


def test_a_failure_is_not_kept(world: World) -> None:
    world.answerer._generator = ScriptedGenerator("{", error=GenerationError("out of reach"))
    assert isinstance(_events(world)[-1], Failed)
    assert world.redis.answers == {}
    world.answerer._generator = ScriptedGenerator("{}")
    assert not _answer(world).cached


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone(FakeAnswerCache):
        def put(self, key: str, text: str) -> None:
            raise StoreUnavailable("Redis does not answer")

    answers = CachedAnswerer(world.answerer, Gone(world.redis), world.chunks, "scripted")
    assert _answer(world, answers=answers).release == "r0001"
    assert "not kept: Redis does not answer" in caplog.text


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: b"",
        lambda kept: b"\xff\xfe",
        lambda kept: kept[: len(kept) // 2],
        lambda kept: kept.replace(b"r0001", b"r0007"),
        lambda kept: b"44136fa355b3678a {}",
        None,
    ],
    ids=["empty", "no text", "half", "changed", "another document", "no string"],
)
def test_a_damaged_entry_is_made_anew_with_a_line_in_the_log(
    world: World, client: redis.Redis, namespace: str, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cache = RedisAnswerCache(client, namespace, 60)
    answers = CachedAnswerer(world.answerer, cache, world.chunks, "scripted")
    made = _answer(world, answers=answers)
    assert _answer(world, answers=answers).cached
    (key,) = client.keys(f"{namespace}:answer:*")
    if damage is None:
        client.delete(key)
        client.lpush(key, "x")
    else:
        client.set(key, damage(str(client.get(key)).encode()))
    with caplog.at_level(logging.WARNING):
        assert _answer(world, answers=answers) == made
    assert "cannot be read" in caplog.text
    assert _answer(world, answers=answers).cached


def test_a_cache_that_is_not_reached_is_an_error(world: World, namespace: str) -> None:
    nobody = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))
    cache = RedisAnswerCache(nobody, namespace, 60)
    answers = CachedAnswerer(world.answerer, cache, world.chunks, "scripted")
    with pytest.raises(StoreUnavailable):
        _events(world, answers=answers)
    nobody.close()
