"""Screening: the worker reads each deposit and leaves sealed flags for its reviewer. It decides nothing, and no deposit waits for it."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import structlog
from msgspec import Struct

from adapters.postgres.likenesses import Arrived, Likenesses, Resembling
from adapters.postgres.pool import server_may_be_away
from adapters.receipts import similarity_key
from adapters.records import event_of, stream_of
from adapters.screening import rules
from adapters.screening.plain import Plain
from adapters.screening.similarity import Similarity
from adapters.sealing import Opening, SealBroken, SealRefused
from adapters.store import Entry
from domain import contribution
from domain.contribution import Flag, Submitted
from domain.errors import Refused
from domain.record import CODEC
from domain.screening import SEALED_AS, Finding
from projections.runner import TRACKING, Overtaken
from service.flags import SCREENING, written
from service.handler import CONTRIBUTION, Act
from service.statements import UNSEALED, act
from service.wiring import Resources

AT_ONCE: Final = 32
"""Texts that are screened together: their flags share commits."""
PORTION: Final = 10_000
"""Characters that are read without a rest: some 10 ms."""
DONE: Final = frozenset({"already-screened", "erased"})
"""Refusals that mean that nothing is left to do."""

_log = structlog.get_logger()


Deposited: TypeAlias = tuple[Entry, str]


class Screened(Struct, frozen=True):
    """A text's own findings, and what it is compared by."""

    arrived: Arrived
    findings: list[Finding]
    length: int


class Screening:
    """A follower of the log. Elected by its caller; two at once would leave no flag twice, since the domain refuses it."""

    def __init__(self, shared: Resources) -> None:
        self._shared = shared
        self._similarities: dict[str, Similarity] = {}

    async def run(self) -> None:
        """Until cancelled. Raises Overtaken, Unavailable."""
        async with Likenesses.connected(self._shared.located.keyring_url) as likenesses:
            reached = await self._reached()
            # Where likenesses are missing, as after a keyring was restored, they are made anew; flags that are there already are refused.
            async for entries in self._shared.store.follow(min(reached, await likenesses.latest())):
                for group in _groups(entries):
                    await self._screen(likenesses, group)
                    reached = await self._advance(reached, group[-1].id)
                reached = await self._advance(reached, entries[-1].id)

    async def _reached(self) -> int:
        """Up to which position every deposit has been screened under these rules; under others, the log is read from its beginning."""
        async with server_may_be_away():
            tracked = await self._shared.pool.fetchrow(TRACKING["tracked"], SCREENING)
            if tracked is not None and tracked["version"] == rules.VERSION:
                return int(tracked["position"])
            await self._shared.pool.execute(TRACKING["begin"], SCREENING, rules.VERSION)
        return 0

    async def _advance(self, reached: int, position: int) -> int:
        if position <= reached:
            return reached
        async with server_may_be_away():
            if await self._shared.pool.fetchval(TRACKING["advance"], SCREENING, reached, position) is None:
                raise Overtaken(f"{SCREENING} is not at position {reached}")
        return position

    async def _screen(self, likenesses: Likenesses, deposits: Sequence[Entry]) -> None:
        """Each text is compared with all that arrived before it: those of its own group are kept before any is compared."""
        screened = await self._examined([(deposit, text) for deposit, text in await self._texts(deposits) if text is not None])
        arrived = [each.arrived for each in screened]
        await likenesses.keep(arrived)
        near = await likenesses.resembling(arrived)
        flagging = [self._flag(each, resembling) for each, resembling in zip(screened, near, strict=True)]
        for outcome in await asyncio.gather(*flagging, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _texts(self, deposits: Sequence[Entry]) -> list[tuple[Entry, str | None]]:
        """The texts, None where they have been erased or cannot be opened."""
        try:
            clear = await self._shared.sealer.unseal([_opening(deposit) for deposit in deposits])
        except SealBroken as broken:
            if len(deposits) == 1:
                _log.error("a text cannot be screened", reason=str(broken))
                return [(deposits[0], None)]
            return [text for deposit in deposits for text in await self._texts([deposit])]
        return [(deposit, text.fields["text"] if text else None) for deposit, text in zip(deposits, clear, strict=True)]

    async def _examined(self, texts: Sequence[Deposited]) -> list[Screened]:
        """Apply the rules beside the event loop, and rest as long as that computed, so that the other followers have their turn."""
        screened: list[Screened] = []
        for portion in _portions(texts):
            compared = [self._similarity(deposit.consultation) for deposit, _ in portion]
            found, took_s = await asyncio.to_thread(_read, portion, compared)
            screened += found
            await asyncio.sleep(took_s)
        return screened

    def _similarity(self, slug: str) -> Similarity:
        if slug not in self._similarities:
            self._similarities[slug] = Similarity(similarity_key(self._shared.located.receipt_secret, slug))
        return self._similarities[slug]

    async def _flag(self, screened: Screened, near: Sequence[Resembling]) -> None:
        """Record what was found, also when it is nothing: what has been screened is told from what has not."""
        stream, found = screened.arrived.stream, written([*screened.findings, *_duplicates(screened.length, near)])

        async def build(state: contribution.Present | contribution.Gone, version: int) -> Act[contribution.Command]:
            return await act(self._shared.sealer, stream, version, state, Flag(rules.RULES, *UNSEALED), found, SEALED_AS)

        try:
            await self._shared.handle.execute(CONTRIBUTION, stream, build)
        except SealRefused:
            _log.debug("erased before it was screened", contribution=stream)
        except Refused as refused:
            if refused.code not in DONE:
                raise
            _log.debug("nothing left to screen", contribution=stream, reason=refused.code)


def _groups(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """The deposits of a page, as many at once as are screened together."""
    topics = CODEC.topics_of(Submitted)
    deposits = [entry for entry in entries if entry.topic in topics]
    for first in range(0, len(deposits), AT_ONCE):
        yield deposits[first : first + AT_ONCE]


def _opening(deposit: Entry) -> Opening:
    return Opening(stream_of(deposit), deposit.originator_version, deposit.topic, event_of(deposit).sealed)


def _portions(texts: Sequence[Deposited]) -> Iterator[Sequence[Deposited]]:
    """Texts in order, as many at once as have PORTION characters together."""
    first = characters = 0
    for number, (_, text) in enumerate(texts):
        if characters and characters + len(text) > PORTION:
            yield texts[first:number]
            first, characters = number, 0
        characters += len(text)
    if first < len(texts):
        yield texts[first:]


def _read(portion: Sequence[Deposited], compared: Sequence[Similarity]) -> tuple[list[Screened], float]:
    """What the rules find, and for how long they computed."""
    began, screened = time.thread_time(), []
    for (deposit, text), similarity in zip(portion, compared, strict=True):
        plain = Plain(text)
        arrived = Arrived(stream_of(deposit), deposit.id, similarity.of(plain))
        screened.append(Screened(arrived, rules.findings(plain), len(text)))
    return screened, time.thread_time() - began


def _duplicates(length: int, near: Sequence[Resembling]) -> list[Finding]:
    return [
        Finding("duplicate", rules.DUPLICATES, 0, length, other=each.stream, similarity=each.similarity, exact=each.exact)
        for each in near
    ]
