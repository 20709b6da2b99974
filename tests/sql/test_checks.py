"""What is looked for in a statement before it is sent."""

import importlib.metadata
import json
import random
import sys
import types
from pathlib import Path

import pytest
import right_statements as right

from streammagic.errors import ConnectionFailedError, RefusedError
from streammagic.sql import checks
from streammagic.sql.catalog import Column
from streammagic.sql.checks import (
    Check,
    Context,
    Finding,
    Limits,
    Severity,
    examine,
    line_of,
    refusal,
    rules_for,
)
from streammagic.sql.checks_flink import FLINK_RULES
from streammagic.sql.checks_ksqldb import KSQLDB_RULES
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import split

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
VECTORS = Path(__file__).parents[2].parent / "shared" / "ksqldb" / "rest_vectors.json"
ENGINES = {"flink": (FlinkDialect(), FLINK_RULES), "ksql": (KsqlDialect(), KSQLDB_RULES)}
EVERY = [(engine, rule) for engine, (_, rules) in ENGINES.items() for rule in rules]
HOUR = "INTERVAL '1' HOUR"
STATE = ["join-state", "group-state"]
COLUMNS = right.COLUMNS | {
    "orders": (Column("id", "INT"), Column("price", "INT"), Column("created", "TIMESTAMP(3)")),
    "payments": (Column("id", "INT"), Column("paid", "INT")),
}


def one(source, engine="flink"):
    (statement,) = split(source, ENGINES[engine][0])
    return statement


def said(source, engine="flink", settings=None, **known):
    """Return the rules that have something to say about a statement, each with what it is."""
    context = Context(columns=COLUMNS.get, setting=(settings or {}).get, **known)
    statement = one(source, engine)
    return [
        found
        for asks in (False, True)
        for found in examine(statement, ENGINES[engine][1], context, asks=asks)
    ]


def names(source, engine="flink", settings=None, **known):
    return [rule.name for rule, _ in said(source, engine, settings, **known)]


def place(source, name, engine="flink", **known):
    """Return the text of the token that a rule is about."""
    ((_, finding),) = [found for found in said(source, engine, **known) if found[0].name == name]
    return finding.token.text, finding.token.start


class TestRightStatements:
    @pytest.mark.parametrize("sql", right.FLINK)
    def test_nothing_is_said_about_those_of_flink(self, sql):
        assert said(sql) == []

    @pytest.mark.parametrize("sql", right.KSQL)
    def test_nothing_is_said_about_those_of_ksqldb(self, sql):
        assert said(sql, "ksql", {"auto.offset.reset": "latest"}) == []

    def test_there_are_enough_of_them(self):
        assert len({*right.FLINK, *right.KSQL}) >= 60


class TestEveryRule:
    @pytest.mark.parametrize(("engine", "rule"), EVERY, ids=lambda value: getattr(value, "name", value))
    def test_speaks_about_its_own_example(self, engine, rule):
        limits = Limits(max_length=10, max_joins=1, max_windows=1)
        findings = [f for r, f in said(rule.example, engine, limits=limits) if r is rule]
        assert findings
        assert all(f.message.endswith(".") for f in findings)

    @pytest.mark.parametrize("rules", [FLINK_RULES, KSQLDB_RULES])
    def test_has_a_name_of_its_own(self, rules):
        assert len({rule.name for rule in rules}) == len(rules)

    def test_stands_on_the_page_about_checks_with_its_example(self):
        page = PAGE.read_text(encoding="utf-8")
        told = {part.partition("\n")[0]: part for part in page.split("\n### ")}
        missing = [rule.name for _, rule in EVERY if f"`{rule.example}`" not in told.get(rule.name, "")]
        assert missing == []

    def test_is_the_only_thing_that_the_page_describes_so(self):
        headings = [
            line[4:] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("### ")
        ]
        assert set(headings) == {rule.name for _, rule in EVERY}

    @pytest.mark.parametrize("engine", ENGINES)
    def test_refuses_what_it_is_sure_of_only(self, engine):
        sure = {rule.name for rule in ENGINES[engine][1] if rule.severity is Severity.ERROR}
        assert sure == {{"flink": "emit", "ksql": "persistent-limit"}[engine]}


class TestEmit:
    @pytest.mark.parametrize("sql", right.EMIT_AT_THE_END)
    def test_at_a_querys_end_is_refused(self, sql):
        assert "emit" in names(sql)

    @pytest.mark.parametrize("opening", ["CREATE TABLE c AS ", "CREATE VIEW c AS ", "EXPLAIN ", "EXECUTE "])
    def test_is_seen_in_every_statement_with_a_query(self, opening):
        assert "emit" in names(f"{opening}SELECT id FROM t EMIT CHANGES")

    def test_is_seen_in_any_insert_of_a_set(self):
        sql = "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT id FROM t EMIT CHANGES; INSERT INTO b SELECT id FROM t; END"
        assert names(sql) == ["emit"]

    def test_is_right_in_ksqldb(self):
        assert names("SELECT * FROM t EMIT CHANGES", "ksql", {"auto.offset.reset": "earliest"}) == []


class TestPersistentLimit:
    @pytest.mark.parametrize(
        "sql",
        [
            "CREATE STREAM c AS SELECT * FROM s EMIT CHANGES LIMIT 5",
            "CREATE OR REPLACE TABLE c WITH (PARTITIONS = 1) AS SELECT k, COUNT(*) FROM s GROUP BY k LIMIT 5",
            "INSERT INTO c SELECT id FROM s LIMIT 5",
            "INSERT INTO c SELECT id FROM s LIMIT ${many}",
        ],
    )
    def test_is_refused(self, sql):
        found = place(sql, "persistent-limit", "ksql")
        assert found == ("LIMIT", sql.index("LIMIT"))

    def test_is_refused_in_a_select_that_is_deployed(self):
        sql = "SELECT id FROM s EMIT CHANGES LIMIT 5"
        assert "persistent-limit" in names(sql, "ksql", lives_on=True)
        assert "persistent-limit" not in names(sql, "ksql")

    @pytest.mark.skipif(not VECTORS.is_file(), reason="the recorded cases are not here")
    def test_is_what_ksqldb_refuses_and_no_more(self):
        found = {"refused": 0, "sent": 0}
        for case in json.loads(VECTORS.read_text(encoding="utf-8")):
            for statement in split("\n".join(case["statements"]), KsqlDialect()):
                refused = any(
                    r.severity is Severity.ERROR
                    for r, _ in examine(statement, KSQLDB_RULES, Context(), asks=False)
                )
                found["refused" if refused else "sent"] += 1
                assert not refused or "don't support LIMIT clause" in case["expectedError"]["message"]
        assert found["refused"] == 1
        assert found["sent"] > 500

    def test_is_no_matter_in_what_is_asked_about(self):
        assert names("EXPLAIN CREATE STREAM c AS SELECT * FROM s LIMIT 5", "ksql") == []


class TestLimits:
    def test_length_counts_what_was_typed(self):
        assert names("SELECT 1" + " " * 4_990 + ", 2") == ["length"]
        assert names("SELECT 1" + " " * 4_989 + ", 2") == []
        assert names("SELECT 1", length=5_001) == ["length"]
        assert names("SELECT 1" + " " * 5_000 + ", 2", length=20) == []

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT a.id FROM a JOIN b ON a.x = b.x LEFT JOIN c ON a.x = c.x",
            "SELECT a.id FROM a, b, c",
            "SELECT a.id FROM (SELECT 1 FROM a JOIN b ON a.x = b.x) AS q, c",
            "WITH x AS (SELECT 1 FROM a NATURAL JOIN b) SELECT * FROM x JOIN c USING (x)",
            "SELECT a.id FROM (a JOIN b ON a.x = b.x) JOIN c ON a.x = c.x",
            "SELECT a.id FROM a JOIN d FOR SYSTEM_TIME AS OF a.pt ON a.x = d.x JOIN c ON a.x = c.x",
        ],
    )
    def test_joins_are_counted_wherever_they_stand(self, sql):
        assert "joins" in names(sql, limits=Limits(max_joins=1))
        assert "joins" not in names(sql, limits=Limits(max_joins=2))
        assert (
            "2 joins"
            in next(f for r, f in said(sql, limits=Limits(max_joins=1)) if r.name == "joins").message
        )

    def test_joins_of_each_row_by_itself_are_none(self):
        sql = "SELECT id FROM t, UNNEST(arr) AS a(x) CROSS JOIN UNNEST(arr) AS b(y), LATERAL TABLE(f(id)) AS c(z)"
        assert "joins" not in names(sql, limits=Limits(max_joins=0))

    def test_joins_are_counted_for_each_insert_of_a_set(self):
        insert = f"INSERT INTO sink SELECT t.id, u.k FROM t JOIN u ON t.id = u.id AND t.ts < u.ts + {HOUR}"
        both = f"EXECUTE STATEMENT SET BEGIN {insert}; {insert}; END"
        assert names(both, limits=Limits(max_joins=1)) == []
        assert names(both, limits=Limits(max_joins=0)) == ["joins", "joins"]

    def test_the_first_join_too_many_is_shown(self):
        sql = "SELECT 1 FROM a JOIN b ON TRUE JOIN c ON TRUE JOIN d ON TRUE"
        assert place(sql, "joins", limits=Limits(max_joins=2)) == ("JOIN", sql.rindex("JOIN"))

    @pytest.mark.parametrize(
        ("sql", "engine"),
        [
            (f"SELECT id FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), {HOUR}))", "flink"),
            (
                f"SELECT id FROM HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SLIDE => {HOUR}, SIZE => {HOUR})",
                "flink",
            ),
            (f"SELECT id FROM cumulate(TABLE t, DESCRIPTOR(ts), {HOUR}, {HOUR})", "flink"),
            (f"SELECT id FROM SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), {HOUR})", "flink"),
            (f"SELECT TUMBLE_START(ts, {HOUR}) FROM t GROUP BY TUMBLE(ts, {HOUR})", "flink"),
            ("SELECT k FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k EMIT CHANGES", "ksql"),
            ("SELECT k FROM s WINDOW w HOPPING (SIZE 1 HOUR, ADVANCE BY 1 MINUTE) GROUP BY k", "ksql"),
            ("CREATE TABLE n AS SELECT k FROM s WINDOW SESSION (1 HOUR) GROUP BY k", "ksql"),
        ],
    )
    def test_windows_are_counted_in_all_their_forms(self, sql, engine):
        assert "windows" in names(sql, engine, limits=Limits(max_windows=0))
        assert "windows" not in names(sql, engine, limits=Limits(max_windows=1))

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT hop(id), session(id) FROM t",
            "SELECT SUM(v) OVER w, MAX(v) OVER (PARTITION BY k ORDER BY ts) FROM t WINDOW w AS (ORDER BY ts)",
            "SELECT SUM(v) OVER session FROM t WINDOW session AS (ORDER BY ts)",
            "SELECT 'TUMBLE(TABLE t, DESCRIPTOR(ts))' AS `HOP(TABLE t, DESCRIPTOR(ts))` FROM t",
        ],
    )
    def test_what_only_sounds_like_a_window_is_none(self, sql):
        assert names(sql, limits=Limits(max_windows=0)) == []

    @pytest.mark.parametrize(
        "sql",
        [
            "CREATE SINK CONNECTOR jdbc WITH ('a' = 'b')",
            "create source connector if not exists jdbc WITH ('a' = 'b')",
            "DROP CONNECTOR IF EXISTS jdbc",
            "PRINT 'orders' FROM BEGINNING",
            "print orders limit 3",
        ],
    )
    def test_what_is_blocked_is_found_by_its_leading_words(self, sql):
        assert "blocked" in names(sql, "ksql")

    def test_what_is_blocked_is_ones_own_to_say(self):
        limits = Limits(blocked=("drop  table",))
        assert names("DROP TABLE t", limits=limits) == ["blocked"]
        assert names("DROP TEMPORARY TABLE t", limits=limits) == ["blocked"]
        assert names("DROP VIEW t", limits=limits) == []
        assert names("PRINT 'orders'", "ksql", limits=limits) == []
        assert names("DROP TABLE t", limits=Limits(blocked=("", "DROP TABLE t"))) == ["blocked"]


class TestState:
    @pytest.mark.parametrize("sql", right.JOINS_THAT_KEEP)
    def test_a_join_that_nothing_bounds_is_told(self, sql):
        assert names(f"INSERT INTO sink {sql}") == ["join-state"]

    @pytest.mark.parametrize("sql", right.GROUPS_THAT_KEEP)
    def test_a_group_that_nothing_bounds_is_told(self, sql):
        assert names(f"INSERT INTO sink {sql}") == ["group-state"]

    @pytest.mark.parametrize("sql", [*right.JOINS_THAT_KEEP, *right.GROUPS_THAT_KEEP])
    def test_nothing_is_told_of_what_ends_or_forgets(self, sql):
        told = f"INSERT INTO sink {sql}"
        assert names(sql) == []
        assert names(told, bounded=True) == []
        assert names(told, settings={"execution.runtime-mode": "batch"}) == []
        assert names(told, settings={"table.exec.state.ttl": "1 d"}) == []
        assert names(f"CREATE VIEW a AS {sql}") == []
        assert names(f"EXPLAIN {told}") == []

    @pytest.mark.parametrize("ttl", ["0", "0 ms", "00 s", ""])
    def test_a_ttl_of_nothing_is_none(self, ttl):
        sql = "INSERT INTO sink SELECT DISTINCT id, k FROM t"
        assert names(sql, settings={"table.exec.state.ttl": ttl}) == ["group-state"]

    @pytest.mark.parametrize("sql", [right.JOINS_THAT_KEEP[0], right.GROUPS_THAT_KEEP[0]])
    def test_it_is_told_of_whatever_goes_on(self, sql):
        assert len(names(sql, lives_on=True)) == 1
        assert len(names(f"CREATE TABLE c AS {sql}")) == 1
        assert (
            len(
                names(f"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT id FROM t; INSERT INTO b {sql}; END")
            )
            == 1
        )

    def test_the_word_is_shown_that_it_is_about(self):
        join = "INSERT INTO sink SELECT t.id, u.k FROM t JOIN u ON t.id = u.id"
        group = "INSERT INTO counts SELECT k, LISTAGG(k) WITHIN GROUP (ORDER BY k) FROM t GROUP BY k"
        assert place(join, "join-state") == ("JOIN", join.index("JOIN"))
        assert place(group, "group-state") == ("GROUP", group.rindex("GROUP"))

    @pytest.mark.parametrize(
        "sql",
        [
            "DELETE FROM t WHERE id IN (SELECT DISTINCT id FROM u)",
            "CREATE OR ALTER MATERIALIZED TABLE m REFRESH_MODE = FULL AS SELECT DISTINCT id FROM u",
        ],
    )
    def test_what_may_run_in_batch_mode_is_left_alone(self, sql):
        assert names(sql) == []


class TestTime:
    @pytest.mark.parametrize("sql", right.SORTED_BY_NO_TIME)
    def test_a_stream_sorted_by_something_else_is_told(self, sql):
        assert names(sql) == ["order-by"]
        assert names(sql, bounded=True) == []

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT * FROM unknown ORDER BY x",
            "SELECT * FROM t ORDER BY nothing",
            "SELECT * FROM t, u ORDER BY v",
            "SELECT * FROM t ORDER BY 1",
            "WITH t AS (SELECT 1 AS id) SELECT * FROM t ORDER BY id",
            "SELECT x FROM t MATCH_RECOGNIZE (ORDER BY ts MEASURES a.ts AS x PATTERN (a) DEFINE a AS TRUE) ORDER BY x",
            f"SELECT TUMBLE_ROWTIME(ts, {HOUR}) AS x FROM t GROUP BY TUMBLE(ts, {HOUR}) ORDER BY x",
        ],
    )
    def test_nothing_is_said_of_what_is_not_known(self, sql):
        assert names(sql) == []

    @pytest.mark.parametrize("sql", right.WINDOWS_WITHOUT_WATERMARK)
    def test_a_window_without_a_watermark_is_told(self, sql):
        ((rule, finding),) = said(sql)
        assert rule.name == "watermark"
        assert "TIMESTAMP(3)" in finding.message
        assert finding.token.text in ("ts", "raw_ts", "`raw_ts`")
        assert names(sql, bounded=True) == []

    @pytest.mark.parametrize(
        "sql",
        [
            f"SELECT id FROM TUMBLE(TABLE unknown, DESCRIPTOR(ts), {HOUR})",
            f"SELECT id FROM TUMBLE(TABLE t, DESCRIPTOR(nothing), {HOUR})",
            f"SELECT id FROM TUMBLE((SELECT * FROM plain), DESCRIPTOR(ts), {HOUR})",
            f"WITH plain AS (SELECT * FROM t) SELECT id FROM TUMBLE(TABLE plain, DESCRIPTOR(ts), {HOUR})",
            f"SELECT COUNT(*) FROM (SELECT * FROM t) GROUP BY TUMBLE(raw_ts, {HOUR})",
            "SELECT id FROM TUMBLE(TABLE, DESCRIPTOR(",
        ],
    )
    def test_nothing_is_said_of_windows_over_what_is_not_known(self, sql):
        assert names(sql) == []


class TestProducts:
    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT t.id FROM t CROSS JOIN u",
            "SELECT t.id FROM t CROSS JOIN u WHERE t.v = 1",
            "SELECT t.id FROM t CROSS JOIN (SELECT id FROM u) AS q",
            "CREATE VIEW a AS SELECT t.id FROM t CROSS JOIN u",
            "INSERT INTO sink SELECT t.id, t.k FROM (t CROSS JOIN u)",
        ],
    )
    def test_a_cross_join_is_told(self, sql):
        assert names(sql) == ["cross-join"]
        assert names(sql, bounded=True) == []

    @pytest.mark.parametrize(
        "sql",
        [
            "INSERT INTO sink SELECT * FROM t",
            "INSERT INTO sink SELECT t.* FROM t",
            "INSERT INTO sink SELECT DISTINCT * FROM t",
            "INSERT INTO sink (SELECT * FROM t)",
            "INSERT INTO sink SELECT * FROM (SELECT * FROM t)",
            "INSERT INTO sink SELECT id, k FROM u UNION ALL SELECT * FROM t",
            f"INSERT INTO sink SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), {HOUR})",
            "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT id FROM t; INSERT INTO b SELECT * FROM t; END",
        ],
    )
    def test_all_columns_of_a_table_into_a_sink_are_told(self, sql):
        assert "star-into-sink" in names(sql)
        assert place(sql, "star-into-sink") == (
            "*",
            sql.rindex("*") if "(SELECT * FROM t)" not in sql else sql.index("*"),
        )

    def test_all_columns_into_what_they_make_are_not(self):
        assert names("CREATE TABLE c AS SELECT * FROM t") == []


class TestFromLatest:
    SQL = "SELECT * FROM s EMIT CHANGES"

    def test_a_push_query_begins_at_the_latest_record(self):
        assert names(self.SQL, "ksql") == ["from-latest"]

    def test_it_is_not_said_to_who_has_said_where(self):
        assert names(self.SQL, "ksql", {"auto.offset.reset": "latest"}) == []

    @pytest.mark.parametrize("sql", ["SELECT * FROM s WHERE id = 1", "PRINT 'EMIT CHANGES'", "SHOW STREAMS"])
    def test_it_is_not_said_of_what_has_no_beginning(self, sql):
        assert "from-latest" not in names(sql, "ksql")

    def test_it_is_not_said_of_a_deployment(self):
        assert names(self.SQL, "ksql", lives_on=True) == []


class TestARefusal:
    def refused(self, source):
        statement = split(source, FlinkDialect())[-1]
        ((rule, finding),) = examine(statement, FLINK_RULES, Context(), asks=False)
        return refusal(rule, finding, statement)

    def test_has_its_place_in_the_statement(self):
        error = self.refused("SELECT 1;\n\n  SELECT *\n  FROM t\n    EMIT CHANGES")
        assert isinstance(error, RefusedError)
        assert (error.line, error.column) == (3, 5)
        assert error.statement == "SELECT *\n  FROM t\n    EMIT CHANGES"

    def test_counts_columns_of_the_first_line_from_the_statements_beginning(self):
        error = self.refused("SELECT 1; SELECT * FROM t EMIT CHANGES")
        assert (error.line, error.column) == (1, len("SELECT * FROM t ") + 1)

    def test_without_a_token_is_about_the_whole(self):
        error = self.refused("SELECT 1;\n SELECT 1" + " " * 5_000 + ", 2")
        assert (error.line, error.column) == (1, 1)

    def test_ends_with_the_way_to_go_on(self):
        assert self.refused("SELECT * FROM t EMIT CHANGES").hint.endswith("--no-check sends it all the same.")

    def test_of_a_limit_names_the_setting(self):
        sql = "SELECT 1 FROM a JOIN b ON TRUE JOIN c ON TRUE JOIN d ON TRUE JOIN e ON TRUE"
        assert "%config StreamMagic.max_joins = 4" in self.refused(sql).hint


def test_a_line_is_one_line_with_the_rules_name():
    rule, finding = (
        Check(name="x", severity=Severity.ADVICE, summary="", example="", looks=lambda *_: ()),
        None,
    )
    finding = Finding("Some\nthing.", "Do  this")
    assert line_of(rule, finding) == "x: Some thing. Do this"


GOOD = Check(
    name="theirs",
    severity=Severity.ERROR,
    summary="sure",
    example="SELECT 1",
    looks=lambda statement, _: [Finding("Found.", token=statement.tokens[0])],
    engines=frozenset({"flink"}),
)


def failing(_statement, _context):
    yield Finding("First.")
    raise ZeroDivisionError("by zero")


def bad(looks):
    return Check(name="bad", severity=Severity.ERROR, summary="", example="", looks=looks)


@pytest.fixture
def installed(monkeypatch):
    """Install rules: what each entry point of a package names."""
    module = types.ModuleType("some_rules")
    monkeypatch.setitem(sys.modules, "some_rules", module)

    def install(**rules):
        points = []
        for name, rule in rules.items():
            setattr(module, name, rule)
            points.append(importlib.metadata.EntryPoint(name, f"some_rules:{name}", checks.GROUP))
        points.append(importlib.metadata.EntryPoint("lost", "no_such_rules:RULE", checks.GROUP))
        monkeypatch.setattr(checks, "entry_points", lambda group: points if group == checks.GROUP else [])
        checks._installed.cache_clear()

    yield install
    checks._installed.cache_clear()


class TestInstalledRules:
    def test_come_after_the_dialects_own(self, installed):
        installed(good=GOOD)
        rules = rules_for("flink", FLINK_RULES)
        assert rules[: len(FLINK_RULES)] == FLINK_RULES
        assert rules[len(FLINK_RULES)] is GOOD

    def test_are_for_their_engines(self, installed):
        installed(good=GOOD)
        assert GOOD not in rules_for("ksql", ())

    def test_that_are_not_there_say_so_and_refuse_nothing(self, installed):
        installed(good=GOOD)
        found = examine(one("SELECT 1"), rules_for("ksql", ()), Context(), asks=False)
        ((rule, finding),) = found
        assert rule.severity is Severity.ADVICE
        assert line_of(rule, finding).startswith("lost: The rule can't be loaded")
        assert "no_such_rules" in finding.message

    @pytest.mark.parametrize(
        "nothing", [object(), types.SimpleNamespace(**(vars(GOOD) | {"engines": ["flink"]}))]
    )
    def test_that_are_no_rules_say_so(self, installed, nothing):
        installed(nothing=nothing)
        found = examine(one("SELECT 1"), rules_for("flink", ()), Context(), asks=False)
        assert line_of(*found[0]).startswith("nothing: The rule ")

    @pytest.mark.parametrize(
        ("looks", "reason"),
        [
            (failing, "ZeroDivisionError: by zero"),
            (lambda *_: None, "TypeError"),
            (lambda *_: ["text"], "TypeError: it gave a str, not a Finding"),
        ],
    )
    def test_that_fail_while_they_look_say_so_and_refuse_nothing(self, looks, reason):
        found = examine(one("SELECT 1"), (bad(looks), GOOD), Context(), asks=False)
        *_, (broken, finding), (good, _) = found
        assert broken.severity is Severity.ADVICE
        assert "The rule failed" in finding.message
        assert reason in finding.message
        assert good is GOOD

    def test_an_engine_out_of_reach_is_the_callers_to_know(self):
        def asks(_statement, context):
            context.columns("t")
            yield Finding("Never.")

        def unreachable(_):
            raise ConnectionFailedError("Nobody answers.")

        with pytest.raises(ConnectionFailedError):
            examine(one("SELECT 1"), (bad(asks),), Context(columns=unreachable), asks=False)


def test_no_sql_however_broken_makes_a_rule_fail():
    words = "SELECT ( ) , FROM JOIN ON GROUP BY ORDER AS WITH t . * EMIT CHANGES LIMIT TUMBLE TABLE DESCRIPTOR ; INSERT"
    chosen = random.Random(6)
    for _ in range(1_500):
        sql = " ".join(chosen.choices(words.split(), k=chosen.randint(1, 14)))
        for engine in ENGINES:
            for statement in split(sql, ENGINES[engine][0]):
                context = Context(columns=COLUMNS.get, lives_on=True)
                for asks in (False, True):
                    found = examine(statement, ENGINES[engine][1], context, asks=asks)
                    assert not [f.message for _, f in found if "The rule failed" in f.message], sql
