"""The verbs of ``%stream`` as commands, for CI."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.flink

SQL = """
CREATE TABLE src (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
CREATE TABLE nowhere (k INT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT k FROM src
"""


@pytest.fixture
def streammagic(cluster):
    """``streammagic(*words)`` runs the command and returns its exit code, output and errors."""

    def run(*words, text=None):
        found = subprocess.run(
            [Path(sys.executable).with_name("streammagic"), *words],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ | cluster.environment,
            check=False,
        )
        return found.returncode, found.stdout.strip(), found.stderr

    yield run
    run("delete", "by_file")
    cluster.wait_until_idle()


def test_a_file_is_deployed_listed_stopped_and_deleted(streammagic, tmp_path):
    (tmp_path / "job.sql").write_text(SQL)
    deployed = streammagic("deploy", str(tmp_path / "job.sql"), "--name", "by_file", "--settle", "0.2")
    assert deployed[:2] == (0, "by_file: running (version 1)")
    code, listed, _ = streammagic("jobs", "--json")
    assert code == 0
    (job,) = [entry for entry in json.loads(listed) if entry["name"] == "by_file"]
    assert (job["name"], job["status"]) == ("by_file", "running")
    assert (
        streammagic("deploy", "-", "--name", "by_file", text=SQL)[1]
        == "by_file: unchanged (version 1, running)"
    )
    assert streammagic("stop", "by_file")[1].startswith("by_file: stopped with a savepoint")
    assert streammagic("delete", "by_file")[0] == 0


def test_a_file_takes_variables(streammagic, tmp_path):
    (tmp_path / "job.sql").write_text(SQL + "WHERE k > {{ number }} AND '007' = {{ text }}")
    words = ("deploy", str(tmp_path / "job.sql"), "--name", "by_file", "--dry-run")
    code, _, errors = streammagic(*words)
    assert code == 2
    assert "There is no variable number." in errors
    code, _, errors = streammagic(*words, "--var", "number=7", "--var", "text=007")
    assert code == 0, errors


def test_a_failure_is_told_on_stderr_by_its_exit_code(streammagic, tmp_path):
    (tmp_path / "bad.sql").write_text(SQL.replace("SELECT k", "SELECT nope"))
    code, out, errors = streammagic("deploy", str(tmp_path / "bad.sql"), "--name", "bad")
    assert (code, out) == (1, "")
    assert "There is no column nope" in errors
    assert "(line 4, column 28)" in errors
    assert "\tat " not in errors
    code, _, errors = streammagic("stop", "nothing_like_it")
    assert code == 2
    assert "There is no deployment nothing_like_it" in errors


def test_wrong_usage_is_told_in_a_sentence(streammagic):
    for words, said in [
        (("deploy", "no_such.sql", "--name", "x"), "no_such.sql can't be read"),
        (("deploy", "job.sql"), "needs a name"),
        (("stop", "x", "--json"), "has no table"),
    ]:
        code, out, errors = streammagic(*words)
        assert (code, out) == (2, "")
        assert said in errors


def test_each_verb_has_help(streammagic):
    assert "--resume" in streammagic("deploy", "--help")[1]
