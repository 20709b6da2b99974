"""What looks like a secret is masked, the rest stays as it is."""

import pytest

from streammagic.sql.secrets import mask


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SET 'a.password' = 'it''s me'", "SET 'a.password' = '******'"),
        ("'properties.sasl.jaas.config'='x y;'", "'properties.sasl.jaas.config'='******'"),
        ("'Api-Key' = 'k', 'topic' = 't'", "'Api-Key' = '******', 'topic' = 't'"),
        ("jdbc:mysql://me:hidden@host/db", "jdbc:mysql://me:******@host/db"),
        ("SELECT 'password', 'x' = 'y'", "SELECT 'password', 'x' = 'y'"),
    ],
)
def test_mask(text, shown):
    assert mask(text) == shown
