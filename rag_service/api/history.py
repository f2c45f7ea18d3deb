"""Routes about what was measured: the figures over time, and the report."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from rag_service.answering.documents import Json
from rag_service.api.deps import ServicesDep
from rag_service.api.security import Ask

router = APIRouter(prefix="/v1", tags=["history"], dependencies=[Ask])

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
"""The report's style stands in it; it has no script, and the texts of filings in it get none."""


@router.get("/history")
def history(services: ServicesDep) -> Json:
    """NDCG@10 of every run, oldest first, with its 95 % interval and what the gate said of it.

    Points are comparable where their `judgments` and `stages` are the same.
    """
    return {
        "measure": "ndcg@10",
        "points": [point.as_dict() for point in services.timeline.points()],
    }


@router.get("/history/{run}")
def judgment(run: str, services: ServicesDep) -> Json:
    """What the gate decided of a run, with the figures before and after, paired."""
    return services.timeline.judgment(run)


@router.get("/report", response_class=HTMLResponse)
def report(services: ServicesDep, dataset: str = "") -> HTMLResponse:
    """The page that `ragloop report` writes, of all question sets or of one.

    404 if nothing was measured yet, or nothing on that question set.
    """
    from eval.report.page import report_page

    page = report_page(services.reporter.gather(dataset))
    # A file's name may be no UTF-8.
    return HTMLResponse(
        page.encode("utf-8", "replace"), headers={"Content-Security-Policy": REPORT_POLICY}
    )
