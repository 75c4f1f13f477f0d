"""scripts/timescaledb: a server for as long as a command runs, and not a moment longer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from storage.embedded_postgres import EmbeddedPostgres

REPOSITORY = Path(__file__).parents[3]
SCRIPT = REPOSITORY / "scripts" / "timescaledb_cli.py"
TELL = """
import json, os
named = {name: value for name, value in os.environ.items() if name.startswith("SPARGE_")}
print(json.dumps(named), flush=True)
"""
ASK = """
import os, psycopg
connection = psycopg.connect(os.environ["SPARGE_DATABASE"], autocommit=True)
connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
connection.execute("CREATE TABLE IF NOT EXISTS kept (time timestamptz NOT NULL)")
connection.execute("SELECT create_hypertable('kept', 'time', if_not_exists => true)")
connection.execute("INSERT INTO kept VALUES (now())")
print(connection.execute("SELECT count(*) FROM kept").fetchone()[0])
"""


def script(home: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SPARGE_")}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments],
        env={**inherited, "SPARGE_HOME": str(home), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def output(home: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    with script(home, *arguments, **environment) as process:
        out, told = process.communicate(timeout=240)
        return process.returncode, out, told


@pytest.fixture(scope="module", autouse=True)
def _available(tmp_path_factory: pytest.TempPathFactory) -> None:
    code, _, told = output(tmp_path_factory.mktemp("home"), "available")
    if code:
        pytest.skip(told.strip())


def test_a_command_finds_timescaledb_and_data_outlive_it(tmp_path: Path) -> None:
    for expected in ("1\n", "2\n"):
        code, out, told = output(tmp_path, "run", "--name", "own", "--", sys.executable, "-c", ASK)
        assert (code, out) == (0, expected), told
    assert output(tmp_path, "run", "--name", "own", "--fresh", "--", sys.executable, "-c", ASK)[1] == "1\n"


def test_the_commands_exit_code_is_the_scripts_and_the_server_is_stopped(tmp_path: Path) -> None:
    assert output(tmp_path, "run", "--", "sh", "-c", "exit 7")[0] == 7
    assert not EmbeddedPostgres(tmp_path / "timescaledb" / "main").running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_leaves_neither_server_nor_command_behind(tmp_path: Path, number: signal.Signals) -> None:
    with script(tmp_path, "run", "--", "sh", "-c", "echo $$; exec sleep 600") as process:
        assert process.stdout is not None
        command = int(process.stdout.readline())
        process.send_signal(number)
        process.communicate(timeout=30)
    deadline = time.monotonic() + 10
    server = EmbeddedPostgres(tmp_path / "timescaledb" / "main")
    while (server.running or Path(f"/proc/{command}").exists()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not server.running
    assert not Path(f"/proc/{command}").exists()


def test_two_runs_at_once_do_not_share_a_server(tmp_path: Path) -> None:
    with script(tmp_path, "run", "--", sys.executable, "-c", f"{TELL}import time; time.sleep(600)") as first:
        assert first.stdout is not None
        one = json.loads(first.stdout.readline())
        code, out, told = output(tmp_path, "run", "--", sys.executable, "-c", TELL)
        assert code == 0
        assert "in use" in told
        assert json.loads(out)["SPARGE_DATABASE"] != one["SPARGE_DATABASE"]
        first.send_signal(signal.SIGTERM)
    assert sorted(path.name for path in (tmp_path / "timescaledb").iterdir()) == ["main", "main.lock"]


def test_a_database_that_is_named_is_used_as_it_is(tmp_path: Path) -> None:
    _, out, told = output(tmp_path, "run", "--", sys.executable, "-c", TELL, SPARGE_DATABASE="host=mine")
    assert json.loads(out)["SPARGE_DATABASE"] == "host=mine"
    assert "using that" in told
    assert not (tmp_path / "timescaledb").exists()


def test_started_it_stays_until_it_is_stopped(tmp_path: Path) -> None:
    assert output(tmp_path, "start", "--name", "own")[0] == 0
    url = output(tmp_path, "url", "--name", "own")[1].strip()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert "cannot be deleted" in output(tmp_path, "start", "--name", "own", "--fresh")[2]
    assert output(tmp_path, "stop", "--name", "own")[0] == 0
    assert output(tmp_path, "url", "--name", "own")[0] == 1


def test_where_it_cannot_be_had_the_command_runs_without_it_and_the_reason_is_passed_on(
    tmp_path: Path,
) -> None:
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(SCRIPT.parent)!r})
import timescaledb_cli, timescaledb_tree
timescaledb_tree.built = lambda: None
timescaledb_tree.obstacle = lambda: "this is a test"
sys.argv = ["timescaledb", "run", "--", sys.executable, "-c", {TELL!r}]
sys.exit(timescaledb_cli.main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "SPARGE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "SPARGE_DATABASE" not in json.loads(done.stdout)
    assert json.loads(done.stdout)["SPARGE_NO_TIMESCALEDB"] == "this is a test."
    assert "cannot be had here: this is a test" in done.stderr


def test_a_machine_without_apt_says_that_it_is_not_debian(tmp_path: Path) -> None:
    code = "import timescaledb_tree; print(timescaledb_tree.obstacle())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(SCRIPT.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "not a Debian-like system" in done.stdout


def test_without_the_projects_environment_the_next_step_is_said(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(REPOSITORY / "scripts" / "timescaledb", tmp_path / "scripts")
    done = subprocess.run(
        [tmp_path / "scripts" / "timescaledb", "run", "--", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "scripts/environment" in done.stderr
