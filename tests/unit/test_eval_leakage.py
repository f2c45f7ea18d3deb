from __future__ import annotations

import pytest

from eval.leakage import check, documents_of
from rag_service.core.errors import DataError
from rag_service.core.types import Pair
from tests.unit.eval_cases import question, question_set

PAIR = Pair("t1", "How much?", "5", "d1.x", "A.pdf", "Alpha", "template", "train")


def test_a_question_set_of_unseen_documents_passes() -> None:
    questions = question_set(question("q1", "B.pdf#page=1"), question("q2", "d2.x"))
    check(questions, documents_of([PAIR]), [PAIR.question])


@pytest.mark.parametrize(
    "leaking",
    [
        question("q1", "A.pdf#page=1"),
        question("q1", "d1.other"),
        question("q1", "d2.x", document="A.pdf"),
    ],
)
def test_a_document_that_was_trained_on_is_found(leaking: object) -> None:
    questions = question_set(question("q0", "d2.x"), leaking)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"trained on 1 of its documents \((A\.pdf|d1)\)"):
        check(questions, documents_of([PAIR]), [])


def test_a_text_that_was_trained_on_is_found() -> None:
    questions = question_set(question("q1", "d2.x"), question("q2", "d2.x"))
    with pytest.raises(DataError, match=r"on 1 of its questions \(q2\)"):
        check(questions, documents_of([PAIR]), ["what  is Q2? "])
