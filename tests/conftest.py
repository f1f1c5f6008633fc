"""Fixtures that every room shares."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from adapters.embedded import DataFolder, Servers

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """One PostgreSQL and one NATS for the whole run. A test takes its own database of them: tests.servers."""
    with DataFolder.hold(tmp_path_factory.mktemp("servers") / "data") as folder:
        running = await Servers.start(folder)
        yield running
        await running.stop()
