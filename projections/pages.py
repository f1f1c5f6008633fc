"""Cursors: opaque to clients, and telling no more than the items of the page before."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

Database: TypeAlias = "asyncpg.Pool[Any] | asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"

FIRST_DAY = date(1, 1, 1)
FIRST_ID = UUID(int=0)


class BadCursor(ValueError):  # noqa: N818 - names what was sent
    """The cursor is not one that a page gave."""


def write(*parts: object) -> str:
    return urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def read(cursor: str | None, first: tuple[Any, ...], kinds: Any) -> tuple[Any, ...]:
    """The keys after which a page begins; `first` without a cursor. Raises BadCursor."""
    if cursor is None:
        return first
    try:
        parts: tuple[Any, ...] = msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kinds)
    except ValueError as error:
        raise BadCursor("the cursor is not one that a page gave") from error
    return parts
