"""A real Flink on this machine: started, shared by all of a person's kernels, stopped; and a Kafka beside it.

``start()`` joins or starts the cluster, ``status()`` finds it, ``stop()`` ends it, ``missing()`` names
what is not installed. ``start_kafka()``, ``kafka_bootstrap()`` and ``stop_kafka()`` do the same for a broker
of the cluster. A small supervisor process owns the JVMs (see ``supervisor``).
"""

from streammagic.local.client import Cluster, missing, start, status, stop
from streammagic.local.kafka_client import kafka_bootstrap, start_kafka, stop_kafka

__all__ = [
    "Cluster",
    "kafka_bootstrap",
    "missing",
    "start",
    "start_kafka",
    "status",
    "stop",
    "stop_kafka",
]
