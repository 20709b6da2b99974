"""What a person may change about the embedded cluster, with defaults that were chosen by measurement."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, fields
from typing import Any

from streammagic.errors import LocalEngineError

TITLE = "Flink"  # the engine's name in errors


@dataclass(frozen=True)
class Settings:
    """Settings of one cluster; sizes are megabytes (2**20 bytes).

    - ``rest_port``, ``gateway_port``: taken where free, else a free port is chosen.
    - ``jobmanager_mb``, ``taskmanager_mb``, ``gateway_mb``: Java heaps (-Xmx).
    - ``managed_mb``: off-heap memory of batch operators and RocksDB, split over the slots; it is
      allocated when an operator asks, so a large value costs nothing until then.
    - ``network_mb``: buffers between operators, allocated at the start.
    - ``slots``: how many parallel pipelines may run at once (a query takes one).
    - ``kafka_port``, ``kafka_mb``: the broker's port, as above, and its Java heap, where one is asked for.
    - ``idle_minutes``: the cluster ends by itself after so long without a job, a session, or a client that
      is connected to its gateway or its Kafka.
    - ``java``: a Java 17 or 21 executable; found by itself where None.
    """

    rest_port: int = 8081
    gateway_port: int = 8083
    jobmanager_mb: int = 192
    taskmanager_mb: int = 320
    gateway_mb: int = 256
    managed_mb: int = 2048
    network_mb: int = 48
    slots: int = 64
    kafka_port: int = 9092
    kafka_mb: int = 160
    idle_minutes: float = 30.0
    java: str | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> Settings:
        """Make settings of keyword arguments.

        Raises:
            LocalEngineError: an unknown name, or a value that is not a positive number.

        """
        names = [field.name for field in fields(cls)]
        for name, value in given.items():
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                raise LocalEngineError(
                    f"The local Flink has no setting {name!r}.",
                    engine=TITLE,
                    hint=f"Did you mean {near[0]}?" if near else f"It has: {', '.join(names)}.",
                )
            if name != "java" and (not isinstance(value, int | float) or value <= 0):
                raise LocalEngineError(
                    f"The setting {name} of the local Flink must be a positive number, not {value!r}.",
                    engine=TITLE,
                )
        return cls(**given)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready values."""
        return asdict(self)
