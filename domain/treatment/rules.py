"""The rules that an event, beside what the log says before it, shows to be kept or not: one function a rule."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from domain import consultation, contribution, proposal, publication
from domain.contribution import AppealSettled, Hidden, HidingConfirmed, HidingDisputed, Kept, Present, Reinstated
from domain.definition import within_reach
from domain.errors import Refused
from domain.proposal import Arbitrated
from domain.record import Recorded, consultation_stream
from domain.treatment.causes import cause
from domain.treatment.deciding import GRACE
from domain.treatment.departures import Departure, departs
from domain.treatment.known import CONCEPTS, Concept, Followed, Known


class Scene(Struct, frozen=True, gc=False):
    """An event, the state of its stream before it, and everything else that the log said before it."""

    recorded: Recorded
    concept: Concept
    state: Any
    follows: bool
    """Whether the event can follow the state."""
    known: Known


_INSTEAD: Final = {
    "expires": "lease-differs", "confirm_by": "delay-differs", "appeal_by": "delay-differs", "charter": "charter-not-consented",
}  # fmt: skip
"""By field in which an event differs from the one that the rules lead to."""
_TIMED: Final = (
    consultation.ThemeAdded, consultation.ThemeExtended, contribution.ReviewAssigned, contribution.ReadingAssigned, Hidden, HidingConfirmed,
)  # fmt: skip


def decided(scene: Scene) -> Iterator[Departure]:
    """Asked again, with the facts that the log gives, the rules lead to this very event."""
    recorded, event = scene.recorded, scene.recorded.event
    try:
        command = cause(scene.known, recorded, scene.state)
        (expected,) = (event,) if command is None else scene.concept.decide(scene.state, command)
    except Refused as refused:
        if refused.code != "not-now" or scene.follows:
            yield departs(recorded, refused.code, **refused.details)
            return
        expected = event
    except OverflowError:  # policies that nobody could have adopted
        yield departs(recorded, "moment-out-of-range")
        return
    if not scene.follows:
        yield departs(recorded, "impossible-history", event=recorded.topic, state=type(scene.state).__name__)
    elif type(expected) is not type(event):
        yield departs(recorded, "decided-otherwise", event=recorded.topic, expected=type(expected).__name__)
    elif expected != event:
        for name in event.__struct_fields__:
            found, wanted = getattr(event, name), getattr(expected, name)
            if found != wanted:
                yield departs(recorded, _INSTEAD.get(name, "decided-otherwise"), field=name, found=found, expected=wanted)


def took_part(scene: Scene) -> Iterator[Departure]:
    """Each look at a contribution, and the settling of an appeal, belongs to somebody who decided nothing on it before."""
    match scene.recorded.event:
        case (
            Kept(who)
            | Hidden(who)
            | HidingConfirmed(who)
            | HidingDisputed(who)
            | AppealSettled(who)
            | Reinstated(who, "third-look")
        ) if isinstance(scene.state, Present) and who in scene.state.dossier.took_part:
            yield departs(scene.recorded, "took-part", who=who)


def committed_once(scene: Scene) -> Iterator[Departure]:
    """A commitment belongs to one deposit: two under the same could stand in for each other."""
    match scene.recorded.event:
        case contribution.Submitted(commitment=commitment) if commitment in scene.known.commitments:
            yield departs(scene.recorded, "commitment-used", commitment=commitment)


def covered(scene: Scene) -> Iterator[Departure]:
    """A decision records the coverage of its theme as the log has it, counted at its head."""
    recorded = scene.recorded
    match recorded.event, scene.state:
        case Arbitrated(coverage=coverage), proposal.Advised(slug, theme) if coverage.seen < recorded.position:
            counted = scene.known.standings[slug].coverage(theme, coverage.seen)
            if (coverage.read, coverage.analysed) != (counted.read, counted.analysed):
                found, expected = f"{coverage.read} of {coverage.analysed}", f"{counted.read} of {counted.analysed}"
                yield departs(recorded, "coverage-differs", seen=coverage.seen, found=found, expected=expected)
            if counted.changed is not None and counted.changed < recorded.recorded_at - GRACE:
                yield departs(recorded, "coverage-stale", seen=coverage.seen, changed=counted.changed)


def read_before(scene: Scene) -> Iterator[Departure]:
    """A fact is read at a position that has come. Assignments are judged with their queue."""
    match scene.recorded.event:
        case (
            Arbitrated(coverage=proposal.Coverage(seen=seen))
            | consultation.ReadingsFinished(seen=seen)
            | publication.Prepared(seen=seen)
        ) if seen >= scene.recorded.position:
            yield departs(scene.recorded, "seen-ahead", seen=seen)
        case publication.Prepared(position=position, seen=seen) if position > seen:
            yield departs(scene.recorded, "seen-ahead", seen=seen, shows=position)


def enveloped(scene: Scene) -> Iterator[Departure]:
    """The envelope names the consultation that the stream belongs to: whoever asks for one gets all of it."""
    recorded, state = scene.recorded, scene.state
    told: Any = recorded.event if state is None else getattr(state, "dossier", state)
    of = getattr(told, "consultation", recorded.consultation)
    if scene.concept.name == "consultation" and recorded.stream != consultation_stream(recorded.consultation):
        of = "of another stream"
    if of != recorded.consultation:
        yield departs(recorded, "wrong-consultation", belongs=of)


RULES: Final[tuple[Callable[[Scene], Iterator[Departure]], ...]] = (
    enveloped, decided, took_part, committed_once, covered, read_before,
)  # fmt: skip


def moments(recorded: Recorded) -> Iterator[Departure]:
    """Moments are such that they can be compared: nothing else is asked of an event whose are not."""
    if isinstance(recorded.event, _TIMED):
        for name in recorded.event.__struct_fields__:
            moment = getattr(recorded.event, name)
            if isinstance(moment, datetime) and (moment.tzinfo is None or not within_reach(moment)):
                yield departs(recorded, "moment-out-of-range", field=name, found=moment)


def mistaken(stream: Followed, recorded: Recorded) -> Iterator[Departure]:
    """A stream is of one concept: no event of another can follow in it."""
    if CONCEPTS[type(recorded.event)] is not stream.concept:
        yield departs(recorded, "impossible-history", event=recorded.topic, state=stream.concept.name)
