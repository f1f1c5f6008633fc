"""Whatever people try, in whatever order: what the charter promises holds after every step."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from domain.contribution import (
    Appeal,
    AssignReading,
    AssignReview,
    Coded,
    CodeReading,
    Erased,
    Event,
    ExpireLease,
    Flag,
    Flagged,
    Gone,
    Hidden,
    Hide,
    HidingConfirmed,
    HidingDisputed,
    Keep,
    LiftUnconfirmed,
    Present,
    Recode,
    Recoded,
    Reinstated,
    Review,
    SettleAppeal,
    State,
    Withdraw,
    analysed,
    decide,
    evolve,
    look,
    visible,
)
from domain.errors import Refused
from tests.domain.contributing import APPEAL_S, CLAUSES, CODE, COMMITMENT, LEASE_S, NOON, SECOND_LOOK_S, TERMS, submit
from tests.domain.grammar import SEALED

PEOPLE = st.sampled_from(["mona", "nils", "olga", "zoe"])
READERS = st.sampled_from(["ada", "bob", "eve", "guy", "kim"])
CODES = st.lists(st.sampled_from(["access", "costs", "other", "music"]), max_size=3).map(tuple)
PAUSES = st.sampled_from([timedelta(0), timedelta(minutes=10), timedelta(hours=1)])
KNOWN = frozenset({"access", "costs", "other"})


class Life(RuleBasedStateMachine):
    """One contribution, and everybody at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.events: list[Event] = []
        self.state: State = None
        self.names = 0
        self.codebook = 1
        self._tried(submit(terms=replace(TERMS, moderated_before=True)))

    def _tried(self, command: Any) -> None:
        try:
            events = decide(self.state, command)
        except Refused:
            return
        for event in events:
            self.state = evolve(self.state, event)
            self.events.append(event)

    def _name(self) -> UUID:
        self.names += 1
        return UUID(int=self.names)

    @rule(who=PEOPLE, favours=st.booleans(), counts=st.booleans(), pause=PAUSES)
    def looks(self, who: str, favours: bool, counts: bool, pause: timedelta) -> None:
        """Takes what the queue hands out and decides what that look decides."""
        self._tried(AssignReview(self._name(), who, self.now, LEASE_S, 1))
        self.now += pause
        match look(self.state):
            case "first" if favours:
                self._tried(Keep(who, self.now))
            case "first":
                self._tried(Hide(who, self.now, "3.cordial", CLAUSES, counts, SECOND_LOOK_S, COMMITMENT, SEALED))
            case "second" | "third":
                self._tried(Review(who, self.now, not favours, APPEAL_S))
            case "appeal":
                self._tried(SettleAppeal(who, self.now, favours, COMMITMENT, SEALED))

    @rule(who=READERS, codes=CODES, pause=PAUSES)
    def reads(self, who: str, codes: tuple[str, ...], pause: timedelta) -> None:
        assignment = self._name()
        self._tried(AssignReading(assignment, who, self.now, LEASE_S, 2, 1))
        self.now += pause
        self._tried(CodeReading(assignment, who, self.now, self.codebook, codes, self.codebook, KNOWN))

    @rule(who=READERS, codes=CODES)
    def a_codebook_follows_and_somebody_codes_anew(self, who: str, codes: tuple[str, ...]) -> None:
        self.codebook += 1
        for reading in self._of(Coded):
            self._tried(Recode(reading.assignment, who, self.codebook, codes, self.codebook, KNOWN))

    @rule(who=PEOPLE, which=st.integers(0, 5), favours=st.booleans())
    def somebody_tries(self, who: str, which: int, favours: bool) -> None:
        """Whatever is owed now, and whether or not they hold it."""
        tries: list[Any] = [
            AssignReview(self._name(), who, self.now, LEASE_S, 1),
            Keep(who, self.now),
            Hide(who, self.now, "3.cordial" if favours else "7.common-good", CLAUSES, favours, SECOND_LOOK_S, COMMITMENT, SEALED),
            Review(who, self.now, favours, APPEAL_S),
            SettleAppeal(who, self.now, favours, COMMITMENT, SEALED),
            AssignReading(self._name(), who, self.now, LEASE_S, 2, 1),
        ]
        self._tried(tries[which])

    @rule(hours=st.integers(1, 200))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        if isinstance(self.state, Present):
            dossier = self.state.dossier
            for lease in [*dossier.leases, *([dossier.review] if dossier.review else [])]:
                self._tried(ExpireLease(lease.assignment, self.now))
            self._tried(LiftUnconfirmed(self.now))

    @rule(rules=st.sampled_from(["screening.1", "screening.2"]))
    def the_worker_screens(self, rules: str) -> None:
        self._tried(Flag(rules, COMMITMENT, SEALED))

    @rule()
    def the_author_appeals(self) -> None:
        self._tried(Appeal(CODE, self.now, COMMITMENT, SEALED))

    @rule(chance=st.integers(0, 19))
    def the_author_withdraws(self, chance: int) -> None:
        if chance == 19:
            self._tried(Withdraw(CODE))

    def _of(self, *kinds: Any) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    @invariant()
    def the_history_leads_to_the_state(self) -> None:
        state: State = None
        for event in self.events:
            state = evolve(state, event)
        assert state == self.state

    @invariant()
    def nobody_looks_twice(self) -> None:
        lookers = [event.reviewer for event in self._of(Hidden, HidingConfirmed, HidingDisputed)]
        thirds = [event.by for event in self._of(Reinstated) if event.by != "system"]
        assert len(set(lookers + thirds)) == len(lookers + thirds)

    @invariant()
    def whatever_is_hidden_for_long_was_confirmed(self) -> None:
        if self._of(Hidden) and not visible(self.state) and look(self.state) is None and not isinstance(self.state, Gone):
            assert self._of(HidingConfirmed)

    @invariant()
    def what_is_visible_counts(self) -> None:
        assert analysed(self.state) or not visible(self.state)

    @invariant()
    def two_different_people_read_and_a_third_only_where_they_share_nothing(self) -> None:
        readings = self._of(Coded)
        assert len({reading.reader for reading in readings}) == len(readings) <= 3
        if len(readings) == 3:
            assert not set(readings[0].codes) & set(readings[1].codes)

    @invariant()
    def whoever_codes_anew_read_it_and_says_so_once_a_codebook(self) -> None:
        made = [(each.assignment, each.codebook) for each in self._of(Coded, Recoded)]
        assert len(set(made)) == len(made)
        assert {(each.assignment, each.reader) for each in self._of(Recoded)} <= {
            (each.assignment, each.reader) for each in self._of(Coded)
        }

    @invariant()
    def the_same_rules_screen_once(self) -> None:
        rules = [event.rules for event in self._of(Flagged)]
        assert len(set(rules)) == len(rules)

    @invariant()
    def nothing_follows_an_erasure(self) -> None:
        assert not any(isinstance(event, Erased) for event in self.events[:-1])


Life.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestLife = Life.TestCase
