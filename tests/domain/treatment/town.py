"""A consultation played by the rules alone: commands decided, events recorded in one log, queues handed out as the design says."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from domain import consultation, contribution, proposal, publication
from domain.adopted import Clause, Code
from domain.contribution import Contested, Disputed, Present
from domain.definition import SYSTEM, Policies
from domain.errors import Refused
from domain.record import Event, Recorded, consultation_stream, topic
from domain.treatment.queues import Kind, rank
from tests.domain.grammar import SEALED

SLUG: Final = "culture"
STREAM: Final = consultation_stream(SLUG)
SEED: Final = bytes(range(32))
NOON: Final = datetime(2026, 9, 10, 12, tzinfo=UTC)
CLOSES: Final = NOON + timedelta(days=60)
ADMIN: Final = "irene"
POLICIES: Final = Policies("after", 3 * 86_400, 14 * 86_400, 2, 1_800, 2, 20_000, 365)
CLAUSES: Final = (Clause("1.anonymity", "Anonymat", "Nul ne se nomme."), Clause("3.cordial", "Ton", "Cordial.", removal=True))
CODES: Final = (Code("access", "Accès", "Accéder."), Code("costs", "Coûts", "Payer."), Code("other", "Autre", "Le reste."))
CODE_DIGEST: Final = b"\x0c" * 32
COMMITMENT: Final = b"\x05" * 32
MEETING: Final = "spring"

DECIDERS: Final[dict[str, Any]] = {
    "consultation": consultation, "contribution": contribution, "proposal": proposal, "publication": publication,
}  # fmt: skip


class Town:
    """What happened so far. Every method of a verb decides and records; it says whether the rules allowed it."""

    def __init__(self) -> None:
        self.log: list[Recorded] = []
        self.now = NOON - timedelta(days=1)
        self.states: dict[UUID, Any] = {}
        self.versions: dict[UUID, int] = {}
        self.seen: list[dict[UUID, contribution.State]] = [{}]
        """The contributions' states at every position."""
        self.names = 0

    @property
    def head(self) -> int:
        return len(self.log)

    @property
    def terms(self) -> consultation.Present:
        state: consultation.Present = self.states[STREAM]
        return state

    def name(self) -> UUID:
        """A new one, in no order."""
        self.names += 1
        return UUID(bytes=sha256(str(self.names).encode()).digest()[:16], version=4)

    def record(self, stream: UUID, *events: Event) -> None:
        """Whatever the rules say."""
        for event in events:
            version = self.versions[stream] = self.versions.get(stream, 0) + 1
            self.log.append(Recorded(self.head + 1, stream, version, SLUG, self.now, event, topic(event)))
            of = DECIDERS[topic(event).partition(".")[0]]
            self.states[stream] = of.evolve(self.states.get(stream), event)
            moved = {stream: self.states[stream]} if of is contribution else {}
            self.seen.append(self.seen[-1] | moved)

    def do(self, stream: UUID, command: Any) -> bool:
        of = DECIDERS[type(command).__module__.split(".")[1]]
        try:
            events = of.decide(self.states.get(stream), command)
        except Refused:
            return False
        self.record(stream, *events)
        return True

    # --- the consultation ----------------------------------------------------------------------------------------------

    def opens(self, themes: Sequence[str] = ("archives", "data"), due: date = date(2027, 6, 30)) -> None:
        commands = [
            consultation.Prepare(SLUG, "Stratégie", "fr", by=ADMIN),
            consultation.AdoptPolicies(POLICIES, by=ADMIN),
            consultation.AdoptCharter(CLAUSES, by=ADMIN),
            *(consultation.AddTheme(theme, theme.title(), "Quoi ?", NOON, CLOSES, by=ADMIN) for theme in themes),
            consultation.AdoptMethodology("Deux lectures.", by=ADMIN),
            consultation.AdoptCodebook(CODES, by=ADMIN),
            consultation.MakeCommitment("verbatims", "Tout publier.", due, by=ADMIN),
            consultation.Open(sha256(SEED).digest(), SEALED, COMMITMENT, by=ADMIN),
        ]
        assert all(self.do(STREAM, command) for command in commands)
        self.passes(timedelta(days=1))

    def passes(self, pause: timedelta) -> None:
        """Time passes, and the clock brings about at once whatever becomes due meanwhile."""
        until = self.now + pause
        while due := min((moment for moment, _, _ in self._due() if moment <= until), default=None):
            self.now = max(self.now, due)
            for moment, stream, command in self._due():
                if moment <= self.now:
                    assert self.do(stream, command)
        self.now = until

    def _due(self) -> list[tuple[datetime, UUID, Any]]:
        due: list[tuple[datetime, UUID, Any]] = []
        for stream, state in self.seen[-1].items():
            if not isinstance(state, Present):
                continue
            leases = [*state.dossier.leases, *([state.dossier.review] if state.dossier.review else [])]
            due += [(lease.expires, stream, contribution.ExpireLease(lease.assignment, self.now)) for lease in leases]
            if isinstance(state, Contested | Disputed):
                due.append((state.confirm_by, stream, contribution.LiftUnconfirmed(self.now)))
        if isinstance(self.terms, consultation.Running):
            windows = self.terms.adopted.themes
            for theme, window in windows.items():
                if window.phase == "waiting":
                    due.append((window.opens, STREAM, consultation.OpenTheme(theme, self.now, by=SYSTEM)))
                elif window.phase == "open":
                    due.append((window.closes, STREAM, consultation.CloseTheme(theme, self.now, by=SYSTEM)))
            if all(window.phase == "closed" for window in windows.values()):
                due.append((self.now, STREAM, consultation.Close(by=SYSTEM)))
        return due

    # --- contributions -------------------------------------------------------------------------------------------------

    def deposits(self, theme: str = "archives") -> UUID:
        stream = self.name()
        command = contribution.Submit(
            SLUG, theme, 1, "web", "", "fr", 60, 58, contact_left=False, code_digest=CODE_DIGEST, commitment=stream.bytes * 2,
            sealed=SEALED, terms=consultation.terms(self.terms),
        )  # fmt: skip
        assert self.do(stream, command)
        return stream

    def queue(self, kind: Kind, holder: str, seen: int) -> dict[UUID, Any]:
        """What waits for a holder at a position, each with what orders it."""
        waits: dict[UUID, Any] = {}
        for arrival, (stream, state) in enumerate(self.seen[seen].items()):
            if not isinstance(state, Present):
                continue
            dossier, owed = state.dossier, contribution.reading_owed(state, POLICIES.readers)
            if kind == "review":
                if contribution.look(state) and dossier.review is None and holder not in dossier.took_part:
                    waits[stream] = arrival
            elif owed and holder not in contribution.has_read(dossier):
                waits[stream] = (owed, rank(SEED, owed, stream))
        return waits

    def assigned(self, kind: Kind, after: int, before: int) -> set[UUID]:
        """What was handed out at the positions between."""
        shape = contribution.ReviewAssigned if kind == "review" else contribution.ReadingAssigned
        return {each.stream for each in self.log[after : before - 1] if isinstance(each.event, shape)}

    def first(self, kind: Kind, holder: str, seen: int, before: int) -> UUID | None:
        """What the holder gets at the position `before`, from a queue read at `seen`: the rule, word by word."""
        waits, still = self.queue(kind, holder, seen), self.queue(kind, holder, before - 1)
        left = [stream for stream in waits if stream in still and stream not in self.assigned(kind, seen, before)]
        return min(left, key=waits.__getitem__, default=None)

    def takes(self, kind: Kind, holder: str, lag: int = 0) -> UUID | None:
        """The next item of a queue that was read so many positions ago."""
        seen = max(0, self.head - lag)
        stream = self.first(kind, holder, seen, self.head + 1)
        return stream if stream and self.given(stream, kind, holder, seen) else None

    def given(self, stream: UUID, kind: Kind, holder: str, seen: int) -> bool:
        """Whatever is next."""
        if kind == "review":
            return self.do(stream, contribution.AssignReview(self.name(), holder, self.now, POLICIES.lease_s, seen))
        command = contribution.AssignReading(self.name(), holder, self.now, POLICIES.lease_s, POLICIES.readers, seen)
        return self.do(stream, command)

    def looks(self, stream: UUID, reviewer: str, *, agrees: bool, analysed: bool = True) -> bool:
        """What the look that is owed decides, by whoever holds it; `agrees` that the text may be hidden."""
        match contribution.look(self.states[stream]):
            case "first" if agrees:
                removable = consultation.removable(self.terms, 1)
                hide = contribution.Hide(
                    reviewer, self.now, "3.cordial", removable, analysed, POLICIES.second_look_s, COMMITMENT, SEALED
                )
                return self.do(stream, hide)
            case "first":
                return self.do(stream, contribution.Keep(reviewer, self.now))
            case "second" | "third":
                return self.do(stream, contribution.Review(reviewer, self.now, agrees, POLICIES.appeal_s))
            case "appeal":
                return self.do(stream, contribution.SettleAppeal(reviewer, self.now, not agrees, COMMITMENT, SEALED))
        return False

    def codes(self, stream: UUID, reader: str, *codes: str) -> bool:
        lease = next((each for each in self.states[stream].dossier.leases if each.holder == reader), None)
        book, known = consultation.codebook_in_force(self.terms)
        return lease is not None and self.do(
            stream, contribution.CodeReading(lease.assignment, reader, self.now, book, codes, book, known)
        )

    def codes_anew(self, stream: UUID, reader: str, *codes: str) -> bool:
        reading = next((each for each in self.states[stream].dossier.readings if each.reader == reader), None)
        book, known = consultation.codebook_in_force(self.terms)
        return reading is not None and self.do(stream, contribution.Recode(reading.assignment, reader, book, codes, book, known))

    def screened(self, stream: UUID, rules: str = "screening.1") -> bool:
        return self.do(stream, contribution.Flag(rules, COMMITMENT, SEALED))

    def appeals(self, stream: UUID) -> bool:
        return self.do(stream, contribution.Appeal(CODE_DIGEST, self.now, COMMITMENT, SEALED))

    def withdraws(self, stream: UUID) -> bool:
        return self.do(stream, contribution.Withdraw(CODE_DIGEST))

    # --- what is drawn from them ---------------------------------------------------------------------------------------

    def finishes(self) -> bool:
        """The seed is revealed."""
        return self.do(STREAM, consultation.FinishReadings(SEED, 0, self.head, by=ADMIN))

    def covered(self, theme: str) -> proposal.Coverage:
        """How much of a theme has been read by now."""
        states = [state for state in self.seen[-1].values() if contribution.analysed(state) and state.dossier.theme == theme]  # type: ignore[union-attr]  # analysed
        read = [state for state in states if contribution.read_enough(state, POLICIES.readers)]
        return proposal.Coverage(len(read), len(states), self.head)

    def arbitrates(self, stream: UUID, why_not_waited: str = "") -> bool:
        coverage, closed = self.covered(self.states[stream].theme), isinstance(self.terms, consultation.Over)
        return self.do(stream, proposal.Arbitrate("retained", "Utile.", "jules", coverage, closed, why_not_waited))

    def publishes(self) -> UUID:
        """The results at the head of the log."""
        stream, closed = self.name(), isinstance(self.terms, consultation.Over)
        outstanding = sum(not contribution.settled(state) for state in self.seen[-1].values() if isinstance(state, Present))
        prepare = publication.Prepare(SLUG, "results", self.head, b"d" * 32, "karim", self.head, closed, outstanding, 0)
        assert self.do(stream, prepare)
        assert self.do(stream, publication.Publish("https://exemple.fr/resultats", "karim", 0))
        return stream
