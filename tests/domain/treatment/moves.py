"""Moves that anybody may make in a town, by the rules of the domain: queues may be fair or not."""

from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from domain import contribution
from domain.treatment.queues import Kind
from tests.domain.treatment.town import Town

Move = tuple[int, int, int, int]
PEOPLE: Final = ("ada", "bob", "eve", "guy")
MOVES: Final = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3), st.sampled_from((0, 0, 1, 2, 5, 9))), max_size=60
)
"""What happens, to whom, by whom, from a queue read how many positions ago."""


def play(town: Town, move: Move, *, fair: bool) -> None:
    """One move; an unfair town hands out whatever it likes."""
    what, whom, by, lag = move
    person, streams = PEOPLE[by], list(town.seen[-1])
    stream = streams[whom % len(streams)]
    kind: Kind = "review" if what % 2 else "reading"
    holds = [(each, held) for each in streams for held in held_by(person, town.seen[-1][each])]
    if what <= 3:
        if fair:
            town.takes(kind, person, lag)
        else:
            town.given(stream, kind, person, max(0, town.head + 1 - lag))
    elif what <= 7 and holds:
        each, held = holds[whom % len(holds)]
        if held == "review":
            town.looks(each, person, agrees=bool(lag % 2), analysed=whom > 4)
        else:
            town.codes(each, person, ("access", "costs", "other")[lag % 3])
    elif what == 8:
        town.passes(timedelta(minutes=10 * (1 + whom)))
    elif whom < 6:
        town.deposits(("archives", "data")[by % 2])
    elif whom < 9:
        town.appeals(stream)
    else:
        town.withdraws(stream)


def held_by(person: str, state: contribution.State) -> list[Kind]:
    """The queues from which somebody holds a contribution."""
    if not isinstance(state, contribution.Present):
        return []
    review, leases = state.dossier.review, state.dossier.leases
    holders: list[tuple[Kind, str]] = [("reading", lease.holder) for lease in leases]
    if review:
        holders.append(("review", review.holder))
    return [kind for kind, holder in holders if holder == person]
