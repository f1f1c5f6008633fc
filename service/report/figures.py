"""From measures to charts. What is suppressed or undefined is left to the table beside: a chart shows what has a figure."""

from collections.abc import Iterable, Mapping
from typing import Final

from markupsafe import Markup

from projections.treatment.measures.document import Delays, Measures, Parity, Rate, ReaderAgreement, Share
from projections.treatment.statistics.delays import Spread
from service.report import charts, scale
from service.report.charts import Bar, Cell, Dot, Name, Span, Tick
from service.report.scale import Scale
from service.report.voice import Voice

TENTATIVE: Final = 0.667
RELIABLE: Final = 0.8
"""Krippendorff, Content Analysis (2004), chapter 11: from 0.8 up data are held reliable, from 0.667 up conclusions are tentative."""
STEPS: Final = (0.0, 0.4, TENTATIVE, RELIABLE)


class Figures:
    """The charts of one document in one language; `at` is the id of a chart in the page."""

    def __init__(self, voice: Voice, measures: Measures) -> None:
        self._voice = voice
        self._unit = measures.unit

    def coverage(self, at: str, shares: Mapping[str, Share]) -> Markup:
        voice = self._voice
        rows = [Bar(voice.measure(key), _said(voice, share), share.share, share.target) for key, share in shares.items()]
        return _drawn(charts.bars(self._name(at, "coverage", voice.say("coverage", "chart")), rows)) if rows else Markup()

    def axis(self, spreads: Iterable[Spread | None]) -> Scale:
        return scale.delays([value for each in spreads if each for value in (each.median, each.p90, each.max)], self._unit)

    def shared(self, delays: Delays) -> Scale:
        return self.axis(spread for groups in delays.by.values() for spread in groups.values())

    def steps(self, at: str, delays: Mapping[str, Delays], axis: Scale) -> Markup:
        rows = [(self._voice.measure(key), each.overall) for key, each in delays.items()]
        return self._spans(at, self._voice.say("delays", "chart"), rows, axis)

    def groups(self, at: str, title: str, attribute: str, spreads: Mapping[str, Spread | None], axis: Scale) -> Markup:
        """Of one step, by the groups of an attribute, along an axis that all attributes share."""
        rows = [(self._voice.group(attribute, key), spread) for key, spread in spreads.items()]
        return self._spans(at, title, rows, axis)

    def agreement(self, at: str, agreement: ReaderAgreement) -> Markup:
        voice, facts = self._voice, self.thresholds()
        cells = [Cell(code, voice.number(each.alpha, 2), strength(each.alpha)) for code, each in agreement.codes.items()]
        name = Name(at, voice.say("readers", "chart"), voice.say("readers", "read", **facts))
        return _drawn(charts.heat(name, cells)) if cells else Markup()

    def thresholds(self) -> dict[str, str]:
        return {"tentative": self._voice.number(TENTATIVE, 3), "reliable": self._voice.number(RELIABLE, 1)}

    def top(self, compared: list[Parity]) -> float:
        return scale.top_of([rate.rate for parity in compared for rate in shown(parity).values() if rate.rate is not None])

    def parity(self, at: str, parity: Parity, top: float) -> Markup:
        """The rates of the groups of one attribute, along an axis from nothing to `top`."""
        voice = self._voice
        outcome, attribute = voice.measure(parity.outcome), voice.attribute(parity.attribute)
        rows = [
            Dot(voice.group(parity.attribute, key), f"{voice.percent(each.rate)} (n = {voice.number(each.n)})", each.rate / top)
            for key, each in shown(parity).items()
            if each.rate is not None
        ]
        title = voice.say("parity", "chart", outcome=outcome, attribute=attribute)
        return _drawn(charts.dots(self._name(at, "parity", title, top=voice.percent(top)), rows)) if rows else Markup()

    def _name(self, at: str, section: str, title: str, **facts: str) -> Name:
        read = self._voice.say(section, "read", **facts)
        return Name(at, title, f"{read} {self._voice.say('table', 'below')}")

    def _spans(self, at: str, title: str, spreads: Iterable[tuple[str, Spread | None]], axis: Scale) -> Markup:
        rows = [self._span(label, spread, axis) for label, spread in spreads if spread]
        ticks = [Tick(axis.at(mark), self._mark(mark)) for mark in axis.marks]
        return _drawn(charts.spans(self._name(at, "delays", title), rows, ticks)) if rows else Markup()

    def _span(self, label: str, spread: Spread, axis: Scale) -> Span:
        said = " · ".join(self._voice.delay(value) for value in (spread.median, spread.p90, spread.max))
        return Span(label, said, axis.at(spread.median), axis.at(spread.p90), axis.at(spread.max))

    def _mark(self, mark: float) -> str:
        return self._voice.delay(mark) if mark else self._voice.number(0)


def shown(parity: Parity) -> dict[str, Rate]:
    """The groups that are not suppressed, whatever the document holds of those that are."""
    return {key: rate for key, rate in parity.groups.items() if key not in parity.suppressed}


def strength(alpha: float | None) -> int | None:
    """Which of the five colours of the heat table an alpha has."""
    return None if alpha is None else sum(alpha >= step for step in STEPS)


def _said(voice: Voice, share: Share) -> str:
    return voice.number(share.count) if share.share is None else f"{voice.percent(share.share)} ({voice.number(share.count)})"


def _drawn(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704  # made by ElementTree, which escapes every text
