"""Variables in SQL: expanded on the way out, with places that can be found again."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streammagic.errors import OptionError
from streammagic.sql import secrets
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.secrets import secret
from streammagic.sql.statements import split, tokenize
from streammagic.sql.templates import templated
from streammagic.sql.variables import Values, Variables, secrets_named

KNOWN = Variables(
    {"kafka": lambda _: "127.0.0.1:9092", "secret": {"S": "it's"}.__getitem__, "jar": lambda c: f"/jars/{c}"}
)


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("'s' = {{ kafka }}", "'s' = '127.0.0.1:9092'"),
        ("'s' = '{{kafka}}'", "'s' = '127.0.0.1:9092'"),
        ("'p' = {{ secret(\"S\") }}", "'p' = 'it''s'"),
        ("'p' = {{ secret('S') }}", "'p' = 'it''s'"),
        ('ADD JAR {{ jar("g:a:1") }}', "ADD JAR '/jars/g:a:1'"),
        ('\'a="{{ secret("S") }}";\'', "'a=\"it''s\";'"),
        ("-- {{ kafka }}\nx /* {{ kafka }} */", "-- {{ kafka }}\nx /* {{ kafka }} */"),
        ("{{ secret }} {{ kafka(1) }}", "{{ secret }} {{ kafka(1) }}"),
        ("SELECT '{{ other }}', '{%'", "SELECT '{{ other }}', '{%'"),
        ('SELECT \'{"a": {"b": 1}}\'', 'SELECT \'{"a": {"b": 1}}\''),
    ],
)
def test_a_variable_becomes_a_literal_and_all_else_stays(sql, sent):
    assert KNOWN.render(sql).text == sent


def test_a_setting_gets_the_bare_value():
    assert (
        KNOWN.expand('pass={{ secret("S") }} at {{ kafka }} {{ other }}')
        == "pass=it's at 127.0.0.1:9092 {{ other }}"
    )


def test_without_lookups_nothing_is_touched():
    assert Variables().render("{{ kafka }}").text == "{{ kafka }}"


def test_a_place_after_a_variable_is_found_again():
    rendered = KNOWN.render("CREATE {{ kafka }}\n'x' {{ kafka }} WRONG")
    line, column = 2, rendered.text.splitlines()[1].index("WRONG") + 1
    assert rendered.place_in_source(line, column) == (2, 17)
    assert rendered.place_in_source(1, 10) == (1, 8)  # inside the value: where the variable stands


@given(st.lists(st.sampled_from(["{{ kafka }}", "a", "\n", " ", "ü", "{", "'"]), max_size=20))
def test_every_place_outside_of_values_is_its_own(parts):
    sql = "".join(parts)
    rendered = KNOWN.render(sql)
    for start, origin in rendered.cuts:
        line = rendered.text.count("\n", 0, start) + 1
        column = start - rendered.text.rfind("\n", 0, start)
        found = rendered.place_in_source(line, column)
        assert found == (sql.count("\n", 0, origin) + 1, origin - sql.rfind("\n", 0, origin))


def test_a_secret_is_masked_from_when_it_is_read(monkeypatch):
    monkeypatch.setattr(secrets, "_known", set())
    monkeypatch.setenv("A_SECRET", "hunter22")
    assert secret("A_SECRET") == "hunter22"
    assert secrets.mask("the value hunter22 was refused") == "the value ****** was refused"


def test_an_unknown_secret_says_where_to_put_it(monkeypatch):
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(OptionError, match="NOWHERE") as caught:
        secret("NOWHERE")
    assert "environment variable NOWHERE" in caught.value.hint


NAMES = {
    "city": "Lon'don",
    "n": 3,
    "plan": SimpleNamespace(limit=7, topics={"in": "orders-eu", "list": ["a", "b"]}),
    "rows": [{"k": 1}, {"k": 2}],
    "odd": "a`b",
    "text": "a, b",
}
FLINK, KSQL = FlinkDialect(), KsqlDialect()


def values(dialect=FLINK, **names):
    return Values(NAMES | names, dialect.writer, dialect.lexer)


def filled(sql, dialect=FLINK, **names):
    return values(dialect, **names).fill(sql).text


@pytest.mark.parametrize("dialect", [FLINK, KSQL])
@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("SELECT {{ city }}, {{n}}", "SELECT 'Lon''don', 3"),
        ("'to {{ city }}, {{ n }}'", "'to Lon''don, 3'"),
        ("LIMIT {{ plan.limit }}", "LIMIT 3".replace("3", "7")),
        ("'{{ plan.topics.in }}' {{ plan.topics['in'] }}", "'orders-eu' 'orders-eu'"),
        ("{{ rows[1].k }} {{ rows[-2]['k'] }}", "2 1"),
        ("SELECT {{ text | raw }}", "SELECT a, b"),
        ("SELECT {{ odd | ident }}", "SELECT `a``b`"),
        ("SELECT `x{{ odd }}`, `{{ odd | ident }}`", "SELECT `xa``b`, `a``b`"),
        ("-- {{ nobody }}\nSELECT 1 /* {{ nobody }} */", "-- {{ nobody }}\nSELECT 1 /* {{ nobody }} */"),
        ('{{ kafka }} {{ secret("S") }}', '{{ kafka }} {{ secret("S") }}'),
        ("LIKE '{%' OR '{# }}'", "LIKE '{%' OR '{# }}'"),
        ('\'{"a": {"b": {}}}\'', '\'{"a": {"b": {}}}\''),
        ("'{{ n + 1 }}' '{{}}'", "'{{ n + 1 }}' '{{}}'"),
    ],
)
def test_a_value_is_written_as_what_it_is_and_where_it_is(sql, sent, dialect):
    assert filled(sql, dialect) == sent


def test_a_variable_of_ksqldb_is_ksqldbs():
    assert filled("SELECT '${n}', ${n}, {{ n }}", KSQL) == "SELECT '${n}', ${n}, 3"


def test_a_hint_is_looked_into():
    assert filled("FROM t /*+ OPTIONS('a'='{{ city }}') */") == "FROM t /*+ OPTIONS('a'='Lon''don') */"


def test_a_backslash_counts_in_a_string_that_has_escapes():
    assert filled("E'{{ x }}' '{{ x }}'", x="a\\'b") == "E'a\\\\''b' 'a\\''b'"


@pytest.mark.parametrize(
    ("sql", "message", "hint", "place"),
    [
        ("SELECT {{ ctiy }}", "There is no variable ctiy.", "Did you mean city?", (1, 11)),
        ("SELECT\n '{{ zzz }}'", "There is no variable zzz.", '{{ "{{" }}', (2, 6)),
        ("{{ plan.limt }}", "plan has no limt.", "Did you mean limit?", (1, 4)),
        ("{{ plan.topics.out }}", "plan.topics has no out.", "", (1, 4)),
        ("{{ rows[7] }}", "rows has no 7.", "", (1, 4)),
        ("{{ n | idnet }}", "There is no | idnet.", "Did you mean ident?", (1, 4)),
        ("{{ n | ident }}", "| ident takes a str, and n is a int.", "", (1, 4)),
        ("SELECT 1,\n  {{ n + 1 }}", "This {{ … }} can't be read.", "--jinja", (2, 3)),
        ("{{", "This {{ … }} can't be read.", "--jinja", (1, 1)),
    ],
)
def test_what_is_not_there_is_an_error_with_its_place(sql, message, hint, place):
    with pytest.raises(OptionError) as caught:
        filled(sql)
    assert caught.value.message == message
    assert hint in (caught.value.hint or "")
    assert (caught.value.line, caught.value.column) == place


HOSTILE = [
    "{{ kafka }}",
    '{{ secret("S") }}',
    "{{ n }}",
    "'",
    "''",
    "`",
    '"',
    "--",
    "/*",
    "*/",
    "\n",
    ";",
    "{{",
    "}}",
    "{",
    "\\",
    "🙂",
    "${n}",
]


@given(st.lists(st.sampled_from(HOSTILE), max_size=8).map("".join), st.sampled_from([FLINK, KSQL]))
def test_no_value_leaves_its_literal_nor_becomes_a_variable(text, dialect):
    for sql in ("SELECT {{ x }} AS a", "SELECT 'b{{ x }}c' AS a", "SELECT 1 AS `b{{ x }}c`"):
        if "`" in sql and ("\n" in text or "{{" in text or "}}" in text):
            with pytest.raises(OptionError, match="part of a name"):
                filled(sql, dialect, x=text)
            continue
        sent = Variables(KNOWN.lookups, dialect.lexer).render(filled(sql, dialect, x=text)).text
        assert [t.text for t in tokenize(sent, dialect.lexer)][:1] == ["SELECT"]
        words = [t for t in tokenize(sent, dialect.lexer) if not t.word]
        quoted = [t.text for t in words if t.text[0] in "'`"]
        assert len(split(sent, dialect)) == 1
        assert len(quoted) == 1
        quote = quoted[0][0]
        inside = quoted[0][1:-1].replace(quote * 2, quote)
        assert inside == (text if "b{{" not in sql else f"b{text}c")


def test_a_template_writes_values_as_everywhere_else():
    body = "SELECT {% for c in rows %}{{ c.k }} AS {{ ('c' ~ c.k) | ident }},{% endfor %} '{{ city }}', {{ kafka }}"
    sql, names = templated(body, values())
    assert names.fill(sql).text == "SELECT 1 AS c1,2 AS c2, 'Lon''don', {{ kafka }}"
    sql, names = templated('{{ secret("S") }} {{ jar("g:a:1") }} {{ text | raw }}', values())
    assert names.fill(sql).text == '{{ secret("S") }} {{ jar("g:a:1") }} a, b'


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        ("SELECT {{ ctiy }}", "'ctiy' is undefined", None),
        ("SELECT 1\n{% for x in %}", "can't be read", 2),
        ("SELECT {{ n.no_such }}", "no_such", None),
        ("SELECT {{ n / 0 }}", "ZeroDivisionError", None),
        ("SELECT {{ 'c' ~ city | ident }}", "| ident comes last", None),
    ],
)
def test_what_is_wrong_with_a_template_is_said(body, message, line):
    with pytest.raises(OptionError) as caught:
        templated(body, values())
    assert message in caught.value.message
    assert caught.value.line == line


def test_the_secrets_that_a_text_names():
    assert [name for name, _ in secrets_named("{{ secret(\"A\") }} {{ secret('B') }} {{ kafka }}")] == [
        "A",
        "B",
    ]
