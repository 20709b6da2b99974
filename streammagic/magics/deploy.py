"""``%stream deploy`` and what comes after: stop, savepoint, delete, attach, cleanup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from streammagic.engines.base import plugins
from streammagic.engines.jobs import SinkRequest
from streammagic.errors import OptionError, StreamMagicError
from streammagic.jobs.deploy import Deploying
from streammagic.jobs.launch import await_end
from streammagic.jobs.ledger import literal_secrets
from streammagic.jobs.life import Life
from streammagic.magics.options import add_sql_options, assignments, deployment_name, settle_seconds
from streammagic.magics.reading import read
from streammagic.results.handle import Handle
from streammagic.sql.statements import Kind, split
from streammagic.views.blocks import line_bundle, plan_bundle

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from streammagic.engines.base import Plugin, StreamEngine
    from streammagic.engines.jobs import Bundle, JobEngine
    from streammagic.jobs.launch import Office
    from streammagic.jobs.ledger import Run
    from streammagic.jobs.plan import Plan, State
    from streammagic.magics.desk import Desk, Verbs
    from streammagic.sql.dialect import Dialect
    from streammagic.sql.statements import Statement


_DEFAULT = "flink"
"""The engine of a deploy that names neither an engine nor a connection."""

_STARTS = frozenset({Kind.QUERY, Kind.INSERT, Kind.CREATE_AS, Kind.OTHER})
"""What must not stand before the statement to deploy: it starts a job, or begins a statement set."""


class DeployVerbs:
    """``deploy``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, verbs: Verbs) -> None:
        """Register the verb."""
        deploy = verbs.add(
            "deploy", "make the SQL in the cell a job that lives on under a name", self._deploy, body=True
        )
        add: Callable[..., Any] = deploy.add_argument
        add("name", metavar="NAME", type=deployment_name)
        add("--sql", metavar="HANDLE", help="the query of a handle instead of the cell's")
        add("--engine", choices=sorted(plugins()),
            help=f"by default that of --conn, else {_DEFAULT}")  # fmt: skip
        add("--conn", metavar="NAME", help="the connection to use")
        add("--sink", metavar="CONNECTOR", help="of a SELECT: kafka, filesystem, print or blackhole")
        add("--with", dest="sink_options", metavar="K=V", nargs="+", action="extend", default=[],
            help="options of the table made for a SELECT")  # fmt: skip
        add("--set", metavar="K=V", nargs="+", action="extend", default=[], help="settings of this job only")
        add("--from", dest="start", choices=["earliest", "latest"], help="where to start reading topics")
        add("--exactly-once", action="store_true", help="write to Kafka in transactions")
        add("--replace", "--yes", action="store_true", help="do what the plan for a changed query says")
        state = deploy.add_mutually_exclusive_group()
        state.add_argument("--keep-state", action="store_true", help="go on from the state all the same")
        state.add_argument("--drop-state", action="store_true", help="begin without the state")
        add("--resume", action="store_true", help="start the deployed version again from its last state")
        add("--dry-run", action="store_true", help="show the plan; only definitions in the cell are run")
        add("--wait", action="store_true", help="stay until it has ended by itself")
        add_sql_options(deploy)
        add("--settle", metavar="SECONDS", type=settle_seconds, help="watch it for so long (0: not at all)")

    def _deploy(self, options: argparse.Namespace) -> None:
        if options.resume:
            self._resume(options)
            return
        with self._desk.progress() as progress:
            plugin = self._plugin(options)
            statements = self._statements(options, plugin.dialect)
            checking = self._desk.connections.checking(plugin, options.conn, off=options.no_check)
            remarks = checking.before(statements, options.cell, lives_on=True)
            engine = self._desk.connections.engine(plugin, options.conn, progress.say)
            self._define(statements[:-1], options, engine)
            statement, located = statements[-1], not options.sql
            office = self._desk.office(engine.jobs, progress)
            settings = assignments(options.set)
            remarks.append(checking.beside(statement, engine, settings, lives_on=True))
            _refuse_wait(options, office)
            try:
                plan = self._plan(options, statement, office)
                run = None if options.dry_run else self._apply(options, plan, office)
                if options.wait and run is not None:
                    run = await_end(office, options.name, run)
            except StreamMagicError as error:
                engine.improve(error, statement)
                if located:
                    options.cell.locate(error, statement)
                raise
        advice = [line for lines in remarks for line in lines]
        if advice and plan.action != "unchanged":
            self._desk.show(line_bundle(*advice))
        self._tell(options, plan, run)
        self._say(office)

    def _say(self, office: Office) -> None:
        """Show the notes that were taken."""
        if office.notes:
            self._desk.show(line_bundle(*office.notes))

    def _plugin(self, options: argparse.Namespace) -> Plugin:
        """Return the engine to deploy on."""
        connections, known = self._desk.connections, plugins()
        by_connection = connections.targets().get(options.conn or "")
        if options.engine is not None:
            return known[options.engine]
        if by_connection is not None:
            return by_connection
        handle = self._desk.namespace.get(options.sql) if options.sql else None
        if isinstance(handle, Handle) and handle.magic in known:
            return known[handle.magic]
        there = [name for name, plugin in known.items() if connections.is_there(plugin, name)]
        if there and _DEFAULT not in there:
            raise OptionError(
                f"On which engine? {known[there[0]].title} is set, and no {known[_DEFAULT].title} runs.",
                hint=f"Write --engine {there[0]}, or --engine {_DEFAULT}.",
            )
        return known[_DEFAULT]

    def _statements(self, options: argparse.Namespace, dialect: Dialect) -> list[Statement]:
        """Return the statements of the cell, or the one of a handle: the last is to be deployed."""
        if options.sql:
            if (options.body or "").strip():
                raise OptionError("--sql takes the query of a handle; this cell has SQL of its own.")
            handle = self._desk.namespace.get(options.sql)
            if not isinstance(handle, Handle):
                raise OptionError(
                    f"{options.sql} is no handle.", hint="%%flink -o NAME binds a query to one."
                )
            return split(handle.sql, dialect)[:1]
        statements: list[Statement] = []
        if options.body is not None:
            ask = self._desk.mode() != "batch"
            read(options.cell, dialect, self._desk.namespace, jinja=options.jinja, ask=ask)
            statements = split(options.cell.sql, dialect)
        if not statements:
            raise OptionError(
                "There is no SQL to deploy.",
                hint=f"%%stream deploy {options.name} stands on the first line, the SQL below it; or name a "
                "handle with --sql.",
            )
        for statement in statements[:-1]:
            if statement.kind in _STARTS and not statement.writes_values:
                error = OptionError(
                    f"Only the last statement becomes the job, and {statement.title} starts one too.",
                    hint=dialect.together,
                )
                error.line, error.column = 1, 1
                options.cell.locate(error, statement)
                raise error
        return statements

    def _define(self, statements: list[Statement], options: argparse.Namespace, engine: StreamEngine) -> None:
        """Run what stands before the statement that is deployed."""
        for statement in statements:
            try:
                self._desk.run(engine, [statement])
            except StreamMagicError as error:
                engine.improve(error, statement)
                options.cell.locate(error, statement)
                raise

    def _plan(self, options: argparse.Namespace, statement: Statement, office: Office) -> Plan:
        sink = SinkRequest(
            connector=options.sink,
            options=assignments(options.sink_options, "--with"),
            exactly_once=options.exactly_once,
        )
        bundle = office.engine.bundle(statement, _settings(options, office.engine), sink)
        _refuse_literal_secrets(bundle)
        return Deploying(office).plan(options.name, bundle, check=options.dry_run)

    def _apply(self, options: argparse.Namespace, plan: Plan, office: Office) -> Run | None:
        consent = options.replace or (plan.action == "resume" and options.drop_state)
        if plan.needs_consent and not consent:
            self._desk.show(plan_bundle("\n".join(plan.lines())))
            raise _asked_for(plan)
        state: State | None = "keep" if options.keep_state else "drop" if options.drop_state else None
        settle = self._desk.config.settle if options.settle is None else options.settle
        return Deploying(office).apply(plan, state=state, settle=settle)

    def _tell(self, options: argparse.Namespace, plan: Plan, run: Run | None) -> None:
        if options.dry_run or run is None:
            self._desk.show(plan_bundle("\n".join(plan.lines())))
            return
        state = "accepted" if options.settle == 0 and not run.ended else run.state
        line = f"{options.name}: {state} (version {self._ordinal(run)})"
        ddl = plan.bundle.table_ddl
        if ddl:
            if self._desk.mode() == "batch" and not options.sink_options:  # the path of this machine's home
                ddl = re.sub("'path' = 'file:[^']*'", "'path' = '…'", ddl)
            self._desk.show(plan_bundle(ddl, line))
        else:
            self._desk.show(line_bundle(line))

    def _resume(self, options: argparse.Namespace) -> None:
        changes = any((options.set, options.sink, options.sink_options, options.exactly_once, options.start))
        if (options.body or "").strip() or options.sql or changes or options.keep_state:
            raise OptionError(
                "--resume starts the version that was deployed, as it was; it takes no SQL and no settings.",
                hint="Without --resume the cell's SQL is compared with it, and goes on from its state.",
            )
        with self._desk.progress() as progress:
            engine, found = self._desk.deployment(options.name, options.conn)
            if options.dry_run:
                self._desk.show(line_bundle(Life(self._desk.office(engine, progress)).preview(found.name)))
                return
            settle = self._desk.config.settle if options.settle is None else options.settle
            office = self._desk.office(engine, progress)
            _refuse_wait(options, office)
            run = Life(office).resume(found.name, drop_state=options.drop_state, settle=settle)
            if options.wait and run is not None:
                run = await_end(office, found.name, run)
        if run is None:
            self._desk.show(line_bundle(f"{options.name}: runs already"))
            return
        source = "without state" if run.restored is None else engine.words.from_last
        self._desk.show(line_bundle(f"{options.name}: {run.state} (version {self._ordinal(run)}, {source})"))
        self._say(office)

    def _ordinal(self, run: Run) -> int:
        found = self._desk.ledger().by_job(run.job_id)
        return run.version if found is None else found.ordinal(run.version)


def _asked_for(plan: Plan) -> OptionError:
    if plan.action == "resume":
        return OptionError(
            f"{plan.name} is {plan.state}; nothing was changed.",
            hint=f"%stream deploy {plan.name} --resume starts it from its last state, --drop-state without."
            if plan.restore is not None
            else f"%stream deploy {plan.name} --resume --drop-state starts it, {plan.words.without}.",
        )
    return OptionError(
        f"{plan.name} is deployed with another query; nothing was changed.",
        hint="--replace --drop-state begins anew with this query."
        if plan.comparison is not None and plan.comparison.verdict == "refused"
        else "--replace does what the plan says, --dry-run shows it only.",
    )


def _refuse_wait(options: argparse.Namespace, office: Office) -> None:
    if options.wait and not office.engine.jobs_end:
        raise OptionError("--wait is for jobs that end by themselves, and none does on this engine.")


def _settings(options: argparse.Namespace, engine: JobEngine) -> dict[str, str]:
    """Return the settings of a job, of which --from is one where the engine has it."""
    settings = assignments(options.set)
    if options.start is None:
        return settings
    if not engine.start_setting:
        raise OptionError(
            "--from is for engines whose queries choose where to start; this one's tables do.",
            hint="Set it in the options of the table that is read.",
        )
    return settings | {engine.start_setting: options.start}


def _refuse_literal_secrets(bundle: Bundle) -> None:
    names = literal_secrets(bundle)
    if names:
        raise OptionError(
            f"The definitions hold a secret as plain text ({', '.join(names)}), and a deployment is kept.",
            hint='Write {{ secret("NAME") }} in its place, and set NAME in the environment or the keyring.',
        )
