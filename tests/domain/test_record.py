"""Stored bytes become events again, today's and those of yesterday's shapes; and nothing is skipped."""

import re
from typing import Any, Final, get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, inspect

from domain import consultation, contribution, proposal, publication
from domain.adopted import Clause, Code
from domain.definition import ClauseDefinition, CodeDefinition, Definition
from domain.record import (
    CODEC,
    SHAPES,
    UPCASTERS,
    Codec,
    Event,
    UnknownTopic,
    Upcaster,
    consultation_stream,
    erased_stream,
    erasure_stream,
    fold,
    sealed_in,
    topic,
)
from domain.sealed import Sealed

EVERY_SHAPE: Final[list[Any]] = [SHAPES[name] for name in sorted(SHAPES)]
TAG = re.compile(r"(consultation|contribution|proposal|publication)\.[a-z]+(_[a-z]+)*\.v[1-9]")


STORED_CHARTER: Final = (
    b'{"type":"consultation.charter_adopted.v1","version":1,'
    b'"clauses":[{"id":"Ton cordial","title":"","text":"","binds":"both","removal":true}],"reason":"","by":"a"}'
)
STORED_CODEBOOK: Final = (
    b'{"type":"consultation.codebook_adopted.v1","version":1,'
    b'"codes":[{"id":"Acc\xc3\xa8s","label":"","definition":""}],"reason":"","by":"a"}'
)


class HeardV1(Struct, frozen=True, tag="concert.heard.v1"):
    where: str


class HeardV2(Struct, frozen=True, tag="concert.heard.v2"):
    place: str
    seats: int


class Heard(Struct, frozen=True, tag="concert.heard.v3"):
    place: str
    seats: int
    loud: bool


def concerts() -> Codec:
    return Codec(
        [Heard],
        [
            Upcaster(HeardV1, lambda old: HeardV2(old.where, 0)),
            Upcaster(HeardV2, lambda old: Heard(old.place, old.seats, loud=False)),
        ],
    )


st.register_type_strategy(
    Sealed, st.builds(Sealed, st.uuids(), st.binary(min_size=12, max_size=12), st.binary(min_size=16, max_size=64))
)


@pytest.mark.parametrize("shape", EVERY_SHAPE, ids=topic)
def test_a_topic_names_its_noun_what_happened_and_its_version(shape: type[Struct]) -> None:
    assert TAG.fullmatch(topic(shape))
    assert shape.__struct_config__.frozen


def test_no_two_events_share_a_topic() -> None:
    assert len(SHAPES) == len(get_args(Event)) == len(CODEC.topics) - len(UPCASTERS)


def test_every_event_of_every_concept_can_be_recorded() -> None:
    concepts = (consultation, contribution, proposal, publication)

    assert set(SHAPES.values()) == {shape for concept in concepts for shape in get_args(concept.Event)}


@pytest.mark.parametrize("shape", EVERY_SHAPE, ids=topic)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_an_event_comes_back_as_it_was_stored(shape: type[Struct], data: st.DataObject) -> None:
    event = data.draw(st.from_type(shape))

    stored = CODEC.encode(event)

    assert CODEC.decode(topic(event), stored) == event
    assert CODEC.encode(CODEC.decode(topic(event), stored)) == stored


def constraints(kind: inspect.Type | inspect.Field, path: str) -> list[str]:
    """Whatever beyond its type a stored value would have to satisfy."""
    found: list[str] = []
    for name in kind.__struct_fields__:
        value, place = getattr(kind, name), f"{path}.{name}"
        if isinstance(value, inspect.Type | inspect.Field):
            found += constraints(value, place)
        elif isinstance(value, tuple):
            found += [
                each for part in value if isinstance(part, inspect.Type | inspect.Field) for each in constraints(part, place)
            ]
        elif (name in BOUNDS and value is not None) or (name == "forbid_unknown_fields" and value):
            found.append(f"{place} = {value!r}")
    return found


BOUNDS: Final = frozenset({"pattern", "min_length", "max_length", "ge", "gt", "le", "lt", "multiple_of", "tz"})


@pytest.mark.parametrize("shape", EVERY_SHAPE, ids=topic)
def test_no_stored_event_has_to_match_a_pattern_or_a_bound(shape: type[Struct]) -> None:
    """One that became stricter would make what has been stored unreadable."""
    assert constraints(inspect.type_info(shape), "") == []


def test_a_definition_has_patterns_and_bounds() -> None:
    """Otherwise the test above would show nothing."""
    assert len(constraints(inspect.type_info(Definition), "")) > 20


@pytest.mark.parametrize(
    ("stored_topic", "state", "event", "defined"),
    [
        (
            "consultation.charter_adopted.v1",
            STORED_CHARTER,
            consultation.CharterAdopted(1, (Clause("Ton cordial", "", "", removal=True),), "", by="a"),
            ClauseDefinition,
        ),
        (
            "consultation.codebook_adopted.v1",
            STORED_CODEBOOK,
            consultation.CodebookAdopted(1, (Code("Accès", "", ""),), "", by="a"),
            CodeDefinition,
        ),
    ],
)
def test_what_todays_patterns_refuse_is_read_where_it_is_stored_and_refused_where_it_is_defined(
    stored_topic: str, state: bytes, event: Struct, defined: type[Struct]
) -> None:
    assert CODEC.decode(stored_topic, state) == event
    assert CODEC.encode(event) == state
    (part,) = getattr(event, "clauses", None) or event.codes  # type: ignore[attr-defined]  # the one or the other
    with pytest.raises(msgspec.ValidationError, match=r"\$\.id"):
        msgspec.convert(msgspec.to_builtins(part), defined)


def test_a_definition_is_adopted_as_it_is_defined() -> None:
    clause = ClauseDefinition("5.data", "Données", "Aucune.", "participants", removal=True)
    code = CodeDefinition("access", "Accès", "Accéder.")

    assert msgspec.json.encode(clause.adopted()) == msgspec.json.encode(clause)
    assert msgspec.json.encode(code.adopted()) == msgspec.json.encode(code)
    assert (type(clause.adopted()), type(code.adopted())) == (Clause, Code)


def test_a_topic_of_a_later_release_stops_the_reader() -> None:
    with pytest.raises(UnknownTopic, match=r"contribution\.sung\.v1") as met:
        CODEC.decode("contribution.sung.v1", b"{}")
    assert met.value.topic == "contribution.sung.v1"


def test_bytes_that_are_not_of_the_topic_stop_the_reader() -> None:
    with pytest.raises(msgspec.ValidationError):
        CODEC.decode("contribution.kept.v1", b'{"type":"contribution.kept.v1"}')
    with pytest.raises(msgspec.ValidationError):
        CODEC.decode("contribution.kept.v1", CODEC.encode(contribution.HidingDisputed("nils")))


@pytest.mark.parametrize(
    ("stored", "event"),
    [
        (HeardV1("Lyon"), Heard("Lyon", 0, loud=False)),
        (HeardV2("Lyon", 90), Heard("Lyon", 90, loud=False)),
        (Heard("Lyon", 90, loud=True), Heard("Lyon", 90, loud=True)),
    ],
)
def test_an_older_shape_is_read_as_todays(stored: Struct, event: Heard) -> None:
    codec = concerts()

    assert codec.decode(topic(stored), codec.encode(stored)) == event
    assert codec.topics == {"concert.heard.v1", "concert.heard.v2", "concert.heard.v3"}


def test_an_event_is_chosen_under_every_topic_that_it_was_stored_under() -> None:
    assert concerts().topics_of(Heard) == ("concert.heard.v1", "concert.heard.v2", "concert.heard.v3")
    assert CODEC.topics_of(contribution.Kept, contribution.Erased) == (
        "contribution.erased.v1",
        "contribution.erased.v2",
        "contribution.kept.v1",
    )


@pytest.mark.parametrize("shape", EVERY_SHAPE, ids=topic)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_what_an_event_holds_sealed_is_found(shape: Any, data: st.DataObject) -> None:
    event = data.draw(st.from_type(shape))
    sealed = [getattr(event, field.name) for field in msgspec.structs.fields(shape) if field.type in (Sealed, Sealed | None)]

    assert len(sealed) <= 1
    assert sealed_in(event) == (sealed[0] if sealed else None)


def test_an_erasure_of_the_first_shape_is_read_without_what_it_said_in_clear() -> None:
    withdrawn, ordered = (
        b'{"type":"contribution.erased.v1","by":"%b","reason":"%b"}' % said for said in ((b"contributor", b""), (b"k", b"Jean"))
    )

    assert CODEC.decode("contribution.erased.v1", withdrawn) == contribution.Erased("contributor", "withdrawal")
    assert CODEC.decode("contribution.erased.v1", ordered) == contribution.Erased("k", "unstated")


@given(st.uuids(version=4))
def test_the_reason_of_an_erasure_has_keys_apart_and_its_contribution_is_found_again(stream: UUID) -> None:
    apart = erasure_stream(stream)

    assert apart != stream
    assert apart.version == 8
    assert UUID(int=apart.int, version=4) == stream == erased_stream(apart)
    assert erased_stream(stream) is None


def test_a_consultation_has_one_stream() -> None:
    assert consultation_stream("culture") == consultation_stream("culture")
    assert consultation_stream("culture") != consultation_stream("culture-2")


def test_a_history_is_folded_in_order() -> None:
    def joined(state: str | None, event: str) -> str:
        return (state or "") + event

    assert fold(joined, ["a", "b", "c"]) == "abc"
    assert fold(joined, [], "z") == "z"
    assert fold(joined, []) is None
