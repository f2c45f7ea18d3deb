"""What a report compares, and the charts that it draws."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.history import KeptDecision
from eval.report.charts import Mark, curve_chart, interval_chart, ticks
from eval.report.facts import compared, newest_of_each, rank_of, runs_to_compare
from rag_service.core.types import GateDecision, Interval
from tests.unit import report_cases as cases
from tests.unit.report_cases import Page


def test_the_newest_run_of_each_release_in_order_of_the_releases() -> None:
    late = cases.run("r0001", [0.5], created="2025-01-09T00:00:00Z")
    runs = [
        cases.run("r0002", [0.1], created="2025-01-05T00:00:00Z"),
        cases.run("r0001", [0.2], created="2025-01-06T00:00:00Z"),
        cases.run("r0003", [0.3], created="2025-01-07T00:00:00Z"),
        late,
    ]
    since = {("r0001", "model-of-r0001"): "2025-01-01T00:00:00Z"}
    newest = newest_of_each(runs, since)
    assert [run.release for run in newest] == ["r0001", "r0002", "r0003"]
    assert newest[0] is late
    other = replace(late, model="another", run_id="another")
    assert len(newest_of_each([late, other], {})) == 2, "a name can stand for another model"


def test_what_the_gate_judged_is_compared_else_the_same_releases_else_the_last_two() -> None:
    mine = [cases.run(f"r000{i}", [0.1 * i] * 5) for i in (1, 2, 3)]
    other = [cases.run(f"r000{i}", [0.2 * i] * 6, question_set="held-out") for i in (1, 2)]
    kept = KeptDecision("", "", GateDecision(False, ("no",)), "2025-01-02T00:00:00Z")
    judged = compared(other[0], other[1], kept)

    found = runs_to_compare(other, other, [judged])
    assert found is judged
    found = runs_to_compare(mine, mine, [judged])
    assert found
    assert (found.before, found.after, found.promoted) == (mine[0], mine[1], None)
    found = runs_to_compare(mine, mine, [])
    assert found
    assert (found.before, found.after) == (mine[1], mine[2])
    assert runs_to_compare(mine[:1], mine[:1], []) is None
    unlike = [mine[0], replace(mine[1], per_question={"q9": {"ndcg@10": 1.0, "map": 1.0}})]
    assert runs_to_compare(unlike, unlike, []) is None
    assert compared(unlike[0], unlike[1]).difference is None


def test_the_rank_of_the_first_relevant_passage() -> None:
    results = (("a", 0.9), ("b", 0.8), ("c", 0.7))
    assert rank_of(results, {"c", "b"}) == 2
    assert rank_of(results, {"z"}) == 0
    assert rank_of((), {"a"}) == 0


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 0.46, [0, 0.1, 0.2, 0.3, 0.4]),
        (3.1, 6.4, [4, 5, 6]),
        (0, 23, [0, 5, 10, 15, 20]),
        (0.5, 0.5, [0.5]),
        (-0.02, 0.01, [-0.02, -0.01, 0, 0.01]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_marks_and_whiskers_stand_where_their_figures_are() -> None:
    marks = [
        Mark("r1", "n 9", Interval(0.5, 0.25, 0.75), filled=False),
        Mark("r2", "n 9", Interval(1.0, 0.9, 1.0), filled=True),
    ]
    drawn = Page(interval_chart(marks, name="x", title="T", ceiling=1.0))
    first, second = drawn.all("circle")
    bottom, top = float(first["cy"] or 0), float(second["cy"] or 0)
    assert top == pytest.approx(20.0)
    assert bottom - top == pytest.approx((172 - 20) / 2, abs=0.1)
    assert "filled" in str(second["class"])
    assert "filled" not in str(first["class"])
    assert "r1 0.500, interval 0.250 to 0.750, n 9" in drawn.text


def test_a_chart_of_many_releases_is_wider() -> None:
    mark = Mark("r1", "n 9", Interval(0.5, 0.4, 0.6), filled=False)
    few, many = (
        Page(interval_chart([mark] * count, name="x", title="T", ceiling=1.0)).all("svg")[0]
        for count in (2, 16)
    )
    assert float(few["width"] or 0) == 360
    assert float(many["width"] or 0) > 700


@pytest.mark.parametrize("points", [[(1.0, 0.5)], [(1.0, 0.5), (2.0, 0.5)], [(0.0, 0.0)]])
def test_a_flat_curve_can_be_drawn(points: list[tuple[float, float]]) -> None:
    drawn = Page(curve_chart(points, name="x", title="T", across="step"))
    assert (drawn.wrong, drawn.open) == ([], [])
    for circle in drawn.all("circle"):
        assert 0 < float(circle["cx"] or 0) < 360
        assert 0 < float(circle["cy"] or 0) < 214
