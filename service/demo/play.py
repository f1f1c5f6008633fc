"""What the acts of the demo share, and the first of them: the consultation opens and people deposit."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from service.answers import Counts
from service.client import Client, Told
from service.demo.progress import Deposited, Notebook
from service.demo.scenario import Scenario
from service.demo.stage import NotPlayed, Stage, until
from service.importer import Destination, Tally, deposit, themes_by_name
from service.kept import Receipts

AT_ONCE: Final = 32
PATIENCE_S: Final = 120.0

Watch = Callable[[str, int, int], None]
"""Told the act, how much of it is done, and of how much (0: nobody knows yet)."""


class Play:
    """The people, the script, and how far they have come."""

    def __init__(self, stage: Stage, scenario: Scenario, notebook: Notebook, receipts: Receipts, watch: Watch) -> None:
        self.stage = stage
        self.client: Client = stage.client
        self.scenario = scenario
        self.notebook = notebook
        self.receipts = receipts
        self.watch = watch
        self.base = f"/v1/consultations/{scenario.slug}"
        self.administrator = stage.staff("administrator", "irene")
        self.secretary = stage.staff("secretary", "jules")
        self.publisher = stage.staff("publisher", "karim")
        self.analyst = stage.staff("analyst", "elise")
        self.auditor = stage.staff("auditor", "lea")

    def counter(self, act: str, total: int) -> Callable[[int], None]:
        """Counts what is done in an act."""
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            self.watch(act, done, total)

        return count

    async def clock(self, moment: datetime) -> None:
        """Move the service's clock; it has moved already when it refuses to go back."""
        try:
            await self.administrator.put("/v1/clock", {"now": moment})
        except Told as told:
            if told.code != "too-early":
                raise

    async def counts(self) -> Counts:
        """At the head of the log as it is now, or later."""
        head = (await self.client.get("/health/ready"))["position"]

        async def reached() -> Counts | None:
            treatment = await self.client.treatment(self.scenario.slug)
            return treatment.totals if treatment.position >= head else None

        return await until(reached, PATIENCE_S, "the counts to reach the head of the log")


async def opening(play: Play) -> None:
    """The charter, the themes and the promises are adopted, and the clock moves to a day on which every theme takes deposits."""
    definition = play.scenario.definition
    await play.clock(min(theme.opens for theme in definition.themes) - timedelta(days=1))
    await play.administrator.command("/v1/consultations", definition, settled={"duplicate"})
    await play.administrator.command(f"{play.base}/opening", settled={"not-now", "consultation-over"})
    await play.clock(play.scenario.during)

    async def opened() -> bool | None:
        themes = await play.client.themes(play.scenario.slug)
        return (len(themes) == len(definition.themes) and all(theme.phase == "open" for theme in themes)) or None

    await until(opened, PATIENCE_S, "the themes to open")


async def deposits(play: Play) -> None:
    """Every row, many at once, each under its own key."""
    consultation = await play.client.consultation(play.scenario.slug)
    if consultation is None or consultation.charter is None:
        raise NotPlayed(f"there is no consultation {play.scenario.slug}")
    to = Destination(play.scenario.slug, consultation.charter.version, themes_by_name(consultation.themes, {}))
    rows = play.scenario.rows

    def told(tally: Tally) -> None:
        play.watch("deposits", tally.done, len(rows))

    tally = await deposit(play.client, to, rows, play.notebook.progress.salt, play.receipts, told, AT_ONCE)
    if tally.failed:
        raise NotPlayed(f"{len(tally.failed)} deposits failed; row {tally.failed[0].row}: {tally.failed[0].detail}")
    play.notebook.progress.deposited = Deposited(tally.rows, tally.received + tally.already, tally.reasons)
