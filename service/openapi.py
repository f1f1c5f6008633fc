"""The OpenAPI document and its page, served from files of an installed package: it works without internet."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Tag
from litestar.router import Router
from litestar.static_files import create_static_files_router

from service import __version__

_FILES: Final = "/docs-files"


def _assets() -> Path:
    """The folder of Swagger UI, found without importing the package that carries it."""
    spec = find_spec("litestar_offline_docs")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package litestar-offline-docs is not installed")
    return Path(spec.submodule_search_locations[0]) / "static"


def assets_router() -> Router:
    return create_static_files_router(path=_FILES, directories=[_assets()], include_in_schema=False)


def config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Registre",
        version=__version__,
        summary="The backend of a public consultation whose promises can be checked.",
        license=License(name="EUPL-1.2", identifier="EUPL-1.2"),
        path="/docs",
        create_examples=False,
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                favicon="",
                js_url=f"{_FILES}/swagger-ui-bundle.js",
                css_url=f"{_FILES}/swagger-ui.css",
                standalone_preset_js_url=f"{_FILES}/swagger-ui-standalone-preset.js",
            )
        ],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", bearer_format="JWT", description="An OIDC access token that carries roles."
                )
            }
        ),
        tags=[
            Tag("consultations", "Definitions, windows, promises."),
            Tag("participants", "Deposit, follow, appeal, withdraw: no account needed."),
            Tag("moderation", "The queue hands out; a reviewer decides; another looks again."),
            Tag("analysis", "Readings, codes, questions."),
            Tag("proposals", "From contributions to decisions."),
            Tag("publications", "Bundles that anyone can check."),
            Tag("audit", "The history, event by event."),
            Tag("operations", "Health, and the development clock."),
        ],
    )
