"""The eventsourcing package over our store: `PERSISTENCE_MODULE=adapters.library`. The guide is docs/library.md."""

from adapters.library.factory import Factory
from adapters.library.mapper import Fact, StructMapper

__all__ = ["Fact", "Factory", "StructMapper"]
