"""What a job can be asked for, by its kind; checked before it is queued."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag_service.core.errors import ConfigError, DataError, InvalidRequest
from rag_service.core.protocols import ModelRegistry
from rag_service.core.settings import Settings
from rag_service.core.types import Algorithm, JobKind, VectorType

UPLOADS = "uploads"
"""Folder of a home: files that a job may ingest lie in it, so that nobody chooses another path."""
_DEFAULT_LLM_QUESTIONS = 200


class Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IngestArguments(Arguments):
    paths: list[Annotated[str, Field(min_length=1, max_length=1000)]] = Field(
        min_length=1, max_length=1000, description="Files among the uploads of this home."
    )


class FinetuneArguments(Arguments):
    """As the options of the command; files of one's own are for the command line alone."""

    questions: int = Field(2400, ge=50, le=1_000_000, description="Template questions, at most.")
    llm_questions: int | None = Field(
        None, ge=0, le=1_000_000, description="Questions that the LLM writes, at most."
    )
    llm_minutes: float = Field(20.0, ge=0, le=100_000, description="Longest time of the LLM.")
    max_questions: int = Field(0, ge=0, le=1_000_000, description="Both together; 0: no limit.")
    negatives: int = Field(1, ge=0, le=16, description="Hard negatives a question.")
    loss: str = Field("", max_length=100)
    dims: list[Annotated[int, Field(ge=1, le=100_000)]] = Field(
        [], max_length=10, description="Shorter vectors to train as well."
    )
    epochs: int = Field(1, ge=1, le=1000)
    batch_size: int = Field(0, ge=0, le=100_000, description="Pairs in a batch; 0: what fits.")
    learning_rate: float = Field(0.0, ge=0, le=1, description="0: by the model's size.")
    patience: int = Field(3, ge=0, le=1000, description="Checkpoints without gain; 0: no limit.")
    processes: int = Field(0, ge=0, le=64, description="Processes that train; 0: one a GPU.")
    adapter: bool = Field(False, description="Train a linear map for queries alone.")

    def options(self, settings: Settings) -> Any:
        """FinetuneOptions. Raises ConfigError if they do not go together."""
        from rag_service.loop.finetune_choices import FinetuneChoices

        insisted = bool(self.llm_questions)
        by_llm = _DEFAULT_LLM_QUESTIONS if self.llm_questions is None else self.llm_questions
        said = self.model_dump() | {"llm_questions": by_llm, "dims": tuple(self.dims)}
        return FinetuneChoices(**said, llm_insisted=insisted).options(settings)


class ReindexArguments(Arguments):
    model: str = Field(min_length=1, max_length=500, description="Fingerprint or name, registered.")
    dims: int = Field(0, ge=0, le=100_000, description="First dimensions to keep; 0: all.")
    algorithm: Algorithm | None = Field(None, description="RAGLOOP_INDEX_ALGORITHM unless set.")
    datatype: VectorType | None = Field(None, description="RAGLOOP_INDEX_DATATYPE unless set.")
    fresh: bool = Field(False, description="Encode every chunk; copy no vector.")


class JudgeArguments(Arguments):
    release: str = Field(
        min_length=1, max_length=100, description="A candidate, to compare with the live release."
    )


ARGUMENTS: Mapping[JobKind, type[Arguments]] = {
    "ingest": IngestArguments,
    "finetune": FinetuneArguments,
    "reindex": ReindexArguments,
    "judge": JudgeArguments,
    "improve": FinetuneArguments,
}


def check_arguments(
    kind: JobKind, arguments: Mapping[str, Any], settings: Settings, registry: ModelRegistry
) -> dict[str, Any]:
    """The arguments as the worker is to have them.

    Raises InvalidRequest that names what is wrong, or what these settings lack for it.
    """
    try:
        asked = ARGUMENTS[kind].model_validate(dict(arguments))
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidRequest(f"arguments of {kind}: {'; '.join(wrong)}") from error
    if isinstance(asked, IngestArguments):
        uploads = uploads_of(settings)
        return {"paths": [_uploaded(uploads, path) for path in asked.paths]}
    if isinstance(asked, ReindexArguments):
        return asked.model_dump() | {"model": _registered(registry, asked.model)}
    if isinstance(asked, JudgeArguments):
        return asked.model_dump()
    assert isinstance(asked, FinetuneArguments)
    try:
        asked.options(settings)
    except (ConfigError, DataError) as error:
        raise InvalidRequest(error.message) from error
    return asked.model_dump()


def uploads_of(settings: Settings) -> Path:
    """That folder, as paths of jobs are relative to."""
    return (settings.home / UPLOADS).resolve()


def _uploaded(uploads: Path, path: str) -> str:
    """Where it lies among the uploads."""
    try:
        file = (uploads / path).resolve()
    except (OSError, ValueError):  # a NUL, a loop of links
        file = uploads
    if uploads not in file.parents:
        raise InvalidRequest(
            "jobs ingest files that were uploaded with POST /v1/documents, and no others; "
            "`ragloop ingest` reads those of this machine"
        )
    if not file.exists():
        raise InvalidRequest(f"{file.name} is not kept once its job is over: send it again")
    return str(file.relative_to(uploads))


def _registered(registry: ModelRegistry, model: str) -> str:
    """Its fingerprint; the newest of a name. A name may else be a folder of this machine."""
    known = [card for card in registry.all() if model in (card.fingerprint, card.name)]
    if not known:
        raise InvalidRequest(
            f"no model {model[:100]!r} is registered: `ragloop models list` lists those that are"
        )
    return max(known, key=lambda card: card.created).fingerprint
