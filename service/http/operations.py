"""Health, and the development clock."""

from collections.abc import Sequence
from datetime import datetime

from litestar import Controller, get, put
from litestar.params import JSONBody
from msgspec import Struct

from domain.definition import Moment
from service.auth import needs
from service.clock import MovableClock
from service.http.bodies import BEARER, R
from service.problems import Missing, documented

ADMINISTRATOR = [needs("administrator")]


class Health(Struct, frozen=True):
    status: str


class Ready(Struct, frozen=True):
    status: str
    position: int


class Time(Struct, frozen=True):
    now: datetime


class TimeBody(Struct, frozen=True, forbid_unknown_fields=True):
    now: Moment


class HealthController(Controller):
    path = "/health"
    tags: Sequence[str] = ["operations"]

    @get("/live", operation_id="live", responses=documented())
    async def live(self) -> Health:
        """The process answers."""
        return Health("live")

    @get("/ready", operation_id="ready", responses=documented())
    async def ready(self, resources: R) -> Ready:
        """The store answers too: deposits can be taken."""
        return Ready("ready", await resources.store.head())


class ClockController(Controller):
    path = "/v1/clock"
    tags: Sequence[str] = ["operations"]
    guards = ADMINISTRATOR

    @get(operation_id="getTime", responses=documented(401, 403), security=BEARER)
    async def read(self, resources: R) -> Time:
        return Time(resources.clock.now())

    @put(operation_id="moveTime", responses=documented(401, 403, 409, 413, 415, 422), security=BEARER)
    async def move(self, data: JSONBody[TimeBody], resources: R) -> Time:
        """Only in the embedded development service that was told that its clock may be moved."""
        if not isinstance(resources.clock, MovableClock):
            raise Missing("this service follows real time")
        await resources.clock.move(data.now)
        return Time(resources.clock.now())
