"""What sealing costs: `python -m tests.bench.sealing [--seconds 5] [--rounds 5]`.

Two whole services run in folders of their own, one as it is and one with sealing replaced by the identity. wrk deposits at each in turn over 64
connections while the other is idle, and who begins changes from round to round. Before that, texts are sealed and opened in this process, a thousand
at a time, with the keyring of the first. Prints one JSON line last: medians over the rounds, ratios of runs side by side, the load of the machine.
"""

import argparse
import asyncio
import json
import os
import secrets
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple
from uuid import uuid4

import psutil

from adapters.postgres.keyring import PostgresKeyring
from adapters.sealing import Closing, KeyringSealer, Opening
from domain.contribution import Submitted
from domain.record import topic
from service.located import Located, locate
from service.settings import Settings
from tests.bench.http import TEXT, followed, until, wrk
from tests.bench.unsealed import HERE
from tests.e2e.asking import Asking
from tests.e2e.running import Running, served

TEXTS: Final = 20_000
AT_ONCE: Final = 1_000
FOLLOWED_S: Final = 900.0
"""Screening opens every text, and stands back while the machine is busy."""


class Side(NamedTuple):
    """One of the two services."""

    name: str
    service: Running
    located: Located
    body: Path


def prepared(name: str, service: Running, body: Path) -> Side:
    asking = Asking(service, "measured")
    asking.prepare()
    asking.close()
    return Side(name, service, locate(Settings(data=service.data)), body)


def deposits(side: Side, number: int, seconds: int) -> float:
    """Acknowledged deposits a second."""
    until(lambda: asyncio.run(followed(side.located)), FOLLOWED_S)
    written = side.body.with_name(f"{side.name}-{number}")
    written.mkdir()
    url = f"{side.service.url}/v1/consultations/measured/contributions"
    arguments = [str(side.body), secrets.token_hex(6), str(written)]
    load = wrk(url, "deposits.lua", arguments, psutil.Process(side.service.pids["http"]), seconds)
    print(
        f"round {number} {side.name}: {load.per_s:.0f}/s, {load.busy:.0%} of a core, load {os.getloadavg()[0]:.1f}",
        file=sys.stderr,
    )
    return load.per_s


def one_round(sides: Sequence[Side], number: int, seconds: int) -> dict[str, float]:
    order = sides if number % 2 else sides[::-1]
    return {side.name: deposits(side, number, seconds) for side in order}


async def opened(located: Located, rounds: int) -> list[float]:
    """Texts opened a second, in each round."""
    sealer = KeyringSealer(await PostgresKeyring.connect(located.keyring_url, located.keks))
    items = [Closing(uuid4(), 1, topic(Submitted), {"text": TEXT}, bytes(32)) for _ in range(TEXTS)]
    sealed = [each for first in range(0, TEXTS, AT_ONCE) for each in await sealer.seal(items[first : first + AT_ONCE])]
    openings = [Opening(item.stream, item.version, item.topic, each) for item, each in zip(items, sealed, strict=True)]
    rates: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        for first in range(0, TEXTS, AT_ONCE):
            found = await sealer.unseal(openings[first : first + AT_ONCE])
            assert all(each is not None and each.fields["text"] == TEXT for each in found)
        rates.append(TEXTS / (time.perf_counter() - began))
        print(f"opened {rates[-1]:.0f}/s, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    await sealer.close()
    return rates


def measured(sides: Sequence[Side], rounds: int, seconds: int) -> dict[str, Any]:
    rates = asyncio.run(opened(sides[0].located, rounds))
    for side in sides:
        deposits(side, 0, seconds)  # the first are slow on either
    found = [one_round(sides, number, seconds) for number in range(1, rounds + 1)]
    return {
        "deposit_rate_sealed_vs_plain": round(statistics.median(each["sealed"] / each["plain"] for each in found), 3),
        "deposit_per_s_sealed": round(statistics.median(each["sealed"] for each in found)),
        "deposit_per_s_plain": round(statistics.median(each["plain"] for each in found)),
        "unseal_per_s": round(statistics.median(rates)),
        "rounds": rounds,
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    with TemporaryDirectory(prefix="registre-bench-") as name:
        folder = Path(name)
        body = folder / "body.json"
        body.write_text(json.dumps({"theme": "fetes", "charter": 1, "text": TEXT}, ensure_ascii=False), encoding="utf-8")
        quiet = {"REGISTRE_LOG_LEVEL": "warning", "REGISTRE_MEASURES_S": "86400"}
        with served(folder / "sealed", **quiet) as one, served(folder / "plain", HERE, **quiet) as other:
            sides = [prepared("sealed", one, body), prepared("plain", other, body)]
            print(json.dumps(measured(sides, chosen.rounds, chosen.seconds)))


if __name__ == "__main__":
    main()
