"""What is no query: each kind of statement through the magic, and what a person sees of it."""

from pathlib import Path

import pytest

from streammagic.errors import SqlError, StreamMagicError

pytestmark = pytest.mark.flink

T = "CREATE TEMPORARY TABLE t (id INT, name STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '3')"
SINK = "CREATE TABLE {} (id INT, name STRING) WITH ('connector' = 'blackhole')"


def test_ddl_says_ok_once_for_all_of_a_cell(shell):
    shell.run_cell(f"%%flink\n{T};\nCREATE TEMPORARY VIEW v AS SELECT id FROM t;\nDROP TEMPORARY VIEW v")
    assert shell.shown == [
        "CREATE TEMPORARY TABLE t: OK\nCREATE TEMPORARY VIEW v: OK\nDROP TEMPORARY VIEW v: OK"
    ]


def test_show_is_a_table_and_a_frame(shell):
    shown = shell.flink(f"{T};\nSHOW TABLES")
    assert shown.df["table name"].tolist() == ["t"]
    assert shown.status == "finished"
    assert shown.job_id is None


def test_describe_keeps_the_order_of_the_columns(shell):
    described = shell.flink(
        "CREATE TEMPORARY TABLE d (z INT, a STRING, m DECIMAL(5, 2)) WITH ('connector' = 'datagen'); DESCRIBE d"
    )
    assert described.df["name"].tolist() == ["z", "a", "m"]
    assert described.df["type"].tolist() == ["INT", "STRING", "DECIMAL(5, 2)"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("EXPLAIN SELECT COUNT(*) FROM t", "== Optimized Execution Plan =="),
        ("EXPLAIN CHANGELOG_MODE SELECT COUNT(*) FROM t", "changelogMode=[I,UA]"),
        ("SHOW CREATE TABLE t", "'connector' = 'datagen'"),
    ],
)
def test_a_plan_is_shown_as_the_lines_it_is(shell, sql, words):
    handle = shell.flink(f"{T};\n{sql}")
    assert words in shell.shown[-1].splitlines()[-1] or words in shell.shown[-1]
    assert "│" not in shell.shown[-1]
    assert words in handle.df.iloc[0, 0]


def test_set_reset_and_set_alone(shell):
    shell.flink("SET 'pipeline.name' = 'mine'")
    settings = shell.flink("SET").df.set_index("key")["value"]
    assert settings["pipeline.name"] == "mine"
    shell.flink("RESET 'pipeline.name'")
    assert "pipeline.name" not in shell.flink("SET").df["key"].tolist()


def test_use_holds_for_the_next_cell(shell):
    shell.flink("CREATE DATABASE other; USE other")
    assert shell.flink("SHOW CURRENT DATABASE").df.iloc[0, 0] == "other"
    assert shell.rows("SHOW CURRENT DATABASE", "--set execution.runtime-mode=batch") == [("other",)]


def test_an_option_sets_for_one_statement_only(shell):
    shell.flink("SELECT 1", "--set pipeline.name=once")
    assert "pipeline.name" not in shell.flink("SET").df["key"].tolist()


@pytest.mark.parametrize(
    "sql",
    [
        "EXECUTE STATEMENT SET BEGIN\nINSERT INTO a SELECT * FROM t;\nINSERT INTO b SELECT * FROM t;\nEND",
        "BEGIN STATEMENT SET;\nINSERT INTO a SELECT * FROM t;\nINSERT INTO b SELECT * FROM t;\nEND",
    ],
    ids=["execute", "begin"],
)
def test_a_statement_set_is_one_job_and_waited_for(shell, cluster, sql):
    handle = shell.flink(f"{T};\n{SINK.format('a')};\n{SINK.format('b')};\n{sql}")
    assert handle.status == "finished"
    assert cluster.job_state(handle.job_id) == "FINISHED"
    first, *advice = shell.shown[-1].split("\n")
    assert first.endswith("finished")
    assert {line.partition(":")[0] for line in advice} <= {"star-into-sink"}


def test_create_table_as_fills_a_table_once(shell, tmp_path):
    create = (
        f"CREATE TABLE copied WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/copied', 'format' = 'json') "
        "AS SELECT id, name FROM (VALUES (1, 'a'), (2, CAST(NULL AS STRING))) AS v(id, name)"
    )
    assert shell.flink(create).status == "finished"
    again = shell.flink(create)
    assert "exists already with this definition" in shell.shown[-1]
    assert again.status == "finished"
    assert shell.rows("SELECT * FROM copied", "--set execution.runtime-mode=batch") == [(1, "a"), (2, None)]


def test_a_jar_is_added(shell):
    import pyflink

    jar = next(Path(pyflink.__path__[0], "lib").glob("flink-json-*.jar"))
    shell.flink(f"ADD JAR '{jar}'")
    assert shell.flink("SHOW JARS").df.iloc[:, 0].tolist() == [str(jar)]


def test_a_jar_that_is_not_there_is_an_error(shell):
    with pytest.raises(SqlError, match="not-there"):
        shell.flink("ADD JAR '/not-there.jar'")


def test_a_procedure_that_does_not_exist_is_an_error(shell):
    with pytest.raises(SqlError) as raised:
        shell.flink("CALL nothing()")
    assert raised.value.statement == "CALL nothing()"


@pytest.mark.parametrize("word", ["HELP", "CLEAR", "QUIT"])
def test_words_of_the_sql_client_are_not_sent(shell, word):
    shell.run_cell(f"%%flink\n{word}")
    assert shell.shown == [f"{word}: OK · {word} belongs to the SQL client; a notebook has no use for it."]


def test_a_line_can_be_assigned_and_is_shown_once(shell):
    shell.run_cell("r = %flink SELECT 1 AS x")
    assert shell.user_ns["r"].df["x"].tolist() == [1]
    shell.run_cell("%flink --view none SELECT 2 AS x")
    assert [text for text in shell.shown if "2" in text] == []


def test_a_comment_alone_is_no_sql(shell):
    with pytest.raises(StreamMagicError, match="no SQL"):
        shell.run_cell("%%flink\n-- nothing\n;")


class TestTheSameCreateAgain:
    def test_is_left_as_it_is(self, shell):
        shell.flink(T)
        shell.flink(T.replace(" (id", "\n  (id") + " -- the same")
        assert shell.shown[-1] == (
            "CREATE TEMPORARY TABLE t: OK · exists already with this definition: left as it is"
        )

    def test_with_a_change_shows_the_difference(self, shell):
        shell.flink(T)
        with pytest.raises(SqlError) as raised:
            shell.flink(T.replace("name STRING", "name STRING, at_ TIME"))
        assert "--replace" in raised.value.hint
        assert "\n-CREATE TEMPORARY TABLE t (id INT, name STRING)" in raised.value.details
        assert "\n+CREATE TEMPORARY TABLE t (id INT, name STRING, at_ TIME)" in raised.value.details

    def test_with_a_change_is_replaced_where_asked(self, shell):
        shell.flink(T)
        shell.flink(T.replace("name STRING", "label STRING"), "--replace")
        assert shell.flink("DESCRIBE t").df["name"].tolist() == ["id", "label"]
        batch = shell.flink("SELECT * FROM t", "--set execution.runtime-mode=batch")
        assert batch.df.columns.tolist() == ["id", "label"]

    def test_with_a_change_is_replaced_in_both_modes_where_asked(self, shell):
        shell.rows("SELECT 1", "--set execution.runtime-mode=batch")
        shell.flink(T)
        shell.flink(T.replace("name STRING", "label STRING"), "--replace")
        batch = shell.flink("SELECT * FROM t", "--set execution.runtime-mode=batch")
        assert batch.df.columns.tolist() == ["id", "label"]

    def test_replaces_a_view_too(self, shell):
        shell.flink("CREATE TEMPORARY VIEW v AS SELECT 1 AS x")
        shell.flink("CREATE TEMPORARY VIEW v AS SELECT 2 AS x", "--replace")
        assert shell.rows("SELECT * FROM v") == [(2,)]


def test_a_setting_of_ones_own_holds_in_batch_mode_too(shell):
    shell.rows("SELECT 1", "--set execution.runtime-mode=batch")
    shell.flink("SET 'table.local-time-zone' = 'Asia/Tokyo'")
    sql = "SELECT CAST(TO_TIMESTAMP_LTZ(0, 3) AS STRING) AS t"
    assert shell.rows(sql, "--set execution.runtime-mode=batch") == [("1970-01-01 09:00:00.000",)]
    assert shell.rows(sql) == [("1970-01-01 09:00:00.000",)]
