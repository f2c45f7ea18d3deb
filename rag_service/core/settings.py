"""Every setting, read from the environment in this one place."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag_service.core.addresses import without_secrets
from rag_service.core.errors import ConfigError
from rag_service.core.types import Rate, Stage

_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = rf"^([1-9]\d{{0,8}}/({'|'.join(_PERIODS)}))?$"


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ragloop"


class Settings(BaseSettings):
    """``RAGLOOP_<NAME>`` in the environment sets the field ``<name>``."""

    model_config = SettingsConfigDict(env_prefix="RAGLOOP_", frozen=True, extra="ignore")

    home: Path = Field(Path("var"), description="Folder of all data of one installation.")
    cache: Path = Field(
        default_factory=_default_cache, description="Folder of pulled weights, shared by homes."
    )
    secrets: str = Field(
        "",
        description="Folder whose files are settings too, such as ragloop_redis_url; the "
        "environment comes before them.",
    )
    redis_url: str = Field(
        "", description="Redis with the query engine; empty: the embedded server."
    )
    jobs_url: str = Field(
        "",
        description="Redis for the worker's jobs, of any kind but a cluster; empty: the one of "
        "RAGLOOP_REDIS_URL, which then must be a single one too.",
    )
    namespace: str = Field(
        "ragloop", pattern=r"^[a-z][a-z0-9-]{0,30}$", description="Prefix of every Redis key."
    )
    embedding_model: str = Field(
        "BAAI/bge-small-en-v1.5",
        description="Base embedding model: a pulled or hub name, or a folder.",
    )
    precision: Literal[
        "auto", "float32", "bfloat16", "int8", "onnx-float32", "onnx-int8",
        "openvino-float32", "openvino-bfloat16", "openvino-int8",
    ] = Field(
        "auto",
        description="What computes the encoder; auto: the fastest that was measured here and stays "
        "within tolerance, int8: the fastest of 8 bits. float32 and bfloat16 are torch, and hold "
        "for training, the reranker and hf: models too, which else take bfloat16 where native.",
    )  # fmt: skip
    batch_size: int = Field(32, ge=1, le=4096, description="Texts in one encoder batch.")
    engine: Literal["local", "ray"] = Field(
        "local",
        description="What ingestion and reindexing run on: this machine, or the actors of Ray.",
    )
    ray_address: str = Field(
        "",
        description="HOST:PORT of a Ray cluster that this machine is a node of; empty: the engine "
        "ray starts a Ray of its own.",
    )
    ray_actors: int = Field(
        0, ge=0, le=100_000, description="Actors that encode; 0: one a GPU, or else a processor."
    )
    llm: str = Field(
        "embedded",
        description="embedded, ollama:MODEL, openai:MODEL, hf:NAME_OR_FOLDER, or none.",
    )
    llm_requests: int = Field(
        8,
        ge=1,
        le=512,
        description="Requests to the LLM at once, and the batch of hf: models; embedded takes one.",
    )
    llm_timeout: float = Field(120.0, gt=0, description="Seconds to wait for the LLM.")
    ollama_host: str = Field("http://127.0.0.1:11434", description="Address of Ollama.")
    openai_base_url: str = Field("", description="Address of an OpenAI-compatible server.")
    openai_api_key: str = Field("", repr=False, description="Key for that server.")
    pdf_strategy: Literal["rows", "fast", "hi_res"] = Field(
        "rows", description="rows keeps table rows whole; fast and hi_res are unstructured's."
    )
    chunk_tokens: int = Field(220, ge=64, le=8192, description="Longest chunk, in model tokens.")
    max_file_mb: int = Field(200, ge=1, description="Larger files are refused.")
    min_free_mb: int = Field(
        1024, ge=0, description="Uploads that leave less of home's disk free are refused."
    )
    max_pages: int = Field(2000, ge=1, description="Longer files are refused.")
    parse_seconds: int = Field(300, ge=1, description="Time limit for reading one file.")
    parse_memory_mb: int = Field(4096, ge=512, description="Memory limit for reading one file.")
    stages: str = Field(
        "vectors,text,scope,glossary,pages",
        description="What a search goes through, of vectors, text, scope, glossary, pages, rerank.",
    )
    reranker: str = Field(
        "",
        description="Cross-encoder of the stage rerank: a pulled or hub name, a folder, or one "
        "that `ragloop finetune-reranker` made.",
    )
    glossary: Path | None = Field(
        None, description="TOML file of words that people and filings use for the same thing."
    )
    query_batch: int = Field(
        32, ge=1, description="Questions that a service encodes together; 1: one after the other."
    )
    query_cache: int = Field(
        4096, ge=0, description="Vectors of questions that a service keeps; 0: none."
    )
    answer_cache_seconds: int = Field(
        3600, ge=0, description="For so long an answer may be given again; 0: never."
    )
    max_body_kb: int = Field(256, ge=1, description="Larger requests to the service are refused.")
    max_question_chars: int = Field(2000, ge=1, description="Longer questions are refused.")
    keep_releases: int = Field(3, ge=2, description="Older retired or refused releases go.")
    index_algorithm: Literal["hnsw", "flat"] = Field(
        "hnsw", description="How a new index is searched; flat compares with every vector."
    )
    index_datatype: Literal["float32", "float16"] = Field(
        "float32", description="Numbers of the vectors in a new index."
    )
    hnsw_m: int = Field(16, ge=2, le=512)
    hnsw_ef_construction: int = Field(100, ge=4, le=4096)
    hnsw_ef_runtime: int = Field(64, ge=4, le=4096)
    reindex_latency_ratio: float = Field(
        2.0,
        gt=1,
        description="How many times as long live searches (p95) may take while one reindexes.",
    )
    host: str = Field("127.0.0.1", description="Address that the service listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port that the service listens on.")
    auth: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether requests need an API key; auto: unless they come straight to the "
        "loopback interface.",
    )
    allowed_hosts: str = Field(
        "",
        description="Names that the service is called by beside localhost and addresses, with "
        "commas between; *: any. Empty: any where a key is needed.",
    )
    rate_ask: str = Field(
        "120/minute",
        pattern=_RATE,
        description="Questions that one key may ask; empty: any number. Where no key is needed, "
        "one address off this machine.",
    )
    rate_read: str = Field("1200/minute", pattern=_RATE, description="The same of what is read.")
    rate_ingest: str = Field("300/minute", pattern=_RATE, description="The same of documents.")
    rate_operate: str = Field("60/minute", pattern=_RATE, description="The same of operating.")
    max_connections: int = Field(
        500, ge=1, description="Connections to one process; further ones get 503."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Of the lines on stderr; json: one object a line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Of the lines on stderr; what is less serious is not told."
    )
    log_questions: bool = Field(
        False, description="on: the log tells what was asked. Otherwise no question is written."
    )
    traces: str = Field(
        default_factory=lambda: os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        description="Collector that traces are sent to (OTLP over HTTP), such as "
        "http://collector:4318; by default that of OTEL_EXPORTER_OTLP_ENDPOINT, or none.",
    )
    seed: int = Field(13, ge=0, description="Seed of sampling, splitting and training.")

    @field_validator("llm")
    @classmethod
    def _known_llm(cls, value: str) -> str:
        kind, _, model = value.partition(":")
        if kind in {"embedded", "none"} and not model:
            return value
        if kind in {"ollama", "openai", "hf"} and model:
            return value
        raise ValueError("use embedded, none, ollama:MODEL, openai:MODEL or hf:NAME_OR_FOLDER")

    @field_validator("stages")
    @classmethod
    def _known_stages(cls, value: str) -> str:
        parse_stages(value)
        return value

    @field_validator("home", "cache")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        for name, value in super().__repr_args__():
            yield name, _shown(value)

    @property
    def arithmetic(self) -> Literal["auto", "float32", "bfloat16"]:
        """``precision`` for all that torch computes beside the encoder."""
        if self.precision == "float32" or self.precision == "bfloat16":
            return self.precision
        return "auto"

    @property
    def needs_keys(self) -> bool:
        """Whether there are requests that an API key is needed for."""
        return self.auth == "on" or (self.auth == "auto" and not is_loopback(self.host))

    @property
    def named_hosts(self) -> frozenset[str]:
        """``allowed_hosts`` as names."""
        names = (name.strip().lower() for name in self.allowed_hosts.split(","))
        return frozenset(name for name in names if name)

    @cached_property
    def rates(self) -> Mapping[str, Rate | None]:
        """By what is asked for: ``ask``, ``read``, ``ingest``, ``operate``."""
        kinds = ("ask", "read", "ingest", "operate")
        return {kind: _rate(getattr(self, f"rate_{kind}")) for kind in kinds}


def is_loopback(host: str) -> bool:
    """Whether an address that is listened on or comes from is reached from this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(value: object) -> object:
    """A setting's value without what logs in somewhere."""
    if isinstance(value, str) and ("://" in value or "@" in value):
        return without_secrets(value)
    return value


def _rate(text: str) -> Rate | None:
    amount, _, period = text.partition("/")
    return Rate(int(amount), _PERIODS[period]) if text else None


def parse_stages(text: str) -> frozenset[Stage]:
    """The stages that a list such as ``vectors,scope`` names.

    Raises ValueError for one that there is not, or where nothing would be searched by.
    """
    named = frozenset(name.strip() for name in text.split(",") if name.strip())
    stages: frozenset[Stage] = frozenset(stage for stage in get_args(Stage) if stage in named)
    if len(stages) < len(named) or not stages & {"vectors", "text"}:
        raise ValueError(
            f"stages are {', '.join(get_args(Stage))}, with vectors or text or both among them"
        )
    return stages


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, and from the files of the folder that RAGLOOP_SECRETS names.

    Raises ConfigError that names each wrong variable.
    """
    secrets = os.environ.get("RAGLOOP_SECRETS") or None
    if secrets and not Path(secrets).is_dir():
        raise ConfigError(f"RAGLOOP_SECRETS={secrets} is no folder: make it, or unset the variable")
    try:
        return Settings(_secrets_dir=secrets, **overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = "; ".join(
            f"RAGLOOP_{str(e['loc'][0]).upper()}={_shown(e['input'])!r}: {e['msg']}"
            for e in error.errors()
        )
        raise ConfigError(f"wrong settings: {wrong}") from error
