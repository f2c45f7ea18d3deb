from __future__ import annotations

from dataclasses import replace

from eval.passages import placed
from eval.slices import members
from rag_service.core.types import Chunk, FilingFacts
from tests.unit.eval_cases import chunk, question, question_set


def passage(chunk_id: str, page: int, section: str, kind: str = "prose") -> Chunk:
    made = chunk(chunk_id, pages=(page, page))
    return replace(made, section=section, kind=kind, facts=FilingFacts(company="Alpha"))  # type: ignore[arg-type]


CHUNKS = [
    passage("d1.a", 1, ""),
    passage("d1.b", 2, "Item 7"),
    passage("d1.c", 2, "Item 7A", "table"),
    passage("d1.d", 3, "Item 8", "table"),
    replace(passage("d2.e", 3, "Item 8"), document="B.pdf", facts=FilingFacts(company="Beta")),
]


def test_a_question_is_placed_by_its_chunks_or_pages() -> None:
    asked = question_set(
        question("front", "d1.a"),
        question("table", "d1.d", "d1.c"),
        question("page", "A.pdf#page=2"),
        question("two", "d1.d", "d2.e"),
        question("gone", "d1.x", "A.pdf#page=9"),
        question("said", "d1.d", company="Alpha Corp", passage="mine"),
    )
    got = {q.question_id: dict(q.metadata) for q in placed(asked, CHUNKS).questions}
    assert got == {
        "front": {"passage": "prose", "company": "Alpha"},
        "table": {"item": ["Item 7A", "Item 8"], "passage": "table", "company": "Alpha"},
        "page": {"item": ["Item 7", "Item 7A"], "passage": "both", "company": "Alpha"},
        "two": {"item": ["Item 8"], "passage": "both"},
        "gone": {},
        "said": {"item": ["Item 8"], "passage": "mine", "company": "Alpha Corp"},
    }
    texts = [(q.text, q.relevant) for q in placed(asked, CHUNKS).questions]
    assert texts == [(q.text, q.relevant) for q in asked.questions]


def test_a_question_of_several_items_stands_in_the_slice_of_each() -> None:
    asked = question_set(
        *(question(f"p{i}", "A.pdf#page=2") for i in range(5)),
        *(question(f"q{i}", "d1.d", kind="level", trained_on="no") for i in range(5)),
    )
    got = members(placed(asked, CHUNKS).questions)
    assert list(got) == [
        "company=Alpha",
        "item=Item 7",
        "item=Item 7A",
        "item=Item 8",
        "kind=level",
        "passage=both",
        "passage=table",
        "trained_on=no",
    ]
    assert got["item=Item 7A"] == got["item=Item 7"] == tuple(f"p{i}" for i in range(5))
    assert len(got["company=Alpha"]) == 10
