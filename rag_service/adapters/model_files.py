"""A sentence-transformers folder as files: its modules, its prompts, its fingerprint."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rag_service.core.errors import ModelError

_KEPT = {".json", ".txt", ".safetensors", ".model", ".md"}
"""Suffixes of the files of a model; pickled weights and other formats are not taken over."""

_PROVENANCE = {"_name_or_path", "transformers_version", "torch_dtype", "dtype", "__version__"}
"""Keys of a configuration that say where a model came from, not what it computes."""

_FAMILIES = (
    (
        re.compile(r"\bbge-(small|base|large)-en(-v1\.5)?\b"),
        "Represent this sentence for searching relevant passages: ",
        "",
    ),
    (re.compile(r"\be5-(small|base|large)(-v2)?\b"), "query: ", "passage: "),
)
"""Instructions that a family was trained with, for folders saved without them."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """What is put before a query and before a document."""

    query: str
    document: str


def modules(folder: Path) -> list[tuple[str, Path]]:
    """Class name and folder of every module, in order.

    Raises:
        ModelError: the folder is not a sentence-transformers model with safetensors weights.
    """
    listing = folder / "modules.json"
    if not listing.is_file():
        raise ModelError(f"{folder} is no sentence-transformers model: it has no modules.json")
    try:
        named = [(PurePosixPath(module["path"]), module["type"]) for module in _json(listing)]
    except (TypeError, KeyError) as error:
        raise ModelError(f"{listing} does not list modules with path and type") from error
    if not named:
        raise ModelError(f"{listing} lists no module")
    for path, _ in named:
        if path.is_absolute() or ".." in path.parts:
            raise ModelError(f"{listing} names a module outside its folder: {path}")
    found = [(str(kind).rpartition(".")[2], folder / path) for path, kind in named]
    first = found[0][1]
    for needed in ("*.safetensors", "tokenizer.json"):
        if not any(first.glob(needed)):
            raise ModelError(
                f"{first} has no {needed.lstrip('*')} file. Save the model with a current "
                "sentence-transformers, which writes it."
            )
    return found


def read_prompts(folder: Path, name: str) -> Prompts:
    """The prompts saved in ``folder``, or those of the family that ``name`` belongs to."""
    path = folder / "config_sentence_transformers.json"
    saved = (_json(path).get("prompts") or {}) if path.is_file() else {}
    query, document = saved.get("query") or "", saved.get("document") or saved.get("passage") or ""
    if query or document:
        return Prompts(query, document)
    for family, query, document in _FAMILIES:
        if family.search(name.lower()):
            return Prompts(query, document)
    return Prompts("", "")


def fingerprint(folder: Path, prompts: Prompts) -> str:
    """``m`` and 16 hex digits over all that decides the vectors, and nothing else.

    That is the weights, the tokenizer, each module's class and configuration (pooling,
    dimensions, longest input, normalisation) and the prompts; not names, paths or file times.
    """
    digest = hashlib.sha256()

    def feed(label: str, content: bytes) -> None:
        digest.update(f"{label}\0{len(content)}\0".encode())
        digest.update(content)

    feed("prompts", json.dumps([prompts.query, prompts.document]).encode())
    for kind, place in modules(folder):
        feed("module", kind.encode())
        for path in sorted(place.glob("*.safetensors")):
            with path.open("rb") as stream:
                feed("weights", hashlib.file_digest(stream, "sha256").digest())
        for path in sorted([*place.glob("*config.json"), *place.glob("tokenizer.json")]):
            if path.name == "tokenizer_config.json":
                feed(path.name, str(_json(path).get("model_max_length")).encode())
            elif path.name == "tokenizer.json":
                feed(path.name, path.read_bytes())
            else:
                config = {k: v for k, v in _json(path).items() if k not in _PROVENANCE}
                feed(path.name, json.dumps(config, sort_keys=True).encode())
    return f"m{digest.hexdigest()[:16]}"


def copy_model(folder: Path, target: Path) -> None:
    """Copy the files of the model in ``folder``, and no others, into the new ``target``."""
    places = {place for _, place in modules(folder)} | {folder}
    for place in sorted(places):
        kept = target / place.relative_to(folder)
        kept.mkdir(parents=True, exist_ok=True)
        if not place.is_dir():
            continue  # a module without settings has no folder in some copies
        for path in place.iterdir():
            if path.is_file() and path.suffix in _KEPT:
                shutil.copyfile(path, kept / path.name)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
