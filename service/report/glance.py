"""The few sentences that a reader in a hurry takes away."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from projections.treatment.measures.document import Measures, Parity, Scope
from service.report.voice import Voice

NOTABLE_P: Final = 0.05
"""A corrected p below it is named at the top of the page, as a place to look at."""


class Notable(Struct, frozen=True):
    where: str
    parity: Parity


def glance(voice: Voice, measures: Measures) -> list[str]:
    return [*_received(voice, measures), *_moderation(voice, measures), *_compared(voice, measures), *_queues(voice, measures)]


def notable(voice: Voice, measures: Measures) -> list[Notable]:
    """The comparisons whose difference chance alone hardly explains."""
    return [
        Notable(where, parity)
        for where, scope in _scopes(voice, measures)
        for parity in scope.parity or ()
        if parity.tests.holm_p is not None and parity.tests.holm_p < NOTABLE_P
    ]


def _scopes(voice: Voice, measures: Measures) -> Iterator[tuple[str, Scope]]:
    yield voice.say("table", "whole_scope"), measures.whole
    for theme, scope in measures.themes.items():
        yield voice.theme(theme), scope


def _received(voice: Voice, measures: Measures) -> Iterator[str]:
    if share := measures.whole.coverage.get("received"):
        yield voice.say("glance", "received", count=voice.number(share.count))


def _moderation(voice: Voice, measures: Measures) -> Iterator[str]:
    delays = (measures.whole.delays or {}).get("moderation")
    if delays is None or delays.overall is None:
        return
    median, p90 = delays.overall.median, delays.overall.p90
    in_days = measures.unit == "days"
    key = "same_day" if in_days and p90 == 0 else "half_same_day" if in_days and median == 0 else "moderation"
    yield voice.say("glance", key, median=voice.delay_in_words(median), p90=voice.delay_in_words(p90))


def _compared(voice: Voice, measures: Measures) -> Iterator[str]:
    count = sum(len(scope.parity or ()) for _, scope in _scopes(voice, measures))
    found = len(notable(voice, measures))
    if count:
        facts = {"count": voice.number(count), "notable": voice.number(found), "threshold": voice.number(NOTABLE_P, 2)}
        yield voice.say("glance", "compared", **facts)


def _queues(voice: Voice, measures: Measures) -> Iterator[str]:
    if queues := measures.queues:
        departures = sum(len(queue.departures) for queue in queues.values())
        assignments = sum(queue.assignments for queue in queues.values())
        yield voice.say("glance", "queues", departures=voice.number(departures), assignments=voice.number(assignments))
