"""How events move the outcomes."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.postgres.queries import load
from domain import consultation, contribution, proposal
from domain.record import Recorded
from projections.folding import decode, encode, moved, of_contributions
from projections.themes.projection import Connection

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))


class Outcomes:
    name: Final = "outcomes"
    version: Final = 3

    async def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        """Move the tables by one batch, in order, inside the transaction that also moves the tracking position."""
        statements = [statement for recorded in batch for statement in _statements(recorded)]
        for name, alike in groupby(statements, key=itemgetter(0)):  # one round trip for each run of a kind, in order
            await connection.executemany(QUERIES[name], [arguments for _, *arguments in alike])
        versions = {recorded.stream: recorded.version for recorded in batch if isinstance(recorded.event, proposal.Event)}
        if versions:
            await connection.execute(QUERIES["touch"], list(versions), list(versions.values()))
        if run := of_contributions(batch):
            await _contributions(connection, run)


async def _contributions(connection: Connection, run: Sequence[Recorded]) -> None:
    rows = await connection.fetch(QUERIES["known"], list({recorded.stream for recorded in run}))
    after = moved({row["id"]: decode(row["state"]) for row in rows}, run)
    readers = dict(await connection.fetch(QUERIES["readers"]))
    written = [
        (
            stream,
            state.dossier.consultation,
            state.dossier.theme,
            contribution.analysed(state),
            encode(state),
            " ".join(sorted(contribution.found(state))),
            contribution.read_enough(state, readers[state.dossier.consultation]),
        )
        for stream, state in after.items()
    ]
    await connection.execute(QUERIES["write"], *map(list, zip(*written, strict=True)))


def _statements(recorded: Recorded) -> list[tuple[Any, ...]]:
    """The named queries that an event moves the tables by, with their arguments."""
    stream, slug, day = recorded.stream, recorded.consultation, recorded.recorded_at.date()
    match recorded.event:
        case consultation.PoliciesAdopted(readers=readers):
            return [("adopt_readers", slug, readers)]
        case consultation.CommitteeConvened(meeting, on):
            return [("convene", slug, meeting, on)]
        case consultation.CommitmentMade(promise, text, due):
            return [("promise", slug, promise, text, due)]
        case consultation.CommitmentKept(promise, evidence):
            return [("keep", slug, promise, day, evidence)]
        case proposal.Drafted(_, theme, title, text):
            return [("draft", stream, slug, theme, recorded.version, title, text)]
        case proposal.Revised(title, text):
            return [("revise", stream, title, text)]
        case proposal.ContributionLinked(contribution_id):
            return [("link", stream, contribution_id)]
        case proposal.ContributionUnlinked(contribution_id):
            return [("unlink", stream, contribution_id)]
        case proposal.Submitted(meeting):
            return [("submit", stream, meeting)]
        case proposal.OpinionGiven(_, favourable, opinion):
            return [("advise", stream, favourable, opinion)]
        case proposal.Arbitrated(outcome, motive, coverage, why):
            return [("arbitrate", stream, outcome, motive, msgspec.json.encode(coverage), why)]
        case proposal.ProgressReported(text):
            return [("report", stream, recorded.version, day, text)]
    return []
