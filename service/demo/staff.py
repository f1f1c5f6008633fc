"""Those who treat the contributions: each takes what the queue hands out, decides as the script says, and takes the next."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from service.answers import Reading, Review
from service.client import Client
from service.demo.plans import codes_of
from service.demo.scenario import Scenario

Told = Callable[[int], None]
"""Told how many items have been treated since the last time."""


class Hand(Protocol):
    async def work(self) -> int:
        """Treat items until the queue has none for this person; how many there were."""
        ...


class Moderator:
    """Recognises a text by its exact words."""

    def __init__(self, client: Client, scenario: Scenario, told: Told) -> None:
        self._client = client
        self._scenario = scenario
        self._told = told

    async def work(self) -> int:
        treated = 0
        while (item := await self._client.take(f"/v1/consultations/{self._scenario.slug}/reviews/next", Review)) is not None:
            decision, body = self.decided(item)
            await self._client.command(f"/v1/moderation/{item.contribution}/{decision}", body)
            treated += 1
            self._told(1)
        return treated

    def decided(self, item: Review) -> tuple[str, dict[str, object]]:
        """The decision's route and body."""
        plan = self._scenario.plan(item.text or "")
        match item.look:
            case "first" if plan.clause in item.clauses:
                statement = self._scenario.script.reasons(plan.clause)
                return "hidden", {"clause": plan.clause, "statement": statement, "analysed": plan.analysed}
            case "first":
                return "kept", {}
            case "second":
                return "reviewed", {"agrees": plan.second}
            case "third":
                return "reviewed", {"agrees": plan.third}
        granted = plan.appeal == "granted"
        return "appeal", {"granted": granted, "statement": self._scenario.script.verdict(granted=granted)}


class Reader:
    """Sees the text and nothing else."""

    def __init__(self, client: Client, name: str, scenario: Scenario, told: Told) -> None:
        self._client = client
        self._name = name
        self._scenario = scenario
        self._told = told

    async def work(self) -> int:
        treated = 0
        while (item := await self._client.take(f"/v1/consultations/{self._scenario.slug}/readings/next", Reading)) is not None:
            codes = codes_of(item.text or "", self._name, self._scenario.script.keywords, self._scenario.script.otherwise)
            body = {"codebook": item.codebook.version, "codes": codes}
            await self._client.command(f"/v1/readings/{item.assignment}", body)
            treated += 1
            self._told(1)
        return treated


async def drain(hands: Sequence[Hand]) -> int:
    """Have everybody work until a whole round finds nothing: what one of them did may have given another something to do."""
    treated = 0
    while done := sum(await asyncio.gather(*(hand.work() for hand in hands))):
        treated += done
    return treated
