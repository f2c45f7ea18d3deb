"""The company that a filter names."""

from __future__ import annotations

import pytest

from rag_service.answering.scope.index import FilingIndex
from rag_service.answering.scope.named import company_named
from rag_service.core.errors import InvalidRequest
from tests.unit.scope_cases import STORE, annual

INDEX = FilingIndex(STORE)


@pytest.mark.parametrize(
    ("name", "company"),
    [
        ("3M", "3M Company"),
        ("3m co", "3M Company"),
        ("3M CO", "3M Company"),
        ("Best Buy", "Best Buy Co., Inc."),
        ("  BEST   buy  co., inc. ", "Best Buy Co., Inc."),
        ("Procter and Gamble", "The Procter & Gamble Company"),
        ("The Gap", "THE GAP, INC."),
        ("Lowes", "Lowe’s Companies, Inc."),
        ("Costco", "Costco Wholesale Corporation"),
        ("coca-cola", "COCA COLA CO /DE/"),
        ("Nestle", "Nestlé S.A."),
        ("JPM", "JPMORGAN CHASE & CO"),
        ("T", "AT&T INC."),
        ("Delta Air Lines", "Delta Air Lines, Inc."),
    ],
)
def test_a_name_is_taken_whatever_its_case_and_legal_form(name: str, company: str) -> None:
    assert company_named(name, INDEX).name == company


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Microsft", "'MICROSOFT CORPORATION'"),
        ("Lockhead Martin", "'Lockheed Martin Corporation'"),
        ("Mills", "'General Mills, Inc.'"),
        ("Best Buy Stores of Ohio", "'Best Buy Co., Inc.'"),
        ("Zzyzx Quarries", "documents list"),
        ("&&", "documents list"),
        ("x" * 5000, "documents list"),
    ],
)
def test_another_name_is_refused_with_those_that_are_near(name: str, near: str) -> None:
    with pytest.raises(InvalidRequest, match="no filing is of a company") as refused:
        company_named(name, INDEX)
    assert near in refused.value.message
    assert len(refused.value.message) < 400


def test_a_name_of_several_is_refused_with_all_of_them() -> None:
    both = [*annual("Corning Glass Works", "", 2021), *annual("Corning Natural Gas Corp", "", 2021)]
    with pytest.raises(InvalidRequest, match="'Corning Glass Works' or 'Corning Natural Gas Corp'"):
        company_named("Corning", FilingIndex(both))
    assert company_named("Corning", FilingIndex([*both, *STORE])).name == "Corning Incorporated"
