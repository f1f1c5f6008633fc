"""One running service for the tests that only need it to be there."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import Running, served


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(tmp_path_factory.mktemp("service") / "data") as service:
        yield service
