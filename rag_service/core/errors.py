"""Every error that Ragloop raises on purpose.

RagloopError
├── ConfigError            a setting, or a service that a setting names, is wrong or missing
├── InvalidRequest         what the caller asked cannot be answered as asked
│   └── NotFound           a release, document, model or job of that name does not exist
├── IngestError            one file cannot be read; the others go on
├── StoreError             Redis refused
│   ├── StoreUnavailable   Redis is not reached (retryable)
│   ├── IndexMissing       a physical index is gone
│   └── ReleaseConflict    the live release moved meanwhile (retryable)
├── ModelError             an embedding model cannot be loaded, trained or used
│   ├── UnknownModel       no model of that name, or none of the kind that is wanted, can be had
│   └── TrainingInterrupted  a process that trained along is gone (retryable)
├── GenerationError        the LLM failed
│   ├── GenerationTimeout  it did not answer in time
│   └── OutsideSchema      it answered, but not with a whole document of its schema
├── ServiceUnavailable     a client's service does not answer (retryable)
├── DataError              a question set or training file has a wrong row
├── GateRejected           the gate said no
└── JobRunning             another job of this home runs (retryable)
"""

from __future__ import annotations

from typing import ClassVar


class RagloopError(Exception):
    """Base of all: ``code`` is stable for programs, the message says what to do.

    ``exit_status`` is what the command line ends with: 1 refused, 2 usage or configuration.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def as_dict(self) -> dict[str, object]:
        """The document ``{code, message, retryable}`` that stands under ``error``."""
        return {"code": self.code, "message": self.message, "retryable": self.retryable}


class ConfigError(RagloopError):
    code = "config"
    exit_status = 2


class InvalidRequest(RagloopError):
    code = "invalid_request"
    exit_status = 2


class NotFound(InvalidRequest):
    code = "not_found"


class IngestError(RagloopError):
    """``code`` of one refused file is its reason's short name, such as ``encrypted``."""

    code = "ingest"

    def __init__(self, message: str, *, reason: str = "unreadable") -> None:
        super().__init__(message)
        self.reason = reason

    def as_dict(self) -> dict[str, object]:
        """The document with ``reason`` beside it."""
        return {**super().as_dict(), "reason": self.reason}


class StoreError(RagloopError):
    code = "store"


class StoreUnavailable(StoreError):
    code = "store_unavailable"
    retryable = True


class IndexMissing(StoreError):
    code = "index_missing"


class ReleaseConflict(StoreError):
    code = "release_conflict"
    retryable = True


class ModelError(RagloopError):
    code = "model"


class UnknownModel(ModelError):
    exit_status = 2


class TrainingInterrupted(ModelError):
    """A process is gone that others trained with; the training goes on from its checkpoint."""

    code = "training_interrupted"
    retryable = True


class GenerationError(RagloopError):
    code = "generation"
    retryable = True


class GenerationTimeout(GenerationError):
    code = "generation_timeout"


class OutsideSchema(GenerationError):
    code = "outside_schema"


class ServiceUnavailable(RagloopError):
    code = "service_unavailable"
    retryable = True


class DataError(RagloopError):
    code = "data"
    exit_status = 2


class GateRejected(RagloopError):
    code = "gate_rejected"


class JobRunning(RagloopError):
    code = "job_running"
    retryable = True
