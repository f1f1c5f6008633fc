"""How an event is told on the stream: its subject, and its headers after CloudEvents 1.0 in the binary mode of the protocol binding for NATS."""

import re
import string
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

from adapters.store import Entry

OURS: Final = re.compile(r"[a-z]+\.[a-z]+(_[a-z]+)*\.v[0-9]+")
"""`noun.verb_past.vN`."""
FOREIGN: Final = "library"
"""Stands where a noun would, for events that are none of Registre's own."""
LONGEST_TOKEN: Final = 256
"""In characters. The server takes protocol lines of 4,096 bytes; the topic stands whole in the headers."""
_AS_IT_IS: Final = "".join(sorted(set(string.punctuation) - set('"%')))


def subject(entry: Entry) -> str:
    """`registre.<consultation>.<noun>.<verb>`; for events of other applications in the same log `registre.<consultation>.library.<topic>`.

    What would be a separator or a wildcard is percent-encoded: `kennel:Dog.TrickAdded` ends a subject as `kennel%3ADog%2ETrickAdded`. An event
    of no consultation has `_` in its place.
    """
    if OURS.fullmatch(entry.topic):
        noun, verb, _ = entry.topic.split(".")
    else:
        noun, verb = FOREIGN, _token(entry.topic)
    return f"registre.{_token(entry.consultation)}.{noun}.{verb}"


def headers(entry: Entry) -> dict[str, str]:
    """The time is cut to the day: consumers are not the restricted log."""
    return {
        "Nats-Expected-Last-Sequence": str(entry.id - 1),
        "ce-specversion": "1.0",
        "ce-id": str(entry.id),
        "ce-source": f"/registre/{_value(entry.consultation)}",
        "ce-type": _value(entry.topic),
        "ce-subject": str(entry.originator_id),
        "ce-time": f"{entry.recorded_at.date().isoformat()}T00:00:00Z",
        "ce-registreversion": str(entry.originator_version),
        "content-type": "application/json",
    }


def topic_of(headers: Mapping[str, str]) -> str:
    """The topic of a message, as the log has it."""
    return unquote(headers.get("ce-type", ""))


def _token(text: str) -> str:
    """A part of a subject: never empty, without white space, separators and wildcards."""
    return quote(text, safe="").replace(".", "%2E")[:LONGEST_TOKEN] or "_"


def _value(text: str) -> str:
    """A header's value: all but printable ASCII is percent-encoded, and so are the double quote and the per cent sign."""
    return quote(text, safe=_AS_IT_IS)
