"""Proposals are drawn from the contributions, put before the committee, decided; what was promised is kept and published."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import Struct

from service.answers import CodedPage, Commitment, Proposal
from service.client import Uncertain
from service.demo.play import PATIENCE_S, Play
from service.demo.progress import Drawn
from service.demo.script import Draft
from service.demo.stage import until
from service.importer import spread
from service.publishing import prepare, publish

PAGE = 200
FEW = 8
DRAFTED = b'"topic":"proposal.drafted.v1"'


class _Event(Struct):
    theme: str
    title: str


class _Line(Struct):
    stream: UUID
    event: _Event


async def proposals(play: Play) -> None:
    """Drafted theme by theme, each resting on contributions that were given its code."""
    themes = play.scenario.definition.themes
    known = await _drafted(play) if play.notebook.resumed else {}
    play.notebook.progress.drawn = []
    for number, theme in enumerate(themes, start=1):
        page = await play.analyst.read(f"{play.base}/coded", CodedPage, theme=theme.id, limit=PAGE)
        for draft, contributions in play.scenario.drafts(theme, page.items):
            stream = known.get((draft.theme, draft.title)) or await _draft(play, draft)
            links = {"contributions": contributions}
            await play.analyst.command(f"/v1/proposals/{stream}/links", links, settled={"already-linked", "not-now"})
            play.notebook.progress.drawn.append(Drawn(stream, draft))
        play.watch("proposals", number, len(themes))


async def _draft(play: Play, draft: Draft) -> UUID:
    """The new proposal; the one that is there already when the answer to an earlier attempt was lost."""
    body = {"theme": draft.theme, "title": draft.title, "text": draft.text}
    while True:
        try:
            return UUID((await play.analyst.post(f"{play.base}/proposals", body, once=True))["proposal"])
        except Uncertain:
            if found := (await _drafted(play)).get((draft.theme, draft.title)):
                return found


async def _drafted(play: Play) -> Mapping[tuple[str, str], UUID]:
    """Every proposal of the consultation by theme and title, as the log says."""
    lines = (await play.auditor.raw("/v1/audit/events", consultation=play.scenario.slug)).splitlines()
    events = [msgspec.json.decode(line, type=_Line) for line in lines if DRAFTED in line]
    return {(each.event.theme, each.event.title): each.stream for each in events}


async def committee(play: Play) -> None:
    """It meets, and gives its opinion on each proposal."""
    meeting = play.scenario.script.meeting
    await play.secretary.command(f"{play.base}/meetings", meeting, settled={"duplicate"})

    async def examine(drawn: Drawn) -> None:
        path, draft = f"/v1/proposals/{drawn.proposal}", drawn.draft
        opinion = {"meeting": meeting.meeting, "favourable": draft.favourable, "opinion": draft.opinion}
        await play.secretary.command(f"{path}/submission", {"meeting": meeting.meeting}, settled={"not-now"})
        await play.secretary.command(f"{path}/opinion", opinion, settled={"not-now"})

    await spread(play.notebook.progress.drawn, examine, FEW)


async def arbitration(play: Play) -> None:
    """Each proposal is decided with a motive, and what follows from it is reported once."""

    async def decide(drawn: Drawn) -> None:
        path, draft = f"/v1/proposals/{drawn.proposal}", drawn.draft
        decision = {"outcome": draft.outcome, "motive": draft.motive}
        await play.secretary.command(f"{path}/arbitration", decision, settled={"not-now"})
        if draft.progress:
            await _reported(play, path, draft.progress)

    await spread(play.notebook.progress.drawn, decide, FEW)


async def _reported(play: Play, path: str, text: str) -> None:
    async def decided() -> Proposal | None:
        view = await play.client.read(path, Proposal)
        return view if view.status == "decided" else None

    view = await until(decided, PATIENCE_S, "the decision to be shown")
    if not view.progress:
        expected = {"If-Match": f'"{view.version}"'}
        await play.publisher.command(f"{path}/progress", {"text": text}, expected, settled={"version-mismatch"})


async def promises(play: Play) -> None:
    """The readings are declared finished, the synthesis adopted, and every commitment kept."""
    script = play.scenario.script
    await play.secretary.command(f"{play.base}/completion", settled={"not-now"})
    await play.secretary.command(f"{play.base}/synthesis", {"text": script.synthesis}, settled={"synthesis-adopted"})
    for made in await play.client.items(f"{play.base}/commitments", Commitment):
        evidence = {"evidence": script.evidence}
        await play.secretary.command(f"{play.base}/commitments/{made.id}/evidence", evidence, settled={"already-kept"})


async def publication(play: Play) -> None:
    """The results are prepared, published, downloaded and checked."""
    progress = play.notebook.progress
    if progress.publication is None:
        progress.publication = await prepare(play.publisher, play.scenario.slug, "results")
        play.notebook.write()
    archive = await publish(play.publisher, progress.publication)
    play.notebook.bundle.write_bytes(archive)
