"""The options of fine-tuning, declared once for all commands that train."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from rag_service.core.settings import Settings

MakeOptions = Callable[[Settings], Any]
"""Makes FinetuneOptions; raises ConfigError or DataError if they do not go together."""

_QUESTIONS, _TRAINING, _OWN = "Questions", "Training", "Your own data"


def _option(panel: str, text: str, *names: str, **limits: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **limits)


def finetune_flags(**defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options below, with other ``defaults`` for some.

    The command takes them as its argument ``flags``, a function that makes FinetuneOptions of
    them for given settings.
    """

    def add(command: Callable[..., None]) -> Callable[..., None]:
        own = dict(inspect.signature(command, eval_str=True).parameters)
        del own["flags"]
        as_json = own.pop("as_json")
        shared = {
            name: parameter.replace(default=defaults.get(name, parameter.default))
            for name, parameter in inspect.signature(_flags, eval_str=True).parameters.items()
        }

        @wraps(command)
        def run(**given: Any) -> None:
            chosen = {name: given.pop(name) for name in shared}
            command(flags=_flags(**chosen), **given)

        parameters = [*own.values(), *shared.values(), as_json]
        # What typer reads; the wrapped function's own would name ``flags``.
        vars(run)["__signature__"] = inspect.Signature(
            [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        )
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return add


def _flags(
    context: typer.Context,
    questions: Annotated[
        int, _option(_QUESTIONS, "Template questions to train on, at most.", min=50)
    ] = 2400,
    llm_questions: Annotated[
        int, _option(_QUESTIONS, "Questions that the LLM writes, at most.", min=0)
    ] = 200,
    llm_minutes: Annotated[
        float,
        _option(
            _QUESTIONS,
            "Longest time that the LLM may take.",
            "--llm-minutes",
            "--max-minutes",
            min=0.0,
        ),
    ] = 20.0,
    max_questions: Annotated[
        int, _option(_QUESTIONS, "Both kinds of questions together, at most; 0: no limit.", min=0)
    ] = 0,
    negatives: Annotated[
        int,
        _option(
            _QUESTIONS, "Hard negatives a question, from the live index and BM25.", min=0, max=16
        ),
    ] = 1,
    questions_file: Annotated[
        Path | None,
        _option(_OWN, "CSV or JSONL: question, and the chunk_id, page or passage that answers."),
    ] = None,
    train_data: Annotated[
        Path | None, _option(_OWN, "CSV or JSONL of texts to train on as they stand.")
    ] = None,
    data_format: Annotated[
        str, _option(_OWN, "Of --train-data: pairs, triplets, scored or labelled.", "--format")
    ] = "pairs",
    only_own: Annotated[bool, _option(_OWN, "Train on your own data alone.", "--only-own")] = False,
    loss: Annotated[
        str, _option(_TRAINING, "Loss of --train-data, or else of the questions.")
    ] = "",
    dims: Annotated[
        str, _option(_TRAINING, "Shorter vectors to train as well, such as 256,128.")
    ] = "",
    epochs: Annotated[int, _option(_TRAINING, "Passes over the training pairs.", min=1)] = 1,
    batch_size: Annotated[
        int, _option(_TRAINING, "Pairs in one training batch; 0: what fits.", min=0)
    ] = 0,
    learning_rate: Annotated[
        float, _option(_TRAINING, "Highest step size; 0: by the model's size.", min=0.0, max=1.0)
    ] = 0.0,
    patience: Annotated[
        int, _option(_TRAINING, "Checkpoints without gain until training stops; 0: never.", min=0)
    ] = 3,
    processes: Annotated[
        int, _option(_TRAINING, "Processes that train together; 0: one a GPU.", min=0, max=64)
    ] = 0,
    adapter: Annotated[
        bool,
        _option(_TRAINING, "Train a linear map for queries alone: no new vectors.", "--adapter"),
    ] = False,
) -> MakeOptions:
    def make(settings: Settings) -> Any:
        from rag_service.loop.finetune_choices import FinetuneChoices

        choices = FinetuneChoices(
            questions=questions,
            llm_questions=llm_questions,
            llm_insisted=_given(context, "llm_questions"),
            llm_minutes=llm_minutes,
            max_questions=max_questions,
            negatives=negatives,
            loss=loss,
            dims=_dims(dims),
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            patience=patience,
            processes=processes,
            adapter=adapter,
            questions_file=questions_file,
            train_data=train_data,
            data_format=data_format,
            only_own=only_own,
        )
        return choices.options(settings)

    return make


def _given(context: typer.Context, name: str) -> bool:
    """Whether the user set an option; another default than the user's may give way silently."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _dims(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise typer.BadParameter(f"expected 256,128 or the like, not {text!r}", param_hint="--dims")
    return tuple(int(part) for part in parts)
