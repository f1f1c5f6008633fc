"""States that read models keep encoded: what an earlier release wrote is read by this one."""

import msgspec
import pytest

from domain.contribution import Gone, Present
from projections import folding
from tests.domain.contributing import STANDINGS, erased, flagged, given


@pytest.mark.parametrize("standing", STANDINGS)
def test_a_state_written_before_screening_is_read_as_not_screened(standing: str) -> None:
    state = given(*STANDINGS[standing])
    assert isinstance(state, Present)
    written = msgspec.msgpack.decode(folding.encode(state))
    del written["dossier"]["screened"]

    assert folding.decode(msgspec.msgpack.encode(written)) == state


@pytest.mark.parametrize("standing", STANDINGS)
def test_a_state_keeps_the_rules_under_which_it_was_screened(standing: str) -> None:
    state, gone = given(*STANDINGS[standing], flagged), given(*STANDINGS[standing], flagged, erased)
    assert isinstance(state, Present)
    assert isinstance(gone, Gone)

    assert folding.decode(folding.encode(state)).dossier.screened == ("rules-1",)
    assert folding.decode(folding.encode(gone)).dossier.screened == ("rules-1",)
