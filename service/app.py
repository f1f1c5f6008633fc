"""The HTTP application, assembled."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.plugins import InitPlugin

from service import openapi
from service.http.audit import AuditController
from service.http.consultations import ConsultationController
from service.http.deposits import DepositController, ReceiptController
from service.http.erasures import ErasureController
from service.http.moderation import ModerationController, ReviewQueueController
from service.http.operations import ClockController, HealthController
from service.http.proposals import ProposalController
from service.http.publications import PublicationController
from service.http.readings import ReadingController
from service.http.recodings import RecodingController
from service.http.requests import StrictRequest
from service.http.treatment import TreatmentController
from service.problems import HANDLERS
from service.settings import Settings
from service.wiring import Resources, resources

CONTROLLERS = [
    HealthController, ConsultationController, DepositController, ReceiptController, ReviewQueueController,
    ModerationController, ReadingController, RecodingController, ProposalController, PublicationController, TreatmentController,
    ErasureController, AuditController, ClockController,
]  # fmt: skip


class Registre(InitPlugin):
    """The one plugin: routes, what they share, how errors are told."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.route_handlers.extend([*CONTROLLERS, openapi.assets_router()])
        app_config.openapi_config = openapi.config()
        app_config.exception_handlers = dict(HANDLERS)
        app_config.request_class = StrictRequest
        app_config.dependencies["resources"] = Provide(_shared, sync_to_thread=False)
        app_config.lifespan.append(self._lifespan)
        return app_config

    @asynccontextmanager
    async def _lifespan(self, app: Litestar) -> AsyncIterator[None]:
        async with resources(self._settings) as shared:
            app.state.resources = shared
            yield


def _shared(state: State) -> Resources:
    shared: Resources = state.resources
    return shared


def create_app(settings: Settings | None = None) -> Litestar:
    """The application; without `settings` they are read from the environment."""
    chosen = settings or Settings.from_env(os.environ)
    # Litestar takes no limit from its plugins: it reads this argument alone.
    return Litestar(plugins=[Registre(chosen)], request_max_body_size=chosen.body_limit_bytes, logging_config=None)
