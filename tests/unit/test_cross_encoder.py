"""A reranker's scores: one for each passage, whatever stands beside it, and never no number."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag_service.adapters.cross_encoder import CrossEncoderReranker, load_cross_encoder
from rag_service.core.errors import ModelError
from tests.fakes.tiny_cross_encoder import tiny_cross_encoder
from tests.fakes.tiny_model import tiny_model

WORDS = "what were net sales in 2021 the board may suspend repurchase of shares goodwill leases"
QUESTION = "what were net sales"
PASSAGES = ["net sales", "the board may suspend " * 4, "goodwill", "leases of shares", "sales 2021"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_cross_encoder(tmp_path_factory.mktemp("cross") / "model", [WORDS])


def reranker(folder: Path, precision: str = "float32", batch: int = 2) -> CrossEncoderReranker:
    return CrossEncoderReranker("tests/cross", lambda: folder, precision, batch)


@pytest.fixture(scope="module")
def loaded(folder: Path) -> CrossEncoderReranker:
    return reranker(folder)


def test_the_question_counts_however_long_a_passage_is(loaded: CrossEncoderReranker) -> None:
    long = "the board may suspend " * 100
    asked = "goodwill " * 25
    whole = loaded.score(asked + "sales", [long])
    assert whole == loaded.score(asked + "sales", [long + "leases"])
    assert whole != pytest.approx(loaded.score(asked + "leases", [long]), abs=1e-6)


def test_a_long_question_leaves_room_for_passages(loaded: CrossEncoderReranker) -> None:
    first, second = loaded.score("the board " * 300, ["goodwill " * 50, "leases " * 50])
    assert first != pytest.approx(second, abs=1e-6)


def test_threads_at_once_get_what_one_gets(folder: Path, loaded: CrossEncoderReranker) -> None:
    expected = loaded.score(QUESTION, PASSAGES)
    shared = reranker(folder)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: shared.score(QUESTION, PASSAGES), range(12)))
    assert all(scores == pytest.approx(expected, abs=1e-6) for scores in found)


def test_bfloat16_does_not_tie_passages(folder: Path) -> None:
    passages = [f"net sales {word}" for word in WORDS.split()]
    scores = reranker(folder, "bfloat16", 32).score(QUESTION, passages)
    exact = reranker(folder, "float32", 32).score(QUESTION, passages)
    assert len({round(score, 6) for score in scores}) > 0.8 * len(set(exact))
    assert scores == pytest.approx(exact, abs=0.1)


def test_nothing_is_looked_for_before_the_first_question() -> None:
    def find() -> Path:
        raise ModelError("pull it")

    made = CrossEncoderReranker("acme/cross", find, "auto", 8)
    with pytest.raises(ModelError, match="pull it"):
        made.score(QUESTION, PASSAGES)


def test_scores_that_are_no_numbers_are_an_error(folder: Path, tmp_path: Path) -> None:
    def spoil(weights: dict[str, object]) -> None:
        weights["classifier.bias"] *= float("nan")  # type: ignore[operator]

    spoiled = copy(folder, tmp_path, spoil)
    with pytest.raises(ModelError, match=r"not finite.*RAGLOOP_RERANKER"):
        reranker(spoiled).score(QUESTION, PASSAGES)


def test_what_is_no_cross_encoder_is_refused(folder: Path, tmp_path: Path) -> None:
    encoder = Path(tiny_model(tmp_path / "encoder", [WORDS]).path)
    with pytest.raises(ModelError, match=r"no cross-encoder, but Bert"):
        load_cross_encoder(encoder)
    with pytest.raises(ModelError, match=r"has no config\.json"):
        load_cross_encoder(tmp_path)
    several = tiny_cross_encoder(tmp_path / "several", [WORDS], labels=3)
    with pytest.raises(ModelError, match="gives 3 scores"):
        load_cross_encoder(several)


def test_weights_that_are_missing_are_not_made_up(folder: Path, tmp_path: Path) -> None:
    headless = copy(folder, tmp_path / "a", lambda weights: weights.pop("classifier.weight"))
    with pytest.raises(ModelError, match=r"lack 1 tensors, classifier\.weight"):
        load_cross_encoder(headless)
    bare = copy(folder, tmp_path / "b", lambda weights: None)
    (bare / "model.safetensors").rename(bare / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_cross_encoder(bare)


def copy(folder: Path, target: Path, change: Callable[[dict[str, object]], object]) -> Path:
    """The model with its weights changed."""
    from safetensors.torch import load_file, save_file

    target.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.suffix == ".json":
            (target / path.name).write_text(path.read_text())
    assert json.loads((target / "config.json").read_text())["architectures"]
    weights = load_file(folder / "model.safetensors")
    change(weights)  # type: ignore[arg-type]
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    return target
