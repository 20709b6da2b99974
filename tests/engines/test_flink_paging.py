import json
import threading
from decimal import Decimal

import pytest

from streammagic.engines.flink.paging import Pace, PageReader
from streammagic.results.changes import Page, RowKind, Schema

INT = '{"type":"INTEGER","nullable":true}'
DOUBLE = '{"type":"DOUBLE","nullable":true}'
DECIMAL = '{"type":"DECIMAL","nullable":true,"precision":38,"scale":18}'
NOT_READY = (
    b'{"resultType":"NOT_READY","results":null,"nextResultUri":"/v3/sessions/s/operations/o/result/0"}'
)


def answer(columns, *changes, result_type="PAYLOAD", more='"isQueryResult":true,"jobID":"f00d",'):
    """Write an answer as the gateway does: ``columns`` are (name, type) and ``changes`` (kind, fields), in JSON."""
    described = ",".join(
        f'{{"name":"{name}","logicalType":{logical},"comment":null}}' for name, logical in columns
    )
    data = ",".join(f'{{"kind":"{kind}","fields":{fields}}}' for kind, fields in changes)
    return (
        f'{{"resultType":"{result_type}",{more}"resultKind":"SUCCESS_WITH_CONTENT",'
        f'"results":{{"columns":[{described}],"columnInfos":[],"data":[{data}]}},"nextResultUri":"/next"}}'
    ).encode()


def read(*args, **options):
    return PageReader().read(answer(*args, **options))


def test_a_page_that_is_not_ready_has_nothing():
    found = PageReader().read(NOT_READY)
    assert (found.ready, found.last, found.job_id, found.is_query) == (False, False, None, False)
    assert (found.schema, found.page) == (Schema(), Page())


def test_a_page_after_one_that_was_not_ready_has_the_schema():
    reader = PageReader()
    reader.read(NOT_READY)
    assert reader.read(answer([("id", INT)])).schema.names == ("id",)


def test_a_page_carries_job_schema_and_rows():
    found = read([("id", INT), ("x", DOUBLE)], ("INSERT", "[1,2.5]"), ("INSERT", "[null,null]"))
    assert (found.ready, found.last, found.job_id, found.is_query) == (True, False, "f00d", True)
    assert str(found.schema) == "id INT, x DOUBLE"
    assert found.page == Page([[1, 2.5], [None, None]])


def test_the_last_page_says_so_and_may_hold_rows():
    found = read([("id", INT)], ("INSERT", "[1]"), result_type="EOS")
    assert found.last
    assert found.page.rows == [[1]]


def test_a_statement_without_a_job_has_no_id():
    found = read([("result", INT)], more="")
    assert (found.job_id, found.is_query) == (None, False)


def test_inserts_only_need_no_kinds():
    assert read([("id", INT)], ("INSERT", "[1]")).page.kinds is None
    assert read([("id", INT)]).page.kinds is None


def test_kinds_are_told_apart():
    kinds = ("INSERT", "UPDATE_BEFORE", "UPDATE_AFTER", "DELETE")
    found = read([("id", INT)], *((kind, "[1]") for kind in kinds))
    assert found.page.kinds == list(RowKind)


def test_the_schema_is_read_once():
    reader = PageReader()
    first = reader.read(answer([("id", INT)])).schema
    assert reader.read(answer([("id", INT)], ("INSERT", "[1]"))).schema is first


@pytest.mark.parametrize(
    ("logical", "fields"),
    [
        (DECIMAL, "{}"),
        (f'{{"type":"ARRAY","elementType":{DECIMAL}}}', "[{}]"),
        (f'{{"type":"MAP","keyType":{{"type":"VARCHAR","length":9}},"valueType":{DECIMAL}}}', '{{"k":{}}}'),
        (f'{{"type":"ROW","fields":[{{"name":"d","fieldType":{DECIMAL}}}]}}', '{{"d":{}}}'),
        (
            f'{{"type":"ARRAY","elementType":{{"type":"ROW","fields":[{{"name":"d","fieldType":{DECIMAL}}}]}}}}',
            '[{{"d":{}}}]',
        ),
    ],
)
@pytest.mark.parametrize(
    "digits", ["12345678901234567890.123456789012345678", "0.1", "1E-18", "99999999999999999999", "-3"]
)
def test_a_decimal_never_passes_through_float(logical, fields, digits):
    column = [("before", DOUBLE), ("d", logical)]
    reader = PageReader()
    for _ in range(2):
        found = reader.read(answer(column, ("INSERT", f"[0.5,{fields.format(digits)}]")))
        assert leaf(found.page.rows[0][1]) == Decimal(digits)
        assert leaf(found.schema.decode(found.page.rows[0])[1]) == Decimal(digits)
        assert found.schema.decode(found.page.rows[0])[0] == 0.5


def leaf(value):
    while isinstance(value, list | dict):
        value = value[0] if isinstance(value, list) else next(iter(value.values()))
    assert not isinstance(value, float)
    return value


def test_numbers_without_a_decimal_column_are_plain():
    assert type(read([("x", DOUBLE)], ("INSERT", "[0.1]")).page.rows[0][0]) is float


def test_text_of_any_kind_arrives():
    text = 'ü😀\\"\n\x00'
    found = read([("s", '{"type":"VARCHAR","length":9}')], ("INSERT", json.dumps([text])))
    assert found.page.rows == [[text]]


def test_an_interrupt_ends_the_wait_between_pages():
    interrupted = threading.Event()
    interrupted.set()
    pace = Pace(interrupted)
    for _ in range(1000):
        pace.wait()


def test_pauses_grow_up_to_a_bound_and_start_over_when_rows_come():
    pauses = []

    class Clock(threading.Event):
        def wait(self, timeout=None):
            pauses.append(timeout)
            return False

    pace = Pace(Clock())
    for _ in range(40):
        pace.wait()
    assert pauses == sorted(pauses)
    assert pauses[-1] == 0.25
    pace.reset()
    pace.wait()
    assert pauses[-1] == pauses[0]
