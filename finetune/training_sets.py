"""What is trained on: the questions with their passages, and a user's own texts beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.dataset import to_columns, to_triplets
from finetune.formats import Format, TextData, load_texts
from finetune.losses import check_loss, check_scores
from finetune.options import TrainOptions
from rag_service.core.errors import ConfigError
from rag_service.core.types import Chunk, ModelCard, Pair

QUESTIONS, TEXTS = "questions", "texts"
_AS_QUESTIONS = {"anchor", "a"}
_NO_TEXTS = {"score", "label"}


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows of one format with the loss that is asked for; ``""`` leaves it to the machine."""

    name: str
    format: Format
    loss: str
    columns: Mapping[str, Sequence[Any]]

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())))

    def prompts(self, base: ModelCard) -> dict[str, str]:
        """By column, what is put before its texts."""
        return {
            column: base.query_prompt if column in _AS_QUESTIONS else base.document_prompt
            for column in self.columns
            if column not in _NO_TEXTS
        }


def check_options(options: TrainOptions, *, hard_negatives: bool) -> TextData | None:
    """The user's texts, after everything that can be refused without a model was looked at.

    Raises:
        ConfigError: a loss or format is unknown, or a loss does not fit what it is to learn from.
        DataError: the file of texts has a wrong row, which is named.
    """
    beyond = (options.loss, options.texts_file, options.dims, options.processes > 1)
    if options.adapter and any(beyond):
        raise ConfigError(
            "an adapter has one loss and learns from questions alone: leave out loss, dimensions, "
            "own texts and processes"
        )
    if options.loss and not options.texts_only:
        asked: Format = "triplets" if hard_negatives else "pairs"
        try:
            check_loss(options.loss, asked, processes=options.processes)
        except ConfigError as error:
            more = "" if hard_negatives else "; with --negatives the questions are triplets"
            raise ConfigError(error.message + more) from error
    if not options.texts_file:
        if options.texts_only:
            raise ConfigError("to train on own texts alone, name their file")
        return None
    texts = load_texts(Path(options.texts_file), options.texts_format)
    check_loss(options.texts_loss, texts.format, processes=options.processes)
    check_scores(options.texts_loss, texts)
    return texts


def check_dims(options: TrainOptions, base: ModelCard) -> None:
    """Raises ConfigError if the model has no vectors of the dimensions asked for."""
    wrong = [dim for dim in options.dims if not 1 <= dim <= base.dims]
    if wrong:
        raise ConfigError(
            f"{base.name} has vectors of {base.dims} dimensions; these cannot be trained: "
            f"{', '.join(map(str, wrong))}"
        )


def training_sets(
    pairs: Sequence[Pair],
    chunks: Mapping[str, Chunk],
    negatives: Mapping[str, Sequence[str]] | None,
    texts: TextData | None,
    options: TrainOptions,
) -> list[TrainingSet]:
    """The sets of one training. Raises DataError if a chunk or a negative is gone."""
    sets = []
    if not options.texts_only:
        asked = [pair for pair in pairs if pair.split == "train"]
        columns = to_columns(asked, chunks, negatives)
        known: Format = "pairs" if negatives is None else "triplets"
        if options.loss == "TripletLoss":
            columns = to_triplets(columns)
        sets.append(TrainingSet(QUESTIONS, known, options.loss, columns))
    if texts is not None:
        sets.append(TrainingSet(TEXTS, texts.format, options.texts_loss, texts.columns))
    return sets
