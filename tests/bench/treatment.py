"""Equal treatment under load: `python -m tests.bench.treatment [--contributions 100000] [--rounds 3]`.

Four things, one after the other, in services of their own: fifty reviewers who take and decide; a consultation played to its end in memory
(its volume is made, not observed), computed anew from its log; its measures read over HTTP; departures planted in copies of a log that follows
the rules, and searched by the auditor's replay. Prints one JSON line last; times of reading are in milliseconds.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adapters.ndjson import line_of, recorded
from domain.treatment.trail import Trail
from service.located import locate
from service.settings import Settings
from tests.bench.deciding import deciding
from tests.bench.planting import plant
from tests.bench.treating import Treated, treated
from tests.domain.treatment.whole import whole_life
from tests.e2e.running import served


def replayed() -> dict[str, int]:
    """How many departures are planted, each in a copy of its own, and how many of them the replay finds at their position."""
    lines = [line_of(each) for each in whole_life()]
    planted = list(plant(lines))
    found = 0
    for one in planted:
        trail = Trail()
        for number, line in enumerate(one.lines, start=1):
            trail.follow(recorded(line, number))
        found += (one.rule, one.position) in {(each.rule, each.position) for each in trail.departures()}
    return {"replay_violations_found": found, "replay_violations_planted": len(planted)}


def decided(folder: Path, rounds: int) -> dict[str, Any]:
    data = folder / "deciding"
    with served(data, REGISTRE_LOG_LEVEL="warning") as service:
        return deciding(service, locate(Settings(data=data)), rounds)


def measured(folder: Path, contributions: int, rounds: int) -> dict[str, Any]:
    """The median of the rounds, each in a service and a log of its own."""
    done: list[Treated] = []
    for number in range(rounds):
        done.append(treated(folder / f"treating-{number}", contributions))
        print(f"round {number}: {done[-1]}", file=sys.stderr)
    return {
        "view_ms_p50": round(statistics.median(each.view_ms_p50 for each in done), 1),
        "view_ms_p99": round(statistics.median(each.view_ms_p99 for each in done), 1),
        "recompute_s": round(statistics.median(each.recompute_s for each in done), 1),
        "recompute_peak_mb": round(statistics.median(each.recompute_peak_mb for each in done)),
        "contributions": contributions,
        "events": done[-1].events,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--contributions", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with TemporaryDirectory(prefix="registre-bench-") as name:
        folder = Path(name)
        print(json.dumps(decided(folder, chosen.rounds) | measured(folder, chosen.contributions, chosen.rounds) | replayed()))


if __name__ == "__main__":
    main()
