"""How events move the outcomes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.postgres.queries import load
from domain import consultation, contribution, proposal
from domain.contribution import Coded, Gone
from domain.record import Recorded
from projections.folding import decode, encode, moved, of_contributions
from projections.themes.projection import Connection

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))


class Outcomes:
    name: Final = "outcomes"
    version: Final = 1

    async def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        """Move the tables by one batch, in order, inside the transaction that also moves the tracking position."""
        for recorded in batch:
            for name, *arguments in _statements(recorded):
                await connection.execute(QUERIES[name], *arguments)
        if run := of_contributions(batch):
            await _contributions(connection, run)


async def _contributions(connection: Connection, run: Sequence[Recorded]) -> None:
    rows = await connection.fetch(QUERIES["known"], list({recorded.stream for recorded in run}))
    after = moved({row["id"]: decode(row["state"]) for row in rows}, run)
    codes: dict[object, set[str]] = {row["id"]: set(row["codes"]) for row in rows}
    for recorded in run:
        if isinstance(recorded.event, Coded):
            codes.setdefault(recorded.stream, set()).update(recorded.event.codes)
    written = [
        (
            stream,
            state.dossier.consultation,
            state.dossier.theme,
            contribution.analysed(state),
            encode(state),
            "" if isinstance(state, Gone) else " ".join(sorted(codes.get(stream, ()))),
        )
        for stream, state in after.items()
    ]
    await connection.execute(QUERIES["write"], *map(list, zip(*written, strict=True)))


def _statements(recorded: Recorded) -> list[tuple[Any, ...]]:
    """The named queries that an event moves the tables by, with their arguments."""
    stream, slug, day = recorded.stream, recorded.consultation, recorded.recorded_at.date()
    touch = ("touch", stream, recorded.version)
    match recorded.event:
        case consultation.CommitteeConvened(meeting, on):
            return [("convene", slug, meeting, on)]
        case consultation.CommitmentMade(promise, text, due):
            return [("promise", slug, promise, text, due)]
        case consultation.CommitmentKept(promise, evidence):
            return [("keep", slug, promise, day, evidence)]
        case proposal.Drafted(_, theme, title, text):
            return [("draft", stream, slug, theme, recorded.version, title, text)]
        case proposal.Revised(title, text):
            return [touch, ("revise", stream, title, text)]
        case proposal.ContributionLinked(contribution_id):
            return [touch, ("link", stream, contribution_id)]
        case proposal.ContributionUnlinked(contribution_id):
            return [touch, ("unlink", stream, contribution_id)]
        case proposal.Submitted(meeting):
            return [touch, ("submit", stream, meeting)]
        case proposal.OpinionGiven(_, favourable, opinion):
            return [touch, ("advise", stream, favourable, opinion)]
        case proposal.Arbitrated(outcome, motive, coverage, why):
            return [touch, ("arbitrate", stream, outcome, motive, msgspec.json.encode(coverage), why)]
        case proposal.ProgressReported(text):
            return [touch, ("report", stream, recorded.version, day, text)]
    return []
