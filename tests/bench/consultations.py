"""A whole consultation, played in memory by the rules of its queues: seven events or so a contribution, everything conforming.

The volume is made, not observed: texts are noise of a fixed size, codes and decisions are drawn with a fixed seed.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from domain import consultation, contribution, proposal, publication
from domain.adopted import Clause, Code
from domain.record import Event, consultation_stream
from domain.sealed import Sealed
from domain.treatment.queues import rank

SLUG: Final = "grande"
SEED: Final = bytes(range(32))
BY: Final = "staff-administrator"
OPENS: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
CLOSES: Final = OPENS + timedelta(days=120)
LEASE: Final = timedelta(minutes=30)
THEMES: Final = tuple(f"theme-{number}" for number in range(10))
CODES: Final = ("access", "funding", "training", "archives", "rights", "tools", "territory", "other")
REVIEWERS: Final = tuple(f"staff-reviewer-{number}" for number in range(50))
READERS: Final = tuple(f"staff-reader-{number}" for number in range(30))
HIDDEN: Final = 0.04
LINKED: Final = 0.25
SEALED: Final = Sealed(UUID(int=1, version=4), b"\x01" * 12, b"\x02" * 400)
OPENED_VERSION: Final = len(THEMES) + 7
"""Of the event that holds the sealed seed, in the consultation's stream."""
_CHANNELS: Final = ("web", "web", "web", "paper", "email")
_ACTORS: Final = ("", "public", "private", "associative", "professional", "amateur")
_LANGUAGES: Final = ("fr",) * 9 + ("en",)


class Happened(NamedTuple):
    stream: UUID
    version: int
    event: Event
    at: datetime


class Played:
    """Writes the log of a consultation, event by event; positions are counted from 1."""

    def __init__(self, contributions: int, seed: Sealed = SEALED) -> None:
        self._many = contributions
        self._seed = seed
        self._chance = random.Random(contributions)
        self._versions: dict[UUID, int] = {}
        self._position = 0
        self._now = OPENS

    def events(self) -> Iterator[Happened]:
        yield from self._opening()
        streams = [self._id() for _ in range(self._many)]
        pause = (CLOSES - OPENS) / (self._many + 1)
        for stream in streams:
            self._now += pause
            yield self._happened(stream, self._submitted())
        self._now = CLOSES
        yield from self._closing()
        analysed = []
        for stream in streams:
            yield from self._moderation(stream)
            analysed.append(stream)
        yield from self._readings(analysed)
        yield from self._decisions(analysed)

    def _happened(self, stream: UUID, event: Event) -> Happened:
        self._position += 1
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        self._now += timedelta(milliseconds=40)
        return Happened(stream, version, event, self._now)

    def _id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)

    def _consultation(self, *events: consultation.Event) -> Iterator[Happened]:
        for event in events:
            yield self._happened(consultation_stream(SLUG), event)

    def _opening(self) -> Iterator[Happened]:
        clauses = (Clause("5.sensitive-data", "Données sensibles", "Aucune.", removal=True),)
        codes = tuple(Code(name, name.title(), "Ce qui est dit.") for name in CODES)
        yield from self._consultation(
            consultation.Prepared(SLUG, "Une grande consultation", "fr", by=BY),
            consultation.PoliciesAdopted("after", 3_600, 7_200, 2, 1_800, 2, 20_000, 365, by=BY),
            consultation.CharterAdopted(1, clauses, "", by=BY),
            *(consultation.ThemeAdded(theme, theme.title(), "Quoi ?", OPENS, CLOSES, by=BY) for theme in THEMES),
            consultation.MethodologyAdopted(1, "Chaque texte est lu deux fois.", "", by=BY),
            consultation.CodebookAdopted(1, codes, "", by=BY),
            consultation.CommitmentMade("synthesis", "Publier la synthèse.", date(2999, 1, 1), by=BY),
            consultation.Opened(sha256(SEED).digest(), self._seed, bytes(32), by=BY),
            *(consultation.ThemeOpened(theme, by="system") for theme in THEMES),
        )

    def _submitted(self) -> contribution.Submitted:
        chance = self._chance
        return contribution.Submitted(
            SLUG, chance.choice(THEMES), 1, chance.choice(_CHANNELS), chance.choice(_ACTORS), chance.choice(_LANGUAGES),
            int(chance.lognormvariate(6, 1)) + 2, chance.random() < 0.3, False, chance.randbytes(32), chance.randbytes(32), SEALED,
        )  # fmt: skip

    def _closing(self) -> Iterator[Happened]:
        yield from self._consultation(
            *(consultation.ThemeClosed(theme, by="system") for theme in THEMES), consultation.Closed(by="system")
        )

    def _moderation(self, stream: UUID) -> Iterator[Happened]:
        reviewer, second = self._chance.sample(REVIEWERS, 2)
        yield self._review(stream, reviewer, "first")
        if self._chance.random() >= HIDDEN:
            yield self._happened(stream, contribution.Kept(reviewer))
            return
        confirm_by = self._now + timedelta(hours=1)
        yield self._happened(
            stream, contribution.Hidden(reviewer, "5.sensitive-data", 1, True, "human", confirm_by, bytes(32), SEALED)
        )
        yield self._review(stream, second, "second")
        yield self._happened(stream, contribution.HidingConfirmed(second, self._now + timedelta(hours=2)))

    def _review(self, stream: UUID, reviewer: str, look: contribution.Look) -> Happened:
        assigned = contribution.ReviewAssigned(self._id(), reviewer, look, self._now + LEASE, self._position)
        return self._happened(stream, assigned)

    def _readings(self, streams: list[UUID]) -> Iterator[Happened]:
        """Round by round in the order of the seed; a third reading where two share no code."""
        read: dict[UUID, list[tuple[str, frozenset[str]]]] = {stream: [] for stream in streams}
        waiting = streams
        for round_ in (1, 2, 3):
            for stream in sorted(waiting, key=partial(rank, SEED, round_)):
                yield from self._reading(stream, round_, read[stream])
            waiting = [stream for stream in waiting if round_ == 1 or not read[stream][0][1] & read[stream][1][1]]
        yield from self._consultation(consultation.ReadingsFinished(SEED, self._position, by=BY))

    def _reading(self, stream: UUID, round_: int, before: list[tuple[str, frozenset[str]]]) -> Iterator[Happened]:
        chance = self._chance
        reader = chance.choice([each for each in READERS if each not in {name for name, _ in before}])
        said = sorted(before[0][1]) if before and chance.random() < 0.7 else chance.sample(CODES, chance.randint(1, 3))
        assignment = self._id()
        yield self._happened(stream, contribution.ReadingAssigned(assignment, reader, round_, self._now + LEASE, self._position))
        yield self._happened(stream, contribution.Coded(assignment, reader, 1, tuple(said)))
        before.append((reader, frozenset(said)))

    def _decisions(self, streams: list[UUID]) -> Iterator[Happened]:
        linked = self._chance.sample(streams, int(len(streams) * LINKED))
        yield from self._consultation(consultation.CommitteeConvened("spring", date(2026, 9, 1), by=BY))
        for number in range(0, len(linked), 200):
            yield from self._proposal(linked[number : number + 200], len(streams))
        bundle = self._id()
        yield self._happened(bundle, publication.Prepared(SLUG, "results", self._position, bytes(32), BY, self._position))
        yield self._happened(bundle, publication.Published("https://exemple.fr/", BY))

    def _proposal(self, linked: list[UUID], analysed: int) -> Iterator[Happened]:
        stream = self._id()
        outcomes: tuple[proposal.Outcome, ...] = ("retained", "amended", "rejected")
        outcome = self._chance.choice(outcomes)
        seen = proposal.Coverage(analysed, analysed, self._position)
        events: tuple[proposal.Event, ...] = (
            proposal.Drafted(SLUG, THEMES[0], "Ouvrir", "Toutes.", "staff-analyst"),
            *(proposal.ContributionLinked(each, "staff-analyst") for each in linked),
            proposal.Submitted("spring", "staff-secretary"),
            proposal.OpinionGiven("spring", favourable=True, opinion="Favorable.", secretary="staff-secretary"),
            proposal.Arbitrated(outcome, "Utile.", seen, "", "staff-secretary"),
        )
        for event in events:
            yield self._happened(stream, event)
