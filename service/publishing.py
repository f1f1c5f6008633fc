"""Publish over HTTP: prepare, announce, download, check."""

import asyncio
import time
from typing import Final

from msgspec import Struct

from service.answers import Publication
from service.client import Away, Client, Told
from service.verification import verify_bundle

PATIENCE_S: Final = 120.0
PAUSE_S: Final = 0.1


class Prepared(Struct, frozen=True):
    publication: str
    digest: str
    """SHA-256 of the bundle's manifest, in hexadecimal."""


async def prepare(publisher: Client, slug: str, kind: str) -> Prepared:
    """Have the service write the bundle that shows the log up to its head. Raises Told, Away."""
    answer = await publisher.post("/v1/publications", {"consultation": slug, "kind": kind}, slow=True)
    return Prepared(answer["publication"], answer["digest"])


async def publish(publisher: Client, prepared: Prepared) -> bytes:
    """Announce a bundle; returns its bytes, checked against the digest that the log holds. Raises Told, Away, BundleDiffers."""
    path = f"/v1/publications/{prepared.publication}"
    await publisher.command(f"{path}/publication", {"location": f"{path}/bundle"}, settled={"not-now"})
    await _shown(publisher, path)
    archive = await publisher.raw(f"{path}/bundle")
    verify_bundle(archive, prepared.digest)
    return archive


async def _shown(client: Client, path: str) -> None:
    """Returns once the public sees the publication."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        try:
            if (await client.read(path, Publication)).status == "published":
                return
        except Told as told:
            if told.status != 404:
                raise
        await asyncio.sleep(PAUSE_S)
    raise Away(path, PATIENCE_S, "the publication is not shown")
