"""Which options of a bundle hold a secret as plain text."""

import pytest

from streammagic.engines.jobs import Bundle, SinkRequest
from streammagic.jobs.ledger import literal_secrets
from streammagic.sql import secrets


def of_table(options):
    return Bundle(
        engine="flink", statement="SELECT 1", definitions=(f"CREATE TABLE t (n INT) WITH ({options})",)
    )


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("'connector' = 'jdbc', 'password' = 'hidden'", ["password"]),
        ("'password'='it''s', 'properties.sasl.jaas.config' = 'Login password=\"x\";'",
         ["password", "properties.sasl.jaas.config"]),
        ("'password' /* as typed */\n = -- here\n 'hidden'", ["password"]),
        ("'url' = 'jdbc:postgresql://me:hidden@host/db'", ["url"]),
        ("'url' = 'jdbc:postgresql://host/db', 'topic' = 'x'", []),
        ("'password' = {{ secret(\"DB\") }}", []),
        ("'password' = '{{ secret(\"DB\") }}', 'token' = '{{secret('T')}}'", []),
        ("'jaas.config' = 'Login username=\"me\" password=\"{{ secret(\"P\") }}\";'", []),
        ("'url' = 'jdbc:x://me:hidden@{{ secret(\"HOST\") }}'", ["url"]),
        ("'password' = ''", []),
        ("-- 'password' = 'in a comment'\n 'topic' = 'x'", []),
        ("'password' = E'hidden'", ["password"]),
    ],
)  # fmt: skip
def test_options(options, names):
    assert literal_secrets(of_table(options)) == names


def test_all_texts_and_settings_are_looked_at():
    bundle = Bundle(
        engine="flink",
        statement="SELECT n FROM t /*+ OPTIONS('a.password' = 'x') */",
        definitions=("ADD JAR 'https://me:hidden@host/x.jar'", "SET 'b.secret' = 'x'"),
        settings={"c.token": "it's", "parallelism": "2"},
        sink=SinkRequest(options={"d.password": "x", "e.password": '{{ secret("E") }}'}),
        table_ddl="CREATE TABLE s (n INT) WITH ('f.api-key' = 'x', 'b.secret' = 'y')",
        insert="INSERT INTO s /*+ OPTIONS('g.password' = 'x') */ SELECT 1",
    )
    named = {"a text", "b.secret", "c.token", "d.password", "f.api-key"}
    assert named <= set(literal_secrets(bundle))
    assert len(set(literal_secrets(bundle))) == len(literal_secrets(bundle))


def test_a_comparison_in_a_query_is_no_option():
    assert literal_secrets(Bundle(engine="flink", statement="SELECT * FROM t WHERE password = 'x'")) == []


def test_a_known_secret_is_found_wherever_it_stands(monkeypatch):
    monkeypatch.setattr(secrets, "_known", {"swordfish"})
    assert literal_secrets(of_table("'topic' = 'a-swordfish'")) == ["topic"]
    assert literal_secrets(Bundle(engine="flink", statement="SELECT 'swordfish'")) == ["a text"]
