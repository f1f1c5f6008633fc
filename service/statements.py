"""Texts of staff and contributors, sealed on their way into an event."""

import secrets
from collections.abc import Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from adapters.records import event_of, stream_of
from adapters.sealing import Closing, Opening, Sealer, commitment
from adapters.store import Entry
from domain import contribution
from domain.contribution import Flagged
from domain.record import sealed_in, sealed_under, topic
from domain.sealed import PENDING
from service.handler import Act

C = TypeVar("C", bound=contribution.Command)
E = TypeVar("E", bound=contribution.Event)

UNSEALED: Final = (b"", PENDING)
"""Commitment and ciphertext of a command whose text is not sealed yet."""


async def act(
    sealer: Sealer, stream: UUID, version: int, state: contribution.State, command: C, text: str, field: str = "text"
) -> Act[contribution.Command]:
    """The command with `text` sealed, as `field`, into the one place where it still holds PENDING.

    `stream` is the one whose keys seal it: domain.record.sealed_under.

    The rules are asked first, so that no key is spent on what they refuse. Raises Refused, Unavailable.
    """
    (event,) = contribution.decide(state, command)
    blind = secrets.token_bytes(32)
    fields = {field: text}
    (sealed,) = await sealer.seal([Closing(stream, version, topic(event), fields, blind)])
    place = next(name for name in command.__struct_fields__ if getattr(command, name) == PENDING)
    filled: Any = replace(command, **{"commitment": commitment(topic(event), fields, blind), place: sealed})
    return Act(filled)


class History(Struct, frozen=True):
    """A contribution's events with their envelopes, and the texts that they hold, by version (None where the key is destroyed)."""

    entries: Sequence[Entry]
    events: Sequence[contribution.Event]
    texts: dict[int, str | None]

    @property
    def state(self) -> contribution.State:
        state: contribution.State = None
        for event in self.events:
            state = contribution.evolve(state, event)
        return state

    def last(self, kind: type[E]) -> tuple[E, str | None] | None:
        """The latest event of a kind, with its text."""
        for event, text in zip(reversed(self.events), reversed(self.texts_in_order), strict=True):
            if isinstance(event, kind):
                return event, text
        return None

    @property
    def texts_in_order(self) -> list[str | None]:
        return [self.texts.get(entry.originator_version) for entry in self.entries]


async def history(
    sealer: Sealer, entries: Sequence[Entry], *, unseal: bool = True, only: type[contribution.Event] | None = None
) -> History:
    """Decode a stream and open the texts that are sealed in it, or in its events of one kind, with one request to the keyring.

    What screening found stays closed.
    """
    events = [event_of(entry) for entry in entries]
    openings = [
        Opening(sealed_under(event, stream_of(entry)), entry.originator_version, entry.topic, sealed)
        for entry, event in zip(entries, events, strict=True)
        if unseal
        and not isinstance(event, Flagged)
        and (only is None or isinstance(event, only))
        and (sealed := sealed_in(event)) is not None
    ]
    clear = await sealer.unseal(openings) if openings else []
    texts = {opening.version: text.fields.get("text") if text else None for opening, text in zip(openings, clear, strict=True)}
    return History(entries, events, texts)
