"""Which loss learns from which texts, and what is said of one that does not fit."""

from dataclasses import replace
from pathlib import Path

import pytest

from finetune.formats import FORMATS, TextData
from finetune.losses import LOSSES, check_loss, check_scores, default_loss, losses_for
from finetune.options import TrainOptions
from finetune.text_leaks import check_texts
from finetune.training_sets import check_dims, check_options
from rag_service.core.errors import ConfigError, DataError
from rag_service.core.types import Chunk, ModelCard, Pair, Split
from tests.fakes.filings import filing

_CARD = ModelCard("f", "tests/some", "", 384, 256, "query: ", "", "")


@pytest.mark.parametrize("data_format", FORMATS)
def test_every_format_has_losses_and_a_default_among_them(data_format: str) -> None:
    known = next(name for name in FORMATS if name == data_format)
    for name in losses_for(known):
        check_loss(name, known)
    assert default_loss(known, split=False) in losses_for(known)
    assert default_loss(known, split=True) in losses_for(known)


def test_large_batches_of_a_gpu_are_cached() -> None:
    assert default_loss("pairs", split=False) == "MultipleNegativesRankingLoss"
    assert default_loss("triplets", split=True) == "CachedMultipleNegativesRankingLoss"


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_does_not_fit_is_refused_with_those_that_do(
    name: str, data_format: str
) -> None:
    known = next(one for one in FORMATS if one == data_format)
    if known in LOSSES[name]:
        return
    with pytest.raises(ConfigError) as caught:
        check_loss(name, known)
    assert f"{name} does not fit {known}" in caught.value.message
    for fitting in losses_for(known):
        assert fitting in caught.value.message


def test_unknown_losses_and_losses_of_one_process_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"no loss 'Nothing'; for pairs .* MultipleNegatives"):
        check_loss("Nothing", "pairs")
    with pytest.raises(ConfigError, match="BatchAllTripletLoss trains in one process"):
        check_loss("", "labelled", processes=2)
    check_loss("TripletLoss", "triplets", processes=2)


def test_contrastive_loss_learns_from_yes_and_no_alone() -> None:
    columns = {"a": ("a", "a"), "b": ("b", "b"), "score": (1.0, 0.5)}
    data = TextData("scored", columns, ("f row 2", "f row 3"))
    with pytest.raises(DataError, match=r"f row 3: score is 0\.5"):
        check_scores("ContrastiveLoss", data)
    check_scores("CosineSimilarityLoss", data)


def test_options_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("anchor,positive,negative\na,p,n\n")
    plain = TrainOptions()
    assert check_options(plain, hard_negatives=False) is None
    with pytest.raises(ConfigError, match=r"TripletLoss does not fit .* with --negatives"):
        check_options(replace(plain, loss="TripletLoss"), hard_negatives=False)
    check_options(replace(plain, loss="TripletLoss"), hard_negatives=True)
    own = replace(plain, texts_file=str(path), texts_format="triplets", texts_loss="TripletLoss")
    texts = check_options(own, hard_negatives=False)
    assert texts is not None
    assert texts.columns["negative"] == ("n",)
    with pytest.raises(ConfigError, match="CosineSimilarityLoss does not fit triplets"):
        check_options(replace(own, texts_loss="CosineSimilarityLoss"), hard_negatives=False)
    with pytest.raises(ConfigError, match="name their file"):
        check_options(replace(plain, texts_only=True), hard_negatives=False)
    for wrong in (replace(own, adapter=True), replace(plain, adapter=True, processes=2)):
        with pytest.raises(ConfigError, match="an adapter"):
            check_options(wrong, hard_negatives=False)


def test_dimensions_must_be_the_models() -> None:
    check_dims(TrainOptions(dims=(384, 1)), _CARD)
    with pytest.raises(ConfigError, match=r"384 dimensions; .*: 512, 385"):
        check_dims(TrainOptions(dims=(512, 385, 64)), _CARD)


def _held_out() -> tuple[dict[str, Chunk], list[Pair]]:
    """A training filing and a test filing, of whose chunks one is asked for."""
    trained, tested = filing("Alder Mills", 2023), filing("Birchwater", 2023)
    shared = replace(tested[5], document=trained[0].document, chunk_id="shared")
    chunks = {chunk.chunk_id: chunk for chunk in (*trained, *tested, shared)}

    def pair(chunk: Chunk, question: str, split: Split) -> Pair:
        return Pair("q", question, "", chunk.chunk_id, chunk.document, "", "own", split)

    return chunks, [
        pair(trained[0], "What were net sales of Alder Mills?", "train"),
        pair(tested[0], "What did Birchwater sell in 2023?", "test"),
    ]


def test_texts_that_hold_what_is_held_out_are_refused_by_row() -> None:
    chunks, pairs = _held_out()
    trained, tested = filing("Alder Mills", 2023), filing("Birchwater", 2023)

    def check(*texts: str) -> None:
        places = tuple(f"own.csv row {n}" for n in range(2, 2 + len(texts)))
        columns = {"anchor": ("a question",) * len(texts), "positive": texts}
        check_texts(TextData("pairs", columns, places), pairs, chunks)

    check(trained[0].text, "What were net sales of Alder Mills?", "Birchwater", tested[5].text)
    sentence = tested[4].text.partition(". ")[2][:60]
    for leak in (
        tested[4].text,
        f"Before it. {tested[4].text.upper()} Behind it.",
        sentence,
        tested[0].text.replace("\n", " "),
        "They asked: what did BIRCHWATER sell in 2023",
    ):
        with pytest.raises(DataError, match=r"1 rows .* own.csv row 3 \(a held-out"):
            check(trained[0].text, leak)
