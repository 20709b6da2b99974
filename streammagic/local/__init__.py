"""A real Flink on this machine: started, shared by all of a person's kernels, stopped.

``start()`` joins or starts the cluster, ``status()`` finds it, ``stop()`` ends it, ``missing()`` names
what is not installed. A small supervisor process owns the three JVMs (see ``supervisor``).
"""

from streammagic.local.client import Cluster, missing, start, status, stop

__all__ = ["Cluster", "missing", "start", "status", "stop"]
