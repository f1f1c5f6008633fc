"""Departures planted in copies of a log, one a copy: what the auditor's replay must find, each by its rule and its position."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

Told = dict[str, Any]
"""A line, decoded."""


class Planted(NamedTuple):
    rule: str
    position: int
    lines: list[bytes]
    name: str
    """What was done."""


class NoPlace(LookupError):  # noqa: N818 - says what is the matter
    """The log holds nothing in which this departure could be planted."""


class Copy:
    """A copy of a log that can be changed as somebody could who holds the database, its positions and versions made good behind them."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines: list[Told] = [msgspec.json.decode(line) for line in lines]

    def encoded(self) -> list[bytes]:
        return [msgspec.json.encode(line) + b"\n" for line in self.lines]

    def all(self, topic: str, holds: Callable[[Told], object] = lambda _: True) -> Iterator[int]:
        """Places of the events under a topic, given without its noun's version, of which something holds."""
        for place, line in enumerate(self.lines):
            if line["topic"].rpartition(".")[0] == topic and holds(line):
                yield place

    def first(self, topic: str, holds: Callable[[Told], object] = lambda _: True) -> int:
        """Raises NoPlace."""
        place = next(self.all(topic, holds), None)
        if place is None:
            raise NoPlace(topic)
        return place

    def event(self, place: int) -> Told:
        event: Told = self.lines[place]["event"]
        return event

    def of(self, place: int, topic: str = "") -> list[int]:
        """Places of the events in the same stream, in order; of one topic when it is named."""
        stream = self.lines[place]["stream"]
        return [
            other
            for other, line in enumerate(self.lines)
            if line["stream"] == stream and topic in {"", line["topic"].rpartition(".")[0]}
        ]

    def position(self, place: int) -> int:
        position: int = self.lines[place]["position"]
        return position

    def drop(self, place: int) -> None:
        """Leave an event out, and close the gap: positions, versions and every position that a later event names."""
        gone = self.lines.pop(place)
        for line in self.lines[place:]:
            line["position"] -= 1
            line["version"] -= line["stream"] == gone["stream"]
            for facts in (line["event"], line["event"].get("coverage", {})):
                for name in ("seen", "position"):
                    if facts.get(name, 0) >= gone["position"]:
                        facts[name] -= 1

    def append(self, like: int, stream: str | None = None, later: timedelta = timedelta(), **event: Any) -> int:
        """One more event at the end, like another but for what is said; returns its position."""
        last, model = self.lines[-1], self.lines[like]
        position: int = last["position"] + 1
        stream = stream or model["stream"]
        version = 1 + max((line["version"] for line in self.lines if line["stream"] == stream), default=0)
        moment = datetime.fromisoformat(last["recorded_at"]) + later
        self.lines.append(
            model | {"position": position, "stream": stream, "version": version, "recorded_at": _text(moment)}
            | {"event": model["event"] | event}
        )  # fmt: skip
        return position


def _text(moment: datetime) -> str:
    return msgspec.to_builtins(moment)  # type: ignore[no-any-return]  # a text


def _sooner(copy: Copy, place: int, name: str, by: timedelta) -> int:
    event = copy.event(place)
    event[name] = _text(datetime.fromisoformat(event[name]) - by)
    return copy.position(place)


def _hidden(copy: Copy, then: str) -> tuple[int, int]:
    """Places of a removal and of what is first of the topic `then` in its stream behind it."""
    for place in copy.all("contribution.hidden"):
        if behind := [other for other in copy.of(place, then) if other > place]:
            return place, behind[0]
    raise NoPlace(then)


def _look(copy: Copy, look: str) -> tuple[int, int]:
    """Places of a removal and of the assignment of a later look at it."""
    for place in copy.all("contribution.review_assigned", lambda line: line["event"]["look"] == look):
        if hidden := copy.of(place, "contribution.hidden"):
            return hidden[0], place
    raise NoPlace(look)


def _another(copy: Copy, topic: str, field: str, *others: object) -> str:
    """Somebody who stands in that field elsewhere and is none of those."""
    return str(copy.event(copy.first(topic, lambda line: line["event"][field] not in others))[field])


# --- each plants one departure and returns its rule and position ---------------------------------------------------------


def removal_never_confirmed(copy: Copy) -> tuple[str, int]:
    for place in copy.all("contribution.hiding_confirmed"):
        stream = copy.of(place)
        hidden = copy.of(place, "contribution.hidden")[0]
        # A text that is screened late is flagged after the look.
        after = [copy.lines[other]["topic"] for other in stream if other > place]
        if set(after) <= {"contribution.flagged.v1"} and not copy.event(hidden)["analysed"]:
            copy.drop(place)
            return "removal-unconfirmed", copy.position(hidden)
    raise NoPlace("contribution.hiding_confirmed")


def removal_confirmed_too_late(copy: Copy) -> tuple[str, int]:
    place, _ = _hidden(copy, "contribution.hiding_confirmed")
    return "removal-unconfirmed", _sooner(copy, place, "confirm_by", timedelta(days=30))


def delay_cut_short(copy: Copy) -> tuple[str, int]:
    return "delay-differs", _sooner(copy, copy.first("contribution.hiding_confirmed"), "appeal_by", timedelta(days=1))


def removal_confirmed_by_whoever_hid(copy: Copy) -> tuple[str, int]:
    hidden, confirmed = _hidden(copy, "contribution.hiding_confirmed")
    copy.event(confirmed)["reviewer"] = copy.event(hidden)["reviewer"]
    return "took-part", copy.position(confirmed)


def second_look_by_whoever_hid(copy: Copy) -> tuple[str, int]:
    hidden, assigned = _look(copy, "second")
    copy.event(assigned)["reviewer"] = copy.event(hidden)["reviewer"]
    return "took-part", copy.position(assigned)


def third_look_by_whoever_hid(copy: Copy) -> tuple[str, int]:
    hidden, assigned = _look(copy, "third")
    copy.event(assigned)["reviewer"] = copy.event(hidden)["reviewer"]
    return "took-part", copy.position(assigned)


def appeal_settled_by_whoever_hid(copy: Copy) -> tuple[str, int]:
    hidden, settled = _hidden(copy, "contribution.appeal_settled")
    copy.event(settled)["reviewer"] = copy.event(hidden)["reviewer"]
    return "took-part", copy.position(settled)


def appeal_past_its_delay(copy: Copy) -> tuple[str, int]:
    _, appealed = _hidden(copy, "contribution.appealed")
    confirmed = copy.of(appealed, "contribution.hiding_confirmed")[0]
    _sooner(copy, confirmed, "appeal_by", timedelta(days=30))
    return "appeal-too-late", copy.position(appealed)


def clause_that_allows_no_removal(copy: Copy) -> tuple[str, int]:
    clauses = copy.event(copy.first("consultation.charter_adopted"))["clauses"]
    place = copy.first("contribution.hidden")
    copy.event(place)["clause"] = next(clause["id"] for clause in clauses if not clause["removal"])
    return "clause-not-in-force", copy.position(place)


def charter_not_consented_to(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.hidden")
    copy.event(place)["charter"] += 1
    return "charter-not-consented", copy.position(place)


def decided_without_holding_it(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.kept")
    copy.event(place)["reviewer"] = _another(copy, "contribution.kept", "reviewer", copy.event(place)["reviewer"])
    return "not-assigned", copy.position(place)


def reader_who_sees_a_text_twice(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.reading_assigned", lambda line: line["event"]["round"] == 2)
    first = copy.of(place, "contribution.reading_assigned")[0]
    copy.event(place)["reader"] = copy.event(first)["reader"]
    return "already-read", copy.position(place)


def reading_beyond_those_owed(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.coded")
    position = copy.append(
        copy.of(place, "contribution.reading_assigned")[0], assignment=_id(), reader="nobody-else", seen=len(copy.lines)
    )
    return "reading-complete", position


def code_of_no_codebook(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.coded")
    copy.event(place)["codes"] = ["no-such-code"]
    return "unknown-code", copy.position(place)


def codebook_not_in_force(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.coded")
    copy.event(place)["codebook"] += 1
    return "codebook-superseded", copy.position(place)


def recoding_by_another_reader(copy: Copy) -> tuple[str, int]:
    return "not-the-reader", _recoded(copy, reader="nobody-else")


def recoding_twice_under_one_codebook(copy: Copy) -> tuple[str, int]:
    in_force = copy.event(list(copy.all("consultation.codebook_adopted"))[-1])["version"]
    _recoded(copy, codebook=in_force)
    return "already-coded", _recoded(copy, codebook=in_force)


def _recoded(copy: Copy, **event: Any) -> int:
    """A reading of a text that was kept, coded anew at the end of the log."""
    position = copy.append(_kept(copy, "contribution.coded"), **event)
    copy.lines[-1]["topic"] = copy.lines[-1]["event"]["type"] = "contribution.recoded.v1"
    return position


def screened_after_its_first_look(copy: Copy) -> tuple[str, int]:
    return "already-screened", copy.append(_kept(copy, "contribution.flagged"), rules="screening.later")


def _kept(copy: Copy, topic: str) -> int:
    """The place of an event of a contribution that was kept and is still there."""
    for place in copy.all(topic):
        if copy.of(place, "contribution.kept") and not copy.of(place, "contribution.erased"):
            return place
    raise NoPlace(topic)


def lease_longer_than_the_policy(copy: Copy) -> tuple[str, int]:
    return "lease-differs", _sooner(copy, copy.first("contribution.reading_assigned"), "expires", -timedelta(days=1))


def review_out_of_order(copy: Copy) -> tuple[str, int]:
    return _swapped(copy, "contribution.review_assigned", lambda line: line["event"]["look"] == "first")


def reading_out_of_order(copy: Copy) -> tuple[str, int]:
    return _swapped(copy, "contribution.reading_assigned", lambda line: line["event"]["round"] == 1)


def _swapped(copy: Copy, topic: str, holds: Callable[[Told], object]) -> tuple[str, int]:
    """Two assignments change places, both from the queue as the first had read it: what was next is passed over."""
    places = list(copy.all(topic, holds))
    for one, other in pairwise(places):
        between = {line["stream"] for line in copy.lines[copy.event(one)["seen"] : other]} - {copy.lines[one]["stream"]}
        first, second = copy.lines[one], copy.lines[other]
        if second["stream"] in between or first["event"]["seen"] == 0 or first["stream"] == second["stream"]:
            continue
        second["event"]["seen"] = first["event"]["seen"]
        if any(line["stream"] == first["stream"] for line in copy.lines[one + 1 : other]):
            continue
        for name in ("stream", "version", "event", "consultation"):
            first[name], second[name] = second[name], first[name]
        return "assignment-out-of-order", first["position"]
    raise NoPlace(topic)


def queue_read_before_it_held_the_item(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.review_assigned")
    copy.event(place)["seen"] = 0
    return "assignment-out-of-order", copy.position(place)


def seed_that_was_not_sealed(copy: Copy) -> tuple[str, int]:
    place = copy.first("consultation.readings_finished")
    copy.event(place)["queue_seed"] = msgspec.to_builtins(secrets.token_bytes(32))
    return "queue-seed-mismatch", copy.position(place)


def deposit_after_the_closing(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.submitted")
    return "theme-closed", copy.append(place, _id(), commitment=msgspec.to_builtins(secrets.token_bytes(32)))


def deposit_in_no_theme(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.submitted")
    copy.event(place)["theme"] = "no-such-theme"
    return "unknown-theme", copy.position(place)


def deposit_under_another_charter(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.submitted")
    copy.event(place)["charter"] += 1
    return "charter-superseded", copy.position(place)


def deposit_of_an_impossible_length(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.submitted")
    copy.event(place)["length"] = 10**6
    return "text-length", copy.position(place)


def two_deposits_with_one_commitment(copy: Copy) -> tuple[str, int]:
    one, other = list(copy.all("contribution.submitted"))[:2]
    copy.event(other)["commitment"] = copy.event(one)["commitment"]
    return "commitment-used", copy.position(other)


def arbitration_before_the_opinion(copy: Copy) -> tuple[str, int]:
    place = copy.first("proposal.opinion_given")
    arbitrated = copy.of(place, "proposal.arbitrated")[0]
    copy.drop(place)
    return "opinion-missing", copy.position(arbitrated - 1)


def arbitration_before_the_closing(copy: Copy) -> tuple[str, int]:
    copy.drop(copy.first("consultation.closed"))
    return "consultation-running", copy.position(copy.first("proposal.arbitrated"))


def coverage_made_up(copy: Copy) -> tuple[str, int]:
    place = copy.first("proposal.arbitrated")
    copy.event(place)["coverage"]["analysed"] += 1
    copy.event(place)["coverage"]["read"] += 1
    return "coverage-differs", copy.position(place)


def coverage_of_long_ago(copy: Copy) -> tuple[str, int]:
    place = copy.first("proposal.arbitrated")
    copy.event(place)["coverage"] = {"read": 0, "analysed": 0, "seen": 1}
    return "coverage-stale", copy.position(place)


def decided_without_waiting(copy: Copy) -> tuple[str, int]:
    place = copy.first("proposal.arbitrated")
    copy.event(place)["coverage"]["read"] -= 1
    copy.event(place)["why_not_waited"] = ""
    return "coverage-incomplete", copy.position(place)


def link_to_what_is_not_analysed(copy: Copy) -> tuple[str, int]:
    place = copy.first("proposal.contribution_linked")
    hidden = copy.first("contribution.hidden", lambda line: not line["event"]["analysed"])
    copy.event(place)["contribution"] = copy.lines[hidden]["stream"]
    return "contribution-not-analysed", copy.position(place)


def promise_kept_too_late(copy: Copy) -> tuple[str, int]:
    place = copy.first("consultation.commitment_made")
    copy.event(place)["due"] = str(date.fromisoformat(copy.lines[place]["recorded_at"][:10]))
    return "commitment-late", copy.position(place)


def promise_never_kept(copy: Copy) -> tuple[str, int]:
    kept = copy.first("consultation.commitment_kept")
    made = copy.first("consultation.commitment_made", lambda line: line["event"]["commitment"] == copy.event(kept)["commitment"])
    due = copy.event(made)["due"]
    copy.drop(kept)
    late = datetime.fromisoformat(f"{due}T00:00:00+00:00") - datetime.fromisoformat(copy.lines[-1]["recorded_at"])
    copy.append(copy.first("proposal.progress_reported"), later=late + timedelta(days=2))
    return "commitment-late", copy.position(made)


def results_before_the_closing(copy: Copy) -> tuple[str, int]:
    place = copy.first("publication.prepared")
    copy.event(place)["position"] = copy.position(copy.first("consultation.closed")) - 1
    return "consultation-running", copy.position(place)


def results_while_something_is_outstanding(copy: Copy) -> tuple[str, int]:
    decided = {copy.lines[place]["stream"] for place in copy.all("contribution.appeal_settled")}
    confirmed = copy.first("contribution.hiding_confirmed", lambda line: line["stream"] not in decided)
    appealed = copy.append(copy.first("contribution.appealed"), copy.lines[confirmed]["stream"])
    position = copy.append(copy.first("publication.prepared"), _id(), kind="results", position=appealed, seen=appealed)
    return "contributions-outstanding", position


def bundle_that_shows_what_is_hidden(copy: Copy) -> tuple[str, int]:
    """It shows the log as it was just before a removal that was confirmed."""
    hidden, _ = _hidden(copy, "contribution.hiding_confirmed")
    before, head = copy.position(hidden) - 1, copy.lines[-1]["position"]
    return "bundle-outdated", copy.append(copy.first("publication.prepared"), _id(), kind="snapshot", position=before, seen=head)


def event_left_out(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.kept")
    del copy.lines[place]
    return "position-gap", copy.position(place)


def version_left_out(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.kept")
    copy.lines[place]["version"] += 1
    return "version-gap", copy.position(place)


def moment_moved_back(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.kept")
    moment = datetime.fromisoformat(copy.lines[place]["recorded_at"])
    copy.lines[place]["recorded_at"] = _text(moment - timedelta(days=1))
    return "clock-backwards", copy.position(place)


def event_that_cannot_follow(copy: Copy) -> tuple[str, int]:
    return "impossible-history", copy.append(copy.first("contribution.kept"), _id())


def event_in_another_consultation(copy: Copy) -> tuple[str, int]:
    place = copy.first("contribution.kept")
    copy.lines[place]["consultation"] = "elsewhere"
    return "wrong-consultation", copy.position(place)


def _id() -> str:
    return str(UUID(bytes=secrets.token_bytes(16), version=4))


PLANTS: Final[tuple[Callable[[Copy], tuple[str, int]], ...]] = (
    removal_never_confirmed, removal_confirmed_too_late, delay_cut_short, removal_confirmed_by_whoever_hid, second_look_by_whoever_hid,
    third_look_by_whoever_hid, appeal_settled_by_whoever_hid, appeal_past_its_delay, clause_that_allows_no_removal, charter_not_consented_to,
    decided_without_holding_it, reader_who_sees_a_text_twice, reading_beyond_those_owed, code_of_no_codebook, codebook_not_in_force,
    recoding_by_another_reader, recoding_twice_under_one_codebook, screened_after_its_first_look,
    lease_longer_than_the_policy, review_out_of_order, reading_out_of_order, queue_read_before_it_held_the_item, seed_that_was_not_sealed,
    deposit_after_the_closing, deposit_in_no_theme, deposit_under_another_charter, deposit_of_an_impossible_length,
    two_deposits_with_one_commitment, arbitration_before_the_opinion, arbitration_before_the_closing, coverage_made_up, coverage_of_long_ago,
    decided_without_waiting, link_to_what_is_not_analysed, promise_kept_too_late, promise_never_kept, results_before_the_closing,
    results_while_something_is_outstanding, bundle_that_shows_what_is_hidden, event_left_out, version_left_out, moment_moved_back,
    event_that_cannot_follow, event_in_another_consultation,
)  # fmt: skip


def planted(lines: Sequence[bytes], plant: Callable[[Copy], tuple[str, int]]) -> Planted:
    """A copy of the log with one departure planted in it. Raises NoPlace."""
    copy = Copy(lines)
    rule, position = plant(copy)
    return Planted(rule, position, copy.encoded(), plant.__name__)


def plant(lines: Sequence[bytes]) -> Iterator[Planted]:
    """Every departure there is, each planted in a copy of its own. Raises NoPlace."""
    for each in PLANTS:
        yield planted(lines, each)
