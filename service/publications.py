"""Publications: bundles prepared from the log, published while they hold nothing that has been erased, superseded."""

import secrets
import shutil
from pathlib import Path
from uuid import UUID

import asyncpg
from msgspec import Struct

from adapters.postgres.pool import server_may_be_away
from adapters.records import event_of
from adapters.sealing import Sealer
from adapters.store import EventStore, Unavailable
from domain import consultation, publication
from domain.publication import Command, Kind, Prepare, Public, Publish, Ready, Replaced, Supersede
from domain.record import consultation_stream
from projections.publications.bundle import write_bundle
from projections.publications.told import concealed
from projections.publications.withdrawn import exposed
from projections.treatment.measures import views
from projections.treatment.measures.views import Wanted
from service import measuring
from service.handler import PUBLICATION, Act, Done, Handle
from service.problems import Behind, Failure, missing

State = Ready | Public | Replaced


class Prepared(Struct, frozen=True):
    publication: UUID
    position: int
    digest: bytes
    version: int


class Publications:
    """`folder` holds each bundle as a folder and a zip under its publication's id."""

    def __init__(self, handle: Handle, pool: asyncpg.Pool, sealer: Sealer, folder: Path) -> None:
        self._handle = handle
        self._store: EventStore = handle.store
        self._pool = pool
        self._sealer = sealer
        self._folder = folder

    def archive(self, stream: UUID) -> Path | None:
        """The zip of a publication; None where it has been removed, or was never written here."""
        path = self._path(stream)
        return path if path.exists() else None

    @property
    def folder(self) -> Path:
        return self._folder

    async def gone(self, stream: UUID) -> bool:
        """Whether a bundle is no longer here because it showed what has been erased since. Raises Missing, Unavailable."""
        if self.archive(stream) is not None:
            return False
        entries = await self._handle.entries(PUBLICATION.name, stream)
        prepared = event_of(entries[0]) if entries else None
        if not isinstance(prepared, publication.Prepared):
            missing(PUBLICATION.name, stream)
        return await exposed(self._store, stream, prepared.consultation, prepared, await self._store.head())

    async def prepare(self, slug: str, kind: Kind, at: int | None, publisher: str) -> Prepared:
        """Write the bundle that shows the log up to a position, its head when nothing is said. Raises Refused, Failure, Unavailable."""
        seen = await self._store.head()
        position = at or seen
        if position > seen:
            raise Failure(errors=[{"field": "position", "message": f"the log ends at {seen}"}])
        closed = await self._closed(slug, position)
        stream = UUID(bytes=secrets.token_bytes(16), version=4)
        # What can be refused without a bundle is refused before one is written.
        publication.decide(None, Prepare(slug, kind, position, b"", publisher, seen, closed, outstanding=0, concealed=0))
        measures = await self._measures(slug, position)
        folder = self._folder / str(stream)
        bundle = await write_bundle(self._store, self._pool, self._sealer, slug, position, seen, folder, measures)
        try:
            command = Prepare(
                slug, kind, position, bundle.digest, publisher, seen, closed, bundle.outstanding, len(bundle.concealed)
            )
            done = await self._handle.begin(stream, slug, publication.decide(None, command), {})
        except Unavailable as error:
            if not error.uncertain:
                self.remove(stream)
            raise
        except Exception:
            self.remove(stream)
            raise
        return Prepared(stream, position, bundle.digest, done.version)

    async def publish(self, stream: UUID, location: str, publisher: str, expected: int | None) -> Done:
        """Raises Refused, also when something in the bundle has been hidden or erased since: its files are removed then."""

        async def build(state: State, _: int) -> Act[Command]:
            if not isinstance(state, Ready):
                return Act(Publish(location, publisher, 0))
            head = await self._store.head()
            gone = await concealed(self._store, state.consultation, state.position, state.seen, head)
            if gone:
                self.remove(stream)
            return Act(Publish(location, publisher, len(gone)))

        return await self._handle.execute(PUBLICATION, stream, build, expected=expected)

    async def supersede(self, stream: UUID, by: UUID, reason: str, publisher: str, expected: int | None) -> Done:
        async def build(_: State, __: int) -> Act[Command]:
            successor = await self._handle.load(PUBLICATION, by)
            of = successor.state.consultation if isinstance(successor.state, Public) else None
            return Act(Supersede(stream, by, reason, publisher, of), {by: successor.version})

        return await self._handle.execute(PUBLICATION, stream, build, expected=expected)

    def remove(self, stream: UUID) -> None:
        """Take the files of a bundle away; they may be gone already."""
        self.discard(self._path(stream))
        self.discard(self._folder / str(stream))

    @staticmethod
    def discard(path: Path) -> None:
        """A file, or a folder with what it holds; nothing where it is gone already."""
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def _path(self, stream: UUID) -> Path:
        return self._folder / f"{stream}.zip"

    async def _measures(self, slug: str, position: int) -> bytes:
        """The public measures at a position, computed where nobody has had them computed yet. Raises Failure, Unavailable."""
        async with server_may_be_away():
            last = await views.last_before(self._pool, slug, position)
            found = await views.at(self._pool, slug, "public", last)
            if found is None and await measuring.compute_now(Wanted(slug, last)):
                found = await views.at(self._pool, slug, "public", last)
        if found is None:
            raise Behind("the measures of equal treatment could not be computed")
        return found

    async def _closed(self, slug: str, position: int) -> bool:
        """Whether the consultation had closed at a position. Raises Missing."""
        entries = await self._store.stream(consultation_stream(slug))
        if not entries:
            missing("consultation", slug)
        state: consultation.State = None
        for entry in entries:
            if entry.id <= position:
                state = consultation.evolve(state, event_of(entry))
        return isinstance(state, consultation.Over)
