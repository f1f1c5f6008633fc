"""The garbage collector of the service's processes: almost everything in them is freed by its reference count."""

import gc
from typing import Final

COLLECT: Final = (20_000, 20, 50)
"""Thresholds of the collector's three generations."""


def collect_rarely() -> None:
    """What has been loaded stays: a collector that looks at all of it again and again stops every request meanwhile, and every replay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
