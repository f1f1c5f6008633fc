"""The grammar of the deciders' tests: given these facts, when this command, then these events, or this refusal and nothing else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID

from domain.errors import Refused
from domain.sealed import Sealed

SEALED: Final = Sealed(UUID(int=7), b"n" * 12, b"c" * 40)


class Accepts(NamedTuple):
    rule: str
    state: Any
    command: Any
    events: tuple[Any, ...]


class Refuses(NamedTuple):
    rule: str
    state: Any
    command: Any
    code: str
    details: Mapping[str, Any] = MappingProxyType({})
    """Those that the caller acts on; others may stand beside them."""


def refusal(decide: Any, case: Refuses) -> Refused:
    """The refusal that a case meets; AssertionError when it is accepted."""
    try:
        events = decide(case.state, case.command)
    except Refused as refused:
        return refused
    raise AssertionError(f"{case.rule}: accepted, with {events!r}")
