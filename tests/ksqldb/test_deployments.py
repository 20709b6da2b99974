"""``%stream`` on a small ksqlDB: what a deployment is there, from its first cell to its end."""

import contextlib
import re

import pytest
from ksqldb.tiny import TinyKsql
from real_shell import shell_with

from streammagic.errors import JobFailedError, OptionError, SqlError

ORDERS = """CREATE STREAM orders (id STRING KEY, item STRING, qty INTEGER)
  WITH (kafka_topic = 'orders', value_format = 'JSON', partitions = 1);
INSERT INTO orders VALUES ('a', 'tea', 2);
INSERT INTO orders VALUES ('b', 'mate', 9)"""
CREATES_AGAIN = re.compile("^CREATE OR REPLACE STREAM BIG.*", re.DOTALL)
MANY = "SELECT id, item, qty FROM orders WHERE qty > 5"


@contextlib.contextmanager
def shell_on(server, folder):
    environment = {"STREAMMAGIC_KSQLDB": server.url, "STREAMMAGIC_HOME": str(folder / "home")}
    with shell_with(environment, folder) as shell:
        shell.extension_manager.load_extension("streammagic")
        shell.run_line_magic("config", "StreamMagic.settle = 0.1")
        yield Notebook(shell, server)


class Notebook:
    """A shell on a server, and short ways to use both."""

    def __init__(self, shell, server):
        self.shell = shell
        self.server = server

    def deploy(self, name, sql, options=""):
        """Run ``%%stream deploy`` and return what it showed."""
        return self._shown(f"%%stream deploy {name} --engine ksql {options}\n{sql}")

    def stream(self, line):
        return self._shown(f"%stream {line}")

    def ksql(self, sql, options="--from earliest"):
        self.shell.run_cell(f"%%ksql -o last {options}\n{sql}")
        return self.shell.user_ns["last"]

    def jobs(self):
        frame = self.shell.run_line_magic("stream", "jobs")
        return dict(zip(frame["name"], frame["status"], strict=True))

    def queries(self):
        """Return the state of each persistent query of the server, by its id."""
        rows = self.ksql("LIST QUERIES").df
        return dict(zip(rows["id"], rows["state"], strict=True)) if len(rows) else {}

    def sent(self):
        """Return the statements that the server was sent to carry out, without looks and questions."""
        asks = ("LIST", "DESCRIBE", "EXPLAIN", "SELECT", "PRINT")
        return [
            request.sql for request in self.server.requests if not (request.sql or "LIST").startswith(asks)
        ]

    def _shown(self, cell):
        before = len(self.shell.shown)
        self.shell.run_cell(cell)
        return "\n".join(self.shell.shown[before:])


@pytest.fixture
def notebook(tiny, tmp_path):
    with shell_on(tiny, tmp_path) as found:
        found.ksql(ORDERS)
        yield found


def refused(kind, act):
    with pytest.raises(kind) as caught:
        act()
    return f"{caught.value.message} {caught.value.hint or ''}"


def test_a_select_becomes_a_stream_that_is_filled(notebook):
    shown = notebook.deploy("big", MANY, "--from earliest")
    assert "big: running (version 1)" in shown
    assert f"CREATE STREAM BIG AS\n{MANY} EMIT CHANGES" in shown
    assert list(notebook.ksql("SELECT * FROM big EMIT CHANGES LIMIT 1")) == [("b", "mate", 9)]
    assert notebook.jobs() == {"big": "running"}


def test_an_aggregate_becomes_a_table(notebook):
    shown = notebook.deploy(
        "totals", "SELECT item, SUM(qty) AS n FROM orders GROUP BY item", "--from earliest"
    )
    assert "CREATE TABLE TOTALS AS" in shown
    assert sorted(notebook.ksql("SELECT * FROM totals")) == [("mate", 9), ("tea", 2)]


def test_the_same_again_changes_nothing_whatever_its_white_space(notebook):
    notebook.deploy("big", MANY)
    before = notebook.sent()
    assert "big: unchanged (version 1, running)" in notebook.deploy("big", f"-- the same\n{MANY} ;")
    assert notebook.sent() == before


def test_a_stopped_deployment_is_paused_and_goes_on_from_where_it_was(notebook):
    notebook.deploy("big", MANY, "--from earliest")
    assert "big: paused; its state and offsets stay on the server" in notebook.stream("stop big")
    assert list(notebook.queries().values()) == ["PAUSED"]
    assert notebook.jobs() == {"big": "stopped"}
    notebook.ksql("INSERT INTO orders VALUES ('c', 'tea', 7)")
    assert "big: running (version 1, from where it was)" in notebook.stream("deploy big --resume")
    rows = notebook.ksql("SELECT id FROM big EMIT CHANGES LIMIT 2")
    assert list(rows) == [("b",), ("c",)]
    assert sum(sql.startswith("CREATE STREAM BIG") for sql in notebook.sent()) == 1


def test_somebody_elses_pause_and_resume_are_seen(notebook):
    notebook.deploy("big", MANY)
    notebook.ksql("PAUSE ALL")
    assert notebook.jobs() == {"big": "stopped"}
    notebook.ksql("RESUME ALL")
    assert notebook.jobs() == {"big": "running"}


def test_a_query_that_somebody_dropped_is_lost_and_is_not_resumed_unasked(notebook):
    notebook.deploy("big", MANY)
    notebook.ksql("DROP STREAM big")
    assert notebook.jobs() == {"big": "lost"}
    assert "not on the server any more" in refused(
        OptionError, lambda: notebook.stream("deploy big --resume")
    )
    notebook.stream("deploy big --resume --drop-state")
    assert notebook.jobs() == {"big": "running"}


def test_a_changed_query_is_a_plan_and_then_replaces_it_in_place(notebook):
    notebook.deploy("big", MANY, "--from earliest")
    (query,) = notebook.queries()
    changed = f"{MANY} AND item <> 'tea'"
    message = refused(OptionError, lambda: notebook.deploy("big", changed, "--from earliest"))
    assert "nothing was changed" in message
    plan = notebook.deploy("big", changed, "--from earliest --dry-run")
    assert "stops   version 1, which is paused" in plan
    assert "starts  version 2, in its place, from where it was" in plan
    assert "CREATE OR REPLACE" in plan
    assert "big: running (version 2)" in notebook.deploy("big", changed, "--from earliest --replace")
    assert notebook.queries() == {query: "RUNNING"}
    assert [sql.split(" AS")[0] for sql in notebook.sent() if "REPLACE" in sql] == [
        "CREATE OR REPLACE STREAM BIG"
    ]


def test_what_the_server_cant_replace_is_refused_with_its_words_and_begun_anew_on_demand(notebook):
    notebook.deploy("big", MANY, "--from earliest")
    fewer = "SELECT id, item FROM orders WHERE qty > 5"
    message = refused(OptionError, lambda: notebook.deploy("big", fewer, "--replace"))
    assert "The state of big is refused by the new query" in message
    assert notebook.jobs() == {"big": "running"}
    assert "version 2" in notebook.deploy("big", fewer, "--from earliest --replace --drop-state")
    assert notebook.ksql("DESCRIBE big").df["column"].tolist() == ["ID", "ITEM"]


def test_a_new_version_that_fails_gives_way_to_the_old_one(notebook):
    notebook.deploy("big", MANY)
    server = notebook.server
    (query,) = notebook.queries()
    server.on("POST", "/ksql", failing_after(server, query), sql=CREATES_AGAIN, times=1)
    message = refused(JobFailedError, lambda: notebook.deploy("big", f"{MANY} AND qty < 99", "--replace"))
    assert "version 3; nothing is lost" in message
    assert notebook.jobs() == {"big": "running"}
    assert notebook.ksql(f"EXPLAIN {query}").df is not None


def test_stopping_for_good_forgets_what_was_read(notebook):
    notebook.deploy("big", MANY)
    assert "what it had read is forgotten" in notebook.stream("stop big --terminate")
    assert notebook.queries() == {}


def test_an_old_server_can_only_terminate_and_says_so(tmp_path):
    with TinyKsql("7.2.1") as server, shell_on(server, tmp_path) as notebook:
        notebook.ksql(ORDERS)
        notebook.deploy("big", MANY)
        assert "ksqlDB 7.2.1 can't pause, so it would begin anew" in notebook.stream("stop big")
        assert notebook.queries() == {}
        notebook.stream("deploy big --resume --drop-state")
        assert notebook.jobs() == {"big": "running"}


def test_an_old_server_begins_a_changed_query_anew_and_only_if_that_is_wanted(tmp_path):
    with TinyKsql("7.2.1") as server, shell_on(server, tmp_path) as notebook:
        notebook.ksql(ORDERS)
        notebook.deploy("big", MANY)
        changed = f"{MANY} AND qty < 99"
        message = refused(OptionError, lambda: notebook.deploy("big", changed, "--replace"))
        assert "ksqlDB 7.2.1 can't pause a query" in message
        assert "version 2" in notebook.deploy("big", changed, "--replace --drop-state")


def test_delete_is_refused_with_the_names_of_what_reads_from_it(notebook):
    notebook.deploy("big", MANY)
    notebook.ksql("CREATE STREAM on_top AS SELECT id, qty FROM big")
    assert "big can't be deleted: ON_TOP uses it" in refused(
        OptionError, lambda: notebook.stream("delete big")
    )
    assert notebook.jobs()["big"] == "running"
    notebook.ksql("DROP STREAM on_top")
    assert "topic BIG is kept" in notebook.stream("delete big")
    assert notebook.queries() == {}
    assert "BIG" in notebook.ksql("LIST TOPICS").df["name"].tolist()


def test_delete_takes_the_topic_along_on_demand_and_only_one_that_was_made_for_it(notebook):
    notebook.deploy("big", MANY)
    assert "stream BIG, topic BIG" in notebook.stream("delete big --topics")
    notebook.deploy("mine", MANY, "--with kafka_topic=orders")
    assert "topic orders is kept" in notebook.stream("delete mine --topics")
    assert notebook.ksql("LIST TOPICS").df["name"].tolist() == ["orders"]


def test_deployments_that_read_from_each_other_are_deleted_together(notebook):
    notebook.deploy("big", MANY)
    notebook.deploy("bigger", "SELECT id, qty FROM big WHERE qty > 8")
    notebook.stream("delete big bigger --topics")
    assert notebook.queries() == {}
    assert notebook.jobs() == {}


def test_a_name_that_is_taken_on_the_server_is_left_alone(notebook):
    message = refused(OptionError, lambda: notebook.deploy("orders", "SELECT id, qty FROM orders"))
    assert "There is a source ORDERS already, and it is not this deployment's" in message
    assert notebook.ksql("SELECT * FROM orders EMIT CHANGES LIMIT 2").status == "finished"


def test_insert_into_is_known_by_its_query_id(notebook):
    notebook.ksql("CREATE STREAM copies (id STRING KEY, item STRING, qty INTEGER) WITH (kafka_topic='copies', "
                  "value_format='JSON', partitions=1)")  # fmt: skip
    sql = "INSERT INTO copies SELECT * FROM orders"
    notebook.deploy("copying", sql, "--from earliest")
    assert notebook.queries() == {"COPYING": "RUNNING"}
    assert "unchanged" in notebook.deploy("copying", sql, "--from earliest")
    notebook.stream("stop copying")
    notebook.stream("deploy copying --resume")
    message = refused(OptionError, lambda: notebook.deploy("copying", f"{sql} WHERE qty > 1", "--replace"))
    assert "an INSERT INTO can't be replaced" in message
    notebook.deploy("copying", f"{sql} WHERE qty > 1", "--replace --drop-state")
    notebook.stream("delete copying")
    assert notebook.queries() == {}
    assert notebook.ksql("LIST STREAMS").df["name"].tolist() == ["COPIES", "ORDERS"]


@pytest.mark.parametrize(
    ("sql", "place", "said"),
    [
        ("SELECT id, qty\nFROM orders\nLIMIT 3", (4, 1), "A query that lives on has no LIMIT"),
        ("SELECT id, qty\nFROM orders\nWHERE nocol = 1", (4, 7), "no column NOCOL"),
        ("CREATE STREAM x AS\nSELECT id, nocol FROM orders", (3, 12), "no column NOCOL"),
        ("SELECT * FROM nosuch", (2, 15), "no stream or table NOSUCH"),
        ("LIST STREAMS", (None, None), "starts no persistent query"),
        ("CREATE STREAM x (id INT) WITH (kafka_topic='x')", (None, None), "no persistent query"),
    ],
)
def test_what_cant_be_deployed_is_refused_where_it_stands(notebook, sql, place, said):
    with pytest.raises(SqlError if place[0] else OptionError, match=said) as caught:
        notebook.deploy("x", sql)
    assert (caught.value.line, caught.value.column) == place
    assert notebook.jobs() == {}
    assert notebook.queries() == {}


def test_a_sink_connector_and_a_drain_are_not_to_be_had(notebook):
    assert "--sink is for engines with connectors" in refused(
        OptionError, lambda: notebook.deploy("big", MANY, "--sink kafka")
    )
    notebook.deploy("big", MANY)
    assert "--drain" in refused(OptionError, lambda: notebook.stream("stop big --drain"))
    assert "no savepoints" in refused(OptionError, lambda: notebook.stream("savepoint big"))


def test_variables_and_settings_of_the_session_go_with_the_deployment(notebook):
    notebook.ksql("DEFINE least = '5'; SET 'auto.offset.reset' = 'earliest'", "")
    notebook.deploy("big", "SELECT id, qty FROM orders WHERE qty > ${least}")
    (create,) = [r for r in notebook.server.requests if (r.sql or "").startswith("CREATE STREAM BIG")]
    assert create.json["sessionVariables"] == {"least": "5"}
    assert create.json["streamsProperties"] == {"auto.offset.reset": "earliest"}
    notebook.ksql("DEFINE least = '6'", "")
    assert "unchanged" not in refused(
        OptionError, lambda: notebook.deploy("big", "SELECT id, qty FROM orders WHERE qty > ${least}")
    )


def test_another_machine_finds_the_query_and_takes_it_over(notebook, tmp_path):
    notebook.deploy("big", MANY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMMAGIC_HOME", str(tmp_path / "elsewhere"))
        notebook.shell.extension_manager.unload_extension("streammagic")
        notebook.shell.extension_manager.load_extension("streammagic")
        assert notebook.jobs() == {"big": "running"}
        assert "attach" in refused(Exception, lambda: notebook.deploy("big", MANY))
        assert "big: attached" in notebook.stream("attach big")
        notebook.stream("delete big")
        assert notebook.queries() == {}
        notebook.shell.extension_manager.unload_extension("streammagic")


def test_a_diagnosis_names_what_is_wrong(notebook):
    notebook.deploy("big", MANY)
    (query,) = notebook.queries()
    notebook.server.fail_query(query, "org.apache.kafka.SomeException: the broker was away", kind="SYSTEM")
    frame = notebook.shell.run_line_magic("stream", "diagnose big")
    found = dict(zip(frame["what"], frame["verdict"], strict=True))
    assert found["state"] == "failing"
    assert found["errors"] == "failing"
    assert found["source ORDERS"] == "healthy"
    assert "the broker was away" in frame["evidence"][1]
    assert notebook.jobs() == {"big": "failing"}


def failing_after(server, query):
    """Answer a statement as the server does, and have the query fail at once."""

    def answer(request):
        given = server.fallback(request)
        server.fail_query(query, "it fails", kind="USER")
        return given

    return answer


def test_a_changed_create_takes_the_place_of_the_earlier_one_where_that_is_wanted(notebook):
    changed = ORDERS.partition(";")[0].replace("qty INTEGER", "qty INTEGER, note STRING")
    assert "--replace" in refused(SqlError, lambda: notebook.ksql(changed, ""))
    notebook.ksql(changed, "--replace")
    assert notebook.ksql("DESCRIBE orders").df["column"].tolist() == ["ID", "ITEM", "QTY", "NOTE"]
    with pytest.raises(SqlError) as caught:
        notebook.ksql("CREATE STREAM x AS SELECT nocol FROM orders", "--replace")
    assert (caught.value.line, caught.value.column) == (2, 27)


def test_the_query_of_a_handle_is_deployed_where_it_ran(notebook):
    notebook.ksql("SELECT id, qty FROM orders EMIT CHANGES LIMIT 1")
    notebook.shell.run_cell(
        "%%ksql -o seen --from earliest --limit 1\nSELECT id, qty FROM orders EMIT CHANGES"
    )
    assert "CREATE STREAM AGAIN" in notebook.stream("deploy again --sql seen")


def test_a_new_address_counts_from_the_next_cell_on(notebook):
    with TinyKsql() as other:
        notebook.shell.run_line_magic("config", f"StreamMagic.ksqldb = '{other.url}'")
        assert len(notebook.ksql("LIST STREAMS").df) == 0
    notebook.shell.run_line_magic("config", "StreamMagic.ksqldb = ''")
    assert len(notebook.ksql("LIST STREAMS").df) == 1
