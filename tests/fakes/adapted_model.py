"""A saved model with a query adapter behind it."""

from pathlib import Path

from rag_service.core.types import ModelCard


def adapted_model(base: ModelCard, target: Path, *, seed: int = 0) -> Path:
    """Save ``base`` in ``target`` with a map for queries that is a little off the identity."""
    import torch

    from finetune.adapter import save_adapted

    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(base.dims, base.dims, generator=random) / base.dims**0.5
    save_adapted(base, Path(base.path), torch.eye(base.dims) + 0.2 * noise, target)
    return target
