"""Named queries: every statement stands in a .sql file, under a name and one sentence."""

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- :name (\w+)$", re.MULTILINE)


@cache
def load(path: Path) -> dict[str, str]:
    """The queries of one file, by name. Raises ValueError for a file that holds none, or one name twice."""
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    names, bodies = parts[1::2], parts[2::2]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"{path}: each query needs a name of its own, found {names}")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}
