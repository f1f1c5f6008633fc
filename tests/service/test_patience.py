"""A request that hangs is answered in time, and cancelled."""

import asyncio
from typing import cast

import httpx
from litestar import Litestar, get

from service.patience import PATIENT, Application, Patience

cancelled = asyncio.Event()


@get("/stuck")
async def stuck() -> str:
    try:
        await asyncio.sleep(3_600)
    except asyncio.CancelledError:
        cancelled.set()
        raise
    return "never"


@get("/quick")
async def quick() -> str:
    return "quick"


@get(PATIENT[0])
async def long() -> str:
    await asyncio.sleep(0.2)
    return "long"


async def test_what_hangs_is_answered_with_a_problem_that_says_when_to_repeat() -> None:
    app = Patience(cast("Application", Litestar([stuck, quick, long], openapi_config=None)), answer_s=0.05, look_s=0.01)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://registre") as client:
        answer = await client.get("/stuck")

        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] == "2"
        assert answer.json()["type"] == "urn:registre:problem:unavailable"
        await asyncio.wait_for(cancelled.wait(), 5)
        assert (await client.get("/quick")).text == "quick"
        assert (await client.get(PATIENT[0])).text == "long"
