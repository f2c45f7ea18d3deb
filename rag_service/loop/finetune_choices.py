"""What whoever starts a fine-tuning chooses, and the options that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from finetune.options import DataOptions, TrainOptions
from finetune.own_questions import load_questions
from finetune.training_sets import check_options
from rag_service.core.errors import ConfigError
from rag_service.core.settings import Settings
from rag_service.loop.training import FinetuneOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneChoices:
    """Said as the options of `ragloop improve` say it."""

    questions: int
    llm_questions: int
    llm_insisted: bool
    """Whether it is an error if no LLM is there to write its questions."""
    llm_minutes: float
    max_questions: int
    negatives: int
    loss: str
    dims: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    processes: int
    adapter: bool
    questions_file: Path | None = None
    train_data: Path | None = None
    data_format: str = "pairs"
    only_own: bool = False

    def options(self, settings: Settings) -> FinetuneOptions:
        """Raises ConfigError or DataError if they do not go together."""
        if self.only_own and not (self.questions_file or self.train_data):
            raise ConfigError("--only-own needs --questions-file or --train-data")
        own = self.only_own and self.questions_file is not None
        by_llm = 0 if settings.llm == "none" or own else self.llm_questions
        if by_llm < self.llm_questions and self.llm_insisted:
            raise ConfigError(
                f"--llm-questions {self.llm_questions} and --only-own do not go together: leave "
                "out one"
                if own
                else f"--llm-questions {self.llm_questions} needs an LLM, and RAGLOOP_LLM is none: "
                "set it to embedded or another LLM, or leave the option out"
            )
        by_templates, by_llm = _within(self.max_questions, self.questions, by_llm)
        options = FinetuneOptions(
            data=DataOptions(
                max_questions=by_templates,
                max_llm_questions=by_llm,
                max_minutes=self.llm_minutes,
                questions_file=_path(self.questions_file),
                max_question_chars=settings.max_question_chars if self.questions_file else 0,
                only_own=own,
                seed=settings.seed,
            ),
            training=TrainOptions(
                epochs=self.epochs,
                batch_size=self.batch_size,
                loss="" if self.train_data else self.loss,
                learning_rate=self.learning_rate,
                dims=tuple(sorted(set(self.dims), reverse=True)),
                patience=self.patience,
                texts_file=_path(self.train_data),
                texts_format=self.data_format,
                texts_loss=self.loss if self.train_data else "",
                texts_only=self.only_own and self.questions_file is None,
                processes=self.processes,
                adapter=self.adapter,
                precision=settings.arithmetic,
                seed=settings.seed,
            ),
            negatives=self.negatives,
        )
        check_options(options.training, hard_negatives=self.negatives > 0)
        if self.questions_file:
            load_questions(self.questions_file, settings.max_question_chars)
        return options


def _within(limit: int, by_templates: int, by_llm: int) -> tuple[int, int]:
    """Both numbers, made smaller alike until they are at most ``limit`` together."""
    wanted = by_templates + by_llm
    if not 0 < limit < wanted:
        return by_templates, by_llm
    by_llm = by_llm * limit // wanted
    return limit - by_llm, by_llm


def _path(path: Path | None) -> str:
    return str(path.absolute()) if path else ""
