"""Play every act in order, then check what must hold."""

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from adapters.embedded.folder import make_private
from service.demo import checks, deciding, play, treating
from service.demo.forgotten import forgotten
from service.demo.play import Play, Watch
from service.demo.progress import Notebook, Progress
from service.demo.scenario import Scenario
from service.demo.stage import NotPlayed, Stage
from service.demo.summary import Summary, summarised
from service.kept import SALT_BYTES, Receipts, Source, StateDiffers
from service.located import promises

ACTS: Final[Sequence[tuple[str, Callable[[Play], Awaitable[None]]]]] = (
    ("opening", play.opening),
    ("deposits", play.deposits),
    ("moderation", treating.moderation),
    ("appeals", treating.appeals),
    ("readings", treating.readings),
    ("closing", treating.closing),
    ("proposals", deciding.proposals),
    ("committee", deciding.committee),
    ("arbitration", deciding.arbitration),
    ("promises", deciding.promises),
    ("publication", deciding.publication),
)
STATE: Final = "state.json"
RECEIPTS: Final = "receipts.ndjson"
LOG: Final = "serve.log"


async def perform(data: Path, bundle: Path, scenario: Scenario, watch: Watch) -> Summary:
    """Play the scenario in the folder `data`, from where an earlier demo was killed, and leave the published results at `bundle`.

    The demo's own files stand in `data`/demo. Raises NotPlayed, StateDiffers, Told, Away.
    """
    began, own = time.monotonic(), data / "demo"
    notebook = _notebook(data, own, bundle, scenario)
    with Receipts(own / RECEIPTS).writing() as receipts:
        async with Stage(data, own / LOG) as stage:
            shared = Play(stage, scenario, notebook, receipts, watch)
            for name, act in ACTS:
                if name not in notebook.progress.done:
                    watch(name, 0, 0)
                    await act(shared)
                    notebook.finished(name)
            watch("checks", 0, 0)
            equal = await checks.equalities(stage)
            texts = {row.number: row.text for row in scenario.rows}
            found = await checks.receipts_found(stage.client, receipts.by_row, texts)
            verified = checks.receipts_verified(receipts.by_row, texts, promises(stage.settings).verifier)
            gone = await forgotten(shared)
            return await summarised(shared, equal, found, verified, gone, time.monotonic() - began)


def _notebook(data: Path, own: Path, bundle: Path, scenario: Scenario) -> Notebook:
    """A new one in an empty folder; the one of a demo that was killed. Raises NotPlayed for a folder that holds something else."""
    path, source = own / STATE, Source(scenario.digest, scenario.slug, scenario.columns, "web")
    if path.exists():
        progress = msgspec.json.decode(path.read_bytes(), type=Progress)
        if progress.source != source:
            raise StateDiffers(path, ["input"])
        return Notebook(path, bundle, progress, resumed=True)
    if data.exists() and any(data.iterdir()):
        raise NotPlayed(
            f"{data} is not empty: a demo starts from an empty folder, or goes on in the folder of one that was killed"
        )
    make_private(data)
    make_private(own)
    notebook = Notebook(path, bundle, Progress(secrets.token_bytes(SALT_BYTES), source), resumed=False)
    notebook.write()
    return notebook
