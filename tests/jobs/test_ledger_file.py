"""The file is private, made when needed, migrated, and set aside when it is damaged."""

import dataclasses
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from streammagic.errors import LedgerError
from streammagic.jobs import ledger_schema
from streammagic.jobs.ledger import Ledger


@pytest.fixture
def file(home):
    home.mkdir()
    return home / "ledger.sqlite3"


@pytest.fixture
def opened():
    """Open ledgers that are closed at the end."""
    kept = []

    def open_one(path=None):
        kept.append(Ledger.open(path))
        return kept[-1]

    yield open_one
    for one in kept:
        one.close()


def user_version(path):
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def wrote(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def damage(path):
    with path.open("r+b") as raw:
        raw.write(b"x" * path.stat().st_size)


def written(ledger, bundle, count=1):
    for number in range(count):
        ledger.add_version("local", f"d{number:04}", bundle, "")


def test_it_is_in_the_home_and_private(opened, home, bundle):
    written(opened(), bundle)
    files = [path for path in home.iterdir() if path.name.startswith("ledger")]
    assert {path.name for path in files} >= {"ledger.sqlite3", "ledger.sqlite3-wal"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_one_that_others_may_read_becomes_private(opened, file):
    wrote(file)
    file.chmod(0o644)
    opened()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_empty_file_is_brought_to_the_newest_schema(opened, file, bundle):
    file.touch()
    ledger = opened()
    written(ledger, bundle)
    assert ledger.notes == ()
    assert user_version(file) == len(ledger_schema.MIGRATIONS)


def test_an_older_schema_is_brought_to_the_newest_and_keeps_what_it_holds(opened, file, bundle, monkeypatch):
    old = opened()
    written(old, bundle)
    before = old.deployments()
    old.close()

    def with_remarks(connection):
        connection.execute("ALTER TABLE deployments ADD COLUMN remark TEXT NOT NULL DEFAULT ''")

    def with_an_index(connection):
        connection.execute("CREATE INDEX remarks ON deployments (remark)")

    steps = [*ledger_schema.MIGRATIONS, with_remarks, with_an_index]
    monkeypatch.setattr(ledger_schema, "MIGRATIONS", steps)
    assert user_version(file) == len(steps) - 2
    assert opened().deployments() == before
    assert opened().deployments() == before
    assert user_version(file) == len(steps)


FIRST_SCHEMA = """
CREATE TABLE deployments (id INTEGER PRIMARY KEY, place TEXT NOT NULL, name TEXT NOT NULL, engine TEXT NOT NULL,
  created REAL NOT NULL, deleted REAL, UNIQUE (place, name));
CREATE TABLE versions (deployment INTEGER NOT NULL, number INTEGER NOT NULL, sha TEXT NOT NULL, bundle TEXT,
  created REAL NOT NULL, who TEXT NOT NULL, notebook TEXT NOT NULL, PRIMARY KEY (deployment, number));
CREATE TABLE runs (deployment INTEGER NOT NULL, job_id TEXT NOT NULL, version INTEGER NOT NULL,
  attempt INTEGER NOT NULL, state TEXT NOT NULL, started REAL NOT NULL, ended REAL, restored TEXT,
  reason TEXT NOT NULL, PRIMARY KEY (job_id, deployment), UNIQUE (deployment, version, attempt));
CREATE TABLE savepoints (deployment INTEGER NOT NULL, path TEXT NOT NULL, job_id TEXT NOT NULL,
  version INTEGER NOT NULL, kind TEXT NOT NULL, created REAL NOT NULL, PRIMARY KEY (path, deployment));
CREATE TABLE events (id INTEGER PRIMARY KEY, at REAL NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL,
  what TEXT NOT NULL, detail TEXT NOT NULL, who TEXT NOT NULL, notebook TEXT NOT NULL);
CREATE TABLE claims (place TEXT NOT NULL, name TEXT NOT NULL, token TEXT NOT NULL, pid INTEGER NOT NULL,
  created REAL NOT NULL, boot REAL NOT NULL, what TEXT NOT NULL, notebook TEXT NOT NULL, since REAL NOT NULL,
  PRIMARY KEY (place, name));
CREATE INDEX savepoints_of ON savepoints (deployment);
CREATE INDEX events_of ON events (name, place);
INSERT INTO deployments VALUES (1, 'local', 'orders', 'flink', 10, NULL), (2, 'http://a', 'orders', 'flink', 10, 40);
INSERT INTO versions VALUES (1, 1, 'abc', NULL, 10, 'me@here', 'a.ipynb'), (2, 1, 'abc', NULL, 10, 'me@here', '');
INSERT INTO runs VALUES (1, 'later', 1, 2, 'running', 30, NULL, 'file:/s', ''),
  (1, 'earlier', 1, 1, 'stopped', 20, 25, NULL, ''), (2, 'later', 1, 1, 'failed', 20, 25, NULL, 'why');
INSERT INTO savepoints VALUES (1, 'file:/s', 'earlier', 1, 'stop', 25);
INSERT INTO events VALUES (1, 25, 'local', 'orders', 'stopped', '', 'me@here', 'a.ipynb');
PRAGMA user_version = 1;
"""


def test_a_file_of_the_first_schema_keeps_all_it_holds_and_takes_several_runs_of_a_job(opened, file):
    wrote(file, *FIRST_SCHEMA.split(";")[:-1])
    ledger = opened()
    found = ledger.deployment("local", "orders")
    assert ledger.notes == ()
    assert [dataclasses.astuple(run) for run in found.runs] == [
        ("earlier", 1, 1, "stopped", 20.0, 25.0, None, "", None),
        ("later", 1, 2, "running", 30.0, None, "file:/s", "", None),
    ]
    assert [(saved.path, saved.job_id) for saved in found.savepoints] == [("file:/s", "earlier")]
    assert ledger.by_job("later").place == "http://a"  # the row that was written last, as before
    assert [event.what for event in ledger.history()] == ["stopped"]
    assert (found.was_accepted, found.is_refused) == (False, False)
    ledger.begin_run("local", "orders", 1, 3, "later")
    ledger.set_run("later", "stopped", "now")
    runs = ledger.deployment("local", "orders").runs
    assert [(run.attempt, run.state) for run in runs] == [(1, "stopped"), (2, "running"), (3, "stopped")]
    ledger.close()
    assert user_version(file) == len(ledger_schema.MIGRATIONS)


@pytest.mark.usefixtures("file")
def test_a_migration_that_fails_leaves_the_file_as_it_was(opened, bundle, monkeypatch):
    written(opened(), bundle)

    def broken(connection):
        connection.execute("ALTER TABLE deployments ADD COLUMN remark TEXT")
        connection.execute("ALTER TABLE nowhere ADD COLUMN remark TEXT")

    with monkeypatch.context() as patch:
        patch.setattr(ledger_schema, "MIGRATIONS", [*ledger_schema.MIGRATIONS, broken])
        with pytest.raises(LedgerError, match="can't be used") as refused:
            Ledger.open()
        assert "nowhere" in refused.value.cause
    assert len(opened().deployments()) == 1


def test_a_newer_schema_is_refused_and_left_alone(file):
    wrote(file, "CREATE TABLE novelties (n)", "PRAGMA user_version = 99")
    before = file.read_bytes()
    with pytest.raises(LedgerError, match=r"newer streammagic \(schema 99; this one knows \d+\)") as refused:
        Ledger.open()
    assert "Upgrade" in refused.value.hint
    assert file.read_bytes() == before


def test_a_newer_streammagic_that_comes_while_it_is_open_is_noticed(opened, file, bundle):
    ledger = opened()
    wrote(file, "PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="newer streammagic"):
        ledger.deployments()
    with pytest.raises(LedgerError, match="newer streammagic"):
        written(ledger, bundle)


def test_what_is_no_database_is_set_aside(opened, file, bundle):
    file.write_bytes(b"this is no database at all" * 100)
    ledger = opened()
    (note,) = ledger.notes
    assert "kept as ledger.corrupt-1.sqlite3" in note
    assert "%stream attach" in note
    assert (file.parent / "ledger.corrupt-1.sqlite3").read_bytes().startswith(b"this is no database")
    written(ledger, bundle)
    file.write_bytes(b"again" * 100)
    assert "ledger.corrupt-2.sqlite3" in opened().notes[0]
    assert opened().notes == ()


def test_a_damaged_page_is_found(opened, file, bundle):
    ledger = opened()
    written(ledger, bundle, 200)
    ledger.close()
    with file.open("r+b") as raw:
        raw.seek(4096 * 3)
        raw.write(os.urandom(4096 * 8))
    ledger = opened()
    assert "ledger.corrupt-1.sqlite3" in ledger.notes[0]
    assert ledger.deployments() == []


def test_a_file_that_was_cut_short_is_set_aside(opened, file, bundle):
    ledger = opened()
    written(ledger, bundle, 200)
    ledger.close()
    os.truncate(file, file.stat().st_size // 2)
    assert "ledger.corrupt-1.sqlite3" in opened().notes[0]


def test_the_log_of_a_damaged_file_goes_with_it(opened, file, bundle):
    other = opened()
    written(other, bundle, 200)
    other._file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.record("local", "d0000", "noted")
    log = file.with_name("ledger.sqlite3-wal").read_bytes()
    damage(file)
    ledger = opened()
    assert "ledger.corrupt-1.sqlite3" in ledger.notes[0]
    assert (file.parent / "ledger.corrupt-1.sqlite3-wal").read_bytes() == log
    assert other.deployments() == ledger.deployments() == []
    assert other.notes == ()


def test_damage_while_it_is_open_is_told_and_the_next_call_begins_anew(opened, file, bundle):
    ledger = opened()
    written(ledger, bundle, 200)
    ledger._file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(file)
    ledger._file._connection.execute("PRAGMA shrink_memory")
    with pytest.raises(LedgerError, match="is damaged") as damaged:
        ledger.deployments()
    assert "Run the cell again" in damaged.value.hint
    assert ledger.deployments() == []
    assert "ledger.corrupt-1.sqlite3" in ledger.notes[0]
    assert opened().notes == ()


@pytest.mark.parametrize("content", [None, b"no database" * 1000])
def test_kernels_that_open_it_at_the_same_moment_make_it_once(opened, file, content):
    code = """if True:
        import sys
        from streammagic.jobs.ledger import Ledger
        print("ready", flush=True)
        sys.stdin.readline()
        ledger = Ledger.open()
        ledger.record("local", "orders", "opened", str(len(ledger.notes)))
    """
    if content:
        file.write_bytes(content)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    kernels = [subprocess.Popen([sys.executable, "-c", code], **pipes) for _ in range(5)]
    assert [kernel.stdout.readline() for kernel in kernels] == ["ready\n"] * 5
    for kernel in kernels:
        kernel.stdin.write("\n")
        kernel.stdin.flush()
    for kernel in kernels:
        kernel.communicate()
    assert [kernel.returncode for kernel in kernels] == [0] * 5
    notes = sorted(event.detail for event in opened().history())
    assert notes == ["0"] * 4 + ["1" if content else "0"]
    assert len(list(file.parent.glob("ledger.corrupt-*.sqlite3"))) == (1 if content else 0)


def test_a_file_that_is_removed_while_it_is_open_is_made_anew(opened, home, bundle):
    ledger, other = opened(), opened()
    written(ledger, bundle)
    shutil.rmtree(home)
    home.mkdir()
    written(ledger, bundle, 2)
    assert other.deployments() == ledger.deployments()
    assert len(other.deployments()) == 2


def test_a_closed_one_opens_again(opened, bundle):
    ledger = opened()
    ledger.close()
    ledger.close()
    written(ledger, bundle)
    assert len(ledger.deployments()) == 1


def test_a_full_disk_is_told_and_nothing_is_half_written(opened, bundle):
    ledger = opened()
    written(ledger, bundle)
    connection = ledger._file._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match="the disk is full") as refused:
        written(ledger, bundle, 200)
    assert refused.value.hint
    found = ledger.deployments()
    assert 0 < len(found) < 200
    assert sum(len(deployment.versions) for deployment in found) == len(ledger.history(limit=1000))
    connection.execute("PRAGMA max_page_count = 100000")
    written(ledger, bundle)


@pytest.fixture
def ordinary_user():
    """Root may write everywhere: become somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.fixture
def read_only(monkeypatch):
    directory = Path(tempfile.mkdtemp(prefix="smro"))
    monkeypatch.setenv("STREAMMAGIC_HOME", str(directory))
    yield directory
    directory.chmod(0o700)
    shutil.rmtree(directory)


def test_a_directory_that_is_read_only(read_only, request):
    read_only.chmod(0o555)
    request.getfixturevalue("ordinary_user")
    with pytest.raises(LedgerError, match=r"can't be opened: .*ledger\.sqlite3") as refused:
        Ledger.open()
    assert "STREAMMAGIC_HOME" in refused.value.hint


def test_a_home_that_cannot_be_made(read_only, monkeypatch, request):
    monkeypatch.setenv("STREAMMAGIC_HOME", str(read_only / "deeper"))
    read_only.chmod(0o555)
    request.getfixturevalue("ordinary_user")
    with pytest.raises(LedgerError, match="no place to be") as refused:
        Ledger.open()
    assert "STREAMMAGIC_HOME" in refused.value.hint


def test_a_file_that_is_read_only_can_be_read(read_only, opened, bundle, request):
    file = read_only / "ledger.sqlite3"
    ledger = opened()
    written(ledger, bundle)
    ledger.close()
    file.chmod(0o400)
    if os.geteuid() == 0:
        for path in (read_only, *read_only.iterdir()):
            os.chown(path, 65534, 65534)
    request.getfixturevalue("ordinary_user")
    ledger = opened(file)
    assert len(ledger.deployments()) == 1
    with pytest.raises(LedgerError, match="read-only"):
        written(ledger, bundle)


def test_another_writer_that_never_ends(opened, bundle, monkeypatch):
    monkeypatch.setattr(ledger_schema, "_PATIENCE", 0.1)
    ledger, other = opened(), opened()
    with other._file.transaction("IMMEDIATE"), pytest.raises(LedgerError, match="locked by another process"):
        written(ledger, bundle)
    written(ledger, bundle)
