from __future__ import annotations

import pytest

from eval.leakage import check, documents_of, leaked_questions, questions_of
from rag_service.core.errors import DataError
from rag_service.core.types import Pair
from tests.unit.eval_cases import question, question_set

PAIR = Pair("t1", "How much?", "5", "d1.x", "A.pdf", "Alpha", "template", "train")


def _asked(text: str) -> frozenset[str]:
    return questions_of([Pair("t2", text, "5", "d1.x", "A.pdf", "Alpha", "template", "train")])


def test_a_question_set_of_unseen_documents_passes() -> None:
    questions = question_set(question("q1", "B.pdf#page=1"), question("q2", "d2.x"))
    check(questions, documents_of([PAIR]), questions_of([PAIR]))


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
        check(questions, documents_of([PAIR]), frozenset())


@pytest.mark.parametrize("text", ["What is q2?", "what  is Q2? ", "What is q-2", "WHAT IS “Q2”?!"])
def test_a_question_that_was_trained_on_is_found_however_it_is_written(text: str) -> None:
    questions = question_set(question("q1", "d2.x"), question("q2", "d2.x"))
    with pytest.raises(DataError, match=r"on 1 of its questions \(q2\)"):
        check(questions, frozenset(), _asked(text))


@pytest.mark.parametrize("text", ["What is q1?", "What is q2.5?", "What was q2?"])
def test_another_question_is_no_leak(text: str) -> None:
    assert not leaked_questions(question_set(question("q2", "d2.x")), _asked(text))
