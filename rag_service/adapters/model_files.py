"""A sentence-transformers folder as files: its modules, its prompts, its fingerprint."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from rag_service.adapters import model_cut
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


class Module(NamedTuple):
    """A module's class, its folder, and whether queries alone pass through it."""

    kind: str
    place: Path
    queries_alone: bool = False


class Identity(NamedTuple):
    """A model's fingerprint, and those of two others that its files tell of, ``""`` where none.

    ``documents_like`` is the same model without its query adapter, ``cut_from`` the same with all
    its dimensions.
    """

    fingerprint: str
    documents_like: str
    cut_from: str


def modules(folder: Path) -> list[Module]:
    """Every module, in order; those of a query adapter stand behind its router.

    Raises:
        ModelError: the folder is not a sentence-transformers model with safetensors weights, or
            routes texts in another way than a query adapter does.
    """
    listed = _listed(folder)
    routed = len(listed) - 2 if _is_cut(listed) else len(listed)
    found: list[Module] = []
    for position, module in enumerate(listed, 1):
        if module.kind in _ROUTERS:
            found.append(module._replace(queries_alone=True))
            found += _query_modules(module.place, last=position == routed)
        else:
            found.append(module)
    first = found[0].place
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
    return identity(folder, prompts).fingerprint


def identity(folder: Path, prompts: Prompts) -> Identity:
    """The fingerprint of the model in ``folder``, with those of the models it is made from."""
    # Without what queries alone pass through, the digest is that of the documents' model.
    every, documents = hashlib.sha256(), hashlib.sha256()
    fed: tuple[hashlib._Hash, ...] = (every, documents)
    listed = modules(folder)
    cut_at = len(listed) - 2 if _is_cut(listed) else len(listed)
    cut_from = ""

    def feed(label: str, content: bytes) -> None:
        for digest in fed:
            digest.update(f"{label}\0{len(content)}\0".encode())
            digest.update(content)

    feed("prompts", json.dumps([prompts.query, prompts.document]).encode())
    for position, (kind, place, queries_alone) in enumerate(listed):
        if position == cut_at:
            cut_from = _named(every)
        fed = (every,) if queries_alone else (every, documents)
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
    adapted = any(module.queries_alone for module in listed)
    return Identity(_named(every), _named(documents) if adapted else "", cut_from)


def shape(folder: Path) -> str:
    """A name for the network's layers and widths, which models trained from one another share."""
    path = modules(folder)[0].place / "config.json"
    config = {k: v for k, v in _json(path).items() if k not in _PROVENANCE}
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def copy_model(folder: Path, target: Path, *, link: bool = False) -> None:
    """Copy the files of the model in ``folder``, and no others, into the new ``target``.

    With ``link`` weights are not stored twice where the file system can help it: only for files
    that nobody will change.
    """
    places = {module.place for module in modules(folder)} | {folder}
    for place in sorted(places):
        kept = target / place.relative_to(folder)
        kept.mkdir(parents=True, exist_ok=True)
        if not place.is_dir():
            continue  # a module without settings has no folder in some copies
        for path in place.iterdir():
            if not path.is_file() or path.suffix not in _KEPT:
                continue
            if not (link and path.suffix == ".safetensors" and _linked(path, kept)):
                shutil.copyfile(path, kept / path.name)


def save_cut(folder: Path, target: Path, prompts: Prompts, width: int, dims: int) -> None:
    """Save the model in ``folder``, whose vectors have ``width``, cut to the first ``dims``."""
    copy_model(folder, target, link=True)
    (target / "README.md").unlink(missing_ok=True)  # it is about the whole model
    model_cut.append(target, width, dims)
    settings = target / "config_sentence_transformers.json"
    saved = _json(settings) if settings.is_file() else {}
    saved["prompts"] = {"query": prompts.query, "document": prompts.document}
    settings.write_text(json.dumps(saved, indent=2))


def _linked(path: Path, folder: Path) -> bool:
    try:
        os.link(path, folder / path.name)
    except OSError:  # another file system, or one without links
        return False
    return True


def _named(digest: hashlib._Hash) -> str:
    return f"m{digest.hexdigest()[:16]}"


def _listed(folder: Path) -> list[Module]:
    """What ``modules.json`` lists."""
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
    return [Module(str(type_).rpartition(".")[2], folder / path) for path, type_ in named]


def _is_cut(listed: Sequence[Module]) -> bool:
    last = listed[-2:]
    kinds = tuple(module.kind for module in last)
    if kinds != model_cut.MODULES or any(module.queries_alone for module in last):
        return False
    return model_cut.is_slice(last[0].place)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path} is not JSON: {error}") from error


def _query_modules(router: Path, *, last: bool) -> list[Module]:
    """The modules that a query adapter sends queries through.

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
        found = [
            Module(str(types[name]).rpartition(".")[2], router / name, queries_alone=True)
            for name in types
        ]
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path} does not list modules, routes and the default route") from error
    if not queries_alone or not {module.kind for module in found} <= _ADAPTERS:
        raise ModelError(
            f"{path}: a model may send queries another way than documents only as its last step, "
            f"through {' and '.join(sorted(_ADAPTERS))}, and must leave documents as they are"
        )
    for kind, place, _ in found:
        if place.parent != router or place.name == "..":
            raise ModelError(f"{path} names a module outside its folder: {place}")
        if kind == "Dense" and not (place / "model.safetensors").is_file():
            raise ModelError(f"{place} has no model.safetensors file")
    return found
