"""From the log to the documents: the one way, for the worker, for a past moment, for whoever computes on their own."""

import tomllib
from contextlib import aclosing
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import structlog

from adapters.records import recorded
from adapters.sealing import Opening, SealBroken, Sealer
from adapters.store import Chosen, EventStore
from domain.consultation import Opened
from domain.record import Recorded
from domain.treatment.ledger import Ledger
from projections.treatment.measures.agreeing import Agreeing
from projections.treatment.measures.comparing import Comparing
from projections.treatment.measures.coverage import coverage
from projections.treatment.measures.delaying import STEPS, Delaying
from projections.treatment.measures.document import Audience, Definition, Measures, Scope
from projections.treatment.measures.facts import Facts
from projections.treatment.measures.grouping import WHOLE, Grouping
from projections.treatment.measures.queueing import queueing
from projections.treatment.measures.reviewers import overturns
from projections.treatment.statistics.suppression import SMALLEST

PAGE: Final = 2_000

_log = structlog.get_logger()


@cache
def definitions() -> dict[str, Definition]:
    """What each measure means, by its id."""
    written = tomllib.loads(Path(__file__).with_name("definitions.toml").read_text(encoding="utf-8"))
    return msgspec.convert(written, dict[str, Definition])


async def computed(store: EventStore, sealer: Sealer, slug: str, position: int) -> dict[Audience, Measures]:
    """Both forms at a position. Raises Unavailable, Unreadable, CorruptHistory."""
    ledger = await ledger_of(store, slug, position)
    return documents(ledger, ledger.seed or await _sealed_seed(sealer, ledger.opened))


async def ledger_of(store: EventStore, slug: str, position: int) -> Ledger:
    """The events of a consultation up to a position, folded."""
    ledger = Ledger(slug)
    async with aclosing(store.pages(limit=PAGE, up_to=position, chosen=Chosen(slug))) as pages:
        async for page in pages:
            for entry in page:
                ledger.follow(recorded(entry))
    return ledger


async def _sealed_seed(sealer: Sealer, opened: Recorded | None) -> bytes | None:
    """The seed of the readings while it is sealed: the service can open it to check its own queue. None where it is lost. Raises Unavailable."""
    if opened is None or not isinstance(opened.event, Opened):
        return None
    try:
        (clear,) = await sealer.unseal([Opening(opened.stream, opened.version, opened.topic, opened.event.queue_seed)])
    except SealBroken as broken:  # what needs no seed is told all the same
        _log.error("the order of the readings cannot be checked", reason=str(broken))
        return None
    return bytes.fromhex(clear.fields["seed"]) if clear else None


def documents(ledger: Ledger, seed: bytes | None) -> dict[Audience, Measures]:
    """Pure: the same ledger and seed give the same documents."""
    return {"internal": _document(ledger, "internal", seed), "public": _document(ledger, "public", seed)}


def _document(ledger: Ledger, audience: Audience, seed: bytes | None) -> Measures:
    internal = audience == "internal"
    facts = Facts(ledger, public=not internal)
    scopes = _scopes(facts)
    return Measures(
        consultation=ledger.slug,
        position=ledger.position,
        day=ledger.last_at.date() if ledger.last_at else None,
        audience=audience,
        unit="seconds" if internal else "days",
        length_bounds=facts.length_bounds if scopes[WHOLE].parity is not None else [],
        smallest_group=SMALLEST,
        definitions=definitions(),
        whole=scopes.pop(WHOLE),
        themes=scopes,
        queues=queueing(ledger, seed) if internal else None,
        overturns=overturns(facts) if internal else None,
    )


def _scopes(facts: Facts) -> dict[str, Scope]:
    present = Grouping(facts, facts.present)
    names = [WHOLE, *facts.themes.groups]
    shown = [name for name in names if not present.few(name)]
    parity, agreeing, delaying = Comparing(facts).within(shown), Agreeing(facts), {step: Delaying(facts, step) for step in STEPS}
    return {
        name: Scope(
            coverage(facts, present.inside(name)),
            {step: each.within(name) for step, each in delaying.items()},
            agreeing.readers(name),
            agreeing.reviewers(name),
            parity[name],
        )
        if name in shown
        else Scope(coverage(facts, present.inside(name)), None, None, None, None)
        for name in names
    }
