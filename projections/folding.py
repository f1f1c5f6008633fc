"""Contributions' states, folded by the domain and kept encoded: a read model asks the rules, it has none."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import msgspec

from domain import contribution
from domain.contribution import Gone, Present
from domain.errors import CorruptHistory
from domain.record import SHAPES, Recorded, topic

State = Present | Gone

_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_DECODER: Final = msgspec.msgpack.Decoder(State)
_CONTRIBUTION: Final = tuple(shape for name, shape in SHAPES.items() if name.startswith("contribution."))


class Impossible(ValueError):  # noqa: N818 - says what the event is
    """An event cannot follow those before it in its stream."""

    def __init__(self, position: int, reason: CorruptHistory) -> None:
        super().__init__(f"position {position}: {reason}")
        self.position = position


def of_contributions(batch: Sequence[Recorded]) -> list[Recorded]:
    """Those of a batch that belong to contributions."""
    return [recorded for recorded in batch if isinstance(recorded.event, _CONTRIBUTION)]


def encode(state: State) -> bytes:
    return _ENCODER.encode(state)


def decode(state: bytes) -> State:
    decoded: State = _DECODER.decode(state)
    return decoded


def moved(known: dict[UUID, State], run: Iterable[Recorded]) -> dict[UUID, State]:
    """The states of every contribution that `run` touches, after it; `known` holds those before it. Raises Impossible."""
    states: dict[UUID, contribution.State] = dict(known)
    touched: dict[UUID, State] = {}
    for recorded in run:
        try:
            state = contribution.evolve(states.get(recorded.stream), recorded.event)  # type: ignore[arg-type]  # of_contributions chose them
        except CorruptHistory as error:
            raise Impossible(recorded.position, error) from error
        if state is None:
            raise TypeError(f"{topic(recorded.event)} led to nothing")
        states[recorded.stream] = touched[recorded.stream] = state
    return touched
