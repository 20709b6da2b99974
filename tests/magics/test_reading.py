"""A cell is read before it is sent: variables put in, places found again, rules asked in their turn."""

from types import SimpleNamespace

import pytest

from streammagic.errors import ConnectionFailedError, OptionError, RefusedError
from streammagic.magics.place import CellText
from streammagic.magics.reading import Checking, checking, preview, read
from streammagic.sql.checks import Finding, Limits, Severity
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import split

FLINK = FlinkDialect()


class Says:
    """A rule that speaks about every token of one word."""

    summary = example = ""
    engines = frozenset()

    def __init__(self, word, severity=Severity.ADVICE, *, asks=False):
        self.name = word.lower()
        self.word, self.severity, self.asks = word, severity, asks
        self.contexts = []

    def look(self, statement, context):
        self.contexts.append(context)
        if self.asks:
            context.columns("t")
        for token in statement.tokens:
            if token.word == self.word:
                yield Finding(f"{self.word} is there.", token=token)


def cell_of(body, head="%%flink", **names):
    cell = CellText(head, body)
    read(cell, FLINK, names)
    return cell, split(cell.sql, FLINK)


def test_an_error_after_a_value_is_where_it_was_typed():
    cell, statements = cell_of(
        "SELECT {{ long }},\n  {{ long }} WRONG;\nSELECT {{ long }} LAST", long="x" * 50
    )
    for word, statement, place in (("WRONG", statements[0], (3, 14)), ("LAST", statements[1], (4, 19))):
        at = statement.text.index(word)
        error = RefusedError("x", line=statement.text.count("\n", 0, at) + 1)
        error.column = at - statement.text.rfind("\n", 0, at)
        cell.locate(error, statement)
        assert (error.line, error.column) == place


def test_a_statement_as_typed_is_told_by_its_values():
    cell, statements = cell_of("SELECT {{ x }};\n SELECT {{ x }}, 2", x="y" * 99)
    assert [cell.typed(statement) for statement in statements] == ["SELECT {{ x }}", "SELECT {{ x }}, 2"]


def test_a_variable_may_hold_several_statements():
    _, statements = cell_of("{{ script | raw }}; SELECT 3", script="SELECT 1; SELECT 2")
    assert [statement.text for statement in statements] == ["SELECT 1", "SELECT 2", "SELECT 3"]


def test_a_template_is_shown_as_what_it_became():
    cell = CellText("%%flink --jinja", "SELECT {% for i in r %}{{ i }},{% endfor %} x")
    read(cell, FLINK, {"r": [1, 2]}, jinja=True)
    assert cell.text == "%%flink --jinja\nSELECT 1,2, x"


def test_the_place_of_an_unknown_variable_is_in_the_cell():
    with pytest.raises(OptionError) as caught:
        cell_of("SELECT 1,\n {{ nobody }}")
    assert (caught.value.line, caught.value.column) == (3, 5)


def test_what_is_refused_is_placed_and_nothing_is_looked_at_after_it():
    later = Says("LATER")
    rules = (Says("BAD", Severity.ERROR), later)
    cell, statements = cell_of("SELECT 1;\nSELECT\n BAD; SELECT LATER")
    with pytest.raises(RefusedError) as caught:
        Checking(rules=rules).before(statements, cell)
    assert (caught.value.line, caught.value.column) == (4, 2)
    assert len(later.contexts) == 2  # the third is not looked at


@pytest.mark.parametrize(("strict", "refuses"), [(False, False), (True, True)])
def test_beyond_a_limit_is_refused_where_checks_are_strict(strict, refuses):
    cell, statements = cell_of("SELECT MUCH")
    checks = Checking(rules=(Says("MUCH", Severity.LIMIT), Says("SELECT")), strict=strict)
    if refuses:
        with pytest.raises(RefusedError):
            checks.before(statements, cell)
    else:
        assert len(checks.before(statements, cell)[0]) == 2


def test_a_rule_that_asks_is_asked_last_and_knows_the_engine():
    rule = Says("SELECT", asks=True)
    cell, statements = cell_of("SELECT 1")
    checks = Checking(rules=(rule,))
    assert checks.before(statements, cell) == [[]]
    engine = SimpleNamespace(columns=lambda _: (), setting={"a": "1", "b": "2"}.get)
    assert checks.beside(statements[0], engine, {"a": "9"}, lives_on=True)
    (context,) = rule.contexts
    assert (context.setting("a"), context.setting("b"), context.setting("c")) == ("9", "2", None)
    assert context.lives_on


def test_an_engine_out_of_reach_leaves_it_to_the_statement():
    def gone(_):
        raise ConnectionFailedError("gone")

    _, statements = cell_of("SELECT 1")
    engine = SimpleNamespace(columns=gone, setting=gone)
    rule = Says("SELECT", asks=True)
    assert Checking(rules=(rule,)).beside(statements[0], engine, {}) == ["select: SELECT is there."]
    assert rule.contexts[0].setting("a") is None


def test_the_length_that_counts_is_as_typed():
    rule = Says("SELECT")
    cell, statements = cell_of("SELECT {{ x }}", x="y" * 9_999)
    Checking(rules=(rule,)).before(statements, cell)
    assert rule.contexts[0].length == len("SELECT {{ x }}")


def test_a_connection_has_limits_of_its_own():
    made = checking(
        (Says("X"),), "advise", Limits(), {"joins": "9", "blocked": "drop  table, Print"}, production=True
    )
    assert made.strict
    assert (made.limits.max_joins, made.limits.max_windows) == (9, Limits().max_windows)
    assert made.limits.blocked == ("DROP TABLE", "PRINT")


@pytest.mark.parametrize(("production", "rules"), [(False, 0), (True, 1)])
def test_checks_that_are_off_are_not_off_for_production(production, rules):
    assert len(checking((Says("X"),), "off", Limits(), {}, production=production).rules) == rules


@pytest.mark.parametrize("own", [{"joins": "many"}, {"rows": "1"}])
def test_a_limit_that_can_not_be_is_refused(own):
    with pytest.raises(OptionError):
        checking((), "advise", Limits(), own, production=False)


def test_a_preview_has_values_and_no_secret(monkeypatch):
    monkeypatch.setenv("A_SECRET", "hunter22")
    _, statements = cell_of("SET 'p' = {{ secret(\"A_SECRET\") }};\nSELECT {{ x }}", x=1)
    desk = SimpleNamespace(mode=lambda: "batch")
    _, shown = cell_of("SELECT {{ x }}", x="hunter22")
    assert preview(statements, [["a: b"], []], FLINK, desk)["text/plain"] == (
        "-- statement 1 of 2\n-- a: b\nSET 'p' = '******';\n\n-- statement 2 of 2\nSELECT 1;"
    )
    assert "SELECT '******';" in preview(shown, [[]], FLINK, desk)["text/plain"]


def test_a_secret_that_nobody_knows_is_asked_for_once(monkeypatch):
    monkeypatch.delenv("TYPED_ONE", raising=False)
    monkeypatch.setattr("streammagic.sql.secrets._prompted", {})
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "letmein99")
    for _ in range(2):
        read(CellText("%%flink", "SET 'p' = '{{ secret(\"TYPED_ONE\") }}'"), FLINK, {}, ask=True)
    assert asked == ["TYPED_ONE: "]
    from streammagic.sql.secrets import mask, secret

    assert secret("TYPED_ONE") == "letmein99"
    assert mask("letmein99") == "******"


def test_where_nobody_can_type_nobody_is_asked(monkeypatch):
    monkeypatch.delenv("TYPED_TWO", raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: pytest.fail("asked"))
    cell = CellText("%%flink", "SET 'p' = '{{ secret(\"TYPED_TWO\") }}'")
    read(cell, FLINK, {}, ask=False)
    monkeypatch.setattr("getpass.getpass", no_input)
    read(cell, FLINK, {}, ask=True)
    assert cell.sql == cell.body


def no_input(_):
    raise NotImplementedError
