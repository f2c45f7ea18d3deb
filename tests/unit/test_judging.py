"""What the gate asks of a candidate that was built by hand: of the same model, and of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.gate import GateThresholds
from finetune.build import question_set
from rag_service.core.errors import DataError
from rag_service.core.types import ModelCard, QuestionSet
from rag_service.indexing.shadow import AS_CONFIGURED, BuildOptions
from rag_service.loop.judging import Judgment
from rag_service.loop.seen import write_questions
from tests.unit.test_improve_planted import HELD_OUT, Loop, pair, question

QUESTIONS: QuestionSet = question_set([pair(chunk) for chunk in HELD_OUT], "test", "held out")
SAME = "(the same model, asked to lose no more than 0.020)"


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return Loop(tmp_path)


@pytest.fixture
def knowing(loop: Loop) -> Loop:
    """Its live model finds all that is asked for, so that no rank hangs on rounding."""
    loop.plant("live", HELD_OUT)
    loop.make_parts()
    return loop


def judged(loop: Loop, model: ModelCard, options: BuildOptions = AS_CONFIGURED) -> Judgment:
    candidate = loop.indexer.finish(loop.indexer.start(model, options=options))
    return loop.judge.judge(QUESTIONS, "r0001", candidate.release, GateThresholds())


@pytest.mark.parametrize(
    "options",
    [BuildOptions(algorithm="flat"), BuildOptions(datatype="float16")],
    ids=["flat", "float16"],
)
def test_the_same_model_in_another_index_passes(knowing: Loop, options: BuildOptions) -> None:
    judgment = judged(knowing, knowing.registry.get("live"), options)
    assert judgment.decision.promoted, judgment.decision.reasons
    assert judgment.decision.reasons[0].startswith(f"ndcg@10 is not worse {SAME}")
    (kept,) = knowing.history.decisions()
    assert kept.decision == judgment.decision
    assert kept.facts
    assert kept.facts.same_model
    document = judgment.as_dict()
    assert document["gate"]["promoted"]
    assert document["difference"]["ndcg@10"]["low"] >= -0.02


def test_a_candidate_is_also_asked_with_all_stages_of_the_service(loop: Loop) -> None:
    loop.make_parts(stages={"vectors", "text"})
    judgment = judged(loop, loop.plant("candidate", HELD_OUT))
    assert judgment.before.stages == judgment.after.stages == ("vectors",)
    assert [run.stages for run in judgment.served] == [("text", "vectors")] * 2
    (kept,) = loop.history.decisions()
    assert kept.facts
    assert kept.facts.served
    served = judgment.as_dict()["served"]
    assert served["difference"]["ndcg@10"]["value"] == pytest.approx(kept.facts.served.value)
    assert served["before"]["stages"] == ["text", "vectors"]


def test_a_cut_that_loses_is_refused(knowing: Loop) -> None:
    judgment = judged(knowing, knowing.registry.truncated("live", 8))
    assert not judgment.decision.promoted
    assert judgment.decision.reasons[0].startswith(f"ndcg@10 is worse {SAME}")
    assert knowing.live == "live"


def test_another_model_has_to_be_better(loop: Loop) -> None:
    loop.make_parts()
    decision = judged(loop, loop.plant("candidate", HELD_OUT)).decision
    assert decision.promoted, decision.reasons
    assert decision.reasons[0].startswith("ndcg@10 is better: ")
    twin = loop.plant("second", HELD_OUT[::2])
    reasons = judged(loop, twin).decision.reasons
    assert [reason.partition(":")[0] for reason in reasons] == ["ndcg@10 is not proven better"]


def test_what_a_whole_model_saw_is_a_leak_of_its_cuts(loop: Loop) -> None:
    loop.make_parts()
    leaked = HELD_OUT[0].document
    card = loop.plant("candidate", HELD_OUT, train_documents=[leaked])
    write_questions(Path(card.path), ["Something else?"], loop.registry.get("live"))
    cut = loop.registry.truncated("candidate", 8)
    reasons = judged(loop, cut).decision.reasons
    assert any(reason.startswith("leak: the model was trained on 1") for reason in reasons)
    write_questions(Path(card.path), [question(HELD_OUT[0])], loop.registry.get("live"))
    with pytest.raises(DataError, match="the model was trained on 1 of its questions"):
        judged(loop, cut)
