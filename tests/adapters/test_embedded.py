"""The embedded servers: theirs alone to reach, found again after every kind of end."""

import asyncio
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec
import nats
import psutil
import pytest
from nats.aio.client import Client

from adapters.embedded import DataFolder, FolderExposed, FolderHeld, Postgres, ServerFailed, Servers, programs
from adapters.embedded import postgres as embedded_postgres
from adapters.embedded.nats import ignore
from adapters.embedded.process import LOG_BYTES, Record, is_gone, within
from tests.servers import fresh_database, fresh_keyring

HOLDER = """
import asyncio, json, sys
from pathlib import Path
from adapters.embedded import DataFolder, Servers

async def main():
    with DataFolder.hold(Path(sys.argv[1])) as folder:
        servers = await Servers.start(folder)
        print(json.dumps([servers.postgres.pid, servers.nats.pid, servers.migration_url, servers.nats_url]), flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""
SPIN = "DO $$ BEGIN LOOP END LOOP; END $$"
SPINNING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %')"
FOUND_AGAIN = "CREATE TABLE found_again AS SELECT 1 AS fact"


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the folder and runs its servers, until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


async def execute(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def kill(process: psutil.Process) -> None:
    process.kill()
    assert await within(10, lambda: is_gone(process))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def with_user(url: str, user_and_password: str) -> str:
    return f"{url.partition('://')[0]}://{user_and_password}@{url.rpartition('@')[2]}"


def test_a_second_holder_is_told_who_holds_the_folder_and_since_when(tmp_path: Path) -> None:
    told = rf"held by process {os.getpid()} .* since \d{{4}}-"
    with DataFolder.hold(tmp_path / "data"), pytest.raises(FolderHeld, match=told) as held, DataFolder.hold(tmp_path / "data"):
        pass
    assert held.value.pid == os.getpid()
    assert held.value.since is not None


def test_a_folder_whose_holder_has_left_can_be_held_and_keeps_its_secrets(tmp_path: Path) -> None:
    with DataFolder.hold(tmp_path / "data") as folder:
        first = {name: folder.secret(name) for name in ("token.key", "receipt.key", "staff.key", "promise.key", "kek.key")}
    assert len(set(first.values())) == 5
    assert {len(secret) for secret in first.values()} == {32}
    with DataFolder.hold(tmp_path / "data") as folder:
        assert {name: folder.secret(name) for name in first} == first


@pytest.mark.parametrize(
    ("opened", "read"),
    [
        (".", lambda folder: folder.secret("token.key")),
        ("secrets", lambda folder: folder.secret("token.key")),
        ("secrets/token.key", lambda folder: folder.secret("token.key")),
        ("secrets/owner.password", lambda folder: folder.password("owner")),
    ],
)
def test_what_others_could_read_is_refused_and_its_mode_left_alone(
    tmp_path: Path, opened: str, read: Callable[[DataFolder], object]
) -> None:
    with DataFolder.hold(tmp_path / "data"):
        pass
    exposed = tmp_path / "data" / opened
    exposed.chmod(mode(exposed) | 0o040)
    before = mode(exposed)
    with pytest.raises(FolderExposed, match="chmod"), DataFolder.hold(tmp_path / "data"):
        pass
    with pytest.raises(FolderExposed, match="chmod"):
        read(DataFolder(tmp_path / "data"))
    assert mode(exposed) == before


def test_a_secret_that_is_a_link_is_refused(tmp_path: Path) -> None:
    with DataFolder.hold(tmp_path / "data") as folder:
        key = folder.path / "secrets" / "token.key"
        key.rename(tmp_path / "elsewhere")
        key.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(FolderExposed, match="symbolic link"):
            folder.secret("token.key")


async def test_only_loopback_is_listened_on(servers: Servers) -> None:
    for pid, port in ((servers.postgres.pid, servers.postgres.port), (servers.nats.pid, servers.nats.port)):
        listening = [each.laddr for each in psutil.Process(pid).net_connections("inet") if each.status == psutil.CONN_LISTEN]
        assert [tuple(address) for address in listening] == [("127.0.0.1", port)]


@pytest.mark.parametrize("who", ["registre:wrong", "registre", "postgres", "postgres:wrong", "registre_keyring:wrong"])
async def test_postgresql_takes_no_wrong_and_no_missing_password(
    servers: Servers, who: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "missing"))
    with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
        await execute(with_user(servers.database_url, who), "SELECT 1")


async def test_passwords_are_kept_and_asked_for_as_scram(servers: Servers) -> None:
    admin = servers.postgres.url("postgres", "postgres")
    assert await execute(admin, "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid WHERE rolcanlogin") is True
    assert await execute(admin, "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules") == ["scram-sha-256"]


async def test_the_log_is_durable_and_checked(servers: Servers) -> None:
    for setting in ("fsync", "synchronous_commit", "data_checksums"):
        assert await execute(servers.database_url, f"SHOW {setting}") == "on"


@pytest.mark.parametrize(
    ("role", "database"),
    [
        ("registre", "registre_keyring"),
        ("registre_owner", "registre_keyring"),
        ("registre_keyring", "registre"),
        ("registre", "postgres"),
    ],
)
async def test_a_role_connects_to_no_database_but_its_own(servers: Servers, role: str, database: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(servers.postgres.url(role, database), "SELECT 1")


async def test_no_role_of_the_service_is_more_than_a_role(servers: Servers) -> None:
    powers = "SELECT bool_or(rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication) FROM pg_roles"
    for url in (servers.database_url, servers.migration_url, servers.keyring_url):
        assert await execute(url, f"{powers} WHERE rolname = current_user") is False


async def test_the_service_owns_nothing_in_its_database(servers: Servers) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(servers.database_url, "CREATE TABLE public.mine (id int)")


async def test_nats_takes_no_wrong_and_no_missing_password(servers: Servers) -> None:
    for who in ("registre:wrong", ""):
        url = with_user(servers.nats_url, who) if who else f"nats://127.0.0.1:{servers.nats.port}"
        client = Client()
        with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
            await client.connect(url, allow_reconnect=False, error_cb=ignore)
        await client.close()


async def test_a_test_gets_a_database_of_its_own_with_the_same_rights(servers: Servers) -> None:
    ours, theirs = await fresh_database(servers), await fresh_database(servers)
    await execute(ours.owner_url, FOUND_AGAIN)
    assert await execute(theirs.owner_url, "SELECT to_regclass('found_again')") is None
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(ours.service_url, "SELECT fact FROM found_again")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(with_user(await fresh_keyring(servers), servers.database_url.split("//")[1].split("@")[0]), "SELECT 1")


async def test_a_stopped_folder_is_closed_to_others_and_found_again(tmp_path: Path) -> None:
    parents = [tmp_path, *tmp_path.parents]
    before = [mode(parent) for parent in parents]
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        pids = [servers.postgres.pid, servers.nats.pid]
        await execute(servers.migration_url, FOUND_AGAIN)
        await servers.stop()
        assert not any(psutil.pid_exists(pid) for pid in pids if pid)
        with_rights_of_others = [path for path in (folder.path, *folder.path.rglob("*")) if mode(path) & 0o077]
        log = folder.path / "log" / "postgres.log"
        log.write_bytes(b"x" * (LOG_BYTES + 1))
        servers = await Servers.start(folder)
        found = await execute(servers.migration_url, "SELECT fact FROM found_again")
        await servers.stop()
    assert found == 1
    assert with_rights_of_others == []
    assert [mode(parent) for parent in parents] == before
    assert log.with_suffix(".log.1").stat().st_size == LOG_BYTES + 1
    assert log.stat().st_size < LOG_BYTES


async def test_a_server_that_was_killed_starts_again_with_what_it_had_acknowledged(tmp_path: Path) -> None:
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        await execute(servers.migration_url, FOUND_AGAIN)
        client = await nats.connect(servers.nats_url)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        await client.jetstream().publish("kept", b"fact")
        await client.close()
        busy = await asyncpg.connect(servers.database_url)
        before = (servers.database_url, servers.nats_url)
        for server in (servers.postgres, servers.nats):
            assert server.pid is not None
            await kill(psutil.Process(server.pid))
            assert not server.running()
            await server.start()
            assert server.running()
        busy.terminate()
        assert (servers.database_url, servers.nats_url) == before
        assert await execute(servers.migration_url, "SELECT fact FROM found_again") == 1
        client = await nats.connect(servers.nats_url)
        assert (await client.jetstream().get_msg("KEPT", 1)).data == b"fact"
        await client.close()
        await servers.stop()


async def test_orphans_of_a_killed_holder_are_stopped_and_their_data_found(tmp_path: Path) -> None:
    with holder(tmp_path / "data") as process:
        assert process.stdout is not None
        postgres, nats_server, url, _ = json.loads(process.stdout.readline())
        await execute(url, FOUND_AGAIN)
        computing = await asyncpg.connect(url)
        process.kill()
    orphans = [psutil.Process(postgres), psutil.Process(nats_server)]
    assert not any(is_gone(orphan) for orphan in orphans)
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        assert all(is_gone(orphan) for orphan in orphans)
        assert await execute(servers.migration_url, "SELECT fact FROM found_again") == 1
        await servers.stop()
    computing.terminate()


async def test_an_orphan_is_recognised_by_its_own_pid_file_when_ours_was_never_written(tmp_path: Path) -> None:
    with holder(tmp_path / "data") as process:
        assert process.stdout is not None
        pids = json.loads(process.stdout.readline())[:2]
        process.kill()
    orphans = [psutil.Process(pid) for pid in pids]
    for record in (tmp_path / "data" / "run").iterdir():
        record.unlink()
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        assert all(is_gone(orphan) for orphan in orphans)
        await servers.stop()


async def test_a_backend_that_computes_on_after_its_postmaster_was_killed_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_postgres, "LINGER_S", 0.5)
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        connection = await asyncpg.connect(servers.database_url)
        backend = psutil.Process(connection.get_server_pid())
        computing = asyncio.create_task(connection.execute(SPIN))
        while not await execute(servers.postgres.url("postgres", "postgres"), SPINNING):
            await asyncio.sleep(0)
        await kill(psutil.Process(servers.postgres.pid))
        assert not is_gone(backend)
        await servers.postgres.start()
        assert is_gone(backend)
        with pytest.raises(asyncpg.PostgresError):
            await computing
        assert await execute(servers.database_url, "SELECT 1") == 1
        await servers.stop()


async def test_a_process_that_is_not_the_folder_s_own_is_never_touched(tmp_path: Path, servers: Servers) -> None:
    """Its pid stands in every pid file: once a stranger, once the same programs serving another folder."""
    with DataFolder.hold(tmp_path / "data") as folder:
        ours = await Servers.start(folder)
        await ours.stop()
        with stranger() as other:
            for postgres, nats_server in ((other.pid, other.pid), (servers.postgres.pid, servers.nats.pid)):
                state_pid(folder.path / "run" / "postgres.json", postgres)
                state_pid(folder.path / "run" / "nats-server.json", nats_server)
                (folder.path / "nats" / "nats.pid").write_text(str(nats_server))
                if postgres == other.pid:
                    (folder.path / "postgres" / "data" / "postmaster.pid").write_text(f"{postgres}\n")
                await ours.postgres.start()
                await ours.nats.start()
                await ours.stop()
            assert other.is_running()
    assert servers.postgres.running()
    assert servers.nats.running()


async def test_a_port_that_was_taken_meanwhile_is_exchanged_for_another(tmp_path: Path) -> None:
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        ports = (servers.postgres.port, servers.nats.port)
        await servers.stop()
        with socket.create_server(("127.0.0.1", ports[0])), socket.create_server(("127.0.0.1", ports[1])):
            await servers.postgres.start()
            await servers.nats.start()
            assert servers.postgres.port not in ports
            assert servers.nats.port not in ports
            await servers.stop()


async def test_a_server_that_cannot_start_says_why_and_nothing_is_left_running(tmp_path: Path) -> None:
    with DataFolder.hold(tmp_path / "data") as folder:
        servers = await Servers.start(folder)
        await servers.stop()
        store = folder.path / "nats" / "store"
        store.rename(store.with_name("moved"))
        store.write_text("no folder")
        with pytest.raises(ServerFailed, match="not a directory"):
            await Servers.start(folder)
        record = msgspec.json.decode((folder.path / "run" / "postgres.json").read_bytes(), type=Record)
        assert record.pid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs PostgreSQL as himself")
async def test_root_runs_a_postgresql_that_is_installed_where_only_root_can_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a virtual environment under /root: the programs are copied, and no mode of a parent is widened."""
    site = programs._site(programs._installed("embedded-postgres", "postgres").parent)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(site / part, closed / part, ignore=shutil.ignore_patterns("include"))
    monkeypatch.setattr(programs, "_installed", lambda *_: closed / "embedded_postgres/pginstall/bin/postgres")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as reachable, DataFolder.hold(closed / "data") as folder:
        os.chmod(reachable, 0o755)  # noqa: PTH101, S103 - the test's own, made private by tempfile, where another user must look
        monkeypatch.setattr(programs, "CACHE", Path(reachable, "cache"))
        server = Postgres(folder)
        await server.start()
        process = psutil.Process(server.pid)
        assert process.uids().effective != 0
        assert process.gids().effective != 0
        assert Path(process.exe()).is_relative_to(reachable)
        assert await execute(server.url("registre", "registre"), "SELECT 1") == 1
        await server.stop()
    assert mode(closed) == 0o700


@contextmanager
def stranger() -> Iterator[psutil.Popen]:
    """Some other program, which ends with its standard input."""
    process = psutil.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        process.communicate()


def state_pid(record: Path, pid: int | None) -> None:
    process = psutil.Process(pid)
    before = msgspec.json.decode(record.read_bytes(), type=Record)
    record.write_bytes(
        msgspec.json.encode(
            msgspec.structs.replace(before, pid=process.pid, created=process.create_time(), executable=process.exe())
        )
    )
