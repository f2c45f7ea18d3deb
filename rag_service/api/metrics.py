"""What Prometheus scrapes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from rag_service.api.deps import ServicesDep
from rag_service.api.security import Operate

router = APIRouter(tags=["health"], dependencies=[Operate])


_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}


@router.get("/metrics", response_class=Response, responses={200: _TEXT})
def metrics(services: ServicesDep, accept: Annotated[str, Header()] = "") -> Response:
    """Figures of the service, of all its processes together, in Prometheus' format."""
    figures, kind = services.telemetry.meter.scrape(accept)
    return Response(figures, media_type=kind)
