"""The card beside a trained model and beside an adapter tells what was measured."""

from pathlib import Path

import pytest

from finetune.model_card import write_card
from finetune.options import TrainingData
from finetune.split import SPLITS
from rag_service.core.types import ModelCard, Pair

BASE = ModelCard("f00d", "some/base", "", 384, 256, "query: ", "", "")
DATA = TrainingData(
    tuple(
        Pair(f"q{n}", "What?", "7", "c", f"{n}.pdf", "A", "template", split)
        for n, split in enumerate((*SPLITS, "train", "train"))
    ),
    {},
    Path(),
    "d47a",
)
FIGURES = {
    "loss": {"questions": "MultipleNegativesRankingLoss"},
    "train_rows": {"questions": 3},
    "losses": [1.5, 0.5],
    "dims": [384, 128],
    "epochs": 2,
    "steps": 48,
    "batch_size": 32,
    "learning_rate": 3e-5,
    "precision": "float32",
    "device": "cpu",
    "max_tokens": 200,
    "seed": 13,
    "best_step": 36,
    "merge_weight": 0.75,
    "validation_questions": 91,
    "validation_chunks": 280,
    "validation_base": 0.5125,
    "validation_score": 0.625,
    "improved": True,
}


def written(folder: Path, *, adapter: bool, **changed: object) -> str:
    write_card(folder, BASE, DATA, FIGURES | changed, adapter=adapter)
    return (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("adapter", [False, True])
def test_both_cards_tell_data_training_and_validation(tmp_path: Path, adapter: bool) -> None:
    card = written(tmp_path, adapter=adapter)
    for told in (
        "base_model: some/base\n",
        "| base | some/base (`f00d`) |\n",
        "48 steps",
        "3e-05",
        "75% trained, 25% ",
        "Data `d47a`: ",
        "| train | 3 | 3 |\n| validation | 1 | 1 |\n| test | 1 | 1 |\n",
        "NDCG@10 over 91 questions and 280 passages",
        "| 0.5125 | 0.6250 |\n\nTraining raised the score.\n",
    ):
        assert told in card
    assert "\n\n\n" not in card


def test_each_card_tells_its_own_kind(tmp_path: Path) -> None:
    model, adapter = (written(tmp_path, adapter=kind, improved=False) for kind in (False, True))
    for told in (
        "# some/base, tuned on financial filings\n",
        "usable cut to 128 |",
        "| 256 tokens (trained on 200) |",
        "MultipleNegativesRankingLoss on 3 questions, at all these lengths at once",
        "No checkpoint or average was better",
    ):
        assert told in model
        assert told not in adapter
    for told in (
        "# some/base with a query adapter for financial filings\n",
        "Passages have the vectors of the base",
        "The matrix of step 36",
        "No step or average was better",
    ):
        assert told in adapter
        assert told not in model
