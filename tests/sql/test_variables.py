"""Variables in SQL: expanded on the way out, with places that can be found again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streammagic.errors import OptionError
from streammagic.sql import secrets
from streammagic.sql.variables import Variables, secret

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
