"""A second model of the shape and cost of another one, for benchmarks that swap or rebuild."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from rag_service.core.protocols import ModelRegistry
from rag_service.core.types import ModelCard

NOISE = 0.1
"""Standard deviation of what is added to the numbers of a tensor, in theirs."""


def noisy_model(registry: ModelRegistry, base: ModelCard, seed: int) -> ModelCard:
    """``base`` with seeded noise on its weights, registered: its vectors are others."""
    import torch
    from safetensors.torch import load_file, save_file

    random = torch.Generator().manual_seed(seed)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "model"
        ours = shutil.ignore_patterns("README.md", "ragloop.json")
        shutil.copytree(base.path, copy, ignore=ours)
        for path in sorted(copy.rglob("*.safetensors")):
            tensors = load_file(path)
            for name, tensor in tensors.items():
                if tensor.is_floating_point() and tensor.numel() > 1:
                    exact = tensor.float()
                    noise = torch.randn(tensor.shape, generator=random) * exact.std() * NOISE
                    tensors[name] = (exact + noise).to(tensor.dtype)
            save_file(tensors, path, metadata={"format": "pt"})
        return registry.add(copy, name=f"{base.name}+noise-{seed}", base=base.fingerprint)
