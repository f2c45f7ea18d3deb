"""What of a passage an LLM is asked about."""

from dataclasses import replace

import pytest

from finetune.llm_facts import facts_of
from finetune.llm_styles import STYLES
from rag_service.core.types import Chunk
from tests.fakes.filings import filing

PROSE = next(chunk for chunk in filing("Alder Mills", 2023) if chunk.kind == "prose")
TABLE = next(chunk for chunk in filing("Alder Mills", 2023) if chunk.kind == "table")


def stating(text: str, section: str = "Item 7") -> Chunk:
    return replace(PROSE, text=text, section=section)


@pytest.mark.parametrize(
    ("sentence", "section", "style", "answer"),
    [
        (
            "Gross margin shrank to 31.2%, mainly due to freight costs that rose by 4.5%.",
            "Item 7",
            "cause",
            "freight costs that rose by 4.5%",
        ),
        (
            "Net sales of the north rose to $12.5 million, after $11.0 million.",
            "Item 7",
            "comparison",
            "after $11.0 million",
        ),
        (
            "If our mill in Ostrow burned down, we could lose orders.",
            "Item 1A",
            "risk",
            "we could lose orders",
        ),
        (
            "The mill recognizes revenue from contracts over their term.",
            "Item 8",
            "policy",
            "The mill recognizes revenue from contracts over their term",
        ),
        (
            "The new mill in Ostrow cost $7.5 million to build.",
            "Item 2",
            "figure",
            "$7.5 million",
        ),
        (
            "Our two mills are in Ostrow, and both of them are leased.",
            "Item 2",
            "business",
            "both of them are leased",
        ),
    ],
)
def test_a_sentence_suits_a_style_and_holds_its_answers(
    sentence: str, section: str, style: str, answer: str
) -> None:
    (fact,) = facts_of(stating(sentence, section))
    assert fact.text == sentence
    assert fact.style == style
    assert style in STYLES
    assert answer in fact.answers
    assert all(phrase in sentence for phrase in fact.answers)


@pytest.mark.parametrize(
    "text",
    [
        "See Note 4 for details of the leases of our mills and shops.",
        "Our mills were as follows at the end of the fiscal year of 2023.",
        "Too short to ask.",
        "a sentence that begins amid another one and is not to be asked about.",
    ],
)
def test_what_only_points_elsewhere_is_no_fact(text: str) -> None:
    assert facts_of(stating(text)) == []


def test_rows_with_amounts_are_facts_whose_answer_is_the_first_amount() -> None:
    assert TABLE.cells is not None
    facts = facts_of(TABLE)
    assert [fact.answers for fact in facts] == [(row[1],) for row in TABLE.cells.rows]
    assert all(row[0] in fact.text for row, fact in zip(TABLE.cells.rows, facts, strict=True))
    headings = replace(TABLE.cells, rows=(("Current assets:", "", ""), ("Notes", "see 4", "")))
    assert facts_of(replace(TABLE, cells=headings)) == []
    assert facts_of(replace(TABLE, cells=None)) == []
