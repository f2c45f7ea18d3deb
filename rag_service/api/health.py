"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

import os

from fastapi import APIRouter, Response, status

from rag_service.api.deps import ServicesDep
from rag_service.api.security import Operate

router = APIRouter()

Readiness = dict[str, bool | int | dict[str, str]]


@router.get("/healthz", tags=["health"])
async def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    tags=["health"],
    dependencies=[Operate],
    responses={503: {"model": Readiness, "description": "Not ready."}},
)
def readyz(services: ServicesDep, response: Response) -> Readiness:
    """What requests to this process depend on, each `ok` or what is wrong with it.

    503 unless all `checks` are well; without what is among the `notes`, searches are answered.
    """
    found = services.ready()
    if not found.ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return {
        "ready": found.ready,
        "process": os.getpid(),
        "checks": dict(found.checks),
        "notes": dict(found.notes),
    }
