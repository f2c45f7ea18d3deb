"""What readers say of the answers."""

from __future__ import annotations

from fastapi import APIRouter, status

from rag_service.api.bodies import FeedbackBody
from rag_service.api.deps import FeedbackDep, ServicesDep
from rag_service.api.security import Ask

router = APIRouter(prefix="/v1", tags=["feedback"])


@router.post("/feedback", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Ask])
def feedback(body: FeedbackBody, services: ServicesDep, log: FeedbackDep) -> None:
    """Keep what a reader says of an answer or of hits; in an experiment, its release is credited.

    404 if the request is unknown or was longer than a day ago, 422 if the chunk was not shown.
    """
    said = body.model_dump(exclude_none=True)
    if body.request_id is None:
        known = {release.release: release.model for release in services.releases.all()}
        log.append({**said, "model": known.get(body.release or "", "")})
        return
    impression, arm = services.experiments.credit(body.request_id, body.used, body.verdict)
    experiment = impression.experiment
    log.append(
        {
            **said,
            "question": impression.question,
            "experiment": experiment.experiment,
            "release": {"a": experiment.a, "b": experiment.b, None: ""}[arm],
            "model": {"a": experiment.model_a, "b": experiment.model_b, None: ""}[arm],
        }
    )
