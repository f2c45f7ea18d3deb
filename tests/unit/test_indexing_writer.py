"""What is embedded when a document comes again: what changed, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rag_service.core.ids import chunk_id
from rag_service.core.types import Chunk
from tests.fakes.filings import filing
from tests.unit.test_indexing import World, card, document

OLD = filing("Alder Mills", 2022)


@pytest.fixture
def world() -> World:
    world = World()
    world.promoter.ensure_live(lambda: card("base"))
    world.put(OLD)
    assert len(world.registry.embedded) == len(OLD)
    world.registry.embedded.clear()
    return world


def renewed(chunks: Sequence[Chunk], file: str = "") -> list[Chunk]:
    """The chunks with the ids that reading gives them; ``file`` is another file's id."""
    return [
        replace(
            chunk,
            document_id=file or chunk.document_id,
            chunk_id=chunk_id(
                file or chunk.document_id, chunk.text, chunk.context, chunk.page_start, 0
            ),
        )
        for chunk in chunks
    ]


def check_index(world: World, chunks: Sequence[Chunk]) -> None:
    """The live index holds these chunks as they are, with the vectors that the model gives."""
    live = world.releases.current()
    assert live is not None
    assert world.live_ids() == {c.chunk_id for c in chunks} == world.chunks.chunk_ids()
    texts = [chunk.embedded_text for chunk in chunks]
    given = world.registry.load("base").embed_documents(texts)
    kept = world.vectors.vectors(live.index, [chunk.chunk_id for chunk in chunks])
    np.testing.assert_array_equal(kept, given)
    entries = world.redis.indexes[live.index].entries
    assert [entries[chunk.chunk_id][0] for chunk in chunks] == list(chunks)


def test_of_a_document_with_one_changed_chunk_one_text_is_embedded(world: World) -> None:
    changed = replace(OLD[3], text=f"{OLD[3].text} restated")
    new = renewed([*OLD[:3], changed, *OLD[4:]])
    world.put(new)
    assert world.registry.embedded == [changed.embedded_text]
    check_index(world, new)


def test_so_it_is_where_the_file_has_other_bytes_and_pages_moved(world: World) -> None:
    changed = replace(OLD[0], context=f"{OLD[0].context} restated")
    moved = [replace(chunk, page_start=chunk.page_start + 1) for chunk in OLD[1:]]
    new = renewed([changed, *moved], file="0123456789abcdef")
    world.put(new)
    assert world.registry.embedded == [changed.embedded_text]
    check_index(world, new)
    assert [d.document_id for d in world.chunks.documents()] == ["0123456789abcdef"]


def test_changed_facts_are_written_without_embedding(world: World) -> None:
    facts = replace(OLD[0].facts, ticker="ALDR")
    new = [replace(chunk, facts=facts) for chunk in OLD]
    world.put(new)
    assert world.registry.embedded == []
    check_index(world, new)


def test_page_breaks_that_are_now_known_are_written_without_embedding(world: World) -> None:
    new = [replace(chunk, page_end=99, page_breaks=((5, 99),)) for chunk in OLD]
    world.put(new)
    assert world.registry.embedded == []
    check_index(world, new)


def test_another_chunking_embeds_the_new_chunks(world: World) -> None:
    joined = replace(OLD[4], text=f"{OLD[4].text}\n{OLD[5].text}")
    new = renewed([*OLD[:4], joined, *OLD[6:]])
    world.put(new)
    assert world.registry.embedded == [joined.embedded_text]
    check_index(world, new)


def test_another_context_line_embeds_all(world: World) -> None:
    new = renewed([replace(chunk, context=f"{chunk.context}.") for chunk in OLD])
    world.put(new)
    assert len(world.registry.embedded) == len(OLD)
    check_index(world, new)


def test_equal_passages_of_one_document_are_embedded_once(world: World) -> None:
    first = replace(OLD[0], text="Intentionally left blank.")
    twin = replace(first, page_start=9, page_end=9, position=len(OLD))
    new = renewed([first, *OLD[1:], twin])
    world.put(new)
    assert world.registry.embedded == [first.embedded_text]
    check_index(world, new)


def test_what_a_killed_writer_left_in_the_index_is_not_embedded_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = renewed([replace(chunk, text=f"{chunk.text} restated") for chunk in OLD])
    with monkeypatch.context() as patched:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(world.chunks, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            world.put(new)
    assert len(world.registry.embedded) == len(OLD)
    world.put(new)
    assert len(world.registry.embedded) == len(OLD)
    check_index(world, new)


def test_a_release_of_another_model_that_goes_live_gets_its_own_vectors(world: World) -> None:
    other = world.indexer.build(card("other"))
    world.promoter.promote(other.release)
    world.registry.embedded.clear()
    changed = replace(OLD[3], text=f"{OLD[3].text} restated")
    world.writer.put(document(OLD), renewed([*OLD[:3], changed, *OLD[4:]]))
    assert world.registry.embedded == [changed.embedded_text]
    assert world.vectors.model(world.releases.get(other.release).index) == "other"
