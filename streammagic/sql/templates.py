"""SQL as a Jinja template, whose values are written as everywhere else."""

from __future__ import annotations

from typing import Any, NamedTuple

import jinja2

from streammagic.errors import OptionError
from streammagic.sql.near import did_you_mean
from streammagic.sql.variables import Values


def templated(body: str, values: Values) -> tuple[str, Values]:
    """Expand a Jinja template; return SQL that holds ``{{ name }}`` again, and the values of those names.

    So what a template puts into SQL is written as everywhere else. Raises `OptionError` with its line.
    """
    found = dict(values.namespace)

    def put(value: Any) -> str:
        if isinstance(value, jinja2.Undefined):
            str(value)  # a strict one raises
        if isinstance(value, _Later):
            return value.text
        marked = value if isinstance(value, _Marked) else _Marked(value, "")
        name = f"__value_{len(found)}"
        found[name] = marked.value
        return f"{{{{ {name}{marked.filter} }}}}"

    environment = jinja2.Environment(  # noqa: S701 - this is SQL: what is put in is escaped as that
        undefined=jinja2.StrictUndefined, finalize=put, keep_trailing_newline=True
    )
    environment.filters |= {"ident": lambda v: _Marked(v, " | ident"), "raw": lambda v: _Marked(v, " | raw")}
    later = {
        name: lambda text, name=name: _Later(f'{{{{ {name}("{text}") }}}}') for name in ("secret", "jar")
    }
    try:
        sql = environment.from_string(body).render(
            {**values.namespace, **later, "kafka": _Later("{{ kafka }}")}
        )
    except jinja2.TemplateSyntaxError as error:
        raise OptionError(
            f"The template can't be read: {str(error.message).rstrip('.')}.", line=error.lineno, column=1
        ) from None
    except jinja2.UndefinedError as error:
        name = str(error).split("'")[1] if "'" in str(error) else ""
        raise OptionError(f"In the template, {error}.", hint=did_you_mean(name, values.namespace)) from None
    except OptionError:
        raise
    except Exception as error:  # what a template computes may fail in any way
        raise OptionError(f"The template failed: {type(error).__name__}: {error}.") from error
    return sql, Values(found, values.writer, values.lexer)


class _Marked(NamedTuple):
    value: Any
    filter: str

    def __str__(self) -> str:
        name = self.filter.strip()
        raise OptionError(f"In the template, {name} comes last.", hint=f"Write {{{{ (a ~ b) {name} }}}}.")


class _Later(NamedTuple):
    text: str
