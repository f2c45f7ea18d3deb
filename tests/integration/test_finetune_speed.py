"""The speed of training: what is counted, and that both trainers really train."""

from pathlib import Path

import pytest

from finetune import speed
from finetune.speed import Shape, measure
from rag_service.core.errors import ConfigError

TINY = Shape(layers=1, width=64)


def test_both_trainers_are_timed_on_the_same_work() -> None:
    report = measure(TINY, batch=4, max_tokens=32, steps=2, rounds=2, seed=13)
    assert report["matrix_teraflops"] > 0
    plain, own = report["trainers"]["plain"], report["trainers"]["ragloop"]
    for trainer in (plain, own):
        assert trainer["pairs_per_second"] > 0
        share = trainer["teraflops"] / report["matrix_teraflops"]
        assert trainer["share_of_matrix_rate"] == pytest.approx(share)
    assert len(report["ratios"]) == 2
    assert min(report["ratios"]) <= report["ratio"] <= max(report["ratios"])
    per_pair = [t["teraflops"] / t["pairs_per_second"] for t in (plain, own)]
    assert per_pair[0] == pytest.approx(per_pair[1])


def test_operations_are_counted_without_padding() -> None:
    # Two texts of 3 words and two marks each: 5 tokens.
    by_hand = 3 * 2 * (2 * (12 * 64**2) * 5 + 4 * 64 * 5**2)
    assert speed._flops(TINY, [("a b c", "d e f")], 64) == by_hand
    assert speed._flops(TINY, [("a b c", "d e f")], 4) < by_hand


def test_every_word_is_a_token(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    texts = speed._texts(3, 32, 13)
    model = SentenceTransformer(str(speed.random_model(tmp_path, TINY, 32, 13)), device="cpu")
    for text in (part for pair in texts for part in pair):
        assert len(model.tokenizer(text)["input_ids"]) == len(text.split()) + 2 <= 32


def test_a_width_without_heads_is_refused() -> None:
    with pytest.raises(ConfigError, match="200 does not part"):
        measure(Shape(1, 200), batch=4, max_tokens=32, steps=1, rounds=1, seed=13)
