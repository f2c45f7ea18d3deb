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

_ROUTERS = {"Router", "Asym"}
"""Classes of the module that sends queries and documents different ways."""

_ADAPTERS = {"Dense", "Normalize"}
"""Classes of the modules that queries may pass through alone."""

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

    The modules that a query adapter routes queries through stand behind it.

    Raises:
        ModelError: the folder is not a sentence-transformers model with safetensors weights, or
            routes texts in another way than a query adapter does.
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
    found: list[tuple[str, Path]] = []
    for position, (path, type_) in enumerate(named, 1):
        kind = str(type_).rpartition(".")[2]
        found.append((kind, folder / path))
        if kind in _ROUTERS:
            found += _query_modules(folder / path, last=position == len(named))
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
    return fingerprints(folder, prompts)[0]


def fingerprints(folder: Path, prompts: Prompts) -> tuple[str, str]:
    """The model's fingerprint, and that of the model whose document vectors it has.

    The second is that of the same model without its query adapter; ``""`` if it has none.
    """
    digest = hashlib.sha256()
    documents_like = ""

    def named() -> str:
        return f"m{digest.hexdigest()[:16]}"

    def feed(label: str, content: bytes) -> None:
        digest.update(f"{label}\0{len(content)}\0".encode())
        digest.update(content)

    feed("prompts", json.dumps([prompts.query, prompts.document]).encode())
    for kind, place in modules(folder):
        if kind in _ROUTERS:
            documents_like = named()
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
    return named(), documents_like


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


def _query_modules(router: Path, *, last: bool) -> list[tuple[str, Path]]:
    """Class name and folder of the modules that a query adapter sends queries through.

    Raises:
        ModelError: it does anything to documents, whose vectors would then not be those of the
            modules before it, or has other modules than ``_ADAPTERS``.
    """
    path = router / "router_config.json"
    if not path.is_file():
        raise ModelError(f"{router} has no {path.name}")
    config = _json(path)
    try:
        types, routes, parameters = config["types"], config["structure"], config["parameters"]
        queries_alone = (
            last
            and routes.keys() == {"query", "document"}
            and not routes["document"]
            and routes["query"] == list(types)
            and parameters["default_route"] == "document"
            and not parameters.get("route_mappings")
        )
        found = [(str(types[name]).rpartition(".")[2], router / name) for name in types]
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path} does not list modules, routes and the default route") from error
    if not queries_alone or not {kind for kind, _ in found} <= _ADAPTERS:
        raise ModelError(
            f"{path}: a model may send queries another way than documents only as its last step, "
            f"through {' and '.join(sorted(_ADAPTERS))}, and must leave documents as they are"
        )
    for kind, place in found:
        if place.parent != router or place.name == "..":
            raise ModelError(f"{path} names a module outside its folder: {place}")
        if kind == "Dense" and not (place / "model.safetensors").is_file():
            raise ModelError(f"{place} has no model.safetensors file")
    return found
