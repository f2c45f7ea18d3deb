from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.documents import run_document
from eval.evaluate import evaluate
from eval.judgments import corpus_ids
from eval.measures import MEASURES, per_question
from rag_service.core.errors import DataError, StoreError
from rag_service.core.types import Hit, Question, Run
from tests.unit.eval_cases import RELEASE, chunk, evaluated, question, question_set, ranked


def test_ndcg_and_its_companions_equal_a_hand_calculation() -> None:
    relevant = {"q": {"a": 3, "b": 1, "c": 1}}
    ranking = {"q": (("x", 0.9), ("a", 0.8), ("y", 0.7), ("b", 0.6), ("z", 0.5), ("c", 0.4))}
    got = per_question(relevant, ranking)["q"]
    ideal = 3 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert got == pytest.approx(
        {
            "ndcg@1": 0.0,
            "ndcg@5": (3 / math.log2(3) + 1 / math.log2(5)) / ideal,
            "ndcg@10": (3 / math.log2(3) + 1 / math.log2(5) + 1 / math.log2(7)) / ideal,
            "mrr@10": 1 / 2,
            "recall@5": 2 / 3,
            "recall@10": 1.0,
            "recall@50": 1.0,
            "map": (1 / 2 + 2 / 4 + 3 / 6) / 3,
            "hit@5": 1.0,
        }
    )


def test_pages_count_once_at_the_rank_of_their_best_chunk() -> None:
    hits = ranked(
        (chunk("d1.a", "A.pdf", (9, 10)), 0.9),
        (chunk("d1.b", "A.pdf", (10, 10)), 0.8),
        (chunk("d2.a", "B.pdf", (9, 9)), 0.7),
        (chunk("d1.c", "A.pdf", (8, 9)), 0.6),
    )
    pages = corpus_ids(hits, "page")
    assert [page for page, _ in pages] == [
        "A.pdf#page=9",
        "A.pdf#page=10",
        "B.pdf#page=9",
        "A.pdf#page=8",
    ]
    assert [key for key, _ in corpus_ids(hits, "chunk")] == ["d1.a", "d1.b", "d2.a", "d1.c"]


def test_the_order_that_was_served_is_what_is_measured() -> None:
    hits = ranked((chunk("d1.a"), 0.2), (chunk("d1.b"), 0.9), (chunk("d1.c"), 0.1))
    assert [key for key, _ in corpus_ids(hits, "chunk")] == ["d1.a", "d1.b", "d1.c"]


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(StoreError, match=r"d1\.a came back with the score nan"):
        corpus_ids(ranked((chunk("d1.a"), math.nan)), "chunk")


SCORES = st.lists(st.sampled_from([0.0, -1.0, 1.0, 0.5, 0.5 - 1e-12, 1e-40]), max_size=30)


@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_of_ties_changes_nothing(scores: list[float], shuffler: random.Random) -> None:
    scored = [(chunk(f"d1.{i:02}", pages=(i % 4 + 1, i % 4 + 1)), s) for i, s in enumerate(scores)]
    rankings = []
    for _ in range(2):
        shuffler.shuffle(scored)
        hits = ranked(*sorted(scored, key=lambda pair: -pair[1]))
        shuffler.shuffle(hits)
        rankings.append((corpus_ids(hits, "page"), corpus_ids(hits, "chunk")))
    assert rankings[0] == rankings[1]


@given(SCORES)
def test_scores_decrease_strictly_and_each_id_stands_once(scores: list[float]) -> None:
    hits = ranked(
        *((chunk(f"d1.{i}", pages=(i // 2 + 1, i // 2 + 2)), s) for i, s in enumerate(scores))
    )
    for unit in ("page", "chunk"):
        ranking = corpus_ids(hits, unit)
        values = [np.float32(score) for _, score in ranking]
        assert all(a > b for a, b in pairwise(values))
        assert len({key for key, _ in ranking}) == len(ranking)


@given(
    st.lists(st.sets(st.integers(0, 12), min_size=1, max_size=4), min_size=1, max_size=6),
    st.data(),
)
def test_measures_lie_between_0_and_1_and_a_missing_question_scores_0(
    relevant: list[set[int]], data: st.DataObject
) -> None:
    judged = {f"q{i}": {f"c{j}": j % 3 + 1 for j in ids} for i, ids in enumerate(relevant)}
    ranking = {
        key: tuple((f"c{j}", 1.0 - place / 50) for place, j in enumerate(order))
        for key in judged
        if (order := data.draw(st.none() | st.permutations(range(13)))) is not None
    }
    got = per_question(judged, ranking)
    assert list(got) == list(judged)
    for key, figures in got.items():
        assert list(figures) == list(MEASURES)
        assert all(0.0 <= figure <= 1.0 for figure in figures.values())
        assert key in ranking or not any(figures.values())
        assert key not in ranking or figures["recall@50"] == 1.0


def test_twins_closer_than_float32_can_tell_are_measured_in_their_order() -> None:
    hits = ranked((chunk("d1.a"), 0.5 + 1e-12), (chunk("d1.z"), 0.5))
    got = per_question({"q": {"d1.a": 1}}, {"q": corpus_ids(hits, "chunk")})
    assert got["q"]["ndcg@1"] == got["q"]["mrr@10"] == 1.0


def test_each_question_is_scored_in_the_unit_of_its_judgments() -> None:
    questions = question_set(
        question("page", "A.pdf#page=2"), question("chunk", "d1.x"), question("none", "d1.gone")
    )
    hits = ranked((chunk("d1.y", pages=(1, 2)), 0.9), (chunk("d1.x", pages=(2, 2)), 0.8))
    run = evaluated(questions, {q.text: hits for q in questions.questions[:2]})
    assert run.per_question["page"]["mrr@10"] == 0.5
    assert run.per_question["chunk"]["mrr@10"] == 0.5
    assert set(run.per_question["none"].values()) == {0.0}
    assert run.metrics["mrr@10"].value == pytest.approx(1 / 3)
    assert (run.questions, run.skipped, run.release, run.model) == (3, 0, "r0001", "m1")
    assert [key for key, _ in run.ranking["page"]] == ["A.pdf#page=1", "A.pdf#page=2"]
    assert [score for _, score in run.ranking["page"]] == pytest.approx([0.9, 0.9])


def test_questions_without_an_indexed_document_are_skipped_and_counted() -> None:
    questions = question_set(
        question("there", "A.pdf#page=1"),
        question("half", "Z.pdf#page=1", "B.pdf#page=1"),
        question("away", "Z.pdf#page=1"),
        question("chunk away", "d9.x"),
    )
    run = evaluated(questions, {})
    assert list(run.per_question) == ["there", "half"]
    assert (run.questions, run.skipped) == (2, 2)
    with pytest.raises(DataError, match=r"none of the 2 documents .*: Z\.pdf, d9"):
        evaluated(question_set(*questions.questions[2:]), {})


def test_questions_are_asked_in_batches_to_the_depth_with_progress() -> None:
    asked: list[tuple[int, int]] = []
    told: list[tuple[str, int, int]] = []

    def search(texts: Sequence[str], k: int) -> list[list[Hit]]:
        asked.append((len(texts), k))
        return [[] for _ in texts]

    evaluate(
        question_set(*(question(f"q{i}", "A.pdf#page=1") for i in range(150))),
        search,
        documents={"d1": "A.pdf"},
        release=RELEASE,
        seed=1,
        depth=17,
        progress=lambda step, done, total: told.append((step, done, total)),
    )
    assert asked == [(64, 17), (64, 17), (22, 17)]
    assert told[0] == ("evaluate", 0, 150)
    assert told[-1] == ("evaluate", 150, 150)


def test_a_question_that_stands_twice_or_has_no_judgment_is_refused() -> None:
    with pytest.raises(DataError, match="q1 stands in it twice"):
        evaluated(question_set(question("q1", "d1.x"), question("q1", "d1.x")), {})
    with pytest.raises(DataError, match="none of the 0 documents"):
        evaluated(question_set(question("q1")), {})


def test_slices_are_measured_from_five_questions() -> None:
    questions = question_set(
        *(question(f"a{i}", "A.pdf#page=1", company="Alpha", kind="table") for i in range(5)),
        *(question(f"b{i}", "A.pdf#page=9", company="Beta", kind="table") for i in range(4)),
    )
    hits = ranked((chunk("d1.x"), 0.9))
    run = evaluated(questions, {q.text: hits for q in questions.questions})
    assert list(run.slices) == ["company=Alpha", "kind=table"]
    assert run.slice_questions["company=Alpha"] == ("a0", "a1", "a2", "a3", "a4")
    assert run.slices["company=Alpha"]["ndcg@10"].value == 1.0
    assert run.slices["kind=table"]["ndcg@10"].value == pytest.approx(5 / 9)


def test_the_document_of_a_run_holds_what_commands_report() -> None:
    questions = question_set(
        *(question(f"q{i}", "A.pdf#page=1", company="Alpha") for i in range(5)),
        Question("gone", "gone", {"Z.pdf#page=1": 1}),
    )
    hits = ranked((chunk("d1.x"), 0.9))
    run = evaluated(questions, {"What is q0?": hits})
    document = run_document(run)
    assert document["release"] == "r0001"
    assert (document["question_set"], document["split"]) == ("set", "test")
    assert (document["questions"], document["skipped"], document["seed"]) == (5, 1, 7)
    assert document["metrics"]["ndcg@10"].keys() == {"value", "low", "high", "by"}
    assert document["metrics"]["ndcg@10"]["value"] == 0.2
    assert document["per_question"]["q0"]["ndcg@10"] == 1.0
    assert document["slices"]["company=Alpha"]["questions"] == 5
    assert document["slices"]["company=Alpha"]["metrics"]["hit@5"]["value"] == 0.2


def test_equal_seeds_give_equal_figures_and_runs_have_ids_of_their_own() -> None:
    questions = question_set(*(question(f"q{i}", "A.pdf#page=1") for i in range(9)))
    hits = ranked((chunk("d1.x"), 0.9))
    first, second = (evaluated(questions, {"What is q0?": hits}) for _ in range(2))
    assert first.metrics == second.metrics
    assert first.run_id < second.run_id


def test_a_run_names_the_documents_of_its_questions_the_main_one_first() -> None:
    questions = question_set(
        question("page", "B.pdf#page=1", "A.pdf#page=1"),
        question("chunk", "d1.x", "d2.y", document="B.pdf"),
        question("unnamed", "d2.y"),
    )
    run = evaluated(questions, {})
    assert run.documents == {
        "page": ("A.pdf", "B.pdf"),
        "chunk": ("B.pdf", "A.pdf"),
        "unnamed": ("B.pdf",),
    }
    assert run_document(run)["documents"] == 2


def test_judgments_have_a_digest_that_metadata_and_order_do_not_change() -> None:
    first, second = question("q1", "d1.x", "d1.y"), question("q2", "d1.x")
    digest = evaluated(question_set(first, second), {}).judgments
    marked = question("q1", "d1.y", "d1.x", company="Alpha")
    assert evaluated(question_set(second, marked), {}).judgments == digest
    assert evaluated(question_set(first, question("q2", "d1.y")), {}).judgments != digest


def test_intervals_are_by_document_where_there_are_enough() -> None:
    documents = {f"d{i}": f"D{i}.pdf" for i in range(10)}

    def run(count: int) -> Run:
        questions = (question(f"q{i}", f"D{i % count}.pdf#page=1") for i in range(40))
        return evaluate(
            question_set(*questions),
            lambda texts, k: [[] for _ in texts],
            documents=documents,
            release=RELEASE,
            seed=1,
        )

    assert run(10).metrics["ndcg@10"].by == "documents"
    assert run(9).metrics["ndcg@10"].by == "questions"
