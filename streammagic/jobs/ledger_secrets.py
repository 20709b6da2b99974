"""Secrets that were typed as they are, into what is about to be kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streammagic.sql.secrets import mask
from streammagic.sql.statements import tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streammagic.engines.jobs import Bundle

_REFERENCE = re.compile(r"""(?P<quote>')?\{\{\s*secret\(\s*(?P<q>['"])[^'"]+(?P=q)\s*\)\s*\}\}(?(quote)')""")
_MARK = "\x1a"  # stands for a reference, whose quotes would cut a literal short


def literal_secrets(bundle: Bundle) -> list[str]:
    """Return the names of the options in a bundle whose values are secrets, and no ``{{ secret("…") }}``.

    What stands in a string outside of an option, such as a URL with a password, is called "a text".
    """
    texts = [*bundle.definitions, bundle.statement, bundle.table_ddl, bundle.insert]
    pairs = [pair for text in dict.fromkeys(texts) for pair in _literals(text)]
    for options in (bundle.settings, bundle.sink.options):
        pairs += [(key, _literal(_REFERENCE.sub(_MARK, value))) for key, value in options.items()]
    return list(dict.fromkeys(key or "a text" for key, literal in pairs if _is_secret(key, literal)))


def _literals(sql: str) -> Iterator[tuple[str, str]]:
    """Yield each string literal with the option that it is the value of, "" for none."""
    key = sign = ""
    for token in tokenize(_REFERENCE.sub(_MARK, sql)):
        if token.text.startswith(("'", "e'", "E'")):
            yield (key[1:-1] if sign == "=" and key.startswith("'") else ""), token.text
        key, sign = sign, token.text


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _is_secret(key: str, literal: str) -> bool:
    bare = literal.replace(_MARK, "")
    if bare != literal or bare == "''":  # what stands beside a reference may still be a URL's password
        return mask(bare) != bare
    option = f"'{key}' = {literal.lstrip('eE')}"
    return mask(option) != option
