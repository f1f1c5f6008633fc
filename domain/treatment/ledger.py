"""Everything that the measures need of one consultation, folded from its events in the order of the log."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct, field

from domain import consultation, contribution, proposal, publication
from domain.errors import CorruptHistory
from domain.record import Event, Recorded
from domain.treatment import course
from domain.treatment.course import Course
from domain.treatment.queues import Queues, revealed


class Drawn(Struct):
    """A proposal, and the contributions that it rests on."""

    state: proposal.State = None
    contributions: set[UUID] = field(default_factory=set)
    decided: bool = False


class Ledger:
    """Follows the events of one consultation; whatever is asked of it is true at the last one that it followed."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.position = 0
        self.last_at: datetime | None = None
        self.consultation: consultation.State = None
        self.opened: Recorded | None = None
        """The event that holds the sealed seed of the readings."""
        self.seed: bytes | None = None
        """The seed of the readings, once it is revealed."""
        self.courses: dict[UUID, Course] = {}
        self.proposals: dict[UUID, Drawn] = {}
        self.queues = Queues()
        self._bundles: dict[UUID, tuple[int, bool]] = {}

    @property
    def readers(self) -> int:
        """Readings that the policy asks for."""
        policies = self.consultation.adopted.policies if self.consultation else None
        return policies.readers if policies else 0

    @property
    def published(self) -> int:
        """The furthest position that a published bundle shows; 0 while there is none."""
        return max((position for position, public in self._bundles.values() if public), default=0)

    def follow(self, recorded: Recorded) -> None:
        """Take the next event. Raises CorruptHistory for one that cannot follow those before it."""
        self.position, self.last_at = recorded.position, recorded.recorded_at
        event = recorded.event
        if isinstance(event, contribution.Event):
            self._contribution(recorded, event)
        elif isinstance(event, consultation.Event):
            self.consultation = consultation.evolve(self.consultation, event)
            if isinstance(event, consultation.Opened):
                self.opened = recorded
            if isinstance(event, consultation.PoliciesAdopted):
                self.queues.policy(self.slug, event.readers, event.lease_s)
            if isinstance(event, consultation.ReadingsFinished):
                self.seed = revealed(self.consultation, event)
        elif isinstance(event, proposal.Event):
            self._proposal(recorded, event)
        else:
            self._publication(recorded.stream, event)

    def _contribution(self, recorded: Recorded, event: contribution.Event) -> None:
        before: contribution.State = None
        if isinstance(event, contribution.Submitted):
            known = self.courses[recorded.stream] = course.begun(recorded.position, recorded.recorded_at, event)
        else:
            known = self._known(recorded.stream, event)
            before = known.state
            course.moved(known, recorded.position, recorded.recorded_at, event, self.readers)
        self.queues.moved(recorded, before, known.state)

    def _known(self, stream: UUID, event: Event) -> Course:
        """Raises CorruptHistory for a contribution that never arrived here."""
        if stream not in self.courses:
            raise CorruptHistory(None, event)
        return self.courses[stream]

    def _proposal(self, recorded: Recorded, event: proposal.Event) -> None:
        drawn = self.proposals.setdefault(recorded.stream, Drawn())
        drawn.state = proposal.evolve(drawn.state, event)
        match event:
            case proposal.ContributionLinked(stream):
                drawn.contributions.add(stream)
                known = self._known(stream, event)
                if known.linked is None:
                    known.linked = recorded.recorded_at
            case proposal.ContributionUnlinked(stream):
                drawn.contributions.discard(stream)
            case proposal.Arbitrated():
                drawn.decided = True
                for stream in drawn.contributions:
                    if self.courses[stream].arbitrated is None:
                        self.courses[stream].arbitrated = recorded.recorded_at

    def _publication(self, stream: UUID, event: publication.Event) -> None:
        match event:
            case publication.Prepared(position=position):
                self._bundles[stream] = (position, False)
            case publication.Published():
                self._bundles[stream] = (self._bundles[stream][0], True)
            case publication.Superseded():
                self._bundles[stream] = (self._bundles[stream][0], False)

    def resting(self) -> Iterator[tuple[UUID, Drawn]]:
        """Each contribution with each proposal that rests on it."""
        for drawn in self.proposals.values():
            for stream in drawn.contributions:
                yield stream, drawn
