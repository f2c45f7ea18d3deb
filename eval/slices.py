"""Groups of questions that are looked at on their own."""

from __future__ import annotations

from collections.abc import Iterable

from rag_service.core.types import Question

KEYS = ("company", "source", "kind", "trained_on")
MIN_QUESTIONS = 5


def members(questions: Iterable[Question]) -> dict[str, tuple[str, ...]]:
    """Question ids by slice, such as ``company=Corning``, from the questions' metadata.

    Slices of fewer than 5 questions say nothing and are left out.
    """
    slices: dict[str, list[str]] = {}
    for question in questions:
        for key in KEYS:
            if value := question.metadata.get(key):
                slices.setdefault(f"{key}={value}", []).append(question.question_id)
    return {name: tuple(ids) for name, ids in sorted(slices.items()) if len(ids) >= MIN_QUESTIONS}
