"""Charts as plain SVG, drawn by hand. They take numbers between 0 and 1 and words, and know nothing of measures.

Each is one column wide, so that it is read on a phone as it is: a line of words with the figure at its right, and the drawing below.
Nothing is told by colour alone: every mark has its figure in words, and shapes differ.
"""

from collections.abc import Sequence
from typing import Final, TypeVar
from xml.etree.ElementTree import Element, SubElement, tostring

from msgspec import Struct

R = TypeVar("R")

WIDTH: Final = 340.0
ROW: Final = 38.0
AXIS: Final = 20.0
LETTER: Final = 7.0
"""Of an average letter at the size of the text, for shortening what would run into the figure."""


class Name(Struct, frozen=True):
    """What a screen reader says of a chart; `id` is unique in the page."""

    id: str
    title: str
    description: str


class Bar(Struct, frozen=True):
    label: str
    said: str
    share: float | None
    target: float | None = None


class Dot(Struct, frozen=True):
    label: str
    said: str
    at: float


class Span(Struct, frozen=True):
    """Median, ninth decile and longest, along an axis."""

    label: str
    said: str
    median: float
    p90: float
    longest: float


class Tick(Struct, frozen=True):
    at: float
    said: str


class Cell(Struct, frozen=True):
    label: str
    said: str
    strength: int | None
    """From 0, the weakest, to 4; None where there is nothing to colour."""


def bars(name: Name, rows: Sequence[Bar]) -> str:
    svg = _drawing(name, len(rows) * ROW)
    for top, row in _lines(rows):
        _words(svg, top, row.label, row.said)
        if row.share is None:
            continue
        _node(svg, "rect", class_="track", x="0.5", y=_px(top + 19), width=_px(WIDTH - 1), height="11")
        _node(svg, "rect", class_="full", x="0.5", y=_px(top + 19), width=_px(_x(row.share)), height="11")
        if row.target is not None:
            at = _px(_x(row.target))
            _node(svg, "line", class_="target", x1=at, x2=at, y1=_px(top + 15), y2=_px(top + 34))
    return tostring(svg, encoding="unicode")


def dots(name: Name, rows: Sequence[Dot]) -> str:
    svg = _drawing(name, len(rows) * ROW)
    for top, row in _lines(rows):
        _words(svg, top, row.label, row.said)
        _node(svg, "line", class_="rail", x1="0", x2=_px(WIDTH), y1=_px(top + 25), y2=_px(top + 25))
        _node(svg, "circle", class_="full", cx=_px(_x(row.at, margin=6)), cy=_px(top + 25), r="5.5")
    return tostring(svg, encoding="unicode")


def spans(name: Name, rows: Sequence[Span], ticks: Sequence[Tick]) -> str:
    svg = _drawing(name, AXIS + len(rows) * ROW)
    _axis(svg, ticks, AXIS + len(rows) * ROW)
    for top, row in _lines(rows, AXIS):
        _words(svg, top, row.label, row.said)
        _span(svg, top + 25, row)
    return tostring(svg, encoding="unicode")


def heat(name: Name, cells: Sequence[Cell]) -> str:
    height = 28.0
    svg = _drawing(name, len(cells) * height)
    for at, cell in enumerate(cells):
        top = at * height
        _text(svg, 0, top + 18, _shortened(cell.label, WIDTH - 90))
        kind = "empty" if cell.strength is None else f"heat{cell.strength}"
        box = _node(svg, "g", class_=kind)
        _node(box, "rect", x=_px(WIDTH - 76), y=_px(top + 1), width="75.5", height=_px(height - 2))
        _text(box, WIDTH - 38, top + 18, cell.said, text_anchor="middle", class_="said")
    return tostring(svg, encoding="unicode")


def _span(svg: Element, middle: float, row: Span) -> None:
    median, p90, longest = (_x(at, margin=6) for at in (row.median, row.p90, row.longest))
    y = _px(middle)
    _node(svg, "line", class_="thin", x1=_px(median), x2=_px(longest), y1=y, y2=y)
    _node(svg, "line", class_="thin", x1=_px(longest), x2=_px(longest), y1=_px(middle - 5), y2=_px(middle + 5))
    _node(svg, "line", class_="thick", x1=_px(median), x2=_px(p90), y1=y, y2=y)
    _node(svg, "circle", class_="full ring", cx=_px(median), cy=y, r="5.5")


def _axis(svg: Element, ticks: Sequence[Tick], height: float) -> None:
    for tick in ticks:
        x = _x(tick.at, margin=6)
        _node(svg, "line", class_="grid", x1=_px(x), x2=_px(x), y1=_px(AXIS - 4), y2=_px(height))
        anchor, at = ("start", 0.0) if x < 30 else ("end", WIDTH) if x > WIDTH - 30 else ("middle", x)
        _text(svg, at, 11, tick.said, text_anchor=anchor, class_="axis")


def _drawing(name: Name, height: float) -> Element:
    size = {"viewBox": f"0 0 {WIDTH:.0f} {height:.0f}", "width": f"{WIDTH:.0f}", "height": f"{height:.0f}"}
    labels = f"{name.id}-t {name.id}-d"
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, "role": "img", "aria-labelledby": labels})
    _node(svg, "title", id=f"{name.id}-t").text = name.title
    _node(svg, "desc", id=f"{name.id}-d").text = name.description
    return svg


def _words(svg: Element, top: float, label: str, said: str) -> None:
    _text(svg, 0, top + 13, _shortened(label, WIDTH - (len(said) + 2) * LETTER))
    _text(svg, WIDTH, top + 13, said, text_anchor="end", class_="said")


def _text(parent: Element, x: float, y: float, text: str, **attributes: str) -> None:
    _node(parent, "text", x=_px(x), y=_px(y), **attributes).text = text


def _node(parent: Element, tag: str, **attributes: str) -> Element:
    return SubElement(parent, tag, {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})


def _lines(rows: Sequence[R], start: float = 0.0) -> list[tuple[float, R]]:
    return [(start + at * ROW, row) for at, row in enumerate(rows)]


def _shortened(text: str, room: float) -> str:
    """The whole of it stands in the table beside the chart."""
    letters = max(4, int(room / LETTER))
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


def _x(share: float, margin: float = 0.5) -> float:
    """Where a share of the width lies; what is outside stays at the edge."""
    return margin + min(max(share, 0.0), 1.0) * (WIDTH - 2 * margin)


def _px(value: float) -> str:
    return f"{value:.1f}"
