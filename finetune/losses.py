"""Which loss fits which format of training texts, and the loss itself.

Distances are those of the cosine, since serving compares vectors by it. The libraries' margin of
5 is made for vectors of any length; between directions no distance reaches it, so margins here
are parts of a cosine.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.formats import Format, TextData
from rag_service.core.errors import ConfigError, DataError

RANKING, CACHED_RANKING = "MultipleNegativesRankingLoss", "CachedMultipleNegativesRankingLoss"
_BATCH_TRIPLETS = (
    "BatchAllTripletLoss",
    "BatchHardTripletLoss",
    "BatchSemiHardTripletLoss",
    "BatchHardSoftMarginTripletLoss",
)
LOSSES: Mapping[str, tuple[Format, ...]] = {
    RANKING: ("pairs", "triplets"),
    CACHED_RANKING: ("pairs", "triplets"),
    "TripletLoss": ("triplets",),
    "CosineSimilarityLoss": ("scored",),
    "ContrastiveLoss": ("scored",),
    **dict.fromkeys(_BATCH_TRIPLETS, ("labelled",)),
}
"""Formats that each loss learns from; any of them works at several dimensions at once."""
ONE_PROCESS: Format = "labelled"
"""The library puts no gradient exchange around the model that its losses hold."""
_SHOWN: Mapping[Format, str] = {
    "pairs": "pairs (anchor, positive)",
    "triplets": "triplets (anchor, positive, negative)",
    "scored": "scored pairs (a, b, score)",
    "labelled": "labelled texts (text, label)",
}
_MARGIN = 0.25
_LOSS_ROWS = 256
"""Rows of the score matrix that a cached loss holds at once."""


def losses_for(data_format: Format) -> list[str]:
    """Names of the losses that fit, the default first."""
    return [name for name, formats in LOSSES.items() if data_format in formats]


def check_loss(name: str, data_format: Format, *, processes: int = 1) -> None:
    """Refuse a loss; ``""`` is the default of the format.

    Raises:
        ConfigError: there is no such loss, or it does not fit; the message lists those that do.
    """
    fitting = losses_for(data_format)
    if name and name not in LOSSES:
        raise ConfigError(
            f"no loss {name!r}; for {_SHOWN[data_format]} there are {', '.join(fitting)}"
        )
    if name and data_format not in LOSSES[name]:
        wanted = " or ".join(_SHOWN[known] for known in LOSSES[name])
        raise ConfigError(
            f"{name} does not fit {_SHOWN[data_format]}: it learns from {wanted}; "
            f"for {data_format} there are {', '.join(fitting)}"
        )
    if processes > 1 and data_format == ONE_PROCESS:
        raise ConfigError(f"{name or fitting[0]} trains in one process: leave out --processes")


def check_scores(name: str, data: TextData) -> None:
    """Raises DataError naming a row whose score ``name`` cannot learn from."""
    if name == "ContrastiveLoss":
        for score, place in zip(data.columns["score"], data.places, strict=True):
            if score not in (0, 1):
                raise DataError(
                    f"{place}: score is {score:g}, and ContrastiveLoss learns from 0 and 1 alone; "
                    "CosineSimilarityLoss takes what lies between"
                )


def default_loss(data_format: Format, *, split: bool) -> str:
    """The loss for a format; ``split``: its batches are too large for the memory of a GPU."""
    if data_format in ("pairs", "triplets"):
        return CACHED_RANKING if split else RANKING
    return losses_for(data_format)[0]


def make_loss(
    model: Any, name: str, dims: Sequence[int], own: int, *, mini_tokens: int, gather: bool
) -> Any:
    """The loss on ``model``, of ``own`` dimensions, at all of ``dims`` at once.

    Args:
        model: a SentenceTransformer.
        name: one of ``LOSSES``.
        dims: dimensions at which it is computed, each on the beginning of the vectors.
        own: dimensions of the model's vectors.
        mini_tokens: tokens that a cached loss encodes at once.
        gather: in-batch negatives come from the batches of all processes.
    """
    from sentence_transformers.sentence_transformer import losses

    made = getattr(losses, name)
    if name == RANKING:
        loss = made(model, gather_across_devices=gather)
    elif name == CACHED_RANKING:
        loss = made(
            model,
            mini_batch_size=_LOSS_ROWS,
            mini_batch_num_tokens=mini_tokens,
            gather_across_devices=gather,
        )
    elif name == "TripletLoss":
        loss = made(model, losses.TripletDistanceMetric.COSINE, _MARGIN)
    elif name == "BatchHardSoftMarginTripletLoss":
        loss = made(model, losses.BatchHardTripletLossDistanceFunction.cosine_distance)
    elif name in _BATCH_TRIPLETS:
        loss = made(model, losses.BatchHardTripletLossDistanceFunction.cosine_distance, _MARGIN)
    else:
        loss = made(model)
    return loss if tuple(dims) == (own,) else losses.MatryoshkaLoss(model, loss, list(dims))
