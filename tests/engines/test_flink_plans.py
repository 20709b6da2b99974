"""What a change of a query does to its state; the plans are Flink 2.3's own words."""

import pytest

from streammagic.engines.flink.plans import compare, read

SCAN = "TableSourceScan(table=[[default_catalog, default_database, src]], fields=[id, k, v])"


def aggregate(keys="k", select="k, COUNT(*) AS EXPR$1", calc="select=[k]", having=""):
    above = f"+- Calc(select=[k, EXPR$1], where=[{having}])\n" if having else ""
    return (
        "Sink(table=[default_catalog.default_database.bh], fields=[k, EXPR$1])\n"
        f"{above}+- GroupAggregate(groupBy=[{keys}], select=[{select}])\n"
        "   +- Exchange(distribution=[hash[k]])\n"
        f"      +- Calc({calc})\n"
        f"         +- {SCAN}\n"
    )


def test_the_same_query_fits():
    assert compare(aggregate(), aggregate()).verdict == "fits"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"keys": "EXPR$0", "select": "EXPR$0, COUNT(*) AS EXPR$1", "calc": "select=[(k + 1) AS EXPR$0]"},
            "keys: k → EXPR$0",
        ),
        ({"calc": "select=[k], where=[(id > 0)]"}, "filters: none → (id > 0)"),
        ({"having": "(EXPR$1 > 3)"}, "filters: none → (EXPR$1 > 3)"),
        (
            {"select": "k, SUM(id) AS EXPR$1", "calc": "select=[k, id]"},
            "aggregates: k, COUNT(*) AS EXPR$1 → k, SUM(id) AS EXPR$1",
        ),
    ],
)
def test_what_flink_restores_with_another_meaning_is_said(change, said):
    found = compare(aggregate(), aggregate(**change))
    assert found.verdict == "changed"
    assert said in found.differences


def test_another_column_above_the_state_changes_nothing_in_it():
    above = aggregate().replace("+- Group", "+- Calc(select=[k, (EXPR$1 * 2) AS EXPR$2])\n   +- Group")
    found = compare(aggregate(), above)
    assert (found.verdict, found.new_sink) == ("fits", True)


def test_an_operator_more_below_the_state_is_refused():
    below = aggregate().replace("Exchange", "Exchange(x)\n+- Calc(select=[k])\n   +- Exchange", 1)
    assert compare(aggregate(), below).verdict == "refused"


def test_a_further_aggregate_is_refused():
    more = aggregate(select="k, COUNT(*) AS EXPR$1, SUM(v) AS EXPR$2", calc="select=[k, v]")
    assert compare(aggregate(), more).verdict == "refused"


def test_another_operator_is_refused_by_name():
    found = compare(aggregate(), aggregate().replace("GroupAggregate", "Deduplicate"))
    assert found.verdict == "refused"
    assert found.differences == ("operators: GroupAggregate → Deduplicate",)


def test_a_query_without_state_fits_whatever_it_filters():
    one = f"Sink(table=[t], fields=[id])\n+- Calc(select=[id], where=[(id > 1)])\n   +- {SCAN}\n"
    assert compare(one, one.replace("> 1", "> 2")).verdict == "fits"


@pytest.mark.parametrize(
    ("mode", "updating"), [("I", False), ("I,UA", True), ("I,UB,UA", True), ("I,UA,D", True)]
)
def test_the_mode_of_changes_is_the_root_s(mode, updating):
    text = (
        "== Abstract Syntax Tree ==\nx\n\n== Optimized Physical Plan ==\n"
        f"Calc(select=[k], changelogMode=[{mode}])\n+- Scan(changelogMode=[I])\n\n"
        "== Optimized Execution Plan ==\nCalc(select=[k])\n+- Scan()\n"
    )
    plan = read(text)
    assert plan.updating == updating
    assert plan.execution == "Calc(select=[k])\n+- Scan()"
