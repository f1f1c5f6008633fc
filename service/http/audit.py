"""What auditors replay: every event as it was recorded, and the history of one contribution."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, Final
from uuid import UUID

from litestar import Controller, get
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from msgspec import Raw

from adapters.ndjson import ENCODER, Line
from adapters.records import stream_of
from adapters.store import Chosen, Entry, EventStore
from projections.treatment import views as treatment
from service.auth import needs
from service.http.bodies import BEARER, PIECE_BYTES, SLUG_PATTERN, R
from service.problems import documented, missing
from service.wiring import shown

AUDITOR = [needs("auditor")]
PAGE: Final = 250
Position = Annotated[int, QueryParameter(ge=0, le=2**62, description="Events after this position.")]
Many = Annotated[
    int | None, QueryParameter(ge=1, le=10_000_000, required=False, description="At most so many; all when nothing is said.")
]
Of = Annotated[
    str | None,
    QueryParameter(required=False, pattern=SLUG_PATTERN, max_length=64, description="Of one consultation."),
]


class AuditController(Controller):
    path = "/v1/audit"
    tags: Sequence[str] = ["audit"]
    guards = AUDITOR

    @get(
        "/events",
        operation_id="replayEvents",
        responses=documented(401, 403),
        security=BEARER,
        media_type="application/x-ndjson",
    )
    async def events(self, resources: R, after: Position = 0, limit: Many = None, consultation: Of = None) -> Stream:
        """Newline-delimited JSON, one event a line, in order of position, up to the head of the log at the moment of asking."""
        head = await resources.store.head()
        return Stream(_lines(resources.store, after, head, limit, consultation), media_type="application/x-ndjson")

    @get("/contributions/{contribution_id:uuid}", operation_id="getHistory", responses=documented(401, 403), security=BEARER)
    async def history(self, contribution_id: FromPath[UUID], resources: R) -> treatment.Timeline:
        """Every step of one contribution with the delay since the one before."""
        timeline = await shown(resources, "treatment", lambda: treatment.timeline(resources.pool, contribution_id))
        if timeline is None:
            missing("contribution", contribution_id)
        return timeline


async def _lines(store: EventStore, after: int, head: int, limit: int | None, consultation: str | None) -> AsyncIterator[bytes]:
    left = limit
    async with aclosing(store.pages(after, limit=min(PAGE, limit or PAGE), up_to=head, chosen=Chosen(consultation))) as pages:
        async for page in pages:
            lines = ENCODER.encode_lines([_audited(entry) for entry in page[:left]])
            for start in range(0, len(lines), PIECE_BYTES):
                yield lines[start : start + PIECE_BYTES]
            left = None if left is None else left - len(page)
            if left is not None and left <= 0:
                return


def _audited(entry: Entry) -> Line:
    return Line(
        entry.id,
        stream_of(entry),
        entry.originator_version,
        entry.topic,
        entry.consultation,
        entry.recorded_at,
        Raw(entry.state),
    )
