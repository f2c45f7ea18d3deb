"""Two rankings as one list, in which what is used tells which ranking is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rag_service.core.types import Arm, Hit


def team_draft(
    a: Sequence[Hit], b: Sequence[Hit], k: int, coin: Callable[[], bool]
) -> tuple[tuple[Hit, ...], dict[str, Arm]]:
    """Up to ``k`` hits of both rankings without doubles, and by chunk id the team of each.

    The two draft in turns, each its best hit that is not taken yet; ``coin`` (fair; True: a)
    says who goes first in each round. Of two equal rankings each hit is so of either team with
    the same chance. One whose hits are all taken passes.

    Radlinski, Kurup and Joachims, "How does clickthrough data reflect retrieval quality?",
    CIKM 2008, algorithm 2.
    """
    left: dict[Arm, list[Hit]] = {"a": list(a), "b": list(b)}
    drafted: list[Hit] = []
    teams: dict[str, Arm] = {}
    while len(drafted) < k and any(left.values()):
        order: tuple[Arm, Arm] = ("a", "b") if coin() else ("b", "a")
        for arm in order:
            left[arm] = [hit for hit in left[arm] if hit.chunk.chunk_id not in teams]
            if left[arm] and len(drafted) < k:
                hit = left[arm].pop(0)
                drafted.append(replace(hit, rank=len(drafted) + 1))
                teams[hit.chunk.chunk_id] = arm
    return tuple(drafted), teams
