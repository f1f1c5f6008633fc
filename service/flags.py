"""What screening found, on its way into an event and out of it again: sealed between the worker and the reviewer."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from adapters.records import stream_of
from adapters.sealing import Opening, Sealer
from domain.contribution import Flagged, Gone
from domain.screening import SEALED_AS, Finding
from service.handler import CONTRIBUTION, Handle
from service.statements import History

SCREENING: Final = "screening"
"""The name of the follower that screens, under which rests how far it has come."""
LEAST_BYTES: Final = 1_024
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(list[Finding])


def written(findings: Sequence[Finding]) -> str:
    """JSON, filled up with blanks so that it is sealed as 1 KiB, 2 KiB, 4 KiB ...: the length of a ciphertext must not tell what was found."""
    encoded = _ENCODER.encode(findings).decode()
    sealed_as = len(_ENCODER.encode(encoded))  # what is sealed is JSON itself, and escapes the quotes of this one
    size = LEAST_BYTES
    while size < sealed_as:
        size *= 2
    return encoded + " " * (size - sealed_as)


async def flags(handle: Handle, sealer: Sealer, past: History) -> list[Finding] | None:
    """What the latest screening of a contribution found, for its reviewer; None while it has not been screened.

    What resembles a contribution that has been erased since is not told any more: it would tell of an erased text. Raises Unavailable.
    """
    for entry, event in zip(reversed(past.entries), reversed(past.events), strict=True):
        if isinstance(event, Flagged):
            opening = Opening(stream_of(entry), entry.originator_version, entry.topic, event.sealed)
            (clear,) = await sealer.unseal([opening])
            if clear is None:  # it is being erased at this moment
                return None
            found = _DECODER.decode(clear.fields[SEALED_AS])
            return [each for each in found if each.other is None or await _present(handle, each.other)]
    return None


async def _present(handle: Handle, stream: UUID) -> bool:
    return not isinstance((await handle.load(CONTRIBUTION, stream)).state, Gone)
