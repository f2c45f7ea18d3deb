"""Groups of questions that are looked at on their own."""

from __future__ import annotations

from collections.abc import Iterable

from rag_service.core.types import Question

KEYS = ("company", "item", "kind", "passage", "source", "trained_on")
"""What questions are grouped by: their metadata, of which `eval.passages` adds a part."""
MIN_QUESTIONS = 5


def members(questions: Iterable[Question]) -> dict[str, tuple[str, ...]]:
    """Question ids by slice, such as ``company=Corning``, from the questions' metadata.

    A question with several values of one key stands in the slice of each. Slices of fewer than 5
    questions say nothing and are left out.
    """
    slices: dict[str, list[str]] = {}
    for question in questions:
        for key in KEYS:
            value = question.metadata.get(key)
            for one in value if isinstance(value, list | tuple) else (value,):
                if one:
                    slices.setdefault(f"{key}={one}", []).append(question.question_id)
    return {name: tuple(ids) for name, ids in sorted(slices.items()) if len(ids) >= MIN_QUESTIONS}
