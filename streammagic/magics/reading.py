"""From a cell as typed to SQL as it is sent: its variables put in, its statements checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError, RefusedError, StreamMagicError
from streammagic.sql import checks
from streammagic.sql.checks import Context, Limits, Severity
from streammagic.sql.secrets import mask, stored_secret
from streammagic.sql.variables import Values, Variables, secrets_named
from streammagic.views.blocks import plan_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streammagic.engines.base import StreamEngine
    from streammagic.magics.desk import Desk
    from streammagic.magics.place import CellText
    from streammagic.sql.checks import Rule
    from streammagic.sql.dialect import Dialect
    from streammagic.sql.statements import Statement


def read(
    cell: CellText, dialect: Dialect, namespace: Mapping[str, Any], *, jinja: bool = False, ask: bool = False
) -> None:
    """Put the person's variables into a cell, in the dialect's SQL. Raises `OptionError` with its place."""
    cell.fill(Values(namespace, dialect.writer, dialect.lexer), jinja=jinja, ask=ask)


def preview(
    statements: Sequence[Statement], remarks: Sequence[Sequence[str]], dialect: Dialect, desk: Desk
) -> dict[str, str]:
    """Return what would be sent, statement by statement, and what there is to say of each.

    Secrets are masked, also where a value is one of those that are named; nobody is asked for one.
    """
    for statement in statements:
        for name, _ in secrets_named(statement.text):
            stored_secret(name)  # known from now on, it is masked everywhere
    lookups: dict[str, Callable[[str], str]] = {"secret": lambda _: "******"}
    address = None if desk.mode() == "batch" else desk.kafka_if_there()  # it may be another one tomorrow
    if address is not None:
        lookups["kafka"] = lambda _: address
    variables = Variables(lookups, dialect.lexer)
    parts = []
    for number, (statement, said) in enumerate(zip(statements, remarks, strict=True), 1):
        lines = [f"-- statement {number} of {len(statements)}", *(f"-- {line}" for line in said)]
        parts.append("\n".join([*lines, mask(variables.render(statement.text).text) + ";"]))
    return plan_bundle("\n\n".join(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """How statements of one connection are checked. ``strict``: what is beyond a limit is refused."""

    rules: tuple[Rule, ...] = ()
    limits: Limits = field(default_factory=Limits)
    strict: bool = False

    def consequence(self, rule: Rule) -> str:
        """Return what becomes of a statement that a rule has something to say about."""
        refuses = rule.severity is Severity.ERROR or (self.strict and rule.severity is Severity.LIMIT)
        return "refused" if refuses else "advice"

    def before(
        self, statements: Sequence[Statement], cell: CellText, *, lives_on: bool = False
    ) -> list[list[str]]:
        """Look at the statements of a cell before the first is sent; return what there is to say of each.

        ``lives_on``: the last one is to be deployed. Raises `RefusedError`, placed in the cell, for what is
        not to be sent.
        """
        last = len(statements) - 1
        said = []
        for number, statement in enumerate(statements):
            context = Context(
                limits=self.limits, lives_on=lives_on and number == last, length=len(cell.typed(statement))
            )
            try:
                said.append(self._said(statement, context, asks=False))
            except RefusedError as refused:
                cell.locate(refused, statement)
                raise
        return said

    def beside(
        self,
        statement: Statement,
        engine: StreamEngine,
        settings: Mapping[str, str],
        *,
        start: str | None = None,
        lives_on: bool = False,
    ) -> list[str]:
        """Look at a statement that is about to be sent, with what the engine knows.

        Raises `RefusedError` with its place in the statement.
        """

        def quietly(ask: Callable[[str], Any]) -> Callable[[str], Any]:
            def asked(name: str) -> Any:
                try:
                    return ask(name)
                except StreamMagicError:  # sending the statement will say so better
                    return None

            return asked

        context = Context(
            limits=self.limits,
            lives_on=lives_on,
            start=start,
            columns=quietly(engine.columns),
            setting=lambda name: settings.get(name) or quietly(engine.setting)(name),
        )
        return self._said(statement, context, asks=True)

    def _said(self, statement: Statement, context: Context, *, asks: bool) -> list[str]:
        said = []
        for rule, finding in checks.examine(statement, self.rules, context, asks=asks):
            if self.consequence(rule) == "refused":
                raise checks.refusal(rule, finding, statement)
            said.append(checks.line_of(rule, finding))
        return said


def checking(
    rules: tuple[Rule, ...], mode: str, limits: Limits, own: Mapping[str, str], *, production: bool
) -> Checking:
    """Return how a connection is checked: the configuration's limits, changed by those of its own."""
    if mode == "off" and not production:
        return Checking()
    changed: dict[str, Any] = {}
    for name, text in own.items():
        changed |= _limit(name, text)
    return Checking(rules=rules, limits=replace(limits, **changed), strict=production or mode == "strict")


def _limit(name: str, text: str) -> dict[str, Any]:
    if name == "blocked":
        return {
            "blocked": tuple(" ".join(words.upper().split()) for words in text.split(",") if words.strip())
        }
    if name not in ("length", "joins", "windows"):
        raise OptionError(f"There is no limit {name}.", hint="There are length, joins, windows and blocked.")
    if not text.isdecimal():
        raise OptionError(f"--limit {name}={text}: it is a whole number.")
    return {f"max_{name}": int(text)}
