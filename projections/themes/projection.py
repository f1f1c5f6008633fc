"""How events move what a frontend shows. Text enters only when the public may see it, and leaves when it no longer may."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from adapters.postgres.queries import load
from adapters.sealing import Opening, Sealer
from domain import consultation, contribution
from domain.contribution import Erased, Hidden, Submitted
from domain.record import Recorded
from domain.sealed import Sealed
from projections.folding import State, decode, encode, moved, of_contributions

QUERIES: Final = load(Path(__file__).with_name("queries.sql"))
_SEALED: Final = msgspec.msgpack.Decoder(Sealed)

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"


class Themes:
    name: Final = "themes"
    version: Final = 4

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        """Move the tables by one batch, in order, inside the transaction that also moves the tracking position."""
        for recorded in batch:
            if isinstance(recorded.event, consultation.Event):
                await _consultation(connection, recorded, recorded.event)
        if run := of_contributions(batch):
            await self._contributions(connection, run)

    async def _contributions(self, connection: Connection, run: Sequence[Recorded]) -> None:
        rows = await connection.fetch(QUERIES["known"], list({recorded.stream for recorded in run}))
        before: dict[UUID, State] = {row["id"]: decode(row["state"]) for row in rows}
        after = moved(before, run)
        arrived = {recorded.stream: recorded for recorded in run if isinstance(recorded.event, Submitted)}
        clauses = {row["id"]: row["hidden_under"] for row in rows}
        clauses |= {recorded.stream: recorded.event.clause for recorded in run if isinstance(recorded.event, Hidden)}
        texts = await self._texts(rows, after, arrived)
        await _count(connection, before, after)

        def shown(stream: UUID) -> tuple[str, bool, str | None, str | None]:
            state = after[stream]
            standing = contribution.standing(state)
            clause = clauses.get(stream) if standing == "withheld" else None
            return standing, contribution.analysed(state), clause, texts.get(stream)

        deposits = [
            _deposit(recorded, recorded.event) + shown(stream)
            for stream, recorded in arrived.items()
            if isinstance(recorded.event, Submitted)
        ]
        if deposits:
            await connection.execute(QUERIES["record"], *map(list, zip(*deposits, strict=True)))
        was = {row["id"]: (row["status"], row["analysed"], row["hidden_under"], row["text"]) for row in rows}
        changes = [(stream, *shown(stream)) for stream in was if shown(stream) != was[stream]]
        if changes:
            await connection.execute(QUERIES["change"], *map(list, zip(*changes, strict=True)))
        if withdrawn := [_withdrawal(recorded) for recorded in run if isinstance(recorded.event, Erased)]:
            await connection.execute(QUERIES["withdraw"], *map(list, zip(*withdrawn, strict=True)))
        await connection.execute(QUERIES["fold"], list(after), [encode(state) for state in after.values()])

    async def _texts(
        self, rows: Sequence[asyncpg.Record], after: dict[UUID, State], arrived: dict[UUID, Recorded]
    ) -> dict[UUID, str | None]:
        """The texts of those contributions of a batch that the public may see at its end, unsealed with one request."""
        texts: dict[UUID, str | None] = {
            row["id"]: row["text"] for row in rows if row["text"] is not None and contribution.visible(after[row["id"]])
        }
        sealed = {row["id"]: (row["topic"], _SEALED.decode(row["sealed"])) for row in rows}
        sealed |= {
            stream: (recorded.topic, recorded.event.sealed)
            for stream, recorded in arrived.items()
            if isinstance(recorded.event, Submitted)
        }
        needed = [stream for stream, state in after.items() if contribution.visible(state) and stream not in texts]
        clear = await self._sealer.unseal([Opening(stream, 1, *sealed[stream]) for stream in needed]) if needed else []
        return texts | {stream: text.fields["text"] if text else None for stream, text in zip(needed, clear, strict=True)}


def _deposit(recorded: Recorded, event: Submitted) -> tuple[Any, ...]:
    return (
        recorded.stream, event.consultation, event.theme, recorded.recorded_at.date(), event.channel, event.actor, event.language,
        event.charter, event.commitment, recorded.topic, msgspec.msgpack.encode(event.sealed),
    )  # fmt: skip


def _withdrawal(recorded: Recorded) -> tuple[UUID, str, date]:
    return recorded.stream, recorded.consultation, recorded.recorded_at.date()


async def _count(connection: Connection, before: dict[UUID, State], after: dict[UUID, State]) -> None:
    deltas: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for stream, state in after.items():
        old = before.get(stream)
        delta = deltas[state.dossier.consultation, state.dossier.theme]
        delta[0] += old is None
        delta[1] += contribution.visible(state) - contribution.visible(old)
    keys, values = list(deltas), list(deltas.values())
    await connection.execute(
        QUERIES["count"],
        [slug for slug, _ in keys],
        [theme for _, theme in keys],
        [received for received, _ in values],
        [visible for _, visible in values],
    )


async def _consultation(connection: Connection, recorded: Recorded, event: consultation.Event) -> None:
    slug = recorded.consultation
    statements: list[tuple[Any, ...]] = [("touch", slug, recorded.version)]
    match event:
        case consultation.Prepared(slug, title, language):
            statements = [("prepare", slug, title, language, recorded.version)]
        case consultation.PoliciesAdopted():
            statements.append(("adopt_policies", slug, msgspec.json.encode(event)))
        case consultation.CharterAdopted(version, clauses):
            statements.append(("adopt_charter", slug, version, msgspec.json.encode(clauses)))
        case consultation.MethodologyAdopted(_, text):
            statements.append(("adopt_methodology", slug, text))
        case consultation.CodebookAdopted(version, codes):
            statements.append(("adopt_codebook", slug, version, msgspec.json.encode(codes)))
        case consultation.ThemeAdded(theme, title, question, opens, closes):
            statements.append(("add_theme", slug, theme, title, question, opens, closes))
        case consultation.Opened():
            statements.append(("set_phase", slug, "running"))
        case consultation.ThemeOpened(theme):
            statements.append(("set_theme_phase", slug, theme, "open"))
        case consultation.ThemeExtended(theme, closes):
            statements.append(("extend_theme", slug, theme, closes))
        case consultation.ThemeClosed(theme):
            statements.append(("set_theme_phase", slug, theme, "closed"))
        case consultation.Closed():
            statements.append(("set_phase", slug, "over"))
        case consultation.SynthesisAdopted(text):
            statements.append(("adopt_synthesis", slug, text))
    for name, *arguments in statements:
        await connection.execute(QUERIES[name], *arguments)
