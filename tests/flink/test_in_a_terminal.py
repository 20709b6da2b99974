"""Text mode: IPython in a process of its own, whose standard output is all there is to see."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.flink

CELL = "%%flink\\nSELECT 1 AS x, CAST(NULL AS STRING) AS s"


@pytest.fixture
def terminal(cluster, tmp_path):
    """Run lines in IPython and return its exit code, standard output and standard error."""

    def run(*lines):
        environment = os.environ | cluster.environment | {"IPYTHONDIR": str(tmp_path)}
        environment.pop("STREAMMAGIC_MODE", None)
        command = [sys.executable, "-m", "IPython", "--colors=NoColor", "--no-banner", "-c", "\n".join(lines)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_table_is_plain_text_on_standard_output(terminal):
    code, out, err = terminal("%load_ext streammagic", f"done = get_ipython().run_cell('{CELL}')")
    assert (code, err) == (0, "")
    assert out == " x │ s\n───┼──────\n 1 │ NULL\n1 row\n"


def test_an_error_shows_its_place_and_fails(terminal):
    code, out, err = terminal("%load_ext streammagic", "%flink SELECT * FROM nowhere")
    assert code != 0
    assert "nowhere" in out + err
    assert "^^^^^^^" in out + err
    assert "Traceback" not in out + err


def test_the_end_of_the_process_ends_its_queries(terminal, cluster):
    code, _, _ = terminal(
        "%load_ext streammagic",
        "%flink CREATE TABLE endless (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '10')",
        "h = %flink --bg SELECT * FROM endless",
        "assert h.status == 'running'",
    )
    assert code == 0
    assert cluster.jobs() == {}
