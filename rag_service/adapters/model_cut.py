"""The two modules behind a model that leave the first dimensions of its vectors, normalised.

They are plain modules of sentence-transformers, so that whatever loads the folder gives the same
vectors, and the fingerprint covers them: a linear one that is a slice of the identity, and a
normalisation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from rag_service.core.errors import ModelError

MODULES = ("Dense", "Normalize")
_WEIGHT = "linear.weight"


def append(folder: Path, width: int, dims: int) -> None:
    """Put them behind the modules of the model in ``folder``, whose vectors have ``width``."""
    from safetensors.numpy import save_file

    listing = folder / "modules.json"
    modules = json.loads(listing.read_text(encoding="utf-8"))
    for kind in MODULES:
        place = f"{len(modules)}_{kind}"
        (folder / place).mkdir()
        name = {"idx": len(modules), "name": str(len(modules)), "path": place}
        modules.append({**name, "type": f"sentence_transformers.models.{kind}"})
    listing.write_text(json.dumps(modules, indent=2), encoding="utf-8")
    linear = folder / modules[-2]["path"]
    (linear / "config.json").write_text(json.dumps(_config(width, dims), indent=2))
    matrix = np.eye(dims, width, dtype=np.float32)
    save_file({_WEIGHT: matrix}, linear / "model.safetensors", metadata={"format": "pt"})


def is_slice(linear: Path) -> bool:
    """Whether the linear module in this folder is such a slice.

    Raises:
        ModelError: its configuration says so, and its weights cannot be read.
    """
    config, weights = linear / "config.json", linear / "model.safetensors"
    if not (config.is_file() and weights.is_file()):
        return False
    try:
        saved = json.loads(config.read_text(encoding="utf-8"))
        width, dims = saved["in_features"], saved["out_features"]
    except (ValueError, TypeError, KeyError):
        return False
    if saved != _config(width, dims):
        return False
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(weights)
    except (SafetensorError, TypeError, KeyError) as error:
        raise ModelError(f"{weights} cannot be read: {error}") from error
    return tensors.keys() == {_WEIGHT} and np.array_equal(tensors[_WEIGHT], np.eye(dims, width))


def _config(width: int, dims: int) -> dict[str, Any]:
    return {
        "in_features": width,
        "out_features": dims,
        "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
