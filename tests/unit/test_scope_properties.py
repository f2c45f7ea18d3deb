"""What holds for the scope of any question and any store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rag_service.answering.scope.index import FilingIndex
from rag_service.answering.scope.types import Scope
from rag_service.answering.scope.understand import MOST_PARTS, understand_scope
from rag_service.core.types import Document
from tests.unit.scope_cases import STORE, annual, document

INDEX = FilingIndex(STORE)
NAMES = ("Nike", "Best Buy", "3M", "Lockheed Martin", "JPMorgan", "Coca-Cola", "AT&T", "Microsoft",
         "Corning", "Target", "Block", "Visa", "Procter & Gamble", "Lowe's", "MMM")  # fmt: skip
OF_NO_OTHER_MEANING = ("Nike", "Lockheed", "Lockheed Martin", "Microsoft", "Coca-Cola", "JPMorgan",
                       "JP Morgan", "Costco", "Amazon", "BestBuy", "AT&T")  # fmt: skip
PERIODS = ("in FY2021", "in 2021", "in fiscal 2022", "as of Dec 31 2019", "last year",
           "between 2020 and 2022", "in Q2 FY2023", "year over year", "")  # fmt: skip
TOPICS = ("capital expenditures", "net income", "the quick ratio", "total debt", "inventory")

some = settings(derandomize=True, deadline=None, max_examples=60, database=None)

text = st.text(st.characters(), max_size=80)
"""Any Unicode, halves of surrogate pairs too."""
words = st.sampled_from(
    (*NAMES, *PERIODS, *TOPICS, "'s", "’s", "$", "(", ")", "-", "&", ",", ".", "?", "and", "versus",
     "Inc.", "10-K", "FY", "Q", "20", "'18", "quarter", "ended", "ſept 31, 2021", "fırst quarter",
     "three years", "٢٠٢١", "ſix", "between")
)  # fmt: skip
jumble = st.lists(st.one_of(words, text), max_size=12).map(" ".join)
facts = st.builds(
    document, st.one_of(text, st.sampled_from(NAMES)), text,
    st.one_of(st.just(0), st.integers(-9999, 99999)),
    st.one_of(text, st.dates().map(lambda day: day.isoformat())),
    st.sampled_from(["10-K", "10-Q", "8-K", "10-K/A", "", "?"]), text.map("name {}".format),
)  # fmt: skip
unrelated = st.builds(
    lambda first, rest, ticker, year: annual(f"{first}{rest} Corp", ticker, year)[0],
    st.sampled_from(["Zyq", "Xov", "Quw", "Wyx"]),
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=9),
    st.sampled_from(["", "ZZQ", "QXW"]),
    st.integers(1995, 2030),
)


@some
@given(jumble)
@example("\ud800 Nike\udfff 2021")
@example("9" * 400 + " Q2 '99 31.12.2019")
def test_any_text_is_understood_without_an_error(question: str) -> None:
    scope = understand_scope(question, INDEX)
    assert len(scope.parts) <= MOST_PARTS
    for match in scope.companies:
        assert question[match.start : match.end] == match.words
    for period in scope.periods:
        assert period.words in question
    for part in scope.parts:
        weights = [filing.weight for filing in part.filings]
        assert weights == sorted(weights, reverse=True)
        assert all(0 < weight <= 1 for weight in weights)
        assert (part.confidence == "confident") <= bool(part.company and part.filings)
    assert all(isinstance(line, str) for line in scope.explain())


@some
@given(st.lists(facts, max_size=6), jumble)
def test_any_filings_can_be_asked_about(documents: list[Document], question: str) -> None:
    scope = understand_scope(question, documents)
    known = {document.name for document in documents}
    assert {f.document for part in scope.parts for f in part.filings} <= known


def ask(name: str, topic: str, period: str) -> str:
    return f"What was the change in {topic} of {name} {period}, and why?"


@settings(some, max_examples=40)
@given(st.sampled_from(NAMES), st.sampled_from(TOPICS), st.sampled_from(PERIODS), unrelated)
def test_an_unrelated_filing_never_changes_a_confident_match(
    name: str, topic: str, period: str, other: Document
) -> None:
    before = understand_scope(ask(name, topic, period), INDEX)
    assert [match.confidence for match in before.companies] == ["confident"]
    assert understand_scope(ask(name, topic, period), FilingIndex([*STORE, other])) == before


@settings(some, max_examples=10)
@given(st.permutations(STORE), st.sampled_from(NAMES), st.sampled_from(PERIODS))
def test_the_order_of_the_filings_means_nothing(
    documents: list[Document], name: str, period: str
) -> None:
    question = ask(name, "goodwill", period)
    assert understand_scope(question, documents) == understand_scope(question, INDEX)


@pytest.mark.parametrize("write", [str.lower, str.upper, str.title, str.swapcase, str])
@pytest.mark.parametrize("possessive", ["", "'s", "’s"])
@settings(some, max_examples=15)
@given(st.sampled_from(OF_NO_OTHER_MEANING), st.sampled_from(PERIODS))
def test_case_and_possessive_mean_nothing_to_a_name_without_another_meaning(
    write: Callable[[str], str], possessive: str, name: str, period: str
) -> None:
    plain = understand_scope(ask(name, "debt", period), INDEX)
    written = understand_scope(ask(write(name) + possessive, "debt", period), INDEX)
    assert written.parts == plain.parts
    assert plain.confidence != "none"


@some
@given(st.sampled_from(NAMES), st.sampled_from(PERIODS), st.sampled_from(TOPICS))
def test_what_is_asked_of_a_company_does_not_change_its_scope(
    name: str, period: str, topic: str
) -> None:
    assume(period)
    plain, other = (understand_scope(ask(name, t, period), INDEX) for t in ("sales", topic))
    assert without_places(plain) == without_places(other)


@some
@given(st.sampled_from(NAMES), st.integers(2015, 2030))
def test_a_year_is_one_however_it_is_written(name: str, year: int) -> None:
    short = year % 100
    ways = (f"in FY{year}", f"in {year}", f"in fiscal {year}", f"in FY{short}", f"in FY'{short}",
            f"in the {year} fiscal year", f"in fiscal year {year}")  # fmt: skip
    parts = [understand_scope(ask(name, "debt", way), INDEX).parts for way in ways]
    assert all(part == parts[0] for part in parts)


def without_places(scope: Scope) -> Scope:
    return replace(scope, companies=(), periods=())
