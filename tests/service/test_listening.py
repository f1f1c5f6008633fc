"""A peer that takes nothing of its answer loses its connection, and so its place."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from service.listening import end_untaken

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")

SOON_S = 20.0
LARGE = bytes(64 * 1024 * 1024)
"""More than the kernel keeps for one connection."""


async def test_a_reader_that_reads_nothing_is_cut_off_and_one_that_reads_is_not() -> None:
    ended: asyncio.Queue[type[BaseException] | None] = asyncio.Queue()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(LARGE)
            await writer.drain()
        except OSError as error:
            ended.put_nowait(type(error))
        else:
            ended.put_nowait(None)
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        assert end_untaken(1) >= 1
        address = server.sockets[0].getsockname()
        with socket.create_connection(address):
            async with asyncio.timeout(SOON_S):
                assert await ended.get() is TimeoutError
        reader, writer = await asyncio.open_connection(*address)
        async with asyncio.timeout(SOON_S):
            assert len(await reader.readexactly(len(LARGE))) == len(LARGE)
            assert await ended.get() is None
        writer.close()
        await writer.wait_closed()


def descriptors() -> set[str]:
    """Those that are open, but for the one that this look itself takes."""
    return {each.name for each in Path("/proc/self/fd").iterdir() if each.exists()}


def test_looking_for_what_listens_leaves_no_descriptor() -> None:
    others = end_untaken()
    before = descriptors()
    with socket.create_server(("127.0.0.1", 0)):
        assert end_untaken() == others + 1
    assert descriptors() == before
