"""Every setting, as a traitlet of ``StreamMagic``: ``%config StreamMagic.max_rows = 50``.

Addresses and credentials fall back to the environment, so that a notebook need not hold them:
``STREAMMAGIC_FLINK_GATEWAY``, ``STREAMMAGIC_FLINK_REST``, ``STREAMMAGIC_KSQLDB``, ``STREAMMAGIC_TOKEN``,
``STREAMMAGIC_USER``, ``STREAMMAGIC_PASSWORD``, ``STREAMMAGIC_CA_BUNDLE``, ``STREAMMAGIC_CLIENT_CERT``,
``STREAMMAGIC_CLIENT_KEY``.
"""

from __future__ import annotations

import os

from traitlets import Bool, CaselessStrEnum, Dict, Float, Int, List, Unicode
from traitlets.config import Configurable


class StreamMagic(Configurable):
    """Settings of streammagic. A changed address or credential counts from the next connection on."""

    mode = CaselessStrEnum(
        ("text", "batch", "live"),
        default_value=None,
        allow_none=True,
        help="How results are shown; None: chosen by what runs the cell.",
    ).tag(config=True)
    max_rows = Int(20, min=1, help="Rows that a table shows.").tag(config=True)
    patience = Float(
        2.0, min=0, help="Seconds that a live cell waits for a query's end before it hands the prompt back."
    ).tag(config=True)
    keep = Int(100_000, min=0, help="Changes that a query's log keeps, the newest ones.").tag(config=True)
    memory_budget = Int(
        2_000_000_000, min=1, help="Bytes that a query's table may take (estimated); then old rows go."
    ).tag(config=True)
    timeout = Float(
        None, allow_none=True, min=0, help="Seconds after which every query is ended; None: never."
    ).tag(config=True)

    checks = CaselessStrEnum(
        ("advise", "strict", "off"),
        default_value="advise",
        help="What is done about SQL beyond a limit: a line beside the result, a refusal, or nothing.",
    ).tag(config=True)
    max_length = Int(5_000, min=1, help="Characters of a statement, before its variables are put in.").tag(
        config=True
    )
    max_joins = Int(3, min=0, help="Joins of a statement.").tag(config=True)
    max_windows = Int(2, min=0, help="Windows of a statement.").tag(config=True)
    blocked = List(
        Unicode(),
        default_value=["CREATE CONNECTOR", "DROP CONNECTOR", "PRINT"],
        help="Statements that are beyond the limits, by their first words.",
    ).tag(config=True)

    flink_gateway = Unicode("", help="Address of Flink's SQL Gateway.").tag(config=True)
    flink_rest = Unicode("", help="Address of Flink's JobManager REST API.").tag(config=True)
    ksqldb = Unicode(
        "", help="Address of ksqlDB's server; of several nodes of one cluster, with commas between."
    ).tag(config=True)
    ksql_emit_changes = CaselessStrEnum(
        ("as typed", "add"),
        default_value="as typed",
        help="'add': a SELECT without EMIT is made a push query by EMIT CHANGES.",
    ).tag(config=True)
    ksql_properties = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Properties of every ksqlDB session, such as {'auto.offset.reset': 'earliest'}.",
    ).tag(config=True)
    ksql_init_sql = Unicode("", help="SET and DEFINE statements that begin every ksqlDB session.").tag(
        config=True
    )
    silence = Float(
        8.0, min=0, help="Seconds without a row after which a query is looked at for why; 0: never."
    ).tag(config=True)
    kafka_bootstrap = Unicode("", help="Address of Kafka's brokers; the embedded one's where empty.").tag(
        config=True
    )
    kafka_properties = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Settings of the Kafka client, such as {'security.protocol': 'SASL_SSL', …}.",
    ).tag(config=True)
    auto_kafka = Bool(
        False, help="Start the embedded Kafka when a table of it names no bootstrap servers."
    ).tag(config=True)
    schema_registry = Unicode("", help="Address of a schema registry.").tag(config=True)
    settle = Float(
        2.0, min=0, help="Seconds that a deployed job is watched after all its tasks run; 0: not at all."
    ).tag(config=True)
    verify = Bool(True, help="Check the certificates of TLS servers.").tag(config=True)
    ca_bundle = Unicode("", help="File with the CA certificates to trust.").tag(config=True)
    client_cert = Unicode("", help="File with the client certificate (and its key).").tag(config=True)
    client_key = Unicode("", help="File with the client certificate's key.").tag(config=True)
    user = Unicode("", help="User for basic authentication.").tag(config=True)
    password = Unicode("", help="Password for basic authentication.").tag(config=True)
    token = Unicode("", help="Bearer token.").tag(config=True)
    headers = Dict(key_trait=Unicode(), value_trait=Unicode(), help="Headers sent with every request.").tag(
        config=True
    )
    properties = Dict(
        key_trait=Unicode(), value_trait=Unicode(), help="Properties of every new session of Flink."
    ).tag(config=True)
    init_sql = Unicode("", help="SQL that runs in every new session of Flink.").tag(config=True)
    request_timeout = Float(30.0, min=0.1, help="Seconds that one request may take.").tag(config=True)
    operation_timeout = Float(
        60.0, min=0.1, help="Seconds until an engine must have accepted or refused a statement."
    ).tag(config=True)
    local = Dict(
        key_trait=Unicode(),
        help="Settings of the embedded Flink, such as {'taskmanager_mb': 512, 'slots': 32}; they count from "
        "its next start.",
    ).tag(config=True)

    def setting(self, name: str) -> str:
        """Return a textual setting: the traitlet, else ``STREAMMAGIC_<NAME>``, else ""."""
        return str(getattr(self, name, "")) or os.environ.get(f"STREAMMAGIC_{name.upper()}", "")
