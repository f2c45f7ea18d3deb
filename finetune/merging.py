"""Averages of the base's and the trained weights, of which validation chooses one.

Weight averaging of a fine-tuned model with its base keeps what the base knew of other texts
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch

Model = TypeVar("Model", bound=torch.nn.Module)
State = Mapping[str, torch.Tensor]


def choose_weight(
    model: Model,
    trained: State,
    weights: Sequence[float],
    score: Callable[[Model], float],
    known: Mapping[float, float],
) -> tuple[float, dict[float, float]]:
    """Leave in ``model`` (which holds the base) the best average; its weight, and all scores.

    ``known`` scores are not measured again. Of equal scores the one nearer to the base wins.
    """
    base = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    scores: dict[float, float] = {}
    for weight in sorted(weights):
        if weight in known:
            scores[weight] = known[weight]
        else:
            model.load_state_dict(average(base, trained, weight))
            scores[weight] = score(model)
    best = max(scores, key=lambda weight: scores[weight])
    model.load_state_dict(average(base, trained, best))
    return best, scores


def average(base: State, trained: State, weight: float) -> dict[str, torch.Tensor]:
    """``(1 − weight) · base + weight · trained``; what is not a real number stays the base's."""
    return {
        name: torch.lerp(tensor, trained[name].to(tensor), weight)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in base.items()
    }
