"""The figures of one ranking, as trec_eval computes them (through ir_measures)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures
from ir_measures import AP, RR, R, Success, nDCG

MEASURES: Mapping[str, ir_measures.Measure] = {
    "ndcg@1": nDCG @ 1,
    "ndcg@5": nDCG @ 5,
    "ndcg@10": nDCG @ 10,
    "mrr@10": RR @ 10,
    "recall@5": R @ 5,
    "recall@10": R @ 10,
    "recall@50": R @ 50,
    "map": AP,
    "hit@5": Success @ 5,
}
"""NDCG is trec_eval's ``ndcg_cut``: gain as judged, discount log2(rank + 1)."""


def per_question(
    relevant: Mapping[str, Mapping[str, int]],
    ranking: Mapping[str, Sequence[tuple[str, float]]],
) -> dict[str, dict[str, float]]:
    """Every measure, in [0, 1], of every question in ``relevant``, in its order.

    A question that is not in ``ranking`` scores 0. The scores of a ranking must be strictly
    decreasing: tools disagree on ties.
    """
    judged = {question_id: dict(gains) for question_id, gains in relevant.items()}
    ranked = {
        question_id: dict(results)
        for question_id, results in ranking.items()
        if question_id in judged
    }
    names = {measure: name for name, measure in MEASURES.items()}
    figures: dict[str, dict[str, float]] = {question_id: {} for question_id in judged}
    for metric in ir_measures.iter_calc(list(names), judged, ranked):
        figures[metric.query_id][names[metric.measure]] = float(metric.value)
    return {
        question_id: {name: of_question[name] for name in MEASURES}
        for question_id, of_question in figures.items()
    }
