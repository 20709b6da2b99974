"""The Kafka library, confluent-kafka: imported when first used, kept quiet, its failures made ours.

librdkafka logs to stderr, and tells why a connection failed to a callback only. Both are caught here:
`Journal` keeps the reasons, so that the error a person sees names the cause.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from streammagic.errors import ConnectionFailedError, OptionError, StreamMagicError
from streammagic.sql.secrets import mask, remember

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confluent_kafka import KafkaError, KafkaException

ANSWER_SECONDS = 5.0
"""Seconds that a broker has for one answer."""

_SECRET_WORDS = ("password", "secret", "jaas", "token", "key.pem", "client_secret", "oauthbearer.config")
_NETWORK = frozenset(
    {
        "_TRANSPORT",
        "_ALL_BROKERS_DOWN",
        "_RESOLVE",
        "_TIMED_OUT",
        "_TIMED_OUT_QUEUE",
        "_MSG_TIMED_OUT",
        "REQUEST_TIMED_OUT",
    }
)
_CREDENTIALS = frozenset(
    {"_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "_SSL", "UNSUPPORTED_SASL_MECHANISM"}
)
_INSTALL = "pip install 'streammagic[kafka]'"

_log = logging.getLogger("streammagic.topics.librdkafka")
_log.propagate = False
_log.addHandler(logging.NullHandler())


def library() -> Any:
    """Return the library's module for administration. Raises `StreamMagicError` with how to install it."""
    try:
        from confluent_kafka import admin
    except ImportError as error:
        raise StreamMagicError(
            "Kafka topics need the package confluent-kafka, which is not installed.",
            cause=str(error),
            hint=_INSTALL,
        ) from None
    return admin


class Journal:
    """What the library reported of its connections, newest last; the callback is called by its polls."""

    def __init__(self) -> None:
        self._reasons: list[tuple[str, str]] = []

    def note(self, error: KafkaError) -> None:
        """Keep one report."""
        if error.name() != "_ALL_BROKERS_DOWN":  # true, and says nothing
            self._reasons.append((error.name(), error.str()))

    @property
    def reason(self) -> str:
        """Why it does not work, in the library's words; "" if it said nothing. Secrets are masked."""
        return mask(self._reasons[-1][1]) if self._reasons else ""

    @property
    def was_refused(self) -> bool:
        """Whether a server was there and did not accept the credentials or the certificate."""
        return any(name in _CREDENTIALS for name, _ in self._reasons)


def client_settings(bootstrap: str, properties: Mapping[str, str], journal: Journal) -> dict[str, Any]:
    """Return the configuration that every client shares; ``properties`` win over our defaults.

    Names are those of librdkafka's CONFIGURATION.md.
    """
    return {
        "client.id": "streammagic",
        "socket.connection.setup.timeout.ms": int(ANSWER_SECONDS * 1000),
        "reconnect.backoff.max.ms": 1000,
        "log.connection.close": False,
        "enable.metrics.push": False,
        **properties,
        "bootstrap.servers": bootstrap,
        "error_cb": journal.note,
        "logger": _log,
    }


def keep_secret(properties: Mapping[str, str]) -> None:
    """Mask the values of secret properties from now on, wherever they appear."""
    for name, value in properties.items():
        if any(word in name for word in _SECRET_WORDS):
            remember(str(value))


def failure(
    error: KafkaException | KafkaError, what: str, bootstrap: str, journal: Journal
) -> StreamMagicError:
    """Return the error to raise for what the library failed with; ``what`` is a sentence without its end."""
    found: Any = error if hasattr(error, "name") else error.args[0]
    name, words = found.name(), mask(found.str())
    reason = journal.reason
    if journal.was_refused or name in _CREDENTIALS:
        return ConnectionFailedError(
            f"Kafka at {bootstrap} did not accept the connection.",
            cause=reason or words,
            hint="Check StreamMagic.kafka_properties: security.protocol, and the sasl.* and ssl.* settings.",
        )
    if name in _NETWORK:
        return unreachable(bootstrap, reason or words)
    if name.endswith("_AUTHORIZATION_FAILED"):
        hint = "The user of StreamMagic.kafka_properties lacks the right; the cluster's owner grants it."
        return StreamMagicError(f"{what}: Kafka does not allow it.", cause=words, hint=hint)
    if name == "_INVALID_ARG":
        return OptionError(f"{what}: a Kafka setting is wrong.", cause=words, hint=_SETTINGS_HINT)
    return StreamMagicError(f"{what}: {words.rstrip('.')}.", cause=name)


_SETTINGS_HINT = "StreamMagic.kafka_properties takes librdkafka's settings, such as security.protocol."


def unreachable(bootstrap: str, reason: str) -> ConnectionFailedError:
    """Return the error for brokers that gave no answer."""
    return ConnectionFailedError(
        f"Kafka at {bootstrap} can't be reached.",
        cause=reason or None,
        hint="Is it running, and is this the address that it is known by from here (host:port, several with "
        "commas)? It is StreamMagic.kafka_bootstrap, or STREAMMAGIC_KAFKA_BOOTSTRAP.",
    )
