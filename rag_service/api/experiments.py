"""The live experiment: how it stands, and what a response says of its part in it."""

from __future__ import annotations

from fastapi import APIRouter

from rag_service.answering.documents import Json
from rag_service.answering.experiments import Shown
from rag_service.api.deps import ServicesDep
from rag_service.api.security import Operate
from rag_service.loop.experiments import standings

router = APIRouter(prefix="/v1", tags=["experiment"], dependencies=[Operate])


@router.get("/experiment")
def experiment(services: ServicesDep) -> Json:
    """The experiment that runs, how it stands, and those before it."""
    return standings(services.experiments)


def marked(document: Json, shown: Shown) -> Json:
    """A response with the request's id for feedback, and the experiment that it is part of.

    Of interleaved hits nothing tells which release they are of: scores of two models are not of
    one scale either.
    """
    experiment = shown.experiment
    if experiment is None:
        return {**document, "request_id": shown.request_id, "experiment": None}
    part = {"id": experiment.experiment, "kind": experiment.kind}
    if experiment.kind == "interleaving":
        hits = [
            {**hit, **dict.fromkeys({"score", "scores", "model"} & hit.keys())}
            for hit in document["hits"]
        ]
        document = {**document, "model": None, "index_model": None, "hits": hits}
    return {**document, "request_id": shown.request_id, "experiment": part}
