"""The API's description as a page, with nothing fetched from elsewhere: FastAPI's own takes its script from a CDN."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(prefix="/v1/docs", include_in_schema=False)


@router.get("")
def page(request: Request) -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url=str(request.app.openapi_url),
        title="Gakju",
        swagger_js_url="/v1/docs/swagger-ui-bundle.js",
        swagger_css_url="/v1/docs/swagger-ui.css",
        swagger_favicon_url="/v1/docs/favicon.png",
    )


@router.get("/{name}")
def part(name: Literal["swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"]) -> FileResponse:
    """A file that the package carries; it is not imported."""
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    return FileResponse(Path(spec.origin).parent / "static" / name)
