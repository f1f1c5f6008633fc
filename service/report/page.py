"""The page: one document of measures as UTF-8 HTML, French first and English after it.

Both languages stand one below the other instead of behind a switch: the page needs no script, every word of it can be searched, and a
printer prints all of it.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from projections.treatment.measures.document import Measures
from service.report.figures import Figures, shown
from service.report.glance import glance, notable
from service.report.voice import Voice, by_outcome
from service.report.words import DASH, Language

TEMPLATES: Final = Path(__file__).parent / "templates"
GENERATOR: Final = "registre audit report"
"""By which a page of ours is recognised before another is written over it."""
DEPARTURES: Final = 100
"""Of one queue that are listed; the data file holds all of them."""
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
STYLE: Final = (TEMPLATES / "page.css").read_text(encoding="utf-8")
POLICY: Final = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; base-uri 'none'; form-action 'none'"
"""Nothing is loaded and nothing runs; the one style that counts is the page's own."""
UNPRINTABLE: Final = dict.fromkeys(
    [*range(9), *range(11, 32), *range(0x7F, 0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0), 0xFFFE, 0xFFFF], "\ufffd"
)
"""What HTML and XML do not allow in a text, whoever wrote it."""


def page(measures: Measures, titles: Mapping[str, str], title: str) -> bytes:
    """The document for people; `titles` by theme id, `title` that of the consultation. The same arguments give the same bytes.

    Raises ValueError when a document said to be public holds what is internal.
    """
    for field in _betrayed(measures):
        raise ValueError(f"{field}: internal, and cannot stand in a public document")
    voices = [Voice(language, measures, titles) for language in LANGUAGES]
    html = ENVIRONMENT.get_template("page.html.j2").render(
        measures=measures,
        title=title,
        speaking=[(voice, Figures(voice, measures)) for voice in voices],
        generator=GENERATOR,
        policy=POLICY,
        style=Markup(STYLE),  # noqa: S704  # a file of this package
        dash=DASH,
        departures_shown=DEPARTURES,
        by_outcome=by_outcome,
        shown=shown,
        glance=glance,
        notable=notable,
    )
    return html.translate(UNPRINTABLE).encode()


def _betrayed(measures: Measures) -> Iterator[str]:
    """Fields of a public document that only an internal one may have."""
    if measures.audience != "public":
        return
    for field in ("queues", "overturns"):
        if getattr(measures, field) is not None:
            yield field
    for where, scope in {"whole": measures.whole, **{f"themes.{key}": each for key, each in measures.themes.items()}}.items():
        if any("contact" in delays.by for delays in (scope.delays or {}).values()):
            yield f"{where}.delays: contact"
        if any(parity.attribute == "contact" for parity in scope.parity or ()):
            yield f"{where}.parity: contact"
