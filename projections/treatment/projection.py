"""How events move the treatment: states folded by the domain, the columns of the queues are its answers."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from adapters.postgres.queries import load
from adapters.sealing import Opening, SealBroken, Sealer
from domain import consultation, contribution
from domain.contribution import Coded, Contested, Disputed, Flagged, Gone, Recoded, Submitted
from domain.record import Recorded, consultation_stream
from domain.sealed import Sealed
from domain.treatment.queues import rank
from projections.folding import State, decode, encode, moved, of_contributions
from projections.themes.projection import Connection

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))
_SEALED: Final = msgspec.msgpack.Decoder(Sealed)
_WHO: Final = ("reviewer", "reader", "asker", "by")
_log = structlog.get_logger()


class Terms(Struct, frozen=True):
    """What the queues need of a consultation."""

    readers: int
    seed: bytes | None
    """None where it cannot be opened: then nobody knows the order of the readings, and nobody is handed one."""


class Attributes(Struct, frozen=True):
    """What stays the same of a contribution."""

    arrival: int
    channel: str
    actor: str
    language: str
    length: int
    contact_left: bool


def standing(state: State) -> str:
    """Where the count of a theme holds a contribution: every one in exactly one place."""
    if isinstance(state, Gone):
        return "withdrawn"
    if not contribution.settled(state):
        return "pending"
    return "visible" if contribution.visible(state) else "withheld"


class Treatment:
    name: Final = "treatment"
    version: Final = 2

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._seeds: dict[bytes, bytes | None] = {}

    async def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        """Move the tables by one batch, in order, inside the transaction that also moves the tracking position."""
        for recorded in batch:
            await _consultation(connection, recorded)
        run = of_contributions(batch)
        if not run:
            return
        rows = await connection.fetch(QUERIES["known"], list({recorded.stream for recorded in run}))
        after = moved({row["contribution"]: decode(row["state"]) for row in rows}, run)
        attributes = {row["contribution"]: Attributes(*row[1:2], *row[3:8]) for row in rows}
        attributes |= {
            recorded.stream: _attributes(recorded, recorded.event) for recorded in run if isinstance(recorded.event, Submitted)
        }
        last = {row["contribution"]: row["last_at"] for row in rows}
        await _steps(connection, run, last)
        await _codings(connection, run)
        await self._items(connection, after, attributes, last, {recorded.stream: recorded.version for recorded in run})

    async def _items(
        self,
        connection: Connection,
        after: dict[UUID, State],
        attributes: dict[UUID, Attributes],
        last: dict[UUID, datetime],
        versions: dict[UUID, int],
    ) -> None:
        terms = await self._terms(connection)
        items = [
            _item(stream, versions[stream], attributes[stream], last[stream], state, terms[state.dossier.consultation])
            for stream, state in after.items()
        ]
        await connection.execute(QUERIES["write"], *map(list, zip(*items, strict=True)))
        await connection.execute(QUERIES["end_readings"], list(after))
        readings = [
            (
                lease.assignment,
                stream,
                state.dossier.consultation,
                lease.holder,
                len(state.dossier.readings) + number,
                lease.expires,
            )
            for stream, state in after.items()
            for number, lease in enumerate(state.dossier.leases, start=1)
        ]
        if readings:
            await connection.execute(QUERIES["begin_readings"], *map(list, zip(*readings, strict=True)))

    async def _terms(self, connection: Connection) -> dict[str, Terms]:
        return {
            slug: Terms(readers, await self._seed(slug, version, place, sealed) if sealed else None)
            for slug, readers, version, place, sealed in await connection.fetch(QUERIES["consultations"])
        }

    async def _seed(self, slug: str, version: int, place: str, sealed: bytes) -> bytes | None:
        """The clear seed: in the memory of this process, nowhere else. None where its key is lost: other consultations go on."""
        if sealed not in self._seeds:
            stream = consultation_stream(slug)
            try:
                (clear,) = await self._sealer.unseal([Opening(stream, version, place, _SEALED.decode(sealed))])
            except SealBroken as broken:
                mend = "restore the keyring, restart the worker and run `registre rebuild treatment`"
                _log.error("nobody is handed a reading: the order is sealed", consultation=slug, reason=str(broken), mend=mend)
                clear = None
            self._seeds[sealed] = bytes.fromhex(clear.fields["seed"]) if clear else None
        return self._seeds[sealed]


def _attributes(recorded: Recorded, event: Submitted) -> Attributes:
    return Attributes(recorded.position, event.channel, event.actor, event.language, event.length, event.contact_left)


def _item(stream: UUID, version: int, attributes: Attributes, last_at: datetime, state: State, terms: Terms) -> tuple[Any, ...]:
    dossier = state.dossier
    review, analysed = dossier.review, contribution.analysed(state)
    wanted, owed = contribution.readings_wanted(dossier, terms.readers), contribution.reading_owed(state, terms.readers)
    round_ = len(dossier.readings) + len(dossier.leases) + 1
    return (
        stream, dossier.consultation, dossier.theme, attributes.arrival, version, attributes.channel, attributes.actor, attributes.language,
        attributes.length, attributes.contact_left, last_at, encode(state), standing(state), analysed, contribution.look(state),
        review is None, " ".join(sorted(dossier.took_part)), review and review.expires, review and review.holder,
        review and review.assignment, state.confirm_by if isinstance(state, Contested | Disputed) else None, len(dossier.readings),
        any(reading.codes for reading in dossier.readings), wanted, owed is not None and terms.seed is not None, round_,
        rank(terms.seed, round_, stream) if terms.seed is not None else b"", " ".join(sorted(contribution.has_read(dossier))),
    )  # fmt: skip


async def _steps(connection: Connection, run: Sequence[Recorded], last: dict[UUID, datetime]) -> None:
    """Add the steps of a batch to the timelines; `last` moves to the moment of each contribution's latest step.

    Screening is a step, and none that others are measured from: nobody waits for it, and delays tell how people were treated.
    """
    steps: list[tuple[Any, ...]] = []
    for recorded in run:
        previous = last.get(recorded.stream)
        delay_s = None if previous is None else (recorded.recorded_at - previous).total_seconds()
        actor = next((getattr(recorded.event, who) for who in _WHO if hasattr(recorded.event, who)), None)
        steps.append((recorded.stream, recorded.version, recorded.position, recorded.topic, recorded.recorded_at, actor, delay_s))
        if not isinstance(recorded.event, Flagged):
            last[recorded.stream] = recorded.recorded_at
    await connection.execute(QUERIES["add_steps"], *map(list, zip(*steps, strict=True)))


async def _codings(connection: Connection, run: Sequence[Recorded]) -> None:
    """Readings made, then those of them coded anew, in this batch."""
    made = [
        (event.assignment, each.stream, each.consultation, event.reader, event.codebook, each.position)
        for each in run
        if isinstance(event := each.event, Coded)
    ]
    anew = [(event.assignment, event.codebook) for each in run if isinstance(event := each.event, Recoded)]
    for name, arguments in (("code", made), ("recode", anew)):
        if arguments:
            await connection.executemany(QUERIES[name], arguments)


async def _consultation(connection: Connection, recorded: Recorded) -> None:
    match recorded.event:
        case consultation.Prepared(slug):
            await connection.execute(QUERIES["prepare"], slug)
        case consultation.PoliciesAdopted(readers=readers):
            await connection.execute(QUERIES["adopt_readers"], recorded.consultation, readers)
        case consultation.Opened(queue_seed=sealed):
            await connection.execute(
                QUERIES["keep_seed"],
                recorded.consultation,
                recorded.version,
                recorded.topic,
                msgspec.msgpack.encode(sealed),
            )
