"""The web page and the files that it is made of."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

_FILES = StaticFiles(packages=[("rag_service.api", "web")])


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """The page; its views are chosen behind the `#` of its address."""
    return await _file("index.html", request)


@router.api_route("/docs", methods=["GET", "HEAD"])
async def docs(request: Request) -> Response:
    """The description of the API: FastAPI's own pages load theirs from the internet."""
    return await _file("docs.html", request)


@router.api_route("/static/{name:path}", methods=["GET", "HEAD"])
async def static(name: str, request: Request) -> Response:
    """A file of the page's folder in the package, and no other."""
    return await _file(name, request)


async def _file(name: str, request: Request) -> Response:
    response = await _FILES.get_response(name, request.scope)
    # Kept, but asked about by its ETag each time: a new version is seen at once.
    response.headers["Cache-Control"] = "no-cache"
    return response
