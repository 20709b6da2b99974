"""Named connections to engines, opened when first used, and everything that runs on them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from streammagic.engines.base import Settings, plugins
from streammagic.errors import ConnectionFailedError, LocalEngineError, OptionError, StreamMagicError
from streammagic.leases import Lease, leases
from streammagic.magics.reading import Checking, checking
from streammagic.sql import checks
from streammagic.sql.checks import Limits
from streammagic.sql.secrets import secret
from streammagic.sql.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streammagic.config import StreamMagic
    from streammagic.engines.base import Plugin, StreamEngine


@dataclass(frozen=True, slots=True)
class Target:
    """A connection that was named: which engine, and what differs from the configuration.

    What is beyond ``limits``, or the configuration's, is refused where it is for ``production``.
    """

    plugin: Plugin
    urls: Mapping[str, str]
    limits: Mapping[str, str] = field(default_factory=dict)
    production: bool = False


class Connections:
    """The connections of one notebook. The connection of a magic's own name needs no introduction."""

    def __init__(self, config: StreamMagic) -> None:
        self._config = config
        self._targets: dict[str, Target] = {}
        self._engines: dict[str, StreamEngine] = {}
        self._embedded: dict[str, Mapping[str, str]] = {}
        self._opened: dict[str, Mapping[str, str]] = {}
        self.started: Callable[[StreamEngine], None] = lambda _: None
        """Called with the engine of an embedded cluster that was just started."""

    def name(self, name: str, target: Target) -> None:
        """Introduce a connection, or change one; it is opened when first used.

        Raises `OptionError` for a limit that can't be.
        """
        checking((), "advise", Limits(), target.limits, production=False)
        self._close(name)
        self._targets[name] = target

    def checking(self, plugin: Plugin, name: str | None, *, off: bool) -> Checking:
        """Return how statements for a connection are checked; ``off``: not at all."""
        if off:
            return Checking()
        target = self._targets.get(name or plugin.magic)
        config = self._config
        limits = Limits(
            max_length=config.max_length,
            max_joins=config.max_joins,
            max_windows=config.max_windows,
            blocked=tuple(" ".join(words.upper().split()) for words in config.blocked),
        )
        return checking(
            checks.rules_for(plugin.magic, plugin.dialect.rules),
            config.checks,
            limits,
            {} if target is None else target.limits,
            production=target is not None and target.production,
        )

    def forget(self, name: str) -> None:
        """Make an introduction undone."""
        self._close(name)
        self._targets.pop(name, None)

    def known(self) -> dict[str, str]:
        """Return the connections by name, with "open" or "not open"."""
        names = dict.fromkeys([*plugins(), *self._targets])
        return {name: "open" if name in self._engines else "not open" for name in names}

    def targets(self) -> dict[str, Plugin]:
        """Return which engine each connection leads to, by its name."""
        return plugins() | {name: target.plugin for name, target in self._targets.items()}

    def plugin(self, name: str) -> Plugin:
        """Return which engine a connection leads to. Raises `OptionError` for an unknown name."""
        found = self.targets().get(name)
        if found is None:
            raise OptionError(
                f"There is no connection {name!r}.",
                hint=f"%stream connect {name} … makes it. Known: {', '.join(self.known())}.",
            )
        return found

    def is_there(self, plugin: Plugin, name: str) -> bool:
        """Tell whether a connection can be used without starting an engine for it."""
        if name in self._engines and not self._has_moved(plugin, name):
            return True
        target, role = self._targets.get(name), plugin.main
        if (target is not None and target.urls.get(role)) or self._config.setting(plugin.addresses[role]):
            return True
        from streammagic import local

        return plugin.embedded and local.status() is not None

    def kafka(self) -> str:
        """Return the address of Kafka's brokers: as configured, else of the embedded broker.

        Raises `OptionError` where there is neither.
        """
        address = self._config.setting("kafka_bootstrap")
        if address:
            return address
        from streammagic import local

        if self._config.auto_kafka:
            return local.start_kafka(lambda _: None, **self._config.local)
        try:
            return local.kafka_bootstrap()
        except LocalEngineError:
            raise OptionError(
                "There is no Kafka to talk to: no address is set, and the embedded one does not run.",
                hint="%stream local start kafka starts it; or set STREAMMAGIC_KAFKA_BOOTSTRAP.",
            ) from None

    def kafka_if_there(self) -> str | None:
        """Return the address of Kafka's brokers, as `kafka` does, but start none for it."""
        from streammagic import local

        try:
            return self._config.setting("kafka_bootstrap") or local.kafka_bootstrap()
        except LocalEngineError:
            return None

    def engine(self, plugin: Plugin, name: str | None, progress: Callable[[str], None]) -> StreamEngine:
        """Return the engine behind a connection, opening it first where needed.

        Raises `OptionError` for an unknown name, `ConnectionFailedError` where nothing can be reached,
        and `LocalEngineError` where the embedded engine does not start.
        """
        key = name or plugin.magic
        self.plugin(key)
        target = self._targets.get(key)
        if target is not None and target.plugin.magic != plugin.magic:
            raise OptionError(f"{key!r} is a connection to {target.plugin.title}, not to {plugin.title}.")
        before = self._engines[key] if self._has_moved(plugin, key) else None
        if before is not None or key not in self._engines:
            urls, is_new = self._urls(plugin, key, progress)
            self._opened[key] = urls
            self._engines[key] = plugin.connect(self._settings(plugin, urls), Lease.open())
            if before is not None:
                self._engines[key].succeed(before)
                threading.Thread(target=before.close, name="streammagic-close", daemon=True).start()
            _clean_up_after_the_dead(self._engines[key])
            if is_new:
                self.started(self._engines[key])
        return self._engines[key]

    def open_engine(self, plugin: Plugin, name: str | None) -> StreamEngine | None:
        """Return the engine behind a connection that is open, else None; nothing is opened for it."""
        key = name or plugin.magic
        return self._engines.get(key) if self.targets().get(key) is plugin else None

    def close(self) -> None:
        """Close all engines; named connections stay known."""
        for name in list(self._engines):
            self._close(name)

    def _close(self, name: str) -> None:
        engine = self._engines.pop(name, None)
        self._embedded.pop(name, None)
        self._opened.pop(name, None)
        if engine is not None:
            engine.close()

    def _configured(self, plugin: Plugin, key: str) -> dict[str, str]:
        """Return the addresses of a connection that somebody has set."""
        target = self._targets.get(key)
        given: Mapping[str, str] = {} if target is None else target.urls
        roles = {
            role: given.get(role) or self._config.setting(setting)
            for role, setting in plugin.addresses.items()
        }
        return {role: url for role, url in roles.items() if url}

    def _urls(self, plugin: Plugin, key: str, progress: Callable[[str], None]) -> tuple[dict[str, str], bool]:
        """Return the addresses of an engine, and whether it was started for that."""
        urls = self._configured(plugin, key)
        if plugin.main in urls:
            self._embedded.pop(key, None)
            return urls, False
        if not plugin.embedded:
            raise _no_address(plugin, "")
        from streammagic import local

        runs = local.status() is not None
        if not runs and (missing := local.missing()):
            raise _no_address(plugin, f" (missing here: {', '.join(missing)})")
        cluster = local.start(progress, **self._config.local)
        self._embedded[plugin.magic] = {role: str(getattr(cluster, role)) for role in plugin.addresses}
        return dict(self._embedded[plugin.magic]), not runs

    def _has_moved(self, plugin: Plugin, key: str) -> bool:
        """Tell whether a connection leads elsewhere now.

        Another address was set, or the embedded engine behind it is gone or runs at other addresses.
        """
        if key not in self._engines:
            return False
        configured = self._configured(plugin, key)
        if plugin.main in configured:
            return configured != self._opened[key]
        if key != plugin.magic or plugin.magic not in self._embedded:
            return False
        from streammagic import local

        cluster, known = local.status(), self._embedded[plugin.magic]
        return cluster is None or known != {role: str(getattr(cluster, role)) for role in plugin.addresses}

    def _settings(self, plugin: Plugin, urls: Mapping[str, str]) -> Settings:
        config = self._config
        user, certificate, key = (
            config.setting("user"),
            config.setting("client_cert"),
            config.setting("client_key"),
        )
        return Settings(
            urls=urls,
            verify=(config.setting("ca_bundle") or True) if config.verify else False,
            cert=(certificate, key) if key else certificate or None,
            auth=(user, config.setting("password")) if user else None,
            token=config.setting("token") or None,
            headers=config.headers,
            properties=getattr(config, f"{plugin.magic}_properties", config.properties),
            init_sql=getattr(config, f"{plugin.magic}_init_sql", config.init_sql),
            request_timeout=config.request_timeout,
            operation_timeout=config.operation_timeout,
            data=_embedded_data(urls) if plugin.embedded else None,
            auto_kafka=lambda: config.auto_kafka,
            own=lambda name: config.setting(f"{plugin.magic}_{name}"),
            variables=Variables(
                {"kafka": lambda _: self.kafka(), "secret": secret, "jar": _jar}, plugin.dialect.lexer
            ),
        )


def _embedded_data(urls: Mapping[str, str]) -> Path | None:
    """Return the directory of this person's embedded engine, where that is what the addresses lead to."""
    from streammagic import local

    cluster = local.status()
    if cluster is None or cluster.rest not in urls.values():
        return None
    return Path(cluster.log_dir).parent


def _jar(coordinate: str) -> str:
    from streammagic.local import jars

    found = jars.add(coordinate, lambda _: None)
    if not found:
        raise OptionError(
            f"{coordinate} needs no ADD JAR: Flink has it on its class path.", hint="Leave the statement out."
        )
    return str(found[0])


def _clean_up_after_the_dead(engine: StreamEngine) -> None:
    """End what killed processes left on this engine. The local supervisor does so at once; others can't."""
    for record in leases():
        if record.alive:
            continue
        try:
            gone = [engine.clean(*held) for held in record.held]
        except StreamMagicError:
            continue  # it stays for the next connection
        if all(gone):
            record.path.unlink(missing_ok=True)


def _no_address(plugin: Plugin, why: str) -> ConnectionFailedError:
    setting = plugin.addresses[plugin.main]
    way = f"point at one, %config StreamMagic.{setting} = 'http://…' or the environment variable "
    way += f"STREAMMAGIC_{setting.upper()}."
    own = "install the extra that brings one along, pip install 'streammagic[local]'" + why + "; or "
    return ConnectionFailedError(
        f"No {plugin.title} to talk to: no address is set.",
        engine=plugin.title,
        hint=f"Two ways on: {own}{way}" if plugin.embedded else f"{way[0].upper()}{way[1:]}",
    )
